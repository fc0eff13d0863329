//! The one journal: every change gets a number, is written, and only then seen (api.md, "Events").
//!
//! Owners of state publish batches; one writer task numbers them, writes whatever is queued in one transaction and
//! hands the same bytes to every reader. Nobody waits for a timer, and no event costs a transaction of its own
//! (decision 1 of performance-and-reliability).

mod calls;
mod change;
mod event;
mod readers;
mod view;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub use change::{Actor, Change, Object};
pub use event::{Event, Position};
pub use readers::{Interest, Received, Subscription};
pub use view::{Known, View};

use crate::domain::Timestamp;
use crate::store::{SightRow, Store, StoreError};
use calls::Calls;
use readers::Readers;
use view::Views;
use writer::{Batch, Writer};

/// How often retention is looked at.
const PRUNE_EVERY: Duration = Duration::from_secs(30);

/// How long events and finished calls are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days of events.
    pub days: u32,
    /// Number of events.
    pub events: u64,
    /// Days of finished calls; 0 keeps none.
    pub call_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 7, events: 1_000_000, call_days: 90 }
    }
}

/// The journal. Cloning gives another handle to it.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    epoch: Arc<str>,
    /// The last event that readers may see.
    seq: AtomicU64,
    oldest: AtomicU64,
    queue: mpsc::UnboundedSender<Batch>,
    views: Views,
    readers: Readers,
    stop: CancellationToken,
    /// The last sign of life of an earlier run.
    last_alive: Option<Timestamp>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("position", &self.position()).finish_non_exhaustive()
    }
}

/// Tells when a batch is written and may be seen.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Position>);

impl Receipt {
    /// Waits until the batch is written; `None` when the gateway stops before.
    pub async fn written(self) -> Option<Position> {
        self.0.await.ok()
    }
}

impl Journal {
    /// Begins a run of the journal over what is known at the start.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn open(store: &Store, retention: Retention, boot_id: &str, view: View) -> Result<Self, StoreError> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let epoch = store.begin_epoch(boot_id, &name).await?;
        let (queue, queued) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner {
            store: store.clone(),
            epoch: epoch.name.as_str().into(),
            seq: AtomicU64::new(epoch.last_seq),
            oldest: AtomicU64::new(epoch.oldest_seq),
            queue,
            views: Views::new(View { seq: epoch.last_seq, ..view }),
            readers: Readers::default(),
            stop: CancellationToken::new(),
            last_alive: epoch.last_alive.map(Timestamp::from_unix_ms),
        });
        let journal = Self { inner };
        let calls = Calls::new(store.live_lives().await?, retention.call_days > 0);
        let writer = Writer::new(journal.clone(), epoch.last_seq, calls);
        tokio::spawn(writer.run(queued));
        tokio::spawn(prune(journal.clone(), retention));
        Ok(journal)
    }

    /// Where the journal stands: every event up to here is written and in the readers' queues.
    pub fn position(&self) -> Position {
        Position { epoch: Arc::clone(&self.inner.epoch), seq: self.inner.seq.load(Ordering::Acquire) }
    }

    /// When an earlier run was last known to live; `None` at the first start.
    pub(in crate::service) fn last_alive(&self) -> Option<Timestamp> {
        self.inner.last_alive
    }

    /// The oldest event that is kept; one more than the last when none is.
    pub fn oldest(&self) -> u64 {
        self.inner.oldest.load(Ordering::Acquire)
    }

    /// What is known, as of one event.
    pub fn view(&self) -> Arc<View> {
        self.inner.views.current()
    }

    /// Hands changes over, in order. They are written and seen together.
    pub fn publish(&self, changes: Vec<Change>) -> Receipt {
        self.publish_with(changes, Vec::new())
    }

    /// As [`Self::publish`], with PBXs that were lost from sight or seen again meanwhile.
    pub(in crate::service) fn publish_with(&self, changes: Vec<Change>, sights: Vec<SightRow>) -> Receipt {
        let (done, receipt) = oneshot::channel();
        // A closed queue means that the process ends; the receipt says so.
        let _ = self.inner.queue.send(Batch { changes, sights, done });
        Receipt(receipt)
    }

    /// A reader, and the number after which it gets every event that concerns it. The number is the view's: an event is
    /// in the view before it is handed to the readers, so that one which passed before this reader came is at or below
    /// it. (The position is told last, and would leave such an event out.)
    pub fn subscribe(&self, interest: Interest) -> (Subscription, u64) {
        let subscription = self.inner.readers.enter(interest);
        (subscription, self.inner.views.current().seq)
    }

    /// Events after a number, from the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read_after(&self, seq: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let rows = self.inner.store.events_after(seq, limit).await?;
        Ok(rows.into_iter().map(Event::from).collect())
    }

    /// Removes what is older than a time, and all but the newest events: in small rounds, between which events are
    /// written, until nothing too old is left.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(crate) async fn prune(&self, before_ms: i64, kept: u64) -> Result<(), StoreError> {
        loop {
            let last = self.position().seq;
            let keep_from = (last + 1).saturating_sub(kept);
            let pruned = self.inner.store.prune_events(before_ms, keep_from, last).await?;
            self.inner.oldest.store(pruned.oldest.unwrap_or(last + 1), Ordering::Release);
            if pruned.is_done {
                return Ok(());
            }
        }
    }

    /// Removes the finished calls, and the times without sight, that ended before a time each.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(crate) async fn prune_calls(&self, calls_before: i64, blind_before: i64) -> Result<(), StoreError> {
        while !self.inner.store.prune_finished(calls_before, blind_before).await? {}
        Ok(())
    }

    /// Writes what is queued and marks a clean end.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn close(&self) -> Result<(), StoreError> {
        let _ = self.publish(Vec::new()).written().await;
        self.inner.stop.cancel();
        self.inner.store.end_cleanly(self.position().seq, wall_clock().unix_ms()).await
    }
}

async fn prune(journal: Journal, retention: Retention) {
    let ms = |days: u32| i64::from(days) * 24 * 3600 * 1000;
    loop {
        tokio::select! {
            () = journal.inner.stop.cancelled() => return,
            () = tokio::time::sleep(PRUNE_EVERY) => {}
        }
        let now = wall_clock().unix_ms();
        let done = async {
            journal.inner.store.live_on(now).await?;
            journal.prune(now - ms(retention.days), retention.events).await?;
            // No personal data: kept as long as anything that they are asked about.
            let blind_days = retention.days.max(retention.call_days);
            journal.prune_calls(now - ms(retention.call_days), now - ms(blind_days)).await
        };
        if let Err(error) = done.await {
            tracing::error!(%error, "what is too old cannot be removed");
        }
    }
}

/// The wall clock: the journal stamps its events.
pub(in crate::service) fn wall_clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
