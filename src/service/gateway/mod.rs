//! The door of the service layer: what the API and the command line may ask.
//!
//! Reads come from the journal's view; changes go to the owner of the state (one actor per PBX) by message.

mod assistant;
mod doctor;
mod numbers;
mod pbxs;
mod probes;
mod replay;
mod support;
mod trace;
mod types;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::Value;

use super::error::{Code, ServiceError};
use super::journal::{Actor, Change, Journal, Known, Object, Retention, View};
use super::link::{Link, LinkCommand, Surroundings, Versions, first_line, lost_by_gateway, pbx_json};
use super::numbers::{NumberPlans, plan, undialable};
use super::probe::Probe;
use super::trace::Trace;
use crate::domain::line_list::ListedLine;
use crate::domain::{Call, CallId, DialString, LineId, PbxId, PbxState, PbxStatus, Timestamp};
use crate::io::sip_tcp::Listeners;
use crate::store::{Store, StoreError};
pub use numbers::{RuleTest, RulesChange, RulesVersion};
pub use replay::{Replay, ReplayedForm, ReplayedNumber};
pub use types::{
    CallAction, Caller, DialPlan, DialRequest, Done, Imported, LineChange, LineDiff, NewLine, Outcome, Setting, Written,
};

/// The gateway. Cloning gives another handle to it.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    journal: Journal,
    links: Mutex<HashMap<PbxId, Link>>,
    /// The field test of each PBX, the one that runs or the last one.
    probes: Mutex<HashMap<PbxId, Probe>>,
    /// One change of the list of PBXs at a time.
    changing: tokio::sync::Mutex<()>,
    listeners: Listeners,
    versions: Versions,
    numbers: NumberPlans,
    trace: Trace,
    /// Rules that somebody tries are compiled one request at a time.
    trying: Arc<tokio::sync::Semaphore>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

impl Gateway {
    /// Begins a run over what is stored: every PBX gets its link.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn open(store: Store, retention: Retention) -> Result<Self, StoreError> {
        Self::open_with(store, retention, Trace::default()).await
    }

    /// The same with a trace of one's own.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn open_with(store: Store, retention: Retention, trace: Trace) -> Result<Self, StoreError> {
        let at = super::journal::wall_clock();
        let rows = store.pbxs().await?;
        let mut view = View::default();
        let mut pbxs = BTreeMap::new();
        let mut lines = BTreeMap::new();
        for row in &rows {
            let state = if row.settings.enabled { PbxState::Connecting } else { PbxState::Disabled };
            pbxs.insert(row.id.clone(), pbx_json(row, &PbxStatus::initial(state, at)));
            let numbers = plan(&row.settings, Arc::default());
            for line in store.lines(&row.id).await? {
                lines.insert(line.id.clone(), Known::line(first_line(&line, at, &numbers)));
            }
        }
        let mut calls = BTreeMap::new();
        let mut lost = Vec::new();
        for call in store.live_calls().await? {
            // A PBX that was deleted just before the process died has no link that would end its calls.
            if !rows.iter().any(|row| row.id == call.pbx_id) {
                lost.push(lost_call(&call, at));
            }
            calls.insert(call.id.clone(), Known::call(call));
        }
        view.pbxs = Arc::new(pbxs);
        view.lines = Arc::new(lines);
        view.calls = Arc::new(calls);
        let journal = Journal::open(&store, retention, &boot_id(), view).await?;
        // Before any link speaks: since when nobody looked.
        let away = journal.last_alive().unwrap_or(at);
        let sights = rows.iter().map(|row| lost_by_gateway(row.id.as_str(), away)).collect();
        // The queue keeps the order; whoever waits for a later change has this too.
        drop(journal.publish_with(lost, sights));
        let gateway = Self {
            inner: Arc::new(Inner {
                store,
                journal,
                links: Mutex::default(),
                probes: Mutex::default(),
                trying: Arc::new(tokio::sync::Semaphore::new(1)),
                changing: tokio::sync::Mutex::default(),
                listeners: Listeners::default(),
                versions: Versions::default(),
                numbers: NumberPlans::default(),
                trace,
            }),
        };
        for row in rows {
            gateway.load_numbers(&row).await?;
            gateway.start_link(row);
        }
        Ok(gateway)
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            store: self.inner.store.clone(),
            journal: self.inner.journal.clone(),
            listeners: self.inner.listeners.clone(),
            versions: self.inner.versions.clone(),
            numbers: self.inner.numbers.clone(),
            trace: self.inner.trace.clone(),
        }
    }

    fn links(&self) -> MutexGuard<'_, HashMap<PbxId, Link>> {
        self.inner.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn probes(&self) -> MutexGuard<'_, HashMap<PbxId, Probe>> {
        self.inner.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_link(&self, row: crate::store::PbxRow) {
        let id = row.id.clone();
        self.inner.versions.set(id.as_str(), row.version);
        let link = Link::start(row, self.surroundings());
        self.links().insert(id, link);
    }

    fn link(&self, id: &PbxId) -> Outcome<Link> {
        self.links().get(id).cloned().ok_or_else(|| ServiceError::not_found("PBX"))
    }

    fn link_of_line(&self, id: &LineId) -> Outcome<Link> {
        let view = self.inner.journal.view();
        let line = view.lines.get(id).ok_or_else(|| ServiceError::not_found("line"))?;
        self.link(&line.value.pbx_id).map_err(|_| ServiceError::not_found("line"))
    }

    fn link_of_call(&self, id: &CallId) -> Outcome<Link> {
        let view = self.inner.journal.view();
        let call = view.calls.get(id).ok_or_else(|| ServiceError::not_found("call"))?;
        self.link(&call.value.pbx_id).map_err(|_| ServiceError::not_found("call"))
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Entity tag of a PBX's settings.
    pub fn pbx_etag(&self, id: &PbxId) -> Option<String> {
        self.inner.versions.etag(id.as_str())
    }

    /// Entity tag of a line's configuration.
    pub fn line_etag(&self, id: &LineId) -> Option<String> {
        self.inner.versions.etag(id.as_str())
    }

    /// Why the gateway is not ready: one sentence for each PBX whose link is not up.
    pub fn readiness(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Probe {
            name: String,
            enabled: bool,
            status: PbxStatus,
        }
        let view = self.inner.journal.view();
        view.pbxs
            .values()
            .filter_map(|json| serde_json::from_slice::<Probe>(json).ok())
            .filter(|pbx| pbx.enabled && !matches!(pbx.status.state, PbxState::Up | PbxState::Degraded))
            .map(|pbx| format!("PBX {}: {}", pbx.name, pbx.status.reason))
            .collect()
    }

    /// Dials from a line.
    ///
    /// # Errors
    /// A number that cannot be dialled, a line that cannot be controlled now, or what the PBX refuses.
    pub async fn dial(&self, caller: &Caller, line: &LineId, request: DialRequest) -> Outcome<Done> {
        parse_dial(request.to.as_deref())?;
        let (caller, id) = (caller.clone(), line.clone());
        self.link_of_line(line)?.ask(|reply| LinkCommand::Dial { line: id, caller, request, reply }).await
    }

    /// What a dial string would become; nothing is dialled.
    ///
    /// # Errors
    /// A number that cannot be dialled.
    pub fn plan_dial(&self, _caller: &Caller, line: &LineId, request: &DialRequest) -> Outcome<DialPlan> {
        let view = self.inner.journal.view();
        let line = view.lines.get(line).ok_or_else(|| ServiceError::not_found("line"))?;
        self.dial_plan(&line.value.pbx_id, request.to.as_deref())
    }

    /// Acts on a call.
    ///
    /// # Errors
    /// An action that is not allowed now, or what the PBX refuses.
    pub async fn act(&self, caller: &Caller, call: &CallId, action: CallAction) -> Outcome<Done> {
        let (caller, id) = (caller.clone(), call.clone());
        self.link_of_call(call)?.ask(|reply| LinkCommand::Act { call: id, caller, action, reply }).await
    }

    /// Replaces the data of a call.
    ///
    /// # Errors
    /// When the call is over.
    pub async fn patch_call(&self, caller: &Caller, call: &CallId, patch: Value) -> Outcome<Written> {
        let (caller, id) = (caller.clone(), call.clone());
        self.link_of_call(call)?.ask(|reply| LinkCommand::Attach { call: id, caller, patch, reply }).await
    }

    /// Where all calls of an address go, by the PBX's own word; `set` changes it first.
    ///
    /// # Errors
    /// A line that cannot be controlled now, a number that cannot be dialled, or what the PBX refuses.
    pub async fn forwarding(
        &self,
        caller: &Caller,
        line: &LineId,
        address: u8,
        set: Option<Option<String>>,
    ) -> Outcome<Setting<Option<String>>> {
        let (caller, id) = (caller.clone(), line.clone());
        self.link_of_line(line)?.ask(|reply| LinkCommand::Forwarding { line: id, address, caller, set, reply }).await
    }

    /// Do not disturb of a line's phone, by the PBX's own word; `set` changes it first.
    ///
    /// # Errors
    /// As [`Gateway::forwarding`].
    pub async fn do_not_disturb(&self, caller: &Caller, line: &LineId, set: Option<bool>) -> Outcome<Setting<bool>> {
        let (caller, id) = (caller.clone(), line.clone());
        self.link_of_line(line)?.ask(|reply| LinkCommand::DoNotDisturb { line: id, caller, set, reply }).await
    }

    /// Retries a line's monitor and mends its calls.
    ///
    /// # Errors
    /// When there is no such line.
    pub async fn refresh_line(&self, _caller: &Caller, line: &LineId) -> Outcome<Written> {
        let id = line.clone();
        self.link_of_line(line)?.ask(|reply| LinkCommand::Refresh { line: id, reply }).await
    }

    /// Reads the lines from the PBX.
    ///
    /// # Errors
    /// What the XML API refuses; nothing was changed.
    pub async fn load_lines(&self, _caller: &Caller, pbx: &PbxId, dry_run: bool) -> Outcome<LineDiff> {
        self.link(pbx)?.ask(|reply| LinkCommand::LoadLines { dry_run, reply }).await
    }

    /// Takes over a list of lines: all of it or nothing. Lines that it does not name stay.
    ///
    /// # Errors
    /// Every line of the list that cannot be imported.
    pub async fn import_lines(
        &self,
        caller: &Caller,
        pbx: &PbxId,
        lines: Vec<(usize, ListedLine)>,
        dry_run: bool,
    ) -> Outcome<Imported> {
        let caller = caller.clone();
        self.link(pbx)?.ask(|reply| LinkCommand::ImportLines { lines, dry_run, caller, reply }).await
    }

    /// Adds a line by hand.
    ///
    /// # Errors
    /// A wrong value, or a line that exists already.
    pub async fn create_line(&self, caller: &Caller, line: NewLine) -> Outcome<Written> {
        let caller = caller.clone();
        let link = self.link(&line.pbx_id).map_err(|_| {
            ServiceError::new(Code::InvalidValue, "There is no such PBX.")
                .with_hint("List the PBXs and use one of their ids.")
                .with_field("/pbx_id", "There is no such PBX.")
        })?;
        link.ask(|reply| LinkCommand::CreateLine { line, caller, reply }).await
    }

    /// Changes a line by a merge patch.
    ///
    /// # Errors
    /// A wrong or unknown field, or a change meanwhile.
    pub async fn update_line(
        &self,
        caller: &Caller,
        line: &LineId,
        patch: Value,
        if_match: Option<&str>,
    ) -> Outcome<Written> {
        let (caller, id, if_match) = (caller.clone(), line.clone(), if_match.map(str::to_owned));
        self.link_of_line(line)?.ask(|reply| LinkCommand::UpdateLine { line: id, caller, patch, if_match, reply }).await
    }

    /// Deletes a line that a person entered.
    ///
    /// # Errors
    /// When it comes from the PBX.
    pub async fn delete_line(&self, caller: &Caller, line: &LineId) -> Outcome<()> {
        let (caller, id) = (caller.clone(), line.clone());
        self.link_of_line(line)?.ask(|reply| LinkCommand::DeleteLine { line: id, caller, reply }).await
    }

    /// Ends the run: monitors are stopped, sessions closed, the journal marked as complete. The store stays open: a request
    /// that is still answered may have something to write.
    pub async fn stop(&self) {
        let links: Vec<Link> = self.links().drain().map(|(_, link)| link).collect();
        let stops = links.iter().map(Link::stop);
        futures_util::future::join_all(stops).await;
        if let Err(error) = self.inner.journal.close().await {
            tracing::error!(%error, "the clean end could not be marked");
        }
    }
}

/// A dial string, cleaned; `None` asks for dial tone.
///
/// # Errors
/// Names the character that cannot be dialled.
fn parse_dial(to: Option<&str>) -> Outcome<Option<DialString>> {
    let Some(text) = to else { return Ok(None) };
    DialString::parse(text).map(Some).map_err(|error| undialable(&error.into(), "/to"))
}

/// The end of a call whose PBX is not there any more.
fn lost_call(call: &Call, at: Timestamp) -> Change {
    let mut call = call.clone();
    let changed = call.end_as_lost(at);
    Change {
        event: "call.ended",
        time: at,
        pbx_id: Some(call.pbx_id.clone()),
        line_id: Some(call.line_id.clone()),
        call_id: Some(call.id.clone()),
        command_id: None,
        actor: Actor::Gateway,
        changed,
        object: Object::call(call),
    }
}

/// Names this start of the machine: another one means that the last events may be gone.
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(
        // Where the system does not tell, an unclean end counts as a restart of the machine.
        |_| uuid::Uuid::new_v4().to_string(),
        |text| text.trim().to_owned(),
    )
}
