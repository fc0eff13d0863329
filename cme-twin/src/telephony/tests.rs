//! The operation table of the dossier (15a), row by row, as the monitored line sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use super::{Exchange, ForwardKind, LegState, Place, Refusal, Start};
use crate::behaviour::{Behaviour, Merge, Preset, SharedStyle};
use crate::csta::{Watch, encode_event};
use crate::system::System;

const L: Place = Place { dn: 1, phone: 1 };
const P: Place = Place { dn: 2, phone: 2 };
const T: Place = Place { dn: 8, phone: 5 };

struct Bench {
    exchange: Exchange,
    now: Instant,
}

fn bench(preset: Preset) -> Bench {
    bench_of(System::default(), Behaviour::preset(preset))
}

fn bench_of(system: System, behaviour: Behaviour) -> Bench {
    let now = Instant::now();
    Bench { exchange: Exchange::new(system, behaviour, now, 7), now }
}

impl Bench {
    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.exchange.advance(self.now);
    }

    /// Events since the last call, as each of the watched places sees them: `Root local cause`.
    fn seen<const N: usize>(&mut self, places: [Place; N]) -> [Vec<String>; N] {
        let mut all: [Vec<String>; N] = std::array::from_fn(|_| Vec::new());
        while let Some(event) = self.exchange.poll() {
            for (list, place) in all.iter_mut().zip(places) {
                let number = self.exchange.system.dns.get(&place.dn).map(|dn| dn.number.clone()).unwrap_or_default();
                let phone = (place.phone != 0).then_some(place.phone);
                let watch = Watch { dn: place.dn, phone, number };
                if let Some(element) = encode_event(&event, &watch, "1", &self.exchange, true) {
                    let name = element.name.trim_end_matches("Event").to_owned();
                    let text = [Some(name.as_str()), element.value("localConnectionInfo"), element.value("cause")];
                    list.push(text.into_iter().flatten().collect::<Vec<_>>().join(" "));
                }
            }
        }
        all
    }

    fn dial(&mut self, from: Place, to: &str) -> u64 {
        self.exchange.make_call(from, to, Start::OffHook).unwrap()
    }

    fn connect(&mut self, from: Place, to: Place) -> u64 {
        let number = self.exchange.system.dns[&to.dn].number.clone();
        let key = self.dial(from, &number);
        self.exchange.answer(to, key).unwrap();
        self.seen([L]);
        key
    }

    fn consulted(&mut self) -> (u64, u64) {
        let first = self.connect(L, P);
        let second = self.exchange.consult(L, first, "208").unwrap();
        self.exchange.answer(T, second).unwrap();
        self.seen([L]);
        (first, second)
    }
}

#[test]
fn dialling_and_hanging_up() {
    let mut b = bench(Preset::V86);
    let key = b.dial(L, "202");
    let [l, p] = b.seen([L, P]);
    assert_eq!(l, ["Originated connected normal", "Delivered connected newCall"]);
    assert_eq!(p, ["Delivered alerting newCall"]);
    b.exchange.answer(P, key).unwrap();
    let [l, p] = b.seen([L, P]);
    assert_eq!(
        (l, p),
        (vec!["Established connected normal".to_owned()], vec!["Established connected normal".to_owned()])
    );
    b.exchange.clear(L, key).unwrap();
    let [l, p] = b.seen([L, P]);
    assert_eq!(l, ["ConnectionCleared null normalClearing"]);
    assert_eq!(p, ["ConnectionCleared connected normalClearing", "ConnectionCleared null normalClearing"]);
    assert!(b.exchange.calls.is_empty() && b.exchange.deadline().is_none());
}

#[test]
fn a_busy_number_fails_and_is_dropped_after_the_busy_time_out() {
    let mut b = bench(Preset::V86);
    b.exchange.system.dns.get_mut(&8).unwrap().channels = 1;
    b.connect(P, T);
    b.dial(L, "208");
    assert_eq!(b.seen([L])[0], ["Originated connected normal", "Failed fail busy"]);
    b.pass(9_999);
    assert!(b.seen([L])[0].is_empty());
    b.pass(1);
    assert_eq!(b.seen([L])[0], ["ConnectionCleared null normalClearing"]);
}

#[test]
fn wrong_numbers_fail_with_their_cause() {
    let mut b = bench(Preset::V86);
    for (number, cause) in [("555", "destNotObtainable"), ("20a", "invalidNumberFormat"), ("207", "destOutOfOrder")] {
        let key = b.dial(L, number);
        assert_eq!(b.seen([L])[0][1], format!("Failed fail {cause}"));
        b.exchange.clear(L, key).unwrap();
        b.seen([L]);
    }
    let mut old = bench(Preset::V80);
    old.dial(L, "555");
    assert_eq!(old.seen([L])[0], ["Originated connected normal"]);
}

#[test]
fn hold_retrieve_and_a_second_call() {
    let mut b = bench(Preset::V86);
    let key = b.connect(L, P);
    b.exchange.hold(L, key, "normal").unwrap();
    let [l, p] = b.seen([L, P]);
    assert_eq!((l[0].as_str(), p[0].as_str()), ("Held hold normal", "Held connected normal"));
    assert_eq!(b.exchange.hold(L, key, "normal"), Err(Refusal::WrongState));
    b.exchange.retrieve(L, key, "normal").unwrap();
    assert_eq!(b.seen([L])[0], ["Retrieved connected normal"]);
    // A waiting call: the active one is held first.
    let waiting = b.exchange.call_in("0301234", "201");
    assert_eq!(b.seen([L])[0], ["Delivered alerting newCall"]);
    b.exchange.answer(L, waiting).unwrap();
    assert_eq!(b.seen([L])[0], ["Held hold normal", "Established connected normal"]);
    // Both channels of the dual-line DN are in use now.
    b.dial(T, "201");
    assert_eq!(b.seen([T])[0][1], "Failed fail busy");
}

#[test]
fn redirecting_a_ringing_call() {
    let mut b = bench(Preset::V86);
    let key = b.dial(P, "201");
    b.seen([L]);
    b.exchange.deflect(L, key, "208").unwrap();
    let [l, p, t] = b.seen([L, P, T]);
    assert_eq!(l, ["Diverted null redirected"]);
    assert_eq!(p, ["Diverted connected redirected", "Delivered connected redirected"]);
    assert_eq!(t, ["Delivered alerting redirected"]);
}

#[test]
fn blind_transfer() {
    let mut b = bench(Preset::V86);
    let key = b.connect(L, P);
    b.exchange.blind_transfer(L, key, "208").unwrap();
    let [l, p, t] = b.seen([L, P, T]);
    assert_eq!(l, ["Transfered null singleStepTransfer"]);
    assert_eq!(p, ["Transfered connected singleStepTransfer", "Delivered connected singleStepTransfer"]);
    assert_eq!(t, ["Delivered alerting singleStepTransfer"]);
    b.exchange.answer(T, key).unwrap();
    assert_eq!(b.seen([P])[0], ["Established connected normal"]);
}

#[test]
fn consultation_swap_and_abort() {
    let mut b = bench(Preset::V86);
    let first = b.connect(L, P);
    let second = b.exchange.consult(L, first, "208").unwrap();
    assert_eq!(
        b.seen([L])[0],
        ["Held hold consultation", "Originated connected consultation", "Delivered connected newCall"]
    );
    b.exchange.answer(T, second).unwrap();
    b.seen([L]);
    b.exchange.alternate(L, first, second).unwrap();
    assert_eq!(b.seen([L])[0], ["Held hold alternate", "Retrieved connected alternate"]);
    b.exchange.alternate(L, second, first).unwrap();
    b.seen([L]);
    b.exchange.reconnect(L, second, first).unwrap();
    assert_eq!(b.seen([L])[0], ["ConnectionCleared null normalClearing", "Retrieved connected normal"]);
}

#[test]
fn transfer_keeps_the_call_identifier_that_is_set() {
    for merge in [Merge::Primary, Merge::Secondary] {
        let mut b = bench(Preset::V86);
        b.exchange.behaviour.merge = merge;
        let (first, second) = b.consulted();
        let gcid = b.exchange.calls[if merge == Merge::Primary { &first } else { &second }].gcid.clone();
        let key = b.exchange.transfer(L, first, second).unwrap();
        let [l, p, t] = b.seen([L, P, T]);
        assert_eq!(l, ["Transfered null transfer"]);
        assert_eq!(
            (p, t),
            (vec!["Transfered connected transfer".to_owned()], vec!["Transfered connected transfer".to_owned()])
        );
        assert_eq!(b.exchange.calls.len(), 1);
        assert_eq!(b.exchange.calls[&key].gcid, gcid);
    }
}

#[test]
fn transfer_while_the_target_rings() {
    let mut b = bench(Preset::V86);
    let first = b.connect(L, P);
    let second = b.exchange.consult(L, first, "208").unwrap();
    b.seen([L]);
    let key = b.exchange.transfer(L, first, second).unwrap();
    assert_eq!(b.seen([T])[0], ["Transfered alerting transfer"]);
    b.exchange.answer(T, key).unwrap();
    assert_eq!(b.seen([P])[0].last().map(String::as_str), Some("Established connected normal"));
}

#[test]
fn conference_party_removal_and_the_end_with_its_maker() {
    let mut b = bench(Preset::V86);
    let (first, second) = b.consulted();
    let key = b.exchange.conference(L, first, second).unwrap();
    let [l, p, t] = b.seen([L, P, T]);
    assert_eq!([&l[0], &p[0], &t[0]], ["Conferenced connected conference"; 3]);
    b.exchange.remove_party(L, key, "208").unwrap();
    assert_eq!(b.seen([L])[0], ["ConnectionCleared connected normalClearing"]);
    assert!(!b.exchange.calls[&key].conference);
    let again = b.exchange.consult(L, key, "208").unwrap();
    b.exchange.answer(T, again).unwrap();
    b.seen([L]);
    let key = b.exchange.conference(L, key, again).unwrap();
    b.seen([L]);
    b.exchange.clear(L, key).unwrap();
    assert!(b.exchange.calls.is_empty(), "without keep-conference it ends with its maker");
}

#[test]
fn a_conference_is_limited() {
    let mut b = bench(Preset::V86);
    b.exchange.system.max_conference = 2;
    let (first, second) = b.consulted();
    assert_eq!(b.exchange.conference(L, first, second), Err(Refusal::ConferenceFull));
}

#[test]
fn single_step_conference_only_in_the_newest_release() {
    let mut b = bench(Preset::V86);
    let key = b.connect(L, P);
    assert_eq!(b.exchange.join(L, key, "208"), Err(Refusal::Unsupported));
    let mut b = bench(Preset::V88);
    let key = b.connect(L, P);
    b.exchange.join(L, key, "208").unwrap();
    b.seen([L]);
    b.exchange.answer(T, key).unwrap();
    assert_eq!(b.seen([L])[0], ["Established connected normal", "Conferenced connected singleStepConference"]);
}

#[test]
fn dial_tone_digits_and_their_time_out() {
    let mut b = bench(Preset::V88);
    let key = b.dial(L, "");
    assert_eq!(b.seen([L])[0], ["Originated connected normal"]);
    b.exchange.dial_digits(L, key, "20").unwrap();
    b.exchange.dial_digits(L, key, "2").unwrap();
    assert_eq!(
        b.seen([L])[0],
        ["DigitsDialed initiated normal", "DigitsDialed initiated normal", "Delivered connected newCall"]
    );
    b.exchange.clear(L, key).unwrap();
    b.seen([L]);
    b.dial(L, "");
    b.seen([L]);
    b.pass(10_000);
    assert_eq!(b.seen([L])[0], ["ConnectionCleared null interdigitTimeout"]);
}

#[test]
fn prompting_waits_for_the_handset() {
    let mut b = bench(Preset::V86);
    let key = b.exchange.make_call(L, "202", Start::Prompt).unwrap();
    assert_eq!(b.seen([L])[0], ["ServiceInitiated initiated makeCall"]);
    b.exchange.off_hook(L).unwrap();
    assert_eq!(b.seen([L])[0], ["Originated connected normal", "Delivered connected newCall"]);
    b.exchange.clear(L, key).unwrap();
    b.exchange.make_call(L, "202", Start::Prompt).unwrap();
    b.seen([L]);
    b.pass(20_000);
    assert_eq!(b.seen([L])[0], ["ConnectionCleared null timeout"]);
}

#[test]
fn forwarding_by_all_busy_and_no_answer() {
    let mut b = bench(Preset::V86);
    b.exchange.set_forward(2, ForwardKind::All, "208", None).unwrap();
    assert_eq!(b.seen([P])[0], ["Forwarding"]);
    let key = b.dial(L, "202");
    let [l, t] = b.seen([L, T]);
    assert_eq!(
        (l[1].as_str(), t[0].as_str()),
        ("Delivered connected callForwardImmediate", "Delivered alerting callForwardImmediate")
    );
    b.exchange.clear(L, key).unwrap();
    b.exchange.set_forward(2, ForwardKind::All, "", None).unwrap();
    b.exchange.set_forward(2, ForwardKind::NoAnswer, "208", Some(12)).unwrap();
    b.dial(L, "202");
    b.seen([L]);
    b.pass(12_000);
    let [p, t] = b.seen([P, T]);
    assert_eq!(p, ["Diverted null callForwardNoAnswer"]);
    assert_eq!(t, ["Delivered alerting callForwardNoAnswer"]);
    assert_eq!(b.exchange.set_forward(2, ForwardKind::All, "202", None), Err(Refusal::InvalidDestination));
}

#[test]
fn forwarding_loops_end() {
    let mut b = bench(Preset::V86);
    b.exchange.set_forward(2, ForwardKind::All, "208", None).unwrap();
    b.exchange.set_forward(8, ForwardKind::All, "202", None).unwrap();
    b.seen([L]);
    b.dial(L, "202");
    assert_eq!(b.seen([L])[0], ["Originated connected normal", "Failed fail destNotObtainable"]);
}

#[test]
fn nobody_answers_for_three_minutes() {
    let mut b = bench(Preset::V86);
    b.dial(L, "202");
    b.seen([L]);
    b.pass(180_000);
    let [l, p] = b.seen([L, P]);
    assert_eq!(l, ["ConnectionCleared connected callNotAnswered", "ConnectionCleared null callNotAnswered"]);
    assert_eq!(p, ["ConnectionCleared null callNotAnswered"]);
}

#[test]
fn an_unanswered_consultation_ends_after_the_transfer_time_out() {
    let mut b = bench(Preset::V86);
    let first = b.connect(L, P);
    b.exchange.consult(L, first, "208").unwrap();
    b.seen([L]);
    b.pass(30_000);
    assert_eq!(b.seen([L])[0].last().map(String::as_str), Some("ConnectionCleared null timeout"));
    assert_eq!(b.exchange.state_at(first, L), Some(LegState::Hold));
}

#[test]
fn do_not_disturb_belongs_to_the_phone() {
    let mut b = bench(Preset::V86);
    b.exchange.set_dnd(1, true).unwrap();
    let [l, shared, other] = b.seen([L, Place { dn: 4, phone: 1 }, Place { dn: 4, phone: 2 }]);
    assert_eq!((l, shared, other), (vec!["DoNotDisturb".to_owned()], vec!["DoNotDisturb".to_owned()], vec![]));
    b.dial(P, "201");
    assert_eq!(b.seen([L])[0], ["Delivered alerting newCall"]);
}

#[test]
fn a_shared_number_in_its_styles() {
    let (one, two) = (Place { dn: 4, phone: 1 }, Place { dn: 4, phone: 2 });
    for (style, wanted) in [
        (SharedStyle::Devices, vec!["Delivered alerting newCall", "Established null normal"]),
        (SharedStyle::Bridged, vec!["Delivered alerting newCall", "Established null normal", "Bridged null normal"]),
    ] {
        let mut b = bench(Preset::V86);
        b.exchange.behaviour.shared = style;
        let key = b.dial(T, "204");
        b.exchange.answer(two, key).unwrap();
        assert_eq!(b.seen([one])[0], wanted);
        // The channels belong to the phone that answered.
        assert_eq!(b.exchange.make_call(one, "202", Start::OffHook), Err(Refusal::NoChannel));
        b.exchange.hold(two, key, "normal").unwrap();
        b.exchange.retrieve(one, key, "normal").unwrap();
        assert_eq!(b.exchange.state_at(key, one), Some(LegState::Connected));
        assert_eq!(b.exchange.state_at(key, two), None);
    }
    let mut hidden = bench(Preset::V86);
    hidden.exchange.behaviour.shared = SharedStyle::Hidden;
    hidden.dial(two, "208");
    assert!(hidden.seen([one])[0].is_empty());
}

#[test]
fn a_user_logs_in_and_moves() {
    let mobile = Place { dn: 5, phone: 0 };
    let mut b = bench(Preset::V86);
    assert_eq!(b.exchange.login("nobody", 3), Err(Refusal::UnknownUser));
    assert_eq!(b.exchange.login("eli", 1), Err(Refusal::Unsupported));
    b.exchange.login("eli", 3).unwrap();
    assert_eq!(b.exchange.lines(3), [5, 3]);
    assert_eq!(b.seen([mobile])[0], ["BackInService normal"]);
    let key = b.dial(L, "205");
    b.exchange.answer(Place { dn: 5, phone: 3 }, key).unwrap();
    assert_eq!(b.seen([mobile])[0], ["Delivered alerting newCall", "Established connected normal"]);
    b.exchange.logout("eli").unwrap();
    assert_eq!(b.exchange.lines(3), [6]);
    assert_eq!(b.seen([mobile])[0].last().map(String::as_str), Some("OutOfService maintenance"));
    assert!(b.exchange.calls.is_empty());
}

#[test]
fn trunk_calls_end_from_both_sides() {
    let mut b = bench(Preset::V86);
    let key = b.dial(L, "0301234");
    assert_eq!(b.seen([L])[0], ["Originated connected normal", "NetworkReached connected normal"]);
    b.pass(3_000);
    assert_eq!(b.seen([L])[0], ["Established connected normal"]);
    b.exchange.trunk_clear(key).unwrap();
    assert_eq!(b.seen([L])[0], ["ConnectionCleared connected normalClearing", "ConnectionCleared null normalClearing"]);
    let key = b.dial(L, "0301234");
    b.exchange.trunk_busy(key).unwrap();
    assert_eq!(b.seen([L])[0].last().map(String::as_str), Some("Failed fail busy"));
}

#[test]
fn a_single_line_consults_over_another_line_of_the_phone() {
    let mut system = System::default();
    system.dns.get_mut(&1).unwrap().channels = 1;
    let mut b = bench_of(system, Behaviour::preset(Preset::V86));
    let first = b.connect(L, P);
    let second = b.exchange.consult(L, first, "208").unwrap();
    assert_eq!(b.exchange.state_at(second, Place { dn: 4, phone: 1 }), Some(LegState::Connected));
    b.exchange.answer(T, second).unwrap();
    b.exchange.transfer(L, first, second).unwrap();
    assert_eq!(b.exchange.calls.len(), 1);
}

#[test]
fn a_phone_that_dies_ends_its_calls() {
    let mut b = bench(Preset::V86);
    b.connect(L, P);
    b.exchange.unregister_phone(2, true).unwrap();
    let [l, p] = b.seen([L, P]);
    assert_eq!(l, ["ConnectionCleared connected normalClearing", "ConnectionCleared null normalClearing"]);
    assert_eq!(p, ["ConnectionCleared null normalClearing", "OutOfService maintenance"]);
    assert_eq!(b.exchange.make_call(P, "201", Start::OffHook), Err(Refusal::OutOfService));
}

proptest::proptest! {
    /// Whatever people do in whatever order: nothing panics, every call has a real party, no leg is at two places of one call.
    #[test]
    fn the_model_stays_sound(actions in proptest::collection::vec((0u8..16, 0usize..4, 0usize..6), 0..60)) {
        let mut b = bench(Preset::V88);
        let places = [L, P, T, Place { dn: 4, phone: 1 }];
        let numbers = ["201", "202", "208", "204", "0301234", "555"];
        for (what, who, to) in actions {
            let (place, number) = (places[who], numbers[to]);
            let all: Vec<u64> = b.exchange.calls.keys().copied().collect();
            let key = all.get(to % all.len().max(1)).copied().unwrap_or(0);
            let other = all.last().copied().unwrap_or(0);
            let _ = match what {
                0 => b.exchange.make_call(place, number, Start::OffHook).map(|_| ()),
                1 => b.exchange.off_hook(place).map(|_| ()),
                2 => b.exchange.answer(place, key),
                3 => b.exchange.clear(place, key),
                4 => b.exchange.hold(place, key, "normal"),
                5 => b.exchange.retrieve(place, key, "normal"),
                6 => b.exchange.deflect(place, key, number),
                7 => b.exchange.blind_transfer(place, key, number),
                8 => b.exchange.consult(place, key, number).map(|_| ()),
                9 => b.exchange.transfer(place, key, other).map(|_| ()),
                10 => b.exchange.conference(place, key, other).map(|_| ()),
                11 => b.exchange.join(place, key, number),
                12 => b.exchange.alternate(place, key, other),
                13 => { b.exchange.call_in("0309", number); Ok(()) }
                14 => { b.pass(5_000); Ok(()) }
                _ => if to < 3 { b.exchange.unregister_phone(place.phone, true) } else { b.exchange.register_phone(place.phone) },
            };
            b.seen([L]);
            for call in b.exchange.calls.values() {
                proptest::prop_assert!(!call.legs.is_empty());
                for (index, leg) in call.legs.iter().enumerate() {
                    let twice = call.legs.iter().skip(index + 1).any(|two| two.party.place().is_some() && two.party.place() == leg.party.place());
                    proptest::prop_assert!(!twice, "{call:?}");
                }
            }
            for dn in b.exchange.system.dns.keys() {
                proptest::prop_assert!(b.exchange.channels_used(*dn) <= b.exchange.channels(*dn) + 1);
            }
        }
        b.pass(400_000);
        b.pass(400_000);
        for call in b.exchange.calls.values() {
            proptest::prop_assert!(call.talking() > 1, "a call hangs: {call:?}");
        }
    }
}
