//! The life of the line sessions: INVITE in turn, status, monitor, and what to do when one ends (dossier 3.3, 15c).

use std::time::Duration;

use super::faults::{Refused, refused_session};
use super::probing::test_session;
use super::seat::{Phase, Said, Seat};
use super::services::Purpose;
use super::task::LinkTask;
use crate::csta::{self, Encoding, Message, Request, Response, SystemStatus};
use crate::domain::call_table::SeatId;
use crate::domain::{Monitor, MonitorState};
use crate::service::pbx::{self, Switch};
use crate::sip::{Body, Diagnostic, EndReason, Event, Failure, Input, InviteSpec, RefreshMethod, Refresher, SessionId};

/// Pause before a session that the PBX closed is opened again; doubled while it keeps closing it.
const AFTER_BYE: Duration = Duration::from_secs(2);
const AFTER_BYE_MOST: Duration = Duration::from_secs(60);
/// A PBX whose status is not normal is asked again.
const STATUS_AGAIN: Duration = Duration::from_secs(30);
/// An unanswered INVITE: 5, 10, 20 … 300 s.
const UNANSWERED: Duration = Duration::from_secs(5);
const LONG_PAUSE: Duration = Duration::from_secs(300);

impl LinkTask {
    /// Whether sessions may be opened now.
    pub(super) fn may_open_sessions(&self) -> bool {
        self.registrar.lines_may_start && self.net.is_connected() && self.shutdown.is_none()
    }

    /// Wants a session for a seat; its turn comes.
    pub(super) fn enqueue(&mut self, id: SeatId) {
        let wall = self.at().wall;
        let is_probed = self.seats.get(&id).is_some_and(|seat| self.is_probed(&seat.line));
        let Some(seat) = self.seats.get_mut(&id) else { return };
        if is_probed {
            // It is opened when the field test gives the line back.
            seat.phase = Phase::Off;
            return;
        }
        seat.phase = Phase::Queued;
        if seat.monitor.state != MonitorState::Failed {
            seat.monitor = Monitor::plain(MonitorState::Pending, wall);
        }
        seat.monitor.next_retry_at = None;
        let line = seat.line.clone();
        self.pacing.ask(id);
        self.timers.set(super::timers::Timer::Seat(id), None);
        self.changed_lines.insert(line);
        self.status_changed();
    }

    /// Opens the sessions whose turn it is.
    pub(super) fn open_due_sessions(&mut self) {
        while self.may_open_sessions()
            && let Some(id) = self.pacing.turn(self.now())
        {
            self.invite(id);
        }
    }

    fn invite(&mut self, id: SeatId) {
        let around = self.seat_surroundings();
        let Some(seat) = self.seats.get(&id).filter(|seat| seat.phase == Phase::Queued) else {
            self.pacing.answered();
            return;
        };
        let form = self.form_of(seat);
        // A template whose fields are not known (no MAC) leaves the number.
        let from_user = form.user.and_then(|template| template.fill(seat.values(&around)));
        let from_user = from_user.unwrap_or_else(|| seat.number.clone());
        let mut encoding = self.exchange_config().encoding;
        let has_declaration = encoding.declaration;
        encoding.private_line = self.private_line(seat);
        let spec = self.invite_spec(seat, &from_user, form.has_reference, &encoding);
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.phase = Phase::Inviting;
            seat.has_turn = true;
            seat.sent_declaration = has_declaration;
        }
        self.report.invites += 1;
        self.feed(Input::OpenSession { session: session_of(id), invite: spec });
        let call_id = self.endpoint.as_ref().and_then(|endpoint| endpoint.call_id(session_of(id)));
        if let (Some(call_id), Some(seat)) = (call_id, self.seats.get(&id)) {
            self.tap.dialog(call_id, &seat.line);
        }
    }

    /// The INVITE of a seat's session.
    pub(super) fn invite_spec(
        &self,
        seat: &Seat,
        from_user: &str,
        has_reference: bool,
        encoding: &Encoding,
    ) -> InviteSpec {
        let invite = &self.dialect.invite;
        let to_user =
            invite.to_user.fill(seat.values(&self.seat_surroundings())).unwrap_or_else(|| seat.number.clone());
        let body = Request::RequestSystemStatus.encode(encoding);
        let session = &self.dialect.session;
        let mut spec = InviteSpec::new(&to_user, from_user, body);
        spec.from_host.clone_from(&invite.from_host);
        spec.from_display.clone_from(&invite.display);
        spec.session_expires_s = (session.expires > 0).then_some(session.expires);
        spec.refresher = if session.refresher == "uas" { Refresher::Uas } else { Refresher::Uac };
        spec.refresh = match session.refresh {
            pbx::RefreshMethod::Reinvite => RefreshMethod::Invite,
            pbx::RefreshMethod::Update => RefreshMethod::Update,
        };
        spec.extra_headers.extend(self.reference_header(has_reference));
        spec
    }

    /// Gives a turn back.
    fn turn_over(&mut self, id: SeatId) {
        if let Some(seat) = self.seats.get_mut(&id)
            && std::mem::take(&mut seat.has_turn)
        {
            self.pacing.answered();
        }
    }

    pub(super) fn on_sip_event(&mut self, event: Event) {
        if let Some(session) = test_session(&event) {
            return self.on_probe_event(session, event);
        }
        match event {
            Event::Registered { expires_s, reference_id, foreign_contact } => {
                self.on_registered(expires_s, reference_id, foreign_contact)
            }
            Event::RegistrationFailed { failure } => self.on_registration_failed(&failure),
            Event::Unregistered => self.on_unregistered(),
            Event::SessionOpened { session, body } => self.on_session_opened(seat_of(session), body),
            Event::SessionRefused { session, failure } => self.on_session_refused(seat_of(session), &failure),
            Event::SessionRefreshed { .. } => {}
            Event::SessionRefreshFailed { session, failure } => {
                tracing::warn!(link.name = %self.row.settings.name, seat = session.0, sip.status = failure.status, "a session refresh failed");
            }
            Event::SessionEnded { session, why } => self.on_session_ended(seat_of(session), why),
            Event::Request { session, token, method: _, body, gap } => {
                self.on_peer_request(seat_of(session), token, body, gap)
            }
            Event::InfoAnswered { session, ticket, status, reason: _, body } => {
                self.on_info_answered(seat_of(session), ticket, status, body)
            }
            Event::InfoLost { session, ticket } => self.on_info_lost(seat_of(session), ticket),
            Event::OptionsAnswered { status } => self.on_options_answered(status),
            Event::Diagnostic(diagnostic) => self.on_diagnostic(&diagnostic),
        }
    }

    fn on_options_answered(&mut self, status: Option<u16>) {
        if status.is_none() {
            tracing::warn!(link.name = %self.row.settings.name, "OPTIONS is not answered");
            self.drop_silent_flows();
            // Registering keeps the connection in use as well, and is known to be answered (U-7).
            self.options_do_not_work();
            if self.dialect.register.mode != pbx::RegisterMode::Never {
                self.feed(Input::Register);
            }
        } else if std::mem::take(&mut self.registrar.is_resync_due) {
            self.resync_all();
        }
        self.status_changed();
    }

    fn on_diagnostic(&mut self, diagnostic: &Diagnostic) {
        let kind = match diagnostic {
            Diagnostic::BadMessage { .. } => "bad_message",
            Diagnostic::FramingLost { .. } => "framing_lost",
            Diagnostic::StrayAnswer { .. } => "stray_answer",
            Diagnostic::UnknownDialog { .. } => "unknown_dialog",
            Diagnostic::OldSequence { .. } => "old_sequence",
            Diagnostic::Repeated { .. } => "repeated",
            Diagnostic::Refused { .. } => "refused",
            _ => "other",
        };
        metrics::counter!("linegate_sip_diagnostics_total", "kind" => kind).increment(1);
        tracing::debug!(link.name = %self.row.settings.name, ?diagnostic, "SIP trouble");
    }

    fn on_session_opened(&mut self, id: SeatId, body: Option<Body>) {
        self.turn_over(id);
        let now = self.now();
        if let Some(body) = &body {
            self.learn_namespace(&body.data);
        }
        let config = self.exchange_config();
        let Some(seat) = self.seats.get_mut(&id) else {
            return self.feed(Input::CloseSession { session: session_of(id) });
        };
        seat.phase = Phase::Opening;
        seat.opened_at = Some(now);
        seat.xref = None;
        seat.exchange = csta::exchange::Exchange::new(config);
        let attempt = seat.from_attempt;
        self.trials.invite_worked(attempt);
        let status = body.and_then(|body| match csta::decode(&body.data) {
            Ok(Message::Response(Response::SystemStatus(status))) => status,
            _ => None,
        });
        match status {
            Some(status) => self.on_system_status(id, &status),
            // 200 without a readable status: ask for it (dossier 15c).
            None => self.ask_status_with_line(id),
        }
    }

    /// The status of the PBX as one session tells it.
    pub(super) fn on_system_status(&mut self, id: SeatId, status: &SystemStatus) {
        match status {
            SystemStatus::Normal | SystemStatus::Enabled | SystemStatus::OverloadRelieved => {
                self.status_worked(id);
                self.start_monitor(id);
            }
            SystemStatus::Disabled => {
                let why = Refused::new("pbx_disabled", "The PBX says that its CTI is disabled.")
                    .hint("Check `no cti shutdown` under `voice service voip` on the router.");
                self.fail_seat(id, why, Some(LONG_PAUSE));
                self.feed(Input::CloseSession { session: session_of(id) });
            }
            other => {
                let why = Refused::new("pbx_not_ready", format!("The PBX says “{}”.", other.as_str()))
                    .hint("The line is tried again by itself.");
                self.show_failure(id, why, Some(STATUS_AGAIN));
                self.seat_in(id, STATUS_AGAIN);
            }
        }
    }

    fn start_monitor(&mut self, id: SeatId) {
        if self.dialect.features.request == Switch::On && self.report.wants_features() {
            self.submit(id, Request::GetCstaFeatures, Purpose::Features);
        }
        self.ask_monitor(id);
    }

    pub(super) fn ask_monitor(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get(&id) else { return };
        let request = Request::MonitorStart {
            device: self.device_of(seat),
            filter: match self.dialect.monitor.filter.as_str() {
                "calls-only" => csta::MonitorFilter::CallsOnly,
                _ => csta::MonitorFilter::None,
            },
            monitor_type: (self.dialect.monitor.r#type != "omit").then_some(csta::MonitorType::Device),
        };
        self.submit(id, request, Purpose::Monitor);
    }

    fn on_session_refused(&mut self, id: SeatId, failure: &Failure) {
        self.turn_over(id);
        if let Some(seat) = self.seats.get_mut(&id).filter(|seat| seat.phase == Phase::Closing) {
            // Nobody wants it any more.
            seat.phase = Phase::Off;
            return self.on_session_closed(id);
        }
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.opened_at = None;
        }
        if failure.status.is_none() {
            self.drop_silent_flows();
        }
        if self.tries_another_form(id, failure.status) {
            return;
        }
        let Some(seat) = self.seats.get_mut(&id) else { return };
        seat.ends = seat.ends.saturating_add(1);
        let ends = seat.ends;
        seat.said = failure.status.map(|status| {
            let warning = failure.warning.as_ref().map_or_else(String::new, |warning| format!("; {warning}"));
            Said::Session(format!("{status} {}{warning}", failure.reason))
        });
        let (why, pause) = refused_session(failure, self.service_facts(id));
        let retry = Duration::from_secs(u64::from(self.row.settings.options.monitor_retry_interval_s));
        let pause = match failure.status {
            None => (UNANSWERED * 2_u32.saturating_pow(ends.min(7) - 1)).min(LONG_PAUSE),
            _ => pause.unwrap_or(retry),
        };
        self.fail_seat(id, why, Some(pause));
        self.doubt_learned(failure.status);
    }

    /// A session cannot be had now: says why, and tries again after a pause.
    pub(super) fn fail_seat(&mut self, id: SeatId, why: Refused, pause: Option<Duration>) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.phase = Phase::Waiting;
            seat.xref = None;
        }
        self.show_failure(id, why, pause);
        if let Some(pause) = pause {
            self.seat_in(id, pause);
        }
    }

    /// Shows why a seat is not monitored.
    pub(super) fn show_failure(&mut self, id: SeatId, why: Refused, pause: Option<Duration>) {
        let at = self.at();
        let fix = self.fix_for(id, why.code);
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let is_same = seat.monitor.state == MonitorState::Failed && seat.monitor.code.as_deref() == Some(why.code);
        if !is_same {
            tracing::info!(
                link.name = %self.row.settings.name, line.number = %redacted(&seat.number), code = why.code,
                "a line is not monitored: {}", why.reason
            );
        }
        seat.monitor = Monitor {
            state: MonitorState::Failed,
            code: Some(why.code.to_owned()),
            reason: Some(why.reason),
            hint: Some(why.hint).filter(|hint| !hint.is_empty()),
            fix,
            next_retry_at: pause.map(|pause| {
                let ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                crate::domain::Timestamp::from_unix_ms(at.wall.unix_ms().saturating_add(ms))
            }),
            since: if is_same { seat.monitor.since } else { at.wall },
        };
        let line = seat.line.clone();
        self.changed_lines.insert(line);
        self.status_changed();
    }

    pub(super) fn on_session_ended(&mut self, id: SeatId, why: EndReason) {
        self.turn_over(id);
        let suspects = self.registrar.suspects_restart;
        let Some(was) = self.seats.get(&id).map(|seat| seat.phase) else { return };
        let opened_at = self.forget_session(id);
        if was == Phase::Closing || self.shutdown.is_some() {
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.phase = Phase::Off;
            }
            self.on_session_closed(id);
            return;
        }
        if why == EndReason::NoSuchDialog
            && let (Some(suspected), Some(opened)) = (suspects, opened_at)
            && opened < suspected
        {
            // It is one of those that begin anew.
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.phase = Phase::Waiting;
            }
            return self.on_pbx_restarted();
        }
        // Before the registration tells whether the PBX is the same: no new session hides what was lost.
        self.registrar.has_lost_sessions |= why == EndReason::NoSuchDialog && self.registrar.is_resync_due;
        let pause = match why {
            EndReason::PeerBye => {
                let Some(seat) = self.seats.get_mut(&id) else { return };
                seat.ends = seat.ends.saturating_add(1);
                (AFTER_BYE * 2_u32.saturating_pow(seat.ends.min(6) - 1)).min(AFTER_BYE_MOST)
            }
            EndReason::Local => return,
            _ => Duration::ZERO,
        };
        tracing::info!(link.name = %self.row.settings.name, ?why, "a line session ended; it is opened again");
        if pause.is_zero() {
            self.enqueue(id);
        } else {
            let why = Refused::new("session_closed", "The PBX closed the session of this line.")
                .hint("It is opened again by itself; `clear cti session` or `cti shutdown` on the router do this.");
            self.fail_seat(id, why, Some(pause));
        }
    }

    /// The PBX is another one than before: its phones dropped every call, and no session of before lives.
    pub(super) fn on_pbx_restarted(&mut self) {
        let since = self.registrar.suspects_restart.take();
        tracing::warn!(link.name = %self.row.settings.name, "the PBX has started anew; every line is monitored again");
        metrics::counter!("linegate_pbx_restarts_total").increment(1);
        let at = self.at();
        // It may be another release: what it takes is found out anew, what was learned first.
        self.try_anew();
        self.table.pbx_restarted(at);
        self.report.restarted(at.wall);
        self.offer_actions();
        self.pacing.clear();
        self.resync.clear();
        let old: Vec<SeatId> = self
            .seats
            .iter()
            .filter(|(_, seat)| {
                let before = matches!((seat.opened_at, since), (Some(opened), Some(since)) if opened < since);
                !matches!(seat.phase, Phase::Off | Phase::Closing) && (before || !seat.is_open())
            })
            .map(|(id, _)| *id)
            .collect();
        for id in old {
            self.feed(Input::AbandonSession { session: session_of(id) });
            let cancelled = match self.seats.get_mut(&id) {
                Some(seat) => {
                    seat.has_turn = false;
                    seat.in_resync = false;
                    seat.is_snapshot_out = false;
                    seat.xref = None;
                    seat.opened_at = None;
                    seat.exchange.cancel_all()
                }
                None => Vec::new(),
            };
            for service in cancelled {
                self.on_service_cancelled(id, service.ticket, service.sent);
            }
            self.enqueue(id);
        }
        self.status_changed();
    }

    /// The retry of a seat is due.
    pub(super) fn on_seat_time(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get(&id) else { return };
        match seat.phase {
            Phase::Waiting => self.enqueue(id),
            // The status was not normal, or the monitor was refused while the session stands.
            Phase::Opening => self.ask_status_with_line(id),
            Phase::Active if seat.xref.is_none() => self.ask_monitor(id),
            _ => {}
        }
    }

    /// Closes a seat's session in order: the monitor first.
    pub(super) fn close_seat(&mut self, id: SeatId) {
        self.pacing.withdraw(id);
        self.resync.withdraw(id);
        self.timers.set(super::timers::Timer::Seat(id), None);
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let was = std::mem::replace(&mut seat.phase, Phase::Closing);
        match (was, seat.xref.clone()) {
            (Phase::Active | Phase::Opening, Some(xref)) => {
                let request = Request::MonitorStop { monitor_cross_ref_id: xref };
                self.submit(id, request, Purpose::MonitorStop);
            }
            (Phase::Active | Phase::Opening | Phase::Inviting, _) => {
                self.feed(Input::CloseSession { session: session_of(id) })
            }
            _ => {
                seat.phase = Phase::Off;
                self.on_session_closed(id);
            }
        }
    }
}

pub(super) fn session_of(seat: SeatId) -> SessionId {
    SessionId(u64::from(seat.0))
}

fn seat_of(session: SessionId) -> SeatId {
    SeatId(u32::try_from(session.0).unwrap_or(u32::MAX))
}

/// A number for the log: its last two digits (twelve rules of taste, 9).
pub(super) fn redacted(number: &str) -> String {
    let shown: String = number.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
    format!("…{shown}")
}
