//! The endpoint against a scripted peer, with a clock that only moves when told.

#![allow(clippy::unwrap_used, clippy::panic)]

mod peer;
mod peer_requests;
mod random;
mod refresh;
mod registration;
mod sessions;
mod transport;
