//! Wrong credentials are answered more slowly, then not at all, per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered; when more fail at once the oldest windows go.
const ADDRESSES: usize = 4096;
/// Lines of the log in one window, whatever the number of addresses: nobody fills a disk by guessing.
const LINES: u32 = 60;

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

/// A wrong attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What it costs.
    pub(super) penalty: Penalty,
    /// Whether the log should tell it: the first of an address in a window, and the first that is refused for its number.
    pub(super) is_told: bool,
    /// Attempts of the address in this window, this one too.
    pub(super) count: u32,
}

/// Wrong attempts of each address.
pub(super) struct Attempts {
    free: u32,
    limit: u32,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    windows: HashMap<IpAddr, (Instant, u32)>,
    /// Lines of the log, of all addresses.
    told: Option<(Instant, u32)>,
}

impl Attempts {
    /// For tokens and tickets: a misconfigured client must see its 401 at once, however often it asks.
    pub(super) fn of_credentials() -> Self {
        Self { free: 300, limit: 3000, counted: Mutex::default() }
    }

    /// For enrolment codes, which people type: whoever errs more often than a person does guesses.
    pub(super) fn of_codes() -> Self {
        Self { free: 10, limit: 60, counted: Mutex::default() }
    }

    /// Counts a wrong attempt.
    pub(super) fn wrong(&self, address: IpAddr, now: Instant) -> Wrong {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { windows, told } = &mut *counted;
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
        let penalty = if *count > self.limit {
            let left = WINDOW.saturating_sub(now.duration_since(*began));
            Penalty::Refuse { retry_after_s: u32::try_from(left.as_secs()).unwrap_or(60) + 1 }
        } else if *count > self.free {
            Penalty::Wait(Duration::from_millis(u64::from((*count - self.free).min(100)) * 10))
        } else {
            Penalty::None
        };
        let is_news = *count == 1 || *count == self.limit.saturating_add(1);
        Wrong { penalty, is_told: is_news && has_room(told, now), count: *count }
    }
}

/// Whether this window has room for another line of the log, which is counted then.
fn has_room(told: &mut Option<(Instant, u32)>, now: Instant) -> bool {
    let (began, lines) = told.get_or_insert((now, 0));
    if now.duration_since(*began) >= WINDOW {
        (*began, *lines) = (now, 0);
    }
    *lines = lines.saturating_add(1);
    *lines <= LINES
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
                last = attempts.wrong(address, now).penalty;
            }
            assert_eq!(last, Penalty::None);
            assert!(matches!(attempts.wrong(address, now).penalty, Penalty::Wait(_)));
            for _ in attempts.free..attempts.limit {
                last = attempts.wrong(address, now).penalty;
            }
            assert!(matches!(last, Penalty::Refuse { .. }));
            assert_eq!(attempts.wrong(IpAddr::from([192, 0, 2, 2]), now).penalty, Penalty::None);
            assert_eq!(attempts.wrong(address, now + WINDOW).penalty, Penalty::None);
        }
    }

    #[test]
    fn the_log_tells_the_first_of_an_address_and_no_flood_fills_it() {
        let attempts = Attempts::of_codes();
        let now = Instant::now();
        let address = IpAddr::from([192, 0, 2, 1]);
        let told: Vec<u32> = (0..200)
            .map(|_| attempts.wrong(address, now))
            .filter(|wrong| wrong.is_told)
            .map(|wrong| wrong.count)
            .collect();
        assert_eq!(told, [1, attempts.limit + 1]);
        let others = (0..=255).filter(|last| attempts.wrong(IpAddr::from([198, 51, 100, *last]), now).is_told).count();
        assert_eq!(others, 58, "two lines of the first address, 60 in all");
        assert!(attempts.wrong(address, now + WINDOW).is_told, "a minute later it is news again");
    }
}
