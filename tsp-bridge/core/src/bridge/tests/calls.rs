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
fn a_partial_number_goes_out_when_it_is_whole() {
    let (mut kit, line) = Kit::new();
    let (_, handle) = kit.make_call(line, "2;", 0x10);
    let asked = kit.sent().pop().unwrap();
    assert!(asked["body"].get("to").is_none());
    kit.answer(&asked, 201, call("c1", "dial_tone"));
    assert_eq!(kit.states(0x10), [DIALING]);
    let units: Vec<u16> = "02".encode_utf16().collect();
    let request = kit.request();
    kit.bridge.dial(request, handle, Some(&units), kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["body"], json!({"digits": "202"}));
    kit.answer(&asked, 200, json!({"calls": []}));
    assert_eq!(kit.result(request), Some(0));
}

/// 201 has a dial tone.
fn dial_tone() -> (Kit, u32) {
    let (mut kit, line) = Kit::new();
    let (_, handle) = kit.make_call(line, "", 0x10);
    let asked = kit.sent().pop().unwrap();
    kit.answer(&asked, 201, call("c1", "dial_tone"));
    assert_eq!(kit.states(0x10), [call_state::DIALTONE]);
    (kit, handle)
}

fn dial(kit: &mut Kit, handle: u32, text: &str) -> (u32, Result<(), i32>) {
    let units: Vec<u16> = text.encode_utf16().collect();
    let request = kit.request();
    let outcome = kit.bridge.dial(request, handle, Some(&units), kit.now);
    kit.drain();
    (request, outcome)
}

#[test]
fn a_refused_number_is_not_put_before_the_next_one() {
    let (mut kit, handle) = dial_tone();
    assert_eq!(dial(&mut kit, handle, "9;").1, Ok(()));
    let (request, outcome) = dial(&mut kit, handle, "99");
    assert_eq!(outcome, Ok(()));
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["body"], json!({"digits": "999"}));
    assert_eq!(kit.states(0x10), [call_state::DIALTONE, DIALING]);
    kit.answer(&asked, 422, json!({"code": "invalid_number"}));
    assert_eq!(kit.result(request), Some(err::INVALADDRESS));
    assert_eq!(kit.last(0x10).0, call_state::DIALTONE, "the dial tone is still there");
    let (request, _) = dial(&mut kit, handle, "202");
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["body"], json!({"digits": "202"}));
    kit.answer(&asked, 200, json!({"calls": []}));
    assert_eq!((kit.result(request), kit.last(0x10).0), (Some(0), DIALING));
    kit.updated(call("c1", "dial_tone"));
    assert_eq!(kit.last(0x10).0, DIALING, "what the router does not tell yet is not taken back");
}

#[test]
fn digits_that_the_gateway_has_are_not_sent_again() {
    let (mut kit, handle) = dial_tone();
    for digit in ["2", "0", "2"] {
        let (request, _) = dial(&mut kit, handle, digit);
        let asked = kit.sent().pop().unwrap();
        assert_eq!(asked["body"], json!({"digits": digit}));
        kit.updated(call("c1", "dialing"));
        kit.answer(&asked, 200, json!({"calls": []}));
        assert_eq!(kit.result(request), Some(0));
    }
    assert_eq!(kit.states(0x10), [call_state::DIALTONE, DIALING]);
}

#[test]
fn only_keys_are_dialled_into_a_dial_tone() {
    let (mut kit, handle) = dial_tone();
    for text in ["+49 (30) 12", "+493012;"] {
        assert_eq!(dial(&mut kit, handle, text).1, Err(err::INVALADDRESS), "{text}");
    }
    assert!(kit.sent().is_empty());
    assert_eq!(dial(&mut kit, handle, &"1;".replace('1', &"1".repeat(60))).1, Ok(()));
    assert_eq!(dial(&mut kit, handle, "12345").1, Err(err::INVALADDRESS), "longer than any number");
    assert_eq!(dial(&mut kit, handle, "1234").1, Ok(()));
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["body"]["digits"], format!("{}1234", "1".repeat(60)));
    let (mut kit, handle) = dial_tone();
    assert_eq!(dial(&mut kit, handle, "T0 (30) 12-3").1, Ok(()));
    assert_eq!(kit.sent().pop().unwrap()["body"], json!({"digits": "030123"}));
    // A call that begins with a part of such a number could not be finished.
    let (mut kit, line) = Kit::new();
    let units: Vec<u16> = "+49;".encode_utf16().collect();
    assert_eq!(kit.bridge.make_call(1, line, 0x10, Some(&units), None, kit.now), Err(err::INVALADDRESS));
}

#[test]
fn what_is_already_completed_is_told_before_line_or_call_is_closed() {
    type Ends = fn(&mut Bridge, u32, u32) -> Vec<(u32, i32)>;
    let ways: [Ends; 3] = [
        |bridge, _, call| bridge.close_call(call).unwrap(),
        |bridge, line, _| bridge.close(line).unwrap(),
        |bridge, _, _| bridge.shut_down(),
    ];
    for (way, closes) in ways.into_iter().enumerate() {
        let (mut kit, line) = Kit::new();
        kit.updated(with(call("c1", "offering"), json!({"direction": "inbound"})));
        let (ringing, _) = kit.offered();
        kit.updated(with(call("c2", "offering"), json!({"direction": "inbound"})));
        let (other, _) = kit.offered();
        let (first, second, third) = (kit.request(), kit.request(), kit.request());
        kit.bridge.accept(first, ringing, kit.now).unwrap();
        kit.bridge.answer_call(second, ringing, kit.now).unwrap();
        kit.bridge.accept(third, other, kit.now).unwrap();
        let mut ended = closes(&mut kit.bridge, line, ringing);
        ended.sort_unstable();
        kit.drain();
        // The other call's request is told by whoever is meant: the queue, or the caller.
        let mut expected = vec![(first, 0), (second, err::OPERATIONFAILED)];
        if way > 0 {
            expected.push((third, 0));
        }
        assert_eq!(ended, expected, "way {way}");
        assert_eq!(kit.result(third), (way == 0).then_some(0), "way {way}");
        assert!(kit.result(first).is_none() && kit.result(second).is_none(), "once");
    }
}

#[test]
fn what_ends_a_call_is_completed_before_programs_hear_its_end() {
    type Asks = fn(&mut Bridge, u32, u32, Now) -> Result<(), i32>;
    let to = || -> Vec<u16> { "208".encode_utf16().collect() };
    let ways: [(Asks, &str, &str); 3] = [
        (|bridge, request, call, now| bridge.drop_call(request, call, now), "connected", "normal"),
        (
            |bridge, request, call, now| {
                bridge.blind_transfer(request, call, Some(&"208".encode_utf16().collect::<Vec<_>>()), now)
            },
            "connected",
            "transferred",
        ),
        (
            |bridge, request, call, now| {
                bridge.redirect(request, call, Some(&"208".encode_utf16().collect::<Vec<_>>()), now)
            },
            "offering",
            "redirected",
        ),
    ];
    for (asks, state, cause) in ways {
        let (mut kit, _) = Kit::new();
        let inbound = json!({"direction": "inbound", "allowed_actions": ["drop", "blind_transfer", "redirect"]});
        kit.updated(with(call("c1", state), inbound.clone()));
        let (handle, ht) = kit.offered();
        kit.pass(1_000);
        let request = kit.request();
        asks(&mut kit.bridge, request, handle, kit.now).unwrap();
        let asked = kit.sent().pop().unwrap();
        // The event comes before the answer, and a program lets go of what is idle.
        kit.updated(with(with(call("c1", "ended"), inbound), json!({"cause": cause})));
        assert_eq!((kit.result(request), kit.last(ht).0), (Some(0), call_state::IDLE), "{cause}");
        let place = |wanted: fn(&Output) -> bool| kit.told.iter().position(wanted).unwrap();
        let is_idle = |output: &Output| match output {
            Output::Event { message: msg::CALLSTATE, params, .. } => params[0] == call_state::IDLE as usize,
            _ => false,
        };
        assert!(place(|output| matches!(output, Output::Complete { .. })) < place(is_idle));
        assert_eq!(kit.bridge.close_call(handle), Ok(Vec::new()));
        kit.answer(&asked, 200, json!({"calls": []}));
        kit.pass(60_000);
    }
    // The caller gave up before the transfer: whether that was carried out, the answer says.
    let (mut kit, line) = Kit::new();
    let handle = kit.talking(line, "c1");
    let request = kit.request();
    kit.bridge.blind_transfer(request, handle, Some(&to()), kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    kit.updated(with(call("c1", "ended"), json!({"cause": "normal"})));
    assert_eq!(kit.result(request), None);
    kit.answer(&asked, 409, json!({"code": "not_allowed_now"}));
    assert_eq!(kit.result(request), Some(err::INVALCALLSTATE));
    // What became of a call while the link is away is not known.
    let (mut kit, line) = Kit::new();
    let handle = kit.talking(line, "c1");
    kit.pass(15_000);
    let request = kit.request();
    kit.bridge.settings.grace_ms = 1_000;
    kit.bridge.drop_call(request, handle, kit.now).unwrap();
    kit.bridge.link_closed("broken", kit.now);
    kit.pass(1_000);
    assert_eq!((kit.result(request), kit.last(0x10).0), (None, call_state::IDLE));
    kit.pass(8_000);
    assert_eq!(kit.result(request), Some(err::RESOURCEUNAVAIL));
}

#[test]
fn a_transfer_is_completed_with_the_first_of_its_calls_that_is_passed_on() {
    let (mut kit, line) = Kit::new();
    let original = kit.talking(line, "c1");
    let request = kit.request();
    let consult = kit.bridge.setup_transfer(request, original, 0x20, None, kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    kit.answer(&asked, 201, with(call("c2", "dial_tone"), json!({"consultation_of": "c1"})));
    kit.updated(call("c1", "on_hold"));
    kit.updated(with(call("c2", "connected"), json!({"consultation_of": "c1"})));
    let request = kit.request();
    kit.bridge.complete_transfer(request, original, consult, 0, 1, kit.now).unwrap();
    kit.updated(with(call("c1", "ended"), json!({"cause": "transferred"})));
    assert_eq!((kit.result(request), kit.last(0x10).0), (Some(0), call_state::IDLE));
    assert_eq!(kit.bridge.close_call(original), Ok(Vec::new()));
    kit.updated(with(call("c2", "ended"), json!({"cause": "transferred"})));
    assert_eq!(kit.last(0x20).0, call_state::IDLE);
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
