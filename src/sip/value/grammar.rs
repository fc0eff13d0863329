//! One question for each known header: does this value keep to its grammar?

use crate::sip::strictness::{Leniency, Strictness};
use crate::sip::value::content::ContentType;
use crate::sip::value::cseq::CSeq;
use crate::sip::value::name_addr::{NameAddr, list};
use crate::sip::value::session_timer::SessionExpires;
use crate::sip::value::{contact, date, via};
use crate::sip::wire::headers::HeaderName;
use crate::sip::wire::lexer::{Lexer, decimal, is_word_byte};

/// Whether the value of a header is well formed. Headers whose grammar does not matter here always are.
#[must_use]
pub fn is_valid(name: HeaderName, value: &[u8], strictness: Strictness) -> bool {
    use HeaderName as H;
    match name {
        H::Via => via::is_list(value, strictness),
        H::From | H::To => NameAddr::parse(value, strictness).is_some(),
        H::CallId => is_call_id(value, strictness),
        H::CSeq => CSeq::parse(value).is_some(),
        H::Contact => contact::is_valid(value, strictness),
        H::MaxForwards => decimal(value).is_some_and(|hops| hops <= 255),
        // Checked where the body is cut.
        H::ContentLength => true,
        H::Route | H::RecordRoute => list(value, strictness).is_some(),
        H::ContentType => ContentType::parse(value).is_some(),
        H::SessionExpires | H::MinSe => SessionExpires::parse(value).is_some(),
        H::Expires | H::MinExpires => decimal(value).is_some_and(|s| s <= u64::from(u32::MAX)),
        H::RetryAfter => is_retry_after(value),
        H::Warning => is_warning(value),
        H::Date => strictness.forgives(Leniency::DateInAnyForm) || date::is_rfc1123(value),
        H::Timestamp => {
            strictness.forgives(Leniency::TimestampInAnyForm)
                || value.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b' ' | b'\t'))
        }
        _ => true,
    }
}

fn is_call_id(value: &[u8], strictness: Strictness) -> bool {
    if strictness.forgives(Leniency::OddCallId) {
        return !value.is_empty() && !value.iter().any(u8::is_ascii_whitespace);
    }
    let mut words = value.split(|b| *b == b'@');
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(|b| is_word_byte(*b));
    words.next().is_some_and(is_word) && words.next().is_none_or(is_word) && words.next().is_none()
}

/// Delta seconds, then a comment or parameters (RFC 3261 20.33).
fn is_retry_after(value: &[u8]) -> bool {
    let mut lexer = Lexer::new(value);
    let seconds = lexer.number().is_some_and(|s| s <= u64::from(u32::MAX));
    lexer.skip_blanks();
    seconds && matches!(lexer.peek(), None | Some(b'(' | b';'))
}

/// Three digits, agent, quoted text (RFC 3261 20.43).
fn is_warning(value: &[u8]) -> bool {
    let mut lexer = Lexer::new(value);
    loop {
        lexer.skip_blanks();
        if lexer.take_while(|b| b.is_ascii_digit()).len() != 3 || !lexer.eat(b' ') {
            return false;
        }
        lexer.skip_blanks();
        let agent = lexer.take_while(|b| b > b' ' && b != b'"');
        lexer.skip_blanks();
        if agent.is_empty() || lexer.quoted().is_none() {
            return false;
        }
        lexer.skip_blanks();
        if lexer.is_at_end() {
            return true;
        }
        if !lexer.eat(b',') {
            return false;
        }
    }
}

/// The text of the first Warning.
#[must_use]
pub fn warning_text(value: &[u8]) -> Option<String> {
    let quote = memchr::memchr(b'"', value)?;
    let mut lexer = Lexer::new(value.get(quote..)?);
    lexer.quoted().map(crate::sip::wire::lexer::unquote)
}

/// The seconds of Retry-After.
#[must_use]
pub fn retry_after_s(value: &[u8]) -> Option<u32> {
    Lexer::new(value).number().and_then(|s| u32::try_from(s).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_numbers() {
        let rfc = Strictness::Rfc;
        assert!(is_valid(HeaderName::MaxForwards, b"0068", rfc));
        assert!(!is_valid(HeaderName::MaxForwards, b"300", rfc));
        assert!(!is_valid(HeaderName::Expires, b"1E41", rfc));
        assert!(!is_valid(HeaderName::RetryAfter, b"949302838503028349304023988", rfc));
        assert!(!is_valid(HeaderName::Warning, b"1812 overture \"In Progress\"", rfc));
        assert!(is_valid(HeaderName::Warning, b"399 gw \"a\", 399 gw \"b\"", rfc));
    }

    #[test]
    fn call_ids() {
        assert!(is_valid(HeaderName::CallId, b"a@b", Strictness::Rfc));
        assert!(!is_valid(HeaderName::CallId, b"a@b@c", Strictness::Rfc));
        assert!(is_valid(HeaderName::CallId, b"a@b@c", Strictness::Router));
        assert!(!is_valid(HeaderName::CallId, b"a b", Strictness::Router));
    }

    #[test]
    fn texts_of_trouble() {
        assert_eq!(warning_text(b"399 gw \"no \\\"x\"").as_deref(), Some("no \"x"));
        assert_eq!(retry_after_s(b"18000;duration=3600"), Some(18000));
    }
}
