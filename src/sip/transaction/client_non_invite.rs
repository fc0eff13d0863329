//! Non-INVITE client transaction (RFC 3261 17.1.2). Timers E and K are zero on TCP.

use std::time::Instant;

use super::{ClientTimeout, ClientVerdict};
use crate::sip::transaction::timers::Timers;

/// The machine: trying until the final response or Timer F.
#[derive(Debug, Clone)]
pub struct ClientNonInvite {
    timer: Option<Instant>,
}

impl ClientNonInvite {
    /// Starts with the sending of the request; Timer F runs.
    #[must_use]
    pub fn new(now: Instant, timers: &Timers) -> Self {
        Self { timer: Some(now + timers.f) }
    }

    /// When [`ClientNonInvite::on_time`] is due.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.timer
    }

    /// The request may have been lost: its answer is not waited for beyond this time.
    pub fn give_up_by(&mut self, at: Instant) {
        self.timer = self.timer.map(|timer| timer.min(at));
    }

    /// A response with this status came.
    pub fn on_response(&mut self, status: u16) -> ClientVerdict {
        if self.timer.is_none() {
            return ClientVerdict::Absorbed;
        }
        if status < 200 {
            return ClientVerdict::Provisional;
        }
        self.timer = None;
        ClientVerdict::Final
    }

    /// The deadline came.
    pub fn on_time(&mut self, now: Instant) -> Option<ClientTimeout> {
        self.timer.filter(|at| now >= *at)?;
        self.timer = None;
        Some(ClientTimeout::Unanswered)
    }
}
