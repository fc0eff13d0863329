//! The API over a real accept loop: what a client may rely on, one file a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod auth;
mod conditions;
mod cors;
mod documents;
mod enrolments;
mod events_frames;
mod events_poll;
mod events_slow;
mod events_sse;
mod events_ws;
mod idempotency;
mod journal;
mod kit;
mod limits;
mod pages;
mod problems;
mod resources;
mod tickets;
mod tls;
