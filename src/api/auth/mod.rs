//! Who asks, and what they may do (api.md, "Conventions", auth).

mod access;
mod attempts;
mod credential;
mod diagnosis;
mod enrolment;
mod field_test;
mod history;
mod origin;
mod permission;
mod ticket;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use super::problem::Problem;
use crate::domain::{LineId, Timestamp, TokenId};
use crate::service::gateway::Caller;
use crate::store::Scope;

pub(super) use access::Access;
pub(super) use credential::{Asker, authenticate, swap};
pub(super) use enrolment::Stranger;
pub(super) use origin::is_allowed_origin;
pub(super) use permission::{Admin, Controller, Reader};
pub(super) use ticket::{TICKET_LIFETIME_S, Tickets};

/// The wall clock: expiry of credentials is told to people in its terms.
pub(super) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A verified credential.
#[derive(Debug, Clone)]
pub(super) struct Principal {
    /// The token behind it.
    pub(super) token_id: TokenId,
    /// Its name, the `actor` of events.
    pub(super) name: Arc<str>,
    /// Its highest scope.
    pub(super) scope: Scope,
    /// The lines it may see; `None` means all.
    pub(super) lines: Option<Arc<[LineId]>>,
    /// When it ends.
    pub(super) expires_at: Option<Timestamp>,
    /// Fires when the token is deleted.
    pub(super) ended: CancellationToken,
}

impl Principal {
    /// Whether it still counts.
    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        !self.ended.is_cancelled() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Ends when the credential expires; never for one that does not.
    pub(super) async fn expired(&self) {
        let Some(end) = self.expires_at else { return std::future::pending().await };
        let left = end.unix_ms() - wall_clock().unix_ms();
        tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0))).await;
    }

    /// Whether it may see the line.
    pub(super) fn sees(&self, line: &LineId) -> bool {
        self.lines.as_ref().is_none_or(|lines| lines.contains(line))
    }

    /// How the service layer knows it.
    pub(super) fn caller(&self) -> Caller {
        Caller {
            name: self.name.to_string(),
            lines: self.lines.as_ref().map(|lines| lines.to_vec()),
            span: tracing::Span::current(),
        }
    }

    /// Refuses when the scope is below the one that is needed.
    pub(super) fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.scope >= scope {
            return Ok(());
        }
        Err(Problem::new(
            "forbidden",
            format!("This needs the scope {}; the token “{}” has {}.", scope.as_str(), self.name, self.scope.as_str()),
        )
        .hint(format!("Use a token with the scope {}.", scope.as_str())))
    }
}

/// The refusal of a request without a valid credential. It does not tell why: that would help to guess.
pub(super) fn unauthorized() -> Problem {
    Problem::new("unauthorized", "The request carries no valid token.")
        .hint("Send the header `Authorization: Bearer <token>`; a browser opens the event stream with a ticket.")
}
