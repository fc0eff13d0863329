//! A simulator of Cisco CallManager Express: SIP and CSTA as a CTI gateway meets them, the XML API, and the phones behind them with people who use
//! them. It is as true to the documents as the gateway is, quirks included, and shares no code with it.
//!
//! [`Twin::start`] starts one; its methods are what people do at their phones and what happens to a router. [`Twin::truth`] tells what really is,
//! [`Twin::violations`] what the client did against the rules.

mod behaviour;
pub mod cli;
mod control;
mod csta;
mod fault;
mod io;
mod router;
mod shared;
mod sip;
mod system;
mod telephony;
mod truth;
mod twin;
mod violation;
mod xml;

pub use behaviour::{Behaviour, InviteLimits, Limits, LocalInfo, Merge, Preset, RefusalCodes, SharedStyle};
pub use cli::{TwinArgs, run};
pub use fault::{Answer, EventOrder, Faults};
pub use router::Requests;
pub use system::{
    Button, ButtonRing, DialplanPattern, Dn, DnTemplate, LogoutProfile, Phone, SessionServer, SpeedDial, System,
    UserProfile,
};
pub use telephony::{LegState, Refusal, Role};
pub use truth::{CallTruth, LegTruth, LineTruth, PhoneTruth, RegistrationTruth, SessionTruth, Truth};
pub use twin::{ActionError, CallRef, TrunkAction, Twin, TwinConfig, TwinError};
pub use violation::Violation;
pub use xml::{
    BodyFraming, Dialect, EnvelopeNamespace, HttpFailure, OverflowStyle, OverloadStyle, PathStyle, RecordProfile,
    SaveResult, XmlKnobs, XmlQuirks, XsiType,
};
