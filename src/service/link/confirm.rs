//! Certainty: a command has succeeded when an event or a snapshot shows its effect, and failed when neither does.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::commands::Command;
use super::plan::{Effect, Verdict};
use super::task::LinkTask;
use super::timers::Timer;
use crate::domain::call_table::SeatId;
use crate::domain::{Call, CallId, CommandId};
use crate::service::error::{Code, ServiceError};

/// No event after a positive answer (dossier 15e, `service.no_event`): then the snapshot is asked.
const NO_EVENT: Duration = Duration::from_secs(5);
/// Time for that snapshot.
const LAST_LOOK: Duration = Duration::from_secs(10);
/// Calls that ended just now, for answers that come a moment later.
const ENDED: usize = 64;

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
        Self { id, command, has_asked: false, is_doubtful: false }
    }
}

/// What waits for its effect.
#[derive(Default)]
pub(super) struct Confirmations {
    next: u64,
    open: HashMap<u64, Confirmation>,
    by_call: HashMap<CallId, Vec<u64>>,
    by_seat: HashMap<SeatId, Vec<u64>>,
    ended: VecDeque<Call>,
}

fn unlist<K: std::hash::Hash + Eq>(index: &mut HashMap<K, Vec<u64>>, key: &K, number: u64) {
    if let Some(list) = index.get_mut(key) {
        list.retain(|other| *other != number);
        if list.is_empty() {
            index.remove(key);
        }
    }
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
            unlist(&mut self.by_call, call, number);
        }
        unlist(&mut self.by_seat, &confirmation.command.seat, number);
        Some(confirmation)
    }

    /// Whether the effect of another command on a call is still to come.
    pub(super) fn awaits_another(&self, call: &CallId, command: &CommandId) -> bool {
        self.of_call(call).any(|other| other != command)
    }

    /// The commands whose effect on a call is still to come, and nothing speaks against it yet.
    pub(super) fn of_call(&self, call: &CallId) -> impl Iterator<Item = &CommandId> {
        let numbers = self.by_call.get(call).into_iter().flatten();
        numbers.filter_map(|number| self.open.get(number)).filter(|known| !known.has_asked).map(|known| &known.id)
    }

    /// A command whose effect is still to come.
    pub(super) fn command(&self, id: &CommandId) -> Option<&Command> {
        self.open.values().find(|confirmation| confirmation.id == *id).map(|confirmation| &confirmation.command)
    }

    /// A call that ended just now, as it was then.
    pub(super) fn ended(&self, id: &CallId) -> Option<Call> {
        self.ended.iter().find(|call| call.id == *id).cloned()
    }

    fn remember(&mut self, call: &Call) {
        if self.ended.len() >= ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(call.clone());
    }
}

impl LinkTask {
    pub(super) fn verdict_of(&self, command: &Command) -> Verdict {
        command.effect.verdict(&command.calls, |id| self.table.call(id))
    }

    /// Waits for the effect of an accepted command.
    pub(super) fn confirm(&mut self, confirmation: Confirmation) {
        match self.verdict_of(&confirmation.command) {
            Verdict::Shown if !confirmation.command.awaits_call() => self.succeed(&confirmation),
            _ => {
                let number = self.confirmations.insert(confirmation);
                self.timers.set(Timer::Confirm(number), Some(self.now() + NO_EVENT));
            }
        }
    }

    /// Waits for what the snapshot says about a command whose answer was lost.
    pub(super) fn doubt(&mut self, mut confirmation: Confirmation) {
        confirmation.is_doubtful = true;
        confirmation.has_asked = true;
        let number = self.confirmations.insert(confirmation);
        self.timers.set(Timer::Confirm(number), Some(self.now() + LAST_LOOK));
    }

    /// A call changed: does that confirm something?
    pub(super) fn judge_call(&mut self, call: &Call, command: Option<&CommandId>) {
        if call.state.is_ended() {
            self.confirmations.remember(call);
        }
        self.judge_waiting(call, command);
        self.judge_slow_call(call);
        let numbers = self.confirmations.by_call.get(&call.id).cloned().unwrap_or_default();
        for number in numbers {
            let Some(confirmation) = self.confirmations.open.get(&number) else { continue };
            // It is to make a call: what the held one does is not it, and the call that comes must still find it.
            if confirmation.command.awaits_call() {
                continue;
            }
            // The table may be ahead of this change: the call as it was then counts.
            let verdict = confirmation.command.effect.verdict(&confirmation.command.calls, |id| {
                if *id == call.id { (!call.state.is_ended()).then_some(call) } else { self.table.call(id) }
            });
            match verdict {
                Verdict::Shown => self.settle_confirmation(number, true),
                Verdict::NotYet => {}
                Verdict::Never => self.settle_confirmation(number, false),
            }
        }
    }

    pub(super) fn on_confirm_time(&mut self, number: u64) {
        let Some(confirmation) = self.confirmations.open.get_mut(&number) else { return };
        if std::mem::replace(&mut confirmation.has_asked, true) {
            return self.judge_one(number);
        }
        let seat = confirmation.command.seat;
        self.timers.set(Timer::Confirm(number), Some(self.now() + LAST_LOOK));
        self.want_snapshot(seat);
    }

    /// A snapshot of the seat was applied: what is not true now did not happen.
    pub(super) fn judge(&mut self, seat: SeatId) {
        self.judge_gone(seat);
        self.judge_slow(seat);
        let numbers = self.confirmations.by_seat.get(&seat).cloned().unwrap_or_default();
        for number in numbers {
            if self.confirmations.open.get(&number).is_some_and(|confirmation| confirmation.has_asked) {
                self.judge_one(number);
            }
        }
    }

    fn judge_one(&mut self, number: u64) {
        let Some(confirmation) = self.confirmations.open.get(&number) else { return };
        if confirmation.command.awaits_call() {
            // A call that the snapshot found was given to the waiting dial.
            let found = self.table.dialed_call(confirmation.command.dials_at, &confirmation.id);
            let is_found = found.is_some();
            if let (Some(call), Some(confirmation)) = (found, self.confirmations.open.get_mut(&number)) {
                confirmation.command.calls.insert(0, call.clone());
                confirmation.command.made = Some(call);
            }
            return self.settle_confirmation(number, is_found);
        }
        // Tones leave no trace: whether they were sent, only the answer could tell.
        let is_traceless = confirmation.is_doubtful && confirmation.command.effect == Effect::Said;
        let is_shown = !is_traceless && self.verdict_of(&confirmation.command) == Verdict::Shown;
        self.settle_confirmation(number, is_shown);
    }

    fn settle_confirmation(&mut self, number: u64, is_shown: bool) {
        self.timers.set(Timer::Confirm(number), None);
        let Some(confirmation) = self.confirmations.remove(number) else { return };
        if is_shown {
            return self.succeed(&confirmation);
        }
        let what = confirmation.command.what;
        let error = if confirmation.is_doubtful && confirmation.command.effect == Effect::Said {
            ServiceError::new(
                Code::PbxTimeout,
                format!("The PBX did not answer the wish to {what}; nothing shows whether it was done."),
            )
            .with_hint("Ask who is in the call before you ask again: it would perhaps be done twice.")
        } else if confirmation.is_doubtful {
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
        let (id, command) = (confirmation.id, confirmation.command);
        self.forget_intents(&id, &command);
        self.tell_command(&id, &command, Some(&error));
    }

    fn succeed(&mut self, confirmation: &Confirmation) {
        self.forget_intents(&confirmation.id, &confirmation.command);
        self.tell_command(&confirmation.id, &confirmation.command, None);
    }
}
