//! What is said to an exchange, what it says, and its settings.

use std::time::Duration;

use bytes::Bytes;

use super::outcome::Outcome;
use crate::csta::{Charset, DecodeError, Encoding, Event, SystemStatus};

/// Names one submitted service; chosen by the caller, unique among those that are not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Where the switch puts its CSTA responses (U-33).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the final answer of the INFO, nowhere else.
    Final,
    /// In an INFO of its own; an empty 200 is normal and the wait for it is the hard limit.
    Separate,
    /// In either; after an empty 200 the wait is the soft limit.
    #[default]
    Auto,
}

/// The settings of an exchange; the defaults are those of sections 15b and 15e.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// How requests and replies are written.
    pub encoding: Encoding,
    /// Take over the namespace of the first response (U-11, `learn`).
    pub learn_namespace: bool,
    /// Where responses are looked for (U-33).
    pub response_mode: ResponseMode,
    /// Services outstanding at once (U-34). Zero counts as one.
    pub max_outstanding: usize,
    /// Services that may wait.
    pub max_queued: usize,
    /// After this time the user is told that the switch is slow, and the next service goes out.
    pub soft: Duration,
    /// After this time the outcome is unknown.
    pub hard: Duration,
    /// The same for GetCSTAFeatures, which some switches never answer (U-21).
    pub features: Duration,
    /// How long a service that acts may wait behind others; one that only asks may wait for `hard`, and so may a
    /// hang-up, which is never too late.
    pub queue_wait: Duration,
    /// How long announced snapshot segments are collected (section 6.2).
    pub segments: Duration,
    /// Answer a body that is not well-formed with 400 instead of 200 (section 15c).
    pub strict: bool,
    /// What text is that is not UTF-8 (U-40).
    pub charset: Charset,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            encoding: Encoding::default(),
            learn_namespace: false,
            response_mode: ResponseMode::Auto,
            max_outstanding: 1,
            max_queued: 64,
            soft: Duration::from_secs(10),
            hard: Duration::from_secs(32),
            features: Duration::from_secs(5),
            queue_wait: Duration::from_secs(10),
            segments: Duration::from_secs(10),
            strict: false,
            charset: Charset::default(),
        }
    }
}

/// What happened outside.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input {
    /// Our INFO has a final answer. Provisional ones are ignored.
    InfoAnswered {
        /// The ticket of the [`Output::SendInfo`].
        ticket: Ticket,
        /// The SIP status.
        status: u16,
        /// The body, if its type is CSTA XML.
        body: Option<Bytes>,
    },
    /// Our INFO will have no answer: link or dialog are gone.
    InfoLost {
        /// The ticket of the [`Output::SendInfo`].
        ticket: Ticket,
    },
    /// An INFO of the switch; [`super::Exchange::receive`] is the same and saves decoding an event twice.
    Body(Bytes),
    /// The time of [`super::Exchange::deadline`] has come.
    Timeout,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Send this body in an INFO and report its end under the ticket.
    SendInfo {
        /// The service.
        ticket: Ticket,
        /// The CSTA XML.
        body: Bytes,
    },
    /// Answer the oldest unanswered [`Input::Body`].
    Reply {
        /// The SIP status.
        status: u16,
        /// CSTA XML, if there is something to say.
        body: Option<Bytes>,
    },
    /// The soft limit is over; the service goes on.
    Slow {
        /// The service.
        ticket: Ticket,
    },
    /// The service has ended. Comes exactly once per ticket, but for those that [`super::Exchange::cancel_all`] returned.
    Done {
        /// The service.
        ticket: Ticket,
        /// How it ended.
        outcome: Outcome,
    },
    /// An answer to a service that was given up before; its ids may still be of use.
    Late {
        /// The service.
        ticket: Ticket,
        /// The CSTA XML.
        body: Bytes,
    },
    /// An event that came through [`Input::Body`], or, against the rules, in the answer of an INFO.
    Event(Bytes),
    /// The switch told its status.
    SystemStatus(SystemStatus),
    /// The switch ended a monitor: start it again after a second (section 15c).
    MonitorStopped {
        /// The monitor.
        monitor_cross_ref_id: String,
    },
    /// A message that answers nothing, or whose root nobody knows: count it.
    Stray {
        /// Its root.
        root: Box<str>,
    },
    /// A body that is no message: count it.
    Malformed(DecodeError),
}

/// What [`super::Exchange::receive`] made of a body.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "an event, the hot path, must not be boxed")]
pub enum Received<'a> {
    /// An event; its reply is already among the outputs.
    Event(Event<'a>),
    /// All there is to do is among the outputs.
    Handled,
}

/// A service taken back by [`super::Exchange::cancel_all`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled {
    /// The service.
    pub ticket: Ticket,
    /// Whether it had been sent: then its outcome is unknown; else nothing was done.
    pub sent: bool,
}
