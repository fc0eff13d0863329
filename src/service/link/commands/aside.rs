//! A command that fails half way does not leave a call on hold that nobody asked to hold: it is taken back.

use super::super::faults::names_no_call;
use super::super::services::Purpose;
use super::super::task::LinkTask;
use super::Wait;
use crate::csta::Request;
use crate::csta::exchange::{Outcome, Refusal};
use crate::domain::{CallId, CommandId};
use crate::service::error::ServiceError;

impl LinkTask {
    /// A step of a command was refused or not sent: the call that an earlier one put on hold for it is taken back, and
    /// then the error is told.
    pub(super) fn fail_half_way(&mut self, id: &CommandId, error: ServiceError) {
        let aside = self.commands.open.get(id).and_then(|command| command.aside.clone());
        let held = aside.and_then(|call| self.table.call(&call)).filter(|call| !self.table.is_ending(&call.id));
        let Some(held) = held else { return self.fail_command(id, error) };
        let place = self.table.seat_of(&held.id).and_then(|seat| Some((seat, self.seats.get(&seat)?)));
        let Some((seat_id, seat)) = place.filter(|(_, seat)| self.ready(seat).is_ok()) else {
            let error = left_on_hold(error, &held.id);
            return self.fail_command(id, error);
        };
        let request = Request::RetrieveCall { call: self.connection(seat, held) };
        if let Some(command) = self.commands.open.get_mut(id) {
            command.steps.clear();
            command.wait = Some(Wait::Back(Box::new(error)));
        }
        self.submit(seat_id, request, Purpose::Command(id.clone()));
    }

    pub(in crate::service::link) fn takes_back(&self, id: &CommandId) -> bool {
        self.commands.open.get(id).is_some_and(|command| matches!(command.wait, Some(Wait::Back(_))))
    }

    /// The PBX answered the wish to take the call back, or does not (in time).
    pub(in crate::service::link) fn on_taken_back(&mut self, id: &CommandId, outcome: Option<&Outcome>) {
        let Some(command) = self.commands.open.get_mut(id) else { return };
        let Some(Wait::Back(error)) = command.wait.take() else { return };
        let error = match (command.aside.take(), outcome) {
            (Some(_), Some(Outcome::Response(_))) => {
                let detail = format!("{} The call that was put on hold for it is taken back.", error.detail);
                ServiceError { detail, ..*error }
            }
            // It is over by now.
            (Some(_), Some(Outcome::Refused(Refusal::Fault(fault)))) if names_no_call(&fault.value) => *error,
            (Some(call), _) => left_on_hold(*error, &call),
            (None, _) => *error,
        };
        self.fail_command(id, error);
    }
}

/// The error of a command after which a call stays on hold.
fn left_on_hold(error: ServiceError, call: &CallId) -> ServiceError {
    let detail = format!("{} The call that was put on hold for it is still on hold.", error.detail);
    let hint = format!("Take it back with POST /api/v1/calls/{call}/retrieve.");
    ServiceError { detail, ..error }.with_hint(hint)
}
