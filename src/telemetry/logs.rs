//! Logs: text or JSON on standard error, the level changeable while the daemon runs.

use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

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
}

/// Changes what is logged while the daemon runs, and knows the last lines.
#[derive(Clone)]
pub struct LogControl {
    handle: Option<Arc<reload::Handle<EnvFilter, Registry>>>,
    file: Option<FileLog>,
    recent: RecentLines,
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
    let (filter, handle) = reload::Layer::new(parse(&settings.filter)?);
    let file = settings.file.clone().map(|file| {
        let (path, json) = (file.path.clone(), file.json);
        FileLog::start(file).map(|log| (log, json)).map_err(|source| LogError::File { path, source })
    });
    let file = file.transpose()?;
    let recent = RecentLines::default();
    // Colours for people only.
    let lines = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let lines = if settings.json { lines.json().boxed() } else { lines.boxed() };
    let in_file = file.clone().map(|(log, json)| {
        let lines = fmt::layer().with_ansi(false).with_writer(Lines(log));
        if json { lines.json().boxed() } else { lines.boxed() }
    });
    let kept = fmt::layer().with_ansi(false).with_writer(Lines(recent.clone()));
    let done = tracing_subscriber::registry().with(filter).with(lines).with(in_file).with(kept).try_init();
    Ok(LogControl { handle: done.is_ok().then(|| Arc::new(handle)), file: file.map(|(log, _)| log), recent })
}

impl LogControl {
    /// A control without logs behind it, for tests.
    pub fn fixed() -> Self {
        Self { handle: None, file: None, recent: RecentLines::default() }
    }

    /// Replaces the filter.
    ///
    /// # Errors
    /// When the filter cannot be read.
    pub fn set(&self, filter: &str) -> Result<(), LogError> {
        let parsed = parse(filter)?;
        let handle = self.handle.as_ref().ok_or(LogError::Fixed)?;
        handle.reload(parsed).map_err(|_| LogError::Fixed)
    }

    /// Waits until the file has what was logged so far, at most a second or two.
    pub fn flush(&self) {
        if let Some(file) = &self.file {
            file.flush();
        }
    }

    /// The last lines of the log, oldest first.
    pub fn recent(&self) -> String {
        self.recent.text()
    }
}

fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::builder().parse(filter).map_err(|_| LogError::Filter(filter.to_owned()))
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
