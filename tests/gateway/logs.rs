//! The log in a file: as lines of JSON, its level changed at run time, and a disk that is full.

use cme_twin::TwinConfig;
use linegate::client::Client;
use serde_json::{Value, json};

use crate::kit::{Gateway, House};

/// The lines of the file, each of them JSON.
fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_file_holds_json_and_its_level_changes_at_run_time() {
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("linegate.toml");
    std::fs::write(&config, "[log_file]\npath = \"logs/linegate.log\"\njson = true\n").unwrap();
    let config = config.to_str().unwrap().to_owned();
    let gateway = Gateway::process_with(data, &[], &["--config", &config]).await;
    gateway.client.put("/log-level", &json!({"filter": "debug"})).await.unwrap();
    // A stranger is refused, which is told at this level.
    Client::new(gateway.url(), "lg_nobody-knows-this-one").unwrap().get("/pbxs").await.unwrap_err();
    let file = gateway.data.path().join("logs/linegate.log");
    let data = gateway.stop().await;
    let lines = lines(&file);
    let of = |level: &str| lines.iter().filter(|line| line["level"] == level).count();
    assert!(of("INFO") > 0 && of("DEBUG") > 0, "{lines:?}");
    let changed = lines.iter().position(|line| line["fields"]["message"] == "the log filter was changed").unwrap();
    assert!(lines[..changed].iter().all(|line| line["level"] != "DEBUG"), "only from then on");
    assert_eq!(lines.last().unwrap()["fields"]["message"], "stopped", "the end is in the file");
    drop(data);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_the_data_folder_opens_it_to_nobody() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = tempfile::tempdir().unwrap();
    let own = data.path().join("state/linegate");
    let environment = [("LINEGATE_DATA_DIR", own.to_str().unwrap()), ("LINEGATE_LOG_FILE", "log/linegate.log")];
    let gateway = Gateway::process_with(data, &environment, &[]).await;
    let data = gateway.stop().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&own), mode(&own.join("log"))), (0o700, 0o700));
    assert_eq!(mode(&own.join("log/linegate.log")), 0o600);
    drop(data);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_lines_of_the_log_and_no_call() {
    let environment = [("LINEGATE_LOG_FILE", "/dev/full"), ("LINEGATE_LOG", "debug")];
    let gateway = Gateway::process_with(tempfile::tempdir().unwrap(), &environment, &[]).await;
    let mut house = House::of(gateway, TwinConfig::default(), json!({})).await;
    house.until_settled().await;
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    house.until_call("202", "connected").await;
    let metrics = house.gateway.metrics().await;
    let lost = metrics.lines().find(|line| line.starts_with("linegate_log_lines_lost_total{reason=\"disk\"}"));
    let lost: u64 = lost.unwrap_or_else(|| panic!("{metrics}")).rsplit(' ').next().unwrap().parse().unwrap();
    assert!(lost > 10, "{lost} lines are lost");
    house.close().await;
}
