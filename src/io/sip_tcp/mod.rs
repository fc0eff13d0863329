//! SIP over TCP: connections in both directions, one reader and one writer task each.
//!
//! A connection is only a carrier: dialogs live in the SIP core and may use any of them.

mod attribution;
mod connect;
mod flow;
mod listener;

pub use connect::{ConnectError, connect, local_address_towards, resolve};
pub use flow::{FlowEvent, FlowWriter, spawn};
pub use listener::{Accepted, ListenError, ListenerGuard, Listeners, Peer};
