//! Lines that a person enters, changes and deletes; and a line's own retry.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use super::Reply;
use super::etag;
use super::seat::Phase;
use super::task::LinkTask;
use crate::domain::line_list::ListedLine;
use crate::domain::{LineId, LineKind, LineSource, Monitor, MonitorState, PbxId, RandomIds};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::{Caller, NewLine, Outcome, Written};
use crate::service::journal::{Actor, Known};
use crate::service::line_form::{self, Forms, mac, name, wrong};
use crate::store::{LineBody, LineRow, StoreError};

/// JSON and version of something written.
pub(super) type Edited = Result<(Bytes, Option<i64>), ServiceError>;

impl LinkTask {
    /// Answers when the turn's changes are written.
    pub(super) fn answer_written(&mut self, reply: Reply<Written>, outcome: Edited) {
        match outcome {
            Err(error) => {
                let _ = reply.send(Err(error));
            }
            Ok((json, version)) => self.outbox.after(move |position| {
                let answer: Outcome<Written> = match position {
                    Some(position) => Ok(Written { json, etag: version.map(etag), position }),
                    None => Err(ServiceError::new(Code::ShuttingDown, "The gateway is stopping.")),
                };
                let _ = reply.send(answer);
            }),
        }
    }

    /// A line that a person wrote, with its numbers as extensions.
    pub(super) fn in_stored_form(&self, line: &ListedLine) -> Result<ListedLine, ServiceError> {
        self.with_forms(|forms| forms.listed(line))
    }

    pub(super) fn with_forms<T>(&self, read: impl FnOnce(&Forms<'_>) -> T) -> T {
        let of_router = |number: &str| {
            let inventory = self.discovery.inventory.as_ref();
            inventory.is_some_and(|inventory| !inventory.extensions_with(number).is_empty())
        };
        let is_known = |number: &str| {
            let has = |row: &LineRow| row.number == number || row.body.buttons.iter().any(|one| one == number);
            self.lines.values().any(|entry| has(&entry.row)) || of_router(number)
        };
        read(&Forms { plan: self.table.plan(), is_known: &is_known })
    }

    fn shown_json(&self, id: &LineId) -> Edited {
        let entry = self.lines.get(id).ok_or_else(|| ServiceError::not_found("line"))?;
        Ok((Known::line(entry.shown.clone()).json, Some(entry.row.version)))
    }

    /// Adds a line by hand.
    pub(super) async fn create_line(&mut self, new: NewLine, caller: &Caller) -> Edited {
        let written = ListedLine {
            number: new.number,
            device_id: new.device_id,
            name: new.name.unwrap_or_default(),
            buttons: new.buttons,
        };
        let wanted = self.in_stored_form(&written)?;
        if let Some(entry) = self
            .lines
            .values()
            .find(|entry| entry.row.number == wanted.number && entry.row.device_id == wanted.device_id)
        {
            return Err(exists(&entry.row.id));
        }
        let mut rows = vec![by_hand(self.pbx(), wanted, LineSource::Manual)];
        self.around.store.write_lines(&mut rows).await.map_err(storage)?;
        let Some(row) = rows.pop() else { return Err(ServiceError::not_found("line")) };
        let id = row.id.clone();
        self.add_row(row, Actor::Token(caller.name.as_str().into()));
        self.name_numbers();
        self.status_changed();
        self.shown_json(&id)
    }

    /// Begins with a line that was stored, and tells of it.
    pub(super) fn add_row(&mut self, row: LineRow, actor: Actor) {
        let id = row.id.clone();
        self.around.versions.set(id.as_str(), row.version);
        self.insert_line(row);
        self.changed_lines.remove(&id);
        if let Some(line) = self.line_object(&id) {
            if let Some(entry) = self.lines.get_mut(&id) {
                entry.shown = line.clone();
            }
            self.outbox.line("line.created", line, Vec::new(), actor);
        }
    }

    /// Goes on with a line whose row was stored anew, and tells what changed.
    pub(super) fn take_row(&mut self, row: LineRow, actor: Actor) {
        let id = row.id.clone();
        self.around.versions.set(id.as_str(), row.version);
        let Some(entry) = self.lines.get_mut(&id) else { return };
        let switched_off = entry.row.body.enabled && !row.body.enabled;
        entry.row = row;
        if switched_off {
            self.end_calls_of(&id);
        }
        self.arrange_seats(&id);
        self.changed_lines.remove(&id);
        if let Some(line) = self.line_object(&id)
            && let Some(entry) = self.lines.get_mut(&id)
        {
            let changed = line.changes(&entry.shown);
            entry.shown = line.clone();
            self.outbox.line("line.updated", line, changed, actor);
        }
    }

    /// Changes a line by a merge patch (RFC 7396) of `name`, `enabled`, `labels`, and of a manual line its identity.
    pub(super) async fn update_line(
        &mut self,
        id: &LineId,
        caller: &Caller,
        patch: Value,
        if_match: Option<&str>,
    ) -> Edited {
        let entry = self.lines.get(id).ok_or_else(|| ServiceError::not_found("line"))?;
        if if_match.is_some_and(|wanted| wanted != etag(entry.row.version)) {
            return Err(changed_meanwhile());
        }
        let Value::Object(patch) = patch else {
            return Err(ServiceError::new(
                Code::InvalidValue,
                "The body must be a JSON object with the fields to change.",
            ));
        };
        let mut row = entry.row.clone();
        let is_manual = row.body.source != LineSource::Pbx;
        for (key, value) in patch {
            let pointer = format!("/{key}");
            match (key.as_str(), value) {
                ("name", Value::String(text)) => {
                    row.body.name = name(&text)?;
                    row.body.has_own_name = !is_manual;
                }
                // It is the router's again, as it is there or from the next load on.
                ("name", Value::Null) => {
                    row.body.name = self.name_at_router(&row).unwrap_or_default();
                    row.body.has_own_name = false;
                }
                ("enabled", Value::Bool(enabled)) => row.body.enabled = enabled,
                ("labels", Value::Null) => row.body.labels.clear(),
                ("labels", Value::Object(labels)) => merge_labels(&mut row.body.labels, labels)?,
                ("number", Value::String(text)) if is_manual => {
                    row.number = self.with_forms(|forms| forms.extension(&text, &pointer))?
                }
                ("device_id", Value::String(text)) if is_manual => row.device_id = Some(mac(&text, &pointer)?),
                ("device_id", Value::Null) if is_manual => row.device_id = None,
                ("buttons", Value::Array(list)) if is_manual => {
                    let numbers: Option<Vec<String>> =
                        list.into_iter().map(|item| item.as_str().map(str::to_owned)).collect();
                    let numbers = numbers.ok_or_else(|| wrong(&pointer, "A list of numbers as texts."))?;
                    row.body.buttons = self.with_forms(|forms| forms.buttons(&numbers))?;
                }
                ("number" | "device_id" | "buttons", _) if !is_manual => {
                    return Err(ServiceError::new(
                        Code::Conflict,
                        format!("`{key}` of this line comes from the PBX and cannot be changed here."),
                    )
                    .with_hint("Change it on the router and load the lines again.")
                    .with_field(pointer, "It comes from the PBX."));
                }
                ("name" | "enabled" | "labels" | "number" | "device_id" | "buttons", _) => {
                    return Err(wrong(&pointer, "The value has the wrong type."));
                }
                _ => {
                    return Err(ServiceError::new(Code::UnknownField, format!("There is no field `{key}` to change."))
                        .with_hint("Fields that can be changed: name, enabled, labels; of manual lines also number, device_id, buttons.")
                        .with_field(pointer, "There is no such field."));
                }
            }
        }
        if let Some(other) = self.lines.values().find(|other| {
            other.row.id != row.id && other.row.number == row.number && other.row.device_id == row.device_id
        }) {
            return Err(exists(&other.row.id));
        }
        if row.number != entry.row.number || row.body.buttons != entry.row.body.buttons {
            self.with_forms(|forms| forms.each_once(&row.number, &row.body.buttons))?;
        }
        if is_manual {
            row.body.kind = if row.device_id.is_some() { LineKind::Static } else { LineKind::ExtensionMobility };
        }
        let before = entry.row.clone();
        if row == before {
            return self.shown_json(id);
        }
        row.version += 1;
        let mut rows = vec![row];
        self.around.store.write_lines(&mut rows).await.map_err(storage)?;
        let Some(row) = rows.pop() else { return Err(ServiceError::not_found("line")) };
        self.take_row(row, Actor::Token(caller.name.as_str().into()));
        self.name_numbers();
        self.status_changed();
        self.shown_json(id)
    }

    /// A line that is not watched any more: what its calls do is not known from here on.
    fn end_calls_of(&mut self, id: &LineId) {
        let at = self.at();
        let seats = self.lines.get(id).map(|entry| entry.seats.clone()).unwrap_or_default();
        for seat in seats {
            self.table.remove(at, seat);
        }
        self.tell_calls();
    }

    /// Deletes a line that a person entered.
    pub(super) async fn delete_line(&mut self, id: &LineId, caller: &Caller) -> Outcome<()> {
        let entry = self.lines.get(id).ok_or_else(|| ServiceError::not_found("line"))?;
        if entry.row.body.source == LineSource::Pbx && entry.row.body.missing_since.is_none() {
            return Err(ServiceError::new(Code::Conflict, "This line comes from the PBX and cannot be deleted.")
                .with_hint("Disable it with PATCH {\"enabled\": false}, or remove it on the router."));
        }
        self.around.store.delete_line(id).await.map_err(storage)?;
        self.drop_line(id, Actor::Token(caller.name.as_str().into()));
        self.status_changed();
        Ok(())
    }

    /// Takes a line out of the link and tells that it is gone.
    pub(super) fn drop_line(&mut self, id: &LineId, actor: Actor) {
        self.end_calls_of(id);
        let Some(entry) = self.lines.remove(id) else { return };
        for seat in entry.seats {
            self.close_seat(seat);
        }
        self.changed_lines.remove(id);
        self.around.versions.forget(id.as_str());
        self.outbox.line("line.deleted", entry.shown, Vec::new(), actor);
    }

    /// Retries failed monitors now and mends the view of the calls.
    pub(super) fn refresh(&mut self, id: &LineId, reply: Reply<Written>) {
        let Some(seats) = self.lines.get(id).map(|entry| entry.seats.clone()) else {
            let _ = reply.send(Err(ServiceError::not_found("line")));
            return;
        };
        for seat in seats {
            match self.seats.get(&seat).map(|seat| (seat.phase, seat.xref.is_some())) {
                Some((Phase::Waiting, _)) => self.enqueue(seat),
                Some((Phase::Active, true)) => self.want_snapshot(seat),
                Some((Phase::Opening, _)) => self.ask_monitor(seat),
                _ => {}
            }
        }
        self.tell_changed_lines();
        let outcome = self.shown_json(id);
        self.answer_written(reply, outcome);
    }

    /// Shows a line as switched off.
    pub(super) fn switch_off(&mut self, id: &LineId) {
        let wall = self.at().wall;
        self.end_calls_of(id);
        let seats = self.lines.get(id).map(|entry| entry.seats.clone()).unwrap_or_default();
        for seat in seats {
            if let Some(seat) = self.seats.get_mut(&seat) {
                seat.monitor = Monitor::plain(MonitorState::Off, wall);
                seat.phase = Phase::Off;
                seat.xref = None;
            }
        }
        self.changed_lines.insert(id.clone());
    }
}

/// The row of a line that a person entered or listed.
pub(super) fn by_hand(pbx: &PbxId, line: ListedLine, source: LineSource) -> LineRow {
    LineRow {
        id: LineId::new(&mut RandomIds),
        tapi_id: 0,
        pbx_id: pbx.clone(),
        number: line.number,
        body: LineBody {
            name: line.name,
            has_own_name: false,
            kind: if line.device_id.is_some() { LineKind::Static } else { LineKind::ExtensionMobility },
            source,
            enabled: true,
            buttons: line.buttons,
            labels: BTreeMap::new(),
            missing_since: None,
            in_service: None,
            cti_watch: None,
            cti_notify: None,
            host_mac: None,
            user: None,
        },
        device_id: line.device_id,
        version: 1,
    }
}

fn merge_labels(
    labels: &mut BTreeMap<String, String>,
    patch: serde_json::Map<String, Value>,
) -> Result<(), ServiceError> {
    for (key, value) in patch {
        let pointer = format!("/labels/{}", key.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::Null => {
                labels.remove(&key);
            }
            Value::String(text) if line_form::is_label(&key, &text) => {
                labels.insert(key, text);
            }
            _ => return Err(wrong(&pointer, "A label is a text of at most 256 bytes.")),
        }
    }
    line_form::labels(labels)
}

fn exists(other: &LineId) -> ServiceError {
    ServiceError::new(Code::Conflict, format!("Another line has this number and device already: {other}."))
        .with_hint("Change that line instead, or give another number or device.")
}

pub(in crate::service) fn changed_meanwhile() -> ServiceError {
    ServiceError::new(Code::PreconditionFailed, "It was changed since you read it.")
        .with_hint("Read it again, repeat the change and send the new ETag as If-Match.")
}

/// A failure of the store in words for the caller; the cause is logged here.
pub(in crate::service) fn storage(error: StoreError) -> ServiceError {
    match error {
        StoreError::Exists => ServiceError::new(Code::Conflict, "It exists already.")
            .with_hint("Use the one that exists, or another name."),
        StoreError::Changed => changed_meanwhile(),
        other => {
            tracing::error!(error = %other, "the store failed");
            ServiceError::new(Code::StorageFailed, "The change cannot be stored; nothing was changed.")
                .with_hint("Look at the log of the gateway: the disk may be full.")
        }
    }
}
