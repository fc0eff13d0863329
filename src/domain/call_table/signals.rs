//! Applying signals: the table of dossier section 10 with its guards.

use super::party::reason_of;
use super::seat::{Relation, SeatId};
use super::signal::{Connection, Device, Endpoint, LocalState, Moved, Parties, Signal, SignalCause, SignalKind};
use super::timers::{BUSY_PATIENCE, EndCause, OWN_CLEAR_PATIENCE, TRANSFER_PATIENCE, Timer};
use super::{Actor, CallTable, Output, Trust};
use crate::domain::call::{CallState, Cause, Direction, Reason};
use crate::domain::ids::{CallId, PartyId};
use crate::domain::party::{Participant, ParticipantState};
use crate::domain::timestamp::Moment;

impl CallTable {
    /// Applies one signal of a monitored address. Signals for a seat that does not exist are ignored.
    pub fn signal(&mut self, at: Moment, seat: SeatId, signal: Signal) {
        if !self.seats.contains_key(&seat) {
            return;
        }
        let Signal {
            kind,
            local_state,
            cause,
        } = signal;
        let local = (self.settings.trust != Trust::Never).then_some(local_state).flatten();
        match kind {
            SignalKind::DialTone { connection } => self.begun(at, seat, &connection, None, CallState::DialTone, cause),
            SignalKind::Originated { connection, parties } => {
                let state = if self.party(&parties.called).is_some() {
                    CallState::Proceeding
                } else {
                    CallState::Dialing
                };
                self.begun(at, seat, &connection, Some(&parties), state, cause);
            }
            SignalKind::DigitsDialed { connection, .. } => {
                self.begun(at, seat, &connection, None, CallState::Dialing, cause);
            }
            SignalKind::NetworkReached { connection, parties } | SignalKind::Queued { connection, parties } => {
                self.progress(at, seat, &connection, &parties, CallState::Proceeding, cause);
            }
            SignalKind::Delivered {
                connection,
                alerting,
                parties,
            } => self.delivered(at, seat, &connection, &alerting, &parties, cause),
            SignalKind::Established {
                connection,
                answering,
                parties,
            } => self.established(at, seat, &connection, &answering, &parties, cause),
            SignalKind::Held { connection, holding } => self.held(at, seat, &connection, &holding),
            SignalKind::Retrieved { connection, retrieving } => self.retrieved(at, seat, &connection, &retrieving),
            SignalKind::Diverted {
                connection,
                diverting,
                new_destination,
                ..
            } => self.diverted(at, seat, &connection, &diverting, &new_destination, cause),
            SignalKind::Transferred {
                primary,
                secondary,
                transferring,
                transferred_to,
                connections,
            } => self.transferred(
                at,
                seat,
                (&primary, secondary.as_ref()),
                (&transferring, &transferred_to),
                &connections,
            ),
            SignalKind::Conferenced {
                primary,
                secondary,
                conferencing,
                added,
                connections,
            } => self.conferenced(
                at,
                seat,
                (&primary, secondary.as_ref()),
                (&conferencing, &added),
                &connections,
            ),
            SignalKind::ConnectionCleared { connection, releasing } => {
                self.cleared(at, seat, &connection, &releasing, local, cause);
            }
            SignalKind::CallCleared { connection } => {
                if let Some(id) = self.known(at, seat, &connection) {
                    self.end(at, &id, end_cause(cause), Actor::Phone);
                }
            }
            SignalKind::Failed {
                connection,
                failing,
                parties,
            } => self.failed(at, seat, &connection, &failing, &parties, cause),
            SignalKind::Bridged { connection } => self.bridged(at, seat, &connection),
        }
    }

    fn known(&mut self, at: Moment, seat: SeatId, connection: &Connection) -> Option<CallId> {
        let id = self.find(seat, connection.call.as_deref()?)?;
        if let Some(tracked) = self.calls.get_mut(&id) {
            tracked.last_signal = at.now;
            tracked.missing = 0;
            tracked.unconfirmed = false;
        }
        Some(id)
    }

    fn is_own(&self, seat: SeatId, device: Option<&Device>) -> bool {
        matches!(self.relation(seat, device), Some(Relation::Own) | None)
    }

    /// Our own phone begins a call.
    fn begun(
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
            if cause == SignalCause::Consultation {
                self.link_consultation(seat, &id);
            }
            self.adopt(at, seat, &id, None);
            self.publish_new(at, &id, Actor::Phone);
            return;
        };
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

    /// A consultation belongs to the held call of its line.
    fn link_consultation(&mut self, seat: SeatId, id: &CallId) {
        let Some(line) = self.seats.get(&seat).map(|seat| seat.settings.line.clone()) else {
            return;
        };
        let held = self
            .calls_of_line(&line)
            .filter(|call| call.id != *id && matches!(call.state, CallState::OnHold | CallState::Connected))
            .last()
            .map(|call| call.id.clone());
        if let Some(tracked) = self.calls.get_mut(id) {
            tracked.call.consultation_of = held;
        }
    }

    fn fill(&mut self, seat: SeatId, id: &CallId, parties: &Parties, cause: SignalCause) {
        if let Some(filled) = self.filled(seat, id, parties, cause)
            && let Some(tracked) = self.calls.get_mut(id)
        {
            tracked.call = filled;
        }
    }

    fn filled(
        &self,
        seat: SeatId,
        id: &CallId,
        parties: &Parties,
        cause: SignalCause,
    ) -> Option<crate::domain::call::Call> {
        let mut call = self.calls.get(id)?.call.clone();
        self.learn_parties(seat, parties, cause, &mut call);
        Some(call)
    }

    fn progress(
        &mut self,
        at: Moment,
        seat: SeatId,
        connection: &Connection,
        parties: &Parties,
        state: CallState,
        cause: SignalCause,
    ) {
        let Some(id) = self.known(at, seat, connection) else {
            if self.is_own(seat, parties.calling.device()) && parties.calling.device().is_some() {
                self.appear(at, seat, connection, parties, Direction::Outbound, state, cause);
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
        });
    }

    /// A signal tells of a call in a later state than the first: it is made in that state, and a snapshot is asked
    /// for (section 10 rule 3).
    #[expect(clippy::too_many_arguments, reason = "the parts of one signal")]
    fn appear(
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
        Some(id)
    }

    fn delivered(
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
        let calls_from_here = parties.calling.device().is_some()
            && self.relation(seat, parties.calling.device()) == Some(Relation::Own);
        match self.known(at, seat, connection) {
            None if rings_here => {
                let id = self.appear(at, seat, connection, parties, Direction::Inbound, CallState::Offering, cause);
                if id.is_some() && self.relation(seat, device).is_none() {
                    self.out.push_back(Output::WantSnapshot { seat });
                }
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
                    if matches!(
                        call.state,
                        CallState::DialTone | CallState::Dialing | CallState::Proceeding
                    ) {
                        call.state = CallState::Ringback;
                    }
                });
            }
        }
    }

    fn established(
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
        let calls_from_here = parties.calling.device().is_some()
            && self.relation(seat, parties.calling.device()) == Some(Relation::Own);
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
            if call.direction == Direction::Inbound && relation == Some(Relation::Foreign) {
                return;
            }
            if !matches!(call.state, CallState::OnHold | CallState::Conferenced | CallState::RemoteHeld) {
                call.state = CallState::Connected;
            }
            call.connected = match (call.direction, far) {
                (Direction::Outbound, Some(far)) => far,
                _ => call.far_end().clone(),
            };
        });
    }

    fn held(&mut self, at: Moment, seat: SeatId, connection: &Connection, holding: &Endpoint) {
        let own = self.own_act(seat, holding, connection);
        let Some(id) = self.known(at, seat, connection) else {
            if own == Some(Relation::Own) {
                self.appear(
                    at,
                    seat,
                    connection,
                    &Parties::default(),
                    Direction::Inbound,
                    CallState::OnHold,
                    SignalCause::Normal,
                );
            }
            self.out.push_back(Output::WantSnapshot { seat });
            return;
        };
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

    fn retrieved(&mut self, at: Moment, seat: SeatId, connection: &Connection, retrieving: &Endpoint) {
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
                self.appear(
                    at,
                    seat,
                    connection,
                    &Parties::default(),
                    Direction::Inbound,
                    CallState::Connected,
                    SignalCause::Normal,
                );
            }
            self.out.push_back(Output::WantSnapshot { seat });
            return;
        };
        self.change(at, &id, |call| {
            let talking = if call.conference_id.is_some() {
                CallState::Conferenced
            } else {
                CallState::Connected
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

    /// Whose act a signal tells: of our phone, of one that shares our number, of the other end.
    fn own_act(&self, seat: SeatId, who: &Endpoint, connection: &Connection) -> Option<Relation> {
        self.relation(seat, who.device().or(connection.device.as_ref()))
    }

    fn diverted(
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
        let inbound = self
            .calls
            .get(&id)
            .is_some_and(|tracked| tracked.call.direction == Direction::Inbound);
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
            }
        });
    }

    fn transferred(
        &mut self,
        at: Moment,
        seat: SeatId,
        (primary, secondary): (&Connection, Option<&Connection>),
        (transferring, transferred_to): (&Endpoint, &Endpoint),
        moved: &[Moved],
    ) {
        if let (Some(first), Some(second)) = (
            primary.call.as_deref(),
            secondary.and_then(|connection| connection.call.as_deref()),
        ) {
            self.join_conversations(at, first, second);
        }
        if self.relation(seat, transferring.device()) == Some(Relation::Own) {
            for connection in std::iter::once(primary).chain(secondary) {
                if let Some(id) = self.known(at, seat, connection) {
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
        self.change(at, &id, |call| {
            if let Some(new_call) = new_call {
                call.gcid = call.gcid.take().map(|_| new_call.clone());
                call.pbx_call_id = Some(new_call);
            }
            if let Some(far) = far {
                if to_us && call.direction == Direction::Inbound {
                    call.caller = far.clone();
                }
                call.connected = far;
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

    fn conferenced(
        &mut self,
        at: Moment,
        seat: SeatId,
        (primary, secondary): (&Connection, Option<&Connection>),
        (conferencing, added): (&Endpoint, &Endpoint),
        moved: &[Moved],
    ) {
        if let (Some(first), Some(second)) = (
            primary.call.as_deref(),
            secondary.and_then(|connection| connection.call.as_deref()),
        ) {
            self.join_conversations(at, first, second);
        }
        let first = self.known(at, seat, primary);
        let second = secondary.and_then(|connection| self.known(at, seat, connection));
        let keep = match (first, second) {
            (Some(keep), Some(merged)) => {
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
        let new_call = moved
            .iter()
            .find(|entry| self.relation(seat, entry.new.device.as_ref()) == Some(Relation::Own))
            .and_then(|entry| entry.new.call.clone())
            .or_else(|| moved.first().and_then(|entry| entry.new.call.clone()));
        if let Some(new_call) = &new_call {
            self.rekey(&id, new_call);
        }
        let mut others: Vec<Endpoint> = moved
            .iter()
            .filter(|entry| self.relation(seat, entry.new.device.as_ref()) != Some(Relation::Own))
            .filter_map(|entry| match &entry.endpoint {
                Endpoint::Device(_) => Some(entry.endpoint.clone()),
                _ => entry.new.device.clone().map(Endpoint::Device),
            })
            .collect();
        for endpoint in [conferencing, added] {
            let foreign = self.relation(seat, endpoint.device()) == Some(Relation::Foreign);
            if foreign && !others.iter().any(|other| same_number(other, endpoint)) {
                others.push(endpoint.clone());
            }
        }
        let mut participants: Vec<Participant> = self
            .calls
            .get(&id)
            .map(|tracked| tracked.call.participants.clone())
            .unwrap_or_default();
        for other in &others {
            if participant_of(&mut participants, other).is_some() {
                continue;
            }
            let Some(party) = self.party(other) else { continue };
            participants.push(Participant {
                id: PartyId::new(&mut *self.ids),
                number: party.number,
                raw: party.raw,
                name: party.name,
                state: ParticipantState::Connected,
            });
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

    fn cleared(
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
                self.timers
                    .insert((at.now + TRANSFER_PATIENCE, Timer::End(id, EndCause::from_cause(why))));
            } else {
                self.end(at, &id, why, Actor::Phone);
            }
            return;
        }
        if relation == Some(Relation::Sharing) {
            return;
        }
        let left = connection.device.clone().map_or(Endpoint::NotKnown, Endpoint::Device);
        let in_conference = self
            .calls
            .get(&id)
            .is_some_and(|tracked| tracked.call.conference_id.is_some());
        if in_conference {
            self.change(at, &id, |call| {
                if let Some(participant) = participant_of(&mut call.participants, &left) {
                    participant.state = ParticipantState::Left;
                }
                let here = call
                    .participants
                    .iter()
                    .filter(|participant| participant.state != ParticipantState::Left)
                    .count();
                if here <= 1 && call.state == CallState::Conferenced {
                    call.state = CallState::Connected;
                    call.conference_id = None;
                    call.participants.retain(|participant| participant.state != ParticipantState::Left);
                }
            });
            return;
        }
        // Two parties: our own end usually follows at once; if not, the snapshot decides.
        self.check_in(at, &id, OWN_CLEAR_PATIENCE);
    }

    fn failed(
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
        if let Some(tracked) = self.calls.get_mut(&id) {
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

    fn bridged(&mut self, at: Moment, seat: SeatId, connection: &Connection) {
        if let Some(id) = self.known(at, seat, connection) {
            let offering = self
                .calls
                .get(&id)
                .is_some_and(|tracked| tracked.call.state == CallState::Offering);
            if offering {
                self.end(at, &id, Cause::AnsweredElsewhere, Actor::Phone);
            }
        }
        self.elsewhere(seat, connection, true);
    }

    /// Another phone with our number is, or is no longer, in a call.
    fn elsewhere(&mut self, seat: SeatId, connection: &Connection, begins: bool) {
        let Some(pbx_call) = connection.call.as_deref() else { return };
        let Some(known) = self.seats.get_mut(&seat) else { return };
        let before = !known.elsewhere.is_empty();
        known.elsewhere.retain(|other| other != pbx_call);
        if begins {
            known.elsewhere.push(pbx_call.to_owned());
        }
        let after = !known.elsewhere.is_empty();
        if before != after {
            self.out.push_back(Output::RemoteInUse { seat, in_use: after });
        }
    }
}

/// How far a call has come, so that late signals do not take it back.
fn rank(state: CallState) -> u8 {
    match state {
        CallState::DialTone => 0,
        CallState::Dialing => 1,
        CallState::Proceeding => 2,
        CallState::Ringback | CallState::Offering => 3,
        _ => 4,
    }
}

fn same_number(a: &Endpoint, b: &Endpoint) -> bool {
    matches!((a.device(), b.device()), (Some(a), Some(b)) if a.number == b.number)
}

fn participant_of<'a>(participants: &'a mut [Participant], who: &Endpoint) -> Option<&'a mut Participant> {
    let number = &who.device()?.number;
    participants
        .iter_mut()
        .find(|participant| participant.raw.as_deref() == Some(number))
}

/// The cause of an end (dossier 5.4).
pub(super) fn end_cause(cause: SignalCause) -> Cause {
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
