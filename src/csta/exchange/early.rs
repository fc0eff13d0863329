//! Events that come before the answer to MonitorStart names their monitor (section 10 rule 2, section 15c).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// How long an event waits for its monitor (section 15e, `early.event.buffer`).
pub const KEEP: Duration = Duration::from_secs(2);
/// How many events wait at most; a real switch sends one or two.
pub const LIMIT: usize = 256;

/// The waiting events of one dialog, or of one switch.
#[derive(Debug, Default)]
pub struct EarlyEvents {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    until: Instant,
    monitor: Box<str>,
    body: Bytes,
}

impl EarlyEvents {
    /// Nothing waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps an event for [`KEEP`]. `false` if the buffer is full: then the event is lost and should be counted.
    pub fn hold(&mut self, now: Instant, monitor_cross_ref_id: &str, body: Bytes) -> bool {
        if self.waiting.len() >= LIMIT {
            return false;
        }
        self.waiting.push_back(Waiting { until: now + KEEP, monitor: monitor_cross_ref_id.into(), body });
        true
    }

    /// The events of a monitor that has just become known, in the order they came.
    pub fn take(&mut self, monitor_cross_ref_id: &str) -> Vec<Bytes> {
        let (taken, kept) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|waiting| *waiting.monitor == *monitor_cross_ref_id);
        self.waiting = kept.into();
        taken.into_iter().map(|waiting| waiting.body).collect()
    }

    /// When the oldest event is given up.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.until)
    }

    /// Gives up the events whose time is over; how many (to be counted).
    pub fn expire(&mut self, now: Instant) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.until > now);
        before - self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_wait_by_monitor_and_in_order() {
        let start = Instant::now();
        let mut early = EarlyEvents::new();
        assert_eq!(early.deadline(), None);
        for (offset, monitor, body) in [(0, "1", "a"), (500, "2", "b"), (900, "1", "c")] {
            assert!(early.hold(start + Duration::from_millis(offset), monitor, Bytes::from(body)));
        }
        assert_eq!(early.deadline(), Some(start + KEEP));
        assert_eq!(early.take("1"), [Bytes::from("a"), Bytes::from("c")]);
        assert!(early.take("1").is_empty());
        assert_eq!(early.expire(start + Duration::from_millis(2499)), 0);
        assert_eq!(early.expire(start + Duration::from_millis(2500)), 1);
        assert_eq!(early.deadline(), None);
    }

    #[test]
    fn the_buffer_has_a_limit() {
        let start = Instant::now();
        let mut early = EarlyEvents::new();
        for _ in 0..LIMIT {
            assert!(early.hold(start, "1", Bytes::new()));
        }
        assert!(!early.hold(start, "1", Bytes::new()));
    }
}
