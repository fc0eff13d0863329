//! Several buttons of one phone, and one number on several phones.

use super::bench::{
    A, ANNA, B, BERT, Bench, at, cleared, delivered, device, established, held, line, mac, originated, parties, retrieved, who,
};
use crate::domain::call_table::{Device, SeatId, SeatSettings, SignalKind, TableSettings};
use crate::domain::{Call, CallState as S, Cause, Direction, Reason};

/// Number 204 on the second button of Anna's phone.
const DESK: SeatId = SeatId(4);
/// Number 204 on the second button of Bert's phone.
const OTHER_DESK: SeatId = SeatId(5);

fn desk() -> Device {
    Device { number: "204".to_owned(), mac: Some(mac(ANNA)) }
}

fn other_desk() -> Device {
    Device { number: "204".to_owned(), mac: Some(mac(BERT)) }
}

/// 204 is on both phones.
fn office_with(settings: TableSettings) -> Bench {
    let mut bench = Bench::with(settings);
    for (seat, name, at) in [(DESK, "anna", ANNA), (OTHER_DESK, "bert", BERT)] {
        let settings =
            SeatSettings { line: line(name), address: 1, numbers: vec!["204".to_owned()], mac: Some(mac(at)) };
        bench.table.place(seat, settings);
    }
    bench
}

fn calls(bench: &Bench, seat: SeatId) -> Vec<Call> {
    bench.table.calls_at(seat).cloned().collect()
}

fn only(bench: &Bench, seat: SeatId) -> Call {
    let [call] = calls(bench, seat).try_into().unwrap();
    call
}

#[test]
fn a_call_that_is_taken_from_hold_at_another_phone_stays_what_it_was() {
    let far = device("240");
    // The phone that held it hears first that it is gone, or last.
    for order in [[DESK, OTHER_DESK], [OTHER_DESK, DESK]] {
        for direction in [Direction::Outbound, Direction::Inbound] {
            let mut bench = office_with(TableSettings::default());
            match direction {
                Direction::Outbound => {
                    let ringing =
                        SignalKind::Originated { connection: at(A, &desk()), parties: parties(&desk(), &far) };
                    bench.say(DESK, ringing).say(DESK, established(A, &desk(), &far));
                }
                Direction::Inbound => {
                    bench.say(DESK, delivered(A, &far, &desk())).say(DESK, established(A, &far, &desk()));
                }
            }
            bench.say(DESK, held(A, &desk()));
            let before = only(&bench, DESK);
            bench.hush();
            for seat in order {
                bench.say(seat, retrieved(A, &other_desk()));
            }
            assert_eq!(bench.end().cause, Some(Cause::AnsweredElsewhere));
            let call = only(&bench, OTHER_DESK);
            assert_eq!((call.state, call.direction), (S::Connected, direction));
            assert_eq!((&call.caller, &call.called), (&before.caller, &before.called));
            assert_eq!((call.connected.raw.as_deref(), call.reason), (Some("240"), Reason::Direct));
            assert_eq!(call.conversation_id, before.conversation_id);
            assert!(call.answered_at.is_some());
        }
    }
}

#[test]
fn a_call_that_appears_held_without_another_leg_is_taken_for_an_incoming_one() {
    let mut bench = office_with(TableSettings::default());
    // Another call of the number ended at the other phone: it says nothing about this one.
    bench.say(DESK, established(B, &desk(), &device("240"))).say(DESK, cleared(B, &desk()));
    bench.say(OTHER_DESK, held(A, &other_desk()));
    let call = only(&bench, OTHER_DESK);
    assert_eq!((call.state, call.direction, call.caller.raw), (S::OnHold, Direction::Inbound, None));
    bench.say(ANNA, originated(B, ANNA, &who(&device("240"))));
    assert_eq!(only(&bench, ANNA).direction, Direction::Outbound);
}
