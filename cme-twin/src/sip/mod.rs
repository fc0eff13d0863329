//! SIP on the wire: cutting the stream, reading and writing messages, digest, and the rules that a client must keep.

pub(crate) mod check;
pub(crate) mod compose;
pub(crate) mod digest;
pub(crate) mod frame;
pub(crate) mod message;
pub(crate) mod uri;

pub(crate) use frame::{Frame, Framer};
pub(crate) use message::{Message, Start};
