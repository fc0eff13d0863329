//! What the switch says unasked.

use super::*;

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
