//! The jobs of the assistant: everything that is sent, in order, with the journal written before each request.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::super::Reply;
use super::super::discovery::{DiscoveryNews, Trouble, exchange};
use super::super::net::sentence;
use super::super::task::News;
use super::verify::Scope;
use super::{AssistantNews, ledger};
use crate::axl::assistant::{self, Assessment, Block, Evidence, Finding, Known, Site, Step};
use crate::axl::load::{self, FaultKind, Load, LoadError, LoadHints, Purpose, TransportFault};
use crate::axl::record::SaveResult;
use crate::axl::{self, Inventory, Request};
use crate::domain::call_table::SeatId;
use crate::domain::{LineId, PbxId};
use crate::io::axl_http::AxlClient;
use crate::service::assistant::{
    Act, Applied, AppliedBlock, ApplyRequest, CstaApplied, CstaConfig, CstaEntry, LEVEL, OneTime, Saved, Verification,
};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::Outcome;
use crate::service::journal::wall_clock;
use crate::store::Store;

/// What is to be done, and who waits for it.
#[derive(Debug)]
pub(in crate::service::link) enum Job {
    Look { reply: Reply<CstaConfig> },
    Apply { request: ApplyRequest, actor: String, reply: Reply<CstaApplied> },
    Undo { save: bool, credentials: Option<OneTime>, actor: String, reply: Reply<CstaApplied> },
}

impl Job {
    pub(super) fn credentials(&self) -> Option<&OneTime> {
        match self {
            Self::Look { .. } => None,
            Self::Apply { request, .. } => request.credentials.as_ref(),
            Self::Undo { credentials, .. } => credentials.as_ref(),
        }
    }

    /// Answers with a refusal; nothing was sent.
    pub(super) fn refuse(self, error: ServiceError) {
        // Who asked may have gone.
        match self {
            Self::Look { reply } => drop(reply.send(Err(error))),
            Self::Apply { reply, .. } | Self::Undo { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

/// The router as it was read, for the link.
#[derive(Debug)]
pub(in crate::service::link) struct Hand {
    pub(super) inventory: Inventory,
    pub(super) hints: LoadHints,
    pub(super) fingerprint: Option<String>,
    pub(super) scope: Scope,
    /// Addresses that were monitored when the job began.
    pub(super) before: Vec<SeatId>,
    pub(super) done: oneshot::Sender<Verification>,
}

/// Why a job ends early.
pub(super) enum Stop {
    /// The router cannot be read.
    Load(LoadError),
    /// It is not done.
    Refused(ServiceError),
}

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<ServiceError> for Stop {
    fn from(error: ServiceError) -> Self {
        Self::Refused(error)
    }
}

impl From<crate::store::StoreError> for Stop {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Refused(super::super::line_edit::storage(error))
    }
}

/// What came of a request that changes something.
enum Sent {
    Answer(Box<axl::Reply>),
    /// It was certainly not carried out.
    Refused(String),
    /// No answer that tells: it may have been carried out.
    Unknown(String),
}

/// Does one job.
pub(super) struct Worker {
    pub(super) client: Arc<AxlClient>,
    pub(super) dialect: axl::Dialect,
    pub(super) hints: LoadHints,
    pub(super) store: Store,
    pub(super) pbx: PbxId,
    pub(super) site: Site,
    pub(super) evidence: Evidence,
    pub(super) lines: HashMap<LineId, Vec<String>>,
    /// Addresses that are monitored as the job begins.
    pub(super) monitored: Vec<SeatId>,
    pub(super) news: mpsc::Sender<News>,
    pub(super) generation: u64,
}

impl Worker {
    pub(super) async fn run(mut self, job: Job) {
        let is_own_user = job.credentials().is_none();
        let failure = match job {
            Job::Look { reply } => conclude(self.look().await, reply),
            Job::Apply { request, actor, reply } => conclude(self.apply(request, actor).await, reply),
            Job::Undo { save, actor, reply, .. } => conclude(self.undo(save, actor).await, reply),
        };
        // Trouble with somebody's one-time credentials says nothing about our own.
        let failure = failure.filter(|_| is_own_user);
        self.tell(DiscoveryNews::Assistant(AssistantNews::Done { hints: self.hints.clone(), failure })).await;
    }

    /// Reads everything that the check needs.
    pub(super) async fn read(&mut self) -> Result<Inventory, LoadError> {
        let mut load = Load::new(self.dialect.clone(), self.hints.clone(), Purpose::CstaCheck);
        loop {
            match load.poll() {
                Some(load::Output::Post { body, .. }) => load.handle(exchange(&self.client, body).await),
                Some(load::Output::Progress { about, .. }) => {
                    self.tell(DiscoveryNews::Progress(format!("the assistant reads {about}"))).await;
                }
                Some(load::Output::Done(inventory)) => {
                    self.hints = load.hints().clone();
                    return Ok(*inventory);
                }
                Some(load::Output::Failed(error)) => return Err(error),
                None => {
                    let fault = TransportFault::new(FaultKind::Fatal, "the reading of the router ended by itself", "");
                    return Err(LoadError::Transport(fault));
                }
            }
        }
    }

    /// Findings and plan with what the journal knows.
    pub(super) async fn assess(&mut self, inventory: &Inventory) -> Result<Assessment, Stop> {
        self.evidence.applied = ledger::applied(&ledger::read(&self.store, &self.pbx).await?);
        Ok(assistant::assess(inventory, &self.site, &self.evidence))
    }

    async fn look(&mut self) -> Result<CstaConfig, Stop> {
        let inventory = self.read().await?;
        let found = self.assess(&inventory).await?;
        let warnings = inventory.warnings.iter().map(|text| format!("{}.", sentence(text))).collect();
        Ok(CstaConfig {
            supported: found.refusal.is_none(),
            reason: found.refusal.as_deref().map(|text| format!("{}.", sentence(text))),
            cme_version: inventory.global.as_ref().and_then(|global| global.version.clone()),
            needs_level: LEVEL,
            findings: found.findings.iter().map(Into::into).collect(),
            plan: found.plan.iter().map(Into::into).collect(),
            warnings,
        })
    }

    async fn apply(&mut self, request: ApplyRequest, actor: String) -> Result<CstaApplied, Stop> {
        let mut inventory = self.read().await?;
        let before = self.assess(&inventory).await?;
        refuse_unsupported(&before)?;
        let findings: Vec<Finding> = before.findings.into_iter().filter(|one| self.is_meant(one, &request)).collect();
        let mut entry = new_entry(Act::Apply, actor);
        let mut warnings = Vec::new();
        let (mut has_stopped, mut is_sent) = (false, false);
        for finding in findings {
            let step = before.plan.iter().find(|step| (step.block, step.tag) == (finding.block, finding.tag));
            let result = match step {
                None if finding.state == Known::Ok => plain(&finding, Applied::Unchanged, &finding.detail),
                None => plain(&finding, Applied::Failed, &finding.detail),
                Some(_) if has_stopped => plain(&finding, Applied::NotTried, "Something before it failed."),
                Some(step) => {
                    is_sent = true;
                    let result = self.execute(step, &mut entry, &mut inventory).await?;
                    if result.outcome == Applied::Failed
                        && result.executed.is_empty()
                        && result.failed_command.is_some()
                    {
                        warnings.push(needs_level());
                    }
                    result
                }
            };
            has_stopped |= step.is_some() && result.outcome == Applied::Failed;
            entry.results.push(result);
        }
        let is_changed = entry.results.iter().any(|result| !result.executed.is_empty());
        if is_sent && !is_changed {
            self.write(&entry).await?;
        }
        if is_changed {
            inventory = self.read_again(&mut entry, &mut warnings).await.unwrap_or(inventory);
        }
        let scope = scope_of(&request, &entry.results);
        let verification = self.prove(inventory, scope).await?;
        entry.verified = is_proved(&entry.results, &verification);
        if is_changed {
            entry.saved = match request.save {
                true if verification.lost > 0 => {
                    warnings.push(format!(
                        "{} addresses that were monitored before are not any more, so the configuration was not saved: a reload \
                         of the router brings the old one back.",
                        verification.lost
                    ));
                    Saved::Skipped
                }
                true => self.save(&mut warnings).await,
                false => Saved::Skipped,
            };
            self.write(&entry).await?;
        }
        Ok(answer(entry, verification, warnings, is_sent))
    }

    /// Whether an apply is about a finding.
    fn is_meant(&self, finding: &Finding, request: &ApplyRequest) -> bool {
        let by_block = match &request.blocks {
            Some(blocks) => blocks.contains(&finding.block),
            None => finding.block != Block::Authenticate,
        };
        let is_of_lines = |lines: &Vec<LineId>| {
            let numbers = lines.iter().filter_map(|line| self.lines.get(line)).flatten();
            numbers.into_iter().any(|number| Some(number) == finding.number.as_ref())
        };
        by_block && (finding.block != Block::EphoneDn || request.lines.as_ref().is_none_or(is_of_lines))
    }

    /// Sends the lines of a step and says what came of it.
    async fn execute(
        &mut self,
        step: &Step,
        entry: &mut CstaEntry,
        inventory: &mut Inventory,
    ) -> Result<AppliedBlock, Stop> {
        self.tell(DiscoveryNews::Progress(format!("the assistant applies {}", step.subject))).await;
        let mut result = AppliedBlock {
            block: step.block,
            subject: step.subject.clone(),
            outcome: Applied::Applied,
            failed_command: None,
            router_message: None,
            detail: None,
            executed: Vec::new(),
            inverse: Vec::new(),
            tag: step.tag,
            number: step.number.clone(),
        };
        let inverse_of = |executed: &[String]| assistant::undo_of(step, executed);
        let is_lost = self.send_lines(&step.commands, &inverse_of, &mut result, entry).await?;
        if is_lost {
            // Never sent again blindly: the router is read, and what it shows counts.
            let seen = match self.read().await {
                Ok(again) => {
                    *inventory = again;
                    let found = self.assess(inventory).await?;
                    found
                        .findings
                        .iter()
                        .find(|one| (one.block, one.tag) == (step.block, step.tag))
                        .map(|one| one.state)
                }
                Err(_) => None,
            };
            match seen {
                Some(Known::Ok) => {
                    result.outcome = Applied::Applied;
                    result.detail = Some("The answer was lost, but the router shows the lines.".to_owned());
                    result.executed.clone_from(&step.commands);
                }
                Some(Known::Missing) => {
                    result.detail = Some(
                        "The answer was lost, and the router does not show the lines. They were not sent again: apply once more."
                            .to_owned(),
                    );
                }
                _ => {
                    // What may have been carried out must be possible to take back.
                    result.executed.clone_from(&step.commands);
                    result.detail = Some(
                        "The answer was lost, and what the router did with the lines cannot be seen. They were not sent again: \
                         look at the configuration once the router answers."
                            .to_owned(),
                    );
                }
            }
            entry.unanswered = None;
        }
        result.inverse = assistant::undo_of(step, &result.executed);
        Ok(result)
    }

    /// Sends lines, a request for each batch; says whether an answer was lost. Results go to `result`. While a request is
    /// out the journal holds its block as if all of it had been done, with what `inverse_of` gives for that: should the
    /// gateway end before the answer, undo knows what may stand at the router.
    pub(super) async fn send_lines(
        &mut self,
        commands: &[String],
        inverse_of: &(dyn Fn(&[String]) -> Vec<String> + Sync),
        result: &mut AppliedBlock,
        entry: &mut CstaEntry,
    ) -> Result<bool, Stop> {
        let apply = self.dialect.apply.clone();
        for batch in assistant::batches(commands, apply.max_lines, apply.use_exit) {
            // A block with its sub-mode may need more lines than a small limit allows.
            let request = match Request::exec_cli(batch.clone(), apply.max_lines.max(batch.len())) {
                Ok(request) => request,
                Err(refused) => {
                    result.outcome = Applied::Failed;
                    result.detail = Some(format!("{}.", sentence(&refused.to_string())));
                    return Ok(false);
                }
            };
            let executed = |count: usize, result: &mut AppliedBlock| {
                let lines = batch.iter().take(count).filter(|line| *line != "exit" && commands.contains(line));
                let fresh: Vec<String> = lines.filter(|line| !result.executed.contains(line)).cloned().collect();
                result.executed.extend(fresh);
            };
            // First the journal, then the router.
            let mut in_flight = result.clone();
            executed(batch.len(), &mut in_flight);
            in_flight.outcome = Applied::Failed;
            in_flight.detail =
                Some("The answer never came: what the router did with the lines is not known.".to_owned());
            in_flight.inverse = inverse_of(&in_flight.executed);
            entry.results.push(in_flight);
            entry.unanswered = Some(batch.clone());
            self.write(entry).await?;
            let sent = self.send(&request).await;
            entry.results.pop();
            match sent {
                Sent::Answer(reply) => {
                    entry.unanswered = None;
                    let Some(cli) = reply.cli else {
                        result.outcome = Applied::Failed;
                        result.router_message = reply.error.map(|error| error.to_string());
                        if result.router_message.is_none() {
                            entry.unanswered = Some(batch);
                            return Ok(true);
                        }
                        return Ok(false);
                    };
                    let Some(failed) = cli.failed_line else {
                        executed(batch.len(), result);
                        continue;
                    };
                    let at = usize::try_from(failed).unwrap_or(usize::MAX).saturating_sub(1);
                    executed(at.min(batch.len()), result);
                    result.outcome = Applied::Failed;
                    result.failed_command = batch.get(at).cloned();
                    result.router_message = Some(cli.message.trim().to_owned());
                    return Ok(false);
                }
                Sent::Refused(why) => {
                    entry.unanswered = None;
                    result.outcome = Applied::Failed;
                    result.detail = Some(why);
                    return Ok(false);
                }
                Sent::Unknown(why) => {
                    result.outcome = Applied::Failed;
                    result.detail = Some(why);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn send(&self, request: &Request) -> Sent {
        let about = request.about();
        let input = exchange(&self.client, request.body(self.dialect.envelope)).await;
        match input {
            load::Input::TransportFailed(fault) => {
                let why = format!("{}. {}", sentence(&fault.to_string()), fault.hint);
                let is_certain = matches!(fault.kind, FaultKind::Unauthorized | FaultKind::NotFound | FaultKind::Fatal);
                if is_certain { Sent::Refused(why) } else { Sent::Unknown(why) }
            }
            load::Input::Reply { body, .. } => match axl::Reply::read(&body, self.dialect.charset) {
                Ok(reply) => Sent::Answer(Box::new(reply)),
                Err(fault) => Sent::Unknown(format!("The router's answer to {about} cannot be read: {fault}.")),
            },
        }
    }

    /// Reads the router again and takes nothing on trust that it can show.
    async fn read_again(&mut self, entry: &mut CstaEntry, warnings: &mut Vec<String>) -> Option<Inventory> {
        // The journal first: what was just applied counts where the router shows nothing.
        let written = self.write(entry).await;
        let read = self.read().await;
        let (Ok(()), Ok(inventory)) = (written, read) else {
            warnings.push("The router could not be read again after the change.".to_owned());
            return None;
        };
        let found = match self.assess(&inventory).await {
            Ok(found) => found,
            Err(_) => return Some(inventory),
        };
        for result in entry.results.iter_mut().filter(|result| result.outcome == Applied::Applied) {
            let state = found.findings.iter().find(|one| (one.block, one.tag) == (result.block, result.tag));
            if let Some(finding) = state.filter(|one| one.state == Known::Missing) {
                result.outcome = Applied::Failed;
                result.detail = Some(format!("The router took the lines, but does not show them: {}", finding.detail));
            }
        }
        Some(inventory)
    }

    /// Hands the router over to the link and waits for what its monitors say.
    pub(super) async fn prove(&mut self, inventory: Inventory, scope: Scope) -> Result<Verification, Stop> {
        let (done, proof) = oneshot::channel();
        let hand = Hand {
            inventory,
            hints: self.hints.clone(),
            fingerprint: self.client.learned_fingerprint(),
            scope,
            before: self.monitored.clone(),
            done,
        };
        self.tell(DiscoveryNews::Progress("waiting for the monitors of the lines".to_owned())).await;
        self.tell(DiscoveryNews::Assistant(AssistantNews::Hand(Box::new(hand)))).await;
        Ok(proof.await.unwrap_or_default())
    }

    /// Saves; never twice.
    pub(super) async fn save(&mut self, warnings: &mut Vec<String>) -> Saved {
        self.tell(DiscoveryNews::Progress("the router saves its configuration".to_owned())).await;
        let (saved, why) = match self.send(&Request::SaveConfig).await {
            Sent::Answer(reply) => match (reply.save, reply.error) {
                (Some(SaveResult::Success), _) => (Saved::Success, None),
                (Some(SaveResult::Delay), _) => (
                    Saved::Delay,
                    Some("Another terminal session is open at the router: it saves later by itself.".to_owned()),
                ),
                (Some(SaveResult::Fail), _) => {
                    (Saved::Fail, Some("The router could not save its configuration.".to_owned()))
                }
                (Some(SaveResult::Other(word)), _) => {
                    (Saved::Fail, Some(format!("The router answers “{word}” to saving, which is not known.")))
                }
                (None, Some(error)) => (Saved::Fail, Some(format!("The router did not save: {error}."))),
                (None, None) => (Saved::Fail, Some("The router did not say whether it saved.".to_owned())),
            },
            Sent::Refused(why) => (Saved::Fail, Some(why)),
            Sent::Unknown(why) => (Saved::Fail, Some(format!("Whether the router saved is not known. {why}"))),
        };
        if let Some(why) = why {
            let hint = if saved == Saved::Fail { " Save it at the console: `write memory`." } else { "" };
            warnings.push(format!("{why}{hint}"));
        }
        saved
    }

    pub(super) async fn write(&self, entry: &CstaEntry) -> Result<(), Stop> {
        Ok(ledger::write(&self.store, &self.pbx, entry).await?)
    }
}

/// Answers who asked; the failure is for the link.
fn conclude<T>(outcome: Result<T, Stop>, reply: Reply<T>) -> Option<LoadError> {
    let (answer, failure): (Outcome<T>, _) = match outcome {
        Ok(answer) => (Ok(answer), None),
        Err(Stop::Refused(error)) => (Err(error), None),
        Err(Stop::Load(error)) => (Err(Trouble::of(&error).to_error()), Some(error)),
    };
    // Who asked may have gone.
    let _ = reply.send(answer);
    failure
}

pub(super) fn refuse_unsupported(found: &Assessment) -> Result<(), ServiceError> {
    match &found.refusal {
        None => Ok(()),
        Some(sentence_of) => Err(ServiceError::new(Code::NotSupportedByPbx, format!("{}.", sentence(sentence_of)))
            .with_hint("The set-up for CSTA exists from CME 8.0 to 12.5; nothing was sent to this router.")),
    }
}

fn needs_level() -> String {
    format!(
        "The user of the XML API needs level {LEVEL} for this. Give other credentials for this request only, or change \
         `xml user` under `telephony-service`."
    )
}

pub(super) fn new_entry(act: Act, actor: String) -> CstaEntry {
    let prefix = match act {
        Act::Apply => "apply",
        Act::Undo => "undo",
    };
    CstaEntry {
        id: format!("{prefix}_{}", uuid::Uuid::now_v7().simple()),
        at: wall_clock(),
        actor,
        act,
        results: Vec::new(),
        unanswered: None,
        saved: Saved::Skipped,
        verified: false,
        undone_by: None,
    }
}

fn plain(finding: &Finding, outcome: Applied, detail: &str) -> AppliedBlock {
    AppliedBlock {
        block: finding.block,
        subject: finding.subject.clone(),
        outcome,
        failed_command: None,
        router_message: None,
        detail: Some(detail.to_owned()),
        executed: Vec::new(),
        inverse: Vec::new(),
        tag: finding.tag,
        number: finding.number.clone(),
    }
}

/// The lines that an apply is about.
fn scope_of(request: &ApplyRequest, results: &[AppliedBlock]) -> Scope {
    if let Some(lines) = &request.lines {
        return Scope::Lines(lines.clone());
    }
    if results.iter().all(|result| result.block == Block::EphoneDn) {
        return Scope::Numbers(results.iter().filter_map(|result| result.number.clone()).collect());
    }
    Scope::All
}

fn is_proved(results: &[AppliedBlock], verification: &Verification) -> bool {
    let is_good = |result: &AppliedBlock| matches!(result.outcome, Applied::Applied | Applied::Unchanged);
    results.iter().all(is_good) && verification.of > 0 && verification.monitored == verification.of
}

pub(super) fn answer(
    entry: CstaEntry,
    verification: Verification,
    warnings: Vec<String>,
    is_sent: bool,
) -> CstaApplied {
    CstaApplied {
        journal_id: is_sent.then_some(entry.id),
        results: entry.results,
        saved: entry.saved,
        verified: entry.verified,
        verification,
        warnings,
    }
}
