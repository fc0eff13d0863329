//! `/pbxs/{pbx}/csta-config`: the assistant that sets a router up for CSTA (api.md, "PBXs").

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::auth::Admin;
use super::super::extract::{OptionalBody, PathId};
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{Acting, Refused, Unknown};
use super::json;
use crate::domain::{LineId, PbxId};
use crate::service::assistant::{ApplyRequest, Block, CstaApplied, CstaConfig, CstaEntry, OneTime};
use crate::store::Secret;

type Answer = Result<Response<Body>, Problem>;

/// Longest user name and password of the XML API (IOS).
const CREDENTIAL_LENGTH: usize = 64;

/// Credentials for one request; they are never stored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct CredentialsBody {
    /// A user of level 15.
    #[schema(min_length = 1, max_length = 64)]
    username: String,
    /// Its password.
    #[schema(max_length = 64, write_only)]
    password: String,
}

impl CredentialsBody {
    fn read(self) -> Result<OneTime, Problem> {
        let is_sound = |text: &str| text.len() <= CREDENTIAL_LENGTH && !text.chars().any(char::is_control);
        if self.username.is_empty() || !is_sound(&self.username) || !is_sound(&self.password) {
            return Err(Problem::new("invalid_value", "These credentials cannot be used.")
                .hint("Give user name and password as they are configured at the router.")
                .field("/credentials", "1 to 64 characters each, no control characters."));
        }
        Ok(OneTime { username: self.username, password: Secret::new(self.password) })
    }
}

fn yes() -> bool {
    true
}

/// What is to be applied.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"blocks": ["session_server", "ephone_dn"], "lines": null, "save": true, "credentials": null}))]
pub(in crate::api) struct ApplyBody {
    /// Only these blocks; without it every block but `authenticate`, which must be named.
    #[serde(default)]
    blocks: Option<Vec<Block>>,
    /// Only the directory numbers of these lines; without it all.
    #[serde(default)]
    lines: Option<Vec<LineId>>,
    /// Save the configuration of the router when it is proved.
    #[serde(default = "yes")]
    save: bool,
    /// For this request only; without it the user of the PBX.
    #[serde(default)]
    credentials: Option<CredentialsBody>,
}

impl Default for ApplyBody {
    fn default() -> Self {
        Self { blocks: None, lines: None, save: true, credentials: None }
    }
}

/// How it is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"save": true, "credentials": null}))]
pub(in crate::api) struct UndoBody {
    /// Save the configuration of the router.
    #[serde(default = "yes")]
    save: bool,
    /// For this request only; without it the user of the PBX.
    #[serde(default)]
    credentials: Option<CredentialsBody>,
}

impl Default for UndoBody {
    fn default() -> Self {
        Self { save: true, credentials: None }
    }
}

/// The journal of the assistant.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CstaJournal {
    /// The entries, the newest first; the last 50 are kept.
    items: Vec<CstaEntry>,
    /// Always `null`: all entries are on one page.
    next_cursor: Option<String>,
}

/// Check the router's set-up for CSTA
///
/// Reads the router and says for each block what is there, what is missing, and which IOS lines would mend it.
#[utoipa::path(get, path = "/api/v1/pbxs/{pbx}/csta-config", tag = "PBXs", security(("bearer" = ["admin"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "Findings and plan", body = CstaConfig), Refused, Unknown, Acting))]
pub(in crate::api) async fn get_csta_config(admin: Admin, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    json(StatusCode::OK, &admin.csta_config(&id).await?)
}

/// Set the router up for CSTA
///
/// Applies block by block, reads the router again, waits for real monitors and saves. A block that the router refuses is
/// no error of the request: it stands in `results` with the router's own words. Needs a user of level 15.
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/csta-config/apply", tag = "PBXs", security(("bearer" = ["admin"])), request_body = Option<ApplyBody>,
    params(("pbx" = PbxId, Path, description = "Its id"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "What came of each block", body = CstaApplied), Refused, Unknown, Acting))]
pub(in crate::api) async fn apply_csta_config(
    admin: Admin,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    OptionalBody(body): OptionalBody<ApplyBody>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    let credentials = body.credentials.map(CredentialsBody::read).transpose()?;
    let request = ApplyRequest { blocks: body.blocks, lines: body.lines, save: body.save, credentials };
    json(StatusCode::OK, &admin.apply_csta_config(&id, request).await?)
}

/// What was applied and taken back
#[utoipa::path(get, path = "/api/v1/pbxs/{pbx}/csta-config/journal", tag = "PBXs", security(("bearer" = ["admin"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "The entries, the newest first", body = CstaJournal), Refused, Unknown, Acting))]
pub(in crate::api) async fn csta_journal(admin: Admin, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    json(StatusCode::OK, &CstaJournal { items: admin.csta_journal(&id).await?, next_cursor: None })
}

/// Take back the last apply
///
/// Its directory numbers and its session server, as far as they still are what was made. `voice_service_voip`,
/// `voice_register_global` and `authenticate` are shared with others and stay.
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/csta-config/undo", tag = "PBXs", security(("bearer" = ["admin"])), request_body = Option<UndoBody>,
    params(("pbx" = PbxId, Path, description = "Its id"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "What came of each block", body = CstaApplied), Refused, Unknown, Acting))]
pub(in crate::api) async fn undo_csta_config(
    admin: Admin,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    OptionalBody(body): OptionalBody<UndoBody>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    let credentials = body.credentials.map(CredentialsBody::read).transpose()?;
    json(StatusCode::OK, &admin.undo_csta_config(&id, body.save, credentials).await?)
}
