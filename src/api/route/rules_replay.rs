//! `/pbxs/{pbx}/number-rules/replay`: number rules over the calls that were.

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use serde_json::Value;

use super::super::auth::Reader;
use super::super::extract::{OptionalBody, PathId};
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{NumberRulesReplay, Refused, Unknown};
use super::json;
use crate::domain::PbxId;
use crate::service::gateway::Replay;

/// Let number rules run over the last calls
///
/// The numbers of the journal that would be shown in another way, before and after. `rules` or `text` (the form of the
/// export) hold lists to be tried instead of the stored ones, and are compared with these; without them the stored rules are
/// compared with what was shown when the calls were. Inbound calls go through the incoming list, outbound ones through the
/// outgoing; what programs dialled is not kept, so the dialing list is tried with `test`. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/number-rules/replay", tag = "Numbers", security(("bearer" = ["read"])), request_body = Option<NumberRulesReplay>,
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "The numbers that change", body = Replay), Refused, Unknown))]
pub(in crate::api) async fn replay_number_rules(
    reader: Reader,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    OptionalBody(body): OptionalBody<Value>,
) -> Result<Response<Body>, Problem> {
    Params::read(&uri)?.finish()?;
    json(StatusCode::OK, &reader.replay_number_rules(&id, body).await?)
}
