//! `name-addr` and `addr-spec` with parameters: From, To, Contact, Route (RFC 3261 20.10, 20.20, 20.39).

use crate::sip::strictness::{Leniency, Strictness};
use crate::sip::value::uri::Uri;
use crate::sip::wire::lexer::{Lexer, Params, is_token_byte, unquote};

/// Display name, URI and header parameters.
#[derive(Debug, Clone, Copy)]
pub struct NameAddr<'a> {
    display: &'a [u8],
    uri: Uri<'a>,
    params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Takes a whole value.
    #[must_use]
    pub fn parse(value: &'a [u8], strictness: Strictness) -> Option<Self> {
        let mut lexer = Lexer::new(value);
        let found = Self::take(&mut lexer, strictness)?;
        lexer.skip_blanks();
        lexer.is_at_end().then_some(found)
    }

    /// Takes one address off a list; stops before a comma or at the end.
    pub fn take(lexer: &mut Lexer<'a>, strictness: Strictness) -> Option<Self> {
        lexer.skip_blanks();
        let start = lexer.at();
        let bracketed = if lexer.peek() == Some(b'"') {
            lexer.quoted()?;
            true
        } else {
            Self::skip_display(lexer, strictness)?
        };
        let display = lexer.since(start).trim_ascii();
        lexer.skip_blanks();
        let loose = strictness.forgives(Leniency::EmptyParameters);
        if bracketed {
            if !lexer.eat(b'<') {
                return None;
            }
            let inner = lexer.take_while(|b| b != b'>');
            if !lexer.eat(b'>') {
                return None;
            }
            let inner = if strictness.forgives(Leniency::BlanksInBrackets) { inner.trim_ascii() } else { inner };
            return Some(Self { display, uri: Uri::parse(inner, strictness)?, params: lexer.params(loose)? });
        }
        // Without brackets every parameter belongs to the header, and "," and "?" end the address (RFC 3261 20).
        let question = strictness.forgives(Leniency::ContactWithoutBrackets);
        let spec = lexer.take_while(|b| !matches!(b, b';' | b',' | b' ' | b'\t' | b'\r' | b'\n'));
        let uri = Uri::parse(spec, strictness)?;
        if uri.headers().is_some() && !question {
            return None;
        }
        Some(Self { display: b"", uri, params: lexer.params(loose)? })
    }

    /// Whether brackets follow; then the cursor stands before `<`.
    fn skip_display(lexer: &mut Lexer<'a>, strictness: Strictness) -> Option<bool> {
        let rest = lexer.rest();
        let Some(open) = memchr::memchr(b'<', rest) else {
            return Some(false);
        };
        let name = rest.get(..open)?;
        let tokens = name.iter().all(|b| is_token_byte(*b) || b.is_ascii_whitespace());
        // A colon before the bracket: a bare URI, and the bracket belongs to a later address.
        if !tokens && memchr::memchr2(b':', b',', name).is_some_and(|at| name.get(at) == Some(&b':')) {
            return Some(false);
        }
        if !tokens && !strictness.forgives(Leniency::DisplayNameUnquoted) {
            return None;
        }
        lexer.advance(open);
        Some(true)
    }

    /// The display name without quotes and escapes; empty when there is none.
    #[must_use]
    pub fn display(&self) -> String {
        unquote(self.display)
    }

    /// The URI.
    #[must_use]
    pub const fn uri(&self) -> Uri<'a> {
        self.uri
    }

    /// Header parameters.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.params.value("tag")
    }
}

/// All addresses of a comma separated list; `None` when one of them is malformed.
#[must_use]
pub fn list(value: &[u8], strictness: Strictness) -> Option<Vec<NameAddr<'_>>> {
    let mut lexer = Lexer::new(value);
    let mut all = Vec::new();
    loop {
        all.push(NameAddr::take(&mut lexer, strictness)?);
        lexer.skip_blanks();
        if lexer.is_at_end() {
            return Some(all);
        }
        if !lexer.eat(b',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const RFC: Strictness = Strictness::Rfc;

    #[test]
    fn display_uri_and_tag() {
        let from = NameAddr::parse(b"\"cti <x>, \\\"gw\" <sip:211@gw>;tag=L1", RFC).unwrap();
        assert_eq!(from.display(), "cti <x>, \"gw");
        assert_eq!(from.uri().as_bytes(), b"sip:211@gw");
        assert_eq!(from.tag(), Some(&b"L1"[..]));
        assert_eq!(NameAddr::parse(b"caller<sip:a@b>", RFC).unwrap().display(), "caller");
    }

    #[test]
    fn without_brackets_parameters_are_the_headers() {
        let to = NameAddr::parse(b"sip:a@b;tag=1", RFC).unwrap();
        assert_eq!(to.uri().as_bytes(), b"sip:a@b");
        assert_eq!(to.tag(), Some(&b"1"[..]));
    }

    #[test]
    fn lists_split_at_the_right_commas() {
        let all = list(b"\"a,b\" <sip:a@b>;q=1 , sip:c@d,<sip:e,f@g>", RFC).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(all[2].uri().user(), Some(&b"e,f"[..]));
        assert!(list(b"<sip:a@b>,", RFC).is_none());
    }

    #[test]
    fn leniency_decides() {
        for text in ["Bell, Alexander <sip:a@b>", "<sip:a@b >", "sip:a@b?x=y", "<sip:a@b>;;x"] {
            assert!(NameAddr::parse(text.as_bytes(), RFC).is_none(), "{text}");
            assert!(NameAddr::parse(text.as_bytes(), Strictness::Router).is_some(), "{text}");
        }
    }
}
