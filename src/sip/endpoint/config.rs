//! Settings of one endpoint: addresses, identity, registration, keep-alive, timers.

use std::time::Duration;

use crate::sip::digest::Credentials;
pub use crate::sip::transaction::timers::Timers;

/// Settings of one [`Endpoint`](super::Endpoint): one PBX link (dossier 3.1, 15b).
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Host of our Via and Contact (address or name; IPv6 without brackets is accepted).
    pub local_host: String,
    /// Port of our Via and Contact: the port where the PBX can reach us.
    pub local_port: u16,
    /// Host of the PBX: registrar and domain of the sessions.
    pub remote_host: String,
    /// SIP port of the PBX (dossier U-2).
    pub remote_port: u16,
    /// Put into every Call-ID of ours, so that several links can share one address; empty for none.
    pub call_id_mark: String,
    /// Value of `User-Agent` in our requests.
    pub user_agent: String,
    /// Name and password for digest challenges; `None` means that a challenge is a failure.
    pub credentials: Option<Credentials>,
    /// Registration of the session server (dossier 3.2).
    pub register: RegisterConfig,
    /// How TCP stays in use between events (dossier U-7).
    pub keepalive: KeepAlive,
    /// Protocol timers (RFC 3261 table 4).
    pub timers: Timers,
    /// `Content-Type` of the bodies that we send; `application/csta+xml` (ECMA TR/87 7).
    pub content_type: String,
    /// `Content-Disposition` of the bodies that we send; `None` leaves the header out (dossier 3.4 rule 5).
    pub content_disposition: Option<String>,
}

impl EndpointConfig {
    /// Settings with every default of the dossier for the given addresses.
    #[must_use]
    pub fn new(local_host: &str, local_port: u16, remote_host: &str, remote_port: u16) -> Self {
        Self {
            local_host: local_host.to_owned(),
            local_port,
            remote_host: remote_host.to_owned(),
            remote_port,
            call_id_mark: String::new(),
            user_agent: concat!("linegate/", env!("CARGO_PKG_VERSION")).to_owned(),
            credentials: None,
            register: RegisterConfig::default(),
            keepalive: KeepAlive::Reregister,
            timers: Timers::default(),
            content_type: "application/csta+xml".to_owned(),
            content_disposition: Some("signal;handling=required".to_owned()),
        }
    }
}

/// Registration settings (dossier 3.2, U-5).
#[derive(Debug, Clone)]
pub struct RegisterConfig {
    /// User part of the address of record: the `register-id` of the router.
    pub aor_user: String,
    /// User part of our Contact; the AOR user when `None`.
    pub contact_user: Option<String>,
    /// Lifetime to ask for, seconds.
    pub expires_s: u32,
    /// Upper bound of the refresh time, seconds; keeps TCP younger than the 300 s ageing of IOS.
    pub refresh_cap_s: Option<u32>,
    /// Header that carries the reference id of the PBX; matched without case and hyphens.
    pub reference_header: String,
}

impl Default for RegisterConfig {
    fn default() -> Self {
        Self {
            aor_user: String::new(),
            contact_user: None,
            expires_s: 600,
            refresh_cap_s: Some(240),
            reference_header: "Cisco-referenceID".to_owned(),
        }
    }
}

/// What keeps the TCP connection in use (dossier 3.5, U-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepAlive {
    /// The REGISTER refresh is traffic enough (`refresh_cap_s`).
    Reregister,
    /// OPTIONS every interval.
    Options(Duration),
    /// RFC 5626 double CRLF every interval.
    Crlf(Duration),
    /// No traffic of our own.
    Off,
}
