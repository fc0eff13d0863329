//! Making, answering, holding and ending calls.

use super::{Call, Exchange, Happening, Leg, LegState, Party, Place, Refusal, Role, Timer};

/// How a call is started by CSTA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// The phone goes off hook by itself.
    OffHook,
    /// The user is asked to lift the handset first.
    Prompt,
}

impl Exchange {
    /// Starts a call at a place; without digits it gets dial tone.
    pub(crate) fn make_call(&mut self, place: Place, called: &str, start: Start) -> Result<u64, Refusal> {
        self.ready(place)?;
        if !self.has_channel(place) {
            return Err(Refusal::NoChannel);
        }
        self.hold_others(place, None)?;
        let key = self.open_call(place.into());
        if start == Start::Prompt {
            if let Some(call) = self.calls.get_mut(&key) {
                called.clone_into(&mut call.called);
            }
            self.tell(key, Happening::Initiated { at: place.into() }, "makeCall", &[]);
            self.set_timer(self.behaviour.limits.make_call_prompt, Timer::Prompt { call: key });
            return Ok(key);
        }
        self.originate(key, place, "normal");
        self.dial_first(key, place, called);
        Ok(key)
    }

    pub(super) fn open_call(&mut self, calling: Party) -> u64 {
        let key = self.next_serial();
        let gcid = self.new_gcid();
        if let Some(dn) = calling.dn() {
            *self.usage.entry(dn).or_default() += 1;
        }
        let legs = vec![Leg { party: calling.clone(), state: LegState::Initiated, role: Role::Calling }];
        self.calls.insert(
            key,
            Call {
                gcid,
                calling,
                called: String::new(),
                redirected: None,
                legs,
                conference: false,
                host: None,
                consults: None,
                joins: None,
                hops: 0,
            },
        );
        key
    }

    /// The phone is off hook: the one event that the router's own trace shows, with the called number still empty.
    pub(super) fn originate(&mut self, key: u64, place: Place, cause: &'static str) {
        if self.behaviour.service_initiated {
            self.tell(key, Happening::Initiated { at: place.into() }, "makeCall", &[]);
        }
        self.set_state(key, place, LegState::Connected);
        self.tell(key, Happening::Originated { at: place.into(), called: None }, cause, &[]);
    }

    pub(super) fn dial_first(&mut self, key: u64, place: Place, called: &str) {
        if called.is_empty() {
            // Dial tone: the line waits for digits.
            self.set_state(key, place, LegState::Initiated);
            self.set_timer(self.behaviour.limits.interdigit, Timer::Interdigit { call: key });
        } else {
            if let Some(call) = self.calls.get_mut(&key) {
                called.clone_into(&mut call.called);
            }
            self.send_digits(key);
        }
    }

    /// The user lifts the handset: answers what rings, confirms a prompt, else gets dial tone.
    pub(crate) fn off_hook(&mut self, place: Place) -> Result<u64, Refusal> {
        self.ready(place)?;
        if let Some(&key) = self.calls_at(place, &[LegState::Alerting]).first() {
            return self.answer(place, key).map(|()| key);
        }
        if let Some(&key) = self.calls_at(place, &[LegState::Initiated]).first() {
            self.cancel(|timer| *timer == Timer::Prompt { call: key });
            let called = self.calls.get(&key).map(|call| call.called.clone()).unwrap_or_default();
            self.originate(key, place, "normal");
            self.dial_first(key, place, &called);
            return Ok(key);
        }
        self.make_call(place, "", Start::OffHook)
    }

    /// Digits in the dial-tone state. The call goes out as soon as they are somebody's number, else after a pause.
    pub(crate) fn dial_digits(&mut self, place: Place, key: u64, digits: &str) -> Result<(), Refusal> {
        if digits.is_empty() {
            return Err(Refusal::InvalidValue);
        }
        if self.state_at(key, place) != Some(LegState::Initiated) {
            return Err(Refusal::WrongState);
        }
        let call = self.calls.get_mut(&key).ok_or(Refusal::UnknownCall)?;
        call.called.push_str(digits);
        let number = call.called.clone();
        self.cancel(|timer| *timer == Timer::Interdigit { call: key });
        if self.behaviour.digits_dialed {
            self.tell(key, Happening::Digits { at: place.into(), digits: digits.to_owned() }, "normal", &[]);
        }
        if self.system.dn_of(&number).is_some() || number.ends_with('#') {
            self.send_digits(key);
        } else {
            self.set_timer(self.behaviour.limits.dialling_pause, Timer::Interdigit { call: key });
        }
        Ok(())
    }

    /// The digits are complete.
    pub(super) fn send_digits(&mut self, key: u64) {
        self.cancel(|timer| *timer == Timer::Interdigit { call: key });
        let Some(call) = self.calls.get_mut(&key) else { return };
        let number = call.called.trim_end_matches('#').to_owned();
        number.clone_into(&mut call.called);
        let calling = call.calling.clone();
        if let Some(place) = calling.place() {
            self.set_state(key, place, LegState::Connected);
        }
        if self.behaviour.originated_twice {
            self.tell(key, Happening::Originated { at: calling, called: Some(number.clone()) }, "normal", &[]);
        }
        self.go_to(key, &number);
    }

    /// A ringing call is answered at a place; what is connected there is held.
    pub(crate) fn answer(&mut self, place: Place, key: u64) -> Result<(), Refusal> {
        self.ready(place)?;
        if self.state_at(key, place) != Some(LegState::Alerting) {
            return Err(Refusal::NoCallToAnswer);
        }
        self.hold_others(place, Some(key))?;
        self.cancel(|timer| matches!(timer, Timer::Ringing { call } | Timer::NoAnswer { call, .. } if *call == key));
        let Some(call) = self.calls.get_mut(&key) else { return Err(Refusal::UnknownCall) };
        // The other phones with this number stop ringing.
        let other = |leg: &Leg| {
            leg.state == LegState::Alerting && leg.party.dn() == Some(place.dn) && leg.party.place() != Some(place)
        };
        let silent: Vec<Place> =
            call.legs.iter().filter(|leg| other(leg)).filter_map(|leg| leg.party.place()).collect();
        call.legs.retain(|leg| !other(leg));
        let joins = call.joins.take();
        self.set_state(key, place, LegState::Connected);
        *self.usage.entry(place.dn).or_default() += 1;
        let route = self.route(key);
        self.tell(key, Happening::Established { at: place.into(), route }, "normal", &silent);
        self.bridge(key, &silent);
        self.keep_ringing(key);
        if let Some(host) = joins {
            self.joined(key, host, place.into());
        }
        Ok(())
    }

    pub(super) fn bridge(&mut self, key: u64, passive: &[Place]) {
        if self.behaviour.shared != crate::behaviour::SharedStyle::Bridged {
            return;
        }
        let Some(gcid) = self.calls.get(&key).map(|call| call.gcid.clone()) else { return };
        for place in passive {
            let seen = vec![super::Seen { place: *place, state: None }];
            let what = Happening::Bridged { at: (*place).into() };
            self.outbox.push_back(super::Event { gcid: gcid.clone(), what, cause: "normal", seen });
        }
    }

    /// Connected calls of the whole phone, other than `except`, are put on hold.
    pub(super) fn hold_others(&mut self, place: Place, except: Option<u64>) -> Result<(), Refusal> {
        for dn in self.lines(place.phone) {
            let here = Place { dn, phone: place.phone };
            for key in self.calls_at(here, &[LegState::Connected, LegState::Initiated]) {
                if Some(key) == except {
                    continue;
                }
                let Some(call) = self.calls.get(&key) else { continue };
                if call.talking() > 1 {
                    self.hold(here, key, "normal")?;
                } else if call.legs.iter().any(|leg| leg.state == LegState::Alerting) {
                    // A call that rings at the far end can be neither held nor left.
                    return Err(Refusal::WrongState);
                } else {
                    // Dial tone or a busy tone gives way.
                    self.clear(here, key)?;
                }
            }
        }
        Ok(())
    }

    /// A connected call is put on hold.
    pub(crate) fn hold(&mut self, place: Place, key: u64, cause: &'static str) -> Result<(), Refusal> {
        let call = self.calls.get(&key).ok_or(Refusal::UnknownCall)?;
        if self.state_at(key, place) != Some(LegState::Connected) || call.talking() < 2 {
            return Err(Refusal::WrongState);
        }
        self.set_state(key, place, LegState::Hold);
        self.tell(key, Happening::Held { at: place.into() }, cause, &[]);
        Ok(())
    }

    /// A held call is taken back; on a shared number by any of its phones.
    pub(crate) fn retrieve(&mut self, place: Place, key: u64, cause: &'static str) -> Result<(), Refusal> {
        self.ready(place)?;
        let holder = match self.state_at(key, place) {
            Some(LegState::Hold) => place,
            Some(_) => return Err(Refusal::WrongState),
            None => {
                let call = self.calls.get(&key).ok_or(Refusal::UnknownCall)?;
                let held = |leg: &&Leg| leg.state == LegState::Hold && leg.party.dn() == Some(place.dn);
                call.legs.iter().find(held).and_then(|leg| leg.party.place()).ok_or(Refusal::UnknownCall)?
            }
        };
        // A call in the course of a transfer is locked to its phone.
        if holder != place && self.calls.values().any(|call| call.consults == Some(key)) {
            return Err(Refusal::WrongState);
        }
        self.hold_others(place, Some(key))?;
        if let Some(call) = self.calls.get_mut(&key) {
            for leg in call.legs.iter_mut().filter(|leg| leg.party.place() == Some(holder)) {
                leg.state = LegState::Connected;
                leg.party = place.into();
            }
            if call.calling.place() == Some(holder) {
                call.calling = place.into();
            }
        }
        let also: Vec<Place> = if holder == place { Vec::new() } else { vec![holder] };
        self.tell(key, Happening::Retrieved { at: place.into() }, cause, &also);
        self.bridge(key, &also);
        Ok(())
    }

    /// A user hangs up, or declines what rings.
    pub(crate) fn clear(&mut self, place: Place, key: u64) -> Result<(), Refusal> {
        let state = self.state_at(key, place).ok_or(Refusal::UnknownCall)?;
        let Some(call) = self.calls.get_mut(&key) else { return Err(Refusal::UnknownCall) };
        let Some(at) = call.at(place) else { return Err(Refusal::UnknownCall) };
        call.legs.remove(at);
        if state == LegState::Alerting {
            self.dropped(key, place.into(), "normalClearing");
            return self.declined(key, place.dn);
        }
        self.dropped(key, place.into(), "normalClearing");
        self.after_leaving(key, Some(place));
        Ok(())
    }

    /// One leg is gone; ends the call when nobody is left to talk to.
    pub(super) fn after_leaving(&mut self, key: u64, who: Option<Place>) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let unanswered = call.legs.iter().all(|leg| leg.state == LegState::Alerting || leg.state == LegState::Fail);
        let host_left = who.is_some() && call.host == who && !self.behaviour.keep_conference;
        if call.legs.len() < 2 || unanswered || (call.conference && host_left) {
            let cause = if unanswered && !call.legs.is_empty() { "callCancelled" } else { "normalClearing" };
            self.end_all(key, cause);
        } else if call.legs.len() == 2 {
            call.conference = false;
        }
    }

    /// Another party of an own conference is thrown out.
    pub(crate) fn remove_party(&mut self, place: Place, key: u64, number: &str) -> Result<(), Refusal> {
        if !self.behaviour.remove_party {
            return Err(Refusal::Unsupported);
        }
        let call = self.calls.get(&key).ok_or(Refusal::UnknownCall)?;
        if !call.conference || call.at(place).is_none() {
            return Err(Refusal::WrongState);
        }
        let named = |leg: &Leg| leg.party.place() != Some(place) && self.number(&leg.party) == number;
        let at = call.legs.iter().position(named).ok_or(Refusal::UnknownCall)?;
        if let Some(call) = self.calls.get_mut(&key) {
            let leg = call.legs.remove(at);
            self.dropped(key, leg.party, "normalClearing");
            self.after_leaving(key, None);
        }
        Ok(())
    }
}
