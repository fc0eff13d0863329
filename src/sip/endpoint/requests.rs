//! What our requests look like: INVITE, ACK, UPDATE, INFO, BYE, OPTIONS (dossier 3.3, 3.4, 14).

use std::time::Instant;

use bytes::Bytes;

use super::Endpoint;
use super::input::{InviteSpec, SessionId, Ticket};
use super::outgoing::{Attempts, Purpose};
use super::output::Event;
use crate::sip::dialog::Dialog;
use crate::sip::method::Method;
use crate::sip::session::ALLOW;
use crate::sip::value::uri::{bracket_host, escape_user};
use crate::sip::wire::encode::{Writer, quote};
use crate::sip::wire::message::Message;

impl Endpoint {
    /// The dialog that an INVITE shall make.
    pub(super) fn new_dialog(&mut self, spec: &InviteSpec) -> Dialog {
        let call_id =
            format!("{}{}@{}", self.chance.token(), self.config.call_id_mark, bracket_host(&self.config.local_host));
        let (host, port) = (bracket_host(&self.config.remote_host), self.config.remote_port);
        let user = escape_user(&spec.to_user);
        let own = format!("<sip:{}@{}>", escape_user(&spec.from_user), bracket_host(&spec.from_host));
        let local = if spec.from_display.is_empty() { own } else { format!("{} {own}", quote(&spec.from_display)) };
        let remote = format!("<sip:{user}@{host}>");
        let target = format!("sip:{user}@{host}:{port};transport=tcp");
        Dialog::new(call_id, local, self.chance.token(), remote, target)
    }

    /// Sends the INVITE of a session, the first or one that refreshes.
    pub(super) fn send_invite(&mut self, now: Instant, id: SessionId, attempts: Attempts) {
        let branch = self.chance.branch();
        let via = self.via(&branch);
        let Some(user) = self.sessions.get(&id).map(|s| s.contact_user().to_owned()) else { return };
        let contact = format!("<{}>", self.contact_uri(&user));
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let seq = session.dialog.next_seq();
        let mut writer = session.dialog.request(&Method::Invite, seq, &via, Some(&contact));
        session.write_offer(&mut writer);
        for (name, value) in &session.spec.extra_headers {
            writer.header(name, value);
        }
        let body = session.spec.body.clone();
        let uri = session.dialog.request_uri().to_owned();
        let credentials = self.authorize(&mut writer, &Method::Invite, &uri, &body);
        self.describe_body(&mut writer);
        let bytes = writer.finish(&body);
        let tx = self.launch(now, &branch, Method::Invite, Purpose::Invite(id), bytes, attempts);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.own_change = Some(tx);
            session.credentials = credentials;
        }
    }

    /// ACK to a 2xx: a request of its own, without body (RFC 3261 13.2.2.4), with the credentials of its INVITE (22.1).
    pub(super) fn send_ack(&mut self, id: SessionId, answer: &Message) {
        let branch = self.chance.branch();
        let via = self.via(&branch);
        let Some(session) = self.sessions.get(&id) else { return };
        let seq = answer.cseq().map_or(session.dialog.local_seq(), |cseq| cseq.number);
        let mut writer = session.dialog.request(&Method::Ack, seq, &via, None);
        for (name, value) in &session.credentials {
            writer.header(name, value);
        }
        let bytes = writer.finish(b"");
        if let Some(flow) = self.flows.preferred() {
            self.flows.write(flow, &bytes);
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.ack = Some((seq, bytes));
        }
    }

    /// A 2xx came again: so does its ACK.
    pub(super) fn repeat_ack(&mut self, id: SessionId, answer: &Message) {
        let seq = answer.cseq().map(|cseq| cseq.number);
        let ack = self.sessions.get(&id).and_then(|session| session.ack.as_ref());
        if let Some((_, bytes)) = ack.filter(|(number, _)| Some(*number) == seq)
            && let Some(flow) = self.flows.preferred()
        {
            self.flows.write(flow, bytes);
        }
    }

    /// Sends an UPDATE that only refreshes (RFC 3311, RFC 4028 7.4).
    pub(super) fn send_update(&mut self, now: Instant, id: SessionId, attempts: Attempts) {
        let Some((branch, uri, mut writer)) = self.start_in_dialog(id, &Method::Update) else { return };
        if let Some(session) = self.sessions.get(&id) {
            session.write_offer(&mut writer);
        }
        self.authorize(&mut writer, &Method::Update, &uri, b"");
        let bytes = writer.finish(b"");
        let tx = self.launch(now, &branch, Method::Update, Purpose::Update(id), bytes, attempts);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.own_change = Some(tx);
        }
    }

    /// Sends an INFO with a CSTA body.
    pub(super) fn send_info(
        &mut self,
        now: Instant,
        session: SessionId,
        ticket: Ticket,
        body: Bytes,
        attempts: Attempts,
    ) {
        let open = self.sessions.get(&session).is_some_and(|s| s.dialog.is_confirmed());
        let started = if open { self.start_in_dialog(session, &Method::Info) } else { None };
        let Some((branch, uri, mut writer)) = started else {
            return self.tell(Event::InfoLost { session, ticket });
        };
        self.authorize(&mut writer, &Method::Info, &uri, &body);
        self.describe_body(&mut writer);
        let bytes = writer.finish(&body);
        let purpose = Purpose::Info { session, ticket, body };
        self.launch(now, &branch, Method::Info, purpose, bytes, attempts);
    }

    /// Sends BYE.
    pub(super) fn send_bye(&mut self, now: Instant, id: SessionId, attempts: Attempts) {
        let Some((branch, uri, mut writer)) = self.start_in_dialog(id, &Method::Bye) else { return };
        self.authorize(&mut writer, &Method::Bye, &uri, b"");
        let bytes = writer.finish(b"");
        self.launch(now, &branch, Method::Bye, Purpose::Bye(id), bytes, attempts);
    }

    /// Branch, Request-URI and first headers of the next request in a dialog.
    fn start_in_dialog(&mut self, id: SessionId, method: &Method) -> Option<(String, String, Writer)> {
        let branch = self.chance.branch();
        let via = self.via(&branch);
        let user = self.sessions.get(&id)?.contact_user().to_owned();
        let contact = format!("<{}>", self.contact_uri(&user));
        let dialog = &mut self.sessions.get_mut(&id)?.dialog;
        let seq = dialog.next_seq();
        let contact = (*method != Method::Bye).then_some(contact);
        let writer = dialog.request(method, seq, &via, contact.as_deref());
        Some((branch, dialog.request_uri().to_owned(), writer))
    }

    /// Sends OPTIONS to the peer itself (dossier U-7).
    pub(super) fn send_options(&mut self, now: Instant, attempts: Attempts) {
        let branch = self.chance.branch();
        let (host, port) = (bracket_host(&self.config.remote_host), self.config.remote_port);
        let uri = format!("sip:{host}:{port};transport=tcp");
        let register = &self.config.register;
        let user = register.contact_user.as_deref().unwrap_or(&register.aor_user);
        let user = if user.is_empty() { "gateway" } else { user };
        let contact = self.contact_uri(user);
        let local = bracket_host(&self.config.local_host);
        let from = format!("<sip:{}@{local}>;tag={}", escape_user(user), self.chance.token());
        let call_id = format!("opt-{}{}@{local}", self.chance.token(), self.config.call_id_mark);
        let mut writer = Writer::request(&Method::Options, &uri);
        writer
            .header("Via", self.via(&branch))
            .header("Max-Forwards", "70")
            .header("From", from)
            .header("To", format!("<sip:{host}>"))
            .header("Call-ID", call_id)
            .header("CSeq", "1 OPTIONS")
            .header("Contact", format!("<{contact}>"))
            .header("Allow", ALLOW)
            .header("Accept", "application/csta+xml");
        self.authorize(&mut writer, &Method::Options, &uri, b"");
        writer.header("User-Agent", &self.config.user_agent);
        let bytes = writer.finish(b"");
        self.launch(now, &branch, Method::Options, Purpose::Options, bytes, attempts);
    }
}
