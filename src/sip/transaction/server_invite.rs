//! INVITE server transaction (RFC 3261 17.2.1, RFC 6026 7.1) with the repetition of 2xx (RFC 3261 13.3.1.4).
//! Timers G (for failures) and I are zero on TCP.

use std::time::{Duration, Instant};

use crate::sip::transaction::timers::Timers;

/// States of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// The user has to answer.
    Proceeding {
        /// 100 was sent.
        trying_sent: bool,
    },
    /// 2xx was sent and is repeated until ACK.
    Accepted,
    /// A failure was sent; waits for ACK.
    Completed,
    /// ACK came; repeated INVITEs are still absorbed until Timer L.
    Confirmed,
    /// Over.
    Terminated,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Due {
    /// Send 100 Trying.
    Trying,
    /// Send the 2xx again.
    Repeat,
    /// No ACK came for the 2xx: end the dialog (RFC 3261 13.3.1.4).
    AckMissing,
    /// The transaction is over.
    Done,
}

/// The machine.
#[derive(Debug, Clone)]
pub struct ServerInvite {
    state: State,
    next: Option<Instant>,
    interval: Duration,
    end: Instant,
}

impl ServerInvite {
    /// Starts with the INVITE.
    #[must_use]
    pub fn new(now: Instant, timers: &Timers) -> Self {
        Self {
            state: State::Proceeding { trying_sent: false },
            next: Some(now + timers.trying),
            interval: timers.t1,
            end: now + timers.invite_limit,
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// When [`ServerInvite::on_time`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Terminated => None,
            _ => Some(self.next.map_or(self.end, |next| next.min(self.end))),
        }
    }

    /// The user answers with a final status. Whether that was still possible.
    pub fn on_final(&mut self, now: Instant, status: u16, timers: &Timers) -> bool {
        if !matches!(self.state, State::Proceeding { .. }) {
            return false;
        }
        self.end = now + timers.h;
        if status < 300 {
            self.state = State::Accepted;
            self.interval = timers.t1;
            self.next = Some(now + timers.t1);
        } else {
            self.state = State::Completed;
            self.next = None;
        }
        true
    }

    /// ACK came.
    pub fn on_ack(&mut self) {
        if matches!(self.state, State::Accepted | State::Completed) {
            self.state = State::Confirmed;
            self.next = None;
        }
    }

    /// The deadline came.
    pub fn on_time(&mut self, now: Instant, timers: &Timers) -> Option<Due> {
        if self.deadline().is_none_or(|at| now < at) {
            return None;
        }
        if now >= self.end {
            let due = if self.state == State::Accepted { Due::AckMissing } else { Due::Done };
            self.state = State::Terminated;
            return Some(due);
        }
        match self.state {
            State::Proceeding { .. } => {
                self.state = State::Proceeding { trying_sent: true };
                self.next = None;
                Some(Due::Trying)
            }
            State::Accepted => {
                self.interval = (self.interval * 2).min(timers.t2);
                self.next = Some(now + self.interval);
                Some(Due::Repeat)
            }
            _ => None,
        }
    }
}
