//! The gateway and a simulated router, both in this process, through the public API: what a person sees when phones
//! are used and routers misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod kit;
mod learned;

mod actions;
mod assistant;
mod buttons;
mod calls;
mod certificate;
mod connection;
mod declared;
mod dialects;
mod discovery;
mod doctor;
mod enrolment;
mod foreign;
mod groups;
mod journal;
mod line_lists;
mod locate;
mod logs;
mod many;
mod messages;
mod metrics;
mod mobility;
mod numbers;
mod operations;
mod pairs;
mod probe;
mod process;
mod races;
mod reasons;
mod registration;
mod replay;
mod restarts;
mod secrets;
mod service;
mod sessions;
mod settings;
mod setup;
mod shared;
mod start;
mod stress;
mod support;
mod trace;
mod trials;
mod users;
