//! The composition root: settings in, a running gateway out, and its orderly end.

mod about;
mod certificate;
mod manager;
pub mod setup;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::{ApiSettings, ApiState, ServeSettings, TlsSwitch, TraceJoiner, router, serve};
use crate::config::{Hidden, Settings, Tls};
use crate::io::hep::{Agent, HepExport};
use crate::service::error::ServiceError;
use crate::service::gateway::Gateway;
use crate::service::journal::Retention;
use crate::service::trace::Trace;
pub use crate::store::Restored;
use crate::store::{FolderLock, Secret, Store, StoreError, admin_token, lock_folder};
use crate::telemetry::{LogControl, MetricsText};
use about::about;
pub use certificate::{CertificateError, check_certificate, fingerprint, self_signed};

/// A clean end takes no longer (api.md, "Starting it": 5 s).
const END: Duration = Duration::from_millis(4800);
const DRAIN: Duration = Duration::from_millis(4000);

/// Why the gateway cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The data folder or the database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A PBX of the file.
    #[error("a PBX of the configuration file cannot be created: {0}")]
    Pbx(ServiceError),
    /// The address of the API.
    #[error("cannot listen on {address}: {source}. Is another gateway running? Choose another address with --listen.")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The listener failed.
    #[error(transparent)]
    Serve(#[from] crate::api::ServeError),
}

/// A gateway that answers.
pub struct Running {
    gateway: Gateway,
    state: ApiState,
    stop: CancellationToken,
    logs: Option<LogControl>,
    server: tokio::task::JoinHandle<Result<(), crate::api::ServeError>>,
    _lock: FolderLock,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether clients need TLS.
    pub tls: bool,
    /// The admin token.
    pub admin_token: Secret,
    /// The file of the admin token, when it was not given.
    pub token_file: Option<PathBuf>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Starts the gateway.
///
/// # Errors
/// When the data folder, the certificate or the address cannot be used.
pub async fn start(
    settings: Settings,
    logs: Option<LogControl>,
    metrics: Option<MetricsText>,
) -> Result<Running, AppError> {
    crate::crypto::install_provider();
    let lock = lock_folder(&settings.data_dir)?;
    let opening = Store::open(&settings.data_dir, settings.secret_key.as_ref().map(Hidden::expose));
    let store = manager::starting(opening).await?;
    let (token, token_file) = admin_token(&store, settings.admin_token.as_ref().map(Hidden::expose))?;
    let tls = tls(&settings)?;
    // The port before the links: nothing is said to a PBX before the gateway can be asked.
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|source| AppError::Listen { address: settings.listen, source })?;
    let address = listener.local_addr().map_err(|source| AppError::Listen { address: settings.listen, source })?;
    let kept = settings.retention;
    let retention = Retention { days: kept.days, events: kept.events, call_days: kept.call_days };
    let about = about(&settings, logs.clone(), metrics.clone());
    let export = settings.hep.as_ref().map(|hep| {
        let key = hep.auth_key.as_ref().map(|key| key.expose().to_owned());
        HepExport::start(hep.server.clone(), Agent { id: hep.capture_id, key })
    });
    let gateway = Gateway::open_with(store, retention, Trace::new(settings.trace_bytes, export)).await?;
    let secret = |hidden: Option<Hidden>| hidden.map(|hidden| Secret::new(hidden.expose()));
    let pbxs = settings
        .pbxs
        .into_iter()
        .map(|pbx| (pbx.settings, secret(pbx.axl_password), secret(pbx.sip_password)))
        .collect();
    gateway.seed_pbxs(pbxs).await.map_err(AppError::Pbx)?;
    let state = ApiState::new(
        gateway.clone(),
        ApiSettings {
            cors_origins: settings.cors_origins,
            tls: tls.is_some(),
            admin_token: Some(token.clone()),
            metrics: metrics.map(|metrics| Arc::new(move || metrics.render()) as _),
            set_log_level: logs
                .clone()
                .map(|logs| Arc::new(move |filter: &str| logs.set(filter).map_err(|error| error.to_string())) as _),
            about: Some(about),
            join_trace: join_trace(),
            dhcp: crate::io::dhcp::port(),
            ..ApiSettings::default()
        },
    );
    let stop = CancellationToken::new();
    let serve_settings =
        ServeSettings { tls: tls.clone().map(|(switch, _)| switch), drain: DRAIN, ..ServeSettings::default() };
    if let Some((switch, files)) = tls.clone() {
        tokio::spawn(certificate::watch(switch, files, stop.clone()));
    }
    let server = tokio::spawn(serve(listener, router(state.clone()), serve_settings, stop.clone()));
    Ok(Running {
        gateway,
        state,
        stop,
        logs,
        server,
        _lock: lock,
        address,
        tls: tls.is_some(),
        admin_token: token,
        token_file,
    })
}

impl Running {
    /// The gateway behind the API.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The address for clients on this machine.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let host = match self.address.ip() {
            ip if ip.is_unspecified() && ip.is_ipv4() => "127.0.0.1".to_owned(),
            ip if ip.is_unspecified() => "[::1]".to_owned(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        format!("{scheme}://{host}:{}", self.address.port())
    }

    /// Runs until the listener fails or the end is asked for.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn until(mut self, end: impl Future<Output = ()>) -> Result<(), AppError> {
        manager::ready(&self.url());
        let alive = tokio::spawn(manager::live(self.gateway.clone()));
        let ended = self.until_end(end).await;
        alive.abort();
        ended
    }

    async fn until_end(&mut self, end: impl Future<Output = ()>) -> Result<(), AppError> {
        tokio::select! {
            served = &mut self.server => {
                self.stop().await;
                match served {
                    Ok(served) => Ok(served?),
                    Err(error) => Err(AppError::Serve(std::io::Error::other(error).into())),
                }
            }
            () = end => {
                manager::stopping();
                self.stop().await;
                Ok(())
            }
        }
    }

    /// Ends in order: streams are told, sessions are closed, connections drained.
    pub async fn stop(&mut self) {
        tracing::info!("stopping");
        self.state.stop();
        self.stop.cancel();
        let ends = async {
            let drained = async {
                if !self.server.is_finished() {
                    let _ = (&mut self.server).await;
                }
            };
            tokio::join!(self.gateway.stop(), drained);
            // After the last answer: what it wrote down is in the database.
            self.gateway.store().close().await;
        };
        if tokio::time::timeout(END, ends).await.is_err() {
            tracing::warn!("not everything ended in time");
        }
        tracing::info!("stopped");
        if let Some(logs) = self.logs.clone() {
            let flushed = tokio::task::spawn_blocking(move || logs.flush()).await;
            debug_assert!(flushed.is_ok(), "a flush cannot panic");
        }
    }
}

/// Makes the data folder when there is none, for its owner alone: whoever writes there before the store is open.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(folder: &Path) -> Result<(), AppError> {
    Ok(crate::store::make_folder(folder)?)
}

/// Copies the data folder into a new folder, also while a gateway uses it.
///
/// # Errors
/// When there is no database, the target exists already, or something cannot be read or written.
pub async fn backup(folder: &Path, to: &Path) -> Result<(), AppError> {
    Ok(crate::store::backup(folder, to).await?)
}

/// Puts a backup in the place of a data folder that no gateway uses.
///
/// # Errors
/// When a gateway runs there, the backup cannot be used, or something cannot be read or written.
pub async fn restore(from: &Path, folder: &Path) -> Result<Restored, AppError> {
    let epoch = uuid::Uuid::new_v4().simple().to_string();
    Ok(crate::store::restore(from, folder, &epoch).await?)
}

#[cfg(feature = "otel")]
fn join_trace() -> Option<TraceJoiner> {
    Some(Arc::new(|span, headers| crate::telemetry::join(span, &headers)))
}

#[cfg(not(feature = "otel"))]
fn join_trace() -> Option<TraceJoiner> {
    None
}

type TlsOfFiles = (TlsSwitch, certificate::Files);

fn tls(settings: &Settings) -> Result<Option<TlsOfFiles>, AppError> {
    let files = match &settings.tls {
        Tls::Off => return Ok(None),
        Tls::Files { cert, key } => certificate::Files { cert: cert.clone(), key: key.clone() },
        Tls::SelfSigned => self_signed(&settings.data_dir, settings.listen)?,
    };
    let config = certificate::load(&files)?;
    Ok(Some((TlsSwitch::new(config), files)))
}
