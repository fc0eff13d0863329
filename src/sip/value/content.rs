//! Content-Type (RFC 3261 20.15) and what this project does with types.

use crate::sip::wire::lexer::{Lexer, Params, unquote};

/// A media type with parameters.
#[derive(Debug, Clone, Copy)]
pub struct ContentType<'a> {
    main: &'a [u8],
    sub: &'a [u8],
    params: Params<'a>,
}

impl<'a> ContentType<'a> {
    /// Takes a whole value.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let mut lexer = Lexer::new(value);
        let main = lexer.token()?;
        if !lexer.eat_spaced(b'/') {
            return None;
        }
        let sub = lexer.token()?;
        let params = lexer.params(false)?;
        lexer.skip_blanks();
        lexer.is_at_end().then_some(Self { main, sub, params })
    }

    /// Whether this is the given type, in any case and with any parameters.
    #[must_use]
    pub fn is(&self, main: &str, sub: &str) -> bool {
        self.main.eq_ignore_ascii_case(main.as_bytes()) && self.sub.eq_ignore_ascii_case(sub.as_bytes())
    }

    /// Whether this is CSTA XML: either of the two names registered at IANA (dossier 3.8).
    #[must_use]
    pub fn is_csta(&self) -> bool {
        self.is("application", "csta+xml") || self.is("application", "CSTAdata+xml")
    }

    /// Whether this carries keypad tones, which a gateway without media acknowledges and ignores (dossier 15c).
    #[must_use]
    pub fn is_keypad(&self) -> bool {
        self.is("application", "dtmf-relay")
            || self.is("application", "dtmf")
            || self.is("application", "dtmf-info")
            || self.is("audio", "telephone-event")
    }

    /// Whether this is a multipart type.
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        self.main.eq_ignore_ascii_case(b"multipart")
    }

    /// The boundary of a multipart type (RFC 2046 5.1.1).
    #[must_use]
    pub fn boundary(&self) -> Option<String> {
        self.params.value("boundary").map(unquote).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn spellings_of_csta() {
        for text in ["application/csta+xml", "APPLICATION / CSTA+XML ; charset=utf-8", "application/CSTAdata+xml"] {
            assert!(ContentType::parse(text.as_bytes()).unwrap().is_csta(), "{text}");
        }
        assert!(!ContentType::parse(b"application/sdp").unwrap().is_csta());
        assert!(ContentType::parse(b"application").is_none());
    }

    #[test]
    fn boundaries_may_be_quoted() {
        let kind = ContentType::parse(b"multipart/mixed; boundary=\"a b\"").unwrap();
        assert_eq!(kind.boundary().as_deref(), Some("a b"));
    }
}
