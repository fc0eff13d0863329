//! Connections come and go; dialogs stay.

use super::peer::{LINE, Peer, answer_text, secs, value};
use crate::sip::wire::headers::HeaderName as H;
use crate::sip::{Diagnostic, Event, FlowId, FrameErrorKind, Input, KeepAlive, Method, Ticket};

#[test]
fn an_answer_may_come_on_a_new_connection_after_the_old_one_died() {
    let mut peer = Peer::in_session();
    peer.info(1);
    let info = peer.next();
    peer.lose(1);
    peer.connect(2, true);
    peer.answer(&info, 200, "", "<HoldCallResponse/>");
    assert!(matches!(peer.event(), Event::InfoAnswered { ticket: Ticket(1), status: 200, .. }));
}

#[test]
fn an_info_whose_connection_died_is_not_repeated_and_lost_after_5_seconds() {
    let mut peer = Peer::in_session();
    peer.info(1);
    peer.next();
    peer.pass(secs(2));
    peer.lose(1);
    assert_eq!(peer.connects, 1, "the answer needs a connection");
    peer.connect(2, false);
    peer.pass(secs(4));
    peer.silence();
    peer.pass(secs(1));
    assert!(matches!(peer.event(), Event::InfoLost { session: LINE, ticket: Ticket(1) }));
    peer.info(2);
    assert_eq!(peer.next_on().0, 2, "the session lives");
}

#[test]
fn other_requests_are_sent_again_as_they_were() {
    let mut peer = Peer::connected();
    peer.give(Input::Register);
    let register = peer.next();
    peer.invite(|_| {});
    let invite = peer.next();
    peer.lose(1);
    peer.silence();
    peer.connect(2, false);
    assert_eq!(peer.next().as_bytes(), register.as_bytes());
    assert_eq!(peer.next().as_bytes(), invite.as_bytes());
    peer.answer(&invite, 200, "", "");
    assert!(matches!(peer.event(), Event::SessionOpened { .. }));
}

#[test]
fn an_info_that_was_never_written_is_sent_on_the_next_connection() {
    let mut peer = Peer::in_session();
    peer.lose(1);
    peer.info(1);
    peer.silence();
    assert_eq!(peer.connects, 1);
    peer.connect(2, false);
    assert_eq!(value(&peer.next(), H::CSeq), "2 INFO");
}

#[test]
fn events_keep_coming_over_a_new_inbound_connection() {
    let mut peer = Peer::in_session();
    peer.lose(1);
    peer.connect(2, true);
    peer.ask_info(101);
    let (token, ..) = peer.request_event();
    peer.reply(token, 200);
    assert_eq!(peer.next_on().0, 2);
    assert_eq!(peer.connects, 0);
}

#[test]
fn an_answer_whose_connection_died_goes_out_on_another_or_the_next() {
    let mut peer = Peer::in_session();
    peer.ask_info(101);
    let (first, ..) = peer.request_event();
    peer.ask_info(102);
    let (second, ..) = peer.request_event();
    peer.connect(2, true);
    peer.lose(1);
    peer.reply(first, 200);
    assert_eq!(peer.next_on().0, 2);
    peer.lose(2);
    peer.reply(second, 200);
    peer.silence();
    assert_eq!(peer.connects, 1);
    peer.connect(3, false);
    assert_eq!(peer.next_on().0, 3);
}

#[test]
fn the_newest_connection_is_used_and_the_older_one_when_it_dies() {
    let mut peer = Peer::in_session();
    peer.connect(2, true);
    peer.info(1);
    assert_eq!(peer.next_on().0, 2);
    peer.lose(2);
    assert_eq!(peer.connects, 0);
    peer.info(2);
    assert_eq!(peer.next_on().0, 1);
}

#[test]
fn pings_are_answered_between_messages() {
    let mut peer = Peer::in_session();
    peer.say("\n\n");
    assert_eq!(peer.pings, 1);
    assert!(peer.diagnostics.contains(&Diagnostic::Ping));
    peer.ask_info(101);
    peer.request_event();
}

#[test]
fn our_pings_go_out_at_their_interval() {
    let mut peer = Peer::with(|config| config.keepalive = KeepAlive::Crlf(secs(120)));
    peer.connect(1, false);
    peer.pass(secs(119));
    assert_eq!(peer.pings, 0);
    peer.pass(secs(1));
    assert_eq!(peer.pings, 1);
    peer.pass(secs(240));
    assert_eq!(peer.pings, 3);
    peer.lose(1);
    peer.pass(secs(600));
    peer.connect(2, false);
    peer.pass(secs(120));
    assert_eq!(peer.pings, 4);
}

#[test]
fn answers_to_our_pings_are_not_taken_for_pings() {
    let mut peer = Peer::with(|config| config.keepalive = KeepAlive::Crlf(secs(120)));
    peer.connect(1, false);
    for round in 1..=4 {
        peer.pass(secs(120));
        peer.say("\n");
        assert_eq!(peer.pings, round);
    }
    assert!(peer.diagnostics.is_empty());
    peer.say("\n");
    peer.say("\n");
    assert_eq!(peer.diagnostics, [Diagnostic::Ping], "a ping in two pieces is one");
}

#[test]
fn options_keep_alive_and_tell() {
    let mut peer = Peer::with(|config| config.keepalive = KeepAlive::Options(secs(60)));
    peer.connect(1, false);
    peer.pass(secs(60));
    let options = peer.next();
    assert_eq!(options.method(), Some(&Method::Options));
    peer.answer(&options, 200, "", "");
    peer.event();
    peer.pass(secs(60));
    assert_eq!(peer.next().method(), Some(&Method::Options));
}

#[test]
fn lost_framing_is_answered_and_closes_the_connection_only() {
    let mut peer = Peer::in_session();
    let text = peer.ask_info(101);
    peer.request_event();
    peer.say(&text.replace("Content-Length: 17", "Content-Length: -1").replace("101 INFO", "102 INFO"));
    assert_eq!(peer.next_status(), 400);
    assert_eq!(peer.closed, [FlowId(1)]);
    let kind = FrameErrorKind::LengthMalformed;
    assert!(peer.diagnostics.contains(&Diagnostic::FramingLost { flow: FlowId(1), kind }));
    peer.say("INFO sip:x SIP/2.0\n");
    peer.silence();
    peer.lose(1);
    peer.connect(2, true);
    peer.ask_info(103);
    assert!(peer.request_event().2, "what stood in the broken message is a gap");
}

#[test]
fn messages_arrive_however_they_are_cut() {
    let mut peer = Peer::in_session();
    peer.info(1);
    let info = peer.next();
    let text = answer_text(&info, 200, "", "<HoldCallResponse/>").replace('\n', "\r\n");
    for byte in text.bytes() {
        peer.give(Input::FlowBytes { flow: FlowId(1), data: vec![byte].into() });
    }
    assert!(matches!(peer.event(), Event::InfoAnswered { body: Some(_), .. }));
}

#[test]
fn what_is_answered_while_polling_leaves_in_one_piece() {
    let mut peer = Peer::in_session();
    let first = peer.ask_info(101);
    let (token, ..) = peer.request_event();
    let second = first.replace("101 INFO", "102 INFO").replace("z9hG4bK1\n", "z9hG4bK1b\n").replace('\n', "\r\n");
    peer.core.handle(peer.now, Input::FlowBytes { flow: FlowId(1), data: second.into() });
    let mut sends = 0;
    peer.core.handle(peer.now, Input::Reply { token, status: 200, body: None });
    while let Some(output) = peer.core.poll() {
        match output {
            crate::sip::Output::Event(Event::Request { token, .. }) => {
                peer.core.handle(peer.now, Input::Reply { token, status: 200, body: None });
            }
            crate::sip::Output::Send { data, .. } => {
                sends += 1;
                assert_eq!(data.windows(11).filter(|w| *w == b"SIP/2.0 200").count(), 2);
            }
            _ => {}
        }
    }
    assert_eq!(sends, 1);
}

#[test]
fn two_endpoints_understand_each_other() {
    // The other side has no session of this name: it refuses in words that ours understands.
    let mut ours = Peer::connected();
    let mut theirs = Peer::connected();
    ours.invite(|_| {});
    let invite = ours.next();
    theirs.give(Input::FlowBytes { flow: FlowId(1), data: invite.as_bytes().clone() });
    let refusal = theirs.next();
    assert_eq!(refusal.status(), Some(404));
    ours.give(Input::FlowBytes { flow: FlowId(1), data: refusal.as_bytes().clone() });
    assert!(matches!(ours.event(), Event::SessionRefused { .. }));
    let ack = ours.next();
    theirs.give(Input::FlowBytes { flow: FlowId(1), data: ack.as_bytes().clone() });
    theirs.silence();
    ours.give(Input::Options);
    let options = ours.next();
    theirs.give(Input::FlowBytes { flow: FlowId(1), data: options.as_bytes().clone() });
    let answer = theirs.next();
    ours.give(Input::FlowBytes { flow: FlowId(1), data: answer.as_bytes().clone() });
    assert!(matches!(ours.event(), Event::OptionsAnswered { status: Some(200) }));
}
