//! The script of a field test: what every step may use, and the way through the steps.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::redact::Redactor;
use super::report::{Report, StepOutcome, StepReport, fill};
use super::{LogKind, Probe, ProbeRequest, ProbeState, Record};
use crate::csta::Event;
use crate::service::gateway::Outcome;
use crate::service::journal::wall_clock;
use crate::service::link::{Form, Ground, Link, LinkCommand, ProbeNews};

/// Events that wait for the script.
const NEWS: usize = 512;
/// The time in which a router does what it said yes to.
pub(super) const SOON: Duration = Duration::from_secs(5);

/// Why the test ends before its last step.
#[derive(Debug, thiserror::Error)]
pub(super) enum Halt {
    #[error("somebody stopped the test")]
    Stopped,
    #[error("nobody followed the test any more")]
    Abandoned,
    #[error("the link to the PBX started anew or ended")]
    LinkGone,
    #[error("no session of this line can be opened any more: {0}")]
    NoSession(String),
}

pub(super) type Step = Result<(), Halt>;

/// A test that runs.
pub(super) struct Script {
    pub(super) probe: Probe,
    pub(super) ground: Ground,
    pub(super) wish: ProbeRequest,
    pub(super) link: Link,
    pub(super) news: mpsc::Receiver<ProbeNews>,
    record: Record,
    steps: Vec<StepReport>,
    pub(super) next_session: u32,
    /// The session in which the steps are run, once it stands.
    pub(super) session: Option<u32>,
    pub(super) form: Form,
    /// The own device as the PBX takes it.
    pub(super) device: String,
    /// Form of called numbers.
    pub(super) number_form: String,
    pub(super) xref: Option<String>,
    pub(super) queue: VecDeque<Event<'static>>,
    /// Events of the step by name, in order.
    pub(super) names: Vec<String>,
    /// For which end of a compound state snapshots spoke (U-24).
    pub(super) votes: (u32, u32),
    pub(super) caller: Option<String>,
    /// The end of the session ends the wait of now.
    pub(super) ends_wait: bool,
    /// How often it was said that something is done when a person was asked, until that is waited for.
    pub(super) asked_at: Option<u64>,
    _over: DropGuard,
}

/// Begins a test at a line.
///
/// # Errors
/// When the link cannot give the line.
pub(in crate::service) async fn start(link: &Link, wish: ProbeRequest) -> Outcome<Probe> {
    let record = Record::new(Instant::now());
    let (news_in, news) = mpsc::channel(NEWS);
    // Whatever becomes of the script, the line is given back.
    let over = CancellationToken::new();
    let (line, seen, ended) = (wish.line_id.clone(), record.clone(), over.clone());
    let ground =
        link.ask(|reply| LinkCommand::BeginProbe { line, record: seen, news: news_in, over: ended, reply }).await?;
    let probe = Probe::new(ground.line.clone(), wall_clock());
    let form = Form {
        user: ground.users.first().cloned().unwrap_or_default(),
        has_reference: ground.has_reference,
        has_declaration: ground.has_declaration,
        has_line: ground.has_line,
    };
    let script = Script {
        probe: probe.clone(),
        device: String::new(),
        number_form: ground.numbers.first().cloned().unwrap_or_default(),
        ground,
        wish,
        link: link.clone(),
        news,
        record,
        steps: Vec::new(),
        next_session: 0,
        session: None,
        form,
        xref: None,
        queue: VecDeque::new(),
        names: Vec::new(),
        votes: (0, 0),
        caller: None,
        ends_wait: false,
        asked_at: None,
        _over: over.drop_guard(),
    };
    tokio::spawn(script.run());
    Ok(probe)
}

impl Script {
    async fn run(mut self) {
        let halted = self.all_steps().await.err();
        if let Some(halt) = &halted {
            self.probe.say(LogKind::NotRun, format!("The test ends here: {halt}."));
            tracing::info!(reason = %halt, "a field test ended early");
        }
        let report = self.report(halted.as_ref());
        self.probe.finish(report);
    }

    async fn all_steps(&mut self) -> Step {
        for step in super::steps::ALL {
            self.record.step(step.number);
            self.steps.push(StepReport {
                number: step.number,
                title: step.title.to_owned(),
                questions: step.questions.iter().map(|question| format!("U-{question}")).collect(),
                outcome: StepOutcome::Run,
                reasons: Vec::new(),
                findings: Vec::new(),
                messages: Vec::new(),
            });
            if self.wish.steps.as_ref().is_some_and(|wanted| !wanted.contains(&step.number)) {
                self.not_run("It was not asked for.");
                continue;
            }
            self.probe.say(LogKind::Step, format!("Step {}: {}", step.number, step.title));
            let done = super::steps::run(self, step.number).await;
            if self.session.is_some() && done.is_ok() {
                self.clear_all().await?;
            }
            self.tell_events();
            done?;
        }
        self.conclude_order();
        self.close().await
    }

    pub(super) fn find(&mut self, finding: impl Into<String>) {
        let finding = finding.into();
        self.probe.say(LogKind::Finding, finding.clone());
        if let Some(step) = self.steps.last_mut() {
            step.findings.push(finding);
        }
    }

    /// Something of the step, or all of it, cannot be run.
    pub(super) fn not_run(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.wish.steps.is_none() || reason != "It was not asked for." {
            self.probe.say(LogKind::NotRun, format!("Not run: {reason}"));
        }
        if let Some(step) = self.steps.last_mut() {
            step.reasons.push(reason);
        }
    }

    /// A setting that differs from the one in use.
    pub(super) fn learn(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        self.probe.change(|view| {
            view.learned.insert(key.to_owned(), value);
        });
    }

    /// A setting that a person may want.
    pub(super) fn propose(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        self.probe.change(|view| {
            view.proposals.insert(key.to_owned(), value);
        });
    }

    fn tell_events(&mut self) {
        let names = std::mem::take(&mut self.names);
        if !names.is_empty() {
            self.find(format!("Events in their order: {}.", names.join(", ")));
        }
    }

    fn report(&mut self, halt: Option<&Halt>) -> Report {
        self.tell_events();
        if let (Some(halt), Some(step)) = (halt, self.steps.last_mut()) {
            step.reasons.push(format!("The test ended here: {halt}."));
        }
        for step in super::steps::ALL.iter().skip(self.steps.len()) {
            self.steps.push(StepReport {
                number: step.number,
                title: step.title.to_owned(),
                questions: step.questions.iter().map(|question| format!("U-{question}")).collect(),
                outcome: StepOutcome::NotRun,
                reasons: vec!["The test ended before.".to_owned()],
                findings: Vec::new(),
                messages: Vec::new(),
            });
        }
        for step in &mut self.steps {
            step.outcome = match (step.findings.is_empty(), step.reasons.is_empty()) {
                (_, true) => StepOutcome::Run,
                (false, false) => StepOutcome::Partly,
                (true, false) => StepOutcome::NotRun,
            };
        }
        let mut redactor = Redactor::new(
            &self.ground.known_names,
            std::slice::from_ref(&self.ground.host),
            &self.ground.known_numbers,
        );
        let mut steps = std::mem::take(&mut self.steps);
        let lost_messages = fill(&mut steps, &self.record, &mut redactor);
        let view = super::locked(&self.probe.0.view).clone();
        Report {
            format: 1,
            gateway: env!("CARGO_PKG_VERSION").to_owned(),
            cme_version: self.ground.release.clone(),
            started_at: view.started_at,
            state: if halt.is_none() { ProbeState::Done } else { ProbeState::Stopped },
            line: BTreeMap::from([
                ("number_length".to_owned(), json!(self.ground.number.len())),
                ("has_phone".to_owned(), json!(self.ground.mac.is_some())),
                ("is_mobile".to_owned(), json!(self.ground.is_mobile)),
                ("shared_with".to_owned(), json!(self.ground.shared_with)),
                ("cti_notify".to_owned(), json!(self.ground.notify)),
            ]),
            steps,
            learned: view.learned,
            proposals: view.proposals,
            is_stored: false,
            lost_messages,
        }
    }
}
