//! Why a load fails, in words that a person can act on.

use crate::axl::reply::ReplyFault;

/// What kind of trouble the transport had: all that the load needs to know to choose its next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// No reply in time.
    Timeout,
    /// Closed before a reply began, or 5xx: the router is busy.
    Busy,
    /// Closed in the middle of the reply.
    Cut,
    /// The reply is too large.
    TooLarge,
    /// 401 or 403.
    Unauthorized,
    /// 404.
    NotFound,
    /// Anything that another request will not change.
    Fatal,
}

/// A fault of the transport, with the words that a person reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct TransportFault {
    /// Its kind.
    pub kind: FaultKind,
    /// One clear sentence.
    pub sentence: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

impl TransportFault {
    /// A fault from its parts.
    pub fn new(kind: FaultKind, sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into(), hint: hint.into() }
    }

    /// Whether a list may have been too large for the router, so that smaller requests make sense (section 6).
    pub(in crate::axl) fn may_be_size(&self) -> bool {
        matches!(self.kind, FaultKind::Timeout | FaultKind::Busy | FaultKind::Cut | FaultKind::TooLarge)
    }

    /// Whether the reply broke off.
    pub(in crate::axl) fn is_cut(&self) -> bool {
        matches!(self.kind, FaultKind::Cut)
    }

    /// What an HTTP status other than 200 means; `None` for 2xx.
    pub(in crate::axl) fn of_status(status: u16) -> Option<Self> {
        let (kind, sentence) = match status {
            200..=299 => return None,
            401 | 403 => (FaultKind::Unauthorized, format!("the router refuses the XML user and password ({status})")),
            404 => (FaultKind::NotFound, "the router has no XML application at this address (404)".to_owned()),
            500..=599 => (FaultKind::Busy, format!("the router is too busy to answer ({status})")),
            _ => (FaultKind::Fatal, format!("the router answers with HTTP status {status}")),
        };
        let hint = match kind {
            FaultKind::Unauthorized => UNAUTHORIZED_HINT,
            FaultKind::NotFound => NOT_FOUND_HINT,
            FaultKind::Busy => "Try again later; `ixi transport http` / `request outstanding` sets how much it takes.",
            _ => "Check that address and port are those of the router's web server.",
        };
        Some(Self::new(kind, sentence, hint))
    }
}

/// What to check after a 401 (section 2.3).
pub const UNAUTHORIZED_HINT: &str = "Check `xml user` under `telephony-service` (at most 19 characters each) and \
     `ip http authentication`; as a last resort create a local `username` with the same name, password and privilege.";

/// What to check after a 404 (section 5).
pub const NOT_FOUND_HINT: &str =
    "Enable `ixi transport http` and `ixi application cme`, each with `no shutdown`, and check the path.";

const SIZE_HINT: &str = "Raise `response size` under `ixi transport http` on the router, best to 64.";

/// Why a load failed. Nothing of it was applied (section 6).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The transport failed.
    #[error("{0}")]
    Transport(TransportFault),
    /// A reply cannot be used.
    #[error("{fault} (asked for {about})")]
    Reply {
        /// What was asked for.
        about: &'static str,
        /// What is wrong with the reply.
        fault: ReplyFault,
    },
    /// Every way to read a list failed.
    #[error("the router does not give {about}: {detail}")]
    ListRefused {
        /// What was asked for.
        about: &'static str,
        /// The last complaint.
        detail: String,
    },
}

impl LoadError {
    pub(in crate::axl) fn reply(about: &'static str, fault: ReplyFault) -> Self {
        Self::Reply { about, fault }
    }

    /// What to do about it; may be empty.
    pub fn hint(&self) -> &str {
        match self {
            Self::Transport(fault) => &fault.hint,
            Self::Reply { fault: ReplyFault::Cut | ReplyFault::TooLarge, .. } | Self::ListRefused { .. } => SIZE_HINT,
            Self::Reply { .. } => {
                "Check address, port and path: this must be the router whose `ixi application cme` is enabled."
            }
        }
    }
}

impl ReplyFault {
    /// Whether the other side is not the XML application, so that no further request makes sense.
    pub(in crate::axl) fn is_foreign(self) -> bool {
        matches!(self, Self::Html | Self::NotCme | Self::Doctype | Self::TooDeep)
    }
}
