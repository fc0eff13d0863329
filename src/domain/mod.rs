//! The pure model: lines, calls, numbers. No protocol words, no I/O, no clock, no chance.

mod action;
mod call;
pub mod call_table;
mod finished;
mod ids;
pub mod json;
mod line;
pub mod line_list;
pub mod nesting;
pub mod numbers;
mod party;
mod pbx;
pub mod rules;
mod timestamp;

pub use action::{Action, ActionSet, LineAction, allowed_actions};
pub use call::{Call, CallState, Cause, Direction, Reason};
pub use finished::{CallLife, CallResult, FinishedCall, bare_number};
pub use ids::{
    CallId, CommandId, ConversationId, EnrolmentId, IdError, IdSource, LineId, PartyId, PbxId, RandomIds, TokenId,
    WebhookId,
};
pub use line::{Activity, Address, Fix, Forwarding, Line, LineKind, LineSource, LineStatus, Monitor, MonitorState};
pub use numbers::{DialString, DialStringError, NumberPlan, NumberRange, RawNumber, clean_raw};
pub use party::{Participant, ParticipantState, Party, Presentation};
pub use pbx::{AxlStatus, BlindCause, LineCounts, PbxState, PbxStatus, SipStatus};
pub use timestamp::{Moment, Timestamp};
