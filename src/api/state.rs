//! What the handlers share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::auth::{Access, Tickets};
use super::clients::Clients;
use super::document::Documents;
use crate::service::gateway::Gateway;
use crate::service::locate::DhcpPort;
use crate::service::support::About;
use crate::store::Secret;

/// Gives the metrics of the process as Prometheus text.
pub type MetricsSource = Arc<dyn Fn() -> String + Send + Sync>;

/// Makes a span part of the trace that a caller named in its headers (`traceparent`, `tracestate`).
pub type TraceJoiner = Arc<dyn Fn(&tracing::Span, HashMap<String, String>) + Send + Sync>;

/// Tells what the process knows about itself, for the support bundle.
pub type AboutSource = Arc<dyn Fn() -> About + Send + Sync>;

/// Changes what is logged; the error is a sentence for the caller.
pub type LogLevelSetter = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// How the API behaves; the defaults are those of api.md.
#[derive(Clone)]
pub struct ApiSettings {
    /// Release, shown in `welcome` and in the documents.
    pub version: String,
    /// Exact origins of foreign web pages that may use the API.
    pub cors_origins: Vec<String>,
    /// Whether clients reach this API by TLS: part of what counts as the same origin.
    pub tls: bool,
    /// The bootstrap admin token.
    pub admin_token: Option<Secret>,
    /// Where `/metrics` comes from; without it the route answers an empty text.
    pub metrics: Option<MetricsSource>,
    /// What `PUT /log-level` does.
    pub set_log_level: Option<LogLevelSetter>,
    /// What a support bundle tells of the process; without it nothing.
    pub about: Option<AboutSource>,
    /// How a request becomes part of its caller's trace; without it none does.
    pub join_trace: Option<TraceJoiner>,
    /// How DHCP servers are asked; without it they are not.
    pub dhcp: Option<Arc<dyn DhcpPort>>,
    /// Time between two keep-alive frames of a stream.
    pub keep_alive: Duration,
    /// A stream that takes no byte for this long is closed.
    pub stalled_after: Duration,
    /// A body that takes longer to come is given up.
    pub body_time: Duration,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cors_origins: Vec::new(),
            tls: false,
            admin_token: None,
            metrics: None,
            set_log_level: None,
            about: None,
            join_trace: None,
            dhcp: None,
            keep_alive: Duration::from_secs(30),
            stalled_after: Duration::from_secs(60),
            body_time: Duration::from_secs(15),
        }
    }
}

impl fmt::Debug for ApiSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiSettings")
            .field("version", &self.version)
            .field("cors_origins", &self.cors_origins)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// The state of the API. Cloning gives another handle to it.
#[derive(Clone)]
pub struct ApiState {
    inner: Arc<Inner>,
}

struct Inner {
    gateway: Gateway,
    settings: ApiSettings,
    access: Access,
    tickets: Tickets,
    clients: Clients,
    documents: Documents,
    stop: CancellationToken,
    router: OnceLock<Router>,
}

impl fmt::Debug for ApiState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiState").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl ApiState {
    /// The state over a gateway.
    pub fn new(gateway: Gateway, settings: ApiSettings) -> Self {
        let access = Access::new(settings.admin_token.as_ref());
        let documents = Documents::new(&settings.version);
        Self {
            inner: Arc::new(Inner {
                gateway,
                settings,
                access,
                tickets: Tickets::default(),
                clients: Clients::default(),
                documents,
                stop: CancellationToken::new(),
                router: OnceLock::new(),
            }),
        }
    }

    /// The state with the defaults and one admin token: what a test needs.
    pub fn with_admin_token(gateway: Gateway, token: &str) -> Self {
        Self::new(gateway, ApiSettings { admin_token: Some(Secret::new(token)), ..ApiSettings::default() })
    }

    /// Ends the event streams so that the connections can drain; they get a close frame.
    pub fn stop(&self) {
        self.inner.stop.cancel();
    }

    /// Fires when the streams must end.
    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.inner.stop
    }

    /// The gateway. Handlers use the capability types instead; this is for what needs no credential.
    pub(super) fn gateway(&self) -> &Gateway {
        &self.inner.gateway
    }

    pub(super) fn settings(&self) -> &ApiSettings {
        &self.inner.settings
    }

    pub(super) fn access(&self) -> &Access {
        &self.inner.access
    }

    pub(super) fn tickets(&self) -> &Tickets {
        &self.inner.tickets
    }

    pub(super) fn clients(&self) -> &Clients {
        &self.inner.clients
    }

    pub(super) fn documents(&self) -> &Documents {
        &self.inner.documents
    }

    /// The router itself, for the `request` frames of a socket. Set once when it is built.
    pub(super) fn router(&self) -> Option<Router> {
        self.inner.router.get().cloned()
    }

    pub(super) fn set_router(&self, router: Router) {
        // A second router over the same state serves the same routes: the first one stays.
        let _ = self.inner.router.set(router);
    }
}
