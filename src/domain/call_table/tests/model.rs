//! Random sequences against what must always be true.

use std::collections::HashMap;

use proptest::prelude::*;

use super::bench::{
    ANNA, BERT, Bench, at, cleared, delivered, device, dial_tone, established, held, line, mac, originated, parties,
    phone, retrieved, seen, twin, who,
};
use crate::domain::call_table::{Device, LocalState, Moved, Output, SeatId, SeatSettings, SignalCause, SignalKind};
use crate::domain::{ActionSet, Call, CallId, CallState, Direction, allowed_actions};

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a test's list of steps")]
enum Step {
    Say(SeatId, SignalKind, Option<LocalState>, SignalCause),
    Snapshot(SeatId, Vec<(usize, LocalState, Option<LocalState>)>),
    Pass(u64),
    Restart,
}

/// Another button of Anna's phone.
const DESK: SeatId = SeatId(4);

fn desk() -> Device {
    Device { number: "204".to_owned(), mac: Some(mac(ANNA)) }
}

const CALLS: [&str; 3] = ["a", "b", "c"];

fn any_device() -> impl Strategy<Value = Device> {
    prop_oneof![
        4 => Just(phone(ANNA)),
        2 => Just(phone(BERT)),
        1 => Just(twin()),
        2 => Just(device("233")),
        1 => Just(device("240")),
        1 => Just(device("201")),
        2 => Just(desk()),
    ]
}

fn any_state() -> impl Strategy<Value = LocalState> {
    use LocalState as L;
    prop::sample::select(vec![L::Null, L::Initiated, L::Alerting, L::Connected, L::Hold, L::Queued, L::Fail])
}

fn any_cause() -> impl Strategy<Value = SignalCause> {
    use SignalCause as C;
    prop::sample::select(vec![C::Normal, C::Busy, C::NoAnswer, C::Consultation, C::Transfer, C::Redirected, C::Pickup])
}

fn any_kind() -> impl Strategy<Value = SignalKind> {
    let call = || prop::sample::select(CALLS.to_vec());
    (call(), call(), any_device(), any_device(), 0..15_u8).prop_map(|(call, other, one, two, which)| {
        let list = vec![
            Moved { new: at(other, &one), old: at(call, &one), endpoint: who(&one) },
            Moved { new: at(other, &two), old: at(other, &two), endpoint: who(&two) },
        ];
        match which {
            0 => dial_tone(call, ANNA),
            1 => originated(call, ANNA, &who(&two)),
            2 => delivered(call, &one, &two),
            3 => established(call, &one, &two),
            4 => held(call, &one),
            5 => retrieved(call, &one),
            6 | 7 => cleared(call, &one),
            8 => SignalKind::CallCleared { connection: at(call, &one) },
            9 => SignalKind::Failed { connection: at(call, &two), failing: who(&two), parties: parties(&one, &two) },
            10 => SignalKind::Bridged { connection: at(call, &one) },
            11 => SignalKind::Diverted {
                connection: at(call, &one),
                diverting: who(&one),
                new_destination: who(&two),
                parties: parties(&one, &two),
            },
            14 => SignalKind::NetworkReached { connection: at(call, &two), parties: parties(&one, &two) },
            12 => SignalKind::Transferred {
                primary: at(call, &one),
                secondary: Some(at(other, &one)),
                transferring: who(&one),
                transferred_to: who(&two),
                connections: list,
            },
            _ => SignalKind::Conferenced {
                primary: at(call, &one),
                secondary: Some(at(other, &one)),
                conferencing: who(&one),
                added: who(&two),
                connections: list,
            },
        }
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let seat = || prop::sample::select(vec![ANNA, BERT, DESK]);
    prop_oneof![
        12 => (seat(), any_kind(), prop::option::of(any_state()), any_cause()).prop_map(|(s, k, l, c)| Step::Say(s, k, l, c)),
        2 => (seat(), prop::collection::vec((0..3_usize, any_state(), prop::option::of(any_state())), 0..3)).prop_map(|(s, calls)| Step::Snapshot(s, calls)),
        3 => prop::sample::select(vec![1_u64, 400, 600, 2000, 15_000, 70_000]).prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ]
}

/// What a reader of the outputs believes.
#[derive(Default)]
struct Reader {
    living: HashMap<CallId, Call>,
    ended: Vec<CallId>,
    in_use: HashMap<SeatId, bool>,
}

impl Reader {
    fn take(&mut self, output: Output) {
        match output {
            Output::Created(change) => {
                assert!(change.changed.is_empty());
                assert!(!change.call.state.is_ended());
                assert!(!self.ended.contains(&change.call.id), "an ended call came back under its id");
                assert!(self.living.insert(change.call.id.clone(), change.call).is_none(), "created twice");
            }
            Output::Updated(change) => {
                assert!(!change.changed.is_empty());
                assert!(!change.call.state.is_ended());
                let before = self.living.get_mut(&change.call.id).unwrap();
                assert_eq!(change.call.changes(before), change.changed, "what is said to have changed");
                *before = change.call;
            }
            Output::Ended(change) => {
                let before = self.living.remove(&change.call.id).unwrap();
                assert!(change.call.state.is_ended() && change.call.cause.is_some() && change.call.ended_at.is_some());
                assert_eq!(change.call.changes(&before), change.changed);
                self.ended.push(change.call.id);
            }
            Output::RemoteInUse { seat, in_use } => {
                assert_ne!(self.in_use.insert(seat, in_use).unwrap_or(false), in_use, "told twice");
            }
            Output::WantSnapshot { .. } => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn readers_and_table_agree_and_every_call_ends_once_or_lives(steps in prop::collection::vec(any_step(), 1..60)) {
        let mut bench = Bench::new();
        let desk = SeatSettings { line: line("anna"), address: 1, numbers: vec!["204".to_owned()], mac: Some(mac(ANNA)) };
        bench.table.place(DESK, desk);
        let mut reader = Reader::default();
        for step in steps {
            match step {
                Step::Say(seat, kind, local, cause) => { bench.say_more(seat, kind, local, cause); }
                Step::Snapshot(seat, calls) => {
                    let calls: Vec<_> = calls.into_iter().map(|(call, own, other)| seen(CALLS[call], seat, "233", own, other)).collect();
                    bench.snapshot(seat, &calls);
                }
                Step::Pass(ms) => { bench.pass_ms(ms); }
                Step::Restart => {
                    bench.table.pbx_restarted(bench.at);
                    bench.pump();
                    prop_assert!(bench.table.is_empty());
                }
            }
            for output in bench.told() {
                reader.take(output);
            }
            prop_assert_eq!(bench.table.len(), reader.living.len());
            for (id, call) in &reader.living {
                let truth = bench.table.call(id).unwrap();
                prop_assert_eq!(truth.changes(call), Vec::<&str>::new());
                let siblings = bench.table.calls_of_line(&call.line_id).filter(|one| !bench.table.is_ending(&one.id));
                let is_over = bench.table.is_ending(id);
                let allowed = if is_over { ActionSet::EMPTY } else { allowed_actions(call, siblings) };
                prop_assert_eq!(call.allowed_actions, allowed);
                prop_assert!(call.direction == Direction::Inbound || call.state != CallState::Offering);
                prop_assert_eq!(call.answered_at.is_some(), call.answered_at.is_some() || call.state.is_answered());
                prop_assert!((call.state == CallState::Conferenced) <= call.conference_id.is_some());
            }
            let mut conversations = HashMap::new();
            for call in reader.living.values() {
                let known = conversations.entry(call.pbx_call_id.clone()).or_insert(&call.conversation_id);
                prop_assert_eq!(*known, &call.conversation_id, "one PBX call, one conversation");
            }
        }
        // A PBX that has no call any more empties the table, however it came to be.
        for _ in 0..2 {
            bench.pass_ms(3000).snapshot(ANNA, &[]).snapshot(BERT, &[]).snapshot(DESK, &[]);
        }
        prop_assert!(bench.table.is_empty());
    }
}
