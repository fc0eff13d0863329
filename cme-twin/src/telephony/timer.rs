//! Everything that happens in the model because time passed.

use super::{Exchange, Leg, LegState, Party, Place};

/// A timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Nobody answered.
    Ringing { call: u64 },
    /// `call-forward noan`.
    NoAnswer { call: u64, dn: u32 },
    /// A failed call ends.
    Busy { call: u64 },
    /// No (more) digits.
    Interdigit { call: u64 },
    /// Nobody lifted the handset.
    Prompt { call: u64 },
    /// A consultation was not completed.
    Consultation { call: u64 },
    /// The far end of the trunk answers.
    Trunk { call: u64 },
    /// A phone is back after its restart.
    Register { phone: u32 },
    /// A phone without power has missed its keepalives.
    Deceased { phone: u32 },
}

impl Timer {
    pub(super) fn call(&self) -> Option<u64> {
        match self {
            Self::Ringing { call }
            | Self::NoAnswer { call, .. }
            | Self::Busy { call }
            | Self::Interdigit { call }
            | Self::Prompt { call }
            | Self::Consultation { call }
            | Self::Trunk { call } => Some(*call),
            Self::Register { .. } | Self::Deceased { .. } => None,
        }
    }
}

impl Exchange {
    pub(super) fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Ringing { call } => self.give_up(call, LegState::Alerting, "callNotAnswered"),
            Timer::NoAnswer { call, dn } => self.forward_no_answer(call, dn),
            Timer::Busy { call } => self.give_up(call, LegState::Fail, "normalClearing"),
            Timer::Interdigit { call } => match self.calls.get(&call).map(|call| call.called.is_empty()) {
                Some(true) => self.end_all(call, "interdigitTimeout"),
                Some(false) => self.send_digits(call),
                None => {}
            },
            Timer::Prompt { call } => self.end_all(call, "timeout"),
            Timer::Consultation { call } => {
                if self.calls.get(&call).is_some_and(|one| one.consults.is_some() && one.talking() < 2) {
                    self.end_all(call, "timeout");
                }
            }
            Timer::Trunk { call } => {
                let _ = self.trunk_answer(call);
            }
            Timer::Deceased { phone } => {
                let _ = self.unregister_phone(phone, true);
            }
            Timer::Register { phone } => {
                let _ = self.register_phone(phone);
            }
        }
    }

    /// The far end did not come about. A call in which others talk goes on without it.
    fn give_up(&mut self, key: u64, state: LegState, cause: &'static str) {
        let Some(call) = self.calls.get_mut(&key).filter(|call| call.talking() > 1) else {
            return self.end_all(key, cause);
        };
        call.joins = None;
        let (gone, stay) = std::mem::take(&mut call.legs).into_iter().partition(|leg| leg.state == state);
        call.legs = stay;
        let gone: Vec<Leg> = gone;
        for leg in gone.into_iter().filter(|leg| leg.state != LegState::Fail) {
            self.dropped(key, leg.party, cause);
        }
    }

    /// Every leg of a call ends, the far ends first.
    pub(super) fn end_all(&mut self, key: u64, cause: &'static str) {
        self.cancel(|timer| timer.call() == Some(key));
        while let Some(call) = self.calls.get_mut(&key) {
            let Some(leg) = call.legs.pop() else {
                self.calls.remove(&key);
                break;
            };
            // A failed far end never had a connection that could be cleared.
            if leg.state != LegState::Fail {
                self.dropped(key, leg.party, cause);
            }
        }
    }

    pub(super) fn dropped(&mut self, key: u64, party: Party, cause: &'static str) {
        let also: Vec<Place> = party.place().into_iter().collect();
        self.tell(key, super::Happening::Cleared { at: party }, cause, &also);
    }
}
