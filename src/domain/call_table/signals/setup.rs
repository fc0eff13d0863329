//! Calls coming about: off hook, dialling, ringing, answered, failed.

use super::super::seat::{Relation, SeatId};
use super::super::signal::{Connection, Endpoint, Parties, SignalCause};
use super::super::timers::BUSY_PATIENCE;
use super::super::{Actor, CallTable, Output};
use super::clearing::end_cause;
use crate::domain::call::{Call, CallState, Cause, Direction};
use crate::domain::ids::CallId;
use crate::domain::party::{Party, Presentation};
use crate::domain::timestamp::Moment;

impl CallTable {
    /// Our own phone begins a call.
    pub(super) fn begun(
        &mut self,
        at: Moment,
        seat: SeatId,
        connection: &Connection,
        parties: Option<&Parties>,
        state: CallState,
        cause: SignalCause,
    ) {
        if !self.is_own(seat, connection.device.as_ref()) {
            return;
        }
        let Some(pbx_call) = connection.call.as_deref() else { return };
        let nothing = Parties::default();
        let parties = parties.unwrap_or(&nothing);
        let Some(id) = self.known(at, seat, connection) else {
            let Some(id) = self.make(at, seat, Some(pbx_call), Direction::Outbound, state) else {
                return;
            };
            self.fill(seat, &id, parties, cause);
            self.adopt(at, seat, &id, None);
            if cause == SignalCause::Consultation {
                self.link_consultation(at, seat, &id);
            }
            self.publish_new(at, &id, Actor::Phone);
            return;
        };
        if cause == SignalCause::Consultation {
            self.link_consultation(at, seat, &id);
        }
        let filled = self.filled(seat, &id, parties, cause);
        self.change(at, &id, |call| {
            if let Some(filled) = filled {
                *call = filled;
            }
            // A late signal never takes a call back.
            if rank(state) > rank(call.state) {
                call.state = state;
            }
        });
    }

    /// Whether more digits may follow (dossier 15a: once or repeatedly). A number that was given as a whole is not
    /// dialled on.
    pub(super) fn collects(&mut self, seat: SeatId, connection: &Connection, more: bool) {
        let found = connection.call.as_deref().and_then(|pbx_call| self.find(seat, pbx_call));
        if let Some(tracked) = found.and_then(|id| self.calls.get_mut(&id)) {
            let is_dial_tone = tracked.call.state == CallState::DialTone && tracked.call.called.raw.is_none();
            tracked.collects = more && (tracked.collects || is_dial_tone);
        }
    }

    /// Digits go out in a dial tone that a command asked for.
    pub fn dials(&mut self, id: &CallId) {
        if let Some(tracked) = self.calls.get_mut(id) {
            tracked.is_tone = false;
        }
    }

    /// What an origination without a called party means. CME tells a dial tone so, too (dossier 2.4), and it may do that
    /// after its answer to the command.
    pub(super) fn begun_without_number(&self, seat: SeatId, connection: &Connection) -> CallState {
        let found = connection.call.as_deref().and_then(|pbx_call| self.find(seat, pbx_call));
        let is_tone = found.and_then(|id| self.calls.get(&id)).is_some_and(|tracked| tracked.is_tone);
        if is_tone { CallState::DialTone } else { CallState::Dialing }
    }

    /// Digits of one step; a number that is known from elsewhere stays.
    pub(super) fn dialed(&mut self, at: Moment, seat: SeatId, connection: &Connection, digits: &str) {
        if digits.is_empty() || !self.is_own(seat, connection.device.as_ref()) {
            return;
        }
        let Some(id) = connection.call.as_deref().and_then(|pbx_call| self.find(seat, pbx_call)) else { return };
        let Some(tracked) = self.calls.get_mut(&id) else { return };
        let before = tracked.digits.clone();
        tracked.digits.push_str(digits);
        let number = tracked.digits.clone();
        let known = tracked.call.called.raw.as_deref();
        if tracked.call.state != CallState::Dialing || known.is_some_and(|known| known != before) {
            return;
        }
        let name = self.name_of(&number);
        let called = Party {
            number: Some(number.clone()),
            raw: Some(number),
            e164: None,
            name,
            presentation: Presentation::Available,
        };
        let internal = self.is_internal(&called);
        self.change(at, &id, |call| {
            call.called = called;
            call.internal = internal;
        });
    }

    /// A consultation belongs to the call that was held for it. Where nothing told what that hold was for, it is the call
    /// that still talks, for its hold is yet to be told, or else the one that was held last: with several calls on a line
    /// neither the order of their beginning nor that of their ids says anything.
    fn link_consultation(&mut self, at: Moment, seat: SeatId, id: &CallId) {
        let Some(line) = self.seats.get(&seat).map(|seat| seat.settings.line.clone()) else {
            return;
        };
        let awaits = |call: &Call| self.calls.get(&call.id).is_some_and(|tracked| tracked.awaits_consultation);
        let of = self
            .calls_of_line(&line)
            .filter(|call| call.id != *id && call.state.is_answered() && !self.is_ending(&call.id))
            .max_by_key(|call| (awaits(call), call.state != CallState::OnHold, call.state_since))
            .map(|call| call.id.clone());
        if let Some(held) = of.as_ref().and_then(|held| self.calls.get_mut(held)) {
            held.awaits_consultation = false;
        }
        let Some(tracked) = self.calls.get_mut(id) else { return };
        if of.is_none() || tracked.call.consultation_of.is_some() {
            return;
        }
        if tracked.is_published {
            self.change(at, id, |call| call.consultation_of = of);
        } else {
            tracked.call.consultation_of = of;
        }
    }

    pub(super) fn fill(&mut self, seat: SeatId, id: &CallId, parties: &Parties, cause: SignalCause) {
        if let Some(filled) = self.filled(seat, id, parties, cause)
            && let Some(tracked) = self.calls.get_mut(id)
        {
            tracked.call = filled;
        }
    }

    pub(super) fn filled(&self, seat: SeatId, id: &CallId, parties: &Parties, cause: SignalCause) -> Option<Call> {
        let mut call = self.calls.get(id)?.call.clone();
        self.learn_parties(seat, parties, cause, &mut call);
        Some(call)
    }

    /// The number is on its way: into a queue, or beyond a trunk.
    pub(super) fn progress(
        &mut self,
        at: Moment,
        seat: SeatId,
        connection: &Connection,
        parties: &Parties,
        is_beyond_trunk: bool,
        cause: SignalCause,
    ) {
        let state = CallState::Proceeding;
        let Some(id) = self.known(at, seat, connection) else {
            if self.is_own(seat, parties.calling.device())
                && parties.calling.device().is_some()
                && let Some(id) = self.appear(at, seat, connection, parties, Direction::Outbound, state, cause)
            {
                self.change(at, &id, |call| call.is_beyond_trunk = is_beyond_trunk);
            }
            return;
        };
        let filled = self.filled(seat, &id, parties, cause);
        self.change(at, &id, |call| {
            if let Some(filled) = filled {
                *call = filled;
            }
            if call.direction == Direction::Outbound && rank(state) > rank(call.state) {
                call.state = state;
            }
            call.is_beyond_trunk |= is_beyond_trunk;
        });
    }

    /// A signal tells of a call in a later state than the first: it is made in that state, and a snapshot is asked
    /// for (section 10 rule 3).
    #[expect(clippy::too_many_arguments, reason = "the parts of one signal")]
    pub(super) fn appear(
        &mut self,
        at: Moment,
        seat: SeatId,
        connection: &Connection,
        parties: &Parties,
        direction: Direction,
        state: CallState,
        cause: SignalCause,
    ) -> Option<CallId> {
        let pbx_call = connection.call.as_deref()?;
        let id = self.make(at, seat, Some(pbx_call), direction, state)?;
        self.fill(seat, &id, parties, cause);
        if direction == Direction::Outbound {
            self.adopt(at, seat, &id, None);
        }
        if state.is_answered()
            && let Some(tracked) = self.calls.get_mut(&id)
        {
            tracked.call.connected = tracked.call.far_end().clone();
        }
        self.publish_new(at, &id, Actor::Phone);
        self.join_by_parties(at, &id);
        Some(id)
    }

    pub(super) fn delivered(
        &mut self,
        at: Moment,
        seat: SeatId,
        connection: &Connection,
        alerting: &Endpoint,
        parties: &Parties,
        cause: SignalCause,
    ) {
        let device = alerting.device().or(connection.device.as_ref());
        let rings_here = self.relation(seat, device) == Some(Relation::Own);
        let calls_from_here =
            parties.calling.device().is_some() && self.relation(seat, parties.calling.device()) == Some(Relation::Own);
        match self.known(at, seat, connection) {
            None if rings_here => {
                self.appear(at, seat, connection, parties, Direction::Inbound, CallState::Offering, cause);
            }
            None if calls_from_here => {
                self.appear(at, seat, connection, parties, Direction::Outbound, CallState::Ringback, cause);
            }
            // Another phone with our number rings, or the monitor began late: the snapshot knows.
            None if self.relation(seat, device) == Some(Relation::Sharing) => {}
            None => self.out.push_back(Output::WantSnapshot { seat }),
            Some(id) => {
                let filled = self.filled(seat, &id, parties, cause);
                self.change(at, &id, |call| {
                    if let Some(filled) = filled {
                        *call = filled;
                    }
                    if call.direction == Direction::Inbound {
                        return;
                    }
                    if matches!(call.state, CallState::DialTone | CallState::Dialing | CallState::Proceeding) {
                        call.state = CallState::Ringback;
                    }
                });
                self.join_by_parties(at, &id);
            }
        }
    }

    pub(super) fn established(
        &mut self,
        at: Moment,
        seat: SeatId,
        connection: &Connection,
        answering: &Endpoint,
        parties: &Parties,
        cause: SignalCause,
    ) {
        let device = answering.device().or(connection.device.as_ref());
        let relation = self.relation(seat, device);
        let calls_from_here =
            parties.calling.device().is_some() && self.relation(seat, parties.calling.device()) == Some(Relation::Own);
        let Some(id) = self.known(at, seat, connection) else {
            match relation {
                Some(Relation::Own) if !calls_from_here => {
                    self.appear(at, seat, connection, parties, Direction::Inbound, CallState::Connected, cause);
                    self.out.push_back(Output::WantSnapshot { seat });
                }
                _ if calls_from_here => {
                    self.appear(at, seat, connection, parties, Direction::Outbound, CallState::Connected, cause);
                    self.out.push_back(Output::WantSnapshot { seat });
                }
                Some(Relation::Sharing) => self.elsewhere(seat, connection, true),
                _ => self.out.push_back(Output::WantSnapshot { seat }),
            }
            return;
        };
        let direction = self.calls.get(&id).map(|tracked| tracked.call.direction);
        let state = self.calls.get(&id).map(|tracked| tracked.call.state);
        if relation == Some(Relation::Sharing) && direction == Some(Direction::Inbound) {
            if state == Some(CallState::Offering) {
                self.end(at, &id, Cause::AnsweredElsewhere, Actor::Phone);
            }
            self.elsewhere(seat, connection, true);
            return;
        }
        let filled = self.filled(seat, &id, parties, cause);
        let far = self.party(answering);
        self.change(at, &id, |call| {
            if let Some(filled) = filled {
                *call = filled;
            }
            if call.direction == Direction::Outbound && relation == Some(Relation::Own) {
                // Our own phone answered its own prompt; the far end has not.
                return;
            }
            // Who took our call elsewhere is nobody of ours; but a call that was sent on rang there and is answered now.
            let rings_there = call.state == CallState::Ringback;
            if call.direction == Direction::Inbound && relation == Some(Relation::Foreign) && !rings_there {
                return;
            }
            if !matches!(call.state, CallState::OnHold | CallState::Conferenced | CallState::RemoteHeld) {
                call.state = CallState::Connected;
            }
            call.connected = match (call.direction, far) {
                (Direction::Outbound, Some(far)) => far,
                (Direction::Inbound, Some(far)) if rings_there => far,
                _ => call.far_end().clone(),
            };
        });
    }

    pub(super) fn failed(
        &mut self,
        at: Moment,
        seat: SeatId,
        connection: &Connection,
        failing: &Endpoint,
        parties: &Parties,
        cause: SignalCause,
    ) {
        let calls_from_here = self.relation(seat, parties.calling.device()) == Some(Relation::Own);
        let id = match self.known(at, seat, connection) {
            Some(id) => id,
            None if calls_from_here => {
                let made = self.appear(at, seat, connection, parties, Direction::Outbound, CallState::Dialing, cause);
                match made {
                    Some(id) => id,
                    None => return,
                }
            }
            None => return,
        };
        let state = match cause {
            SignalCause::Busy => CallState::Busy,
            _ => CallState::Failed,
        };
        let filled = self.filled(seat, &id, parties, SignalCause::Normal);
        if let Some(tracked) = self.calls.get_mut(&id)
            && !tracked.call.state.is_answered()
        {
            tracked.failure = Some(end_cause(cause));
        }
        let failing = self.party(failing);
        self.change(at, &id, |call| {
            if let Some(filled) = filled {
                *call = filled;
            }
            if call.called.raw.is_none()
                && let Some(failing) = failing
            {
                call.called = failing;
            }
            if !call.state.is_answered() {
                call.state = state;
            }
        });
        self.check_in(at, &id, BUSY_PATIENCE);
    }
}

/// How far a call has come, so that late signals do not take it back.
pub(super) fn rank(state: CallState) -> u8 {
    match state {
        CallState::DialTone => 0,
        CallState::Dialing => 1,
        CallState::Proceeding => 2,
        CallState::Ringback | CallState::Offering => 3,
        _ => 4,
    }
}
