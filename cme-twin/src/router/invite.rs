//! INVITE, ACK, UPDATE and BYE: the life of a session.

use super::{Monitor, Router, Session, Target, Waiting};
use crate::csta::{self, Element, Watch};
use crate::sip::{Message, Start, check, compose, uri};

impl Router {
    pub(super) fn invite(&mut self, conn: u64, message: &Message) {
        if message.tag_of_to().is_some() {
            return self.reinvite(conn, message);
        }
        let at = u64::try_from(self.now.duration_since(self.started).as_millis()).unwrap_or(u64::MAX);
        self.requests.invites_ms.push(at);
        self.check_rate(at, message);
        if self.exchange.system.cti_shutdown {
            let status = self.behaviour().codes.cti_shutdown;
            return self.reply(conn, message, status, |_| {});
        }
        if self.refuses_body(conn, message) {
            return;
        }
        let watch = match self.watch_of(message) {
            Ok(watch) => watch,
            Err(status) => return self.reply(conn, message, status, |_| {}),
        };
        let Some(interval) = self.interval(conn, message) else { return };
        self.reply(conn, message, 100, |_| {});
        let local_tag = self.tag();
        let key = self.next_serial();
        let contact = uri::of_header(&message.text("Contact")).to_owned();
        let session = Session {
            call_id: message.text("Call-ID"),
            local_tag: local_tag.clone(),
            remote_tag: message.tag_of_from().unwrap_or("").to_owned(),
            remote: message.text("From"),
            local: message.text("To"),
            address: uri::address(&contact),
            contact,
            routes: message.all("Record-Route").map(str::to_owned).collect(),
            watch,
            user: uri::user(uri::of_header(&message.text("From"))).to_owned(),
            cseq: 100,
            remote_cseq: message.cseq().map_or(0, |(number, _)| number),
            conn,
            invite_cseq: message.cseq().map_or(0, |(number, _)| number),
            unacknowledged: true,
            interval,
            refresh: 0,
            refreshed: self.now,
            monitors: Vec::new(),
            last_read: (0, 0),
            answering: 0,
        };
        self.sessions.insert(key, session);
        self.accept(conn, message, key);
    }

    /// Sends the 200 of an INVITE and waits for its ACK and the next refresh.
    fn accept(&mut self, conn: u64, message: &Message, key: u64) {
        let Some(session) = self.sessions.get(&key).cloned() else { return };
        let status = match self.faults.system_status.as_str() {
            "" => "normal",
            other => other,
        };
        let body = Element::new("RequestSystemStatusResponse").with(Element::leaf("systemStatus", status));
        let text = (!self.faults.no_invite_body).then(|| self.style().write(&body));
        let (contact, kind) = (self.own_contact(&session), self.faults.content_type.clone());
        let bytes = self.reply_as(conn, message, 200, Some(&session.local_tag), None, |draft| {
            draft.add("Contact", contact);
            draft.add("Allow", compose::ALLOW);
            if session.interval > 0 {
                draft.add("Session-Expires", format!("{};refresher=uac", session.interval));
                draft.add("Require", "timer");
            }
            if let Some(text) = text {
                draft.csta(text, &kind);
            }
        });
        let limits = self.behaviour().limits;
        let target = Target { conn, address: message.header("Via").and_then(uri::sent_by) };
        self.wait(limits.t1, Waiting::Repeat { session: key, target, bytes, gap: limits.t1 });
        self.wait(limits.transaction, Waiting::NoAck { session: key });
        self.refreshed(key);
    }

    pub(super) fn refreshed(&mut self, key: u64) {
        let serial = self.next_serial();
        let now = self.now;
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.refresh = serial;
        session.refreshed = now;
        if session.interval > 0 {
            let after = u64::from(session.interval) * 1000;
            self.wait(after, Waiting::Expiry { session: key, serial });
        }
    }

    fn reinvite(&mut self, conn: u64, message: &Message) {
        let Some(key) = self.session_of(message) else {
            return self.reply(conn, message, 481, |_| {});
        };
        if !self.in_order(conn, message, key) || self.refuses_body(conn, message) {
            return;
        }
        let Some(interval) = self.interval(conn, message) else { return };
        let contact = uri::of_header(&message.text("Contact")).to_owned();
        if let Some(session) = self.sessions.get_mut(&key) {
            session.interval = interval;
            session.address = uri::address(&contact);
            session.contact = contact;
            session.unacknowledged = true;
            session.invite_cseq = message.cseq().map_or(0, |(number, _)| number);
        }
        self.reply(conn, message, 100, |_| {});
        self.accept(conn, message, key);
    }

    pub(super) fn update(&mut self, conn: u64, message: &Message) {
        let Some(key) = self.session_of(message) else {
            return self.reply(conn, message, 481, |_| {});
        };
        if !self.in_order(conn, message, key) {
            return;
        }
        let Some(interval) = self.interval(conn, message) else { return };
        if let Some(session) = self.sessions.get_mut(&key) {
            session.interval = interval;
        }
        self.refreshed(key);
        self.reply(conn, message, 200, |draft| {
            draft.add("Session-Expires", format!("{interval};refresher=uac"));
            draft.add("Require", "timer");
        });
    }

    pub(super) fn acknowledged(&mut self, message: &Message) {
        let number = message.cseq().map_or(0, |(number, _)| number);
        let Some(key) = self.session_of(message) else {
            // The ACK of a refused INVITE belongs to its transaction, and carries its branch.
            let refused = self
                .answered
                .keys()
                .any(|known| known.starts_with(&format!("{}|{number} INVITE|", message.branch().unwrap_or(""))));
            if !refused && !self.rebooted {
                self.violations.add("sip.ack", "an ACK for no INVITE", &message.raw);
            }
            return;
        };
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if session.invite_cseq == number {
            session.unacknowledged = false;
            self.waiting
                .retain(|_, one| !matches!(one, Waiting::Repeat { session, .. } | Waiting::NoAck { session } if *session == key));
        } else {
            self.violations.add("sip.ack", format!("ACK {number} for INVITE {}", session.invite_cseq), &message.raw);
        }
    }

    pub(super) fn bye(&mut self, conn: u64, message: &Message) {
        let Some(key) = self.session_of(message) else {
            return self.reply(conn, message, 481, |_| {});
        };
        if self.in_order(conn, message, key) {
            self.reply(conn, message, 200, |_| {});
            self.sessions.remove(&key);
        }
    }

    /// Whether an in-dialog request has a higher CSeq than the last one; answers 500 otherwise. Notes the connection.
    pub(super) fn in_order(&mut self, conn: u64, message: &Message, key: u64) -> bool {
        let number = message.cseq().map_or(0, |(number, _)| number);
        let Some(session) = self.sessions.get_mut(&key) else { return false };
        let last = session.remote_cseq;
        let target = match &message.start {
            Start::Request { uri, .. } => uri::user(uri).to_owned(),
            Start::Response { .. } => String::new(),
        };
        if number <= last {
            self.violations.add("sip.cseq", format!("CSeq {number} after {last} in a dialog"), &message.raw);
            self.reply(conn, message, 500, |_| {});
            return false;
        }
        session.remote_cseq = number;
        session.conn = conn;
        let gap = number - last;
        if target != session.watch.number && session.routes.is_empty() {
            let text = format!("the request URI names `{target}`, our Contact `{}`", session.watch.number);
            self.violations.add("sip.target", text, &message.raw);
        }
        if session.routes.is_empty() != (message.header("Route").is_none()) {
            self.violations.add("sip.route", "the Route headers are not the route set of the dialog", &message.raw);
        }
        // A challenged or given-up request uses a number up, so a small gap is no fault.
        if gap > 8 {
            self.violations.add("sip.cseq", format!("CSeq jumps from {last} to {number}"), &message.raw);
        }
        true
    }

    /// `Session-Expires` of a request: seconds, 0 without a timer, `None` after a 422.
    fn interval(&mut self, conn: u64, message: &Message) -> Option<u32> {
        let Some(asked) = message.seconds("Session-Expires") else {
            self.violations.add("session.timer", "there is no Session-Expires", &message.raw);
            return Some(0);
        };
        let least = self.behaviour().min_se;
        if asked < least {
            self.reply(conn, message, 422, |draft| draft.add("Min-SE", least.to_string()));
            return None;
        }
        Some(asked)
    }

    /// The body of an INVITE must ask for the system status; 415 when it is something else altogether.
    fn refuses_body(&mut self, conn: u64, message: &Message) -> bool {
        if message.body.is_empty() {
            return false;
        }
        if !check::is_csta(message) {
            self.reply(conn, message, 415, |draft| draft.add("Accept", compose::CSTA_TYPE));
            return true;
        }
        match csta::parse(&message.body) {
            Ok(root) => {
                for (rule, text) in csta::remarks(&root, &self.faults.namespace) {
                    self.violations.add(rule, text, &message.raw);
                }
                if root.name != "RequestSystemStatus" {
                    self.violations.add("session.body", format!("INVITE carries <{}>", root.name), &message.raw);
                }
                false
            }
            Err(text) => {
                self.violations.add("csta.xml", text, &message.raw);
                self.reply(conn, message, 400, |_| {});
                true
            }
        }
    }

    /// Which device an INVITE is for: the To user is the number, the From user `<number>_<MAC>` or the number.
    fn watch_of(&mut self, message: &Message) -> Result<Watch, u16> {
        let codes = self.behaviour().codes;
        let number = uri::user(uri::of_header(&message.text("To"))).to_owned();
        let from = uri::user(uri::of_header(&message.text("From"))).to_owned();
        if let Start::Request { uri, .. } = &message.start
            && uri::user(uri) != number
        {
            self.violations.add(
                "session.to",
                format!("the request URI `{uri}` does not name `{number}`"),
                &message.raw,
            );
        }
        if uri::user(uri::of_header(&message.text("Contact"))) != from {
            self.violations.add("session.contact", format!("the user of Contact is not `{from}`"), &message.raw);
        }
        let system = &self.exchange.system;
        let dn = system.dn_of(&number).ok_or(codes.unknown)?;
        let phone = match from.rsplit_once('_') {
            None if from == number => None,
            Some((named, mac)) if named == number => {
                let phone = system.phone_of(mac).filter(|phone| self.exchange.lines(*phone).contains(&dn));
                if mac != mac.to_ascii_uppercase() || mac.len() != 12 {
                    self.violations.add(
                        "session.from",
                        format!("`{mac}` is not a MAC of twelve upper-case digits"),
                        &message.raw,
                    );
                }
                Some(phone.ok_or(codes.unknown)?)
            }
            _ => {
                self.violations.add("session.from", format!("From names `{from}`, To `{number}`"), &message.raw);
                return Err(codes.unknown);
            }
        };
        if !self.exchange.system.watched(dn) {
            return Err(codes.not_watched);
        }
        let registered = match phone {
            Some(phone) => self.exchange.is_registered(phone),
            None => !self.exchange.phones_with(dn).is_empty(),
        };
        if !registered && !self.exchange.system.notified(dn) {
            return Err(codes.down);
        }
        Ok(Watch { dn, phone, number })
    }

    fn check_rate(&mut self, at: u64, message: &Message) {
        let limits = &self.behaviour().invite_limits;
        let (rate, outstanding) = (limits.per_second, limits.outstanding);
        let recent = self.requests.invites_ms.iter().rev().take_while(|time| at.saturating_sub(**time) < 1000).count();
        if rate > 0 && recent > usize::try_from(rate).unwrap_or(usize::MAX) {
            self.violations.add("invite.rate", format!("{recent} INVITEs within a second"), &message.raw);
        }
        let open = self.sessions.values().filter(|session| session.unacknowledged).count();
        if outstanding > 0 && open >= usize::try_from(outstanding).unwrap_or(usize::MAX) {
            self.violations.add("invite.outstanding", format!("{open} INVITEs are without an ACK"), &message.raw);
        }
    }

    /// Starts a monitor and gives its cross reference: eight characters, zero padded, as in the trace.
    pub(super) fn start_monitor(&mut self, key: u64, filtered: Vec<String>) -> Option<String> {
        self.xref += 1;
        let xref = format!("{:08}", self.xref);
        let session = self.sessions.get_mut(&key)?;
        session.monitors.push(Monitor { xref: xref.clone(), filtered });
        Some(xref)
    }
}
