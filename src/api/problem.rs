//! What a refused request answers: RFC 9457, and the only place with status codes.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::error::{Code, ServiceError};
use crate::store::StoreError;

/// Media type of problem bodies.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Name of the header with the command's id.
pub(super) const COMMAND_ID: HeaderName = HeaderName::from_static("command-id");

/// A wrong field or parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct FieldProblem {
    /// JSON pointer (RFC 6901) into the body, or `/name` of a query parameter.
    #[schema(example = "/to")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Line of a text body, from 1, instead of a pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// `query` for a query parameter; absent for the body.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub place: Option<&'static str>,
}

/// What the PBX said in CSTA words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct CstaProblem {
    /// Category.
    #[schema(example = "operation")]
    pub category: String,
    /// Value.
    #[schema(example = "invalidCalledDeviceID")]
    pub value: String,
}

/// A problem body (RFC 9457; api.md, "Conventions").
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// `/problems/<code>`.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not_found")]
    pub kind: String,
    /// The kind of problem in a few words.
    pub title: &'static str,
    /// Status code.
    #[schema(example = 404)]
    pub status: u16,
    /// What is wrong here, in a sentence.
    pub detail: String,
    /// Id of the request, also in the `Request-Id` header and in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Stable machine word.
    #[schema(example = "not_found")]
    pub code: Cow<'static, str>,
    /// Whether asking again is safe and may help.
    pub can_retry: bool,
    /// What a person can do.
    pub hint: String,
    /// Wrong fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// CSTA error of the PBX.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csta_error: Option<CstaProblem>,
    /// SIP status of the PBX.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sip_status: Option<u16>,
}

/// A refusal on its way to the caller.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    body: Box<ProblemBody>,
    retry_after_s: Option<u32>,
    command_id: Option<String>,
    /// For the log, never for the caller.
    cause: Option<Arc<str>>,
}

/// The table: machine word → status and title.
fn row(code: &str) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match code {
        "malformed_json" => (S::BAD_REQUEST, "The body is no JSON"),
        "malformed_request" => (S::BAD_REQUEST, "The request cannot be understood"),
        "unauthorized" => (S::UNAUTHORIZED, "A valid credential is needed"),
        "forbidden" => (S::FORBIDDEN, "This token may not do that"),
        "invalid_code" => (S::FORBIDDEN, "This code gives no token"),
        "origin_not_allowed" => (S::FORBIDDEN, "Pages of this origin may not do that"),
        "not_found" => (S::NOT_FOUND, "Not found"),
        "method_not_allowed" => (S::METHOD_NOT_ALLOWED, "This method is not possible here"),
        "not_acceptable" => (S::NOT_ACCEPTABLE, "No such form of the answer"),
        "request_timeout" => (S::REQUEST_TIMEOUT, "The request came too slowly"),
        "not_allowed_now" => (S::CONFLICT, "Not possible in this state"),
        "conflict" => (S::CONFLICT, "It clashes with something that exists"),
        "idempotency_key_in_use" => (S::CONFLICT, "The first request with this key has no answer yet"),
        "precondition_failed" => (S::PRECONDITION_FAILED, "It was changed meanwhile"),
        "body_too_large" => (S::PAYLOAD_TOO_LARGE, "The body is too large"),
        "unsupported_media_type" => (S::UNSUPPORTED_MEDIA_TYPE, "The body has the wrong type"),
        "invalid_value" => (S::UNPROCESSABLE_ENTITY, "A value is wrong"),
        "unknown_field" => (S::UNPROCESSABLE_ENTITY, "There is no such field"),
        "invalid_number" => (S::UNPROCESSABLE_ENTITY, "This cannot be dialled"),
        "idempotency_key_reused" => (S::UNPROCESSABLE_ENTITY, "The key belongs to another request"),
        "upgrade_required" => (S::UPGRADE_REQUIRED, "Another WebSocket version is needed"),
        "precondition_required" => (S::PRECONDITION_REQUIRED, "If-Match is needed"),
        "too_many_requests" => (S::TOO_MANY_REQUESTS, "Too many requests"),
        "not_supported_by_pbx" => (S::NOT_IMPLEMENTED, "The PBX cannot do this"),
        "not_available_here" => (S::NOT_IMPLEMENTED, "This system cannot do that"),
        "pbx_refused" => (S::BAD_GATEWAY, "The PBX refused"),
        "pbx_unreachable" => (S::BAD_GATEWAY, "The PBX cannot be reached"),
        "pbx_credentials_rejected" => (S::BAD_GATEWAY, "The PBX rejected our credentials"),
        "accepted_no_effect" => (S::BAD_GATEWAY, "The PBX agreed and did nothing"),
        "pbx_unavailable" => (S::SERVICE_UNAVAILABLE, "The link to the PBX is down"),
        "shutting_down" => (S::SERVICE_UNAVAILABLE, "The gateway is stopping"),
        "pbx_timeout" => (S::GATEWAY_TIMEOUT, "The PBX did not answer in time"),
        "storage_failed" => (S::INTERNAL_SERVER_ERROR, "The storage failed"),
        _ => (S::INTERNAL_SERVER_ERROR, "Something went wrong inside"),
    }
}

/// What a person can do where nobody knew more.
fn remedy(code: &str) -> &'static str {
    match code {
        "malformed_json" => "Send one JSON document, in UTF-8.",
        "malformed_request" => "Compare the request with the document at /openapi.json.",
        "unauthorized" => "Send `Authorization: Bearer` with a token of this gateway.",
        "forbidden" => {
            "Use a token with the scope that the document names for this operation, or ask an administrator for one."
        }
        "origin_not_allowed" => "Add the origin of the page to `cors.origins` of the gateway.",
        "not_found" => "Check the id in the path; lists show what there is and what this token may see.",
        "method_not_allowed" => "Use a method of the `Allow` header.",
        "not_acceptable" => "Leave the `Accept` header out, or name a form of the document.",
        "request_timeout" => "Send the request again, without pauses.",
        "not_allowed_now" => "Look at the present state of the object and ask again when it fits.",
        "conflict" => "Look at what exists and choose something else, or change that.",
        "idempotency_key_in_use" => "Wait for the answer to the first request, or use a new key.",
        "precondition_failed" => "Read it again and repeat the change.",
        "precondition_required" => "Read it and send its `ETag` as `If-Match`.",
        "body_too_large" => "Send less at once.",
        "unsupported_media_type" => "Send the `Content-Type` that the document names.",
        "invalid_value" | "unknown_field" => "Compare the fields that are named with the document at /openapi.json.",
        "invalid_number" => "Check the number and the rules of its PBX.",
        "invalid_code" => "Ask an administrator for a new code.",
        "idempotency_key_reused" => "Use a new key for a new request.",
        "upgrade_required" => "Speak version 13 of the WebSocket protocol.",
        "too_many_requests" => "Wait as long as `Retry-After` says.",
        "not_supported_by_pbx" => "Look at `capabilities` in the status of the PBX.",
        "not_available_here" => "Do it by hand, or on another system.",
        "pbx_refused" | "accepted_no_effect" => {
            "Look at the state of the line at its phone; the protocol trace shows both messages."
        }
        "pbx_unreachable" | "pbx_unavailable" => "Look at the status of the PBX, or run `linegate doctor`.",
        "pbx_credentials_rejected" => "Check the `xml user` and password of the PBX.",
        "pbx_timeout" => "Look at the state before asking again: the PBX may have done it.",
        "shutting_down" => "Ask again when the gateway has started.",
        "storage_failed" => "Look at the log and the disk of the gateway.",
        _ => "Give the request id (`instance`) to the administrator of the gateway.",
    }
}

impl Problem {
    /// A problem with a code of the table; an unknown code is an internal error.
    pub(super) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self::build(Cow::Borrowed(code), detail.into())
    }

    fn build(code: Cow<'static, str>, detail: String) -> Self {
        let (status, title) = row(&code);
        Self {
            status,
            body: Box::new(ProblemBody {
                kind: format!("/problems/{code}"),
                title,
                status: status.as_u16(),
                detail,
                instance: None,
                hint: remedy(&code).to_owned(),
                code,
                can_retry: false,
                errors: Vec::new(),
                csta_error: None,
                sip_status: None,
            }),
            retry_after_s: None,
            command_id: None,
            cause: None,
        }
    }

    /// What went wrong inside: the cause goes to the log, the caller gets the request's id.
    pub(super) fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new("internal_error", "The gateway could not do this; its log says why.")
            .hint("Give the request id (`instance`) to the administrator of the gateway.")
            .cause(cause)
    }

    /// The refusal for what does not exist or may not be seen: both look the same.
    pub(super) fn not_found(what: &str) -> Self {
        Self::from(ServiceError::not_found(what))
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.body.hint = hint.into();
        self
    }

    #[must_use]
    pub(super) fn field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.body.errors.push(FieldProblem {
            pointer: Some(pointer.into()),
            line: None,
            detail: detail.into(),
            place: None,
        });
        self
    }

    #[must_use]
    pub(super) fn line(mut self, line: usize, detail: impl Into<String>) -> Self {
        self.body.errors.push(FieldProblem { pointer: None, line: Some(line), detail: detail.into(), place: None });
        self
    }

    #[must_use]
    pub(super) fn parameter(mut self, name: &str, detail: impl Into<String>) -> Self {
        self.body.errors.push(FieldProblem {
            pointer: Some(format!("/{}", escape_pointer(name))),
            line: None,
            detail: detail.into(),
            place: Some("query"),
        });
        self
    }

    #[must_use]
    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.body.can_retry = true;
        self.retry_after_s = Some(seconds);
        self
    }

    #[must_use]
    pub(super) fn cause(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string().into());
        self
    }

    /// The stable word.
    pub fn code(&self) -> &str {
        &self.body.code
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body as it is sent.
    pub(super) fn body(&self) -> &ProblemBody {
        &self.body
    }

    /// What the log gets.
    pub(super) fn cause_for_log(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The answer, with the id of the request when it is known.
    pub(super) fn render(&self, request_id: Option<&str>) -> Response<Body> {
        let mut shown = self.body.clone();
        shown.instance = request_id.map(str::to_owned);
        // Strings and numbers only: this cannot fail; an empty object keeps the function total.
        let text = serde_json::to_vec(&shown).unwrap_or_else(|_| b"{}".to_vec());
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"linegate\""));
        }
        if self.status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(id) = self.command_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert(COMMAND_ID, id);
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// A name as one step of a JSON pointer (RFC 6901, section 3).
pub(super) fn escape_pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        self.render(None)
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let mut problem = Self::build(Cow::Borrowed(error.code.as_str()), error.detail);
        if !error.hint.is_empty() {
            problem.body.hint = error.hint;
        }
        problem.body.can_retry = error.can_retry;
        problem.retry_after_s = error.retry_after_s;
        // api.md: 503 comes with Retry-After.
        if problem.status == StatusCode::SERVICE_UNAVAILABLE && problem.retry_after_s.is_none() {
            problem.retry_after_s = Some(if error.code == Code::ShuttingDown { 10 } else { 5 });
        }
        for field in error.fields {
            problem = match field.line {
                Some(line) => problem.line(line, field.detail),
                None => problem.field(field.pointer, field.detail),
            };
        }
        problem.body.csta_error =
            error.csta_error.map(|csta| CstaProblem { category: csta.category, value: csta.value });
        problem.body.sip_status = error.sip_status;
        problem.command_id = error.command_id.map(|id| id.to_string());
        problem
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing => Self::new("not_found", "There is no such thing."),
            StoreError::Exists => Self::new("conflict", "It exists already."),
            StoreError::Changed => Self::new("precondition_failed", "It was changed by somebody else meanwhile.")
                .hint("Read it again and repeat the change."),
            other => {
                let mut problem = Self::new("storage_failed", "The gateway's storage failed; nothing was changed.")
                    .hint("Try again; if it happens again, look at the gateway's log and disk.")
                    .cause(other);
                problem.body.can_retry = true;
                problem
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_code_of_the_service_has_a_row() {
        for (code, status) in [
            (Code::NotFound, 404),
            (Code::InvalidValue, 422),
            (Code::UnknownField, 422),
            (Code::InvalidNumber, 422),
            (Code::NotAllowedNow, 409),
            (Code::Conflict, 409),
            (Code::PreconditionFailed, 412),
            (Code::NotSupportedByPbx, 501),
            (Code::PbxRefused, 502),
            (Code::PbxUnreachable, 502),
            (Code::PbxCredentialsRejected, 502),
            (Code::PbxUnavailable, 503),
            (Code::PbxTimeout, 504),
            (Code::AcceptedNoEffect, 502),
            (Code::StorageFailed, 500),
            (Code::ShuttingDown, 503),
        ] {
            let problem = Problem::from(ServiceError::new(code, "x"));
            assert_eq!(problem.status().as_u16(), status, "{code:?}");
            assert_eq!(problem.code(), code.as_str());
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        assert_eq!(Problem::new("body_too_large", "A body has at most 7 bytes.").body().hint, "Send less at once.");
        let general = remedy("internal_error");
        let text = include_str!("problem.rs");
        let rows = text.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => (S::"));
        let codes: Vec<&str> = rows.map(|(code, _)| code).collect();
        assert!(codes.len() > 25, "{codes:?}");
        assert!(codes.iter().all(|code| remedy(code) != general), "a row of the table has no remedy of its own");
    }

    #[test]
    fn what_the_pbx_said_is_in_the_body_and_the_cause_is_not() {
        let error = ServiceError::new(Code::PbxUnavailable, "The link is down.").with_csta("operation", "generic");
        let response = Problem::from(error).cause("secret cause").render(Some("req_1"));
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        let body = response.extensions().get::<Problem>().unwrap().body().clone();
        let text = serde_json::to_string(&body).unwrap();
        assert!(text.contains("\"csta_error\":{\"category\":\"operation\"") && !text.contains("secret"));
    }
}
