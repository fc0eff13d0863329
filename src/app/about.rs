//! What the process tells about itself in a support bundle. Named member by member: a new setting is not in it by chance.

use std::sync::Arc;

use serde_json::json;

use crate::api::AboutSource;
use crate::config::{Settings, Tls};
use crate::service::support::About;
use crate::telemetry::{LogControl, MetricsText};

pub(super) fn about(settings: &Settings, logs: Option<LogControl>, metrics: Option<MetricsText>) -> AboutSource {
    let told = json!({
        "data_dir": settings.data_dir,
        "listen": settings.listen.to_string(),
        "log": settings.log,
        "log_json": settings.log_json,
        "log_file": settings.log_file.as_ref().map(|file| {
            json!({"path": file.path, "json": file.json, "max_bytes": file.max_bytes, "keep": file.keep})
        }),
        "tls": match &settings.tls {
            Tls::Off => "off",
            Tls::Files { .. } => "files",
            Tls::SelfSigned => "self_signed",
        },
        "cors_origins": settings.cors_origins.len(),
        "retention": {
            "days": settings.retention.days,
            "events": settings.retention.events,
            "call_days": settings.retention.call_days,
        },
        "trace_bytes": settings.trace_bytes,
        "hep": settings.hep.as_ref().map(|hep| {
            json!({"server": hep.server, "capture_id": hep.capture_id, "has_auth_key": hep.auth_key.is_some()})
        }),
        "otel": settings.otel_endpoint.is_some(),
        "has_admin_token": settings.admin_token.is_some(),
        "has_secret_key": settings.secret_key.is_some(),
        "pbxs_in_file": settings.pbxs.len(),
    });
    Arc::new(move || About {
        settings: told.clone(),
        log: logs.as_ref().map(LogControl::recent).unwrap_or_default(),
        metrics: metrics.as_ref().map(MetricsText::render).unwrap_or_default(),
    })
}
