//! From the bytes of one message to a [`Message`].

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;

use super::frame::body_length;
use super::headers::{Field, HeaderName, next_line};
use super::lexer::{Lexer, decimal, is_token_byte};
use super::message::{Message, StartLine};
use super::{BODY_LIMIT, HEAD_LIMIT, HEADER_LIMIT};
use crate::sip::error::{FrameErrorKind, ParseError};
use crate::sip::method::Method;
use crate::sip::strictness::{Leniency, Strictness};
use crate::sip::value::grammar::is_valid;
use crate::sip::value::uri::Uri;

/// Parses one whole message: what the framer cut, or one datagram.
///
/// Octets beyond Content-Length are cut off, as in a datagram (RFC 3261 18.3); without Content-Length the rest is the body.
/// Headers that a message needs but does not have are left to [`Message::required`].
///
/// # Errors
/// [`ParseError`] when the message cannot be taken under this strictness.
pub fn parse(bytes: Bytes, strictness: Strictness) -> Result<Message, ParseError> {
    let message = scan(bytes, strictness)?;
    check(&message)?;
    Ok(message)
}

/// What can be saved of a request that [`parse`] refuses, for a 400: its header table, if the first line looks like a request at all.
#[must_use]
pub fn salvage(bytes: Bytes) -> Option<Message> {
    let head_end = memmem::find(&bytes, b"\r\n\r\n")? + 4;
    let line_end = memmem::find(&bytes, b"\r\n")?;
    let line = bytes.get(..line_end)?;
    if line.len() >= 4 && line.get(..4)?.eq_ignore_ascii_case(b"SIP/") {
        return None;
    }
    let method = Lexer::new(line).token().map_or_else(|| Method::Other("?".into()), Method::from_token);
    let fields = table(&bytes, line_end + 2, head_end, Strictness::Router).ok()?;
    let message = Message {
        start: StartLine::Request { method, uri: 0..0 },
        fields,
        body: head_end..head_end,
        strictness: Strictness::Router,
        raw: bytes,
    };
    message.via().is_some().then_some(message)
}

fn scan(bytes: Bytes, strictness: Strictness) -> Result<Message, ParseError> {
    let head_end = memmem::find(&bytes, b"\r\n\r\n").ok_or(ParseError::Unfinished)? + 4;
    if head_end > HEAD_LIMIT {
        return Err(ParseError::HeadTooLong);
    }
    let line_end = memmem::find(&bytes, b"\r\n").ok_or(ParseError::Unfinished)?;
    let start = start_line(bytes.get(..line_end).unwrap_or_default(), strictness)?;
    let fields = table(&bytes, line_end + 2, head_end, strictness)?;
    let mut message = Message { raw: bytes, start, fields, body: 0..0, strictness };
    message.body = body_range(&message, head_end)?;
    Ok(message)
}

fn start_line(line: &[u8], strictness: Strictness) -> Result<StartLine, ParseError> {
    let trimmed = if strictness.forgives(Leniency::BlanksInStartLine) { line.trim_ascii_end() } else { line };
    if line.get(..4).is_some_and(|v| v.eq_ignore_ascii_case(b"SIP/")) {
        return status_line(line, strictness);
    }
    let mut lexer = Lexer::new(trimmed);
    let method = lexer.token().ok_or(ParseError::StartLine)?;
    blank(&mut lexer, strictness)?;
    let from = lexer.at();
    let uri = lexer.take_while(|b| b != b' ' && b != b'\t');
    let uri_range = from..lexer.at();
    blank(&mut lexer, strictness)?;
    version(lexer.rest())?;
    let parsed = Uri::parse(uri, strictness).ok_or(ParseError::RequestUri)?;
    // RFC 3261 19.1.1: no headers in a Request-URI.
    if parsed.headers().is_some() && strictness == Strictness::Rfc {
        return Err(ParseError::RequestUri);
    }
    Ok(StartLine::Request { method: Method::from_token(method), uri: uri_range })
}

fn status_line(line: &[u8], strictness: Strictness) -> Result<StartLine, ParseError> {
    let mut lexer = Lexer::new(line);
    version(lexer.take_while(|b| b != b' '))?;
    blank(&mut lexer, strictness)?;
    let digits = lexer.take_while(|b| b.is_ascii_digit());
    let code = decimal(digits)
        .filter(|code| digits.len() == 3 && (100..700).contains(code))
        .and_then(|code| u16::try_from(code).ok())
        .ok_or(ParseError::StatusCode)?;
    let bare = lexer.is_at_end() && strictness.forgives(Leniency::ReasonMissing);
    if !(lexer.eat(b' ') || bare) {
        return Err(ParseError::StartLine);
    }
    Ok(StartLine::Status { code, reason: lexer.at()..line.len() })
}

/// One SP between the parts of a start line (RFC 3261 7.1).
fn blank(lexer: &mut Lexer<'_>, strictness: Strictness) -> Result<(), ParseError> {
    if !lexer.eat(b' ') {
        return Err(ParseError::StartLine);
    }
    if strictness.forgives(Leniency::BlanksInStartLine) {
        lexer.take_while(|b| b == b' ');
    }
    Ok(())
}

fn version(text: &[u8]) -> Result<(), ParseError> {
    if text.eq_ignore_ascii_case(b"SIP/2.0") {
        return Ok(());
    }
    let mut lexer = Lexer::new(text);
    let name = lexer.take_while(|b| b.is_ascii_alphabetic());
    let numbers =
        lexer.eat(b'/') && lexer.number().is_some() && lexer.eat(b'.') && lexer.number().is_some() && lexer.is_at_end();
    if name.eq_ignore_ascii_case(b"SIP") && numbers { Err(ParseError::Version) } else { Err(ParseError::StartLine) }
}

/// The header fields between the start line and the empty line.
fn table(bytes: &[u8], from: usize, head_end: usize, strictness: Strictness) -> Result<Vec<Field>, ParseError> {
    let head = bytes.get(..head_end - 2).unwrap_or_default();
    let mut fields = Vec::with_capacity(20);
    let mut at = from;
    while at < head.len() {
        let line = next_line(head, at);
        match line.fields {
            Some((name, value)) => {
                if fields.len() >= HEADER_LIMIT {
                    return Err(ParseError::TooManyHeaders);
                }
                let id = HeaderName::from_bytes(head.get(name.0..name.1).unwrap_or_default());
                fields.push(Field { id, name: span(name), value: span(value) });
            }
            None if strictness.forgives(Leniency::OddHeaderLine) => {}
            None => return Err(ParseError::HeaderLine { at }),
        }
        at = line.next.max(at + 1);
    }
    Ok(fields)
}

/// Offsets within a head fit: it is at most 64 KiB (anything longer was refused before).
fn span(range: (usize, usize)) -> (u32, u32) {
    let fit = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    (fit(range.0), fit(range.1))
}

fn body_range(message: &Message, head_end: usize) -> Result<Range<usize>, ParseError> {
    let name = HeaderName::ContentLength;
    let mut lengths = message.fields.iter().filter(|field| field.id == name);
    let Some(field) = lengths.next() else {
        let rest = message.raw.len() - head_end;
        if rest > BODY_LIMIT {
            return Err(ParseError::BodyTooLong);
        }
        return Ok(head_end..message.raw.len());
    };
    let read = |field: &Field| {
        let digits = message.raw.get(field.value.0 as usize..field.value.1 as usize).unwrap_or_default();
        body_length(digits).map_err(|kind| match kind {
            FrameErrorKind::BodyTooLong => ParseError::BodyTooLong,
            _ => ParseError::Header { name, at: field.value.0 as usize },
        })
    };
    let length = read(field)?;
    for other in lengths {
        read(other)?;
    }
    let end = head_end.checked_add(length).ok_or(ParseError::BodyTooLong)?;
    if end > message.raw.len() {
        return Err(ParseError::BodyTooShort);
    }
    Ok(head_end..end)
}

/// Holds every header that counts to its grammar.
fn check(message: &Message) -> Result<(), ParseError> {
    let strictness = message.strictness;
    let every = !strictness.forgives(Leniency::BadOptionalHeader);
    for field in &message.fields {
        if !(every || field.id.is_critical()) {
            continue;
        }
        let (from, to) = (field.value.0 as usize, field.value.1 as usize);
        let value = message.raw.get(from..to).unwrap_or_default();
        if !is_valid(field.id, value, strictness) {
            return Err(ParseError::Header { name: field.id, at: from });
        }
        if field.id == HeaderName::CSeq
            && let (StartLine::Request { method, .. }, Some(token)) =
                (&message.start, value.rsplit(|b| !is_token_byte(*b)).next())
            && method.as_str().as_bytes() != token
        {
            return Err(ParseError::MethodMismatch);
        }
    }
    Ok(())
}
