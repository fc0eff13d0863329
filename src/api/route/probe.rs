//! `/pbxs/{pbx}/probe`: the field test.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, Uri, header};

use super::super::auth::Admin;
use super::super::extract::{JsonBody, PathId};
use super::super::problem::Problem;
use super::super::query::{Params, wrong};
use super::super::schema::{Acting, Configuring, Pbx, Refused, Unknown};
use super::{json, no_content, written};
use crate::domain::PbxId;
use crate::service::probe::{ProbeRequest, ProbeView, Report};

type Answer = Result<Response<Body>, Problem>;

/// Longest wait for a change, in seconds.
const MAX_WAIT_S: u64 = 60;

/// Begin a field test
///
/// What the documents leave open about a router is found out at one line, step by step; a person at its phone is asked
/// to act. The line is not monitored meanwhile; the others are not touched. A test that nobody reads for 90 s ends.
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/probe", tag = "PBXs", security(("bearer" = ["admin"])), request_body = ProbeRequest,
    params(("pbx" = PbxId, Path, description = "Its id"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 201, description = "The test", body = ProbeView), Refused, Unknown, Acting))]
pub(in crate::api) async fn begin_probe(
    admin: Admin,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    JsonBody(wish): JsonBody<ProbeRequest>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    let seen = admin.seen();
    seen.pbx(&id)?;
    seen.line(&wish.line_id)?;
    let mut response = json(StatusCode::CREATED, &admin.begin_probe(&id, wish).await?)?;
    if let Ok(value) = HeaderValue::from_str(&format!("/api/v1/pbxs/{id}/probe")) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

/// Read the field test
///
/// With `after` and `wait_s` the answer comes when something has changed.
#[utoipa::path(get, path = "/api/v1/pbxs/{pbx}/probe", tag = "PBXs", security(("bearer" = ["admin"])),
    params(("pbx" = PbxId, Path, description = "Its id"),
           ("after" = Option<u64>, Query, description = "Wait until `version` is higher than this"),
           ("wait_s" = Option<u64>, Query, minimum = 0, maximum = 60, description = "How long to wait; not at all without it")),
    responses((status = 200, description = "The test that runs, or the last one", body = ProbeView), Refused, Unknown))]
pub(in crate::api) async fn get_probe(admin: Admin, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    let mut params = Params::read(&uri)?;
    let version = params.take("after");
    let after = version.map(|text| text.parse().map_err(|_| wrong("after", "A version of the test."))).transpose()?;
    let wait_s = params.parse("wait_s", "A whole number of seconds from 0 to 60.")?.unwrap_or(0_u64);
    if wait_s > MAX_WAIT_S {
        return Err(wrong("wait_s", "A whole number of seconds from 0 to 60."));
    }
    params.finish()?;
    admin.seen().pbx(&id)?;
    json(StatusCode::OK, &admin.probe_view(&id, after, Duration::from_secs(wait_s)).await?)
}

/// Stop the field test
///
/// Its report stays until the next one begins. Without effect on a test that is over.
#[utoipa::path(delete, path = "/api/v1/pbxs/{pbx}/probe", tag = "PBXs", security(("bearer" = ["admin"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 204, description = "It has ended"), Refused, Unknown))]
pub(in crate::api) async fn stop_probe(admin: Admin, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    admin.stop_probe(&id).await?;
    Ok(no_content(None))
}

/// Go on with the field test
///
/// The person did what the prompt asks for, or does not want to wait for it.
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/probe/continue", tag = "PBXs", security(("bearer" = ["admin"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 204, description = "It goes on"), Refused, Unknown))]
pub(in crate::api) async fn continue_probe(admin: Admin, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    admin.continue_probe(&id)?;
    Ok(no_content(None))
}

/// Report of the field test
///
/// Made to be sent to others: numbers, names, addresses and secrets are labels.
#[utoipa::path(get, path = "/api/v1/pbxs/{pbx}/probe/report", tag = "PBXs", security(("bearer" = ["admin"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "The report", body = Report), Refused, Unknown, Configuring))]
pub(in crate::api) async fn probe_report(admin: Admin, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    json(StatusCode::OK, &admin.probe_report(&id)?)
}

/// Take what the field test found out as learned
///
/// It is used for the next session of every line, and given up when it works no more.
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/probe/learn", tag = "PBXs", security(("bearer" = ["admin"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "The PBX; `status.learned` shows what is in use", body = Pbx), Refused, Unknown, Configuring))]
pub(in crate::api) async fn learn_from_probe(admin: Admin, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&id)?;
    Ok(written(StatusCode::OK, admin.learn_from_probe(&id).await?, None))
}
