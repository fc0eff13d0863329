//! The registrar of session servers.

use std::time::Duration;

use super::{Binding, Router, Waiting, random};
use crate::sip::digest::{Account, Verdict};
use crate::sip::{Message, Start, uri};

impl Router {
    pub(super) fn register(&mut self, conn: u64, message: &Message) {
        self.requests
            .registers_ms
            .push(u64::try_from(self.now.duration_since(self.started).as_millis()).unwrap_or(u64::MAX));
        if self.faults.silent_register {
            return;
        }
        let to = message.text("To");
        let id = uri::user(uri::of_header(&to)).to_owned();
        if uri::of_header(&message.text("From")) != uri::of_header(&to) {
            self.violations.add("register.aor", "From and To of REGISTER differ", &message.raw);
        }
        let server = self.exchange.system.session_servers.values().find(|server| server.register_id == id).cloned();
        let (Some(server), Some((max, min))) = (server, self.exchange.system.registrar) else {
            let status = if self.exchange.system.registrar.is_none() { 503 } else { 404 };
            return self.reply(conn, message, status, |_| {});
        };
        // The point of `cti-aware`: silence is how a client learns that CTI does not work.
        if server.cti_aware && self.exchange.system.cti_shutdown {
            return;
        }
        if self.exchange.system.authenticate_register && !self.authenticated(conn, message) {
            return;
        }
        if let Some(contact) = message.header("Contact")
            && contact != "*"
            && uri::user(uri::of_header(contact)) != id
        {
            self.violations.add(
                "register.contact",
                format!("the user of Contact `{contact}` is not {id}"),
                &message.raw,
            );
        }
        let contact = message.text("Contact");
        let in_contact = crate::sip::message::parameter(&contact, "expires").and_then(|text| text.parse().ok());
        let asked: u32 = in_contact.or_else(|| message.seconds("Expires")).unwrap_or(max);
        if asked == 0 {
            self.bindings.remove(&id);
            return self.reply(conn, message, 200, |draft| draft.add("Expires", "0"));
        }
        if asked < min {
            return self.reply(conn, message, 423, |draft| draft.add("Min-Expires", min.to_string()));
        }
        self.bind(conn, message, &id, asked.min(max).min(server.keepalive.max(min)));
    }

    fn bind(&mut self, conn: u64, message: &Message, id: &str, granted: u32) {
        let (contact, call_id) = (message.text("Contact"), message.text("Call-ID"));
        let cseq = message.cseq().map_or(0, |(number, _)| number);
        let old = self.bindings.get(id).cloned();
        let mine = old.as_ref().filter(|old| old.contact == contact);
        if let Some(old) = mine.filter(|old| old.call_id == call_id && cseq <= old.cseq) {
            let text = format!("CSeq {cseq} of REGISTER after {}", old.cseq);
            self.violations.add("sip.cseq", text, &message.raw);
        }
        // A binding from somewhere else takes over, with a reference of its own.
        let reference = mine.map_or_else(|| format!("{:08X}", random() & 0xFFFF_FFFF), |old| old.reference.clone());
        let serial = self.next_serial();
        let bare = contact.split(";expires=").next().unwrap_or("").to_owned();
        let other = old.as_ref().filter(|old| old.contact != contact && self.behaviour().lists_other_contacts);
        let other = other.map(|old| old.contact.split(";expires=").next().unwrap_or("").to_owned());
        self.bindings.insert(id.to_owned(), Binding { contact, call_id, cseq, reference: reference.clone(), serial });
        self.wait(u64::from(granted) * 1000, Waiting::Binding { id: id.to_owned(), serial });
        let name = self.behaviour().reference_header.clone();
        self.reply(conn, message, 200, |draft| {
            draft.add("Contact", format!("{bare};expires={granted}"));
            if let Some(other) = other {
                draft.add("Contact", format!("{other};expires={granted}"));
            }
            draft.add("Expires", granted.to_string());
            draft.add(&name, reference);
        });
    }

    /// Whether the request proves who sends it; challenges otherwise.
    fn authenticated(&mut self, conn: u64, message: &Message) -> bool {
        let system = &self.exchange.system;
        let behaviour = &self.exchange.behaviour;
        let life = Duration::from_secs(u64::from(behaviour.nonce_life));
        let account = Account { realm: &behaviour.realm, user: &system.xml_user, password: &system.xml_password, life };
        let mut stale = false;
        if let (Some(header), Start::Request { method, uri }) = (message.header("Authorization"), &message.start) {
            match self.nonces.check(self.now, header, method, uri, account) {
                Verdict::Good => return true,
                Verdict::Stale => stale = true,
                // A nonce from before a reload is no fault of the client.
                Verdict::Wrong(_, text) if text.contains("never given") => stale = true,
                Verdict::Wrong(rule, text) => self.violations.add(rule, text, &message.raw),
            }
        }
        let random = (u128::from(random()) << 64) | u128::from(random());
        let (realm, qop) = (behaviour.realm.clone(), behaviour.qop);
        let challenge = self.nonces.challenge(self.now, random, &realm, qop, stale);
        self.reply(conn, message, 401, |draft| draft.add("WWW-Authenticate", challenge));
        false
    }
}
