//! What a snapshot shows of transfers and conferences that no event told of: who is at the other end now, who is in a
//! conference, and under which id a call goes on.

use super::lookup::key;
use super::seat::{Relation, SeatId};
use super::signal::{LocalState, SnapshotCall};
use super::{Actor, CallTable};
use crate::domain::call::{CallState, Cause};
use crate::domain::ids::{CallId, PartyId};
use crate::domain::party::{Participant, ParticipantState, Party};
use crate::domain::timestamp::Moment;

fn is_shown(calls: &[SnapshotCall], pbx_call: &str) -> bool {
    calls.iter().any(|entry| entry.connection.call.as_deref().is_some_and(|shown| key(shown) == key(pbx_call)))
}

/// The same number, where one of the two may be written longer (dialplan expansion).
fn is_same(a: Option<&str>, b: Option<&str>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if !a.is_empty() && !b.is_empty() && (a.ends_with(b) || b.ends_with(a)))
}

fn is_there(participant: &&mut Participant) -> bool {
    participant.state != ParticipantState::Left
}

impl CallTable {
    /// The one call of an address that the snapshot does not show goes on under the id of the one that was not known: the
    /// call was moved there, if the other phones' calls tell that the two ids belong together.
    pub(super) fn follow_move(&mut self, at: Moment, seat: SeatId, calls: &[SnapshotCall]) {
        let Some(known) = self.seats.get(&seat) else { return };
        let gone = known.calls.iter().filter_map(|id| {
            let call = &self.calls.get(id)?.call;
            let pbx_call = call.pbx_call_id.as_deref().filter(|pbx_call| !is_shown(calls, pbx_call))?;
            call.state.is_answered().then(|| (id.clone(), pbx_call.to_owned()))
        });
        let gone: Vec<(CallId, String)> = gone.collect();
        let new = calls.iter().filter_map(|entry| {
            let pbx_call = entry.connection.call.as_deref()?;
            let is_ours = self.relation(seat, entry.connection.device.as_ref()) != Some(Relation::Sharing);
            let talks = entry.own == LocalState::Connected && entry.talking() > 0;
            (is_ours && talks && self.find(seat, pbx_call).is_none()).then_some(pbx_call)
        });
        let new: Vec<&str> = new.collect();
        let ([(id, old)], [new]) = (gone.as_slice(), new.as_slice()) else { return };
        if !self.belong_together(old, new) {
            return;
        }
        self.join_conversations(at, old, new);
        self.rekey(id, new);
        self.change_by(at, id, Actor::Gateway, |call| {
            call.gcid = call.gcid.take().map(|_| (*new).to_owned());
            call.pbx_call_id = Some((*new).to_owned());
        });
    }

    /// Whether two ids of the PBX are of one conversation, or one was made to consult about the other.
    fn belong_together(&self, one: &str, other: &str) -> bool {
        let (one, other) = (key(one), key(other));
        let conversations = (self.conversations.get(&one), self.conversations.get(&other));
        let (Some(a), Some(b)) = conversations else { return false };
        let named = |id: &CallId| self.calls.get(id)?.call.pbx_call_id.as_deref().map(key);
        let consults = |id: &CallId| {
            let (call, about) = (named(id), self.calls.get(id)?.call.consultation_of.as_ref().and_then(named));
            call.zip(about)
        };
        let mut members = [a, b].into_iter().filter_map(|conversation| self.members.get(conversation)).flatten();
        let pairs = [(one.clone(), other.clone()), (other, one)];
        a == b || members.any(|id| consults(id).is_some_and(|pair| pairs.contains(&pair)))
    }

    /// The call of the same address with which a call was joined, when the snapshot shows only one of the two.
    pub(super) fn joined_with(&self, seat: SeatId, id: &CallId, calls: &[SnapshotCall]) -> Option<CallId> {
        let about = self.calls.get(id)?.call.consultation_of.as_ref();
        let is_it = |other: &&CallId| {
            self.calls.get(*other).is_some_and(|tracked| {
                let is_pair = tracked.call.consultation_of.as_ref() == Some(id) || about == Some(*other);
                is_pair && tracked.call.pbx_call_id.as_deref().is_some_and(|pbx_call| !is_shown(calls, pbx_call))
            })
        };
        self.seats.get(&seat)?.calls.iter().find(is_it).cloned()
    }

    /// Names whom the snapshot only counts: the far ends of the calls that became one, and every phone that has the call.
    /// `joined` is the other one of the two calls; it ends.
    pub(super) fn complete_conference(
        &mut self,
        at: Moment,
        id: &CallId,
        entry: &SnapshotCall,
        joined: Option<&CallId>,
    ) {
        let Some(call) = self.calls.get(id).map(|tracked| &tracked.call) else { return };
        if call.state != CallState::Conferenced {
            return;
        }
        let mut parties = vec![call.connected.clone()];
        parties.extend(joined.and_then(|other| self.calls.get(other)).map(|other| {
            let call = &other.call;
            if call.connected.raw.is_some() { call.connected.clone() } else { call.far_end().clone() }
        }));
        parties.extend(self.phones_in(id));
        let own = self.own_numbers(id);
        let mut participants = call.participants.clone();
        for party in parties {
            let there = participants.iter_mut().filter(|one| one.state != ParticipantState::Left).count();
            let is_own = own.iter().any(|own| is_same(Some(own), party.raw.as_deref()));
            let is_known = participants.iter().any(|one| is_same(one.raw.as_deref(), party.raw.as_deref()));
            if there < entry.talking() && party.raw.is_some() && !is_own && !is_known {
                participants.push(Participant::joining(PartyId::new(&mut *self.ids), party));
            }
        }
        if self.lists_conferences {
            let too_many = participants.iter_mut().filter(is_there).count().saturating_sub(entry.others.len());
            let gone = |one: &&mut Participant| one.raw.as_deref().is_some_and(|number| self.has_left(number, id));
            for one in participants.iter_mut().filter(is_there).filter(gone).take(too_many) {
                one.state = ParticipantState::Left;
            }
            let is_complete = participants.iter_mut().filter(is_there).count() == entry.others.len();
            if is_complete && !entry.others.contains(&LocalState::Hold) {
                for one in participants.iter_mut().filter(|one| one.state == ParticipantState::OnHold) {
                    one.state = ParticipantState::Connected;
                }
            }
        }
        self.change_by(at, id, Actor::Gateway, |call| call.participants = participants);
        if let Some(joined) = joined {
            self.join_conversations_of(at, id, joined);
            self.end(at, joined, Cause::Merged, Actor::Gateway);
        }
    }

    fn join_conversations_of(&mut self, at: Moment, one: &CallId, other: &CallId) {
        let named = |id: &CallId| self.calls.get(id).and_then(|tracked| tracked.call.pbx_call_id.clone());
        if let (Some(one), Some(other)) = (named(one), named(other)) {
            self.join_conversations(at, &one, &other);
        }
    }

    /// The own numbers of the phones that have the same call, this one aside.
    fn phones_in(&self, id: &CallId) -> Vec<Party> {
        let Some(call) = self.calls.get(id).map(|tracked| &tracked.call) else { return Vec::new() };
        let Some(pbx_call) = call.pbx_call_id.as_deref().map(key) else { return Vec::new() };
        let others = self.members.get(&call.conversation_id).into_iter().flatten().filter(|other| *other != id);
        let numbers = others.filter_map(|other| {
            let tracked = self.calls.get(other)?;
            let is_in = tracked.call.state.is_answered()
                && tracked.call.pbx_call_id.as_deref().map(key) == Some(pbx_call.clone());
            is_in.then(|| self.seats.get(&tracked.seat)?.settings.numbers.first()).flatten()
        });
        let party = |number: &String| Party {
            number: Some(number.clone()),
            raw: Some(number.clone()),
            name: self.name_of(number),
            ..Party::default()
        };
        numbers.map(party).collect()
    }

    fn own_numbers(&self, id: &CallId) -> Vec<String> {
        let seat = self.calls.get(id).and_then(|tracked| self.seats.get(&tracked.seat));
        seat.map(|seat| seat.settings.numbers.clone()).unwrap_or_default()
    }

    /// Whether the phones with a number are known, and none of them has the call.
    fn has_left(&self, number: &str, id: &CallId) -> bool {
        let pbx_call = self.calls.get(id).and_then(|tracked| tracked.call.pbx_call_id.as_deref());
        let (Some(pbx_call), Some(seats)) = (pbx_call, self.numbers.get(number)) else { return false };
        seats.iter().all(|seat| self.find(*seat, pbx_call).is_none())
    }

    /// Another party at the other end than the one that is shown: nobody told of the transfer.
    pub(super) fn mend_far_end(&mut self, at: Moment, seat: SeatId, id: &CallId, entry: &SnapshotCall) {
        let Some(call) = self.calls.get(id).map(|tracked| &tracked.call) else { return };
        if !call.state.is_answered() || call.conference_id.is_some() || entry.others.len() != 1 {
            return;
        }
        let is_foreign = self.relation(seat, entry.endpoint.device()) == Some(Relation::Foreign);
        let Some(told) = self.party(&entry.endpoint).filter(|_| is_foreign) else { return };
        let Some(shown) = call.connected.raw.as_deref().filter(|shown| !is_same(Some(shown), told.raw.as_deref()))
        else {
            return;
        };
        // A router may name the number that was dialled: only who was never heard of in this call is somebody else.
        let is_new =
            [&call.caller, &call.called].iter().all(|party| !is_same(party.raw.as_deref(), told.raw.as_deref()));
        if is_new || self.has_left(shown, id) {
            let internal = self.is_internal(&told);
            self.change_by(at, id, Actor::Gateway, |call| {
                call.connected = told;
                call.internal = internal;
            });
        }
    }
}
