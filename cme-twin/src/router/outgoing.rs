//! Messages to clients: over which connection, when, and requests of our own.

use std::time::UNIX_EPOCH;

use super::{Asked, Connection, Output, Purpose, Router, Session, Target, Waiting};
use crate::csta;
use crate::sip::Message;
use crate::sip::compose::{self, Draft};

impl Router {
    pub(super) fn send_after(&mut self, after_ms: u64, target: Target, bytes: Vec<u8>, answers: Option<u64>) {
        if after_ms == 0 {
            return self.send_now(target, bytes);
        }
        if let Some(session) = answers.and_then(|key| self.sessions.get_mut(&key)) {
            session.answering += 1;
        }
        self.wait(after_ms, Waiting::Bytes { target, bytes, answers });
    }

    pub(super) fn send_now(&mut self, target: Target, bytes: Vec<u8>) {
        if self.down {
            return;
        }
        let now = self.now;
        if let Some(connection) = self.connections.get_mut(&target.conn) {
            if !connection.frozen {
                connection.last = now;
                self.output.push_back(Output::Send { conn: target.conn, bytes });
            }
            return;
        }
        let Some(address) = target.address else {
            tracing::debug!("a message has nowhere to go: its connection is gone and its address is unknown");
            return;
        };
        let known = self.connections.iter().find(|(_, one)| one.peer == address && !one.frozen).map(|(conn, _)| *conn);
        let conn = known.unwrap_or_else(|| {
            let conn = self.next_serial() | (1 << 62);
            self.requests.opened += 1;
            self.connections
                .insert(conn, Connection { peer: address, local: self.listen, last: now, taken: 0, frozen: false });
            self.output.push_back(Output::Open { conn, to: address });
            self.wait(self.behaviour().limits.connection_ageing, Waiting::Ageing { conn });
            conn
        });
        self.output.push_back(Output::Send { conn, bytes });
    }

    /// The address that the router calls its own on this connection.
    pub(super) fn own_address(&self, conn: u64) -> String {
        let ip = match self.connections.get(&conn) {
            Some(connection) if self.listen.ip().is_unspecified() => connection.local.ip(),
            _ => self.listen.ip(),
        };
        std::net::SocketAddr::new(ip, self.listen.port()).to_string()
    }

    pub(super) fn own_contact(&self, session: &Session) -> String {
        format!("<sip:{}@{};transport=tcp>", session.watch.number, self.own_address(session.conn))
    }

    /// Sends a request inside a dialog. `text` is a CSTA body. Its CSeq is used up even when a fault loses it.
    pub(super) fn ask(&mut self, key: u64, purpose: Purpose, method: &str, body: Option<(String, String)>, lost: bool) {
        let jump = self.faults.cseq_jump;
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.cseq = session.cseq.saturating_add(1).saturating_add(jump);
        if lost {
            return;
        }
        let session = session.clone();
        let branch = self.branch();
        let mut draft = Draft::request(method, &session.contact);
        draft.add("Via", format!("SIP/2.0/TCP {};branch={branch}", self.own_address(session.conn)));
        session.routes.iter().for_each(|route| draft.add("Route", route.clone()));
        draft.add("From", format!("{};tag={}", session.local, session.local_tag));
        draft.add("To", session.remote.clone());
        draft.date();
        draft.add("Call-ID", session.call_id.clone());
        draft.add("User-Agent", compose::AGENT);
        draft.add("Max-Forwards", "70");
        let seconds = std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
        draft.add("Timestamp", seconds.to_string());
        draft.add("CSeq", format!("{} {method}", session.cseq));
        if matches!(method, "INFO" | "INVITE" | "UPDATE") {
            draft.add("Contact", self.own_contact(&session));
        }
        if let Some((text, kind)) = body {
            draft.csta(text, &kind);
        }
        let bytes = draft.bytes(self.faults.wrong_content_length);
        let excused = self.connections.get(&session.conn).is_some_and(|connection| connection.frozen);
        let (cseq, call_id) = (session.cseq, session.call_id.clone());
        let asked = Asked {
            session: key,
            method: method.to_owned(),
            purpose,
            cseq,
            call_id,
            at: self.now,
            conn: session.conn,
            excused,
        };
        self.asked.insert(branch.clone(), asked);
        self.wait(self.behaviour().limits.transaction, Waiting::Unanswered { branch });
        let target = Target { conn: session.conn, address: session.address };
        if purpose == Purpose::Event && self.faults.duplicate_events {
            self.send_now(target, bytes.clone());
        }
        self.send_now(target, bytes);
    }

    /// Sends any request in a dialog, as a test wants it.
    pub(super) fn inject(&mut self, key: u64, method: &str, kind: &str, body: &str) {
        let body = (!body.is_empty()).then(|| (body.to_owned(), kind.to_owned()));
        self.ask(key, Purpose::Injected, method, body, false);
    }

    fn injected_answer(&mut self, status: u16, asked: &Asked, message: &Message) {
        self.requests.injected.push(status);
        let Some(session) = self.sessions.get(&asked.session).cloned().filter(|_| asked.method == "INVITE") else {
            return;
        };
        // The ACK of a 2xx is a transaction of its own, any other one belongs to that of the INVITE.
        let branch = if status < 300 { self.branch() } else { message.branch().unwrap_or("").to_owned() };
        let mut draft = Draft::request("ACK", &session.contact);
        draft.add("Via", format!("SIP/2.0/TCP {};branch={branch}", self.own_address(session.conn)));
        draft.add("From", message.text("From"));
        draft.add("To", message.text("To"));
        draft.add("Call-ID", session.call_id.clone());
        draft.add("Max-Forwards", "70");
        draft.add("CSeq", format!("{} ACK", asked.cseq));
        let bytes = draft.bytes(0);
        self.send_now(Target { conn: session.conn, address: session.address }, bytes);
    }

    /// An answer to a request of ours.
    pub(super) fn response(&mut self, status: u16, message: &Message) {
        let branch = message.branch().unwrap_or("").to_owned();
        if status < 200 {
            return;
        }
        let Some(asked) = self.asked.get(&branch).cloned() else {
            // The second answer to a duplicated event is right.
            if !self.faults.duplicate_events && !self.rebooted {
                self.violations.add("sip.answer", "an answer to nothing that was asked", &message.raw);
            }
            return;
        };
        if !self.faults.duplicate_events {
            self.asked.remove(&branch);
        }
        if message.cseq() != Some((asked.cseq, asked.method.as_str()))
            || message.header("Call-ID") != Some(asked.call_id.as_str())
        {
            self.violations.add("sip.answer", "CSeq or Call-ID of an answer is not that of the request", &message.raw);
        }
        let took = self.now.duration_since(asked.at);
        match asked.purpose {
            Purpose::Injected => return self.injected_answer(status, &asked, message),
            Purpose::Service(root) if status < 300 => {
                let right = csta::parse(&message.body).is_ok_and(|body| body.name == root);
                if !right {
                    self.violations.add("csta.response", format!("the answer does not carry <{root}>"), &message.raw);
                }
            }
            _ => {}
        }
        if asked.purpose == Purpose::Event {
            self.requests.events_answered += 1;
            let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            self.requests.slowest_event_answer_us = self.requests.slowest_event_answer_us.max(took_us);
            let limit = self.behaviour().limits.event_answer;
            if limit > 0 && !asked.excused && took.as_millis() > u128::from(limit) {
                self.violations.add(
                    "event.slow",
                    format!("an event was answered after {} ms", took.as_millis()),
                    &message.raw,
                );
            }
        }
        if let Some(session) = self.sessions.get(&asked.session)
            && (message.tag_of_from() != Some(session.local_tag.as_str())
                || message.tag_of_to() != Some(session.remote_tag.as_str()))
        {
            self.violations.add("sip.answer", "the tags of an answer are not those of the dialog", &message.raw);
        }
        if status >= 300 && asked.purpose != Purpose::Bye {
            let faulty = self.faults != crate::fault::Faults::default();
            // A dialog that its owner replaced by a new one may be unknown to him.
            let user = self.sessions.get(&asked.session).map(|session| session.user.clone());
            let replaced =
                self.sessions.iter().any(|(key, session)| *key > asked.session && Some(&session.user) == user.as_ref());
            if !faulty && !replaced && user.is_some() {
                self.violations.add("event.answer", format!("an event was answered with {status}"), &message.raw);
            }
            if matches!(status, 408 | 481) {
                self.sessions.remove(&asked.session);
            }
        }
    }
}
