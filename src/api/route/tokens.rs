//! `/tokens`: credentials of programs and people.

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use bytes::Bytes;

use super::super::auth::{Admin, wall_clock};
use super::super::dto::{NewToken, NewTokenBody, TokenInfo, TokenPage};
use super::super::extract::{JsonBody, PathId};
use super::super::page::Page;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{Conflicts, Refused, Unknown};
use super::{json, json_bytes, no_content};
use crate::domain::{LineId, RandomIds, TokenId};
use crate::store::{Scope, TokenRow, hash_token, new_secret};

type Answer = Result<Response<Body>, Problem>;

pub(super) fn info(row: &TokenRow) -> TokenInfo {
    TokenInfo {
        id: row.id.clone(),
        name: row.name.clone(),
        scopes: vec![row.scope],
        lines: row.lines.clone(),
        created_at: Some(row.created_at),
        expires_at: row.expires_at,
        enrolment_id: row.enrolment_id.clone(),
    }
}

/// A wrong member of a body.
pub(super) fn wrong(pointer: &str, detail: &str) -> Problem {
    Problem::new("invalid_value", detail).field(pointer, detail)
}

/// Refuses what is no name of a credential.
pub(super) fn check_name(pointer: &str, name: &str) -> Result<(), Problem> {
    if name.trim().is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(wrong(pointer, "A name has 1 to 64 characters."));
    }
    Ok(())
}

/// The highest of the wanted scopes, when it may be given for these lines.
pub(super) fn check_grant(admin: &Admin, scopes: &[Scope], lines: Option<&[LineId]>) -> Result<Scope, Problem> {
    let scope = *scopes.iter().max().ok_or_else(|| wrong("/scopes", "At least one scope is needed."))?;
    let Some(lines) = lines else { return Ok(scope) };
    if lines.is_empty() {
        return Err(wrong("/lines", "Name at least one line, or leave `lines` out for a token that sees all."));
    }
    if scope == Scope::Admin {
        return Err(wrong("/lines", "A token with the scope admin cannot be limited to lines."));
    }
    let seen = admin.seen();
    for (index, line) in lines.iter().enumerate() {
        if seen.line(line).is_err() {
            return Err(wrong(&format!("/lines/{index}"), "There is no such line."));
        }
    }
    Ok(scope)
}

/// List the tokens
///
/// Their secrets are not stored and cannot be shown again.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "Administration", security(("bearer" = ["admin"])),
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items on a page; 100 without it"),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page of tokens", body = TokenPage), Refused))]
pub(in crate::api) async fn list_tokens(admin: Admin, uri: Uri) -> Answer {
    let mut params = Params::read(&uri)?;
    let page = Page::take(&mut params)?;
    params.finish()?;
    let mut tokens: Vec<TokenInfo> = admin.tokens().await?.iter().map(info).collect();
    if let Some(bootstrap) = admin.bootstrap() {
        tokens.push(TokenInfo {
            id: bootstrap.token_id.clone(),
            name: bootstrap.name.to_string(),
            scopes: vec![bootstrap.scope],
            lines: None,
            created_at: None,
            expires_at: None,
            enrolment_id: None,
        });
    }
    tokens.sort_by(|a, b| a.id.cmp(&b.id));
    let mut items = Vec::with_capacity(tokens.len());
    for token in &tokens {
        items.push((token.id.as_str(), Bytes::from(serde_json::to_vec(token).map_err(Problem::internal)?)));
    }
    Ok(json_bytes(StatusCode::OK, page.render(items.into_iter())))
}

/// Create a token
///
/// The answer shows its secret once.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "Administration", security(("bearer" = ["admin"])), request_body = NewTokenBody,
    responses((status = 201, description = "The new token with its secret", body = NewToken), Refused))]
pub(in crate::api) async fn create_token(admin: Admin, uri: Uri, JsonBody(body): JsonBody<NewTokenBody>) -> Answer {
    Params::read(&uri)?.finish()?;
    let now = wall_clock();
    check_name("/name", &body.name)?;
    let scope = check_grant(&admin, &body.scopes, body.lines.as_deref())?;
    if body.expires_at.is_some_and(|end| end <= now) {
        return Err(wrong("/expires_at", "The end of a token lies in the future."));
    }
    let secret = new_secret().map_err(Problem::internal)?;
    let row = TokenRow {
        id: TokenId::new(&mut RandomIds),
        name: body.name,
        hash: hash_token(secret.expose()),
        scope,
        lines: body.lines,
        created_at: now,
        expires_at: body.expires_at,
        enrolment_id: None,
    };
    admin.insert_token(&row).await?;
    tracing::info!(token.id = %row.id, scope = scope.as_str(), "a token was made");
    json(StatusCode::CREATED, &NewToken { info: info(&row), token: secret.expose().to_owned() })
}

/// Delete a token
///
/// Sockets and tickets that stand on it end at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{token_id}", tag = "Administration", security(("bearer" = ["admin"])),
    params(("token_id" = TokenId, Path, description = "Its id, not its secret")),
    responses((status = 204, description = "It is gone"), Refused, Unknown, Conflicts))]
pub(in crate::api) async fn delete_token(admin: Admin, PathId(id): PathId<TokenId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    if admin.bootstrap().is_some_and(|bootstrap| bootstrap.token_id == id) {
        return Err(Problem::new("conflict", "The bootstrap token is not stored and cannot be deleted.")
            .hint("Change LINEGATE_ADMIN_TOKEN or the file admin-token of the data folder and restart."));
    }
    admin.delete_token(&id).await?;
    tracing::info!(token.id = %id, "a token was deleted");
    Ok(no_content(None))
}
