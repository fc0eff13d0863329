//! Logs and metrics of the process.

mod logs;
mod metrics;

pub use logs::{LogControl, LogError, init};
pub use metrics::{MetricsText, install};
