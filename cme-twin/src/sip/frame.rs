//! Cutting a TCP stream into messages: by `Content-Length`, strictly. A stream that cannot be cut is never guessed at.

use super::message::{self, Message};

const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 1024 * 1024;

/// One piece of a stream.
#[derive(Debug)]
pub(crate) enum Frame {
    /// CRLF CRLF between messages.
    KeepAlive,
    Message(Box<Message>),
    /// The stream is beyond repair: rule, sentence, and the bytes.
    Broken(&'static str, String, Vec<u8>),
}

/// The bytes that came and are not cut yet.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    bytes: Vec<u8>,
    broken: bool,
}

impl Framer {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next piece, if it is complete.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        if self.broken {
            return None;
        }
        if self.bytes.starts_with(b"\r\n\r\n") {
            self.bytes.drain(..4);
            return Some(Frame::KeepAlive);
        }
        let stray = self.bytes.starts_with(b"\r\n") && self.bytes.get(2).is_some_and(|byte| *byte != b'\r');
        if stray {
            self.bytes.drain(..2);
        }
        if self.bytes.first() == Some(&b'\r') {
            return None;
        }
        let Some(end) = find(&self.bytes, b"\r\n\r\n") else {
            return (self.bytes.len() > HEAD_LIMIT)
                .then(|| self.give_up("sip.size", "a head larger than 64 KiB".to_owned()));
        };
        let parsed = message::parse_head(self.bytes.get(..end).unwrap_or_default());
        let (start, headers) = match parsed {
            Ok(head) => head,
            Err(text) => return Some(self.give_up("sip.syntax", text)),
        };
        let lengths: Vec<&str> = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("Content-Length"))
            .map(|(_, v)| v.as_str())
            .collect();
        let length = match lengths.as_slice() {
            [one] => match one.trim().parse::<usize>() {
                Ok(length) if length <= BODY_LIMIT => length,
                _ => return Some(self.give_up("sip.content_length", format!("Content-Length is `{one}`"))),
            },
            [] => return Some(self.give_up("sip.content_length", "Content-Length is missing".to_owned())),
            _ => return Some(self.give_up("sip.content_length", "there is more than one Content-Length".to_owned())),
        };
        let whole = end + 4 + length;
        if self.bytes.len() < whole {
            return None;
        }
        let raw: Vec<u8> = self.bytes.drain(..whole).collect();
        let body = raw.get(end + 4..).unwrap_or_default().to_vec();
        Some(Frame::Message(Box::new(Message { start, headers, body, raw })))
    }

    fn give_up(&mut self, rule: &'static str, text: String) -> Frame {
        self.broken = true;
        Frame::Broken(rule, text, std::mem::take(&mut self.bytes))
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    const TWO: &[u8] = b"\r\n\r\nOPTIONS sip:a@b SIP/2.0\r\nl: 3\r\n\r\nabcSIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";

    fn cut(pieces: &[&[u8]]) -> Vec<String> {
        let mut framer = Framer::default();
        let mut found = Vec::new();
        for piece in pieces {
            framer.push(piece);
            while let Some(frame) = framer.next() {
                found.push(match frame {
                    Frame::KeepAlive => "keepalive".to_owned(),
                    Frame::Message(message) => String::from_utf8(message.body.clone()).unwrap(),
                    Frame::Broken(rule, ..) => rule.to_owned(),
                });
            }
        }
        found
    }

    #[test]
    fn a_stream_is_cut_the_same_wherever_it_is_split() {
        for at in 0..TWO.len() {
            assert_eq!(cut(&[&TWO[..at], &TWO[at..]]), ["keepalive", "abc", ""], "split at {at}");
        }
        let bytes: Vec<&[u8]> = TWO.chunks(1).collect();
        assert_eq!(cut(&bytes), ["keepalive", "abc", ""]);
    }

    #[test]
    fn a_message_without_a_length_breaks_the_stream() {
        assert_eq!(cut(&[b"OPTIONS sip:a@b SIP/2.0\r\nTo: x\r\n\r\n"]), ["sip.content_length"]);
        assert_eq!(cut(&[b"OPTIONS sip:a@b SIP/2.0\r\nl: -1\r\n\r\n"]), ["sip.content_length"]);
        assert_eq!(cut(&[b"hello\r\n\r\n"]), ["sip.syntax"]);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            cut(&[&bytes]);
        }

        #[test]
        fn split_anywhere_gives_the_same(cuts in proptest::collection::vec(0usize..TWO.len(), 0..6)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut last = 0;
            for at in cuts.into_iter().chain([TWO.len()]) {
                pieces.push(&TWO[last..at]);
                last = at;
            }
            proptest::prop_assert_eq!(cut(&pieces), ["keepalive", "abc", ""]);
        }
    }
}
