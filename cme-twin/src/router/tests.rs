//! The router without sockets: timers of SIP, and input that nobody should send.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use super::{Output, Router};
use crate::behaviour::Behaviour;
use crate::fault::Faults;
use crate::sip::Framer;
use crate::system::System;

const INVITE: &str = "INVITE sip:201@127.0.0.1:5060;transport=tcp SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5070;branch=z9hG4bK-1;rport\r\nMax-Forwards: 70\r\nFrom: \"g\" <sip:201_00AA11BB0001@g>;tag=g1\r\nTo: <sip:201@127.0.0.1>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\nContact: <sip:201_00AA11BB0001@127.0.0.1:5070;transport=tcp>\r\nSession-Expires: 1800;refresher=uac\r\nContent-Type: application/csta+xml\r\nContent-Disposition: signal;handling=required\r\nContent-Length: 92\r\n\r\n<RequestSystemStatus xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"/>";

struct Bench {
    router: Router,
    now: Instant,
}

fn bench() -> Bench {
    let now = Instant::now();
    let listen = "127.0.0.1:5060".parse().unwrap();
    let mut router = Router::new(System::default(), Behaviour::default(), Faults::default(), listen, now);
    router.connected(now, 1, "127.0.0.1:5070".parse().unwrap(), listen, true);
    Bench { router, now }
}

impl Bench {
    fn feed(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut framer = Framer::default();
        framer.push(bytes);
        while let Some(frame) = framer.next() {
            self.router.receive(self.now, 1, 1, frame);
        }
        self.out()
    }

    fn pass(&mut self, ms: u64) -> Vec<String> {
        self.now += Duration::from_millis(ms);
        self.router.advance(self.now);
        self.out()
    }

    /// First lines of what goes out.
    fn out(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(output) = self.router.poll() {
            lines.push(match output {
                Output::Send { bytes, .. } => String::from_utf8_lossy(&bytes).lines().next().unwrap_or("").to_owned(),
                other => format!("{other:?}"),
            });
        }
        lines
    }

    fn rules(&self) -> Vec<String> {
        self.router.violations.list().into_iter().map(|one| one.rule).collect()
    }

    fn in_dialog(&self, method: &str, cseq: u32, branch: u32, body: &str) -> String {
        let tag = &self.router.sessions.values().next().unwrap().local_tag;
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/csta+xml\r\nContent-Disposition: signal;handling=required\r\n"
        };
        format!(
            "{method} sip:201@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5070;branch=z9hG4bK-i{branch}\r\nMax-Forwards: 70\r\nFrom: \"g\" <sip:201_00AA11BB0001@g>;tag=g1\r\nTo: <sip:201@127.0.0.1>;tag={tag}\r\nCall-ID: c1\r\nCSeq: {cseq} {method}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

#[test]
fn the_200_is_repeated_until_the_ack_and_the_session_ends_without_one() {
    let mut b = bench();
    assert_eq!(b.feed(INVITE.as_bytes()), ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
    assert_eq!(b.pass(500), ["SIP/2.0 200 OK"]);
    assert_eq!(b.pass(999), Vec::<String>::new());
    assert_eq!(b.pass(1), ["SIP/2.0 200 OK"]);
    let rest = b.pass(32_000);
    assert!(rest.last().unwrap().starts_with("BYE sip:201_00AA11BB0001@127.0.0.1:5070"), "{rest:?}");
    assert_eq!(b.rules(), ["sip.ack"]);
}

#[test]
fn a_session_that_is_not_refreshed_ends_with_bye() {
    let mut b = bench();
    b.feed(INVITE.as_bytes());
    let ack = b.in_dialog("ACK", 1, 2, "");
    assert!(b.feed(ack.as_bytes()).is_empty());
    assert!(b.pass(299_000).is_empty());
    // Idle for five minutes: the connection is closed, and the session lives on.
    assert_eq!(b.pass(1_000), ["Close { conn: 1, reset: false }"]);
    let end = b.pass(1_500_000);
    assert!(end[0].starts_with("Open") && end[1].starts_with("BYE "), "{end:?}");
    assert_eq!(b.rules(), ["session.refresh"]);
}

#[test]
fn services_that_come_together_were_not_waited_for() {
    let mut b = bench();
    b.feed(INVITE.as_bytes());
    let ack = b.in_dialog("ACK", 1, 2, "");
    b.feed(ack.as_bytes());
    let ask = "<GetCSTAFeatures xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"/>";
    let both = b.in_dialog("INFO", 2, 3, ask) + &b.in_dialog("INFO", 3, 4, ask);
    assert_eq!(b.feed(both.as_bytes()), ["SIP/2.0 200 OK", "SIP/2.0 200 OK"]);
    assert_eq!(b.rules(), ["csta.outstanding"]);
}

#[test]
fn an_event_that_nobody_answers_is_noted() {
    let mut b = bench();
    b.feed(INVITE.as_bytes());
    let ack = b.in_dialog("ACK", 1, 2, "");
    b.feed(ack.as_bytes());
    let ns = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";
    let start = format!(
        "<MonitorStart xmlns=\"{ns}\"><monitorObject><deviceObject>tel:201;device=00AA11BB0001</deviceObject></monitorObject></MonitorStart>"
    );
    let start = b.in_dialog("INFO", 2, 3, &start);
    b.feed(start.as_bytes());
    b.router.exchange.call_in("0301234", "201");
    b.router.flush_events();
    assert!(b.out()[0].starts_with("INFO sip:201_00AA11BB0001@"));
    b.pass(32_000);
    assert_eq!(b.rules(), ["event.unanswered"]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Bytes of good messages replaced at random: whatever comes, the router goes on.
    #[test]
    fn damaged_messages_do_no_harm(damage in proptest::collection::vec((0usize..1200, proptest::prelude::any::<u8>()), 1..8), which in 0u8..3) {
        let mut b = bench();
        b.feed(INVITE.as_bytes());
        let ns = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";
        let text = match which {
            0 => INVITE.replace("c1", "c2"),
            1 => b.in_dialog("INFO", 2, 9, &format!("<MakeCall xmlns=\"{ns}\"><callingDevice>tel:201</callingDevice><calledDirectoryNumber>tel:202</calledDirectoryNumber></MakeCall>")),
            _ => b.in_dialog("BYE", 2, 9, ""),
        };
        let mut bytes = text.into_bytes();
        for (at, byte) in damage {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        b.feed(&bytes);
        b.pass(40_000);
    }
}
