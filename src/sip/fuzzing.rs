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
