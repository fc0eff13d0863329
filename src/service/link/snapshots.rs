//! Snapshots: the PBX's own word on which calls there are (section 10 rules 3 and 6).

use super::seat::{CallsAsked, Phase};
use super::services::{Purpose, answer};
use super::task::LinkTask;
use super::timers::Timer;
use super::translate;
use crate::axl::record::Device;
use crate::csta::exchange::{Doubt, Outcome, Refusal};
use crate::csta::{self, FaultValue, OperationError, Request, Service};
use crate::domain::call_table::SeatId;
use crate::service::pbx::SnapshotMethod;

/// In the order in which one stands in for the one before it.
const METHODS: [SnapshotMethod; 4] =
    [SnapshotMethod::Device, SnapshotMethod::Call, SnapshotMethod::Xml, SnapshotMethod::Off];

impl LinkTask {
    /// Asks for the calls of a seat; one question at a time.
    pub(super) fn want_snapshot(&mut self, id: SeatId) {
        let method = self.snapshot_method();
        let Some(seat) = self.seats.get_mut(&id) else { return };
        if seat.phase != Phase::Active {
            return;
        }
        if seat.is_snapshot_out {
            seat.is_snapshot_wanted = true;
            return;
        }
        seat.is_snapshot_out = method != SnapshotMethod::Off;
        match method {
            SnapshotMethod::Off => self.without_snapshot(id),
            SnapshotMethod::Device => {
                let Some(seat) = self.seats.get(&id) else { return };
                let device = self.device_of(seat);
                self.submit(id, Request::SnapshotDevice { device }, Purpose::Snapshot);
            }
            SnapshotMethod::Call => self.ask_call_by_call(id),
            SnapshotMethod::Xml => {
                seat.awaits_states = true;
                self.read_states();
            }
        }
    }

    /// The method of the dialect, and after it the next one that this PBX offers (dossier 15a, "Validate calls").
    pub(super) fn snapshot_method(&self) -> SnapshotMethod {
        let wanted = self.dialect.snapshot.method;
        METHODS
            .into_iter()
            .skip_while(|method| *method != wanted)
            .find(|method| match method {
                SnapshotMethod::Device => self.report.may_use(Service::SnapshotDevice),
                SnapshotMethod::Call => self.report.may_use(Service::SnapshotCall),
                SnapshotMethod::Xml => self.has_axl(),
                SnapshotMethod::Off => true,
            })
            .unwrap_or(SnapshotMethod::Off)
    }

    fn ask_call_by_call(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get(&id) else { return };
        let calls: Vec<(String, csta::Connection<'static>)> = self
            .table
            .calls_at(id)
            .filter_map(|call| Some((call.pbx_call_id.clone()?, self.connection(seat, call))))
            .collect();
        if calls.is_empty() {
            // What is not known cannot be asked for: the session's life is all that can be proved.
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.is_snapshot_out = false;
            }
            return self.without_snapshot(id);
        }
        let asked = CallsAsked { left: calls.len(), found: Vec::new(), is_unsure: false };
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.calls_asked = Some(asked);
        }
        for (pbx_call, call) in calls {
            self.submit(id, Request::SnapshotCall { call }, Purpose::SnapshotCall(pbx_call));
        }
    }

    /// The PBX told of one call.
    pub(super) fn on_call_snapshot_done(&mut self, id: SeatId, pbx_call: &str, outcome: &Outcome) {
        let at = self.at();
        self.learn_refusal(Service::SnapshotCall, outcome);
        let own = self.seats.get(&id).map(|seat| (seat.number.clone(), seat.mac.clone()));
        let Some((number, mac)) = own else { return };
        let seen = match outcome {
            Outcome::Response(answer) if answer.is_complete() => {
                Ok(translate::call_snapshot(pbx_call, &answer.call_devices(), &number, mac.as_deref()))
            }
            Outcome::Refused(Refusal::Fault(fault)) if says_gone(&fault.value) => Ok(None),
            _ => Err(()),
        };
        let Some(asked) = self.seats.get_mut(&id).and_then(|seat| seat.calls_asked.as_mut()) else { return };
        match seen {
            Ok(call) => asked.found.extend(call),
            Err(()) => asked.is_unsure = true,
        }
        asked.left -= 1;
        if asked.left > 0 {
            return;
        }
        let Some(seat) = self.seats.get_mut(&id) else { return };
        seat.is_snapshot_out = false;
        if let Some(asked) = seat.calls_asked.take().filter(|asked| !asked.is_unsure) {
            self.table.snapshot(at, id, &asked.found);
        }
        if matches!(outcome, Outcome::Unknown(Doubt::NoAnswer | Doubt::EmptyAnswer)) {
            self.session_is_dead(id);
        }
        self.snapshot_done(id);
    }

    /// Has the XML API read now.
    fn read_states(&mut self) {
        self.timers.set(Timer::Discovery, Some(self.now()));
    }

    /// The XML API told in which state the lines of the phones are: idle, or in use.
    pub(super) fn states_are_read(&mut self, devices: &[Device]) {
        let at = self.at();
        for id in self.seats_awaiting_states() {
            let Some(seat) = self.seats.get_mut(&id) else { continue };
            seat.awaits_states = false;
            seat.is_snapshot_out = false;
            let entry = self.lines.get(&seat.line);
            let mac = seat.mac.clone().or_else(|| entry.and_then(|entry| entry.row.body.host_mac.clone()));
            let state = devices
                .iter()
                .find(|device| device.mac.is_some() && device.mac == mac)
                .and_then(|device| device.appearances.iter().find(|appearance| appearance.number == seat.number))
                .and_then(|appearance| appearance.state.as_deref());
            match state {
                Some(state) if state.eq_ignore_ascii_case("idle") => self.table.snapshot(at, id, &[]),
                Some(_) => self.table.in_use(at, id),
                None => {}
            }
            self.snapshot_done(id);
        }
    }

    /// The XML API could not be read: nothing may be concluded.
    pub(super) fn states_are_not_read(&mut self) {
        for id in self.seats_awaiting_states() {
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.awaits_states = false;
                seat.is_snapshot_out = false;
            }
            self.without_snapshot(id);
        }
    }

    fn seats_awaiting_states(&self) -> Vec<SeatId> {
        self.seats.iter().filter(|(_, seat)| seat.awaits_states).map(|(id, _)| *id).collect()
    }

    /// No snapshot is to be had: the session's life is all that can be proved.
    fn without_snapshot(&mut self, id: SeatId) {
        self.submit(id, Request::RequestSystemStatus, Purpose::Status);
        self.snapshot_over(id);
    }

    pub(super) fn on_snapshot_done(&mut self, id: SeatId, outcome: &Outcome) {
        let at = self.at();
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.is_snapshot_out = false;
        }
        match outcome {
            Outcome::Response(_) => {
                if let Some(answer) = answer(outcome).filter(|answer| answer.is_complete()) {
                    let told = answer.device_calls();
                    for info in &told {
                        self.learn_index(id, info);
                    }
                    let own = self.own_index();
                    let calls: Vec<_> = told.iter().map(|info| translate::snapshot_call(info, own)).collect();
                    self.table.snapshot(at, id, &calls);
                }
            }
            Outcome::Unknown(Doubt::NoAnswer | Doubt::EmptyAnswer) => self.session_is_dead(id),
            // Another connection may be there already; without one the next one asks.
            Outcome::Unknown(Doubt::LinkLost) if self.net.is_connected() => {
                if let Some(seat) = self.seats.get_mut(&id) {
                    seat.is_snapshot_wanted = true;
                }
            }
            Outcome::Refused(Refusal::Fault(fault)) => {
                if matches!(&fault.value, FaultValue::Operation(OperationError::ServiceNotSupported)) {
                    self.learn_refusal(Service::SnapshotDevice, outcome);
                    // The next method tells what this one does not.
                    if let Some(seat) = self.seats.get_mut(&id) {
                        seat.is_snapshot_wanted = true;
                    }
                } else {
                    tracing::debug!(link.name = %self.row.settings.name, fault = fault.as_str(), "a snapshot is refused");
                }
            }
            _ => {}
        }
        self.snapshot_done(id);
    }

    fn snapshot_done(&mut self, id: SeatId) {
        self.snapshot_over(id);
        let again = self.seats.get_mut(&id).is_some_and(|seat| std::mem::take(&mut seat.is_snapshot_wanted));
        if again {
            self.want_snapshot(id);
        }
    }

    fn snapshot_over(&mut self, id: SeatId) {
        if let Some(seat) = self.seats.get_mut(&id)
            && std::mem::take(&mut seat.in_resync)
        {
            self.resync.answered();
        }
        // What the snapshot changed is told before what it says about commands.
        self.tell_calls();
        self.judge(id);
    }

    /// Every monitored seat is looked at anew, those with calls first.
    pub(super) fn resync_all(&mut self) {
        let mut seats: Vec<(bool, SeatId)> = self
            .seats
            .iter()
            .filter(|(_, seat)| seat.phase == Phase::Active)
            .map(|(id, _)| (!self.table.has_calls(*id), *id))
            .collect();
        seats.sort_unstable();
        for (_, id) in seats {
            self.resync.ask(id);
        }
    }

    /// Takes the snapshots whose turn it is.
    pub(super) fn resync_due_seats(&mut self) {
        while self.net.is_connected()
            && let Some(id) = self.resync.turn(self.now())
        {
            match self.seats.get_mut(&id).filter(|seat| seat.phase == Phase::Active) {
                Some(seat) => {
                    seat.in_resync = true;
                    self.want_snapshot(id);
                }
                None => self.resync.answered(),
            }
        }
    }
}

/// Whether a fault says that there is no such call.
fn says_gone(value: &FaultValue) -> bool {
    matches!(
        value,
        FaultValue::Operation(OperationError::InvalidCallId | OperationError::InvalidConnectionId)
            | FaultValue::State(_)
    )
}
