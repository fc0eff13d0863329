//! Tickets: what a browser puts into the URL instead of a token (api.md). Single use, 30 s, kept as hashes in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Principal;
use crate::store::{Secret, SecretError, hash_token, new_secret};

/// How long a ticket can be used, in seconds.
pub(in crate::api) const TICKET_LIFETIME_S: u64 = 30;
/// Tickets that may wait at once; more means somebody makes them in a loop.
const WAITING: usize = 10_000;

/// When a ticket was made, and for whom.
type Waiting = (Instant, Arc<Principal>);

/// The tickets that nobody used yet.
#[derive(Default)]
pub(in crate::api) struct Tickets {
    waiting: Mutex<HashMap<[u8; 32], Waiting>>,
}

impl Tickets {
    /// Makes a ticket for what the principal may do; `None` when too many wait.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(in crate::api) fn issue(&self, principal: Principal, now: Instant) -> Result<Option<Secret>, SecretError> {
        let random = new_secret()?;
        let ticket = Secret::new(format!("tkt_{}", random.expose().trim_start_matches("lg_")));
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, (end, _)| now < *end);
        if waiting.len() >= WAITING {
            return Ok(None);
        }
        let end = now + Duration::from_secs(TICKET_LIFETIME_S);
        waiting.insert(hash_token(ticket.expose()), (end, Arc::new(principal)));
        Ok(Some(ticket))
    }

    /// Uses a ticket up.
    pub(super) fn redeem(&self, ticket: &str, now: Instant) -> Option<Arc<Principal>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (end, principal) = waiting.remove(&hash_token(ticket))?;
        (now < end).then_some(principal)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::domain::TokenId;
    use crate::store::Scope;

    fn principal() -> Principal {
        Principal {
            token_id: TokenId::parse("tok_1").unwrap(),
            name: "x".into(),
            scope: Scope::Read,
            lines: None,
            expires_at: None,
            ended: CancellationToken::new(),
        }
    }

    #[test]
    fn a_ticket_works_once_and_not_for_long() {
        let tickets = Tickets::default();
        let now = Instant::now();
        let ticket = tickets.issue(principal(), now).unwrap().unwrap();
        assert!(tickets.redeem(ticket.expose(), now).is_some());
        assert!(tickets.redeem(ticket.expose(), now).is_none());
        let late = tickets.issue(principal(), now).unwrap().unwrap();
        let end = now + Duration::from_secs(TICKET_LIFETIME_S);
        assert!(tickets.redeem(late.expose(), end).is_none());
    }
}
