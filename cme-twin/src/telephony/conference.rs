//! Conferences.

use super::{Exchange, Happening, LegState, Moved, Party, Place, Refusal};

impl Exchange {
    /// The held and the active call become one.
    pub(crate) fn conference(&mut self, place: Place, held: u64, active: u64) -> Result<u64, Refusal> {
        let (first, second) = self.two(place, held, active)?;
        if self.overlap((held, first), (active, second)) {
            return Err(Refusal::InvalidDestination);
        }
        let talking = |key: &u64| self.calls.get(key).map_or(0, super::Call::talking);
        if talking(&active) < 2 {
            return Err(Refusal::WrongState);
        }
        let parties = talking(&held) + talking(&active) - 1;
        if parties > usize::try_from(self.system.max_conference).unwrap_or(usize::MAX) {
            return Err(Refusal::ConferenceFull);
        }
        let legs = self.calls.get(&active).map(|call| call.legs.clone()).unwrap_or_default();
        let added = legs
            .into_iter()
            .map(|leg| leg.party)
            .find(|party| party.place() != Some(second))
            .ok_or(Refusal::WrongState)?;
        let (key, gone) = self.merge(held, active);
        let Some(call) = self.calls.get_mut(&key) else { return Err(Refusal::UnknownCall) };
        // The conferencing phone was in both calls; one connection stays.
        call.legs.retain(|leg| leg.party.place() != Some(first) && leg.party.place() != Some(second));
        let role = if call.calling.place() == Some(first) { super::Role::Calling } else { super::Role::Called };
        call.legs.insert(0, super::Leg { party: first.into(), state: LegState::Connected, role });
        call.conference = true;
        call.consults = None;
        call.host = Some(first);
        let mut moved = self.moved(key, &gone);
        for own in moved.iter_mut().filter(|one| one.party.place() == Some(first)) {
            own.old = own.new.clone();
        }
        let swap = gone.was_primary;
        let what = Happening::Conferenced { by: first.into(), secondary: Some(gone.gcid), added, moved };
        self.tell(key, what, "conference", if first == second { &[] } else { std::slice::from_ref(&second) });
        self.fix_primary(swap);
        Ok(key)
    }

    /// SingleStepConferenceCall: one more party is called into the call.
    pub(crate) fn join(&mut self, place: Place, key: u64, to: &str) -> Result<(), Refusal> {
        if !self.behaviour.single_step_conference {
            return Err(Refusal::Unsupported);
        }
        if self.state_at(key, place) != Some(LegState::Connected) {
            return Err(Refusal::WrongState);
        }
        // One invitation at a time, and into a call that has come about.
        if self.calls.get(&key).is_some_and(|call| call.talking() < 2 || call.joins.is_some()) {
            return Err(Refusal::WrongState);
        }
        if self.calls.get(&key).map_or(0, super::Call::talking)
            >= usize::try_from(self.system.max_conference).unwrap_or(usize::MAX)
        {
            return Err(Refusal::ConferenceFull);
        }
        let dn = self.system.dn_of(to).ok_or(Refusal::InvalidDestination)?;
        if self.calls.get(&key).is_some_and(|call| call.legs.iter().any(|leg| leg.party.dn() == Some(dn))) {
            return Err(Refusal::InvalidDestination);
        }
        if self.phones_with(dn).is_empty() || self.channels_used(dn) >= self.channels(dn) {
            return Err(Refusal::NoChannel);
        }
        if let Some(call) = self.calls.get_mut(&key) {
            call.joins = Some(place);
        }
        self.go_to(key, to);
        Ok(())
    }

    /// The party that was called in answered.
    pub(super) fn joined(&mut self, key: u64, host: Place, added: Party) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        call.conference = true;
        call.host.get_or_insert(host);
        let gcid = call.gcid.clone();
        let moved = call
            .legs
            .iter()
            .map(|leg| Moved { party: leg.party.clone(), old: gcid.clone(), new: gcid.clone() })
            .collect();
        self.tell(
            key,
            Happening::Conferenced { by: host.into(), secondary: None, added, moved },
            "singleStepConference",
            &[],
        );
    }
}
