//! The XML interface of CME ("AXL" by nickname only), sans-IO: requests, tolerant replies, whole loads,
//! light status polls, and the way from the router's records to CTI lines.
//!
//! Section numbers in this module are those of the dossier `axl-cme` unless another document is named.
//! Nothing here opens a socket or reads a clock: [`load::Load`] and [`status::Poll`] say what to send and are
//! told what came back.

pub mod assistant;
pub mod dialect;
#[doc(hidden)]
pub mod fuzzing;
pub mod inventory;
pub mod load;
pub mod record;
pub mod redact;
pub mod reply;
pub mod request;
pub mod status;

mod fields;
mod listing;
mod xml;

#[cfg(test)]
mod example;

pub use dialect::Dialect;
pub use inventory::{Inventory, LineRecord};
pub use load::{Load, LoadError, LoadHints};
pub use record::{
    CliResult, Device, Extension, ExtensionTemplate, Global, RouterError, SaveResult, SessionServer, SipGlobal,
    UserKind, UserProfile,
};
pub use redact::redact;
pub use reply::{Reply, ReplyFault};
pub use request::{Keyword, Request, Select};
