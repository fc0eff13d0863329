//! Use cases, and the only owners of state.
//!
//! One actor per PBX ([`link`]) owns its lines and calls; the [`journal`] owns what readers see; the
//! [`gateway`] is the door to both.

pub mod assistant;
pub mod doctor;
pub mod error;
pub mod gateway;
pub mod journal;
pub mod line_form;
mod link;
pub mod locate;
pub mod merge;
mod numbers;
pub mod pbx;
pub mod probe;
pub mod rules_form;
mod site_copy;
pub mod support;
pub mod trace;
