//! Header values with meaning. Each borrows from its message; what has to live longer is copied by its user.

pub mod challenge;
pub mod contact;
pub mod content;
pub mod cseq;
pub mod date;
pub mod grammar;
pub mod name_addr;
pub mod session_timer;
pub mod uri;
pub mod via;
