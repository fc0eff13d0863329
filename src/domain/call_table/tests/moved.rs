//! Moves that no event told of, seen in snapshots.

use super::bench::{A, ANNA, B, BERT, Bench, delivered, device, established, held, phone, seen};
use crate::domain::call_table::{LocalState as L, SnapshotCall};
use crate::domain::{CallState as S, Cause, ParticipantState};

fn together(others: &[L]) -> SnapshotCall {
    SnapshotCall { others: others.to_vec(), ..seen(A, ANNA, "233", L::Connected, None) }
}

fn names(bench: &Bench) -> Vec<(String, ParticipantState)> {
    let participants = bench.call(ANNA).participants.into_iter();
    participants.map(|one| (one.raw.unwrap_or_default(), one.state)).collect()
}

#[test]
fn two_calls_that_became_a_conference_name_their_far_ends() {
    let mut bench = Bench::consulting();
    bench.snapshot(ANNA, &[together(&[L::Connected, L::Connected])]);
    let end = bench.end();
    assert_eq!((end.cause, end.pbx_call_id.as_deref()), (Some(Cause::Merged), Some(B)));
    let call = bench.call(ANNA);
    assert_eq!(call.state, S::Conferenced);
    assert_eq!(call.conversation_id, end.conversation_id, "one conversation");
    let there = |number: &str| (number.to_owned(), ParticipantState::Connected);
    assert_eq!(names(&bench), [there("233"), there("240")]);
    bench.hush().snapshot(ANNA, &[together(&[L::Connected, L::Connected])]).quiet();
}

/// Somebody was added while his phone still rings: whichever of the others the snapshot names first.
#[test]
fn a_conference_with_one_who_rings_is_a_conference() {
    for others in [[L::Alerting, L::Connected], [L::Connected, L::Alerting], [L::Alerting, L::Hold]] {
        let mut bench = Bench::consulting();
        bench.snapshot(ANNA, &[together(&[L::Connected, L::Connected])]);
        bench.snapshot(ANNA, &[together(&others)]);
        assert_eq!(bench.state(ANNA), S::Conferenced, "{others:?}");
    }
}

#[test]
fn a_phone_that_has_the_same_call_is_in_the_conference_until_it_has_not() {
    let mut bench = Bench::talking();
    // Bert talks in the same call.
    bench.snapshot(BERT, &[seen(A, BERT, "233", L::Connected, Some(L::Connected))]);
    bench.snapshot(ANNA, &[together(&[L::Connected, L::Connected])]);
    let there = |number: &str| (number.to_owned(), ParticipantState::Connected);
    assert_eq!(names(&bench), [there("233"), there("202")]);
    // A fourth whom nobody names, so that everybody is known to be listed; then Bert leaves and nobody tells.
    bench.snapshot(ANNA, &[together(&[L::Connected, L::Connected, L::Connected])]);
    bench.snapshot(BERT, &[]).pass_ms(3_000).snapshot(BERT, &[]).pass_ms(3_000).snapshot(BERT, &[]);
    assert!(bench.calls(BERT).is_empty());
    bench.snapshot(ANNA, &[together(&[L::Connected])]);
    assert_eq!(bench.state(ANNA), S::Connected);
}

#[test]
fn where_everybody_is_listed_and_nobody_holds_nobody_is_shown_on_hold() {
    let mut bench = Bench::consulting();
    bench.snapshot(ANNA, &[together(&[L::Connected, L::Connected])]);
    // This PBX is known to list everybody from here on.
    bench.snapshot(ANNA, &[together(&[L::Connected, L::Connected])]);
    bench.say(ANNA, held(A, &device("240")));
    let holds = ("240".to_owned(), ParticipantState::OnHold);
    bench.snapshot(ANNA, &[together(&[L::Connected, L::Hold])]);
    assert_eq!(names(&bench)[1], holds);
    bench.snapshot(ANNA, &[together(&[L::Connected, L::Connected])]);
    assert_eq!(names(&bench)[1], ("240".to_owned(), ParticipantState::Connected));
}

/// Anna speaks with 233 and asks Bert in another call; he hears nothing of what becomes of it.
fn bert_is_asked(mut bench: Bench) -> Bench {
    bench.say(BERT, delivered(B, &phone(ANNA), &phone(BERT))).say(BERT, established(B, &phone(ANNA), &phone(BERT)));
    bench.hush();
    bench
}

#[test]
fn a_call_goes_on_under_the_id_of_the_call_it_was_made_for() {
    let mut bench = bert_is_asked(Bench::consulting());
    let before = bench.id(BERT);
    bench.snapshot(BERT, &[seen(A, BERT, "233", L::Connected, Some(L::Connected))]);
    let call = bench.call(BERT);
    assert_eq!((call.id, call.pbx_call_id.as_deref()), (before, Some(A)));
    assert_eq!(call.connected.raw.as_deref(), Some("233"), "who is there now");
    assert!(bench.ends().is_empty());
}

#[test]
fn ids_that_nothing_ties_together_are_two_calls() {
    let mut bench = bert_is_asked(Bench::talking());
    bench.snapshot(BERT, &[seen(A, BERT, "233", L::Connected, Some(L::Connected))]);
    assert_eq!(bench.calls(BERT).len(), 2);
}

#[test]
fn somebody_else_at_the_other_end_is_shown() {
    let mut bench = Bench::talking();
    bench.snapshot(ANNA, &[seen(A, ANNA, "240", L::Connected, Some(L::Connected))]);
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.connected.raw.as_deref()), (S::Connected, Some("240")));
    // The number that was dialled, a longer form of the same, or nobody's number at all says nothing new.
    let mut bench = Bench::talking();
    for far in ["4989233", "201", ""] {
        bench.hush().snapshot(ANNA, &[seen(A, ANNA, far, L::Connected, Some(L::Connected))]).quiet();
        assert_eq!(bench.call(ANNA).connected.raw.as_deref(), Some("233"), "{far}");
    }
}
