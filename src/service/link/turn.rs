//! Commands whose turn comes late: what was possible when they were asked for may be no more, and what one of them did
//! while its answer was lost, a snapshot tells.

use super::task::LinkTask;
use crate::csta::exchange::Ticket;
use crate::domain::call_table::SeatId;
use crate::domain::{Action, Call, CommandId};
use crate::service::error::{Code, ServiceError};

use super::commands::Command;
use super::plan::{Effect, Verdict};

impl LinkTask {
    /// Whether a command that waited for its turn has lost its sense: its calls are over, or in a state that does not
    /// allow it any more.
    pub(super) fn is_overtaken(&self, id: &CommandId) -> bool {
        let Some(command) = self.commands.open.get(id) else { return false };
        let Some(on) = command.on.as_ref().filter(|_| !command.has_acted) else { return false };
        let Some(call) = self.table.call(&on.call) else { return true };
        let is_over = call.allowed_actions.iter().next().is_none();
        let has_changed = !call.allowed_actions.contains(on.action) && (call.state != on.state || is_over);
        let needs_all = on.action != Action::Drop;
        has_changed || (needs_all && command.calls.iter().any(|call| self.table.call(call).is_none()))
    }

    /// An overtaken command is not sent.
    pub(super) fn give_way(&mut self, seat: SeatId, ticket: Ticket, id: &CommandId) {
        let now = self.now();
        self.spans.service_done(ticket, None);
        self.flights.open.remove(&ticket);
        let Some(command) = self.commands.open.get(id) else { return };
        let Some(on) = &command.on else { return };
        match self.table.call(&on.call) {
            // What was wanted is so.
            None if on.action == Action::Drop => self.on_command_accepted(id),
            None => {
                let error = ServiceError::new(Code::NotAllowedNow, "The call ended before its turn came.")
                    .with_hint("Nothing was done; the journal has the call.");
                self.fail_command(id, error);
            }
            Some(call) => {
                let error = self.not_possible(call, on.action);
                self.fail_command(id, error);
            }
        }
        if let Some(seat) = self.seats.get_mut(&seat) {
            seat.exchange.withdraw(now, ticket);
        }
        self.touch(seat);
    }

    /// The PBX is slow: the caller is told now, and the snapshot is asked. What comes of it later is an event.
    pub(super) fn on_command_slow(&mut self, id: &CommandId) {
        if self.takes_back(id) {
            return self.on_taken_back(id, None);
        }
        self.answer_timeout(id);
        let Some(command) = self.commands.open.get_mut(id) else { return };
        command.is_slow = true;
        let seat = command.seat;
        self.want_snapshot(seat);
    }

    /// A call changed: a command whose answer is so late needs none any more when it has had its effect, or can have none.
    pub(super) fn judge_slow_call(&mut self, call: &Call) {
        let is_meant = |command: &Command| {
            command.is_slow
                && command.is_at_its_last_step()
                && !matches!(command.effect, Effect::Made | Effect::Said)
                && command.calls.contains(&call.id)
        };
        let slow: Vec<CommandId> =
            self.commands.open.iter().filter(|(_, command)| is_meant(command)).map(|(id, _)| id.clone()).collect();
        for id in slow {
            let Some(command) = self.commands.open.get(&id) else { continue };
            match self.verdict_of(command) {
                Verdict::Shown => self.on_command_accepted(&id),
                Verdict::NotYet => {}
                Verdict::Never => {
                    let what = command.what;
                    let error = ServiceError::new(
                        Code::PbxTimeout,
                        format!("The PBX did not answer the wish to {what}, and the call is over."),
                    )
                    .with_hint("Nothing is left to do; the journal has the call.");
                    self.fail_command(&id, error);
                }
            }
        }
    }

    /// A snapshot was applied: an effect that it shows needs no answer any more.
    pub(super) fn judge_slow(&mut self, seat: SeatId) {
        let is_meant = |command: &Command| command.seat == seat && command.is_slow && command.is_at_its_last_step();
        let slow: Vec<CommandId> =
            self.commands.open.iter().filter(|(_, command)| is_meant(command)).map(|(id, _)| id.clone()).collect();
        for id in slow {
            let Some(command) = self.commands.open.get(&id) else { continue };
            // Tones leave no trace.
            if command.effect == Effect::Said {
                continue;
            }
            let made = self.table.dialed_call(command.dials_at, &id);
            let Some(command) = self.commands.open.get_mut(&id) else { continue };
            if command.awaits_call() {
                command.made = made;
            }
            let Some(command) = self.commands.open.get(&id) else { continue };
            if !command.awaits_call() && self.verdict_of(command) == Verdict::Shown {
                self.on_command_accepted(&id);
            }
        }
    }
}
