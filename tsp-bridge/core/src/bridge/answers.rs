//! Commands to the gateway and what it answers.

use serde_json::{Value, json};

use super::call::Phase;
use super::timers::Timer;
use super::{Act, Bridge, Command, LinkState, Now, Output, Request};
use crate::model::{GatewayCall, Response};
use crate::tapi::{addr_state, err, msg};

/// LINEGENERATETERM_DONE and LINEGENERATETERM_CANCEL.
const GENERATED: usize = 1;
const GENERATE_CANCELLED: usize = 2;
/// The longest pause before an answer is asked for again, and the usual one.
const AGAIN_MAX_S: u64 = 5;
const AGAIN_S: u64 = 1;

/// A request of the API.
pub(super) struct Ask {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
}

impl Bridge {
    /// Notes a request of TAPI; it ends when all its commands have.
    pub(super) fn note_request(&mut self, request: u32, line: u32, calls: &[u32]) {
        self.requests.insert(request, Request { left: 0, result: 0, line, calls: calls.to_vec() });
    }

    /// Gives the gateway a command; while a first link is awaited, it waits too.
    pub(super) fn command(&mut self, request: Option<u32>, act: Act, line: usize, call: u32, ask: &Ask, now: Now) {
        self.last_command += 1;
        let id = self.last_command;
        // The key makes it safe to send the command again on the next socket: it is carried out once.
        let key = format!("{}-c{id}", self.settings.nonce);
        let mut frame = json!({"type": "request", "id": id, "method": ask.method, "path": ask.path});
        if let Some(frame) = frame.as_object_mut() {
            if !ask.body.is_null() {
                frame.insert("body".to_owned(), ask.body.clone());
            }
            if ask.method == "POST" {
                frame.insert("idempotency_key".to_owned(), json!(key));
            }
        }
        if let Some(request) = request.and_then(|request| self.requests.get_mut(&request)) {
            request.left += 1;
        }
        let command = Command { request, act, frame: frame.to_string(), line, call, is_sent: false };
        self.commands.insert(id, command);
        self.command_order.push_back(id);
        self.set_timer(now.ms + self.settings.command_timeout_ms, Timer::Command(id));
        if self.link == LinkState::Up {
            self.send(id);
        }
    }

    fn send(&mut self, id: u64) {
        if let Some(command) = self.commands.get_mut(&id)
            && !std::mem::replace(&mut command.is_sent, true)
        {
            self.frames.push_back(command.frame.clone());
        }
    }

    /// The link is up: what waits goes out, what had no answer on the last socket goes out again.
    pub(super) fn send_waiting(&mut self, _now: Now) {
        let order: Vec<u64> = self.command_order.iter().copied().collect();
        for id in order {
            self.send(id);
        }
    }

    /// The pause after which an answer was to be asked for again is over. While there is no link it waits for that.
    pub(super) fn send_again(&mut self, id: u64) {
        if self.link == LinkState::Up {
            self.send(id);
        }
    }

    fn take_command(&mut self, id: u64) -> Option<Command> {
        let command = self.commands.remove(&id)?;
        self.command_order.retain(|waiting| *waiting != id);
        Some(command)
    }

    /// One command of a request ended; the request ends with its last one.
    fn settle_request(&mut self, request: Option<u32>, result: i32) {
        let Some(id) = request else { return };
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.left = request.left.saturating_sub(1);
        if result != 0 && request.result == 0 {
            request.result = result;
        }
        if request.left == 0 {
            let (result, line, calls) = (request.result, request.line, std::mem::take(&mut request.calls));
            self.requests.remove(&id);
            self.complete(id, result, line, &calls);
        }
    }

    /// A command has done what it was for, whether its answer came or an event told it first.
    pub(super) fn command_done(&mut self, id: u64, now: Now) {
        let Some(command) = self.take_command(id) else { return };
        self.settle_request(command.request, 0);
        if let Act::Consult { original, consult } = command.act {
            if let Some(call) = self.calls.get_mut(&original) {
                call.holds_for = Some(consult);
            }
            self.review(original, now);
        }
    }

    /// A command came to nothing.
    pub(super) fn command_failed(&mut self, id: u64, result: i32, now: Now) {
        let Some(command) = self.take_command(id) else { return };
        self.settle_request(command.request, result);
        match command.act {
            Act::MakeCall { call } | Act::Conference { parent: call } => self.make_void(call),
            Act::Consult { original, consult } => {
                self.make_void(consult);
                self.review(original, now);
                self.settle_waiting(command.line, now);
            }
            Act::Digits { call, end_to_end } => self.generated(call, end_to_end, GENERATE_CANCELLED),
            Act::Dial => self.dialed_nothing(command.call, now),
            _ => {}
        }
    }

    /// Digits were refused: the dial tone is still there, and takes another number.
    fn dialed_nothing(&mut self, handle: u32, now: Now) {
        if self.commands.values().any(|other| other.act == Act::Dial && other.call == handle) {
            return;
        }
        if let Some(call) = self.calls.get_mut(&handle) {
            call.is_dialing = false;
        }
        self.review(handle, now);
    }

    /// The handle of a call that did not come about stays until TAPI closes it.
    fn make_void(&mut self, handle: u32) {
        if let Some(call) = self.calls.get_mut(&handle)
            && call.phase == Phase::Tentative
        {
            call.phase = Phase::Void;
            call.client_ref = None;
        }
    }

    fn generated(&mut self, handle: u32, end_to_end: u32, how: usize) {
        let Some(call) = self.calls.get(&handle).filter(|call| call.ht != 0 && !call.is_over()) else { return };
        let Some(open) = self.lines.get(call.line).and_then(|line| line.open.as_ref()) else { return };
        self.outputs.push_back(Output::Event {
            line: open.handle,
            call: handle,
            ht_line: open.ht,
            ht_call: call.ht,
            message: msg::GENERATE,
            params: [how, end_to_end as usize, 0],
        });
    }

    /// An answer of the gateway.
    pub(super) fn answer(&mut self, response: &Response, now: Now) {
        let Some(id) = response.id.as_u64() else { return };
        let Some(command) = self.commands.get(&id).cloned() else { return };
        if response.code() == "idempotency_key_in_use" {
            // Its first sending, on an earlier socket, is still being carried out: that is no answer. The command and the
            // call that it makes stay, and an event may tell first what became of it. When the gateway died over it, the
            // time limit ends it.
            if let Some(command) = self.commands.get_mut(&id) {
                command.is_sent = false;
            }
            self.note(format!("{:?} is still being carried out", command.act));
            let pause = response.retry_after_s().unwrap_or(AGAIN_S).clamp(1, AGAIN_MAX_S);
            self.set_timer(now.ms + pause * 1_000, Timer::Again(id));
            return;
        }
        if !(200..300).contains(&response.status) {
            let detail = response.body.get("detail").and_then(Value::as_str).unwrap_or_default();
            self.note(format!("{:?} was refused: {} {} {detail}", command.act, response.status, response.code()));
            self.command_failed(id, refusal(&command.act, response), now);
            return;
        }
        let made: Option<GatewayCall> = serde_json::from_value(response.body.clone()).ok();
        match command.act {
            Act::MakeCall { call } | Act::Consult { consult: call, .. } => {
                let Some(made) = made else {
                    self.command_failed(id, err::OPERATIONFAILED, now);
                    return;
                };
                let made_id = made.id.clone();
                let is_over = self.ended.contains(&made_id);
                self.learn_from_answer(made.clone());
                self.bind(call, &made_id, now);
                self.command_done(id, now);
                if is_over {
                    // It ended before its answer came.
                    self.update(call, &made, now);
                    self.end(call, crate::tapi::disconnect::UNKNOWN, now);
                } else {
                    self.settle_call(&made_id, now);
                }
                self.settle_waiting(command.line, now);
                self.refresh_counts(command.line);
            }
            Act::Conference { .. } => self.conference_answered(id, command.line, now),
            Act::Digits { call, end_to_end } => {
                self.command_done(id, now);
                self.generated(call, end_to_end, GENERATED);
            }
            Act::Forwarding { line, address } => {
                let to = response.body.get("unconditional").and_then(Value::as_str).map(str::to_owned);
                self.command_done(id, now);
                self.forwarding_is(line, address, to);
            }
            Act::DoNotDisturb { line } => {
                let is_on = response.body.get("enabled").and_then(Value::as_bool).unwrap_or(false);
                self.command_done(id, now);
                self.do_not_disturb_is(line, is_on);
            }
            Act::Plain | Act::Ending(_) | Act::Dial | Act::Join | Act::Data => self.command_done(id, now),
        }
    }

    /// The answer to a conference may come before its events do; they make the conference.
    fn conference_answered(&mut self, id: u64, line: usize, now: Now) {
        self.form_conference(line, now);
        if let Some(command) = self.commands.get_mut(&id) {
            // Forming it completes the request; until then the time limit stands.
            command.is_sent = true;
        }
    }

    fn forwarding_is(&mut self, line: usize, address: u32, to: Option<String>) {
        let Ok(place) = usize::try_from(address) else { return };
        let Some(known) = self.lines.get_mut(line).and_then(|line| line.forwarding.get_mut(place)) else { return };
        if *known != to {
            *known = to;
            self.address_state(line, place, addr_state::FORWARD);
        }
    }

    fn do_not_disturb_is(&mut self, line: usize, is_on: bool) {
        let Some(known) = self.lines.get_mut(line) else { return };
        if std::mem::replace(&mut known.do_not_disturb, is_on) != is_on {
            let addresses = known.forwarding.len();
            for address in 0..addresses {
                self.address_state(line, address, addr_state::FORWARD);
            }
        }
    }

    /// Ends requests of which `is_meant` says so by line and calls, because these are closed; gives those that the caller
    /// has to complete before it returns. What the gateway still says about them is no business of TAPI.
    pub(super) fn abandon(&mut self, is_meant: impl Fn(u32, &[u32]) -> bool) -> Vec<(u32, i32)> {
        let mut ended: Vec<(u32, i32)> = Vec::new();
        // A completion that waits in the queue comes first: its request was over before.
        self.outputs.retain(|output| match output {
            Output::Complete { request, result, line, calls } if is_meant(*line, calls) => {
                ended.push((*request, *result));
                false
            }
            _ => true,
        });
        for (request, _) in self.take_requests(is_meant) {
            ended.push((request, err::OPERATIONFAILED));
        }
        ended
    }

    /// Ends requests as failed that nobody will answer any more.
    pub(super) fn give_up(&mut self, is_meant: impl Fn(u32, &[u32]) -> bool) {
        for (id, request) in self.take_requests(is_meant) {
            self.complete(id, err::OPERATIONFAILED, request.line, &request.calls);
        }
    }

    /// Takes requests out, and what the gateway was asked for them.
    fn take_requests(&mut self, is_meant: impl Fn(u32, &[u32]) -> bool) -> Vec<(u32, Request)> {
        let taken: Vec<(u32, Request)> =
            self.requests.extract_if(|_, request| is_meant(request.line, &request.calls)).collect();
        let gone =
            |command: &Command| command.request.is_some_and(|request| taken.iter().any(|(id, _)| *id == request));
        self.commands.retain(|_, command| !gone(command));
        let commands = &self.commands;
        self.command_order.retain(|id| commands.contains_key(id));
        taken
    }
}

/// What a refusal means to TAPI (dossier 2.19).
fn refusal(act: &Act, response: &Response) -> i32 {
    let makes_a_call = matches!(act, Act::MakeCall { .. });
    let csta = response.body.pointer("/csta_error/value").and_then(Value::as_str).unwrap_or_default();
    match (response.status, response.code()) {
        (_, "invalid_number") => err::INVALADDRESS,
        (_, "not_supported_by_pbx") => err::OPERATIONUNAVAIL,
        (_, "pbx_unreachable" | "pbx_credentials_rejected") => err::RESOURCEUNAVAIL,
        (401 | 403, _) => err::OPERATIONUNAVAIL,
        (404, _) if makes_a_call => err::INVALLINESTATE,
        (404, _) => err::INVALCALLHANDLE,
        (409, _) if makes_a_call => err::CALLUNAVAIL,
        (409, _) => err::INVALCALLSTATE,
        (400 | 422, _) => err::INVALPARAM,
        (429 | 503, _) => err::RESOURCEUNAVAIL,
        (502, "pbx_refused") => match csta {
            "invalidCalledDeviceID" | "invalidDestination" | "invalidDeviceID" | "numberUnallocated" => {
                err::INVALADDRESS
            }
            "conferenceMemberLimitExceeded" => err::CONFERENCEFULL,
            _ if *act == Act::Join || matches!(act, Act::Conference { .. }) && csta.contains("resource") => {
                err::CONFERENCEFULL
            }
            "resourceBusy" | "outstandingRequestsLimitExceeded" if makes_a_call => err::CALLUNAVAIL,
            "invalidConnectionID"
            | "invalidConnectionState"
            | "incorrectState"
            | "invalidObjectState"
            | "invalidCallState" => err::INVALCALLSTATE,
            _ => err::OPERATIONFAILED,
        },
        _ => err::OPERATIONFAILED,
    }
}
