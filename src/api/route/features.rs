//! Forwarding and do not disturb of a line (api.md, "Lines").

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::auth::{Controller, Reader};
use super::super::extract::{JsonBody, PathId};
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{Acting, Refused, Unknown};
use super::{commanded, json};
use crate::domain::LineId;

type Answer = Result<Response<Body>, Problem>;

/// Forwarding of an address.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"unconditional": "208"}))]
pub(in crate::api) struct ForwardingBody {
    /// Where all calls go; `null` means nowhere.
    unconditional: Option<String>,
}

/// Do not disturb of a phone.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": true}))]
pub(in crate::api) struct DoNotDisturbBody {
    /// Ringing is off.
    enabled: bool,
}

fn address(uri: &Uri) -> Result<u8, Problem> {
    let mut params = Params::read(uri)?;
    let address = params.parse("address", "The index of one of the line's addresses.")?.unwrap_or(0_u8);
    params.finish()?;
    Ok(address)
}

/// Read the forwarding of a line
///
/// By the PBX's own word.
#[utoipa::path(get, path = "/api/v1/lines/{line}/forwarding", tag = "Lines", security(("bearer" = ["read"])),
    params(("line" = LineId, Path, description = "Its id"),
           ("address" = Option<u8>, Query, description = "Index of the address; 0 without it")),
    responses((status = 200, description = "The forwarding", body = ForwardingBody), Refused, Unknown, Acting))]
pub(in crate::api) async fn get_forwarding(reader: Reader, PathId(id): PathId<LineId>, uri: Uri) -> Answer {
    let unconditional = reader.forwarding(&id, address(&uri)?).await?;
    json(StatusCode::OK, &ForwardingBody { unconditional })
}

/// Set the forwarding of a line
#[utoipa::path(put, path = "/api/v1/lines/{line}/forwarding", tag = "Lines", security(("bearer" = ["control"])), request_body = ForwardingBody,
    params(("line" = LineId, Path, description = "Its id"),
           ("address" = Option<u8>, Query, description = "Index of the address; 0 without it")),
    responses((status = 200, description = "The forwarding after the change", body = ForwardingBody), Refused, Unknown, Acting))]
pub(in crate::api) async fn set_forwarding(
    controller: Controller,
    PathId(id): PathId<LineId>,
    uri: Uri,
    JsonBody(body): JsonBody<ForwardingBody>,
) -> Answer {
    let set = controller.set_forwarding(&id, address(&uri)?, body.unconditional).await?;
    let (command, position) = (set.command_id, set.position);
    let response = json(StatusCode::OK, &ForwardingBody { unconditional: set.value })?;
    Ok(commanded(response, command.as_ref(), position.as_ref()))
}

/// Read do not disturb of a line's phone
///
/// By the PBX's own word.
#[utoipa::path(get, path = "/api/v1/lines/{line}/do-not-disturb", tag = "Lines", security(("bearer" = ["read"])),
    params(("line" = LineId, Path, description = "Its id")),
    responses((status = 200, description = "Do not disturb", body = DoNotDisturbBody), Refused, Unknown, Acting))]
pub(in crate::api) async fn get_do_not_disturb(reader: Reader, PathId(id): PathId<LineId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    let enabled = reader.do_not_disturb(&id).await?;
    json(StatusCode::OK, &DoNotDisturbBody { enabled })
}

/// Set do not disturb of a line's phone
#[utoipa::path(put, path = "/api/v1/lines/{line}/do-not-disturb", tag = "Lines", security(("bearer" = ["control"])), request_body = DoNotDisturbBody,
    params(("line" = LineId, Path, description = "Its id")),
    responses((status = 200, description = "Do not disturb after the change", body = DoNotDisturbBody), Refused, Unknown, Acting))]
pub(in crate::api) async fn set_do_not_disturb(
    controller: Controller,
    PathId(id): PathId<LineId>,
    uri: Uri,
    JsonBody(body): JsonBody<DoNotDisturbBody>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    let set = controller.set_do_not_disturb(&id, body.enabled).await?;
    let response = json(StatusCode::OK, &DoNotDisturbBody { enabled: set.value })?;
    Ok(commanded(response, set.command_id.as_ref(), set.position.as_ref()))
}
