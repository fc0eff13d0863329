//! One dialog's conversation with a clock that only moves when told.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    Answer, Cancelled, Doubt, Exchange, ExchangeConfig, Input, Outcome, Output, Received, Refusal, ResponseMode, Ticket,
};
use crate::csta::{CallExtras, Connection, EventKind, OperationError, Request, Response, SystemStatus};

struct Talk {
    exchange: Exchange,
    now: Instant,
    outputs: VecDeque<Output>,
}

const HELD: &str = "<HeldEvent><monitorCrossRefID>1</monitorCrossRefID></HeldEvent>";
const NOT_SUPPORTED: &str = "<CSTAErrorCode><operation>serviceNotSupported</operation></CSTAErrorCode>";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn hold() -> Request {
    Request::HoldCall { call: Connection::from(("c", "d")) }
}

fn make_call() -> Request {
    Request::MakeCall { calling: "1".into(), called: "2".into(), prompt: Some(false), extras: CallExtras::default() }
}

fn clear() -> Request {
    Request::ClearConnection { call: Connection::from(("c", "d")), reason: None }
}

fn snapshot() -> Request {
    Request::SnapshotDevice { device: "tel:211".into() }
}

impl Talk {
    fn with(change: impl FnOnce(&mut ExchangeConfig)) -> Self {
        let mut config = ExchangeConfig::default();
        change(&mut config);
        Self { exchange: Exchange::new(config), now: Instant::now(), outputs: VecDeque::new() }
    }

    fn new() -> Self {
        Self::with(|_| {})
    }

    fn pump(&mut self) {
        self.outputs.extend(std::iter::from_fn(|| self.exchange.poll()));
    }

    fn submit(&mut self, ticket: u64, request: Request) {
        self.exchange.submit(self.now, Ticket(ticket), request);
        self.pump();
    }

    fn give(&mut self, input: Input) {
        self.exchange.handle(self.now, input);
        self.pump();
    }

    fn answer(&mut self, ticket: u64, status: u16, body: &str) {
        let body = Some(Bytes::copy_from_slice(body.as_bytes()));
        self.give(Input::InfoAnswered { ticket: Ticket(ticket), status, body });
    }

    fn body(&mut self, text: &str) {
        self.give(Input::Body(Bytes::copy_from_slice(text.as_bytes())));
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.exchange.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.give(Input::Timeout);
        }
        self.now = until;
    }

    #[track_caller]
    fn next(&mut self) -> Output {
        let Some(output) = self.outputs.pop_front() else { panic!("nothing to do") };
        output
    }

    #[track_caller]
    fn sent(&mut self, ticket: u64) -> String {
        match self.next() {
            Output::SendInfo { ticket: found, body } => {
                assert_eq!(found, Ticket(ticket));
                String::from_utf8(body.to_vec()).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn done(&mut self, ticket: u64) -> Outcome {
        match self.next() {
            Output::Done { ticket: found, outcome } => {
                assert_eq!(found, Ticket(ticket));
                outcome
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn answered(&mut self, ticket: u64) -> Answer {
        match self.done(ticket) {
            Outcome::Response(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn replied(&mut self, status: u16) -> Option<String> {
        match self.next() {
            Output::Reply { status: found, body } => {
                assert_eq!(found, status);
                body.map(|body| String::from_utf8(body.to_vec()).unwrap())
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn quiet(&self) {
        assert!(self.outputs.is_empty(), "{:?}", self.outputs);
    }
}

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
fn events_before_the_answer_are_told_at_once() {
    let mut talk = Talk::new();
    talk.submit(1, hold());
    talk.sent(1);
    talk.body(HELD);
    assert_eq!(talk.replied(200), None);
    assert!(matches!(talk.next(), Output::Event(_)));
    talk.answer(1, 200, "<HoldCallResponse/>");
    talk.answered(1);
}

#[test]
fn receive_hands_an_event_back_without_a_second_look() {
    let mut exchange = Exchange::new(ExchangeConfig::default());
    let body = Bytes::from_static(HELD.as_bytes());
    match exchange.receive(Instant::now(), &body) {
        Received::Event(event) => assert!(matches!(event.kind, EventKind::Held { .. })),
        other => panic!("{other:?}"),
    }
    assert_eq!(exchange.poll(), Some(Output::Reply { status: 200, body: None }));
    assert_eq!(exchange.poll(), None);
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
fn requests_of_the_switch_are_answered() {
    let mut talk = Talk::new();
    talk.body("<RequestSystemStatus/>");
    assert!(talk.replied(200).unwrap().contains("<systemStatus>normal</systemStatus>"));
    talk.body("<SystemStatus><systemStatus>overloadReached</systemStatus></SystemStatus>");
    assert!(talk.replied(200).unwrap().contains("<SystemStatusResponse "));
    assert_eq!(talk.next(), Output::SystemStatus(SystemStatus::OverloadReached));
    talk.body("<MonitorStop><monitorCrossRefID>41</monitorCrossRefID></MonitorStop>");
    assert!(talk.replied(200).unwrap().contains("<MonitorStopResponse "));
    assert_eq!(talk.next(), Output::MonitorStopped { monitor_cross_ref_id: "41".into() });
    talk.body("<MakeCall/>");
    assert!(talk.replied(200).unwrap().contains(OperationError::ServiceNotSupported.as_str()));
    assert_eq!(talk.next(), Output::Stray { root: "MakeCall".into() });
    talk.body("<Surprise/>");
    assert_eq!(talk.replied(200), None);
    assert_eq!(talk.next(), Output::Stray { root: "Surprise".into() });
}

#[test]
fn a_malformed_body_gets_200_or_400_as_configured() {
    for (strict, status) in [(false, 200), (true, 400)] {
        let mut talk = Talk::with(|config| config.strict = strict);
        talk.body("<HeldEvent>");
        talk.replied(status);
        assert!(matches!(talk.next(), Output::Malformed(_)));
    }
}

#[test]
fn answers_that_nobody_waits_for_are_stray() {
    let mut talk = Talk::new();
    talk.body("<HoldCallResponse/>");
    talk.replied(200);
    assert_eq!(talk.next(), Output::Stray { root: "HoldCallResponse".into() });
    talk.body(NOT_SUPPORTED);
    talk.replied(200);
    assert_eq!(talk.next(), Output::Stray { root: "CSTAErrorCode".into() });
    talk.submit(1, hold());
    talk.sent(1);
    talk.body("<RetrieveCallResponse/>");
    talk.replied(200);
    assert_eq!(talk.next(), Output::Stray { root: "RetrieveCallResponse".into() });
    assert_eq!(talk.exchange.pending(), 1);
}

fn segment(number: u32, last: bool) -> String {
    format!(
        "<SnapshotDeviceData><serviceCrossRefID>9</serviceCrossRefID><segmentID>{number}</segmentID><lastSegment>{last}</lastSegment><snapshotData><snapshotDeviceResponseInfo><connectionIdentifier><callID>c{number}</callID></connectionIdentifier></snapshotDeviceResponseInfo></snapshotData></SnapshotDeviceData>"
    )
}

const ANNOUNCED: &str = "<SnapshotDeviceResponse><crossRefIDorSnapshotData><serviceCrossRefID>9</serviceCrossRefID></crossRefIDorSnapshotData></SnapshotDeviceResponse>";

fn calls(answer: &Answer) -> Vec<String> {
    answer.device_calls().iter().map(|info| info.connection.call().to_owned()).collect()
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
