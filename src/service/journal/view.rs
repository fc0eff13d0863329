//! What is known after an event: the objects as values and as the JSON that readers get.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::change::{Change, Object};
use crate::domain::{Call, CallId, Line, LineId, PbxId};

/// An object with its JSON.
#[derive(Debug)]
pub struct Known<T> {
    /// The object.
    pub value: Arc<T>,
    /// Its JSON.
    pub json: Bytes,
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), json: self.json.clone() }
    }
}

/// Everything that is known at one event. The parts are shared with the next view as long as they stay the same.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The event.
    pub seq: u64,
    /// PBXs.
    pub pbxs: Arc<BTreeMap<PbxId, Bytes>>,
    /// Lines.
    pub lines: Arc<BTreeMap<LineId, Known<Line>>>,
    /// Living calls.
    pub calls: Arc<BTreeMap<CallId, Known<Call>>>,
}

impl View {
    fn apply(&mut self, change: &Change) {
        match &change.object {
            Object::Call(known) => {
                // Copied only while somebody still holds the view before.
                let calls = Arc::make_mut(&mut self.calls);
                if change.is_end() {
                    calls.remove(&known.value.id);
                } else {
                    calls.insert(known.value.id.clone(), known.clone());
                }
            }
            Object::Line(known) => {
                let lines = Arc::make_mut(&mut self.lines);
                if change.is_end() {
                    lines.remove(&known.value.id);
                } else {
                    lines.insert(known.value.id.clone(), known.clone());
                }
            }
            Object::Pbx(json) => {
                let Some(id) = &change.pbx_id else { return };
                let pbxs = Arc::make_mut(&mut self.pbxs);
                if change.is_end() {
                    pbxs.remove(id);
                } else {
                    pbxs.insert(id.clone(), json.clone());
                }
            }
            Object::Command(_) | Object::NumberRules(_) => {}
        }
    }
}

/// The current view. The lock is held for a copy of four pointers, or while one batch is applied.
pub(super) struct Views(Mutex<Arc<View>>);

impl Views {
    pub(super) fn new(view: View) -> Self {
        Self(Mutex::new(Arc::new(view)))
    }

    pub(super) fn current(&self) -> Arc<View> {
        Arc::clone(&self.lock())
    }

    pub(super) fn apply(&self, changes: &[Change], seq: u64) {
        let mut current = self.lock();
        let view = Arc::make_mut(&mut current);
        for change in changes {
            view.apply(change);
        }
        view.seq = seq;
    }

    fn lock(&self) -> MutexGuard<'_, Arc<View>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
