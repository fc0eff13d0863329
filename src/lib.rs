//! Linegate: a CTI gateway for Cisco CallManager Express (CME).
//!
//! South: CSTA XML in SIP over TCP, and the router's XML API. Inside: lines, calls, a journal. North: REST and one event
//! stream. The rooms and the arrows between them are told in `docs/architecture.md` and held by `tests/architecture.rs`.

pub mod api;
pub mod app;
pub mod axl;
pub mod cli;
pub mod client;
pub mod config;
mod crypto;
pub mod csta;
pub mod domain;
pub mod io;
pub mod service;
pub mod sip;
pub mod store;
pub mod telemetry;
