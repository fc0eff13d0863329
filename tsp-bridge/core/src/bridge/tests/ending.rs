//! Ends of calls, and of what was asked about them.

use super::*;
use crate::tapi::err;

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
