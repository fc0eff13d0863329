//! Commands that run something here: the gateway, the demo, the simulated router.

#[cfg(unix)]
use std::io::IsTerminal as _;
use std::path::Path;
#[cfg(windows)]
use std::path::PathBuf;

use super::{Failure, output};
use crate::app::{self, AppError, Running};
use crate::config::{Environment, Flags, ProcessEnvironment, Settings, Tls};
#[cfg(windows)]
use crate::config::{LOG_NAME, log_file};
use crate::telemetry::{self, LogControl, LogSettings};

mod demo;

pub(super) use demo::demo;

pub(super) fn read(flags: &Flags) -> Result<Settings, Failure> {
    read_with(flags, &ProcessEnvironment)
}

fn read_with(flags: &Flags, environment: &dyn Environment) -> Result<Settings, Failure> {
    Settings::read(flags, environment).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::new(Failure::CONFIG, format!("These settings cannot be used:\n  {}", lines.join("\n  ")))
    })
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let code = match &error {
            AppError::Store(_) | AppError::Certificate(_) | AppError::Pbx(_) => Self::CONFIG,
            AppError::Listen { .. } => Self::UNAVAILABLE,
            _ => Self::SOFTWARE,
        };
        Self::new(code, error.to_string())
    }
}

/// Starts the gateway with logs and metrics.
async fn start(settings: Settings) -> Result<Running, Failure> {
    let logs = init_logs(&settings)?;
    start_with(settings, logs).await
}

fn init_logs(settings: &Settings) -> Result<LogControl, Failure> {
    // The log is there before the store is: in the data folder it must not be who makes that, with the rights of a log.
    if settings.log_file.as_ref().is_some_and(|file| file.path.starts_with(&settings.data_dir)) {
        app::make_folder(&settings.data_dir)?;
    }
    let logs = LogSettings {
        filter: settings.log.clone(),
        json: settings.log_json,
        file: settings.log_file.clone(),
        collector: settings.otel_endpoint.clone(),
    };
    telemetry::init(&logs).map_err(|error| Failure::new(Failure::CONFIG, error.to_string()))
}

/// The same where nobody sees standard error: logs go to a file, also what is wrong with the settings. `home` is the data
/// folder unless the settings name another.
#[cfg(windows)]
pub(super) async fn start_unattended(flags: &Flags, home: Option<PathBuf>) -> Result<Running, Failure> {
    let (logs, started) = match read_with(flags, &Home(home.as_deref())) {
        Ok(settings) => {
            let logs = init_logs(&settings)?;
            (logs.clone(), start_with(settings, logs).await)
        }
        Err(failure) => {
            let file = home.map(|home| log_file(home.join(LOGS).join(LOG_NAME)));
            let logs = LogSettings { filter: "info".to_owned(), json: false, file, collector: None };
            let logs = telemetry::init(&logs).map_err(|error| Failure::new(Failure::CONFIG, error.to_string()))?;
            (logs, Err(failure))
        }
    };
    if let Err(failure) = &started {
        tracing::error!("{}", failure.sentence);
        logs.flush();
    }
    started
}

/// Folder of the logs in the data folder.
#[cfg(windows)]
const LOGS: &str = "logs";

/// The environment of a process whose state and logs have their places, as systemd says it to others.
#[cfg(windows)]
struct Home<'a>(Option<&'a Path>);

#[cfg(windows)]
impl Environment for Home<'_> {
    fn var(&self, name: &str) -> Option<String> {
        match (self.0, name) {
            (Some(home), "STATE_DIRECTORY") => Some(home.to_string_lossy().into_owned()),
            (Some(home), "LOGS_DIRECTORY") => Some(home.join(LOGS).to_string_lossy().into_owned()),
            _ => ProcessEnvironment.var(name),
        }
    }
}

async fn start_with(settings: Settings, logs: LogControl) -> Result<Running, Failure> {
    let metrics = telemetry::install();
    let running = app::start(settings, Some(logs), metrics).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "linegate answers at {}", running.url());
    if let Some(file) = &running.token_file {
        tracing::info!("the admin token is in {}", file.display());
    }
    Ok(running)
}

/// The end that a person or a service manager asks for. On Unix it is heard from the call on, not only once it is awaited.
fn end() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    #[cfg(unix)]
    let hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
    #[cfg(unix)]
    let has_terminal = std::io::stdin().is_terminal();
    async move {
        let interrupt = tokio::signal::ctrl_c();
        #[cfg(unix)]
        match (terminate, hangup) {
            (Ok(mut terminate), Ok(hangup)) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                    () = terminal_closed(hangup, has_terminal) => {}
                }
            }
            _ => {
                let _ = interrupt.await;
            }
        }
        #[cfg(windows)]
        {
            use tokio::signal::windows::{ctrl_break, ctrl_close, ctrl_shutdown};
            // Also when the window is closed or the machine goes down: Windows waits 5 s then.
            match (ctrl_break(), ctrl_close(), ctrl_shutdown()) {
                (Ok(mut break_key), Ok(mut closed), Ok(mut down)) => {
                    tokio::select! {
                        _ = interrupt => {}
                        _ = break_key.recv() => {}
                        _ = closed.recv() => {}
                        _ = down.recv() => {}
                    }
                }
                _ => {
                    let _ = interrupt.await;
                }
            }
        }
        #[cfg(not(any(unix, windows)))]
        {
            let _ = interrupt.await;
        }
    }
}

/// The end of the terminal that the gateway was started in. Without one, SIGHUP is the wish to read things again: hooks of
/// certbot and logrotate send it, and it ends nothing.
#[cfg(unix)]
async fn terminal_closed(mut hangup: tokio::signal::unix::Signal, has_terminal: bool) {
    while hangup.recv().await.is_some() && !has_terminal {
        tracing::info!(
            "SIGHUP: changed certificates are taken over within seconds without it; other settings need a restart"
        );
    }
}

/// `linegate serve`
pub(super) async fn serve(flags: &Flags) -> Result<(), Failure> {
    let settings = read(flags)?;
    // Whoever got an answer may end it in order: so it listens for the end before it answers.
    let end = end();
    Ok(start(settings).await?.until(end).await?)
}

/// `linegate twin`
pub(super) async fn twin(args: cme_twin::cli::TwinArgs) -> Result<(), Failure> {
    let logs = LogSettings { filter: "info".to_owned(), ..LogSettings::default() };
    telemetry::init(&logs).map_err(|error| Failure::new(Failure::CONFIG, error.to_string()))?;
    cme_twin::cli::run(args).await.map_err(|error| Failure::new(Failure::UNAVAILABLE, error.to_string()))
}

/// `linegate check-config`
pub(super) fn check_config(flags: &Flags) -> Result<(), Failure> {
    let settings = read(flags)?;
    if let Tls::Files { cert, key } = &settings.tls {
        app::check_certificate(cert, key).map_err(|error| Failure::new(Failure::CONFIG, error.to_string()))?;
    }
    output::line(&format!("data folder    {}", settings.data_dir.display()))?;
    output::line(&format!("listen         {}", settings.listen))?;
    output::line(&format!("log            {}", settings.log))?;
    if let Some(file) = &settings.log_file {
        let most = (u64::from(file.keep) + 1) * (file.max_bytes >> 20);
        output::line(&format!("log file       {}, at most {most} MiB with those put aside", file.path.display()))?;
    }
    let tls = match &settings.tls {
        Tls::Off => "off".to_owned(),
        Tls::Files { cert, .. } => cert.display().to_string(),
        Tls::SelfSigned => "self-signed".to_owned(),
    };
    output::line(&format!("tls            {tls}"))?;
    output::line(&format!("pbxs           {} in the file", settings.pbxs.len()))?;
    output::line("The settings are good.")?;
    Ok(())
}

/// `linegate openapi`
pub(super) fn openapi(to: Option<&Path>) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(&crate::api::openapi())
        .map_err(|error| Failure::new(Failure::SOFTWARE, error.to_string()))?;
    text.push('\n');
    match to {
        Some(path) => std::fs::write(path, text)?,
        None => output::line(text.trim_end())?,
    }
    Ok(())
}

/// `linegate fingerprint`
pub(super) fn fingerprint(flags: &Flags) -> Result<(), Failure> {
    let settings = read(flags)?;
    let cert = match &settings.tls {
        Tls::Files { cert, .. } => cert.clone(),
        Tls::Off | Tls::SelfSigned => settings.data_dir.join("tls-cert.pem"),
    };
    let text = app::fingerprint(&cert).map_err(|error| Failure::new(Failure::CONFIG, error.to_string()))?;
    output::line(&text)?;
    Ok(())
}
