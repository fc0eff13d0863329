//! Use cases, and the only owners of state.
//!
//! One actor per PBX ([`link`]) owns its lines and calls; the [`journal`] owns what readers see; the
//! [`gateway`] is the door to both.

pub mod assistant;
pub mod doctor;
pub mod error;
pub mod gateway;
pub mod journal;
mod link;
pub mod locate;
pub mod merge;
mod numbers;
pub mod pbx;
pub mod probe;
mod site_copy;
