//! What a command does at the other end carries its id; what a person does there does not.

use super::bench::{
    A, ANNA, BERT, Bench, by, cleared, delivered, established, held, originated, phone, retrieved, seen, who,
};
use crate::domain::call_table::{DialIntent, LocalState, Output, SeatId, SignalKind};
use crate::domain::{Action, CommandId};

/// Anna speaks with Bert, both at phones of this PBX, having called.
fn talking() -> Bench {
    let mut bench = Bench::new();
    bench
        .say(ANNA, originated(A, ANNA, &who(&phone(BERT))))
        .say(BERT, delivered(A, &phone(ANNA), &phone(BERT)))
        .say(ANNA, established(A, &phone(ANNA), &phone(BERT)))
        .say(BERT, established(A, &phone(ANNA), &phone(BERT)))
        .hush();
    bench
}

fn command(number: u8) -> CommandId {
    CommandId::parse(&format!("cmd_{number}")).unwrap()
}

/// A program acts on the call of a seat; the call itself shows it at once.
fn act(bench: &mut Bench, seat: SeatId, action: Action, own: SignalKind) {
    let id = bench.id(seat);
    bench.table.intend(bench.at, &id, command(1), "crm".to_owned(), Some(action));
    bench.say(seat, own);
    bench.table.intent_done(&id, &command(1));
    bench.hush();
}

/// Who caused the next change at a seat, and whether it is told as an echo.
fn next(bench: &mut Bench, seat: SeatId, kind: SignalKind) -> (String, bool) {
    bench.hush().say(seat, kind);
    let change = bench.last_change();
    assert_eq!(change.is_echo, change.command.is_some());
    (by(&change), change.is_echo)
}

fn crm() -> (String, bool) {
    ("crm".to_owned(), true)
}

fn person() -> (String, bool) {
    ("phone".to_owned(), false)
}

#[test]
fn a_hold_and_its_end_are_heard_at_the_other_end() {
    let mut bench = talking();
    act(&mut bench, ANNA, Action::Hold, held(A, &phone(ANNA)));
    assert_eq!(next(&mut bench, BERT, held(A, &phone(ANNA))), crm());
    act(&mut bench, ANNA, Action::Retrieve, retrieved(A, &phone(ANNA)));
    assert_eq!(next(&mut bench, BERT, retrieved(A, &phone(ANNA))), crm());
    // Bert holds by himself, and hangs up by himself.
    assert_eq!(next(&mut bench, BERT, held(A, &phone(BERT))), person());
    assert_eq!(next(&mut bench, BERT, cleared(A, &phone(BERT))), person());
}

#[test]
fn an_end_is_heard_and_a_late_one_is_not() {
    let mut bench = talking();
    let id = bench.id(ANNA);
    bench.table.intend(bench.at, &id, command(1), "crm".to_owned(), Some(Action::Drop));
    bench.say(ANNA, cleared(A, &phone(ANNA)));
    assert_eq!(next(&mut bench, BERT, cleared(A, &phone(BERT))), crm());
    let mut bench = talking();
    act(&mut bench, ANNA, Action::Hold, held(A, &phone(ANNA)));
    bench.pass_ms(6000);
    assert_eq!(next(&mut bench, BERT, held(A, &phone(ANNA))), person());
}

#[test]
fn a_command_that_was_refused_is_not_heard() {
    let mut bench = talking();
    let id = bench.id(ANNA);
    bench.table.intend(bench.at, &id, command(1), "crm".to_owned(), Some(Action::Drop));
    bench.table.intent_failed(&id, &command(1));
    assert_eq!(next(&mut bench, ANNA, cleared(A, &phone(ANNA))), person());
    assert_eq!(next(&mut bench, BERT, cleared(A, &phone(BERT))), person());
}

#[test]
fn a_dialled_phone_rings_by_the_command_and_a_person_answers_it() {
    let mut bench = Bench::new();
    let intent = DialIntent {
        command: command(1),
        actor: "crm".to_owned(),
        client_ref: None,
        dialed: "202".to_owned(),
        data: None,
        replaces: None,
    };
    bench.table.intend_dial(ANNA, intent);
    bench.say(ANNA, originated(A, ANNA, &who(&phone(BERT)))).hush();
    bench.say(BERT, delivered(A, &phone(ANNA), &phone(BERT)));
    let told = bench.told();
    assert!(matches!(&told[..], [Output::Created(change)] if change.is_echo && change.command == Some(command(1))));
    assert_eq!(next(&mut bench, BERT, established(A, &phone(ANNA), &phone(BERT))), person());
    // A program answers: the caller hears that.
    let mut bench = Bench::new();
    bench
        .say(ANNA, originated(A, ANNA, &who(&phone(BERT))))
        .say(ANNA, delivered(A, &phone(ANNA), &phone(BERT)))
        .say(BERT, delivered(A, &phone(ANNA), &phone(BERT)));
    act(&mut bench, BERT, Action::Answer, established(A, &phone(ANNA), &phone(BERT)));
    assert_eq!(next(&mut bench, ANNA, established(A, &phone(ANNA), &phone(BERT))), crm());
}

#[test]
fn what_a_late_snapshot_shows_of_a_command_is_its_doing_and_a_restart_is_not() {
    let mut bench = talking();
    let id = bench.id(ANNA);
    let by_whom = |bench: &mut Bench| {
        let change = bench.last_change();
        (by(&change), change.command)
    };
    bench.table.intend(bench.at, &id, command(1), "crm".to_owned(), Some(Action::Hold));
    bench.pass_ms(6000).hush();
    bench.snapshot(ANNA, &[seen(A, ANNA, "202", LocalState::Hold, Some(LocalState::Connected))]);
    assert_eq!(by_whom(&mut bench), ("crm".to_owned(), Some(command(1))));
    // Once it is settled, a repair is the gateway's.
    bench.table.intent_done(&id, &command(1));
    bench.hush().snapshot(ANNA, &[seen(A, ANNA, "202", LocalState::Connected, Some(LocalState::Connected))]);
    assert_eq!(by_whom(&mut bench), ("gateway".to_owned(), None));

    bench.table.intend(bench.at, &id, command(2), "crm".to_owned(), Some(Action::Hold));
    bench.table.pbx_restarted(bench.at);
    bench.pump();
    let ends = bench.told().into_iter().filter_map(|output| match output {
        Output::Ended(change) => Some((by(&change), change.command)),
        _ => None,
    });
    assert!(ends.into_iter().all(|by| by == ("gateway".to_owned(), None)));
}
