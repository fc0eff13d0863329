//! Events of the PBX: to the call table, or to the line where they concern no call.

use bytes::Bytes;

use super::seat::Phase;
use super::task::LinkTask;
use super::timers::Timer;
use super::translate;
use crate::csta::{self, EventKind, SubjectDevice};
use crate::domain::call_table::SeatId;
use crate::domain::{LineId, MonitorState};
use crate::service::pbx::{ServiceSource, Switch};

impl LinkTask {
    /// One event in a seat's session.
    pub(super) fn on_csta_event(&mut self, id: SeatId, event: &csta::Event<'_>, body: &Bytes) {
        let now = self.now();
        let Some(seat) = self.seats.get_mut(&id) else { return };
        match seat.xref.as_deref() {
            Some(xref) if xref == event.monitor_cross_ref_id || xref.is_empty() => {}
            // The response that names the monitor may still be on its way (section 10 rule 2).
            None if matches!(seat.phase, Phase::Opening | Phase::Inviting) => {
                if !seat.early.hold(now, &event.monitor_cross_ref_id, body.clone()) {
                    metrics::counter!("linegate_csta_unknown_monitor_total").increment(1);
                }
                let deadline = seat.early.deadline();
                self.timers.set(Timer::Early(id), deadline);
                return;
            }
            _ => {
                metrics::counter!("linegate_csta_unknown_monitor_total").increment(1);
                return;
            }
        }
        metrics::counter!("linegate_csta_events_total").increment(1);
        self.learn_device(id, event);
        match &event.kind {
            EventKind::DoNotDisturb { on: Some(on), .. } => self.set_do_not_disturb(id, *on),
            EventKind::Forwarding { forward_to, forwarding_type, forward_status, .. } => {
                if forwarding_type.as_ref().is_none_or(|kind| self.is_unconditional(kind)) {
                    let target = forward_to.as_ref().filter(|_| *forward_status != Some(false));
                    self.set_forwarding(id, target.map(|device| device.number.to_string()));
                }
            }
            EventKind::MessageWaiting { on: Some(on), .. } => self.set_message_waiting(id, *on),
            EventKind::OutOfService { device } => self.set_in_service(id, device, false),
            EventKind::BackInService { device } => self.set_in_service(id, device, true),
            _ => {
                if let Some(signal) = translate::signal(event) {
                    self.table.signal(self.at(), id, signal);
                }
                // A call that left over a trunk takes the phone, also where nothing else of it changed.
                if matches!(event.kind, EventKind::NetworkReached { .. })
                    && let Some(line) = self.seats.get(&id).map(|seat| seat.line.clone())
                {
                    self.changed_lines.insert(line);
                }
            }
        }
    }

    /// Copies the string that the PBX uses for the monitored device (U-9).
    fn learn_device(&mut self, id: SeatId, event: &csta::Event<'_>) {
        if self.dialect.device_id.learn != Switch::On {
            return;
        }
        let Some(seat) = self.seats.get_mut(&id) else { return };
        if seat.learned_device.is_some() {
            return;
        }
        let subject = match &event.kind {
            EventKind::ServiceInitiated { initiating_device, .. } => initiating_device,
            EventKind::Originated { calling_device, .. } => calling_device,
            EventKind::Delivered { progress } | EventKind::Established { progress } => &progress.device,
            _ => return,
        };
        let Some(device) = subject.id() else { return };
        let own_mac = seat.mac.as_deref();
        let is_own = device.number == seat.number
            && match (&device.mac, own_mac) {
                (Some(theirs), Some(own)) => theirs.as_str() == own,
                // Without a phone in it nobody knows whose it is when others share the number.
                (None, _) => false,
                (Some(_), None) => true,
            };
        if is_own && !device.raw.is_empty() {
            seat.learned_device = Some(device.raw.to_string());
        }
    }

    /// Do not disturb belongs to the phone: every line on it shows it (dossier 9.7).
    pub(super) fn set_do_not_disturb(&mut self, id: SeatId, on: bool) {
        let Some(line) = self.seats.get(&id).map(|seat| seat.line.clone()) else { return };
        for line in self.lines_of_phone(&line) {
            if let Some(entry) = self.lines.get_mut(&line)
                && entry.do_not_disturb != on
            {
                entry.do_not_disturb = on;
                self.changed_lines.insert(line);
            }
        }
    }

    /// The lines of the phone that a line is at.
    pub(super) fn lines_of_phone(&self, line: &LineId) -> Vec<LineId> {
        let phone = self.lines.get(line).and_then(|entry| entry.row.device_id.as_ref());
        match phone {
            Some(phone) => {
                let same = self.lines.iter().filter(|(_, entry)| entry.row.device_id.as_ref() == Some(phone));
                same.map(|(id, _)| id.clone()).collect()
            }
            None => vec![line.clone()],
        }
    }

    /// Forwarding belongs to the number, and so to one address of the line.
    pub(super) fn set_forwarding(&mut self, id: SeatId, target: Option<String>) {
        let Some((line, address)) = self.seats.get(&id).map(|seat| (seat.line.clone(), seat.address)) else { return };
        let Some(entry) = self.lines.get_mut(&line) else { return };
        let before = match target.clone() {
            Some(target) => entry.forward_all.insert(address, target),
            None => entry.forward_all.remove(&address),
        };
        if before != target {
            self.changed_lines.insert(line);
        }
    }

    fn set_message_waiting(&mut self, id: SeatId, on: bool) {
        let Some(line) = self.seats.get(&id).map(|seat| seat.line.clone()) else { return };
        if let Some(entry) = self.lines.get_mut(&line)
            && entry.message_waiting != Some(on)
        {
            entry.message_waiting = Some(on);
            self.changed_lines.insert(line);
        }
    }

    fn set_in_service(&mut self, id: SeatId, device: &SubjectDevice<'_>, in_service: bool) {
        let Some(seat) = self.seats.get(&id).filter(|seat| seat.address == 0) else { return };
        let is_other = device.id().is_some_and(|device| device.number != seat.number);
        let line = seat.line.clone();
        if is_other {
            return;
        }
        if let Some(entry) = self.lines.get_mut(&line) {
            let before = entry.service;
            entry.service.say(ServiceSource::Events, in_service);
            if entry.service != before {
                self.changed_lines.insert(line);
                self.status_changed();
            }
        }
        // What the phone was doing when it went is the PBX's to say.
        if self.seats.get(&id).is_some_and(|seat| seat.monitor.state == MonitorState::Active) {
            self.want_snapshot(id);
        }
    }
}
