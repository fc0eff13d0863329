//! The handlers, one file a resource, and the forms of their answers.

pub(super) mod calls;
pub(super) mod clients;
pub(super) mod csta;
pub(super) mod doctor;
pub(super) mod documents;
pub(super) mod enrolments;
pub(super) mod events;
pub(super) mod features;
pub(super) mod health;
pub(super) mod journal;
pub(super) mod line_lists;
pub(super) mod lines;
pub(super) mod locate;
pub(super) mod log_level;
pub(super) mod me;
pub(super) mod number_rules;
pub(super) mod operations;
pub(super) mod pbxs;
pub(super) mod probe;
pub(super) mod rules_replay;
pub(super) mod status_page;
pub(super) mod support;
pub(super) mod tickets;
pub(super) mod tokens;
pub(super) mod trace;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::etag;
use super::problem::{COMMAND_ID, Problem};
use crate::domain::CommandId;
use crate::service::gateway::{Done, Written};
use crate::service::journal::Position;

/// Name of the header with the place of the change in the event stream.
pub(super) const EVENT_POSITION: HeaderName = HeaderName::from_static("event-position");

/// An answer of bytes that are JSON already.
pub(super) fn json_bytes(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer that is serialised here.
///
/// # Errors
/// When it cannot be serialised, which is a fault of ours.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Response<Body>, Problem> {
    Ok(json_bytes(status, serde_json::to_vec(value).map_err(Problem::internal)?))
}

/// An answer without a body.
pub(super) fn no_content(position: Option<&Position>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Some(position) = position {
        set_position(&mut response, position);
    }
    response
}

/// An object of the journal's view with its tag, or 304.
fn tagged(headers: &axum::http::HeaderMap, body: Bytes, tag: Option<&str>) -> Response<Body> {
    let tag = etag::of(tag, &body);
    let mut response = if etag::is_unchanged(headers, tag.as_deref()) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        json_bytes(StatusCode::OK, body)
    };
    if let Some(value) = etag::header_value(tag.as_deref()) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// A configuration change.
fn written(status: StatusCode, written: Written, location: Option<&str>) -> Response<Body> {
    let tag = etag::of(written.etag.as_deref(), &written.json);
    let mut response = json_bytes(status, written.json);
    if let Some(value) = etag::header_value(tag.as_deref()) {
        response.headers_mut().insert(header::ETAG, value);
    }
    set_position(&mut response, &written.position);
    if let Some(value) = location.and_then(|location| HeaderValue::from_str(location).ok()) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// A command that made a call: 201 with it.
///
/// # Errors
/// When the command names no call, which is a fault of ours.
fn made_call(done: &Done) -> Result<Response<Body>, Problem> {
    let call = done.calls.first().ok_or_else(|| Problem::internal("a command made a call and names none"))?;
    let mut response = json_bytes(StatusCode::CREATED, call.clone());
    if let Some(id) = object_id(call)
        && let Ok(value) = HeaderValue::from_str(&format!("/api/v1/calls/{id}"))
    {
        response.headers_mut().insert(header::LOCATION, value);
    }
    set_command(&mut response, done);
    Ok(response)
}

/// A command that changed calls: 200 with all of them.
fn changed_calls(done: &Done) -> Response<Body> {
    let mut out = b"{\"calls\":[".to_vec();
    for (index, call) in done.calls.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(call);
    }
    out.extend_from_slice(b"]}");
    let mut response = json_bytes(StatusCode::OK, out);
    set_command(&mut response, done);
    response
}

fn set_command(response: &mut Response<Body>, done: &Done) {
    set_command_id(response, &done.command_id);
    set_position(response, &done.position);
}

fn set_command_id(response: &mut Response<Body>, command: &CommandId) {
    if let Ok(value) = HeaderValue::from_str(command.as_str()) {
        response.headers_mut().insert(COMMAND_ID, value);
    }
}

/// An answer with the command that it is about.
fn commanded(mut response: Response<Body>, command: Option<&CommandId>, position: Option<&Position>) -> Response<Body> {
    if let Some(command) = command {
        set_command_id(&mut response, command);
    }
    if let Some(position) = position {
        set_position(&mut response, position);
    }
    response
}

fn set_position(response: &mut Response<Body>, position: &Position) {
    if let Ok(value) = HeaderValue::from_str(&position.to_string()) {
        response.headers_mut().insert(EVENT_POSITION, value);
    }
}

/// The id of an object that is JSON already.
fn object_id(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    serde_json::from_slice::<Named>(json).ok().map(|named| named.id)
}

/// A merge patch must be an object.
fn as_patch(patch: serde_json::Value) -> Result<serde_json::Value, Problem> {
    if patch.is_object() {
        Ok(patch)
    } else {
        Err(Problem::new("invalid_value", "A merge patch is a JSON object.").field("", "An object is needed."))
    }
}
