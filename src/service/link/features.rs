//! Forwarding and do not disturb: set, then read back, because phone, router and CTI may all set them (dossier 9.7).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Reply;
use super::commands::Told;
use super::faults::{not_sent, refused_command};
use super::services::{Purpose, answer, told};
use super::task::LinkTask;
use crate::csta::exchange::{Answer, Outcome, Refusal};
use crate::csta::{ForwardListItem, ForwardingType, Request, Response, Service};
use crate::domain::call_table::SeatId;
use crate::domain::{CommandId, Line, LineAction, LineId, RandomIds};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::{Caller, Setting};
use crate::service::pbx::ForwardingKind;

/// How long after its answer a change of the line still is what a wish did (dossier 15e, `service.no_event`).
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a wish may wait for its answer.
const OPEN: Duration = Duration::from_secs(60);

/// Who wants a change, as its events tell.
#[derive(Debug, Clone)]
pub(super) struct By {
    pub(super) command: CommandId,
    pub(super) actor: Arc<str>,
    action: LineAction,
    line: LineId,
}

/// A wish about a feature of a line.
pub(super) struct Wish<T> {
    /// What was asked for, and by whom; `None` only reads.
    wanted: Option<(T, By)>,
    /// The PBX has agreed: it is read back now.
    is_set: bool,
    reply: Reply<Setting<T>>,
}

/// A feature with the wish about it.
pub(super) enum Feature {
    Forwarding {
        wish: Wish<Option<String>>,
        /// The types that are still to be set, the next one last.
        types: Vec<ForwardingType>,
    },
    DoNotDisturb(Wish<bool>),
}

/// What a line shows when a wish has been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Of this address, whether it has a target.
    Forwarding(u8, bool),
    DoNotDisturb(bool),
}

/// A change of a line that is to be expected, and who causes it.
#[derive(Debug)]
struct Cause {
    line: LineId,
    shown: Shown,
    by: By,
    until: Instant,
}

/// Wishes that the PBX has not answered.
#[derive(Default)]
pub(super) struct Features {
    next: u64,
    open: HashMap<u64, Feature>,
    causes: Vec<Cause>,
}

impl Features {
    /// Who made a line change so, by which command.
    pub(super) fn cause_of(&mut self, now: Instant, line: &Line, changed: &[&'static str]) -> Option<By> {
        self.causes.retain(|cause| now <= cause.until);
        let is_it = |cause: &Cause| {
            cause.line == line.id
                && match cause.shown {
                    Shown::DoNotDisturb(on) => changed.contains(&"do_not_disturb") && line.do_not_disturb == on,
                    Shown::Forwarding(address, on) => {
                        let mut addresses = line.addresses.iter();
                        let found = addresses.find(|found| found.index == address);
                        changed.iter().any(|field| ["forwarding", "addresses"].contains(field))
                            && found.is_some_and(|found| found.forwarding.unconditional.is_some() == on)
                    }
                }
        };
        let at = self.causes.iter().position(is_it)?;
        Some(self.causes.remove(at).by)
    }

    /// The PBX agreed to a wish: what comes of it comes soon.
    fn expect_soon(&mut self, now: Instant, by: &By) {
        for cause in self.causes.iter_mut().filter(|cause| cause.by.command == by.command) {
            cause.until = now + PATIENCE;
        }
    }

    fn expect_nothing(&mut self, by: &By) {
        self.causes.retain(|cause| cause.by.command != by.command);
    }
}

impl LinkTask {
    fn feature(&mut self, seat: SeatId, feature: Feature) {
        self.features.next += 1;
        let number = self.features.next;
        let Some(device) = self.seats.get(&seat).map(|seat| self.device_of(seat)) else { return };
        let request = match &feature {
            Feature::Forwarding { wish: Wish { wanted: Some((target, _)), is_set: false, .. }, types } => {
                Request::SetForwarding {
                    device,
                    forwarding_type: types.last().cloned(),
                    activate: target.is_some(),
                    forward_dn: target.as_deref().map(|target| self.called(target)),
                    ring_count: None,
                }
            }
            Feature::Forwarding { .. } => Request::GetForwarding { device },
            Feature::DoNotDisturb(Wish { wanted: Some((on, _)), is_set: false, .. }) => {
                Request::SetDoNotDisturb { device, on: *on }
            }
            Feature::DoNotDisturb(_) => Request::GetDoNotDisturb { device },
        };
        self.features.open.insert(number, feature);
        self.submit(seat, request, Purpose::Feature(number));
    }

    /// Reads or sets the unconditional forwarding of an address.
    pub(super) fn forwarding(
        &mut self,
        line: &LineId,
        address: u8,
        caller: &Caller,
        set: Option<Option<String>>,
        reply: Reply<Setting<Option<String>>>,
    ) {
        let planned = self.seat_for(line, address).and_then(|seat| {
            let wanted = match set {
                None => None,
                Some(None) => Some(None),
                Some(Some(text)) => {
                    Some(Some(self.dials(Some(&text)).map_err(|error| rename_field(error, "/unconditional"))?))
                }
            };
            Ok((seat, wanted))
        });
        match planned {
            Ok((seat, None)) if !self.report.may_use(Service::GetForwarding) => {
                let known = self.known_forwarding(line, seat);
                let _ = reply.send(Ok(Setting::read(known)));
            }
            Ok((seat, wanted)) => {
                let types = self.unconditional_types().rev().collect();
                let wanted = wanted.map(|target| {
                    let shown = Shown::Forwarding(address, target.is_some());
                    let by = self.expect(std::slice::from_ref(line), line, caller, LineAction::Forward, shown);
                    (target, by)
                });
                self.feature(seat, Feature::Forwarding { wish: Wish { wanted, is_set: false, reply }, types });
            }
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    /// Reads or sets do not disturb of a line's phone.
    pub(super) fn do_not_disturb(
        &mut self,
        line: &LineId,
        caller: &Caller,
        set: Option<bool>,
        reply: Reply<Setting<bool>>,
    ) {
        let without_phone = self.lines.get(line).and_then(|entry| self.without_phone(entry));
        match self.seat_for(line, 0) {
            Ok(_) if set.is_none() && (without_phone.is_some() || !self.report.may_use(Service::GetDoNotDisturb)) => {
                let known = self.lines.get(line).is_some_and(|entry| entry.do_not_disturb);
                let _ = reply.send(Ok(Setting::read(known)));
            }
            Ok(seat) if without_phone.is_none() => {
                let lines = self.lines_of_phone(line);
                let wanted = set.map(|on| {
                    (on, self.expect(&lines, line, caller, LineAction::DoNotDisturb, Shown::DoNotDisturb(on)))
                });
                self.feature(seat, Feature::DoNotDisturb(Wish { wanted, is_set: false, reply }));
            }
            refused => {
                let error = refused.err().or(without_phone).unwrap_or_else(|| ServiceError::not_found("line"));
                let _ = reply.send(Err(error));
            }
        }
    }

    /// A wish is a command: what these lines show because of it carries its id.
    fn expect(&mut self, lines: &[LineId], line: &LineId, caller: &Caller, action: LineAction, shown: Shown) -> By {
        let by = By {
            command: CommandId::new(&mut RandomIds),
            actor: caller.name.as_str().into(),
            action,
            line: line.clone(),
        };
        let until = self.now() + OPEN;
        self.features.causes.extend(lines.iter().map(|line| Cause {
            line: line.clone(),
            shown,
            by: by.clone(),
            until,
        }));
        by
    }

    /// The types that make up the unconditional forwarding (U-23).
    fn unconditional_types(&self) -> impl DoubleEndedIterator<Item = ForwardingType> {
        self.dialect.forwarding.types.iter().map(|kind| match kind {
            ForwardingKind::Immediate => ForwardingType::ForwardImmediate,
            ForwardingKind::ImmediateInternal => ForwardingType::ForwardImmInt,
            ForwardingKind::ImmediateExternal => ForwardingType::ForwardImmExt,
        })
    }

    pub(super) fn is_unconditional(&self, kind: &ForwardingType) -> bool {
        self.unconditional_types().any(|own| own == *kind)
    }

    /// Where all calls go, by a list of settings.
    pub(super) fn unconditional(&self, list: &[ForwardListItem<'_>]) -> Option<String> {
        list.iter()
            .find(|item| {
                item.forward_status == Some(true)
                    && item.forwarding_type.as_ref().is_none_or(|kind| self.is_unconditional(kind))
            })
            .and_then(|item| item.forward_dn.as_ref())
            .map(|device| device.number.to_string())
    }

    fn known_forwarding(&self, line: &LineId, seat: SeatId) -> Option<String> {
        let address = self.seats.get(&seat)?.address;
        self.lines.get(line)?.forward_all.get(&address).cloned()
    }

    /// The PBX answered a wish.
    pub(super) fn on_feature_done(&mut self, seat: SeatId, number: u64, outcome: &Outcome) {
        match self.features.open.remove(&number) {
            Some(Feature::Forwarding { wish, types }) => self.on_forwarding_answer(seat, wish, types, Some(outcome)),
            Some(Feature::DoNotDisturb(wish)) => self.on_do_not_disturb_answer(seat, wish, Some(outcome)),
            None => {}
        }
    }

    /// A wish whose session went away.
    pub(super) fn on_feature_lost(&mut self, seat: SeatId, number: u64) {
        match self.features.open.remove(&number) {
            Some(Feature::Forwarding { wish, types }) => self.on_forwarding_answer(seat, wish, types, None),
            Some(Feature::DoNotDisturb(wish)) => self.on_do_not_disturb_answer(seat, wish, None),
            None => {}
        }
    }

    fn on_forwarding_answer(
        &mut self,
        seat: SeatId,
        mut wish: Wish<Option<String>>,
        mut types: Vec<ForwardingType>,
        outcome: Option<&Outcome>,
    ) {
        let service = if wish.sets() { Service::SetForwarding } else { Service::GetForwarding };
        let said = self.hear(service, outcome);
        match said {
            // Set, and another type is to follow (U-23).
            Some(_) if wish.sets() && types.len() > 1 => {
                types.pop();
                self.feature(seat, Feature::Forwarding { wish, types });
            }
            // Set: the PBX's own word follows.
            Some(_) if wish.sets() && self.report.may_use(Service::GetForwarding) => {
                self.agreed(&mut wish);
                self.feature(seat, Feature::Forwarding { wish, types });
            }
            Some(Some(Response::Forwarding(list))) if !wish.sets() => {
                let target = self.unconditional(&list);
                self.set_forwarding(seat, target.clone());
                self.answer_feature(wish, target, |wanted, is| same_target(wanted.as_deref(), is.as_deref()));
            }
            said => match wish.wanted.clone() {
                // Set, and not read back: what was agreed to is what is.
                Some((target, _)) if wish.is_set || said.is_some() => {
                    self.agreed(&mut wish);
                    self.set_forwarding(seat, target.clone());
                    self.answer_feature(wish, target, |_, _| true);
                }
                _ => self.refuse_feature(wish, outcome, "change the forwarding"),
            },
        }
    }

    fn on_do_not_disturb_answer(&mut self, seat: SeatId, mut wish: Wish<bool>, outcome: Option<&Outcome>) {
        let service = if wish.sets() { Service::SetDoNotDisturb } else { Service::GetDoNotDisturb };
        let said = self.hear(service, outcome);
        match said {
            Some(_) if wish.sets() && self.report.may_use(Service::GetDoNotDisturb) => {
                self.agreed(&mut wish);
                self.feature(seat, Feature::DoNotDisturb(wish));
            }
            Some(Some(Response::DoNotDisturb(Some(on)))) if !wish.sets() => {
                self.set_do_not_disturb(seat, on);
                self.answer_feature(wish, on, |wanted, is| wanted == is);
            }
            said => match wish.wanted.clone() {
                Some((on, _)) if wish.is_set || said.is_some() => {
                    self.agreed(&mut wish);
                    self.set_do_not_disturb(seat, on);
                    self.answer_feature(wish, on, |_, _| true);
                }
                _ => self.refuse_feature(wish, outcome, "change do not disturb"),
            },
        }
    }

    /// The positive answer to a service of a wish.
    fn hear<'a>(&mut self, service: Service, outcome: Option<&'a Outcome>) -> Option<Option<Response<'a>>> {
        let outcome = outcome?;
        self.learn_refusal(service, outcome);
        answer(outcome).map(Answer::response)?.ok()
    }

    fn agreed<T>(&mut self, wish: &mut Wish<T>) {
        wish.is_set = true;
        let now = self.now();
        if let Some((_, by)) = &wish.wanted {
            self.features.expect_soon(now, by);
        }
    }

    /// Answers when what the turn changed is written; `is_so` tells whether the PBX has what was asked for.
    fn answer_feature<T: Send + 'static>(&mut self, wish: Wish<T>, value: T, is_so: impl Fn(&T, &T) -> bool) {
        let Wish { wanted, reply, .. } = wish;
        let Some((wanted, by)) = wanted else {
            self.outbox.after(move |_| {
                let _ = reply.send(Ok(Setting::read(value)));
            });
            return;
        };
        let error = (!is_so(&wanted, &value)).then(|| {
            ServiceError::new(
                Code::AcceptedNoEffect,
                format!("The PBX agreed to {}, and says afterwards that it is another.", what(by.action)),
            )
            .with_hint(
                "Read the setting again: somebody at the phone or at the router may have set it at the same time.",
            )
            .with_command(by.command.clone())
        });
        // What the turn changed comes before its outcome.
        self.tell_changed_lines();
        self.tell_feature(&by, error.as_ref());
        self.outbox.after(move |position| {
            let _ = reply.send(match error {
                Some(error) => Err(error),
                None => Ok(Setting { value, command_id: Some(by.command), position }),
            });
        });
    }

    fn refuse_feature<T>(&mut self, wish: Wish<T>, outcome: Option<&Outcome>, what: &str) {
        let mut error = match outcome {
            Some(outcome) => refused(outcome, what),
            None => ServiceError::new(Code::PbxUnavailable, "The session of this line was lost.")
                .with_hint("Read the setting again in a moment to see whether it was changed.")
                .retryable(Some(2)),
        };
        if let Some((_, by)) = wish.wanted {
            error = error.with_command(by.command.clone());
            // Nobody knows what became of a wish without an answer: what comes of it is still its own.
            if matches!(outcome, Some(Outcome::Refused(_))) {
                self.features.expect_nothing(&by);
            }
            self.tell_feature(&by, Some(&error));
        }
        let _ = wish.reply.send(Err(error));
    }

    fn tell_feature(&mut self, by: &By, error: Option<&ServiceError>) {
        let action = by.action.as_str();
        let told = Told { action, line: &by.line, call: None, client_ref: None, actor: &by.actor };
        self.tell_outcome(&by.command, &told, error);
    }
}

impl<T> Wish<T> {
    /// It is to be set, and is not yet.
    fn sets(&self) -> bool {
        self.wanted.is_some() && !self.is_set
    }
}

fn what(action: LineAction) -> &'static str {
    match action {
        LineAction::DoNotDisturb => "change do not disturb",
        _ => "change the forwarding",
    }
}

/// The router may tell a target in the long form of its number.
fn same_target(wanted: Option<&str>, is: Option<&str>) -> bool {
    match (wanted, is) {
        (Some(wanted), Some(is)) => {
            let (wanted, is) = (wanted.trim_start_matches('+'), is.trim_start_matches('+'));
            !wanted.is_empty() && !is.is_empty() && (wanted.ends_with(is) || is.ends_with(wanted))
        }
        (wanted, is) => wanted.is_none() && is.is_none(),
    }
}

fn refused(outcome: &Outcome, what: &str) -> ServiceError {
    match outcome {
        Outcome::Refused(Refusal::Fault(fault)) => refused_command(fault, what),
        Outcome::Refused(refusal @ (Refusal::QueueFull | Refusal::WaitedTooLong)) => not_sent(refusal, what),
        Outcome::Refused(refusal) => {
            ServiceError::new(Code::PbxRefused, format!("The PBX refused to {what} ({}).", told(refusal)))
                .with_hint("Look at the state of the PBX and the protocol trace.")
        }
        _ => ServiceError::new(Code::PbxTimeout, format!("The PBX did not answer the wish to {what}."))
            .with_hint("Read the setting again to see whether it was changed."),
    }
}

fn rename_field(mut error: ServiceError, pointer: &str) -> ServiceError {
    for field in &mut error.fields {
        pointer.clone_into(&mut field.pointer);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::same_target;

    #[test]
    fn a_target_in_the_long_form_of_its_number_is_the_same() {
        for (wanted, is) in [(None, None), (Some("208"), Some("208")), (Some("208"), Some("+4989123208"))] {
            assert!(same_target(wanted, is), "{wanted:?} {is:?}");
        }
        for (wanted, is) in
            [(None, Some("208")), (Some("208"), None), (Some("208"), Some("209")), (Some("208"), Some(""))]
        {
            assert!(!same_target(wanted, is), "{wanted:?} {is:?}");
        }
    }
}
