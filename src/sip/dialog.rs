//! A dialog (RFC 3261 12): identity, sequence numbers, route. Never tied to a connection.

use crate::sip::method::Method;
use crate::sip::strictness::Strictness;
use crate::sip::value::contact::contacts;
use crate::sip::value::name_addr::list;
use crate::sip::wire::encode::Writer;
use crate::sip::wire::headers::HeaderName;
use crate::sip::wire::message::Message;

/// Where the CSeq of a request of the peer stands (RFC 3261 12.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sequence {
    /// Not above the last one: refuse with 500, do not apply.
    Old,
    /// The next, or the first at all.
    Next,
    /// Above the next: legal, but something between may be lost.
    Gap,
}

/// State of one dialog in which we sent the INVITE.
#[derive(Debug, Clone)]
pub struct Dialog {
    call_id: String,
    /// From value without tag.
    local: String,
    local_tag: String,
    /// To value without tag.
    remote: String,
    remote_tag: Option<Vec<u8>>,
    local_seq: u32,
    remote_seq: Option<u32>,
    target: String,
    routes: Vec<Route>,
}

#[derive(Debug, Clone)]
struct Route {
    value: String,
    uri: String,
    is_loose: bool,
}

impl Dialog {
    /// A dialog to be: the INVITE is about to be sent. `local` and `remote` are name-addr values without tags,
    /// `target` is the Request-URI.
    #[must_use]
    pub fn new(call_id: String, local: String, local_tag: String, remote: String, target: String) -> Self {
        Self {
            call_id,
            local,
            local_tag,
            remote,
            remote_tag: None,
            local_seq: 0,
            remote_seq: None,
            target,
            routes: Vec::new(),
        }
    }

    /// Our Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Whether a 2xx made it a dialog.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.remote_tag.is_some()
    }

    /// The number of the last request of ours.
    #[must_use]
    pub const fn local_seq(&self) -> u32 {
        self.local_seq
    }

    /// Takes the next number for a request of ours.
    pub const fn next_seq(&mut self) -> u32 {
        self.local_seq += 1;
        self.local_seq
    }

    /// Sends the next INVITE elsewhere (302).
    pub fn redirect(&mut self, target: String) {
        self.target = target;
    }

    /// A 2xx to our INVITE: the first one makes the dialog, later ones may move its target (RFC 3261 12.1.2, 12.2.1.2).
    pub fn confirm(&mut self, answer: &Message) {
        if self.remote_tag.is_none() {
            // A peer without tag is one of RFC 2543 (RFC 3261 12.1.2).
            let tag = answer.to().and_then(|to| to.tag()).unwrap_or_default();
            self.remote_tag = Some(tag.to_vec());
            self.routes = record_route(answer);
            self.routes.reverse();
        }
        self.retarget(answer);
    }

    /// Takes the Contact of a target refresh (re-INVITE, UPDATE, their 2xx) over.
    pub fn retarget(&mut self, message: &Message) {
        let contact = message.first(HeaderName::Contact).and_then(|value| contacts(value, Strictness::Router));
        if let Some(first) = contact.as_ref().and_then(|all| all.first()) {
            self.target = String::from_utf8_lossy(first.uri().as_bytes()).into_owned();
        }
    }

    /// Whether a request of the peer belongs here (RFC 3261 12.2.2: Call-ID and both tags).
    #[must_use]
    pub fn owns_request(&self, request: &Message) -> bool {
        let tag = |addr: Option<crate::sip::value::name_addr::NameAddr<'_>>| {
            addr.and_then(|a| a.tag().map(<[u8]>::to_vec)).unwrap_or_default()
        };
        request.call_id() == Some(self.call_id.as_bytes())
            && tag(request.to()) == self.local_tag.as_bytes()
            && self.remote_tag.as_deref() == Some(tag(request.from()).as_slice())
    }

    /// Whether a response belongs here: the tag of To is ours to keep (no forking).
    #[must_use]
    pub fn owns_answer(&self, answer: &Message) -> bool {
        let tag = answer.to().and_then(|to| to.tag()).unwrap_or_default();
        self.remote_tag.as_deref().is_none_or(|known| known == tag)
    }

    /// Judges the CSeq of a request of the peer and notes it.
    pub fn accept(&mut self, number: u32) -> Sequence {
        let verdict = match self.remote_seq {
            Some(last) if number <= last => return Sequence::Old,
            Some(last) if number > last.saturating_add(1) => Sequence::Gap,
            _ => Sequence::Next,
        };
        self.remote_seq = Some(number);
        verdict
    }

    /// The Request-URI of requests in the dialog (RFC 3261 12.2.1.1).
    #[must_use]
    pub fn request_uri(&self) -> &str {
        match self.routes.first() {
            Some(first) if !first.is_loose => &first.uri,
            _ => &self.target,
        }
    }

    /// Starts a request with the given number: Via to Contact as in dossier 14. ACK and CANCEL have no Contact.
    #[must_use]
    pub fn request(&self, method: &Method, seq: u32, via: &str, contact: Option<&str>) -> Writer {
        let mut writer = Writer::request(method, self.request_uri());
        writer.header("Via", via);
        for route in self.route_values() {
            writer.header("Route", route);
        }
        writer.header("Max-Forwards", "70").header("From", format!("{};tag={}", self.local, self.local_tag));
        let mut to = self.remote.clone().into_bytes();
        if let Some(tag) = self.remote_tag.as_ref().filter(|tag| !tag.is_empty()) {
            to.extend_from_slice(b";tag=");
            to.extend_from_slice(tag);
        }
        writer.header("To", to).header("Call-ID", &self.call_id).header("CSeq", format!("{seq} {method}"));
        if let Some(contact) = contact {
            writer.header("Contact", contact);
        }
        writer
    }

    fn route_values(&self) -> Vec<String> {
        let mut values: Vec<String> = self.routes.iter().map(|r| r.value.clone()).collect();
        // A strict router takes the Request-URI, the target goes last (RFC 3261 12.2.1.1).
        if self.routes.first().is_some_and(|first| !first.is_loose) {
            values.remove(0);
            values.push(format!("<{}>", self.target));
        }
        values
    }
}

fn record_route(answer: &Message) -> Vec<Route> {
    answer
        .all(HeaderName::RecordRoute)
        .filter_map(|value| list(value, Strictness::Router))
        .flatten()
        .map(|addr| {
            let uri = String::from_utf8_lossy(addr.uri().as_bytes()).into_owned();
            let params = String::from_utf8_lossy(addr.params().as_bytes()).into_owned();
            Route { value: format!("<{uri}>{params}"), is_loose: addr.uri().params().find("lr").is_some(), uri }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;

    use super::*;
    use crate::sip::wire::parse::parse;

    fn dialog() -> Dialog {
        let own = |text: &str| text.to_owned();
        Dialog::new(own("c@h"), own("<sip:a@gw>"), own("L"), own("<sip:211@c>"), own("sip:211@c"))
    }

    fn message(text: &str) -> Message {
        parse(Bytes::from(text.replace('\n', "\r\n")), Strictness::Router).unwrap()
    }

    #[test]
    fn the_route_set_is_reversed_and_the_target_is_the_contact() {
        let mut dialog = dialog();
        dialog.confirm(&message(
            "SIP/2.0 200 OK\nTo: <sip:211@c>;tag=R\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>;x=1\nContact: sip:211@d:5062;y=2\n\n",
        ));
        let text = dialog.request(&Method::Info, 2, "V", Some("<sip:m>")).finish(b"");
        let expected = "INFO sip:211@d:5062 SIP/2.0\nVia: V\nRoute: <sip:p2;lr>;x=1\nRoute: <sip:p1;lr>\nMax-Forwards: 70\nFrom: <sip:a@gw>;tag=L\nTo: <sip:211@c>;tag=R\nCall-ID: c@h\nCSeq: 2 INFO\nContact: <sip:m>\nContent-Length: 0\n\n";
        assert_eq!(text, expected.replace('\n', "\r\n"));
    }

    #[test]
    fn a_strict_router_gets_the_request_uri() {
        let mut dialog = dialog();
        dialog
            .confirm(&message("SIP/2.0 200 OK\nTo: <sip:211@c>;tag=R\nRecord-Route: <sip:old>\nContact: <sip:t>\n\n"));
        let text = dialog.request(&Method::Bye, 2, "V", None).finish(b"");
        assert!(text.starts_with(b"BYE sip:old SIP/2.0\r\nVia: V\r\nRoute: <sip:t>\r\n"));
    }

    #[test]
    fn sequence_numbers_of_the_peer() {
        let mut dialog = dialog();
        let verdicts = [101, 102, 104, 104, 100, 105].map(|n| dialog.accept(n));
        use Sequence::{Gap, Next, Old};
        assert_eq!(verdicts, [Next, Next, Gap, Old, Old, Next]);
    }

    #[test]
    fn both_tags_and_the_call_id_have_to_fit() {
        let mut dialog = dialog();
        dialog.confirm(&message("SIP/2.0 200 OK\nTo: <sip:211@c>;tag=R\n\n"));
        let request = |from: &str, to: &str, id: &str| {
            message(&format!(
                "INFO sip:a SIP/2.0\nFrom: <sip:211@c>;tag={from}\nTo: <sip:a@gw>;tag={to}\nCall-ID: {id}\n\n"
            ))
        };
        assert!(dialog.owns_request(&request("R", "L", "c@h")));
        assert!(!dialog.owns_request(&request("r", "L", "c@h")));
        assert!(!dialog.owns_request(&request("R", "l", "c@h")));
        assert!(!dialog.owns_request(&request("R", "L", "C@h")));
    }
}
