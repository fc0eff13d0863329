//! The report: what was done, what was found out, and the messages, with nobody in it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::ProbeState;
use super::record::Record;
use super::redact::Redactor;
use crate::domain::Timestamp;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It was run.
    Run,
    /// It was run in part; `reasons` say what is missing.
    Partly,
    /// It was not run; `reasons` say why.
    NotRun,
}

/// A message of the wire, redacted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Message {
    /// Milliseconds since the beginning of the test.
    pub at_ms: u64,
    /// `sent` or `received`.
    pub direction: String,
    /// Headers, an empty line, the body.
    pub text: String,
}

/// One step of the test.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StepReport {
    /// Its number in the list of the documents.
    pub number: u8,
    /// What it is about.
    pub title: String,
    /// The open questions that it answers.
    pub questions: Vec<String>,
    /// How it went.
    pub outcome: StepOutcome,
    /// Why it was not run, or only in part.
    pub reasons: Vec<String>,
    /// What was found out.
    pub findings: Vec<String>,
    /// What went over the wire.
    pub messages: Vec<Message>,
}

/// A report that can be sent to others: numbers, names and addresses are labels.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Report {
    /// Form of this report.
    pub format: u32,
    /// Release of the gateway.
    pub gateway: String,
    /// Release of the router, as it tells it.
    pub cme_version: Option<String>,
    /// When the test began.
    #[schema(value_type = String)]
    pub started_at: Timestamp,
    /// Whether it went through.
    pub state: ProbeState,
    /// What is known of the line: kind, sharing, `cti notify`.
    pub line: BTreeMap<String, Value>,
    /// The steps.
    pub steps: Vec<StepReport>,
    /// Settings of the dialect that were found out and differ from those in use.
    #[schema(value_type = Object)]
    pub learned: BTreeMap<String, Value>,
    /// Settings that a person may want to write into `dialect`.
    #[schema(value_type = Object)]
    pub proposals: BTreeMap<String, Value>,
    /// Whether what was learned is stored.
    pub is_stored: bool,
    /// Messages that were too many to keep.
    pub lost_messages: usize,
}

/// Puts the messages of the record where they belong; gives how many were lost.
pub(super) fn fill(steps: &mut [StepReport], record: &Record, redactor: &mut Redactor) -> usize {
    let (wires, lost) = record.all();
    for wire in wires {
        if let Some(step) = steps.iter_mut().find(|step| step.number == wire.step) {
            step.messages.push(Message {
                at_ms: wire.at_ms,
                direction: wire.direction.as_str().to_owned(),
                text: redactor.message(&wire.bytes),
            });
        }
    }
    lost
}
