//! Deadlines of calls: checks by snapshot, pending ends, watchdogs.

use std::time::{Duration, Instant};

use super::{Actor, CallTable, Output};
use crate::domain::call::{CallState, Cause};
use crate::domain::ids::CallId;
use crate::domain::timestamp::Moment;

/// The other party left and our own end was not said (section 10: wait 2 s, then snapshot).
pub(super) const OWN_CLEAR_PATIENCE: Duration = Duration::from_secs(2);
/// A burst of a transfer may come out of order (15c: hold the removal 500 ms).
pub(super) const TRANSFER_PATIENCE: Duration = Duration::from_millis(500);
/// `timeouts busy` of the router (10 s) and 5 s more.
pub(super) const BUSY_PATIENCE: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Ask for a snapshot if the call still lives.
    Check(CallId),
    /// Nothing was heard of the call for long.
    Watch(CallId),
    /// End the call unless a transfer explains it.
    End(CallId, Cause),
    /// Ask for a snapshot if nothing was heard of the call since then.
    Effect(CallId, Instant),
}

impl CallTable {
    /// Lets time pass.
    pub fn tick(&mut self, at: Moment) {
        while let Some((due, _)) = self.timers.first() {
            if *due > at.now {
                break;
            }
            let Some((_, timer)) = self.timers.pop_first() else { break };
            match timer {
                Timer::Check(id) => self.check(&id),
                Timer::Watch(id) => self.watchdog(at, &id),
                Timer::Effect(id, since) => {
                    if self.calls.get(&id).is_some_and(|tracked| tracked.last_signal <= since) {
                        self.check(&id);
                    }
                }
                Timer::End(id, cause) => self.end(at, &id, cause, Actor::Phone),
            }
        }
    }

    fn check(&mut self, id: &CallId) {
        if let Some(tracked) = self.calls.get(id) {
            self.out.push_back(Output::WantSnapshot { seat: tracked.seat });
        }
    }

    /// Starts the watchdog of a call (section 10 rule 6).
    pub(super) fn watch(&mut self, at: Moment, id: &CallId) {
        self.timers.insert((at.now + self.settings.snapshot_interval, Timer::Watch(id.clone())));
    }

    fn watchdog(&mut self, at: Moment, id: &CallId) {
        let Some(tracked) = self.calls.get(id) else { return };
        let quiet_until = tracked.last_signal + self.settings.snapshot_interval;
        if quiet_until > at.now {
            self.timers.insert((quiet_until, Timer::Watch(id.clone())));
            return;
        }
        self.out.push_back(Output::WantSnapshot { seat: tracked.seat });
        self.watch(at, id);
    }

    /// Asks for a snapshot after a pause, unless the call is over by then.
    pub(super) fn check_in(&mut self, at: Moment, id: &CallId, pause: Duration) {
        self.timers.insert((at.now + pause, Timer::Check(id.clone())));
    }

    /// Whether the other calls of the line make a transfer likely.
    pub(super) fn transfer_likely(&self, id: &CallId) -> bool {
        let Some(line) = self.calls.get(id).map(|tracked| &tracked.call.line_id) else {
            return false;
        };
        self.calls_of_line(line).any(|other| {
            other.id != *id
                && (matches!(other.state, CallState::OnHold | CallState::Connected | CallState::RemoteHeld)
                    || other.is_reaching_out())
        })
    }
}
