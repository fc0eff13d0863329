//! Who has no token yet, and a code to get one; and who makes the codes.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::super::problem::Problem;
use super::super::serve::Peer;
use super::super::state::ApiState;
use super::credential::slowed;
use super::{Admin, wall_clock};
use crate::domain::{EnrolmentId, RandomIds, TokenId};
use crate::store::{EnrolmentRow, Secret, TokenRow, hash_code, hash_token, new_secret};

/// Anybody: all that is open to them is to enrol.
pub(in crate::api) struct Stranger {
    state: ApiState,
    address: Option<IpAddr>,
}

impl FromRequestParts<ApiState> for Stranger {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Infallible> {
        let address = parts.extensions.get::<Peer>().map(|peer| peer.address().ip());
        Ok(Self { state: state.clone(), address })
    }
}

/// The refusal of a code. Codes that never were, are used up, have ended or were taken back look the same.
fn refused() -> Problem {
    Problem::new("invalid_code", "This code gives no token: it is mistyped, used up, has ended or was taken back.")
        .hint("Compare the code; the administrator of the gateway makes another one with `linegate enrolments create`.")
}

impl Stranger {
    /// Gives a machine a token of its own for a code.
    ///
    /// # Errors
    /// 403 for a code that gives nothing, 429 after too many of them; when the store fails.
    pub(in crate::api) async fn enrol(&self, code: &str, machine: String) -> Result<(TokenRow, Secret), Problem> {
        let (store, now) = (self.state.gateway().store(), wall_clock());
        // The look-up by hash tells nothing about the code, and a wrong one never waits for the store's writer.
        if let Some(enrolment) = store.enrolment_by_hash(&hash_code(code)).await?
            && enrolment.is_open(now)
        {
            let secret = new_secret().map_err(Problem::internal)?;
            let row = TokenRow {
                id: TokenId::new(&mut RandomIds),
                name: machine,
                hash: hash_token(secret.expose()),
                scope: enrolment.scope,
                lines: enrolment.lines,
                created_at: now,
                expires_at: None,
                enrolment_id: Some(enrolment.id),
            };
            // Somebody else may have used it up since it was read.
            if let Some(id) = row.enrolment_id.as_ref()
                && store.enrol(id, &row, now).await?
            {
                tracing::info!(token.id = %row.id, enrolment.id = %id, "a machine was enrolled");
                return Ok((row, secret));
            }
        }
        Err(slowed(self.state.access().code_attempts(), self.address, refused()).await)
    }
}

impl Admin {
    /// All enrolments.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::api) async fn enrolments(&self) -> Result<Vec<EnrolmentRow>, Problem> {
        Ok(self.state().gateway().store().enrolments().await?)
    }

    /// Stores an enrolment.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::api) async fn insert_enrolment(&self, row: &EnrolmentRow) -> Result<(), Problem> {
        Ok(self.state().gateway().store().insert_enrolment(row).await?)
    }

    /// Takes a code back; the tokens that it gave stay.
    ///
    /// # Errors
    /// 404 when there is none; when the store fails.
    pub(in crate::api) async fn delete_enrolment(&self, id: &EnrolmentId) -> Result<(), Problem> {
        if self.state().gateway().store().delete_enrolment(id).await? {
            return Ok(());
        }
        Err(Problem::not_found("enrolment"))
    }
}
