//! `allowed_actions`, exactly.

use super::bench::{
    A, ANNA, B, Bench, at, delivered, device, dial_tone, established, held, originated, parties, phone, retrieved, who,
};
use crate::domain::call_table::{Output, SignalCause, SignalKind};
use crate::domain::{Action, ActionSet, CallState};

const TALK: [&str; 5] = ["drop", "hold", "blind_transfer", "consult", "digits"];

#[test]
fn an_outgoing_call_step_by_step() {
    let mut bench = Bench::new();
    let far = device("233");
    let failed =
        SignalKind::Failed { connection: at(A, &far), failing: who(&far), parties: parties(&phone(ANNA), &far) };
    let mut step = |kind: SignalKind, expected: &[&str]| {
        bench.say_because(ANNA, kind, SignalCause::Busy);
        assert_eq!(bench.actions(&bench.id(ANNA)), expected);
    };
    step(dial_tone(A, ANNA), &["drop", "dial"]);
    step(originated(A, ANNA, &who(&far)), &["drop"]);
    step(delivered(A, &phone(ANNA), &far), &["drop"]);
    step(failed, &["drop"]);
    step(established(A, &phone(ANNA), &far), &TALK);
}

#[test]
fn an_incoming_call_step_by_step() {
    let mut bench = Bench::new();
    let far = device("233");
    let mut step = |kind: SignalKind, expected: &[&str]| {
        bench.say(ANNA, kind);
        assert_eq!(bench.actions(&bench.id(ANNA)), expected);
    };
    step(delivered(A, &far, &phone(ANNA)), &["answer", "drop", "redirect"]);
    step(established(A, &far, &phone(ANNA)), &TALK);
    step(held(A, &far), &TALK);
    step(retrieved(A, &far), &TALK);
    step(held(A, &phone(ANNA)), &["drop", "retrieve", "blind_transfer"]);
    step(retrieved(A, &phone(ANNA)), &TALK);
}

#[test]
fn a_waiting_call_may_be_answered_and_changes_nothing_for_the_first() {
    let mut bench = Bench::talking();
    bench.say(ANNA, delivered(B, &device("240"), &phone(ANNA)));
    let calls = bench.calls(ANNA);
    assert_eq!(bench.actions(&calls[0].id), TALK);
    assert_eq!(bench.actions(&calls[1].id), ["answer", "drop", "redirect"]);
}

#[test]
fn a_held_and_an_active_call_may_be_swapped_and_joined() {
    let bench = Bench::consulting();
    let calls = bench.calls(ANNA);
    assert_eq!(bench.actions(&calls[0].id), ["drop", "retrieve", "swap", "complete_transfer", "complete_conference"]);
    assert_eq!(
        bench.actions(&calls[1].id),
        ["drop", "hold", "blind_transfer", "consult", "digits", "swap", "complete_transfer", "complete_conference"]
    );
}

#[test]
fn while_the_second_rings_there_is_transfer_and_no_conference() {
    let mut bench = Bench::talking();
    let third = device("240");
    bench.say(ANNA, held(A, &phone(ANNA)));
    bench.say(ANNA, originated(B, ANNA, &who(&third)));
    let calls = bench.calls(ANNA);
    assert_eq!(bench.actions(&calls[0].id), ["drop", "retrieve"]);
    assert_eq!(bench.actions(&calls[1].id), ["drop"]);
    bench.hush().say(ANNA, delivered(B, &phone(ANNA), &third));
    assert_eq!(bench.actions(&calls[0].id), ["drop", "complete_transfer"]);
    assert_eq!(bench.actions(&calls[1].id), ["drop", "complete_transfer"]);
    let told = bench.told();
    let sibling = told.iter().find_map(|output| match output {
        Output::Updated(change) if change.call.id == calls[0].id => Some(change.changed.clone()),
        _ => None,
    });
    assert_eq!(sibling, Some(vec!["allowed_actions"]), "the other call is told too");
}

#[test]
fn only_a_true_partner_allows_a_conference() {
    // Two held calls and one that rings: no pair of answered ones, one held and one active.
    let mut bench = Bench::consulting();
    bench.say(ANNA, held(B, &phone(ANNA)));
    let third = "C";
    bench.say(ANNA, originated(third, ANNA, &who(&device("250"))));
    bench.say(ANNA, delivered(third, &phone(ANNA), &device("250")));
    for call in bench.calls(ANNA) {
        let actions = bench.actions(&call.id);
        assert!(actions.contains(&"complete_transfer"));
        assert!(!actions.contains(&"complete_conference"), "{actions:?}");
    }
}

#[test]
fn two_calls_on_hold_are_no_pair() {
    let mut bench = Bench::consulting();
    bench.say(ANNA, held(B, &phone(ANNA)));
    for call in bench.calls(ANNA) {
        assert_eq!(bench.actions(&call.id), ["drop", "retrieve"]);
    }
}

#[test]
fn a_conference_may_grow_and_shrink() {
    let mut bench = Bench::consulting();
    bench.say(
        ANNA,
        SignalKind::Conferenced {
            primary: at(A, &phone(ANNA)),
            secondary: Some(at(B, &phone(ANNA))),
            conferencing: who(&phone(ANNA)),
            added: who(&device("240")),
            connections: Vec::new(),
        },
    );
    let id = bench.id(ANNA);
    assert_eq!(bench.actions(&id), ["drop", "hold", "consult", "digits", "remove_from_conference"]);
    bench.say(ANNA, held(A, &phone(ANNA)));
    bench.say(ANNA, established("C", &phone(ANNA), &device("250")));
    assert_eq!(
        bench.actions(&id),
        ["drop", "retrieve", "swap", "complete_transfer", "complete_conference", "add_to_conference"]
    );
}

#[test]
fn what_is_not_offered_is_not_allowed() {
    let mut bench = Bench::talking();
    let offered = ActionSet::of(&[Action::Drop, Action::Hold]);
    bench.table.offer(bench.at, offered, true);
    bench.pump();
    assert_eq!(bench.actions(&bench.id(ANNA)), ["drop", "hold"]);
    assert_eq!(bench.last_change().changed, ["allowed_actions"]);
    bench.table.offer(bench.at, offered, true);
    bench.pump();
    bench.quiet();
}

#[test]
fn a_call_beyond_the_trunk_takes_the_phone_as_one_that_rings_does() {
    let mut bench = Bench::talking();
    let (third, trunk) = (device("0301234"), device("trunk"));
    bench.say(ANNA, held(A, &phone(ANNA)));
    bench.say(ANNA, originated(B, ANNA, &who(&third)));
    bench.say(ANNA, delivered("C", &device("250"), &phone(ANNA)));
    let ids: Vec<_> = bench.calls(ANNA).into_iter().map(|call| call.id).collect();
    let all = |bench: &Bench| ids.iter().map(|id| bench.actions(id)).collect::<Vec<_>>();
    assert_eq!(all(&bench), [vec!["drop", "retrieve"], vec!["drop"], vec!["answer", "drop", "redirect"]]);
    // Nobody tells that it rings there; nothing of the call changes but what may be done with it.
    let reached =
        |seat| SignalKind::NetworkReached { connection: at(B, &trunk), parties: parties(&phone(seat), &third) };
    bench.hush().say(ANNA, reached(ANNA));
    assert_eq!(bench.table.call(&ids[1]).unwrap().state, CallState::Proceeding);
    let rings = [vec!["drop", "complete_transfer"], vec!["drop", "complete_transfer"], vec!["drop", "redirect"]];
    assert_eq!(all(&bench), rings);
    assert_eq!(bench.told().len(), 3, "each of the calls was told of");
    // It is the same when the network tells.
    bench.say(ANNA, delivered(B, &phone(ANNA), &third));
    assert_eq!(all(&bench), rings);
    // A call that was not known, and a call of the run before.
    let mut later = Bench::talking();
    later.say(ANNA, held(A, &phone(ANNA))).say(ANNA, reached(ANNA));
    assert_eq!(later.actions(&later.calls(ANNA)[0].id), ["drop", "complete_transfer"]);
    let mut again = Bench::talking();
    again.say(ANNA, held(A, &phone(ANNA)));
    let mut restored = later.calls(ANNA)[1].clone();
    restored.is_beyond_trunk = false;
    again.table.restore(again.at, ANNA, restored.clone());
    assert!(again.table.call(&restored.id).unwrap().is_reaching_out());
}

#[test]
fn a_call_that_waits_in_a_queue_does_not_take_the_phone() {
    let mut bench = Bench::talking();
    let third = device("240");
    bench.say(ANNA, held(A, &phone(ANNA))).say(ANNA, originated(B, ANNA, &who(&third)));
    bench.say(ANNA, SignalKind::Queued { connection: at(B, &third), parties: parties(&phone(ANNA), &third) });
    assert_eq!(bench.actions(&bench.calls(ANNA)[0].id), ["drop", "retrieve"]);
}
