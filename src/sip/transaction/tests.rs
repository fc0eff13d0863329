//! The machines, one path each.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client_invite::ClientInvite;
use super::client_non_invite::ClientNonInvite;
use super::server_invite::{Due, ServerInvite, State};
use super::server_non_invite::{Answers, Known};
use super::{ClientTimeout, ClientVerdict};
use crate::sip::transaction::timers::Timers;

#[test]
fn an_invite_without_answer_ends_with_timer_b() {
    let (now, timers) = (Instant::now(), Timers::default());
    let mut tx = ClientInvite::new(now, &timers);
    assert_eq!(tx.on_time(now + Duration::from_secs(31)), None);
    let due = tx.on_time(now + timers.b);
    assert_eq!(due, Some(ClientTimeout::Unanswered));
    assert_eq!(tx.deadline(), None);
}

#[test]
fn a_repeated_2xx_is_acknowledged_again_until_timer_m() {
    let (now, timers) = (Instant::now(), Timers::default());
    let mut tx = ClientInvite::new(now, &timers);
    assert_eq!(tx.on_response(now, 100, &timers), ClientVerdict::Provisional);
    assert_eq!(tx.on_response(now, 200, &timers), ClientVerdict::Final);
    assert_eq!(tx.on_response(now, 200, &timers), ClientVerdict::Again);
    assert_eq!(tx.on_response(now, 486, &timers), ClientVerdict::Absorbed);
    assert_eq!(tx.on_time(now + timers.m), Some(ClientTimeout::Done));
    assert_eq!(tx.on_response(now, 200, &timers), ClientVerdict::Absorbed);
}

#[test]
fn endless_progress_is_cancelled_then_given_up() {
    let (now, timers) = (Instant::now(), Timers::default());
    let mut tx = ClientInvite::new(now, &timers);
    tx.on_response(now, 183, &timers);
    let late = now + timers.invite_limit;
    assert_eq!(tx.on_time(late), Some(ClientTimeout::Cancel));
    tx.on_cancel(late, &timers);
    assert_eq!(tx.on_time(late + timers.b), Some(ClientTimeout::Unanswered));
}

#[test]
fn failures_are_acknowledged_within_the_transaction() {
    let (now, timers) = (Instant::now(), Timers::default());
    let mut tx = ClientInvite::new(now, &timers);
    assert_eq!(tx.on_response(now, 486, &timers), ClientVerdict::FinalToAck);
    assert_eq!(tx.on_response(now, 486, &timers), ClientVerdict::Absorbed);
}

#[test]
fn other_requests_end_with_the_first_final_or_timer_f() {
    let (now, timers) = (Instant::now(), Timers::default());
    let mut tx = ClientNonInvite::new(now, &timers);
    assert_eq!(tx.on_response(100), ClientVerdict::Provisional);
    assert_eq!(tx.on_response(200), ClientVerdict::Final);
    assert_eq!(tx.on_response(200), ClientVerdict::Absorbed);
    let mut tx = ClientNonInvite::new(now, &timers);
    assert_eq!(tx.on_time(now + timers.f), Some(ClientTimeout::Unanswered));
    assert_eq!(tx.on_time(now + timers.f), None);
}

#[test]
fn a_2xx_of_ours_is_repeated_with_growing_pauses_until_ack() {
    let (mut now, timers) = (Instant::now(), Timers::default());
    let mut tx = ServerInvite::new(now, &timers);
    now += timers.trying;
    assert_eq!(tx.on_time(now, &timers), Some(Due::Trying));
    assert!(tx.on_final(now, 200, &timers));
    assert!(!tx.on_final(now, 200, &timers));
    let start = now;
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let at = tx.deadline().unwrap_or(now);
        pauses.push((at - now).as_millis());
        now = at;
        assert_eq!(tx.on_time(now, &timers), Some(Due::Repeat));
    }
    assert_eq!(pauses, [500, 1000, 2000, 4000, 4000]);
    let mut deaf = tx.clone();
    assert_eq!(deaf.on_time(start + timers.h, &timers), Some(Due::AckMissing));
    tx.on_ack();
    assert_eq!(tx.state(), State::Confirmed);
    assert_eq!(tx.on_time(start + timers.h, &timers), Some(Due::Done));
}

#[test]
fn answers_are_kept_their_time_and_not_longer() {
    let (now, timers) = (Instant::now(), Timers::default());
    let mut answers = Answers::default();
    let key: Box<[u8]> = Box::from(&b"k"[..]);
    assert_eq!(answers.find(&key), Known::New);
    answers.open(now, key.clone(), &timers);
    assert_eq!(answers.find(&key), Known::Waiting);
    answers.close(&key, Bytes::from_static(b"200"));
    assert_eq!(answers.find(&key), Known::Answered(Bytes::from_static(b"200")));
    answers.expire(now + timers.answer_cache);
    assert!(answers.is_empty());
}
