//! Lines from a list that a person has: all of them, or none.

use std::collections::HashMap;

use super::line_edit::by_hand;
use super::task::LinkTask;
use crate::domain::line_list::ListedLine;
use crate::domain::{LineId, LineSource};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::{Caller, Imported, LineChange, Outcome};
use crate::service::journal::Actor;
use crate::store::LineRow;

/// Lines of one list.
const MOST: usize = 10_000;

/// What the list does to one line.
enum Wish {
    New(LineRow),
    Changed(LineRow, Vec<&'static str>),
    Same,
}

impl LinkTask {
    /// Takes over a list; lines that it does not name stay.
    pub(super) async fn import_lines(
        &mut self,
        lines: Vec<(usize, ListedLine)>,
        dry_run: bool,
        caller: &Caller,
    ) -> Outcome<Imported> {
        let wishes = self.import_wishes(lines)?;
        let mut imported = Imported::default();
        let (mut rows, mut changes) = (Vec::new(), HashMap::new());
        for wish in wishes {
            match wish {
                Wish::Same => imported.unchanged += 1,
                Wish::New(row) => {
                    imported.added.push(change_of(&row, !dry_run, &[]));
                    rows.push(row);
                }
                Wish::Changed(row, fields) => {
                    imported.changed.push(change_of(&row, true, &fields));
                    changes.insert(row.id.clone(), fields);
                    rows.push(row);
                }
            }
        }
        if dry_run || rows.is_empty() {
            return Ok(imported);
        }
        self.around.store.write_lines(&mut rows).await.map_err(super::line_edit::storage)?;
        let actor = Actor::Token(caller.name.as_str().into());
        for row in rows {
            if changes.contains_key(&row.id) {
                self.take_row(row, actor.clone());
            } else {
                self.add_row(row, actor.clone());
            }
        }
        self.name_numbers();
        self.status_changed();
        Ok(imported)
    }

    fn import_wishes(&self, lines: Vec<(usize, ListedLine)>) -> Outcome<Vec<Wish>> {
        if lines.len() > MOST {
            let detail = format!("A list has at most {MOST} lines; this one has {}.", lines.len());
            return Err(ServiceError::new(Code::InvalidValue, detail).with_hint("Import it in parts."));
        }
        let mut errors: Vec<(usize, String)> = Vec::new();
        let mut wishes = Vec::new();
        let mut stands_in: HashMap<(String, Option<String>), usize> = HashMap::new();
        let known: HashMap<(&str, Option<&str>), &LineId> = self
            .lines
            .iter()
            .map(|(id, entry)| ((entry.row.number.as_str(), entry.row.device_id.as_deref()), id))
            .collect();
        for (line, wanted) in lines {
            let wanted = match self.in_stored_form(&wanted) {
                Ok(wanted) => wanted,
                Err(error) => {
                    errors.push((line, error.detail));
                    continue;
                }
            };
            // An extension and the same number in full are one.
            let number = self.with_forms(|forms| forms.compared(&wanted.number).to_owned());
            if let Some(first) = stands_in.insert((number, wanted.device_id.clone()), line) {
                errors.push((line, format!("Line {first} has this number and device already.")));
                continue;
            }
            let found = known.get(&(wanted.number.as_str(), wanted.device_id.as_deref()));
            match found.and_then(|id| self.lines.get(*id)) {
                None => wishes.push(Wish::New(by_hand(self.pbx(), wanted, LineSource::Import))),
                Some(entry) => match changed(&entry.row, wanted) {
                    Ok(wish) => wishes.push(wish),
                    Err(detail) => errors.push((line, detail)),
                },
            }
        }
        if errors.is_empty() {
            return Ok(wishes);
        }
        let count = errors.len();
        let refusal = ServiceError::new(
            Code::InvalidValue,
            format!(
                "{count} {} of the list cannot be imported; nothing was changed.",
                if count == 1 { "line" } else { "lines" }
            ),
        )
        .with_hint("Correct them and import the list again; `dry_run=true` only looks.");
        errors.sort_unstable();
        Err(errors.into_iter().fold(refusal, |refusal, (line, detail)| refusal.with_line(line, detail)))
    }
}

fn changed(before: &LineRow, wanted: ListedLine) -> Result<Wish, String> {
    let mut row = before.clone();
    let mut fields = Vec::new();
    // Without a name none is meant: the line keeps its own, and the router's is not pinned.
    if !wanted.name.is_empty() && row.body.name != wanted.name {
        row.body.name = wanted.name;
        row.body.has_own_name = row.body.source == LineSource::Pbx;
        fields.push("name");
    }
    if row.body.buttons != wanted.buttons {
        if row.body.source == LineSource::Pbx {
            let at_the_pbx = before.body.buttons.join(";");
            return Err(format!(
                "The buttons of this line come from the PBX ({at_the_pbx}) and cannot be changed here."
            ));
        }
        row.body.buttons = wanted.buttons;
        fields.push("addresses");
    }
    if fields.is_empty() {
        return Ok(Wish::Same);
    }
    row.version += 1;
    Ok(Wish::Changed(row, fields))
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
