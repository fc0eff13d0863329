//! `/events` and `/snapshot`: one journal, three transports, chosen by the request's headers.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode, Uri, header};
use futures_util::stream;

use super::super::auth::Reader;
use super::super::filter::{Filter, Wishes};
use super::super::frame;
use super::super::problem::Problem;
use super::super::query::Params;
use super::super::schema::{Handshake, PollAnswer, Refused, Snapshot, Unknown};
use super::super::{poll, sse, ws};
use super::json_bytes;

/// The event stream
///
/// As WebSocket (`Upgrade: websocket`, see /asyncapi.json), as server-sent events (`Accept: text/event-stream`, honours
/// `Last-Event-ID`) or, without either, as JSON with long polling. The same event has equal bytes on all of them.
#[utoipa::path(get, path = "/api/v1/events", tag = "Events", security(("bearer" = ["read"])),
    params(("after" = Option<String>, Query, description = "`<epoch>:<seq>`: what comes after it (polling)"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Events in one answer (polling)"),
           ("wait_s" = Option<u32>, Query, minimum = 0, maximum = 60, description = "Wait this long for the first event (polling)"),
           ("from" = Option<String>, Query, description = "`snapshot`, `now` or `<epoch>:<seq>` (SSE, polling)"),
           ("events" = Option<String>, Query, description = "Names or groups such as `call.*`, with commas"),
           ("lines" = Option<String>, Query, description = "Line ids, with commas"),
           ("pbxs" = Option<String>, Query, description = "PBX ids, with commas"),
           ("ticket" = Option<String>, Query, description = "Instead of a token, once (WebSocket, SSE)"),
           ("Last-Event-ID" = Option<String>, Header, description = "`<epoch>:<seq>` (SSE)")),
    responses((status = 101, description = "WebSocket"),
              (status = 200, description = "Events", content((PollAnswer = "application/json"), (String = "text/event-stream"))),
              Refused, Unknown, Handshake))]
pub(in crate::api) async fn events(reader: Reader, request: Request) -> Result<Response<Body>, Problem> {
    if ws::is_upgrade(request.headers()) {
        return ws::upgrade(reader, request);
    }
    let (head, _) = request.into_parts();
    if accepts_event_stream(&head.headers) {
        return sse::stream(&reader, &head);
    }
    poll::answer(&reader, &head).await
}

/// Everything that is known now
///
/// The `snapshot` frame of the event stream as a resource: go on from `as_of_seq`.
#[utoipa::path(get, path = "/api/v1/snapshot", tag = "Events", security(("bearer" = ["read"])),
    params(("lines" = Option<String>, Query, description = "Line ids, with commas"),
           ("pbxs" = Option<String>, Query, description = "PBX ids, with commas")),
    responses((status = 200, description = "The snapshot", body = Snapshot), Refused, Unknown))]
pub(in crate::api) async fn snapshot(reader: Reader, uri: Uri) -> Result<Response<Body>, Problem> {
    let mut params = Params::read(&uri)?;
    let wishes = Wishes { events: Vec::new(), ..Wishes::take(&mut params) };
    params.finish()?;
    let view = reader.journal().view();
    let filter = Filter::compile(&wishes, reader.principal(), &view)?;
    let epoch = reader.journal().position().epoch;
    let pieces = frame::snapshot(None, &epoch, &view, &filter);
    let body = stream::iter(pieces.into_iter().map(Ok::<_, std::convert::Infallible>));
    Ok(json_bytes(StatusCode::OK, Body::from_stream(body)))
}

fn accepts_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| range.split(';').next().is_some_and(|essence| essence.trim() == "text/event-stream"))
}
