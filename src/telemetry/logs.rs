//! Logs: text or JSON on standard error, the level changeable while the daemon runs.

use std::sync::Arc;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// Changes what is logged while the daemon runs.
#[derive(Clone)]
pub struct LogControl {
    handle: Option<Arc<reload::Handle<EnvFilter, Registry>>>,
}

/// A filter that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The text is no filter.
    #[error("“{0}” is no log filter; write it like info or info,linegate::service=debug")]
    Filter(String),
    /// Logs were set up by somebody else.
    #[error("the logs of this process cannot be changed")]
    Fixed,
}

/// Sets up the logs of the process; a second call (in tests) leaves the first in place.
///
/// # Errors
/// When the filter cannot be read.
pub fn init(filter: &str, json: bool) -> Result<LogControl, LogError> {
    let (layer, handle) = reload::Layer::new(parse(filter)?);
    let registry = tracing_subscriber::registry().with(layer);
    let done = if json {
        registry.with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)).try_init()
    } else {
        registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).try_init()
    };
    Ok(LogControl { handle: done.is_ok().then(|| Arc::new(handle)) })
}

impl LogControl {
    /// A control without logs behind it, for tests.
    pub fn fixed() -> Self {
        Self { handle: None }
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
