//! The XML API: whole loads of the lines, and light polls of registrations (dossier `axl-cme` 6 and 7).
//!
//! One request is out at a time. A load that fails changes nothing.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::Reply;
use super::assistant::{AssistantNews, Job};
use super::net::sentence;
use super::task::{LinkTask, News};
use super::timers::Timer;
use crate::axl::load::{self, FaultKind, Load, LoadError, LoadHints, Purpose, REQUEST_GAP, TransportFault};
use crate::axl::record::{Device, UserProfile};
use crate::axl::status::{self, Poll, PollPlan};
use crate::axl::{self, Inventory};
use crate::domain::Timestamp;
use crate::io::axl_http::{AxlClient, AxlEndpoint, MinVersion, Scheme, Secret, Tls, Verify};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::LineDiff;
use crate::service::pbx::{AxlScheme, TlsVerify};
use crate::service::site_copy::site_copy;

/// Pauses after a failed load: the first, and the longest.
const RETRY: Duration = Duration::from_secs(2);
const RETRY_MOST: Duration = Duration::from_secs(60);
/// Rejected credentials are not tried again soon: a person has to mend them.
const CREDENTIALS_PAUSE: Duration = Duration::from_secs(300);

/// Why the XML API does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) sentence: String,
    pub(super) hint: String,
    pub(super) is_credentials: bool,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "XML API: {}. {}", self.sentence, self.hint)
    }
}

impl Trouble {
    pub(super) fn of(error: &LoadError) -> Self {
        let is_credentials = matches!(error, LoadError::Transport(fault) if fault.kind == FaultKind::Unauthorized);
        Self { sentence: sentence(&error.to_string()), hint: error.hint().to_owned(), is_credentials }
    }

    pub(super) fn to_error(&self) -> ServiceError {
        let code = if self.is_credentials { Code::PbxCredentialsRejected } else { Code::PbxUnreachable };
        ServiceError::new(code, format!("{}.", self.sentence)).with_hint(self.hint.clone())
    }
}

/// What a load or poll says.
#[derive(Debug)]
pub(super) enum DiscoveryNews {
    Progress(String),
    Loaded { inventory: Box<Inventory>, hints: LoadHints, fingerprint: Option<String> },
    LoadFailed(LoadError),
    Polled { devices: Vec<Device>, profiles: Vec<UserProfile>, is_load_due: bool },
    PollFailed(LoadError),
    Assistant(AssistantNews),
}

/// The state of the XML API.
#[derive(Default)]
pub(super) struct Discovery {
    generation: u64,
    running: Option<AbortHandle>,
    pub(super) inventory: Option<Inventory>,
    pub(super) hints: LoadHints,
    fingerprint: Option<String>,
    pub(super) last_load_at: Option<Timestamp>,
    pub(super) trouble: Option<Trouble>,
    pub(super) progress: Option<String>,
    failures: u32,
    /// When the requests began that are out, or were out last.
    pub(super) began_at: Option<Instant>,
    /// When the last whole load began, and when failures of loads were last forgotten.
    pub(super) loaded_at: Option<Instant>,
    pub(super) forgot_at: Option<Instant>,
    /// A look at all phones took longer than the interval.
    pub(super) is_slow: bool,
    /// Who waits for a load, and whether only to look.
    waiting: Vec<(bool, Reply<LineDiff>)>,
    pub(super) is_load_due: bool,
    /// What the assistant has to do: its requests wait for those that are out.
    pub(super) jobs: VecDeque<Job>,
    is_restored: bool,
}

impl Discovery {
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether requests of the XML API are out.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Begins to ask; gives the number that news of it carry.
    pub(super) fn begin(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// This task asks.
    pub(super) fn runs(&mut self, task: AbortHandle) {
        self.running = Some(task);
    }

    /// The next look is a whole load.
    pub(super) fn wants_load(&mut self) {
        self.is_load_due = true;
    }

    /// Nothing is out any more.
    pub(super) fn ended(&mut self) {
        self.running = None;
    }

    pub(super) fn is_up(&self) -> bool {
        self.trouble.is_none() && (self.inventory.is_some() || self.generation == 0)
    }

    pub(super) fn word(&self, is_enabled: bool) -> &'static str {
        match (&self.trouble, &self.inventory) {
            _ if !is_enabled || self.generation == 0 => "off",
            (Some(trouble), _) if trouble.is_credentials => "refused",
            (Some(_), _) => "down",
            (None, Some(_)) => "up",
            (None, None) => "loading",
        }
    }

    /// Ends what runs; what was learned stays.
    pub(super) fn cancel(&mut self) {
        if let Some(task) = self.running.take() {
            task.abort();
        }
        self.generation += 1;
        self.progress = None;
        // Who waits for them is told that the link is ending.
        self.jobs.clear();
    }
}

impl LinkTask {
    fn hints_key(&self) -> String {
        format!("axl.hints/{}", self.row.id)
    }

    fn fingerprint_key(&self) -> String {
        format!("axl.fingerprint/{}", self.row.id)
    }

    /// Whether there is an XML API to ask.
    pub(super) fn has_axl(&self) -> bool {
        self.row.settings.enabled && !self.row.settings.axl.username.is_empty()
    }

    /// Begins to look at the PBX's lines.
    pub(super) fn start_discovery(&mut self) {
        self.discovery.is_load_due = true;
        self.timers.set(Timer::Discovery, Some(self.now()));
    }

    /// The next look is due.
    pub(super) fn discover(&mut self) {
        if self.discovery.running.is_some() || self.shutdown.is_some() {
            return;
        }
        if !self.has_axl() {
            self.answer_waiting(&Err(ServiceError::new(
                Code::Conflict,
                "This PBX has no user of the XML API, or is switched off: there is nothing to load lines from.",
            )
            .with_hint("Set axl.username and axl.password, or enter the lines by hand.")));
            return;
        }
        if self.next_job() {
            // The look follows it.
            return;
        }
        let now = self.now();
        self.begin_look(now);
        let generation = self.discovery.begin();
        let news = self.news_in.clone();
        let observer = self.tap.xml();
        let client = match AxlClient::new(self.axl_endpoint()) {
            Ok(client) => Arc::new(client.observed(observer.clone())),
            Err(fault) => {
                let error = LoadError::Transport(TransportFault::from(fault));
                return self.load_failed(&error);
            }
        };
        let dialect = self.dialect.axl_dialect();
        let hints = self.discovery.hints.clone();
        let store = self.around.store.clone();
        let (hints_key, fingerprint_key) = (self.hints_key(), self.fingerprint_key());
        let is_restored = std::mem::replace(&mut self.discovery.is_restored, true);
        let plan = self.discovery.inventory.as_ref().filter(|_| !self.discovery.is_load_due).map(PollPlan::of);
        let learned = self.discovery.fingerprint.clone();
        let endpoint = self.axl_endpoint();
        if plan.is_none() {
            self.discovery.progress = Some("loading the lines".to_owned());
            self.status_changed();
        }
        let task = tokio::spawn(async move {
            let mut hints = hints;
            let mut client = client;
            if !is_restored {
                // What an earlier run learned; without it everything is learned anew.
                if let Ok(Some(text)) = store.setting(&hints_key).await {
                    hints = serde_json::from_str(&text).unwrap_or_default();
                }
                if learned.is_none()
                    && endpoint.tls.verify == Verify::Tofu
                    && endpoint.tls.fingerprint.is_none()
                    && let Ok(Some(known)) = store.setting(&fingerprint_key).await
                {
                    let mut endpoint = endpoint;
                    endpoint.tls.fingerprint = Some(known);
                    if let Ok(pinned) = AxlClient::new(endpoint) {
                        client = Arc::new(pinned.observed(observer));
                    }
                }
            }
            match plan {
                Some(plan) => poll(&client, dialect, hints, plan, &news, generation).await,
                None => load(&client, dialect, hints, &news, generation).await,
            }
        });
        self.discovery.running = Some(task.abort_handle());
    }

    pub(super) fn axl_endpoint(&self) -> AxlEndpoint {
        let settings = &self.row.settings;
        let password = self.row.axl_password.as_ref().map_or("", |password| password.expose());
        let dialect = self.dialect.axl_dialect();
        let mut endpoint = AxlEndpoint::new(&settings.host, &settings.axl.username, Secret::new(password));
        endpoint.scheme = match settings.axl.scheme {
            AxlScheme::Http => Scheme::Http,
            AxlScheme::Https => Scheme::Https,
        };
        endpoint.port = settings.axl.port;
        endpoint.path.clone_from(&dialect.path);
        endpoint.auth_preemptive = dialect.auth_preemptive;
        endpoint.tls = Tls {
            verify: match settings.axl.tls.verify {
                TlsVerify::System => Verify::System,
                TlsVerify::Pinned => Verify::Pinned,
                TlsVerify::Tofu => Verify::Tofu,
                TlsVerify::Insecure => Verify::Insecure,
            },
            min_version: MinVersion::parse(&settings.axl.tls.min_version).unwrap_or_default(),
            fingerprint: settings.axl.tls.fingerprint.clone().or_else(|| self.discovery.fingerprint.clone()),
        };
        endpoint
    }

    /// Somebody wants the lines read now.
    pub(super) fn load_lines(&mut self, dry_run: bool, reply: Reply<LineDiff>) {
        self.discovery.waiting.push((dry_run, reply));
        if self.discovery.running.is_none() {
            self.discovery.is_load_due = true;
            self.discover();
        } else if !self.discovery.is_load_due {
            // A poll runs: the load follows it at once.
            self.discovery.is_load_due = true;
        }
    }

    /// A copy of the site, as the last load found it.
    pub(super) fn site_copy(&self, reply: Reply<serde_json::Value>) {
        let copy = self.discovery.inventory.as_ref().map(site_copy).ok_or_else(|| {
            ServiceError::new(Code::Conflict, "The phones and numbers of this PBX have not been read yet.")
                .with_hint("Wait until the status says that the XML API is up, or load the lines.")
        });
        let _ = reply.send(copy);
    }

    pub(super) async fn on_discovery(&mut self, news: DiscoveryNews) {
        match news {
            DiscoveryNews::Progress(text) => {
                self.discovery.progress = Some(text);
                self.status_changed();
                return;
            }
            DiscoveryNews::Loaded { inventory, hints, fingerprint } => {
                self.discovery.running = None;
                self.loaded(*inventory, hints, fingerprint).await;
            }
            DiscoveryNews::LoadFailed(error) => {
                self.discovery.running = None;
                self.states_are_not_read();
                self.load_failed(&error);
            }
            DiscoveryNews::Polled { devices, profiles, is_load_due } => {
                self.discovery.running = None;
                self.discovery.trouble = None;
                self.discovery.failures = 0;
                self.discovery.is_load_due |= is_load_due;
                self.judge_look();
                self.polled(devices, profiles).await;
                self.look_again();
            }
            DiscoveryNews::PollFailed(error) => {
                self.discovery.running = None;
                self.states_are_not_read();
                // Lines stay as they are: the XML API alone says nothing about the phones (section 16, "Status").
                self.failed(&error);
            }
            DiscoveryNews::Assistant(news) => self.on_assistant_news(news).await,
        }
        self.next_job();
        self.status_changed();
    }

    pub(super) async fn loaded(&mut self, inventory: Inventory, hints: LoadHints, fingerprint: Option<String>) {
        let wall = self.at().wall;
        for warning in &inventory.warnings {
            tracing::warn!(link.name = %self.row.settings.name, "XML API: {warning}");
        }
        if hints != self.discovery.hints
            && let Ok(text) = serde_json::to_string(&hints)
            && let Err(error) = self.around.store.remember(&self.hints_key(), Some(&text)).await
        {
            tracing::warn!(%error, "what a load learned cannot be stored");
        }
        self.discovery.hints = hints;
        if fingerprint.is_some() && fingerprint != self.discovery.fingerprint {
            if let Err(error) = self.around.store.remember(&self.fingerprint_key(), fingerprint.as_deref()).await {
                tracing::warn!(%error, "the fingerprint of the router cannot be stored");
            }
            self.discovery.fingerprint = fingerprint;
        }
        self.report.release(&inventory);
        self.states_are_read(&inventory.devices);
        let only_looking =
            !self.discovery.waiting.is_empty() && self.discovery.waiting.iter().all(|(dry_run, _)| *dry_run);
        let is_first = self.discovery.inventory.is_none();
        let outcome =
            if only_looking && !is_first { Ok(self.compare(&inventory)) } else { self.apply(inventory).await };
        self.discovery.progress = None;
        match outcome {
            Ok(diff) => {
                self.discovery.trouble = None;
                self.discovery.failures = 0;
                self.discovery.is_load_due = false;
                if !only_looking || is_first {
                    self.discovery.last_load_at = Some(wall);
                    tracing::info!(
                        link.name = %self.row.settings.name, lines = self.lines.len(), added = diff.added.len(),
                        changed = diff.changed.len(), removed = diff.removed.len(), "the lines are loaded"
                    );
                }
                self.answer_waiting(&Ok(diff));
                self.look_again();
            }
            Err(error) => {
                tracing::error!(link.name = %self.row.settings.name, %error, "loaded lines cannot be stored");
                self.answer_waiting(&Err(ServiceError::new(Code::StorageFailed, "The lines cannot be stored.")
                    .with_hint("Look at the log of the gateway: the disk may be full.")));
                self.timers.set(Timer::Discovery, Some(self.now() + RETRY_MOST));
            }
        }
    }

    fn load_failed(&mut self, error: &LoadError) {
        self.discovery.progress = None;
        self.failed(error);
        let refusal = Trouble::of(error).to_error();
        self.answer_waiting(&Err(refusal));
        self.status_changed();
    }

    pub(super) fn failed(&mut self, error: &LoadError) {
        let trouble = Trouble::of(error);
        if self.discovery.trouble.as_ref() != Some(&trouble) {
            tracing::warn!(link.name = %self.row.settings.name, "{trouble}");
        }
        self.discovery.failures = self.discovery.failures.saturating_add(1);
        let pause = if trouble.is_credentials {
            CREDENTIALS_PAUSE
        } else {
            (RETRY * 2_u32.saturating_pow(self.discovery.failures.min(6) - 1)).min(RETRY_MOST)
        };
        self.discovery.trouble = Some(trouble);
        self.timers.set(Timer::Discovery, Some(self.now() + pause));
    }

    fn answer_waiting(&mut self, outcome: &Result<LineDiff, ServiceError>) {
        for (_, reply) in std::mem::take(&mut self.discovery.waiting) {
            let outcome = outcome.clone();
            // After the turn's changes are written: who asked sees the lines.
            self.outbox.after(move |_| {
                let _ = reply.send(outcome);
            });
        }
    }
}

pub(super) async fn exchange(client: &AxlClient, body: bytes::Bytes) -> load::Input {
    // The router's web server is slow and shared (dossier 2.6).
    tokio::time::sleep(REQUEST_GAP).await;
    match client.post(body).await {
        Ok(reply) => load::Input::Reply { status: reply.status, body: reply.body },
        Err(fault) => load::Input::TransportFailed(TransportFault::from(fault)),
    }
}

async fn load(client: &AxlClient, dialect: axl::Dialect, hints: LoadHints, news: &mpsc::Sender<News>, generation: u64) {
    let tell = |item: DiscoveryNews| news.send(News::Discovery { generation, news: item });
    let mut load = Load::new(dialect, hints, Purpose::Lines);
    while let Some(output) = load.poll() {
        match output {
            load::Output::Post { body, .. } => load.handle(exchange(client, body).await),
            load::Output::Progress { about, done, total } => {
                let of = total.map_or_else(String::new, |total| format!(" of {total}"));
                // A full mailbox only means that nobody needs every step.
                let _ = tell(DiscoveryNews::Progress(format!("reading {about} ({done}{of})"))).await;
            }
            load::Output::Done(inventory) => {
                let hints = load.hints().clone();
                let fingerprint = client.learned_fingerprint();
                let _ = tell(DiscoveryNews::Loaded { inventory, hints, fingerprint }).await;
                return;
            }
            load::Output::Failed(error) => {
                let _ = tell(DiscoveryNews::LoadFailed(error)).await;
                return;
            }
        }
    }
}

async fn poll(
    client: &AxlClient,
    dialect: axl::Dialect,
    hints: LoadHints,
    plan: PollPlan,
    news: &mpsc::Sender<News>,
    generation: u64,
) {
    let tell = |item: DiscoveryNews| news.send(News::Discovery { generation, news: item });
    let mut poll = Poll::new(dialect, hints, plan);
    let (mut devices, mut profiles) = (Vec::new(), Vec::new());
    while let Some(output) = poll.poll() {
        match output {
            status::Output::Post { body, .. } => poll.handle(exchange(client, body).await),
            status::Output::Device(device) => devices.push(*device),
            status::Output::UserProfile(profile) => profiles.push(*profile),
            status::Output::Done { gone } => {
                let _ = tell(DiscoveryNews::Polled { devices, profiles, is_load_due: !gone.is_empty() }).await;
                return;
            }
            status::Output::Failed(error) => {
                let _ = tell(DiscoveryNews::PollFailed(error)).await;
                return;
            }
        }
    }
}
