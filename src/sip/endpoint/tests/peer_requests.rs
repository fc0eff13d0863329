//! Requests of the peer: in the session, for dialogs that are not there, outside of any.

use super::peer::{CSTA, LINE, Peer, secs, value};
use crate::sip::wire::headers::HeaderName as H;
use crate::sip::{Diagnostic, EndReason, Event, Input, Method, Strictness};

#[test]
fn an_event_info_is_answered_as_soon_as_the_user_says_so() {
    let mut peer = Peer::in_session();
    peer.ask("INFO", 101, CSTA, "<DeliveredEvent/>");
    match peer.event() {
        Event::Request { session: LINE, token, method: Method::Info, body: Some(body), gap: false } => {
            assert_eq!(&body.data[..], b"<DeliveredEvent/>");
            peer.reply(token, 200);
        }
        other => panic!("{other:?}"),
    }
    let answer = peer.next();
    assert_eq!(answer.status(), Some(200));
    assert!(!answer.has_body());
    assert_eq!(value(&answer, H::CSeq), "101 INFO");
    let via = answer.via().unwrap();
    assert_eq!(via.params().value("received"), None, "the address in Via is the true one");
}

#[test]
fn a_reply_may_carry_a_body_and_counts_once() {
    let mut peer = Peer::in_session();
    peer.ask_info(101);
    let (token, ..) = peer.request_event();
    peer.give(Input::Reply { token, status: 200, body: Some("<SystemStatusResponse/>".into()) });
    let answer = peer.next();
    assert_eq!(&answer.body()[..], b"<SystemStatusResponse/>");
    assert_eq!(value(&answer, H::ContentType), "application/csta+xml");
    peer.reply(token, 200);
    peer.silence();
}

#[test]
fn a_lower_number_gets_500_and_is_not_applied() {
    let mut peer = Peer::in_session();
    peer.ask_info(105);
    let (token, ..) = peer.request_event();
    peer.reply(token, 200);
    peer.next();
    peer.ask_info(104);
    assert_eq!(peer.next_status(), 500);
    peer.silence();
    assert!(peer.diagnostics.contains(&Diagnostic::OldSequence { session: LINE }));
}

#[test]
fn a_repeated_request_gets_the_stored_answer_and_is_not_told_again() {
    let mut peer = Peer::in_session();
    let text = peer.ask_info(101);
    peer.say(&text);
    let (token, ..) = peer.request_event();
    peer.silence();
    peer.reply(token, 200);
    let answer = peer.next();
    peer.lose(1);
    peer.connect(2, true);
    peer.say(&text);
    let (flow, again) = peer.next_on();
    assert_eq!(flow, 2);
    assert_eq!(again.as_bytes(), answer.as_bytes());
    peer.silence();
    peer.pass(secs(33));
    peer.say(&text);
    assert_eq!(peer.next_status(), 500, "forgotten after 32 s, but still an old number");
}

#[test]
fn a_jump_of_the_number_is_told_and_applied() {
    let mut peer = Peer::in_session();
    for (number, gap) in [(101, false), (102, false), (104, true), (105, false)] {
        peer.ask_info(number);
        let (token, _, found) = peer.request_event();
        assert_eq!(found, gap, "{number}");
        peer.reply(token, 200);
    }
}

#[test]
fn a_refused_request_in_between_is_no_gap() {
    let mut peer = Peer::in_session();
    peer.ask_info(101);
    peer.request_event();
    peer.ask("INFO", 102, "Require: x-odd\n", "");
    let answer = peer.next();
    assert_eq!((answer.status(), value(&answer, H::Unsupported).as_str()), (Some(420), "x-odd"));
    peer.ask_info(103);
    assert!(!peer.request_event().2);
}

#[test]
fn a_request_for_an_unknown_dialog_gets_481() {
    let mut peer = Peer::in_session();
    let known = peer.ask_info(101);
    peer.request_event();
    for (old, new) in [(";tag=R", ";tag=r"), ("Call-ID: ", "Call-ID: x"), ("z9hG4bK1\n", "z9hG4bK1x\n")] {
        let unknown = known.replace(old, new).replace("CSeq: 101", "CSeq: 102");
        peer.say(&unknown);
        if old.starts_with('z') {
            peer.request_event();
        } else {
            assert_eq!(peer.next_status(), 481, "{old}");
        }
    }
    assert!(peer.diagnostics.contains(&Diagnostic::UnknownDialog { method: Method::Info }));
}

#[test]
fn infos_without_csta_are_judged_by_their_type() {
    let mut peer = Peer::in_session();
    let cases = [
        ("", "", 200),
        ("Content-Type: application/csta+xml\n", "", 200),
        ("Content-Type: application/dtmf-relay\n", "Signal=5", 200),
        ("Content-Type: text/plain\n", "hello", 415),
        ("", "<A/>", 415),
        ("Content-Type: application/csta+xml\nContent-Encoding: gzip\n", "zz", 415),
    ];
    for (number, (headers, body, status)) in (101..).zip(cases) {
        peer.ask("INFO", number, headers, body);
        let answer = peer.next();
        assert_eq!(answer.status(), Some(status), "{headers}");
        assert_eq!(answer.first(H::Accept).is_some(), status == 415);
    }
    peer.silence();
}

#[test]
fn odd_spellings_of_the_csta_type_are_taken() {
    let mut peer = Peer::in_session();
    for (number, kind) in (101..).zip([
        "APPLICATION/CSTA+XML; charset=utf-8",
        "application/CSTAdata+xml",
        "application/csta+xml ;a=\"b\"",
    ]) {
        peer.ask("INFO", number, &format!("c: {kind}\n"), "<A/>");
        assert_eq!(peer.request_event().1, Method::Info, "{kind}");
    }
}

#[test]
fn bye_is_answered_and_ends_the_session_with_what_was_open() {
    let mut peer = Peer::in_session();
    peer.info(5);
    peer.next();
    peer.ask("BYE", 101, "", "");
    assert_eq!(peer.next_status(), 200);
    assert!(matches!(peer.event(), Event::InfoLost { .. }));
    assert!(matches!(peer.event(), Event::SessionEnded { session: LINE, why: EndReason::PeerBye }));
    peer.ask_info(102);
    assert_eq!(peer.next_status(), 481);
}

#[test]
fn byes_that_cross_are_one_end() {
    let mut peer = Peer::in_session();
    peer.give(Input::CloseSession { session: LINE });
    let bye = peer.next();
    peer.ask("BYE", 101, "", "");
    assert_eq!(peer.next_status(), 200);
    assert!(matches!(peer.event(), Event::SessionEnded { why: EndReason::Local, .. }));
    peer.answer(&bye, 481, "", "");
    peer.silence();
}

#[test]
fn a_reinvite_is_told_answered_and_repeated_until_ack() {
    let mut peer = Peer::in_session();
    peer.ask("INVITE", 101, &format!("{CSTA}Contact: <sip:211@192.0.2.10:5099>\n"), "<RequestSystemStatus/>");
    let (token, method, _) = peer.request_event();
    assert_eq!(method, Method::Invite);
    peer.pass(secs(1) / 5);
    assert_eq!(peer.next_status(), 100);
    peer.give(Input::Reply { token, status: 200, body: Some("<R/>".into()) });
    let answer = peer.next();
    assert_eq!(answer.status(), Some(200));
    assert_eq!(value(&answer, H::Contact), "<sip:211_0A1B2C3D4E5F@192.0.2.50:5070;transport=tcp>");
    peer.pass(secs(1) / 2);
    assert_eq!(peer.next().as_bytes(), answer.as_bytes());
    peer.ask("ACK", 101, "", "");
    peer.pass(secs(40));
    peer.silence();
    peer.info(1);
    assert_eq!(peer.next().request_uri_bytes(), b"sip:211@192.0.2.10:5099");
}

#[test]
fn only_the_right_ack_ends_the_repetition_and_after_it_a_repeated_reinvite_is_absorbed() {
    let mut peer = Peer::in_session();
    let text = peer.ask("INVITE", 101, CSTA, "x");
    let (token, ..) = peer.request_event();
    peer.reply(token, 200);
    let answer = peer.next();
    peer.ask("ACK", 100, "", "");
    peer.pass(secs(1) / 2);
    assert_eq!(peer.next().as_bytes(), answer.as_bytes());
    peer.say(&text);
    assert_eq!(peer.next().as_bytes(), answer.as_bytes());
    peer.ask("ACK", 101, "", "");
    peer.say(&text);
    peer.silence();
}

#[test]
fn a_refused_reinvite_does_not_move_the_target() {
    let mut peer = Peer::in_session();
    peer.ask("INVITE", 101, &format!("{CSTA}Contact: <sip:evil@198.51.100.1>\n"), "x");
    let (token, ..) = peer.request_event();
    peer.reply(token, 403);
    assert_eq!(peer.next_status(), 403);
    peer.info(1);
    assert_eq!(peer.next().request_uri_bytes(), b"sip:211@192.0.2.10:5062;transport=tcp");
}

#[test]
fn a_reinvite_that_is_never_acknowledged_ends_the_session() {
    let mut peer = Peer::in_session();
    peer.ask("INVITE", 101, CSTA, "x");
    let (token, ..) = peer.request_event();
    peer.reply(token, 200);
    peer.pass(secs(32));
    let mut last = peer.next();
    while last.status().is_some() {
        last = peer.next();
    }
    assert_eq!(last.method(), Some(&Method::Bye));
    assert!(matches!(peer.event(), Event::SessionEnded { why: EndReason::Expired, .. }));
}

#[test]
fn a_reinvite_that_the_user_forgets_is_refused_at_last() {
    let mut peer = Peer::in_session();
    peer.ask("INVITE", 101, CSTA, "x");
    let (token, ..) = peer.request_event();
    peer.pass(secs(180));
    assert_eq!([peer.next_status(), peer.next_status()], [100, 500]);
    peer.reply(token, 200);
    peer.silence();
    peer.ask("INVITE", 102, CSTA, "x");
    peer.request_event();
}

#[test]
fn media_are_refused() {
    let mut peer = Peer::in_session();
    peer.ask("INVITE", 101, "Content-Type: application/sdp\n", "v=0");
    assert_eq!(peer.next_status(), 488);
    peer.ask("ACK", 101, "", "");
    peer.ask("UPDATE", 102, "Content-Type: application/sdp\n", "v=0");
    assert_eq!(peer.next_status(), 488);
}

#[test]
fn a_second_reinvite_before_the_answer_to_the_first_gets_500() {
    let mut peer = Peer::in_session();
    peer.ask("INVITE", 101, CSTA, "x");
    peer.request_event();
    peer.ask("INVITE", 102, CSTA, "x");
    let answer = peer.next();
    assert_eq!((answer.status(), value(&answer, H::RetryAfter).as_str()), (Some(500), "2"));
}

#[test]
fn cancel_of_a_reinvite_gets_200_and_487() {
    let mut peer = Peer::in_session();
    let invite = peer.ask("INVITE", 101, "", "");
    let (token, ..) = peer.request_event();
    peer.say(&invite.replacen("INVITE sip", "CANCEL sip", 1).replace("101 INVITE", "101 CANCEL"));
    let mut statuses = [peer.next_status(), peer.next_status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 487]);
    peer.reply(token, 200);
    peer.silence();
    peer.say(&invite.replacen("INVITE sip", "CANCEL sip", 1).replace("101 INVITE", "102 CANCEL"));
    assert_eq!(peer.next_status(), 481);
}

#[test]
fn an_open_reinvite_is_terminated_with_the_session() {
    let mut peer = Peer::in_session();
    peer.ask("INVITE", 101, CSTA, "x");
    peer.request_event();
    peer.ask("BYE", 102, "", "");
    let mut statuses = [peer.next_status(), peer.next_status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 487]);
}

#[test]
fn methods_that_are_not_served_get_their_status() {
    let mut peer = Peer::in_session();
    let cases = [("NOTIFY", 489), ("SUBSCRIBE", 489), ("REFER", 405), ("MESSAGE", 405), ("PRACK", 405), ("FOO", 501)];
    for (number, (method, status)) in (101..).zip(cases) {
        peer.ask(method, number, "", "");
        let answer = peer.next();
        assert_eq!(answer.status(), Some(status), "{method}");
        assert_eq!(answer.first(H::Allow).is_some(), matches!(status, 405 | 501));
    }
}

#[test]
fn options_are_answered_in_and_outside_of_sessions() {
    let mut peer = Peer::in_session();
    peer.ask("OPTIONS", 101, "", "");
    peer.ask_outside("OPTIONS", "sip:192.0.2.50:5070", "", "");
    for _ in 0..2 {
        let answer = peer.next();
        assert_eq!(answer.status(), Some(200));
        assert!(value(&answer, H::Allow).contains("INFO"));
        assert_eq!(value(&answer, H::Accept), "application/csta+xml");
        assert!(answer.to().unwrap().tag().is_some());
    }
}

#[test]
fn strangers_get_their_status() {
    let mut peer = Peer::in_session();
    let cases = [
        ("INFO", "sip:211@192.0.2.50", "", "", 481),
        ("BYE", "sip:211@192.0.2.50", "", "", 481),
        ("REGISTER", "sip:192.0.2.50", "", "", 405),
        ("NOTIFY", "sip:192.0.2.50", "", "", 489),
        ("MESSAGE", "sip:192.0.2.50", "", "", 405),
        ("INVITE", "sip:211_0A1B2C3D4E5F@192.0.2.50", "", "", 488),
        ("INVITE", "sip:nobody@192.0.2.50", "", "", 404),
        ("INVITE", "sip:nobody@192.0.2.50", "Content-Type: application/sdp\n", "v=0", 488),
        ("OPTIONS", "http:192.0.2.50", "", "", 416),
        ("OPTIONS", "sip:192.0.2.50", "Require: a, timer, b\n", "", 420),
    ];
    for (method, uri, headers, body, status) in cases {
        peer.ask_outside(method, uri, headers, body);
        assert_eq!(peer.next_status(), status, "{method} {uri}");
    }
    peer.silence();
}

#[test]
fn a_message_that_cannot_be_understood_costs_only_itself() {
    let mut peer = Peer::in_session();
    peer.ask("INFO", 101, "Max-Forwards: 70\n", "");
    assert_eq!(peer.next_status(), 400);
    let text = peer.ask_info(101).replace("SIP/2.0\n", "SIP/3.0\n");
    peer.request_event();
    peer.say(&text);
    assert_eq!(peer.next_status(), 505);
    peer.say("SIP/2.0 999 What\nContent-Length: 0\n\n");
    peer.silence();
    assert!(peer.closed.is_empty());
    peer.ask_info(102);
    peer.request_event();
}

#[test]
fn every_answer_keeps_to_the_rfc_whatever_the_request_looked_like() {
    let mut peer = Peer::in_session();
    // The harness parses all that is sent under this strictness.
    assert_ne!(Strictness::Rfc, Strictness::Router);
    peer.ask_outside("OPTIONS", "sip:192.0.2.50", "s: a\n b\nDate: yesterday\nTimestamp: soon\n", "");
    assert_eq!(peer.next_status(), 200);
    peer.say("OPTIONS sip:h SIP/2.0\nv: SIP / 2.0 / TCP 198.51.100.7 ; branch=z9hG4bKc;rport\nf: A\n B <sip:x@y> ;tag=1\nt: sip:h\ni: c@d\nCSeq: 1\n OPTIONS\nl: 0\n\n");
    let answer = peer.next();
    let via = answer.via().unwrap();
    assert_eq!(via.params().value("rport"), Some(&b"40000"[..]));
    assert_eq!(via.params().value("received"), Some(&b"192.0.2.10"[..]));
}
