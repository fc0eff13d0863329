//! `/me`: the own credential.

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};

use super::super::auth::{Principal, Reader};
use super::super::dto::Me;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::Refused;
use super::json;

/// What a principal may know about itself.
pub(in crate::api) fn describe(principal: &Principal) -> Me {
    Me {
        id: principal.token_id.clone(),
        name: principal.name.to_string(),
        scopes: vec![principal.scope],
        lines: principal.lines.as_ref().map(|lines| lines.to_vec()),
        expires_at: principal.expires_at,
    }
}

/// Who am I
#[utoipa::path(get, path = "/api/v1/me", tag = "Administration", security(("bearer" = ["read"])),
    responses((status = 200, description = "The own token", body = Me), Refused))]
pub(in crate::api) async fn me(reader: Reader, uri: Uri) -> Result<Response<Body>, Problem> {
    Params::read(&uri)?.finish()?;
    json(StatusCode::OK, &describe(reader.principal()))
}
