//! What a user asks for when opening a session.

use bytes::Bytes;

use crate::sip::value::session_timer::Refresher;

/// How a session is refreshed (dossier U-31).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RefreshMethod {
    /// re-INVITE with the body of the first INVITE.
    #[default]
    Invite,
    /// UPDATE without body when the peer allows it (RFC 3311), else re-INVITE.
    Update,
}

/// The INVITE of a session (dossier 3.3).
#[derive(Debug, Clone)]
pub struct InviteSpec {
    /// User part of Request-URI and To.
    pub to_user: String,
    /// User part of From.
    pub from_user: String,
    /// Host part of From (dossier U-3).
    pub from_host: String,
    /// Display name of From, without quotes; empty for none.
    pub from_display: String,
    /// User part of Contact; the From user when `None`.
    pub contact_user: Option<String>,
    /// CSTA body, sent again with every re-INVITE.
    pub body: Bytes,
    /// Session-Expires to propose, seconds; `None` proposes no session timer.
    pub session_expires_s: Option<u32>,
    /// Who shall refresh.
    pub refresher: Refresher,
    /// How to refresh.
    pub refresh: RefreshMethod,
    /// Further headers of the INVITE, for example the reference id (dossier U-4).
    pub extra_headers: Vec<(String, String)>,
}

impl InviteSpec {
    /// An INVITE with the defaults of dossier 3.3 and 15b.
    #[must_use]
    pub fn new(to_user: &str, from_user: &str, body: Bytes) -> Self {
        Self {
            to_user: to_user.to_owned(),
            from_user: from_user.to_owned(),
            from_host: "csta-gw".to_owned(),
            from_display: "linegate".to_owned(),
            contact_user: None,
            body,
            session_expires_s: Some(1800),
            refresher: Refresher::Uac,
            refresh: RefreshMethod::Invite,
            extra_headers: Vec::new(),
        }
    }
}
