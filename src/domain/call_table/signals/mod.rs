//! Applying signals: the table of dossier section 10 with its guards.

mod clearing;
mod hold;
mod moves;
mod setup;

use super::seat::{Relation, SeatId};
use super::signal::{Connection, Device, Endpoint, Signal, SignalKind};
use super::{Actor, CallTable, Trust};
use crate::domain::call::CallState;
use crate::domain::ids::CallId;
use crate::domain::party::Participant;
use crate::domain::timestamp::Moment;
use clearing::end_cause;

impl CallTable {
    /// Applies one signal of a monitored address. Signals for a seat that does not exist are ignored.
    pub fn signal(&mut self, at: Moment, seat: SeatId, signal: Signal) {
        if !self.seats.contains_key(&seat) {
            return;
        }
        let Signal { kind, local_state, cause } = signal;
        let local = (self.settings.trust != Trust::Never).then_some(local_state).flatten();
        match kind {
            SignalKind::DialTone { connection }
                if self.settings.requires_originated
                    && connection.call.as_deref().is_none_or(|call| self.find(seat, call).is_none()) => {}
            SignalKind::DialTone { connection } => self.begun(at, seat, &connection, None, CallState::DialTone, cause),
            SignalKind::Originated { connection, parties } => {
                let state = match self.party(&parties.called) {
                    Some(_) => CallState::Proceeding,
                    None => self.begun_without_number(seat, &connection),
                };
                self.collects(seat, &connection, false);
                self.begun(at, seat, &connection, Some(&parties), state, cause);
            }
            SignalKind::DigitsDialed { connection, digits } => {
                self.collects(seat, &connection, true);
                if let Some(id) = connection.call.as_deref().and_then(|pbx_call| self.find(seat, pbx_call)) {
                    self.dials(&id);
                }
                self.begun(at, seat, &connection, None, CallState::Dialing, cause);
                self.dialed(at, seat, &connection, &digits);
            }
            SignalKind::NetworkReached { connection, parties } => {
                self.progress(at, seat, &connection, &parties, true, cause);
            }
            SignalKind::Queued { connection, parties } => self.progress(at, seat, &connection, &parties, false, cause),
            SignalKind::Delivered { connection, alerting, parties } => {
                self.delivered(at, seat, &connection, &alerting, &parties, cause)
            }
            SignalKind::Established { connection, answering, parties } => {
                self.established(at, seat, &connection, &answering, &parties, cause)
            }
            SignalKind::Held { connection, holding } => self.held(at, seat, &connection, &holding, cause),
            SignalKind::Retrieved { connection, retrieving } => self.retrieved(at, seat, &connection, &retrieving),
            SignalKind::Diverted { connection, diverting, new_destination, .. } => {
                self.diverted(at, seat, &connection, &diverting, &new_destination, cause)
            }
            SignalKind::Transferred { primary, secondary, transferring, transferred_to, connections } => self
                .transferred(at, seat, (&primary, secondary.as_ref()), (&transferring, &transferred_to), &connections),
            SignalKind::Conferenced { primary, secondary, conferencing, added, connections } => {
                self.conferenced(at, seat, (&primary, secondary.as_ref()), (&conferencing, &added), &connections)
            }
            SignalKind::ConnectionCleared { connection, releasing } => {
                self.cleared(at, seat, &connection, &releasing, local, cause);
            }
            SignalKind::CallCleared { connection } => {
                if let Some(id) = self.known(at, seat, &connection) {
                    self.end(at, &id, end_cause(cause), Actor::Phone);
                }
            }
            SignalKind::Failed { connection, failing, parties } => {
                self.failed(at, seat, &connection, &failing, &parties, cause)
            }
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

    /// Whose act a signal tells: of our phone, of one that shares our number, of the other end.
    fn own_act(&self, seat: SeatId, who: &Endpoint, connection: &Connection) -> Option<Relation> {
        self.relation(seat, who.device().or(connection.device.as_ref()))
    }
}

fn participant_of<'a>(participants: &'a mut [Participant], who: &Endpoint) -> Option<&'a mut Participant> {
    let number = &who.device()?.number;
    participants.iter_mut().find(|participant| participant.raw.as_deref() == Some(number))
}
