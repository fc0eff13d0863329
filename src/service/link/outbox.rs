//! What one turn of a link publishes: changes as one batch, and answers that wait until it is written.

use crate::domain::{Call, CallId, CommandId, Line, LineId, PbxId};
use crate::service::journal::{Actor, Change, Journal, Object, Position, wall_clock};
use crate::store::SightRow;
use bytes::Bytes;

type After = Box<dyn FnOnce(Option<Position>) + Send>;

/// Collected in a turn, published at its end.
#[derive(Default)]
pub(super) struct Outbox {
    changes: Vec<Change>,
    sights: Vec<SightRow>,
    after: Vec<After>,
}

impl Outbox {
    /// A call after a change.
    pub(super) fn call(
        &mut self,
        event: &'static str,
        call: Call,
        changed: Vec<&'static str>,
        command: Option<CommandId>,
        actor: Actor,
    ) {
        self.changes.push(Change {
            event,
            time: wall_clock(),
            pbx_id: Some(call.pbx_id.clone()),
            line_id: Some(call.line_id.clone()),
            call_id: Some(call.id.clone()),
            command_id: command,
            actor,
            changed,
            object: Object::call(call),
        });
    }

    /// A line after a change.
    pub(super) fn line(&mut self, event: &'static str, line: Line, changed: Vec<&'static str>, actor: Actor) {
        self.line_by(event, line, changed, actor, None);
    }

    /// A line after a change that a command caused.
    pub(super) fn line_by(
        &mut self,
        event: &'static str,
        line: Line,
        changed: Vec<&'static str>,
        actor: Actor,
        command: Option<CommandId>,
    ) {
        self.changes.push(Change {
            event,
            time: wall_clock(),
            pbx_id: Some(line.pbx_id.clone()),
            line_id: Some(line.id.clone()),
            call_id: None,
            command_id: command,
            actor,
            changed,
            object: Object::line(line),
        });
    }

    /// The PBX after a change.
    pub(super) fn pbx(
        &mut self,
        event: &'static str,
        id: &PbxId,
        json: Bytes,
        changed: Vec<&'static str>,
        actor: Actor,
    ) {
        self.changes.push(Change {
            event,
            time: wall_clock(),
            pbx_id: Some(id.clone()),
            line_id: None,
            call_id: None,
            command_id: None,
            actor,
            changed,
            object: Object::Pbx(json),
        });
    }

    /// The outcome of a command.
    pub(super) fn command(
        &mut self,
        event: &'static str,
        (pbx, line, call): (&PbxId, &LineId, Option<&CallId>),
        command: &CommandId,
        actor: Actor,
        json: Bytes,
    ) {
        self.changes.push(Change {
            event,
            time: wall_clock(),
            pbx_id: Some(pbx.clone()),
            line_id: Some(line.clone()),
            call_id: call.cloned(),
            command_id: Some(command.clone()),
            actor,
            changed: Vec::new(),
            object: Object::Command(json),
        });
    }

    /// The PBX was lost from sight or is seen again: no event, but written with them.
    pub(super) fn sight(&mut self, sight: SightRow) {
        self.sights.push(sight);
    }

    /// Runs when the turn's changes are written; with `None` when the gateway stops before.
    pub(super) fn after(&mut self, act: impl FnOnce(Option<Position>) + Send + 'static) {
        self.after.push(Box::new(act));
    }

    /// What will be published.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Publishes everything.
    pub(super) fn flush(&mut self, journal: &Journal) {
        if self.changes.is_empty() && self.sights.is_empty() && self.after.is_empty() {
            return;
        }
        let receipt = journal.publish_with(std::mem::take(&mut self.changes), std::mem::take(&mut self.sights));
        if self.after.is_empty() {
            return;
        }
        let after = std::mem::take(&mut self.after);
        tokio::spawn(async move {
            let position = receipt.written().await;
            for act in after {
                act(position.clone());
            }
        });
    }
}
