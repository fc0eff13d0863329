//! `/calls`: one object per line and PBX call.

use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};

use super::super::auth::{Controller, Reader};
use super::super::dto::{CallPage, CallPatch, CallsAnswer, NoFields};
use super::super::extract::{JsonBody, OptionalBody, PathId};
use super::super::page::Page;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{Acting, Refused, Unknown};
use super::{changed_calls, json_bytes, written};
use crate::domain::{Action, Call, CallId, CallState};
use crate::service::gateway::CallAction;

type Answer = Result<Response<Body>, Problem>;

/// List the calls of the moment
#[utoipa::path(get, path = "/api/v1/calls", tag = "Calls", security(("bearer" = ["read"])),
    params(("line" = Option<String>, Query, description = "Only of this line"),
           ("pbx" = Option<String>, Query, description = "Only of this PBX"),
           ("state" = Option<CallState>, Query, description = "Only in this state"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items on a page; 100 without it"),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page of calls", body = CallPage), Refused))]
pub(in crate::api) async fn list_calls(reader: Reader, uri: Uri) -> Answer {
    let words: Vec<&str> = CallState::ALL.iter().map(|state| state.as_str()).collect();
    let mut params = Params::read(&uri)?;
    let page = Page::take(&mut params)?;
    let (line, pbx) = (params.take("line"), params.take("pbx"));
    let state: Option<CallState> = params.word("state", &words.join(", "))?;
    params.finish()?;
    let seen = reader.seen();
    let calls = seen.calls().filter(|(call, _)| {
        line.as_ref().is_none_or(|line| call.line_id.as_str() == line)
            && pbx.as_ref().is_none_or(|pbx| call.pbx_id.as_str() == pbx)
            && state.is_none_or(|state| call.state == state)
    });
    Ok(json_bytes(StatusCode::OK, page.render(calls.map(|(call, json)| (call.id.as_str(), json.clone())))))
}

/// Read a call
#[utoipa::path(get, path = "/api/v1/calls/{call}", tag = "Calls", security(("bearer" = ["read"])),
    params(("call" = CallId, Path, description = "Its id")),
    responses((status = 200, description = "The call", body = Call), Refused, Unknown))]
pub(in crate::api) async fn get_call(reader: Reader, PathId(id): PathId<CallId>, uri: Uri) -> Answer {
    Params::read(&uri)?.finish()?;
    let (_, json) = reader.seen().call(&id).map(|(call, json)| (call.id.clone(), json))?;
    Ok(json_bytes(StatusCode::OK, json))
}

/// Attach data to a call
///
/// A JSON merge patch (RFC 7396) of `data`. It belongs to the conversation: every leg shows it, it follows the call wherever
/// it is sent, and stands in the journal.
#[utoipa::path(patch, path = "/api/v1/calls/{call}", tag = "Calls", security(("bearer" = ["control"])),
    request_body(content((CallPatch = "application/merge-patch+json"), (CallPatch = "application/json"))),
    params(("call" = CallId, Path, description = "Its id")),
    responses((status = 200, description = "The call after the change", body = Call), Refused, Unknown, Acting))]
pub(in crate::api) async fn update_call(
    controller: Controller,
    PathId(id): PathId<CallId>,
    uri: Uri,
    JsonBody(patch): JsonBody<CallPatch>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    if !patch.data.is_null() && !patch.data.is_object() {
        let detail = "`data` must be a JSON object, or null to empty it.";
        return Err(Problem::new("invalid_value", detail).field("/data", detail));
    }
    let done = controller.patch_call(&id, patch.data).await?;
    Ok(written(StatusCode::OK, done, None))
}

async fn act(controller: &Controller, id: &CallId, uri: &Uri, action: Action) -> Answer {
    Params::read(uri)?.finish()?;
    let done = controller.act(id, CallAction { action, digits: None, with: None, party: None }).await?;
    Ok(changed_calls(&done))
}

macro_rules! plain_actions {
    ($($name:ident, $path:literal, $action:ident, $title:literal);+ $(;)?) => {
        $(#[doc = $title]
        #[utoipa::path(post, path = $path, tag = "Calls", security(("bearer" = ["control"])), request_body = Option<NoFields>,
            params(("call" = CallId, Path, description = "Its id"),
                   ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
            responses((status = 200, description = "Every call that it changed, as known then", body = CallsAnswer), Refused, Unknown, Acting))]
        pub(in crate::api) async fn $name(
            controller: Controller,
            PathId(id): PathId<CallId>,
            uri: Uri,
            OptionalBody(NoFields {}): OptionalBody<NoFields>,
        ) -> Answer {
            act(&controller, &id, &uri, Action::$action).await
        })+
    };
}

plain_actions! {
    answer_call, "/api/v1/calls/{call}/answer", Answer, "Answer a call";
    drop_call, "/api/v1/calls/{call}/drop", Drop, "Hang up";
    hold_call, "/api/v1/calls/{call}/hold", Hold, "Put a call on hold";
    retrieve_call, "/api/v1/calls/{call}/retrieve", Retrieve, "Take a call from hold";
}
