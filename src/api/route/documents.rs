//! `/openapi.json` and `/asyncapi.json`: they hold no data and are open.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};

use super::super::state::ApiState;
use super::json_bytes;

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "Documents", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(in crate::api) async fn openapi_json(State(state): State<ApiState>) -> Response<Body> {
    json_bytes(StatusCode::OK, state.documents().openapi.clone())
}

/// The event stream as AsyncAPI 3
#[utoipa::path(get, path = "/asyncapi.json", tag = "Documents", security(()),
    responses((status = 200, description = "AsyncAPI 3", body = Object)))]
pub(in crate::api) async fn asyncapi_json(State(state): State<ApiState>) -> Response<Body> {
    json_bytes(StatusCode::OK, state.documents().asyncapi.clone())
}
