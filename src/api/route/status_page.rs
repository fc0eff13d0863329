//! `/`: a small page that shows PBXs, lines and calls live. It holds no data of its own and asks for a token.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, header};

use super::super::state::ApiState;

/// Status page
#[utoipa::path(get, path = "/", tag = "Documents", security(()),
    responses((status = 200, description = "A page for people", body = String, content_type = "text/html")))]
pub(in crate::api) async fn status_page(State(state): State<ApiState>) -> Response<Body> {
    let page = &state.documents().status_page;
    let mut response = Response::new(Body::from(page.html));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(policy) = HeaderValue::from_str(&page.policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
