//! Requests of ours: the table of client transactions, sending, resending on a new connection, answers, challenges.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Endpoint;
use super::clock::Timer;
use super::input::{FlowId, SessionId, Ticket};
use super::output::{Body, Diagnostic, Event, Failure, Output};
use crate::sip::method::Method;
use crate::sip::strictness::Strictness;
use crate::sip::transaction::client_invite::ClientInvite;
use crate::sip::transaction::client_non_invite::ClientNonInvite;
use crate::sip::transaction::{ClientTimeout, ClientVerdict};
use crate::sip::value::challenge::{Challenge, next_nonce};
use crate::sip::value::grammar::{retry_after_s, warning_text};
use crate::sip::value::via::Via;
use crate::sip::wire::encode::Writer;
use crate::sip::wire::headers::HeaderName;
use crate::sip::wire::lexer::Lexer;
use crate::sip::wire::message::Message;
use crate::sip::wire::multipart::csta_part;
use crate::sip::wire::parse::parse;

/// What a request of ours is for.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    Register,
    Options,
    /// The first INVITE of a session or one that refreshes it.
    Invite(SessionId),
    Update(SessionId),
    Info {
        session: SessionId,
        ticket: Ticket,
        body: Bytes,
    },
    Bye(SessionId),
    /// CANCEL, or a BYE whose session is forgotten: the outcome is of no interest.
    Detached,
}

impl Purpose {
    pub(super) const fn session(&self) -> Option<SessionId> {
        match self {
            Self::Invite(session) | Self::Update(session) | Self::Bye(session) => Some(*session),
            Self::Info { session, .. } => Some(*session),
            Self::Register | Self::Options | Self::Detached => None,
        }
    }
}

/// How often one request was challenged; goes with it from transaction to transaction.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attempts {
    challenges: u8,
    stale: u8,
}

/// How long the answer to an INFO is waited for whose connection is gone: a dialog has one service at a time, so that
/// everything behind it waits too.
const LOST_ANSWER: Duration = Duration::from_secs(5);

/// A nonce may be found too old this often for one request.
const STALE_LIMIT: u8 = 3;

#[derive(Debug)]
enum Machine {
    Invite(ClientInvite),
    Other(ClientNonInvite),
}

#[derive(Debug)]
pub(super) struct ClientTx {
    key: Box<[u8]>,
    method: Method,
    purpose: Purpose,
    machine: Machine,
    bytes: Bytes,
    /// Where the bytes went; `None` while they wait for a connection.
    flow: Option<FlowId>,
    attempts: Attempts,
}

impl ClientTx {
    fn deadline(&self) -> Option<Instant> {
        match &self.machine {
            Machine::Invite(machine) => machine.deadline(),
            Machine::Other(machine) => machine.deadline(),
        }
    }
}

/// The client transactions, by number in the order of their start, and by branch and method.
#[derive(Debug, Default)]
pub(super) struct Clients {
    all: BTreeMap<u64, ClientTx>,
    by_key: HashMap<Box<[u8]>, u64>,
    last: u64,
}

impl Clients {
    fn remove(&mut self, id: u64) -> Option<ClientTx> {
        let tx = self.all.remove(&id)?;
        self.by_key.remove(&tx.key);
        Some(tx)
    }

    /// Takes every transaction of a session out. A BYE goes on by itself: nobody waits for its outcome.
    pub(super) fn take_session(&mut self, session: SessionId) -> Vec<Purpose> {
        let mut ids = Vec::new();
        for (id, tx) in &mut self.all {
            match &tx.purpose {
                Purpose::Bye(owner) if *owner == session => tx.purpose = Purpose::Detached,
                other if other.session() == Some(session) => ids.push(*id),
                _ => {}
            }
        }
        ids.into_iter().filter_map(|id| self.remove(id)).map(|tx| tx.purpose).collect()
    }

    /// Gives the INVITE of a session another owner.
    pub(super) fn rename_session(&mut self, from: SessionId, to: SessionId) {
        for tx in self.all.values_mut() {
            if matches!(&tx.purpose, Purpose::Invite(owner) if *owner == from) {
                tx.purpose = Purpose::Invite(to);
            }
        }
    }

    /// Whether the bytes of a transaction are still waiting for a connection.
    pub(super) fn is_unwritten(&self, id: u64) -> bool {
        self.all.get(&id).is_some_and(|tx| tx.flow.is_none())
    }

    /// Whether the peer has answered an INVITE provisionally: only then CANCEL may go out (RFC 3261 9.1).
    pub(super) fn is_proceeding(&self, id: u64) -> bool {
        use crate::sip::transaction::client_invite::State;
        self.all.get(&id).is_some_and(|tx| matches!(&tx.machine, Machine::Invite(m) if m.state() == State::Proceeding))
    }

    fn wants_connection(&self) -> bool {
        // An accepted INVITE only waits for repetitions, and has let its bytes go.
        self.all.values().any(|tx| !tx.bytes.is_empty())
    }
}

fn key_of(branch: &[u8], method: &[u8]) -> Box<[u8]> {
    [branch, b" ", method].concat().into_boxed_slice()
}

impl Endpoint {
    /// Starts a client transaction and sends or queues its request.
    pub(super) fn launch(
        &mut self,
        now: Instant,
        branch: &str,
        method: Method,
        purpose: Purpose,
        bytes: Bytes,
        attempts: Attempts,
    ) -> u64 {
        let timers = &self.config.timers;
        let machine = if method == Method::Invite {
            Machine::Invite(ClientInvite::new(now, timers))
        } else {
            Machine::Other(ClientNonInvite::new(now, timers))
        };
        self.clients.last += 1;
        let id = self.clients.last;
        let flow = self.flows.preferred().filter(|flow| self.flows.write(*flow, &bytes));
        let key = key_of(branch.as_bytes(), method.as_str().as_bytes());
        self.clients.by_key.insert(key.clone(), id);
        let tx = ClientTx { key, method, purpose, machine, bytes, flow, attempts };
        self.clock.set(tx.deadline(), Timer::Client(id));
        self.clients.all.insert(id, tx);
        self.connect_if_needed();
        id
    }

    /// Asks for a connection when something waits for one.
    pub(super) fn connect_if_needed(&mut self) {
        if self.flows.connecting || self.flows.preferred().is_some() {
            return;
        }
        if self.clients.wants_connection() || self.served.has_unsent() {
            self.flows.connecting = true;
            self.outputs.push_back(Output::Connect);
        }
    }

    /// A connection is open: what waited goes out, in the order in which it was meant.
    pub(super) fn send_waiting(&mut self, flow: FlowId) {
        for answer in self.served.take_unsent() {
            self.flows.write(flow, &answer);
        }
        for tx in self.clients.all.values_mut() {
            if tx.flow.is_none() && !tx.bytes.is_empty() && self.flows.write(flow, &tx.bytes) {
                tx.flow = Some(flow);
            }
        }
    }

    /// A connection is gone. INFO may have acted already and is never sent again: its answer may come on another
    /// connection for a while ([`LOST_ANSWER`]). Everything else goes out again, as the same transaction, on the next connection:
    /// a peer that has it repeats its answer, a peer that lost it starts anew.
    pub(super) fn on_flow_lost(&mut self, now: Instant, flow: FlowId) {
        for (id, tx) in self.clients.all.iter_mut().filter(|(_, tx)| tx.flow == Some(flow)) {
            match &mut tx.machine {
                Machine::Other(machine) if tx.method == Method::Info => {
                    machine.give_up_by(now + LOST_ANSWER);
                    self.clock.set(machine.deadline(), Timer::Client(*id));
                }
                _ => tx.flow = None,
            }
        }
        match self.flows.preferred() {
            Some(other) => self.send_waiting(other),
            None => self.connect_if_needed(),
        }
    }

    /// A response came.
    pub(super) fn on_response(&mut self, now: Instant, message: &Message, status: u16) {
        let found = message.via().and_then(|via| {
            let cseq = message.cseq()?;
            self.clients.by_key.get(&key_of(via.branch()?, cseq.method)).copied()
        });
        // RFC 3261 8.1.3.3: an answer with more than one Via was not meant for us.
        let alone = is_single_via(message);
        let Some(id) = found.filter(|_| alone) else {
            return self.note(Diagnostic::StrayAnswer { status });
        };
        let Some(tx) = self.clients.all.get_mut(&id) else { return };
        let verdict = match &mut tx.machine {
            Machine::Invite(machine) => machine.on_response(now, status, &self.config.timers),
            Machine::Other(machine) => machine.on_response(status),
        };
        let deadline = tx.deadline();
        let purpose = tx.purpose.clone();
        let (method, attempts) = (tx.method.clone(), tx.attempts);
        match verdict {
            ClientVerdict::Absorbed => {}
            ClientVerdict::Provisional => {
                self.clock.set(deadline, Timer::Client(id));
                if let Purpose::Invite(session) = purpose {
                    self.on_invite_progress(now, session, id);
                }
            }
            ClientVerdict::Again => {
                if let Purpose::Invite(session) = purpose {
                    self.repeat_ack(session, message);
                }
            }
            ClientVerdict::FinalToAck => {
                let invite = std::mem::take(&mut tx.bytes);
                self.clients.remove(id);
                self.acknowledge_failure(&invite, message);
                self.settle(now, &method, purpose, attempts, message, status);
            }
            ClientVerdict::Final => {
                if deadline.is_some() {
                    // Accepted: stays to know repeated 2xx; the request itself is not needed any more.
                    tx.bytes = Bytes::new();
                    self.clock.set(deadline, Timer::Client(id));
                } else {
                    self.clients.remove(id);
                }
                self.settle(now, &method, purpose, attempts, message, status);
            }
        }
    }

    /// A final answer: credentials first, then whoever asked.
    fn settle(
        &mut self,
        now: Instant,
        method: &Method,
        purpose: Purpose,
        attempts: Attempts,
        message: &Message,
        status: u16,
    ) {
        if let Some(nonce) = message.first(HeaderName::AuthenticationInfo).and_then(next_nonce) {
            self.keyring.renew(method, nonce);
        }
        let mut rejected = false;
        if matches!(status, 401 | 407) {
            match self.next_attempt(method, &purpose, attempts, message, status) {
                Some(attempts) => return self.launch_again(now, purpose, attempts),
                None => rejected = true,
            }
        }
        match purpose {
            Purpose::Register => self.on_register_final(now, message, status, rejected),
            Purpose::Options => self.tell(Event::OptionsAnswered { status: Some(status) }),
            Purpose::Invite(session) => {
                self.on_invite_final(now, session, attempts, message, status, rejected);
            }
            Purpose::Update(session) => {
                self.on_update_final(now, session, attempts, message, status, rejected);
            }
            Purpose::Info { session, ticket, .. } => {
                self.on_info_final(now, session, ticket, message, status);
            }
            Purpose::Bye(session) => self.on_bye_done(now, session),
            Purpose::Detached => {}
        }
    }

    /// Learns a challenge. `None` when the request is not to be repeated: refused a second time, nothing that we can
    /// answer, no credentials, or nobody wants it any more.
    fn next_attempt(
        &mut self,
        method: &Method,
        purpose: &Purpose,
        mut attempts: Attempts,
        message: &Message,
        status: u16,
    ) -> Option<Attempts> {
        self.config.credentials.as_ref()?;
        if matches!(purpose, Purpose::Invite(session) if self.is_leaving(*session)) {
            return None;
        }
        let is_proxy = status == 407;
        let name = if is_proxy { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
        let all = message.all(name).flat_map(Challenge::list).collect();
        let challenge = Challenge::strongest(all)?;
        if challenge.is_stale {
            attempts.stale += 1;
        } else {
            attempts.challenges += 1;
        }
        if attempts.challenges > 1 || attempts.stale > STALE_LIMIT {
            return None;
        }
        self.keyring.learn(method, is_proxy, challenge);
        Some(attempts)
    }

    fn launch_again(&mut self, now: Instant, purpose: Purpose, attempts: Attempts) {
        match purpose {
            Purpose::Register => self.send_register(now, attempts),
            Purpose::Options => self.send_options(now, attempts),
            Purpose::Invite(session) => self.send_invite(now, session, attempts),
            Purpose::Update(session) => self.send_update(now, session, attempts),
            Purpose::Info { session, ticket, body } => {
                self.send_info(now, session, ticket, body, attempts);
            }
            Purpose::Bye(session) => self.send_bye(now, session, attempts),
            Purpose::Detached => {}
        }
    }

    /// Adds credentials when this method was challenged before; which.
    pub(super) fn authorize(
        &mut self,
        writer: &mut Writer,
        method: &Method,
        uri: &str,
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        let Some(credentials) = &self.config.credentials else { return Vec::new() };
        let chance = &mut self.chance;
        let headers = self.keyring.headers(method, uri, body, credentials, chance);
        for (name, value) in &headers {
            writer.header(name, value);
        }
        headers
    }

    /// Adds the headers of a CSTA body.
    pub(super) fn describe_body(&self, writer: &mut Writer) {
        writer.header("Content-Type", &self.config.content_type);
        if let Some(disposition) = &self.config.content_disposition {
            writer.header("Content-Disposition", disposition);
        }
    }

    pub(super) fn on_client_time(&mut self, now: Instant, id: u64) {
        let Some(tx) = self.clients.all.get_mut(&id) else { return };
        let due = match &mut tx.machine {
            Machine::Invite(machine) => machine.on_time(now),
            Machine::Other(machine) => machine.on_time(now),
        };
        match due {
            // The entry in the clock was an old one; the one for the true deadline is there too.
            None => {}
            Some(ClientTimeout::Cancel) => self.cancel(now, id),
            Some(ClientTimeout::Done) => {
                self.clients.remove(id);
            }
            Some(ClientTimeout::Unanswered) => {
                let Some(tx) = self.clients.remove(id) else { return };
                match tx.purpose {
                    Purpose::Register => self.on_register_unanswered(now),
                    Purpose::Options => self.tell(Event::OptionsAnswered { status: None }),
                    Purpose::Invite(session) | Purpose::Update(session) => {
                        self.on_change_unanswered(now, session);
                    }
                    Purpose::Info { session, ticket, .. } => {
                        self.tell(Event::InfoLost { session, ticket });
                    }
                    Purpose::Bye(session) => self.on_bye_done(now, session),
                    Purpose::Detached => {}
                }
            }
        }
    }

    /// Sends CANCEL for an INVITE of ours (RFC 3261 9.1).
    pub(super) fn cancel(&mut self, now: Instant, id: u64) {
        let Some(tx) = self.clients.all.get_mut(&id) else { return };
        let Machine::Invite(machine) = &mut tx.machine else { return };
        machine.on_cancel(now, &self.config.timers);
        let deadline = tx.deadline();
        self.clock.set(deadline, Timer::Client(id));
        let Ok(invite) = parse(tx.bytes.clone(), Strictness::Router) else { return };
        let bytes = hop_by_hop(&Method::Cancel, &invite, invite.first(HeaderName::To));
        let branch = invite.via().and_then(|via| via.branch()).unwrap_or_default();
        let branch = String::from_utf8_lossy(branch).into_owned();
        self.launch(now, &branch, Method::Cancel, Purpose::Detached, bytes, Attempts::default());
    }

    /// ACK to a failure: same branch, To of the answer (RFC 3261 17.1.1.3).
    fn acknowledge_failure(&mut self, invite: &Bytes, answer: &Message) {
        let Ok(invite) = parse(invite.clone(), Strictness::Router) else { return };
        let bytes = hop_by_hop(&Method::Ack, &invite, answer.first(HeaderName::To));
        if let Some(flow) = self.flows.preferred() {
            self.flows.write(flow, &bytes);
        }
    }
}

/// Whether there is one Via value, in one field.
fn is_single_via(message: &Message) -> bool {
    let mut fields = message.all(HeaderName::Via);
    let Some(mut lexer) = fields.next().map(Lexer::new) else { return false };
    let found = Via::take(&mut lexer, Strictness::Router).is_some();
    lexer.skip_blanks();
    found && lexer.is_at_end() && fields.next().is_none()
}

/// ACK or CANCEL of an INVITE: its Request-URI, top Via, Route, From, Call-ID and number.
fn hop_by_hop(method: &Method, invite: &Message, to: Option<&[u8]>) -> Bytes {
    use HeaderName as H;
    let uri = String::from_utf8_lossy(invite.request_uri_bytes());
    let mut writer = Writer::request(method, &uri);
    writer.header("Via", invite.first(H::Via).unwrap_or_default());
    for route in invite.all(H::Route) {
        writer.header("Route", route);
    }
    let seq = invite.cseq().map_or(0, |cseq| cseq.number);
    writer
        .header("Max-Forwards", "70")
        .header("From", invite.first(H::From).unwrap_or_default())
        .header("To", to.unwrap_or_default())
        .header("Call-ID", invite.call_id().unwrap_or_default())
        .header("CSeq", format!("{seq} {method}"));
    writer.finish(b"")
}

/// The CSTA body of a message.
pub(super) fn body_of(message: &Message) -> Option<Body> {
    csta_part(message).map(|part| Body { content_type: part.content_type, data: part.data })
}

/// What a failure answer says.
pub(super) fn failure_of(message: &Message, status: u16, rejected: bool) -> Failure {
    Failure {
        status: Some(status),
        reason: message.reason(),
        retry_after_s: message.first(HeaderName::RetryAfter).and_then(retry_after_s),
        warning: message.first(HeaderName::Warning).and_then(warning_text),
        credentials_rejected: rejected,
        body: body_of(message),
    }
}

/// The failure of a request that nobody answered.
pub(super) fn unanswered() -> Failure {
    Failure {
        status: None,
        reason: "no answer in time".to_owned(),
        retry_after_s: None,
        warning: None,
        credentials_rejected: false,
        body: None,
    }
}
