//! A message as headers in order, names expanded and folds undone, so that the SIP library behind it meets nothing that it does not know.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rsip::headers::ToTypedHeader;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    Request { method: String, uri: String },
    Response { status: u16 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) start: Start,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// As it came.
    pub(crate) raw: Vec<u8>,
}

impl Message {
    /// The first header of a name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All headers of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.header(name).unwrap_or("").to_owned()
    }

    pub(crate) fn method(&self) -> &str {
        match &self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => self.cseq().map_or("", |(_, method)| method),
        }
    }

    pub(crate) fn cseq(&self) -> Option<(u32, &str)> {
        let (number, method) = self.header("CSeq")?.trim().split_once(' ')?;
        Some((number.parse().ok()?, method.trim()))
    }

    /// Branch of the top Via.
    pub(crate) fn branch(&self) -> Option<&str> {
        parameter(self.header("Via")?.split(',').next()?, "branch")
    }

    pub(crate) fn tag_of_from(&self) -> Option<&str> {
        self.header("From").and_then(|value| parameter(value, "tag"))
    }

    pub(crate) fn tag_of_to(&self) -> Option<&str> {
        self.header("To").and_then(|value| parameter(value, "tag"))
    }

    /// Number of seconds in a header such as `Expires` or `Session-Expires`.
    pub(crate) fn seconds(&self, name: &str) -> Option<u32> {
        self.header(name)?.split(';').next()?.trim().parse().ok()
    }

    /// What the SIP library says against this message, if anything.
    pub(crate) fn library_complaint(&self) -> Option<String> {
        // It knows no IPv6, which is its own fault.
        if ["From", "To", "Via", "Contact"]
            .iter()
            .any(|name| self.header(name).is_some_and(|value| value.contains('[')))
        {
            return None;
        }
        let mut text = match &self.start {
            Start::Request { method, uri } => format!("{method} {uri} SIP/2.0\r\n"),
            Start::Response { status } => format!("SIP/2.0 {status} Answer\r\n"),
        };
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        // The library is not hardened; a panic of it is a complaint like any other.
        catch_unwind(AssertUnwindSafe(|| complaint(&text)))
            .unwrap_or_else(|_| Some("the SIP library panicked".to_owned()))
    }
}

fn complaint(text: &str) -> Option<String> {
    let parsed = match rsip::SipMessage::try_from(text) {
        Ok(parsed) => parsed,
        Err(error) => return Some(error.to_string()),
    };
    let headers: rsip::Headers = match parsed {
        rsip::SipMessage::Request(request) => request.headers,
        rsip::SipMessage::Response(response) => response.headers,
    };
    for header in headers.iter() {
        let failed = match header {
            rsip::Header::From(from) => from.typed().err().map(|error| format!("From: {error}")),
            rsip::Header::To(to) => to.typed().err().map(|error| format!("To: {error}")),
            rsip::Header::CSeq(cseq) => cseq.typed().err().map(|error| format!("CSeq: {error}")),
            rsip::Header::Via(via) => via.typed().err().map(|error| format!("Via: {error}")),
            _ => None,
        };
        if failed.is_some() {
            return failed;
        }
    }
    None
}

/// A parameter behind a header value's `<…>` part.
pub(crate) fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let rest = match value.rfind('>') {
        Some(at) => value.get(at + 1..)?,
        None => value,
    };
    rest.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Reads the lines of a head (without the empty line at its end).
///
/// # Errors
/// A sentence.
pub(crate) fn parse_head(bytes: &[u8]) -> Result<(Start, Vec<(String, String)>), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the head is not UTF-8".to_owned())?;
    let mut lines = text.split("\r\n");
    let start = parse_start(lines.next().unwrap_or(""))?;
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            match headers.last_mut() {
                Some((_, value)) => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                None => return Err("the first header line begins with a blank".to_owned()),
            }
            continue;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| format!("a header line without a colon: `{line}`"))?;
        let name = name.trim_end();
        if name.is_empty() || name.contains(|c: char| c.is_whitespace()) || value.contains(['\r', '\n', '\0']) {
            return Err(format!("a malformed header line: `{line}`"));
        }
        headers.push((expand(name), value.trim().to_owned()));
    }
    Ok((start, headers))
}

fn parse_start(line: &str) -> Result<Start, String> {
    let wrong = || format!("not a SIP start line: `{line}`");
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        let status = rest.get(..3).and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
        return Ok(Start::Response { status });
    }
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        [method, uri, "SIP/2.0"]
            if !method.is_empty() && method.chars().all(|c| c.is_ascii_graphic()) && !uri.is_empty() =>
        {
            Ok(Start::Request { method: (*method).to_owned(), uri: (*uri).to_owned() })
        }
        _ => Err(wrong()),
    }
}

/// Compact names in their long form.
fn expand(name: &str) -> String {
    let long = match name.to_ascii_lowercase().as_str() {
        "a" => "Accept-Contact",
        "b" => "Referred-By",
        "c" => "Content-Type",
        "e" => "Content-Encoding",
        "f" => "From",
        "i" => "Call-ID",
        "k" => "Supported",
        "l" => "Content-Length",
        "m" => "Contact",
        "o" => "Event",
        "r" => "Refer-To",
        "s" => "Subject",
        "t" => "To",
        "u" => "Allow-Events",
        "v" => "Via",
        "x" => "Session-Expires",
        _ => return name.to_owned(),
    };
    long.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    pub(crate) fn message(text: &str) -> Message {
        let (start, headers) = parse_head(text.as_bytes()).unwrap();
        Message { start, headers, body: Vec::new(), raw: Vec::new() }
    }

    #[test]
    fn folds_and_compact_names_are_undone() {
        let one = message(
            "INFO sip:a@b SIP/2.0\r\nv: SIP/2.0/TCP h;branch=z9hG4bKx\r\nf: \"A;tag=no\" <sip:a@b;tag=no>;tag=yes\r\nSubject: one\r\n two",
        );
        assert_eq!(one.branch(), Some("z9hG4bKx"));
        assert_eq!(one.tag_of_from(), Some("yes"));
        assert_eq!(one.header("subject"), Some("one two"));
    }

    #[test]
    fn the_library_has_nothing_against_a_good_message() {
        let good = message(
            "INVITE sip:211@192.0.2.10:5060;transport=tcp SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.50:5070;branch=z9hG4bK-7f20;rport\r\nMax-Forwards: 70\r\nFrom: \"cti-gateway\" <sip:211_0A1B2C3D4E5F@csta-gw>;tag=L211-1\r\nTo: <sip:211@192.0.2.10>\r\nCall-ID: L211-8d2f@192.0.2.50\r\nCSeq: 1 INVITE\r\nContact: <sip:211_0A1B2C3D4E5F@192.0.2.50:5070;transport=tcp>\r\nAllow: INVITE, ACK, BYE, CANCEL, INFO, OPTIONS, UPDATE, NOTIFY\r\nSession-Expires: 1800;refresher=uac\r\nContent-Length: 0",
        );
        assert_eq!(good.library_complaint(), None);
        let bad = message("INVITE sip:a@b SIP/2.0\r\nVia: nonsense\r\nCSeq: x INVITE");
        assert!(bad.library_complaint().is_some());
    }

    proptest::proptest! {
        #[test]
        fn no_head_makes_the_library_panic_through(text in "(INVITE|SIP/2.0| |:|;|=|<|>|\"|\r\n|From|Via|CSeq|sip|@|[a-z0-9]){0,40}") {
            if let Ok((start, headers)) = parse_head(text.as_bytes()) {
                let message = Message { start, headers, body: Vec::new(), raw: Vec::new() };
                let _ = message.library_complaint();
                let _ = (message.branch(), message.cseq(), message.tag_of_from());
            }
        }
    }
}
