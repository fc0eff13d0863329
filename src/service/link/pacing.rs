//! How fast new sessions are opened: a token bucket for the rate and a window for those without an answer
//! (dossier 15c "thundering herd", 15e `invite.rate`).

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Hands out turns in order of asking.
#[derive(Debug)]
pub(super) struct Pacing<K> {
    interval: Duration,
    window: usize,
    waiting: VecDeque<K>,
    /// Those of `waiting` that still want a turn.
    wanted: HashSet<K>,
    outstanding: usize,
    next_turn: Option<Instant>,
}

impl<K: Eq + Hash + Copy> Pacing<K> {
    pub(super) fn new(rate_per_s: u32, window: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / rate_per_s.max(1),
            window: usize::try_from(window.max(1)).unwrap_or(usize::MAX),
            waiting: VecDeque::new(),
            wanted: HashSet::new(),
            outstanding: 0,
            next_turn: None,
        }
    }

    pub(super) fn configure(&mut self, rate_per_s: u32, window: u32) {
        self.interval = Duration::from_secs(1) / rate_per_s.max(1);
        self.window = usize::try_from(window.max(1)).unwrap_or(usize::MAX);
    }

    /// Queues a wish; one wish each.
    pub(super) fn ask(&mut self, key: K) {
        if self.wanted.insert(key) {
            self.waiting.push_back(key);
        }
    }

    pub(super) fn withdraw(&mut self, key: K) {
        if self.wanted.remove(&key) {
            self.waiting.retain(|waiting| *waiting != key);
        }
    }

    /// The answer to a turn has come (or never will).
    pub(super) fn answered(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(1);
    }

    /// Forgets who waits and who is outstanding: the link starts anew.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.wanted.clear();
        self.outstanding = 0;
    }

    /// The next one whose turn it is.
    pub(super) fn turn(&mut self, now: Instant) -> Option<K> {
        if self.outstanding >= self.window || self.next_turn.is_some_and(|at| at > now) {
            return None;
        }
        let key = self.waiting.pop_front()?;
        self.wanted.remove(&key);
        self.outstanding += 1;
        // A turn that is late is not made up for: the rate holds in every second.
        self.next_turn = Some(now + self.interval);
        Some(key)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.waiting.is_empty() || self.outstanding >= self.window {
            return None;
        }
        self.next_turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_keep_the_rate_and_the_window() {
        let start = Instant::now();
        let mut pacing = Pacing::new(10, 2);
        for key in 0..4 {
            pacing.ask(key);
        }
        assert_eq!(pacing.turn(start), Some(0));
        assert_eq!(pacing.turn(start), None);
        assert_eq!(pacing.turn(start + Duration::from_millis(100)), Some(1));
        assert_eq!(pacing.turn(start + Duration::from_millis(900)), None, "the window is full");
        pacing.answered();
        assert_eq!(pacing.turn(start + Duration::from_millis(900)), Some(2));
        pacing.answered();
        assert_eq!(pacing.turn(start + Duration::from_millis(999)), None, "what was missed is not made up for");
    }
}
