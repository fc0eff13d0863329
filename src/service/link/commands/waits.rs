//! What a command waits for beside answers: a call without a name, a target that rings, digits, an end.

use std::time::Duration;

use super::super::plan::Effect;
use super::super::services::Purpose;
use super::super::task::LinkTask;
use super::super::timers::Timer;
use super::{Alarm, Command, PROCEEDING, Reach, Wait};
use crate::csta::Request;
use crate::domain::call_table::SeatId;
use crate::domain::{Call, CallId, CallState, CommandId};
use crate::service::error::{Code, ServiceError};

impl LinkTask {
    /// The call that the PBX does not have lives on here.
    pub(super) fn on_not_gone(&mut self, id: &CommandId) {
        let Some(command) = self.commands.open.get_mut(id) else { return };
        if let Some(Wait::Gone(error)) = command.wait.take() {
            self.fail_command(id, *error);
        }
    }

    /// A snapshot was applied: a call that it shows was not ended by anybody.
    pub(in crate::service::link) fn judge_gone(&mut self, seat: SeatId) {
        let now = self.now();
        let is_shown = |command: &Command| {
            command.seat == seat
                && command.waits_for_end()
                && command.calls.first().is_some_and(|call| self.table.is_confirmed_at(call, now))
        };
        let shown: Vec<CommandId> =
            self.commands.open.iter().filter(|(_, command)| is_shown(command)).map(|(id, _)| id.clone()).collect();
        for id in shown {
            self.on_not_gone(&id);
        }
    }

    /// The digits of a call in dial tone that wait for more, and the command that brought them.
    pub(in crate::service::link) fn collected(&self, call: &CallId) -> Option<(&CommandId, &str)> {
        let is_it = |command: &Command| command.wait == Some(Wait::Digits) && command.calls.first() == Some(call);
        let (id, command) = self.commands.open.iter().find(|(_, command)| is_it(command))?;
        Some((id, command.makes.as_ref().map_or("", |making| &making.dialed)))
    }

    /// More digits came: what the earlier command wanted is done with them.
    pub(in crate::service::link) fn goes_on_collecting(&mut self, call: &CallId) {
        let Some(id) = self.collected(call).map(|(id, _)| id.clone()) else { return };
        if let Some(command) = self.commands.open.get_mut(&id) {
            command.wait = None;
            command.makes = None;
            command.effect = Effect::Said;
        }
        self.on_command_accepted(&id);
    }

    /// No more digits came: the number goes to the PBX.
    pub(super) fn on_digits_complete(&mut self, id: &CommandId) {
        let Some(command) = self.commands.open.get_mut(id) else { return };
        command.wait = None;
        self.next_step(id);
    }

    pub(super) fn wait_for(&mut self, id: &CommandId, time: Duration, alarm: Alarm) {
        self.commands.next += 1;
        let number = self.commands.next;
        self.commands.timers.insert(number, (id.clone(), alarm));
        self.timers.set(Timer::Command(number), Some(self.now() + time));
    }

    pub(in crate::service::link) fn on_command_time(&mut self, number: u64) {
        let Some((id, alarm)) = self.commands.timers.remove(&number) else { return };
        let Some(command) = self.commands.open.get(&id) else { return };
        match (&command.wait, alarm) {
            // The snapshot that follows tells whether there is a call.
            (Some(Wait::Call), Alarm::Nameless) => {
                let seat = command.seat;
                self.on_command_unknown(seat, &id);
            }
            (Some(Wait::Reached(_)), Alarm::Proceeding) => self.transfer_early(&id),
            (Some(Wait::Reached(_)), Alarm::Reached) => {
                let error = ServiceError::new(Code::PbxRefused, "The target of the transfer does not ring.")
                    .with_hint("The consultation call lives: complete the transfer later, or drop it to go back.");
                self.fail_command(&id, error);
            }
            (Some(Wait::Gone(_)), Alarm::Gone) => self.on_not_gone(&id),
            (Some(Wait::Digits), Alarm::Digits) => self.on_digits_complete(&id),
            // Of an earlier wait.
            _ => {}
        }
    }

    /// A call changed: does a command wait for that?
    pub(in crate::service::link) fn judge_waiting(&mut self, call: &Call, command_id: Option<&CommandId>) {
        let waiting: Vec<CommandId> = self
            .commands
            .open
            .iter()
            .filter(|(id, command)| match &command.wait {
                // What the held call of a consultation does carries the id too, and is not the new call.
                Some(Wait::Call) => command_id == Some(id) && !command.calls.contains(&call.id),
                Some(Wait::Reached(_)) => command.made.as_ref() == Some(&call.id),
                Some(Wait::Gone(_) | Wait::Digits) => call.state.is_ended() && command.calls.first() == Some(&call.id),
                Some(Wait::Back(_)) | None => false,
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in waiting {
            if let Some(command) = self.commands.open.get_mut(&id)
                && command.wait == Some(Wait::Call)
            {
                command.wait = None;
                command.made = Some(call.id.clone());
                self.next_step(&id);
            } else if self.commands.open.get(&id).is_some_and(Command::waits_for_end) {
                self.on_command_accepted(&id);
            } else if self.commands.open.get(&id).is_some_and(|command| command.wait == Some(Wait::Digits)) {
                let error =
                    ServiceError::new(Code::NotAllowedNow, "The dial tone ended before the number was complete.")
                        .with_hint("Dial the number as a whole, with POST /api/v1/lines/{line}/calls.");
                self.fail_command(&id, error);
            } else if call.state.is_ended() || matches!(call.state, CallState::Busy | CallState::Failed) {
                self.fail_command(&id, unreachable());
            } else {
                self.look_at_wait(&id);
            }
        }
    }

    /// The target of a transfer by consultation rings: connect.
    pub(super) fn look_at_wait(&mut self, id: &CommandId) {
        let Some(command) = self.commands.open.get_mut(id) else { return };
        let Some(Wait::Reached(reach)) = &mut command.wait else { return };
        let Some(active) = command.made.as_ref().and_then(|made| self.table.call(made)) else { return };
        match active.state {
            CallState::Ringback | CallState::Connected => self.transfer_now(id),
            // A trunk may tell no more than this until somebody answers.
            CallState::Proceeding if !reach.proceeds => {
                reach.proceeds = true;
                self.wait_for(id, PROCEEDING, Alarm::Proceeding);
            }
            _ => {}
        }
    }

    /// The target has proceeded for a while, and that it rings is not told: the PBX knows whether it can be connected.
    fn transfer_early(&mut self, id: &CommandId) {
        let Some(command) = self.commands.open.get(id) else { return };
        let Some(Wait::Reached(reach)) = command.wait.clone() else { return };
        let active = command.made.as_ref().and_then(|made| self.table.call(made));
        if active.is_none_or(|active| active.state != CallState::Proceeding) {
            return;
        }
        if let Some(command) = self.commands.open.get_mut(id) {
            command.early = Some(reach);
        }
        self.transfer_now(id);
    }

    /// The PBX says that a transfer is not possible in this state: when it was tried early, it is waited for. `true` when
    /// it was.
    pub(super) fn waits_on(&mut self, id: &CommandId) -> bool {
        let now = self.now();
        let Some(command) = self.commands.open.get_mut(id) else { return false };
        let Some(reach) = command.early.take().filter(|reach: &Reach| now < reach.until) else { return false };
        let active = command.made.as_ref().and_then(|made| self.table.call(made));
        if active.is_none_or(|active| matches!(active.state, CallState::Busy | CallState::Failed)) {
            self.fail_command(id, unreachable());
            return true;
        }
        command.wait = Some(Wait::Reached(reach));
        // It may ring by now.
        self.look_at_wait(id);
        true
    }

    fn transfer_now(&mut self, id: &CommandId) {
        let Some(command) = self.commands.open.get(id) else { return };
        let Some(Wait::Reached(Reach { held, .. })) = &command.wait else { return };
        let Some(active) = command.made.as_ref().and_then(|made| self.table.call(made)) else { return };
        let Some(held) = self.table.call(held) else { return };
        let Some(seat) = self.seats.get(&command.seat) else { return };
        let request =
            Request::TransferCall { held: self.connection(seat, held), active: self.connection(seat, active) };
        let seat = command.seat;
        if let Some(command) = self.commands.open.get_mut(id) {
            command.wait = None;
        }
        self.submit(seat, request, Purpose::Command(id.clone()));
    }
}

fn unreachable() -> ServiceError {
    ServiceError::new(Code::PbxRefused, "The target of the transfer is busy or cannot be reached.")
        .with_hint("The call is on hold: retrieve it, or transfer it to another number.")
}
