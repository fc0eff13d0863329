//! The lines of a PBX as the link holds them: what is stored, their seats, and the object that readers see.

use std::collections::{BTreeMap, HashMap};

use super::faults::DnFacts;
use super::seat::{Phase, Seat};
use super::task::LinkTask;
use crate::domain::call_table::{self, SeatId, SeatSettings, TableSettings, Trust};
use crate::domain::{
    Activity, Address, Call, Forwarding, Line, LineId, LineKind, LineStatus, Monitor, MonitorState, NumberPlan,
    NumberRange, Timestamp,
};
use crate::service::journal::Actor;
use crate::service::pbx::{ButtonsMode, CallKey, LocalInfoTrust, MergePrefer, ServiceSource, SessionUser, SharedMode};
use crate::store::{LineRow, StoreError};

/// A line with what the link knows beside its row.
#[derive(Debug)]
pub(super) struct LineEntry {
    pub(super) row: LineRow,
    pub(super) seats: Vec<SeatId>,
    pub(super) do_not_disturb: bool,
    /// Where all calls of an address go, by its index.
    pub(super) forward_all: BTreeMap<u8, String>,
    pub(super) message_waiting: Option<bool>,
    /// Whether a registered phone carries it; `None` when nobody told.
    pub(super) service: ServiceWords,
    /// What readers see.
    pub(super) shown: Line,
}

/// What is said about whether a registered phone carries a line (U-28).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ServiceWords {
    /// By events of the PBX.
    events: Option<bool>,
    /// By the XML API.
    xml: Option<bool>,
    /// Polls in a row that contradicted the events.
    contradictions: u8,
    /// By the answer to GetLogicalDeviceInformation: whether there is a phone at all.
    has_phone: Option<bool>,
}

/// So many polls outweigh an event: the one that took it back is lost.
const CONTRADICTIONS: u8 = 2;

impl ServiceWords {
    pub(super) fn of_xml(xml: Option<bool>) -> Self {
        Self { xml, ..Self::default() }
    }

    pub(super) fn say(&mut self, source: ServiceSource, in_service: bool) {
        match source {
            ServiceSource::Events => {
                self.events = Some(in_service);
                self.contradictions = 0;
            }
            ServiceSource::Xml => {
                let is_news = self.xml.replace(in_service).is_some_and(|before| before != in_service);
                let contradicts = self.events.is_some_and(|events| events != in_service);
                self.contradictions = if contradicts { self.contradictions + 1 } else { 0 };
                if contradicts && (is_news || self.contradictions >= CONTRADICTIONS) {
                    self.events = None;
                    self.contradictions = 0;
                }
            }
        }
    }

    pub(super) fn has_phone(&mut self, has_phone: bool) {
        self.has_phone = Some(has_phone);
    }

    /// The word of the weightiest source that has spoken; `None` when nobody told.
    pub(super) fn verdict(self, sources: &[ServiceSource]) -> Option<bool> {
        let said = sources.iter().find_map(|source| match source {
            ServiceSource::Events => self.events,
            ServiceSource::Xml => self.xml,
        });
        // That there is a phone does not say that it is registered.
        said.or(self.has_phone.filter(|has_phone| !has_phone))
    }
}

/// A line as it is before its link has begun.
pub(in crate::service) fn first_line(row: &LineRow, at: Timestamp, numbers: &NumberPlan) -> Line {
    let buttons = std::iter::once(&row.number).chain(&row.body.buttons);
    Line {
        id: row.id.clone(),
        tapi_id: row.tapi_id,
        pbx_id: row.pbx_id.clone(),
        number: row.number.clone(),
        display_number: numbers.display(&row.number),
        name: row.body.name.clone(),
        has_own_name: row.body.has_own_name,
        device_id: row.device_id.clone(),
        kind: row.body.kind,
        source: row.body.source,
        enabled: row.body.enabled,
        addresses: buttons
            .zip(0_u8..)
            .map(|(number, index)| Address {
                index,
                number: number.clone(),
                remote_in_use: false,
                monitor: None,
                forwarding: Forwarding::default(),
            })
            .collect(),
        status: match row.body.in_service {
            Some(true) => LineStatus::InService,
            Some(false) => LineStatus::OutOfService,
            None => LineStatus::Unknown,
        },
        monitor: Monitor::plain(MonitorState::Off, at),
        activity: Activity::Unknown,
        active_calls: 0,
        allowed_actions: Vec::new(),
        do_not_disturb: false,
        forwarding: Forwarding::default(),
        message_waiting: None,
        labels: row.body.labels.clone(),
        missing_since: row.body.missing_since,
    }
}

impl LinkTask {
    /// Lines and calls that the store knows. Calls are confirmed by the first snapshot of their seat.
    pub(super) async fn restore(&mut self) -> Result<(), StoreError> {
        let rows = self.around.store.lines(self.pbx()).await?;
        self.configure_table();
        for row in rows {
            self.around.versions.set(row.id.as_str(), row.version);
            self.insert_line(row);
        }
        let view = self.around.journal.view();
        let calls: Vec<Call> = view
            .calls
            .values()
            .filter(|call| call.value.pbx_id == self.row.id)
            .map(|call| (*call.value).clone())
            .collect();
        let at = self.at();
        for call in calls {
            let seat = self.lines.get(&call.line_id).and_then(|entry| {
                entry
                    .seats
                    .iter()
                    .copied()
                    .find(|id| self.seats.get(id).is_some_and(|seat| seat.address == call.address))
            });
            match seat {
                Some(seat) => self.table.restore(at, seat, call),
                None => {
                    if let Some(change) = self.table.end_restored(at, call) {
                        self.outbox.call("call.ended", change.call, change.changed, None, Actor::Gateway);
                    }
                }
            }
        }
        self.name_numbers();
        // Whoever resumes learns what the restart changed.
        let lines: Vec<LineId> = self.lines.keys().cloned().collect();
        for id in lines {
            let line = self.line_object(&id);
            if let (Some(line), Some(entry)) = (line, self.lines.get_mut(&id)) {
                entry.shown = line.clone();
                let changed = vec!["addresses", "status", "monitor", "activity", "active_calls", "allowed_actions"];
                self.outbox.line("line.updated", line, changed, Actor::Gateway);
            }
        }
        Ok(())
    }

    pub(super) fn configure_table(&mut self) {
        let settings = &self.row.settings;
        self.table.configure(TableSettings {
            trust: match self.dialect.local_info.trust {
                LocalInfoTrust::Guarded => Trust::Guarded,
                LocalInfoTrust::Always => Trust::Always,
                LocalInfoTrust::Never => Trust::Never,
            },
            assume_own: self.dialect.shared.assume_own,
            shares_by_device: self.dialect.shared.mode != SharedMode::Bridged,
            joins_by_parties: self.dialect.call.key == CallKey::Callid,
            requires_originated: self.dialect.events.require_originated,
            keeps_secondary: self.dialect.merge.prefer == MergePrefer::Secondary,
            snapshot_interval: std::time::Duration::from_secs(u64::from(settings.options.snapshot_interval_s)),
            offered: self.offered(),
            internal: settings
                .internal_numbers
                .iter()
                .filter_map(|range| NumberRange::new(&range.from, &range.to))
                .collect(),
            may_reject: self.may_reject(),
        });
        self.use_numbers();
    }

    /// Adds a line with its seats; nothing is published.
    pub(super) fn insert_line(&mut self, row: LineRow) {
        let id = row.id.clone();
        let shown = first_line(&row, self.at().wall, self.table.plan());
        let service = ServiceWords::of_xml(row.body.in_service);
        self.lines.insert(
            id.clone(),
            LineEntry {
                row,
                seats: Vec::new(),
                do_not_disturb: false,
                forward_all: BTreeMap::new(),
                message_waiting: None,
                service,
                shown,
            },
        );
        self.arrange_seats(&id);
    }

    /// The phone that a line's session names.
    fn session_mac(&self, row: &LineRow) -> Option<String> {
        match row.body.kind {
            LineKind::Static => row.device_id.clone(),
            LineKind::ExtensionMobility if self.dialect.em.session_user == SessionUser::NumberMac => {
                row.body.host_mac.clone()
            }
            LineKind::ExtensionMobility => None,
        }
    }

    /// Makes the seats of a line what its row says: new ones are opened, those that are gone are closed.
    pub(super) fn arrange_seats(&mut self, line: &LineId) {
        let wall = self.at().wall;
        let at = self.at();
        let Some(entry) = self.lines.get(line) else { return };
        let mac = self.session_mac(&entry.row);
        let mut numbers = vec![entry.row.number.clone()];
        if self.dialect.buttons.mode == ButtonsMode::DialogPerDn {
            numbers.extend(entry.row.body.buttons.iter().cloned());
        }
        let is_wanted = entry.row.body.enabled && entry.row.body.missing_since.is_none();
        let phone = match entry.row.body.kind {
            LineKind::Static => entry.row.device_id.clone(),
            LineKind::ExtensionMobility => entry.row.body.host_mac.clone(),
        };
        let old = std::mem::take(&mut self.lines.get_mut(line).map(|entry| entry.seats.clone()).unwrap_or_default());
        let mut seats = Vec::new();
        for (number, address) in numbers.iter().zip(0_u8..) {
            let known = old.iter().copied().find(|id| {
                self.seats.get(id).is_some_and(|seat| {
                    let is_same_phone = seat.mac == mac || (seat.needs_phone && seat.mac == phone);
                    seat.address == address && seat.number == *number && is_same_phone && seat.phase != Phase::Closing
                })
            });
            let id = known.unwrap_or_else(|| {
                self.next_seat += 1;
                let id = SeatId(self.next_seat);
                let config = self.exchange_config();
                self.seats.insert(id, Seat::new(line.clone(), address, number.clone(), mac.clone(), config, wall));
                id
            });
            let settings =
                SeatSettings { line: line.clone(), address, numbers: self.own_numbers(number), mac: phone.clone() };
            self.table.place(id, settings);
            seats.push(id);
        }
        // What is known of a number's forwarding says nothing about another number in its place.
        let stays = |address: u8| {
            let is_it =
                |seat: &Seat| seat.address == address && numbers.get(usize::from(address)) == Some(&seat.number);
            old.iter().any(|id| self.seats.get(id).is_some_and(is_it))
        };
        let staying: Vec<u8> = (0_u8..).take(numbers.len()).filter(|address| stays(*address)).collect();
        if let Some(entry) = self.lines.get_mut(line) {
            entry.forward_all.retain(|address, _| staying.contains(address));
        }
        for id in old.iter().filter(|id| !seats.contains(id)) {
            self.table.remove(at, *id);
            self.close_seat(*id);
        }
        if let Some(entry) = self.lines.get_mut(line) {
            entry.seats.clone_from(&seats);
        }
        self.changed_lines.insert(line.clone());
        let is_running = self.endpoint.is_some() || self.row.settings.enabled;
        for id in seats {
            let Some(phase) = self.seats.get(&id).map(|seat| seat.phase) else { continue };
            match (is_wanted && is_running, phase) {
                (true, Phase::Off) => self.enqueue(id),
                (false, Phase::Off) => {}
                (false, _) => {
                    self.close_seat(id);
                    if let Some(seat) = self.seats.get_mut(&id) {
                        seat.monitor = Monitor::plain(MonitorState::Off, wall);
                    }
                }
                (true, _) => {}
            }
        }
    }

    /// The forms in which the PBX may write a number of ours (dossier 9.1, 9.2).
    fn own_numbers(&self, number: &str) -> Vec<String> {
        let mut numbers = vec![number.to_owned()];
        if let Some(inventory) = &self.discovery.inventory {
            for extension in inventory.extensions_with(number) {
                numbers.extend(extension.second_number.clone().filter(|second| !second.is_empty()));
            }
            numbers.extend(super::inventory::expansions(inventory, number));
        }
        numbers.dedup();
        numbers
    }

    /// The names of the PBX's numbers, for the parties of calls, and how many calls each can have.
    pub(super) fn name_numbers(&mut self) {
        let channels = self.discovery.inventory.as_ref().map(super::abilities::channels).unwrap_or_default();
        if channels != self.channels {
            self.channels = channels;
            self.changed_lines.extend(self.lines.keys().cloned());
        }
        let mut names: HashMap<String, String> = HashMap::new();
        if let Some(inventory) = &self.discovery.inventory {
            for extension in &inventory.extensions {
                let name = inventory.extension_name(extension);
                for full in super::inventory::expansions(inventory, &extension.number) {
                    names.insert(full, name.clone());
                }
                names.insert(extension.number.clone(), name);
            }
        }
        for entry in self.lines.values() {
            for number in &entry.row.body.buttons {
                names.entry(number.clone()).or_default();
            }
            if !entry.row.body.name.is_empty() || !names.contains_key(&entry.row.number) {
                names.insert(entry.row.number.clone(), entry.row.body.name.clone());
            }
        }
        names.retain(|number, _| !number.is_empty());
        self.table.name_numbers(names);
    }

    /// The object of a line as it is now.
    pub(super) fn line_object(&self, id: &LineId) -> Option<Line> {
        let entry = self.lines.get(id)?;
        let mut line = first_line(&entry.row, self.at().wall, self.table.plan());
        let is_active = |seat: &Seat| seat.monitor.state == MonitorState::Active && !self.is_away();
        let is_monitored = |seat: Option<&Seat>| seat.is_some_and(is_active);
        for (address, seat) in line.addresses.iter_mut().zip(&entry.seats) {
            if let Some(seat) = self.seats.get(seat) {
                address.remote_in_use = seat.remote_in_use;
                address.monitor = Some(self.shown_monitor(seat));
            }
        }
        let first = entry.seats.first().and_then(|id| self.seats.get(id));
        if let Some(seat) = first {
            line.monitor = self.shown_monitor(seat);
        }
        let (activity, active_calls) = Line::activity_of(self.table.calls_of_line(id));
        line.active_calls = active_calls;
        line.activity = if is_monitored(first) || active_calls > 0 { activity } else { Activity::Unknown };
        let told = entry.service.verdict(&self.dialect.service_state.sources);
        line.status = match told.filter(|_| !self.is_blind()) {
            Some(true) => LineStatus::InService,
            Some(false) => LineStatus::OutOfService,
            // Nobody tells; a running monitor says that the PBX has the line up.
            None if is_monitored(first) => LineStatus::InService,
            None => LineStatus::Unknown,
        };
        line.allowed_actions = self.line_actions(entry);
        line.do_not_disturb = entry.do_not_disturb;
        let forwarding = |index: u8| Forwarding { unconditional: entry.forward_all.get(&index).cloned() };
        for address in &mut line.addresses {
            address.forwarding = forwarding(address.index);
        }
        line.forwarding = forwarding(0);
        line.message_waiting = entry.message_waiting;
        if self.is_away() {
            line.allowed_actions.clear();
        }
        Some(line)
    }

    /// Publishes the lines whose object differs from what readers see.
    pub(super) fn tell_changed_lines(&mut self) {
        let now = self.now();
        for id in std::mem::take(&mut self.changed_lines) {
            let Some(line) = self.line_object(&id) else { continue };
            let Some(entry) = self.lines.get_mut(&id) else { continue };
            let changed = line.changes(&entry.shown);
            if changed.is_empty() {
                continue;
            }
            if line.status != entry.shown.status {
                self.report.is_due = false;
            }
            entry.shown = line.clone();
            match self.features.cause_of(now, &line, &changed) {
                Some(by) => {
                    let actor = Actor::Token(by.actor);
                    self.outbox.line_by("line.updated", line, changed, actor, Some(by.command));
                }
                None => self.outbox.line("line.updated", line, changed, Actor::Gateway),
            }
            if !self.report.is_due {
                self.status_changed();
            }
        }
    }

    /// Tells of everything that came of the call table so far.
    pub(super) fn tell_calls(&mut self) {
        while let Some(output) = self.table.poll() {
            self.on_table_output(output);
        }
    }

    /// What came of the call table.
    pub(super) fn on_table_output(&mut self, output: call_table::Output) {
        use call_table::Output;
        match output {
            Output::Created(change) => self.on_call_change("call.created", *change),
            Output::Updated(change) => self.on_call_change("call.updated", *change),
            Output::Ended(change) => self.on_call_change("call.ended", *change),
            Output::WantSnapshot { seat } => self.want_snapshot(seat),
            Output::RemoteInUse { seat, in_use } => {
                if self.dialect.shared.mode == SharedMode::Hide {
                    return;
                }
                if let Some(seat) = self.seats.get_mut(&seat) {
                    seat.remote_in_use = in_use;
                    self.changed_lines.insert(seat.line.clone());
                }
            }
        }
    }

    fn on_call_change(&mut self, event: &'static str, change: call_table::Change) {
        let actor = match change.actor {
            call_table::Actor::Phone => Actor::Phone,
            call_table::Actor::Gateway => Actor::Gateway,
            call_table::Actor::Token(name) => Actor::Token(name.into()),
        };
        self.changed_lines.insert(change.call.line_id.clone());
        // What a command does at another end confirms nothing here.
        let (call, command) = (change.call.clone(), change.command.clone().filter(|_| !change.is_echo));
        self.outbox.call(event, change.call, change.changed, change.command, actor);
        self.judge_call(&call, command.as_ref());
    }

    /// What the XML API tells about the dn of a seat.
    pub(super) fn service_facts(&self, id: SeatId) -> DnFacts {
        let Some(seat) = self.seats.get(&id) else { return DnFacts::default() };
        let Some(entry) = self.lines.get(&seat.line) else { return DnFacts::default() };
        let body = &entry.row.body;
        // A line that was entered by hand has no record of its own; its number has.
        let (watch, notify) = match self.button_flags(&seat.number) {
            (watch, notify) if seat.address == 0 => (body.cti_watch.or(watch), body.cti_notify.or(notify)),
            flags => flags,
        };
        DnFacts {
            watch,
            notify,
            registered: entry.service.verdict(&self.dialect.service_state.sources),
            has_no_cti: self.report.unsupported.is_some(),
            is_mobility: body.kind == LineKind::ExtensionMobility,
            is_overlay: self.is_overlay(&seat.number),
            is_foreign_phone: self.is_foreign_phone(entry.row.device_id.as_deref()),
            is_unknown_server: self.registrar.is_unknown,
        }
    }

    fn button_flags(&self, number: &str) -> (Option<bool>, Option<bool>) {
        let Some(inventory) = &self.discovery.inventory else { return (None, None) };
        let extensions = inventory.extensions_with(number);
        let Some(extension) = extensions.first() else { return (None, None) };
        (inventory.cti_watch(extension), inventory.cti_notify(extension))
    }

    /// Whether the router's own configuration explains why a seat has no session.
    pub(super) fn is_explained(&self, id: SeatId) -> bool {
        self.service_facts(id).explanation().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{ServiceSource as Source, ServiceWords};

    const EVENTS_FIRST: [Source; 2] = [Source::Events, Source::Xml];

    #[test]
    fn the_weightier_source_is_believed_until_it_is_contradicted_twice_or_out_of_date() {
        let mut words = ServiceWords::of_xml(Some(true));
        words.say(Source::Events, false);
        assert_eq!(words.verdict(&EVENTS_FIRST), Some(false));
        assert_eq!(words.verdict(&[Source::Xml, Source::Events]), Some(true));
        words.say(Source::Xml, true);
        assert_eq!(words.verdict(&EVENTS_FIRST), Some(false));
        words.say(Source::Xml, true);
        assert_eq!(words.verdict(&EVENTS_FIRST), Some(true));
        words.say(Source::Events, true);
        words.say(Source::Xml, false);
        assert_eq!(words.verdict(&EVENTS_FIRST), Some(false));
    }

    #[test]
    fn a_source_that_is_not_heard_says_nothing() {
        let mut words = ServiceWords::default();
        words.say(Source::Events, true);
        assert_eq!(words.verdict(&[Source::Xml]), None);
        words.has_phone(false);
        assert_eq!(words.verdict(&[Source::Xml]), Some(false));
        assert_eq!(words.verdict(&EVENTS_FIRST), Some(true));
    }
}
