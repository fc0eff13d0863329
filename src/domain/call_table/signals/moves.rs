//! Calls that move: redirected, transferred, joined.

use super::super::party::reason_of;
use super::super::seat::{Relation, SeatId};
use super::super::signal::{Connection, Endpoint, Moved, SignalCause};
use super::super::timers::TRANSFER_PATIENCE;
use super::super::{Actor, CallTable, Output};
use super::participant_of;
use super::setup::rank;
use crate::domain::call::{CallState, Cause, Direction, Reason};
use crate::domain::ids::{CallId, PartyId};
use crate::domain::party::{Participant, ParticipantState};
use crate::domain::timestamp::Moment;

impl CallTable {
    pub(super) fn diverted(
        &mut self,
        at: Moment,
        seat: SeatId,
        connection: &Connection,
        diverting: &Endpoint,
        new_destination: &Endpoint,
        cause: SignalCause,
    ) {
        let own = self.own_act(seat, diverting, connection);
        let Some(id) = self.known(at, seat, connection) else { return };
        let inbound = self.calls.get(&id).is_some_and(|tracked| tracked.call.direction == Direction::Inbound);
        if own != Some(Relation::Foreign) && inbound {
            let why = match cause {
                SignalCause::ForwardedUnconditional | SignalCause::ForwardedBusy | SignalCause::ForwardedNoAnswer => {
                    Cause::Forwarded
                }
                SignalCause::Pickup => Cause::AnsweredElsewhere,
                _ => Cause::Redirected,
            };
            self.end(at, &id, why, Actor::Phone);
            return;
        }
        let party = self.party(new_destination);
        let redirecting = self.party(diverting);
        let names = party.as_ref().is_some_and(|party| self.is_internal(party));
        self.change(at, &id, |call| {
            if call.direction == Direction::Outbound {
                if let Some(party) = party {
                    call.called = party;
                    call.internal = names;
                }
                if let Some(redirecting) = redirecting {
                    call.redirecting = redirecting;
                }
                if let Some(reason) = reason_of(cause) {
                    call.reason = reason;
                }
                if rank(CallState::Ringback) > rank(call.state) {
                    call.state = CallState::Ringback;
                }
            }
        });
    }

    pub(super) fn transferred(
        &mut self,
        at: Moment,
        seat: SeatId,
        (primary, secondary): (&Connection, Option<&Connection>),
        (transferring, transferred_to): (&Endpoint, &Endpoint),
        moved: &[Moved],
    ) {
        let calls = named(primary, secondary);
        if let [first, second] = calls[..] {
            self.join_conversations(at, first, second);
        }
        let is_ours = self.relation(seat, transferring.device()) == Some(Relation::Own)
            // Another button of this phone did it. Who called from one to the other stays with this one.
            || (self.other_button(seat, transferring.device(), &calls).is_some() && !self.has_leg(seat, moved));
        if is_ours {
            for connection in std::iter::once(primary).chain(secondary) {
                if let Some(id) = self.known_at_phone(at, seat, connection) {
                    self.end(at, &id, Cause::Transferred, Actor::Phone);
                }
            }
            return;
        }
        let Some(id) = std::iter::once(primary)
            .chain(secondary)
            .find_map(|connection| self.known(at, seat, connection))
            .or_else(|| moved.iter().find_map(|entry| self.known(at, seat, &entry.new)))
        else {
            self.out.push_back(Output::WantSnapshot { seat });
            return;
        };
        let new_call = moved
            .iter()
            .find(|entry| self.relation(seat, entry.new.device.as_ref()) == Some(Relation::Own))
            .or_else(|| moved.first())
            .and_then(|entry| entry.new.call.clone());
        if let Some(new_call) = &new_call {
            self.rekey(&id, new_call);
        }
        let far = moved
            .iter()
            .filter(|entry| self.relation(seat, entry.new.device.as_ref()) == Some(Relation::Foreign))
            .find_map(|entry| {
                self.party(&entry.endpoint).or_else(|| {
                    let device = entry.new.device.clone()?;
                    self.party(&Endpoint::Device(device))
                })
            });
        let to_us = self.relation(seat, transferred_to.device()) == Some(Relation::Own);
        let far = if to_us { far } else { self.party(transferred_to).or(far) };
        let redirecting = self.party(transferring);
        let internal = far.as_ref().map(|party| self.is_internal(party));
        self.another_far_end(&id);
        let newcomer = far.clone().map(|party| Participant::joining(PartyId::new(&mut *self.ids), party));
        self.change(at, &id, |call| {
            if let Some(new_call) = new_call {
                call.gcid = call.gcid.take().map(|_| new_call.clone());
                call.pbx_call_id = Some(new_call);
            }
            if call.conference_id.is_some() {
                // One of the others put somebody else in his place; the rest of the conference stays.
                return replace(&mut call.participants, transferring, newcomer);
            }
            if let Some(far) = far {
                if to_us && call.direction == Direction::Inbound {
                    call.caller = far.clone();
                }
                if call.state.is_answered() {
                    call.connected = far;
                }
                call.internal = internal.unwrap_or(call.internal);
            }
            if let Some(redirecting) = redirecting {
                call.redirecting = redirecting;
            }
            call.reason = Reason::Transferred;
            if call.state == CallState::RemoteHeld {
                call.state = CallState::Connected;
            }
        });
        // Who rings and who speaks at the other end after a blind transfer is the PBX's to say.
        self.check_in(at, &id, TRANSFER_PATIENCE);
    }

    /// Whoever held at the other end is not there any more.
    fn another_far_end(&mut self, id: &CallId) {
        if let Some(tracked) = self.calls.get_mut(id) {
            tracked.is_held_there = false;
        }
    }

    /// The call of a connection at the seat, or at another button of its phone.
    fn known_at_phone(&mut self, at: Moment, seat: SeatId, connection: &Connection) -> Option<CallId> {
        self.known(at, seat, connection)
            .or_else(|| self.other_buttons(seat).into_iter().find_map(|other| self.known(at, other, connection)))
    }

    /// Whether a seat is in the call that came of a transfer or conference.
    fn has_leg(&self, seat: SeatId, moved: &[Moved]) -> bool {
        let devices = moved.iter().filter_map(|entry| entry.new.device.as_ref());
        devices
            .into_iter()
            .any(|device| self.relation(seat, Some(device)) == Some(Relation::Own) || self.is_surely(seat, device))
    }

    /// Which of two calls goes on in a conference, and which one ends.
    fn merged(&self, first: CallId, second: CallId, moved: &[Moved]) -> (CallId, CallId) {
        // Of two buttons of one phone, the one that has the leg of the conference keeps its call.
        let stays = |id: &CallId| self.seat_of(id).is_some_and(|seat| self.has_leg(seat, moved));
        let keeps_second = match (stays(&first), stays(&second)) {
            (true, false) => false,
            (false, true) => true,
            _ => self.settings.keeps_secondary,
        };
        if keeps_second { (second, first) } else { (first, second) }
    }

    pub(super) fn conferenced(
        &mut self,
        at: Moment,
        seat: SeatId,
        (primary, secondary): (&Connection, Option<&Connection>),
        (conferencing, added): (&Endpoint, &Endpoint),
        moved: &[Moved],
    ) {
        let calls = named(primary, secondary);
        if let [first, second] = calls[..] {
            self.join_conversations(at, first, second);
        }
        // Another button of this phone may have done it. Both are in the conference only where one called the other.
        let is_ours = self.relation(seat, conferencing.device()) == Some(Relation::Own)
            || self
                .other_button(seat, conferencing.device(), &calls)
                .is_some_and(|other| !self.has_leg(seat, moved) || !self.has_leg(other, moved));
        let mut find = |connection: &Connection| {
            if is_ours { self.known_at_phone(at, seat, connection) } else { self.known(at, seat, connection) }
        };
        let (first, second) = (find(primary), secondary.and_then(find));
        let keep = match (first, second) {
            (Some(first), Some(second)) if first != second => {
                let (keep, merged) = self.merged(first, second, moved);
                self.end(at, &merged, Cause::Merged, Actor::Phone);
                Some(keep)
            }
            (keep, merged) => keep.or(merged),
        }
        .or_else(|| moved.iter().find_map(|entry| self.known(at, seat, &entry.new)));
        let Some(id) = keep else {
            self.out.push_back(Output::WantSnapshot { seat });
            return;
        };
        // The call may be at the other button: what follows is about that one.
        let seat = self.seat_of(&id).unwrap_or(seat);
        let new_call = moved
            .iter()
            .find(|entry| self.relation(seat, entry.new.device.as_ref()) == Some(Relation::Own))
            .and_then(|entry| entry.new.call.clone())
            .or_else(|| moved.first().and_then(|entry| entry.new.call.clone()));
        if let Some(new_call) = &new_call {
            self.rekey(&id, new_call);
        }
        self.another_far_end(&id);
        let mut others: Vec<Endpoint> = moved
            .iter()
            .filter(|entry| self.relation(seat, entry.new.device.as_ref()) != Some(Relation::Own))
            .filter_map(|entry| match &entry.endpoint {
                Endpoint::Device(_) => Some(entry.endpoint.clone()),
                _ => entry.new.device.clone().map(Endpoint::Device),
            })
            .collect();
        for endpoint in [conferencing, added] {
            let is_other_button = is_ours && self.other_button(seat, endpoint.device(), &calls).is_some();
            let foreign = self.relation(seat, endpoint.device()) == Some(Relation::Foreign);
            if foreign && !is_other_button && !others.iter().any(|other| same_number(other, endpoint)) {
                others.push(endpoint.clone());
            }
        }
        let mut participants: Vec<Participant> =
            self.calls.get(&id).map(|tracked| tracked.call.participants.clone()).unwrap_or_default();
        for other in &others {
            if let Some(known) = participant_of(&mut participants, other) {
                // Whoever joins others does not hold any more; the others may.
                if known.state == ParticipantState::Left
                    || same_number(other, conferencing)
                    || same_number(other, added)
                {
                    known.state = ParticipantState::Connected;
                }
                continue;
            }
            let Some(party) = self.party(other) else { continue };
            participants.push(Participant::joining(PartyId::new(&mut *self.ids), party));
        }
        self.change(at, &id, |call| {
            if let Some(new_call) = new_call {
                call.gcid = call.gcid.take().map(|_| new_call.clone());
                call.pbx_call_id = Some(new_call);
            }
            call.conference_id = Some(call.conversation_id.as_str().to_owned());
            call.participants = participants;
            call.state = CallState::Conferenced;
            call.consultation_of = None;
        });
    }
}

/// The ids of the calls that become one.
fn named<'a>(primary: &'a Connection, secondary: Option<&'a Connection>) -> Vec<&'a str> {
    std::iter::once(primary).chain(secondary).filter_map(|connection| connection.call.as_deref()).collect()
}

fn replace(participants: &mut Vec<Participant>, gone: &Endpoint, newcomer: Option<Participant>) {
    if let Some(gone) = participant_of(participants, gone) {
        gone.state = ParticipantState::Left;
    }
    let Some(newcomer) = newcomer else { return };
    match participants.iter_mut().find(|one| one.raw == newcomer.raw) {
        Some(known) => known.state = ParticipantState::Connected,
        None => participants.push(newcomer),
    }
}

fn same_number(a: &Endpoint, b: &Endpoint) -> bool {
    matches!((a.device(), b.device()), (Some(a), Some(b)) if a.number == b.number)
}
