//! Commands that are under way: what they cause carries their id, and a call that they make carries their reference.

use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::attached::is_empty;
use super::lookup::key;
use super::seat::{Relation, SeatId};
use super::timers::Timer;
use super::{Actor, CallTable, Device};
use crate::domain::action::Action;
use crate::domain::call::{Call, CallState, Direction, no_data};
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
    /// The call whose place the new one takes: it is of the same conversation, and about the same held call.
    pub replaces: Option<CallId>,
}

#[derive(Debug)]
pub(super) struct PendingDial {
    pub(super) intent: DialIntent,
    pub(super) call: Option<CallId>,
    /// The call whose place is taken, as it was.
    pub(super) replaced: Option<Box<Call>>,
}

impl CallTable {
    /// A dial command goes to the PBX: the first new outgoing call of the seat is its call (section 10 rule 5).
    pub fn intend_dial(&mut self, seat: SeatId, intent: DialIntent) {
        let replaced = intent.replaces.as_ref().and_then(|call| self.call(call)).cloned().map(Box::new);
        self.pending.entry(seat).or_default().push(PendingDial { intent, call: None, replaced });
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
        let known = match known {
            Some(call) if self.is_other(&call, pbx_call) => {
                self.disown(at, seat, &call, command);
                None
            }
            known => known,
        };
        let call = match (known, pbx_call) {
            (Some(call), _) => Some(call),
            (None, Some(pbx_call)) => match self.find(seat, pbx_call) {
                Some(call) => {
                    self.adopt(at, seat, &call, Some(command));
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

    /// Whether a call has another id of the PBX than this.
    fn is_other(&self, call: &CallId, pbx_call: Option<&str>) -> bool {
        let has = self.calls.get(call).and_then(|tracked| tracked.call.pbx_call_id.as_deref());
        matches!((has, pbx_call), (Some(has), Some(named)) if key(has) != key(named))
    }

    /// A call that a dial command got by guess is not its call: somebody lifted the handset at the same time.
    /// Gives back what it got.
    fn disown(&mut self, at: Moment, seat: SeatId, call: &CallId, command: &CommandId) {
        let pending = self.pending.get_mut(&seat).into_iter().flatten();
        let Some(pending) = pending.into_iter().find(|pending| pending.intent.command == *command) else { return };
        pending.call = None;
        let dialed = pending.intent.dialed.clone();
        if let Some(tracked) = self.calls.get(call)
            && !is_empty(&tracked.call.data)
        {
            pending.intent.data = Some(tracked.call.data.clone());
        }
        self.intent_done(call, command);
        self.attach_as(at, call, &Actor::Gateway, no_data());
        self.change(at, call, |call| {
            call.client_ref = None;
            if call.called.raw.as_deref() == Some(&*dialed) && !call.state.is_answered() {
                call.called = Party::default();
                call.internal = false;
            }
        });
    }

    /// A dial command failed, or nothing came of it.
    pub fn drop_pending(&mut self, seat: SeatId, command: &CommandId) {
        if let Some(list) = self.pending.get_mut(&seat) {
            list.retain(|pending| pending.intent.command != *command);
        }
    }

    /// The PBX made the call of a dial command at this device: where that is another address of the line, the command
    /// waits there. Gives the address.
    pub fn move_dial(&mut self, from: SeatId, command: &CommandId, device: &Device) -> SeatId {
        let is_there = |seat: &SeatId| self.relation(*seat, Some(device)) == Some(Relation::Own);
        let line = self.seats.get(&from).map(|seat| &seat.settings.line);
        let seats = line.and_then(|line| self.lines.get(line)).into_iter().flatten();
        let Some(to) = seats.copied().find(is_there).filter(|_| !is_there(&from)) else { return from };
        let list = self.pending.entry(from).or_default();
        if let Some(at) = list.iter().position(|pending| pending.intent.command == *command) {
            let pending = list.remove(at);
            self.pending.entry(to).or_default().push(pending);
        }
        to
    }

    /// The call that a pending dial command has got.
    pub fn dialed_call(&self, seat: SeatId, command: &CommandId) -> Option<CallId> {
        self.pending.get(&seat)?.iter().find(|pending| pending.intent.command == *command)?.call.clone()
    }

    /// A command on a call goes to the PBX: what the call does next carries its id.
    pub fn intend(&mut self, at: Moment, call: &CallId, command: CommandId, actor: String, action: Option<Action>) {
        let intent = Intent { command, actor, until: at.now + PATIENCE };
        if let Some(tracked) = self.calls.get_mut(call) {
            tracked.intent = Some(intent.clone());
        }
        if let Some(action) = action {
            self.resound(call, intent, action);
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

    /// Gives a fresh outgoing call to the dial command that waits for one.
    pub(super) fn adopt(&mut self, at: Moment, seat: SeatId, id: &CallId, command: Option<&CommandId>) {
        let Some(pending) = self.pending.get_mut(&seat).and_then(|list| {
            list.iter_mut().find(|pending| {
                pending.call.is_none() && command.is_none_or(|wanted| pending.intent.command == *wanted)
            })
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
        let (shown, actor) = (data.clone(), Actor::Token(pending.intent.actor.clone()));
        let dialed = pending.intent.dialed.clone();
        let replaced = pending.replaced.take();
        let client_ref = client_ref.or(replaced.as_ref().and_then(|before| before.client_ref.clone()));
        let consultation_of = match &replaced {
            Some(before) => before.consultation_of.clone(),
            None => self.intended(seat, id, &intent.command),
        };
        if let Some(before) = &replaced {
            self.take_place(at, id, before);
        }
        let wants_dial_tone = dialed.is_empty();
        let called = (!dialed.is_empty()).then(|| Party {
            number: Some(dialed.clone()),
            name: self.name_of(&dialed),
            raw: Some(dialed),
            e164: None,
            presentation: Presentation::Available,
        });
        let internal = called.as_ref().is_some_and(|called| self.is_internal(called));
        let fill = move |call: &mut Call| {
            call.client_ref = client_ref;
            if let Some(data) = shown {
                call.data = data;
            }
            call.consultation_of = consultation_of.or(call.consultation_of.take());
            // CME: the first signal names no called party (dossier 2.4); what was dialled is known here.
            if call.called.raw.is_none()
                && let Some(called) = called
            {
                call.called = called;
                call.internal = internal;
            }
            // CME: off hook without digits is told as originated, called unknown (dossier 2.4); nothing was dialled.
            if wants_dial_tone && call.state == CallState::Dialing && call.called.raw.is_none() {
                call.state = CallState::DialTone;
            }
        };
        self.resound(id, intent.clone(), Action::Dial);
        let Some(tracked) = self.calls.get_mut(id) else { return };
        tracked.intent = Some(intent);
        tracked.is_tone = wants_dial_tone;
        if tracked.is_published {
            self.change(at, id, fill);
        } else {
            fill(&mut tracked.call);
        }
        if let Some(data) = data {
            self.attach_as(at, id, &actor, data);
        }
        // Answered without a signal: a snapshot shows whether anything happened (15c).
        if command.is_some() {
            self.timers.insert((at.now + PATIENCE, Timer::Effect(id.clone(), at.now)));
        }
    }

    /// A call takes the place of another one: the conversation goes on, and what is attached to it.
    fn take_place(&mut self, at: Moment, id: &CallId, before: &Call) {
        let Some(tracked) = self.calls.get_mut(id) else { return };
        let Some(pbx_call) = tracked.call.pbx_call_id.clone() else { return };
        if tracked.is_published {
            if let Some(old) = &before.pbx_call_id {
                self.join_conversations(at, old, &pbx_call);
            }
            return;
        }
        let own = std::mem::replace(&mut tracked.call.conversation_id, before.conversation_id.clone());
        if let Some(members) = self.members.get_mut(&own) {
            members.retain(|member| member != id);
            if members.is_empty() {
                self.members.remove(&own);
            }
        }
        self.members.entry(before.conversation_id.clone()).or_default().push(id.clone());
        self.conversations.insert(key(&pbx_call), before.conversation_id.clone());
        let data = self.attached_to(&before.conversation_id);
        if let Some(tracked) = self.calls.get_mut(id) {
            tracked.call.data = data;
        }
    }

    /// Another call of the line that this command is for: a consultation is one command on the held call and for the
    /// new one.
    fn intended(&self, seat: SeatId, id: &CallId, command: &CommandId) -> Option<CallId> {
        let line = &self.seats.get(&seat)?.settings.line;
        let is_for = |call: &&Call| {
            let intent = self.calls.get(&call.id).and_then(|tracked| tracked.intent.as_ref());
            call.id != *id && intent.is_some_and(|intent| intent.command == *command)
        };
        self.calls_of_line(line).find(is_for).map(|call| call.id.clone())
    }
}
