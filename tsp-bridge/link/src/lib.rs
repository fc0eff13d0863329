//! The one WebSocket from the bridge to the gateway.
//!
//! A reader thread connects, reads and reconnects; a writer thread sends. Between them stands a [`session::Session`]
//! without any I/O. Whoever uses the link gives a [`Handler`].

mod address;
mod connection;
mod enrol;
mod probe;
mod session;
mod tls;

pub use address::Address;
pub use connection::{Handler, Link, RETRY_MAX, RETRY_MIN};
pub use enrol::{Enrolment, enrol};
pub use probe::{Probe, fingerprint_of, probe, request};
pub use tls::{Trust, format_fingerprint, parse_fingerprint};

/// How the gateway is reached.
#[derive(Clone)]
pub struct LinkSettings {
    /// Where it is.
    pub address: Address,
    /// The token; it goes into the handshake and nowhere else. Empty when there is none yet.
    pub token: String,
    /// What a token is fetched with when there is none.
    pub enrolment: Option<Enrolment>,
    /// Whom to believe.
    pub trust: Trust,
    /// How the bridge calls itself.
    pub user_agent: String,
}

impl std::fmt::Debug for LinkSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkSettings")
            .field("address", &self.address)
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The address cannot be used.
    #[error("{0}")]
    Address(&'static str),
    /// Nobody is there.
    #[error("{host} cannot be reached: {cause}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The name is unknown.
    #[error("the name {0} is not known")]
    UnknownHost(String),
    /// The certificate is not the expected one, or the handshake failed.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The file with the authorities cannot be used.
    #[error("the file of certificates cannot be used: {0}")]
    Authorities(String),
    /// The token is not valid.
    #[error("the gateway refuses the token; make a new one and enter it in the settings")]
    Token,
    /// There is no token, and nothing to fetch one with.
    #[error("no token is entered yet: open the settings of the provider, or use linegate-tapi configure")]
    NoToken,
    /// The enrolment code gives no token.
    #[error("the gateway gives no token for the enrolment code: it is mistyped, used up, has ended or was taken back")]
    Code,
    /// The gateway refuses something else.
    #[error("the gateway refuses ({status}): {detail}")]
    Refused {
        /// Status of the answer.
        status: u16,
        /// What it says.
        detail: String,
    },
    /// The gateway does not speak as expected.
    #[error("this is no Linegate gateway: it answered with status {0}")]
    Status(u16),
    /// The WebSocket broke.
    #[error("the connection broke: {0}")]
    Socket(String),
    /// Nothing came for too long.
    #[error("the gateway is silent")]
    Silent,
    /// The link is being ended.
    #[error("the link is being ended")]
    Stopped,
}
