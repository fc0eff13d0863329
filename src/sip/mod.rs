//! Sans-IO SIP (RFC 3261) for one narrow purpose: CSTA sessions with a PBX over TCP.
//!
//! From the bottom up: [`wire`] cuts the stream and reads and writes messages, [`value`] understands header values,
//! [`digest`] answers challenges, [`transaction`] holds the four state machines, [`dialog`], [`registration`] and
//! [`session`] the usages, and [`endpoint`] is the one door: `handle`, `poll`, `deadline`.
//! No clock, no randomness, no I/O inside; nothing here knows calls or CSTA.

pub mod chance;
pub mod dialog;
pub mod digest;
pub mod endpoint;
pub mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod method;
pub mod registration;
pub mod session;
pub mod strictness;
pub mod transaction;
pub mod value;
pub mod wire;

pub use digest::Credentials;
pub use endpoint::{
    Body, CloseReason, Diagnostic, EndReason, Endpoint, EndpointConfig, Event, Failure, FlowId, Input, InviteSpec,
    KeepAlive, Output, RefreshMethod, RegisterConfig, ReplyToken, SessionId, Ticket, Timers,
};
pub use error::{FrameErrorKind, ParseError};
pub use method::Method;
pub use strictness::{Leniency, Strictness};
pub use value::session_timer::Refresher;
pub use wire::message::Message;
pub use wire::parse::parse;
