//! Certainty: a command has succeeded when an event or a snapshot shows its effect, and failed when neither does.

use std::collections::HashMap;
use std::time::Duration;

use super::commands::Command;
use super::task::LinkTask;
use super::timers::Timer;
use crate::domain::call_table::SeatId;
use crate::domain::{Call, CallId, CallState, CommandId};
use crate::service::error::{Code, ServiceError};

/// No event after a positive answer (dossier 15e, `service.no_event`): then the snapshot is asked.
const NO_EVENT: Duration = Duration::from_secs(5);
/// Time for that snapshot.
const LAST_LOOK: Duration = Duration::from_secs(10);

/// When a confirmation is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// A snapshot of the seat has been applied.
    Snapshot,
    /// No snapshot came either.
    Late,
}

/// A command that the PBX accepted, or whose answer was lost.
pub(super) struct Confirmation {
    id: CommandId,
    command: Command,
    has_asked: bool,
    /// The answer was lost: without an effect it is not known to have been accepted.
    is_doubtful: bool,
}

impl Confirmation {
    pub(super) fn new(id: CommandId, command: Command) -> Self {
        Self {
            id,
            command,
            has_asked: false,
            is_doubtful: false,
        }
    }
}

/// What waits for its effect.
#[derive(Default)]
pub(super) struct Confirmations {
    next: u64,
    open: HashMap<u64, Confirmation>,
    by_call: HashMap<CallId, Vec<u64>>,
    by_seat: HashMap<SeatId, Vec<u64>>,
}

impl Confirmations {
    fn insert(&mut self, confirmation: Confirmation) -> u64 {
        self.next += 1;
        let number = self.next;
        for call in &confirmation.command.calls {
            self.by_call.entry(call.clone()).or_default().push(number);
        }
        self.by_seat.entry(confirmation.command.seat).or_default().push(number);
        self.open.insert(number, confirmation);
        number
    }

    fn remove(&mut self, number: u64) -> Option<Confirmation> {
        let confirmation = self.open.remove(&number)?;
        for call in &confirmation.command.calls {
            if let Some(list) = self.by_call.get_mut(call) {
                list.retain(|other| *other != number);
                if list.is_empty() {
                    self.by_call.remove(call);
                }
            }
        }
        if let Some(list) = self.by_seat.get_mut(&confirmation.command.seat) {
            list.retain(|other| *other != number);
            if list.is_empty() {
                self.by_seat.remove(&confirmation.command.seat);
            }
        }
        Some(confirmation)
    }
}

/// Whether a call shows the effect of a command; `None` when it shows that the effect will not come.
fn effect(action: &str, call: &Call) -> Option<bool> {
    let ended = call.state.is_ended();
    match action {
        "drop" | "redirect" | "blind_transfer" | "complete_transfer" => Some(ended),
        // It was made: that it ended since does not take that back.
        "dial" | "consult" => Some(true),
        "answer" => (!ended || call.answered_at.is_some()).then_some(call.state.is_answered() || ended),
        "hold" => (!ended).then_some(call.state == CallState::OnHold),
        "retrieve" => {
            (!ended).then_some(call.state.is_answered() && call.state != CallState::OnHold)
        }
        _ => Some(true),
    }
}

impl LinkTask {
    /// Waits for the effect of an accepted command.
    pub(super) fn confirm(&mut self, confirmation: Confirmation, is_confirmed: bool) {
        if is_confirmed {
            return self.succeed(&confirmation);
        }
        let has_effect = confirmation.command.action != "dial"
            && confirmation.command.calls.first().is_some_and(|id| match self.table.call(id) {
                Some(call) => effect(confirmation.command.action, call) == Some(true),
                // The event of its end came before the answer.
                None => matches!(confirmation.command.action, "drop" | "redirect" | "blind_transfer" | "complete_transfer"),
            });
        if has_effect {
            return self.succeed(&confirmation);
        }
        let number = self.confirmations.insert(confirmation);
        self.timers.set(Timer::Confirm(number), Some(self.now() + NO_EVENT));
    }

    /// Waits for what the snapshot says about a command whose answer was lost.
    pub(super) fn doubt(&mut self, mut confirmation: Confirmation) {
        confirmation.is_doubtful = true;
        confirmation.has_asked = true;
        if confirmation.command.is_dial
            && let Some(call) = self.table.dialed_call(confirmation.command.seat, &confirmation.id)
        {
            confirmation.command.calls = vec![call];
            return self.succeed(&confirmation);
        }
        let number = self.confirmations.insert(confirmation);
        self.timers.set(Timer::Confirm(number), Some(self.now() + LAST_LOOK));
    }

    /// A response named no call: the next event of the device is it, within five seconds.
    pub(super) fn await_call(&mut self, command_id: &CommandId) {
        self.accepted(command_id, false);
    }

    /// A call changed: does that confirm something?
    pub(super) fn judge_call(&mut self, call: &Call) {
        let numbers = self.confirmations.by_call.get(&call.id).cloned().unwrap_or_default();
        for number in numbers {
            let Some(confirmation) = self.confirmations.open.get(&number) else { continue };
            match effect(confirmation.command.action, call) {
                Some(true) => self.settle_confirmation(number, true),
                Some(false) => {}
                None => self.settle_confirmation(number, false),
            }
        }
    }

    pub(super) fn on_confirm_time(&mut self, number: u64) {
        let Some(confirmation) = self.confirmations.open.get_mut(&number) else { return };
        if std::mem::replace(&mut confirmation.has_asked, true) {
            return self.judge_one(number, Moment::Late);
        }
        let seat = confirmation.command.seat;
        self.timers.set(Timer::Confirm(number), Some(self.now() + LAST_LOOK));
        self.want_snapshot(seat);
    }

    /// A snapshot of the seat was applied: what is not true now did not happen.
    pub(super) fn judge(&mut self, seat: SeatId, moment: Moment) {
        let numbers = self.confirmations.by_seat.get(&seat).cloned().unwrap_or_default();
        for number in numbers {
            if self.confirmations.open.get(&number).is_some_and(|confirmation| confirmation.has_asked) {
                self.judge_one(number, moment);
            }
        }
    }

    fn judge_one(&mut self, number: u64, moment: Moment) {
        let Some(confirmation) = self.confirmations.open.get(&number) else { return };
        let command = &confirmation.command;
        if command.is_dial && command.calls.is_empty() {
            // A call that the snapshot found was given to the waiting dial.
            let found = self.table.dialed_call(command.seat, &confirmation.id);
            return match found {
                Some(call) => {
                    if let Some(confirmation) = self.confirmations.open.get_mut(&number) {
                        confirmation.command.calls = vec![call];
                    }
                    self.settle_confirmation(number, true);
                }
                None => self.settle_confirmation(number, false),
            };
        }
        let is_true = match command.calls.first().and_then(|id| self.table.call(id)) {
            Some(call) => effect(command.action, call) == Some(true),
            None => matches!(command.action, "drop" | "dial"),
        };
        if is_true || moment == Moment::Late || !command.is_dial {
            self.settle_confirmation(number, is_true);
        }
    }

    fn settle_confirmation(&mut self, number: u64, is_true: bool) {
        self.timers.set(Timer::Confirm(number), None);
        let Some(confirmation) = self.confirmations.remove(number) else { return };
        if is_true {
            return self.succeed(&confirmation);
        }
        let what = confirmation.command.what;
        let error = if confirmation.is_doubtful {
            ServiceError::new(
                Code::PbxTimeout,
                format!("The PBX did not answer the wish to {what}, and its snapshot shows that nothing came of it."),
            )
            .with_hint("It is safe to ask again.")
            .retryable(None)
        } else {
            ServiceError::new(
                Code::AcceptedNoEffect,
                format!("The PBX agreed to {what} and its snapshot shows that nothing happened."),
            )
            .with_hint("The phone may be in a menu or out of service; look at it and ask again.")
        };
        for call in &confirmation.command.calls {
            self.table.intent_done(call, &confirmation.id);
        }
        self.table.drop_pending(confirmation.command.seat, &confirmation.id);
        let (id, command) = (confirmation.id, confirmation.command);
        self.tell_command(&id, &command, Some(&error));
    }

    fn succeed(&mut self, confirmation: &Confirmation) {
        for call in &confirmation.command.calls {
            self.table.intent_done(call, &confirmation.id);
        }
        self.table.drop_pending(confirmation.command.seat, &confirmation.id);
        self.tell_command(&confirmation.id, &confirmation.command, None);
    }
}
