//! Requests of the peer inside a session: INFO, BYE, re-INVITE, UPDATE, OPTIONS.

use std::time::Instant;

use super::Endpoint;
use super::incoming::{borrowed, has_foreign_body, objection, refusal};
use super::input::{FlowId, SessionId};
use super::outgoing::body_of;
use super::output::{Diagnostic, EndReason, Event};
use crate::sip::dialog::Sequence;
use crate::sip::method::Method;
use crate::sip::session::ALLOW;
use crate::sip::session::timer::MIN_SE_S;
use crate::sip::value::session_timer::SessionExpires;
use crate::sip::wire::headers::HeaderName;
use crate::sip::wire::message::Message;

const ACCEPT: (&str, &str) = ("Accept", "application/csta+xml");

impl Endpoint {
    /// The session that a request belongs to.
    pub(super) fn session_of(&self, request: &Message) -> Option<SessionId> {
        let call_id = std::str::from_utf8(request.call_id()?).ok()?;
        let id = *self.calls.get(call_id)?;
        self.sessions.get(&id).filter(|session| session.dialog.owns_request(request)).map(|_| id)
    }

    pub(super) fn on_session_request(
        &mut self,
        now: Instant,
        flow: FlowId,
        id: SessionId,
        key: Box<[u8]>,
        request: Message,
        method: &Method,
    ) {
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let gap = match session.dialog.accept(number) {
            Sequence::Old => {
                self.note(Diagnostic::OldSequence { session: id });
                return self.refuse(now, flow, key, &request, 500, &[]);
            }
            Sequence::Gap => true,
            Sequence::Next => false,
        };
        if let Some((status, headers)) = objection(&request) {
            return self.refuse(now, flow, key, &request, status, &borrowed(&headers));
        }
        match method {
            Method::Info => self.on_info(now, flow, id, key, request, gap),
            Method::Bye => {
                self.refuse(now, flow, key, &request, 200, &[]);
                let why = match session_is_closing(self, id) {
                    true => EndReason::Local,
                    false => EndReason::PeerBye,
                };
                self.end_session(now, id, why);
            }
            Method::Invite => self.on_reinvite(now, flow, id, key, request, gap),
            Method::Update => self.on_update(now, flow, id, key, request, gap),
            Method::Options => {
                self.refuse(now, flow, key, &request, 200, &[("Allow", ALLOW), ACCEPT, ("Supported", "timer")]);
            }
            other => {
                let (status, headers) = refusal(other);
                self.note(Diagnostic::Refused { method: other.clone(), status });
                self.refuse(now, flow, key, &request, status, headers);
            }
        }
    }

    fn on_info(&mut self, now: Instant, flow: FlowId, id: SessionId, key: Box<[u8]>, request: Message, gap: bool) {
        let Some(body) = body_of(&request) else {
            let kind = request.content_type();
            let keypad = kind.is_some_and(|kind| kind.is_keypad());
            // An INFO without any body only probes the session (RFC 2976 2.2).
            if keypad || !request.has_body() && kind.is_none_or(|kind| kind.is_csta()) {
                return self.refuse(now, flow, key, &request, 200, &[]);
            }
            let (method, status) = (Method::Info, 415);
            self.note(Diagnostic::Refused { method, status });
            return self.refuse(now, flow, key, &request, status, &[ACCEPT]);
        };
        let encoded =
            request.first(HeaderName::ContentEncoding).is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity"));
        if encoded {
            let headers = [ACCEPT, ("Accept-Encoding", "identity")];
            return self.refuse(now, flow, key, &request, 415, &headers);
        }
        self.open_request(now, key.clone());
        self.ask_user(now, flow, id, key, request, Some(body), gap);
    }

    #[allow(clippy::too_many_arguments)]
    fn ask_user(
        &mut self,
        now: Instant,
        flow: FlowId,
        id: SessionId,
        key: Box<[u8]>,
        request: Message,
        body: Option<super::output::Body>,
        gap: bool,
    ) {
        let method = request.method().cloned().unwrap_or(Method::Info);
        let token = if method == Method::Invite {
            let token = self.open_invite(now, flow, Some(id), key, request);
            if let Some(session) = self.sessions.get_mut(&id) {
                session.peer_invite = Some(token.0);
            }
            token
        } else {
            self.await_reply(now, flow, id, key, request)
        };
        self.tell(Event::Request { session: id, token, method, body, gap });
    }

    /// re-INVITE: refreshes the session; media are not ours (dossier 15c, RFC 3261 14.2).
    fn on_reinvite(&mut self, now: Instant, flow: FlowId, id: SessionId, key: Box<[u8]>, request: Message, gap: bool) {
        let Some(session) = self.sessions.get(&id) else { return };
        if session.own_change.is_some() {
            return self.refuse(now, flow, key, &request, 491, &[]);
        }
        if session.peer_invite.is_some() {
            return self.refuse(now, flow, key, &request, 500, &[("Retry-After", "2")]);
        }
        if has_foreign_body(&request) {
            return self.refuse(now, flow, key, &request, 488, &[]);
        }
        if is_too_short(&request) {
            let min = MIN_SE_S.to_string();
            return self.refuse(now, flow, key, &request, 422, &[("Min-SE", &min)]);
        }
        let body = body_of(&request);
        self.ask_user(now, flow, id, key, request, body, gap);
    }

    /// UPDATE: like re-INVITE, without its transaction (RFC 3311).
    fn on_update(&mut self, now: Instant, flow: FlowId, id: SessionId, key: Box<[u8]>, request: Message, gap: bool) {
        if has_foreign_body(&request) {
            return self.refuse(now, flow, key, &request, 488, &[]);
        }
        if is_too_short(&request) {
            let min = MIN_SE_S.to_string();
            return self.refuse(now, flow, key, &request, 422, &[("Min-SE", &min)]);
        }
        let body = body_of(&request);
        self.open_request(now, key.clone());
        self.ask_user(now, flow, id, key, request, body, gap);
    }
}

fn session_is_closing(endpoint: &Endpoint, id: SessionId) -> bool {
    use crate::sip::session::Phase;
    endpoint.sessions.get(&id).is_some_and(|session| session.phase == Phase::Closing)
}

/// A session interval below the least that RFC 4028 allows, from a peer that would understand a 422.
fn is_too_short(request: &Message) -> bool {
    let asked = request.first(HeaderName::SessionExpires).and_then(SessionExpires::parse);
    let knows = request.tokens(HeaderName::Supported).any(|tag| tag.eq_ignore_ascii_case(b"timer"));
    knows && asked.is_some_and(|asked| asked.interval_s < MIN_SE_S)
}
