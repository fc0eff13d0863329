//! Filling the parties of a call from what a signal says.

use super::CallTable;
use super::seat::{Relation, SeatId};
use super::signal::{Endpoint, Parties, SignalCause};
use crate::domain::call::{Call, Direction, Reason};
use crate::domain::party::{Party, Presentation};

impl CallTable {
    pub(super) fn party(&self, endpoint: &Endpoint) -> Option<Party> {
        match endpoint {
            Endpoint::Device(device) if device.number.is_empty() => None,
            Endpoint::Device(device) => Some(Party {
                number: Some(device.number.clone()),
                raw: Some(device.number.clone()),
                e164: None,
                name: self.name_of(&device.number),
                presentation: Presentation::Available,
            }),
            Endpoint::Restricted => Some(Party { presentation: Presentation::Restricted, ..Party::default() }),
            Endpoint::NotKnown | Endpoint::Absent => None,
        }
    }

    /// The name that the PBX's own configuration gives a number.
    pub(super) fn name_of(&self, number: &str) -> Option<String> {
        self.names.get(number).filter(|name| !name.is_empty()).cloned()
    }

    /// Whether a number belongs to this PBX.
    pub(super) fn is_internal(&self, party: &Party) -> bool {
        party.raw.as_deref().filter(|number| !self.plan().is_emergency(number)).is_some_and(|number| {
            self.shown.is_internal(&self.names, number)
                || self.settings.internal.iter().any(|range| range.contains(number))
        })
    }

    /// Whether the PBX's configuration has this very number.
    pub fn knows_number(&self, number: &str) -> bool {
        self.names.contains_key(number)
    }

    /// What the parties of a signal mean for a call; known things are never replaced by unknown ones.
    pub(super) fn learn_parties(&self, seat: SeatId, parties: &Parties, cause: SignalCause, call: &mut Call) {
        let far = |endpoint: &Endpoint| self.relation(seat, endpoint.device()) != Some(Relation::Own);
        match call.direction {
            Direction::Inbound => {
                if let Some(caller) = self.party(&parties.calling).filter(|_| far(&parties.calling)) {
                    call.caller = caller;
                }
                // Once it was answered, a signal that names another called party tells of where it was sent since.
                let is_open = call.answered_at.is_none() || call.called.raw.is_none();
                if let Some(called) = self.party(&parties.called).filter(|_| is_open) {
                    call.called = called;
                }
            }
            Direction::Outbound => {
                if let Some(called) = self.party(&parties.called).filter(|_| far(&parties.called)) {
                    // The PBX may name the station that rings; what was dialled stays until somebody answers.
                    call.called = called;
                }
            }
        }
        if let Some(redirecting) = self.party(&parties.redirecting) {
            call.redirecting = redirecting;
        }
        if let Some(reason) = reason_of(cause) {
            call.reason = reason;
        } else if call.reason == Reason::Direct && call.redirecting.raw.is_some() {
            call.reason = Reason::Unknown;
        }
        call.internal = self.is_internal(call.far_end());
    }
}

/// The reason that a cause gives for a call being here.
pub(super) fn reason_of(cause: SignalCause) -> Option<Reason> {
    match cause {
        SignalCause::ForwardedUnconditional => Some(Reason::ForwardedUnconditional),
        SignalCause::ForwardedBusy => Some(Reason::ForwardedBusy),
        SignalCause::ForwardedNoAnswer => Some(Reason::ForwardedNoAnswer),
        SignalCause::Redirected => Some(Reason::Redirected),
        SignalCause::Pickup => Some(Reason::Pickup),
        SignalCause::Recall => Some(Reason::Recall),
        SignalCause::Consultation => Some(Reason::Consultation),
        SignalCause::Transfer => Some(Reason::Transferred),
        SignalCause::Conference => Some(Reason::Conference),
        _ => None,
    }
}
