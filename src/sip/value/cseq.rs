//! CSeq (RFC 3261 20.16).

use crate::sip::wire::lexer::Lexer;

/// Number and method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The number; below 2^31 (RFC 3261 8.1.1.5), 2^32 - 1 at most is taken.
    pub number: u32,
    /// The method token.
    pub method: &'a [u8],
}

impl<'a> CSeq<'a> {
    /// Takes a whole value.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let mut lexer = Lexer::new(value);
        let number = u32::try_from(lexer.number()?).ok()?;
        let before = lexer.at();
        lexer.skip_blanks();
        if lexer.at() == before {
            return None;
        }
        let method = lexer.token()?;
        lexer.is_at_end().then_some(Self { number, method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_blanks_method() {
        let method = &b"INVITE"[..];
        assert_eq!(CSeq::parse(b"0009\r\n INVITE"), Some(CSeq { number: 9, method }));
        assert_eq!(CSeq::parse(b"36893488147419103232 REGISTER"), None);
        assert_eq!(CSeq::parse(b"1INVITE"), None);
        assert_eq!(CSeq::parse(b"1 INVITE x"), None);
    }
}
