//! The session timer (RFC 4028) as data.

use std::time::{Duration, Instant};

use crate::sip::value::session_timer::{Refresher, SessionExpires};

/// The shortest interval that we accept, seconds (RFC 4028 5: 90).
pub const MIN_SE_S: u32 = 90;

/// When to refresh and when to give up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionTimer {
    refresh_at: Option<Instant>,
    expire_at: Option<Instant>,
    /// We refresh.
    is_ours: bool,
}

impl SessionTimer {
    /// The timer after a 2xx that carried (or did not carry) Session-Expires. `we_sent` tells who sent the request.
    #[must_use]
    pub fn negotiated(now: Instant, value: Option<SessionExpires>, we_sent: bool) -> Self {
        let Some(value) = value else {
            return Self::default();
        };
        let seconds = value.interval_s.max(1);
        let interval = Duration::from_secs(u64::from(seconds));
        // RFC 4028 7.2: a 2xx names the refresher; one that does not leaves it to the sender of the request.
        let sender_refreshes = value.refresher != Some(Refresher::Uas);
        if sender_refreshes == we_sent {
            return Self { refresh_at: Some(now + interval / 2), expire_at: Some(now + interval), is_ours: true };
        }
        // RFC 4028 10: BYE before the end, by 32 s or a third, whichever is less.
        let early = Duration::from_secs(32).min(interval / 3);
        Self { refresh_at: None, expire_at: Some(now + interval.saturating_sub(early)), is_ours: false }
    }

    /// The earlier of the two points.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match (self.refresh_at, self.expire_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Whether the session has run out.
    #[must_use]
    pub fn is_expired(&self, now: Instant) -> bool {
        self.expire_at.is_some_and(|at| now >= at)
    }

    /// Whether it is time to refresh; true once.
    pub fn take_refresh(&mut self, now: Instant) -> bool {
        let due = self.refresh_at.is_some_and(|at| now >= at);
        if due {
            self.refresh_at = None;
        }
        due
    }

    /// A refresh failed without ending the session: again halfway to the end, after 5 s at least.
    pub fn retry(&mut self, now: Instant) {
        if let Some(end) = self.expire_at {
            let pause = (end.saturating_duration_since(now) / 2).max(Duration::from_secs(5));
            self.refresh_at = Some(now + pause);
        }
    }

    /// The peer does not refresh any more: nothing runs out.
    pub const fn release_peer(&mut self) {
        if !self.is_ours {
            self.expire_at = None;
        }
    }

    /// Refreshes at this time (RFC 3261 14.1 after 491).
    pub const fn refresh_at(&mut self, at: Instant) {
        self.refresh_at = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(refresher: Option<Refresher>) -> Option<SessionExpires> {
        Some(SessionExpires { interval_s: 1800, refresher })
    }

    #[test]
    fn we_refresh_at_half() {
        let now = Instant::now();
        let at = |s| Some(now + Duration::from_secs(s));
        for refresher in [None, Some(Refresher::Uac)] {
            let mut timer = SessionTimer::negotiated(now, value(refresher), true);
            assert_eq!(timer.deadline(), at(900));
            assert!(timer.take_refresh(now + Duration::from_secs(900)));
            assert_eq!(timer.deadline(), at(1800));
        }
    }

    #[test]
    fn the_peer_refreshes_or_the_session_expires() {
        let now = Instant::now();
        let mut timer = SessionTimer::negotiated(now, value(Some(Refresher::Uas)), true);
        assert_eq!(timer.deadline(), Some(now + Duration::from_secs(1768)));
        assert!(!timer.take_refresh(now + Duration::from_secs(1768)));
        assert!(timer.is_expired(now + Duration::from_secs(1768)));
    }

    #[test]
    fn without_the_header_there_is_no_timer() {
        assert_eq!(SessionTimer::negotiated(Instant::now(), None, true).deadline(), None);
    }
}
