//! Rows of finished calls, and of the times in which a PBX was not seen.

use sqlx::sqlite::{Sqlite, SqliteConnection};
use sqlx::{QueryBuilder, Row as _};

use super::{Store, StoreError};

/// Rows in one statement.
const ROWS_PER_STATEMENT: usize = 64;
/// Rows that retention removes in one round.
const PRUNED_AT_ONCE: i64 = 1000;

/// A finished call to be written.
#[derive(Debug, Clone)]
pub struct FinishedRow {
    /// Id of the call.
    pub id: String,
    /// Unix milliseconds of its end.
    pub ended_at: i64,
    /// PBX.
    pub pbx_id: String,
    /// Line.
    pub line_id: String,
    /// Conversation.
    pub conversation_id: String,
    /// Word of its direction.
    pub direction: &'static str,
    /// Word of its result.
    pub result: &'static str,
    /// The digits of its numbers, each between bars.
    pub numbers: String,
    /// The entry as readers get it.
    pub body: String,
}

/// Which finished calls are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct FinishedQuery {
    /// Only of these lines: what the reader may see.
    pub visible: Option<Vec<String>>,
    /// Only of this line.
    pub line: Option<String>,
    /// Only of this PBX.
    pub pbx: Option<String>,
    /// Only of this conversation.
    pub conversation: Option<String>,
    /// Only with this number, as digits.
    pub number: Option<String>,
    /// Only in this direction.
    pub direction: Option<&'static str>,
    /// Only with this result.
    pub result: Option<&'static str>,
    /// Ended at this time or after it.
    pub since: Option<i64>,
    /// Ended before this time.
    pub until: Option<i64>,
    /// Those after this one in the list: end and id.
    pub after: Option<(i64, String)>,
    /// At most so many.
    pub limit: u32,
}

/// A finished call read back.
#[derive(Debug, Clone)]
pub struct StoredFinished {
    /// Unix milliseconds of its end.
    pub ended_at: i64,
    /// Id of the call.
    pub id: String,
    /// The entry.
    pub body: String,
}

/// A PBX went out of sight or came into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SightRow {
    /// It is not seen since a time; of one that is out of sight already nothing changes.
    Lost {
        /// Which.
        pbx_id: String,
        /// Unix milliseconds.
        at: i64,
        /// Word of the cause.
        cause: &'static str,
        /// Sentence for people.
        reason: String,
    },
    /// It is seen again.
    Seen {
        /// Which.
        pbx_id: String,
        /// Unix milliseconds.
        at: i64,
    },
}

/// Which times without sight are wanted.
#[derive(Debug, Clone, Default)]
pub struct BlindQuery {
    /// Only of these PBXs: what the reader may see.
    pub visible: Option<Vec<String>>,
    /// Only of this PBX.
    pub pbx: Option<String>,
    /// That lasted at this time or after it.
    pub since: Option<i64>,
    /// That began before this time.
    pub until: Option<i64>,
    /// Those after this one in the list: begin and number.
    pub after: Option<(i64, i64)>,
    /// At most so many.
    pub limit: u32,
}

/// A time without sight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlind {
    /// Number of the row.
    pub number: i64,
    /// PBX.
    pub pbx_id: String,
    /// Unix milliseconds of its begin.
    pub since: i64,
    /// Of its end; `None` while it lasts.
    pub until: Option<i64>,
    /// Word of the cause.
    pub cause: String,
    /// Sentence for people.
    pub reason: String,
}

/// Writes finished calls as part of a transaction.
pub(super) async fn write_finished(connection: &mut SqliteConnection, rows: &[FinishedRow]) -> Result<(), sqlx::Error> {
    for chunk in rows.chunks(ROWS_PER_STATEMENT) {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "insert or ignore into finished_call \
             (id, ended_at, pbx_id, line_id, conversation_id, direction, result, numbers, body) ",
        );
        query.push_values(chunk, |mut values, row| {
            values
                .push_bind(row.id.as_str())
                .push_bind(row.ended_at)
                .push_bind(row.pbx_id.as_str())
                .push_bind(row.line_id.as_str())
                .push_bind(row.conversation_id.as_str())
                .push_bind(row.direction)
                .push_bind(row.result)
                .push_bind(row.numbers.as_str())
                .push_bind(row.body.as_str());
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Writes what was lost from sight and seen again, as part of a transaction.
pub(super) async fn write_sights(connection: &mut SqliteConnection, rows: &[SightRow]) -> Result<(), sqlx::Error> {
    for row in rows {
        match row {
            SightRow::Lost { pbx_id, at, cause, reason } => {
                sqlx::query("insert or ignore into blind (pbx_id, since, cause, reason) values (?1, ?2, ?3, ?4)")
                    .bind(pbx_id)
                    .bind(at)
                    .bind(cause)
                    .bind(reason)
                    .execute(&mut *connection)
                    .await?;
            }
            SightRow::Seen { pbx_id, at } => {
                // Where the clock was turned back it lasted no time.
                sqlx::query("update blind set until = max(since, ?2) where pbx_id = ?1 and until is null")
                    .bind(pbx_id)
                    .bind(at)
                    .execute(&mut *connection)
                    .await?;
            }
        }
    }
    Ok(())
}

/// Adds `column in (…)`; an empty list fits nothing.
fn push_list(query: &mut QueryBuilder<Sqlite>, column: &str, values: &[String]) {
    query.push(format!(" and {column} in ("));
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value.clone());
    }
    query.push(")");
}

impl Store {
    /// Finished calls, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finished_calls(&self, wanted: &FinishedQuery) -> Result<Vec<StoredFinished>, StoreError> {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("select ended_at, id, body from finished_call where 1 = 1");
        if let Some(lines) = &wanted.visible {
            push_list(&mut query, "line_id", lines);
        }
        for (column, value) in [
            ("line_id", wanted.line.as_deref()),
            ("pbx_id", wanted.pbx.as_deref()),
            ("conversation_id", wanted.conversation.as_deref()),
            ("direction", wanted.direction),
            ("result", wanted.result),
        ] {
            if let Some(value) = value {
                query.push(format!(" and {column} = ")).push_bind(value.to_owned());
            }
        }
        if let Some(number) = &wanted.number {
            query.push(" and instr(numbers, ").push_bind(format!("|{number}|")).push(") > 0");
        }
        if let Some(since) = wanted.since {
            query.push(" and ended_at >= ").push_bind(since);
        }
        if let Some(until) = wanted.until {
            query.push(" and ended_at < ").push_bind(until);
        }
        if let Some((ended_at, id)) = &wanted.after {
            query.push(" and (ended_at, id) < (").push_bind(*ended_at).push(", ").push_bind(id.clone()).push(")");
        }
        query.push(" order by ended_at desc, id desc limit ").push_bind(wanted.limit);
        let rows = query.build().fetch_all(&self.inner.readers).await?;
        Ok(rows.iter().map(|row| StoredFinished { ended_at: row.get(0), id: row.get(1), body: row.get(2) }).collect())
    }

    /// Times in which a PBX was not seen, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn blind_times(&self, wanted: &BlindQuery) -> Result<Vec<StoredBlind>, StoreError> {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("select id, pbx_id, since, until, cause, reason from blind where 1 = 1");
        if let Some(pbxs) = &wanted.visible {
            push_list(&mut query, "pbx_id", pbxs);
        }
        if let Some(pbx) = &wanted.pbx {
            query.push(" and pbx_id = ").push_bind(pbx.clone());
        }
        if let Some(since) = wanted.since {
            query.push(" and coalesce(until, 9223372036854775807) >= ").push_bind(since);
        }
        if let Some(until) = wanted.until {
            query.push(" and since < ").push_bind(until);
        }
        if let Some((since, number)) = wanted.after {
            query.push(" and (since, id) < (").push_bind(since).push(", ").push_bind(number).push(")");
        }
        query.push(" order by since desc, id desc limit ").push_bind(wanted.limit);
        let rows = query.build().fetch_all(&self.inner.readers).await?;
        Ok(rows
            .iter()
            .map(|row| StoredBlind {
                number: row.get(0),
                pbx_id: row.get(1),
                since: row.get(2),
                until: row.get(3),
                cause: row.get(4),
                reason: row.get(5),
            })
            .collect())
    }

    /// Deletes a small part of the finished calls, and of the times without sight, that ended before a time each; says
    /// whether nothing too old is left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_finished(&self, calls_before: i64, blind_before: i64) -> Result<bool, StoreError> {
        let mut journal = self.journal().await?;
        let calls = sqlx::query(
            "delete from finished_call where id in \
             (select id from finished_call where ended_at < ?1 order by ended_at limit ?2)",
        )
        .bind(calls_before)
        .bind(PRUNED_AT_ONCE)
        .execute(&mut *journal)
        .await?;
        let blind = sqlx::query("delete from blind where id in (select id from blind where until < ?1 limit ?2)")
            .bind(blind_before)
            .bind(PRUNED_AT_ONCE)
            .execute(&mut *journal)
            .await?;
        let most = PRUNED_AT_ONCE.unsigned_abs();
        Ok(calls.rows_affected() < most && blind.rows_affected() < most)
    }
}
