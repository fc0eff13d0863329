//! Challenges: WWW-Authenticate, Proxy-Authenticate, Authentication-Info (RFC 3261 22, RFC 7616, RFC 8760).

use crate::sip::wire::lexer::{Lexer, unquote};

/// A hash for digest access authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Algorithm {
    /// RFC 2617; also meant by a challenge without `algorithm`.
    Md5,
    /// RFC 2617 with the session variant of A1.
    Md5Sess,
    /// RFC 7616, RFC 8760.
    Sha256,
    /// RFC 7616 with the session variant of A1.
    Sha256Sess,
}

impl Algorithm {
    fn from_name(name: &str) -> Option<Self> {
        let known = [Self::Md5, Self::Md5Sess, Self::Sha256, Self::Sha256Sess];
        known.into_iter().find(|a| a.as_str().eq_ignore_ascii_case(name))
    }

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
        }
    }
}

/// A Digest challenge that we can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Realm.
    pub realm: String,
    /// Nonce.
    pub nonce: String,
    /// Opaque value to send back.
    pub opaque: Option<String>,
    /// Hash.
    pub algorithm: Algorithm,
    /// Whether the challenge named its algorithm; else we do not name it either (RFC 2069 peers).
    pub algorithm_named: bool,
    /// `qop` offers `auth`.
    pub qop_auth: bool,
    /// `qop` offers `auth-int`.
    pub qop_auth_int: bool,
    /// The nonce was too old, the credentials were right.
    pub is_stale: bool,
}

impl Challenge {
    /// Every answerable challenge in one header value; other schemes and algorithms are left out.
    #[must_use]
    pub fn list(value: &[u8]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let mut lexer = Lexer::new(value);
        lexer.skip_blanks();
        let mut scheme: Option<&[u8]> = lexer.token();
        while let Some(name) = scheme.take() {
            lexer.skip_blanks();
            let mut pairs = Vec::new();
            scheme = auth_params(&mut lexer, &mut pairs);
            if name.eq_ignore_ascii_case(b"Digest") {
                all.extend(Self::from_pairs(&pairs));
            }
        }
        all
    }

    fn from_pairs(pairs: &[(&[u8], &[u8])]) -> Option<Self> {
        let find = |name: &str| {
            pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| unquote(value))
        };
        let named = find("algorithm");
        let qop = find("qop").unwrap_or_default();
        let offers = |name: &str| qop.split(',').any(|q| q.trim().eq_ignore_ascii_case(name));
        let (qop_auth, qop_auth_int) = (offers("auth"), offers("auth-int"));
        // A qop that offers nothing we know cannot be answered (RFC 7616 3.3: unrecognized options are ignored; none left).
        if !qop.trim().is_empty() && !qop_auth && !qop_auth_int {
            return None;
        }
        Some(Self {
            realm: find("realm")?,
            nonce: find("nonce")?,
            opaque: find("opaque"),
            algorithm: named.as_deref().map_or(Some(Algorithm::Md5), Algorithm::from_name)?,
            algorithm_named: named.is_some(),
            qop_auth,
            qop_auth_int,
            is_stale: find("stale").is_some_and(|s| s.eq_ignore_ascii_case("true")),
        })
    }

    /// The strongest challenge; among equals the first, which the peer likes best (RFC 8760 2.4, dossier 3.6).
    #[must_use]
    pub fn strongest(all: Vec<Self>) -> Option<Self> {
        let is_strong = |c: &Self| matches!(c.algorithm, Algorithm::Sha256 | Algorithm::Sha256Sess);
        let strong = all.iter().position(is_strong).unwrap_or(0);
        all.into_iter().nth(strong)
    }
}

/// Takes `name = value, …`; returns the scheme of the next challenge in the same value.
fn auth_params<'a>(lexer: &mut Lexer<'a>, pairs: &mut Vec<(&'a [u8], &'a [u8])>) -> Option<&'a [u8]> {
    loop {
        lexer.take_while(|b| b == b',' || b.is_ascii_whitespace());
        let name = lexer.token()?;
        if !lexer.eat_spaced(b'=') {
            return Some(name);
        }
        let value = if lexer.peek() == Some(b'"') {
            lexer.quoted()?
        } else {
            lexer.take_while(|b| b != b',' && !b.is_ascii_whitespace())
        };
        pairs.push((name, value));
    }
}

/// The `nextnonce` of Authentication-Info (RFC 7616 3.5).
#[must_use]
pub fn next_nonce(value: &[u8]) -> Option<String> {
    let mut pairs = Vec::new();
    let mut lexer = Lexer::new(value);
    auth_params(&mut lexer, &mut pairs);
    pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"nextnonce")).map(|(_, value)| unquote(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn several_challenges_in_one_value() {
        let value = b"Digest realm=\"a, b\", nonce=\"1\", algorithm=MD5, Basic realm=\"x\", Digest realm=\"a\",\r\n nonce=\"2\", algorithm=\"SHA-256\", qop=\"auth,auth-int\", stale=TRUE, opaque=\"o\"";
        let all = Challenge::list(value);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].realm, "a, b");
        let best = Challenge::strongest(all).unwrap();
        assert_eq!(best.algorithm, Algorithm::Sha256);
        assert!(best.is_stale && best.qop_auth && best.qop_auth_int);
        assert_eq!(best.opaque.as_deref(), Some("o"));
    }

    #[test]
    fn among_equals_the_first_is_taken() {
        let value = b"Digest realm=\"a\", nonce=\"1\", Digest realm=\"b\", nonce=\"2\"";
        let mut all = Challenge::list(value);
        all.extend(Challenge::list(b"Digest realm=\"c\", nonce=\"3\""));
        assert_eq!(Challenge::strongest(all).unwrap().realm, "a");
        assert_eq!(Challenge::strongest(Vec::new()), None);
    }

    #[test]
    fn what_cannot_be_answered_is_left_out() {
        assert!(Challenge::list(b"Digest realm=\"a\", nonce=\"1\", algorithm=SHA-512-256").is_empty());
        assert!(Challenge::list(b"Digest realm=\"a\"").is_empty());
        assert!(Challenge::list(b"NoOneKnowsThisScheme opaque-data=here").is_empty());
        assert!(Challenge::list(b"").is_empty());
    }

    #[test]
    fn nextnonce_is_found() {
        assert_eq!(next_nonce(b"qop=auth, nextnonce=\"abc\"").as_deref(), Some("abc"));
    }
}
