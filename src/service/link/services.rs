//! Services in CSTA: who asked for which, and what becomes of their answers.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::faults::{Refused, refused_monitor};
use super::seat::{Phase, Said, Seat};
use super::sessions::session_of;
use super::task::LinkTask;
use super::timers::Timer;
use crate::csta::exchange::{self, Answer, Doubt, Outcome, Output, Received, Refusal, Ticket};
use crate::csta::{FaultValue, OperationError, Request, Response, Service};
use crate::domain::call_table::SeatId;
use crate::domain::{CommandId, Monitor, MonitorState};
use crate::service::pbx::Switch;
use crate::sip::{self, Body, Input, ReplyToken};

/// A monitor that the PBX ended is started again.
const MONITOR_AGAIN: Duration = Duration::from_secs(1);
/// So many ends within the window, and the session itself is opened anew (dossier 15c).
const MONITOR_ENDS: usize = 3;
const MONITOR_WINDOW: Duration = Duration::from_secs(60);
const LIMIT_PAUSE: Duration = Duration::from_secs(300);

/// What a service is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Proof of life of the session.
    Status,
    /// What the PBX can do.
    Features,
    /// The monitor.
    Monitor,
    /// Its end; the session follows.
    MonitorStop,
    /// The end of a monitor that another one follows.
    OldMonitor,
    /// The calls of the seat.
    Snapshot,
    /// One call of the seat, by its id at the PBX.
    SnapshotCall(String),
    /// What kind of device the seat is.
    LogicalInfo,
    /// Forwarding at the start.
    Forwarding,
    /// Do not disturb at the start.
    DoNotDisturb,
    /// A step of a command.
    Command(CommandId),
    /// Forwarding or do not disturb, by the number of the wish.
    Feature(u64),
}

/// Services that are not done.
#[derive(Debug, Default)]
pub(super) struct Flights {
    next: u64,
    pub(super) open: HashMap<Ticket, Purpose>,
    /// Bodies of commands that were handed to the endpoint: the trace shows which messages they are in.
    sent: Vec<(CommandId, Bytes)>,
}

impl LinkTask {
    /// Asks the PBX for a service in a seat's session.
    pub(super) fn submit(&mut self, id: SeatId, request: Request, purpose: Purpose) {
        let now = self.now();
        let Some(seat) = self.seats.get_mut(&id) else { return };
        self.flights.next += 1;
        let ticket = Ticket(self.flights.next);
        if let Purpose::Command(command) = &purpose {
            self.spans.service(ticket, command, request.service().as_str());
        }
        self.flights.open.insert(ticket, purpose);
        seat.exchange.submit(now, ticket, request);
        self.touch(id);
    }

    fn command_of(&self, ticket: Ticket) -> Option<CommandId> {
        match self.flights.open.get(&ticket) {
            Some(Purpose::Command(command)) => Some(command.clone()),
            _ => None,
        }
    }

    /// The messages of commands have gone out by now, or wait for a connection.
    pub(super) fn trace_commands(&mut self) {
        for (command, body) in std::mem::take(&mut self.flights.sent) {
            self.tap.belongs(&body, &command);
        }
    }

    pub(super) fn on_exchange_time(&mut self, id: SeatId) {
        let now = self.now();
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.exchange.handle(now, exchange::Input::Timeout);
        }
        self.touch(id);
    }

    pub(super) fn on_early_time(&mut self, id: SeatId) {
        let now = self.now();
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let lost = seat.early.expire(now);
        if lost > 0 {
            metrics::counter!("linegate_csta_unknown_monitor_total").increment(u64::try_from(lost).unwrap_or(0));
        }
        let next = seat.early.deadline();
        self.timers.set(Timer::Early(id), next);
    }

    /// A request of the PBX inside a session.
    pub(super) fn on_peer_request(&mut self, id: SeatId, token: ReplyToken, body: Option<Body>, gap: bool) {
        let now = self.now();
        let Some(body) = body else {
            return self.feed(Input::Reply { token, status: 200, body: None });
        };
        let data: Bytes = body.data;
        let Some(seat) = self.seats.get_mut(&id) else {
            return self.feed(Input::Reply { token, status: 481, body: None });
        };
        // The answer first: IOS waits for it (dossier 3.4 rule 1).
        let received = seat.exchange.receive(now, &data);
        let mut reply = Some(token);
        let mut rest = Vec::new();
        while let Some(output) = seat.exchange.poll() {
            match output {
                Output::Reply { status, body } if reply.is_some() => {
                    if let Some(token) = reply.take()
                        && let Some(endpoint) = &mut self.endpoint
                    {
                        endpoint.handle(now, Input::Reply { token, status, body });
                    }
                }
                other => rest.push(other),
            }
        }
        if let Received::Event(event) = received {
            self.on_csta_event(id, &event, &data);
        }
        for output in rest {
            self.on_exchange_output(id, output);
        }
        if let Some(token) = reply {
            self.feed(Input::Reply { token, status: 200, body: None });
        }
        if gap {
            // A request before this one may be lost (dossier 15c).
            metrics::counter!("linegate_sip_gaps_total").increment(1);
            self.want_snapshot(id);
        }
        self.touch(id);
    }

    pub(super) fn on_info_answered(&mut self, id: SeatId, ticket: sip::Ticket, status: u16, body: Option<Body>) {
        let now = self.now();
        if let Some(seat) = self.seats.get_mut(&id) {
            let body = body.map(|body| body.data);
            seat.exchange.handle(now, exchange::Input::InfoAnswered { ticket: Ticket(ticket.0), status, body });
        }
        self.touch(id);
    }

    pub(super) fn on_info_lost(&mut self, id: SeatId, ticket: sip::Ticket) {
        let now = self.now();
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.exchange.handle(now, exchange::Input::InfoLost { ticket: Ticket(ticket.0) });
        }
        self.drop_silent_flows();
        self.touch(id);
    }

    /// Everything that a seat's conversation asks for.
    pub(super) fn poll_exchange(&mut self, id: SeatId) {
        while let Some(output) = self.seats.get_mut(&id).and_then(|seat| seat.exchange.poll()) {
            self.on_exchange_output(id, output);
        }
        let deadline = self.seats.get(&id).and_then(|seat| seat.exchange.deadline());
        self.timers.set(Timer::Exchange(id), deadline);
    }

    fn on_exchange_output(&mut self, id: SeatId, output: Output) {
        match output {
            Output::SendInfo { ticket, body } => {
                if let Some(command) = self.command_of(ticket)
                    && self.is_overtaken(&command)
                {
                    return self.give_way(id, ticket, &command);
                }
                if let Some(command) = self.command_of(ticket) {
                    self.intend(&command);
                }
                let command = self.command_of(ticket).map(|command| (command, body.clone()));
                self.feed(Input::Info { session: session_of(id), ticket: sip::Ticket(ticket.0), body });
                self.flights.sent.extend(command);
            }
            Output::Slow { ticket } => {
                if let Some(command) = self.command_of(ticket) {
                    self.on_command_slow(&command);
                }
            }
            Output::Done { ticket, outcome } => {
                self.spans.service_done(ticket, Some(&outcome));
                if self.seats.get(&id).is_some_and(|seat| seat.exchange.has_separate_responses()) {
                    self.trials.responses_are_separate();
                } else if matches!(outcome, Outcome::Response(_)) {
                    self.responses_are_final();
                }
                if let (Some(command), Outcome::Response(answer)) = (self.command_of(ticket), &outcome) {
                    self.tap.belongs(answer.body(), &command);
                }
                if let Some(purpose) = self.flights.open.remove(&ticket) {
                    self.on_service_done(id, purpose, outcome);
                }
            }
            Output::Event(body) => {
                let charset = self.dialect.fallback_charset().unwrap_or_default();
                if let Ok(crate::csta::Message::Event(event)) = crate::csta::decode_as(&body, charset) {
                    self.on_csta_event(id, &event, &body);
                }
            }
            Output::SystemStatus(status) => {
                tracing::info!(link.name = %self.row.settings.name, status = status.as_str(), "the PBX tells its status");
            }
            Output::MonitorStopped { monitor_cross_ref_id } => self.on_monitor_stopped(id, &monitor_cross_ref_id),
            Output::Malformed(error) => {
                metrics::counter!("linegate_csta_malformed_total").increment(1);
                tracing::warn!(link.name = %self.row.settings.name, %error, "a CSTA message cannot be read");
            }
            Output::Stray { root } => {
                metrics::counter!("linegate_csta_stray_total").increment(1);
                tracing::debug!(link.name = %self.row.settings.name, root = %root, "a CSTA message answers nothing");
            }
            // An answer after we gave up: the snapshot that was taken then knows more.
            Output::Late { .. } => self.want_snapshot(id),
            // Replies were taken by `on_peer_request`.
            Output::Reply { .. } => {}
        }
    }

    /// A seat's session is over: what hung on it goes with it. When it had been opened, if it was.
    pub(super) fn forget_session(&mut self, id: SeatId) -> Option<Instant> {
        let seat = self.seats.get_mut(&id)?;
        let opened_at = seat.opened_at.take();
        seat.xref = None;
        seat.is_snapshot_out = false;
        seat.calls_asked = None;
        seat.awaits_states = false;
        let in_resync = std::mem::take(&mut seat.in_resync);
        let cancelled = seat.exchange.cancel_all();
        if in_resync {
            self.resync.answered();
        }
        for service in cancelled {
            self.on_service_cancelled(id, service.ticket, service.sent);
        }
        opened_at
    }

    /// A service that its dialog took along.
    pub(super) fn on_service_cancelled(&mut self, id: SeatId, ticket: Ticket, sent: bool) {
        self.spans.service_done(ticket, None);
        let Some(purpose) = self.flights.open.remove(&ticket) else { return };
        match purpose {
            Purpose::Command(command) => self.on_command_lost(id, &command, sent),
            Purpose::Feature(number) => self.on_feature_lost(id, number),
            _ => {}
        }
    }

    fn on_service_done(&mut self, id: SeatId, purpose: Purpose, outcome: Outcome) {
        match purpose {
            Purpose::Status => self.on_status_done(id, &outcome),
            Purpose::Features => self.on_features_done(&outcome),
            Purpose::Monitor => self.on_monitor_done(id, &outcome),
            Purpose::MonitorStop => self.feed(Input::CloseSession { session: session_of(id) }),
            Purpose::OldMonitor => {}
            Purpose::Snapshot => self.on_snapshot_done(id, &outcome),
            Purpose::SnapshotCall(call) => self.on_call_snapshot_done(id, &call, &outcome),
            Purpose::LogicalInfo => self.on_logical_info_done(id, &outcome),
            Purpose::Forwarding => self.on_forwarding_done(id, &outcome),
            Purpose::DoNotDisturb => self.on_do_not_disturb_done(id, &outcome),
            Purpose::Command(command) => self.on_command_step(id, &command, outcome),
            Purpose::Feature(number) => self.on_feature_done(id, number, &outcome),
        }
    }

    fn on_status_done(&mut self, id: SeatId, outcome: &Outcome) {
        let phase = self.seats.get(&id).map(|seat| seat.phase);
        match outcome {
            Outcome::Response(answer) => {
                if let (Some(Phase::Opening), Ok(Some(Response::SystemStatus(Some(status))))) =
                    (phase, answer.response())
                {
                    self.on_system_status(id, &status);
                }
            }
            Outcome::Unknown(Doubt::NoAnswer | Doubt::EmptyAnswer) => self.session_is_dead(id),
            Outcome::Unknown(_) if phase == Some(Phase::Opening) => self.session_is_dead(id),
            Outcome::Refused(refusal) if phase == Some(Phase::Opening) => {
                let why =
                    Refused::new("session_refused", format!("The PBX does not tell its status ({}).", told(refusal)))
                        .hint("Check `no cti shutdown` under `voice service voip` on the router.");
                self.fail_seat(id, why, Some(LIMIT_PAUSE));
                self.feed(Input::CloseSession { session: session_of(id) });
            }
            _ => {}
        }
    }

    /// REGISTER is answered and this session is not: only a new session proves life (dossier 15c).
    pub(super) fn session_is_dead(&mut self, id: SeatId) {
        if !self.seats.get(&id).is_some_and(Seat::is_open) {
            return;
        }
        self.forget_session(id);
        // The PBX may still have it: BYE goes out and nobody waits for its answer.
        let session = session_of(id);
        self.feed(Input::CloseSession { session });
        self.feed(Input::AbandonSession { session });
        self.enqueue(id);
    }

    fn on_features_done(&mut self, outcome: &Outcome) {
        let features = match outcome {
            Outcome::Response(answer) => match answer.response() {
                Ok(Some(Response::Features(features))) => Some(features),
                _ => None,
            },
            _ => None,
        };
        self.report.features(features);
        self.offer_actions();
        self.status_changed();
    }

    fn on_monitor_done(&mut self, id: SeatId, outcome: &Outcome) {
        let at = self.at();
        if self.seats.get(&id).is_none_or(|seat| !seat.is_open()) {
            return;
        }
        match outcome {
            Outcome::Response(answer) => {
                let xref = match answer.response() {
                    Ok(Some(Response::MonitorStart { monitor_cross_ref_id, .. })) => monitor_cross_ref_id.into_owned(),
                    _ => String::new(),
                };
                self.on_monitored(id, xref);
            }
            Outcome::Refused(Refusal::Fault(fault)) => {
                let is_device = matches!(
                    &fault.value,
                    FaultValue::Operation(
                        OperationError::InvalidMonitorObject
                            | OperationError::InvalidMonitorObjectType
                            | OperationError::InvalidDeviceId
                    )
                );
                if is_device && self.tries_another_device(id) {
                    return self.ask_monitor(id);
                }
                if let Some(seat) = self.seats.get_mut(&id) {
                    seat.said = Some(Said::Monitor(format!("{}/{}", fault.category().as_str(), fault.as_str())));
                }
                let (why, pause) = refused_monitor(fault, self.service_facts(id));
                let retry = Duration::from_secs(u64::from(self.row.settings.options.monitor_retry_interval_s));
                let pause = pause.unwrap_or(retry);
                self.show_failure(id, why, Some(pause));
                self.seat_in(id, pause);
            }
            Outcome::Refused(refusal) => {
                let why = Refused::new(
                    "monitor_refused",
                    format!("The PBX refuses to monitor this line ({}).", told(refusal)),
                )
                .hint("Check `cti watch` of this ephone-dn and the release of the router.");
                let retry = Duration::from_secs(u64::from(self.row.settings.options.monitor_retry_interval_s));
                self.show_failure(id, why, Some(retry));
                self.seat_in(id, retry);
            }
            Outcome::Unknown(_) => self.session_is_dead(id),
            Outcome::Mismatch { found } => {
                let why = Refused::new("monitor_refused", format!("The PBX answers MonitorStart with {found}."))
                    .hint("Report this with a protocol trace.");
                self.show_failure(id, why, Some(LIMIT_PAUSE));
                self.seat_in(id, LIMIT_PAUSE);
            }
        }
        if let Some(seat) = self.seats.get(&id) {
            tracing::debug!(link.name = %self.row.settings.name, phase = ?seat.phase, since = ?at.wall, "MonitorStart is answered");
        }
    }

    fn on_monitored(&mut self, id: SeatId, xref: String) {
        let wall = self.at().wall;
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let early = seat.early.take(&xref);
        seat.xref = Some(xref);
        seat.phase = Phase::Active;
        seat.said = None;
        seat.ends = 0;
        let attempt = seat.device_attempt;
        if seat.monitor.state != MonitorState::Active {
            seat.monitor = Monitor::plain(MonitorState::Active, wall);
        }
        let line = seat.line.clone();
        self.trials.device_worked(attempt);
        self.timers.set(Timer::Seat(id), None);
        self.changed_lines.insert(line);
        self.status_changed();
        // The snapshot is asked for first; events that came early are applied now, those that come later after it.
        self.want_snapshot(id);
        self.ask_settings(id);
        let charset = self.dialect.fallback_charset().unwrap_or_default();
        for body in early {
            if let Ok(crate::csta::Message::Event(event)) = crate::csta::decode_as(&body, charset) {
                self.on_csta_event(id, &event, &body);
            }
        }
    }

    /// Asks for what the phone is set to (dossier 14, step 12).
    fn ask_settings(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get(&id) else { return };
        let device = self.device_of(seat);
        let is_first = seat.address == 0;
        if self.report.may_use(Service::GetForwarding) {
            let request = Request::GetForwarding { device: device.clone() };
            self.submit(id, request, Purpose::Forwarding);
        }
        if self.report.may_use(Service::GetDoNotDisturb) && is_first {
            self.submit(id, Request::GetDoNotDisturb { device: device.clone() }, Purpose::DoNotDisturb);
        }
        let wants_info = self.dialect.logical_info == Switch::On;
        if wants_info && is_first && !self.report.has_refused(Service::GetLogicalDeviceInformation) {
            self.submit(id, Request::GetLogicalDeviceInformation { device }, Purpose::LogicalInfo);
        }
    }

    fn on_forwarding_done(&mut self, id: SeatId, outcome: &Outcome) {
        self.learn_refusal(Service::GetForwarding, outcome);
        let Some(Ok(Some(Response::Forwarding(list)))) = answer(outcome).map(Answer::response) else { return };
        let target = self.unconditional(&list);
        self.set_forwarding(id, target);
    }

    /// A number without a phone is out of service where nobody else tells (U-21, U-28).
    fn on_logical_info_done(&mut self, id: SeatId, outcome: &Outcome) {
        self.learn_refusal(Service::GetLogicalDeviceInformation, outcome);
        let Some(Ok(Some(Response::LogicalDevice(info)))) = answer(outcome).map(Answer::response) else { return };
        tracing::debug!(link.name = %self.row.settings.name, ?info, "the PBX describes a device");
        let Some(line) = self.seats.get(&id).map(|seat| seat.line.clone()) else { return };
        if let Some(has_phone) = info.has_physical_element
            && let Some(entry) = self.lines.get_mut(&line)
        {
            entry.service.has_phone(has_phone);
            self.changed_lines.insert(line);
        }
    }

    fn on_do_not_disturb_done(&mut self, id: SeatId, outcome: &Outcome) {
        self.learn_refusal(Service::GetDoNotDisturb, outcome);
        if let Some(Ok(Some(Response::DoNotDisturb(Some(on))))) = answer(outcome).map(Answer::response) {
            self.set_do_not_disturb(id, on);
        }
    }

    /// A PBX that does not know a service is not asked again until the link starts anew.
    pub(super) fn learn_refusal(&mut self, service: Service, outcome: &Outcome) {
        if let Outcome::Refused(Refusal::Fault(fault)) = outcome
            && matches!(&fault.value, FaultValue::Operation(OperationError::ServiceNotSupported))
            && self.report.cannot(service)
        {
            self.offer_actions();
            self.status_changed();
        }
    }

    fn on_monitor_stopped(&mut self, id: SeatId, xref: &str) {
        let now = self.now();
        let Some(seat) = self.seats.get_mut(&id) else { return };
        if seat.xref.as_deref() != Some(xref) || seat.phase != Phase::Active {
            return;
        }
        seat.xref = None;
        seat.monitor_stops.push_back(now);
        while seat.monitor_stops.front().is_some_and(|at| now.duration_since(*at) > MONITOR_WINDOW) {
            seat.monitor_stops.pop_front();
        }
        let too_often = seat.monitor_stops.len() >= MONITOR_ENDS;
        let why = Refused::new("monitor_stopped", "The PBX ended the monitor of this line.")
            .hint("It is started again by itself.");
        self.show_failure(id, why, Some(MONITOR_AGAIN));
        if too_often {
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.monitor_stops.clear();
            }
            self.session_is_dead(id);
        } else {
            self.seat_in(id, MONITOR_AGAIN);
        }
    }
}

pub(super) fn answer(outcome: &Outcome) -> Option<&Answer> {
    match outcome {
        Outcome::Response(answer) => Some(answer),
        _ => None,
    }
}

/// What a refusal says, in a few words.
pub(super) fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Fault(fault) => format!("{}/{}", fault.category().as_str(), fault.as_str()),
        Refusal::Sip(status) => format!("SIP {status}"),
        Refusal::QueueFull => "too many commands wait".to_owned(),
        Refusal::WaitedTooLong => "it waited too long behind other commands".to_owned(),
    }
}
