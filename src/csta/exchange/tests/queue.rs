//! When a service goes out, and that each ends once.

use super::*;

#[test]
fn one_service_at_a_time_in_the_order_of_asking() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.submit(2, make_call());
    talk.submit(3, snapshot());
    assert!(talk.sent(1).contains("<HoldCall "));
    talk.quiet();
    assert_eq!(talk.exchange.pending(), 3);
    talk.answer(1, 200, "<HoldCallResponse/>");
    talk.answered(1);
    assert!(talk.sent(2).contains("<MakeCall "));
    talk.answer(2, 200, "<MakeCallResponse><callingDevice><callID>c</callID></callingDevice></MakeCallResponse>");
    match talk.answered(2).response().unwrap() {
        Some(Response::MakeCall { calling_device }) => assert_eq!(calling_device.call(), "c"),
        other => panic!("{other:?}"),
    }
    talk.sent(3);
}

#[test]
fn two_may_be_outstanding_where_the_switch_allows_it() {
    let mut talk = Talk::with(|config| config.max_outstanding = 2);
    talk.submit(1, hold());
    talk.submit(2, snapshot());
    talk.sent(1);
    talk.sent(2);
    talk.body("<SnapshotDeviceResponse/>");
    talk.replied(200);
    talk.answered(2);
    talk.body(NOT_SUPPORTED);
    talk.replied(200);
    assert!(matches!(talk.done(1), Outcome::Refused(Refusal::Fault(_))));
}

#[test]
fn slow_after_ten_seconds_unknown_after_thirty_two() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.sent(1);
    talk.pass(Duration::from_millis(9_999));
    talk.quiet();
    talk.pass(Duration::from_millis(1));
    assert_eq!(talk.next(), Output::Slow { ticket: Ticket(1) });
    talk.pass(secs(22) - Duration::from_millis(1));
    talk.quiet();
    talk.pass(Duration::from_millis(1));
    assert_eq!(talk.done(1), Outcome::Unknown(Doubt::NoAnswer));
    talk.answer(1, 200, "<HoldCallResponse/>");
    assert_eq!(talk.next(), Output::Late { ticket: Ticket(1), body: Bytes::from_static(b"<HoldCallResponse/>") });
}

#[test]
fn the_features_have_a_limit_of_their_own() {
    let mut talk = Talk::new();
    talk.submit(1, Request::GetCstaFeatures);
    talk.sent(1);
    talk.pass(secs(5));
    assert_eq!(talk.done(1), Outcome::Unknown(Doubt::NoAnswer));
}

#[test]
fn a_service_that_acts_does_not_wait_for_ever() {
    let mut talk = Talk::new();
    talk.submit(1, snapshot());
    talk.sent(1);
    talk.pass(secs(1));
    talk.submit(2, make_call());
    talk.submit(3, snapshot());
    talk.submit(4, clear());
    talk.pass(secs(9));
    assert_eq!(talk.next(), Output::Slow { ticket: Ticket(1) });
    talk.sent(3);
    talk.pass(secs(1));
    let mut outputs: Vec<Output> = talk.outputs.drain(..).collect();
    outputs.retain(|output| !matches!(output, Output::Slow { .. }));
    assert_eq!(outputs, [Output::Done { ticket: Ticket(2), outcome: Outcome::Refused(Refusal::WaitedTooLong) }]);
    talk.pass(secs(15));
    assert_eq!(talk.next(), Output::Slow { ticket: Ticket(3) });
    // A hang-up is never too late.
    talk.sent(4);
}

#[test]
fn a_lost_answer_blocks_nobody_and_the_truth_is_asked_for_first() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.sent(1);
    talk.pass(secs(9));
    talk.submit(2, clear());
    talk.quiet();
    talk.now += secs(1);
    talk.give(Input::Timeout);
    assert_eq!(talk.next(), Output::Slow { ticket: Ticket(1) });
    talk.quiet();
    assert!(talk.exchange.is_in_doubt());
    // Who is told of the doubt asks now; the hang-up that waits comes after the truth.
    talk.submit(3, snapshot());
    talk.sent(3);
    talk.quiet();
    talk.answer(3, 200, "<SnapshotDeviceResponse/>");
    talk.answered(3);
    talk.sent(2);
    // A response of its own belongs to the one that is waited for, whatever was lost before.
    talk.body("<ClearConnectionResponse/>");
    talk.replied(200);
    talk.answered(2);
    talk.submit(4, hold());
    talk.sent(4);
    talk.body("<HoldCallResponse/>");
    talk.replied(200);
    talk.answered(4);
    // The late answer still finds its service.
    talk.answer(1, 200, "<HoldCallResponse/>");
    talk.answered(1);
    assert!(!talk.exchange.is_in_doubt());
}

#[test]
fn in_doubt_others_go_out_even_if_nobody_asks_for_the_truth() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.sent(1);
    talk.pass(secs(5));
    talk.submit(2, make_call());
    talk.pass(secs(5));
    assert_eq!(talk.next(), Output::Slow { ticket: Ticket(1) });
    talk.sent(2);
}

#[test]
fn what_is_withdrawn_has_no_end_and_the_next_one_goes_out() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.submit(2, snapshot());
    talk.sent(1);
    talk.exchange.withdraw(talk.now, Ticket(1));
    talk.pump();
    talk.sent(2);
    talk.quiet();
}

#[test]
fn the_queue_is_bounded() {
    let mut talk = Talk::with(|config| config.max_queued = 1);
    talk.submit(1, hold());
    talk.submit(2, hold());
    talk.submit(3, hold());
    talk.sent(1);
    assert_eq!(talk.done(3), Outcome::Refused(Refusal::QueueFull));
    talk.quiet();
}

#[test]
fn a_lost_link_leaves_doubt_and_goes_on() {
    let mut talk = Talk::new();
    talk.submit(1, make_call());
    talk.submit(2, snapshot());
    talk.sent(1);
    talk.give(Input::InfoLost { ticket: Ticket(1) });
    assert_eq!(talk.done(1), Outcome::Unknown(Doubt::LinkLost));
    talk.sent(2);
    talk.give(Input::InfoLost { ticket: Ticket(99) });
    talk.quiet();
}

#[test]
fn a_dead_dialog_gives_everything_back() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.submit(2, hold());
    talk.sent(1);
    let cancelled = talk.exchange.cancel_all();
    let is = |ticket, sent| Cancelled { ticket: Ticket(ticket), sent };
    assert_eq!(cancelled, [is(1, true), is(2, false)]);
    assert_eq!((talk.exchange.pending(), talk.exchange.deadline()), (0, None));
    talk.exchange.submit(talk.now, Ticket(3), hold());
    assert_eq!(talk.exchange.cancel_all(), [is(3, false)], "not polled is not sent");
    talk.pump();
    talk.quiet();
}

#[test]
fn every_ticket_ends_once_whatever_happens() {
    let bodies = ["", "<HoldCallResponse/>", NOT_SUPPORTED, HELD, "<", ANNOUNCED];
    for seed in 0_usize..200 {
        let mut talk = Talk::with(|config| config.max_queued = 3);
        let mut state = seed.wrapping_mul(2_654_435_761) + 1;
        let mut dice = |sides: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % sides
        };
        let mut submitted = 0_u64;
        for _ in 0..40 {
            match dice(5) {
                0 => {
                    submitted += 1;
                    let request = if dice(2) == 0 { hold() } else { snapshot() };
                    talk.submit(submitted, request);
                }
                1 => talk.body(bodies[dice(bodies.len())]),
                2 => talk.answer(dice(8) as u64, [200, 408, 500][dice(3)], bodies[dice(bodies.len())]),
                3 => talk.give(Input::InfoLost { ticket: Ticket(dice(8) as u64) }),
                _ => talk.pass(secs(dice(20) as u64)),
            }
        }
        talk.pass(secs(500));
        let mut ended: Vec<u64> = talk
            .outputs
            .iter()
            .filter_map(|output| match output {
                Output::Done { ticket, .. } => Some(ticket.0),
                _ => None,
            })
            .collect();
        ended.sort_unstable();
        assert_eq!(ended, (1..=submitted).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(talk.exchange.pending(), 0);
    }
}
