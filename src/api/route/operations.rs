//! Operations on calls that take a number, a second call or a participant (api.md, "Calls").

use axum::body::Body;
use axum::http::{Response, Uri};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::auth::Controller;
use super::super::dto::CallsAnswer;
use super::super::extract::{JsonBody, OptionalBody, PathId};
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{Acting, Refused, Unknown};
use super::{changed_calls, made_call};
use crate::domain::{Action, Call, CallId};
use crate::service::gateway::CallAction;

type Answer = Result<Response<Body>, Problem>;

/// Where to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "208"}))]
pub(in crate::api) struct ToBody {
    /// The number, in any notation that `dial` takes.
    to: String,
}

/// Whom to consult.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"to": "208"}))]
pub(in crate::api) struct ConsultBody {
    /// The number; without it the consultation call is in dial tone.
    to: Option<String>,
}

/// Keys of a phone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"digits": "12#"}))]
pub(in crate::api) struct DigitsBody {
    /// 1 to 64 of 0 to 9, `*`, `#`, A to D.
    #[schema(min_length = 1, max_length = 64)]
    digits: String,
}

/// The second call.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::api) struct WithBody {
    /// The second call; may be left out when only one fits.
    with: Option<CallId>,
}

/// What becomes of the two calls.
#[derive(Debug, Default, Clone, Copy, Deserialize, serde::Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum CompleteMode {
    /// The others are connected, this line leaves.
    #[default]
    Transfer,
    /// All three talk.
    Conference,
}

/// How a consultation ends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"mode": "transfer"}))]
pub(in crate::api) struct CompleteBody {
    /// The second call; may be left out when only one fits.
    with: Option<CallId>,
    /// `transfer` or `conference`.
    mode: CompleteMode,
}

/// The call that joins a conference.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::api) struct JoinBody {
    /// The other call; may be left out when only one fits.
    call: Option<CallId>,
}

/// Who leaves a conference.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"party": "202"}))]
pub(in crate::api) struct PartyBody {
    /// Id or number of a participant.
    party: String,
}

fn plain(action: Action) -> CallAction {
    CallAction { action, digits: None, with: None, party: None }
}

async fn act(controller: &Controller, id: &CallId, uri: &Uri, action: CallAction) -> Answer {
    Params::read(uri)?.finish()?;
    Ok(changed_calls(&controller.act(id, action).await?))
}

/// Redirect a ringing call
#[utoipa::path(post, path = "/api/v1/calls/{call}/redirect", tag = "Calls", security(("bearer" = ["control"])), request_body = ToBody,
    params(("call" = CallId, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "Every call that it changed, as known then", body = CallsAnswer), Refused, Unknown, Acting))]
pub(in crate::api) async fn redirect_call(
    controller: Controller,
    PathId(id): PathId<CallId>,
    uri: Uri,
    JsonBody(body): JsonBody<ToBody>,
) -> Answer {
    let action = CallAction { digits: Some(body.to), ..plain(Action::Redirect) };
    act(&controller, &id, &uri, action).await
}

/// Transfer a call without asking
#[utoipa::path(post, path = "/api/v1/calls/{call}/blind-transfer", tag = "Calls", security(("bearer" = ["control"])), request_body = ToBody,
    params(("call" = CallId, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "Every call that it changed, as known then", body = CallsAnswer), Refused, Unknown, Acting))]
pub(in crate::api) async fn blind_transfer_call(
    controller: Controller,
    PathId(id): PathId<CallId>,
    uri: Uri,
    JsonBody(body): JsonBody<ToBody>,
) -> Answer {
    let action = CallAction { digits: Some(body.to), ..plain(Action::BlindTransfer) };
    act(&controller, &id, &uri, action).await
}

/// Consult somebody
///
/// Holds this call and calls a second party.
#[utoipa::path(post, path = "/api/v1/calls/{call}/consult", tag = "Calls", security(("bearer" = ["control"])), request_body = Option<ConsultBody>,
    params(("call" = CallId, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 201, description = "The consultation call", body = Call), Refused, Unknown, Acting))]
pub(in crate::api) async fn consult(
    controller: Controller,
    PathId(id): PathId<CallId>,
    uri: Uri,
    OptionalBody(body): OptionalBody<ConsultBody>,
) -> Answer {
    Params::read(&uri)?.finish()?;
    let action = CallAction { digits: body.to, ..plain(Action::Consult) };
    made_call(&controller.act(&id, action).await?)
}

/// Dial in dial tone
#[utoipa::path(post, path = "/api/v1/calls/{call}/dial", tag = "Calls", security(("bearer" = ["control"])), request_body = DigitsBody,
    params(("call" = CallId, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "Every call that it changed, as known then", body = CallsAnswer), Refused, Unknown, Acting))]
pub(in crate::api) async fn dial_digits(
    controller: Controller,
    PathId(id): PathId<CallId>,
    uri: Uri,
    JsonBody(body): JsonBody<DigitsBody>,
) -> Answer {
    let action = CallAction { digits: Some(body.digits), ..plain(Action::Dial) };
    act(&controller, &id, &uri, action).await
}

/// Send tones in a call
#[utoipa::path(post, path = "/api/v1/calls/{call}/digits", tag = "Calls", security(("bearer" = ["control"])), request_body = DigitsBody,
    params(("call" = CallId, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "Every call that it changed, as known then", body = CallsAnswer), Refused, Unknown, Acting))]
pub(in crate::api) async fn send_digits(
    controller: Controller,
    PathId(id): PathId<CallId>,
    uri: Uri,
    JsonBody(body): JsonBody<DigitsBody>,
) -> Answer {
    let action = CallAction { digits: Some(body.digits), ..plain(Action::Digits) };
    act(&controller, &id, &uri, action).await
}

/// Swap the held and the active call
#[utoipa::path(post, path = "/api/v1/calls/{call}/swap", tag = "Calls", security(("bearer" = ["control"])), request_body = Option<WithBody>,
    params(("call" = CallId, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "Every call that it changed, as known then", body = CallsAnswer), Refused, Unknown, Acting))]
pub(in crate::api) async fn swap_calls(
    controller: Controller,
    PathId(id): PathId<CallId>,
    uri: Uri,
    OptionalBody(body): OptionalBody<WithBody>,
) -> Answer {
    let action = CallAction { with: body.with, ..plain(Action::Swap) };
    act(&controller, &id, &uri, action).await
}

/// Complete a transfer or conference
#[utoipa::path(post, path = "/api/v1/calls/{call}/complete-transfer", tag = "Calls", security(("bearer" = ["control"])), request_body = Option<CompleteBody>,
    params(("call" = CallId, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "Every call that it changed, as known then", body = CallsAnswer), Refused, Unknown, Acting))]
pub(in crate::api) async fn complete_transfer(
    controller: Controller,
    PathId(id): PathId<CallId>,
    uri: Uri,
    OptionalBody(body): OptionalBody<CompleteBody>,
) -> Answer {
    let action = CallAction {
        with: body.with,
        ..plain(match body.mode {
            CompleteMode::Transfer => Action::CompleteTransfer,
            CompleteMode::Conference => Action::CompleteConference,
        })
    };
    act(&controller, &id, &uri, action).await
}

/// Add a call to a conference
#[utoipa::path(post, path = "/api/v1/calls/{call}/add-to-conference", tag = "Calls", security(("bearer" = ["control"])), request_body = Option<JoinBody>,
    params(("call" = CallId, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "Every call that it changed, as known then", body = CallsAnswer), Refused, Unknown, Acting))]
pub(in crate::api) async fn add_to_conference(
    controller: Controller,
    PathId(id): PathId<CallId>,
    uri: Uri,
    OptionalBody(body): OptionalBody<JoinBody>,
) -> Answer {
    let action = CallAction { with: body.call, ..plain(Action::AddToConference) };
    act(&controller, &id, &uri, action).await
}

/// Take a participant out of a conference
#[utoipa::path(post, path = "/api/v1/calls/{call}/remove-from-conference", tag = "Calls", security(("bearer" = ["control"])), request_body = PartyBody,
    params(("call" = CallId, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe for 24 h")),
    responses((status = 200, description = "Every call that it changed, as known then", body = CallsAnswer), Refused, Unknown, Acting))]
pub(in crate::api) async fn remove_from_conference(
    controller: Controller,
    PathId(id): PathId<CallId>,
    uri: Uri,
    JsonBody(body): JsonBody<PartyBody>,
) -> Answer {
    let action = CallAction { party: Some(body.party), ..plain(Action::RemoveFromConference) };
    act(&controller, &id, &uri, action).await
}
