//! The line doctor: what the router's records say about a line that is not monitored, and the call that mends it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::seat::Phase;
use super::task::LinkTask;
use crate::axl::dialect::ButtonKind;
use crate::domain::Fix;
use crate::domain::call_table::SeatId;

impl LinkTask {
    /// Whether a number stands on overlay buttons and on no other line button.
    pub(super) fn is_overlay(&self, number: &str) -> bool {
        let Some(inventory) = &self.discovery.inventory else { return false };
        if inventory.dialect.lines.include_overlay {
            return false;
        }
        let mut kinds = inventory.devices.iter().flat_map(|device| {
            let mine = device.appearances.iter().filter(|one| one.number == number);
            mine.map(|one| {
                let button = device.buttons.iter().find(|button| button.button == one.button);
                button.map_or(ButtonKind::Line, |button| inventory.dialect.button_kind(&button.mode))
            })
        });
        let mut is_any = false;
        let is_only = kinds.all(|kind| {
            is_any |= kind == ButtonKind::Overlay;
            kind != ButtonKind::Line
        });
        is_only && is_any
    }

    /// Whether the router, asked for all its SCCP phones, has none with this MAC.
    pub(super) fn is_foreign_phone(&self, device_id: Option<&str>) -> bool {
        let (Some(inventory), Some(mac)) = (&self.discovery.inventory, device_id) else { return false };
        inventory.unreadable.is_empty() && !inventory.devices.iter().any(|device| device.mac.as_deref() == Some(mac))
    }

    /// The call that would mend a failed monitor, where one exists.
    pub(super) fn fix_for(&self, id: SeatId, code: &str) -> Option<Fix> {
        if !self.has_axl() || self.report.unsupported.is_some() {
            return None;
        }
        let seat = self.seats.get(&id)?;
        let facts = self.service_facts(id);
        let nothing_works = !self.seats.values().any(|seat| seat.phase == Phase::Active);
        match code {
            "no_cti_watch" | "no_cti_notify" => Some(self.apply_fix(&["ephone_dn"], Some(seat.line.as_str()))),
            // The router does not show the flags: setting them again does no harm.
            "not_registered" if facts.notify.is_none() => {
                Some(self.apply_fix(&["ephone_dn"], Some(seat.line.as_str())))
            }
            "session_refused" | "monitor_refused" if facts.watch.is_none() => {
                Some(self.apply_fix(&["ephone_dn"], Some(seat.line.as_str())))
            }
            "session_server_unknown" => Some(self.apply_fix(&["session_server"], None)),
            // One line that is refused is no sign of it; all of them are.
            "no_answer" | "pbx_busy" | "pbx_disabled" | "cti_missing" | "session_refused" if nothing_works => {
                Some(self.apply_fix(&["voice_service_voip", "voice_register_global", "session_server"], None))
            }
            "unknown_number" => Some(self.fix("load-lines", BTreeMap::new())),
            _ => None,
        }
    }

    fn apply_fix(&self, blocks: &[&str], line: Option<&str>) -> Fix {
        let mut body = BTreeMap::from([("blocks".to_owned(), json!(blocks))]);
        if let Some(line) = line {
            body.insert("lines".to_owned(), json!([line]));
        }
        body.insert("save".to_owned(), Value::Bool(true));
        self.fix("csta-config/apply", body)
    }

    fn fix(&self, path: &str, body: BTreeMap<String, Value>) -> Fix {
        Fix { method: "POST".to_owned(), path: format!("/api/v1/pbxs/{}/{path}", self.pbx()), body }
    }
}
