//! The protocol timers, as data.

use std::time::Duration;

/// Protocol timers (RFC 3261 table 4, RFC 6026). The transport is reliable: A, D, E, G (non-2xx), I, J and K are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// T1: round trip estimate, 500 ms; first interval of 2xx repetition (RFC 3261 13.3.1.4).
    pub t1: Duration,
    /// T2: longest interval of 2xx repetition, 4 s.
    pub t2: Duration,
    /// Timer B: INVITE without any answer, 32 s.
    pub b: Duration,
    /// Timer F: other request without final answer, 32 s.
    pub f: Duration,
    /// Timer H, L: our final answer to an INVITE waits that long for its ACK, 32 s.
    pub h: Duration,
    /// Timer M: repeated 2xx of our INVITE are recognised that long, 32 s (RFC 6026).
    pub m: Duration,
    /// Longest time between a provisional and the final answer to our INVITE; then CANCEL, 180 s.
    pub invite_limit: Duration,
    /// Our answers are kept for repetition that long, across flows, 32 s (dossier 15c).
    pub answer_cache: Duration,
    /// An INVITE of the PBX that is not answered gets 100 after this time, 200 ms (RFC 3261 17.2.1).
    pub trying: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        let t64 = Duration::from_secs(32);
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            b: t64,
            f: t64,
            h: t64,
            m: t64,
            invite_limit: Duration::from_secs(180),
            answer_cache: t64,
            trying: Duration::from_millis(200),
        }
    }
}
