//! Via (RFC 3261 20.42, RFC 3581).

use crate::sip::strictness::{Leniency, Strictness};
use crate::sip::value::uri::host_port;
use crate::sip::wire::lexer::{Lexer, Params};

/// One Via value.
#[derive(Debug, Clone, Copy)]
pub struct Via<'a> {
    transport: &'a [u8],
    host: &'a [u8],
    port: Option<u16>,
    params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Takes one value off a list; stops before a comma or at the end.
    pub fn take(lexer: &mut Lexer<'a>, strictness: Strictness) -> Option<Self> {
        lexer.skip_blanks();
        let name = lexer.token()?;
        if !name.eq_ignore_ascii_case(b"SIP") || !lexer.eat_spaced(b'/') {
            return None;
        }
        if lexer.token()? != b"2.0" || !lexer.eat_spaced(b'/') {
            return None;
        }
        let transport = lexer.token()?;
        if !matches!(lexer.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            return None;
        }
        lexer.skip_blanks();
        let (host, mut port) =
            host_port(lexer.take_while(|b| !matches!(b, b';' | b',' | b' ' | b'\t' | b'\r' | b'\n')))?;
        // Blanks may stand around the colon (RFC 3261 25.1, COLON).
        if port.is_none() && lexer.eat_spaced(b':') {
            port = Some(u16::try_from(lexer.number()?).ok()?);
        }
        let params = lexer.params(strictness.forgives(Leniency::EmptyParameters))?;
        Some(Self { transport, host, port, params })
    }

    /// The transport as it came.
    #[must_use]
    pub const fn transport(&self) -> &'a [u8] {
        self.transport
    }

    /// Host of sent-by.
    #[must_use]
    pub const fn host(&self) -> &'a [u8] {
        self.host
    }

    /// Port of sent-by.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The branch.
    #[must_use]
    pub fn branch(&self) -> Option<&'a [u8]> {
        self.params.value("branch")
    }

    /// All parameters.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        self.params
    }
}

/// Whether a value is a list of well-formed Vias.
#[must_use]
pub fn is_list(value: &[u8], strictness: Strictness) -> bool {
    let mut lexer = Lexer::new(value);
    loop {
        if Via::take(&mut lexer, strictness).is_none() {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn blanks_everywhere_and_ipv6() {
        let text = b"SIP  / 2.0  / TCP     [::1]:5070   ;branch  =   z9hG4bK9 ;rport, SIP/2.0/UDP b";
        let via = Via::take(&mut Lexer::new(text), Strictness::Rfc).unwrap();
        assert_eq!(via.transport(), b"TCP");
        assert_eq!((via.host(), via.port()), (&b"[::1]"[..], Some(5070)));
        assert_eq!(via.branch(), Some(&b"z9hG4bK9"[..]));
        assert_eq!(via.params().find("rport"), Some(None));
        assert!(is_list(text, Strictness::Rfc));
    }

    #[test]
    fn empty_parameters_need_leniency() {
        let text = b"SIP/2.0/UDP 192.0.2.15;;";
        assert!(!is_list(text, Strictness::Rfc));
        assert!(is_list(text, Strictness::Router));
        assert!(!is_list(b"SIP/2.0/UDP", Strictness::Router));
    }
}
