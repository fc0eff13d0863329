//! What Prometheus reads: whether the routers work, and counters that are there before they count.

use std::collections::BTreeSet;

use cme_twin::TwinConfig;

use crate::kit::House;

/// The value of a series.
fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_is_down_is_seen_in_the_metrics_until_it_is_deleted() {
    let mut house = House::process(TwinConfig::default()).await;
    let metrics = house.gateway.metrics().await;
    let lines =
        |metrics: &str, state: &str| value(metrics, &format!("linegate_pbx_lines{{pbx=\"hq\",state=\"{state}\"}}"));
    assert_eq!(value(&metrics, "linegate_pbx_up{pbx=\"hq\"}"), Some(1.0), "{metrics}");
    let of_states = ["monitored", "failed", "waiting"].map(|state| lines(&metrics, state));
    assert_eq!(of_states, [Some(4.0), Some(1.0), Some(0.0)], "{metrics}");
    house.twin.stop().await;
    house.until_pbx("it is down", |status| status["state"] == "down").await;
    let metrics = house.gateway.metrics().await;
    assert_eq!(value(&metrics, "linegate_pbx_up{pbx=\"hq\"}"), Some(0.0), "{metrics}");
    house.client().delete(&format!("/pbxs/{}", house.pbx)).await.unwrap();
    assert!(!house.gateway.metrics().await.contains("pbx=\"hq\""), "no alarm for a router that nobody has");
    house.gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rules_look_at_is_there_before_it_counts() {
    let rules = include_str!("../../config/alerts/linegate.rules.yml");
    let counters: BTreeSet<&str> = rules
        .match_indices("linegate_")
        .map(|(at, _)| rules[at..].split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap())
        .filter(|name| name.ends_with("_total"))
        .collect();
    assert!(counters.len() >= 8, "{counters:?}");
    let gateway = crate::kit::Gateway::process(tempfile::tempdir().unwrap()).await;
    let metrics = gateway.metrics().await;
    for name in counters {
        let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        let series: Vec<&str> = metrics.lines().filter(of_name).collect();
        assert!(!series.is_empty() && series.iter().all(|line| line.ends_with(" 0")), "{name}: {series:?}");
    }
    gateway.stop().await;
}
