//! What a line can do now: exact as far as the PBX tells, so that nothing is offered that it would refuse for reasons of
//! state, and nothing that is not offered goes to it.

use std::collections::HashMap;

use super::lines::LineEntry;
use super::seat::Seat;
use super::task::LinkTask;
use crate::axl::Inventory;
use crate::csta::{Fault, FaultValue, Service, SystemResourceError};
use crate::domain::call_table::SeatId;
use crate::domain::{Call, LineAction, MonitorState};
use crate::service::error::{Code, ServiceError};
use crate::service::pbx::ServiceSource;

/// How many calls each number can have at once, as far as the XML API tells (dossier 9.4).
pub(super) fn channels(inventory: &Inventory) -> HashMap<String, usize> {
    let mut channels: HashMap<String, Option<usize>> = HashMap::new();
    for extension in &inventory.extensions {
        let mode = extension.line_mode.as_deref().unwrap_or_default().to_ascii_uppercase();
        let own = match mode.as_str() {
            mode if mode.contains("OCTO") => Some(8),
            mode if mode.contains("DUAL") => Some(2),
            mode if mode.contains("SINGLE") => Some(1),
            _ => None,
        };
        // Several ephone-dns with one number: which of them a phone has is not told here.
        channels.entry(extension.number.clone()).and_modify(|known| *known = None).or_insert(own);
    }
    channels.into_iter().filter_map(|(number, own)| Some((number, own?))).collect()
}

impl LinkTask {
    /// What is offered for a line: by its first button, as its monitor is.
    pub(super) fn line_actions(&self, entry: &LineEntry) -> Vec<LineAction> {
        let first = entry.seats.first().and_then(|id| Some((*id, self.seats.get(id)?)));
        let Some((id, seat)) = first.filter(|(_, seat)| seat.monitor.state == MonitorState::Active) else {
            return Vec::new();
        };
        let has_phone = self.without_phone(entry).is_none();
        [
            (LineAction::Dial, Service::MakeCall, self.cannot_dial(entry, id, seat).is_none()),
            // It belongs to the number, and the router keeps it without a phone.
            (LineAction::Forward, Service::SetForwarding, true),
            (LineAction::DoNotDisturb, Service::SetDoNotDisturb, has_phone),
        ]
        .into_iter()
        .filter(|(_, service, is_possible)| *is_possible && self.report.may_use(*service))
        .map(|(action, _, _)| action)
        .collect()
    }

    /// Why a phone is missing, if it is.
    pub(super) fn without_phone(&self, entry: &LineEntry) -> Option<ServiceError> {
        let in_service = entry.service.verdict(&self.dialect.service_state.sources);
        (in_service == Some(false)).then(|| {
            ServiceError::new(Code::NotAllowedNow, "No registered phone carries this line.")
                .with_hint("Connect the phone, or log in at one; `status` of the line says when it is there.")
        })
    }

    /// Why nothing can be dialled at an address now, if so.
    pub(super) fn cannot_dial(&self, entry: &LineEntry, id: SeatId, seat: &Seat) -> Option<ServiceError> {
        let not_now = |why: &str, hint: &str| Some(ServiceError::new(Code::NotAllowedNow, why).with_hint(hint));
        if let Some(error) = self.without_phone(entry) {
            return Some(error);
        }
        let living = |call: &&Call| !self.table.is_ending(&call.id);
        // A phone speaks in one call, and one that rings at its far end can be neither held nor left.
        if self.table.calls_of_line(&seat.line).filter(living).any(Call::is_reaching_out) {
            return not_now(
                "A call of this line still rings at its far end.",
                "Wait for the answer, or hang up that call first.",
            );
        }
        let channels = self.channels.get(&seat.number).copied()?;
        if channels <= 2 && seat.remote_in_use {
            return not_now(
                "The number is in use at another phone.",
                "Wait until `remote_in_use` of the address is false.",
            );
        }
        if self.table.calls_at(id).filter(living).count() >= channels {
            return not_now(
                "The number has as many calls as it can have.",
                "End one of the calls of this line first, or make the ephone-dn a dual-line or octo-line.",
            );
        }
        None
    }

    /// The PBX says of a phone that it is out of service: what it refused shows it before an event does (U-28).
    pub(super) fn hear_out_of_service(&mut self, seat: SeatId, fault: &Fault) {
        use SystemResourceError as E;
        let is_own = matches!(
            fault.value,
            FaultValue::SystemResource(E::CallingDeviceOutOfService | E::ActiveDeviceOutOfService)
        );
        let Some(line) = self.seats.get(&seat).filter(|seat| is_own && seat.address == 0).map(|seat| seat.line.clone())
        else {
            return;
        };
        if let Some(entry) = self.lines.get_mut(&line) {
            entry.service.say(ServiceSource::Events, false);
            self.changed_lines.insert(line);
            self.status_changed();
        }
    }
}
