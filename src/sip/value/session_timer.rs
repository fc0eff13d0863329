//! Session-Expires and Min-SE (RFC 4028).

use crate::sip::wire::lexer::{Lexer, decimal};

/// Who refreshes a session (RFC 4028 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refresher {
    /// The sender of the request that the value belongs to.
    Uac,
    /// Its receiver.
    Uas,
}

impl Refresher {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        }
    }
}

/// A Session-Expires value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires {
    /// Interval, seconds.
    pub interval_s: u32,
    /// Who refreshes, if said.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// Takes a whole value.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (interval_s, refresher) = delta(value)?;
        let refresher = match refresher {
            Some(r) if r.eq_ignore_ascii_case(b"uac") => Some(Refresher::Uac),
            Some(r) if r.eq_ignore_ascii_case(b"uas") => Some(Refresher::Uas),
            _ => None,
        };
        Some(Self { interval_s, refresher })
    }
}

fn delta(value: &[u8]) -> Option<(u32, Option<&[u8]>)> {
    let mut lexer = Lexer::new(value);
    let seconds = decimal(lexer.take_while(|b| b.is_ascii_digit()))?;
    let params = lexer.params(true)?;
    lexer.skip_blanks();
    let seconds = u32::try_from(seconds).ok()?;
    lexer.is_at_end().then(|| (seconds, params.value("refresher")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_and_refresher() {
        let parsed = SessionExpires::parse(b"1800 ; refresher=UAS");
        let refresher = Some(Refresher::Uas);
        assert_eq!(parsed, Some(SessionExpires { interval_s: 1800, refresher }));
        assert_eq!(SessionExpires::parse(b"1E3"), None);
        assert_eq!(SessionExpires::parse(b"90").and_then(|s| s.refresher), None);
    }
}
