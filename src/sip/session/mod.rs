//! A session: the INVITE usage of a dialog with CSTA bodies (ECMA TR/87 7, dossier 3.3), and how its INVITE is negotiated.

pub mod spec;
pub mod timer;

use bytes::Bytes;

use crate::sip::dialog::Dialog;
use crate::sip::session::spec::InviteSpec;
use crate::sip::session::timer::SessionTimer;
use crate::sip::value::session_timer::SessionExpires;
use crate::sip::wire::encode::Writer;
use crate::sip::wire::headers::HeaderName;
use crate::sip::wire::message::Message;

/// What we serve, for Allow (dossier 3.3).
pub const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, INFO, OPTIONS, UPDATE, NOTIFY";
/// Session-Expires beyond this is not followed in a 422, seconds (the range of CME ends at 86400).
const SESSION_EXPIRES_LIMIT: u32 = 7 * 86_400;
/// Repetitions of one INVITE after 420, 422 or 302.
const RETRY_LIMIT: u8 = 4;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The first INVITE is open.
    Inviting,
    /// The first INVITE is open, and the session is to be closed.
    Leaving,
    /// 2xx came.
    Open,
    /// BYE was sent.
    Closing,
}

/// One session.
#[derive(Debug, Clone)]
pub struct Session {
    /// What the user asked for.
    pub spec: InviteSpec,
    /// Its dialog.
    pub dialog: Dialog,
    /// Where it stands.
    pub phase: Phase,
    /// Its session timer.
    pub timer: SessionTimer,
    /// The last ACK to a 2xx and its number, for repeated 2xx.
    pub ack: Option<(u32, Bytes)>,
    /// The credentials that the last INVITE carried.
    pub credentials: Vec<(&'static str, String)>,
    /// The INVITE or UPDATE of ours that is open.
    pub own_change: Option<u64>,
    /// The INVITE of the peer that is open or waits for its ACK.
    pub peer_invite: Option<u64>,
    /// The peer allows UPDATE.
    pub peer_updates: bool,
    /// The user wants to hear nothing more.
    pub is_silent: bool,
    proposal: Proposal,
}

/// What our INVITE proposes after what the peer refused.
#[derive(Debug, Clone, Default)]
struct Proposal {
    expires_s: Option<u32>,
    min_se_s: Option<u32>,
    without_timer: bool,
    redirected: bool,
    retries: u8,
}

impl Session {
    /// A session before its first INVITE.
    #[must_use]
    pub fn new(spec: InviteSpec, dialog: Dialog) -> Self {
        let proposal = Proposal { expires_s: spec.session_expires_s, ..Proposal::default() };
        Self {
            spec,
            dialog,
            phase: Phase::Inviting,
            timer: SessionTimer::default(),
            ack: None,
            credentials: Vec::new(),
            own_change: None,
            peer_invite: None,
            peer_updates: false,
            is_silent: false,
            proposal,
        }
    }

    /// User part of our Contact.
    #[must_use]
    pub fn contact_user(&self) -> &str {
        self.spec.contact_user.as_deref().unwrap_or(&self.spec.from_user)
    }

    /// Writes what an INVITE or UPDATE offers: Allow, Supported, Session-Expires, Min-SE, Accept.
    pub fn write_offer(&self, writer: &mut Writer) {
        writer.header("Allow", ALLOW);
        if !self.proposal.without_timer {
            writer.header("Supported", "timer");
            if let Some(expires) = self.proposal.expires_s {
                let refresher = self.spec.refresher.as_str();
                writer.header("Session-Expires", format!("{expires};refresher={refresher}"));
            }
            // RFC 4028 7.3: the largest Min-SE that a 422 named goes along.
            if let Some(min) = self.proposal.min_se_s {
                writer.number("Min-SE", u64::from(min));
            }
        }
        writer.header("Accept", "application/csta+xml");
    }

    /// 422: whether a new INVITE with the peer's Min-SE makes sense (RFC 4028 7.3).
    pub fn on_interval_too_small(&mut self, answer: &Message) -> bool {
        let min = answer.number(HeaderName::MinSe);
        let Some(min) = min.filter(|min| *min <= SESSION_EXPIRES_LIMIT) else {
            return false;
        };
        let is_news = self.proposal.expires_s.is_none_or(|known| known < min) || self.proposal.min_se_s.is_none();
        self.proposal.expires_s = Some(self.proposal.expires_s.map_or(min, |known| known.max(min)));
        self.proposal.min_se_s = Some(self.proposal.min_se_s.map_or(min, |known| known.max(min)));
        is_news && self.may_retry()
    }

    /// 420: whether a new INVITE without the option tags makes sense (RFC 3261 8.1.3.5).
    pub fn on_bad_extension(&mut self, answer: &Message) -> bool {
        let timer = answer.tokens(HeaderName::Unsupported).any(|tag| tag.eq_ignore_ascii_case(b"timer"));
        if !timer || self.proposal.without_timer {
            return false;
        }
        self.proposal.without_timer = true;
        self.may_retry()
    }

    /// 300, 302: whether to follow, once and within the same host (dossier 15c).
    pub fn on_redirect(&mut self, answer: &Message) -> bool {
        use crate::sip::strictness::Strictness::Router;
        use crate::sip::value::{contact, uri::Uri};
        let is_first = !std::mem::replace(&mut self.proposal.redirected, true);
        let Some(all) = answer.first(HeaderName::Contact).and_then(|value| contact::contacts(value, Router)) else {
            return false;
        };
        let Some(new) = all.first().map(|contact| contact.uri()) else {
            return false;
        };
        let same_host = Uri::parse(self.dialog.request_uri().as_bytes(), Router)
            .is_some_and(|old| old.host().eq_ignore_ascii_case(new.host()));
        if !(is_first && same_host) {
            return false;
        }
        self.dialog.redirect(String::from_utf8_lossy(new.as_bytes()).into_owned());
        self.may_retry()
    }

    const fn may_retry(&mut self) -> bool {
        self.proposal.retries += 1;
        self.proposal.retries <= RETRY_LIMIT
    }

    /// A 2xx to an INVITE or UPDATE of ours: negotiated, nothing refused any more.
    pub fn on_success(&mut self, now: std::time::Instant, answer: &Message) {
        self.proposal.retries = 0;
        self.peer_updates = answer.tokens(HeaderName::Allow).any(|method| method == b"UPDATE");
        let value = answer.first(HeaderName::SessionExpires).and_then(SessionExpires::parse);
        self.timer = SessionTimer::negotiated(now, value, true);
    }
}
