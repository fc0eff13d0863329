//! What becomes of an instance after failures of our own.

use super::call::Phase;
use super::timers::Timer;
use super::{Bridge, LinkState, Now};
use crate::tapi::{dev_state, disconnect, err};

impl Bridge {
    /// After a failure of our own: requests end, and the next socket brings the whole state, against which everything
    /// is compared.
    pub fn recover(&mut self, now: Now) {
        self.give_up(|_, _| true);
        self.commands.clear();
        self.command_order.clear();
        self.position = None;
        for call in self.calls.values_mut() {
            call.is_dialing = false;
        }
        let unfinished: Vec<u32> =
            self.calls.values().filter(|call| call.phase == Phase::Tentative).map(|call| call.handle).collect();
        for handle in unfinished {
            if let Some(call) = self.calls.get_mut(&handle) {
                call.phase = Phase::Void;
            }
        }
        let announcing: Vec<u32> = self
            .calls
            .values()
            .filter(|call| matches!(call.phase, Phase::Announcing(_)))
            .map(|call| call.handle)
            .collect();
        for handle in announcing {
            // An offer that got lost on the way is made again.
            if let Some(call) = self.calls.get_mut(&handle) {
                call.is_offered = false;
            }
            self.set_timer(now.ms + 50, Timer::Announce(handle));
        }
    }

    /// After too many failures of our own: nothing here is trusted any more. Requests end, lines are out of service, calls
    /// are over, nothing is accepted and no frame is looked at, until TAPI starts the provider anew.
    ///
    /// What programs wait for comes first: when something on the way fails as well, that much was said.
    pub fn fail_for_good(&mut self, now: Now) {
        if std::mem::replace(&mut self.has_failed, true) {
            return;
        }
        self.link = LinkState::Down;
        self.position = None;
        self.frames.clear();
        self.timers.clear();
        self.commands.clear();
        self.command_order.clear();
        self.give_up(|_, _| true);
        for index in 0..self.lines.len() {
            self.line_state(index, dev_state::DISCONNECTED, 0, 0);
            self.service_state(index);
        }
        let calls: Vec<u32> = self.calls.keys().copied().collect();
        for handle in calls {
            if let Some(call) = self.calls.get_mut(&handle).filter(|call| call.phase == Phase::Tentative) {
                call.phase = Phase::Void;
            }
            self.end(handle, disconnect::TEMPFAILURE, now);
        }
        self.known.clear();
        self.refresh_all_counts();
    }

    /// Whether it failed for good.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Nobody would complete a request any more.
    ///
    /// # Errors
    /// OPERATIONFAILED after it failed for good.
    pub(super) fn is_alive(&self) -> Result<(), i32> {
        if self.has_failed { Err(err::OPERATIONFAILED) } else { Ok(()) }
    }
}
