//! Linegate.
pub mod axl;
pub mod csta;
pub mod domain;
pub mod sip;
