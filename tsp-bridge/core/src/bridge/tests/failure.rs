//! Failures of our own: once, and for good.

use super::*;
use crate::bridge::LinkState;
use crate::tapi::{dev_state, disconnect, err};

fn lines() -> [Value; 2] {
    [line(1, "201"), line(2, "202")]
}

#[test]
fn after_a_failure_of_our_own_requests_end_and_the_state_comes_anew() {
    let (mut kit, line) = Kit::new();
    kit.talking(line, "c1");
    let (request, _) = kit.make_call(line, "208", 0x11);
    kit.bridge.recover(kit.now);
    kit.drain();
    assert_eq!(kit.result(request), Some(err::OPERATIONFAILED));
    let subscribe: Value = serde_json::from_str(&kit.bridge.subscribe_frame()).unwrap();
    assert_eq!(subscribe["from"], "snapshot");
    kit.snapshot(&lines(), &[call("c1", "on_hold")]);
    assert_eq!(kit.last(0x10).0, call_state::ONHOLD);
}

fn line_states(kit: &Kit) -> Vec<usize> {
    let states = kit.told.iter().filter_map(|output| match output {
        Output::Event { message: msg::LINEDEVSTATE, params, .. } => Some(params[0]),
        _ => None,
    });
    states.collect()
}

/// A call that speaks, one that rings, one that was asked for, and a request without an answer; then it fails for good.
fn failed() -> (Kit, u32, [u32; 3]) {
    let (mut kit, line) = Kit::new();
    let speaking = kit.talking(line, "c1");
    kit.updated(with(call("c2", "offering"), json!({"direction": "inbound"})));
    let (ringing, _) = kit.offered();
    let (asked, made) = kit.make_call(line, "208", 0x11);
    let hold = kit.request();
    kit.bridge.hold(hold, speaking, kit.now).unwrap();
    kit.sent();
    kit.told.clear();
    kit.bridge.fail_for_good(kit.now);
    kit.drain();
    for request in [asked, hold] {
        assert_eq!(kit.result(request), Some(err::OPERATIONFAILED));
    }
    (kit, line, [speaking, ringing, made])
}

#[test]
fn after_too_many_failures_programs_hear_that_nothing_works() {
    let (mut kit, _, [_, ringing, _]) = failed();
    let states = line_states(&kit);
    for state in [dev_state::OUTOFSERVICE, dev_state::DISCONNECTED] {
        assert!(states.contains(&(state as usize)), "{states:x?}");
    }
    let ringing = kit.handles[&ringing];
    for ht in [0x10, ringing] {
        assert_eq!(kit.last(ht).0, call_state::IDLE);
        let told = &kit.states[&ht];
        assert_eq!(told[told.len() - 2], (call_state::DISCONNECTED, disconnect::TEMPFAILURE as usize));
    }
    assert!(kit.states(0x11).is_empty(), "a call that did not come about is silent");
    let text = kit.bridge.device_text(100).unwrap();
    assert!(text.status.contains("Restart the telephony service"), "{}", text.status);
    kit.bridge.fail_for_good(kit.now);
    assert!(!kit.bridge.has_outputs(), "twice is once");
}

#[test]
fn after_too_many_failures_nothing_comes_back_by_itself() {
    let (mut kit, _, _) = failed();
    kit.told.clear();
    kit.bridge.link_opened();
    kit.snapshot(&lines(), &[call("c1", "connected"), with(call("c3", "offering"), json!({"direction": "inbound"}))]);
    kit.updated(call("c1", "on_hold"));
    kit.bridge.link_closed("broken", kit.now);
    kit.pass(60_000);
    assert!(kit.told.is_empty(), "{:?}", kit.told);
    assert_eq!((kit.bridge.link(), kit.bridge.deadline()), (LinkState::Down, None));
    assert!(kit.sent().is_empty());
}

#[test]
fn after_too_many_failures_every_request_is_refused_at_once() {
    let (mut kit, line, [speaking, ringing, _]) = failed();
    let now = kit.now;
    let number: Vec<u16> = "202".encode_utf16().collect();
    let number = Some(number.as_slice());
    let bridge = &mut kit.bridge;
    assert_eq!(bridge.make_call(50, line, 0x20, number, None, now), Err(err::INVALLINESTATE));
    assert_eq!(bridge.forward(51, line, None, None, now), Err(err::RESOURCEUNAVAIL));
    assert_eq!(bridge.conditional_media_detection(line, 4, None), Err(err::RESOURCEUNAVAIL));
    for call in [speaking, ringing] {
        for outcome in [
            bridge.drop_call(52, call, now),
            bridge.answer_call(53, call, now),
            bridge.accept(54, call, now),
            bridge.hold(55, call, now),
            bridge.unhold(56, call, now),
            bridge.dial(57, call, number, now),
            bridge.redirect(58, call, number, now),
            bridge.blind_transfer(59, call, number, now),
            bridge.set_call_data(60, call, b"x", now),
            bridge.set_app_specific(call, 1, now),
            bridge.generate_digits(call, 0, 2, number, now),
            bridge.swap_hold(61, speaking, ringing, now),
            bridge.remove_from_conference(62, call, now),
            bridge.add_to_conference(63, speaking, ringing, now),
            bridge.setup_transfer(64, call, 0x21, None, now).map(|_| ()),
            bridge.complete_transfer(65, speaking, ringing, 0x22, 1, now).map(|_| ()),
        ] {
            assert!(outcome.is_err());
        }
    }
    // Closing, and opening another one, works; it is out of service.
    assert_eq!(bridge.close(line), Ok(Vec::new()));
    let other = bridge.open(101, 0x78, 0x3_0000, now).unwrap();
    assert_eq!(bridge.make_call(66, other, 0x20, number, None, now), Err(err::INVALLINESTATE));
    assert!(!bridge.has_outputs() && !bridge.has_frames() && bridge.deadline().is_none(), "nothing piles up");
}
