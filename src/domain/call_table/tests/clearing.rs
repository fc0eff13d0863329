//! Hold, clearing, shared numbers, and the guards of rule 1.

use super::bench::{A, ANNA, B, Bench, at, cleared, delivered, device, established, held, phone, retrieved, twin, who};
use crate::domain::call_table::{
    Connection, Endpoint, LocalState, Output, SignalCause, SignalKind, TableSettings, Trust,
};
use crate::domain::{Action, ActionSet, CallState as S, Cause};

#[test]
fn hold_and_retrieve_of_our_own() {
    let mut bench = Bench::talking();
    bench.say(ANNA, held(A, &phone(ANNA)));
    assert_eq!(bench.state(ANNA), S::OnHold);
    bench.say(ANNA, established(A, &device("233"), &phone(ANNA)));
    assert_eq!(bench.state(ANNA), S::OnHold, "a late answer keeps the hold");
    bench.say(ANNA, retrieved(A, &phone(ANNA)));
    assert_eq!(bench.state(ANNA), S::Connected);
}

#[test]
fn a_hold_of_the_other_end_is_no_hold_of_ours() {
    let mut bench = Bench::talking();
    let far = device("233");
    bench.say_more(ANNA, held(A, &far), Some(LocalState::Hold), SignalCause::Normal);
    assert_eq!(bench.state(ANNA), S::RemoteHeld);
    bench.say(ANNA, retrieved(A, &far));
    assert_eq!(bench.state(ANNA), S::Connected);
    bench.say(ANNA, held(A, &phone(ANNA))).say(ANNA, held(A, &far));
    assert_eq!(bench.state(ANNA), S::OnHold, "ours counts while we hold");
    bench.say(ANNA, retrieved(A, &phone(ANNA)));
    assert_eq!(bench.state(ANNA), S::RemoteHeld, "theirs is still there");
    bench.say(ANNA, held(A, &phone(ANNA))).say(ANNA, retrieved(A, &far)).say(ANNA, retrieved(A, &phone(ANNA)));
    assert_eq!(bench.state(ANNA), S::Connected);
}

#[test]
fn a_hold_at_a_twin_is_no_hold_of_ours_either() {
    let mut bench = Bench::talking();
    bench.say(ANNA, held(A, &twin()));
    assert_eq!(bench.state(ANNA), S::Connected);
    bench.say(ANNA, held(B, &twin()));
    assert_eq!(bench.calls(ANNA).len(), 1);
}

#[test]
fn our_own_clear_ends_the_call() {
    for (cause, expected) in [
        (SignalCause::Normal, Cause::Normal),
        (SignalCause::NoAnswer, Cause::NoAnswer),
        (SignalCause::Transfer, Cause::Transferred),
        (SignalCause::OutOfService, Cause::OutOfService),
    ] {
        let mut bench = Bench::talking();
        bench.say_more(ANNA, cleared(A, &phone(ANNA)), Some(LocalState::Null), cause);
        let end = bench.end();
        assert_eq!((end.state, end.cause), (S::Ended, Some(expected)));
        assert!(end.ended_at.is_some() && end.allowed_actions.iter().next().is_none());
    }
}

#[test]
fn a_ringing_call_ends_by_whom_it_was_ended() {
    for (releasing, cause, expected) in [
        (who(&phone(ANNA)), SignalCause::Normal, Cause::Rejected),
        (who(&device("233")), SignalCause::Normal, Cause::CallerGaveUp),
        (Endpoint::NotKnown, SignalCause::CallerGaveUp, Cause::CallerGaveUp),
        (Endpoint::NotKnown, SignalCause::NoAnswer, Cause::NoAnswer),
    ] {
        let mut bench = Bench::new();
        bench.say(ANNA, delivered(A, &device("233"), &phone(ANNA)));
        let connection = at(A, &phone(ANNA));
        bench.say_because(ANNA, SignalKind::ConnectionCleared { connection, releasing }, cause);
        assert_eq!(bench.end().cause, Some(expected));
    }
}

#[test]
fn after_the_other_end_left_our_own_end_is_waited_for_then_looked_up() {
    let mut bench = Bench::talking();
    bench.say_more(ANNA, cleared(A, &device("233")), Some(LocalState::Null), SignalCause::Normal);
    assert_eq!(bench.state(ANNA), S::Connected, "never removed for the clear of somebody else");
    bench.hush().pass_ms(1999);
    assert!(!bench.wants_snapshot());
    bench.pass_ms(1);
    assert!(bench.wants_snapshot());
    bench.say(ANNA, cleared(A, &phone(ANNA)));
    assert_eq!(bench.end().cause, Some(Cause::Normal));
    bench.pass_ms(10_000);
    bench.quiet();
}

#[test]
fn trust_is_a_switch() {
    for (trust, lives) in [(Trust::Guarded, true), (Trust::Never, true), (Trust::Always, false)] {
        let mut bench = Bench::with(TableSettings { trust, ..TableSettings::default() });
        bench.say(ANNA, established(A, &device("233"), &phone(ANNA)));
        bench.say_more(ANNA, cleared(A, &device("233")), Some(LocalState::Null), SignalCause::Normal);
        assert_eq!(!bench.table.is_empty(), lives, "{trust:?}");
    }
}

#[test]
fn a_clear_that_names_only_the_call_is_ours_unless_it_says_otherwise() {
    let only_call = || SignalKind::ConnectionCleared {
        connection: Connection { call: Some(A.to_owned()), device: None },
        releasing: Endpoint::Absent,
    };
    for (local, lives) in [(None, false), (Some(LocalState::Null), false), (Some(LocalState::Connected), true)] {
        let mut bench = Bench::talking();
        bench.say_more(ANNA, only_call(), local, SignalCause::Normal);
        assert_eq!(!bench.table.is_empty(), lives);
    }
}

#[test]
fn the_end_of_the_whole_call_ends_ours() {
    let mut bench = Bench::talking();
    bench.say(ANNA, SignalKind::CallCleared { connection: Connection { call: Some(A.to_owned()), device: None } });
    assert_eq!(bench.end().cause, Some(Cause::Normal));
}

fn in_use(bench: &mut Bench) -> Vec<bool> {
    let told = bench.told();
    told.iter()
        .filter_map(|output| match output {
            Output::RemoteInUse { seat: ANNA, in_use } => Some(*in_use),
            _ => None,
        })
        .collect()
}

#[test]
fn answered_at_a_twin_ends_our_ring_and_the_number_is_in_use_there() {
    let mut bench = Bench::new();
    bench.say(ANNA, delivered(A, &device("233"), &phone(ANNA))).hush();
    bench.say(ANNA, established(A, &device("233"), &twin()));
    let told = bench.told();
    assert!(matches!(&told[0], Output::Ended(change) if change.call.cause == Some(Cause::AnsweredElsewhere)));
    assert!(matches!(told[1], Output::RemoteInUse { seat: ANNA, in_use: true }));
    bench.say(ANNA, established(A, &device("233"), &twin()));
    assert!(in_use(&mut bench).is_empty(), "told once");
    bench.say(ANNA, cleared(A, &twin()));
    assert_eq!(in_use(&mut bench), [false]);
}

#[test]
fn a_bridged_appearance_is_in_use_elsewhere() {
    let mut bench = Bench::new();
    bench.say(ANNA, delivered(A, &device("233"), &phone(ANNA))).hush();
    bench.say(ANNA, SignalKind::Bridged { connection: at(A, &phone(ANNA)) });
    assert!(bench.table.is_empty());
    assert_eq!(in_use(&mut bench), [true]);
}

#[test]
fn a_held_call_taken_at_a_twin_is_gone_here() {
    let mut bench = Bench::talking();
    bench.say(ANNA, held(A, &phone(ANNA))).hush();
    bench.say(ANNA, retrieved(A, &twin()));
    let told = bench.told();
    assert!(matches!(&told[0], Output::Ended(change) if change.call.cause == Some(Cause::AnsweredElsewhere)));
    bench.say(ANNA, retrieved(A, &phone(ANNA)));
    assert_eq!(bench.state(ANNA), S::Connected, "and taken back");
    assert_eq!(in_use(&mut bench), [false]);
}

#[test]
fn a_clear_between_two_calls_waits_for_a_transfer() {
    let mut bench = Bench::consulting();
    bench.say(ANNA, cleared(B, &phone(ANNA)));
    assert!(bench.calls(ANNA).iter().any(|call| call.pbx_call_id.as_deref() == Some(B)), "the reason may still come");
    // Meanwhile nothing is offered that the router would refuse: not in it, and not with it.
    for call in bench.calls(ANNA) {
        let actions: Vec<_> = call.allowed_actions.iter().collect();
        let wanted: &[Action] = match call.pbx_call_id.as_deref() {
            Some(B) => &[],
            _ => &[Action::Drop, Action::Retrieve, Action::BlindTransfer],
        };
        assert_eq!(ActionSet::of(&actions), ActionSet::of(wanted), "{:?}", call.pbx_call_id);
    }
    bench.hush().pass_ms(500);
    let end = bench.end();
    assert_eq!((end.pbx_call_id.as_deref(), end.cause), (Some(B), Some(Cause::Normal)));
    assert_eq!(bench.state(ANNA), S::OnHold);
}

#[test]
fn a_burst_out_of_order_is_a_transfer_all_the_same() {
    let mut bench = Bench::consulting();
    bench.say(ANNA, cleared(B, &phone(ANNA)));
    bench.say(
        ANNA,
        SignalKind::Transferred {
            primary: at(A, &phone(ANNA)),
            secondary: Some(at(B, &phone(ANNA))),
            transferring: who(&phone(ANNA)),
            transferred_to: who(&device("240")),
            connections: Vec::new(),
        },
    );
    let ends = bench.ends();
    assert!(ends.len() == 2 && ends.iter().all(|call| call.cause == Some(Cause::Transferred)));
    bench.pass_ms(600_000);
    bench.quiet();
}

#[test]
fn a_restart_of_the_pbx_ends_everything() {
    let mut bench = Bench::consulting();
    bench.table.pbx_restarted(bench.at);
    bench.pump();
    assert!(bench.ends().iter().all(|call| call.cause == Some(Cause::PbxRestart)));
    assert!(bench.table.is_empty());
}

#[test]
fn a_removed_seat_loses_its_calls() {
    let mut bench = Bench::talking();
    bench.table.remove(bench.at, ANNA);
    bench.pump();
    assert_eq!(bench.end().cause, Some(Cause::Lost));
    assert_eq!(bench.calls(ANNA).len(), 0);
}
