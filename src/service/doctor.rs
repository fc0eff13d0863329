//! The line doctor: every check from the name of the router to a monitored line, each with its outcome.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{Fix, LineId};

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// It works, but a person should know.
    Warning,
    /// It does not work.
    Failed,
    /// It cannot be seen.
    Unknown,
    /// Not tried: it does not apply, or something before it failed.
    Skipped,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// Which: `dns`, `sip_connection`, `xml_api`, `release`, `registration`, `session_server`, `inbound`, `xml_record`,
    /// `cti_flags`, `phone`, `session` or `monitor`.
    pub check: &'static str,
    /// How it went.
    pub state: CheckState,
    /// What was found, in a sentence.
    pub detail: String,
    /// The router's own words.
    pub router_message: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// The call that mends it, where one exists.
    pub fix: Option<Fix>,
}

impl Check {
    /// A check with its outcome.
    pub fn new(check: &'static str, state: CheckState, detail: impl Into<String>) -> Self {
        Self { check, state, detail: detail.into(), router_message: None, hint: None, fix: None }
    }

    /// What to do about it; an empty text says nothing.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self
    }

    /// What the router said.
    #[must_use]
    pub fn said(mut self, words: Option<String>) -> Self {
        self.router_message = words;
        self
    }

    /// The call that mends it.
    #[must_use]
    pub fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }
}

/// The checks of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineReport {
    /// The line.
    #[schema(value_type = String)]
    pub line_id: LineId,
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Nothing failed.
    pub healthy: bool,
    /// The checks, in their order.
    pub checks: Vec<Check>,
}

/// The report on a PBX, and on its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Diagnosis {
    /// Nothing failed.
    pub healthy: bool,
    /// The checks of the PBX, in their order.
    pub checks: Vec<Check>,
    /// The lines that were asked for; without a line every line that is not monitored.
    pub lines: Vec<LineReport>,
    /// How many lines are monitored and need no report.
    pub monitored: usize,
}

/// Whether nothing failed.
pub(super) fn is_healthy(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.state != CheckState::Failed)
}
