//! Messages from clients: counting, checking, and the way to who deals with them.

use std::net::SocketAddr;
use std::time::Instant;

use super::{Connection, Output, Router, Target, Waiting};
use crate::sip::compose::Draft;
use crate::sip::{Frame, Message, Start, check, compose, uri};

impl Router {
    /// A connection was accepted, or opened by us.
    pub(crate) fn connected(&mut self, now: Instant, conn: u64, peer: SocketAddr, local: SocketAddr, accepted: bool) {
        self.advance(now);
        if accepted {
            self.requests.accepted += 1;
        }
        if self.down {
            // It came in while the listener was closing.
            self.output.push_back(Output::Close { conn, reset: true });
            return;
        }
        self.connections.insert(conn, Connection { peer, local, last: now, taken: 0, frozen: false });
        self.wait(self.behaviour().limits.connection_ageing, Waiting::Ageing { conn });
    }

    /// A connection is gone.
    pub(crate) fn disconnected(&mut self, now: Instant, conn: u64) {
        self.advance(now);
        self.connections.remove(&conn);
        self.asked.values_mut().filter(|asked| asked.conn == conn).for_each(|asked| asked.excused = true);
    }

    /// A piece of a connection's stream. `read` counts the reads of the socket: what came with one read was sent before any of it was answered.
    pub(crate) fn receive(&mut self, now: Instant, conn: u64, read: u64, frame: Frame) {
        self.advance(now);
        self.read = (conn, read);
        let limit = self.faults.drop_after;
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if connection.frozen {
            return;
        }
        connection.last = now;
        match frame {
            Frame::KeepAlive => self.requests.keep_alives += 1,
            Frame::Broken(rule, text, bytes) => {
                self.violations.add(rule, text, &bytes);
                self.output.push_back(Output::Close { conn, reset: false });
            }
            Frame::Message(message) => {
                connection.taken += 1;
                if limit > 0 && connection.taken >= limit {
                    self.connections.remove(&conn);
                    self.output.push_back(Output::Close { conn, reset: true });
                    return;
                }
                for (rule, text) in check::remarks(&message) {
                    self.violations.add(rule, text, &message.raw);
                }
                match &message.start {
                    Start::Request { .. } => self.request(conn, &message),
                    Start::Response { status } => self.response(*status, &message),
                }
            }
        }
    }

    fn request(&mut self, conn: u64, message: &Message) {
        let method = message.method().to_owned();
        *self.requests.methods.entry(method.clone()).or_default() += 1;
        if message.header("Via").is_none() || message.header("Call-ID").is_none() || message.cseq().is_none() {
            return self.reply(conn, message, 400, |_| {});
        }
        if method == "ACK" {
            return self.acknowledged(message);
        }
        let key = transaction(message);
        if let Some((first, bytes)) = self.answered.get(&key) {
            let bytes = bytes.clone();
            // Over another connection it is no fault: the answer may be lost with the first one.
            if *first == conn {
                self.violations.add(
                    "sip.repeat",
                    format!("{method} was repeated although it is answered"),
                    &message.raw,
                );
            }
            return self.send_now(self.back(conn, message), bytes);
        }
        if let Some(answer) = self.faults.take_answer(&method) {
            if answer.status != 0 {
                self.reply(conn, message, answer.status, |draft| {
                    if answer.retry_after > 0 {
                        draft.add("Retry-After", answer.retry_after.to_string());
                    }
                });
            }
            return;
        }
        self.check_dialog(message);
        match method.as_str() {
            "REGISTER" => self.register(conn, message),
            "INVITE" => self.invite(conn, message),
            "INFO" => self.info(conn, message),
            "BYE" => self.bye(conn, message),
            "UPDATE" => self.update(conn, message),
            "OPTIONS" => self.reply(conn, message, 200, |draft| {
                draft.add("Allow", compose::ALLOW);
                draft.add("Accept", compose::CSTA_TYPE);
                draft.add("Supported", "timer,resource-priority,replaces");
            }),
            "CANCEL" => self.reply(conn, message, 481, |_| {}),
            "SUBSCRIBE" | "NOTIFY" => self.reply(conn, message, 489, |_| {}),
            "REFER" | "PRACK" | "MESSAGE" => self.reply(conn, message, 405, |draft| draft.add("Allow", compose::ALLOW)),
            _ => self.reply(conn, message, 501, |_| {}),
        }
    }

    /// The Call-ID of a dialog with other tags is a client's mistake; an unknown Call-ID may be one of before a restart.
    fn check_dialog(&mut self, message: &Message) {
        let (Some(call_id), Some(_)) = (message.header("Call-ID"), message.tag_of_to()) else { return };
        if self.session_of(message).is_none() && self.sessions.values().any(|session| session.call_id == call_id) {
            self.violations.add("sip.dialog", "the tags are not those of the dialog with this Call-ID", &message.raw);
        }
    }

    /// Where the answer to a request goes.
    pub(super) fn back(&self, conn: u64, message: &Message) -> Target {
        Target { conn, address: message.header("Via").and_then(uri::sent_by) }
    }

    /// Answers a request and remembers the answer for repetitions.
    pub(super) fn reply(&mut self, conn: u64, message: &Message, status: u16, fill: impl FnOnce(&mut Draft)) {
        let tag = message.tag_of_to().is_none().then(|| self.tag());
        self.reply_as(conn, message, status, tag.as_deref(), None, fill);
    }

    /// As [`Self::reply`], with a tag for `To` and the session whose service it answers.
    pub(super) fn reply_as(
        &mut self,
        conn: u64,
        message: &Message,
        status: u16,
        tag: Option<&str>,
        answers: Option<u64>,
        fill: impl FnOnce(&mut Draft),
    ) -> Vec<u8> {
        let mut draft = Draft::response(status);
        message.all("Via").for_each(|via| draft.add("Via", via));
        draft.add("From", message.text("From"));
        let to = message.text("To");
        match tag.filter(|_| status > 100 && message.tag_of_to().is_none()) {
            Some(tag) => draft.add("To", format!("{to};tag={tag}")),
            None => draft.add("To", to),
        }
        draft.date();
        draft.add("Call-ID", message.text("Call-ID"));
        message.all("Record-Route").for_each(|route| draft.add("Record-Route", route));
        if let Some(stamp) = message.header("Timestamp") {
            draft.add("Timestamp", stamp);
        }
        draft.add("CSeq", message.text("CSeq"));
        draft.add("Server", compose::AGENT);
        fill(&mut draft);
        let bytes = draft.bytes(self.faults.wrong_content_length);
        if status >= 200 {
            *self.requests.answers.entry(status).or_default() += 1;
            let key = transaction(message);
            self.answered.insert(key.clone(), (conn, bytes.clone()));
            self.answered_at.push_back((self.now, key));
            let life = std::time::Duration::from_millis(self.behaviour().limits.transaction);
            while self.answered_at.front().is_some_and(|(at, _)| self.now.duration_since(*at) > life) {
                if let Some((_, old)) = self.answered_at.pop_front() {
                    self.answered.remove(&old);
                }
            }
        }
        let target = self.back(conn, message);
        self.send_after(self.faults.delay_answers, target, bytes.clone(), answers);
        bytes
    }
}

/// Key of a server transaction.
fn transaction(message: &Message) -> String {
    format!("{}|{}|{}", message.branch().unwrap_or(""), message.text("CSeq"), message.text("Call-ID"))
}
