//! The core against a scripted gateway and a strict listener.

mod calls;
mod conference;
mod dialing;
mod ending;
mod failure;
mod lines;
mod link;
mod random;
mod stores;
mod structures;

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Bridge, Now, Output, Settings};
use crate::model::Frame;
use crate::store::Store;
use crate::tapi::{call_state, msg};

/// A bridge, its clock, and TAPI at the other side, which checks the rules.
pub(super) struct Kit {
    pub(super) bridge: Bridge,
    pub(super) now: Now,
    epoch: &'static str,
    seq: u64,
    next_ht: usize,
    /// What TAPI was told, in order.
    pub(super) told: Vec<Output>,
    states: HashMap<usize, Vec<(u32, usize)>>,
    /// TAPI's handle of a call by ours.
    pub(super) handles: HashMap<u32, usize>,
    completed: HashMap<u32, i32>,
    last_request: u32,
    /// So many offers are refused.
    pub(super) refuse: u32,
    sent: Vec<Value>,
}

pub(super) fn line(tapi_id: u32, number: &str) -> Value {
    json!({"id": format!("line_{number}"), "tapi_id": tapi_id, "number": number, "name": "Somebody", "status": "in_service",
           "monitor": {"state": "active"}, "allowed_actions": ["dial", "forward", "do_not_disturb"],
           "addresses": [{"index": 0, "number": number}]})
}

pub(super) fn call(id: &str, state: &str) -> Value {
    json!({"id": id, "conversation_id": format!("conv_{id}"), "line_id": "line_201", "direction": "outbound", "state": state,
           "caller": {"number": "201"}, "called": {"number": "202"}, "reason": "direct",
           "allowed_actions": ["drop", "hold", "consult", "blind_transfer", "digits", "answer", "retrieve", "swap", "dial",
                               "complete_transfer", "complete_conference", "add_to_conference", "remove_from_conference"]})
}

/// An object with other members put in.
pub(super) fn with(mut object: Value, other: Value) -> Value {
    if let (Some(object), Value::Object(other)) = (object.as_object_mut(), other) {
        object.extend(other);
    }
    object
}

impl Kit {
    /// Two lines, link up, 201 open.
    pub(super) fn new() -> (Self, u32) {
        let mut kit = Self::down(Settings { provider: 1, nonce: "n".to_owned(), ..Settings::default() });
        kit.snapshot(&[line(1, "201"), line(2, "202")], &[]);
        kit.drain();
        let open = kit.open(100);
        (kit, open)
    }

    pub(super) fn down(settings: Settings) -> Self {
        let mut kit = Self {
            bridge: Bridge::new(settings, Store::default()),
            now: Now { ms: 1_000, wall_ms: 1_700_000_000_000 },
            epoch: "e",
            seq: 10,
            next_ht: 0x1000,
            told: Vec::new(),
            states: HashMap::new(),
            handles: HashMap::new(),
            completed: HashMap::new(),
            last_request: 0,
            refuse: 0,
            sent: Vec::new(),
        };
        kit.bridge.init(0, 0, kit.now);
        kit
    }

    pub(super) fn open(&mut self, device: u32) -> u32 {
        let handle = self.bridge.open(device, 0x77, 0x3_0000, self.now).expect("lineOpen");
        self.bridge.set_media_detection(handle, 4, self.now).expect("media detection");
        self.pass(300);
        handle
    }

    pub(super) fn frame(&mut self, value: &Value) {
        let frame = Frame::read(&value.to_string()).expect("a frame");
        self.bridge.frame(frame, self.now);
        self.drain();
    }

    /// The gateway begins its journal anew, as after an unclean end: the numbers start again, calls keep their ids.
    pub(super) fn new_epoch(&mut self) {
        self.epoch = "e2";
        self.seq = 0;
    }

    pub(super) fn snapshot(&mut self, lines: &[Value], calls: &[Value]) {
        self.seq += 1;
        self.frame(
            &json!({"type": "snapshot", "epoch": self.epoch, "as_of_seq": self.seq, "lines": lines, "calls": calls}),
        );
    }

    pub(super) fn event(&mut self, event: &str, data: Value) {
        self.seq += 1;
        self.frame(&json!({"type": "event", "epoch": self.epoch, "seq": self.seq, "event": event, "data": data}));
    }

    pub(super) fn updated(&mut self, data: Value) {
        let event = if data["state"] == "ended" { "call.ended" } else { "call.updated" };
        self.event(event, data);
    }

    /// The frames that went to the gateway since the last look.
    pub(super) fn sent(&mut self) -> Vec<Value> {
        self.drain();
        std::mem::take(&mut self.sent)
    }

    pub(super) fn answer(&mut self, asked: &Value, status: u16, body: Value) {
        self.frame(&json!({"type": "response", "id": asked["id"], "status": status, "headers": {}, "body": body}));
    }

    /// The gateway still works on the first sending of a command.
    pub(super) fn still_runs(&mut self, asked: &Value) {
        self.frame(&json!({"type": "response", "id": asked["id"], "status": 409, "headers": {"retry-after": "1"},
                           "body": {"code": "idempotency_key_in_use", "detail": "The first request has no answer yet."}}));
    }

    pub(super) fn request(&mut self) -> u32 {
        self.last_request += 1;
        self.last_request
    }

    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.now.ms + ms;
        while let Some(at) = self.bridge.deadline().filter(|at| *at <= end) {
            self.now.ms = self.now.ms.max(at);
            self.bridge.tick(self.now);
            self.drain();
        }
        self.now.ms = end;
        self.drain();
    }

    /// Plays the dispatcher, and TAPI behind it.
    pub(super) fn drain(&mut self) {
        while let Some(frame) = self.bridge.poll_frame() {
            self.sent.push(serde_json::from_str(&frame).expect("JSON"));
        }
        while let Some(output) = self.bridge.poll() {
            match &output {
                Output::Complete { request, result, .. } => {
                    assert!(self.completed.insert(*request, *result).is_none(), "request {request} is completed twice");
                }
                Output::NewCall { call, .. } => {
                    let ht = if self.refuse > 0 {
                        self.refuse -= 1;
                        0
                    } else {
                        self.next_ht += 1;
                        assert!(self.handles.insert(*call, self.next_ht).is_none(), "offered twice");
                        self.next_ht
                    };
                    self.told.push(output.clone());
                    self.bridge.new_call_answer(*call, ht, self.now);
                    continue;
                }
                Output::Event { ht_call, message, params, .. } if *ht_call != 0 => {
                    let states = self.states.entry(*ht_call).or_default();
                    let last = states.last().copied();
                    assert!(last.is_none_or(|last| last.0 != call_state::IDLE), "an event after IDLE: {output:?}");
                    if *message == msg::CALLSTATE {
                        let state = (params[0] as u32, params[1]);
                        assert!(last != Some(state), "a state is told twice: {output:?}");
                        states.push(state);
                    } else {
                        assert!(last.is_some(), "the first word of a call is its state: {output:?}");
                    }
                }
                Output::Create { temporary } => {
                    let device = 99 + temporary;
                    self.bridge.create_line_device(*temporary, device).expect("a line waits for its device");
                }
                _ => {}
            }
            self.told.push(output);
        }
    }

    pub(super) fn result(&self, request: u32) -> Option<i32> {
        self.completed.get(&request).copied()
    }

    /// The states that TAPI heard of a call.
    pub(super) fn states(&self, ht: usize) -> Vec<u32> {
        self.states.get(&ht).map(|states| states.iter().map(|state| state.0).collect()).unwrap_or_default()
    }

    pub(super) fn last(&self, ht: usize) -> (u32, usize) {
        self.states.get(&ht).and_then(|states| states.last().copied()).unwrap_or_default()
    }

    /// LINECALLINFOSTATE bits that TAPI was told of a call.
    pub(super) fn news(&self, ht: usize) -> u32 {
        self.told.iter().fold(0, |bits, output| match output {
            Output::Event { ht_call, message: msg::CALLINFO, params, .. } if *ht_call == ht => bits | params[0] as u32,
            _ => bits,
        })
    }

    /// How many calls were offered.
    pub(super) fn offers(&self) -> usize {
        self.told.iter().filter(|output| matches!(output, Output::NewCall { .. })).count()
    }

    /// TAPI's handle of the only offered call that is ours by its newest offer.
    pub(super) fn offered(&self) -> (u32, usize) {
        let call = self.told.iter().rev().find_map(|output| match output {
            Output::NewCall { call, .. } => Some(*call),
            _ => None,
        });
        let call = call.expect("an offer");
        (call, self.handles.get(&call).copied().unwrap_or_default())
    }

    pub(super) fn make_call(&mut self, line: u32, to: &str, ht: usize) -> (u32, u32) {
        let request = self.request();
        let units: Vec<u16> = to.encode_utf16().collect();
        let call = self.bridge.make_call(request, line, ht, Some(&units), None, self.now).expect("lineMakeCall");
        self.drain();
        (request, call)
    }

    /// A call of 201 that speaks; gives our handle, its TAPI handle is 0x10.
    pub(super) fn talking(&mut self, line: u32, id: &str) -> u32 {
        let (request, handle) = self.make_call(line, "202", 0x10);
        let asked = self.sent().pop().expect("a command");
        self.answer(&asked, 201, call(id, "dialing"));
        assert_eq!(self.result(request), Some(0));
        self.updated(call(id, "connected"));
        handle
    }
}
