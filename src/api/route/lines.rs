//! `/lines`: the numbers that are monitored and can be dialled from.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use serde_json::Value;

use super::super::auth::{Admin, Controller, Reader};
use super::super::dto::{DialBody, DialPlanAnswer, LinePage, NewLineBody, NoFields, compact_data};
use super::super::etag;
use super::super::extract::{JsonBody, OptionalBody, PathId};
use super::super::page::Page;
use super::super::problem::Problem;
use super::super::query::{Params, wrong};
use super::super::schema::{Acting, Conditional, Configuring, LinePatch, Refused, Unknown};
use super::{as_patch, json, json_bytes, made_call, no_content, object_id, tagged, written};
use crate::domain::{Call, DialString, Line, LineId, LineKind, LineStatus};
use crate::service::gateway::{DialRequest, NewLine};

type Answer = Result<Response<Body>, Problem>;

/// What a list of lines is cut down to.
struct Wanted {
    pbx: Option<String>,
    number: Option<String>,
    text: Option<String>,
    status: Option<LineStatus>,
    kind: Option<LineKind>,
    labels: Vec<(String, String)>,
}

impl Wanted {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        let mut labels = Vec::new();
        while let Some(text) = params.take_first("label") {
            let Some((key, value)) = text.split_once(':') else {
                return Err(wrong("label", "Write it as key:value."));
            };
            labels.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self {
            pbx: params.take("pbx"),
            number: params.take("number"),
            text: params.take("q").map(|text| text.to_lowercase()),
            status: params.word("status", "in_service, out_of_service, unknown")?,
            kind: params.word("kind", "static, extension_mobility")?,
            labels,
        })
    }

    fn fits(&self, line: &Line) -> bool {
        let has = |number: &str| {
            let is_shown = |full: &String| plain(&line.display_number).as_ref() == Some(full);
            line.number == number
                || line.addresses.iter().any(|address| address.number == number)
                || plain(number).is_some_and(|full| is_shown(&full))
        };
        let holds = |text: &str| {
            [&line.number, &line.display_number, &line.name]
                .into_iter()
                .chain(&line.device_id)
                .chain(line.addresses.iter().map(|address| &address.number))
                .any(|field| field.to_lowercase().contains(text))
        };
        self.pbx.as_ref().is_none_or(|pbx| line.pbx_id.as_str() == pbx)
            && self.number.as_deref().is_none_or(has)
            && self.text.as_deref().is_none_or(holds)
            && self.status.is_none_or(|status| line.status == status)
            && self.kind.is_none_or(|kind| line.kind == kind)
            && self.labels.iter().all(|(key, value)| line.labels.get(key) == Some(value))
    }
}

/// A number that is written in full, without what is between its digits.
fn plain(number: &str) -> Option<String> {
    DialString::parse(number).ok().filter(DialString::is_international).map(|number| number.to_string())
}

/// List the lines
#[utoipa::path(get, path = "/api/v1/lines", tag = "Lines", security(("bearer" = ["read"])),
    params(("pbx" = Option<String>, Query, description = "Only of this PBX"),
           ("q" = Option<String>, Query, description = "Part of a number, name or device id"),
           ("number" = Option<String>, Query, description = "Exactly this number, on any button; or the number of the line in full, in any notation"),
           ("status" = Option<LineStatus>, Query, description = "Only with this status"),
           ("kind" = Option<LineKind>, Query, description = "Only of this kind"),
           ("label" = Option<String>, Query, description = "`key:value`; may stand several times"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items on a page; 100 without it"),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page of lines", body = LinePage), Refused))]
pub(in crate::api) async fn list_lines(reader: Reader, uri: Uri) -> Answer {
    let mut params = Params::read(&uri)?;
    let page = Page::take(&mut params)?;
    let wanted = Wanted::take(&mut params)?;
    params.finish()?;
    let seen = reader.seen();
    let lines = seen.lines().filter(|(line, _)| wanted.fits(line));
    Ok(json_bytes(StatusCode::OK, page.render(lines.map(|(line, json)| (line.id.as_str(), json.clone())))))
}

/// Add a line by hand
#[utoipa::path(post, path = "/api/v1/lines", tag = "Lines", security(("bearer" = ["admin"])), request_body = NewLineBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 201, description = "The new line", body = Line), Refused, Unknown, Configuring))]
pub(in crate::api) async fn create_line(admin: Admin, uri: Uri, JsonBody(body): JsonBody<NewLineBody>) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().pbx(&body.pbx_id).map_err(|problem| problem.field("/pbx_id", "There is no such PBX."))?;
    let done = admin
        .create_line(NewLine {
            pbx_id: body.pbx_id,
            number: body.number,
            device_id: body.device_id,
            name: body.name,
            buttons: body.buttons,
        })
        .await?;
    let location = object_id(&done.json).map(|id| format!("/api/v1/lines/{id}"));
    Ok(written(StatusCode::CREATED, done, location.as_deref()))
}

/// Read a line
#[utoipa::path(get, path = "/api/v1/lines/{line}", tag = "Lines", security(("bearer" = ["read"])),
    params(("line" = LineId, Path, description = "Its id")),
    responses((status = 200, description = "The line", body = Line), (status = 304, description = "Unchanged since `If-None-Match`"), Refused, Unknown))]
pub(in crate::api) async fn get_line(
    reader: Reader,
    PathId(id): PathId<LineId>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    Params::read(&uri)?.finish()?;
    let body = reader.seen().line(&id)?;
    Ok(tagged(&headers, body, reader.line_etag(&id).as_deref()))
}

/// Change a line
///
/// A JSON merge patch (RFC 7396) of what people may set: `enabled`, `name`, `labels`; of a line that was added by hand also
/// `number`, `device_id`, `buttons`.
#[utoipa::path(patch, path = "/api/v1/lines/{line}", tag = "Lines", security(("bearer" = ["admin"])),
    request_body(content((LinePatch = "application/merge-patch+json"), (LinePatch = "application/json"))),
    params(("line" = LineId, Path, description = "Its id"), ("If-Match" = Option<String>, Header, description = "Only if its ETag is still this")),
    responses((status = 200, description = "The line after the change", body = Line), Refused, Unknown, Configuring, Conditional))]
pub(in crate::api) async fn update_line(
    admin: Admin,
    PathId(id): PathId<LineId>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(patch): JsonBody<Value>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    let patch = as_patch(patch)?;
    admin.seen().line(&id)?;
    let expected = etag::expected(&headers, admin.line_etag(&id).as_deref())?;
    let done = admin.update_line(&id, patch, expected.as_deref()).await?;
    Ok(written(StatusCode::OK, done, None))
}

/// Delete a line that was added by hand
///
/// A line that the PBX gave cannot be deleted (409); disable it.
#[utoipa::path(delete, path = "/api/v1/lines/{line}", tag = "Lines", security(("bearer" = ["admin"])),
    params(("line" = LineId, Path, description = "Its id"), ("If-Match" = Option<String>, Header, description = "Only if its ETag is still this")),
    responses((status = 204, description = "It is gone"), Refused, Unknown, Configuring, Conditional))]
pub(in crate::api) async fn delete_line(
    admin: Admin,
    PathId(id): PathId<LineId>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    Params::read(&uri)?.finish()?;
    admin.seen().line(&id)?;
    etag::expected(&headers, admin.line_etag(&id).as_deref())?;
    Ok(no_content(Some(&admin.delete_line(&id).await?)))
}

/// Retry a failed monitor and mend our view of the line
#[utoipa::path(post, path = "/api/v1/lines/{line}/refresh", tag = "Lines", security(("bearer" = ["control"])), request_body = Option<NoFields>,
    params(("line" = LineId, Path, description = "Its id"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "The line as it is now", body = Line), Refused, Unknown, Acting))]
pub(in crate::api) async fn refresh_line(
    controller: Controller,
    PathId(id): PathId<LineId>,
    uri: Uri,
    OptionalBody(NoFields {}): OptionalBody<NoFields>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    Ok(written(StatusCode::OK, controller.refresh_line(&id).await?, None))
}

/// Dial
///
/// With `dry_run=true` nothing is dialled: the answer says what would be.
#[utoipa::path(post, path = "/api/v1/lines/{line}/calls", tag = "Calls", security(("bearer" = ["control"])), request_body = Option<DialBody>,
    params(("line" = LineId, Path, description = "The line that dials"),
           ("dry_run" = Option<bool>, Query, description = "Only say what would be dialled"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "What would be dialled (`dry_run=true`)", body = DialPlanAnswer),
              (status = 201, description = "The new call", body = Call), Refused, Unknown, Acting))]
pub(in crate::api) async fn dial(
    controller: Controller,
    PathId(id): PathId<LineId>,
    uri: Uri,
    OptionalBody(body): OptionalBody<DialBody>,
) -> Answer {
    let mut params = Params::read(&uri)?;
    let dry_run = params.parse("dry_run", "true or false.")?.unwrap_or(false);
    params.finish()?;
    if body.client_ref.as_ref().is_some_and(|text| text.chars().count() > 64) {
        return Err(Problem::new("invalid_value", "The client_ref is too long.")
            .field("/client_ref", "A client_ref has at most 64 characters."));
    }
    let request = DialRequest {
        to: body.to,
        address: body.address,
        client_ref: body.client_ref,
        data: body.data.map(|data| compact_data(&data)).transpose()?,
    };
    if dry_run {
        let plan = controller.plan_dial(&id, &request)?;
        return json(StatusCode::OK, &DialPlanAnswer { dials: plan.dials, internal: plan.internal, rule: plan.rule });
    }
    made_call(&controller.dial(&id, request).await?)
}
