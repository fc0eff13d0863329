//! Faults: what the simulated router does wrong on purpose. Plain values that can be set while it runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A SIP answer that takes the place of the right one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// Status code; 0 = no answer at all.
    pub status: u16,
    /// How often; 0 = until the fault is cleared.
    pub times: u32,
    /// `Retry-After` in seconds; 0 = no such header.
    pub retry_after: u32,
}

/// When events are sent that a service caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventOrder {
    /// After the answer to the service.
    #[default]
    After,
    /// Before it (the router's own trace shows events 8 ms after the request).
    Before,
}

/// All faults; the default is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// A connection is reset after it took this many messages; 0 = never.
    pub drop_after: u32,
    /// Answers to requests of a method (`INFO`, `INVITE`, `REGISTER`, `BYE`, `OPTIONS`).
    pub answers: BTreeMap<String, Answer>,
    /// Answers are late by this many milliseconds.
    pub delay_answers: u64,
    /// Events are late by this many milliseconds.
    pub delay_events: u64,
    /// Events of every second dialog are late by this many milliseconds, so that dialogs overtake each other.
    pub reorder_dialogs: u64,
    /// Every byte is written by itself.
    pub split_bytes: bool,
    /// Messages that are ready within this many milliseconds are written at once.
    pub coalesce: u64,
    /// Every event INFO is sent twice.
    pub duplicate_events: bool,
    /// CSeq of the twin's requests jumps by this much more than 1.
    pub cseq_jump: u32,
    /// Every n-th event is lost; 0 = none. Its CSeq number is used up.
    pub lose_every: u32,
    /// Order of a service's answer and its events.
    pub event_order: EventOrder,
    /// The answer to a service comes in an INFO of its own after an empty 200.
    pub separate_response: bool,
    /// Namespace of CSTA bodies; empty = that of edition 3.
    pub namespace: String,
    /// CSTA bodies carry no namespace.
    pub no_namespace: bool,
    /// Prefix of CSTA bodies.
    pub prefix: String,
    /// CSTA bodies have no XML declaration.
    pub no_declaration: bool,
    /// Children stand in reverse order.
    pub shuffle_children: bool,
    /// Line feeds and blanks everywhere.
    pub whitespace: bool,
    /// An unknown element in every message.
    pub unknown_elements: bool,
    /// Private data in every message.
    pub private_data: bool,
    /// `Content-Length` is wrong by this much.
    pub wrong_content_length: i32,
    /// REGISTER is not answered.
    pub silent_register: bool,
    /// Errors on demand: service name to `category/value`, for example `"MakeCall": "operation/generic"`.
    pub errors: BTreeMap<String, String>,
    /// `CSTAErrorCode` rides in this status code instead of 200; 0 = 200.
    pub error_status: u16,
    /// Services that do not exist.
    pub services_off: Vec<String>,
    /// The only form in which a dialled number is understood: `tel` or `bare`; empty = either.
    pub number_form: String,
    /// The only form in which a device is monitored: `device` (`tel:…;device=…`), `tel`, `sip` or `bare`; empty = any.
    pub device_form: String,
    /// The own state stands last in the states of a snapshot.
    pub own_state_last: bool,
    /// Events have no `localConnectionInfo`.
    pub no_local_info: bool,
    /// `MakeCallResponse` names no call.
    pub no_call_id: bool,
    /// What RequestSystemStatus is answered with; empty = `normal`.
    pub system_status: String,
    /// The 200 of an INVITE has no body.
    pub no_invite_body: bool,
    /// The answer to a service has another root than the service asks for.
    pub wrong_response: bool,
    /// Content-Type of CSTA bodies; empty = the right one.
    pub content_type: String,
}

impl Faults {
    /// Takes one use of the answer for a method, if there is one.
    pub(crate) fn take_answer(&mut self, method: &str) -> Option<Answer> {
        let answer = self.answers.get_mut(method)?;
        let taken = answer.clone();
        match answer.times {
            0 => {}
            1 => {
                self.answers.remove(method);
            }
            _ => answer.times -= 1,
        }
        Some(taken)
    }
}
