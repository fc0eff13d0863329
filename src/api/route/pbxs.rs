//! `/pbxs`: one per CME router.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::auth::{Admin, Reader};
use super::super::dto::LoadLinesBody;
use super::super::etag;
use super::super::extract::{JsonBody, OptionalBody, PathId};
use super::super::page::Page;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{Acting, Conditional, Configuring, Pbx, PbxInput, PbxPage, PbxPatch, Refused, Unknown};
use super::{as_patch, json, json_bytes, no_content, object_id, tagged, written};
use crate::domain::{PbxId, PbxStatus};
use crate::service::gateway::LineDiff;

type Answer = Result<Response<Body>, Problem>;

/// List the PBXs
#[utoipa::path(get, path = "/api/v1/pbxs", tag = "PBXs", security(("bearer" = ["read"])),
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items on a page; 100 without it"),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page of PBXs", body = PbxPage), Refused))]
pub(in crate::api) async fn list_pbxs(reader: Reader, uri: Uri) -> Answer {
    let mut params = Params::read(&uri)?;
    let page = Page::take(&mut params)?;
    params.finish()?;
    let seen = reader.seen();
    let body = page.render(seen.pbxs().map(|(id, json)| (id.as_str(), json.clone())));
    Ok(json_bytes(StatusCode::OK, body))
}

/// Create a PBX
///
/// An enabled PBX connects, loads its lines and monitors them by itself; progress is in its status.
#[utoipa::path(post, path = "/api/v1/pbxs", tag = "PBXs", security(("bearer" = ["admin"])), request_body = PbxInput,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 201, description = "The new PBX", body = Pbx), Refused, Configuring))]
pub(in crate::api) async fn create_pbx(admin: Admin, uri: Uri, JsonBody(body): JsonBody<Value>) -> Answer {
    Params::read(&uri)?.finish()?;
    if !body.is_object() {
        return Err(Problem::new("invalid_value", "A PBX is a JSON object.").field("", "An object is needed."));
    }
    let done = admin.create_pbx(body).await?;
    let location = object_id(&done.json).map(|id| format!("/api/v1/pbxs/{id}"));
    Ok(written(StatusCode::CREATED, done, location.as_deref()))
}

/// Read a PBX
#[utoipa::path(get, path = "/api/v1/pbxs/{pbx}", tag = "PBXs", security(("bearer" = ["read"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "The PBX with its status", body = Pbx), (status = 304, description = "Unchanged since `If-None-Match`"), Refused, Unknown))]
pub(in crate::api) async fn get_pbx(reader: Reader, PathId(id): PathId<PbxId>, uri: Uri, headers: HeaderMap) -> Answer {
    Params::read(&uri)?.finish()?;
    let body = reader.seen().pbx(&id)?;
    Ok(tagged(&headers, body, reader.pbx_etag(&id).as_deref()))
}

/// Change a PBX
///
/// A JSON merge patch (RFC 7396). Passwords are write-only. Emergency numbers and a location with which the number rules
/// would make an emergency number undialable are refused, unless it is forced.
#[utoipa::path(patch, path = "/api/v1/pbxs/{pbx}", tag = "PBXs", security(("bearer" = ["admin"])),
    request_body(content((PbxPatch = "application/merge-patch+json"), (PbxPatch = "application/json"))),
    params(("pbx" = PbxId, Path, description = "Its id"),
           ("force" = Option<bool>, Query, description = "Also when an emergency number is lost"),
           ("If-Match" = Option<String>, Header, description = "Only if its ETag is still this")),
    responses((status = 200, description = "The PBX after the change", body = Pbx), Refused, Unknown, Configuring, Conditional))]
pub(in crate::api) async fn update_pbx(
    admin: Admin,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(patch): JsonBody<Value>,
) -> Answer {
    let mut params = Params::read(&uri)?;
    let force = params.parse("force", "true or false.")?.unwrap_or(false);
    params.finish()?;
    let patch = as_patch(patch)?;
    admin.seen().pbx(&id)?;
    let expected = etag::expected(&headers, admin.pbx_etag(&id).as_deref())?;
    let done = admin.update_pbx(&id, patch, expected.as_deref(), force).await?;
    Ok(written(StatusCode::OK, done, None))
}

/// Delete a PBX with its lines
#[utoipa::path(delete, path = "/api/v1/pbxs/{pbx}", tag = "PBXs", security(("bearer" = ["admin"])),
    params(("pbx" = PbxId, Path, description = "Its id"), ("If-Match" = Option<String>, Header, description = "Only if its ETag is still this")),
    responses((status = 204, description = "It is gone"), Refused, Unknown, Configuring, Conditional))]
pub(in crate::api) async fn delete_pbx(
    admin: Admin,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    etag::expected(&headers, admin.pbx_etag(&id).as_deref())?;
    Ok(no_content(Some(&admin.delete_pbx(&id).await?)))
}

/// Status of a PBX
#[utoipa::path(get, path = "/api/v1/pbxs/{pbx}/status", tag = "PBXs", security(("bearer" = ["read"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "The status that is also in the PBX", body = PbxStatus), Refused, Unknown))]
pub(in crate::api) async fn pbx_status(reader: Reader, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    #[derive(Deserialize)]
    struct Embedded<'a> {
        #[serde(borrow)]
        status: &'a RawValue,
    }
    Params::read(&uri)?.finish()?;
    let body = reader.seen().pbx(&id)?;
    let embedded: Embedded<'_> = serde_json::from_slice(&body).map_err(Problem::internal)?;
    Ok(json_bytes(StatusCode::OK, embedded.status.get().to_owned()))
}

/// A copy of the site for the simulated router
///
/// Phones, buttons, numbers and mobility users as the last load found them, in the form that `linegate twin --system`
/// reads. Numbers, names and MAC addresses are made up; lengths, blocks and shared lines are those of the site.
#[utoipa::path(get, path = "/api/v1/pbxs/{pbx}/twin-system", tag = "PBXs", security(("bearer" = ["admin"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "A system for `linegate twin`", body = Object), Refused, Unknown, Configuring))]
pub(in crate::api) async fn twin_system(admin: Admin, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    json(StatusCode::OK, &admin.site_copy(&id).await?)
}

/// Forget what was learned about the PBX's dialect
///
/// `learned` in the status becomes empty, and every form is tried anew over new connections, as after a change of
/// `dialect`. What a person wrote into `dialect` stays.
#[utoipa::path(delete, path = "/api/v1/pbxs/{pbx}/learned", tag = "PBXs", security(("bearer" = ["admin"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 204, description = "It is forgotten"), Refused, Unknown, Configuring))]
pub(in crate::api) async fn forget_learned(admin: Admin, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    Ok(no_content(Some(&admin.forget_learned(&id).await?.position)))
}

/// Read the lines from the PBX
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/load-lines", tag = "PBXs", security(("bearer" = ["admin"])), request_body = Option<LoadLinesBody>,
    params(("pbx" = PbxId, Path, description = "Its id"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "What changed, or would change", body = LineDiff), Refused, Unknown, Acting))]
pub(in crate::api) async fn load_lines(
    admin: Admin,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    OptionalBody(body): OptionalBody<LoadLinesBody>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    json(StatusCode::OK, &admin.load_lines(&id, body.dry_run).await?)
}
