//! Readers and their queues: an event goes only to those whom it concerns, and a full queue is that reader's matter.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::event::Event;
use crate::domain::{LineId, PbxId};

/// Bytes that may wait for one reader (api.md, "Events").
const QUEUE_BYTES: usize = 1024 * 1024;

/// What a reader wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interest {
    /// Everything.
    All,
    /// These lines, and these PBXs where no line is concerned.
    Some {
        /// Lines.
        lines: HashSet<LineId>,
        /// PBXs.
        pbxs: HashSet<PbxId>,
    },
}

/// What a reader gets.
#[derive(Debug)]
pub enum Received {
    /// Everything that waited, in order.
    Events(Vec<Event>),
    /// The queue was full and has been dropped: the store knows what is missing.
    Overflow,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    bytes: usize,
    overflow: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Notify,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push<'a>(&self, events: impl Iterator<Item = &'a Event>) {
        let mut queue = self.queue();
        if queue.overflow {
            return;
        }
        for event in events {
            queue.bytes += event.frame.len();
            queue.events.push_back(event.clone());
        }
        if queue.bytes > QUEUE_BYTES {
            queue.events = VecDeque::new();
            queue.bytes = 0;
            queue.overflow = true;
        }
        drop(queue);
        self.wake.notify_one();
    }
}

/// All readers, by what concerns them.
#[derive(Debug, Clone, Default)]
pub(super) struct Readers(Arc<Mutex<Index>>);

#[derive(Debug, Default)]
struct Index {
    next: u64,
    all: HashMap<u64, Arc<Shared>>,
    some: HashMap<u64, (Arc<Shared>, Interest)>,
    by_line: HashMap<LineId, Vec<u64>>,
    by_pbx: HashMap<PbxId, Vec<u64>>,
}

impl Readers {
    pub(super) fn enter(&self, interest: Interest) -> Subscription {
        let shared = Arc::new(Shared::default());
        let mut index = self.index();
        index.next += 1;
        let id = index.next;
        match &interest {
            Interest::All => {
                index.all.insert(id, Arc::clone(&shared));
            }
            Interest::Some { lines, pbxs } => {
                for line in lines {
                    index.by_line.entry(line.clone()).or_default().push(id);
                }
                for pbx in pbxs {
                    index.by_pbx.entry(pbx.clone()).or_default().push(id);
                }
                index.some.insert(id, (Arc::clone(&shared), interest.clone()));
            }
        }
        drop(index);
        Subscription { id, shared, readers: self.clone() }
    }

    pub(super) fn deliver(&self, events: &[Event]) {
        let index = self.index();
        for reader in index.all.values() {
            reader.push(events.iter());
        }
        if index.some.is_empty() {
            return;
        }
        for event in events {
            let concerned = match (&event.line_id, &event.pbx_id) {
                (Some(line), _) => index.by_line.get(line),
                (None, Some(pbx)) => index.by_pbx.get(pbx),
                (None, None) => None,
            };
            for id in concerned.into_iter().flatten() {
                if let Some((reader, _)) = index.some.get(id) {
                    reader.push(std::iter::once(event));
                }
            }
        }
    }

    fn leave(&self, id: u64) {
        let mut index = self.index();
        index.all.remove(&id);
        let Some((_, Interest::Some { lines, pbxs })) = index.some.remove(&id) else { return };
        for line in lines {
            if let Some(ids) = index.by_line.get_mut(&line) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    index.by_line.remove(&line);
                }
            }
        }
        for pbx in pbxs {
            if let Some(ids) = index.by_pbx.get_mut(&pbx) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    index.by_pbx.remove(&pbx);
                }
            }
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader's place. Dropping it ends the reading.
#[derive(Debug)]
pub struct Subscription {
    id: u64,
    shared: Arc<Shared>,
    readers: Readers,
}

impl Subscription {
    /// Waits for events. May be dropped at any await without losing one.
    pub async fn next(&mut self) -> Received {
        loop {
            {
                let mut queue = self.shared.queue();
                if queue.overflow {
                    queue.overflow = false;
                    return Received::Overflow;
                }
                if !queue.events.is_empty() {
                    queue.bytes = 0;
                    return Received::Events(std::mem::take(&mut queue.events).into());
                }
            }
            self.shared.wake.notified().await;
        }
    }

    /// Whether nothing waits, and nothing was dropped.
    pub fn is_empty(&self) -> bool {
        let queue = self.shared.queue();
        queue.events.is_empty() && !queue.overflow
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.readers.leave(self.id);
    }
}
