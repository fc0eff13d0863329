//! `/locate`: the router from DHCP options 150 and 66.

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::auth::Admin;
use super::super::extract::OptionalBody;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{NotHere, Refused};
use super::json;
use crate::service::locate::Candidate;

/// Where to ask.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"interface": null}))]
pub(in crate::api) struct LocateBody {
    /// Name of a network interface; without it all are asked.
    #[serde(default)]
    #[schema(max_length = 64)]
    interface: Option<String>,
}

/// Find routers
///
/// Asks DHCP servers for options 150 and 66, which tell phones where their router is, and tries each address that they name.
#[utoipa::path(post, path = "/api/v1/locate", tag = "PBXs", security(("bearer" = ["admin"])), request_body = Option<LocateBody>,
    responses((status = 200, description = "Candidates, the likeliest first; an empty list when nobody answers", body = Vec<Candidate>), Refused, NotHere))]
pub(in crate::api) async fn locate(
    admin: Admin,
    uri: Uri,
    OptionalBody(body): OptionalBody<LocateBody>,
) -> Result<Response<Body>, Problem> {
    Params::read(&uri)?.finish()?;
    json(StatusCode::OK, &admin.locate(body.interface.as_deref()).await?)
}
