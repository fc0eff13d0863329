//! INVITE client transaction (RFC 3261 17.1.1, RFC 6026 7.2). Timers A and D are zero on TCP.

use std::time::Instant;

use super::{ClientTimeout, ClientVerdict};
use crate::sip::transaction::timers::Timers;

/// States of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Sent, nothing heard.
    Calling,
    /// A provisional answer came.
    Proceeding,
    /// Proceeding for too long, CANCEL asked for.
    Cancelling,
    /// 2xx came; it may come again.
    Accepted,
    /// Over.
    Terminated,
}

/// The machine.
#[derive(Debug, Clone)]
pub struct ClientInvite {
    state: State,
    timer: Instant,
}

impl ClientInvite {
    /// Starts with the sending of the INVITE; Timer B runs.
    #[must_use]
    pub fn new(now: Instant, timers: &Timers) -> Self {
        Self { state: State::Calling, timer: now + timers.b }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// When [`ClientInvite::on_time`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        (self.state != State::Terminated).then_some(self.timer)
    }

    /// A response with this status came.
    pub fn on_response(&mut self, now: Instant, status: u16, timers: &Timers) -> ClientVerdict {
        match (self.state, status) {
            (State::Calling, 100..200) => {
                self.state = State::Proceeding;
                self.timer = now + timers.invite_limit;
                ClientVerdict::Provisional
            }
            (State::Proceeding | State::Cancelling, 100..200) => ClientVerdict::Provisional,
            (State::Calling | State::Proceeding | State::Cancelling, 200..300) => {
                self.state = State::Accepted;
                self.timer = now + timers.m;
                ClientVerdict::Final
            }
            (State::Calling | State::Proceeding | State::Cancelling, _) => {
                self.state = State::Terminated;
                ClientVerdict::FinalToAck
            }
            (State::Accepted, 200..300) => ClientVerdict::Again,
            (State::Accepted | State::Terminated, _) => ClientVerdict::Absorbed,
        }
    }

    /// CANCEL was sent: the final answer has 64 T1 from now (RFC 3261 9.1).
    pub fn on_cancel(&mut self, now: Instant, timers: &Timers) {
        if matches!(self.state, State::Calling | State::Proceeding) {
            self.state = State::Cancelling;
            self.timer = now + timers.b;
        }
    }

    /// The deadline came.
    pub fn on_time(&mut self, now: Instant) -> Option<ClientTimeout> {
        if self.state == State::Terminated || now < self.timer {
            return None;
        }
        let due = match self.state {
            State::Proceeding => return Some(ClientTimeout::Cancel),
            State::Accepted => ClientTimeout::Done,
            _ => ClientTimeout::Unanswered,
        };
        self.state = State::Terminated;
        Some(due)
    }
}
