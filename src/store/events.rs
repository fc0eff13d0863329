//! Rows of the event journal.

use bytes::Bytes;
use sqlx::sqlite::Sqlite;
use sqlx::{Connection as _, QueryBuilder, Row as _};

use super::finished::{FinishedRow, SightRow, write_finished, write_sights};
use super::{Store, StoreError};

/// Rows in one statement: sqlx costs per statement, so events go out many at a time.
const ROWS_PER_STATEMENT: usize = 128;

/// Rows that retention removes in one round: the writer of the journal waits for no more than this.
const PRUNED_AT_ONCE: i64 = 5000;

/// What retention did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// The oldest number that is left; `None` when no event is.
    pub oldest: Option<u64>,
    /// Whether everything that is too old is gone.
    pub is_done: bool,
}

/// An event to be written.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Sequence number.
    pub seq: u64,
    /// Unix milliseconds.
    pub at: i64,
    /// Name, such as `call.updated`.
    pub event: &'static str,
    /// PBX it concerns.
    pub pbx_id: Option<String>,
    /// Line it concerns.
    pub line_id: Option<String>,
    /// Call it concerns.
    pub call_id: Option<String>,
    /// The frame as readers get it.
    pub frame: Bytes,
}

/// The last state of a living call.
#[derive(Debug, Clone)]
pub struct LiveRow {
    /// Id of the call.
    pub id: String,
    /// The call as JSON.
    pub body: String,
    /// What it has been through, as JSON.
    pub life: String,
}

/// What is written together.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Events.
    pub events: Vec<EventRow>,
    /// Calls that live.
    pub living: Vec<LiveRow>,
    /// Ids of calls that do not live any more.
    pub ended: Vec<String>,
    /// Calls that ended, for the journal of calls.
    pub finished: Vec<FinishedRow>,
    /// PBXs that were lost from sight or seen again.
    pub sights: Vec<SightRow>,
}

/// An event read back.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Sequence number.
    pub seq: u64,
    /// Name.
    pub event: String,
    /// PBX.
    pub pbx_id: Option<String>,
    /// Line.
    pub line_id: Option<String>,
    /// The frame.
    pub frame: Bytes,
}

impl Store {
    /// Writes a batch in one transaction: all or nothing.
    ///
    /// # Errors
    /// When the database fails; then nothing was written.
    pub async fn write_batch(&self, batch: &Batch) -> Result<(), StoreError> {
        let written = self.write_rows(batch).await;
        self.inner.seen.events(&written);
        written
    }

    async fn write_rows(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut journal = self.journal().await?;
        let mut transaction = journal.begin().await?;
        for chunk in batch.events.chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<Sqlite> =
                QueryBuilder::new("insert into event (seq, at, event, pbx_id, line_id, call_id, frame) ");
            query.push_values(chunk, |mut row, event| {
                row.push_bind(i64::try_from(event.seq).unwrap_or(i64::MAX))
                    .push_bind(event.at)
                    .push_bind(event.event)
                    .push_bind(event.pbx_id.as_deref())
                    .push_bind(event.line_id.as_deref())
                    .push_bind(event.call_id.as_deref())
                    .push_bind(event.frame.as_ref());
            });
            query.build().execute(&mut *transaction).await?;
        }
        for chunk in batch.living.chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<Sqlite> =
                QueryBuilder::new("insert or replace into live_call (id, body, life) ");
            query.push_values(chunk, |mut row, call| {
                row.push_bind(call.id.as_str()).push_bind(call.body.as_str()).push_bind(call.life.as_str());
            });
            query.build().execute(&mut *transaction).await?;
        }
        for id in &batch.ended {
            sqlx::query("delete from live_call where id = ?1").bind(id).execute(&mut *transaction).await?;
        }
        write_finished(&mut transaction, &batch.finished).await?;
        write_sights(&mut transaction, &batch.sights).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Events after a sequence number, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_after(&self, seq: u64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let rows =
            sqlx::query("select seq, event, pbx_id, line_id, frame from event where seq > ?1 order by seq limit ?2")
                .bind(i64::try_from(seq).unwrap_or(i64::MAX))
                .bind(limit)
                .fetch_all(&self.inner.readers)
                .await?;
        Ok(rows
            .iter()
            .map(|row| StoredEvent {
                seq: u64::try_from(row.get::<i64, _>(0)).unwrap_or(0),
                event: row.get(1),
                pbx_id: row.get(2),
                line_id: row.get(3),
                frame: Bytes::from(row.get::<Vec<u8>, _>(4)),
            })
            .collect())
    }

    /// Deletes a small part of the events that retention no longer keeps: always the oldest ones, so that what is left
    /// has no hole, even where the clock was turned back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_events(&self, before_ms: i64, keep_from: u64, last_seq: u64) -> Result<Pruned, StoreError> {
        self.remember_last_seq(last_seq).await?;
        let mut journal = self.journal().await?;
        // Looked for among the oldest rows only: the cost of a round does not grow with the journal.
        let oldest_kept: i64 = sqlx::query(
            "select coalesce(min(case when at >= ?1 and seq >= ?2 then seq end), max(seq) + 1, 0) from \
             (select seq, at from event order by seq limit ?3)",
        )
        .bind(before_ms)
        .bind(i64::try_from(keep_from).unwrap_or(i64::MAX))
        .bind(PRUNED_AT_ONCE)
        .fetch_one(&mut *journal)
        .await?
        .get(0);
        let done = sqlx::query("delete from event where seq < ?1").bind(oldest_kept).execute(&mut *journal).await?;
        let oldest: Option<i64> = sqlx::query("select min(seq) from event").fetch_one(&mut *journal).await?.get(0);
        Ok(Pruned {
            oldest: oldest.and_then(|seq| u64::try_from(seq).ok()),
            is_done: done.rows_affected() < PRUNED_AT_ONCE.unsigned_abs(),
        })
    }
}
