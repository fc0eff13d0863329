//! The table of section 10 row by row, its rules, and a naive model.

#![allow(clippy::unwrap_used, clippy::panic)]

mod actions;
mod attached;
mod bench;
mod buttons;
mod clearing;
mod dial;
mod echo;
mod model;
mod moved;
mod moves;
mod setup;
mod snapshots;
