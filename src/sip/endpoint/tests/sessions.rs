//! INVITE sessions: opening, INFO of ours, closing.

use super::peer::{CSTA, LINE, Peer, STATUS_QUESTION, answer_text, secs, value};
use crate::sip::wire::headers::HeaderName as H;
use crate::sip::{EndReason, Event, Failure, FlowId, Input, InviteSpec, Method, SessionId, Ticket};

#[track_caller]
fn refusal(peer: &mut Peer) -> Failure {
    match peer.event() {
        Event::SessionRefused { session: LINE, failure } => failure,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn ended(peer: &mut Peer, why: EndReason) {
    match peer.event() {
        Event::SessionEnded { session: LINE, why: found } => assert_eq!(found, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_invite_is_the_one_of_the_dossier() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    let invite = peer.next();
    assert_eq!(invite.request_uri_bytes(), b"sip:211@192.0.2.10:5060;transport=tcp");
    assert!(value(&invite, H::From).starts_with("\"linegate\" <sip:211_0A1B2C3D4E5F@csta-gw>;tag="));
    assert_eq!(value(&invite, H::To), "<sip:211@192.0.2.10>");
    assert_eq!(value(&invite, H::Contact), "<sip:211_0A1B2C3D4E5F@192.0.2.50:5070;transport=tcp>");
    assert_eq!(value(&invite, H::SessionExpires), "1800;refresher=uac");
    assert_eq!(value(&invite, H::Supported), "timer");
    assert_eq!(value(&invite, H::ContentType), "application/csta+xml");
    assert_eq!(value(&invite, H::ContentDisposition), "signal;handling=required");
    assert_eq!(&invite.body()[..], STATUS_QUESTION.as_bytes());
}

#[test]
fn a_2xx_is_acknowledged_to_the_contact_and_again_when_it_comes_again() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    let invite = peer.next();
    peer.answer(&invite, 100, "", "");
    let answer = answer_text(&invite, 200, "", "normal");
    peer.say(&answer);
    match peer.event() {
        Event::SessionOpened { session: LINE, body: Some(body) } => assert_eq!(&body.data[..], b"normal"),
        other => panic!("{other:?}"),
    }
    let ack = peer.next();
    assert_eq!(ack.request_uri_bytes(), b"sip:211@192.0.2.10:5062;transport=tcp");
    assert_eq!(value(&ack, H::CSeq), "1 ACK");
    assert_ne!(ack.via().unwrap().branch(), invite.via().unwrap().branch());
    assert!(!ack.has_body());
    peer.pass(secs(1) / 2);
    peer.say(&answer);
    assert_eq!(peer.next().as_bytes(), ack.as_bytes());
    peer.silence();
}

#[test]
fn an_ack_carries_the_credentials_of_its_invite() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    let invite = peer.next();
    peer.answer(&invite, 401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\n", "");
    assert_eq!(peer.next().method(), Some(&Method::Ack));
    let second = peer.next();
    assert_eq!(value(&second, H::CSeq), "2 INVITE");
    assert_eq!(second.call_id(), invite.call_id());
    peer.answer(&second, 200, "", "");
    peer.event();
    assert_eq!(value(&peer.next(), H::Authorization), value(&second, H::Authorization));
}

#[test]
fn a_refusal_is_acknowledged_in_its_transaction() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    let invite = peer.next();
    peer.answer(&invite, 480, "Retry-After: 30\n", "<CSTAErrorCode/>");
    let ack = peer.next();
    assert_eq!(ack.method(), Some(&Method::Ack));
    assert_eq!(ack.via().unwrap().branch(), invite.via().unwrap().branch());
    assert_eq!(ack.request_uri_bytes(), invite.request_uri_bytes());
    assert!(value(&ack, H::To).ends_with(";tag=R"));
    let failure = refusal(&mut peer);
    assert_eq!((failure.status, failure.retry_after_s), (Some(480), Some(30)));
    assert_eq!(&failure.body.unwrap().data[..], b"<CSTAErrorCode/>");
    assert_eq!(peer.core.session_count(), 0);
}

#[test]
fn the_peers_least_interval_is_taken_over() {
    let mut peer = Peer::connected();
    peer.invite(|invite| invite.session_expires_s = Some(900));
    let invite = peer.next();
    peer.answer(&invite, 422, "Min-SE: 1800\n", "");
    peer.next();
    let second = peer.next();
    assert_eq!(value(&second, H::SessionExpires), "1800;refresher=uac");
    assert_eq!(value(&second, H::MinSe), "1800");
    peer.answer(&second, 422, "Min-SE: 1800\n", "");
    peer.next();
    assert_eq!(refusal(&mut peer).status, Some(422));
}

#[test]
fn a_refused_extension_is_left_out() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    let invite = peer.next();
    peer.answer(&invite, 420, "Unsupported: TIMER\n", "");
    peer.next();
    let second = peer.next();
    assert!(second.first(H::Supported).is_none() && second.first(H::SessionExpires).is_none());
}

#[test]
fn a_redirection_is_followed_once_and_on_the_same_host_only() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    let invite = peer.next();
    let moved = answer_text(&invite, 302, "", "").replace("sip:211@192.0.2.10:5062", "sip:911@192.0.2.10");
    peer.say(&moved);
    peer.next();
    let second = peer.next();
    assert_eq!(second.request_uri_bytes(), b"sip:911@192.0.2.10;transport=tcp");
    assert_eq!(value(&second, H::To), "<sip:211@192.0.2.10>");
    peer.answer(&second, 302, "", "");
    peer.next();
    assert_eq!(refusal(&mut peer).status, Some(302));
    peer.invite(|_| {});
    let invite = peer.next();
    let away = answer_text(&invite, 302, "", "").replace("192.0.2.10:5062", "198.51.100.1");
    peer.say(&away);
    assert_eq!(refusal(&mut peer).status, Some(302));
}

#[test]
fn an_invite_without_answer_is_refused_after_timer_b() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    peer.next();
    peer.pass(secs(31));
    peer.silence();
    peer.pass(secs(1));
    assert_eq!(refusal(&mut peer).status, None);
}

#[test]
fn progress_stops_timer_b_and_endless_progress_is_cancelled() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    let invite = peer.next();
    peer.answer(&invite, 183, "", "");
    peer.pass(secs(179));
    peer.silence();
    peer.pass(secs(1));
    assert_eq!(peer.next().method(), Some(&Method::Cancel));
    peer.pass(secs(32));
    assert_eq!(refusal(&mut peer).status, None);
}

#[test]
fn closing_before_the_answer_cancels_as_soon_as_it_may() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    let invite = peer.next();
    peer.give(Input::CloseSession { session: LINE });
    peer.silence();
    peer.answer(&invite, 100, "", "");
    let cancel = peer.next();
    assert_eq!(cancel.method(), Some(&Method::Cancel));
    assert_eq!(value(&cancel, H::CSeq), "1 CANCEL");
    assert_eq!(cancel.via().unwrap().branch(), invite.via().unwrap().branch());
    assert_eq!(value(&cancel, H::To), value(&invite, H::To));
    peer.answer(&cancel, 200, "", "");
    peer.answer(&invite, 487, "", "");
    assert_eq!(peer.next().method(), Some(&Method::Ack));
    ended(&mut peer, EndReason::Local);
    peer.silence();
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    let invite = peer.next();
    peer.answer(&invite, 180, "", "");
    peer.give(Input::CloseSession { session: LINE });
    peer.next();
    peer.answer(&invite, 200, "", "");
    assert_eq!(peer.next().method(), Some(&Method::Ack));
    let bye = peer.next();
    assert_eq!(bye.method(), Some(&Method::Bye));
    peer.answer(&bye, 200, "", "");
    ended(&mut peer, EndReason::Local);
}

#[test]
fn several_sessions_abandoned_at_once_are_each_ended_in_their_own_dialog() {
    let mut peer = Peer::connected();
    let spec = || InviteSpec::new("211", "211_0A1B2C3D4E5F", bytes::Bytes::from_static(b"q"));
    let mut invites = Vec::new();
    for number in 1..=3 {
        peer.give(Input::OpenSession { session: SessionId(number), invite: spec() });
        invites.push(peer.next());
    }
    for number in 1..=3 {
        peer.give(Input::AbandonSession { session: SessionId(number) });
    }
    peer.silence();
    for invite in &invites {
        peer.answer(invite, 200, "", "");
        let ack = peer.next();
        assert_eq!((ack.method(), ack.call_id()), (Some(&Method::Ack), invite.call_id()));
        let bye = peer.next();
        assert_eq!((bye.method(), bye.call_id()), (Some(&Method::Bye), invite.call_id()));
        peer.answer(&bye, 200, "", "");
    }
    peer.silence();
    assert_eq!(peer.core.session_count(), 0);
}

#[test]
fn an_info_goes_through_the_dialog_and_its_answer_comes_with_the_ticket() {
    let mut peer = Peer::in_session();
    peer.info(7);
    let info = peer.next();
    assert_eq!(info.request_uri_bytes(), b"sip:211@192.0.2.10:5062;transport=tcp");
    assert_eq!(value(&info, H::CSeq), "2 INFO");
    assert!(value(&info, H::To).ends_with(";tag=R"));
    assert_eq!(value(&info, H::ContentDisposition), "signal;handling=required");
    peer.answer(&info, 500, "", "<CSTAErrorCode/>");
    match peer.event() {
        Event::InfoAnswered { session: LINE, ticket: Ticket(7), status: 500, body: Some(body), .. } => {
            assert_eq!(&body.data[..], b"<CSTAErrorCode/>");
        }
        other => panic!("{other:?}"),
    }
    peer.info(8);
    assert_eq!(value(&peer.next(), H::CSeq), "3 INFO");
}

#[test]
fn the_csta_part_of_a_multipart_answer_is_found() {
    let mut peer = Peer::in_session();
    peer.info(1);
    let info = peer.next();
    let body = "--b\nContent-Type: text/plain\n\nx\n--b\nContent-Type: application/csta+xml\n\n<A/>\n--b--\n";
    let body = body.replace('\n', "\r\n");
    let text = answer_text(&info, 200, "Content-Type: multipart/mixed;boundary=b\n", &body).replace(CSTA, "");
    // The length counts the line ends that `say` writes.
    let text = text.replace("\r\n", "\n");
    peer.say(&text);
    assert!(matches!(peer.event(), Event::InfoAnswered { body: Some(body), .. } if &body.data[..] == b"<A/>"));
}

#[test]
fn an_info_without_answer_is_lost_after_timer_f_and_never_repeated() {
    let mut peer = Peer::in_session();
    peer.info(1);
    let info = peer.next();
    peer.pass(secs(31));
    peer.silence();
    peer.pass(secs(1));
    assert!(matches!(peer.event(), Event::InfoLost { session: LINE, ticket: Ticket(1) }));
    peer.answer(&info, 200, "", "");
    peer.silence();
    assert_eq!(peer.core.session_count(), 1);
}

#[test]
fn an_info_outside_of_a_session_is_lost_at_once() {
    let mut peer = Peer::connected();
    peer.info(1);
    assert!(matches!(peer.event(), Event::InfoLost { ticket: Ticket(1), .. }));
    peer.invite(|_| {});
    peer.next();
    peer.info(2);
    assert!(matches!(peer.event(), Event::InfoLost { ticket: Ticket(2), .. }));
}

#[test]
fn a_challenged_info_is_sent_again_with_credentials() {
    let mut peer = Peer::in_session();
    peer.info(1);
    let info = peer.next();
    peer.answer(&info, 401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\n", "");
    let second = peer.next();
    assert_eq!(value(&second, H::CSeq), "3 INFO");
    assert_eq!(second.body(), info.body());
    assert!(second.first(H::Authorization).is_some());
    peer.answer(&second, 401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\n", "");
    assert!(matches!(peer.event(), Event::InfoAnswered { status: 401, ticket: Ticket(1), .. }));
}

#[test]
fn a_481_to_an_info_is_the_end_of_the_dialog_without_bye() {
    let mut peer = Peer::in_session();
    peer.info(1);
    let first = peer.next();
    peer.info(2);
    peer.next();
    peer.answer(&first, 481, "", "");
    assert!(matches!(peer.event(), Event::InfoAnswered { ticket: Ticket(1), status: 481, .. }));
    assert!(matches!(peer.event(), Event::InfoLost { ticket: Ticket(2), .. }));
    ended(&mut peer, EndReason::NoSuchDialog);
    peer.silence();
    assert_eq!(peer.core.session_count(), 0);
}

#[test]
fn closing_sends_bye_and_any_answer_or_none_ends_it() {
    for status in [Some(200), Some(481), Some(500), None] {
        let mut peer = Peer::in_session();
        peer.give(Input::CloseSession { session: LINE });
        let bye = peer.next();
        assert_eq!(bye.method(), Some(&Method::Bye));
        match status {
            Some(status) => peer.answer(&bye, status, "", ""),
            None => peer.pass(secs(32)),
        }
        ended(&mut peer, EndReason::Local);
        peer.silence();
    }
}

#[test]
fn a_name_can_be_used_again_and_the_old_session_is_gone() {
    let mut peer = Peer::in_session();
    let first = peer.core.session_count();
    peer.establish("");
    assert_eq!(peer.core.session_count(), first);
}

#[test]
fn an_answer_with_two_vias_is_not_ours() {
    let mut peer = Peer::in_session();
    peer.info(1);
    let info = peer.next();
    let text = answer_text(&info, 200, "", "");
    peer.say(&text.replacen("\nFrom:", ", SIP/2.0/TCP 192.0.2.7;branch=z9hG4bKx\nFrom:", 1));
    peer.silence();
    peer.say(&text);
    assert!(matches!(peer.event(), Event::InfoAnswered { .. }));
}

#[test]
fn routes_of_the_2xx_are_followed_by_everything_in_the_dialog() {
    let mut peer = Peer::connected();
    peer.invite(|_| {});
    let invite = peer.next();
    peer.answer(&invite, 200, "Record-Route: <sip:p1;lr>, <sip:p2;lr>\n", "");
    peer.event();
    let ack = peer.next();
    let routes: Vec<&[u8]> = ack.all(H::Route).collect();
    assert_eq!(routes, [&b"<sip:p2;lr>"[..], b"<sip:p1;lr>"]);
    peer.info(1);
    assert_eq!(peer.next().all(H::Route).count(), 2);
}

#[test]
fn every_branch_is_used_once() {
    let mut peer = Peer::in_session();
    let mut seen = std::collections::HashSet::new();
    for ticket in 0..50 {
        peer.info(ticket);
        let info = peer.next();
        assert!(seen.insert(info.via().unwrap().branch().unwrap().to_vec()));
    }
}

#[test]
fn a_session_without_connection_asks_for_one_and_waits() {
    let mut peer = Peer::with(|_| {});
    peer.invite(|_| {});
    assert_eq!(peer.connects, 1);
    peer.give(Input::ConnectFailed);
    assert_eq!(peer.connects, 2);
    peer.silence();
    peer.connect(4, true);
    assert_eq!(peer.next_on().0, FlowId(4).0);
}
