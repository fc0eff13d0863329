//! The CSTA assistant of a link (dossier `axl-cme` 10.2): it looks, applies block by block, reads again, has real monitors
//! prove it, and saves.
//!
//! Its requests go the way of every other request of the XML API: one is out at a time, and nothing is read or polled
//! while a job of the assistant runs.

mod evidence;
mod job;
mod ledger;
mod undo;
mod verify;

use std::collections::HashMap;
use std::sync::Arc;

use super::Reply;
use super::discovery::{DiscoveryNews, Trouble};
use super::task::{LinkTask, News};
use crate::axl::assistant::Site;
use crate::axl::load::{LoadError, LoadHints, TransportFault};
use crate::domain::LineId;
use crate::io::axl_http::{AxlClient, Secret};
use crate::service::assistant::{ApplyRequest, CstaApplied, CstaConfig, CstaEntry, OneTime};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::{Caller, Outcome};
pub(super) use job::Job;
use job::{Hand, Worker};
pub(super) use verify::{Scope, Verifying};

/// What the assistant is asked.
#[derive(Debug)]
pub(in crate::service) enum AssistantCommand {
    /// What is there, and what would mend it.
    Look { reply: Reply<CstaConfig> },
    /// Apply.
    Apply { request: ApplyRequest, caller: Caller, reply: Reply<CstaApplied> },
    /// Take back the last apply.
    Undo { save: bool, credentials: Option<OneTime>, caller: Caller, reply: Reply<CstaApplied> },
    /// What was applied.
    Journal { reply: Reply<Vec<CstaEntry>> },
}

/// What a job tells the link.
#[derive(Debug)]
pub(in crate::service::link) enum AssistantNews {
    /// The router was read again: take it over, and let monitors prove it.
    Hand(Box<Hand>),
    /// The job is over.
    Done { hints: LoadHints, failure: Option<LoadError> },
}

impl LinkTask {
    pub(super) async fn on_assistant_command(&mut self, command: AssistantCommand) {
        let job = match command {
            AssistantCommand::Journal { reply } => {
                let entries = ledger::read(&self.around.store, self.pbx()).await;
                let _ = reply.send(entries.map_err(super::line_edit::storage));
                return;
            }
            AssistantCommand::Look { reply } => Job::Look { reply },
            AssistantCommand::Apply { request, caller, reply } => match self.known_lines_of(&request) {
                Ok(()) => Job::Apply { request, actor: caller.name, reply },
                Err(error) => return drop(reply.send(Err(error))),
            },
            AssistantCommand::Undo { save, credentials, caller, reply } => {
                Job::Undo { save, credentials, actor: caller.name, reply }
            }
        };
        if !self.has_axl() {
            let error = ServiceError::new(
                Code::Conflict,
                "This PBX has no user of the XML API, or is switched off: its configuration cannot be read.",
            );
            return job.refuse(error.with_hint(
                "Set axl.username and axl.password and enable the PBX, or print the lines with `linegate cme-config` and enter \
                 them by hand.",
            ));
        }
        self.discovery.jobs.push_back(job);
        self.next_job();
    }

    /// Each line that is named must be one of this PBX.
    fn known_lines_of(&self, request: &ApplyRequest) -> Outcome<()> {
        for (index, line) in request.lines.iter().flatten().enumerate() {
            if !self.lines.contains_key(line) {
                return Err(ServiceError::new(Code::InvalidValue, "A line that is named is none of this PBX.")
                    .with_hint("Use ids of `GET /api/v1/lines?pbx=…`.")
                    .with_field(format!("/lines/{index}"), "This PBX has no such line."));
            }
        }
        Ok(())
    }

    /// Starts the next job when no request of the XML API is out; says whether one runs now.
    pub(super) fn next_job(&mut self) -> bool {
        if self.discovery.is_running() || self.shutdown.is_some() {
            return false;
        }
        let Some(job) = self.discovery.jobs.pop_front() else { return false };
        let mut endpoint = self.axl_endpoint();
        if let Some(credentials) = job.credentials() {
            endpoint.username.clone_from(&credentials.username);
            endpoint.password = Secret::new(credentials.password.expose());
        }
        let client = match AxlClient::new(endpoint) {
            Ok(client) => Arc::new(client),
            Err(fault) => {
                job.refuse(Trouble::of(&LoadError::Transport(TransportFault::from(fault))).to_error());
                return self.next_job();
            }
        };
        let (generation, news) = (self.discovery.begin(), self.news_in.clone());
        let settings = &self.row.settings;
        let worker = Worker {
            client,
            dialect: self.dialect.axl_dialect(),
            hints: self.discovery.hints.clone(),
            store: self.around.store.clone(),
            pbx: self.row.id.clone(),
            site: Site { register_id: settings.sip.session_server_id.clone(), keepalive_s: settings.sip.expires_s },
            evidence: self.evidence(),
            lines: self.numbers_of_lines(),
            monitored: self.monitored(),
            news,
            generation,
        };
        let task = tokio::spawn(worker.run(job));
        self.discovery.runs(task.abort_handle());
        true
    }

    fn numbers_of_lines(&self) -> HashMap<LineId, Vec<String>> {
        let numbers = |row: &crate::store::LineRow| {
            std::iter::once(&row.number).chain(&row.body.buttons).cloned().collect::<Vec<_>>()
        };
        self.lines.iter().map(|(id, entry)| (id.clone(), numbers(&entry.row))).collect()
    }

    pub(super) async fn on_assistant_news(&mut self, news: AssistantNews) {
        match news {
            AssistantNews::Hand(hand) => {
                let Hand { inventory, hints, fingerprint, scope, before, done } = *hand;
                self.loaded(inventory, hints, fingerprint).await;
                self.verify(scope, before, verify::PATIENCE, done);
            }
            AssistantNews::Done { hints, failure } => {
                self.discovery.ended();
                self.discovery.progress = None;
                self.discovery.hints = hints;
                match failure {
                    Some(error) => self.failed(&error),
                    None => self.look_again(),
                }
            }
        }
        self.status_changed();
    }
}

impl Worker {
    /// Tells the link something; a link that has ended needs nothing.
    async fn tell(&self, news: DiscoveryNews) {
        let _ = self.news.send(News::Discovery { generation: self.generation, news }).await;
    }
}
