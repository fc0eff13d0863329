//! Hold and retrieve, here and at the other end.

use super::super::seat::{Relation, SeatId};
use super::super::signal::{Connection, Endpoint, Parties, SignalCause};
use super::super::{Actor, CallTable, Output};
use super::participant_of;
use crate::domain::call::{CallState, Cause, Direction};
use crate::domain::party::ParticipantState;
use crate::domain::timestamp::Moment;

impl CallTable {
    pub(super) fn held(
        &mut self,
        at: Moment,
        seat: SeatId,
        connection: &Connection,
        holding: &Endpoint,
        cause: SignalCause,
    ) {
        let own = self.own_act(seat, holding, connection);
        if own == Some(Relation::Sharing) {
            // It is held at another phone and stays in use there (section 10 rule 1: no hold of ours).
            self.known(at, seat, connection);
            return;
        }
        let Some(id) = self.known(at, seat, connection) else {
            if own == Some(Relation::Own) {
                self.appears_here(at, seat, connection, CallState::OnHold);
            }
            self.out.push_back(Output::WantSnapshot { seat });
            return;
        };
        if let Some(tracked) = self.calls.get_mut(&id) {
            let is_there = own == Some(Relation::Foreign) || tracked.call.state == CallState::RemoteHeld;
            tracked.is_held_there |= is_there && tracked.call.conference_id.is_none();
            if own != Some(Relation::Foreign) {
                tracked.awaits_consultation = cause == SignalCause::Consultation;
            }
        }
        self.change(at, &id, |call| match own {
            Some(Relation::Foreign) if matches!(call.state, CallState::Connected) => {
                call.state = CallState::RemoteHeld;
            }
            Some(Relation::Foreign) => {
                if let Some(participant) = participant_of(&mut call.participants, holding) {
                    participant.state = ParticipantState::OnHold;
                }
            }
            _ => call.state = CallState::OnHold,
        });
    }

    pub(super) fn retrieved(&mut self, at: Moment, seat: SeatId, connection: &Connection, retrieving: &Endpoint) {
        let own = self.own_act(seat, retrieving, connection);
        if own == Some(Relation::Sharing) {
            // A shared call was taken from hold at another phone (octo-line, section 9.4).
            if let Some(id) = self.known(at, seat, connection) {
                self.end(at, &id, Cause::AnsweredElsewhere, Actor::Phone);
            }
            self.elsewhere(seat, connection, true);
            return;
        }
        let Some(id) = self.known(at, seat, connection) else {
            if own == Some(Relation::Own) {
                self.elsewhere(seat, connection, false);
                self.appears_here(at, seat, connection, CallState::Connected);
            }
            self.out.push_back(Output::WantSnapshot { seat });
            return;
        };
        let is_held_there = self.calls.get_mut(&id).is_some_and(|tracked| {
            tracked.is_held_there &= own != Some(Relation::Foreign);
            tracked.awaits_consultation &= own == Some(Relation::Foreign);
            tracked.is_held_there
        });
        self.change(at, &id, |call| {
            let talking = match (call.conference_id.is_some(), is_held_there) {
                (true, _) => CallState::Conferenced,
                // Both ends held, and only this one takes the call back.
                (false, true) => CallState::RemoteHeld,
                (false, false) => CallState::Connected,
            };
            match own {
                Some(Relation::Foreign) if call.state == CallState::RemoteHeld => call.state = talking,
                Some(Relation::Foreign) => {
                    if let Some(participant) = participant_of(&mut call.participants, retrieving) {
                        participant.state = ParticipantState::Connected;
                    }
                }
                _ => call.state = talking,
            }
        });
    }

    /// A call that was answered elsewhere is here now. Who called whom stays what it was at the other phone with this number.
    fn appears_here(&mut self, at: Moment, seat: SeatId, connection: &Connection, state: CallState) {
        let before = connection.call.as_deref().and_then(|pbx_call| self.leg_elsewhere(seat, pbx_call)).cloned();
        let (Some(pbx_call), Some(before)) = (connection.call.as_deref(), before) else {
            let (nobody, cause) = (Parties::default(), SignalCause::Normal);
            self.appear(at, seat, connection, &nobody, Direction::Inbound, state, cause);
            return;
        };
        let Some(id) = self.make(at, seat, Some(pbx_call), before.direction, state) else { return };
        if let Some(tracked) = self.calls.get_mut(&id) {
            let call = &mut tracked.call;
            call.caller = before.caller;
            call.called = before.called;
            call.connected = before.connected;
            call.redirecting = before.redirecting;
            call.reason = before.reason;
            call.internal = before.internal;
        }
        self.publish_new(at, &id, Actor::Phone);
    }
}
