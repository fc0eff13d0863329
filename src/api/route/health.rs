//! `/healthz`, `/readyz`, `/metrics`.

use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, StatusCode, header};

use serde::Deserialize;

use super::super::auth::Reader;
use super::super::dto::{Health, Readiness};
use super::super::problem::Problem;
use super::super::schema::Refused;
use super::super::state::ApiState;
use super::json;
use crate::domain::{PbxState, PbxStatus};

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
    if let Err(unwell) = state.gateway().store().ready().await {
        reasons.insert(0, unwell.to_string());
    }
    let (code, status) =
        if reasons.is_empty() { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    json(code, &Readiness { status, reasons })
}

/// Metrics
#[utoipa::path(get, path = "/metrics", tag = "Health", security(("bearer" = ["read"])),
    responses((status = 200, description = "Prometheus text", body = String, content_type = "text/plain"), Refused))]
pub(in crate::api) async fn metrics(reader: Reader) -> Response<Body> {
    let mut text = reader.state().settings().metrics.as_ref().map_or_else(String::new, |render| render());
    text.push_str(&of_routers(reader.seen().pbxs().map(|(_, json)| json.as_ref())));
    let mut response = Response::new(Body::from(text));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}

/// The state of the routers that are switched on. Made when it is asked for: a gauge that is kept would outlive its router.
fn of_routers<'a>(pbxs: impl Iterator<Item = &'a [u8]>) -> String {
    #[derive(Deserialize)]
    struct Shown {
        name: String,
        enabled: bool,
        status: PbxStatus,
    }
    let mut up = "# HELP linegate_pbx_up Whether the link to a router works: up or degraded\n\
                  # TYPE linegate_pbx_up gauge\n"
        .to_owned();
    let mut lines = "# HELP linegate_pbx_lines Enabled lines of a router by the state of their monitor\n\
                     # TYPE linegate_pbx_lines gauge\n"
        .to_owned();
    for pbx in pbxs.filter_map(|json| serde_json::from_slice::<Shown>(json).ok()).filter(|pbx| pbx.enabled) {
        let name = pbx.name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let is_up = matches!(pbx.status.state, PbxState::Up | PbxState::Degraded);
        // Writing to a text cannot fail.
        let _ = writeln!(up, "linegate_pbx_up{{pbx=\"{name}\"}} {}", u8::from(is_up));
        let counts = pbx.status.lines;
        let waiting = counts.total.saturating_sub(counts.monitored).saturating_sub(counts.failed);
        for (state, count) in [("monitored", counts.monitored), ("failed", counts.failed), ("waiting", waiting)] {
            let _ = writeln!(lines, "linegate_pbx_lines{{pbx=\"{name}\",state=\"{state}\"}} {count}");
        }
    }
    up + &lines
}
