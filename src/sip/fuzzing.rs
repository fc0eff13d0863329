//! One-line doors for fuzz targets and corpus replay. Not part of the interface.

use bytes::Bytes;

use crate::sip::strictness::Strictness;
use crate::sip::wire::frame::{Frame, Framer};
use crate::sip::wire::message::Message;
use crate::sip::wire::multipart::csta_part;
use crate::sip::wire::parse::{parse, salvage};

/// Frames the octets in pieces of `step`, then parses what was cut.
pub fn framing(data: &[u8], step: usize) -> usize {
    let mut framer = Framer::new();
    let mut count = 0;
    for piece in data.chunks(step.max(1)) {
        framer.feed(Bytes::copy_from_slice(piece));
        while let Ok(Some(frame)) = framer.take() {
            count += 1;
            if let Frame::Message(bytes) = frame {
                message(&bytes);
            }
        }
    }
    count
}

/// Parses under both strictnesses and reads every typed value.
pub fn message(data: &[u8]) -> bool {
    let bytes = Bytes::copy_from_slice(data);
    if let Some(saved) = salvage(bytes.clone()) {
        read(&saved);
    }
    let mut taken = false;
    for strictness in [Strictness::Rfc, Strictness::Router] {
        if let Ok(message) = parse(bytes.clone(), strictness) {
            read(&message);
            taken = true;
        }
    }
    taken
}

/// Looks for a CSTA part in any bytes as a multipart body. Whether there is one.
pub fn multipart(data: &[u8]) -> bool {
    let head = format!(
        "INFO sip:a@b SIP/2.0\r\nContent-Type: multipart/mixed;boundary=b\r\nContent-Length: {}\r\n\r\n",
        data.len()
    );
    let bytes = Bytes::from([head.as_bytes(), data].concat());
    parse(bytes, Strictness::Router).is_ok_and(|message| csta_part(&message).is_some())
}

fn read(message: &Message) -> usize {
    use crate::sip::value::challenge::{Challenge, next_nonce};
    use crate::sip::value::contact::contacts;
    use crate::sip::value::content::ContentType;
    use crate::sip::value::session_timer::SessionExpires;
    let strictness = Strictness::Router;
    let typed = message
        .fields()
        .map(|(_, _, value)| {
            Challenge::list(value).len()
                + usize::from(next_nonce(value).is_some())
                + contacts(value, strictness).map_or(0, |all| all.len())
                + usize::from(ContentType::parse(value).is_some())
                + usize::from(SessionExpires::parse(value).is_some())
        })
        .sum::<usize>();
    typed
        + usize::from(message.via().is_some())
        + usize::from(message.from().is_some_and(|a| a.tag().is_some()))
        + usize::from(message.to().is_some_and(|a| !a.display().is_empty()))
        + usize::from(message.cseq().is_some())
        + usize::from(message.request_uri().is_some())
        + usize::from(message.required().is_ok())
        + usize::from(csta_part(message).is_some())
        + message.reason().len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    #[test]
    fn the_fuzz_corpus_is_replayed() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
        let all = |folder: &str| -> Vec<Vec<u8>> {
            let entries = std::fs::read_dir(corpus.join(folder)).unwrap();
            entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
        };
        let frames: usize = all("framing").iter().map(|data| framing(data, 1).max(framing(data, 7))).sum();
        let messages = all("message").iter().filter(|data| message(data)).count();
        let parts = all("multipart").iter().filter(|data| multipart(data)).count();
        assert!(frames > 0 && messages > 0 && parts > 0);
    }
}
