//! Whether the PBX is seen: what happens there is told only while its lines are watched over a living connection. The
//! times between are kept, because silence in them proves nothing.

use super::task::LinkTask;
use crate::domain::{BlindCause, PbxState, Timestamp};
use crate::store::SightRow;

/// The gateway itself did not run.
pub(in crate::service) fn lost_by_gateway(pbx_id: &str, at: Timestamp) -> SightRow {
    SightRow::Lost {
        pbx_id: pbx_id.to_owned(),
        at: at.unix_ms(),
        cause: BlindCause::GatewayDown.as_str(),
        reason: "The gateway was not running.".to_owned(),
    }
}

impl LinkTask {
    /// Looks once a turn; what changed is written with the turn's events.
    pub(super) fn look(&mut self) {
        // A gateway that stops has its own way to be told: the next run says since when it was away.
        if self.is_done || self.shutdown.is_some() {
            return;
        }
        let is_seen = self.is_seen();
        if self.is_in_sight == Some(is_seen) {
            return;
        }
        self.is_in_sight = Some(is_seen);
        let (pbx_id, at) = (self.row.id.as_str().to_owned(), self.at().wall.unix_ms());
        self.outbox.sight(if is_seen {
            SightRow::Seen { pbx_id, at }
        } else {
            let (cause, reason) = self.why_blind();
            SightRow::Lost { pbx_id, at, cause, reason }
        });
    }

    /// The PBX is gone for good: nothing of it is missed from here on.
    pub(super) fn look_away(&mut self) {
        let (pbx_id, at) = (self.row.id.as_str().to_owned(), self.at().wall.unix_ms());
        self.outbox.sight(SightRow::Seen { pbx_id, at });
    }

    fn is_seen(&self) -> bool {
        let status = &self.report.status;
        let works = self.row.settings.enabled
            && self.net.is_connected()
            && matches!(status.state, PbxState::Up | PbxState::Degraded);
        // After a break it is seen again once every line is watched, or says why it cannot be. A single line that loses its
        // monitor later says so itself.
        let is_settled = status.lines.monitored + status.lines.failed >= status.lines.total;
        works && (is_settled || self.is_in_sight == Some(true))
    }

    fn why_blind(&self) -> (&'static str, String) {
        let status = &self.report.status;
        if !self.row.settings.enabled {
            return (BlindCause::PbxDisabled.as_str(), "It is switched off.".to_owned());
        }
        let reason = match (self.net.is_connected(), status.state) {
            (false, PbxState::Up | PbxState::Degraded) => "The connection to the router is lost.".to_owned(),
            _ if status.reason.is_empty() => "It is starting.".to_owned(),
            _ => status.reason.clone(),
        };
        (BlindCause::LinkDown.as_str(), reason)
    }
}
