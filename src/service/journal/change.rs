//! What owners of state publish, and the frame it becomes.

use std::sync::Arc;

use bytes::Bytes;

use super::view::Known;
use crate::domain::json::{write_call, write_line, write_number, write_text, write_time, write_words};
use crate::domain::{Call, CallId, CommandId, Line, LineId, PbxId, Timestamp};

/// Who caused a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person at a phone, or the network.
    Phone,
    /// The gateway itself.
    Gateway,
    /// A program, by the name of its token.
    Token(Arc<str>),
}

impl Actor {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Phone => "phone",
            Self::Gateway => "gateway",
            Self::Token(name) => name,
        }
    }
}

/// The object after a change.
#[derive(Debug, Clone)]
pub enum Object {
    /// A call.
    Call(Known<Call>),
    /// A line.
    Line(Known<Line>),
    /// A PBX.
    Pbx(Bytes),
    /// The outcome of a command.
    Command(Bytes),
    /// The number rules of a PBX.
    NumberRules(Bytes),
}

impl Object {
    /// A call with its JSON.
    pub fn call(call: Call) -> Self {
        Self::Call(Known::call(call))
    }

    /// A line with its JSON.
    pub fn line(line: Line) -> Self {
        Self::Line(Known::line(line))
    }

    pub(super) fn json(&self) -> &Bytes {
        match self {
            Self::Call(known) => &known.json,
            Self::Line(known) => &known.json,
            Self::Pbx(json) | Self::Command(json) | Self::NumberRules(json) => json,
        }
    }
}

impl Known<Call> {
    /// A call with its JSON.
    pub fn call(call: Call) -> Self {
        let mut json = Vec::with_capacity(1400);
        write_call(&mut json, &call);
        Self { value: Arc::new(call), json: json.into() }
    }
}

impl Known<Line> {
    /// A line with its JSON.
    pub fn line(line: Line) -> Self {
        let mut json = Vec::with_capacity(1200);
        write_line(&mut json, &line);
        Self { value: Arc::new(line), json: json.into() }
    }
}

/// One change.
#[derive(Debug, Clone)]
pub struct Change {
    /// Name of the event.
    pub event: &'static str,
    /// When it happened.
    pub time: Timestamp,
    /// The PBX it concerns.
    pub pbx_id: Option<PbxId>,
    /// The line it concerns.
    pub line_id: Option<LineId>,
    /// The call it concerns.
    pub call_id: Option<CallId>,
    /// The command that caused it.
    pub command_id: Option<CommandId>,
    /// Who caused it.
    pub actor: Actor,
    /// Names of the fields that changed.
    pub changed: Vec<&'static str>,
    /// The object after it.
    pub object: Object,
}

impl Change {
    /// Whether the object is gone after it.
    pub(super) fn is_end(&self) -> bool {
        matches!(self.event, "call.ended" | "line.deleted" | "pbx.deleted")
    }

    /// The frame that every reader gets.
    pub(super) fn frame(&self, epoch: &str, seq: u64) -> Bytes {
        let json = self.object.json();
        let mut out = Vec::with_capacity(json.len() + 420);
        out.extend_from_slice(b"{\"type\":\"event\",\"epoch\":");
        write_text(&mut out, epoch);
        out.extend_from_slice(b",\"seq\":");
        write_number(&mut out, seq);
        out.extend_from_slice(b",\"time\":");
        write_time(&mut out, self.time);
        out.extend_from_slice(b",\"event\":");
        write_text(&mut out, self.event);
        let mut id = |key: &[u8], value: Option<&str>| {
            out.extend_from_slice(key);
            match value {
                Some(value) => write_text(&mut out, value),
                None => out.extend_from_slice(b"null"),
            }
        };
        id(b",\"pbx_id\":", self.pbx_id.as_ref().map(PbxId::as_str));
        id(b",\"line_id\":", self.line_id.as_ref().map(LineId::as_str));
        id(b",\"call_id\":", self.call_id.as_ref().map(CallId::as_str));
        id(b",\"command_id\":", self.command_id.as_ref().map(CommandId::as_str));
        id(b",\"actor\":", Some(self.actor.as_str()));
        out.extend_from_slice(b",\"changed\":");
        write_words(&mut out, self.changed.iter().copied());
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(json);
        out.push(b'}');
        out.into()
    }
}
