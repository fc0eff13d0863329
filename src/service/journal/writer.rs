//! The writer task: numbers, writes, then shows.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Journal;
use super::calls::Calls;
use super::change::Change;
use super::event::{Event, EventParts, Position};
use crate::store::{Batch as Rows, EventRow, SightRow};

/// Changes written in one transaction at most: a reader waits for no more than this.
const MOST: usize = 4096;
/// Pause before the storage is tried again.
const RETRY: Duration = Duration::from_millis(500);

pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    pub(super) sights: Vec<SightRow>,
    pub(super) done: oneshot::Sender<Position>,
}

pub(super) struct Writer {
    journal: Journal,
    seq: u64,
    calls: Calls,
}

impl Writer {
    pub(super) fn new(journal: Journal, seq: u64, calls: Calls) -> Self {
        Self { journal, seq, calls }
    }

    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Batch>) {
        let stop = self.journal.inner.stop.clone();
        loop {
            let first = tokio::select! {
                biased;
                // After the clean end nothing is written: the mark of it names the last event.
                () = stop.cancelled() => return,
                first = queue.recv() => first,
            };
            let Some(first) = first else { return };
            let mut changes = first.changes;
            let mut sights = first.sights;
            let mut waiting = vec![first.done];
            // Group commit of whatever is there, without waiting for more.
            while changes.len() < MOST
                && let Ok(more) = queue.try_recv()
            {
                changes.extend(more.changes);
                sights.extend(more.sights);
                waiting.push(more.done);
            }
            let is_work = !changes.is_empty() || !sights.is_empty();
            if is_work && !self.write(&changes, sights).await {
                return;
            }
            let position = self.journal.position();
            for done in waiting {
                // Whoever published may not care.
                let _ = done.send(position.clone());
            }
        }
    }

    /// Writes and shows changes. `false` when the process ends before that was possible.
    async fn write(&mut self, changes: &[Change], sights: Vec<SightRow>) -> bool {
        let epoch = std::sync::Arc::clone(&self.journal.inner.epoch);
        let mut rows = Rows { events: Vec::with_capacity(changes.len()), sights, ..Rows::default() };
        let mut events = Vec::with_capacity(changes.len());
        for change in changes {
            self.seq += 1;
            let frame = change.frame(&epoch, self.seq);
            rows.events.push(EventRow {
                seq: self.seq,
                at: change.time.unix_ms(),
                event: change.event,
                pbx_id: change.pbx_id.as_ref().map(|id| id.as_str().to_owned()),
                line_id: change.line_id.as_ref().map(|id| id.as_str().to_owned()),
                call_id: change.call_id.as_ref().map(|id| id.as_str().to_owned()),
                frame: frame.clone(),
            });
            self.calls.follow(change, &mut rows.finished);
            events.push(Event::new(EventParts {
                seq: self.seq,
                name: Cow::Borrowed(change.event),
                pbx_id: change.pbx_id.clone(),
                line_id: change.line_id.clone(),
                frame,
            }));
        }
        self.calls.last_states(changes, &mut rows);
        let inner = &self.journal.inner;
        let mut is_told = false;
        while let Err(error) = inner.store.write_batch(&rows).await {
            if !std::mem::replace(&mut is_told, true) {
                tracing::error!(%error, "events cannot be written; readers wait until the storage works again");
            }
            metrics::counter!("linegate_journal_failures_total").increment(1);
            tokio::select! {
                () = inner.stop.cancelled() => return false,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
        if is_told {
            tracing::info!("events are written again");
        }
        metrics::counter!("linegate_events_total").increment(u64::try_from(rows.events.len()).unwrap_or(0));
        // The view first, then the queues, then the position: who sees a position has everything up to it.
        inner.views.apply(changes, self.seq);
        inner.readers.deliver(&events);
        inner.seq.store(self.seq, Ordering::Release);
        true
    }
}
