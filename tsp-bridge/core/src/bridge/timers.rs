//! What happens when time passes.

use super::{Act, Bridge, LinkState, Now};
use crate::tapi::{disconnect, err};

/// Something that is due. Each is checked again when its time comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A command has no answer.
    Command(u64),
    /// A command whose first sending is still being carried out is asked about again.
    Again(u64),
    /// TAPI is asked again to take a new call.
    Announce(u32),
    /// A line has been open long enough for the calls that were there before.
    Ready(u32),
    /// A merged call of which no conference came.
    Merge(u32),
    /// The link has been away so long that calls cannot be vouched for.
    Grace,
    /// A line that goes was asked to be closed.
    Removal(usize),
    /// The first calls have waited long enough for the link.
    LinkWait,
}

impl Bridge {
    /// When [`Bridge::tick`] is wanted next.
    pub fn deadline(&self) -> Option<u64> {
        self.timers.first().map(|(at, _)| *at)
    }

    pub(super) fn set_timer(&mut self, at: u64, timer: Timer) {
        if !self.has_failed {
            self.timers.insert((at, timer));
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Now) {
        while let Some((at, timer)) = self.timers.first().copied() {
            if at > now.ms {
                return;
            }
            self.timers.remove(&(at, timer));
            match timer {
                Timer::Command(id) => self.command_timed_out(id, now),
                Timer::Again(id) => self.send_again(id),
                Timer::Announce(handle) => self.announce(handle),
                Timer::Ready(handle) => self.line_is_ready(handle, now),
                Timer::Merge(handle) => self.merge_came_to_nothing(handle, now),
                Timer::Grace => self.grace_is_over(now),
                Timer::Removal(index) => self.remove_device(index),
                Timer::LinkWait => self.link_wait_is_over(now),
            }
        }
    }

    fn command_timed_out(&mut self, id: u64, now: Now) {
        if !self.commands.contains_key(&id) {
            return;
        }
        let result = if self.link == LinkState::Up { err::OPERATIONFAILED } else { err::RESOURCEUNAVAIL };
        self.command_failed(id, result, now);
    }

    fn link_wait_is_over(&mut self, now: Now) {
        if self.link != LinkState::Starting {
            return;
        }
        self.link = LinkState::Down;
        let waiting: Vec<u64> =
            self.command_order.iter().copied().filter(|id| self.commands.get(id).is_some_and(|c| !c.is_sent)).collect();
        for id in waiting {
            self.command_failed(id, err::RESOURCEUNAVAIL, now);
        }
    }

    fn merge_came_to_nothing(&mut self, handle: u32, now: Now) {
        if self.calls.get(&handle).is_some_and(|call| call.is_merging) {
            self.end(handle, disconnect::NORMAL, now);
        }
    }

    fn grace_is_over(&mut self, now: Now) {
        if self.link == LinkState::Up {
            return;
        }
        let handles: Vec<u32> = self.calls.values().filter(|call| call.id.is_some()).map(|call| call.handle).collect();
        for handle in handles {
            self.end(handle, disconnect::TEMPFAILURE, now);
        }
        // Members of a conference have no call of their own.
        let rest: Vec<u32> = self.calls.values().filter(|call| !call.is_over()).map(|call| call.handle).collect();
        for handle in rest {
            if !self.is_wanted(handle) {
                self.end(handle, disconnect::TEMPFAILURE, now);
            }
        }
        // What goes on after this is only known from the whole state.
        self.known.clear();
        self.position = None;
        self.refresh_all_counts();
    }

    /// Whether a command still decides what becomes of the call.
    pub(super) fn is_wanted(&self, handle: u32) -> bool {
        self.commands.values().any(|command| match command.act {
            Act::MakeCall { call } => call == handle,
            Act::Consult { consult, .. } => consult == handle,
            Act::Conference { parent } => parent == handle,
            _ => false,
        })
    }
}
