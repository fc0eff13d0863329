//! From a request to a principal.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::http::request::Parts;
use axum::http::{Method, header};

use super::super::problem::Problem;
use super::super::query::Params;
use super::super::serve::Peer;
use super::super::state::ApiState;
use super::attempts::{Attempts, Penalty, Wrong};
use super::{Principal, unauthorized, wall_clock};

/// The only path on which a ticket counts.
const STREAM_PATH: &str = "/api/v1/events";

/// Who makes this request. The answer is kept with the request, so that asking twice uses no ticket up.
///
/// # Errors
/// 401 without a valid credential, 429 after too many wrong ones.
pub(in crate::api) async fn authenticate(parts: &mut Parts, state: &ApiState) -> Result<Arc<Principal>, Problem> {
    if let Some(principal) = parts.extensions.get::<Arc<Principal>>() {
        // Put there by an earlier layer or by the socket that carries this request.
        let principal = principal.is_valid(wall_clock()).then(|| Arc::clone(principal)).ok_or_else(unauthorized)?;
        note(parts, &principal);
        return Ok(principal);
    }
    let address = parts.extensions.get::<Peer>().map(|peer| peer.address().ip());
    let principal = match bearer(parts) {
        Some(secret) => verified(state, secret, address).await?,
        None if parts.method == Method::GET && parts.uri.path() == STREAM_PATH => ticket(parts, state, address).await?,
        None => return Err(unauthorized()),
    };
    note(parts, &principal);
    parts.extensions.insert(Arc::clone(&principal));
    Ok(principal)
}

/// Tells the outermost layer who asks.
fn note(parts: &Parts, principal: &Arc<Principal>) {
    if let Some(asker) = parts.extensions.get::<Asker>() {
        // A request has one asker; asking twice finds the same.
        let _ = asker.0.set(Arc::clone(principal));
    }
}

/// Where the outermost layer finds who asked, when that was verified.
#[derive(Debug, Clone, Default)]
pub(in crate::api) struct Asker(Arc<OnceLock<Arc<Principal>>>);

impl Asker {
    /// Id of the verified token.
    pub(in crate::api) fn token(&self) -> Option<&str> {
        self.0.get().map(|principal| principal.token_id.as_str())
    }
}

/// Verifies the token of an `auth` frame.
///
/// # Errors
/// As [`authenticate`].
pub(in crate::api) async fn swap(
    state: &ApiState,
    secret: &str,
    address: Option<IpAddr>,
) -> Result<Arc<Principal>, Problem> {
    verified(state, secret, address).await
}

/// The token of the header; an `Authorization` of another kind is an empty token, which nobody has.
fn bearer(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    let secret = value
        .to_str()
        .ok()
        .filter(|_| values.next().is_none())
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, secret)| secret.trim());
    Some(secret)
}

async fn verified(state: &ApiState, secret: &str, address: Option<IpAddr>) -> Result<Arc<Principal>, Problem> {
    let known = if secret.is_empty() { None } else { state.access().verify(state.gateway().store(), secret).await? };
    match known {
        Some(principal) => Ok(principal),
        None => Err(wrong(state, address).await),
    }
}

async fn ticket(parts: &Parts, state: &ApiState, address: Option<IpAddr>) -> Result<Arc<Principal>, Problem> {
    let given = Params::read(&parts.uri).ok().and_then(|mut params| params.take("ticket"));
    let Some(given) = given else {
        return Err(unauthorized());
    };
    match state.tickets().redeem(&given, Instant::now()) {
        Some(principal) if principal.is_valid(wall_clock()) => Ok(principal),
        _ => Err(wrong(state, address).await),
    }
}

/// Counts a wrong credential; guessing gets slower, other clients of the address are not touched.
async fn wrong(state: &ApiState, address: Option<IpAddr>) -> Problem {
    slowed(state.access().attempts(), address, unauthorized()).await
}

/// The refusal of a wrong secret: at once, after a while, or another one when there were too many.
pub(super) async fn slowed(attempts: &Attempts, address: Option<IpAddr>, refusal: Problem) -> Problem {
    metrics::counter!("linegate_api_wrong_credentials_total").increment(1);
    let Some(address) = address else { return refusal };
    let Wrong { penalty, is_told, count } = attempts.wrong(address, Instant::now());
    if is_told {
        // Never what was sent: it may be the secret with a letter missing.
        tracing::warn!(%address, count, code = refusal.code(), "a wrong credential was refused; more of this address are only counted for a minute");
    }
    match penalty {
        Penalty::None => refusal,
        Penalty::Wait(time) => {
            tokio::time::sleep(time).await;
            refusal
        }
        Penalty::Refuse { retry_after_s } => {
            Problem::new("too_many_requests", "Too many wrong credentials came from this address.")
                .hint("Mend the token or the code of the program that asks, then wait.")
                .retry_after(retry_after_s)
        }
    }
}
