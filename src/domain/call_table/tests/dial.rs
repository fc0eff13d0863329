//! Dial commands and the calls they make (rule 5), and who caused what.

use serde_json::value::RawValue;

use super::bench::{
    A, ANNA, B, Bench, by, cleared, delivered, device, dial_tone, established, held, originated, phone, retrieved, who,
};
use crate::domain::call_table::{DialIntent, Endpoint, Output, SeatId, SignalCause};
use crate::domain::{CallState as S, CommandId};

fn command(number: u8) -> CommandId {
    CommandId::parse(&format!("{}{number}", CommandId::PREFIX)).unwrap()
}

fn intend(bench: &mut Bench, seat: SeatId, number: u8, dialed: &str) {
    let intent = DialIntent {
        command: command(number),
        actor: "crm".to_owned(),
        client_ref: Some(format!("ref{number}")),
        dialed: dialed.to_owned(),
        data: Some(RawValue::from_string("{\"a\":1}".to_owned()).unwrap()),
        replaces: None,
    };
    bench.table.intend_dial(seat, intent);
}

fn bind(bench: &mut Bench, number: u8, pbx_call: Option<&str>) -> Option<crate::domain::CallId> {
    let bound = bench.table.bind_dial(bench.at, ANNA, &command(number), pbx_call);
    bench.pump();
    bound
}

#[test]
fn an_event_before_the_answer_is_the_call_of_the_command() {
    let mut bench = Bench::new();
    intend(&mut bench, ANNA, 1, "202");
    bench.say(ANNA, originated(A, ANNA, &Endpoint::NotKnown));
    let call = bench.call(ANNA);
    assert_eq!(
        (call.client_ref.as_deref(), call.called.raw.as_deref(), call.data.get()),
        (Some("ref1"), Some("202"), "{\"a\":1}")
    );
    assert!(call.internal);
    let change = bench.last_change();
    assert_eq!((by(&change).as_str(), change.command.clone()), ("crm", Some(command(1))));
    assert_eq!(bench.table.dialed_call(ANNA, &command(1)), Some(call.id.clone()));
    assert_eq!(bind(&mut bench, 1, Some(A)), Some(call.id));
    bench.quiet();
    assert_eq!(bench.table.dialed_call(ANNA, &command(1)), None);
}

#[test]
fn an_answer_before_the_event_makes_the_call() {
    let mut bench = Bench::new();
    intend(&mut bench, ANNA, 1, "233");
    let id = bind(&mut bench, 1, Some(A)).unwrap();
    let call = bench.call(ANNA);
    assert_eq!((call.id.clone(), call.state, call.client_ref.as_deref()), (id.clone(), S::Dialing, Some("ref1")));
    assert!(
        matches!(bench.told().as_slice(), [Output::Created(change)] if change.call.called.raw.as_deref() == Some("233"))
    );
    bench.pass_ms(8);
    bench.say(ANNA, originated(A, ANNA, &Endpoint::NotKnown)).say(ANNA, delivered(A, &phone(ANNA), &device("233")));
    assert_eq!((bench.id(ANNA), bench.state(ANNA)), (id, S::Ringback));
    bench.hush().pass_ms(6000);
    assert!(!bench.wants_snapshot(), "something happened");
}

#[test]
fn a_dial_tone_takes_digits_whichever_comes_first_its_answer_or_its_event() {
    for answer_first in [true, false] {
        let mut bench = Bench::new();
        intend(&mut bench, ANNA, 1, "");
        if answer_first {
            bind(&mut bench, 1, Some(A)).unwrap();
        }
        bench.say(ANNA, originated(A, ANNA, &Endpoint::NotKnown));
        bind(&mut bench, 1, Some(A));
        // Told once more.
        bench.say(ANNA, originated(A, ANNA, &Endpoint::NotKnown));
        let call = bench.call(ANNA);
        assert_eq!(call.state, S::DialTone, "answer first: {answer_first}");
        assert!(call.allowed_actions.contains(crate::domain::Action::Dial));
        // From the first digit on the same word means that it dials.
        bench.table.dials(&call.id);
        bench.say(ANNA, originated(A, ANNA, &Endpoint::NotKnown));
        assert_eq!(bench.state(ANNA), S::Dialing);
    }
}

#[test]
fn an_answer_without_any_event_is_looked_up_after_five_seconds() {
    let mut bench = Bench::new();
    intend(&mut bench, ANNA, 1, "233");
    bind(&mut bench, 1, Some(A));
    bench.hush().pass_ms(4999);
    assert!(!bench.wants_snapshot());
    bench.pass_ms(1);
    assert!(bench.wants_snapshot());
}

#[test]
fn an_answer_without_an_id_is_bound_by_the_next_event() {
    let mut bench = Bench::new();
    intend(&mut bench, ANNA, 1, "233");
    assert_eq!(bind(&mut bench, 1, None), None);
    bench.say(ANNA, dial_tone(A, ANNA));
    assert_eq!(bench.call(ANNA).client_ref.as_deref(), Some("ref1"));
    assert_eq!(bind(&mut bench, 1, None), Some(bench.id(ANNA)));
}

#[test]
fn the_wrong_guess_is_mended_when_the_answer_names_another_call() {
    // Somebody lifts the handset while the command is under way.
    let mut bench = Bench::new();
    intend(&mut bench, ANNA, 1, "233");
    bench.say(ANNA, dial_tone(A, ANNA));
    let guessed = bench.id(ANNA);
    let bound = bind(&mut bench, 1, Some(B)).unwrap();
    assert_ne!(bound, guessed);
    let wrong = bench.table.call(&guessed).unwrap();
    assert_eq!((wrong.client_ref.as_deref(), wrong.data.get(), wrong.called.raw.as_deref()), (None, "{}", None));
    let right = bench.table.call(&bound).unwrap();
    assert_eq!((right.client_ref.as_deref(), right.data.get()), (Some("ref1"), "{\"a\":1}"));
}

#[test]
fn a_reference_that_comes_late_is_told() {
    let mut bench = Bench::new();
    bench.say(ANNA, dial_tone(A, ANNA)).hush();
    intend(&mut bench, ANNA, 1, "233");
    let bound = bind(&mut bench, 1, Some(A)).unwrap();
    assert_eq!(bound, bench.id(ANNA));
    let change = bench.last_change();
    assert!(change.changed.contains(&"client_ref") && change.changed.contains(&"called"));
}

#[test]
fn a_failed_command_takes_no_call() {
    let mut bench = Bench::new();
    intend(&mut bench, ANNA, 1, "233");
    bench.table.drop_pending(ANNA, &command(1));
    bench.say(ANNA, dial_tone(A, ANNA));
    assert_eq!(bench.call(ANNA).client_ref, None);
}

#[test]
fn incoming_calls_are_not_taken_for_the_one_dialled() {
    let mut bench = Bench::new();
    intend(&mut bench, ANNA, 1, "233");
    bench.say(ANNA, delivered(A, &device("240"), &phone(ANNA)));
    assert_eq!(bench.call(ANNA).client_ref, None);
    bench.say(ANNA, dial_tone(B, ANNA));
    assert_eq!(bench.calls(ANNA)[1].client_ref.as_deref(), Some("ref1"));
}

#[test]
fn two_commands_get_their_calls_in_order() {
    let mut bench = Bench::new();
    intend(&mut bench, ANNA, 1, "233");
    intend(&mut bench, ANNA, 2, "240");
    bench.say(ANNA, dial_tone(A, ANNA)).say(ANNA, dial_tone(B, ANNA));
    let refs: Vec<_> = bench.calls(ANNA).into_iter().filter_map(|call| call.client_ref).collect();
    assert_eq!(refs, ["ref1", "ref2"]);
}

#[test]
fn a_consultation_names_the_call_it_belongs_to_whatever_comes_first() {
    for answer_first in [true, false] {
        let mut bench = Bench::talking();
        let primary = bench.id(ANNA);
        bench.table.intend(bench.at, &primary, command(7), "crm".to_owned(), None);
        intend(&mut bench, ANNA, 7, "240");
        bench.say(ANNA, held(A, &phone(ANNA)));
        if answer_first {
            bind(&mut bench, 7, Some(B));
        }
        bench.say(ANNA, originated(B, ANNA, &who(&device("240"))));
        bind(&mut bench, 7, Some(B));
        let second = bench.calls(ANNA).into_iter().find(|call| call.id != primary).unwrap();
        assert_eq!(second.consultation_of, Some(primary.clone()));
    }
    // And one begun at the phone, by its cause.
    let bench = Bench::consulting();
    let calls = bench.calls(ANNA);
    assert_eq!(calls[1].consultation_of, Some(calls[0].id.clone()));
}

#[test]
fn what_a_command_causes_carries_its_name_for_five_seconds() {
    let mut bench = Bench::talking();
    let id = bench.id(ANNA);
    bench.table.intend(bench.at, &id, command(1), "crm".to_owned(), None);
    bench.say(ANNA, held(A, &phone(ANNA)));
    let change = bench.last_change();
    assert_eq!((by(&change).as_str(), change.command), ("crm", Some(command(1))));
    bench.table.intent_done(&id, &command(1));
    bench.say(ANNA, retrieved(A, &phone(ANNA)));
    assert_eq!(by(&bench.last_change()), "phone");
    bench.table.intend(bench.at, &id, command(2), "crm".to_owned(), None);
    bench.pass_ms(5001).say(ANNA, cleared(A, &phone(ANNA)));
    assert_eq!(by(&bench.last_change()), "phone");
}

#[test]
fn attached_data_are_told_with_who_did_it() {
    let mut bench = Bench::talking();
    let id = bench.id(ANNA);
    let data = || RawValue::from_string("{\"b\":2}".to_owned()).unwrap();
    assert!(bench.table.attach(bench.at, &id, "crm".to_owned(), data()));
    bench.pump();
    let change = bench.last_change();
    assert_eq!((by(&change).as_str(), change.changed), ("crm", vec!["data"]));
    assert!(!bench.table.attach(bench.at, &id, "crm".to_owned(), data()), "equal data are no change");
}

#[test]
fn a_call_from_the_phone_is_by_the_phone() {
    let mut bench = Bench::new();
    bench.say_because(ANNA, established(A, &phone(ANNA), &device("233")), SignalCause::Normal);
    assert_eq!(by(&bench.last_change()), "phone");
}

#[test]
fn a_consultation_is_about_the_call_that_was_held_for_it() {
    let second = |bench: &mut Bench| {
        let third = device("240");
        bench.say_because(ANNA, originated("C", ANNA, &who(&third)), SignalCause::Consultation);
        bench.table.call_at(ANNA, "C").unwrap().consultation_of.clone()
    };
    // A and B are answered and swapped, so that the older call talks: within one moment, or later.
    let swapped = |pause: u64| {
        let mut bench = Bench::talking();
        bench.say(ANNA, delivered(B, &device("250"), &phone(ANNA))).say(ANNA, held(A, &phone(ANNA)));
        bench.say(ANNA, established(B, &device("250"), &phone(ANNA)));
        bench.pass_ms(pause).say(ANNA, held(B, &phone(ANNA))).say(ANNA, retrieved(A, &phone(ANNA))).pass_ms(pause);
        let ids = bench.calls(ANNA).into_iter().map(|call| call.id).collect::<Vec<_>>();
        (bench, ids)
    };
    for pause in [0, 100] {
        let (mut bench, ids) = swapped(pause);
        bench.say_because(ANNA, held(A, &phone(ANNA)), SignalCause::Consultation);
        assert_eq!(second(&mut bench), Some(ids[0].clone()), "its hold said so");
        let (mut bench, ids) = swapped(pause);
        assert_eq!(second(&mut bench), Some(ids[0].clone()), "it still talks: its hold is told later");
    }
    let (mut bench, ids) = swapped(100);
    bench.say(ANNA, held(A, &phone(ANNA)));
    assert_eq!(second(&mut bench), Some(ids[0].clone()), "it was held last");
    // What an earlier consultation was about says nothing once the call was taken back.
    let (mut bench, ids) = swapped(100);
    bench.say_because(ANNA, held(A, &phone(ANNA)), SignalCause::Consultation).pass_ms(100);
    bench.say(ANNA, retrieved(A, &phone(ANNA))).pass_ms(100).say(ANNA, held(A, &phone(ANNA))).pass_ms(100);
    bench.say(ANNA, retrieved(B, &phone(ANNA))).pass_ms(100);
    bench.say_because(ANNA, held(B, &phone(ANNA)), SignalCause::Consultation);
    assert_eq!(second(&mut bench), Some(ids[1].clone()));
}
