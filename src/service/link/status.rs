//! The state of a link in words: what `GET /pbxs/{pbx}/status` shows.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::registrar::State;
use super::task::LinkTask;
use super::timers::Timer;
use crate::domain::{LineCounts, LineStatus, MonitorState, PbxState, PbxStatus};
use crate::service::journal::Actor;
use crate::service::pbx::RegisterMode;
use crate::store::PbxRow;

/// Counts change with every line that comes up: they are told at most this often.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// The PBX object of the API: settings, never a password, and its status.
pub(in crate::service) fn pbx_json(row: &PbxRow, status: &PbxStatus) -> Bytes {
    let mut object = Map::new();
    object.insert("id".to_owned(), json!(row.id));
    if let Ok(Value::Object(settings)) = serde_json::to_value(&row.settings) {
        object.extend(settings);
    }
    if let Some(Value::Object(axl)) = object.get_mut("axl") {
        axl.insert("has_password".to_owned(), json!(row.axl_password.is_some()));
    }
    if let Some(Value::Object(sip)) = object.get_mut("sip") {
        sip.insert("has_password".to_owned(), json!(row.sip_password.is_some()));
    }
    object.insert("status".to_owned(), json!(status));
    super::json_bytes(&Value::Object(object))
}

impl LinkTask {
    /// Something that the status shows may have changed.
    pub(super) fn status_changed(&mut self) {
        if !std::mem::replace(&mut self.report.is_due, true) || self.timers.at(Timer::Status).is_none() {
            // The first word is told at once, what follows soon.
            let at = self.now() + Duration::from_millis(10);
            self.timers.set(Timer::Status, Some(at));
        }
    }

    /// Publishes the status when it differs from what was told.
    pub(super) fn tell_status(&mut self) {
        self.report.is_due = false;
        let status = self.status();
        self.judge_reach(&status);
        self.learned_changed();
        if status == self.report.status {
            return;
        }
        let is_news = status.state != self.report.status.state || status.reason != self.report.status.reason;
        if is_news {
            tracing::info!(link.name = %self.row.settings.name, state = ?status.state, "{}", status.reason);
        }
        self.report.status = status;
        self.report.json = pbx_json(&self.row, &self.report.status);
        let id = self.row.id.clone();
        self.outbox.pbx("pbx.updated", &id, self.report.json.clone(), vec!["status"], Actor::Gateway);
        // Not again before a while.
        self.report.is_due = true;
        self.timers.set(Timer::Status, Some(self.now() + TELL_EVERY));
    }

    fn counts(&self) -> LineCounts {
        let mut counts = LineCounts::default();
        for entry in self.lines.values().filter(|entry| entry.row.body.enabled) {
            counts.total += 1;
            if entry.shown.status == LineStatus::InService {
                counts.in_service += 1;
            }
            match entry.seats.first().and_then(|id| self.seats.get(id)).map(|seat| seat.monitor.state) {
                Some(MonitorState::Active) => counts.monitored += 1,
                Some(MonitorState::Failed) => counts.failed += 1,
                _ => {}
            }
        }
        counts
    }

    fn status(&self) -> PbxStatus {
        let lines = self.counts();
        let mut status = PbxStatus {
            lines,
            capabilities: self.capabilities(),
            learned: self.learned(),
            cme_version: self.report.version.clone(),
            ..self.report.status.clone()
        };
        let is_enabled = self.row.settings.enabled;
        status.axl.state = self.discovery.word(is_enabled).to_owned();
        status.axl.last_load_at = self.discovery.last_load_at;
        status.axl.reason = self.discovery.trouble.as_ref().map(|trouble| trouble.to_string());
        status.axl.progress = self.discovery.progress.clone();
        status.axl.notices = self.notices();
        status.sip.state = self.sip_word().to_owned();
        status.sip.registered_until = self.registrar.until.filter(|_| self.registrar.state == State::Registered);
        let (state, reason) = self.verdict(&lines);
        if state != status.state {
            status.since = self.at().wall;
        }
        if self.is_out_of_reach(state) {
            status.lines.monitored = 0;
        }
        status.state = state;
        status.reason = reason;
        status
    }

    fn sip_word(&self) -> &'static str {
        if !self.row.settings.enabled {
            return "off";
        }
        match (self.net.is_connected(), self.registrar.state) {
            (true, State::Registered) => "registered",
            (true, State::Asking) => "registering",
            (_, State::Refused) => "refused",
            (true, _) => "connected",
            (false, _) if self.net.trouble.is_some() || self.listen_trouble.is_some() => "unreachable",
            (false, _) => "connecting",
        }
    }

    /// State and reason: one sentence, the most useful one.
    fn verdict(&self, lines: &LineCounts) -> (PbxState, String) {
        if !self.row.settings.enabled {
            return (PbxState::Disabled, "It is switched off.".to_owned());
        }
        if let Some(trouble) = &self.listen_trouble {
            return (PbxState::Down, trouble.clone());
        }
        if let Some(sentence) = &self.report.unsupported {
            return (PbxState::Down, format!("{sentence}."));
        }
        let sip_trouble = self.sip_trouble();
        let axl_trouble = self.discovery.trouble.as_ref().map(ToString::to_string);
        let works = lines.monitored > 0 && self.net.is_connected();
        match (sip_trouble, axl_trouble) {
            (Some(trouble), _) if works => (PbxState::Degraded, trouble),
            (Some(trouble), _) => (PbxState::Down, trouble),
            (None, Some(trouble)) if works => (PbxState::Degraded, trouble),
            (None, Some(trouble)) => (PbxState::Down, trouble),
            (None, None) if lines.total > 0 && lines.failed == lines.total => {
                (PbxState::Down, self.no_line(lines.total))
            }
            (None, None) if self.is_sip_up() && self.discovery.is_up() => (PbxState::Up, String::new()),
            (None, None) => (PbxState::Connecting, self.waiting_for()),
        }
    }

    /// One alarm where every line has the same trouble (dossier 15c, `cti shutdown`).
    fn no_line(&self, total: u32) -> String {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for seat in self.lines.values().filter_map(|entry| self.seats.get(entry.seats.first()?)) {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            *counts.entry(format!("{} {}", part(&seat.monitor.reason), part(&seat.monitor.hint))).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(text, _)| text).unwrap_or_default();
        format!("None of the {total} lines can be monitored. Most of them say: {}", most.trim())
    }

    fn is_sip_up(&self) -> bool {
        self.net.is_connected()
            && match self.dialect.register.mode {
                RegisterMode::Always => self.registrar.state == State::Registered,
                RegisterMode::Auto | RegisterMode::Never => true,
            }
    }

    fn sip_trouble(&self) -> Option<String> {
        if let Some(trouble) = self.net.trouble.as_ref().filter(|_| !self.net.is_connected()) {
            return Some(trouble.clone());
        }
        if self.registrar.foreign {
            return Some(format!(
                "Another program uses the session server id “{}” at this router. Stop it, or give this PBX another \
                 sip.session_server_id.",
                self.row.settings.sip.session_server_id
            ));
        }
        if self.dialect.register.mode == RegisterMode::Always {
            return self.registrar.trouble.clone();
        }
        None
    }

    fn waiting_for(&self) -> String {
        let sip = match (self.net.is_connected(), self.registrar.state) {
            (false, _) => Some("connecting to the router"),
            (true, State::Asking | State::Idle) if self.dialect.register.mode == RegisterMode::Always => {
                Some("registering")
            }
            _ => None,
        };
        let axl = self.discovery.progress.clone();
        match (sip, axl) {
            (Some(sip), Some(axl)) => format!("It is {sip}, and {axl}."),
            (Some(sip), None) => format!("It is {sip}."),
            (None, Some(axl)) => format!("It is {axl}."),
            (None, None) => "It is starting.".to_owned(),
        }
    }
}
