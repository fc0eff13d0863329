//! Metrics in Prometheus text.

use std::sync::{Arc, OnceLock};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Counters that alert rules and the dashboard look at, with the value of their label where they have one. They begin at
/// 0: of a series that is born with its first count Prometheus sees no increase.
const FROM_ZERO: [(&str, Option<(&str, &str)>); 18] = [
    ("linegate_api_wrong_credentials_total", None),
    ("linegate_csta_events_total", None),
    ("linegate_csta_malformed_total", None),
    ("linegate_csta_stray_total", None),
    ("linegate_csta_unknown_monitor_total", None),
    ("linegate_events_total", None),
    ("linegate_hep_dropped_total", Some(("reason", "network"))),
    ("linegate_hep_dropped_total", Some(("reason", "queue"))),
    ("linegate_hep_sent_total", None),
    ("linegate_journal_failures_total", None),
    ("linegate_link_panics_total", None),
    ("linegate_log_lines_lost_total", Some(("reason", "disk"))),
    ("linegate_log_lines_lost_total", Some(("reason", "queue"))),
    ("linegate_pbx_restarts_total", None),
    ("linegate_reader_overflows_total", None),
    ("linegate_sip_framing_lost_total", None),
    ("linegate_sip_gaps_total", None),
    ("linegate_sip_strangers_total", None),
];

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
            for (name, label) in FROM_ZERO {
                match label {
                    Some((key, value)) => ::metrics::counter!(name, key => value).increment(0),
                    None => ::metrics::counter!(name).increment(0),
                }
            }
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
