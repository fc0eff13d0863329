//! How the gateway bears a large router: the real program and a twin with 450 phones, measured and held against the goals.
//! Run by `scripts/test-load`; prints a table for `docs/results/load.md`.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "../gateway/kit/mod.rs"]
mod kit;

use std::time::{Duration, Instant};

use cme_twin::{Behaviour, InviteLimits, System, TwinConfig};
use kit::{GLANCE, Gateway, House, text};
use serde_json::json;

const PHONES: u32 = 450;
/// INVITEs that may be out at once: the default of the gateway.
const WINDOW: u32 = 20;

/// One measured figure and the goal that it has to meet.
struct Figure {
    what: String,
    value: f64,
    most: f64,
    unit: &'static str,
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut figures = Vec::new();
    for (rate, start) in [(10, 60.0), (100, 10.0)] {
        figures.extend(runtime.block_on(measure(rate, start)));
    }
    let mut is_good = true;
    println!("| figure | measured | goal |\n| --- | --- | --- |");
    for Figure { what, value, most, unit } in figures {
        is_good &= value <= most;
        println!(
            "| {what} | {value:.1} {unit} | at most {most:.1} {unit}{} |",
            if value <= most { "" } else { " **missed**" }
        );
    }
    std::process::exit(i32::from(!is_good));
}

async fn measure(rate: u32, start: f64) -> Vec<Figure> {
    let behaviour =
        Behaviour { invite_limits: InviteLimits { per_second: 0, outstanding: WINDOW }, ..Behaviour::default() };
    let config = TwinConfig { system: System::large(PHONES), behaviour, ..TwinConfig::default() };
    let options = json!({"invite_rate_per_s": rate, "invite_window": WINDOW, "line_update_interval_s": 60, "snapshot_interval_s": 60, "monitor_retry_interval_s": 60});
    let gateway = Gateway::process(tempfile::tempdir().unwrap()).await;
    let house = House::of(gateway, config, json!({"options": options})).await;
    let phones = usize::try_from(PHONES).unwrap();
    let began = Instant::now();
    while text(&house.status().await, "/axl/last_load_at").is_empty() {
        tokio::time::sleep(GLANCE).await;
    }
    let load = began.elapsed();
    let loaded = Instant::now();
    house.twin.until_monitors(phones).await;
    let monitored = loaded.elapsed();
    let first_rate = fastest_second(&house.twin.requests().invites_ms);
    let rss = memory(&house);
    house.twin.clear_requests();
    house.twin.reload(Duration::from_secs(2)).await;
    let back = Instant::now();
    house.twin.until_monitors(0).await;
    house.twin.until_monitors(phones).await;
    let again = back.elapsed();
    let second_rate = fastest_second(&house.twin.requests().invites_ms);
    let after = memory(&house);
    let violations = house.twin.violations();
    assert!(violations.is_empty(), "{violations:#?}");
    house.gateway.stop().await;
    let name = |what: &str| format!("{PHONES} lines, {rate} INVITE/s: {what}");
    // On its way one may be late and the next one not.
    let most_rate = f64::from(rate) + 1.0;
    let pace = f64::from(PHONES) / f64::from(rate);
    let figure = |what: &str, value: f64, most: f64, unit| Figure { what: name(what), value, most, unit };
    vec![
        figure("line load", load.as_secs_f64(), 30.0, "s"),
        figure("all monitored after the line load", monitored.as_secs_f64(), start, "s"),
        figure("all monitored again after a reload", again.as_secs_f64(), pace + 10.0, "s"),
        figure("INVITEs in the fastest second, start", f64::from(first_rate), most_rate, ""),
        figure("INVITEs in the fastest second, reload", f64::from(second_rate), most_rate, ""),
        figure("memory (RSS) with all lines monitored", rss, 100.0, "MB"),
        figure("memory (RSS) after the reload", after, 100.0, "MB"),
    ]
}

/// The most that fell into any second.
fn fastest_second(times_ms: &[u64]) -> u32 {
    let within = |from: &u64| times_ms.iter().filter(|at| (*from..*from + 1000).contains(at)).count();
    u32::try_from(times_ms.iter().map(within).max().unwrap_or(0)).unwrap()
}

/// Resident memory of the gateway's process in MB.
fn memory(house: &House) -> f64 {
    let pid = house.gateway.pid().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
