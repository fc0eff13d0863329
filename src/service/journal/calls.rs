//! The journal of calls: what each living call has been through, and its entry once it has ended. It is written with the
//! events that tell of it, so that an ended call has exactly one entry, also after `kill -9`.

use std::collections::{HashMap, HashSet};

use super::change::{Change, Object};
use crate::domain::{CallId, CallLife, FinishedCall};
use crate::store::{Batch, FinishedRow, LiveRow};

/// The lives of the living calls.
pub(super) struct Calls {
    lives: HashMap<CallId, Life>,
    /// Whether entries are kept at all.
    is_kept: bool,
}

struct Life {
    life: CallLife,
    /// As it is stored.
    text: String,
}

impl Life {
    fn new(life: CallLife) -> Self {
        let mut life = Self { life, text: String::new() };
        life.render();
        life
    }

    fn render(&mut self) {
        // Texts and times always can be written.
        self.text = serde_json::to_string(&self.life).unwrap_or_else(|_| "{}".to_owned());
    }
}

impl Calls {
    pub(super) fn new(lives: HashMap<CallId, CallLife>, is_kept: bool) -> Self {
        Self { lives: lives.into_iter().map(|(id, life)| (id, Life::new(life))).collect(), is_kept }
    }

    /// Follows one change; the entry of a call that it ends is added.
    pub(super) fn follow(&mut self, change: &Change, finished: &mut Vec<FinishedRow>) {
        let Object::Call(known) = &change.object else { return };
        let call = &known.value;
        let actor = change.actor.as_str();
        if change.is_end() {
            let life = self.lives.remove(&call.id).map(|kept| kept.life).unwrap_or_default();
            if self.is_kept {
                finished.push(row(FinishedCall::new((**call).clone(), life, actor)));
            }
            return;
        }
        let life = self.lives.entry(call.id.clone()).or_insert_with(|| {
            Life::new(if change.event == "call.created" { CallLife::begun(actor) } else { CallLife::default() })
        });
        if life.life.follow(call, actor) {
            life.render();
        }
    }

    /// The last states of the calls of a batch.
    pub(super) fn last_states(&self, changes: &[Change], rows: &mut Batch) {
        let mut seen: HashSet<&str> = HashSet::new();
        for change in changes.iter().rev() {
            let Object::Call(known) = &change.object else { continue };
            let id = known.value.id.as_str();
            if !seen.insert(id) {
                continue;
            }
            match self.lives.get(&known.value.id).zip(std::str::from_utf8(&known.json).ok()) {
                Some((life, body)) if !change.is_end() => {
                    rows.living.push(LiveRow { id: id.to_owned(), body: body.to_owned(), life: life.text.clone() })
                }
                _ => rows.ended.push(id.to_owned()),
            }
        }
    }
}

fn row(entry: FinishedCall) -> FinishedRow {
    let mut body = Vec::with_capacity(1600);
    entry.write(&mut body);
    let call = &entry.call;
    FinishedRow {
        id: call.id.as_str().to_owned(),
        ended_at: call.ended_at.unwrap_or(call.state_since).unix_ms(),
        pbx_id: call.pbx_id.as_str().to_owned(),
        line_id: call.line_id.as_str().to_owned(),
        conversation_id: call.conversation_id.as_str().to_owned(),
        direction: call.direction.as_str(),
        result: entry.result.as_str(),
        numbers: entry.numbers(),
        // JSON is UTF-8; an empty text keeps the function total.
        body: String::from_utf8(body).unwrap_or_default(),
    }
}
