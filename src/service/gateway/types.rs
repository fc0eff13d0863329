//! What is asked at the door of the service layer, and what it answers.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::domain::{Action, CallId, CommandId, LineId, PbxId};
use crate::service::error::ServiceError;
use crate::service::journal::Position;

/// Who asks: shown as `actor` in events.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token's name.
    pub name: String,
    /// The lines that the token may touch; `None` means all.
    pub lines: Option<Vec<LineId>>,
    /// The request that it came with: spans of what it causes are below it.
    pub span: tracing::Span,
}

impl Caller {
    /// Whether this caller may see and use the line.
    pub fn sees(&self, line: &LineId) -> bool {
        self.lines.as_ref().is_none_or(|l| l.contains(line))
    }
}

/// What to dial from a line.
#[derive(Debug, Default)]
pub struct DialRequest {
    /// The number as the caller wrote it; `None` makes a dial tone call.
    pub to: Option<String>,
    /// Index of the line's address.
    pub address: u8,
    /// The caller's own reference, at most 64 characters.
    pub client_ref: Option<String>,
    /// JSON object of at most 4 KiB that follows the call.
    pub data: Option<Box<RawValue>>,
}

/// What a dial string would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialPlan {
    /// The digits that go to the PBX.
    pub dials: String,
    /// Whether the number is one of this PBX.
    pub internal: bool,
    /// The index of the dialing rule that matched.
    pub rule: Option<usize>,
}

/// A command that the PBX has answered with yes.
#[derive(Debug, Clone)]
pub struct Done {
    /// The command's id (`Command-Id`).
    pub command_id: CommandId,
    /// The calls it changed, as known then: JSON objects.
    pub calls: Vec<Bytes>,
    /// Where the journal stood with those changes (`Event-Position`).
    pub position: Position,
}

/// An action on a call with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallAction {
    /// The verb.
    pub action: Action,
    /// Number to go to (`redirect`, `blind_transfer`, `consult`), or digits (`dial`, `digits`).
    pub digits: Option<String>,
    /// The second call of operations that take two.
    pub with: Option<CallId>,
    /// The participant of `remove_from_conference`.
    pub party: Option<String>,
}

/// The difference that a load of the lines made, or would make.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct LineDiff {
    /// Lines that are new: `number;name;device-ID;button…` rows.
    pub added: Vec<LineChange>,
    /// Lines whose data changed.
    pub changed: Vec<LineChange>,
    /// Lines that vanished at the PBX (kept and marked `missing_since`).
    pub removed: Vec<LineChange>,
    /// How many stayed as they were.
    pub unchanged: usize,
}

/// One line in a [`LineDiff`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct LineChange {
    /// The line's id; `null` in a dry run for a line that does not exist yet.
    pub line_id: Option<String>,
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// MAC of the phone, 12 hex digits; `null` for an extension mobility user.
    pub device_id: Option<String>,
    /// Which fields differ (only for changed lines).
    pub fields: Vec<String>,
}

/// What a list of lines changed, or would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// Lines that are new.
    pub added: Vec<LineChange>,
    /// Lines whose name or buttons changed.
    pub changed: Vec<LineChange>,
    /// How many stayed as they were.
    pub unchanged: usize,
}

/// A line entered by hand (`POST /lines`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    /// The PBX it belongs to.
    pub pbx_id: PbxId,
    /// Extension number.
    pub number: String,
    /// MAC of the phone in any notation; `None` for an extension mobility user.
    pub device_id: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// Numbers of further buttons.
    pub buttons: Vec<String>,
}

/// Shorthand of the service layer.
pub type Outcome<T> = Result<T, ServiceError>;

/// A setting of a phone or number as the PBX has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// What it is.
    pub value: T,
    /// The command that set it; `None` when it was only read.
    pub command_id: Option<CommandId>,
    /// Where the journal stood with the change.
    pub position: Option<Position>,
}

impl<T> Setting<T> {
    /// A setting that was only read.
    pub(crate) fn read(value: T) -> Self {
        Self { value, command_id: None, position: None }
    }
}

/// A configuration change that is durable.
#[derive(Debug, Clone)]
pub struct Written {
    /// The object after the change, as JSON.
    pub json: Bytes,
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Where the journal stood with the change.
    pub position: Position,
}
