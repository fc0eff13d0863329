//! The deadlines of a link: a table, not tasks.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::domain::call_table::SeatId;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Timer {
    /// Connect again.
    Connect,
    /// Resolve the PBX's name again.
    Resolve,
    /// Register again, or stop waiting for the first answer.
    Register,
    /// Lines start without a registration.
    LinesMayStart,
    /// Look at the inventory again.
    Discovery,
    /// Look at the next idle line.
    Sweep,
    /// Tell the status of the PBX.
    Status,
    /// Ask a session for its turn.
    Seat(SeatId),
    /// Something waits too long in the exchange of a session.
    Exchange(SeatId),
    /// Early events are given up.
    Early(SeatId),
    /// A command without effect.
    Confirm(u64),
    /// A command waits for something that does not come.
    Command(u64),
    /// Something waits too long in a session of the field test.
    Probe,
    /// An apply of the assistant is not proved yet.
    Verify,
    /// The end of the time to close sessions in.
    Shutdown,
}

/// One instant for each timer.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeSet<(Instant, Timer)>,
    set: HashMap<Timer, Instant>,
}

impl Timers {
    /// Sets, moves or (with `None`) stops a timer.
    pub(super) fn set(&mut self, timer: Timer, at: Option<Instant>) {
        match at {
            Some(at) => {
                if let Some(old) = self.set.insert(timer, at) {
                    if old == at {
                        return;
                    }
                    self.due.remove(&(old, timer));
                }
                self.due.insert((at, timer));
            }
            None => {
                if let Some(old) = self.set.remove(&timer) {
                    self.due.remove(&(old, timer));
                }
            }
        }
    }

    /// When a timer is due.
    pub(super) fn at(&self, timer: Timer) -> Option<Instant> {
        self.set.get(&timer).copied()
    }

    /// Takes a timer that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Timer> {
        let (at, timer) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        self.set.remove(&timer);
        Some(timer)
    }

    /// The earliest.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_timer_is_due_once_at_its_last_setting() {
        let start = Instant::now();
        let mut timers = Timers::default();
        timers.set(Timer::Connect, Some(start));
        timers.set(Timer::Connect, Some(start + Duration::from_secs(2)));
        timers.set(Timer::Status, Some(start + Duration::from_secs(1)));
        assert_eq!(timers.take(start), None);
        assert_eq!(timers.take(start + Duration::from_secs(3)), Some(Timer::Status));
        assert_eq!(timers.take(start + Duration::from_secs(3)), Some(Timer::Connect));
        assert_eq!(timers.next(), None);
        timers.set(Timer::Seat(SeatId(1)), Some(start));
        timers.set(Timer::Seat(SeatId(1)), None);
        assert_eq!(timers.take(start + Duration::from_secs(9)), None);
    }
}
