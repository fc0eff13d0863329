//! The link to one PBX: an actor that owns its SIP sessions, its lines and its calls.
//!
//! The protocol cores do the thinking; the actor gives them bytes, time and a socket, and turns what they say into
//! changes of lines and calls. Everybody else talks to it by messages.

mod abilities;
mod assistant;
mod away;
mod backoff;
mod commands;
mod confirm;
mod control;
mod discovery;
mod doctor;
mod events;
mod faults;
mod features;
mod import;
mod inventory;
mod learned;
mod line_edit;
mod lines;
mod looks;
mod net;
mod numbers;
mod operations;
mod outbox;
mod pacing;
mod plan;
mod probing;
mod registrar;
mod report;
mod seat;
mod services;
mod sessions;
mod shutdown;
mod sight;
mod snapshots;
mod spans;
mod status;
mod sweep;
mod task;
mod timers;
mod translate;
mod trials;
mod turn;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::doctor::Diagnosis;
use super::error::{Code, ServiceError};
use super::gateway::{CallAction, Caller, DialRequest, Done, Imported, LineDiff, NewLine, Outcome, Setting, Written};
use super::journal::{Actor, Journal};
use super::numbers::NumberPlans;
use super::probe::Record;
use super::trace::Trace;
use crate::domain::line_list::ListedLine;
use crate::domain::{CallId, LineId};
use crate::io::sip_tcp::Listeners;
use crate::store::{PbxRow, Store};
pub(super) use assistant::AssistantCommand;
pub(super) use learned::key_of as learned_key;
pub(super) use line_edit::{changed_meanwhile, storage};
pub(super) use lines::first_line;
pub(super) use probing::{Form, Ground, Opened, ProbeAsk, ProbeNews};
pub(super) use sight::lost_by_gateway;
pub(super) use status::pbx_json;
use task::LinkTask;

/// Messages that may wait for a link.
const MAILBOX: usize = 1024;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Outcome<T>>;

/// What a link may be asked.
#[derive(Debug)]
pub(super) enum LinkCommand {
    /// Dial from a line.
    Dial { line: LineId, caller: Caller, request: DialRequest, reply: Reply<Done> },
    /// Act on a call.
    Act { call: CallId, caller: Caller, action: CallAction, reply: Reply<Done> },
    /// Replace the data of a call.
    Attach { call: CallId, caller: Caller, patch: Value, reply: Reply<Written> },
    /// Read or set the unconditional forwarding of an address.
    Forwarding {
        line: LineId,
        address: u8,
        caller: Caller,
        set: Option<Option<String>>,
        reply: Reply<Setting<Option<String>>>,
    },
    /// Read or set do not disturb of a line's phone.
    DoNotDisturb { line: LineId, caller: Caller, set: Option<bool>, reply: Reply<Setting<bool>> },
    /// Retry a line's monitor and mend its calls.
    Refresh { line: LineId, reply: Reply<Written> },
    /// Read the lines from the PBX.
    LoadLines { dry_run: bool, reply: Reply<LineDiff> },
    /// Take over a list of lines.
    ImportLines { lines: Vec<(usize, ListedLine)>, dry_run: bool, caller: Caller, reply: Reply<Imported> },
    /// The CSTA assistant.
    Assistant(AssistantCommand),
    /// Try one line, or all that are not monitored, and say what is wrong.
    Diagnose { line: Option<LineId>, is_reached: bool, reply: Reply<Diagnosis> },
    /// Add a line by hand.
    CreateLine { line: NewLine, caller: Caller, reply: Reply<Written> },
    /// Change a line.
    UpdateLine { line: LineId, caller: Caller, patch: Value, if_match: Option<String>, reply: Reply<Written> },
    /// Delete a line.
    DeleteLine { line: LineId, caller: Caller, reply: Reply<()> },
    /// The settings were replaced in the store.
    Configure { row: Box<PbxRow>, changed: Vec<&'static str>, actor: Actor, reply: Reply<Written> },
    /// Give a line to a field test, until it is over.
    BeginProbe {
        line: LineId,
        record: Record,
        news: mpsc::Sender<ProbeNews>,
        over: CancellationToken,
        reply: Reply<Ground>,
    },
    /// The field test asks for something.
    Probe(ProbeAsk),
    /// Take settings of the dialect as learned.
    Learn { found: BTreeMap<String, Value>, actor: Actor, reply: Reply<Written> },
    /// The site for the simulated router.
    SiteCopy { reply: Reply<Value> },
    /// Forget what was learned about the dialect, and try everything anew.
    ForgetLearned { actor: Actor, reply: Reply<Written> },
    /// The PBX is deleted: end its calls, tell its lines gone.
    Remove { actor: Actor, reply: Reply<()> },
    /// The number rules were replaced in the store.
    Renumber { reply: Reply<()> },
    /// The process ends: stop monitors, close sessions, leave the calls as they are.
    Stop { reply: oneshot::Sender<()> },
}

/// A handle to a link.
#[derive(Debug, Clone)]
pub(super) struct Link {
    mailbox: mpsc::Sender<LinkCommand>,
}

/// What every link is given.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    pub(super) store: Store,
    pub(super) journal: Journal,
    pub(super) listeners: Listeners,
    pub(super) versions: Versions,
    pub(super) numbers: NumberPlans,
    pub(super) trace: Trace,
}

/// The versions of configuration objects, for entity tags.
#[derive(Debug, Clone, Default)]
pub(super) struct Versions(Arc<Mutex<HashMap<String, i64>>>);

impl Versions {
    pub(super) fn set(&self, id: &str, version: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), version);
    }

    pub(super) fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    pub(super) fn etag(&self, id: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).map(|version| etag(*version))
    }
}

/// The entity tag of a version.
pub(super) fn etag(version: i64) -> String {
    format!("\"v{version}\"")
}

impl Link {
    /// Starts a link and keeps it running: when its task panics, a new one begins where the store and the PBX are.
    pub(super) fn start(row: PbxRow, surroundings: Surroundings) -> Self {
        let (mailbox, received) = mpsc::channel(MAILBOX);
        let received = Arc::new(tokio::sync::Mutex::new(received));
        tokio::spawn(supervise(row, surroundings, received));
        Self { mailbox }
    }

    /// Asks the link and waits for its answer.
    ///
    /// # Errors
    /// What the link refuses, or that it is ending.
    pub(super) async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> LinkCommand) -> Outcome<T> {
        let (reply, answer) = oneshot::channel();
        let ending = || {
            ServiceError::new(Code::ShuttingDown, "The link to this PBX is ending.")
                .with_hint("Ask again in a moment.")
                .retryable(Some(1))
        };
        self.mailbox.send(command(reply)).await.map_err(|_| ending())?;
        answer.await.map_err(|_| ending())?
    }

    /// Tells the link something; `false` when it is gone.
    pub(super) async fn tell(&self, command: LinkCommand) -> bool {
        self.mailbox.send(command).await.is_ok()
    }

    /// Stops the link; waits until its sessions are closed.
    pub(super) async fn stop(&self) {
        let (reply, done) = oneshot::channel();
        if self.mailbox.send(LinkCommand::Stop { reply }).await.is_ok() {
            // A closed channel means that it has ended already.
            let _ = done.await;
        }
    }
}

async fn supervise(
    row: PbxRow,
    surroundings: Surroundings,
    mailbox: Arc<tokio::sync::Mutex<mpsc::Receiver<LinkCommand>>>,
) {
    let mut row = row;
    loop {
        let name = row.settings.name.clone();
        let id = row.id.clone();
        let task = LinkTask::begin(row.clone(), surroundings.clone()).await;
        let task = match task {
            Ok(task) => task,
            Err(error) => {
                tracing::error!(link.name = %name, %error, "a link cannot begin; trying again");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                continue;
            }
        };
        let received = Arc::clone(&mailbox);
        let done = tokio::spawn(async move { task.run(&mut *received.lock().await).await });
        match done.await {
            Ok(()) => return,
            Err(error) => {
                metrics::counter!("linegate_link_panics_total").increment(1);
                tracing::error!(link.name = %name, %error, "a link failed and is started anew");
                let fresh = surroundings.store.pbxs().await.ok().into_iter().flatten().find(|known| known.id == id);
                match fresh {
                    Some(fresh) => row = fresh,
                    None => return,
                }
            }
        }
    }
}

/// JSON bytes of a value that always can be written.
fn json_bytes(value: &Value) -> Bytes {
    serde_json::to_vec(value).unwrap_or_else(|_| b"{}".to_vec()).into()
}
