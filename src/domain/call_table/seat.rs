//! A seat: one address of a line with the identity by which the PBX names it.

use super::signal::Device;
use super::{Actor, CallTable, TableSettings};
use crate::domain::call::Cause;
use crate::domain::ids::{CallId, LineId};
use crate::domain::timestamp::Moment;

/// Number of a seat, chosen by the owner of the table; never reused while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeatId(pub u32);

/// Identity of a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatSettings {
    /// The line.
    pub line: LineId,
    /// Index of the address.
    pub address: u8,
    /// Own numbers: the number itself first, then its other forms.
    pub numbers: Vec<String>,
    /// The phone it is at now, 12 hex digits.
    pub mac: Option<String>,
}

#[derive(Debug)]
pub(super) struct Seat {
    pub(super) settings: SeatSettings,
    pub(super) calls: Vec<CallId>,
    /// PBX calls that another phone with the same number is in.
    pub(super) elsewhere: Vec<String>,
}

/// How a device of a signal relates to a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// It is the seat.
    Own,
    /// Another phone with the same number.
    Sharing,
    /// Somebody else.
    Foreign,
}

impl Seat {
    pub(super) fn relation(&self, device: &Device, rules: &TableSettings) -> Relation {
        let bare = |text: &str| text.trim_start_matches('+').to_owned();
        if !self.settings.numbers.iter().any(|own| *own == device.number || bare(own) == bare(&device.number)) {
            return Relation::Foreign;
        }
        match (&self.settings.mac, &device.mac) {
            (Some(own), Some(theirs)) if own != theirs && rules.shares_by_device => Relation::Sharing,
            (Some(_), None) if !rules.assume_own => Relation::Sharing,
            _ => Relation::Own,
        }
    }
}

impl CallTable {
    /// Adds a seat, or changes its identity.
    pub fn place(&mut self, id: SeatId, settings: SeatSettings) {
        self.unlist(id);
        for number in &settings.numbers {
            self.numbers.entry(number.clone()).or_default().push(id);
        }
        match self.seats.get_mut(&id) {
            Some(seat) => seat.settings = settings,
            None => {
                self.lines.entry(settings.line.clone()).or_default().push(id);
                self.seats.insert(id, Seat { settings, calls: Vec::new(), elsewhere: Vec::new() });
            }
        }
    }

    fn unlist(&mut self, id: SeatId) {
        let numbers = self.seats.get(&id).map(|seat| seat.settings.numbers.clone()).unwrap_or_default();
        for number in numbers {
            if let Some(seats) = self.numbers.get_mut(&number) {
                seats.retain(|other| *other != id);
                if seats.is_empty() {
                    self.numbers.remove(&number);
                }
            }
        }
    }

    /// Takes a seat away; its calls end as lost.
    pub fn remove(&mut self, at: Moment, id: SeatId) {
        self.unlist(id);
        let calls = self.seats.get(&id).map(|seat| seat.calls.clone()).unwrap_or_default();
        for call in calls {
            self.end(at, &call, Cause::Lost, Actor::Gateway);
        }
        if let Some(seat) = self.seats.remove(&id)
            && let Some(seats) = self.lines.get_mut(&seat.settings.line)
        {
            seats.retain(|other| *other != id);
            if seats.is_empty() {
                self.lines.remove(&seat.settings.line);
            }
        }
        self.pending.remove(&id);
    }

    /// Whether the seat has living calls.
    pub fn has_calls(&self, id: SeatId) -> bool {
        self.seats.get(&id).is_some_and(|seat| !seat.calls.is_empty())
    }

    pub(super) fn relation(&self, seat: SeatId, device: Option<&Device>) -> Option<Relation> {
        let seat = self.seats.get(&seat)?;
        device.map(|device| seat.relation(device, &self.settings))
    }
}
