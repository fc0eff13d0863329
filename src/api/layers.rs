//! What surrounds every request: its id, its time, the origin check, the headers of every answer.

use std::any::Any;
use std::collections::HashMap;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use axum::middleware::Next;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument as _;
use tracing::field::Empty;

use super::auth::{Asker, is_allowed_origin};
use super::problem::{COMMAND_ID, Problem};
use super::route::EVENT_POSITION;
use super::state::{ApiSettings, ApiState};

/// Name of the header with the request's id, which is also `instance` of a problem and stands in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The outermost layer.
pub(super) async fn around(State(state): State<ApiState>, mut request: Request, next: Next) -> Response<Body> {
    let began = Instant::now();
    let id = format!("req_{}", uuid::Uuid::now_v7().simple());
    let method = request.method().clone();
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let is_api = request.uri().path().starts_with("/api/");
    let may_come = may_come(&request, &method, &state);
    let span = tracing::trace_span!(
        target: "otel", "rest",
        otel.name = format!("{} {route}", method_label(&method)), otel.kind = "server", request.id = id,
        http.request.method = method_label(&method), http.route = route, http.response.status_code = Empty
    );
    if let Some(join) = state.settings().join_trace.as_ref().filter(|_| !span.is_disabled()) {
        join(&span, context(request.headers()));
    }
    let asker = Asker::default();
    request.extensions_mut().insert(asker.clone());
    let response = if may_come {
        next.run(request).instrument(span.clone()).await
    } else {
        Problem::new("origin_not_allowed", "A page of this origin may not do that.")
            .hint("Add the exact origin to cors.origins of the gateway.")
            .render(None)
    };
    span.record("http.response.status_code", response.status().as_u16());
    let mut response = finish(response, &id, &method, &route, &asker);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    secure(headers, is_api);
    metrics::histogram!("linegate_http_request_duration_seconds", "method" => method_label(&method), "route" => route, "status" => response.status().as_u16().to_string())
        .record(began.elapsed().as_secs_f64());
    response
}

/// Where the caller's own trace stands (W3C Trace Context).
fn context(headers: &HeaderMap) -> HashMap<String, String> {
    let named = |name: &str| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.to_owned()));
    ["traceparent", "tracestate"].into_iter().filter_map(named).collect()
}

/// A label for the metrics: words that a client makes up must not make series.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// A page of another site may neither change anything nor open the event stream, whatever it knows.
fn may_come(request: &Request, method: &Method, state: &ApiState) -> bool {
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let is_socket = request.headers().contains_key(header::UPGRADE);
    !(changes || is_socket) || is_allowed_origin(request.headers(), request.uri(), state.settings())
}

/// Gives a problem the request's id, and the log its cause: once, here.
fn finish(response: Response<Body>, id: &str, method: &Method, route: &str, asker: &Asker) -> Response<Body> {
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    let status = problem.status().as_u16();
    let code = problem.code();
    match (problem.cause_for_log(), asker.token()) {
        (Some(cause), _) => tracing::error!(request.id = id, %method, route, status, code, cause, "a request failed"),
        (None, Some(token)) => {
            tracing::info!(request.id = id, %method, route, status, code, token.id = token, "a request was refused");
        }
        // Whoever has no token must not be able to fill the log.
        (None, None) => tracing::debug!(request.id = id, %method, route, status, code, "a request was refused"),
    }
    let rendered = problem.render(Some(id));
    let (mut head, _) = response.into_parts();
    let (rendered_head, body) = rendered.into_parts();
    // What outer layers and the router added (Allow, CORS) stays.
    head.headers.remove(header::CONTENT_LENGTH);
    for (name, value) in &rendered_head.headers {
        head.headers.insert(name, value.clone());
    }
    Response::from_parts(head, body)
}

fn secure(headers: &mut HeaderMap, is_api: bool) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        );
    }
    if is_api || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The API browser needs its own scripts and styles, and nothing from elsewhere.
pub(super) async fn docs_policy(request: Request, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; \
             base-uri 'none'; form-action 'none'",
        ),
    );
    response
}

/// A panic is our fault and tells nothing about the inside.
pub(super) fn caught(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let cause = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&'static str>().copied())
        .unwrap_or("a panic without words");
    Problem::internal(format!("panic: {cause}")).render(None)
}

/// Answers for pages of configured origins; `None` when there are none.
pub(super) fn cors(settings: &ApiSettings) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = settings.cors_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let names =
        ["if-match", "if-none-match", "idempotency-key", "last-event-id", "accept", "authorization", "content-type"];
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers(names.map(HeaderName::from_static))
            .expose_headers([
                COMMAND_ID,
                header::ETAG,
                EVENT_POSITION,
                REQUEST_ID,
                header::LINK,
                header::LOCATION,
                header::RETRY_AFTER,
            ])
            .max_age(std::time::Duration::from_secs(600)),
    )
}
