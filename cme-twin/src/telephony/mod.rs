//! The phones and their calls, without a network: actions and time come in, events go out.

mod basic;
mod call;
mod conference;
mod event;
mod feature;
mod gcid;
mod place;
mod presence;
mod refusal;
mod ring;
#[cfg(test)]
mod tests;
mod timer;
mod transfer;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

pub(crate) use basic::Start;
pub(crate) use call::{Call, Leg, Party, Place};
pub use call::{LegState, Role};
pub(crate) use event::{Event, Happening, Moved, Route, Seen};
pub(crate) use feature::ForwardKind;
pub use refusal::Refusal;
pub(crate) use timer::Timer;

use crate::behaviour::Behaviour;
use crate::system::System;

/// Live state of a phone.
#[derive(Debug, Clone, Default)]
pub(crate) struct PhoneState {
    pub(crate) registered: bool,
    /// Registration ended by a missed keepalive, not by the phone.
    pub(crate) deceased: bool,
    pub(crate) dnd: bool,
    /// Tag of the user profile that is logged in, 0 = none.
    pub(crate) profile: u32,
    pub(crate) change_time: u64,
}

/// The model.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) system: System,
    pub(crate) behaviour: Behaviour,
    pub(crate) phones: BTreeMap<u32, PhoneState>,
    pub(crate) calls: BTreeMap<u64, Call>,
    pub(crate) usage: BTreeMap<u32, u64>,
    pub(crate) device_changes: Vec<(u32, u64, bool)>,
    timers: BTreeMap<(Instant, u64), Timer>,
    serial: u64,
    gcids: gcid::Gcids,
    outbox: VecDeque<Event>,
    now: Instant,
    booted: Instant,
    uptime_at_boot: u64,
}

impl Exchange {
    pub(crate) fn new(system: System, behaviour: Behaviour, now: Instant, seed: u64) -> Self {
        let state = |phone: &crate::system::Phone| PhoneState {
            registered: phone.registered,
            deceased: !phone.registered,
            change_time: phone.change_time,
            ..PhoneState::default()
        };
        let phones = system.phones.iter().map(|(tag, phone)| (*tag, state(phone))).collect();
        let uptime_at_boot = system.uptime;
        Self {
            system,
            behaviour,
            phones,
            calls: BTreeMap::new(),
            usage: BTreeMap::new(),
            device_changes: Vec::new(),
            timers: BTreeMap::new(),
            serial: 0,
            gcids: gcid::Gcids::new(seed),
            outbox: VecDeque::new(),
            now,
            booted: now,
            uptime_at_boot,
        }
    }

    /// The router starts again: calls, timers and logins are gone, no phone is registered, uptime starts from 0.
    pub(crate) fn reboot(&mut self, now: Instant, seed: u64) {
        self.now = now;
        self.booted = now;
        self.uptime_at_boot = 0;
        self.calls.clear();
        self.timers.clear();
        self.outbox.clear();
        self.device_changes.clear();
        self.usage.clear();
        self.gcids = gcid::Gcids::new(seed);
        for state in self.phones.values_mut() {
            *state = PhoneState::default();
        }
        for dn in self.system.dns.values_mut() {
            dn.change_time = 0;
        }
    }

    /// Time goes on. Every action and service comes after a call of this.
    pub(crate) fn advance(&mut self, now: Instant) {
        while let Some((&(at, serial), _)) = self.timers.first_key_value() {
            if at > now {
                break;
            }
            self.now = self.now.max(at);
            if let Some(timer) = self.timers.remove(&(at, serial)) {
                self.fire(timer);
            }
        }
        self.now = self.now.max(now);
    }

    /// When [`Self::advance`] is due next.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next event.
    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.outbox.pop_front()
    }

    /// Seconds since the router started.
    pub(crate) fn uptime(&self) -> u64 {
        self.uptime_at_boot
            + self.now.duration_since(self.booted).as_secs().saturating_mul(self.behaviour.limits.clock_factor.max(1))
    }

    fn set_timer(&mut self, after_ms: u64, timer: Timer) {
        self.serial += 1;
        self.timers.insert((self.now + Duration::from_millis(after_ms), self.serial), timer);
    }

    fn cancel(&mut self, unwanted: impl Fn(&Timer) -> bool) {
        self.timers.retain(|_, timer| !unwanted(timer));
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn new_gcid(&mut self) -> String {
        if self.system.gcid { self.gcids.next(SystemTime::now()) } else { (47_963 + self.next_serial()).to_string() }
    }

    /// Tells what happened to everybody who has a leg in the call, and to `also`.
    fn tell(&mut self, key: u64, what: Happening, cause: &'static str, also: &[Place]) {
        let Some(call) = self.calls.get(&key) else { return };
        let mut seen: Vec<Seen> = also.iter().map(|place| Seen { place: *place, state: None }).collect();
        for leg in &call.legs {
            if let Some(place) = leg.party.place() {
                seen.retain(|one| one.place != place);
                seen.push(Seen { place, state: Some(leg.state) });
            }
        }
        self.outbox.push_back(Event { gcid: call.gcid.clone(), what, cause, seen });
    }

    fn route(&self, key: u64) -> Route {
        match self.calls.get(&key) {
            Some(call) => Route {
                calling: call.calling.clone(),
                called: call.called.clone(),
                redirected: call.redirected.as_ref().map(|(number, _)| number.clone()),
            },
            None => Route { calling: Party::Outside(String::new()), called: String::new(), redirected: None },
        }
    }
}
