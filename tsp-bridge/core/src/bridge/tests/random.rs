//! Random people, programs and gateways: the rules of TAPI hold whatever comes in whatever order.

use proptest::prelude::*;

use super::*;
use crate::bridge::call::Role;

#[derive(Debug, Clone)]
enum Step {
    Call {
        id: u8,
        state: u8,
        inbound: bool,
        consult: bool,
        conference: bool,
        cause: u8,
    },
    /// Two calls become a conference at the phone.
    Confer {
        held: u8,
        merged: u8,
    },
    Answer {
        status: u16,
    },
    Make,
    Setup {
        call: u8,
    },
    Complete {
        first: u8,
        second: u8,
        mode: u8,
    },
    Plain {
        call: u8,
        what: u8,
    },
    Close {
        call: u8,
    },
    Pass {
        ms: u16,
    },
    Loss,
    Resume,
    Snapshot {
        fresh: bool,
    },
    Refuse,
    Line {
        status: u8,
    },
    Recover,
    Fail,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..5_u8, 0..13_u8, any::<bool>(), any::<bool>(), any::<bool>(), 0..6_u8).prop_map(
            |(id, state, inbound, consult, conference, cause)| Step::Call { id, state, inbound, consult, conference, cause }
        ),
        3 => prop_oneof![Just(201_u16), Just(200), Just(409), Just(425), Just(502)].prop_map(|status| Step::Answer { status }),
        1 => (0..3_u8, 3..5_u8).prop_map(|(held, merged)| Step::Confer { held, merged }),
        1 => Just(Step::Make),
        1 => (0..8_u8).prop_map(|call| Step::Setup { call }),
        1 => (0..8_u8, 0..8_u8, 1..3_u8).prop_map(|(first, second, mode)| Step::Complete { first, second, mode }),
        2 => (0..8_u8, 0..11_u8).prop_map(|(call, what)| Step::Plain { call, what }),
        1 => (0..8_u8).prop_map(|call| Step::Close { call }),
        2 => (0..12_000_u16).prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::Loss),
        1 => Just(Step::Resume),
        1 => any::<bool>().prop_map(|fresh| Step::Snapshot { fresh }),
        1 => Just(Step::Refuse),
        1 => (0..3_u8).prop_map(|status| Step::Line { status }),
        1 => Just(Step::Recover),
        1 => (0..10_u8).prop_map(|dice| if dice == 0 { Step::Fail } else { Step::Pass { ms: 10 } }),
    ]
}

const STATES: [&str; 13] = [
    "dial_tone",
    "dialing",
    "proceeding",
    "ringback",
    "offering",
    "connected",
    "on_hold",
    "remote_held",
    "conferenced",
    "busy",
    "failed",
    "ended",
    "from the future",
];
const CAUSES: [&str; 6] = ["normal", "merged", "transferred", "busy", "answered_elsewhere", "merged"];

struct Run {
    kit: Kit,
    line: u32,
    asked: Vec<Value>,
    calls: Vec<u32>,
    open_requests: Vec<u32>,
    last_ht: usize,
}

impl Run {
    fn pick(&self, call: u8) -> u32 {
        self.calls.get(usize::from(call) % self.calls.len().max(1)).copied().unwrap_or(0)
    }

    fn ht(&mut self) -> usize {
        self.last_ht += 1;
        self.last_ht
    }

    fn accepted(&mut self, request: u32, outcome: Result<(), i32>) {
        if outcome.is_ok() {
            self.open_requests.push(request);
        }
    }

    fn one(&mut self, step: &Step) {
        let now = self.kit.now;
        match step {
            Step::Call { id, state, inbound, consult, conference, cause } => {
                let id = format!("c{id}");
                let parties: Vec<Value> = ["202", "208"]
                    .iter()
                    .map(|n| json!({"id": n, "number": n, "raw": n, "state": "connected"}))
                    .collect();
                self.kit.updated(with(
                    call(&id, STATES[usize::from(*state)]),
                    json!({
                        "direction": if *inbound { "inbound" } else { "outbound" },
                        "consultation_of": if *consult { json!("c0") } else { Value::Null },
                        "conference_id": if *conference { json!("k") } else { Value::Null },
                        "participants": if *conference { json!(parties) } else { json!([]) },
                        "cause": CAUSES[usize::from(*cause)],
                    }),
                ));
            }
            Step::Confer { held, merged } => {
                let (held, merged) = (format!("c{held}"), format!("c{merged}"));
                let parties = ["202", "208"].map(|n| json!({"id": n, "number": n, "raw": n, "state": "connected"}));
                self.kit.updated(call(&held, "on_hold"));
                let other = with(call(&merged, "connected"), json!({"called": {"number": "208"}}));
                self.kit.updated(other.clone());
                self.kit.updated(with(other, json!({"state": "ended", "cause": "merged"})));
                self.kit.updated(with(
                    call(&held, "conferenced"),
                    json!({"conference_id": "k", "participants": parties, "connected": {"number": "202"}}),
                ));
            }
            Step::Answer { status } => {
                if let Some(asked) = self.asked.pop() {
                    let body = match status {
                        // The first request with the key still runs.
                        425 => json!({"code": "idempotency_key_in_use"}),
                        _ => call(&format!("c{}", self.last_ht % 5), "dialing"),
                    };
                    let status = if *status == 425 { &409 } else { status };
                    self.kit.answer(&asked, *status, body);
                }
            }
            Step::Make => {
                let (request, ht) = (self.kit.request(), self.ht());
                let made = self.kit.bridge.make_call(request, self.line, ht, Some(&[0x32]), None, now);
                if let Ok(call) = made {
                    self.calls.push(call);
                }
                self.accepted(request, made.map(|_| ()));
            }
            Step::Setup { call } => {
                let (request, ht, original) = (self.kit.request(), self.ht(), self.pick(*call));
                let made = self.kit.bridge.setup_transfer(request, original, ht, None, now);
                if let Ok(call) = made {
                    self.calls.push(call);
                }
                self.accepted(request, made.map(|_| ()));
            }
            Step::Complete { first, second, mode } => {
                let (request, ht) = (self.kit.request(), self.ht());
                let (first, second) = (self.pick(*first), self.pick(*second));
                let made = self.kit.bridge.complete_transfer(request, first, second, ht, u32::from(*mode), now);
                if let Ok(Some(call)) = made {
                    self.calls.push(call);
                }
                self.accepted(request, made.map(|_| ()));
            }
            Step::Plain { call, what } => {
                let (request, call) = (self.kit.request(), self.pick(*call));
                let bridge = &mut self.kit.bridge;
                let outcome = match what {
                    0 => bridge.drop_call(request, call, now),
                    1 => bridge.hold(request, call, now),
                    2 => bridge.unhold(request, call, now),
                    3 => bridge.answer_call(request, call, now),
                    4 => bridge.accept(request, call, now),
                    5 => bridge.dial(request, call, Some(&[0x32, 0x3B]), now),
                    6 => bridge.remove_from_conference(request, call, now),
                    7 => bridge.dial(request, call, Some(&[0x32]), now),
                    8 => bridge.blind_transfer(request, call, Some(&[0x32]), now),
                    9 => bridge.redirect(request, call, Some(&[0x32]), now),
                    _ => bridge.set_call_data(request, call, b"x", now),
                };
                self.accepted(request, outcome);
            }
            Step::Close { call } => {
                let call = self.pick(*call);
                if let Ok(ended) = self.kit.bridge.close_call(call) {
                    for (request, _) in ended {
                        self.open_requests.retain(|open| *open != request);
                    }
                    self.calls.retain(|known| *known != call);
                }
            }
            Step::Pass { ms } => self.kit.pass(u64::from(*ms)),
            Step::Loss => self.kit.bridge.link_closed("x", now),
            Step::Resume => {
                self.kit.bridge.link_opened();
                let from: Value = serde_json::from_str(&self.kit.bridge.subscribe_frame()).unwrap();
                if from["from"] == "snapshot" {
                    self.kit.snapshot(&[super::line(1, "201"), super::line(2, "202")], &[call("c1", "connected")]);
                } else {
                    self.kit.frame(&json!({"type": "resumed", "epoch": self.kit.epoch, "seq": 1}));
                }
            }
            Step::Snapshot { fresh } => {
                if *fresh {
                    self.kit.new_epoch();
                }
                self.kit.snapshot(
                    &[super::line(1, "201"), super::line(2, "202")],
                    &[call("c0", "on_hold"), with(call("c1", "connected"), json!({"consultation_of": "c0"}))],
                );
            }
            Step::Refuse => self.kit.refuse = 2,
            Step::Line { status } => {
                let status = ["in_service", "out_of_service", "unknown"][usize::from(*status)];
                self.kit.event("line.updated", with(super::line(1, "201"), json!({"status": status})));
            }
            Step::Recover => self.kit.bridge.recover(now),
            Step::Fail => self.kit.bridge.fail_for_good(now),
        }
        self.kit.drain();
        let sent = self.kit.sent();
        self.asked.extend(sent);
        let offered: Vec<u32> = self.kit.handles.keys().copied().collect();
        for call in offered {
            if !self.calls.contains(&call) && self.kit.bridge.has_call(call) {
                self.calls.push(call);
            }
        }
        let living = &self.kit.bridge.calls;
        for call in living.values().filter(|call| !call.is_over()) {
            if let Role::Member { parent, .. } = &call.role {
                assert!(living.contains_key(parent), "a member whose end nobody would tell");
            }
        }
        for call in &self.calls {
            let mut memory = vec![0_u8; 4096];
            // Readable in every state.
            let _ = self.kit.bridge.call_info(*call, &mut memory);
            let _ = self.kit.bridge.call_status(*call, &mut memory);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_things_breaks_a_rule(steps in prop::collection::vec(step(), 1..60)) {
        let (kit, line) = Kit::new();
        let mut run = Run { kit, line, asked: Vec::new(), calls: Vec::new(), open_requests: Vec::new(), last_ht: 0x100 };
        for step in &steps {
            run.one(step);
        }
        // Everything that was accepted is completed in the end, once.
        run.kit.pass(60_000);
        for request in &run.open_requests {
            prop_assert!(run.kit.result(*request).is_some(), "request {} was never completed", request);
        }
        let ended = run.kit.bridge.close(line).unwrap();
        prop_assert!(ended.is_empty());
        let before = run.kit.told.len();
        run.kit.updated(call("c1", "ringback"));
        run.kit.pass(60_000);
        prop_assert_eq!(run.kit.told.len(), before, "silence after the close");
    }
}
