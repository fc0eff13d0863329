//! Mending the table with what the PBX says it has (section 10, "Snapshot to state", rule 6).

use std::time::Duration;

use super::seat::{Relation, SeatId};
use super::signal::{LocalState, SnapshotCall};
use super::{Actor, CallTable};
use crate::domain::call::{CallState, Cause, Direction, Reason};
use crate::domain::ids::CallId;
use crate::domain::party::ParticipantState;
use crate::domain::timestamp::Moment;

/// The second look at a call that a snapshot does not show.
const SECOND_LOOK: Duration = Duration::from_secs(2);
/// A call that was heard of this recently may be younger than the snapshot.
const YOUNG: Duration = Duration::from_millis(500);
/// Confirmations are published at most this often; each is remembered.
const CONFIRM_EVERY_MS: i64 = 30_000;

impl CallTable {
    /// Applies a snapshot of an address.
    pub fn snapshot(&mut self, at: Moment, seat: SeatId, calls: &[SnapshotCall]) {
        if !self.seats.contains_key(&seat) {
            return;
        }
        self.follow_move(at, seat, calls);
        let mut seen: Vec<CallId> = Vec::new();
        let mut elsewhere: Vec<String> = Vec::new();
        for entry in calls {
            let Some(pbx_call) = entry.connection.call.as_deref() else { continue };
            if self.relation(seat, entry.connection.device.as_ref()) == Some(Relation::Sharing) {
                if matches!(entry.own, LocalState::Connected | LocalState::Hold) {
                    elsewhere.push(pbx_call.to_owned());
                }
                continue;
            }
            let Some(state) = state_of(entry) else { continue };
            match self.find(seat, pbx_call) {
                Some(id) => {
                    let joined = self.joined_with(seat, &id, calls);
                    self.confirm(at, &id, state, entry);
                    self.complete_conference(at, &id, entry, joined.as_ref());
                    self.mend_far_end(at, seat, &id, entry);
                    seen.push(id);
                }
                None => seen.extend(self.discover(at, seat, pbx_call, state, entry)),
            }
        }
        self.set_elsewhere(seat, elsewhere);
        let known = self.seats.get(&seat).map(|seat| seat.calls.clone()).unwrap_or_default();
        for id in known {
            if !seen.contains(&id) {
                self.absent(at, &id);
            }
        }
    }

    /// The PBX says that an address is in use and no more: what is known about it stays.
    pub fn in_use(&mut self, at: Moment, seat: SeatId) {
        let known = self.seats.get(&seat).map(|seat| seat.calls.clone()).unwrap_or_default();
        for id in known {
            if let Some(tracked) = self.calls.get_mut(&id) {
                tracked.missing = 0;
                tracked.unconfirmed = false;
                tracked.last_signal = at.now;
            }
        }
    }

    fn confirm(&mut self, at: Moment, id: &CallId, state: CallState, entry: &SnapshotCall) {
        let Some(tracked) = self.calls.get_mut(id) else { return };
        tracked.missing = 0;
        tracked.unconfirmed = false;
        tracked.last_signal = at.now;
        let current = tracked.call.state;
        let conference = tracked.call.conference_id.is_some();
        let outbound = tracked.call.direction == Direction::Outbound;
        // Three who talk are a conference, whether it was told of or not. That only two are left says the same only where
        // this PBX is known to list everybody.
        let grows = entry.own == LocalState::Connected && entry.talking() >= 2;
        let shrinks = conference && self.lists_conferences && entry.others.len() == 1;
        self.lists_conferences |= grows && conference;
        let conference = (conference || grows) && !shrinks;
        let wanted = match (current, state) {
            // One connection only: nothing is said about the other end.
            _ if entry.own == LocalState::Connected && entry.others.is_empty() => match current {
                CallState::DialTone => CallState::Proceeding,
                CallState::Offering | CallState::OnHold => CallState::Connected,
                _ => current,
            },
            // A conference is one connected call to a snapshot, whatever one of the others does.
            (_, CallState::Connected | CallState::RemoteHeld | CallState::Ringback) if conference => {
                CallState::Conferenced
            }
            // Which state is ours is not fixed (U-24): a pair the wrong way round never turns a call round.
            (CallState::DialTone | CallState::Dialing | CallState::Proceeding, CallState::Offering)
                if outbound && entry.other() == Some(LocalState::Connected) =>
            {
                CallState::Ringback
            }
            (_, CallState::Offering) if outbound => current,
            (CallState::Offering, CallState::Ringback) => CallState::Offering,
            (CallState::Dialing, CallState::DialTone) => CallState::Dialing,
            // A snapshot cannot tell these apart.
            (CallState::Proceeding | CallState::Dialing, CallState::Proceeding) => current,
            (CallState::Busy | CallState::Failed, CallState::Failed) => current,
            _ => state,
        };
        let mended = wanted != current;
        let confirmed_long_ago = at.wall.unix_ms() - tracked.call.confirmed_at.unix_ms() >= CONFIRM_EVERY_MS;
        let far = self.party(&entry.endpoint);
        self.change_by(at, id, Actor::Gateway, |call| {
            call.state = wanted;
            if grows && call.conference_id.is_none() {
                call.conference_id = Some(call.conversation_id.as_str().to_owned());
                call.consultation_of = None;
            }
            if shrinks {
                let mut here = call.participants.iter().filter(|one| one.state != ParticipantState::Left);
                if let (Some(last), None) = (here.next(), here.next()) {
                    call.connected = last.party();
                }
                call.conference_id = None;
                call.participants.clear();
            }
            if mended || confirmed_long_ago {
                call.confirmed_at = at.wall;
            }
            if let Some(far) = far {
                match call.direction {
                    Direction::Inbound if call.caller.raw.is_none() => call.caller = far.clone(),
                    Direction::Outbound if call.called.raw.is_none() => call.called = far.clone(),
                    _ => {}
                }
                if wanted.is_answered() && call.connected.raw.is_none() {
                    call.connected = far;
                }
            }
        });
    }

    /// A call that the PBX has and we do not know.
    fn discover(
        &mut self,
        at: Moment,
        seat: SeatId,
        pbx_call: &str,
        state: CallState,
        entry: &SnapshotCall,
    ) -> Option<CallId> {
        // The failed connection of a called party: nothing rang there, it is no call of this phone.
        if entry.own == LocalState::Fail {
            return None;
        }
        let direction = match state {
            CallState::DialTone
            | CallState::Dialing
            | CallState::Proceeding
            | CallState::Ringback
            | CallState::Busy
            | CallState::Failed => Direction::Outbound,
            _ => Direction::Inbound,
        };
        let id = self.make(at, seat, Some(pbx_call), direction, state)?;
        let far = self.party(&entry.endpoint);
        let internal = far.as_ref().is_some_and(|party| self.is_internal(party));
        if let Some(tracked) = self.calls.get_mut(&id) {
            tracked.call.reason = Reason::Unknown;
            tracked.call.internal = internal;
            if let Some(far) = far {
                if state.is_answered() {
                    tracked.call.connected = far.clone();
                }
                match direction {
                    Direction::Inbound => tracked.call.caller = far,
                    Direction::Outbound => tracked.call.called = far,
                }
            }
        }
        if direction == Direction::Outbound {
            self.adopt(at, seat, &id, None);
        }
        self.publish_new(at, &id, Actor::Gateway);
        Some(id)
    }

    fn absent(&mut self, at: Moment, id: &CallId) {
        let Some(tracked) = self.calls.get_mut(id) else { return };
        if !tracked.unconfirmed && at.now.saturating_duration_since(tracked.last_signal) < YOUNG {
            self.check_in(at, id, SECOND_LOOK);
            return;
        }
        tracked.missing += 1;
        if tracked.unconfirmed || tracked.missing >= 2 {
            let cause = tracked.failure.unwrap_or(Cause::Lost);
            self.end(at, id, cause, Actor::Gateway);
        } else {
            self.check_in(at, id, SECOND_LOOK);
        }
    }

    fn set_elsewhere(&mut self, seat: SeatId, calls: Vec<String>) {
        let Some(known) = self.seats.get_mut(&seat) else { return };
        known.elsewhere = calls;
        self.look_elsewhere(seat);
    }
}

/// The state that a pair of connection states means (section 10 table); `None` when the call is gone.
fn state_of(entry: &SnapshotCall) -> Option<CallState> {
    use LocalState as L;
    Some(match (entry.own, entry.other()) {
        (L::Null, Some(L::Fail)) => CallState::Failed,
        (L::Null, _) => return None,
        (L::Initiated, _) => CallState::DialTone,
        (L::Alerting, _) => CallState::Offering,
        (L::Hold, _) => CallState::OnHold,
        (L::Fail, _) | (_, Some(L::Fail)) => CallState::Failed,
        (L::Queued, _) | (_, Some(L::Queued)) => CallState::Proceeding,
        (L::Connected, Some(L::Alerting)) => CallState::Ringback,
        (L::Connected, Some(L::Hold)) => CallState::RemoteHeld,
        (L::Connected, Some(L::Connected)) => CallState::Connected,
        (L::Connected, Some(L::Null | L::Initiated)) => CallState::Proceeding,
        (L::Connected, None) => CallState::Connected,
    })
}
