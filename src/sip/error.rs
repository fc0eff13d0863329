//! What can be wrong with bytes.

use thiserror::Error;

use crate::sip::wire::headers::HeaderName;

/// A message that cannot be taken. Framing survives every one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The head does not end with an empty line.
    #[error("the head has no end")]
    Unfinished,
    /// The head is longer than [`HEAD_LIMIT`](crate::sip::wire::HEAD_LIMIT).
    #[error("the head is too long")]
    HeadTooLong,
    /// More header fields than [`HEADER_LIMIT`](crate::sip::wire::HEADER_LIMIT).
    #[error("too many header fields")]
    TooManyHeaders,
    /// The start line breaks RFC 3261 7.1 or 7.2.
    #[error("malformed start line")]
    StartLine,
    /// A SIP version other than 2.0.
    #[error("unsupported SIP version")]
    Version,
    /// The status code is not 100 to 699.
    #[error("status code out of range")]
    StatusCode,
    /// The Request-URI breaks RFC 3261 19.1 or 25.1.
    #[error("malformed Request-URI")]
    RequestUri,
    /// A header line without name or colon.
    #[error("malformed header line at byte {at}")]
    HeaderLine {
        /// Offset in the message.
        at: usize,
    },
    /// A header value breaks its grammar.
    #[error("malformed {name} at byte {at}")]
    Header {
        /// Which.
        name: HeaderName,
        /// Offset of the value in the message.
        at: usize,
    },
    /// The method of CSeq is not that of the request line (RFC 3261 8.1.1.5).
    #[error("CSeq names another method")]
    MethodMismatch,
    /// Content-Length promises more than there is (datagram rule, RFC 3261 18.3).
    #[error("body shorter than Content-Length")]
    BodyTooShort,
    /// The body is longer than [`BODY_LIMIT`](crate::sip::wire::BODY_LIMIT).
    #[error("the body is too long")]
    BodyTooLong,
    /// A header that every message needs is not there (RFC 3261 8.1.1).
    #[error("{name} is missing")]
    Missing {
        /// Which.
        name: HeaderName,
    },
    /// A header that may stand once stands more often.
    #[error("{name} stands more than once")]
    Repeated {
        /// Which.
        name: HeaderName,
    },
}

/// Why the beginning of the next message cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum FrameErrorKind {
    /// The head grew beyond its limit.
    #[error("the head is too long")]
    HeadTooLong,
    /// More header lines than the limit.
    #[error("too many header fields")]
    TooManyHeaders,
    /// No Content-Length on a stream (RFC 3261 18.3).
    #[error("Content-Length is missing")]
    LengthMissing,
    /// Content-Length is not decimal.
    #[error("Content-Length is not a number")]
    LengthMalformed,
    /// Two values of Content-Length differ.
    #[error("Content-Length stands twice with different values")]
    LengthAmbiguous,
    /// The body would be longer than the limit.
    #[error("the body is too long")]
    BodyTooLong,
}
