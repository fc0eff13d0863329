//! Wrong credentials are answered more slowly, then not at all, per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered; when more fail at once the oldest windows go.
const ADDRESSES: usize = 4096;

/// What a wrong attempt costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Penalty {
    /// Nothing.
    None,
    /// The answer waits.
    Wait(Duration),
    /// 429.
    Refuse {
        /// Seconds until the window ends.
        retry_after_s: u32,
    },
}

/// Wrong attempts of each address.
pub(super) struct Attempts {
    free: u32,
    limit: u32,
    windows: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

impl Attempts {
    /// For tokens and tickets: a misconfigured client must see its 401 at once, however often it asks.
    pub(super) fn of_credentials() -> Self {
        Self { free: 300, limit: 3000, windows: Mutex::default() }
    }

    /// For enrolment codes, which people type: whoever errs more often than a person does guesses.
    pub(super) fn of_codes() -> Self {
        Self { free: 10, limit: 60, windows: Mutex::default() }
    }

    /// Counts a wrong attempt.
    pub(super) fn wrong(&self, address: IpAddr, now: Instant) -> Penalty {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= ADDRESSES {
            windows.retain(|_, (began, _)| now.duration_since(*began) < WINDOW);
            if windows.len() >= ADDRESSES {
                windows.clear();
            }
        }
        let (began, count) = windows.entry(address).or_insert((now, 0));
        if now.duration_since(*began) >= WINDOW {
            (*began, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        if *count > self.limit {
            let left = WINDOW.saturating_sub(now.duration_since(*began));
            Penalty::Refuse { retry_after_s: u32::try_from(left.as_secs()).unwrap_or(60) + 1 }
        } else if *count > self.free {
            Penalty::Wait(Duration::from_millis(u64::from((*count - self.free).min(100)) * 10))
        } else {
            Penalty::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_becomes_slow_then_impossible_and_is_forgiven_after_the_window() {
        for attempts in [Attempts::of_credentials(), Attempts::of_codes()] {
            let address = IpAddr::from([192, 0, 2, 1]);
            let now = Instant::now();
            let mut last = Penalty::None;
            for _ in 0..attempts.free {
                last = attempts.wrong(address, now);
            }
            assert_eq!(last, Penalty::None);
            assert!(matches!(attempts.wrong(address, now), Penalty::Wait(_)));
            for _ in attempts.free..attempts.limit {
                last = attempts.wrong(address, now);
            }
            assert!(matches!(last, Penalty::Refuse { .. }));
            assert_eq!(attempts.wrong(IpAddr::from([192, 0, 2, 2]), now), Penalty::None);
            assert_eq!(attempts.wrong(address, now + WINDOW), Penalty::None);
        }
    }
}
