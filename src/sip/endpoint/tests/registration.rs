//! REGISTER: challenges, refresh, refusals.

use super::peer::{Peer, secs, value};
use crate::sip::wire::headers::HeaderName as H;
use crate::sip::wire::message::Message;
use crate::sip::{Event, Failure, Input, Method};

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"cme\", nonce=\"n1\", qop=\"auth\"\n";
const STALE: &str = "WWW-Authenticate: Digest realm=\"cme\", nonce=\"n2\", qop=\"auth\", stale=TRUE\n";
const GRANT: &str = "Expires: 600\ncisco-reference-id: 4D1009AE\n";

fn registering() -> (Peer, Message) {
    let mut peer = Peer::connected();
    peer.give(Input::Register);
    let register = peer.next();
    (peer, register)
}

#[track_caller]
fn failure(peer: &mut Peer) -> Failure {
    match peer.event() {
        Event::RegistrationFailed { failure } => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_request_is_the_one_of_the_dossier() {
    let (_, register) = registering();
    assert_eq!(register.request_uri_bytes(), b"sip:192.0.2.10:5060");
    assert_eq!(value(&register, H::To), "<sip:ss_ecsta@192.0.2.10>");
    assert_eq!(value(&register, H::Contact), "<sip:ss_ecsta@192.0.2.50:5070;transport=tcp>");
    assert_eq!(value(&register, H::Expires), "600");
    assert_eq!(value(&register, H::CSeq), "1 REGISTER");
    assert!(register.via().unwrap().branch().unwrap().starts_with(b"z9hG4bK"));
    assert!(register.first(H::Authorization).is_none());
}

#[test]
fn a_challenge_is_answered_with_the_next_number_in_the_same_call() {
    let (mut peer, first) = registering();
    peer.answer(&first, 401, CHALLENGE, "");
    let second = peer.next();
    assert_eq!(value(&second, H::CSeq), "2 REGISTER");
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(value(&second, H::From), value(&first, H::From));
    assert_ne!(second.via().unwrap().branch(), first.via().unwrap().branch());
    let credentials = value(&second, H::Authorization);
    assert!(credentials.contains("nc=00000001") && credentials.contains("uri=\"sip:192.0.2.10:5060\""));
    assert!(!credentials.contains("canary-secret"));
    peer.answer(&second, 200, GRANT, "");
    match peer.event() {
        Event::Registered { expires_s: 600, reference_id, .. } => {
            assert_eq!(reference_id.as_deref(), Some("4D1009AE"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_refresh_carries_credentials_at_once_and_counts_the_nonce() {
    let (mut peer, first) = registering();
    peer.answer(&first, 401, CHALLENGE, "");
    let second = peer.next();
    peer.answer(&second, 200, GRANT, "");
    peer.event();
    peer.pass(secs(240));
    assert!(value(&peer.next(), H::Authorization).contains("nc=00000002"));
}

#[test]
fn a_stale_nonce_is_no_failure() {
    let (mut peer, first) = registering();
    peer.answer(&first, 401, CHALLENGE, "");
    let second = peer.next();
    peer.answer(&second, 401, STALE, "");
    let third = peer.next();
    assert!(value(&third, H::Authorization).contains("nonce=\"n2\""));
    peer.answer(&third, 200, GRANT, "");
    assert!(matches!(peer.event(), Event::Registered { .. }));
}

#[test]
fn endless_staleness_ends() {
    let (mut peer, mut request) = registering();
    for _ in 0..3 {
        peer.answer(&request, 401, STALE, "");
        request = peer.next();
    }
    peer.answer(&request, 401, STALE, "");
    assert!(failure(&mut peer).credentials_rejected);
    peer.silence();
}

#[test]
fn a_second_refusal_means_wrong_credentials() {
    let (mut peer, first) = registering();
    peer.answer(&first, 401, CHALLENGE, "");
    let second = peer.next();
    peer.answer(&second, 401, CHALLENGE, "");
    let failure = failure(&mut peer);
    assert!(failure.credentials_rejected);
    assert_eq!(failure.status, Some(401));
    peer.pass(secs(600));
    peer.silence();
}

#[test]
fn without_credentials_a_challenge_is_a_failure() {
    let mut peer = Peer::with(|config| config.credentials = None);
    peer.connect(1, false);
    peer.give(Input::Register);
    let register = peer.next();
    peer.answer(&register, 401, CHALLENGE, "");
    assert!(failure(&mut peer).credentials_rejected);
}

#[test]
fn a_challenge_of_a_proxy_is_answered_in_its_own_header() {
    let (mut peer, first) = registering();
    peer.answer(&first, 407, "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n\"\n", "");
    let second = peer.next();
    assert!(second.first(H::ProxyAuthorization).is_some());
    assert!(second.first(H::Authorization).is_none());
}

#[test]
fn min_expires_is_followed() {
    let (mut peer, first) = registering();
    peer.answer(&first, 423, "Min-Expires: 1800\n", "");
    let second = peer.next();
    assert_eq!(value(&second, H::Expires), "1800");
    peer.answer(&second, 423, "Min-Expires: 1800\n", "");
    assert_eq!(failure(&mut peer).status, Some(423));
}

#[test]
fn refresh_comes_at_the_least_of_half_end_and_cap() {
    for (granted, seconds) in [(600, 240), (300, 150), (60, 30), (40, 10), (5, 1)] {
        let (mut peer, first) = registering();
        peer.answer(&first, 200, &format!("Expires: {granted}\n"), "");
        peer.event();
        peer.pass(secs(seconds) - secs(1) / 2);
        peer.silence();
        peer.pass(secs(1) / 2);
        assert_eq!(value(&peer.next(), H::CSeq), "2 REGISTER", "{granted}");
    }
}

#[test]
fn a_refresh_without_answer_is_told_after_timer_f() {
    let (mut peer, first) = registering();
    peer.answer(&first, 200, GRANT, "");
    peer.event();
    peer.pass(secs(240));
    peer.next();
    peer.pass(secs(31));
    peer.silence();
    peer.pass(secs(1));
    assert_eq!(failure(&mut peer).status, None);
}

#[test]
fn a_refusal_keeps_what_the_peer_said() {
    let (mut peer, first) = registering();
    peer.answer(&first, 503, "Retry-After: 120\nWarning: 399 cme \"too busy\"\n", "");
    let failure = failure(&mut peer);
    assert_eq!(failure.status, Some(503));
    assert_eq!(failure.retry_after_s, Some(120));
    assert_eq!(failure.warning.as_deref(), Some("too busy"));
    assert!(!failure.credentials_rejected);
}

#[test]
fn taking_back_sends_expires_zero() {
    let (mut peer, first) = registering();
    peer.answer(&first, 200, GRANT, "");
    peer.event();
    peer.give(Input::Unregister);
    let last = peer.next();
    assert_eq!(value(&last, H::Expires), "0");
    peer.answer(&last, 200, "", "");
    assert!(matches!(peer.event(), Event::Unregistered));
    peer.pass(secs(900));
    peer.silence();
}

#[test]
fn taking_back_during_the_request_waits_for_its_answer() {
    let (mut peer, first) = registering();
    peer.give(Input::Unregister);
    peer.silence();
    peer.answer(&first, 200, GRANT, "");
    peer.event();
    let last = peer.next();
    assert_eq!(value(&last, H::Expires), "0");
    peer.pass(secs(32));
    assert!(matches!(peer.event(), Event::Unregistered));
}

#[test]
fn asking_again_while_it_is_taken_back_asks_after_that() {
    let (mut peer, first) = registering();
    peer.answer(&first, 200, GRANT, "");
    peer.event();
    peer.give(Input::Unregister);
    let last = peer.next();
    peer.give(Input::Register);
    peer.silence();
    peer.answer(&last, 200, "", "");
    assert!(matches!(peer.event(), Event::Unregistered));
    assert_eq!(value(&peer.next(), H::Expires), "600");
}

#[test]
fn a_foreign_contact_is_told() {
    let (mut peer, first) = registering();
    peer.answer(&first, 200, "Contact: <sip:ss_ecsta@192.0.2.99:5070>;expires=60\nExpires: 600\n", "");
    assert!(matches!(peer.event(), Event::Registered { foreign_contact: true, expires_s: 600, .. }));
}

#[test]
fn options_tell_their_outcome() {
    let mut peer = Peer::connected();
    peer.give(Input::Options);
    let options = peer.next();
    assert_eq!(options.method(), Some(&Method::Options));
    peer.answer(&options, 200, "", "");
    assert!(matches!(peer.event(), Event::OptionsAnswered { status: Some(200) }));
    peer.give(Input::Options);
    peer.next();
    peer.pass(secs(32));
    assert!(matches!(peer.event(), Event::OptionsAnswered { status: None }));
}
