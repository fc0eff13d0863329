//! Writing messages: start line, header lines, Content-Length always, CRLF line ends.

use bytes::{BufMut, Bytes, BytesMut};

use crate::sip::method::Method;

/// A message being written. Values are cleaned of line ends, so that no value can add a header.
#[derive(Debug)]
pub struct Writer {
    out: BytesMut,
}

impl Writer {
    /// Starts a request.
    #[must_use]
    pub fn request(method: &Method, uri: &str) -> Self {
        let mut writer = Self::with_room();
        writer.push(method.as_str().as_bytes());
        writer.push(b" ");
        writer.push_clean(uri.as_bytes());
        writer.push(b" SIP/2.0\r\n");
        writer
    }

    /// Starts a response.
    #[must_use]
    pub fn response(status: u16) -> Self {
        let mut writer = Self::with_room();
        writer.push(b"SIP/2.0 ");
        writer.push_number(u64::from(status));
        writer.push(b" ");
        writer.push(reason(status).as_bytes());
        writer.push(b"\r\n");
        writer
    }

    fn with_room() -> Self {
        Self { out: BytesMut::with_capacity(1024) }
    }

    /// Adds a header line.
    pub fn header(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.push_clean(name.as_bytes());
        self.push(b": ");
        self.push_clean(value.as_ref());
        self.push(b"\r\n");
        self
    }

    /// Adds a header line with a number.
    pub fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.push(name.as_bytes());
        self.push(b": ");
        self.push_number(value);
        self.push(b"\r\n");
        self
    }

    /// Ends the head with Content-Length and adds the body.
    #[must_use]
    pub fn finish(mut self, body: &[u8]) -> Bytes {
        self.number("Content-Length", u64::try_from(body.len()).unwrap_or(0));
        self.push(b"\r\n");
        self.push(body);
        self.out.freeze()
    }

    fn push(&mut self, bytes: &[u8]) {
        self.out.put_slice(bytes);
    }

    fn push_clean(&mut self, bytes: &[u8]) {
        if memchr::memchr2(b'\r', b'\n', bytes).is_none() {
            self.push(bytes);
            return;
        }
        // A fold of the peer becomes one blank, and nothing else survives of a line end.
        for (index, line) in bytes.split(|b| matches!(b, b'\r' | b'\n')).enumerate() {
            let line = line.trim_ascii();
            if index > 0 && !line.is_empty() {
                self.push(b" ");
            }
            self.push(line);
        }
    }

    fn push_number(&mut self, mut value: u64) {
        let mut digits = [0_u8; 20];
        let mut used = 0;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' + u8::try_from(value % 10).unwrap_or(0);
            value /= 10;
            used += 1;
            if value == 0 {
                break;
            }
        }
        let digits = digits.get(20 - used..).unwrap_or_default();
        self.out.put_slice(digits);
    }
}

/// A quoted string (RFC 3261 25.1): quotes and backslashes escaped, control characters left out.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// The reason phrase of a status (RFC 3261 21 and the registry).
#[must_use]
pub const fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        202 => "Accepted",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        422 => "Session Interval Too Small",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        603 => "Decline",
        _ => class(status),
    }
}

/// What the first digit of a status says.
const fn class(status: u16) -> &'static str {
    match status / 100 {
        2 => "OK",
        3 => "Redirection",
        4 => "Request Failure",
        5 => "Server Failure",
        6 => "Global Failure",
        _ => "Progress",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_as_in_the_dossier() {
        let mut writer = Writer::response(200);
        writer.header("Call-ID", "L211-8d2f@192.0.2.50").header("CSeq", "101 INFO");
        let text = b"SIP/2.0 200 OK\r\nCall-ID: L211-8d2f@192.0.2.50\r\nCSeq: 101 INFO\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(&writer.finish(b"")[..], &text[..]);
    }

    #[test]
    fn no_value_adds_a_header() {
        let mut writer = Writer::request(&Method::Info, "sip:a@b\r\nX: y");
        writer.header("Subject", "a\r\n b\r\nEvil: yes");
        let text = writer.finish(b"<A/>");
        assert_eq!(&text[..], b"INFO sip:a@b X: y SIP/2.0\r\nSubject: a b Evil: yes\r\nContent-Length: 4\r\n\r\n<A/>");
    }

    #[test]
    fn display_names_are_quoted() {
        assert_eq!(quote("a\"b\\c\n"), "\"a\\\"b\\\\c\"");
    }
}
