//! Idle lines are looked at too, one after the other: the first event of a call may have been lost, and nothing else
//! would tell of it.

use std::collections::VecDeque;
use std::time::Duration;

use super::seat::Phase;
use super::task::LinkTask;
use super::timers::Timer;
use crate::domain::call_table::SeatId;
use crate::service::pbx::SnapshotMethod;

/// Every idle line has its turn once in so many snapshot intervals; lines with calls have theirs by themselves.
const ROUND: u32 = 5;
/// The shortest pause between two turns, whatever the number of lines.
const PAUSE: Duration = Duration::from_millis(50);

/// The lines of this round that still wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    waiting: VecDeque<SeatId>,
    pause: Duration,
}

impl LinkTask {
    /// Begins with the first round.
    pub(super) fn start_sweep(&mut self) {
        self.timers.set(Timer::Sweep, Some(self.now() + self.sweep_round()));
    }

    fn sweep_round(&self) -> Duration {
        Duration::from_secs(u64::from(self.row.settings.options.snapshot_interval_s)) * ROUND
    }

    /// The next idle line has its turn.
    pub(super) fn sweep(&mut self) {
        if self.sweep.waiting.is_empty() {
            let round = self.sweep_round();
            self.sweep.waiting = self.seats.keys().copied().collect();
            let lines = u32::try_from(self.sweep.waiting.len().max(1)).unwrap_or(u32::MAX);
            self.sweep.pause = (round / lines).max(PAUSE);
        }
        // Only this method knows of calls that nobody has told of.
        let is_useful = self.net.is_connected() && self.snapshot_method() == SnapshotMethod::Device;
        while let Some(id) = self.sweep.waiting.pop_front() {
            let is_idle =
                self.seats.get(&id).is_some_and(|seat| seat.phase == Phase::Active) && !self.table.has_calls(id);
            if is_idle && is_useful {
                self.want_snapshot(id);
                break;
            }
        }
        self.timers.set(Timer::Sweep, Some(self.now() + self.sweep.pause));
    }
}
