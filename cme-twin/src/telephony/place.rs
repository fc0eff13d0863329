//! Who is where: the lines of phones, the phones of lines, calls at a place.

use super::{Call, Exchange, LegState, Party, Place, Refusal};
use crate::system::ButtonRing;

impl Exchange {
    /// Buttons of a phone as they are now: (position, DN, ring). A logged-in user's profile wins, then the logout profile.
    pub(crate) fn buttons(&self, phone: u32) -> Vec<(u32, u32, ButtonRing)> {
        let Some(config) = self.system.phones.get(&phone) else { return Vec::new() };
        let profile = self.phones.get(&phone).map_or(0, |state| state.profile);
        let numbers = match self.system.user_profiles.get(&profile) {
            Some(user) => Some(&user.numbers),
            None => self.system.logout_profiles.get(&config.logout_profile).map(|logout| &logout.numbers),
        };
        match numbers {
            Some(numbers) => (1..)
                .zip(numbers)
                .filter_map(|(at, (number, ring))| Some((at, self.system.dn_of(number)?, *ring)))
                .collect(),
            None => config.buttons.iter().map(|button| (button.position, button.dn, button.ring)).collect(),
        }
    }

    /// DNs that can be used on a phone.
    pub(crate) fn lines(&self, phone: u32) -> Vec<u32> {
        self.buttons(phone).into_iter().filter(|(_, _, ring)| ring.is_line()).map(|(_, dn, _)| dn).collect()
    }

    pub(crate) fn is_registered(&self, phone: u32) -> bool {
        self.phones.get(&phone).is_some_and(|state| state.registered)
    }

    /// Registered phones on which a DN can be used.
    pub(crate) fn phones_with(&self, dn: u32) -> Vec<u32> {
        let all = self.phones.iter().filter(|(_, state)| state.registered).map(|(tag, _)| *tag);
        all.filter(|tag| self.lines(*tag).contains(&dn)).collect()
    }

    /// Phones on which a DN appears, registered or not, monitor buttons too.
    pub(crate) fn appearances(&self, dn: u32) -> Vec<u32> {
        self.phones.keys().copied().filter(|tag| self.buttons(*tag).iter().any(|(_, other, _)| *other == dn)).collect()
    }

    /// Whether the DN is up: a phone is registered, or `cti notify` holds it up.
    pub(crate) fn is_up(&self, dn: u32) -> bool {
        self.system.notified(dn)
            || self
                .phones
                .iter()
                .any(|(tag, state)| state.registered && self.buttons(*tag).iter().any(|(_, d, _)| *d == dn))
    }

    /// The place a user means: `number`, or `number@phone`.
    pub(crate) fn place(&self, number: &str, phone: Option<&str>) -> Result<Place, Refusal> {
        let dn = self.system.dn_of(number).ok_or(Refusal::UnknownDevice)?;
        let phone = match phone {
            Some(name) => self.system.phone_of(name).ok_or(Refusal::UnknownDevice)?,
            None => match self.phones_with(dn).first() {
                Some(tag) => *tag,
                None => *self.phones.keys().find(|tag| self.lines(**tag).contains(&dn)).ok_or(Refusal::OutOfService)?,
            },
        };
        if self.lines(phone).contains(&dn) { Ok(Place { dn, phone }) } else { Err(Refusal::UnknownDevice) }
    }

    pub(crate) fn ready(&self, place: Place) -> Result<(), Refusal> {
        if self.is_registered(place.phone) { Ok(()) } else { Err(Refusal::OutOfService) }
    }

    /// Calls with a leg at this place in one of these states, oldest first.
    pub(crate) fn calls_at(&self, place: Place, states: &[LegState]) -> Vec<u64> {
        let here = |call: &Call| {
            call.at(place).and_then(|at| call.legs.get(at)).is_some_and(|leg| states.contains(&leg.state))
        };
        self.calls.iter().filter(|(_, call)| here(call)).map(|(key, _)| *key).collect()
    }

    /// The state of a place in a call.
    pub(crate) fn state_at(&self, key: u64, place: Place) -> Option<LegState> {
        let call = self.calls.get(&key)?;
        call.legs.get(call.at(place)?).map(|leg| leg.state)
    }

    pub(super) fn set_state(&mut self, key: u64, place: Place, state: LegState) {
        if let Some(call) = self.calls.get_mut(&key)
            && let Some(at) = call.at(place)
            && let Some(leg) = call.legs.get_mut(at)
        {
            leg.state = state;
        }
    }

    pub(crate) fn call_of(&self, gcid: &str) -> Option<u64> {
        self.calls.iter().find(|(_, call)| call.gcid.eq_ignore_ascii_case(gcid)).map(|(key, _)| *key)
    }

    /// How many calls use the DN.
    pub(super) fn channels_used(&self, dn: u32) -> usize {
        self.calls
            .values()
            .filter(|call| call.legs.iter().any(|leg| leg.party.dn() == Some(dn) && leg.state != LegState::Fail))
            .count()
    }

    pub(super) fn channels(&self, dn: u32) -> usize {
        self.system.dns.get(&dn).map_or(1, |dn| usize::try_from(dn.channels.max(1)).unwrap_or(1))
    }

    /// Whether one more call fits on the DN at this phone. The channels of a dual-line DN belong to the phone that uses it.
    pub(super) fn has_channel(&self, place: Place) -> bool {
        if self.channels_used(place.dn) >= self.channels(place.dn) {
            return false;
        }
        self.channels(place.dn) > 2 || self.owner(place.dn).is_none_or(|owner| owner == place.phone)
    }

    /// The phone that uses a DN (more than ringing).
    pub(super) fn owner(&self, dn: u32) -> Option<u32> {
        let legs = self.calls.values().flat_map(|call| &call.legs);
        let mut used = legs.filter(|leg| leg.state != LegState::Alerting && leg.state != LegState::Fail);
        used.find_map(|leg| leg.party.place().filter(|place| place.dn == dn).map(|place| place.phone))
    }

    /// The number of a party as it is dialled.
    pub(crate) fn number(&self, party: &Party) -> String {
        match party {
            Party::Line { dn, .. } => self.system.dns.get(dn).map(|dn| dn.number.clone()).unwrap_or_default(),
            Party::Outside(number) => number.clone(),
        }
    }
}
