//! A written event: the same bytes for every reader.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

use crate::domain::{LineId, PbxId};
use crate::store::StoredEvent;

/// A place in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The epoch; it holds no colon.
    pub epoch: Arc<str>,
    /// The number of the last event.
    pub seq: u64,
}

/// An event. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Event(Arc<EventParts>);

/// What an event is made of.
#[derive(Debug)]
pub struct EventParts {
    /// Its number.
    pub seq: u64,
    /// Its name, such as `call.updated`.
    pub name: Cow<'static, str>,
    /// The PBX it concerns.
    pub pbx_id: Option<PbxId>,
    /// The line it concerns.
    pub line_id: Option<LineId>,
    /// The frame as readers get it.
    pub frame: Bytes,
}

impl Event {
    /// An event from its parts.
    pub fn new(parts: EventParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Event {
    type Target = EventParts;

    fn deref(&self) -> &EventParts {
        &self.0
    }
}

impl From<StoredEvent> for Event {
    fn from(row: StoredEvent) -> Self {
        Self::new(EventParts {
            seq: row.seq,
            name: Cow::Owned(row.event),
            pbx_id: row.pbx_id.as_deref().and_then(|id| PbxId::parse(id).ok()),
            line_id: row.line_id.as_deref().and_then(|id| LineId::parse(id).ok()),
            frame: row.frame,
        })
    }
}

impl std::fmt::Display for Position {
    /// `<epoch>:<seq>`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}
