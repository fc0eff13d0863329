//! Consultation, alternation and transfer.

use super::basic::Start;
use super::{Exchange, Happening, LegState, Moved, Party, Place, Refusal, Role, Timer};
use crate::behaviour::Merge;

impl Exchange {
    /// The active call is held and another party is called. On a single-line DN the new call uses another line of the phone.
    pub(crate) fn consult(&mut self, place: Place, key: u64, to: &str) -> Result<u64, Refusal> {
        let state = self.state_at(key, place).ok_or(Refusal::UnknownCall)?;
        if !matches!(state, LegState::Connected | LegState::Hold) {
            return Err(Refusal::WrongState);
        }
        let from = if self.has_channel(place) {
            place
        } else {
            let others = self.lines(place.phone).into_iter().map(|dn| Place { dn, phone: place.phone });
            others.into_iter().find(|other| self.has_channel(*other)).ok_or(Refusal::NoChannel)?
        };
        if state == LegState::Connected {
            self.hold(place, key, "consultation")?;
        }
        self.hold_others(place, Some(key))?;
        let second = self.open_call(from.into());
        if let Some(call) = self.calls.get_mut(&second) {
            call.consults = Some(key);
        }
        if self.behaviour.limits.consultation > 0 {
            self.set_timer(self.behaviour.limits.consultation, Timer::Consultation { call: second });
        }
        self.originate(second, from, "consultation");
        self.dial_first(second, from, to);
        Ok(second)
    }

    /// The call of the phone that is the other half of a two-call service: the place may be another line of the same phone.
    pub(crate) fn sibling(&self, place: Place, key: u64) -> Option<Place> {
        if self.state_at(key, place).is_some() {
            return Some(place);
        }
        let places = self.lines(place.phone).into_iter().map(|dn| Place { dn, phone: place.phone });
        places.into_iter().find(|other| self.state_at(key, *other).is_some())
    }

    /// The held call becomes active and the active one held.
    pub(crate) fn alternate(&mut self, place: Place, held: u64, active: u64) -> Result<(), Refusal> {
        let (first, second) = self.two(place, held, active)?;
        if self.calls.get(&active).is_some_and(|call| call.talking() < 2) {
            return Err(Refusal::WrongState);
        }
        self.hold(second, active, "alternate")?;
        self.retrieve(first, held, "alternate")
    }

    /// The active call ends and the held one is taken back.
    pub(crate) fn reconnect(&mut self, place: Place, active: u64, held: u64) -> Result<(), Refusal> {
        let (first, second) = self.two(place, held, active)?;
        self.clear(second, active)?;
        self.retrieve(first, held, "normal")
    }

    pub(super) fn two(&self, place: Place, held: u64, active: u64) -> Result<(Place, Place), Refusal> {
        if held == active {
            return Err(Refusal::InvalidValue);
        }
        let first = self.sibling(place, held).ok_or(Refusal::UnknownCall)?;
        let second = self.sibling(place, active).ok_or(Refusal::UnknownCall)?;
        if self.state_at(held, first) != Some(LegState::Hold) {
            return Err(Refusal::NoHeldCall);
        }
        if self.state_at(active, second) != Some(LegState::Connected) {
            return Err(Refusal::NoActiveCall);
        }
        Ok((first, second))
    }

    /// Whether somebody other than the phone itself is in both calls.
    pub(super) fn overlap(&self, held: (u64, Place), active: (u64, Place)) -> bool {
        let others = |(key, own): (u64, Place)| {
            let legs = self.calls.get(&key).map(|call| call.legs.as_slice()).unwrap_or_default();
            legs.iter().filter_map(move |leg| leg.party.place().filter(|place| *place != own))
        };
        others(held).any(|place| others(active).any(|other| other == place))
    }

    fn blocked(&self, to: &str) -> bool {
        self.system.transfer_blocked.iter().any(|prefix| !prefix.is_empty() && to.starts_with(prefix.as_str()))
    }

    /// The parties of both calls are joined; the transferring phone leaves. The key of the surviving call comes back.
    pub(crate) fn transfer(&mut self, place: Place, held: u64, active: u64) -> Result<u64, Refusal> {
        let (first, second) = self.two(place, held, active)?;
        if self.overlap((held, first), (active, second)) {
            return Err(Refusal::InvalidDestination);
        }
        // Somebody must be there to be transferred.
        if self.calls.get(&held).is_some_and(|call| call.talking() < 2) {
            return Err(Refusal::WrongState);
        }
        let to = self.far(active, second).ok_or(Refusal::WrongState)?;
        if self.blocked(&self.number(&to)) {
            return Err(Refusal::Blocked);
        }
        if self.calls.get(&active).is_some_and(|call| call.legs.iter().any(|leg| leg.state == LegState::Fail)) {
            return Err(Refusal::WrongState);
        }
        let remaining = self.far(held, first);
        let (key, gone) = self.merge(held, active);
        let Some(call) = self.calls.get_mut(&key) else { return Err(Refusal::UnknownCall) };
        call.legs.retain(|leg| leg.party.place() != Some(first) && leg.party.place() != Some(second));
        call.consults = None;
        call.host = None;
        if let Some(calling) = remaining {
            call.calling = calling;
        }
        let moved = self.moved(key, &gone);
        let also = [first, second];
        let also = if first == second { also.get(..1).unwrap_or_default() } else { &also };
        let what = Happening::Transferred { by: second.into(), secondary: Some(gone.gcid), to, moved };
        let primary_gone = gone.was_primary;
        self.tell(key, what, "transfer", also);
        self.fix_primary(primary_gone);
        if self.calls.get(&key).is_some_and(|call| call.legs.len() < 2) {
            self.end_all(key, "normalClearing");
        }
        Ok(key)
    }

    /// The first other party of a call.
    fn far(&self, key: u64, place: Place) -> Option<Party> {
        self.calls.get(&key)?.legs.iter().find(|leg| leg.party.place() != Some(place)).map(|leg| leg.party.clone())
    }

    /// Puts the legs of two calls into the surviving one.
    pub(super) fn merge(&mut self, held: u64, active: u64) -> (u64, Gone) {
        let (key, gone) = match self.behaviour.merge {
            Merge::Primary => (held, active),
            Merge::Secondary => (active, held),
        };
        self.cancel(|timer| matches!(timer, Timer::Consultation { call } if *call == active));
        for (_, timer) in self.timers.iter_mut() {
            timer.follow(gone, key);
        }
        let Some(lost) = self.calls.remove(&gone) else {
            return (key, Gone { gcid: String::new(), parties: Vec::new(), was_primary: false });
        };
        let parties = lost.legs.iter().map(|leg| leg.party.clone()).collect();
        if let Some(call) = self.calls.get_mut(&key) {
            for mut leg in lost.legs {
                if leg.role == Role::Called && gone == held {
                    leg.role = Role::Added;
                }
                if !call.legs.contains(&leg) {
                    call.legs.push(leg);
                }
            }
            call.conference |= lost.conference;
            if gone == active {
                call.called = lost.called;
            }
        }
        (key, Gone { gcid: lost.gcid, parties, was_primary: gone == held })
    }

    pub(super) fn moved(&self, key: u64, gone: &Gone) -> Vec<Moved> {
        let Some(call) = self.calls.get(&key) else { return Vec::new() };
        let old = |party: &Party| if gone.parties.contains(party) { gone.gcid.clone() } else { call.gcid.clone() };
        call.legs
            .iter()
            .map(|leg| Moved { party: leg.party.clone(), old: old(&leg.party), new: call.gcid.clone() })
            .collect()
    }

    /// `primaryOldCall` names the held call even when the other one survives.
    pub(super) fn fix_primary(&mut self, swap: bool) {
        if !swap {
            return;
        }
        if let Some(event) = self.outbox.back_mut()
            && let Happening::Transferred { secondary: Some(other), .. }
            | Happening::Conferenced { secondary: Some(other), .. } = &mut event.what
        {
            std::mem::swap(other, &mut event.gcid);
        }
    }

    /// SingleStepTransferCall: the call goes on to somebody else without asking.
    pub(crate) fn blind_transfer(&mut self, place: Place, key: u64, to: &str) -> Result<(), Refusal> {
        let state = self.state_at(key, place).ok_or(Refusal::UnknownCall)?;
        let call = self.calls.get(&key).ok_or(Refusal::UnknownCall)?;
        if !matches!(state, LegState::Connected | LegState::Hold)
            || call.talking() < 2
            || call.conference
            || call.joins.is_some()
        {
            return Err(Refusal::WrongState);
        }
        if to.is_empty() || self.system.dn_of(to) == Some(place.dn) {
            return Err(Refusal::InvalidDestination);
        }
        if self.blocked(to) {
            return Err(Refusal::Blocked);
        }
        let remaining = self.far(key, place).ok_or(Refusal::WrongState)?;
        let gcid = call.gcid.clone();
        if let Some(call) = self.calls.get_mut(&key) {
            call.legs.retain(|leg| leg.party.place() != Some(place));
            call.calling = remaining.clone();
            call.redirected = Some((
                self.system.dns.get(&place.dn).map(|dn| dn.number.clone()).unwrap_or_default(),
                "singleStepTransfer",
            ));
        }
        let target = match self.system.dn_of(to) {
            Some(dn) => Party::Line { dn, phone: None },
            None => Party::Outside(to.to_owned()),
        };
        let moved =
            [remaining, target.clone()].map(|party| Moved { party, old: gcid.clone(), new: gcid.clone() }).to_vec();
        let what = Happening::Transferred { by: place.into(), secondary: None, to: target, moved };
        self.tell(key, what, "singleStepTransfer", &[place]);
        self.go_to(key, to);
        Ok(())
    }
}

/// The call that did not survive a merge.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) gcid: String,
    pub(super) parties: Vec<Party>,
    pub(super) was_primary: bool,
}

impl Timer {
    fn follow(&mut self, from: u64, to: u64) {
        match self {
            Self::Ringing { call } | Self::NoAnswer { call, .. } | Self::Trunk { call } | Self::Busy { call }
                if *call == from =>
            {
                *call = to
            }
            _ => {}
        }
    }
}

impl Exchange {
    /// The key user's way: transfer key, digits. The same as [`Self::consult`] with dial tone allowed.
    pub(crate) fn second_call(&mut self, place: Place, to: &str) -> Result<u64, Refusal> {
        match self.calls_at(place, &[LegState::Connected]).first() {
            Some(&key) => self.consult(place, key, to),
            None => self.make_call(place, to, Start::OffHook),
        }
    }
}
