//! The router as the client sees it, without sockets: bytes cut into messages come in, bytes for connections go out, time is told.

mod events;
mod info;
mod invite;
mod outgoing;
mod receive;
mod register;
mod session;
mod verbs;
mod wake;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;
use uuid::Uuid;

pub(crate) use session::{Monitor, Session};

use crate::behaviour::Behaviour;
use crate::csta::Style;
use crate::fault::Faults;
use crate::sip::digest::Nonces;
use crate::system::System;
use crate::telephony::Exchange;
use crate::violation::Violations;

/// What the sockets must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    Send {
        conn: u64,
        bytes: Vec<u8>,
    },
    Open {
        conn: u64,
        to: SocketAddr,
    },
    Close {
        conn: u64,
        reset: bool,
    },
    /// Neither read nor write any more, but stay open.
    Freeze {
        conn: u64,
    },
}

/// A connection as far as the router minds.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) last: Instant,
    pub(crate) taken: u32,
    pub(crate) frozen: bool,
}

/// Where a message goes: over a connection while it lives, else to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) conn: u64,
    pub(crate) address: Option<SocketAddr>,
}

/// Something that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waiting {
    Bytes { target: Target, bytes: Vec<u8>, answers: Option<u64> },
    Event { session: u64, text: String },
    Repeat { session: u64, target: Target, bytes: Vec<u8>, gap: u64 },
    NoAck { session: u64 },
    Expiry { session: u64, serial: u64 },
    Unanswered { branch: String },
    Binding { id: String, serial: u64 },
    Ageing { conn: u64 },
}

/// What a request of the twin is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Event,
    Bye,
    /// A service request of the router, with the root that a positive answer has.
    Service(&'static str),
    /// Whatever a test wants; no answer is wrong.
    Injected,
}

/// A request of the twin that waits for its answer.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) session: u64,
    pub(crate) method: String,
    pub(crate) purpose: Purpose,
    pub(crate) cseq: u32,
    pub(crate) call_id: String,
    pub(crate) at: Instant,
    pub(crate) conn: u64,
    /// Its connection broke, or is frozen: a late or missing answer is no fault of the client.
    pub(crate) excused: bool,
}

/// The registration of a session server.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) contact: String,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    pub(crate) reference: String,
    pub(crate) serial: u64,
}

/// What the twin was asked, for tests and people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// SIP requests by method.
    pub methods: BTreeMap<String, u64>,
    /// CSTA services by name.
    pub services: BTreeMap<String, u64>,
    /// Final answers that the twin gave, by status.
    pub answers: BTreeMap<u16, u64>,
    /// First INVITEs of sessions, in milliseconds since the twin started.
    pub invites_ms: Vec<u64>,
    /// REGISTERs, in milliseconds since the twin started.
    pub registers_ms: Vec<u64>,
    /// Event INFOs that were sent.
    pub events_sent: u64,
    /// Event INFOs that were answered.
    pub events_answered: u64,
    /// The slowest answer to an event, in microseconds.
    pub slowest_event_answer_us: u64,
    /// Statuses of the final answers to injected requests.
    pub injected: Vec<u16>,
    /// CRLF keep-alives.
    pub keep_alives: u64,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that the twin opened.
    pub opened: u64,
}

#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) exchange: Exchange,
    pub(crate) faults: Faults,
    pub(crate) violations: Violations,
    pub(crate) requests: Requests,
    pub(crate) sessions: BTreeMap<u64, Session>,
    pub(crate) bindings: BTreeMap<String, Binding>,
    pub(crate) connections: HashMap<u64, Connection>,
    nonces: Nonces,
    asked: HashMap<String, Asked>,
    answered: HashMap<String, (u64, Vec<u8>)>,
    answered_at: VecDeque<(Instant, String)>,
    waiting: BTreeMap<(Instant, u64), Waiting>,
    output: VecDeque<Output>,
    listen: SocketAddr,
    now: Instant,
    started: Instant,
    serial: u64,
    xref: u64,
    event_count: u64,
    down: bool,
    /// The read of a socket that the present message came with.
    read: (u64, u64),
    /// The router was restarted: stray messages from before are no fault of the client.
    rebooted: bool,
}

impl Router {
    pub(crate) fn new(system: System, behaviour: Behaviour, faults: Faults, listen: SocketAddr, now: Instant) -> Self {
        Self {
            exchange: Exchange::new(system, behaviour, now, random()),
            faults,
            violations: Violations::default(),
            requests: Requests::default(),
            sessions: BTreeMap::new(),
            bindings: BTreeMap::new(),
            connections: HashMap::new(),
            nonces: Nonces::default(),
            asked: HashMap::new(),
            answered: HashMap::new(),
            answered_at: VecDeque::new(),
            waiting: BTreeMap::new(),
            output: VecDeque::new(),
            listen,
            now,
            started: now,
            serial: 0,
            xref: 0x40,
            event_count: 0,
            down: false,
            read: (0, 0),
            rebooted: false,
        }
    }

    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let own = self.waiting.first_key_value().map(|((at, _), _)| *at);
        [own, self.exchange.deadline()].into_iter().flatten().min()
    }

    fn behaviour(&self) -> &Behaviour {
        &self.exchange.behaviour
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn wait(&mut self, after_ms: u64, what: Waiting) {
        let serial = self.next_serial();
        self.waiting.insert((self.now + Duration::from_millis(after_ms), serial), what);
    }

    fn style(&self) -> Style {
        let faults = &self.faults;
        let namespace = match (faults.no_namespace, faults.namespace.as_str()) {
            (true, _) => String::new(),
            (false, "") => crate::csta::ED3.to_owned(),
            (false, other) => other.to_owned(),
        };
        Style {
            namespace,
            prefix: faults.prefix.clone(),
            declaration: !faults.no_declaration,
            whitespace: faults.whitespace,
            shuffle: faults.shuffle_children,
            unknown: faults.unknown_elements,
            private_data: faults.private_data,
        }
    }

    /// A tag as IOS makes it: hex, a dash, hex.
    fn tag(&mut self) -> String {
        let value = random();
        format!("{:X}-{:X}", (value >> 32) & 0xFF_FFFF, value & 0xFFF)
    }

    /// A branch as IOS makes it.
    fn branch(&mut self) -> String {
        let serial = self.next_serial();
        format!("z9hG4bK{:X}{:X}", serial, random() & 0xFF_FFFF)
    }
}

pub(crate) fn random() -> u64 {
    Uuid::new_v4().as_u64_pair().0 ^ Uuid::new_v4().as_u64_pair().1
}

#[cfg(test)]
mod tests;
