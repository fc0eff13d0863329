//! `/pbxs/{pbx}/doctor`: every check from the router's name to a monitored line.

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::auth::Admin;
use super::super::extract::{OptionalBody, PathId};
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{Acting, Refused, Unknown};
use super::json;
use crate::domain::{LineId, PbxId};
use crate::service::doctor::Diagnosis;

/// What to look at.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"line": null}))]
pub(in crate::api) struct DoctorBody {
    /// This line; without it every line that is not monitored.
    #[serde(default)]
    line: Option<LineId>,
}

/// Find out what is wrong
///
/// Runs every check from DNS to a monitored line now: lines that are not monitored are tried once more. What does not work
/// stands in the report with the router's own words, a hint, and the call that mends it where one exists.
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/doctor", tag = "PBXs", security(("bearer" = ["admin"])), request_body = Option<DoctorBody>,
    params(("pbx" = PbxId, Path, description = "Its id"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "The report", body = Diagnosis), Refused, Unknown, Acting))]
pub(in crate::api) async fn diagnose(
    admin: Admin,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    OptionalBody(body): OptionalBody<DoctorBody>,
) -> Result<Response<Body>, Problem> {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    json(StatusCode::OK, &admin.diagnose(&id, body.line.as_ref()).await?)
}
