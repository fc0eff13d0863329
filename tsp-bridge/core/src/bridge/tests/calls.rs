use super::*;
use crate::tapi::{err, info};

const DIALING: u32 = call_state::DIALING;
const RINGBACK: u32 = call_state::RINGBACK;
const CONNECTED: u32 = call_state::CONNECTED;

#[test]
fn an_event_with_the_reference_completes_the_request_before_its_answer() {
    let (mut kit, line) = Kit::new();
    let (request, _) = kit.make_call(line, "+49 (30) 12", 0x10);
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["body"]["to"], "+493012");
    let reference = asked["body"]["client_ref"].clone();
    assert!(kit.states(0x10).is_empty() && kit.result(request).is_none());
    kit.updated(with(call("c1", "dialing"), json!({"client_ref": reference})));
    assert_eq!(kit.result(request), Some(0));
    let place = |wanted: fn(&Output) -> bool| kit.told.iter().position(wanted).unwrap();
    assert!(
        place(|output| matches!(output, Output::Complete { .. }))
            < place(|output| matches!(output, Output::Event { message: msg::CALLSTATE, .. }))
    );
    kit.updated(with(call("c1", "ringback"), json!({"client_ref": reference})));
    // The answer is older than what the events have said.
    kit.answer(&asked, 201, with(call("c1", "dialing"), json!({"client_ref": reference})));
    kit.updated(with(call("c1", "connected"), json!({"client_ref": reference})));
    assert_eq!(kit.states(0x10), [DIALING, RINGBACK, CONNECTED]);
    assert_eq!(kit.offers(), 0);
}

#[test]
fn a_call_of_somebody_else_is_never_taken_for_ours() {
    let (mut kit, line) = Kit::new();
    let (request, _) = kit.make_call(line, "202", 0x10);
    let asked = kit.sent().pop().unwrap();
    kit.updated(call("foreign", "dialing"));
    kit.updated(with(call("other", "dialing"), json!({"client_ref": "crm-1"})));
    assert_eq!((kit.offers(), kit.result(request)), (2, None));
    kit.answer(&asked, 201, call("c1", "dialing"));
    assert_eq!(kit.result(request), Some(0));
    assert_eq!(kit.offers(), 2);
}

#[test]
fn a_refusal_completes_with_what_it_means_and_leaves_the_handle_silent() {
    for (status, code, csta, error) in [
        (422, "invalid_number", "", err::INVALADDRESS),
        (409, "not_allowed_now", "", err::CALLUNAVAIL),
        (502, "pbx_refused", "resourceBusy", err::CALLUNAVAIL),
        (503, "pbx_unavailable", "", err::RESOURCEUNAVAIL),
        (504, "pbx_timeout", "", err::OPERATIONFAILED),
        (501, "not_supported_by_pbx", "", err::OPERATIONUNAVAIL),
        (404, "not_found", "", err::INVALLINESTATE),
    ] {
        let (mut kit, line) = Kit::new();
        let (request, handle) = kit.make_call(line, "202", 0x10);
        let asked = kit.sent().pop().unwrap();
        kit.answer(&asked, status, json!({"code": code, "csta_error": {"category": "operation", "value": csta}}));
        assert_eq!(kit.result(request), Some(error), "{code} {csta}");
        assert!(kit.states(0x10).is_empty());
        assert_eq!(kit.bridge.close_call(handle), Ok(Vec::new()));
    }
}

#[test]
fn an_offer_is_repeated_and_nothing_is_said_before_it_is_taken() {
    let (mut kit, _) = Kit::new();
    kit.refuse = 2;
    kit.updated(with(call("c1", "offering"), json!({"direction": "inbound"})));
    assert_eq!(kit.offers(), 1);
    kit.updated(with(call("c1", "connected"), json!({"direction": "inbound"})));
    kit.pass(49);
    assert_eq!(kit.offers(), 1);
    kit.pass(1);
    kit.pass(200);
    assert_eq!(kit.offers(), 3);
    let (_, ht) = kit.offered();
    assert_eq!(kit.states(ht), [CONNECTED], "the present state is the first");
}

#[test]
fn a_call_that_ends_before_it_was_taken_is_forgotten_or_ended() {
    let (mut kit, _) = Kit::new();
    kit.refuse = 1;
    kit.updated(with(call("c1", "offering"), json!({"direction": "inbound"})));
    kit.updated(with(call("c1", "ended"), json!({"direction": "inbound", "cause": "caller_gave_up"})));
    kit.pass(20_000);
    assert!(kit.told.iter().all(|output| !matches!(output, Output::Event { message: msg::CALLSTATE, .. })));
}

#[test]
fn closing_a_pending_call_ends_its_request_and_what_comes_later_is_new() {
    let (mut kit, line) = Kit::new();
    let (request, handle) = kit.make_call(line, "202", 0x10);
    let asked = kit.sent().pop().unwrap();
    assert_eq!(kit.bridge.close_call(handle), Ok(vec![(request, err::OPERATIONFAILED)]));
    kit.answer(&asked, 201, call("c1", "dialing"));
    kit.updated(call("c1", "ringback"));
    assert_eq!(kit.offers(), 1);
    assert!(kit.states(0x10).is_empty());
}

#[test]
fn a_lost_answer_ends_within_the_limit() {
    let (mut kit, line) = Kit::new();
    let (request, _) = kit.make_call(line, "202", 0x10);
    kit.pass(7_999);
    assert_eq!(kit.result(request), None);
    kit.pass(1);
    assert_eq!(kit.result(request), Some(err::OPERATIONFAILED));
}

#[test]
fn a_consultation_belongs_to_whoever_asked_for_it() {
    let (mut kit, line) = Kit::new();
    let original = kit.talking(line, "c1");
    let request = kit.request();
    let consult = kit.bridge.setup_transfer(request, original, 0x20, None, kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["path"], "/api/v1/calls/c1/consult");
    kit.updated(call("c1", "on_hold"));
    assert_eq!(kit.last(0x10).0, CONNECTED, "how it is held is known with the consultation only");
    // An outbound call of which nothing is known yet waits for the answer.
    kit.updated(call("c2", "dial_tone"));
    assert_eq!(kit.offers(), 0);
    kit.answer(&asked, 201, with(call("c2", "dial_tone"), json!({"consultation_of": "c1"})));
    assert_eq!(kit.result(request), Some(0));
    assert_eq!(kit.states(0x20), [call_state::DIALTONE]);
    assert_eq!(kit.last(0x10).0, call_state::ONHOLDPENDTRANSFER);
    // It ends: the first call comes back by itself.
    kit.updated(with(call("c2", "ended"), json!({"cause": "normal"})));
    kit.updated(call("c1", "connected"));
    assert_eq!(kit.last(0x20).0, call_state::IDLE);
    assert_eq!(kit.last(0x10).0, CONNECTED);
    assert!(kit.bridge.has_call(consult), "the handle stays until it is closed");
}

#[test]
fn what_changes_about_the_parties_is_told() {
    let (mut kit, line) = Kit::new();
    let handle = kit.talking(line, "c1");
    let number = |kit: &Kit, party: usize| kit.bridge.parties(handle)[party].number.clone();
    let forwarded = json!({"redirecting": {"number": "208"}, "called": {"number": "205"}});
    kit.told.clear();
    kit.updated(with(call("c1", "connected"), forwarded.clone()));
    assert_eq!((number(&kit, 3), number(&kit, 4)), ("205".to_owned(), "208".to_owned()));
    assert_eq!(kit.news(0x10), info::CALLEDID | info::REDIRECTIONID | info::REDIRECTINGID);
    kit.told.clear();
    kit.updated(with(with(call("c1", "connected"), forwarded), json!({"called": {"number": "206"}})));
    assert_eq!(kit.news(0x10), info::CALLEDID | info::REDIRECTIONID);
    kit.told.clear();
    kit.updated(with(call("c1", "connected"), json!({"called": {"number": "206"}})));
    assert_eq!((number(&kit, 3), number(&kit, 4)), (String::new(), String::new()));
    assert_eq!(kit.news(0x10), info::REDIRECTIONID | info::REDIRECTINGID);
    kit.told.clear();
    kit.updated(with(call("c1", "connected"), json!({"called": {"number": "207"}})));
    assert_eq!(kit.news(0x10), info::CALLEDID, "sent on by nobody");
}

#[test]
fn data_follows_the_call() {
    let (mut kit, line) = Kit::new();
    let handle = kit.talking(line, "c1");
    kit.bridge.set_app_specific(handle, 7, kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["method"], "PATCH");
    assert_eq!(asked["body"], json!({"data": {"tapi_app_specific": 7, "tapi_call_data": null}}));
    let request = kit.request();
    assert_eq!(kit.bridge.set_call_data(request, handle, &[0; 2_049], kit.now), Err(err::INVALPARAM));
    kit.bridge.set_call_data(request, handle, b"crm", kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    // An event from before does not take the data back.
    kit.updated(call("c1", "on_hold"));
    let mut info = vec![0_u8; 4096];
    kit.bridge.call_info(handle, &mut info).unwrap();
    assert_eq!(&info[36..40], &7_u32.to_le_bytes());
    kit.answer(&asked, 200, json!({}));
    assert_eq!(kit.result(request), Some(0));
}
