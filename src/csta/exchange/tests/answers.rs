//! Which message answers the outstanding service, and what it means.

use super::*;

fn segment(number: u32, last: bool) -> String {
    format!(
        "<SnapshotDeviceData><serviceCrossRefID>9</serviceCrossRefID><segmentID>{number}</segmentID><lastSegment>{last}</lastSegment><snapshotData><snapshotDeviceResponseInfo><connectionIdentifier><callID>c{number}</callID></connectionIdentifier></snapshotDeviceResponseInfo></snapshotData></SnapshotDeviceData>"
    )
}

fn calls(answer: &Answer) -> Vec<String> {
    answer.device_calls().iter().map(|info| info.connection.call().to_owned()).collect()
}

#[test]
fn the_answer_may_come_as_an_info_of_its_own() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.sent(1);
    talk.answer(1, 200, "");
    talk.quiet();
    talk.pass(secs(9));
    talk.body("<HoldCallResponse/>");
    assert_eq!(talk.replied(200), None);
    talk.answered(1);
    talk.quiet();
}

#[test]
fn the_separate_answer_may_overtake_the_empty_one() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.submit(2, snapshot());
    talk.sent(1);
    talk.body("<HoldCallResponse/>");
    talk.replied(200);
    talk.answered(1);
    talk.sent(2);
    talk.answer(1, 200, "");
    talk.quiet();
    talk.answer(2, 200, "<SnapshotDeviceResponse/>");
    talk.answered(2);
}

#[test]
fn an_empty_answer_and_nothing_after_it_leaves_doubt() {
    for (mode, wait) in [(ResponseMode::Auto, 10), (ResponseMode::Separate, 32), (ResponseMode::Final, 0)] {
        let mut talk = Talk::with(|config| config.response_mode = mode);
        talk.submit(1, hold());
        talk.sent(1);
        talk.answer(1, 200, "");
        if wait > 0 {
            talk.pass(secs(wait) - secs(1));
            talk.pass(secs(1));
        }
        let last = talk.outputs.pop_back();
        let outcome = Outcome::Unknown(Doubt::EmptyAnswer);
        assert_eq!(last, Some(Output::Done { ticket: Ticket(1), outcome }), "{mode:?}");
    }
}

#[test]
fn in_final_mode_a_separate_answer_is_stray() {
    let mut talk = Talk::with(|config| config.response_mode = ResponseMode::Final);
    talk.submit(1, hold());
    talk.sent(1);
    talk.body("<HoldCallResponse/>");
    talk.replied(200);
    assert_eq!(talk.next(), Output::Stray { root: "HoldCallResponse".into() });
    talk.answer(1, 200, "<HoldCallResponse/>");
    talk.answered(1);
}

#[test]
fn an_event_in_the_place_of_an_answer_is_an_event() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.sent(1);
    talk.answer(1, 200, HELD);
    assert!(matches!(talk.next(), Output::Event(_)));
    talk.quiet();
    talk.body("<HoldCallResponse/>");
    talk.replied(200);
    talk.answered(1);
}

#[test]
fn the_body_counts_before_the_status() {
    let mut talk = Talk::new();
    for (ticket, status) in [(1, 200), (2, 500), (3, 603)] {
        talk.submit(ticket, hold());
        talk.sent(ticket);
        talk.answer(ticket, status, NOT_SUPPORTED);
        match talk.done(ticket) {
            Outcome::Refused(Refusal::Fault(fault)) => assert!(fault.is_not_supported()),
            other => panic!("{other:?}"),
        }
    }
    talk.submit(4, hold());
    talk.sent(4);
    talk.answer(4, 503, "<html>sorry</html>");
    assert_eq!(talk.done(4), Outcome::Refused(Refusal::Sip(503)));
    talk.submit(5, hold());
    talk.sent(5);
    talk.answer(5, 415, "");
    assert_eq!(talk.done(5), Outcome::Refused(Refusal::Sip(415)));
    talk.submit(6, hold());
    talk.sent(6);
    talk.answer(6, 408, "");
    assert_eq!(talk.done(6), Outcome::Unknown(Doubt::NoAnswer));
    talk.submit(7, hold());
    talk.sent(7);
    talk.answer(7, 408, "<html>late</html>");
    assert_eq!(talk.done(7), Outcome::Unknown(Doubt::NoAnswer));
}

#[test]
fn a_snapshot_that_collects_takes_no_other_answer() {
    let mut talk = Talk::with(|config| config.max_outstanding = 2);
    talk.submit(1, snapshot());
    talk.submit(2, hold());
    talk.sent(1);
    talk.sent(2);
    talk.answer(1, 200, ANNOUNCED);
    talk.body(NOT_SUPPORTED);
    talk.replied(200);
    assert!(matches!(talk.done(2), Outcome::Refused(Refusal::Fault(_))));
    talk.body(&segment(0, true));
    talk.replied(200);
    assert_eq!(calls(&talk.answered(1)), ["c0"]);
}

#[test]
fn an_answer_to_something_else_is_a_mismatch() {
    let mut talk = Talk::new();
    for (ticket, body, found) in [
        (1, "<RetrieveCallResponse/>", "RetrieveCallResponse"),
        (2, "<BrandNewResponse/>", "BrandNewResponse"),
        (3, "<Surprise/>", "Surprise"),
        (4, "<SystemStatus/>", "a request"),
        (5, "<HoldCallResponse", "the body ends inside an element"),
    ] {
        talk.submit(ticket, hold());
        talk.sent(ticket);
        talk.answer(ticket, 200, body);
        assert_eq!(talk.done(ticket), Outcome::Mismatch { found: found.into() });
    }
}

#[test]
fn provisional_answers_are_nothing() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.sent(1);
    talk.answer(1, 100, "");
    talk.quiet();
}

#[test]
fn announced_segments_are_collected_in_any_place() {
    for before in [0, 1, 2] {
        let mut talk = Talk::new();
        talk.submit(1, snapshot());
        talk.sent(1);
        for number in 0..before {
            talk.body(&segment(number, number == 1));
            talk.replied(200);
        }
        talk.answer(1, 200, ANNOUNCED);
        for number in before..2 {
            talk.body(&segment(number, number == 1));
            talk.replied(200);
        }
        let answer = talk.answered(1);
        assert!(answer.is_complete());
        assert_eq!(calls(&answer), ["c0", "c1"], "{before}");
    }
}

#[test]
fn segments_that_never_end_are_given_out_as_they_are() {
    let mut talk = Talk::new();
    talk.submit(1, snapshot());
    talk.sent(1);
    talk.answer(1, 200, ANNOUNCED);
    talk.body(&segment(0, false));
    talk.replied(200);
    talk.body(&segment(5, true).replace(">9<", ">8<"));
    talk.replied(200);
    assert_eq!(talk.next(), Output::Stray { root: "SnapshotDeviceData".into() });
    talk.pass(secs(10));
    let answer = talk.answered(1);
    assert!(!answer.is_complete());
    assert_eq!(calls(&answer), ["c0"]);
}

#[test]
fn a_snapshot_in_place_has_its_calls() {
    let mut talk = Talk::new();
    talk.submit(1, snapshot());
    talk.sent(1);
    let body = segment(7, true).replace("SnapshotDeviceData", "SnapshotDeviceResponse");
    let body = body.replace("<serviceCrossRefID>9</serviceCrossRefID>", "");
    talk.answer(1, 200, &body);
    let answer = talk.answered(1);
    assert_eq!(calls(&answer), ["c7"]);
    assert!(answer.call_devices().is_empty());
}

#[test]
fn the_namespace_of_the_first_answer_is_taken_over_when_told_to() {
    let mut talk = Talk::with(|config| config.learn_namespace = true);
    talk.submit(1, Request::RequestSystemStatus);
    talk.sent(1);
    talk.answer(1, 200, "<RequestSystemStatusResponse xmlns='urn:five'><systemStatus>normal</systemStatus></RequestSystemStatusResponse>");
    talk.answered(1);
    talk.submit(2, hold());
    assert!(talk.sent(2).contains("xmlns=\"urn:five\""));
}
