//! Growing pauses between attempts, with jitter so that many links do not knock together.

use std::time::Duration;

/// Doubles from `least` to `most`.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    least: Duration,
    most: Duration,
    next: Duration,
    jitter: u64,
}

impl Backoff {
    /// `seed` makes the jitter different for each link.
    pub(super) fn new(least: Duration, most: Duration, seed: u64) -> Self {
        Self { least, most, next: least, jitter: seed | 1 }
    }

    /// The pause before the next attempt: 80 to 120 % of the step.
    pub(super) fn pause(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.most);
        // xorshift64: spread is all that is asked of it.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        let percent = 80 + u32::try_from(self.jitter % 41).unwrap_or(0);
        step * percent / 100
    }

    pub(super) fn reset(&mut self) {
        self.next = self.least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_limit_and_start_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5), 7);
        let pauses: Vec<_> = (0..8).map(|_| backoff.pause()).collect();
        assert!(pauses[0] <= Duration::from_millis(300));
        assert!(pauses[7] >= Duration::from_secs(4) && pauses[7] <= Duration::from_secs(6));
        backoff.reset();
        assert!(backoff.pause() <= Duration::from_millis(300));
    }
}
