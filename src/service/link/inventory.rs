//! From the router's inventory to lines: what is new, what changed, what vanished (dossier `axl-cme` 9).

use std::collections::{HashMap, HashSet};

use super::faults::Refused;
use super::net::sentence;
use super::seat::Phase;
use super::services::Purpose;
use super::sessions::redacted;
use super::task::LinkTask;
use crate::axl::Inventory;
use crate::axl::inventory::{Change, LineKind as AxlKind, LineOptions, LineRecord};
use crate::axl::record::{Device, UserProfile};
use crate::csta::Request;
use crate::domain::call_table::SeatId;
use crate::domain::{LineId, LineKind, LineSource, MonitorState, RandomIds};
use crate::service::gateway::{LineChange, LineDiff};
use crate::service::journal::Actor;
use crate::service::pbx::{OnMove, ServiceSource};
use crate::store::{LineBody, LineRow, StoreError};

/// What identifies a line at the router: its number and its phone or user.
type LineKey = (String, Option<String>);

fn key_of(record: &LineRecord) -> LineKey {
    (record.number.clone(), record.device_id.clone())
}

/// The wanted state of one line.
struct Wish {
    row: LineRow,
    /// Fields that differ; empty for a new line.
    fields: Vec<&'static str>,
    is_new: bool,
}

impl LinkTask {
    /// What a load would change.
    pub(super) fn compare(&self, inventory: &Inventory) -> LineDiff {
        let (wishes, unchanged, vanished) = self.wishes(inventory);
        diff(&wishes, unchanged, &vanished.iter().map(|row| change_of(row, true, &[])).collect::<Vec<_>>(), false)
    }

    /// Makes the lines what the router says; all or nothing.
    pub(super) async fn apply(&mut self, inventory: Inventory) -> Result<LineDiff, StoreError> {
        let wall = self.at().wall;
        let (wishes, unchanged, vanished) = self.wishes(&inventory);
        let removed: Vec<LineChange> = vanished.iter().map(|row| change_of(row, true, &[])).collect();
        let mut rows: Vec<LineRow> = wishes.iter().map(|wish| wish.row.clone()).collect();
        rows.extend(vanished.into_iter().map(|mut row| {
            row.body.missing_since = Some(wall);
            row.version += 1;
            row
        }));
        // Two lines that exchange their numbers would meet in between: those that get another one leave theirs first.
        let leaving = wishes.iter().filter(|wish| !wish.is_new && wish.fields.contains(&"number"));
        let mut written: Vec<LineRow> =
            leaving.map(|wish| LineRow { number: format!("~{}", wish.row.id), ..wish.row.clone() }).collect();
        let parked = written.len();
        written.append(&mut rows);
        if !written.is_empty() {
            self.around.store.write_lines(&mut written).await?;
        }
        let rows = written.split_off(parked);
        let answer = diff(&wishes, unchanged, &removed, true);
        self.discovery.inventory = Some(inventory);
        let new: HashSet<LineId> = wishes.iter().filter(|wish| wish.is_new).map(|wish| wish.row.id.clone()).collect();
        for row in rows {
            let id = row.id.clone();
            self.around.versions.set(id.as_str(), row.version);
            if new.contains(&id) {
                self.insert_line(row);
                if let (Some(line), Some(entry)) = (self.line_object(&id), self.lines.get_mut(&id)) {
                    entry.shown = line.clone();
                    self.outbox.line("line.created", line, Vec::new(), Actor::Gateway);
                }
            } else if let Some(entry) = self.lines.get_mut(&id) {
                let has_moved = entry.row.body.host_mac != row.body.host_mac;
                entry.row = row;
                self.arrange_seats(&id);
                if has_moved {
                    self.line_moved(&id);
                }
            }
        }
        self.name_numbers();
        self.take_states();
        Ok(answer)
    }

    /// What the lines should become, how many stay, and which the router no longer has.
    fn wishes(&self, inventory: &Inventory) -> (Vec<Wish>, usize, Vec<LineRow>) {
        let options = &self.row.settings.options;
        let records = inventory.lines(LineOptions {
            read_line_names: options.read_line_names,
            read_line_buttons: options.read_line_buttons,
        });
        for notice in &records.notices {
            tracing::info!(link.name = %self.row.settings.name, "{}", sentence(notice));
        }
        let mut wishes = Vec::new();
        let mut unchanged = 0;
        let mut seen: HashSet<LineId> = HashSet::new();
        let mut unmatched = Vec::new();
        let known = self.known_lines();
        let by_user = self.lines_of_users(&records.lines, &known);
        let mut keys: HashSet<LineKey> = HashSet::new();
        for (index, record) in records.lines.iter().enumerate() {
            // The same number and phone twice: the first counts.
            if !keys.insert(key_of(record)) {
                continue;
            }
            let of_number = || known.get(&key_of(record)).filter(|id| !by_user.values().any(|taken| taken == *id));
            match by_user.get(&index).or_else(of_number).cloned() {
                Some(id) => {
                    seen.insert(id.clone());
                    self.wish(&id, record, &mut wishes, &mut unchanged);
                }
                None => unmatched.push(record),
            }
        }
        for record in unmatched {
            // The first button of a phone, or a mobility user, got another number: the line stays what it is.
            let is_same = |row: &LineRow| match &record.device_id {
                Some(device) => row.device_id.as_ref() == Some(device),
                None => row.device_id.is_none() && record.user.is_some() && row.body.user == record.user,
            };
            let mut same = self.lines.iter().filter(|(id, entry)| {
                entry.row.body.source == LineSource::Pbx && is_same(&entry.row) && !seen.contains(*id)
            });
            let first = same.next().map(|(id, _)| id.clone());
            let renumbered = first.filter(|_| same.next().is_none());
            match renumbered {
                Some(id) => {
                    seen.insert(id.clone());
                    self.wish(&id, record, &mut wishes, &mut unchanged);
                }
                None => wishes.push(Wish { row: self.new_row(record), fields: Vec::new(), is_new: true }),
            }
        }
        let partly = !inventory.unreadable.is_empty();
        let vanished = self
            .lines
            .iter()
            .filter(|(id, entry)| {
                !seen.contains(*id)
                    && entry.row.body.source == LineSource::Pbx
                    && entry.row.body.missing_since.is_none()
                    // What the router lists and does not give may be just these lines.
                    && !partly
            })
            .map(|(_, entry)| entry.row.clone())
            .collect();
        (wishes, unchanged, vanished)
    }

    /// The lines of mobility users that are known, by the index of their record: a line is its user's, whatever number the
    /// router gives it now. Where that number belongs to a line that stays, the number says which line it is.
    fn lines_of_users(&self, records: &[LineRecord], known: &HashMap<LineKey, LineId>) -> HashMap<usize, LineId> {
        let users = records.iter().enumerate().filter(|(_, record)| record.device_id.is_none());
        let mut found: HashMap<usize, LineId> = HashMap::new();
        for (index, record) in users {
            let Some(user) = record.user.as_ref() else { continue };
            let is_theirs = |row: &LineRow| {
                row.body.source == LineSource::Pbx && row.device_id.is_none() && row.body.user.as_ref() == Some(user)
            };
            let mut lines = self.lines.iter().filter(|(_, entry)| is_theirs(&entry.row)).map(|(id, _)| id);
            let (first, second) = (lines.next(), lines.next());
            if let (Some(id), None) = (first, second)
                && !found.values().any(|taken| taken == id)
            {
                found.insert(index, id.clone());
            }
        }
        loop {
            let in_the_way = |index: &usize| {
                let record = records.get(*index)?;
                let holder = known.get(&key_of(record))?;
                (!found.values().any(|taken| taken == holder)).then_some(*index)
            };
            let Some(index) = found.keys().find_map(in_the_way) else { return found };
            found.remove(&index);
        }
    }

    /// The name that the router gave a line at the last look.
    pub(super) fn name_at_router(&self, row: &LineRow) -> Option<String> {
        let options = &self.row.settings.options;
        let inventory = self.discovery.inventory.as_ref().filter(|_| options.read_line_names)?;
        let records = inventory.lines(LineOptions {
            read_line_names: options.read_line_names,
            read_line_buttons: options.read_line_buttons,
        });
        let is_it = |record: &LineRecord| record.number == row.number && record.device_id == row.device_id;
        records.lines.into_iter().find(is_it).map(|record| record.name)
    }

    /// The lines by what identifies them at the router.
    fn known_lines(&self) -> HashMap<LineKey, LineId> {
        self.lines
            .iter()
            .map(|(id, entry)| ((entry.row.number.clone(), entry.row.device_id.clone()), id.clone()))
            .collect()
    }

    fn wish(&self, id: &LineId, record: &LineRecord, wishes: &mut Vec<Wish>, unchanged: &mut usize) {
        let Some(entry) = self.lines.get(id) else { return };
        let mut row = entry.row.clone();
        let options = &self.row.settings.options;
        let mut fields = Vec::new();
        if row.number != record.number {
            row.number.clone_from(&record.number);
            fields.push("number");
        }
        // A line that a person entered before the router gave it: from here on it follows the router. Without a phone it
        // stays the person's, for a router need not list the users of extension mobility.
        if row.body.source != LineSource::Pbx && row.device_id.is_some() {
            row.body.source = LineSource::Pbx;
            fields.push("source");
            row.body.has_own_name = !row.body.name.is_empty() && row.body.name != record.name;
            if row.body.has_own_name {
                fields.push("has_own_name");
            }
        }
        let is_ours = row.body.source == LineSource::Pbx;
        if is_ours && options.read_line_names && !row.body.has_own_name && row.body.name != record.name {
            row.body.name.clone_from(&record.name);
            fields.push("name");
        }
        if is_ours && options.read_line_buttons && row.body.buttons != record.buttons {
            row.body.buttons.clone_from(&record.buttons);
            fields.push("addresses");
        }
        if row.body.missing_since.take().is_some() {
            fields.push("missing_since");
        }
        let silent = facts(&mut row.body, record);
        if fields.is_empty() {
            *unchanged += 1;
            if !silent {
                return;
            }
        }
        row.version += i64::from(!fields.is_empty());
        wishes.push(Wish { row, fields, is_new: false });
    }

    fn new_row(&self, record: &LineRecord) -> LineRow {
        let mut body = LineBody {
            name: record.name.clone(),
            kind: match record.kind {
                AxlKind::Static => LineKind::Static,
                AxlKind::ExtensionMobility => LineKind::ExtensionMobility,
            },
            source: LineSource::Pbx,
            enabled: true,
            has_own_name: false,
            buttons: record.buttons.clone(),
            labels: Default::default(),
            missing_since: None,
            in_service: None,
            cti_watch: None,
            cti_notify: None,
            host_mac: None,
            user: None,
        };
        facts(&mut body, record);
        LineRow {
            id: LineId::new(&mut RandomIds),
            tapi_id: 0,
            pbx_id: self.row.id.clone(),
            number: record.number.clone(),
            device_id: record.device_id.clone(),
            body,
            version: 1,
        }
    }

    /// Registrations and moves as a poll found them.
    pub(super) async fn polled(&mut self, devices: Vec<Device>, profiles: Vec<UserProfile>) {
        self.states_are_read(&devices);
        let Some(mut inventory) = self.discovery.inventory.take() else { return };
        // A phone with somebody unknown keeps its old record until a load says who that is.
        let (strange, devices): (Vec<_>, Vec<_>) =
            devices.into_iter().partition(|device| inventory.has_new_user(device));
        if !strange.is_empty() {
            self.discovery.wants_load();
        }
        let mut most = Change::None;
        for change in devices
            .into_iter()
            .map(|device| inventory.update_device(device))
            .collect::<Vec<_>>()
            .into_iter()
            .chain(profiles.into_iter().map(|profile| inventory.update_user_profile(profile)).collect::<Vec<_>>())
        {
            most = match (most, change) {
                (Change::Lines, _) | (_, Change::Lines) => Change::Lines,
                (Change::State, _) | (_, Change::State) => Change::State,
                (Change::Reregistered, _) | (_, Change::Reregistered) => Change::Reregistered,
                _ => Change::None,
            };
        }
        match most {
            Change::None => {
                self.discovery.inventory = Some(inventory);
                self.take_states();
            }
            _ => {
                // Buttons of a phone change with a mobility login too: the records are complete, so they count.
                if let Err(error) = self.apply(inventory.clone()).await {
                    tracing::error!(link.name = %self.row.settings.name, %error, "polled lines cannot be stored");
                    self.discovery.inventory = Some(inventory);
                }
            }
        }
    }

    /// Takes over who is registered where, and reacts to what changed.
    fn take_states(&mut self) {
        let Some(inventory) = &self.discovery.inventory else { return };
        let options = &self.row.settings.options;
        let records = inventory
            .lines(LineOptions {
                read_line_names: options.read_line_names,
                read_line_buttons: options.read_line_buttons,
            })
            .lines;
        let known = self.known_lines();
        for record in records {
            let Some(id) = known.get(&key_of(&record)).cloned() else { continue };
            let Some(entry) = self.lines.get_mut(&id) else { continue };
            let before = entry.service;
            entry.service.say(ServiceSource::Xml, record.in_service);
            let sources = &self.dialect.service_state.sources;
            let came = before.verdict(sources) != Some(true) && entry.service.verdict(sources) == Some(true);
            if entry.service != before {
                self.changed_lines.insert(id.clone());
            }
            if let Some(dnd) = record.host.as_ref().and_then(|host| host.do_not_disturb)
                && let Some(entry) = self.lines.get_mut(&id)
                && entry
                    .seats
                    .first()
                    .and_then(|seat| self.seats.get(seat))
                    .is_none_or(|seat| seat.phase != Phase::Active)
            {
                entry.do_not_disturb = dnd;
            }
            if came {
                self.line_came(&id);
            }
            self.explain(&id);
        }
        self.status_changed();
    }

    /// A phone of the line registered: what failed without one may work now.
    fn line_came(&mut self, id: &LineId) {
        let seats = self.lines.get(id).map(|entry| entry.seats.clone()).unwrap_or_default();
        for seat in seats {
            match self.seats.get(&seat).map(|seat| seat.phase) {
                Some(Phase::Waiting) => self.enqueue(seat),
                Some(Phase::Active) => self.want_snapshot(seat),
                _ => {}
            }
        }
    }

    /// A failed monitor gets the better reason that the router's configuration gives.
    fn explain(&mut self, id: &LineId) {
        let seats = self.lines.get(id).map(|entry| entry.seats.clone()).unwrap_or_default();
        for seat in seats {
            let is_failed = self.seats.get(&seat).is_some_and(|seat| seat.monitor.state == MonitorState::Failed);
            if !is_failed {
                continue;
            }
            let Some(Refused { code, reason, hint }) = self.service_facts(seat).explanation() else { continue };
            let fix = self.fix_for(seat, code);
            if let Some(known) = self.seats.get_mut(&seat)
                && known.monitor.code.as_deref() != Some(code)
            {
                tracing::info!(
                    link.name = %self.row.settings.name, line.number = %redacted(&known.number), code,
                    "a line is not monitored: {reason}"
                );
                known.monitor.code = Some(code.to_owned());
                known.monitor.reason = Some(reason);
                known.monitor.hint = Some(hint);
                known.monitor.fix = fix;
                self.changed_lines.insert(id.clone());
            }
        }
    }

    /// A mobility user came, went or moved to another phone (U-27).
    fn line_moved(&mut self, id: &LineId) {
        let seats = self.lines.get(id).map(|entry| entry.seats.clone()).unwrap_or_default();
        for seat in seats {
            match self.dialect.em.on_move {
                OnMove::RestartMonitor => self.restart_monitor(seat),
                OnMove::Reinvite => self.close_seat(seat),
            }
        }
    }

    /// Starts a monitor anew on the same session.
    fn restart_monitor(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get_mut(&id).filter(|seat| seat.phase == Phase::Active) else { return };
        let Some(xref) = seat.xref.take() else { return };
        seat.phase = Phase::Opening;
        // The answer is of no interest: the new monitor's is.
        self.submit(id, Request::MonitorStop { monitor_cross_ref_id: xref }, Purpose::OldMonitor);
        self.ask_monitor(id);
    }
}

/// Facts that are stored without being a change of the line.
fn facts(body: &mut LineBody, record: &LineRecord) -> bool {
    let host = record.host.as_ref().and_then(|host| host.device_id.clone());
    let host = host.filter(|_| record.kind == AxlKind::ExtensionMobility);
    let new = (Some(record.in_service), record.cti_watch, record.cti_notify, host, record.user.clone());
    let old = (body.in_service, body.cti_watch, body.cti_notify, body.host_mac.clone(), body.user.clone());
    if new == old {
        return false;
    }
    (body.in_service, body.cti_watch, body.cti_notify, body.host_mac, body.user) = new;
    true
}

fn change_of(row: &LineRow, exists: bool, fields: &[&'static str]) -> LineChange {
    LineChange {
        line_id: exists.then(|| row.id.to_string()),
        number: row.number.clone(),
        name: row.body.name.clone(),
        device_id: row.device_id.clone(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
    }
}

fn diff(wishes: &[Wish], unchanged: usize, removed: &[LineChange], is_applied: bool) -> LineDiff {
    let mut diff = LineDiff { unchanged, removed: removed.to_vec(), ..LineDiff::default() };
    for wish in wishes {
        if wish.is_new {
            diff.added.push(change_of(&wish.row, is_applied, &[]));
        } else if !wish.fields.is_empty() {
            diff.changed.push(change_of(&wish.row, true, &wish.fields));
        }
    }
    diff
}

/// The expanded forms of a short number by the router's dial plan (dossier `csta-sip-cme` 9.2).
pub(super) fn expansions(inventory: &Inventory, number: &str) -> Vec<String> {
    let patterns = inventory.global.iter().flat_map(|global| &global.dialplan_patterns);
    patterns
        .filter_map(|pattern| {
            let length = usize::from(pattern.extension_length?);
            if number.len() != length {
                return None;
            }
            if let Some(short) = &pattern.extension_pattern {
                let fits = short.len() == number.len()
                    && short.bytes().zip(number.bytes()).all(|(wanted, digit)| wanted == b'.' || wanted == digit);
                if !fits {
                    return None;
                }
            }
            let head = pattern.pattern.trim_start_matches('+');
            let keep = head.len().checked_sub(length)?;
            let fixed = head.get(..keep)?;
            (!fixed.contains('.')).then(|| format!("{fixed}{number}"))
        })
        .collect()
}
