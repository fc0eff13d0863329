//! `/enrolments` and `/enrol`: codes by which machines fetch tokens of their own.

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use bytes::Bytes;

use super::super::auth::{Admin, Stranger, wall_clock};
use super::super::dto::{EnrolmentPage, NewToken};
use super::super::enrolment::{EnrolBody, EnrolmentInfo, NewEnrolment, NewEnrolmentBody};
use super::super::extract::{JsonBody, PathId};
use super::super::page::Page;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{CodeRefused, Refused, Unknown};
use super::tokens::{check_grant, check_name, info, wrong};
use super::{json, json_bytes, no_content};
use crate::domain::{EnrolmentId, RandomIds, Timestamp};
use crate::store::{EnrolmentRow, Scope, hash_code, new_code};

type Answer = Result<Response<Body>, Problem>;

/// How long a code lives when nobody says it.
const LIFE_MS: i64 = 7 * 24 * 3600 * 1000;
/// More machines than any router has phones; a code for more is a mistake.
const USES: u32 = 100_000;

/// List the enrolments
///
/// Their codes are not stored and cannot be shown again.
#[utoipa::path(get, path = "/api/v1/enrolments", tag = "Administration", security(("bearer" = ["admin"])),
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items on a page; 100 without it"),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page of enrolments", body = EnrolmentPage), Refused))]
pub(in crate::api) async fn list_enrolments(admin: Admin, uri: Uri) -> Answer {
    let mut params = Params::read(&uri)?;
    let page = Page::take(&mut params)?;
    params.finish()?;
    let now = wall_clock();
    let mut items = Vec::new();
    for row in admin.enrolments().await? {
        let id = row.id.as_str().to_owned();
        let shown = serde_json::to_vec(&EnrolmentInfo::of(row, now)).map_err(Problem::internal)?;
        items.push((id, Bytes::from(shown)));
    }
    let body = page.render(items.iter().map(|(id, json)| (id.as_str(), json.clone())));
    Ok(json_bytes(StatusCode::OK, body))
}

/// Create an enrolment
///
/// The answer shows its code once. Each machine that gives the code to `/enrol` gets a token of its own, which can be
/// revoked alone.
#[utoipa::path(post, path = "/api/v1/enrolments", tag = "Administration", security(("bearer" = ["admin"])),
    request_body = NewEnrolmentBody,
    responses((status = 201, description = "The new enrolment with its code", body = NewEnrolment), Refused))]
pub(in crate::api) async fn create_enrolment(
    admin: Admin,
    uri: Uri,
    JsonBody(body): JsonBody<NewEnrolmentBody>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    let now = wall_clock();
    check_name("/name", &body.name)?;
    let scope = check_grant(&admin, body.scopes.as_deref().unwrap_or(&[Scope::Control]), body.lines.as_deref())?;
    if scope == Scope::Admin {
        // Whoever finds a code of a roll-out must not own the gateway.
        return Err(wrong("/scopes", "A code gives tokens with the scope read or control only."));
    }
    if !(1..=USES).contains(&body.uses) {
        return Err(wrong("/uses", "A code has 1 to 100000 uses."));
    }
    let expires_at = body.expires_at.unwrap_or(Timestamp::from_unix_ms(now.unix_ms() + LIFE_MS));
    if expires_at <= now {
        return Err(wrong("/expires_at", "The end of a code lies in the future."));
    }
    let code = new_code().map_err(Problem::internal)?;
    let row = EnrolmentRow {
        id: EnrolmentId::new(&mut RandomIds),
        name: body.name,
        hash: hash_code(code.expose()),
        scope,
        lines: body.lines,
        uses: body.uses,
        used: 0,
        created_at: now,
        expires_at,
    };
    admin.insert_enrolment(&row).await?;
    tracing::info!(enrolment.id = %row.id, uses = row.uses, "an enrolment was made");
    let shown = NewEnrolment { info: EnrolmentInfo::of(row, now), code: code.expose().to_owned() };
    json(StatusCode::CREATED, &shown)
}

/// Take an enrolment back
///
/// Its code gives nothing any more; the tokens that it gave stay and are deleted one by one.
#[utoipa::path(delete, path = "/api/v1/enrolments/{enrolment}", tag = "Administration", security(("bearer" = ["admin"])),
    params(("enrolment" = EnrolmentId, Path, description = "Its id, not its code")),
    responses((status = 204, description = "It is gone"), Refused, Unknown))]
pub(in crate::api) async fn delete_enrolment(admin: Admin, PathId(id): PathId<EnrolmentId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.delete_enrolment(&id).await?;
    tracing::info!(enrolment.id = %id, "an enrolment was taken back");
    Ok(no_content(None))
}

/// Enrol a machine
///
/// Needs no token: the code is the credential. The answer shows the machine's own token once; each answer uses the code
/// up by one.
#[utoipa::path(post, path = "/api/v1/enrol", tag = "Administration", security(()), request_body = EnrolBody,
    responses((status = 201, description = "The token of the machine", body = NewToken), CodeRefused))]
pub(in crate::api) async fn enrol(stranger: Stranger, uri: Uri, JsonBody(body): JsonBody<EnrolBody>) -> Answer {
    Params::read(&uri)?.finish()?;
    check_name("/machine", &body.machine)?;
    let (row, secret) = stranger.enrol(&body.code, body.machine).await?;
    json(StatusCode::CREATED, &NewToken { info: info(&row), token: secret.expose().to_owned() })
}
