//! Snapshots: the PBX's own word on which calls there are (section 10 rules 3 and 6).

use super::seat::Phase;
use super::services::{Purpose, answer};
use super::task::LinkTask;
use super::translate;
use crate::csta::exchange::{Doubt, Outcome, Refusal};
use crate::csta::{FaultValue, OperationError, OwnIndex, Request, Service};
use crate::domain::call_table::SeatId;
use crate::service::pbx::{self, SnapshotMethod};

impl LinkTask {
    /// Asks for the calls of a seat; one question at a time.
    pub(super) fn want_snapshot(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        if seat.phase != Phase::Active {
            return;
        }
        if seat.is_snapshot_out {
            seat.is_snapshot_wanted = true;
            return;
        }
        if self.dialect.snapshot.method == SnapshotMethod::Off || !self.report.may_use(Service::SnapshotDevice) {
            return self.without_snapshot(id);
        }
        seat.is_snapshot_out = true;
        let Some(seat) = self.seats.get(&id) else { return };
        let device = self.device_of(seat);
        self.submit(id, Request::SnapshotDevice { device }, Purpose::Snapshot);
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
                let own = match self.dialect.snapshot.own_index {
                    pbx::OwnIndex::First => OwnIndex::First,
                    pbx::OwnIndex::Last => OwnIndex::Last,
                };
                if let Some(answer) = answer(outcome).filter(|answer| answer.is_complete()) {
                    let calls: Vec<_> =
                        answer.device_calls().iter().map(|info| translate::snapshot_call(info, own)).collect();
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
                } else {
                    tracing::debug!(link.name = %self.row.settings.name, fault = fault.as_str(), "a snapshot is refused");
                }
            }
            _ => {}
        }
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
