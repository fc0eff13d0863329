//! What the model tells: one happening at a time, with everybody who sees it.

use super::call::{LegState, Party, Place};

/// Somebody who sees an event, with the state of the own connection after it (`None` = gone).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) place: Place,
    pub(crate) state: Option<LegState>,
}

/// A connection that moved from one call to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) party: Party,
    pub(crate) old: String,
    pub(crate) new: String,
}

/// The parties of a call as events name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) calling: Party,
    pub(crate) called: String,
    pub(crate) redirected: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happening {
    Initiated { at: Party },
    Originated { at: Party, called: Option<String> },
    Digits { at: Party, digits: String },
    Delivered { at: Party, route: Route },
    Reached { at: Party, route: Route },
    Established { at: Party, route: Route },
    Held { at: Party },
    Retrieved { at: Party },
    Diverted { at: Party, to: String, route: Route },
    Transferred { by: Party, secondary: Option<String>, to: Party, moved: Vec<Moved> },
    Conferenced { by: Party, secondary: Option<String>, added: Party, moved: Vec<Moved> },
    Cleared { at: Party },
    Failed { at: Party, route: Route },
    Bridged { at: Party },
    Forwarding { dn: u32, kind: &'static str, on: bool, to: String },
    DoNotDisturb { phone: u32, on: bool },
    OutOfService { place: Place },
    BackInService { place: Place },
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Identifier of the call it is about; empty for what is about a device.
    pub(crate) gcid: String,
    pub(crate) what: Happening,
    pub(crate) cause: &'static str,
    pub(crate) seen: Vec<Seen>,
}
