//! Commands that are under way: what they cause carries their id, and a call that they make carries their reference.

use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::seat::SeatId;
use super::timers::Timer;
use super::{Actor, CallTable};
use crate::domain::call::{CallState, Direction};
use crate::domain::ids::{CallId, CommandId};
use crate::domain::party::{Party, Presentation};
use crate::domain::timestamp::Moment;

/// How long a signal may be late and still belong to a command (dossier 15e, `service.no_event`).
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub(super) struct Intent {
    pub(super) command: CommandId,
    pub(super) actor: String,
    pub(super) until: Instant,
}

/// A dial command.
#[derive(Debug)]
pub struct DialIntent {
    /// Its id.
    pub command: CommandId,
    /// Name of the token.
    pub actor: String,
    /// The program's reference.
    pub client_ref: Option<String>,
    /// The digits that go to the PBX; empty for dial tone.
    pub dialed: String,
    /// Data for the call.
    pub data: Option<Box<RawValue>>,
}

#[derive(Debug)]
pub(super) struct PendingDial {
    pub(super) intent: DialIntent,
    pub(super) call: Option<CallId>,
}

impl CallTable {
    /// A dial command goes to the PBX: the first new outgoing call of the seat is its call (section 10 rule 5).
    pub fn intend_dial(&mut self, seat: SeatId, intent: DialIntent) {
        self.pending
            .entry(seat)
            .or_default()
            .push(PendingDial { intent, call: None });
    }

    /// The PBX answered a dial command. Gives the call, made now when no signal has made it yet.
    pub fn bind_dial(
        &mut self,
        at: Moment,
        seat: SeatId,
        command: &CommandId,
        pbx_call: Option<&str>,
    ) -> Option<CallId> {
        let known = self
            .pending
            .get(&seat)
            .and_then(|list| list.iter().find(|pending| pending.intent.command == *command))
            .and_then(|pending| pending.call.clone());
        let call = match (known, pbx_call) {
            (Some(call), _) => Some(call),
            (None, Some(pbx_call)) => match self.find(seat, pbx_call) {
                Some(call) => {
                    self.adopt(at, seat, &call, Some(command));
                    self.change(at, &call, |_| {});
                    Some(call)
                }
                None => {
                    let call = self.make(at, seat, Some(pbx_call), Direction::Outbound, CallState::Dialing)?;
                    self.adopt(at, seat, &call, Some(command));
                    self.publish_new(at, &call, Actor::Phone);
                    Some(call)
                }
            },
            // MakeCallResponse without an id: the next signal of the device is bound (15c).
            (None, None) => None,
        };
        if call.is_some() {
            self.drop_pending(seat, command);
        }
        call
    }

    /// A dial command failed, or nothing came of it.
    pub fn drop_pending(&mut self, seat: SeatId, command: &CommandId) {
        if let Some(list) = self.pending.get_mut(&seat) {
            list.retain(|pending| pending.intent.command != *command);
        }
    }

    /// The call that a pending dial command has got.
    pub fn dialed_call(&self, seat: SeatId, command: &CommandId) -> Option<CallId> {
        self.pending
            .get(&seat)?
            .iter()
            .find(|pending| pending.intent.command == *command)?
            .call
            .clone()
    }

    /// A command on a call goes to the PBX: what the call does next carries its id.
    pub fn intend(&mut self, at: Moment, call: &CallId, command: CommandId, actor: String) {
        if let Some(tracked) = self.calls.get_mut(call) {
            tracked.intent = Some(Intent {
                command,
                actor,
                until: at.now + PATIENCE,
            });
        }
    }

    /// A command has had its effect, or will have none.
    pub fn intent_done(&mut self, call: &CallId, command: &CommandId) {
        if let Some(tracked) = self.calls.get_mut(call)
            && tracked.intent.as_ref().is_some_and(|intent| intent.command == *command)
        {
            tracked.intent = None;
        }
    }

    /// Replaces the data that programs attached to a call.
    pub fn attach(&mut self, at: Moment, call: &CallId, actor: String, data: Box<RawValue>) -> bool {
        self.change_by(at, call, Actor::Token(actor), |call| call.data = data)
    }

    /// Gives a fresh outgoing call to the dial command that waits for one.
    pub(super) fn adopt(&mut self, at: Moment, seat: SeatId, id: &CallId, command: Option<&CommandId>) {
        let Some(pending) = self.pending.get_mut(&seat).and_then(|list| {
            list.iter_mut()
                .find(|pending| pending.call.is_none() && command.is_none_or(|wanted| pending.intent.command == *wanted))
        }) else {
            return;
        };
        pending.call = Some(id.clone());
        let intent = Intent {
            command: pending.intent.command.clone(),
            actor: pending.intent.actor.clone(),
            until: at.now + PATIENCE,
        };
        let client_ref = pending.intent.client_ref.clone();
        let data = pending.intent.data.take();
        let dialed = pending.intent.dialed.clone();
        let name = self.names.get(&dialed).cloned();
        let Some(tracked) = self.calls.get_mut(id) else { return };
        tracked.intent = Some(intent);
        tracked.call.client_ref = client_ref;
        if let Some(data) = data {
            tracked.call.data = data;
        }
        // CME: the first signal names no called party (dossier 2.4); what was dialled is known here.
        if tracked.call.called.raw.is_none() && !dialed.is_empty() {
            tracked.call.called = Party {
                number: Some(dialed.clone()),
                raw: Some(dialed),
                e164: None,
                name,
                presentation: Presentation::Available,
            };
        }
        let internal = self.calls.get(id).is_some_and(|tracked| self.is_internal(&tracked.call.called));
        if let Some(tracked) = self.calls.get_mut(id) {
            tracked.call.internal = internal;
        }
        self.timers.insert((at.now + PATIENCE, Timer::Check(id.clone())));
    }
}
