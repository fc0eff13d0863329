//! What lines tell beside their calls.

use super::*;
use crate::layout::{address_status, dev_status};
use crate::tapi::{addr_feature, addr_state, err, feature, line_feature};

/// The addresses whose forwarding was told since the last look.
fn forwarded(kit: &mut Kit) -> Vec<usize> {
    let told = std::mem::take(&mut kit.told);
    told.iter()
        .filter_map(|output| match output {
            Output::Event { message: msg::ADDRESSSTATE, params, .. } if params[1] as u32 == addr_state::FORWARD => {
                Some(params[0])
            }
            _ => None,
        })
        .collect()
}

fn known(kit: &Kit) -> Vec<Option<&str>> {
    kit.bridge.lines[0].forwarding.iter().map(Option::as_deref).collect()
}

#[test]
fn each_button_tells_its_own_forwarding() {
    let (mut kit, _) = Kit::new();
    let told = |first: Value, second: Value| {
        let addresses = json!([{"index": 0, "number": "201", "forwarding": {"unconditional": first}},
                               {"index": 1, "number": "204", "forwarding": {"unconditional": second}}]);
        with(line(1, "201"), json!({"forwarding": {"unconditional": first}, "addresses": addresses}))
    };
    kit.event("line.updated", told(Value::Null, Value::Null));
    forwarded(&mut kit);
    kit.event("line.updated", told(Value::Null, json!("208")));
    assert_eq!((forwarded(&mut kit), known(&kit)), (vec![1], vec![None, Some("208")]));
    kit.event("line.updated", told(json!("205"), json!("208")));
    assert_eq!((forwarded(&mut kit), known(&kit)), (vec![0], vec![Some("205"), Some("208")]));
    kit.event("line.updated", told(Value::Null, Value::Null));
    assert_eq!((forwarded(&mut kit), known(&kit)), (vec![0, 1], vec![None, None]));
}

#[test]
fn a_gateway_that_tells_the_first_button_only_is_understood() {
    let (mut kit, open) = Kit::new();
    let told = |first: Value| {
        let addresses = json!([{"index": 0, "number": "201"}, {"index": 1, "number": "204"}]);
        with(line(1, "201"), json!({"forwarding": {"unconditional": first}, "addresses": addresses}))
    };
    kit.event("line.updated", told(Value::Null));
    let request = kit.request();
    let entry = |to: &str| {
        // One LINEFORWARD of 24 bytes behind the head of the list, and the destination behind it.
        let destination: Vec<u8> = to.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let mut list = Vec::new();
        let size = destination.len() as u32;
        for word in [32 + size, 1, 1, 0, 0, 0, size, 32] {
            list.extend_from_slice(&word.to_le_bytes());
        }
        list.extend_from_slice(&destination);
        list
    };
    kit.bridge.forward(request, open, Some(1), Some(&entry("208")), kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    assert!(asked["path"].as_str().unwrap().ends_with("/forwarding?address=1"), "{asked}");
    kit.answer(&asked, 200, json!({"unconditional": "208"}));
    assert_eq!((kit.result(request), known(&kit)), (Some(0), vec![None, Some("208")]));
    forwarded(&mut kit);
    // Its lines say nothing about the second button: what was set stays.
    kit.event("line.updated", told(json!("205")));
    assert_eq!((forwarded(&mut kit), known(&kit)), (vec![0], vec![Some("205"), Some("208")]));
}

#[test]
fn a_held_call_is_sent_on_and_consulted_from_only_after_it_was_taken_back() {
    let (mut kit, line) = Kit::new();
    let handle = kit.talking(line, "c1");
    let only = feature::BLINDTRANSFER | feature::SETUPTRANSFER;
    assert_eq!(kit.bridge.features(handle).0 & only, only);
    // The gateway would do it.
    kit.updated(call("c1", "on_hold"));
    assert_eq!(kit.bridge.features(handle).0 & only, 0);
    let request = kit.request();
    let to: Vec<u16> = "208".encode_utf16().collect();
    let refused = kit.bridge.blind_transfer(request, handle, Some(&to), kit.now);
    assert_eq!(refused, Err(crate::tapi::err::INVALCALLSTATE));
}

#[test]
fn closing_a_line_offers_no_call_of_another_one_again() {
    let (mut kit, first) = Kit::new();
    let second = kit.open(101);
    let ringing = |id: &str, line: &str| with(call(id, "offering"), json!({"line_id": line, "direction": "inbound"}));
    kit.updated(ringing("c1", "line_201"));
    let (given_back, _) = kit.offered();
    kit.updated(ringing("c2", "line_202"));
    kit.bridge.close_call(given_back).unwrap();
    kit.bridge.close(second).unwrap();
    kit.updated(with(ringing("c1", "line_201"), json!({"state": "connected"})));
    assert_eq!(kit.offers(), 2, "TAPI gave it back, and its line is still open");
    // Whoever opens a line hears of all its calls, those that were given back before included.
    kit.bridge.close(first).unwrap();
    kit.open(100);
    assert_eq!(kit.offers(), 3);
}

/// Whether LINELINEFEATURE_MAKECALL is set, and LINEADDRFEATURE_MAKECALL of two addresses.
fn may_call(kit: &Kit, open: u32) -> (bool, [bool; 2]) {
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut bytes = vec![0; 1_024];
    kit.bridge.dev_status(open, &mut bytes).unwrap();
    let line = word(&bytes, dev_status::LINE_FEATURES) & line_feature::MAKECALL != 0;
    let addresses = [0, 1].map(|address| {
        let mut bytes = vec![0; 1_024];
        kit.bridge.address_status(open, address, &mut bytes).unwrap();
        word(&bytes, address_status::ADDRESS_FEATURES) & addr_feature::MAKECALL != 0
    });
    (line, addresses)
}

#[test]
fn a_busy_first_button_refuses_for_itself_only() {
    let (mut kit, open) = Kit::new();
    let told = |status: &str, actions: &[&str]| {
        let addresses = json!([{"index": 0, "number": "201"}, {"index": 1, "number": "204"}]);
        with(line(1, "201"), json!({"status": status, "allowed_actions": actions, "addresses": addresses}))
    };
    let from = |address: u32| {
        let mut params = vec![0_u8; 180];
        params[..4].copy_from_slice(&180_u32.to_le_bytes());
        params[24..28].copy_from_slice(&1_u32.to_le_bytes());
        params[28..32].copy_from_slice(&address.to_le_bytes());
        params
    };
    let number: Vec<u16> = "208".encode_utf16().collect();
    kit.event("line.updated", told("in_service", &["dial"]));
    assert_eq!(may_call(&kit, open), (true, [true, true]));
    kit.event("line.updated", told("in_service", &[]));
    assert_eq!(may_call(&kit, open), (true, [false, true]));
    for params in [None, Some(from(0))] {
        let refused = kit.bridge.make_call(50, open, 0x10, Some(&number), params.as_deref(), kit.now);
        assert_eq!(refused, Err(err::CALLUNAVAIL));
    }
    // A call is over, and the line's next word is still on its way.
    kit.updated(with(call("c1", "ended"), json!({"cause": "normal"})));
    let request = kit.request();
    kit.bridge.make_call(request, open, 0x12, Some(&number), None, kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    kit.answer(&asked, 201, call("c2", "dialing"));
    assert_eq!(kit.result(request), Some(0));
    kit.event("line.updated", told("in_service", &[]));
    assert_eq!(kit.bridge.make_call(52, open, 0x13, Some(&number), None, kit.now), Err(err::CALLUNAVAIL));
    let request = kit.request();
    kit.bridge.make_call(request, open, 0x10, Some(&number), Some(&from(1)), kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["body"]["address"], 1);
    kit.answer(&asked, 409, json!({"code": "not_allowed_now"}));
    assert_eq!(kit.result(request), Some(err::CALLUNAVAIL));
    kit.event("line.updated", told("out_of_service", &[]));
    assert_eq!(may_call(&kit, open), (false, [false, false]));
    for address in [0, 1] {
        let refused = kit.bridge.make_call(51, open, 0x11, Some(&number), Some(&from(address)), kit.now);
        assert_eq!(refused, Err(err::INVALLINESTATE));
    }
}
