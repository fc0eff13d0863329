//! Sockets: listeners, connections, the clock.

mod clock;
mod connection;
mod listen;

pub(crate) use clock::run as run_clock;
pub(crate) use connection::open_connections;
pub(crate) use listen::{Door, bind, run as run_listener};
