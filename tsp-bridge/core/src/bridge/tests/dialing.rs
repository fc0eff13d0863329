//! Digits into a dial tone.

use super::*;
use crate::tapi::err;

const DIALING: u32 = call_state::DIALING;

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
