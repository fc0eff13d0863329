//! What the calls do next carries the id of the command that went to the PBX: not of one that waits for its turn, nor of
//! a later one while the effect of an earlier one is still to come.

use super::super::task::LinkTask;
use super::Command;
use crate::domain::call_table::DialIntent;
use crate::domain::{Action, CallId, CommandId};

impl LinkTask {
    /// A step of a command goes to the PBX now.
    pub(in crate::service::link) fn intend(&mut self, id: &CommandId) {
        let Some(command) = self.commands.open.get_mut(id) else { return };
        command.was_sent = true;
        let is_new = !std::mem::replace(&mut command.is_dialing, command.makes.is_some());
        let makes = command.makes.is_some();
        let calls: Vec<CallId> = command.calls.iter().chain(&command.made).cloned().collect();
        for call in calls {
            // The call that it makes is about this one: the table finds that out by their common command.
            if makes || !self.confirmations.awaits_another(&call, id) {
                self.intend_on(&call, id);
            }
        }
        if is_new {
            self.intend_dial(id);
        }
    }

    fn intend_on(&mut self, call: &CallId, id: &CommandId) {
        let at = self.at();
        let command = self.commands.open.get(id).or_else(|| self.confirmations.command(id));
        let Some(command) = command else { return };
        let (actor, action) = (command.actor.to_string(), command.action);
        let action = Action::ALL.into_iter().find(|known| known.as_str() == action);
        self.table.intend(at, call, id.clone(), actor, action);
    }

    fn intend_dial(&mut self, id: &CommandId) {
        let Some(command) = self.commands.open.get(id) else { return };
        let Some(making) = &command.makes else { return };
        self.table.intend_dial(
            command.dials_at,
            DialIntent {
                command: id.clone(),
                actor: command.actor.to_string(),
                client_ref: command.client_ref.clone(),
                dialed: making.dialed.clone(),
                data: command.data.clone(),
                replaces: making.replaces.clone(),
            },
        );
    }

    /// A command has had its effect, or will have none: what its calls do next is that of the command after it.
    pub(in crate::service::link) fn forget_intents(&mut self, id: &CommandId, command: &Command) {
        if command.makes.is_some() {
            self.table.drop_pending(command.dials_at, id);
        }
        for call in command.calls.iter().chain(&command.made) {
            self.table.intent_done(call, id);
            let is_next =
                |(other, next): &(&CommandId, &Command)| *other != id && next.was_sent && next.calls.contains(call);
            // Ids rise with time.
            let open = self.commands.open.iter().filter(is_next).map(|(other, _)| other);
            let next = open.chain(self.confirmations.of_call(call).filter(|other| *other != id)).min().cloned();
            if let Some(next) = next {
                self.intend_on(call, &next);
            }
        }
    }
}
