//! Lines, addresses, calls and requests of the TAPI bridge.
//!
//! Nothing here does I/O, starts a thread or asks the clock. In come calls of TAPI, frames of the gateway and time; out
//! go callbacks to TAPI and frames to the gateway. The shell carries both to their ends.

pub mod bridge;
pub mod layout;
pub mod model;
pub mod number;
pub mod params;
pub mod store;
pub mod tapi;
pub mod trace;
pub mod writer;
