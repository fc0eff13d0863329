//! Where a dialled number leads: a line, its forwarding, the trunk, or nowhere.

use super::{Exchange, Happening, Leg, LegState, Party, Place, Refusal, Role, Timer};

impl Exchange {
    /// The call goes to a number.
    pub(super) fn go_to(&mut self, key: u64, number: &str) {
        if let Some(call) = self.calls.get_mut(&key) {
            number.clone_into(&mut call.called);
        }
        if let Some(dn) = self.system.dn_of(number) {
            return self.ring(key, dn);
        }
        let dialable = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | '+'));
        let outside = &self.system.outside;
        if !dialable {
            self.fail(key, Party::Outside(number.to_owned()), "invalidNumberFormat");
        } else if !outside.is_empty() && number.starts_with(outside.as_str()) && number.len() > outside.len() {
            self.seize_trunk(key, number);
        } else {
            self.fail(key, Party::Outside(number.to_owned()), "destNotObtainable");
        }
    }

    /// Where calls go of a DN that only `cti notify` holds up, as it stands on no button of any phone.
    fn static_forward(&self, dn: u32) -> Option<(String, &'static str)> {
        let config =
            self.system.dns.get(&dn).filter(|_| self.system.notified(dn) && self.appearances(dn).is_empty())?;
        let targets = [(&config.forward_no_answer, "callForwardNoAnswer"), (&config.forward_busy, "callForwardBusy")];
        targets.into_iter().find(|(to, _)| !to.is_empty()).map(|(to, cause)| (to.clone(), cause))
    }

    fn seize_trunk(&mut self, key: u64, number: &str) {
        let party = Party::Outside(number.to_owned());
        if let Some(call) = self.calls.get_mut(&key) {
            call.legs.push(Leg { party: party.clone(), state: LegState::Alerting, role: Role::Called });
        }
        let route = self.route(key);
        self.tell(key, Happening::Reached { at: party, route }, "normal", &[]);
        if self.behaviour.limits.trunk_answer > 0 {
            self.set_timer(self.behaviour.limits.trunk_answer, Timer::Trunk { call: key });
        }
        self.set_timer(self.behaviour.limits.ringing, Timer::Ringing { call: key });
    }

    /// Rings a DN at all phones where it can, or forwards, or fails.
    pub(super) fn ring(&mut self, key: u64, dn: u32) {
        let Some(config) = self.system.dns.get(&dn).cloned() else { return };
        if !config.forward_all.is_empty() {
            return self.send_on(key, &config.number, &config.forward_all, "callForwardImmediate");
        }
        let target = Party::Line { dn, phone: None };
        let mut phones = self.phones_with(dn);
        if phones.is_empty() {
            return match self.static_forward(dn) {
                Some((to, cause)) => self.send_on(key, &config.number, &to, cause),
                None => self.fail(key, target, "destOutOfOrder"),
            };
        }
        let caller = self.calls.get(&key).and_then(|call| call.calling.place());
        if let Some(caller) = caller.filter(|place| place.dn == dn) {
            phones.retain(|phone| *phone != caller.phone);
        }
        // Nobody is called into a call that he is in.
        if let Some(call) = self.calls.get(&key) {
            phones.retain(|phone| call.at(Place { dn, phone: *phone }).is_none());
        }
        // The channels of a dual-line DN belong to the phone that uses it, so that only that one rings for a second call.
        let owner = self.owner(dn).filter(|_| self.channels(dn) <= 2 && caller.is_none_or(|place| place.dn != dn));
        if let Some(owner) = owner {
            phones.retain(|phone| *phone == owner);
        }
        if phones.is_empty() || self.channels_used(dn) >= self.channels(dn) {
            if !config.forward_busy.is_empty() {
                return self.send_on(key, &config.number, &config.forward_busy, "callForwardBusy");
            }
            return self.fail(key, target, "busy");
        }
        let Some(call) = self.calls.get_mut(&key) else { return };
        let cause = call.redirected.as_ref().map_or("newCall", |(_, cause)| *cause);
        call.legs.extend(phones.iter().map(|phone| Leg {
            party: Place { dn, phone: *phone }.into(),
            state: LegState::Alerting,
            role: Role::Called,
        }));
        self.tell_ringing(key, dn, &phones, cause);
        if !config.forward_no_answer.is_empty() {
            let after = u64::from(config.forward_no_answer_timeout.max(3)) * 1000;
            self.set_timer(after, Timer::NoAnswer { call: key, dn });
        }
        self.set_timer(self.behaviour.limits.ringing, Timer::Ringing { call: key });
    }

    /// Each ringing phone hears of its own ringing, everybody else in the call of the first one.
    fn tell_ringing(&mut self, key: u64, dn: u32, phones: &[u32], cause: &'static str) {
        for (index, phone) in phones.iter().enumerate() {
            let at = Place { dn, phone: *phone };
            let route = self.route(key);
            self.tell(key, Happening::Delivered { at: at.into(), route }, cause, &[]);
            if let Some(event) = self.outbox.back_mut() {
                event.seen.retain(|seen| {
                    seen.place == at || (index == 0 && !(seen.place.dn == dn && phones.contains(&seen.place.phone)))
                });
            }
        }
    }

    /// The call goes on to another number.
    fn send_on(&mut self, key: u64, from: &str, to: &str, cause: &'static str) {
        let limit = self.system.max_redirect;
        let Some(call) = self.calls.get_mut(&key) else { return };
        call.hops += 1;
        call.redirected = Some((from.to_owned(), cause));
        if call.hops > limit {
            return self.fail(key, Party::Outside(to.to_owned()), "destNotObtainable");
        }
        self.go_to(key, to);
    }

    /// `call-forward noan`: the phones stop ringing and the call goes on.
    pub(super) fn forward_no_answer(&mut self, key: u64, dn: u32) {
        let Some(config) = self.system.dns.get(&dn).cloned() else { return };
        if config.forward_no_answer.is_empty() {
            return;
        }
        self.divert(key, dn, &config.forward_no_answer, "callForwardNoAnswer");
    }

    /// All ringing phones of a DN give the call away.
    pub(super) fn divert(&mut self, key: u64, dn: u32, to: &str, cause: &'static str) {
        self.cancel(|timer| matches!(timer, Timer::Ringing { call } | Timer::NoAnswer { call, .. } if *call == key));
        let Some(call) = self.calls.get_mut(&key) else { return };
        let from = self.system.dns.get(&dn).map(|dn| dn.number.clone()).unwrap_or_default();
        let ringing = |leg: &Leg| leg.state == LegState::Alerting && leg.party.dn() == Some(dn);
        let places: Vec<Place> =
            call.legs.iter().filter(|leg| ringing(leg)).filter_map(|leg| leg.party.place()).collect();
        call.legs.retain(|leg| !ringing(leg));
        call.redirected = Some((from.clone(), cause));
        if let Some(first) = places.first() {
            let route = self.route(key);
            self.tell(key, Happening::Diverted { at: (*first).into(), to: to.to_owned(), route }, cause, &places);
        }
        self.send_on(key, &from, to, cause);
    }

    /// DeflectCall: somebody sends a ringing call elsewhere.
    pub(crate) fn deflect(&mut self, place: Place, key: u64, to: &str) -> Result<(), Refusal> {
        if self.state_at(key, place) != Some(LegState::Alerting) {
            return Err(Refusal::WrongState);
        }
        if to.is_empty() || self.system.dn_of(to) == Some(place.dn) {
            return Err(Refusal::InvalidDestination);
        }
        self.divert(key, place.dn, to, "redirected");
        Ok(())
    }

    /// A phone declined. The other phones go on ringing; without any the caller hears busy, or the call is forwarded.
    pub(super) fn declined(&mut self, key: u64, dn: u32) -> Result<(), Refusal> {
        let Some(call) = self.calls.get(&key) else { return Ok(()) };
        if call.legs.iter().any(|leg| leg.state == LegState::Alerting) {
            return Ok(());
        }
        let others_talk = call.talking() > 1;
        self.cancel(|timer| matches!(timer, Timer::Ringing { call } | Timer::NoAnswer { call, .. } if *call == key));
        if others_talk {
            // Somebody who was added to a conference declined: two who are left are none.
            self.after_leaving(key, None);
            return Ok(());
        }
        let config = self.system.dns.get(&dn).cloned().unwrap_or_default();
        if config.forward_busy.is_empty() {
            self.fail(key, Party::Line { dn, phone: None }, "busy");
        } else {
            self.send_on(key, &config.number, &config.forward_busy, "callForwardBusy");
        }
        Ok(())
    }

    /// The call came to nothing; the caller hears a tone until it ends by itself.
    pub(super) fn fail(&mut self, key: u64, far: Party, cause: &'static str) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        call.legs.push(Leg { party: far.clone(), state: LegState::Fail, role: Role::Called });
        if matches!(call.calling, Party::Outside(_)) {
            // The trunk is released at once.
            return self.end_all(key, "normalClearing");
        }
        if self.behaviour.busy_detection {
            let route = self.route(key);
            self.tell(key, Happening::Failed { at: far, route }, cause, &[]);
        }
        self.set_timer(self.behaviour.limits.busy, Timer::Busy { call: key });
    }

    /// A call comes in over the trunk.
    pub(crate) fn call_in(&mut self, from: &str, to: &str) -> u64 {
        let key = self.open_call(Party::Outside(from.to_owned()));
        if let Some(call) = self.calls.get_mut(&key) {
            for leg in &mut call.legs {
                leg.state = LegState::Connected;
            }
        }
        self.go_to(key, to);
        key
    }

    /// The party beyond the trunk answers.
    pub(crate) fn trunk_answer(&mut self, key: u64) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&key).ok_or(Refusal::UnknownCall)?;
        let rings = |leg: &&mut Leg| leg.state == LegState::Alerting && matches!(leg.party, Party::Outside(_));
        let leg = call.legs.iter_mut().find(rings).ok_or(Refusal::WrongState)?;
        leg.state = LegState::Connected;
        let party = leg.party.clone();
        let joins = call.joins.take();
        self.cancel(|timer| matches!(timer, Timer::Ringing { call } | Timer::Trunk { call } if *call == key));
        let route = self.route(key);
        self.tell(key, Happening::Established { at: party.clone(), route }, "normal", &[]);
        self.keep_ringing(key);
        if let Some(host) = joins {
            self.joined(key, host, party);
        }
        Ok(())
    }

    /// Somebody answered; whoever else still rings in the call does so for a limited time.
    pub(super) fn keep_ringing(&mut self, key: u64) {
        if self.calls.get(&key).is_some_and(|call| call.legs.iter().any(|leg| leg.state == LegState::Alerting)) {
            self.set_timer(self.behaviour.limits.ringing, Timer::Ringing { call: key });
        }
    }

    /// The phone beyond the trunk rings (most networks do not tell).
    pub(crate) fn trunk_ring(&mut self, key: u64) -> Result<(), Refusal> {
        let call = self.calls.get(&key).ok_or(Refusal::UnknownCall)?;
        let rings = |leg: &&Leg| leg.state == LegState::Alerting && matches!(leg.party, Party::Outside(_));
        let party = call.legs.iter().find(rings).map(|leg| leg.party.clone()).ok_or(Refusal::WrongState)?;
        let route = self.route(key);
        self.tell(key, Happening::Delivered { at: party, route }, "networkSignal", &[]);
        Ok(())
    }

    /// The party beyond the trunk is busy.
    pub(crate) fn trunk_busy(&mut self, key: u64) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&key).ok_or(Refusal::UnknownCall)?;
        let rings = |leg: &Leg| leg.state == LegState::Alerting && matches!(leg.party, Party::Outside(_));
        let at = call.legs.iter().position(rings).ok_or(Refusal::WrongState)?;
        let party = call.legs.remove(at).party;
        self.cancel(|timer| matches!(timer, Timer::Ringing { call } | Timer::Trunk { call } if *call == key));
        self.fail(key, party, "busy");
        Ok(())
    }

    /// The party beyond the trunk hangs up.
    pub(crate) fn trunk_clear(&mut self, key: u64) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&key).ok_or(Refusal::UnknownCall)?;
        let at = call.legs.iter().position(|leg| matches!(leg.party, Party::Outside(_))).ok_or(Refusal::UnknownCall)?;
        let leg = call.legs.remove(at);
        if leg.state == LegState::Fail {
            return Err(Refusal::WrongState);
        }
        self.dropped(key, leg.party, "normalClearing");
        self.after_leaving(key, None);
        Ok(())
    }
}
