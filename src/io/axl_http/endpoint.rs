//! Where a router's XML interface is and how it is to be reached.

use std::fmt;
use std::time::Duration;

/// A secret that shows itself to nobody.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// Plain: credentials travel readable.
    #[default]
    Http,
    /// TLS.
    Https,
}

/// Who judges the router's certificate (dossier section 2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// The authorities of the system; names and dates count.
    System,
    /// One known fingerprint; names and dates do not count.
    Pinned,
    /// The fingerprint of the first use.
    #[default]
    Tofu,
    /// Nobody.
    Insecure,
}

/// Lowest TLS version; the two old ones need a build with the feature `legacy-tls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum MinVersion {
    /// 1.0.
    Tls10,
    /// 1.1.
    Tls11,
    /// 1.2.
    #[default]
    Tls12,
    /// 1.3.
    Tls13,
}

impl MinVersion {
    /// Reads `1.0`, `1.1`, `1.2` or `1.3`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "1.0" => Some(Self::Tls10),
            "1.1" => Some(Self::Tls11),
            "1.2" => Some(Self::Tls12),
            "1.3" => Some(Self::Tls13),
            _ => None,
        }
    }
}

/// TLS settings of one router.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// The judge.
    pub verify: Verify,
    /// Lowest version.
    pub min_version: MinVersion,
    /// SHA-256 of the certificate in hex, with or without colons: required for `pinned`, what was learned before
    /// for `tofu`.
    pub fingerprint: Option<String>,
}

/// Patience (dossier section 2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection, TLS included.
    pub connect: Duration,
    /// For one whole exchange.
    pub total: Duration,
    /// Pauses before the repetitions of a read request; their number is the number of repetitions.
    pub retry_after: Vec<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
            retry_after: vec![Duration::from_secs(1), Duration::from_secs(3)],
        }
    }
}

/// The XML interface of one router.
#[derive(Debug, Clone)]
pub struct AxlEndpoint {
    /// Scheme.
    pub scheme: Scheme,
    /// Name or address, IPv6 without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path; on a 404 it is tried once with its trailing slash turned.
    pub path: String,
    /// `xml user`.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Credentials go with the first request instead of waiting for a challenge.
    pub auth_preemptive: bool,
    /// TLS.
    pub tls: Tls,
    /// Patience.
    pub timeouts: Timeouts,
}

impl AxlEndpoint {
    /// Plain HTTP on port 80 at the documented path.
    pub fn new(host: impl Into<String>, username: impl Into<String>, password: Secret) -> Self {
        Self {
            scheme: Scheme::Http,
            host: host.into(),
            port: 80,
            path: "/ios_xml_app/cme".to_owned(),
            username: username.into(),
            password,
            auth_preemptive: true,
            tls: Tls::default(),
            timeouts: Timeouts::default(),
        }
    }

    pub(super) fn path(&self, turned: bool) -> String {
        let path = if self.path.starts_with('/') { self.path.clone() } else { format!("/{}", self.path) };
        match (turned, path.strip_suffix('/')) {
            (false, _) => path,
            (true, Some(without)) if !without.is_empty() => without.to_owned(),
            (true, _) => format!("{path}/"),
        }
    }

    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') && !self.host.starts_with('[') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    pub(super) fn url(&self, turned: bool) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        format!("{scheme}://{}{}", self.authority(), self.path(turned))
    }
}
