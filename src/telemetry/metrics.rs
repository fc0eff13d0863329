//! Metrics in Prometheus text.

use std::sync::{Arc, OnceLock};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Gives the metrics of the process as text.
#[derive(Clone)]
pub struct MetricsText {
    handle: Arc<PrometheusHandle>,
}

/// Installs the recorder of the process once; later calls give the same one.
pub fn install() -> Option<MetricsText> {
    static HANDLE: OnceLock<Option<MetricsText>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(
                    Matcher::Suffix("_seconds".to_owned()),
                    &[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0],
                )
                .ok()?;
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            ::metrics::set_global_recorder(recorder).ok()?;
            Some(MetricsText { handle: Arc::new(handle) })
        })
        .clone()
}

impl MetricsText {
    /// The metrics as they stand.
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }
}
