//! The CSTA assistant at the door of the service layer: what it is asked and what it answers (api.md, "PBXs").

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::axl::assistant as core;
pub use crate::axl::assistant::{Block, Known};
use crate::domain::{LineId, Timestamp};
use crate::store::Secret;

/// Privilege that configuration commands need (dossier `axl-cme` 2.3).
pub const LEVEL: u32 = 15;

/// The set-up of a router: what is there, and what would mend it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CstaConfig {
    /// Whether this release can be set up.
    pub supported: bool,
    /// Why not.
    pub reason: Option<String>,
    /// Version of CME.
    pub cme_version: Option<String>,
    /// Privilege level that applying needs: 15.
    pub needs_level: u32,
    /// Each block.
    pub findings: Vec<CstaFinding>,
    /// The lines that would mend it, in their order; they are applied block by block.
    pub plan: Vec<CstaStep>,
    /// Sentences for a person.
    pub warnings: Vec<String>,
}

/// One block as it was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CstaFinding {
    /// The block.
    pub block: Block,
    /// What of it.
    pub subject: String,
    /// How it is.
    pub state: Known,
    /// Why, in a sentence.
    pub detail: String,
    /// The directory number, for `ephone_dn`.
    pub number: Option<String>,
}

/// The lines that mend one block.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CstaStep {
    /// The block.
    pub block: Block,
    /// As in the finding.
    pub subject: String,
    /// IOS lines, from global configuration mode.
    pub commands: Vec<String>,
    /// IOS lines that take it back; empty for what is shared with others.
    pub inverse: Vec<String>,
    /// What it means for others.
    pub impact: String,
    /// The directory number, for `ephone_dn`.
    pub number: Option<String>,
    /// It is applied only when its block is named.
    pub optional: bool,
}

impl From<&core::Finding> for CstaFinding {
    fn from(finding: &core::Finding) -> Self {
        Self {
            block: finding.block,
            subject: finding.subject.clone(),
            state: finding.state,
            detail: finding.detail.clone(),
            number: finding.number.clone(),
        }
    }
}

impl From<&core::Step> for CstaStep {
    fn from(step: &core::Step) -> Self {
        Self {
            block: step.block,
            subject: step.subject.clone(),
            commands: step.commands.clone(),
            inverse: step.inverse.clone(),
            impact: step.impact.clone(),
            number: step.number.clone(),
            optional: step.block == Block::Authenticate,
        }
    }
}

/// Credentials for one request; they are never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTime {
    /// User.
    pub username: String,
    /// Password.
    pub password: Secret,
}

impl std::fmt::Debug for OneTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OneTime(hidden)")
    }
}

/// What is to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyRequest {
    /// Only these blocks; without it everything but `authenticate`.
    pub blocks: Option<Vec<Block>>,
    /// Only the directory numbers of these lines; without it all.
    pub lines: Option<Vec<LineId>>,
    /// Save the configuration of the router.
    pub save: bool,
    /// For this request only.
    pub credentials: Option<OneTime>,
}

/// What came of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// The router took every line, and shows it where it can.
    Applied,
    /// It was right already: nothing was sent.
    Unchanged,
    /// A line was refused, or the router does not show what it took.
    Failed,
    /// Something before it failed.
    NotTried,
}

/// One block after the assistant has been there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppliedBlock {
    /// The block.
    pub block: Block,
    /// What of it.
    pub subject: String,
    /// What came of it.
    pub outcome: Applied,
    /// The line that the router refused.
    pub failed_command: Option<String>,
    /// The router's own words.
    pub router_message: Option<String>,
    /// What else is to be said.
    pub detail: Option<String>,
    /// Lines that the router has executed.
    #[serde(default)]
    pub executed: Vec<String>,
    /// Lines that undo would send.
    #[serde(default)]
    pub inverse: Vec<String>,
    /// Tag of the ephone-dn or the session server.
    #[serde(default)]
    pub tag: Option<u32>,
    /// The directory number.
    #[serde(default)]
    pub number: Option<String>,
}

/// What came of saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Saved {
    /// Saved.
    Success,
    /// Another terminal session is open: the router saves later by itself.
    Delay,
    /// Not saved: it is gone after a reload.
    Fail,
    /// Not asked for, or there was nothing to save.
    Skipped,
}

/// What came of an apply or an undo.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CstaApplied {
    /// Each block.
    pub results: Vec<AppliedBlock>,
    /// Whether the configuration of the router is saved.
    pub saved: Saved,
    /// A real monitor stands on every line that the change is about. After an undo: the router no longer shows the lines.
    pub verified: bool,
    /// What was verified, and what was not.
    pub verification: Verification,
    /// Entry of the journal; `null` when nothing was sent.
    pub journal_id: Option<String>,
    /// Sentences for a person.
    pub warnings: Vec<String>,
}

/// What the monitors said after an apply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Addresses that are monitored.
    pub monitored: usize,
    /// Addresses that the change is about.
    pub of: usize,
    /// Addresses that were monitored before the change and are not any more.
    pub lost: usize,
    /// Those that are not, each with its reason.
    pub failed: Vec<Unverified>,
    /// All of it in a sentence.
    pub summary: String,
}

/// An address that is not monitored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unverified {
    /// The line.
    #[schema(value_type = String)]
    pub line_id: LineId,
    /// The number.
    pub number: String,
    /// Why, as a word.
    pub code: Option<String>,
    /// Why, in a sentence.
    pub reason: Option<String>,
}

/// Which of the two an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Lines were applied.
    Apply,
    /// Lines were taken back.
    Undo,
}

/// An entry of the assistant's journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CstaEntry {
    /// Its id.
    pub id: String,
    /// When it began.
    pub at: Timestamp,
    /// Name of the token.
    pub actor: String,
    /// Apply or undo.
    pub act: Act,
    /// Each block that was sent.
    pub results: Vec<AppliedBlock>,
    /// The lines of a request whose answer has not come: what the router did with them is not known.
    pub unanswered: Option<Vec<String>>,
    /// Whether it was saved.
    pub saved: Saved,
    /// Whether monitors proved it.
    pub verified: bool,
    /// The undo that took it back.
    pub undone_by: Option<String>,
}

/// The complete configuration of the manual's 2.5 and 2.6, ready to paste; `server` is register-id and keepalive.
pub fn cme_config(server: (&str, u32), user: (&str, &str), tag: u32, dns: &[u32], with_authenticate: bool) -> String {
    let site = core::Site { register_id: server.0.to_owned(), keepalive_s: server.1 };
    core::cme_config(&site, user, tag, dns, with_authenticate)
}

/// The lines of `voice service voip` that a running configuration lacks.
pub fn missing_of_voice_service(running_config: &str) -> Vec<&'static str> {
    core::Running::parse(running_config).missing_of_voice_service()
}
