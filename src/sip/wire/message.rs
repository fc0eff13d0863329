//! A message: one shared buffer and offsets into it.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::headers::{Field, HeaderName};
use super::lexer::{Lexer, decimal};
use crate::sip::error::ParseError;
use crate::sip::method::Method;
use crate::sip::strictness::Strictness;
use crate::sip::value::content::ContentType;
use crate::sip::value::cseq::CSeq;
use crate::sip::value::name_addr::NameAddr;
use crate::sip::value::uri::Uri;
use crate::sip::value::via::Via;

/// The first line of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartLine {
    /// `METHOD uri SIP/2.0`.
    Request {
        /// The method.
        method: Method,
        /// Offsets of the Request-URI.
        uri: Range<usize>,
    },
    /// `SIP/2.0 code reason`.
    Status {
        /// 100 to 699.
        code: u16,
        /// Offsets of the reason phrase; may be empty, may be no UTF-8.
        reason: Range<usize>,
    },
}

/// A parsed message. Everything is a slice of the bytes that came.
#[derive(Clone)]
pub struct Message {
    pub(super) raw: Bytes,
    pub(super) start: StartLine,
    pub(super) fields: Vec<Field>,
    pub(super) body: Range<usize>,
    pub(super) strictness: Strictness,
}

impl Message {
    /// The first line.
    #[must_use]
    pub const fn start(&self) -> &StartLine {
        &self.start
    }

    /// The method of a request.
    #[must_use]
    pub const fn method(&self) -> Option<&Method> {
        match &self.start {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Status { .. } => None,
        }
    }

    /// The status code of a response.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self.start {
            StartLine::Status { code, .. } => Some(code),
            StartLine::Request { .. } => None,
        }
    }

    /// The reason phrase of a response, folded to UTF-8; empty for requests.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.start {
            StartLine::Status { reason, .. } => String::from_utf8_lossy(self.slice(reason.clone())).into_owned(),
            StartLine::Request { .. } => String::new(),
        }
    }

    /// The octets of the Request-URI; empty for responses.
    #[must_use]
    pub fn request_uri_bytes(&self) -> &[u8] {
        match &self.start {
            StartLine::Request { uri, .. } => self.slice(uri.clone()),
            StartLine::Status { .. } => &[],
        }
    }

    /// The Request-URI.
    #[must_use]
    pub fn request_uri(&self) -> Option<Uri<'_>> {
        Uri::parse(self.request_uri_bytes(), self.strictness)
    }

    /// All header fields in order.
    pub fn fields(&self) -> impl Iterator<Item = (HeaderName, &[u8], &[u8])> {
        self.fields.iter().map(|field| (field.id, self.name(field), self.value(field)))
    }

    /// The values of every field with this name; folds inside.
    pub fn all(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().filter(move |field| field.id == name).map(|field| self.value(field))
    }

    /// The value of the first field with this name; folds inside.
    #[must_use]
    pub fn first(&self, name: HeaderName) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The value of the first field with this name as text, folds replaced by one blank.
    #[must_use]
    pub fn text(&self, name: HeaderName) -> Option<Cow<'_, str>> {
        self.first(name).map(unfold)
    }

    /// The first value of a header that this crate does not know, by a test on its name.
    pub fn find_other(&self, fits: impl Fn(&[u8]) -> bool) -> Option<Cow<'_, str>> {
        self.fields().find(|(_, name, _)| fits(name)).map(|(_, _, value)| unfold(value))
    }

    /// The top Via.
    #[must_use]
    pub fn via(&self) -> Option<Via<'_>> {
        let mut lexer = Lexer::new(self.first(HeaderName::Via)?);
        Via::take(&mut lexer, self.strictness)
    }

    /// From.
    #[must_use]
    pub fn from(&self) -> Option<NameAddr<'_>> {
        NameAddr::parse(self.first(HeaderName::From)?, self.strictness)
    }

    /// To.
    #[must_use]
    pub fn to(&self) -> Option<NameAddr<'_>> {
        NameAddr::parse(self.first(HeaderName::To)?, self.strictness)
    }

    /// Call-ID.
    #[must_use]
    pub fn call_id(&self) -> Option<&[u8]> {
        self.first(HeaderName::CallId)
    }

    /// CSeq.
    #[must_use]
    pub fn cseq(&self) -> Option<CSeq<'_>> {
        CSeq::parse(self.first(HeaderName::CSeq)?)
    }

    /// A header that is one decimal number, parameters and comments after it passed over.
    #[must_use]
    pub fn number(&self, name: HeaderName) -> Option<u32> {
        let mut lexer = Lexer::new(self.first(name)?);
        decimal(lexer.take_while(|b| b.is_ascii_digit()))
            .and_then(|value| u32::try_from(value).ok())
            .filter(|_| !lexer.peek().is_some_and(super::lexer::is_token_byte))
    }

    /// Content-Type.
    #[must_use]
    pub fn content_type(&self) -> Option<ContentType<'_>> {
        ContentType::parse(self.first(HeaderName::ContentType)?)
    }

    /// Tokens of a comma separated header (Supported, Require, Allow, Unsupported).
    pub fn tokens(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.all(name)
            .flat_map(|value| value.split(|b| *b == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|token| !token.is_empty())
    }

    /// The body; shares the buffer.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.raw.slice(self.body.clone())
    }

    /// Whether there is a body.
    #[must_use]
    pub fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// The whole message as it came.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.raw
    }

    /// Checks what every message needs: the headers of RFC 3261 8.1.1 once each (Via at least once), Max-Forwards at most once.
    ///
    /// # Errors
    /// [`ParseError::Missing`] or [`ParseError::Repeated`]: a request gets 400, a response is dropped.
    pub fn required(&self) -> Result<(), ParseError> {
        use HeaderName as H;
        if self.first(H::Via).is_none() {
            return Err(ParseError::Missing { name: H::Via });
        }
        for name in [H::From, H::To, H::CallId, H::CSeq] {
            match self.all(name).take(2).count() {
                0 => return Err(ParseError::Missing { name }),
                1 => {}
                _ => return Err(ParseError::Repeated { name }),
            }
        }
        if self.all(H::MaxForwards).take(2).count() > 1 {
            let name = H::MaxForwards;
            return Err(ParseError::Repeated { name });
        }
        Ok(())
    }

    fn slice(&self, range: Range<usize>) -> &[u8] {
        self.raw.get(range).unwrap_or_default()
    }

    fn name(&self, field: &Field) -> &[u8] {
        self.slice(field.name.0 as usize..field.name.1 as usize)
    }

    fn value(&self, field: &Field) -> &[u8] {
        self.slice(field.value.0 as usize..field.value.1 as usize)
    }
}

/// Only method or status: heads may hold credentials, bodies hold people.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Message");
        match &self.start {
            StartLine::Request { method, .. } => out.field("method", method),
            StartLine::Status { code, .. } => out.field("status", code),
        };
        out.field("headers", &self.fields.len()).field("body", &self.body.len()).finish()
    }
}

/// A value as text: folds become one blank, octets that are no UTF-8 become U+FFFD.
#[must_use]
pub fn unfold(value: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\n', value).is_none() {
        return String::from_utf8_lossy(value);
    }
    let mut plain = Vec::with_capacity(value.len());
    for line in value.split(|b| *b == b'\n') {
        if !plain.is_empty() {
            plain.push(b' ');
        }
        plain.extend_from_slice(line.trim_ascii());
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}
