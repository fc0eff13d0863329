//! Properties of framing, parsing and writing, and the comparison with another implementation.

#![allow(clippy::unwrap_used)]
use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;
use rsip::message::HasHeaders as _;
use rsip::prelude::{HeadersExt as _, ToTypedHeader as _, UntypedHeader as _};

use super::encode::Writer;
use super::frame::{Frame, Framer};
use super::headers::HeaderName;
use super::parse::parse;
use crate::sip::fuzzing;
use crate::sip::method::Method;
use crate::sip::strictness::Strictness;

fn corpus() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/sip");
    let mut files: Vec<_> = ["taken", "refused"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Messages of a stream, and where it stopped.
fn messages(pieces: &[&[u8]]) -> (Vec<Bytes>, bool) {
    let mut framer = Framer::new();
    let mut found = Vec::new();
    for piece in pieces {
        framer.feed(Bytes::copy_from_slice(piece));
        loop {
            match framer.take() {
                Ok(Some(Frame::Message(bytes))) => found.push(bytes),
                Ok(Some(Frame::Ping | Frame::Pong)) => {}
                Ok(None) => break,
                Err(_) => return (found, true),
            }
        }
    }
    (found, false)
}

fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9.!%*_+`'~-]{1,12}"
}

/// A request as peers write it: odd blanks, compact names, any order, any body.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let user = "[a-z0-9_.;?=&+$,/-]{1,12}";
    let method = prop_oneof![Just("INFO".to_owned()), Just("INVITE".to_owned()), Just("OPTIONS".to_owned())];
    let blank = prop_oneof![Just(""), Just(" "), Just("\t"), Just("\r\n ")];
    (method, user, "[a-z0-9-]{1,10}", token(), any::<u32>(), blank, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40), proptest::collection::vec((token(), "[ -~]{0,30}"), 0..4))
        .prop_map(|(method, user, host, id, seq, blank, compact, body, extra)| {
            let (call_id, length) = if compact { ("i", "l") } else { ("Call-ID", "Content-Length") };
            let extra: String = extra.iter().map(|(name, value)| format!("X-{name}: {value}\r\n")).collect();
            let mut text = format!(
                "{method} sip:{user}@{host}:5070;transport=tcp SIP/2.0\r\n{extra}Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK{id}\r\n\
                 From: \"a\" <sip:{user}@{host}>;tag={id}\r\nTo:{blank}<sip:x@{host}>\r\n{call_id}: {id}@{host}\r\nCSeq: {seq} {method}\r\n\
                 Max-Forwards: 70\r\n{length}: {}\r\n\r\n",
                body.len()
            )
            .into_bytes();
            text.extend(body);
            text
        })
}

proptest! {
    #[test]
    fn any_cut_of_a_stream_gives_the_same_messages(
        all in proptest::collection::vec(request(), 1..5),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        between in prop_oneof![Just(&b""[..]), Just(&b"\r\n"[..]), Just(&b"\r\n\r\n"[..])],
    ) {
        let stream = all.join(between);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let (found, lost) = messages(&pieces);
        prop_assert!(!lost);
        prop_assert_eq!(&found, &all);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(messages(&bytes).0, all);
    }

    #[test]
    fn no_bytes_break_framing_or_parsing(data in proptest::collection::vec(any::<u8>(), 0..400), step in 1_usize..50) {
        fuzzing::framing(&data, step);
        fuzzing::message(&data);
    }

    #[test]
    fn no_damage_to_a_message_breaks_a_reader(
        index in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let all = corpus();
        let mut data = index.get(&all).clone();
        for (at, byte) in damage {
            let at = at.index(data.len());
            data[at] = byte;
        }
        fuzzing::message(&data);
        fuzzing::framing(&data, 7);
    }

    #[test]
    fn what_is_written_is_read_back(
        user in "\\PC{1,20}",
        values in proptest::collection::vec("[!-~]([ -~]{0,40}[!-~])?", 1..8),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let uri = format!("sip:{}@h", crate::sip::value::uri::escape_user(&user));
        let mut writer = Writer::request(&Method::Info, &uri);
        for value in &values {
            writer.header("X-Any", value);
        }
        let bytes = writer.finish(&body);
        prop_assert_eq!(messages(&[&bytes]).0, vec![bytes.clone()]);
        let message = parse(bytes, Strictness::Rfc).unwrap();
        prop_assert_eq!(message.method(), Some(&Method::Info));
        prop_assert_eq!(message.request_uri_bytes(), uri.as_bytes());
        let found: Vec<&[u8]> = message.fields().filter(|(id, ..)| *id == HeaderName::Other).map(|(.., value)| value).collect();
        let wanted: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        prop_assert_eq!(found, wanted);
        prop_assert_eq!(&message.body()[..], &body[..]);
    }

    #[test]
    fn no_value_can_add_a_header(value in "[a-z\r\n: ]{0,40}") {
        let mut writer = Writer::response(200);
        writer.header("Subject", &value);
        let message = parse(writer.finish(b""), Strictness::Rfc).unwrap();
        prop_assert_eq!(message.fields().count(), 2);
    }

    #[test]
    fn what_both_implementations_take_they_understand_alike(data in request()) {
        compare(&data);
    }
}

/// Compares with `rsip` what both take. Whether both did.
fn compare(data: &[u8]) -> bool {
    let Ok(ours) = parse(Bytes::copy_from_slice(data), Strictness::Rfc) else { return false };
    let Ok(theirs) = rsip::SipMessage::try_from(data) else { return false };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match &theirs {
        rsip::SipMessage::Request(request) => {
            assert_eq!(ours.method().map(ToString::to_string), Some(request.method.to_string()));
            // The other one writes parameters it knows in its own case, and sorts those it does not know anew.
            let (ours, theirs) = (text(ours.request_uri_bytes()).to_ascii_lowercase(), request.uri.to_string());
            if theirs.len() == ours.len() {
                assert_eq!(ours, theirs.to_ascii_lowercase());
            }
        }
        rsip::SipMessage::Response(response) => {
            assert_eq!(ours.status(), Some(response.status_code.code()));
        }
    }
    if let (Some(ours), Ok(theirs)) = (ours.call_id(), theirs.call_id_header()) {
        assert_eq!(text(ours), theirs.value());
    }
    if let (Some(ours), Ok(Ok(theirs))) = (ours.cseq(), theirs.cseq_header().map(|header| header.typed())) {
        assert_eq!((ours.number, text(ours.method)), (theirs.seq, theirs.method.to_string()));
    }
    let length = theirs.headers().iter().find_map(|header| match header {
        rsip::Header::ContentLength(length) => length.value().trim().parse::<u32>().ok(),
        _ => None,
    });
    if let (Some(ours), Some(theirs)) = (ours.number(HeaderName::ContentLength), length) {
        assert_eq!(ours, theirs);
    }
    true
}

#[test]
fn the_corpus_is_understood_alike_where_both_take_it() {
    let both = corpus().iter().filter(|data| compare(data)).count();
    assert!(both >= 5, "only {both} compared");
}
