use super::*;
use crate::tapi::{dev_state, disconnect, err};

fn line_states(kit: &Kit) -> Vec<u32> {
    let states = kit.told.iter().filter_map(|output| match output {
        Output::Event { message: msg::LINEDEVSTATE, params, .. } => Some(params[0] as u32),
        _ => None,
    });
    states.filter(|state| *state != dev_state::NUMCALLS).collect()
}

#[test]
fn a_short_loss_changes_no_call() {
    let (mut kit, line) = Kit::new();
    kit.talking(line, "c1");
    kit.told.clear();
    kit.bridge.link_closed("broken", kit.now);
    kit.drain();
    assert_eq!(line_states(&kit), [dev_state::DISCONNECTED, dev_state::OUTOFSERVICE]);
    kit.pass(19_000);
    kit.bridge.link_opened();
    let subscribe: Value = serde_json::from_str(&kit.bridge.subscribe_frame()).unwrap();
    assert_eq!(subscribe["from"], json!({"epoch": "e", "seq": 12}));
    kit.frame(&json!({"type": "resumed", "epoch": "e", "seq": 12}));
    kit.pass(60_000);
    assert_eq!(kit.last(0x10).0, call_state::CONNECTED);
    let tail = line_states(&kit)[2..].to_vec();
    assert_eq!(tail, [dev_state::CONNECTED, dev_state::INSERVICE]);
}

#[test]
fn a_long_loss_ends_calls_and_the_truth_brings_them_back() {
    let (mut kit, line) = Kit::new();
    kit.talking(line, "c1");
    kit.bridge.link_closed("broken", kit.now);
    kit.pass(20_000);
    assert_eq!(kit.last(0x10).0, call_state::IDLE);
    let states = kit.states(0x10);
    assert_eq!(states[states.len() - 2], call_state::DISCONNECTED);
    assert_eq!(kit.states.get(&0x10).unwrap()[states.len() - 2].1, disconnect::TEMPFAILURE as usize);
    let subscribe: Value = serde_json::from_str(&kit.bridge.subscribe_frame()).unwrap();
    assert_eq!(subscribe["from"], "snapshot");
    kit.snapshot(&[line_of("201", 1), line_of("202", 2)], &[call("c1", "connected")]);
    assert_eq!(kit.offers(), 1);
}

#[test]
fn a_new_epoch_counts_anew_and_its_calls_go_on() {
    let (mut kit, line) = Kit::new();
    kit.talking(line, "c1");
    for state in ["on_hold", "connected", "on_hold", "connected"] {
        kit.updated(call("c1", state));
    }
    // What TAPI hears again of a call that both epochs know: in the snapshot, and in what follows it.
    kit.bridge.link_closed("the gateway was killed", kit.now);
    kit.bridge.link_opened();
    kit.new_epoch();
    kit.snapshot(&[line_of("201", 1), line_of("202", 2)], &[call("c1", "on_hold")]);
    assert_eq!(kit.last(0x10).0, call_state::ONHOLD, "the snapshot is the truth");
    kit.updated(call("c1", "connected"));
    assert_eq!(kit.last(0x10).0, call_state::CONNECTED);
    kit.updated(with(call("c1", "ended"), json!({"cause": "normal"})));
    assert_eq!(kit.last(0x10).0, call_state::IDLE, "its end is heard");
    assert_eq!(kit.offers(), 0);
}

#[test]
fn a_snapshot_with_a_smaller_number_is_the_truth() {
    let (mut kit, line) = Kit::new();
    kit.talking(line, "c1");
    kit.updated(call("c1", "on_hold"));
    kit.seq = 3;
    kit.snapshot(&[line_of("201", 1), line_of("202", 2)], &[call("c1", "connected")]);
    assert_eq!(kit.last(0x10).0, call_state::CONNECTED);
}

fn line_of(number: &str, id: u32) -> Value {
    super::line(id, number)
}

#[test]
fn calls_that_are_not_in_the_truth_are_over() {
    let (mut kit, line) = Kit::new();
    kit.talking(line, "c1");
    kit.bridge.link_closed("broken", kit.now);
    kit.snapshot(
        &[line_of("201", 1), line_of("202", 2)],
        &[with(call("c9", "offering"), json!({"direction": "inbound"}))],
    );
    assert_eq!(kit.last(0x10).0, call_state::IDLE);
    assert_eq!(kit.offers(), 1);
}

#[test]
fn a_command_without_an_answer_goes_out_again_with_its_key() {
    let (mut kit, line) = Kit::new();
    let (request, _) = kit.make_call(line, "202", 0x10);
    let first = kit.sent().pop().unwrap();
    kit.bridge.link_closed("broken", kit.now);
    kit.bridge.link_opened();
    kit.frame(&json!({"type": "resumed", "epoch": "e", "seq": 11}));
    let again = kit.sent();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0], first, "the same key: it is carried out once");
    kit.answer(&again[0], 201, call("c1", "dialing"));
    assert_eq!(kit.result(request), Some(0));
}

/// A call was asked for, the socket broke, and the command went out again on the next one, where the gateway says that
/// it still works on the first sending.
fn asked_twice() -> (Kit, u32, Value) {
    let (mut kit, line) = Kit::new();
    let (request, _) = kit.make_call(line, "202", 0x10);
    let first = kit.sent().pop().unwrap();
    kit.bridge.link_closed("broken", kit.now);
    kit.pass(500);
    kit.bridge.link_opened();
    kit.frame(&json!({"type": "resumed", "epoch": "e", "seq": 11}));
    let again = kit.sent().pop().unwrap();
    kit.still_runs(&again);
    assert_eq!(again, first);
    assert_eq!(kit.result(request), None, "that is no answer");
    (kit, request, again)
}

#[test]
fn a_command_that_is_still_being_carried_out_is_asked_about_again() {
    let (mut kit, request, asked) = asked_twice();
    kit.pass(900);
    assert!(kit.sent().is_empty(), "not before its time");
    kit.pass(100);
    assert_eq!(kit.sent(), std::slice::from_ref(&asked), "the same key: it is carried out once");
    kit.still_runs(&asked);
    kit.pass(1_000);
    assert_eq!(kit.sent(), std::slice::from_ref(&asked));
    kit.answer(&asked, 201, call("c1", "dialing"));
    assert_eq!(kit.result(request), Some(0));
    assert_eq!((kit.last(0x10).0, kit.offers()), (call_state::DIALING, 0));
    kit.pass(60_000);
    assert!(kit.sent().is_empty());
}

#[test]
fn an_event_tells_first_what_became_of_a_command_that_is_still_being_carried_out() {
    let (mut kit, request, asked) = asked_twice();
    let reference = asked["body"]["client_ref"].clone();
    kit.updated(with(call("c1", "ringback"), json!({"client_ref": reference})));
    assert_eq!(kit.result(request), Some(0));
    assert_eq!((kit.last(0x10).0, kit.offers()), (call_state::RINGBACK, 0), "it is our call, and offered as no other");
    kit.pass(60_000);
    assert!(kit.sent().is_empty(), "nothing is left to be asked");
}

#[test]
fn a_command_over_which_the_gateway_died_ends_in_its_time() {
    let (mut kit, request, asked) = asked_twice();
    for _ in 0..6 {
        kit.pass(1_000);
        assert_eq!(kit.sent().len(), 1);
        kit.still_runs(&asked);
    }
    assert_eq!(kit.result(request), None);
    kit.pass(1_500);
    assert_eq!(kit.result(request), Some(err::OPERATIONFAILED));
    kit.sent();
    // What it did after all is real: it is offered.
    kit.updated(with(call("c1", "ringback"), json!({"client_ref": asked["body"]["client_ref"]})));
    assert_eq!(kit.offers(), 1);
    kit.pass(60_000);
    assert!(kit.sent().is_empty());
}

#[test]
fn while_there_is_no_link_a_command_is_not_asked_about() {
    let (mut kit, request, asked) = asked_twice();
    kit.bridge.link_closed("broken again", kit.now);
    kit.pass(2_000);
    assert!(kit.sent().is_empty());
    kit.bridge.link_opened();
    kit.frame(&json!({"type": "resumed", "epoch": "e", "seq": 11}));
    assert_eq!(kit.sent(), std::slice::from_ref(&asked), "once");
    kit.answer(&asked, 201, call("c1", "dialing"));
    assert_eq!(kit.result(request), Some(0));
}

#[test]
fn the_first_call_waits_for_the_link_and_not_for_ever() {
    let store = {
        let (kit, _) = Kit::new();
        kit.bridge.store.clone()
    };
    let settings = Settings { provider: 1, nonce: "n".to_owned(), ..Settings::default() };
    let start = |store: &Store| {
        let mut bridge = Bridge::new(settings.clone(), store.clone());
        bridge.init(100, 2, Now { ms: 1_000, wall_ms: 0 });
        let mut kit = Kit::down(settings.clone());
        kit.bridge = bridge;
        kit
    };
    let mut kit = start(&store);
    let line = kit.bridge.open(100, 0x77, 0x3_0000, kit.now).unwrap();
    let (request, _) = kit.make_call(line, "202", 0x10);
    assert!(kit.sent().is_empty() && kit.result(request).is_none());
    kit.pass(1_000);
    kit.snapshot(&[line_of("201", 1), line_of("202", 2)], &[]);
    assert_eq!(kit.sent().len(), 1, "it goes out when the link is there");
    let mut kit = start(&store);
    let line = kit.bridge.open(100, 0x77, 0x3_0000, kit.now).unwrap();
    let (request, _) = kit.make_call(line, "202", 0x10);
    kit.pass(5_000);
    assert_eq!(kit.result(request), Some(err::RESOURCEUNAVAIL));
    let again = kit.bridge.make_call(99, line, 0x11, None, None, kit.now);
    assert_eq!(again, Err(err::INVALLINESTATE));
}

#[test]
fn a_line_that_goes_is_closed_and_then_removed() {
    let (mut kit, line) = Kit::new();
    kit.event("line.deleted", json!({"id": "line_201"}));
    let closes = |kit: &Kit| kit.told.iter().any(|output| matches!(output, Output::Event { message: msg::CLOSE, .. }));
    let removes = |kit: &Kit| kit.told.iter().any(|output| matches!(output, Output::Remove { .. }));
    assert!(closes(&kit) && !removes(&kit));
    kit.bridge.close(line).unwrap();
    kit.drain();
    assert!(removes(&kit));
    // Another one is not closed in time.
    let (mut kit, _) = Kit::new();
    kit.event("line.deleted", json!({"id": "line_201"}));
    kit.pass(5_000);
    assert!(removes(&kit));
}

#[test]
fn without_a_link_a_call_cannot_be_reached_and_that_is_said() {
    let (mut kit, line) = Kit::new();
    let speaking = kit.talking(line, "c1");
    kit.updated(with(call("c2", "on_hold"), json!({"direction": "inbound"})));
    let (held, _) = kit.offered();
    kit.pass(1_000);
    kit.bridge.link_closed("broken", kit.now);
    let now = kit.now;
    let number: Vec<u16> = "208".encode_utf16().collect();
    let number = Some(number.as_slice());
    let bridge = &mut kit.bridge;
    for outcome in [
        bridge.drop_call(50, speaking, now),
        bridge.hold(51, speaking, now),
        bridge.unhold(52, held, now),
        bridge.answer_call(53, speaking, now),
        bridge.dial(54, speaking, number, now),
        bridge.redirect(55, speaking, number, now),
        bridge.blind_transfer(56, speaking, number, now),
        bridge.generate_digits(speaking, 0, 2, number, now),
        bridge.swap_hold(57, speaking, held, now),
        bridge.remove_from_conference(58, speaking, now),
        bridge.setup_transfer(59, speaking, 0x20, None, now).map(|_| ()),
        bridge.complete_transfer(60, speaking, held, 0x21, 1, now).map(|_| ()),
    ] {
        assert_eq!(outcome, Err(err::RESOURCEUNAVAIL));
    }
    kit.pass(20_000);
    assert_eq!(kit.last(0x10).0, call_state::IDLE);
    for outcome in [kit.bridge.hold(61, speaking, kit.now), kit.bridge.drop_call(62, speaking, kit.now)] {
        assert_eq!(outcome, Err(err::INVALCALLSTATE), "a call that is over");
    }
}

#[test]
fn a_failed_call_that_was_hung_up_is_not_offered_again() {
    let failed = || with(call("c1", "failed"), json!({"cause": "congestion", "allowed_actions": []}));
    let (mut kit, line) = Kit::new();
    let handle = kit.talking(line, "c1");
    kit.updated(failed());
    kit.pass(1_000);
    assert_eq!(kit.last(0x10), (call_state::DISCONNECTED, disconnect::CONGESTION as usize));
    // While the link is away, nobody knows whether it can be hung up.
    kit.bridge.link_closed("broken", kit.now);
    let request = kit.request();
    assert_eq!(kit.bridge.drop_call(request, handle, kit.now), Err(err::RESOURCEUNAVAIL));
    kit.bridge.link_opened();
    kit.snapshot(&[line_of("201", 1), line_of("202", 2)], &[failed()]);
    let request = kit.request();
    kit.bridge.drop_call(request, handle, kit.now).unwrap();
    kit.drain();
    assert_eq!((kit.result(request), kit.last(0x10).0), (Some(0), call_state::IDLE));
    kit.updated(failed());
    kit.bridge.link_closed("broken", kit.now);
    kit.bridge.link_opened();
    kit.snapshot(&[line_of("201", 1), line_of("202", 2)], &[failed()]);
    kit.updated(with(failed(), json!({"state": "ended"})));
    assert_eq!(kit.offers(), 0);
}
