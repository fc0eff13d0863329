//! `/pbxs/{pbx}/number-rules`: three ordered lists that change numbers.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use serde_json::Value;

use super::super::auth::{Admin, Reader};
use super::super::dto::{RulesVersionPage, UndoRulesBody};
use super::super::etag;
use super::super::extract::{JsonBody, OptionalBody, PathId, TextBody};
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{
    Conditional, Configuring, NumberRules, NumberRulesInput, NumberRulesTest, Preconditioned, Refused, Unknown,
};
use super::{json, tagged, written};
use crate::domain::PbxId;
use crate::domain::rules::ListName;
use crate::service::gateway::{RuleTest, RulesChange};

type Answer = Result<Response<Body>, Problem>;

/// Read the number rules of a PBX
#[utoipa::path(get, path = "/api/v1/pbxs/{pbx}/number-rules", tag = "Numbers", security(("bearer" = ["read"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "The rules, their samples, and what is remarkable about them", body = NumberRules),
              (status = 304, description = "Unchanged since `If-None-Match`"), Refused, Unknown))]
pub(in crate::api) async fn get_number_rules(
    reader: Reader,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    Params::read(&uri)?.finish()?;
    let (body, tag) = reader.number_rules(&id).await?;
    Ok(tagged(&headers, body, Some(&tag)))
}

/// Replace the number rules of a PBX
///
/// All three lists and the samples, or nothing. The first rule that matches gives the number; no match leaves it unchanged, an
/// empty result hides it. Refused when a sample does not come out as expected, or when an emergency number of the PBX could no
/// longer be dialled; `force=true` writes all the same.
#[utoipa::path(put, path = "/api/v1/pbxs/{pbx}/number-rules", tag = "Numbers", security(("bearer" = ["admin"])), request_body = NumberRulesInput,
    params(("pbx" = PbxId, Path, description = "Its id"),
           ("force" = Option<bool>, Query, description = "Also when samples fail or an emergency number is lost"),
           ("dry_run" = Option<bool>, Query, description = "Only check, and say what would be"),
           ("If-Match" = String, Header, description = "The ETag that was read: needed")),
    responses((status = 200, description = "The rules after the change", body = NumberRules), Refused, Unknown, Configuring, Conditional, Preconditioned))]
pub(in crate::api) async fn put_number_rules(
    admin: Admin,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Value>,
) -> Answer {
    let mut params = Params::read(&uri)?;
    let (force, dry_run) = change(&mut params)?;
    params.finish()?;
    let present = admin.number_rules_etag(&id)?;
    let Some(expected) = etag::expected(&headers, Some(&present))? else {
        return Err(Problem::new("precondition_required", "Replacing number rules needs If-Match.")
            .hint("Read them, change them, and send the ETag of the answer as If-Match."));
    };
    let change = RulesChange { if_match: Some(&expected), force, dry_run };
    Ok(written(StatusCode::OK, admin.put_number_rules(&id, body, change).await?, None))
}

/// Follow a number through the rules
///
/// Says which rule matched, what its groups found, and of the rules before it why they did not. `rules` may hold any of the three
/// lists to be tested instead of the stored ones; nothing is changed.
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/number-rules/test", tag = "Numbers", security(("bearer" = ["read"])), request_body = NumberRulesTest,
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "The way of the number", body = RuleTest), Refused, Unknown))]
pub(in crate::api) async fn test_number_rules(
    reader: Reader,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    JsonBody(body): JsonBody<Value>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    json(StatusCode::OK, &reader.test_number_rules(&id, body).await?)
}

/// List the kept versions of the rules
#[utoipa::path(get, path = "/api/v1/pbxs/{pbx}/number-rules/versions", tag = "Numbers", security(("bearer" = ["read"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "The last 100 versions, newest first", body = RulesVersionPage), Refused, Unknown))]
pub(in crate::api) async fn list_number_rules_versions(reader: Reader, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    let items = reader.number_rules_versions(&id).await?;
    json(StatusCode::OK, &RulesVersionPage { items, next_cursor: None })
}

/// Take an earlier version of the rules back
///
/// It becomes the newest version, so that this too can be undone. Without a number it is the version before the present one;
/// version 0 has no rules.
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/number-rules/undo", tag = "Numbers", security(("bearer" = ["admin"])), request_body = Option<UndoRulesBody>,
    params(("pbx" = PbxId, Path, description = "Its id"),
           ("force" = Option<bool>, Query, description = "Also when samples fail or an emergency number is lost"),
           ("dry_run" = Option<bool>, Query, description = "Only check, and say what would be"),
           ("If-Match" = Option<String>, Header, description = "Only if their ETag is still this")),
    responses((status = 200, description = "The rules after the change", body = NumberRules), Refused, Unknown, Configuring, Conditional))]
pub(in crate::api) async fn undo_number_rules(
    admin: Admin,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    headers: HeaderMap,
    OptionalBody(body): OptionalBody<UndoRulesBody>,
) -> Answer {
    let mut params = Params::read(&uri)?;
    let (force, dry_run) = change(&mut params)?;
    params.finish()?;
    let present = admin.number_rules_etag(&id)?;
    let expected = etag::expected(&headers, Some(&present))?;
    let change = RulesChange { if_match: expected.as_deref(), force, dry_run };
    Ok(written(StatusCode::OK, admin.undo_number_rules(&id, body.version, change).await?, None))
}

/// Write the rules as text
///
/// One rule a line, `search;replace;comment;kind`, in the sections `[incoming]`, `[outgoing]` and `[dialing]`; a rule that is
/// switched off begins with `-`.
#[utoipa::path(get, path = "/api/v1/pbxs/{pbx}/number-rules/export", tag = "Numbers", security(("bearer" = ["read"])),
    params(("pbx" = PbxId, Path, description = "Its id")),
    responses((status = 200, description = "The lists", body = String, content_type = "text/plain"), Refused, Unknown))]
pub(in crate::api) async fn export_number_rules(reader: Reader, PathId(id): PathId<PbxId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    let mut response = Response::new(Body::from(reader.export_number_rules(&id)?));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

/// Read rules from text
///
/// The form of the export, or a table with tabs. Lists that the text has are replaced, the others stay; all or nothing. A wrong
/// line is named by its number. Text may be UTF-8, UTF-16 or Windows-1252, with the line ends of any system.
#[utoipa::path(post, path = "/api/v1/pbxs/{pbx}/number-rules/import", tag = "Numbers", security(("bearer" = ["admin"])),
    request_body(content = String, content_type = "text/plain"),
    params(("pbx" = PbxId, Path, description = "Its id"),
           ("list" = Option<ListName>, Query, description = "The list of the rules before the first section"),
           ("force" = Option<bool>, Query, description = "Also when samples fail or an emergency number is lost"),
           ("dry_run" = Option<bool>, Query, description = "Only check, and say what would be"),
           ("If-Match" = Option<String>, Header, description = "Only if their ETag is still this")),
    responses((status = 200, description = "The rules after the change", body = NumberRules), Refused, Unknown, Configuring, Conditional))]
pub(in crate::api) async fn import_number_rules(
    admin: Admin,
    PathId(id): PathId<PbxId>,
    uri: Uri,
    headers: HeaderMap,
    TextBody(text): TextBody,
) -> Answer {
    let mut params = Params::read(&uri)?;
    let (force, dry_run) = change(&mut params)?;
    let list = params.word::<ListName>("list", "incoming, outgoing, dialing")?;
    params.finish()?;
    let present = admin.number_rules_etag(&id)?;
    let expected = etag::expected(&headers, Some(&present))?;
    let change = RulesChange { if_match: expected.as_deref(), force, dry_run };
    Ok(written(StatusCode::OK, admin.import_number_rules(&id, &text, list, change).await?, None))
}

/// `force` and `dry_run`.
fn change(params: &mut Params) -> Result<(bool, bool), Problem> {
    let force = params.parse("force", "true or false.")?.unwrap_or(false);
    let dry_run = params.parse("dry_run", "true or false.")?.unwrap_or(false);
    Ok((force, dry_run))
}
