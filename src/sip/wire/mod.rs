//! Bytes and messages: framing, lexer, header table, parse, encode, multipart.

pub mod encode;
pub mod frame;
pub mod headers;
pub mod lexer;
pub mod message;
pub mod multipart;
pub mod parse;

/// Longest head, octets, from the start line to the empty line.
pub const HEAD_LIMIT: usize = 64 * 1024;
/// Most header fields in one message.
pub const HEADER_LIMIT: usize = 256;
/// Longest body, octets (dossier 3.4 rule 6).
pub const BODY_LIMIT: usize = 256 * 1024;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod rfc4475_tests;
