//! `request` frames: the REST API on the socket, with the same rules and the same scopes.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::Value;
use serde_json::value::RawValue;
use tower::ServiceExt as _;

use super::super::auth::Principal;
use super::super::frame;
use super::super::problem::Problem;
use super::super::serve::Peer;
use super::super::state::ApiState;
use super::inbound::RequestFrame;

/// Headers that mean something to the API; credentials and the connection's own are the socket's.
const ALLOWED: [HeaderName; 6] = [
    header::ACCEPT,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::USER_AGENT,
    HeaderName::from_static("idempotency-key"),
];

/// Carries one request out and gives its `response` frame.
pub(super) async fn carry_out(
    state: ApiState,
    principal: Arc<Principal>,
    peer: Option<Peer>,
    id: Option<Value>,
    frame: RequestFrame,
) -> Bytes {
    let response = match build(frame, principal, peer) {
        Ok(request) => match state.router() {
            // The error type of a router is Infallible.
            Some(router) => router.oneshot(request).await.unwrap_or_else(|never| match never {}),
            None => Problem::internal("a socket without a router").render(None),
        },
        Err(problem) => problem.render(None),
    };
    let (head, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => {
            tracing::error!(%error, "the answer of a request frame was cut off");
            Bytes::new()
        }
    };
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    // What is no JSON goes as a text; what is, goes as it is.
    let body = if bytes.is_empty() || serde_json::from_slice::<&RawValue>(&bytes).is_ok() {
        bytes
    } else {
        let text = String::from_utf8_lossy(&bytes);
        serde_json::to_vec(&text).unwrap_or_default().into()
    };
    frame::response(id.as_ref(), head.status.as_u16(), &headers, &body)
}

fn build(frame: RequestFrame, principal: Arc<Principal>, peer: Option<Peer>) -> Result<Request<Body>, Problem> {
    let wrong = |pointer: &str, detail: &str| Problem::new("invalid_value", detail).field(pointer, detail);
    let method = match frame.method.as_str() {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        _ => return Err(wrong("/method", "One of GET, POST, PUT, PATCH, DELETE.")),
    };
    let uri: Uri = frame
        .path
        .parse()
        .ok()
        .filter(|uri: &Uri| uri.scheme().is_none() && uri.path().starts_with("/api/v1/"))
        .ok_or_else(|| wrong("/path", "A path begins with /api/v1/."))?;
    let has_body = frame.body.is_some();
    let body = frame.body.map_or_else(Body::empty, |raw| Body::from(raw.get().to_owned()));
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    if has_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in frame.headers {
        let known = name.parse::<HeaderName>().ok().filter(|name| ALLOWED.contains(name));
        let (Some(name), Ok(value)) = (known, HeaderValue::from_str(&value)) else {
            let shown: String = name.chars().take(64).collect();
            return Err(wrong("/headers", &format!("The header “{shown}” is not possible in a request frame.")));
        };
        if name == header::ACCEPT && value.to_str().is_ok_and(|text| text.contains("text/event-stream")) {
            return Err(wrong("/headers", "An event stream inside a socket is not possible: subscribe."));
        }
        headers.insert(name, value);
    }
    if let Some(key) = frame.idempotency_key {
        let value = HeaderValue::from_str(&key)
            .map_err(|_| wrong("/idempotency_key", "A key has 1 to 255 visible characters."))?;
        headers.insert(HeaderName::from_static("idempotency-key"), value);
    }
    request.extensions_mut().insert(principal);
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    Ok(request)
}
