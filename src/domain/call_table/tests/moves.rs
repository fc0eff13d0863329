//! Redirections, transfers and conferences.

use super::bench::{
    A, ANNA, B, BERT, Bench, at, cleared, delivered, device, established, held, originated, parties, phone, seen, who,
};
use crate::domain::call_table::{Device, LocalState, Moved, Parties, SignalCause, SignalKind};
use crate::domain::{CallState as S, Cause, ParticipantState, Reason};

const C: &str = "6F10A2B4-C0DE11EF-8125A0B1-00C0FFEE";

pub(super) fn diverted(call: &str, from: &Device, to: &str) -> SignalKind {
    SignalKind::Diverted {
        connection: at(call, from),
        diverting: who(from),
        new_destination: who(&device(to)),
        parties: Parties::default(),
    }
}

pub(super) fn moved(new: &str, old: &str, device: &Device) -> Moved {
    Moved { new: at(new, device), old: at(old, device), endpoint: who(device) }
}

pub(super) fn transferred(by: &Device, to: &Device, connections: Vec<Moved>) -> SignalKind {
    SignalKind::Transferred {
        primary: at(A, by),
        secondary: Some(at(B, by)),
        transferring: who(by),
        transferred_to: who(to),
        connections,
    }
}

pub(super) fn conferenced(by: &Device, added: &Device, connections: Vec<Moved>) -> SignalKind {
    SignalKind::Conferenced {
        primary: at(A, by),
        secondary: Some(at(B, by)),
        conferencing: who(by),
        added: who(added),
        connections,
    }
}

#[test]
fn a_call_that_we_send_on_is_gone() {
    for (cause, expected) in [
        (SignalCause::Redirected, Cause::Redirected),
        (SignalCause::ForwardedNoAnswer, Cause::Forwarded),
        (SignalCause::Pickup, Cause::AnsweredElsewhere),
    ] {
        let mut bench = Bench::new();
        bench.say(ANNA, delivered(A, &device("233"), &phone(ANNA)));
        bench.say_because(ANNA, diverted(A, &phone(ANNA), "240"), cause);
        assert_eq!(bench.end().cause, Some(expected));
    }
}

#[test]
fn an_outgoing_call_that_is_sent_on_rings_at_its_new_end() {
    let mut bench = Bench::new();
    bench.say(ANNA, originated(A, ANNA, &who(&device("233"))));
    bench.say_because(ANNA, diverted(A, &device("233"), "202"), SignalCause::ForwardedUnconditional);
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.called.raw.as_deref()), (S::Ringback, Some("202")));
    assert_eq!((call.redirecting.raw.as_deref(), call.reason), (Some("233"), Reason::ForwardedUnconditional));
    assert!(call.internal);
}

#[test]
fn a_transfer_of_ours_ends_both_calls() {
    let mut bench = Bench::consulting();
    bench.say(ANNA, transferred(&phone(ANNA), &device("240"), Vec::new()));
    let ends = bench.ends();
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|call| call.cause == Some(Cause::Transferred)));
    assert_eq!(ends[0].conversation_id, ends[1].conversation_id);
    bench.say(ANNA, cleared(B, &phone(ANNA)));
    bench.quiet();
}

#[test]
fn a_blind_transfer_of_ours_ends_the_one_call() {
    let mut bench = Bench::talking();
    bench.say(
        ANNA,
        SignalKind::Transferred {
            primary: at(A, &phone(ANNA)),
            secondary: None,
            transferring: who(&phone(ANNA)),
            transferred_to: who(&device("240")),
            connections: Vec::new(),
        },
    );
    assert_eq!(bench.end().cause, Some(Cause::Transferred));
}

#[test]
fn a_transferred_call_keeps_its_id_and_gets_its_new_party_and_key() {
    // 233 called Anna (A), called 240 (B), and connects the two under A, B or a new id.
    for new in [A, B, C] {
        let mut bench = Bench::talking();
        let before = bench.id(ANNA);
        let boss = device("233");
        bench.say(ANNA, held(A, &boss));
        let list = vec![moved(new, A, &phone(ANNA)), moved(new, B, &device("240"))];
        bench.say(ANNA, transferred(&boss, &device("240"), list));
        let call = bench.call(ANNA);
        assert_eq!((call.id.clone(), call.state), (before, S::Connected));
        assert_eq!((call.pbx_call_id.as_deref(), call.gcid.as_deref()), (Some(new), Some(new)));
        assert_eq!((call.connected.raw.as_deref(), call.redirecting.raw.as_deref()), (Some("240"), Some("233")));
        assert_eq!(call.reason, Reason::Transferred);
        bench.hush().pass_ms(500);
        assert!(bench.wants_snapshot());
        bench.say(ANNA, cleared(new, &phone(ANNA)));
        assert_eq!(bench.end().cause, Some(Cause::Normal), "found by its new key");
    }
}

#[test]
fn a_call_transferred_to_us_shows_who_is_there_now() {
    // Boss 233 rings Anna in B for a consultation, then leaves; 240 is at the other end.
    let mut bench = Bench::new();
    let boss = device("233");
    bench.say(ANNA, delivered(B, &boss, &phone(ANNA)));
    let list = || vec![moved(A, A, &device("240")), moved(A, B, &phone(ANNA))];
    bench.say(ANNA, transferred(&boss, &phone(ANNA), list()));
    let call = bench.call(ANNA);
    assert_eq!(
        (call.state, call.caller.raw.as_deref(), call.connected.raw.as_deref()),
        (S::Offering, Some("240"), None)
    );
    assert_eq!(call.pbx_call_id.as_deref(), Some(A));
    bench.say(ANNA, established(A, &device("240"), &phone(ANNA)));
    assert_eq!(bench.call(ANNA).connected.raw.as_deref(), Some("240"));
}

#[test]
fn the_lines_of_a_transfer_share_one_conversation_after_it() {
    // 233 called Anna in A and Bert in B, and connects them.
    let mut bench = Bench::new();
    let boss = device("233");
    bench.say(ANNA, established(A, &boss, &phone(ANNA))).say(BERT, established(B, &boss, &phone(BERT)));
    assert_ne!(bench.call(ANNA).conversation_id, bench.call(BERT).conversation_id);
    let list = || vec![moved(A, A, &phone(ANNA)), moved(A, B, &phone(BERT))];
    bench.say(ANNA, transferred(&boss, &phone(BERT), list())).say(BERT, transferred(&boss, &phone(BERT), list()));
    let (anna, bert) = (bench.call(ANNA), bench.call(BERT));
    assert_eq!(anna.conversation_id, bert.conversation_id);
    assert_eq!((anna.connected.raw.as_deref(), bert.connected.raw.as_deref()), (Some("202"), Some("201")));
    assert_eq!(bert.pbx_call_id.as_deref(), Some(A));
    assert!(anna.internal);
}

#[test]
fn a_transfer_of_calls_that_nobody_knows_asks_for_a_snapshot() {
    let mut bench = Bench::new();
    bench.say(ANNA, transferred(&device("233"), &device("240"), Vec::new()));
    assert!(bench.wants_snapshot());
}

fn conference() -> Bench {
    let mut bench = Bench::consulting();
    let list = vec![moved(A, A, &phone(ANNA)), moved(A, A, &device("233")), moved(A, B, &device("240"))];
    bench.say(ANNA, conferenced(&phone(ANNA), &device("240"), list));
    bench
}

#[test]
fn a_conference_merges_the_second_call_into_the_first() {
    let mut bench = conference();
    assert_eq!(bench.end().cause, Some(Cause::Merged));
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.pbx_call_id.as_deref()), (S::Conferenced, Some(A)));
    assert_eq!(call.conference_id.as_deref(), Some(call.conversation_id.as_str()));
    let numbers: Vec<_> = call.participants.iter().map(|p| (p.raw.clone().unwrap(), p.state)).collect();
    let there = ParticipantState::Connected;
    assert_eq!(numbers, [("233".to_owned(), there), ("240".to_owned(), there)]);
}

#[test]
fn a_participant_may_hold_leave_and_come_back() {
    let mut bench = conference();
    let state = |bench: &Bench, index: usize| bench.call(ANNA).participants[index].state;
    let id = bench.call(ANNA).participants[1].id.clone();
    bench.say(ANNA, held(A, &device("240")));
    assert_eq!((bench.state(ANNA), state(&bench, 1)), (S::Conferenced, ParticipantState::OnHold));
    bench.say(ANNA, held(A, &phone(ANNA)));
    assert_eq!(bench.state(ANNA), S::OnHold);
    bench.say(ANNA, super::bench::retrieved(A, &phone(ANNA)));
    assert_eq!(bench.state(ANNA), S::Conferenced);
    let list = vec![moved(A, A, &phone(ANNA)), moved(A, A, &device("250"))];
    bench.say(ANNA, conferenced(&phone(ANNA), &device("250"), list.clone()));
    assert_eq!(bench.call(ANNA).participants.len(), 3);
    bench.say(ANNA, cleared(A, &device("240")));
    assert_eq!((bench.state(ANNA), state(&bench, 1)), (S::Conferenced, ParticipantState::Left));
    let list = vec![moved(A, A, &device("240"))];
    bench.say(ANNA, conferenced(&phone(ANNA), &device("240"), list));
    assert_eq!(state(&bench, 1), ParticipantState::Connected);
    assert_eq!(bench.call(ANNA).participants[1].id, id);
}

#[test]
fn with_one_left_the_conference_is_a_call_again() {
    let mut bench = conference();
    bench.hush().say(ANNA, cleared(A, &device("233")));
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.conference_id.as_deref()), (S::Connected, None));
    assert_eq!(
        (call.participants.len(), call.connected.raw.as_deref()),
        (0, Some("240")),
        "who is left is the other end"
    );
    bench.say(ANNA, cleared(A, &phone(ANNA)));
    assert_eq!(bench.end().cause, Some(Cause::Normal));
}

#[test]
fn whoever_joins_others_or_sends_somebody_in_his_place_is_shown_so() {
    let mut bench = conference();
    let states = |bench: &Bench| -> Vec<_> {
        bench.call(ANNA).participants.into_iter().map(|one| (one.raw.unwrap(), one.state)).collect()
    };
    let (there, gone) = (ParticipantState::Connected, ParticipantState::Left);
    // 233 asks 250 in a call of its own, and takes it in.
    bench.say(ANNA, held(A, &device("233")));
    let list = ["233", "240", "250"].map(|number| moved(A, A, &device(number))).into();
    bench.say(ANNA, conferenced(&device("233"), &device("250"), list));
    assert_eq!(states(&bench), [("233".into(), there), ("240".into(), there), ("250".into(), there)]);
    // 240 asks 260, and goes.
    bench.say(ANNA, held(A, &device("240")));
    let reason = bench.call(ANNA).reason;
    let list = vec![moved(A, A, &phone(ANNA)), moved(A, B, &device("260"))];
    bench.say(ANNA, transferred(&device("240"), &device("260"), list));
    let now = [("233".into(), there), ("240".into(), gone), ("250".into(), there), ("260".into(), there)];
    assert_eq!(states(&bench), now);
    assert_eq!((bench.state(ANNA), bench.call(ANNA).reason), (S::Conferenced, reason), "it is the same conference");
}

#[test]
fn a_call_sent_on_to_a_ringing_phone_is_talking_when_that_answers() {
    let mut bench = Bench::talking();
    bench.say(ANNA, transferred(&device("233"), &device("240"), vec![moved(A, A, &phone(ANNA))]));
    bench.snapshot(ANNA, &[seen(A, ANNA, "240", LocalState::Connected, Some(LocalState::Alerting))]);
    assert_eq!(bench.state(ANNA), S::Ringback);
    bench.say(ANNA, established(A, &phone(ANNA), &device("240")));
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.connected.raw.as_deref()), (S::Connected, Some("240")));
    assert_eq!(call.called.raw.as_deref(), Some("201"), "whom the call was for does not change");
}

#[test]
fn being_taken_into_a_conference_shows_the_others() {
    let mut bench = Bench::talking();
    let list = vec![moved(B, A, &phone(ANNA)), moved(B, B, &device("240"))];
    bench.say(ANNA, conferenced(&device("233"), &device("240"), list));
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.pbx_call_id.as_deref()), (S::Conferenced, Some(B)));
    let numbers: Vec<_> = call.participants.iter().filter_map(|p| p.raw.as_deref()).collect();
    assert_eq!(numbers, ["240", "233"]);
}

#[test]
fn parties_are_named_from_the_numbers_of_the_pbx() {
    let mut bench = Bench::new();
    bench.say(
        ANNA,
        SignalKind::Delivered {
            connection: at(A, &phone(ANNA)),
            alerting: who(&phone(ANNA)),
            parties: parties(&device("202"), &phone(ANNA)),
        },
    );
    let caller = bench.call(ANNA).caller;
    assert_eq!((caller.name.as_deref(), caller.number.as_deref()), (Some("Bert"), Some("202")));
}

#[test]
fn who_waits_on_hold_when_a_conference_ends_is_known_after_a_hold_of_ours_too() {
    let mut bench = conference();
    bench.say(ANNA, held(A, &device("233"))).say(ANNA, held(A, &phone(ANNA)));
    bench.say(ANNA, cleared(A, &device("240")));
    assert_eq!((bench.state(ANNA), bench.call(ANNA).conference_id), (S::OnHold, None));
    bench.say(ANNA, super::bench::retrieved(A, &phone(ANNA)));
    assert_eq!(bench.state(ANNA), S::RemoteHeld);
    bench.say(ANNA, super::bench::retrieved(A, &device("233")));
    assert_eq!(bench.state(ANNA), S::Connected);
}
