//! Requests of the peer that are being served, and our answers: composing, sending, repeating.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Endpoint;
use super::clock::Timer;
use super::input::{FlowId, ReplyToken, SessionId};
use super::output::EndReason;
use crate::sip::method::Method;
use crate::sip::session::ALLOW;
use crate::sip::session::timer::SessionTimer;
use crate::sip::transaction::server_invite::{Due, ServerInvite, State};
use crate::sip::transaction::server_non_invite::{Answers, Known};
use crate::sip::value::session_timer::{Refresher, SessionExpires};
use crate::sip::value::via::Via;
use crate::sip::wire::encode::Writer;
use crate::sip::wire::headers::HeaderName;
use crate::sip::wire::lexer::Lexer;
use crate::sip::wire::message::Message;

/// A request of the peer other than INVITE that waits for the user.
#[derive(Debug)]
struct Waiting {
    key: Box<[u8]>,
    request: Message,
    flow: FlowId,
    session: SessionId,
    since: Instant,
}

/// An INVITE of the peer.
#[derive(Debug)]
struct PeerInvite {
    machine: ServerInvite,
    key: Box<[u8]>,
    request: Message,
    flow: FlowId,
    session: Option<SessionId>,
    answer: Option<Bytes>,
}

/// Everything that the peer asked.
#[derive(Debug, Default)]
pub(super) struct Served {
    answers: Answers,
    waiting: BTreeMap<u64, Waiting>,
    invites: HashMap<u64, PeerInvite>,
    invite_keys: HashMap<Box<[u8]>, u64>,
    unsent: Vec<Bytes>,
    last: u64,
    cache: Option<Duration>,
}

/// Answers that wait for a connection; more than this and the oldest are dropped (the peer repeats its request).
const UNSENT_LIMIT: usize = 1024;

impl Served {
    pub(super) const fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    pub(super) fn take_unsent(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.unsent)
    }

    pub(super) fn expire(&mut self, now: Instant) {
        self.answers.expire(now);
        // The user forgot these; the peer has given up on them long ago.
        let Some(cache) = self.cache else { return };
        while let Some(entry) = self.waiting.first_entry()
            && entry.get().since + cache <= now
        {
            entry.remove();
        }
    }

    fn next_token(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl Endpoint {
    /// Whether a request was seen before; then what was answered goes out again.
    pub(super) fn repeat_answer(&mut self, flow: FlowId, key: &[u8], method: &Method) -> bool {
        if *method == Method::Invite {
            let Some(id) = self.served.invite_keys.get(key) else { return false };
            let Some(invite) = self.served.invites.get_mut(id) else { return false };
            // After the ACK a repeated INVITE is only absorbed (RFC 6026 7.1).
            invite.flow = flow;
            if let Some(answer) = invite.answer.clone().filter(|_| invite.machine.state() != State::Confirmed) {
                self.send_answer(flow, answer);
            }
            return true;
        }
        match self.served.answers.find(key) {
            Known::New => false,
            Known::Waiting => true,
            Known::Answered(bytes) => {
                self.send_answer(flow, bytes);
                true
            }
        }
    }

    /// Notes a request (not INVITE) that will be answered.
    pub(super) fn open_request(&mut self, now: Instant, key: Box<[u8]>) {
        self.served.cache = Some(self.config.timers.answer_cache);
        self.served.expire(now);
        self.served.answers.open(now, key, &self.config.timers);
    }

    /// Lets the user answer a request (not INVITE).
    pub(super) fn await_reply(
        &mut self,
        now: Instant,
        flow: FlowId,
        session: SessionId,
        key: Box<[u8]>,
        request: Message,
    ) -> ReplyToken {
        let token = self.served.next_token();
        let since = now;
        let waiting = Waiting { key, request, flow, session, since };
        self.served.waiting.insert(token, waiting);
        ReplyToken(token)
    }

    /// Notes an INVITE; the token is for the answer.
    pub(super) fn open_invite(
        &mut self,
        now: Instant,
        flow: FlowId,
        session: Option<SessionId>,
        key: Box<[u8]>,
        request: Message,
    ) -> ReplyToken {
        let token = self.served.next_token();
        let machine = ServerInvite::new(now, &self.config.timers);
        self.clock.set(machine.deadline(), Timer::PeerInvite(token));
        self.served.invite_keys.insert(key.clone(), token);
        let answer = None;
        let invite = PeerInvite { machine, key, request, flow, session, answer };
        self.served.invites.insert(token, invite);
        ReplyToken(token)
    }

    /// The user answers.
    pub(super) fn reply(&mut self, now: Instant, token: ReplyToken, status: u16, body: Option<Bytes>) {
        let status = if (200..700).contains(&status) { status } else { 500 };
        if self.served.invites.contains_key(&token.0) {
            return self.reply_invite(now, token.0, status, body);
        }
        let Some(waiting) = self.served.waiting.remove(&token.0) else { return };
        let mut writer = self.compose(waiting.flow, &waiting.request, status);
        if waiting.request.method() == Some(&Method::Update) && status < 300 {
            self.describe_session(now, waiting.session, &waiting.request, &mut writer);
        }
        let bytes = self.finish(writer, body);
        self.served.answers.close(&waiting.key, bytes.clone());
        self.send_answer(waiting.flow, bytes);
    }

    fn reply_invite(&mut self, now: Instant, id: u64, status: u16, body: Option<Bytes>) {
        let timers = self.config.timers;
        let Some(invite) = self.served.invites.get_mut(&id) else { return };
        if !invite.machine.on_final(now, status, &timers) {
            return;
        }
        let (flow, session, request) = (invite.flow, invite.session, invite.request.clone());
        let deadline = invite.machine.deadline();
        let mut writer = self.compose(flow, &request, status);
        if let Some(session) = session.filter(|_| status < 300) {
            self.describe_session(now, session, &request, &mut writer);
        }
        let bytes = self.finish(writer, body);
        self.store_invite_answer(id, flow, deadline, bytes);
    }

    fn store_invite_answer(&mut self, id: u64, flow: FlowId, deadline: Option<Instant>, bytes: Bytes) {
        if let Some(invite) = self.served.invites.get_mut(&id) {
            invite.answer = Some(bytes.clone());
        }
        self.clock.set(deadline, Timer::PeerInvite(id));
        self.send_answer(flow, bytes);
    }

    /// Refuses an INVITE that was opened, with further headers.
    pub(super) fn refuse_invite(&mut self, now: Instant, token: ReplyToken, status: u16, headers: &[(&str, &str)]) {
        let timers = self.config.timers;
        let Some(invite) = self.served.invites.get_mut(&token.0) else { return };
        if !invite.machine.on_final(now, status, &timers) {
            return;
        }
        let (flow, request) = (invite.flow, invite.request.clone());
        let deadline = invite.machine.deadline();
        let mut writer = self.compose(flow, &request, status);
        for (name, value) in headers {
            writer.header(name, value);
        }
        self.store_invite_answer(token.0, flow, deadline, writer.finish(b""));
    }

    /// Answers a request (not INVITE) at once. `key` is where the answer is kept.
    pub(super) fn answer(
        &mut self,
        flow: FlowId,
        key: Option<&[u8]>,
        request: &Message,
        status: u16,
        headers: &[(&str, &str)],
    ) {
        let mut writer = self.compose(flow, request, status);
        for (name, value) in headers {
            writer.header(name, value);
        }
        let bytes = writer.finish(b"");
        if let Some(key) = key {
            self.served.answers.close(key, bytes.clone());
        }
        self.send_answer(flow, bytes);
    }

    /// ACK: to a failure by its branch, to a 2xx by its dialog.
    pub(super) fn on_ack(&mut self, key: &[u8], request: &Message) {
        let mut id = self.served.invite_keys.get(key).copied();
        if id.is_none() {
            let session = self.session_of(request);
            id = session.and_then(|session| self.sessions.get(&session)?.peer_invite);
        }
        let Some(invite) = id.and_then(|id| self.served.invites.get_mut(&id)) else { return };
        let number = |message: &Message| message.cseq().map(|cseq| cseq.number);
        if number(&invite.request) != number(request) {
            return;
        }
        invite.machine.on_ack();
        let session = invite.session;
        self.close_peer_invite(session, id);
    }

    /// CANCEL for an INVITE of the peer. Whether there is one.
    pub(super) fn cancel_peer_invite(&mut self, now: Instant, key: &[u8]) -> bool {
        let Some(id) = self.served.invite_keys.get(key).copied() else { return false };
        self.terminate_peer_invite(now, id);
        true
    }

    /// Answers an INVITE that is still open with 487.
    pub(super) fn terminate_peer_invite(&mut self, now: Instant, id: u64) {
        let timers = self.config.timers;
        let Some(invite) = self.served.invites.get_mut(&id) else { return };
        if !matches!(invite.machine.state(), State::Proceeding { .. }) {
            return;
        }
        invite.machine.on_final(now, 487, &timers);
        let (flow, request, session) = (invite.flow, invite.request.clone(), invite.session);
        let deadline = invite.machine.deadline();
        let bytes = self.compose(flow, &request, 487).finish(b"");
        self.store_invite_answer(id, flow, deadline, bytes);
        self.close_peer_invite(session, Some(id));
    }

    fn close_peer_invite(&mut self, session: Option<SessionId>, id: Option<u64>) {
        let session = session.and_then(|session| self.sessions.get_mut(&session));
        if let Some(session) = session.filter(|session| session.peer_invite == id) {
            session.peer_invite = None;
        }
    }

    pub(super) fn on_peer_invite_time(&mut self, now: Instant, id: u64) {
        let timers = self.config.timers;
        let Some(invite) = self.served.invites.get_mut(&id) else { return };
        let due = invite.machine.on_time(now, &timers);
        let (deadline, flow) = (invite.machine.deadline(), invite.flow);
        match due {
            None => return,
            Some(Due::Trying) => {
                let request = invite.request.clone();
                let bytes = self.compose(flow, &request, 100).finish(b"");
                self.send_answer(flow, bytes);
            }
            Some(Due::Repeat) => {
                if let Some(answer) = invite.answer.clone() {
                    self.send_answer(flow, answer);
                }
            }
            Some(due) => {
                if let Some(invite) = self.served.invites.remove(&id) {
                    self.served.invite_keys.remove(&invite.key);
                    if invite.answer.is_none() {
                        // The user forgot it; the peer must not wait for ever.
                        let bytes = self.compose(flow, &invite.request, 500).finish(b"");
                        self.send_answer(flow, bytes);
                    }
                    self.close_peer_invite(invite.session, Some(id));
                    if let (Due::AckMissing, Some(session)) = (due, invite.session) {
                        self.send_bye(now, session, super::outgoing::Attempts::default());
                        self.end_session(now, session, EndReason::Expired);
                    }
                }
            }
        }
        self.clock.set(deadline, Timer::PeerInvite(id));
    }

    /// What a 2xx to INVITE or UPDATE tells of the session, and what its session timer becomes (RFC 4028 9).
    fn describe_session(&mut self, now: Instant, id: SessionId, request: &Message, writer: &mut Writer) {
        let Some(user) = self.sessions.get(&id).map(|s| s.contact_user().to_owned()) else { return };
        writer
            .header("Contact", format!("<{}>", self.contact_uri(&user)))
            .header("Allow", ALLOW)
            .header("Supported", "timer");
        // Only now the target moves: a refused target refresh changes nothing (RFC 3261 12.2.2).
        if let Some(session) = self.sessions.get_mut(&id) {
            session.dialog.retarget(request);
        }
        let asked = request.first(HeaderName::SessionExpires).and_then(SessionExpires::parse);
        if let Some(asked) = asked {
            let knows = request.tokens(HeaderName::Supported).any(|tag| tag.eq_ignore_ascii_case(b"timer"));
            // A peer that does not know the timer cannot refresh: then we do.
            let by = asked.refresher.unwrap_or(if knows { Refresher::Uac } else { Refresher::Uas });
            let granted = SessionExpires { refresher: Some(by), ..asked };
            writer.header("Session-Expires", format!("{};refresher={}", asked.interval_s, by.as_str()));
            if by == Refresher::Uac {
                writer.header("Require", "timer");
            }
            if let Some(session) = self.sessions.get_mut(&id) {
                session.timer = SessionTimer::negotiated(now, Some(granted), false);
            }
            self.arm_session(id);
        } else if let Some(session) = self.sessions.get_mut(&id) {
            // A refresh without the header ends the peer's duty to refresh (RFC 4028 9); our own goes on.
            session.timer.release_peer();
        }
    }

    fn finish(&self, mut writer: Writer, body: Option<Bytes>) -> Bytes {
        match body {
            Some(body) if !body.is_empty() => {
                self.describe_body(&mut writer);
                writer.finish(&body)
            }
            _ => writer.finish(b""),
        }
    }

    /// The headers that every answer copies (RFC 3261 8.2.6).
    fn compose(&mut self, flow: FlowId, request: &Message, status: u16) -> Writer {
        use HeaderName as H;
        let mut writer = Writer::response(status);
        for (index, via) in request.all(H::Via).enumerate() {
            match self.flows.peer(flow).filter(|_| index == 0) {
                Some(peer) => writer.header("Via", with_source(via, peer)),
                None => writer.header("Via", via),
            };
        }
        let copy = |writer: &mut Writer, name: H| {
            if let Some(value) = request.first(name) {
                writer.header(name.as_str(), value);
            }
        };
        copy(&mut writer, H::From);
        let tagged = request.to().is_some_and(|to| to.tag().is_some());
        match request.first(H::To) {
            Some(to) if !tagged && status > 100 => {
                let tag = format!(";tag={}", self.chance.token());
                writer.header("To", [to, tag.as_bytes()].concat());
            }
            Some(to) => {
                writer.header("To", to);
            }
            None => {}
        }
        copy(&mut writer, H::CallId);
        copy(&mut writer, H::CSeq);
        if status == 100 {
            copy(&mut writer, H::Timestamp);
        }
        writer
    }

    /// Sends an answer: on the flow of the request, else on any, else on the next one (RFC 3261 18.2.2: to sent-by,
    /// which is the peer itself).
    pub(super) fn send_answer(&mut self, flow: FlowId, bytes: Bytes) {
        if self.flows.write(flow, &bytes) {
            return;
        }
        if let Some(other) = self.flows.preferred() {
            self.flows.write(other, &bytes);
            return;
        }
        if self.served.unsent.len() >= UNSENT_LIMIT {
            self.served.unsent.remove(0);
        }
        self.served.unsent.push(bytes);
        self.connect_if_needed();
    }
}

/// The top Via with `received` and `rport` where they are due (RFC 3261 18.2.1, RFC 3581 4).
fn with_source(value: &[u8], peer: std::net::SocketAddr) -> Vec<u8> {
    let mut lexer = Lexer::new(value);
    let Some(via) = Via::take(&mut lexer, crate::sip::strictness::Strictness::Router) else {
        return value.to_vec();
    };
    let top = lexer.since(0);
    let address = peer.ip().to_string();
    let host = via.host().strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]")).unwrap_or(via.host());
    let wants_port = via.params().find("rport") == Some(None);
    if !wants_port && (host == address.as_bytes() || via.params().find("received").is_some()) {
        return value.to_vec();
    }
    let mut out = Vec::with_capacity(value.len() + 48);
    let params = via.params().as_bytes();
    out.extend_from_slice(top.get(..top.len() - params.len()).unwrap_or(top));
    for (name, old) in via.params().iter().filter(|(name, _)| !name.eq_ignore_ascii_case(b"received")) {
        out.push(b';');
        out.extend_from_slice(name);
        if name.eq_ignore_ascii_case(b"rport") && old.is_none() {
            out.extend_from_slice(format!("={}", peer.port()).as_bytes());
        } else if let Some(old) = old {
            out.push(b'=');
            out.extend_from_slice(old);
        }
    }
    out.extend_from_slice(format!(";received={address}").as_bytes());
    out.extend_from_slice(lexer.rest());
    out
}
