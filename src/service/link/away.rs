//! While a router is not reached its lines say so: what was monitored is not, and nobody can dial from it.

use super::seat::Seat;
use super::task::LinkTask;
use crate::domain::{Monitor, MonitorState, PbxState, PbxStatus};

/// What lines show while the router is not reached.
#[derive(Debug)]
pub(super) struct Away {
    /// In the place of a monitor that was active, or waits for its turn. It stays as it is until the router is back: the
    /// attempts meanwhile are the PBX's, and no news of every line.
    monitor: Monitor,
    /// The XML API tells nothing either.
    is_blind: bool,
}

impl LinkTask {
    /// Takes over whether the router is reached, from a status that is about to be told. A connection that was closed while idle
    /// and is opened again is no such thing: the state of the PBX is another one then.
    pub(super) fn judge_reach(&mut self, status: &PbxStatus) {
        let is_away = self.is_out_of_reach(status.state);
        let is_blind = is_away && !self.discovery.is_up();
        if (is_away, is_blind) == (self.away.is_some(), self.away.as_ref().is_some_and(|away| away.is_blind)) {
            return;
        }
        self.away = match self.away.take() {
            _ if !is_away => None,
            Some(away) => Some(Away { is_blind, ..away }),
            None => Some(Away { monitor: self.unreachable(status), is_blind }),
        };
        self.changed_lines.extend(self.lines.keys().cloned());
    }

    /// Whether a state means that nothing of the router is heard over SIP.
    pub(super) fn is_out_of_reach(&self, state: PbxState) -> bool {
        // A release without CTI has a better reason for each line.
        let is_unheard = !self.net.is_connected() || self.listen_trouble.is_some();
        state == PbxState::Down && is_unheard && self.report.unsupported.is_none()
    }

    fn unreachable(&self, status: &PbxStatus) -> Monitor {
        let name = &self.row.settings.name;
        Monitor {
            code: Some("pbx_unreachable".to_owned()),
            reason: Some(format!("The router is not reached: {}", status.reason)),
            hint: Some(format!(
                "Look whether the router runs and its SIP port is open; `linegate doctor --pbx {name}` shows the step that fails. The \
                 line is monitored again by itself."
            )),
            ..Monitor::plain(MonitorState::Pending, status.since)
        }
    }

    /// Whether lines are out of reach.
    pub(super) fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Whether nobody tells which phones are registered.
    pub(super) fn is_blind(&self) -> bool {
        self.away.as_ref().is_some_and(|away| away.is_blind)
    }

    /// The monitor of a seat as readers see it.
    pub(super) fn shown_monitor(&self, seat: &Seat) -> Monitor {
        match (&self.away, seat.monitor.state) {
            (Some(away), MonitorState::Active | MonitorState::Pending) => away.monitor.clone(),
            _ => seat.monitor.clone(),
        }
    }
}
