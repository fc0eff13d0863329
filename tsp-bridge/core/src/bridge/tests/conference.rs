use super::*;
use crate::tapi::{err, info};

const PARENT: usize = 0x30;

fn conferenced(id: &str, others: &[&str]) -> Value {
    let parties: Vec<Value> = others
        .iter()
        .map(|number| json!({"id": format!("party_{number}"), "number": number, "raw": number, "state": "connected"}))
        .collect();
    with(
        call(id, "conferenced"),
        json!({"conference_id": "k", "participants": parties, "connected": {"number": "202"}}),
    )
}

/// 201 holds 202 and speaks with 208.
fn consulting(kit: &mut Kit, line: u32) -> (u32, u32) {
    let first = kit.talking(line, "c1");
    let request = kit.request();
    let second = kit.bridge.setup_transfer(request, first, 0x20, None, kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    kit.updated(call("c1", "on_hold"));
    let third = json!({"consultation_of": "c1", "called": {"number": "208"}, "connected": {"number": "208"}});
    kit.answer(&asked, 201, with(call("c2", "dial_tone"), third.clone()));
    kit.updated(with(call("c2", "connected"), third));
    (first, second)
}

fn confer(kit: &mut Kit, line: u32, merged_first: bool) -> (u32, u32, u32) {
    let (first, second) = consulting(kit, line);
    let request = kit.request();
    let made = kit.bridge.complete_transfer(request, first, second, PARENT, 2, kit.now);
    let parent = made.unwrap().unwrap();
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["body"], json!({"with": "c1", "mode": "conference"}));
    let merged = with(
        call("c2", "ended"),
        json!({"cause": "merged", "called": {"number": "208"}, "connected": {"number": "208"}}),
    );
    if merged_first {
        kit.updated(merged);
        kit.answer(&asked, 200, json!({"calls": []}));
        kit.updated(conferenced("c1", &["202", "208"]));
    } else {
        kit.updated(conferenced("c1", &["202", "208"]));
        kit.updated(merged);
        kit.answer(&asked, 200, json!({"calls": []}));
    }
    assert_eq!(kit.result(request), Some(0));
    (first, second, parent)
}

#[test]
fn two_calls_become_members_of_a_third() {
    for merged_first in [true, false] {
        let (mut kit, line) = Kit::new();
        confer(&mut kit, line, merged_first);
        assert_eq!(kit.last(PARENT).0, call_state::CONNECTED);
        assert_eq!(kit.last(0x10), (call_state::CONFERENCED, PARENT));
        assert_eq!(kit.last(0x20), (call_state::CONFERENCED, PARENT));
        assert_eq!(kit.offers(), 0);
    }
}

#[test]
fn with_one_left_it_is_a_call_again() {
    let (mut kit, line) = Kit::new();
    confer(&mut kit, line, true);
    kit.updated(with(call("c1", "connected"), json!({"conference_id": null, "connected": {"number": "208"}})));
    assert_eq!(kit.last(PARENT).0, call_state::IDLE);
    assert_eq!(kit.last(0x10).0, call_state::IDLE, "202 has left");
    assert_eq!(kit.last(0x20).0, call_state::CONNECTED);
    kit.updated(with(call("c1", "ended"), json!({"cause": "normal"})));
    assert_eq!(kit.last(0x20).0, call_state::IDLE);
}

#[test]
fn a_third_member_joins_and_one_leaves() {
    let (mut kit, line) = Kit::new();
    let (_, _, parent) = confer(&mut kit, line, true);
    let request = kit.request();
    let third = kit.bridge.setup_transfer(request, parent, 0x40, None, kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    kit.updated(with(conferenced("c1", &["202", "208"]), json!({"state": "on_hold"})));
    let other = json!({"consultation_of": "c1", "called": {"number": "205"}, "connected": {"number": "205"}});
    kit.answer(&asked, 201, with(call("c3", "connected"), other.clone()));
    assert_eq!(kit.last(PARENT).0, call_state::ONHOLDPENDCONF);
    let request = kit.request();
    kit.bridge.add_to_conference(request, parent, third, kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["path"], "/api/v1/calls/c1/add-to-conference");
    kit.updated(with(with(call("c3", "ended"), other), json!({"cause": "merged"})));
    kit.answer(&asked, 200, json!({"calls": []}));
    assert_eq!(kit.last(0x40).0, call_state::CONFERENCED, "the old list does not put it out again");
    kit.updated(conferenced("c1", &["202", "208", "205"]));
    assert_eq!(kit.last(PARENT).0, call_state::CONNECTED);
    let request = kit.request();
    kit.bridge.remove_from_conference(request, third, kit.now).unwrap();
    let asked = kit.sent().pop().unwrap();
    assert_eq!(asked["body"], json!({"party": "party_205"}));
    kit.answer(&asked, 200, json!({"calls": []}));
    kit.updated(conferenced("c1", &["202", "208"]));
    assert_eq!(kit.last(0x40).0, call_state::IDLE);
    assert_eq!(kit.last(0x10).0, call_state::CONFERENCED);
}

#[test]
fn a_conference_made_at_the_phone_is_offered_before_its_members_are_told() {
    let (mut kit, _) = Kit::new();
    kit.updated(call("c1", "on_hold"));
    let (_, first) = kit.offered();
    kit.updated(with(call("c2", "connected"), json!({"called": {"number": "208"}})));
    let (_, second) = kit.offered();
    kit.refuse = 1;
    kit.updated(with(call("c2", "ended"), json!({"cause": "merged", "called": {"number": "208"}})));
    kit.updated(conferenced("c1", &["202", "208"]));
    assert_ne!(kit.last(first).0, call_state::CONFERENCED, "its parent is not known to TAPI yet");
    kit.pass(60);
    let (_, parent) = kit.offered();
    assert_eq!(kit.last(parent).0, call_state::CONNECTED);
    assert_eq!(kit.last(first), (call_state::CONFERENCED, parent));
    assert_eq!(kit.last(second), (call_state::CONFERENCED, parent));
}

#[test]
fn somebody_elses_conference_leaves_the_call_connected() {
    let (mut kit, line) = Kit::new();
    kit.talking(line, "c1");
    kit.updated(conferenced("c1", &["202", "208"]));
    assert_eq!(kit.states(0x10).last(), Some(&call_state::CONNECTED));
    assert_eq!(kit.offers(), 0);
}

#[test]
fn a_merge_without_a_conference_is_an_end() {
    let (mut kit, line) = Kit::new();
    kit.talking(line, "c1");
    kit.updated(with(call("c1", "ended"), json!({"cause": "merged"})));
    assert_eq!(kit.last(0x10).0, call_state::CONNECTED);
    kit.pass(3_000);
    assert_eq!(kit.last(0x10).0, call_state::IDLE);
}

#[test]
fn members_hear_their_end_when_nobody_has_the_conference() {
    // All of it ends; one is left; one leaves after the other.
    for way in 0..3 {
        let (mut kit, line) = Kit::new();
        let (first, second, parent) = confer(&mut kit, line, true);
        assert_eq!(kit.bridge.close_call(parent), Ok(Vec::new()));
        assert_eq!(kit.bridge.close_call(parent), Err(err::INVALCALLHANDLE));
        assert!(!kit.bridge.has_call(parent) && kit.bridge.call_summary(parent).is_none());
        let told = kit.states(PARENT);
        kit.updated(with(conferenced("c1", &["202", "208"]), json!({"state": "on_hold"})));
        kit.updated(conferenced("c1", &["202", "208"]));
        assert_eq!((kit.offers(), kit.states(PARENT)), (0, told.clone()), "nothing is heard of it");
        let alone = || with(call("c1", "connected"), json!({"conference_id": null, "connected": {"number": "208"}}));
        match way {
            0 => kit.updated(with(call("c1", "ended"), json!({"cause": "normal"}))),
            1 => {
                kit.updated(alone());
                assert_eq!(kit.last(0x20).0, call_state::CONNECTED, "a call again");
                kit.updated(with(alone(), json!({"state": "ended"})));
            }
            _ => {
                let request = kit.request();
                kit.bridge.remove_from_conference(request, first, kit.now).unwrap();
                let asked = kit.sent().pop().unwrap();
                assert_eq!(asked["body"], json!({"party": "party_202"}));
                kit.updated(alone());
                assert_eq!(kit.result(request), Some(0));
                kit.updated(with(alone(), json!({"state": "ended"})));
            }
        }
        for ht in [0x10, 0x20] {
            assert_eq!(kit.last(ht).0, call_state::IDLE, "way {way}");
        }
        assert_eq!(kit.states(PARENT), told);
        kit.bridge.close_call(first).unwrap();
        kit.bridge.close_call(second).unwrap();
        assert!(kit.bridge.calls.is_empty(), "nothing is kept");
    }
}

#[test]
fn a_conference_that_all_let_go_of_is_not_offered_again() {
    let (mut kit, line) = Kit::new();
    let (first, second, parent) = confer(&mut kit, line, true);
    for handle in [parent, first, second] {
        kit.bridge.close_call(handle).unwrap();
    }
    assert!(kit.bridge.calls.is_empty());
    kit.updated(conferenced("c1", &["202", "208"]));
    assert_eq!(kit.offers(), 0);
}

#[test]
fn a_conference_that_is_never_taken_leaves_its_members_no_riddle() {
    let (mut kit, _) = Kit::new();
    kit.updated(call("c1", "on_hold"));
    let (_, first) = kit.offered();
    kit.updated(with(call("c2", "connected"), json!({"called": {"number": "208"}})));
    let (_, second) = kit.offered();
    kit.refuse = 100;
    kit.updated(with(call("c2", "ended"), json!({"cause": "merged", "called": {"number": "208"}})));
    kit.updated(conferenced("c1", &["202", "208"]));
    kit.pass(60_000);
    for ht in [first, second] {
        assert_eq!(kit.last(ht), (call_state::CONFERENCED, 0), "a conference that nobody has");
    }
    let offers = kit.offers();
    kit.updated(with(call("c1", "ended"), json!({"cause": "normal"})));
    assert_eq!((kit.last(first).0, kit.last(second).0), (call_state::IDLE, call_state::IDLE));
    kit.pass(60_000);
    assert_eq!(kit.offers(), offers);
}

#[test]
fn a_member_tells_that_it_belongs_to_the_conference() {
    let (mut kit, line) = Kit::new();
    let (first, second, parent) = confer(&mut kit, line, true);
    let conference = kit.bridge.call_ids(parent).unwrap().1;
    assert_ne!(conference, 0);
    for (handle, ht) in [(first, 0x10), (second, 0x20)] {
        assert_eq!(kit.bridge.call_ids(handle).unwrap().2, conference);
        assert_ne!(kit.news(ht) & info::RELATEDCALLID, 0, "{ht:#x}");
    }
    kit.told.clear();
    kit.updated(with(call("c1", "connected"), json!({"conference_id": null, "connected": {"number": "208"}})));
    assert_eq!(kit.bridge.call_ids(second).unwrap().2, 0);
    assert_ne!(kit.news(0x20) & info::RELATEDCALLID, 0, "and that it does no more");
}
