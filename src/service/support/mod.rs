//! The support bundle: what somebody else needs to see what is wrong, with nobody in it.
//!
//! Every text goes through one redactor, so that a number has the same label in every file. Passwords, tokens and keys
//! are in none of the sources.

mod archive;
mod clean;

use serde_json::{Value, json};

use crate::domain::Timestamp;
use crate::service::doctor::Diagnosis;
use crate::service::trace::Trace;
use clean::Cleaner;
pub(super) use clean::Known;

/// What the process knows about itself, without secrets.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The settings of the process.
    pub settings: Value,
    /// The last lines of its log.
    pub log: String,
    /// Its metrics as Prometheus reads them.
    pub metrics: String,
}

/// Everything that goes into a bundle.
pub(super) struct Sources {
    pub(super) at: Timestamp,
    pub(super) about: About,
    pub(super) known: Known,
    pub(super) pbxs: Vec<Value>,
    pub(super) lines: Vec<Value>,
    pub(super) calls: Vec<Value>,
    pub(super) store: Value,
    /// By the id of the PBX: the report, or why there is none.
    pub(super) doctor: Vec<(String, Result<Diagnosis, String>)>,
    pub(super) trace: Trace,
}

/// So many steps of the trace go into a bundle, the last ones.
const STEPS: usize = 5000;

const README: &str = "\
Support bundle of Linegate.

version.json    release, system, time
settings.json   settings of the process
pbxs.json       routers: settings and status
lines.json      lines: monitors, registrations, what they do
calls.json      calls of the moment
store.json      database: schema, journal, sizes of its files
doctor.json     every check from DNS to a monitored line, made for this bundle
trace.jsonl     the last messages of SIP, CSTA and the XML API, one a line
metrics.txt     counters, as Prometheus reads them
log.txt         the last lines of the log

Passwords, tokens and keys are not in it. Numbers, names, addresses and MACs are labels: [number-3/4] is the same number
with four digits in every file. Look through it all the same before you send it to others.
";

/// Writes the bundle: a gzipped tar.
///
/// # Errors
/// When it cannot be packed.
pub(super) fn pack(sources: Sources) -> std::io::Result<Vec<u8>> {
    let mut cleaner = Cleaner::new(&sources.known);
    let version = json!({
        "linegate": env!("CARGO_PKG_VERSION"),
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "legacy_tls": cfg!(feature = "legacy-tls"),
        "made_at": sources.at,
    });
    let doctor: Vec<Value> = sources
        .doctor
        .into_iter()
        .map(|(pbx, report)| match report {
            Ok(report) => json!({"pbx_id": pbx, "report": report}),
            Err(why) => json!({"pbx_id": pbx, "no_report": why}),
        })
        .collect();
    let mut trace = Vec::new();
    for item in cleaner.trace(&sources.trace, STEPS) {
        serde_json::to_writer(&mut trace, &item)?;
        trace.push(b'\n');
    }
    let log: String = sources.about.log.lines().map(|line| cleaner.log_line(line) + "\n").collect();
    let files = [
        ("README.txt", README.as_bytes().to_vec()),
        ("version.json", pretty(&version)?),
        ("settings.json", pretty(&cleaner.value(sources.about.settings))?),
        ("pbxs.json", pretty(&cleaner.value(Value::Array(sources.pbxs)))?),
        ("lines.json", pretty(&cleaner.value(Value::Array(sources.lines)))?),
        ("calls.json", pretty(&cleaner.value(Value::Array(sources.calls)))?),
        ("store.json", pretty(&sources.store)?),
        ("doctor.json", pretty(&cleaner.value(Value::Array(doctor)))?),
        ("trace.jsonl", trace),
        ("metrics.txt", sources.about.metrics.into_bytes()),
        ("log.txt", log.into_bytes()),
    ];
    archive::write(&files, sources.at)
}

fn pretty(value: &Value) -> std::io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}
