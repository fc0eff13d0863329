//! What the answers of the PBX mean for a command: the next step, another way, an error, or doubt.

use super::super::confirm::Confirmation;
use super::super::faults::{names_no_call, not_sent, refused_command};
use super::super::plan::{Need, Plan, TakesOver};
use super::super::task::LinkTask;
use super::super::translate;
use super::{Alarm, NAMELESS, Wait};
use crate::csta::exchange::{Outcome, Refusal};
use crate::csta::{Fault, FaultValue, OperationError, Response};
use crate::domain::call_table::SeatId;
use crate::domain::{Action, CommandId};
use crate::service::error::{Code, ServiceError};

impl LinkTask {
    /// A service of a command is done.
    pub(in crate::service::link) fn on_command_step(&mut self, id: SeatId, command_id: &CommandId, outcome: Outcome) {
        let at = self.at();
        if self.takes_back(command_id) {
            return self.on_taken_back(command_id, Some(&outcome));
        }
        match outcome {
            Outcome::Response(answer) => {
                let named = match answer.response() {
                    Ok(Some(Response::MakeCall { calling_device: made }))
                    | Ok(Some(Response::ConsultationCall { initiated_call: made })) => Some(made.into_owned()),
                    _ => None,
                };
                let Some(command) = self.commands.open.get_mut(command_id) else { return };
                command.has_acted = true;
                if let Some(held) = command.holds.take() {
                    command.aside = Some(held);
                }
                if let Some(named) = named
                    && command.makes.is_some()
                {
                    // It is on hold for the call that there is now.
                    command.aside = None;
                    // With every channel of the number in use, the phone takes another of its buttons.
                    if let Some(device) = &named.device {
                        command.dials_at =
                            self.table.move_dial(command.dials_at, command_id, &translate::device(device));
                    }
                    let seat = command.dials_at;
                    if seat != command.seat
                        && let Some(place) = self.seats.get(&seat)
                        && self.ready(place).is_err()
                    {
                        let error = made_unseen(&place.number);
                        return self.fail_command(command_id, error);
                    }
                    let named = named.call_id.as_deref();
                    let by_event = self.table.dialed_call(seat, command_id);
                    let call = self.table.bind_dial(at, seat, command_id, named).or(by_event);
                    let Some(command) = self.commands.open.get_mut(command_id) else { return };
                    match call {
                        Some(call) => command.made = Some(call),
                        None => {
                            command.wait = Some(Wait::Call);
                            return self.wait_for(command_id, NAMELESS, Alarm::Nameless);
                        }
                    }
                }
                self.next_step(command_id);
            }
            Outcome::Refused(refusal) => self.on_command_refused(id, command_id, refusal),
            Outcome::Unknown(_) | Outcome::Mismatch { .. } => self.on_command_unknown(id, command_id),
        }
    }

    pub(super) fn on_command_refused(&mut self, id: SeatId, command_id: &CommandId, refusal: Refusal) {
        if let Refusal::Fault(fault) = &refusal
            && matches!(fault.value, FaultValue::State(_))
            && self.waits_on(command_id)
        {
            return;
        }
        let Some(command) = self.commands.open.get_mut(command_id) else { return };
        let is_unknown_service = match &refusal {
            Refusal::Fault(fault) => {
                matches!(&fault.value, FaultValue::Operation(OperationError::ServiceNotSupported))
            }
            Refusal::Sip(status) => matches!(status, 405 | 415 | 501),
            _ => false,
        };
        let was_sent = matches!(refusal, Refusal::Fault(_) | Refusal::Sip(_));
        let needs = command.needs;
        let is_invalid_number = match &refusal {
            Refusal::Fault(fault) => matches!(
                &fault.value,
                FaultValue::Operation(OperationError::InvalidCalledDeviceId | OperationError::InvalidDestination)
            ),
            _ => false,
        };
        let takes_over = is_unknown_service
            || match command.takes_over {
                TakesOver::Missing => false,
                TakesOver::Refused => true,
                TakesOver::InvalidNumber => is_invalid_number,
            };
        let takes_alternative = was_sent && takes_over && !command.has_acted;
        let alternative = if takes_alternative { command.alternative.take() } else { None };
        if is_unknown_service && let Some(need) = needs {
            let is_news = match need {
                Need::Service(service) => self.report.cannot(service),
                Need::RemoveParty => self.report.removes_parties(false),
            };
            if is_news {
                self.offer_actions();
                self.status_changed();
            }
        }
        if let Some(plan) = alternative {
            return self.take_alternative(command_id, *plan);
        }
        if let Refusal::Fault(fault) = &refusal {
            self.hear_out_of_service(id, fault);
            if self.is_settled_by_refusal(id, command_id, fault) {
                return;
            }
        }
        let what = self.commands.open.get(command_id).map_or("do this", |command| command.what);
        let error = match refusal {
            Refusal::Fault(fault) => refused_command(&fault, what),
            Refusal::Sip(481) => ServiceError::new(
                Code::PbxUnavailable,
                "The PBX does not know the session of this line any more; it is opened again.",
            )
            .with_hint("Ask again in a moment.")
            .with_sip_status(481)
            .retryable(Some(2)),
            Refusal::Sip(status) => {
                let code = if is_unknown_service { Code::NotSupportedByPbx } else { Code::PbxRefused };
                ServiceError::new(code, format!("The PBX refused to {what} (SIP {status})."))
                    .with_hint("Look at the state of the PBX and the protocol trace.")
                    .with_sip_status(status)
            }
            Refusal::QueueFull | Refusal::WaitedTooLong => not_sent(&refusal, what),
        };
        self.fail_half_way(command_id, error);
    }

    /// The PBX says that it does not have the call: it is over by now, or our picture is wrong. `true` when the command
    /// was dealt with.
    pub(super) fn is_settled_by_refusal(&mut self, seat: SeatId, id: &CommandId, fault: &Fault) -> bool {
        let is_gone = names_no_call(&fault.value);
        if !is_gone && !matches!(fault.value, FaultValue::State(_)) {
            return false;
        }
        self.want_snapshot(seat);
        let Some(command) = self.commands.open.get_mut(id) else { return false };
        let is_drop = command.on.as_ref().is_some_and(|on| on.action == Action::Drop);
        if !is_gone || !is_drop {
            return false;
        }
        // What was wanted is so, or the event that says it is on its way (dossier 15c, glare). That the held call of a
        // consultation is over too takes nothing from it.
        let is_over = command.calls.first().is_none_or(|call| self.table.call(call).is_none());
        if is_over || command.has_acted {
            self.on_command_accepted(id);
        } else {
            command.wait = Some(Wait::Gone(Box::new(refused_command(fault, command.what))));
            self.wait_for(id, NAMELESS, Alarm::Gone);
        }
        true
    }

    /// Goes on with another plan for the same calls.
    pub(super) fn take_alternative(&mut self, command_id: &CommandId, plan: Plan) {
        let Some(command) = self.commands.open.get_mut(command_id) else { return };
        command.steps = plan.steps;
        command.needs = plan.needs;
        command.alternative = plan.alternative;
        command.takes_over = plan.takes_over;
        command.teaches = plan.teaches;
        // A call that the first plan was to make is still to come.
        command.makes = plan.makes.or(command.makes.take());
        command.effect = plan.effect;
        self.next_step(command_id);
    }

    /// Nobody knows what came of it: the snapshot tells, and it is never sent again.
    pub(super) fn on_command_unknown(&mut self, id: SeatId, command_id: &CommandId) {
        self.answer_timeout(command_id);
        let Some(command) = self.commands.open.remove(command_id) else { return };
        self.want_snapshot(id);
        self.doubt(Confirmation::new(command_id.clone(), command));
    }

    pub(in crate::service::link) fn answer_timeout(&mut self, command_id: &CommandId) {
        let Some(command) = self.commands.open.get_mut(command_id) else { return };
        let Some(reply) = command.reply.take() else { return };
        let error = ServiceError::new(
            Code::PbxTimeout,
            format!("The PBX has not answered the wish to {} in time; what it did is not known yet.", command.what),
        )
        .with_hint("Do not ask again: wait for command.succeeded or command.failed with this Command-Id, or look at the calls.")
        .with_command(command_id.clone());
        self.outbox.after(move |_| {
            let _ = reply.send(Err(error));
        });
    }

    /// The session of a command went away.
    pub(in crate::service::link) fn on_command_lost(&mut self, id: SeatId, command_id: &CommandId, sent: bool) {
        if self.takes_back(command_id) {
            return self.on_taken_back(command_id, None);
        }
        if sent {
            return self.on_command_unknown(id, command_id);
        }
        let error = ServiceError::new(Code::PbxUnavailable, "The session of this line was lost; nothing was done.")
            .with_hint("Ask again in a moment.")
            .retryable(Some(2));
        self.fail_half_way(command_id, error);
    }
}

/// The phone took another of its buttons, and nobody would ever tell us of the call there, nor of its end.
fn made_unseen(number: &str) -> ServiceError {
    let detail =
        format!("The phone makes the call at its number {number}, which is not monitored: it cannot be shown.");
    ServiceError::new(Code::AcceptedNoEffect, detail)
        .with_hint("Go on at the phone, or give the ephone-dn of that number `cti watch` and `cti notify`.")
}
