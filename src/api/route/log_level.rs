//! `/log-level`: what is logged, while the gateway runs.

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};

use super::super::auth::Admin;
use super::super::dto::LogLevelBody;
use super::super::extract::JsonBody;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{Refused, Unknown};
use super::json;

/// Change what is logged
#[utoipa::path(put, path = "/api/v1/log-level", tag = "Administration", security(("bearer" = ["admin"])), request_body = LogLevelBody,
    responses((status = 200, description = "It counts from now on", body = LogLevelBody), Refused, Unknown))]
pub(in crate::api) async fn set_log_level(
    admin: Admin,
    uri: Uri,
    JsonBody(body): JsonBody<LogLevelBody>,
) -> Result<Response<Body>, Problem> {
    Params::read(&uri)?.finish()?;
    admin.set_log_level(&body.filter)?;
    tracing::info!(filter = %body.filter, "the log filter was changed");
    json(StatusCode::OK, &body)
}
