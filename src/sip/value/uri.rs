//! URIs: sip, sips, tel, and any other scheme left as it is (RFC 3261 19.1, RFC 3966).

use crate::sip::strictness::{Leniency, Strictness};
use crate::sip::wire::lexer::{Params, decimal};

/// The scheme of a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `sip`.
    Sip,
    /// `sips`.
    Sips,
    /// `tel` (RFC 3966).
    Tel,
    /// Any other: the parts are not taken apart.
    Other,
}

/// A URI, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Uri<'a> {
    raw: &'a [u8],
    scheme: Scheme,
    user: Option<&'a [u8]>,
    host: &'a [u8],
    port: Option<u16>,
    params: &'a [u8],
    headers: Option<&'a [u8]>,
}

impl<'a> Uri<'a> {
    /// Takes a whole text as URI. `None` when it breaks the grammar under this strictness.
    #[must_use]
    pub fn parse(raw: &'a [u8], strictness: Strictness) -> Option<Self> {
        let colon = memchr::memchr(b':', raw)?;
        let name = raw.get(..colon)?;
        let rest = raw.get(colon + 1..)?;
        if rest.is_empty() || !is_scheme(name) {
            return None;
        }
        if raw.iter().any(|b| *b <= b' ' || *b == 0x7f) {
            return None;
        }
        let scheme = match name {
            n if n.eq_ignore_ascii_case(b"sip") => Scheme::Sip,
            n if n.eq_ignore_ascii_case(b"sips") => Scheme::Sips,
            n if n.eq_ignore_ascii_case(b"tel") => Scheme::Tel,
            _ => Scheme::Other,
        };
        let empty = Self { raw, scheme, user: None, host: b"", port: None, params: b"", headers: None };
        let odd = strictness.forgives(Leniency::OddUriCharacters);
        match scheme {
            Scheme::Sip | Scheme::Sips => empty.hierarchy(rest, odd),
            Scheme::Tel => {
                let (number, params) = split_at(rest, b';');
                let fits = odd || number.iter().all(|b| is_phone_byte(*b));
                (fits && !number.is_empty()).then_some(Self { user: Some(number), params, ..empty })
            }
            Scheme::Other => Some(empty),
        }
    }

    fn hierarchy(mut self, rest: &'a [u8], odd: bool) -> Option<Self> {
        let mut after = rest;
        // A user part may hold any of ";?/" (RFC 3261 25.1), hence the last "@" before the host decides.
        if let Some(at) = memchr::memrchr(b'@', rest) {
            let user = rest.get(..at)?;
            if user.is_empty() || !(odd || escaped(user, |b| is_user_byte(b) || b == b':')) {
                return None;
            }
            self.user = Some(user);
            after = rest.get(at + 1..)?;
        }
        let (hostport, tail) = match after.iter().position(|b| matches!(b, b';' | b'?')) {
            Some(end) => after.split_at_checked(end)?,
            None => (after, &b""[..]),
        };
        let (params, headers) = split_at(tail, b'?');
        (self.host, self.port) = host_port(hostport)?;
        self.params = params;
        self.headers = headers.get(1..);
        let valid = odd
            || (escaped(params, |b| is_param_byte(b) || matches!(b, b';' | b'='))
                && self.headers.is_none_or(|h| escaped(h, |b| is_header_byte(b) || matches!(b, b'&' | b'='))));
        valid.then_some(self)
    }

    /// The octets as they came.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.raw
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// User part with password and escapes, or the number of a tel URI.
    #[must_use]
    pub const fn user(&self) -> Option<&'a [u8]> {
        self.user
    }

    /// Host with the brackets of IPv6; empty for tel and other schemes.
    #[must_use]
    pub const fn host(&self) -> &'a [u8] {
        self.host
    }

    /// Port, if given.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// URI parameters.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        Params::new(self.params)
    }

    /// The octets behind `?`.
    #[must_use]
    pub const fn headers(&self) -> Option<&'a [u8]> {
        self.headers
    }

    /// Whether user, host and port are the same (a short form of RFC 3261 19.1.4: enough to know a Contact of ours again).
    #[must_use]
    pub fn is_same_place(&self, other: &Uri<'_>) -> bool {
        self.user == other.user
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(5060) == other.port.unwrap_or(5060)
    }
}

/// Splits before the first `byte`.
fn split_at(bytes: &[u8], byte: u8) -> (&[u8], &[u8]) {
    let end = memchr::memchr(byte, bytes).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, b""))
}

/// `host [":" port]`: name, IPv4, or IPv6 in brackets.
#[must_use]
pub fn host_port(text: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let end = if text.first() == Some(&b'[') {
        let close = memchr::memchr(b']', text)?;
        let address = std::str::from_utf8(text.get(1..close)?).ok()?;
        address.parse::<std::net::Ipv6Addr>().ok()?;
        close + 1
    } else {
        memchr::memchr(b':', text).unwrap_or(text.len())
    };
    let (host, port) = text.split_at_checked(end)?;
    let named = host.first() == Some(&b'[')
        || (!host.is_empty() && host.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')));
    if !named {
        return None;
    }
    if port.is_empty() {
        return Some((host, None));
    }
    let port = u16::try_from(decimal(port.get(1..)?)?).ok()?;
    Some((host, Some(port)))
}

fn is_scheme(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// Whether every octet fits and every `%` has two hex digits.
fn escaped(text: &[u8], fits: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'%' {
            let hex = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
            if !(hex(bytes.next()) && hex(bytes.next())) {
                return false;
            }
        } else if !fits(*byte) {
            return false;
        }
    }
    true
}

const fn is_unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

const fn is_user_byte(b: u8) -> bool {
    is_unreserved(b) || matches!(b, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/')
}

const fn is_param_byte(b: u8) -> bool {
    is_unreserved(b) || matches!(b, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$')
}

const fn is_header_byte(b: u8) -> bool {
    is_unreserved(b) || matches!(b, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$')
}

const fn is_phone_byte(b: u8) -> bool {
    b.is_ascii_hexdigit() || matches!(b, b'+' | b'-' | b'.' | b'(' | b')' | b'*' | b'#')
}

/// Escapes what a user part cannot hold (RFC 3261 25.1 `user`).
#[must_use]
pub fn escape_user(user: &str) -> String {
    let mut out = String::with_capacity(user.len());
    for byte in user.bytes() {
        if is_user_byte(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A host as it stands in a URI: IPv6 gets its brackets.
#[must_use]
pub fn bracket_host(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn strict(text: &str) -> Option<Uri<'_>> {
        Uri::parse(text.as_bytes(), Strictness::Rfc)
    }

    #[test]
    fn parts_of_a_sip_uri() {
        let uri = strict("sip:211_0A1B:pw@[2001:db8::1]:5062;transport=tcp;lr?a=b").unwrap();
        assert_eq!(uri.scheme(), Scheme::Sip);
        assert_eq!(uri.user(), Some(&b"211_0A1B:pw"[..]));
        assert_eq!(uri.host(), b"[2001:db8::1]");
        assert_eq!(uri.port(), Some(5062));
        assert_eq!(uri.params().value("transport"), Some(&b"tcp"[..]));
        assert_eq!(uri.headers(), Some(&b"a=b"[..]));
    }

    #[test]
    fn unknown_schemes_and_tel_are_taken() {
        assert_eq!(strict("soap.beep://192.0.2.103:3002").unwrap().scheme(), Scheme::Other);
        let tel = strict("tel:211;device=0A1B2C3D4E5F").unwrap();
        assert_eq!(tel.user(), Some(&b"211"[..]));
        assert_eq!(tel.params().value("device"), Some(&b"0A1B2C3D4E5F"[..]));
    }

    #[test]
    fn broken_ones_are_not() {
        for text in
            ["", "sip:", "sip:@h", "sip:a@", "sip:a@h:99999", "sip:a b@h", "sip:a%zz@h", "sip:a@[::1", "sip:a@h:"]
        {
            assert!(strict(text).is_none(), "{text}");
        }
        assert!(Uri::parse(b"sip:a%zz@h", Strictness::Router).is_some());
    }

    #[test]
    fn users_are_escaped() {
        assert_eq!(escape_user("a b#1@x"), "a%20b%231%40x");
        assert_eq!(bracket_host("::1"), "[::1]");
    }
}
