//! `/healthz`, `/readyz`, `/metrics`.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, StatusCode, header};

use super::super::auth::Reader;
use super::super::dto::{Health, Readiness};
use super::super::problem::Problem;
use super::super::schema::Refused;
use super::super::state::ApiState;
use super::json;

/// Does the process work
#[utoipa::path(get, path = "/healthz", tag = "Health", security(()),
    responses((status = 200, description = "It works", body = Health)))]
pub(in crate::api) async fn healthz(State(state): State<ApiState>) -> Result<Response<Body>, Problem> {
    json(StatusCode::OK, &Health { status: "ok", version: state.settings().version.clone() })
}

/// Is everything up
///
/// The database and the link of every enabled PBX.
#[utoipa::path(get, path = "/readyz", tag = "Health", security(()),
    responses((status = 200, description = "Everything is up", body = Readiness),
              (status = 503, description = "Something is not", body = Readiness)))]
pub(in crate::api) async fn readyz(State(state): State<ApiState>) -> Result<Response<Body>, Problem> {
    let mut reasons = state.gateway().readiness();
    if !state.gateway().store().is_healthy().await {
        reasons.insert(0, "The database does not answer.".to_owned());
    }
    let (code, status) =
        if reasons.is_empty() { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    json(code, &Readiness { status, reasons })
}

/// Metrics
#[utoipa::path(get, path = "/metrics", tag = "Health", security(("bearer" = ["read"])),
    responses((status = 200, description = "Prometheus text", body = String, content_type = "text/plain"), Refused))]
pub(in crate::api) async fn metrics(reader: Reader) -> Response<Body> {
    let text = reader.state().settings().metrics.as_ref().map_or_else(String::new, |render| render());
    let mut response = Response::new(Body::from(text));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}
