//! What can go wrong between the gateway and the router's web server, in words a person can act on.

use crate::axl::load::{FaultKind, NOT_FOUND_HINT, TransportFault, UNAUTHORIZED_HINT};

/// A fault of one exchange.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpFault {
    /// The name has no address.
    #[error("the name of the router cannot be resolved")]
    Dns,
    /// Nothing listens there.
    #[error("the router refuses the connection")]
    Refused,
    /// No way to it.
    #[error("the router cannot be reached: {0}")]
    Unreachable(String),
    /// No connection, or no whole reply, in time.
    #[error("the router does not answer in time")]
    Timeout {
        /// Not even a connection.
        connecting: bool,
    },
    /// Closed before a reply began.
    #[error("the router closes the connection without an answer")]
    Reset,
    /// Closed in the middle of the reply.
    #[error("the router closes the connection in the middle of its answer")]
    Cut,
    /// TLS failed.
    #[error("no secure connection: {0}")]
    Tls(TlsFault),
    /// 401 or 403.
    #[error("the router refuses the XML user and password")]
    Unauthorized,
    /// 404, with and without trailing slash.
    #[error("the router has no XML application at this path")]
    NotFound,
    /// Another status than 2xx.
    #[error("the router answers with HTTP status {0}")]
    Status(u16),
    /// A web page: this is some web server, not the XML application.
    #[error("the answer is a web page, not the CME XML application")]
    NotXml,
    /// More than 1 MiB.
    #[error("the answer is larger than 1 MiB")]
    TooLarge,
    /// Not HTTP at all.
    #[error("the other side does not speak HTTP")]
    NotHttp,
    /// The settings make no usable address.
    #[error("the settings give no usable address: {0}")]
    Settings(String),
}

/// Why TLS failed (dossier section 2.7).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFault {
    /// No protocol version or cipher suite in common: the usual sight of old IOS.
    #[error("the router and this gateway have no TLS version or cipher suite in common")]
    NoCommonVersion,
    /// A version below 1.2 is asked of a build that has none.
    #[error("TLS below 1.2 needs a build with the feature legacy-tls")]
    NeedsLegacy,
    /// The key is too small for the verification.
    #[error("the router's RSA key of {bits} bits is too small")]
    KeyTooSmall {
        /// Its size.
        bits: usize,
    },
    /// The signature algorithm is refused, or the signature is wrong.
    #[error("the signature of the router's certificate or handshake is refused")]
    SignatureRefused,
    /// Expired or not yet valid.
    #[error("the router's certificate has expired")]
    Expired,
    /// The certificate is for another name.
    #[error("the router's certificate is made out to another name")]
    NameMismatch,
    /// Another certificate than the pinned or learned one.
    #[error("the router shows another certificate than before: {got}")]
    PinMismatch {
        /// The SHA-256 that it shows, in hex.
        got: String,
    },
    /// No authority of the system vouches for it.
    #[error("no known authority vouches for the router's certificate")]
    UnknownIssuer,
    /// That port does not speak TLS.
    #[error("this port does not speak TLS")]
    NotTls,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl HttpFault {
    /// One clear sentence.
    pub fn sentence(&self) -> String {
        self.to_string()
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Dns => "Check the spelling of the host, or give its IP address.",
            Self::Refused => {
                "Check the port, and `ip http server` (or `ip http secure-server` for https) on the router."
            }
            Self::Unreachable(_) | Self::Timeout { connecting: true } => {
                "Check address, routing, firewall and `ip http access-class` on the router."
            }
            Self::Timeout { connecting: false } => {
                "The router may be busy with another client of its XML interface; `request outstanding` is 1 by default."
            }
            Self::Reset | Self::Status(500..=599) => {
                "The router is busy (`request outstanding`, `ip http max-connections`) or an access list refuses us."
            }
            Self::Cut | Self::TooLarge => "Raise `response size` under `ixi transport http`, best to 64.",
            Self::Tls(fault) => fault.hint(),
            Self::Unauthorized => UNAUTHORIZED_HINT,
            Self::NotFound => NOT_FOUND_HINT,
            Self::Status(_) => "Check that address and port are those of the router's web server.",
            Self::NotXml | Self::NotHttp => {
                "Check scheme, port and path, and that `ixi application cme` is enabled on the router."
            }
            Self::Settings(_) => "Check host, port and path of the XML interface.",
        }
    }

    /// Whether a read request may be repeated (dossier section 2.6).
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Unreachable(_) | Self::Timeout { .. } | Self::Reset | Self::Status(500..=599)
        )
    }
}

impl TlsFault {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoCommonVersion | Self::KeyTooSmall { .. } => {
                "Use a build with the feature legacy-tls and set tls.min_version to 1.0, or use http on a management VLAN."
            }
            Self::NeedsLegacy => "Set tls.min_version to 1.2, or use a build with the feature legacy-tls.",
            Self::SignatureRefused => "Make a new certificate on the router, or use a build with legacy-tls.",
            Self::Expired | Self::NameMismatch | Self::UnknownIssuer => {
                "Self-signed certificates of IOS expired in 2020: set tls.verify to tofu or pinned."
            }
            Self::PinMismatch { .. } => {
                "If the router got a new certificate, set tls.fingerprint to it; if not, somebody may be in between."
            }
            Self::NotTls => "Check the port (443 for https), or set the scheme to http.",
            Self::Other(_) => "Check `ip http secure-server` and the trustpoint on the router.",
        }
    }
}

impl From<HttpFault> for TransportFault {
    fn from(fault: HttpFault) -> Self {
        let kind = match &fault {
            HttpFault::Timeout { connecting: false } => FaultKind::Timeout,
            HttpFault::Reset | HttpFault::Status(500..=599) => FaultKind::Busy,
            HttpFault::Cut => FaultKind::Cut,
            HttpFault::TooLarge => FaultKind::TooLarge,
            HttpFault::Unauthorized => FaultKind::Unauthorized,
            HttpFault::NotFound => FaultKind::NotFound,
            _ => FaultKind::Fatal,
        };
        Self::new(kind, fault.sentence(), fault.hint())
    }
}
