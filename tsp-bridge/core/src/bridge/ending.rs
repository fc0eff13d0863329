//! How calls end for TAPI, and what becomes of those that it lets go of.

use super::call::{Phase, Role, disconnect_of};
use super::timers::Timer;
use super::{Act, Bridge, Command, Goal, Now};
use crate::model::GatewayCall;
use crate::tapi::{call_state, disconnect};

/// How long a merged call waits for the conference that it became part of.
const MERGE_MS: u64 = 3_000;

impl Bridge {
    /// The gateway says that a call is over.
    pub(super) fn call_ended(&mut self, view: GatewayCall, now: Now) {
        self.ended.push_back(view.id.clone());
        if self.ended.len() > super::ENDED_KEPT {
            self.ended.pop_front();
        }
        let line = self.by_gateway_id(&view.line_id);
        let known = self.by_call_id(&view.id);
        let Some(handle) = known.or_else(|| self.claim(&view, line?, now)) else { return };
        let cause = view.cause.clone().unwrap_or_default();
        let Some(call) = self.calls.get_mut(&handle) else { return };
        let was_told = call.phase == Phase::Told;
        call.view = Some(view);
        if cause == "merged" && was_told && call.role == Role::Plain {
            // It became part of a conference, which the other call will tell.
            call.is_merging = true;
            call.id = None;
            self.set_timer(now.ms + MERGE_MS, Timer::Merge(handle));
            if let Some(line) = line {
                self.form_conference(line, now);
            }
            return;
        }
        self.end(handle, disconnect_of(&cause), now);
    }

    /// A call is over: TAPI hears DISCONNECTED, then IDLE, and nothing after that.
    pub(super) fn end(&mut self, handle: u32, mode: u32, now: Now) {
        let Some(call) = self.calls.get(&handle) else { return };
        if call.is_over() {
            return;
        }
        let (line, is_disconnected) = (call.line, call.state == call_state::DISCONNECTED);
        let is_unheard = matches!(call.phase, Phase::Announcing(_)) && !call.is_offered;
        let members = self.members_of(handle);
        // Of a call that only cannot be vouched for any more nobody knows what became of it.
        if mode != disconnect::TEMPFAILURE {
            self.goal_is_reached(handle, now);
        }
        // While LINE_NEWCALL is in TAPI's hands its answer decides; else nobody has heard of the call.
        if is_unheard {
            self.calls.remove(&handle);
        } else {
            if !is_disconnected {
                self.set_state(handle, call_state::DISCONNECTED, mode, now);
                self.emit(handle);
            }
            self.set_state(handle, call_state::IDLE, 0, now);
            if let Some(call) = self.calls.get_mut(&handle) {
                call.is_merging = false;
            }
            self.emit(handle);
        }
        for member in members {
            self.end(member, mode, now);
        }
        let originals: Vec<u32> =
            self.calls.values().filter(|call| call.holds_for == Some(handle)).map(|call| call.handle).collect();
        for original in originals {
            self.review(original, now);
        }
        self.forget_closed();
        self.refresh_counts(line);
    }

    /// A call is about to be over, and TAPI hears it: what was to end it is done. The answer may come later, when programs
    /// have let go of the call, and would be too late for them.
    fn goal_is_reached(&mut self, handle: u32, now: Now) {
        let Some(call) = self.calls.get(&handle) else { return };
        let cause = call.view.as_ref().filter(|view| view.is_ended()).and_then(|view| view.cause.as_deref());
        let is_passed = matches!(cause, Some("transferred" | "redirected"));
        let is_about = |command: &Command| {
            let request = command.request.and_then(|request| self.requests.get(&request));
            request.is_some_and(|request| request.calls.contains(&handle))
        };
        let is_reached = |command: &Command| match command.act {
            Act::Ending(Goal::Gone) => true,
            Act::Ending(Goal::Passed) => is_passed,
            _ => false,
        };
        let reached: Vec<u64> = self
            .commands
            .iter()
            .filter(|(_, command)| is_reached(command) && is_about(command))
            .map(|(id, _)| *id)
            .collect();
        for id in reached {
            self.command_done(id, now);
        }
    }

    /// `TSPI_lineCloseCall`: what is asked for on it ends before it returns; gives the requests that the caller has to
    /// complete.
    ///
    /// # Errors
    /// INVALCALLHANDLE.
    pub fn close_call(&mut self, handle: u32) -> Result<Vec<(u32, i32)>, i32> {
        self.call(handle)?;
        // A call whose making was given up is real at the phone: when it appears, it is offered as a new one.
        let ended = self.abandon(|_, calls| calls.contains(&handle));
        self.let_go(handle);
        for other in self.calls.values_mut() {
            if other.holds_for == Some(handle) {
                other.holds_for = None;
            }
        }
        Ok(ended)
    }

    /// TAPI has no handle of the call any more. A conference goes on for its members: without it they would never hear
    /// who leaves, and that it is over.
    pub(super) fn let_go(&mut self, handle: u32) {
        if self.members_of(handle).is_empty() {
            let removed = self.calls.remove(&handle);
            self.dismiss(removed.and_then(|call| call.id).as_deref());
        } else if let Some(call) = self.calls.get_mut(&handle) {
            call.phase = Phase::Closed;
            call.ht = 0;
            self.parent_is_told(handle);
        }
        self.forget_closed();
    }

    /// Conferences that were kept for members which are not there any more.
    fn forget_closed(&mut self) {
        let closed = self.calls.values().filter(|call| call.phase == Phase::Closed).map(|call| call.handle);
        let childless: Vec<u32> = closed.filter(|handle| self.members_of(*handle).is_empty()).collect();
        for handle in childless {
            let removed = self.calls.remove(&handle);
            self.dismiss(removed.and_then(|call| call.id).as_deref());
        }
    }

    /// It is not offered again while the line stays open.
    pub(super) fn dismiss(&mut self, id: Option<&str>) {
        if let Some(known) = id.and_then(|id| self.known.get_mut(id)) {
            known.is_dismissed = true;
        }
    }
}
