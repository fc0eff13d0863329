//! Logs: text or JSON on standard error, the level changeable while the daemon runs.

use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use super::SPANS;
use super::file::{FileLog, LogFile};
use super::line::Lines;
use super::recent::RecentLines;

/// What is logged, and where to.
#[derive(Debug, Clone, Default)]
pub struct LogSettings {
    /// The filter.
    pub filter: String,
    /// JSON lines instead of text on standard error.
    pub json: bool,
    /// Also to a file.
    pub file: Option<LogFile>,
    /// Address of a collector that spans are exported to; needs the feature `otel`.
    pub collector: Option<String>,
}

/// Changes what is logged while the daemon runs, and knows the last lines.
#[derive(Clone)]
pub struct LogControl {
    handle: Option<Arc<reload::Handle<EnvFilter, Registry>>>,
    file: Option<FileLog>,
    recent: RecentLines,
    /// Spans are exported: whatever is logged, they are let through.
    has_spans: bool,
    #[cfg(feature = "otel")]
    export: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

/// Logs that cannot be written as wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The text is no filter.
    #[error("“{0}” is no log filter; write it like info or info,linegate::service=debug")]
    Filter(String),
    /// Logs were set up by somebody else.
    #[error("the logs of this process cannot be changed")]
    Fixed,
    /// Spans cannot be exported.
    #[error("spans cannot be exported: {0}")]
    Export(String),
    /// The file cannot be opened.
    #[error(
        "the log file {path} cannot be written: {source}. Give it a place that the gateway may write, or leave log_file.path out."
    )]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Sets up the logs of the process; a second call (in tests) leaves the first in place.
///
/// # Errors
/// When the filter cannot be read, or the file cannot be opened.
pub fn init(settings: &LogSettings) -> Result<LogControl, LogError> {
    let has_spans = settings.collector.is_some();
    let (filter, handle) = reload::Layer::new(parse(&settings.filter, has_spans)?);
    let file = settings.file.clone().map(|file| {
        let (path, json) = (file.path.clone(), file.json);
        FileLog::start(file).map(|log| (log, json)).map_err(|source| LogError::File { path, source })
    });
    let file = file.transpose()?;
    let recent = RecentLines::default();
    // Colours for people only.
    let lines = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let mut layers = vec![if settings.json { lines.json().boxed() } else { lines.boxed() }];
    if let Some((log, json)) = file.clone() {
        let lines = fmt::layer().with_ansi(false).with_writer(Lines(log));
        layers.push(if json { lines.json().boxed() } else { lines.boxed() });
    }
    layers.push(fmt::layer().with_ansi(false).with_writer(Lines(recent.clone())).boxed());
    if has_spans {
        // What is exported is no context of a line.
        let is_for_people = |metadata: &tracing::Metadata<'_>| metadata.target() != SPANS;
        layers = layers.into_iter().map(|layer| layer.with_filter(filter_fn(is_for_people)).boxed()).collect();
    }
    #[cfg(feature = "otel")]
    let export = match &settings.collector {
        Some(endpoint) => {
            let (layer, provider) = super::otel::start(endpoint).map_err(LogError::Export)?;
            layers.push(layer.boxed());
            Some(provider)
        }
        None => None,
    };
    #[cfg(not(feature = "otel"))]
    if has_spans {
        return Err(LogError::Export("this program was built without the feature otel".to_owned()));
    }
    let done = tracing_subscriber::registry().with(filter).with(filter_fn(may_be_logged)).with(layers).try_init();
    Ok(LogControl {
        handle: done.is_ok().then(|| Arc::new(handle)),
        file: file.map(|(log, _)| log),
        recent,
        has_spans,
        #[cfg(feature = "otel")]
        export,
    })
}

impl LogControl {
    /// A control without logs behind it, for tests.
    pub fn fixed() -> Self {
        Self {
            handle: None,
            file: None,
            recent: RecentLines::default(),
            has_spans: false,
            #[cfg(feature = "otel")]
            export: None,
        }
    }

    /// Replaces the filter.
    ///
    /// # Errors
    /// When the filter cannot be read.
    pub fn set(&self, filter: &str) -> Result<(), LogError> {
        let parsed = parse(filter, self.has_spans)?;
        let handle = self.handle.as_ref().ok_or(LogError::Fixed)?;
        handle.reload(parsed).map_err(|_| LogError::Fixed)
    }

    /// Waits until the file has what was logged so far, at most a second or two, and the collector its spans.
    pub fn flush(&self) {
        #[cfg(feature = "otel")]
        if let Some(export) = &self.export
            && let Err(error) = export.shutdown_with_timeout(std::time::Duration::from_secs(1))
        {
            tracing::warn!(%error, "the last spans could not be exported");
        }
        if let Some(file) = &self.file {
            file.flush();
        }
    }

    /// The last lines of the log, oldest first.
    pub fn recent(&self) -> String {
        self.recent.text()
    }
}

/// Whether a text is a log filter.
///
/// # Errors
/// When it is none.
pub fn check_filter(filter: &str) -> Result<(), LogError> {
    parse(filter, false).map(|_| ())
}

/// Whether an event may be logged at all, whatever the filter says. Below `info` other people's code writes what passes
/// through it, frames of a socket with their token and headers among it: that is nobody's business in a log.
pub fn may_be_logged(metadata: &tracing::Metadata<'_>) -> bool {
    let root = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= tracing::Level::INFO || ["linegate", "cme_twin", SPANS].contains(&root)
}

fn parse(filter: &str, has_spans: bool) -> Result<EnvFilter, LogError> {
    let parsed = EnvFilter::builder().parse(filter).map_err(|_| LogError::Filter(filter.to_owned()))?;
    if !has_spans {
        return Ok(parsed);
    }
    let spans = format!("{SPANS}=trace").parse().map_err(|_| LogError::Filter(filter.to_owned()))?;
    Ok(parsed.add_directive(spans))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_bad_filter_is_refused_with_an_example() {
        let error = LogControl::fixed().set("linegate=loud=very").unwrap_err();
        assert!(error.to_string().contains("linegate::service=debug"));
    }
}
