//! The address of a gateway.

use std::fmt;

use crate::LinkError;

/// Where a gateway is: `https://gateway:8443`, or `http://` for one on the same machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// With TLS.
    pub is_secure: bool,
    /// Name or address, IPv6 without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Address {
    /// Reads an address. Without a scheme it is `https`, except for the own machine.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(LinkError::Address(
                "The address holds a user or a password; the token has a field of its own.",
            ));
        }
        if rest.len() > authority.len() && rest.get(authority.len()..).is_some_and(|path| path != "/") {
            return Err(LinkError::Address("The address ends after the port; a path does not belong to it."));
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match authority.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(LinkError::Address("The address of the gateway is missing, such as https://gateway:8443."));
        }
        let is_local = matches!(host, "127.0.0.1" | "::1" | "localhost");
        let is_secure = match scheme.as_deref() {
            Some("https" | "wss") => true,
            Some("http" | "ws") => false,
            None => !is_local,
            Some(_) => return Err(LinkError::Address("The address begins with https:// or http://.")),
        };
        let port = match port {
            Some(port) => port.parse().map_err(|_| LinkError::Address("The port is a number from 1 to 65535."))?,
            None if is_secure => 443,
            None => 8080,
        };
        if port == 0 {
            return Err(LinkError::Address("The port is a number from 1 to 65535."));
        }
        Ok(Self { is_secure, host: host.to_owned(), port })
    }

    /// Whether it is this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.host.as_str(), "127.0.0.1" | "::1" | "localhost")
    }

    /// Host and port as the `Host` header has them.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_secure { "https" } else { "http" }, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_mistakes_named() {
        let shown = |text: &str| Address::parse(text).map(|address| address.to_string()).unwrap_or_default();
        assert_eq!(shown("https://gw.example:8443/"), "https://gw.example:8443");
        assert_eq!(shown("gw.example"), "https://gw.example:443");
        assert_eq!(shown("127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(shown("wss://[2001:db8::1]:9"), "https://[2001:db8::1]:9");
        for text in ["", "ftp://gw", "https://user:pass@gw", "https://gw/api", "https://gw:0", "https://gw:x", "a b"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
