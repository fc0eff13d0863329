//! Bytes from the peer: frames, messages, and requests outside of sessions.

use std::time::Instant;

use bytes::Bytes;

use super::Endpoint;
use super::input::FlowId;
use super::output::{CloseReason, Diagnostic};
use crate::sip::error::ParseError;
use crate::sip::method::Method;
use crate::sip::session::ALLOW;
use crate::sip::strictness::Strictness;
use crate::sip::transaction::server_key;
use crate::sip::value::uri::Scheme;
use crate::sip::wire::frame::{Frame, FrameError};
use crate::sip::wire::headers::HeaderName;
use crate::sip::wire::message::Message;
use crate::sip::wire::parse::{parse, salvage};

const ACCEPT: (&str, &str) = ("Accept", "application/csta+xml");

impl Endpoint {
    pub(super) fn on_bytes(&mut self, now: Instant, flow: FlowId, data: Bytes) {
        if let Some(known) = self.flows.find(flow) {
            known.framer.feed(data);
        }
        while !self.flows.is_aborted(flow) {
            let Some(known) = self.flows.find(flow) else { return };
            match known.framer.take() {
                Ok(None) => return,
                Ok(Some(Frame::Message(bytes))) => self.on_message(now, flow, bytes),
                Ok(Some(Frame::Ping)) => {
                    self.flows.write(flow, &Bytes::from_static(b"\r\n"));
                    self.note(Diagnostic::Ping);
                }
                Ok(Some(Frame::Pong)) => {
                    if std::mem::take(&mut known.has_pinged) {
                        known.framer.expected_pong();
                    }
                }
                Err(error) => return self.on_framing_lost(flow, error),
            }
        }
    }

    /// 400 when somebody can be told, then the connection is closed: the next message cannot be found any more.
    fn on_framing_lost(&mut self, flow: FlowId, error: FrameError) {
        let request = error.head.and_then(salvage);
        if let Some(request) = request.filter(|request| request.method() != Some(&Method::Ack)) {
            self.answer(flow, None, &request, 400, &[]);
        }
        let kind = error.kind;
        self.note(Diagnostic::FramingLost { flow, kind });
        self.flows.abort(flow, CloseReason::FramingLost(kind));
    }

    fn on_message(&mut self, now: Instant, flow: FlowId, bytes: Bytes) {
        let parsed = parse(bytes.clone(), Strictness::Router).and_then(|message| message.required().map(|()| message));
        let message = match parsed {
            Ok(message) => message,
            Err(error) => return self.on_bad_message(flow, bytes, error),
        };
        match (message.status(), message.method().cloned()) {
            (Some(status), _) => self.on_response(now, &message, status),
            (None, Some(method)) => self.on_request(now, flow, message, &method),
            (None, None) => {}
        }
    }

    /// Costs the message, not the connection (architecture rule 5).
    fn on_bad_message(&mut self, flow: FlowId, bytes: Bytes, error: ParseError) {
        let status = if error == ParseError::Version { 505 } else { 400 };
        let request = salvage(bytes).filter(|request| request.method() != Some(&Method::Ack));
        if let Some(request) = &request {
            self.answer(flow, None, request, status, &[]);
        }
        let answered = request.map(|_| status);
        self.note(Diagnostic::BadMessage { flow, error, answered });
    }

    fn on_request(&mut self, now: Instant, flow: FlowId, request: Message, method: &Method) {
        let name = match method {
            Method::Ack | Method::Cancel => "INVITE",
            other => other.as_str(),
        };
        let Some(key) = server_key(&request, name) else { return };
        if *method == Method::Ack {
            return self.on_ack(&key, &request);
        }
        if *method == Method::Cancel {
            let status = if self.cancel_peer_invite(now, &key) { 200 } else { 481 };
            return self.answer(flow, None, &request, status, &[]);
        }
        if self.repeat_answer(flow, &key, method) {
            return self.note(Diagnostic::Repeated { method: method.clone() });
        }
        if let Some(session) = self.session_of(&request) {
            return self.on_session_request(now, flow, session, key, request, method);
        }
        if let Some((status, headers)) = objection(&request) {
            return self.refuse(now, flow, key, &request, status, &borrowed(&headers));
        }
        if request.to().is_some_and(|to| to.tag().is_some()) {
            self.note(Diagnostic::UnknownDialog { method: method.clone() });
            return self.refuse(now, flow, key, &request, 481, &[]);
        }
        self.on_stray_request(now, flow, key, &request, method);
    }

    /// Refuses a request with any method.
    pub(super) fn refuse(
        &mut self,
        now: Instant,
        flow: FlowId,
        key: Box<[u8]>,
        request: &Message,
        status: u16,
        headers: &[(&str, &str)],
    ) {
        if request.method() == Some(&Method::Invite) {
            let token = self.open_invite(now, flow, None, key, request.clone());
            return self.refuse_invite(now, token, status, headers);
        }
        self.open_request(now, key.clone());
        self.answer(flow, Some(&key), request, status, headers);
    }

    /// A request outside of every dialog (dossier 15c).
    fn on_stray_request(&mut self, now: Instant, flow: FlowId, key: Box<[u8]>, request: &Message, method: &Method) {
        let allow = ("Allow", ALLOW);
        let (status, headers): (u16, &[(&str, &str)]) = match method {
            Method::Options => (200, &[allow, ACCEPT, ("Supported", "timer")]),
            // We take no calls and no sessions: a body that is no CSTA is not acceptable, and CSTA only for whom we know.
            Method::Invite if self.knows_target(request) || has_foreign_body(request) => (488, &[]),
            Method::Invite => (404, &[]),
            Method::Bye | Method::Info | Method::Update | Method::Prack => (481, &[]),
            other => refusal(other),
        };
        if status != 200 {
            self.note(Diagnostic::Refused { method: method.clone(), status });
        }
        self.refuse(now, flow, key, request, status, headers);
    }

    /// Whether the Request-URI names a Contact of ours.
    fn knows_target(&self, request: &Message) -> bool {
        let Some(user) = request.request_uri().and_then(|uri| uri.user()) else { return false };
        self.sessions.values().any(|session| session.contact_user().as_bytes() == user)
    }
}

/// What speaks against a request before anybody looks at its method (RFC 3261 8.2.2).
pub(super) fn objection(request: &Message) -> Option<(u16, Vec<(&'static str, String)>)> {
    let scheme = request.request_uri().map(|uri| uri.scheme());
    if scheme == Some(Scheme::Other) {
        return Some((416, Vec::new()));
    }
    let unknown: Vec<_> = request
        .tokens(HeaderName::Require)
        .filter(|tag| !tag.eq_ignore_ascii_case(b"timer"))
        .map(String::from_utf8_lossy)
        .collect();
    (!unknown.is_empty()).then(|| (420, vec![("Unsupported", unknown.join(", "))]))
}

/// Header lines as the answering functions take them.
pub(super) fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Status and headers for a method that we do not serve.
pub(super) fn refusal(method: &Method) -> (u16, &'static [(&'static str, &'static str)]) {
    match method {
        // No event package is served (RFC 6665 7.2.1).
        Method::Notify | Method::Subscribe => (489, &[]),
        Method::Other(_) => (501, &[("Allow", ALLOW)]),
        _ => (405, &[("Allow", ALLOW)]),
    }
}

/// A body that is there and is no CSTA.
pub(super) fn has_foreign_body(request: &Message) -> bool {
    request.has_body() && super::outgoing::body_of(request).is_none()
}
