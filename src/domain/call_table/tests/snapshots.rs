//! Snapshots: every pair of states, repairs, ghosts, restored calls, watchdogs (rule 6).

use super::bench::{
    A, ANNA, B, Bench, at, cleared, delivered, device, dial_tone, established, held, line, originated, phone, seen,
    twin, who,
};
use crate::domain::call_table::{LocalState as L, Output, SeatId, SeatSettings, SnapshotCall};
use crate::domain::{CallState as S, Cause, Direction, Reason};

#[test]
fn every_pair_of_states_means_a_state() {
    for (own, other, expected) in [
        (L::Null, Some(L::Null), None),
        (L::Initiated, Some(L::Null), Some(S::DialTone)),
        (L::Connected, Some(L::Null), Some(S::Proceeding)),
        (L::Connected, Some(L::Alerting), Some(S::Ringback)),
        (L::Hold, Some(L::Alerting), Some(S::OnHold)),
        (L::Alerting, Some(L::Connected), Some(S::Offering)),
        (L::Alerting, Some(L::Hold), Some(S::Offering)),
        (L::Connected, Some(L::Connected), Some(S::Connected)),
        (L::Hold, Some(L::Connected), Some(S::OnHold)),
        (L::Connected, Some(L::Hold), Some(S::RemoteHeld)),
        (L::Connected, Some(L::Queued), Some(S::Proceeding)),
        (L::Hold, Some(L::Queued), Some(S::OnHold)),
        (L::Connected, Some(L::Fail), Some(S::Failed)),
        (L::Hold, Some(L::Fail), Some(S::OnHold)),
        (L::Null, Some(L::Fail), Some(S::Failed)),
    ] {
        let mut bench = Bench::new();
        bench.snapshot(ANNA, &[seen(A, ANNA, "233", own, other)]);
        assert_eq!(bench.calls(ANNA).first().map(|call| call.state), expected, "{own:?} {other:?}");
    }
}

#[test]
fn an_unknown_call_is_made_with_its_far_end() {
    let mut bench = Bench::new();
    bench.snapshot(
        ANNA,
        &[
            seen(A, ANNA, "202", L::Connected, Some(L::Connected)),
            seen(B, ANNA, "233", L::Connected, Some(L::Alerting)),
        ],
    );
    let calls = bench.calls(ANNA);
    assert_eq!((calls[0].direction, calls[0].caller.raw.as_deref()), (Direction::Inbound, Some("202")));
    assert_eq!(
        (calls[0].connected.raw.as_deref(), calls[0].reason, calls[0].internal),
        (Some("202"), Reason::Unknown, true)
    );
    assert_eq!((calls[1].direction, calls[1].called.raw.as_deref()), (Direction::Outbound, Some("233")));
}

#[test]
fn a_known_call_is_mended() {
    let mut bench = Bench::talking();
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Hold, Some(L::Connected))]);
    assert_eq!(bench.state(ANNA), S::OnHold);
    assert!(bench.last_change().changed.contains(&"state"));
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Hold, Some(L::Connected))]);
    bench.quiet();
}

#[test]
fn what_a_snapshot_cannot_tell_it_does_not_change() {
    let mut bench = Bench::new();
    bench.say(ANNA, originated(A, ANNA, &who(&device("233"))));
    // One state only: the other end is not said, so this is no answer.
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Connected, None)]);
    assert_eq!(bench.state(ANNA), S::Proceeding);
    // Our own phone rings to be lifted: nobody is called yet.
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Alerting, Some(L::Null))]);
    assert_eq!(bench.state(ANNA), S::Proceeding);
    // The pair the wrong way round (U-24).
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Alerting, Some(L::Connected))]);
    assert_eq!(bench.state(ANNA), S::Ringback, "an outgoing call never becomes offering");
    let mut bench = Bench::new();
    bench.say(ANNA, delivered(A, &device("233"), &phone(ANNA)));
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Connected, Some(L::Alerting))]);
    assert_eq!(bench.state(ANNA), S::Offering);
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Connected, None)]);
    assert_eq!(bench.state(ANNA), S::Connected, "we answered");
    bench.say(ANNA, held(A, &device("233")));
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Connected, None)]);
    assert_eq!(bench.state(ANNA), S::RemoteHeld);
}

#[test]
fn a_call_absent_twice_is_a_ghost_and_lost() {
    let mut bench = Bench::talking();
    bench.pass_ms(1000).hush().snapshot(ANNA, &[]);
    assert_eq!(bench.table.len(), 1);
    bench.pass_ms(1999);
    assert!(!bench.wants_snapshot());
    bench.pass_ms(1);
    assert!(bench.wants_snapshot());
    bench.snapshot(ANNA, &[]);
    let end = bench.end();
    assert_eq!((end.cause, end.state), (Some(Cause::Lost), S::Ended));
}

#[test]
fn a_sign_of_life_between_two_snapshots_saves_a_call() {
    for by_signal in [true, false] {
        let mut bench = Bench::talking();
        bench.pass_ms(1000).snapshot(ANNA, &[]).pass_ms(1000);
        if by_signal {
            bench.say(ANNA, held(A, &phone(ANNA))).pass_ms(1000);
        } else {
            bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Connected, Some(L::Connected))]).pass_ms(1000);
        }
        bench.snapshot(ANNA, &[]);
        assert_eq!(bench.table.len(), 1);
    }
}

#[test]
fn a_call_younger_than_the_snapshot_is_looked_for_again() {
    let mut bench = Bench::new();
    bench.say(ANNA, delivered(A, &device("233"), &phone(ANNA))).pass_ms(100);
    for _ in 0..3 {
        bench.snapshot(ANNA, &[]);
    }
    assert_eq!(bench.table.len(), 1);
    bench.hush().pass_ms(2000);
    assert!(bench.wants_snapshot());
}

#[test]
fn a_quiet_call_is_looked_after_every_interval() {
    let mut bench = Bench::talking();
    bench.pass_ms(30_000).say(ANNA, held(A, &phone(ANNA))).hush();
    bench.pass_ms(59_999);
    assert!(!bench.wants_snapshot());
    bench.pass_ms(1);
    assert!(bench.wants_snapshot());
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Hold, Some(L::Connected))]).hush();
    bench.pass_ms(59_999);
    assert!(!bench.wants_snapshot());
    bench.pass_ms(61_000);
    assert!(bench.wants_snapshot());
}

#[test]
fn restored_calls_live_by_their_first_snapshot_and_are_looked_after() {
    let mut before = Bench::talking();
    before.say(ANNA, delivered(B, &device("240"), &phone(ANNA)));
    let [first, second] = before.calls(ANNA).try_into().unwrap();
    let mut bench = Bench::new();
    bench.table.restore(bench.at, ANNA, first.clone());
    bench.table.restore(bench.at, ANNA, second);
    bench.pump();
    bench.quiet();
    bench.snapshot(ANNA, &[seen(&A.to_ascii_lowercase(), ANNA, "233", L::Connected, Some(L::Connected))]);
    assert_eq!(bench.id(ANNA), first.id);
    assert_eq!(bench.end().cause, Some(Cause::Lost), "without a second look");
    bench.pass_ms(60_000);
    assert!(bench.wants_snapshot());
}

#[test]
fn calls_at_a_twin_are_in_use_there_and_no_calls_of_ours() {
    let mut bench = Bench::new();
    let there = SnapshotCall {
        connection: at(A, &twin()),
        endpoint: who(&device("233")),
        own: L::Connected,
        others: vec![L::Connected],
    };
    bench.snapshot(ANNA, std::slice::from_ref(&there));
    assert!(matches!(bench.told().as_slice(), [Output::RemoteInUse { seat: ANNA, in_use: true }]));
    bench.snapshot(ANNA, &[there]);
    bench.quiet();
    bench.snapshot(ANNA, &[]);
    assert!(matches!(bench.told().as_slice(), [Output::RemoteInUse { seat: ANNA, in_use: false }]));
    assert!(bench.table.is_empty());
}

#[test]
fn a_call_of_another_phone_with_the_number_is_in_use_there_from_dial_tone_to_end() {
    let other = SeatId(3);
    let mut bench = Bench::new();
    let settings = SeatSettings { line: line("twin"), address: 0, numbers: vec![phone(ANNA).number], mac: twin().mac };
    bench.table.place(other, settings);
    let in_use = |bench: &mut Bench| -> Vec<_> {
        let told = bench.told().into_iter();
        told.filter_map(|output| match output {
            Output::RemoteInUse { seat, in_use } => Some((seat, in_use)),
            _ => None,
        })
        .collect()
    };
    bench.say(ANNA, dial_tone(A, ANNA));
    assert_eq!(in_use(&mut bench), [(other, true)]);
    bench.say(ANNA, originated(A, ANNA, &who(&device("233")))).say(ANNA, established(A, &phone(ANNA), &device("233")));
    bench.snapshot(other, &[]);
    assert_eq!(in_use(&mut bench), [], "said once, and an empty snapshot of the other phone does not take it back");
    bench.say(ANNA, cleared(A, &phone(ANNA)));
    assert_eq!(in_use(&mut bench), [(other, false)]);
    // Whatever only rings is in use nowhere.
    bench.say(ANNA, delivered(A, &device("233"), &phone(ANNA)));
    assert_eq!(in_use(&mut bench), []);
}

#[test]
fn a_conference_is_one_connected_call_to_a_snapshot() {
    let mut bench = Bench::consulting();
    bench.say(
        ANNA,
        crate::domain::call_table::SignalKind::Conferenced {
            primary: at(A, &phone(ANNA)),
            secondary: Some(at(B, &phone(ANNA))),
            conferencing: who(&phone(ANNA)),
            added: who(&device("240")),
            connections: Vec::new(),
        },
    );
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Connected, Some(L::Connected))]);
    assert_eq!(bench.state(ANNA), S::Conferenced);
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Connected, Some(L::Hold))]);
    assert_eq!(bench.state(ANNA), S::Conferenced, "one member holds, the others talk");
}

#[test]
fn a_failed_connection_at_the_called_phone_is_no_call_there() {
    let mut bench = Bench::new();
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Fail, Some(L::Connected))]);
    assert!(bench.table.is_empty());
    bench.quiet();
    // A call that is known has failed.
    bench.say(ANNA, originated(A, ANNA, &who(&device("233"))));
    bench.snapshot(ANNA, &[seen(A, ANNA, "233", L::Fail, Some(L::Connected))]);
    assert_eq!(bench.state(ANNA), S::Failed);
}

#[test]
fn a_conference_that_nobody_told_of_is_seen_and_so_is_its_end() {
    let mut bench = Bench::new();
    bench.say(ANNA, originated(A, ANNA, &who(&device("202"))));
    let with = |others: &[L]| SnapshotCall {
        others: others.to_vec(),
        ..seen(A, ANNA, "202", L::Connected, Some(L::Connected))
    };
    bench.snapshot(ANNA, &[with(&[L::Connected, L::Alerting])]);
    assert_eq!(bench.state(ANNA), S::Connected);
    bench.snapshot(ANNA, &[with(&[L::Connected, L::Hold])]);
    assert_eq!(bench.state(ANNA), S::Conferenced);
    assert!(bench.call(ANNA).conference_id.is_some());
    // Once it is known that everybody is listed, two are no conference any more.
    bench.snapshot(ANNA, &[with(&[L::Connected, L::Connected])]);
    bench.snapshot(ANNA, &[with(&[L::Hold])]);
    assert_eq!(bench.state(ANNA), S::RemoteHeld);
    assert!(bench.call(ANNA).conference_id.is_none());
}
