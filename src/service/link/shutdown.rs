//! Beginnings and ends: starting the link, new settings, removal, and a clean stop.

use std::time::Duration;

use tokio::sync::oneshot;

use super::Reply;
use super::registrar::Registrar;
use super::seat::Phase;
use super::status::pbx_json;
use super::task::LinkTask;
use super::timers::Timer;
use crate::domain::LineId;
use crate::domain::call_table::SeatId;
use crate::service::gateway::Written;
use crate::service::journal::Actor;
use crate::service::pbx::{PbxSettings, RegisterMode};
use crate::sip::Input;
use crate::store::PbxRow;

/// Time for monitors to end; a session whose MonitorStop is not answered by then gets its BYE all the same.
const MONITORS_TIME: Duration = Duration::from_millis(1500);
/// Time for sessions and the registration after that.
const REST_TIME: Duration = Duration::from_millis(1500);

/// A stop that is under way.
pub(super) struct Shutdown {
    reply: Option<oneshot::Sender<()>>,
    /// Sessions that still close.
    open: usize,
    /// The registration is being taken back.
    is_unregistering: bool,
    /// The time for monitors is over.
    is_hurried: bool,
}

impl Shutdown {
    pub(super) fn new(reply: Option<oneshot::Sender<()>>) -> Self {
        Self { reply, open: 0, is_unregistering: false, is_hurried: false }
    }
}

impl LinkTask {
    /// Starts to talk to the PBX, if it is switched on.
    pub(super) fn start(&mut self) {
        let id = self.row.id.clone();
        self.around.versions.set(id.as_str(), self.row.version);
        self.status_changed();
        if !self.row.settings.enabled {
            return;
        }
        self.find_route();
        if self.has_axl() {
            self.start_discovery();
        }
        let lines: Vec<LineId> = self.lines.keys().cloned().collect();
        for line in lines {
            self.arrange_seats(&line);
        }
    }

    /// The settings changed. What concerns the connection starts it anew; the rest is taken over in flight.
    pub(super) fn configure(&mut self, row: PbxRow, changed: Vec<&'static str>, actor: Actor, reply: Reply<Written>) {
        let old = std::mem::replace(&mut self.row, row);
        if is_other_router(&old, &self.row) {
            self.unlearn();
        } else {
            self.try_anew();
        }
        let options = &self.row.settings.options;
        self.pacing.configure(options.invite_rate_per_s, options.invite_window);
        self.configure_table();
        self.around.versions.set(self.row.id.as_str(), self.row.version);
        if connects_anew(&old, &self.row) {
            self.talk_anew();
        } else if old.settings.options != self.row.settings.options && self.has_axl() {
            self.start_discovery();
        }
        self.report.status.axl.progress = None;
        self.tell_status();
        self.report.json = pbx_json(&self.row, &self.report.status);
        let id = self.row.id.clone();
        self.outbox.pbx("pbx.updated", &id, self.report.json.clone(), changed, actor);
        let outcome = Ok((self.report.json.clone(), Some(self.row.version)));
        self.answer_written(reply, outcome);
    }

    /// Everything that hangs on the connection begins anew.
    pub(super) fn talk_anew(&mut self) {
        self.stop_talking();
        self.start();
    }

    /// Ends every session without waiting for answers.
    fn stop_talking(&mut self) {
        self.generation += 1;
        self.end_probe();
        self.discovery.cancel();
        self.discovery.trouble = None;
        let lines: Vec<LineId> = self.lines.keys().cloned().collect();
        let sessions: Vec<SeatId> = self.seats.keys().copied().collect();
        for id in &sessions {
            self.feed(Input::CloseSession { session: super::sessions::session_of(*id) });
        }
        self.feed(Input::Unregister);
        // What the endpoint has to say is sent; nobody waits for the answers.
        while let Some(output) = self.endpoint.as_mut().and_then(crate::sip::Endpoint::poll) {
            if let crate::sip::Output::Send { flow, data } = output {
                self.net.send(flow, data);
            }
        }
        self.endpoint = None;
        self.registrar = Registrar::default();
        self.pacing.clear();
        self.resync.clear();
        self.close_net();
        for timer in [Timer::Connect, Timer::Resolve, Timer::Register, Timer::LinesMayStart, Timer::Discovery] {
            self.timers.set(timer, None);
        }
        for id in sessions {
            let cancelled = match self.seats.get_mut(&id) {
                Some(seat) => {
                    seat.has_turn = false;
                    seat.in_resync = false;
                    seat.is_snapshot_out = false;
                    seat.opened_at = None;
                    seat.exchange.cancel_all()
                }
                None => Vec::new(),
            };
            for service in cancelled {
                self.on_service_cancelled(id, service.ticket, service.sent);
            }
            self.timers.set(Timer::Seat(id), None);
            self.timers.set(Timer::Exchange(id), None);
        }
        for line in &lines {
            if self.row.settings.enabled {
                let seats = self.lines.get(line).map(|entry| entry.seats.clone()).unwrap_or_default();
                for seat in seats {
                    if let Some(seat) = self.seats.get_mut(&seat) {
                        seat.phase = Phase::Off;
                        seat.xref = None;
                    }
                }
            } else {
                self.switch_off(line);
            }
        }
    }

    /// The PBX is deleted.
    pub(super) fn remove(&mut self, actor: Actor, reply: Reply<()>) {
        let lines: Vec<LineId> = self.lines.keys().cloned().collect();
        for line in lines {
            self.drop_line(&line, actor.clone());
        }
        self.stop_talking();
        let id = self.row.id.clone();
        self.around.versions.forget(id.as_str());
        self.look_away();
        self.outbox.pbx("pbx.deleted", &id, self.report.json.clone(), Vec::new(), actor);
        self.outbox.after(move |_| {
            let _ = reply.send(Ok(()));
        });
        self.is_done = true;
    }

    /// Closes everything in order: monitors, sessions, the registration. Calls stay as they are for the next run.
    pub(super) fn shutdown(&mut self, shutdown: Shutdown) {
        if self.shutdown.is_some() {
            return;
        }
        self.discovery.cancel();
        self.shutdown = Some(shutdown);
        self.end_probe();
        self.timers.set(Timer::Shutdown, Some(self.now() + MONITORS_TIME));
        let open: Vec<SeatId> =
            self.seats.iter().filter(|(_, seat)| !matches!(seat.phase, Phase::Off)).map(|(id, _)| *id).collect();
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.open = open.len();
        }
        if !self.net.is_connected() {
            self.is_done = true;
        }
        for id in open {
            self.close_seat(id);
        }
    }

    /// Time is up. A PBX that does not answer, or whose answer went with a connection, must not keep our sessions and
    /// our registration for it.
    pub(super) fn on_shutdown_time(&mut self) {
        let Some(shutdown) = &mut self.shutdown else { return };
        if !std::mem::replace(&mut shutdown.is_hurried, true) {
            let late: Vec<SeatId> =
                self.seats.iter().filter(|(_, seat)| seat.phase == Phase::Closing).map(|(id, _)| *id).collect();
            for id in late {
                self.feed(Input::CloseSession { session: super::sessions::session_of(id) });
            }
            self.timers.set(Timer::Shutdown, Some(self.now() + REST_TIME));
            return;
        }
        // Nobody waits for the answer.
        shutdown.open = 0;
        self.is_shutdown_done();
        self.is_done = true;
    }

    /// A seat's session is closed.
    pub(super) fn on_session_closed(&mut self, id: SeatId) {
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.open = shutdown.open.saturating_sub(1);
        }
        // A seat that no line has any more was closed to be forgotten.
        let is_wanted = self
            .seats
            .get(&id)
            .and_then(|seat| self.lines.get(&seat.line))
            .is_some_and(|entry| entry.seats.contains(&id));
        if !is_wanted {
            self.seats.remove(&id);
            for timer in [Timer::Seat(id), Timer::Exchange(id), Timer::Early(id)] {
                self.timers.set(timer, None);
            }
            return;
        }
        // Switched on again while it was closing.
        let line = self.seats.get(&id).map(|seat| seat.line.clone());
        let enabled = line
            .as_ref()
            .and_then(|line| self.lines.get(line))
            .is_some_and(|entry| entry.row.body.enabled && entry.row.body.missing_since.is_none());
        if enabled && self.shutdown.is_none() && self.row.settings.enabled {
            self.enqueue(id);
        }
    }

    pub(super) fn on_unregistered(&mut self) {
        if self.shutdown.is_some() {
            self.is_done = true;
        }
    }

    /// When all sessions are closed the registration goes, and then the link.
    pub(super) fn is_shutdown_done(&mut self) {
        let never = self.dialect.register.mode == RegisterMode::Never;
        let Some(shutdown) = &mut self.shutdown else { return };
        if shutdown.open == 0 && !std::mem::replace(&mut shutdown.is_unregistering, true) {
            if never || self.endpoint.is_none() {
                self.is_done = true;
            } else {
                self.feed(Input::Unregister);
                while let Some(output) = self.endpoint.as_mut().and_then(crate::sip::Endpoint::poll) {
                    match output {
                        crate::sip::Output::Send { flow, data } => self.net.send(flow, data),
                        crate::sip::Output::Event(crate::sip::Event::Unregistered) => self.is_done = true,
                        _ => {}
                    }
                }
            }
        }
        if self.is_done
            && let Some(reply) = self.shutdown.as_mut().and_then(|shutdown| shutdown.reply.take())
        {
            let _ = reply.send(());
        }
    }
}

/// Whether new settings mean another router than the old ones.
fn is_other_router(old: &PbxRow, new: &PbxRow) -> bool {
    let router = |settings: &PbxSettings| (settings.host.clone(), settings.sip.port);
    router(&old.settings) != router(&new.settings)
}

/// Whether new settings need new connections.
fn connects_anew(old: &PbxRow, new: &PbxRow) -> bool {
    let part = |settings: &PbxSettings| {
        (settings.enabled, settings.host.clone(), settings.sip.clone(), settings.axl.clone(), settings.dialect.clone())
    };
    part(&old.settings) != part(&new.settings)
        || old.axl_password != new.axl_password
        || old.sip_password != new.sip_password
}
