//! Cutting a TCP stream into messages (RFC 3261 18.3). Finding the end of a message and understanding it are two things.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

use super::headers::{HeaderName, next_line};
use super::{BODY_LIMIT, HEAD_LIMIT, HEADER_LIMIT};
use crate::sip::error::FrameErrorKind;

/// One thing found on the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// A whole message: head, empty line, body.
    Message(Bytes),
    /// A double CRLF between messages: answer with one CRLF (RFC 5626 4.4.1).
    Ping,
    /// A single CRLF between messages: the answer to a ping, or nothing at all.
    Pong,
}

/// Framing is lost: nothing after this can be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameError {
    /// Why.
    pub kind: FrameErrorKind,
    /// The head of the message at fault, when it was complete: good enough for a 400.
    pub head: Option<Bytes>,
}

/// Collects octets and gives out frames. Each octet is looked at a bounded number of times, however small the pieces.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: BytesMut,
    /// No end of head before this offset.
    scanned: usize,
    /// Length of the message in front, once its head is known.
    wanted: Option<usize>,
    /// A lone CRLF was given out as pong; a second one right after makes both a ping.
    half_ping: bool,
    lost: Option<FrameErrorKind>,
}

impl Framer {
    /// A framer at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds octets. Without copy when nothing waits and the octets are not shared.
    pub fn feed(&mut self, data: Bytes) {
        if self.lost.is_some() {
            return;
        }
        if self.buffer.is_empty() {
            self.buffer = BytesMut::from(data);
        } else {
            self.buffer.extend_from_slice(&data);
        }
    }

    /// Octets that wait for more.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// The next frame, `None` when more octets are needed.
    ///
    /// # Errors
    /// [`FrameError`] when framing is lost; then always.
    pub fn take(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(kind) = self.lost {
            return Err(FrameError { kind, head: None });
        }
        if let Some(frame) = self.keep_alive() {
            return Ok(Some(frame));
        }
        // Half of a CRLF is no beginning of a head yet.
        if self.buffer.get(..) == Some(b"\r") {
            return Ok(None);
        }
        let wanted = match self.wanted {
            Some(wanted) => wanted,
            None => match self.measure() {
                Ok(Some(wanted)) => wanted,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.lost = Some(error.kind);
                    self.buffer.clear();
                    return Err(error);
                }
            },
        };
        self.wanted = Some(wanted);
        if self.buffer.len() < wanted {
            return Ok(None);
        }
        self.wanted = None;
        self.scanned = 0;
        Ok(Some(Frame::Message(self.buffer.split_to(wanted).freeze())))
    }

    /// The pong just taken answers a ping of ours: it is not the first half of a ping of the peer.
    pub const fn expected_pong(&mut self) {
        self.half_ping = false;
    }

    /// CRLF between messages (RFC 3261 7.5, RFC 5626 3.5.1).
    fn keep_alive(&mut self) -> Option<Frame> {
        if self.wanted.is_some() || self.scanned > 0 {
            return None;
        }
        let frame = match self.buffer.get(..2)? {
            b"\r\n" if std::mem::take(&mut self.half_ping) => Frame::Ping,
            b"\r\n" if self.buffer.get(2..4) == Some(b"\r\n") => {
                self.buffer.advance(2);
                Frame::Ping
            }
            b"\r\n" => {
                // More may follow in the next piece: only then it was the first half of a ping.
                self.half_ping = self.buffer.len() <= 3;
                Frame::Pong
            }
            _ => {
                self.half_ping = false;
                return None;
            }
        };
        self.buffer.advance(2);
        Some(frame)
    }

    /// The length of the message in front.
    fn measure(&mut self) -> Result<Option<usize>, FrameError> {
        let from = self.scanned.saturating_sub(3);
        let window = self.buffer.get(from..).unwrap_or_default();
        let lost = |kind| FrameError { kind, head: None };
        let Some(found) = memmem::find(window, b"\r\n\r\n") else {
            self.scanned = self.buffer.len();
            if self.scanned > HEAD_LIMIT {
                return Err(lost(FrameErrorKind::HeadTooLong));
            }
            return Ok(None);
        };
        let head_len = from + found + 4;
        if head_len > HEAD_LIMIT {
            return Err(lost(FrameErrorKind::HeadTooLong));
        }
        let head = self.buffer.get(..head_len).unwrap_or_default();
        let length = content_length(head)
            .and_then(|length| length.ok_or(FrameErrorKind::LengthMissing))
            .map_err(|kind| FrameError { kind, head: Some(Bytes::copy_from_slice(head)) })?;
        // Both are capped far below the limits of usize; checked all the same.
        let total = head_len.checked_add(length).ok_or_else(|| lost(FrameErrorKind::BodyTooLong))?;
        Ok(Some(total))
    }
}

/// The one Content-Length of a head that ends with an empty line; `None` when there is none.
/// Decimal digits, one value or equal ones, at most [`BODY_LIMIT`].
pub(super) fn content_length(head: &[u8]) -> Result<Option<usize>, FrameErrorKind> {
    // The start line is no header.
    let mut at = memchr::memchr(b'\n', head).map_or(head.len(), |lf| lf + 1);
    let mut length = None;
    let mut count = 0_usize;
    while at + 2 < head.len() {
        count += 1;
        if count > HEADER_LIMIT {
            return Err(FrameErrorKind::TooManyHeaders);
        }
        // Only two letters can begin the name: everything else is passed over line by line.
        if !matches!(head.get(at), Some(b'c' | b'C' | b'l' | b'L')) {
            at += memchr::memchr(b'\n', head.get(at..).unwrap_or_default()).map_or(head.len(), |lf| lf + 1);
            continue;
        }
        let line = next_line(head, at);
        at = line.next;
        let Some((name, value)) = line.fields else {
            continue;
        };
        let name = head.get(name.0..name.1).unwrap_or_default();
        if HeaderName::from_bytes(name) != HeaderName::ContentLength {
            continue;
        }
        let digits = head.get(value.0..value.1).unwrap_or_default();
        let value = body_length(digits)?;
        if length.is_some_and(|known| known != value) {
            return Err(FrameErrorKind::LengthAmbiguous);
        }
        length = Some(value);
    }
    Ok(length)
}

/// A body length within the limit.
pub(super) fn body_length(digits: &[u8]) -> Result<usize, FrameErrorKind> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(FrameErrorKind::LengthMalformed);
    }
    super::lexer::decimal(digits)
        .and_then(|value| usize::try_from(value).ok())
        .filter(|value| *value <= BODY_LIMIT)
        .ok_or(FrameErrorKind::BodyTooLong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const INFO: &[u8] = b"INFO sip:a@b SIP/2.0\r\nContent-Length \t:\r\n 5\r\nX: l: 9\r\n\r\nhello";

    fn frames(framer: &mut Framer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.take().unwrap()).collect()
    }

    fn one_by_one(bytes: &[u8]) -> Vec<Frame> {
        let mut framer = Framer::new();
        let mut all = Vec::new();
        for byte in bytes {
            framer.feed(Bytes::copy_from_slice(&[*byte]));
            all.append(&mut frames(&mut framer));
        }
        all
    }

    fn failure(bytes: &[u8]) -> FrameErrorKind {
        let mut framer = Framer::new();
        framer.feed(Bytes::copy_from_slice(bytes));
        framer.take().unwrap_err().kind
    }

    #[test]
    fn coalesced_and_split_at_any_byte_are_the_same() {
        let twice = [INFO, INFO].concat();
        let mut framer = Framer::new();
        framer.feed(Bytes::from(twice.clone()));
        let whole = frames(&mut framer);
        assert_eq!(whole, one_by_one(&twice));
        assert_eq!(whole, vec![Frame::Message(Bytes::from_static(INFO)), Frame::Message(Bytes::from_static(INFO))]);
        for cut in 0..twice.len() {
            let mut framer = Framer::new();
            framer.feed(Bytes::copy_from_slice(&twice[..cut]));
            let mut all = frames(&mut framer);
            framer.feed(Bytes::copy_from_slice(&twice[cut..]));
            all.append(&mut frames(&mut framer));
            assert_eq!(all, whole, "cut at {cut}");
        }
    }

    #[test]
    fn pings_between_messages_are_seen_and_cost_nothing() {
        let mut framer = Framer::new();
        framer.feed(Bytes::from([b"\r\n\r\n", INFO, b"\r\n", INFO].concat()));
        let kinds = frames(&mut framer);
        assert_eq!(kinds.len(), 4);
        assert_eq!(kinds[0], Frame::Ping);
        assert_eq!(kinds[2], Frame::Pong);
        assert_eq!(one_by_one(b"\r\n\r\n"), [Frame::Pong, Frame::Ping]);
    }

    #[test]
    fn length_is_strict() {
        use FrameErrorKind as K;
        let with = |lines: &str| failure(format!("A sip:b SIP/2.0\r\n{lines}\r\n").as_bytes());
        assert_eq!(with("To: x\r\n"), K::LengthMissing);
        assert_eq!(with("Content-Length: -1\r\n"), K::LengthMalformed);
        assert_eq!(with("l: 0x10\r\n"), K::LengthMalformed);
        assert_eq!(with("l: 1\r\nContent-Length: 2\r\n"), K::LengthAmbiguous);
        assert_eq!(with("l: 99999999999999999999999\r\n"), K::BodyTooLong);
        assert_eq!(with("l: 262145\r\n"), K::BodyTooLong);
        assert_eq!(with(&"c: d\r\n".repeat(300)), K::TooManyHeaders);
    }

    #[test]
    fn equal_lengths_are_one() {
        let text = b"A sip:b SIP/2.0\r\nl: 0\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(one_by_one(text).len(), 1);
    }

    #[test]
    fn an_endless_head_is_cut() {
        let mut framer = Framer::new();
        let piece = Bytes::from(vec![b'a'; 1000]);
        let error = (0..100).find_map(|_| {
            framer.feed(piece.clone());
            framer.take().err()
        });
        assert_eq!(error.unwrap().kind, FrameErrorKind::HeadTooLong);
        framer.feed(piece);
        assert!(framer.take().is_err());
        assert_eq!(framer.waiting(), 0);
    }
}
