//! Verification of tokens, with a cache that ends with the token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;

use super::attempts::Attempts;
use super::{Principal, wall_clock};
use crate::domain::TokenId;
use crate::store::{Scope, Secret, Store, StoreError, TokenRow, hash_token};

/// Id under which the bootstrap token is shown.
const BOOTSTRAP_ID: &str = "tok_bootstrap";

/// Tokens that were verified. Only hashes are kept; a look-up by hash tells an attacker nothing about the secret, and
/// the comparison after it takes the same time for every input.
pub(in crate::api) struct Access {
    bootstrap: Option<([u8; 32], Arc<Principal>)>,
    verified: Mutex<Verified>,
    attempts: Attempts,
    code_attempts: Attempts,
}

#[derive(Default)]
struct Verified {
    by_hash: HashMap<[u8; 32], Arc<Principal>>,
    /// Rises with each deletion, so that a row read before it is not cached after it.
    generation: u64,
}

impl Access {
    pub(in crate::api) fn new(bootstrap: Option<&Secret>) -> Self {
        let bootstrap = bootstrap.and_then(|secret| {
            let principal = Principal {
                token_id: TokenId::parse(BOOTSTRAP_ID).ok()?,
                name: "admin".into(),
                scope: Scope::Admin,
                lines: None,
                expires_at: None,
                ended: CancellationToken::new(),
            };
            Some((hash_token(secret.expose()), Arc::new(principal)))
        });
        Self {
            bootstrap,
            verified: Mutex::default(),
            attempts: Attempts::of_credentials(),
            code_attempts: Attempts::of_codes(),
        }
    }

    /// Who holds this secret; `None` when nobody does.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::api) async fn verify(
        &self,
        store: &Store,
        secret: &str,
    ) -> Result<Option<Arc<Principal>>, StoreError> {
        let hash = hash_token(secret);
        if let Some((known, principal)) = &self.bootstrap
            && bool::from(known.ct_eq(&hash))
        {
            return Ok(Some(Arc::clone(principal)));
        }
        loop {
            let generation = {
                let verified = self.verified();
                if let Some(principal) = verified.by_hash.get(&hash) {
                    return Ok(principal.is_valid(wall_clock()).then(|| Arc::clone(principal)));
                }
                verified.generation
            };
            let Some(row) = store.token_by_hash(&hash).await? else {
                return Ok(None);
            };
            if !bool::from(row.hash.ct_eq(&hash)) {
                return Ok(None);
            }
            let principal = Arc::new(principal(row));
            let mut verified = self.verified();
            if verified.generation != generation {
                continue;
            }
            // Two requests may have read the row at once: all must share the one that a deletion ends.
            let principal = Arc::clone(verified.by_hash.entry(hash).or_insert(principal));
            return Ok(principal.is_valid(wall_clock()).then_some(principal));
        }
    }

    /// Ends everything that stands on a token which was deleted.
    pub(in crate::api) fn forget(&self, id: &TokenId) {
        let mut verified = self.verified();
        verified.generation += 1;
        verified.by_hash.retain(|_, principal| {
            let stays = principal.token_id != *id;
            if !stays {
                principal.ended.cancel();
            }
            stays
        });
    }

    /// The bootstrap token, for the list of tokens.
    pub(in crate::api) fn bootstrap(&self) -> Option<&Principal> {
        self.bootstrap.as_ref().map(|(_, principal)| &**principal)
    }

    pub(super) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    pub(super) fn code_attempts(&self) -> &Attempts {
        &self.code_attempts
    }

    fn verified(&self) -> MutexGuard<'_, Verified> {
        // Nothing in the guarded sections can panic half way through a change.
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn principal(row: TokenRow) -> Principal {
    Principal {
        token_id: row.id,
        name: row.name.into(),
        scope: row.scope,
        lines: row.lines.map(Into::into),
        expires_at: row.expires_at,
        ended: CancellationToken::new(),
    }
}
