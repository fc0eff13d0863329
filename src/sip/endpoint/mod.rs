//! The endpoint: one peer, any number of connections, many sessions. The one door of the SIP core.
//!
//! The driver's loop: `handle` an input, `poll` until `None`, sleep until `deadline` or the next input.
//! Answer events while polling: everything written in between leaves in one `Send` per flow, because sends come out
//! after the events. All connections are with the same peer; a dialog never belongs to one of them.

mod answers;
mod clock;
mod config;
mod flows;
mod in_dialog;
mod incoming;
mod input;
mod outgoing;
mod output;
mod registering;
mod requests;
mod sessions;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

pub use self::config::{EndpointConfig, KeepAlive, RegisterConfig, Timers};
pub use self::input::{FlowId, Input, InviteSpec, RefreshMethod, ReplyToken, SessionId, Ticket};
pub use self::output::{Body, CloseReason, Diagnostic, EndReason, Event, Failure, Output};

use self::answers::Served;
use self::clock::{Clock, Timer};
use self::flows::Flows;
use self::outgoing::{Attempts, Clients};
use crate::sip::chance::Chance;
use crate::sip::digest::Keyring;
use crate::sip::registration::Registration;
use crate::sip::session::Session;
use crate::sip::value::uri::{bracket_host, escape_user};

/// The SIP side of one PBX link.
#[derive(Debug)]
pub struct Endpoint {
    config: EndpointConfig,
    chance: Chance,
    flows: Flows,
    outputs: VecDeque<Output>,
    clock: Clock,
    clients: Clients,
    served: Served,
    keyring: Keyring,
    sessions: HashMap<SessionId, Session>,
    /// Sessions by Call-ID: each has its own.
    calls: HashMap<Box<str>, SessionId>,
    registration: Registration,
    keepalive_set: bool,
}

impl Endpoint {
    /// The Call-ID of a session.
    #[must_use]
    pub fn call_id(&self, session: SessionId) -> Option<&str> {
        self.sessions.get(&session).map(|session| session.dialog.call_id())
    }

    /// An endpoint that does nothing yet. The seed makes identifiers and nonces unpredictable: 32 octets from the system.
    #[must_use]
    pub fn new(config: EndpointConfig, seed: [u8; 32]) -> Self {
        let mut chance = Chance::new(seed);
        let call_id = format!("reg-{}{}@{}", chance.token(), config.call_id_mark, bracket_host(&config.local_host));
        let tag = chance.token();
        let registration = Registration::new(call_id, tag, config.register.expires_s);
        Self {
            config,
            chance,
            flows: Flows::default(),
            outputs: VecDeque::new(),
            clock: Clock::default(),
            clients: Clients::default(),
            served: Served::default(),
            keyring: Keyring::default(),
            sessions: HashMap::new(),
            calls: HashMap::new(),
            registration,
            keepalive_set: false,
        }
    }

    /// Takes an input. `now` never goes back.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::FlowOpened { flow, inbound: _, peer } => {
                self.flows.open(flow, peer);
                self.send_waiting(flow);
                self.start_keepalive(now);
            }
            Input::FlowBytes { flow, data } => self.on_bytes(now, flow, data),
            Input::FlowClosed { flow } => {
                self.flows.close(flow);
                self.on_flow_lost(now, flow);
            }
            Input::ConnectFailed => {
                self.flows.connecting = false;
                self.connect_if_needed();
            }
            Input::Timeout => self.on_time(now),
            Input::Register => self.register(now),
            Input::Unregister => self.unregister(now),
            Input::OpenSession { session, invite } => self.open_session(now, session, invite),
            Input::CloseSession { session } => self.close_session(now, session),
            Input::AbandonSession { session } => self.abandon_session(session),
            Input::Info { session, ticket, body } => {
                self.send_info(now, session, ticket, body, Attempts::default());
            }
            Input::Reply { token, status, body } => self.reply(now, token, status, body),
            Input::RefreshSession { session } => self.refresh_session(now, session),
            Input::Options => self.send_options(now, Attempts::default()),
        }
    }

    /// What is to be done next. `None` until the next input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front().or_else(|| self.flows.take_output())
    }

    /// When [`Input::Timeout`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.clock.deadline()
    }

    /// Number of sessions that are open or being opened or closed.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn note(&mut self, diagnostic: Diagnostic) {
        self.tell(Event::Diagnostic(diagnostic));
    }

    fn on_time(&mut self, now: Instant) {
        while let Some(timer) = self.clock.take_due(now) {
            match timer {
                Timer::Client(id) => self.on_client_time(now, id),
                Timer::PeerInvite(id) => self.on_peer_invite_time(now, id),
                Timer::Session(id) => self.on_session_time(now, id),
                Timer::Registration => self.on_registration_time(now),
                Timer::KeepAlive => self.on_keepalive_time(now),
            }
        }
        self.served.expire(now);
    }

    /// Our Via value.
    fn via(&self, branch: &str) -> String {
        let host = bracket_host(&self.config.local_host);
        format!("SIP/2.0/TCP {host}:{};branch={branch};rport", self.config.local_port)
    }

    /// Our Contact URI for a user.
    fn contact_uri(&self, user: &str) -> String {
        let host = bracket_host(&self.config.local_host);
        format!("sip:{}@{host}:{};transport=tcp", escape_user(user), self.config.local_port)
    }

    fn start_keepalive(&mut self, now: Instant) {
        if self.keepalive_set {
            return;
        }
        if let KeepAlive::Options(pause) | KeepAlive::Crlf(pause) = self.config.keepalive {
            self.keepalive_set = true;
            self.clock.set(Some(now + pause), Timer::KeepAlive);
        }
    }

    fn on_keepalive_time(&mut self, now: Instant) {
        self.keepalive_set = false;
        let Some(flow) = self.flows.preferred() else {
            // The next flow starts it again.
            return;
        };
        match self.config.keepalive {
            KeepAlive::Options(_) => self.send_options(now, Attempts::default()),
            KeepAlive::Crlf(_) => {
                self.flows.write(flow, &bytes::Bytes::from_static(b"\r\n\r\n"));
                if let Some(flow) = self.flows.find(flow) {
                    flow.has_pinged = true;
                }
            }
            KeepAlive::Reregister | KeepAlive::Off => {}
        }
        self.start_keepalive(now);
    }
}
