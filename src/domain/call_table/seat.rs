//! A seat: one address of a line with the identity by which the PBX names it.

use super::lookup::key;
use super::signal::Device;
use super::{Actor, CallTable, Output, TableSettings};
use crate::domain::call::{Call, CallState, Cause};
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
    /// It was told that another phone uses the number.
    in_use: bool,
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
                self.seats.insert(id, Seat { settings, calls: Vec::new(), elsewhere: Vec::new(), in_use: false });
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

    /// Tells when another phone began or stopped to use the number of a seat: signals of that phone tell it, or a call that
    /// the table has at that phone.
    pub(super) fn look_elsewhere(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get(&id) else { return };
        let in_use = !seat.elsewhere.is_empty() || self.sharing(id).any(|other| self.is_used_at(other, id));
        let Some(seat) = self.seats.get_mut(&id).filter(|seat| seat.in_use != in_use) else { return };
        seat.in_use = in_use;
        self.out.push_back(Output::RemoteInUse { seat: id, in_use });
    }

    /// A call of a seat changed: what the other phones with its number show may change.
    pub(super) fn look_from_elsewhere(&mut self, id: SeatId) {
        let others: Vec<SeatId> = self.sharing(id).collect();
        for other in others {
            self.look_elsewhere(other);
        }
    }

    /// A call ends at a phone: another one that shares the number may have taken it.
    pub(super) fn hands_on(&mut self, id: SeatId, call: &Call) {
        if call.state.is_answered() && self.sharing(id).next().is_some() {
            self.handed_on.insert(call.conversation_id.clone(), Box::new(call.clone()));
        }
    }

    /// The same call at another phone with the number of a seat, living or just ended there.
    pub(super) fn leg_elsewhere(&self, id: SeatId, pbx_call: &str) -> Option<&Call> {
        let is_it = |call: &&Call| call.pbx_call_id.as_deref().map(key) == Some(key(pbx_call));
        let is_shared = |call: &&Call| {
            let at = |seat: SeatId| self.seats.get(&seat).map(|seat| &seat.settings);
            self.sharing(id).filter_map(at).any(|seat| seat.line == call.line_id && seat.address == call.address)
        };
        let living = self.sharing(id).find_map(|other| self.call(&self.find(other, pbx_call)?));
        let ended = || {
            let conversation = self.conversations.get(&key(pbx_call))?;
            self.handed_on.get(conversation).map(|call| &**call).filter(is_it).filter(is_shared)
        };
        living.or_else(ended)
    }

    /// The seats of other phones that have the number of this one.
    fn sharing(&self, id: SeatId) -> impl Iterator<Item = SeatId> + '_ {
        let settings = self.seats.get(&id).filter(|_| self.settings.shares_by_device).map(|seat| &seat.settings);
        let number = settings.and_then(|settings| settings.numbers.first());
        let same = number.and_then(|number| self.numbers.get(number)).into_iter().flatten().copied();
        same.filter(move |other| {
            let macs = self
                .seats
                .get(other)
                .and_then(|seat| seat.settings.mac.as_ref())
                .zip(settings.and_then(|own| own.mac.as_ref()));
            *other != id && macs.is_some_and(|(theirs, own)| theirs != own)
        })
    }

    /// Whether a seat is in a call that another one is not in.
    fn is_used_at(&self, seat: SeatId, by_others_at: SeatId) -> bool {
        self.calls_at(seat).any(|call| {
            let is_here = call.pbx_call_id.as_deref().is_some_and(|named| self.find(by_others_at, named).is_some());
            !is_here
                && !matches!(call.state, CallState::Offering | CallState::Busy | CallState::Failed | CallState::Ended)
        })
    }

    /// Whether the seat has living calls.
    pub fn has_calls(&self, id: SeatId) -> bool {
        self.seats.get(&id).is_some_and(|seat| !seat.calls.is_empty())
    }

    /// The other buttons of the phone that a seat is a button of.
    pub(super) fn other_buttons(&self, seat: SeatId) -> Vec<SeatId> {
        let line = self.seats.get(&seat).map(|seat| &seat.settings.line);
        let all = line.and_then(|line| self.lines.get(line)).into_iter().flatten().copied();
        all.filter(|other| *other != seat).collect()
    }

    /// Whether a device is certainly a seat. CME names the phone of its session's own number only: the number alone is
    /// enough where no other phone has it.
    pub(super) fn is_surely(&self, id: SeatId, device: &Device) -> bool {
        let Some(seat) = self.seats.get(&id) else { return false };
        let number = seat.settings.numbers.first();
        let phones = number.and_then(|number| self.numbers.get(number)).map_or(0, Vec::len);
        match seat.relation(device, &self.settings) {
            Relation::Own => phones <= 1 || (device.mac.is_some() && device.mac == seat.settings.mac),
            Relation::Sharing => phones <= 1 && device.mac.is_none(),
            Relation::Foreign => false,
        }
    }

    /// The other button of the same phone that a device is. Of a number that several phones have, it is the one that has
    /// one of the calls that the device acts on.
    pub(super) fn other_button(&self, seat: SeatId, device: Option<&Device>, calls: &[&str]) -> Option<SeatId> {
        let device = device?;
        self.other_buttons(seat).into_iter().find(|other| {
            let may_be = match self.relation(*other, Some(device)) {
                Some(Relation::Own) => true,
                Some(Relation::Sharing) => device.mac.is_none(),
                _ => false,
            };
            self.is_surely(*other, device) || (may_be && calls.iter().any(|call| self.had(*other, call)))
        })
    }

    /// Whether a seat has a call, or had it last of those who share its number.
    fn had(&self, id: SeatId, pbx_call: &str) -> bool {
        let left = self.conversations.get(&key(pbx_call)).and_then(|conversation| self.handed_on.get(conversation));
        let is_its = |call: &Call| {
            call.pbx_call_id.as_deref().map(key) == Some(key(pbx_call))
                && self
                    .seats
                    .get(&id)
                    .is_some_and(|seat| seat.settings.line == call.line_id && seat.settings.address == call.address)
        };
        self.find(id, pbx_call).is_some() || left.is_some_and(|call| is_its(call))
    }

    pub(super) fn relation(&self, seat: SeatId, device: Option<&Device>) -> Option<Relation> {
        let seat = self.seats.get(&seat)?;
        device.map(|device| seat.relation(device, &self.settings))
    }
}
