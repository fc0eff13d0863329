//! Session timers and glare.

use std::time::Duration;

use super::peer::{CSTA, LINE, Peer, STATUS_QUESTION, secs, value};
use crate::sip::wire::headers::HeaderName as H;
use crate::sip::{EndReason, Event, Input, Method, RefreshMethod};

const OURS: &str = "Session-Expires: 1800;refresher=uac\nRequire: timer\nAllow: INVITE, UPDATE\n";
const THEIRS: &str = "Session-Expires: 1800;refresher=uas\n";

fn refreshing() -> (Peer, crate::sip::Message) {
    let mut peer = Peer::connected();
    peer.establish(OURS);
    peer.pass(secs(900));
    let invite = peer.next();
    assert_eq!(invite.method(), Some(&Method::Invite));
    (peer, invite)
}

#[track_caller]
fn ended(peer: &mut Peer, why: EndReason) {
    match peer.event() {
        Event::SessionEnded { session: LINE, why: found } => assert_eq!(found, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reinvite_with_the_first_body_refreshes_at_half_time() {
    let mut peer = Peer::connected();
    peer.establish(OURS);
    peer.pass(secs(899));
    peer.silence();
    peer.pass(secs(1));
    let invite = peer.next();
    assert_eq!(value(&invite, H::CSeq), "2 INVITE");
    assert_eq!(&invite.body()[..], STATUS_QUESTION.as_bytes());
    assert_eq!(value(&invite, H::SessionExpires), "1800;refresher=uac");
    assert!(value(&invite, H::To).ends_with(";tag=R"));
    peer.answer(&invite, 200, OURS, "");
    assert_eq!(value(&peer.next(), H::CSeq), "2 ACK");
    assert!(matches!(peer.event(), Event::SessionRefreshed { session: LINE }));
    peer.pass(secs(900));
    assert_eq!(value(&peer.next(), H::CSeq), "3 INVITE");
}

#[test]
fn a_2xx_without_session_expires_means_no_timer() {
    let mut peer = Peer::connected();
    peer.establish("");
    peer.pass(secs(100_000));
    peer.silence();
    assert_eq!(peer.core.session_count(), 1);
}

#[test]
fn an_update_refreshes_where_the_peer_allows_it_and_reinvite_where_it_refuses() {
    let mut peer = Peer::connected();
    peer.invite(|invite| invite.refresh = RefreshMethod::Update);
    let invite = peer.next();
    peer.answer(&invite, 200, OURS, "");
    peer.next();
    peer.event();
    peer.pass(secs(900));
    let update = peer.next();
    assert_eq!(update.method(), Some(&Method::Update));
    assert!(!update.has_body());
    peer.answer(&update, 405, "", "");
    assert_eq!(peer.next().method(), Some(&Method::Invite));
}

#[test]
fn a_refresh_that_nobody_answers_ends_the_session() {
    let (mut peer, _) = refreshing();
    peer.pass(secs(32));
    assert_eq!(peer.next().method(), Some(&Method::Bye));
    ended(&mut peer, EndReason::RefreshFailed);
}

#[test]
fn a_481_to_a_refresh_ends_it_without_bye() {
    let (mut peer, invite) = refreshing();
    peer.answer(&invite, 481, "", "");
    assert_eq!(peer.next().method(), Some(&Method::Ack));
    ended(&mut peer, EndReason::NoSuchDialog);
    peer.silence();
}

#[test]
fn a_refused_refresh_is_tried_again_before_the_end() {
    let (mut peer, invite) = refreshing();
    peer.answer(&invite, 500, "", "");
    peer.next();
    assert!(matches!(peer.event(), Event::SessionRefreshFailed { session: LINE, .. }));
    peer.pass(secs(450));
    let second = peer.next();
    assert_eq!(second.method(), Some(&Method::Invite));
    peer.answer(&second, 200, OURS, "");
    peer.next();
    assert!(matches!(peer.event(), Event::SessionRefreshed { .. }));
}

#[test]
fn glare_is_waited_out_as_the_owner_of_the_call_id() {
    let (mut peer, invite) = refreshing();
    peer.answer(&invite, 491, "", "");
    peer.next();
    peer.pass(Duration::from_millis(2099));
    peer.silence();
    peer.pass(Duration::from_millis(1901));
    assert_eq!(peer.next().method(), Some(&Method::Invite));
}

#[test]
fn a_reinvite_of_the_peer_during_ours_gets_491() {
    let (mut peer, ours) = refreshing();
    peer.ask("INVITE", 101, CSTA, "<RequestSystemStatus/>");
    assert_eq!(peer.next_status(), 491);
    peer.ask("ACK", 101, "", "");
    peer.answer(&ours, 200, OURS, "");
    assert_eq!(peer.next().method(), Some(&Method::Ack));
}

#[test]
fn ours_waits_while_the_peers_reinvite_is_open() {
    let mut peer = Peer::in_session();
    peer.ask("INVITE", 101, CSTA, "<RequestSystemStatus/>");
    let (token, ..) = peer.request_event();
    peer.give(Input::RefreshSession { session: LINE });
    peer.silence();
    peer.reply(token, 200);
    assert_eq!(peer.next_status(), 200);
    peer.ask("ACK", 101, "", "");
    peer.pass(secs(4));
    assert_eq!(peer.next().method(), Some(&Method::Invite));
}

#[test]
fn a_peer_that_does_not_refresh_in_time_loses_the_session() {
    let mut peer = Peer::connected();
    peer.establish(THEIRS);
    peer.pass(secs(1767));
    peer.silence();
    peer.pass(secs(1));
    assert_eq!(peer.next().method(), Some(&Method::Bye));
    ended(&mut peer, EndReason::Expired);
}

#[test]
fn a_refresh_by_the_peer_starts_its_time_anew() {
    let mut peer = Peer::connected();
    peer.establish(THEIRS);
    peer.pass(secs(900));
    peer.ask("UPDATE", 101, "Supported: Timer\nSession-Expires: 1800;refresher=uac\n", "");
    let (token, method, _) = peer.request_event();
    assert_eq!(method, Method::Update);
    peer.reply(token, 200);
    let answer = peer.next();
    assert_eq!(value(&answer, H::SessionExpires), "1800;refresher=uac");
    assert_eq!(value(&answer, H::Require), "timer");
    peer.pass(secs(1767));
    peer.silence();
    peer.pass(secs(1));
    ended(&mut peer, EndReason::Expired);
}

#[test]
fn the_option_tag_is_known_in_any_case() {
    let mut peer = Peer::in_session();
    peer.ask("UPDATE", 101, "Supported: TIMER\nSession-Expires: 1800\n", "");
    let (token, ..) = peer.request_event();
    peer.reply(token, 200);
    assert_eq!(value(&peer.next(), H::SessionExpires), "1800;refresher=uac");
    peer.ask("UPDATE", 102, "Supported: TIMER\nSession-Expires: 60\n", "");
    let answer = peer.next();
    assert_eq!((answer.status(), value(&answer, H::MinSe).as_str()), (Some(422), "90"));
}

#[test]
fn a_peer_that_does_not_know_the_timer_leaves_the_refresh_to_us() {
    let mut peer = Peer::in_session();
    peer.ask("UPDATE", 101, "Session-Expires: 1000\n", "");
    let (token, ..) = peer.request_event();
    peer.reply(token, 200);
    assert_eq!(value(&peer.next(), H::SessionExpires), "1000;refresher=uas");
    peer.pass(secs(500));
    assert_eq!(peer.next().method(), Some(&Method::Invite));
}

#[test]
fn a_refresh_without_the_header_ends_the_peers_duty_and_not_ours() {
    let mut peer = Peer::connected();
    peer.establish(THEIRS);
    peer.ask("INVITE", 101, CSTA, "x");
    let (token, ..) = peer.request_event();
    peer.reply(token, 200);
    peer.next();
    peer.ask("ACK", 101, "", "");
    peer.pass(secs(4000));
    peer.silence();
    let mut peer = Peer::connected();
    peer.establish(OURS);
    peer.ask("UPDATE", 101, "", "");
    let (token, ..) = peer.request_event();
    peer.reply(token, 200);
    peer.next();
    peer.pass(secs(900));
    assert_eq!(peer.next().method(), Some(&Method::Invite));
}
