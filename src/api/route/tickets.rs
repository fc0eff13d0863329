//! `/tickets`: what a browser opens the event stream with.

use std::time::Instant;

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use tokio_util::sync::CancellationToken;

use super::super::auth::{Principal, Reader, TICKET_LIFETIME_S, wall_clock};
use super::super::dto::{Ticket, TicketBody};
use super::super::extract::OptionalBody;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{Refused, Unknown};
use super::json;
use crate::domain::Timestamp;
use crate::store::Scope;

/// Get a ticket
///
/// It opens one WebSocket or SSE stream with `?ticket=` within 30 s, so that no token stands in a URL.
#[utoipa::path(post, path = "/api/v1/tickets", tag = "Events", security(("bearer" = ["read"])), request_body = Option<TicketBody>,
    responses((status = 201, description = "The ticket", body = Ticket), Refused, Unknown))]
pub(in crate::api) async fn create_ticket(
    reader: Reader,
    uri: Uri,
    OptionalBody(body): OptionalBody<TicketBody>,
) -> Result<Response<Body>, Problem> {
    Params::read(&uri)?.finish()?;
    let narrowed = narrow(&reader, body)?;
    let Some(ticket) = reader.state().tickets().issue(narrowed, Instant::now()).map_err(Problem::internal)? else {
        return Err(Problem::new("too_many_requests", "Too many tickets wait to be used.")
            .retry_after(u32::try_from(TICKET_LIFETIME_S).unwrap_or(30)));
    };
    let lifetime_ms = i64::try_from(TICKET_LIFETIME_S * 1000).unwrap_or(0);
    json(
        StatusCode::CREATED,
        &Ticket {
            ticket: ticket.expose().to_owned(),
            expires_at: Timestamp::from_unix_ms(wall_clock().unix_ms() + lifetime_ms),
        },
    )
}

/// The principal of the ticket: never more than the one that asks.
fn narrow(reader: &Reader, body: TicketBody) -> Result<Principal, Problem> {
    let principal = reader.principal();
    let mut narrowed = Principal {
        // The stream ends with the token; the ticket's own marks must not touch the token's.
        ended: CancellationToken::clone(&principal.ended),
        ..Principal::clone(principal)
    };
    if let Some(scopes) = body.scopes {
        let scope = *scopes.iter().max().ok_or_else(|| {
            Problem::new("invalid_value", "At least one scope is needed.")
                .field("/scopes", "At least one scope is needed.")
        })?;
        principal.require(scope)?;
        narrowed.scope = scope;
    }
    if let Some(lines) = body.lines {
        if lines.is_empty() {
            const DETAIL: &str = "Name at least one line, or leave `lines` out.";
            return Err(Problem::new("invalid_value", DETAIL).field("/lines", DETAIL));
        }
        let seen = reader.seen();
        for (index, line) in lines.iter().enumerate() {
            seen.line(line).map_err(|problem| problem.field(format!("/lines/{index}"), "There is no such line."))?;
        }
        narrowed.lines = Some(lines.into());
        narrowed.scope = narrowed.scope.min(Scope::Control);
    }
    Ok(narrowed)
}
