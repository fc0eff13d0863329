//! The field test: what the documents leave open about a real router, found out at one line with a person at its phone
//! (dossier `csta-sip-cme` 15f).
//!
//! The script runs here, because it needs the session of the line, the registration and the connection of a link that
//! works; who follows it (the command line, a web page) reads a [`ProbeView`] and presses a key.

mod person;
mod record;
mod redact;
mod report;
mod script;
mod steps;
mod talk;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::error::{Code, ServiceError};
use super::gateway::Outcome;
use crate::domain::{LineId, Timestamp};
pub use person::Prompt;
pub(in crate::service) use record::{Direction, Record};
pub(in crate::service) use redact::Redactor;
pub use report::{Message, Report, StepReport};
pub(in crate::service) use script::start;

/// Nobody reads the test for so long: it ends, and the line is given back.
const ABANDONED: Duration = Duration::from_secs(90);

/// What a field test is asked to do.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeRequest {
    /// The line that is tested; it is not monitored meanwhile.
    #[schema(value_type = String)]
    pub line_id: LineId,
    /// Number of a second phone at hand, which calls and is called.
    #[serde(default)]
    pub partner: Option<String>,
    /// Number of a third phone at hand, for transfers and conferences.
    #[serde(default)]
    pub third: Option<String>,
    /// An outside number that may be called.
    #[serde(default)]
    pub outside: Option<String>,
    /// A number that nobody has.
    #[serde(default)]
    pub invalid: Option<String>,
    /// Only these steps; without it all.
    #[serde(default)]
    pub steps: Option<Vec<u8>>,
    /// Also what takes many minutes.
    #[serde(default)]
    pub long: bool,
    /// Also what ends the sessions of every line; it needs somebody at the router's console and another CSTA program.
    #[serde(default)]
    pub disturb: bool,
    /// Seconds that a person has for each act; 90 without it.
    #[serde(default)]
    #[schema(minimum = 5, maximum = 600)]
    pub patience_s: Option<u16>,
}

/// How far a test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeState {
    /// It runs.
    Running,
    /// It went through all steps.
    Done,
    /// It was stopped, or could not go on.
    Stopped,
}

/// What kind of line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogKind {
    /// A step begins.
    Step,
    /// Something was found out.
    Finding,
    /// A step could not be run, or only in part; why.
    NotRun,
    /// A word to the reader.
    Note,
}

/// A line of the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogLine {
    /// Its number, from 1.
    pub number: usize,
    /// Its kind.
    pub kind: LogKind,
    /// A sentence.
    pub text: String,
}

/// A field test as its followers see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProbeView {
    /// Rises with every change; give it as `after` to wait for the next one.
    pub version: u64,
    /// How far it is.
    pub state: ProbeState,
    /// The line.
    #[schema(value_type = String)]
    pub line_id: LineId,
    /// When it began.
    #[schema(value_type = String)]
    pub started_at: Timestamp,
    /// What a person is asked to do now.
    pub prompt: Option<Prompt>,
    /// What happened so far.
    pub log: Vec<LogLine>,
    /// Settings of the dialect that were found out and differ from those in use.
    #[schema(value_type = Object)]
    pub learned: BTreeMap<String, Value>,
    /// Settings that a person may want to write into `dialect`, beside what is learned by itself.
    #[schema(value_type = Object)]
    pub proposals: BTreeMap<String, Value>,
    /// Whether what was learned is stored.
    pub is_stored: bool,
}

/// A running or finished test; cloning gives another handle.
#[derive(Debug, Clone)]
pub(in crate::service) struct Probe(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    view: Mutex<ProbeView>,
    changed: watch::Sender<u64>,
    read_at: Mutex<Instant>,
    /// How often somebody said that an act is done, or not worth waiting for.
    skips: watch::Sender<u64>,
    /// Somebody wants it to end.
    stop: watch::Sender<bool>,
    report: Mutex<Option<Report>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in the guarded sections can panic half way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Probe {
    fn new(line_id: LineId, started_at: Timestamp) -> Self {
        let view = ProbeView {
            version: 0,
            state: ProbeState::Running,
            line_id,
            started_at,
            prompt: None,
            log: Vec::new(),
            learned: BTreeMap::new(),
            proposals: BTreeMap::new(),
            is_stored: false,
        };
        Self(Arc::new(Shared {
            view: Mutex::new(view),
            changed: watch::Sender::new(0),
            read_at: Mutex::new(Instant::now()),
            skips: watch::Sender::new(0),
            stop: watch::Sender::new(false),
            report: Mutex::new(None),
        }))
    }

    fn change(&self, change: impl FnOnce(&mut ProbeView)) {
        let mut view = locked(&self.0.view);
        change(&mut view);
        view.version += 1;
        let version = view.version;
        drop(view);
        self.0.changed.send_replace(version);
    }

    fn say(&self, kind: LogKind, text: impl Into<String>) {
        let text = text.into();
        self.change(|view| {
            let number = view.log.len() + 1;
            view.log.push(LogLine { number, kind, text });
        });
    }

    /// The test as it is, once it has changed since a version or the time is over.
    pub(in crate::service) async fn view(&self, after: Option<u64>, wait: Duration) -> ProbeView {
        *locked(&self.0.read_at) = Instant::now();
        let mut changed = self.0.changed.subscribe();
        if let Some(after) = after {
            // What counts is how it is afterwards, changed or not.
            let _ = tokio::time::timeout(wait, changed.wait_for(|version| *version > after)).await;
        }
        *locked(&self.0.read_at) = Instant::now();
        let mut view = locked(&self.0.view).clone();
        if let Some(prompt) = &mut view.prompt {
            prompt.count_down();
        }
        view
    }

    pub(in crate::service) fn skip(&self) {
        self.0.skips.send_modify(|skips| *skips += 1);
    }

    pub(in crate::service) fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    pub(in crate::service) fn is_running(&self) -> bool {
        locked(&self.0.view).state == ProbeState::Running
    }

    /// Waits for the end.
    pub(in crate::service) async fn ended(&self) {
        let mut changed = self.0.changed.subscribe();
        while self.is_running() {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// What can be sent to others.
    ///
    /// # Errors
    /// While it runs.
    pub(in crate::service) fn report(&self) -> Outcome<Report> {
        locked(&self.0.report).clone().ok_or_else(|| {
            ServiceError::new(Code::Conflict, "The field test still runs.").with_hint("Wait for its end, or stop it.")
        })
    }

    /// What was learned, to be stored.
    ///
    /// # Errors
    /// While it runs.
    pub(in crate::service) fn learned(&self) -> Outcome<BTreeMap<String, Value>> {
        self.report()?;
        Ok(locked(&self.0.view).learned.clone())
    }

    pub(in crate::service) fn stored(&self) {
        self.change(|view| view.is_stored = true);
        if let Some(report) = &mut *locked(&self.0.report) {
            report.is_stored = true;
        }
    }

    fn is_abandoned(&self) -> bool {
        locked(&self.0.read_at).elapsed() > ABANDONED
    }

    fn finish(&self, report: Report) {
        let state = report.state;
        *locked(&self.0.report) = Some(report);
        self.change(|view| {
            view.state = state;
            view.prompt = None;
        });
    }
}
