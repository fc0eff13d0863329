//! Calls that end, here or at another phone with the same number.

use super::super::seat::{Relation, SeatId};
use super::super::signal::{Connection, Endpoint, LocalState, SignalCause};
use super::super::timers::{OWN_CLEAR_PATIENCE, TRANSFER_PATIENCE, Timer};
use super::super::{Actor, CallTable, Trust};
use super::participant_of;
use crate::domain::call::{CallState, Cause};
use crate::domain::party::ParticipantState;
use crate::domain::timestamp::Moment;

impl CallTable {
    pub(super) fn cleared(
        &mut self,
        at: Moment,
        seat: SeatId,
        connection: &Connection,
        releasing: &Endpoint,
        local: Option<LocalState>,
        cause: SignalCause,
    ) {
        let relation = self.relation(seat, connection.device.as_ref());
        if relation == Some(Relation::Sharing) {
            self.elsewhere(seat, connection, false);
        }
        let Some(id) = self.known(at, seat, connection) else { return };
        let Some(state) = self.calls.get(&id).map(|tracked| tracked.call.state) else {
            return;
        };
        let own = match relation {
            Some(Relation::Own) => true,
            Some(_) => self.settings.trust == Trust::Always && local == Some(LocalState::Null),
            // Only the call is named: the stated state, or the one who released, tells.
            None => local.is_none_or(|local| local == LocalState::Null),
        };
        if own {
            let why = match state {
                CallState::Offering if matches!(cause, SignalCause::Normal) => {
                    if self.relation(seat, releasing.device()) == Some(Relation::Own) {
                        Cause::Rejected
                    } else {
                        Cause::CallerGaveUp
                    }
                }
                _ => end_cause(cause),
            };
            if self.transfer_likely(&id) && state.is_answered() {
                // The burst of a transfer may come out of order (15c).
                self.timers.insert((at.now + TRANSFER_PATIENCE, Timer::End(id.clone(), why)));
                // Whatever the reason will be: nothing can be done with it any more.
                if let Some(tracked) = self.calls.get_mut(&id) {
                    tracked.is_ending = true;
                }
                self.change(at, &id, |_| {});
            } else {
                self.end(at, &id, why, Actor::Phone);
            }
            return;
        }
        if relation == Some(Relation::Sharing) {
            return;
        }
        let left = connection.device.clone().map_or(Endpoint::NotKnown, Endpoint::Device);
        let in_conference = self.calls.get(&id).is_some_and(|tracked| tracked.call.conference_id.is_some());
        if in_conference {
            let mut held_there = None;
            self.change(at, &id, |call| {
                if let Some(participant) = participant_of(&mut call.participants, &left) {
                    participant.state = ParticipantState::Left;
                }
                let mut here = call.participants.iter().filter(|one| one.state != ParticipantState::Left);
                let (last, more) = (here.next(), here.next());
                if more.is_none() && matches!(call.state, CallState::Conferenced | CallState::OnHold) {
                    // Two are left, or nobody: whether the other one waits on hold is known from the conference.
                    let waits = last.is_some_and(|one| one.state == ParticipantState::OnHold);
                    if call.state == CallState::Conferenced {
                        call.state = if waits { CallState::RemoteHeld } else { CallState::Connected };
                    }
                    if let Some(last) = last {
                        call.connected = last.party();
                    }
                    call.conference_id = None;
                    call.participants.clear();
                    held_there = Some(waits);
                }
            });
            if let (Some(waits), Some(tracked)) = (held_there, self.calls.get_mut(&id)) {
                tracked.is_held_there = waits;
            }
            return;
        }
        // Two parties: our own end usually follows at once; if not, the snapshot decides.
        self.check_in(at, &id, OWN_CLEAR_PATIENCE);
    }

    pub(super) fn bridged(&mut self, at: Moment, seat: SeatId, connection: &Connection) {
        if let Some(id) = self.known(at, seat, connection) {
            let offering = self.calls.get(&id).is_some_and(|tracked| tracked.call.state == CallState::Offering);
            if offering {
                self.end(at, &id, Cause::AnsweredElsewhere, Actor::Phone);
            }
        }
        self.elsewhere(seat, connection, true);
    }

    /// Another phone with our number is, or is no longer, in a call.
    pub(super) fn elsewhere(&mut self, seat: SeatId, connection: &Connection, begins: bool) {
        let Some(pbx_call) = connection.call.as_deref() else { return };
        let Some(known) = self.seats.get_mut(&seat) else { return };
        known.elsewhere.retain(|other| !other.eq_ignore_ascii_case(pbx_call));
        if begins {
            known.elsewhere.push(pbx_call.to_owned());
        }
        self.look_elsewhere(seat);
    }
}

/// The cause of an end (dossier 5.4).
pub(in crate::domain::call_table) fn end_cause(cause: SignalCause) -> Cause {
    match cause {
        SignalCause::CallerGaveUp => Cause::CallerGaveUp,
        SignalCause::NoAnswer => Cause::NoAnswer,
        SignalCause::Busy => Cause::Busy,
        SignalCause::Rejected => Cause::Rejected,
        SignalCause::InvalidNumber => Cause::InvalidNumber,
        SignalCause::Congestion => Cause::Congestion,
        SignalCause::OutOfService => Cause::OutOfService,
        SignalCause::ForwardedUnconditional | SignalCause::ForwardedBusy | SignalCause::ForwardedNoAnswer => {
            Cause::Forwarded
        }
        SignalCause::Redirected => Cause::Redirected,
        SignalCause::Pickup => Cause::AnsweredElsewhere,
        SignalCause::Transfer => Cause::Transferred,
        SignalCause::Conference => Cause::Merged,
        SignalCause::Normal | SignalCause::Recall | SignalCause::Consultation => Cause::Normal,
    }
}
