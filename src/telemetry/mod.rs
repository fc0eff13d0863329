//! Logs and metrics of the process.

mod file;
mod line;
mod logs;
mod metrics;
mod recent;

pub use file::LogFile;
pub use logs::{LogControl, LogError, LogSettings, init};
pub use metrics::{MetricsText, install};
