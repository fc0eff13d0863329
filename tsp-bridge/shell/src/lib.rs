//! The TAPI service provider `linegate.tsp`.
//!
//! TAPI loads it by name into the telephony service and calls its exports on any thread. Each export is a thin door:
//! it catches panics, finds the instance and asks the core. Nothing here waits for the network.
#![cfg(windows)]

mod door;
mod export;
mod fault;
mod instance;
mod memory;
mod table;
mod trace;
mod ui;
