//! Logs and metrics of the process.

mod file;
mod line;
mod logs;
mod metrics;
#[cfg(feature = "otel")]
mod otel;
mod recent;

pub use file::LogFile;
pub use logs::{LogControl, LogError, LogSettings, check_filter, init, may_be_logged};
pub use metrics::{MetricsText, install};
#[cfg(feature = "otel")]
pub use otel::join;

/// Target of the spans that are exported, and shown in no log.
const SPANS: &str = "otel";
