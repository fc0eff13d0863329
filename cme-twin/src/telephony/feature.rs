//! Forwarding, do not disturb, digits.

use super::{Event, Exchange, Happening, LegState, Place, Refusal, Seen};

/// The three kinds of forwarding that a DN has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForwardKind {
    All,
    Busy,
    NoAnswer,
}

impl ForwardKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::All => "forwardImmediate",
            Self::Busy => "forwardBusy",
            Self::NoAnswer => "forwardNoAns",
        }
    }

    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "" | "all" | "forwardImmediate" => Some(Self::All),
            "busy" | "forwardBusy" => Some(Self::Busy),
            "no-answer" | "noan" | "forwardNoAns" => Some(Self::NoAnswer),
            _ => None,
        }
    }
}

impl Exchange {
    /// Sets or clears (empty target) a forwarding of a DN.
    pub(crate) fn set_forward(
        &mut self,
        dn: u32,
        kind: ForwardKind,
        to: &str,
        seconds: Option<u32>,
    ) -> Result<(), Refusal> {
        if self.system.dn_of(to) == Some(dn) {
            return Err(Refusal::InvalidDestination);
        }
        if !to.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | '+')) {
            return Err(Refusal::InvalidDestination);
        }
        let config = self.system.dns.get_mut(&dn).ok_or(Refusal::UnknownDevice)?;
        let target = match kind {
            ForwardKind::All => &mut config.forward_all,
            ForwardKind::Busy => &mut config.forward_busy,
            ForwardKind::NoAnswer => &mut config.forward_no_answer,
        };
        let changed = target != to;
        let old = std::mem::replace(target, to.to_owned());
        if kind == ForwardKind::NoAnswer {
            config.forward_no_answer_timeout = if to.is_empty() { 0 } else { seconds.unwrap_or(20) };
        }
        if changed {
            let to = if to.is_empty() { old } else { to.to_owned() };
            let on = self.forward(dn, kind).is_some();
            let what = Happening::Forwarding { dn, kind: kind.word(), on, to };
            self.tell_device(
                what,
                "normal",
                self.appearances(dn).into_iter().map(|phone| Place { dn, phone }).collect(),
                dn,
            );
        }
        Ok(())
    }

    /// Target of a forwarding, if it is on.
    pub(crate) fn forward(&self, dn: u32, kind: ForwardKind) -> Option<&str> {
        let config = self.system.dns.get(&dn)?;
        let target = match kind {
            ForwardKind::All => &config.forward_all,
            ForwardKind::Busy => &config.forward_busy,
            ForwardKind::NoAnswer => &config.forward_no_answer,
        };
        (!target.is_empty()).then_some(target.as_str())
    }

    /// Sets do not disturb of a phone; it belongs to all its lines.
    pub(crate) fn set_dnd(&mut self, phone: u32, on: bool) -> Result<(), Refusal> {
        if !self.is_registered(phone) {
            return Err(Refusal::OutOfService);
        }
        let state = self.phones.get_mut(&phone).ok_or(Refusal::UnknownDevice)?;
        if std::mem::replace(&mut state.dnd, on) != on {
            let seen = self.lines(phone).into_iter().map(|dn| Place { dn, phone }).collect();
            self.tell_device(Happening::DoNotDisturb { phone, on }, "normal", seen, 0);
            if on {
                self.push_away(phone);
            }
        }
        Ok(())
    }

    /// DND pressed while it rings sends that call on, if there is somewhere to send it.
    fn push_away(&mut self, phone: u32) {
        for dn in self.lines(phone) {
            let ringing = self.calls_at(Place { dn, phone }, &[LegState::Alerting]);
            ringing.into_iter().for_each(|key| self.forward_no_answer(key, dn));
        }
    }

    /// Tells something about a device. A DN that is on no phone at all still has a watcher: phone 0.
    pub(super) fn tell_device(&mut self, what: Happening, cause: &'static str, places: Vec<Place>, dn: u32) {
        let mut seen: Vec<Seen> = places.into_iter().map(|place| Seen { place, state: None }).collect();
        if seen.is_empty() && dn != 0 {
            seen.push(Seen { place: Place { dn, phone: 0 }, state: None });
        }
        self.outbox.push_back(Event { gcid: String::new(), what, cause, seen });
    }

    /// DTMF in a call: nothing to tell, but the state must allow it.
    pub(crate) fn generate_digits(&mut self, place: Place, key: u64, digits: &str) -> Result<(), Refusal> {
        let good = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || "*#ABCDabcd,".contains(c));
        match self.state_at(key, place) {
            None => Err(Refusal::UnknownCall),
            Some(LegState::Connected) if good => Ok(()),
            Some(LegState::Connected) => Err(Refusal::InvalidValue),
            Some(_) => Err(Refusal::WrongState),
        }
    }
}
