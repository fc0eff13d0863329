//! The line doctor: what the router's records say about a line that is not monitored, and the call that mends it.

use std::collections::BTreeMap;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::Reply;
use super::assistant::Scope;
use super::registrar::State;
use super::seat::{Phase, Said};
use super::task::{LinkTask, News};
use crate::axl::dialect::ButtonKind;
use crate::domain::call_table::SeatId;
use crate::domain::{Fix, LineId};
use crate::service::doctor::CheckState::{self, Failed, Ok as Good};
use crate::service::doctor::{Check, Diagnosis, LineReport, is_healthy};
use crate::service::pbx::RegisterMode;

/// Longest wait for lines that are tried for a report: an INVITE that nobody answers takes longer.
const TRIAL: Duration = Duration::from_secs(12);

/// What a report is about.
#[derive(Debug)]
pub(super) struct Awaited {
    line: Option<LineId>,
    is_reached: bool,
    reply: Reply<Diagnosis>,
}

/// What stands between us and the router while a report is made: what was known before may be so no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Touch {
    /// A connection stands, and the router takes another.
    Good,
    /// A connection stands as far as we know, and the router takes no other.
    Doubtful,
    /// There is none.
    Lost,
}

/// What is said of everything that needs a connection.
const LOST: &str = "There is no connection to the router.";
const DOUBTFUL: &str = "It stood when the router last said something; now the router takes no connection.";

impl LinkTask {
    /// Whether a number stands on overlay buttons and on no other line button.
    pub(super) fn is_overlay(&self, number: &str) -> bool {
        let Some(inventory) = &self.discovery.inventory else { return false };
        if inventory.dialect.lines.include_overlay {
            return false;
        }
        let mut kinds = inventory.devices.iter().flat_map(|device| {
            let mine = device.appearances.iter().filter(|one| one.number == number);
            mine.map(|one| {
                let button = device.buttons.iter().find(|button| button.button == one.button);
                button.map_or(ButtonKind::Line, |button| inventory.dialect.button_kind(&button.mode))
            })
        });
        let mut is_any = false;
        let is_only = kinds.all(|kind| {
            is_any |= kind == ButtonKind::Overlay;
            kind != ButtonKind::Line
        });
        is_only && is_any
    }

    /// Whether the router, asked for all its SCCP phones, has none with this MAC.
    pub(super) fn is_foreign_phone(&self, device_id: Option<&str>) -> bool {
        let (Some(inventory), Some(mac)) = (&self.discovery.inventory, device_id) else { return false };
        inventory.unreadable.is_empty() && !inventory.devices.iter().any(|device| device.mac.as_deref() == Some(mac))
    }

    /// The call that would mend a failed monitor, where one exists.
    pub(super) fn fix_for(&self, id: SeatId, code: &str) -> Option<Fix> {
        if !self.has_axl() || self.report.unsupported.is_some() {
            return None;
        }
        let seat = self.seats.get(&id)?;
        let facts = self.service_facts(id);
        let nothing_works = !self.seats.values().any(|seat| seat.phase == Phase::Active);
        match code {
            "no_cti_watch" | "no_cti_notify" => Some(self.apply_fix(&["ephone_dn"], Some(seat.line.as_str()))),
            // The router does not show the flags: setting them again does no harm.
            "not_registered" if facts.notify.is_none() => {
                Some(self.apply_fix(&["ephone_dn"], Some(seat.line.as_str())))
            }
            "session_refused" | "monitor_refused" if facts.watch.is_none() => {
                Some(self.apply_fix(&["ephone_dn"], Some(seat.line.as_str())))
            }
            "session_server_unknown" => Some(self.apply_fix(&["session_server"], None)),
            // One line that is refused is no sign of it; all of them are.
            "no_answer" | "pbx_busy" | "pbx_disabled" | "cti_missing" | "session_refused" if nothing_works => {
                Some(self.apply_fix(&["voice_service_voip", "voice_register_global", "session_server"], None))
            }
            "unknown_number" => Some(self.fix("load-lines", BTreeMap::new())),
            _ => None,
        }
    }

    fn apply_fix(&self, blocks: &[&str], line: Option<&str>) -> Fix {
        let mut body = BTreeMap::from([("blocks".to_owned(), json!(blocks))]);
        if let Some(line) = line {
            body.insert("lines".to_owned(), json!([line]));
        }
        body.insert("save".to_owned(), Value::Bool(true));
        self.fix("csta-config/apply", body)
    }

    fn fix(&self, path: &str, body: BTreeMap<String, Value>) -> Fix {
        Fix { method: "POST".to_owned(), path: format!("/api/v1/pbxs/{}/{path}", self.pbx()), body }
    }
}

impl LinkTask {
    /// Tries the lines anew, then reports.
    pub(super) fn diagnose(&mut self, line: Option<LineId>, is_reached: bool, reply: Reply<Diagnosis>) {
        let (done, tried) = oneshot::channel();
        // Without a connection nothing can be tried.
        let is_connected = self.net.is_connected();
        let scope = match &line {
            _ if !is_connected => Scope::Nothing,
            None => Scope::All,
            Some(line) => Scope::Lines(vec![line.clone()]),
        };
        self.verify(scope, Vec::new(), TRIAL, done);
        let news = self.news_in.clone();
        tokio::spawn(async move {
            // A link that ends answers nobody.
            if tried.await.is_ok() {
                let _ = news.send(News::Tried(Box::new(Awaited { line, is_reached, reply }))).await;
            }
        });
    }

    pub(super) fn on_tried(&mut self, awaited: Awaited) {
        let Awaited { line, is_reached, reply } = awaited;
        let touch = match (self.net.is_connected(), is_reached) {
            (true, true) => Touch::Good,
            (true, false) => Touch::Doubtful,
            (false, _) => Touch::Lost,
        };
        let mut ids: Vec<LineId> = match line {
            Some(line) => vec![line],
            None => self.lines.iter().filter(|(_, entry)| entry.row.body.enabled).map(|(id, _)| id.clone()).collect(),
        };
        let is_named = ids.len() == 1;
        ids.retain(|id| is_named || touch != Touch::Good || !self.is_monitored(id));
        let mut lines: Vec<LineReport> = ids.iter().filter_map(|id| self.line_report(id, touch)).collect();
        lines.sort_by(|one, other| one.number.cmp(&other.number));
        let monitored = self.lines.keys().filter(|id| touch == Touch::Good && self.is_monitored(id)).count();
        // Who asked may have gone.
        let _ = reply.send(Ok(Diagnosis { healthy: false, checks: self.pbx_checks(touch), lines, monitored }));
    }

    fn is_monitored(&self, id: &LineId) -> bool {
        let seats = self.lines.get(id).map(|entry| entry.seats.as_slice()).unwrap_or_default();
        !seats.is_empty()
            && seats.iter().all(|seat| self.seats.get(seat).is_some_and(|seat| seat.phase == Phase::Active))
    }

    fn pbx_checks(&self, touch: Touch) -> Vec<Check> {
        if !self.row.settings.enabled {
            return Vec::new();
        }
        let mut checks = vec![self.release_check(), self.registration_check(touch), self.session_server_check(touch)];
        checks.push(match (&self.listen_trouble, self.net.has_accepted) {
            (Some(trouble), _) => Check::new("inbound", Failed, trouble.clone())
                .hint("Choose another sip.local_port, or end the program that holds it."),
            (None, true) => Check::new("inbound", Good, "The router has opened a connection to us."),
            (None, false) => Check::new(
                "inbound",
                CheckState::Unknown,
                "The router has opened no connection to us yet; it may use ours as long as that stands.",
            )
            .hint("If events stop after the connection was lost, let the firewall pass TCP from the router to sip.local_port."),
        });
        checks
    }

    fn release_check(&self) -> Check {
        match (&self.report.unsupported, &self.report.version) {
            (Some(sentence), _) => Check::new("release", Failed, format!("{sentence}."))
                .hint("CTI needs CME 8.0 to 12.5; on other releases lines can only be shown."),
            (None, Some(version)) => Check::new("release", Good, format!("CME {version} has CTI.")),
            (None, None) => Check::new("release", CheckState::Unknown, "The router did not tell its release."),
        }
    }

    fn registration_check(&self, touch: Touch) -> Check {
        let trouble = self.registrar.trouble.clone().unwrap_or_default();
        let nothing_works = !self.seats.values().any(|seat| seat.phase == Phase::Active);
        match self.registrar.state {
            _ if self.dialect.register.mode == RegisterMode::Never => {
                Check::new("registration", CheckState::Skipped, "Registering is switched off (register.mode).")
            }
            _ if touch == Touch::Lost => Check::new("registration", CheckState::Skipped, LOST),
            State::Registered if touch == Touch::Doubtful => Check::new("registration", CheckState::Unknown, DOUBTFUL),
            State::Registered => Check::new("registration", Good, "The session server is registered at the router."),
            State::Refused => {
                let blocks: &[&str] = if self.registrar.credentials_rejected { &[] } else { &["session_server"] };
                let fix = (!blocks.is_empty() && self.has_axl()).then(|| self.apply_fix(blocks, None));
                Check::new("registration", Failed, trouble).fix(fix)
            }
            State::Silent | State::Asking if nothing_works => {
                let detail =
                    if trouble.is_empty() { "The router has not answered REGISTER yet.".to_owned() } else { trouble };
                let fix = self.has_axl().then(|| self.apply_fix(&["voice_service_voip", "session_server"], None));
                Check::new("registration", Failed, detail).fix(fix)
            }
            State::Idle | State::Silent | State::Asking => {
                let detail = "The registration is not answered; lines are monitored without it.";
                Check::new("registration", CheckState::Warning, detail)
            }
        }
    }

    fn session_server_check(&self, touch: Touch) -> Check {
        let id = &self.row.settings.sip.session_server_id;
        if self.registrar.foreign {
            return Check::new(
                "session_server",
                Failed,
                format!("Another program uses the session server id “{id}” at this router: it gets our events, or we get its."),
            )
            .hint("Stop it, or give this PBX a session server of its own (sip.session_server_id).");
        }
        match self.registrar.state {
            State::Registered if touch == Touch::Good => {
                Check::new("session_server", Good, format!("Nobody else uses “{id}”."))
            }
            _ => Check::new(
                "session_server",
                CheckState::Unknown,
                "Only a registration shows whether somebody else uses the id.",
            ),
        }
    }

    fn line_report(&self, id: &LineId, touch: Touch) -> Option<LineReport> {
        let entry = self.lines.get(id)?;
        let body = &entry.row.body;
        let number = entry.row.number.clone();
        let mut checks = Vec::new();
        if !body.enabled {
            checks.push(
                Check::new("monitor", CheckState::Skipped, "The line is switched off.")
                    .hint("Enable it: PATCH /api/v1/lines/{line} with {\"enabled\": true}."),
            );
        } else {
            checks.push(self.record_check(&number, body.missing_since.is_some(), entry.row.device_id.as_deref()));
            for seat in entry.seats.iter() {
                self.seat_checks(*seat, touch, &mut checks);
            }
        }
        if touch != Touch::Good || self.discovery.trouble.is_some() {
            // What the records say good of a line is of the past.
            let records = |check: &&mut Check| matches!(check.check, "xml_record" | "cti_flags" | "phone");
            for check in checks.iter_mut().filter(records).filter(|check| check.state == Good) {
                check.state = CheckState::Unknown;
                check.detail.push_str(" So it was when the router was last read.");
            }
        }
        let healthy = is_healthy(&checks);
        Some(LineReport { line_id: id.clone(), number, name: body.name.clone(), healthy, checks })
    }

    fn record_check(&self, number: &str, is_missing: bool, device_id: Option<&str>) -> Check {
        let Some(inventory) = &self.discovery.inventory else {
            return Check::new("xml_record", CheckState::Unknown, "The router's records have not been read.");
        };
        let tags: Vec<String> = inventory.extensions_with(number).iter().map(|one| one.id.to_string()).collect();
        if tags.is_empty() || is_missing {
            let detail = format!("The router has no ephone-dn with the number {number}.");
            return Check::new("xml_record", Failed, detail)
                .hint("Check the number; numbers of SIP phones cannot be controlled.");
        }
        if self.is_foreign_phone(device_id) {
            let detail = "The router has no SCCP phone with the device id of this line.";
            return Check::new("xml_record", Failed, detail).hint("Check the MAC; SIP phones cannot be controlled.");
        }
        if self.is_overlay(number) {
            let detail = format!("{number} stands only on overlay buttons, and such numbers cannot be monitored.");
            return Check::new("xml_record", Failed, detail).hint("Give the number a button of its own.");
        }
        Check::new("xml_record", Good, format!("{number} is ephone-dn {} at the router.", tags.join(" and ")))
    }

    fn seat_checks(&self, id: SeatId, touch: Touch, checks: &mut Vec<Check>) {
        let Some(seat) = self.seats.get(&id) else { return };
        let facts = self.service_facts(id);
        let of =
            if seat.address == 0 { String::new() } else { format!("Button {} ({}): ", seat.address + 1, seat.number) };
        let say = |check, state, text: &str| Check::new(check, state, format!("{of}{text}"));
        let code = seat.monitor.code.as_deref().unwrap_or_default();
        let mending = || self.fix_for(id, code);
        checks.push(match (facts.watch, facts.notify) {
            (Some(true), Some(true)) => say("cti_flags", Good, "The ephone-dn has `cti watch` and `cti notify`."),
            (Some(true), Some(false)) if facts.registered != Some(false) => say(
                "cti_flags",
                CheckState::Warning,
                "The ephone-dn has no `cti notify`: without a registered phone it is lost.",
            ),
            (Some(false), _) => say("cti_flags", Failed, "The ephone-dn has no `cti watch`.").fix(mending()),
            (_, Some(false)) => say("cti_flags", Failed, "The ephone-dn has no `cti notify`.").fix(mending()),
            _ => say("cti_flags", CheckState::Unknown, "The router does not show the cti flags of the ephone-dn."),
        });
        checks.push(match facts.registered {
            Some(true) => say("phone", Good, "A registered phone carries the number."),
            Some(false) => say("phone", CheckState::Warning, "No registered phone carries the number now."),
            None => say("phone", CheckState::Unknown, "Whether a phone is registered is not known."),
        });
        match touch {
            Touch::Lost => {
                let session = say("session", Failed, LOST).hint("Look at the checks of the router above.");
                checks.extend([session, say("monitor", CheckState::Skipped, LOST)]);
                return;
            }
            Touch::Doubtful if seat.phase == Phase::Active => {
                let unknown = |check| say(check, CheckState::Unknown, DOUBTFUL);
                checks.extend([unknown("session"), unknown("monitor")]);
                return;
            }
            Touch::Doubtful | Touch::Good => {}
        }
        let reason = seat.monitor.reason.clone().unwrap_or_else(|| "The line waits for its turn.".to_owned());
        let hint = seat.monitor.hint.clone().unwrap_or_default();
        let (session, monitor) = match (seat.phase, &seat.said) {
            (Phase::Active, _) => (
                say("session", Good, "The session stands."),
                say("monitor", Good, "The monitor stands: calls of this number are seen."),
            ),
            (_, Some(Said::Monitor(words))) => (
                say("session", Good, "The session stands."),
                say("monitor", Failed, &reason).hint(hint).said(Some(words.clone())).fix(mending()),
            ),
            (phase, said) => {
                let words = said.as_ref().map(|(Said::Session(words) | Said::Monitor(words))| words.clone());
                let is_open = phase == Phase::Opening;
                let state = if is_open { Good } else { Failed };
                let text = if is_open { "The session stands." } else { reason.as_str() };
                let session = say("session", state, text).hint(if is_open { String::new() } else { hint.clone() });
                let session = session.said(words).fix((!is_open).then(mending).flatten());
                let monitor = if is_open {
                    say("monitor", Failed, &reason).hint(hint)
                } else {
                    say("monitor", CheckState::Skipped, "There is no session to monitor over.")
                };
                (session, monitor)
            }
        };
        checks.extend([session, monitor]);
    }
}
