//! Forwarding and do not disturb: set, then read back, because phone, router and CTI may all set them (dossier 9.7).

use std::collections::HashMap;

use super::Reply;
use super::faults::{not_sent, refused_command};
use super::services::{Purpose, answer, told};
use super::task::LinkTask;
use crate::csta::exchange::{Answer, Outcome, Refusal};
use crate::csta::{ForwardListItem, ForwardingType, Request, Response, Service};
use crate::domain::LineId;
use crate::domain::call_table::SeatId;
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::Caller;
use crate::service::pbx::ForwardingKind;

/// A wish about a feature of a line.
pub(super) enum Feature {
    Forwarding {
        /// What was asked for; `None` only reads.
        wanted: Option<Option<String>>,
        /// The types that are still to be set, the next one last.
        types: Vec<ForwardingType>,
        reply: Reply<Option<String>>,
    },
    DoNotDisturb {
        wanted: Option<bool>,
        reply: Reply<bool>,
    },
}

/// Wishes that the PBX has not answered.
#[derive(Default)]
pub(super) struct Features {
    next: u64,
    open: HashMap<u64, Feature>,
}

impl LinkTask {
    fn feature(&mut self, seat: SeatId, feature: Feature) {
        self.features.next += 1;
        let number = self.features.next;
        let Some(device) = self.seats.get(&seat).map(|seat| self.device_of(seat)) else { return };
        let request = match &feature {
            Feature::Forwarding { wanted: Some(target), types, .. } => Request::SetForwarding {
                device,
                forwarding_type: types.last().cloned(),
                activate: target.is_some(),
                forward_dn: target.as_deref().map(|target| self.called(target)),
                ring_count: None,
            },
            Feature::Forwarding { wanted: None, .. } => Request::GetForwarding { device },
            Feature::DoNotDisturb { wanted: Some(on), .. } => Request::SetDoNotDisturb { device, on: *on },
            Feature::DoNotDisturb { wanted: None, .. } => Request::GetDoNotDisturb { device },
        };
        self.features.open.insert(number, feature);
        self.submit(seat, request, Purpose::Feature(number));
    }

    /// Reads or sets the unconditional forwarding of an address.
    pub(super) fn forwarding(
        &mut self,
        line: &LineId,
        address: u8,
        _caller: &Caller,
        set: Option<Option<String>>,
        reply: Reply<Option<String>>,
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
                let _ = reply.send(Ok(known));
            }
            Ok((seat, wanted)) => {
                let types = self.unconditional_types().rev().collect();
                self.feature(seat, Feature::Forwarding { wanted, types, reply });
            }
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    /// Reads or sets do not disturb of a line's phone.
    pub(super) fn do_not_disturb(&mut self, line: &LineId, _caller: &Caller, set: Option<bool>, reply: Reply<bool>) {
        let without_phone = self.lines.get(line).and_then(|entry| self.without_phone(entry));
        match self.seat_for(line, 0) {
            Ok(_) if set.is_none() && (without_phone.is_some() || !self.report.may_use(Service::GetDoNotDisturb)) => {
                let known = self.lines.get(line).is_some_and(|entry| entry.do_not_disturb);
                let _ = reply.send(Ok(known));
            }
            Ok(seat) if without_phone.is_none() => self.feature(seat, Feature::DoNotDisturb { wanted: set, reply }),
            refused => {
                let error = refused.err().or(without_phone).unwrap_or_else(|| ServiceError::not_found("line"));
                let _ = reply.send(Err(error));
            }
        }
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
        let Some(feature) = self.features.open.remove(&number) else { return };
        match feature {
            Feature::Forwarding { wanted, types, reply } => {
                self.on_forwarding_answer(seat, wanted, types, reply, outcome);
            }
            Feature::DoNotDisturb { wanted, reply } => self.on_do_not_disturb_answer(seat, wanted, reply, outcome),
        }
    }

    /// A wish whose session went away.
    pub(super) fn on_feature_lost(&mut self, number: u64) {
        let error = ServiceError::new(Code::PbxUnavailable, "The session of this line was lost.")
            .with_hint("Read the setting again in a moment to see whether it was changed.")
            .retryable(Some(2));
        match self.features.open.remove(&number) {
            Some(Feature::Forwarding { reply, .. }) => {
                let _ = reply.send(Err(error));
            }
            Some(Feature::DoNotDisturb { reply, .. }) => {
                let _ = reply.send(Err(error));
            }
            None => {}
        }
    }

    fn on_forwarding_answer(
        &mut self,
        seat: SeatId,
        wanted: Option<Option<String>>,
        mut types: Vec<ForwardingType>,
        reply: Reply<Option<String>>,
        outcome: &Outcome,
    ) {
        let service = if wanted.is_some() { Service::SetForwarding } else { Service::GetForwarding };
        self.learn_refusal(service, outcome);
        match (answer(outcome).map(Answer::response), wanted) {
            (Some(Ok(Some(Response::Forwarding(list)))), _) => {
                let target = self.unconditional(&list);
                self.set_forwarding(seat, target.clone());
                self.answer_feature(reply, target);
            }
            // Set, and another type is to follow (U-23).
            (Some(Ok(_)), wanted @ Some(_)) if types.len() > 1 => {
                types.pop();
                self.feature(seat, Feature::Forwarding { wanted, types, reply });
            }
            // Set: the PBX's own word follows.
            (Some(Ok(_)), Some(_)) if self.report.may_use(Service::GetForwarding) => {
                self.feature(seat, Feature::Forwarding { wanted: None, types, reply });
            }
            (Some(Ok(_)), Some(target)) => {
                self.set_forwarding(seat, target.clone());
                self.answer_feature(reply, target);
            }
            _ => {
                let _ = reply.send(Err(refused(outcome, "change the forwarding")));
            }
        }
    }

    fn on_do_not_disturb_answer(&mut self, seat: SeatId, wanted: Option<bool>, reply: Reply<bool>, outcome: &Outcome) {
        let service = if wanted.is_some() { Service::SetDoNotDisturb } else { Service::GetDoNotDisturb };
        self.learn_refusal(service, outcome);
        match (answer(outcome).map(Answer::response), wanted) {
            (Some(Ok(Some(Response::DoNotDisturb(Some(on))))), _) => {
                self.set_do_not_disturb(seat, on);
                self.answer_feature(reply, on);
            }
            (Some(Ok(_)), Some(_)) if self.report.may_use(Service::GetDoNotDisturb) => {
                self.feature(seat, Feature::DoNotDisturb { wanted: None, reply });
            }
            (Some(Ok(_)), Some(on)) => {
                self.set_do_not_disturb(seat, on);
                self.answer_feature(reply, on);
            }
            _ => {
                let _ = reply.send(Err(refused(outcome, "change do not disturb")));
            }
        }
    }

    /// Answers when what the turn changed is written.
    fn answer_feature<T: Send + 'static>(&mut self, reply: Reply<T>, value: T) {
        self.outbox.after(move |_| {
            let _ = reply.send(Ok(value));
        });
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
