//! What the link knows beside the router's records.

use std::collections::BTreeSet;

use super::super::registrar::State;
use super::super::seat::Phase;
use super::super::task::LinkTask;
use crate::axl::assistant::Evidence;

impl LinkTask {
    /// What is monitored, registered and wanted now; what was applied before comes from the journal.
    pub(super) fn evidence(&self) -> Evidence {
        let numbers = |is_enabled: bool| -> BTreeSet<String> {
            let rows = self.lines.values().map(|entry| &entry.row).filter(|row| row.body.enabled == is_enabled);
            rows.flat_map(|row| std::iter::once(&row.number).chain(&row.body.buttons)).cloned().collect()
        };
        let wanted = numbers(true);
        let unwanted = numbers(false).difference(&wanted).cloned().collect();
        let active = self.seats.values().filter(|seat| seat.phase == Phase::Active);
        let monitored: BTreeSet<String> = active.map(|seat| seat.number.clone()).collect();
        Evidence {
            cti_works: !monitored.is_empty(),
            monitored,
            is_registered: self.registrar.state == State::Registered,
            wanted,
            unwanted,
            ..Evidence::default()
        }
    }
}
