//! Reading a body: what kind of message it is, and its parts.

mod charset;
mod cursor;
mod event;
mod request;
mod response;
mod value;

use std::borrow::Cow;

pub use self::charset::Charset;
use self::cursor::Cursor;
pub use self::request::PeerRequest;
use super::owned::{IntoStatic, Text, owned_method};
use super::types::{Event, Fault, Response, Service};

/// Longest body that is read, in bytes (section 15e, `xml.max_size`).
pub const MAX_SIZE: usize = 256 * 1024;
/// Elements inside each other that are followed; real messages have eight.
pub const MAX_DEPTH: usize = 32;
/// Attributes that one element may have; real ones have six.
pub const MAX_ATTRIBUTES: usize = 64;

/// Why a body is not a CSTA message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Longer than [`MAX_SIZE`]; nothing of it was read.
    #[error("the body has {size} bytes, more than {MAX_SIZE}")]
    TooLarge {
        /// Its length in bytes.
        size: usize,
    },
    /// More than [`MAX_DEPTH`] elements inside each other.
    #[error("elements are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// An element with more than [`MAX_ATTRIBUTES`] attributes.
    #[error("an element has more than {MAX_ATTRIBUTES} attributes")]
    TooManyAttributes,
    /// A document type declaration: refused, because nothing good comes from one (section 15c).
    #[error("the body has a document type declaration")]
    DocType,
    /// No element at all.
    #[error("the body has no element")]
    NoRoot,
    /// The body ends before its root does.
    #[error("the body ends inside an element")]
    Truncated,
    /// Not well-formed.
    #[error("not well-formed at byte {offset}: {reason}")]
    Syntax {
        /// Where, in bytes of the text.
        offset: usize,
        /// What is wrong there.
        reason: Box<str>,
    },
}

/// A message from the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "an event, the hot path, must not be boxed; the others are rare")]
pub enum Message<'a> {
    /// An event of a monitor.
    Event(Event<'a>),
    /// The positive answer to a service.
    Response(Response<'a>),
    /// The negative answer, `CSTAErrorCode`.
    Fault(Fault),
    /// A service that the switch asks of us.
    Request(PeerRequest<'a>),
    /// A root that is none of these.
    Unknown {
        /// Its local name.
        root: Text<'a>,
    },
}

impl IntoStatic for Message<'_> {
    type Owned = Message<'static>;
    fn into_static(self) -> Message<'static> {
        match self {
            Self::Event(event) => Message::Event(event.into_static()),
            Self::Response(response) => Message::Response(response.into_static()),
            Self::Fault(fault) => Message::Fault(fault),
            Self::Request(request) => Message::Request(request.into_static()),
            Self::Unknown { root } => Message::Unknown { root: root.into_static() },
        }
    }
}
owned_method!(Message);

/// Reads one body (section 5): any edition, prefix and order of children, with or without declaration and byte order
/// mark; unknown elements are skipped, unknown words kept. The result borrows from `body` unless its charset is not UTF-8.
///
/// What stands behind the end of the root is not looked at.
///
/// # Errors
/// [`DecodeError`] for a body over a limit, with a DOCTYPE, without a root, cut off, or not well-formed.
pub fn decode(body: &[u8]) -> Result<Message<'_>, DecodeError> {
    decode_as(body, Charset::default())
}

/// The same, where the text that is not UTF-8 is in another charset than Latin-1 (U-40).
///
/// # Errors
/// Those of [`decode`].
pub fn decode_as(body: &[u8], fallback: Charset) -> Result<Message<'_>, DecodeError> {
    if body.len() > MAX_SIZE {
        return Err(DecodeError::TooLarge { size: body.len() });
    }
    match charset::text(body, fallback) {
        Cow::Borrowed(text) => message(text),
        Cow::Owned(text) => message(&text).map(Message::into_owned),
    }
}

fn message(text: &str) -> Result<Message<'_>, DecodeError> {
    let mut cursor = Cursor::new(text);
    let root = cursor.root()?;
    if root.ends_with("Event") {
        return event::event(&mut cursor, root).map(Message::Event);
    }
    if root == "CSTAErrorCode" {
        return value::fault(&mut cursor).map(Message::Fault);
    }
    if root.ends_with("Response") {
        return response::response(&mut cursor, root).map(Message::Response);
    }
    if let Some(service) = Service::parse(root) {
        return request::request(&mut cursor, service).map(Message::Request);
    }
    cursor.each(|_, _| Ok(()))?;
    Ok(Message::Unknown { root: Cow::Borrowed(root) })
}
