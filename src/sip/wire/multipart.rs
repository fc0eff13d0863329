//! Multipart bodies (RFC 2046 5.1, RFC 5621): only to find the CSTA part.

use bytes::Bytes;
use memchr::memmem;

use super::headers::{HeaderName, next_line};
use super::message::Message;
use crate::sip::value::content::ContentType;

/// Multiparts inside multiparts are followed this deep.
const DEPTH_LIMIT: usize = 4;
/// Parts beyond this number are not looked at.
const PART_LIMIT: usize = 64;

/// A body and its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Content-Type as received.
    pub content_type: String,
    /// The content; shares the buffer of the message.
    pub data: Bytes,
}

/// The CSTA body of a message: the body itself, or the CSTA part of a multipart. `None` when there is none.
#[must_use]
pub fn csta_part(message: &Message) -> Option<Part> {
    let value = message.first(HeaderName::ContentType)?;
    find(value, message.body(), DEPTH_LIMIT)
}

fn find(value: &[u8], data: Bytes, depth: usize) -> Option<Part> {
    let kind = ContentType::parse(value)?;
    if kind.is_csta() {
        let content_type = super::message::unfold(value).into_owned();
        return (!data.is_empty()).then_some(Part { content_type, data });
    }
    if !kind.is_multipart() || depth == 0 {
        return None;
    }
    parts(&data, &kind.boundary()?).into_iter().find_map(|(value, part)| find(&value, part, depth - 1))
}

/// Content-Type and content of each part that has a type.
fn parts(data: &Bytes, boundary: &str) -> Vec<(Bytes, Bytes)> {
    let delimiter = format!("--{boundary}");
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    for at in finder.find_iter(data).take(PART_LIMIT) {
        // A delimiter stands at the start of a line.
        if at > 0 && data.get(at - 1) != Some(&b'\n') {
            continue;
        }
        if let Some(start) = open {
            let end = at.saturating_sub(2).max(start);
            found.extend(part(data, start, end));
        }
        let after = at + delimiter.len();
        if data.get(after..after + 2) == Some(b"--") {
            return found;
        }
        open = memchr::memchr(b'\n', data.get(after..).unwrap_or_default()).map(|lf| after + lf + 1);
    }
    // The closing delimiter is missing: the last part still counts.
    if let Some(start) = open {
        found.extend(part(data, start, data.len()));
    }
    found
}

fn part(data: &Bytes, start: usize, end: usize) -> Option<(Bytes, Bytes)> {
    let bytes = data.get(..end)?;
    let mut at = start;
    let mut kind = None;
    while at < end {
        if bytes.get(at..at + 2) == Some(b"\r\n") {
            return Some((kind?, data.slice(at + 2..end)));
        }
        let line = next_line(bytes, at);
        if let Some((name, value)) = line.fields
            && HeaderName::from_bytes(bytes.get(name.0..name.1)?) == HeaderName::ContentType
            && value.1 > value.0
        {
            kind = Some(data.slice(value.0..value.1));
        }
        at = line.next.max(at + 1);
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sip::strictness::Strictness;
    use crate::sip::wire::parse::parse;

    fn body_of(kind: &str, body: &str) -> Option<Part> {
        let text =
            format!("INFO sip:a@b SIP/2.0\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        csta_part(&parse(Bytes::from(text), Strictness::Router).unwrap())
    }

    #[test]
    fn the_csta_part_is_found_between_others() {
        let body = "preamble\r\n--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x\r\nc: application/CSTA+xml;a=b\r\nContent-ID: 1\r\n\r\n<A/>\r\n--x--\r\nrest";
        let part = body_of("multipart/mixed;boundary=\"x\"", body).unwrap();
        assert_eq!(&part.data[..], b"<A/>");
        assert_eq!(part.content_type, "application/CSTA+xml;a=b");
    }

    #[test]
    fn a_plain_body_is_itself_and_others_are_none() {
        assert_eq!(&body_of("application/csta+xml", "<A/>").unwrap().data[..], b"<A/>");
        assert!(body_of("application/sdp", "v=0").is_none());
        assert!(body_of("multipart/mixed", "--x").is_none());
        assert!(body_of("multipart/mixed;boundary=x", "--x\r\n\r\n--x--").is_none());
    }
}
