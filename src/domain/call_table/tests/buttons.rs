//! Several buttons of one phone, and one number on several phones.

use super::bench::{
    A, ANNA, B, BERT, Bench, at, cleared, delivered, device, established, held, line, mac, originated, parties, phone,
    retrieved, who,
};
use super::moves::{conferenced, moved, transferred};
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

/// A device as the session of a button names it: with its phone for the button's own number only.
fn named_at(seat: SeatId, device: &Device) -> Device {
    let own = if seat == DESK { "204".to_owned() } else { phone(seat).number };
    Device { mac: device.mac.clone().filter(|_| device.number == own), ..device.clone() }
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

/// Bert speaks with 201 in A, which is held there; 204 of the same phone speaks with 240 in B.
fn consulting(settings: TableSettings) -> Bench {
    let mut bench = office_with(settings);
    let third = device("240");
    for seat in [ANNA, BERT] {
        bench.say(seat, established(A, &phone(BERT), &phone(ANNA)));
        bench.say(seat, held(A, &phone(ANNA)));
    }
    bench.say(DESK, delivered(B, &desk(), &third)).say(DESK, established(B, &desk(), &third)).hush();
    bench
}

#[test]
fn a_transfer_by_another_button_ends_both_calls_of_the_phone() {
    // Each button hears of it, in either order; or only one of the two does.
    for order in [[ANNA, DESK], [DESK, ANNA], [DESK, DESK], [ANNA, ANNA]] {
        for by in [desk(), phone(ANNA)] {
            let mut bench = consulting(TableSettings::default());
            let list = vec![moved(A, A, &phone(BERT)), moved(A, B, &device("240"))];
            for seat in order {
                bench.say(seat, transferred(&named_at(seat, &by), &device("240"), list.clone()));
            }
            let ends = bench.ends();
            assert_eq!(ends.len(), 2, "{order:?}");
            assert!(ends.iter().all(|call| call.cause == Some(Cause::Transferred)));
            assert!(ends.iter().all(|call| call.connected.raw.as_deref() != Some("204")));
            bench.say(BERT, transferred(&by, &device("240"), list));
            let bert = only(&bench, BERT);
            assert_eq!((bert.state, bert.connected.raw.as_deref()), (S::Connected, Some("240")), "he is transferred");
        }
    }
}

#[test]
fn a_conference_by_another_button_has_one_call_of_the_phone() {
    for keeps_secondary in [false, true] {
        let new = if keeps_secondary { B } else { A };
        for order in [[ANNA, DESK], [DESK, ANNA]] {
            for by in [desk(), phone(ANNA)] {
                let mut bench = consulting(TableSettings { keeps_secondary, ..TableSettings::default() });
                for seat in order {
                    let named = |device: &Device| named_at(seat, device);
                    let parties = [(new, phone(ANNA)), (A, phone(BERT)), (B, device("240"))];
                    let list = parties.map(|(old, party)| moved(new, old, &named(&party))).into();
                    bench.say(seat, conferenced(&named(&by), &device("240"), list));
                }
                assert_eq!(bench.end().cause, Some(Cause::Merged));
                assert!(calls(&bench, DESK).is_empty(), "{order:?}: it has no leg in the conference");
                let call = only(&bench, ANNA);
                assert_eq!((call.state, call.pbx_call_id.as_deref()), (S::Conferenced, Some(new)));
                let numbers: Vec<_> = call.participants.iter().filter_map(|one| one.raw.as_deref()).collect();
                assert_eq!(numbers, ["202", "240"], "{order:?}: a phone is no participant of its own call");
            }
        }
    }
}

#[test]
fn who_calls_from_one_button_to_the_other_is_transferred_like_anybody() {
    let mut bench = office_with(TableSettings::default());
    for seat in [ANNA, DESK] {
        bench.say(seat, established(A, &phone(ANNA), &desk()));
    }
    bench.say(DESK, delivered(B, &desk(), &device("240")));
    let list = vec![moved(A, A, &phone(ANNA)), moved(A, B, &device("240"))];
    for seat in [ANNA, DESK] {
        bench.say(seat, transferred(&named_at(seat, &desk()), &device("240"), list.clone()));
    }
    assert!(calls(&bench, DESK).is_empty());
    let call = only(&bench, ANNA);
    assert_eq!((call.connected.raw.as_deref(), call.redirecting.raw.as_deref()), (Some("240"), Some("204")));
}

#[test]
fn the_same_number_at_another_phone_is_no_other_button() {
    // 204 of Anna's phone transfers its call with Bert's first button; Bert has 204 too.
    for by in [desk(), device("204")] {
        let mut bench = office_with(TableSettings::default());
        bench.say(BERT, established(A, &desk(), &phone(BERT))).hush();
        let list = vec![moved(A, A, &phone(BERT)), moved(A, B, &device("240"))];
        bench.say(BERT, transferred(&by, &device("240"), list));
        let call = only(&bench, BERT);
        assert_eq!((call.connected.raw.as_deref(), call.reason), (Some("240"), Reason::Transferred));
    }
}

#[test]
fn a_conference_of_a_call_with_itself_ends_nothing() {
    let mut bench = Bench::talking();
    bench.say(
        ANNA,
        SignalKind::Conferenced {
            primary: at(A, &phone(ANNA)),
            secondary: Some(at(A, &phone(ANNA))),
            conferencing: who(&phone(ANNA)),
            added: who(&device("240")),
            connections: Vec::new(),
        },
    );
    assert!(bench.ends().is_empty());
    assert_eq!(bench.state(ANNA), S::Conferenced);
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
