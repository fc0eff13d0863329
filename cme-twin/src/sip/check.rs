//! The rules of SIP that every message of a client must keep, whatever it is about.

use super::message::{Message, Start};
use super::uri;

/// Methods that the router knows.
const METHODS: &[&str] = &[
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "INFO",
    "OPTIONS",
    "REGISTER",
    "UPDATE",
    "PRACK",
    "SUBSCRIBE",
    "NOTIFY",
    "REFER",
    "MESSAGE",
];

/// What is wrong with a message by itself: rule and sentence.
pub(crate) fn remarks(message: &Message) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut say = |rule: &'static str, text: String| found.push((rule, text));
    for name in ["From", "To", "Call-ID", "CSeq", "Via"] {
        match message.all(name).count() {
            0 => say("sip.header", format!("{name} is missing")),
            1 => {}
            _ if name == "Via" => {}
            _ => say("sip.header", format!("{name} is there twice")),
        }
    }
    match message.cseq() {
        None => say("sip.cseq", "CSeq is not a number and a method".to_owned()),
        Some((number, _)) if number > 0x7FFF_FFFF => say("sip.cseq", format!("CSeq {number} is above 2^31")),
        Some(_) => {}
    }
    if message.tag_of_from().is_none_or(str::is_empty) {
        say("sip.from_tag", "From has no tag".to_owned());
    }
    let via = message.text("Via");
    if !via.to_ascii_uppercase().starts_with("SIP/2.0/TCP") {
        say("sip.via", format!("the transport of Via is not TCP: `{via}`"));
    }
    if !message.branch().is_some_and(|branch| branch.starts_with("z9hG4bK") && branch.len() > 7) {
        say("sip.branch", "the branch of Via does not begin with z9hG4bK".to_owned());
    }
    if !message.body.is_empty() {
        body(message, &mut say);
    }
    if let Start::Request { method, uri } = &message.start {
        request(message, method, uri, &mut say);
    }
    if let Some(text) = message.library_complaint() {
        say("sip.library", format!("the SIP library cannot read it: {text}"));
    }
    found
}

fn request(message: &Message, method: &str, target: &str, say: &mut impl FnMut(&'static str, String)) {
    if !METHODS.contains(&method) {
        say("sip.method", format!("the method {method} is unknown"));
    }
    if message.cseq().is_some_and(|(_, named)| named != method) {
        say("sip.cseq", format!("CSeq names another method than {method}"));
    }
    match message.header("Max-Forwards").map(|text| text.trim().parse::<u32>()) {
        None => say("sip.max_forwards", "Max-Forwards is missing".to_owned()),
        Some(Ok(count)) if count <= 255 => {}
        Some(_) => say("sip.max_forwards", "Max-Forwards is not a number up to 255".to_owned()),
    }
    if !target.to_ascii_lowercase().starts_with("sip:") {
        say("sip.uri", format!("the request URI `{target}` is not a SIP URI"));
    }
    let contact = message.header("Contact");
    match (method, contact) {
        ("INVITE", None) => say("sip.contact", format!("{method} needs a Contact")),
        ("INVITE" | "REGISTER", Some(value)) if value != "*" && uri::address(uri::of_header(value)).is_none() => {
            say("sip.contact", format!("nobody can connect to the Contact `{value}`"));
        }
        _ => {}
    }
    let needs_tag = matches!(method, "ACK" | "BYE" | "INFO" | "UPDATE");
    if needs_tag && message.tag_of_to().is_none_or(str::is_empty) {
        say("sip.to_tag", format!("{method} without a tag in To"));
    }
    if matches!(method, "INVITE" | "INFO") && message.body.is_empty() {
        say("csta.body", format!("{method} without a body"));
    }
    if matches!(method, "ACK" | "BYE" | "REGISTER" | "OPTIONS") && !message.body.is_empty() {
        say("sip.body", format!("{method} with a body"));
    }
}

fn body(message: &Message, say: &mut impl FnMut(&'static str, String)) {
    if !is_csta(message) {
        say("csta.content_type", format!("Content-Type is `{}`", message.text("Content-Type")));
        return;
    }
    let disposition: String =
        message.text("Content-Disposition").to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    if disposition != "signal;handling=required" {
        say("csta.disposition", format!("Content-Disposition is `{}`", message.text("Content-Disposition")));
    }
}

/// Whether the body is said to be CSTA.
pub(crate) fn is_csta(message: &Message) -> bool {
    let kind = message.text("Content-Type").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind == "application/csta+xml" || kind == "application/cstadata+xml"
}
