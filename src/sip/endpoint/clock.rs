//! The timers of an endpoint as a table. An entry that its owner no longer wants is harmless: owners check for themselves.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use super::input::SessionId;

/// Whom to wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A client transaction.
    Client(u64),
    /// An INVITE of the peer.
    PeerInvite(u64),
    /// A session timer.
    Session(SessionId),
    /// The registration.
    Registration,
    /// The keep-alive.
    KeepAlive,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Clock {
    heap: BinaryHeap<Reverse<(Instant, Timer)>>,
}

impl Clock {
    pub(super) fn set(&mut self, at: Option<Instant>, timer: Timer) {
        if let Some(at) = at {
            self.heap.push(Reverse((at, timer)));
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        if self.deadline()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, timer))| timer)
    }
}
