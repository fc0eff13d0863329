//! Epoch of the journal: it ends only when events may have been lost.

use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::{Store, StoreError, WRITING};

/// The journal's epoch and its last sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Text without a colon.
    pub name: String,
    /// Last event written.
    pub last_seq: u64,
    /// Oldest event kept; `last_seq + 1` when none is.
    pub oldest_seq: u64,
    /// The last sign of life of an earlier run, Unix milliseconds; `None` at the first start.
    pub last_alive: Option<i64>,
}

async fn read(connection: &mut SqliteConnection, key: &str) -> Result<Option<String>, sqlx::Error> {
    Ok(sqlx::query("select value from meta where key = ?1")
        .bind(key)
        .fetch_optional(connection)
        .await?
        .map(|row| row.get(0)))
}

async fn write(connection: &mut SqliteConnection, key: &str, value: &str) -> Result<(), sqlx::Error> {
    sqlx::query("insert into meta (key, value) values (?1, ?2) on conflict (key) do update set value = excluded.value")
        .bind(key)
        .bind(value)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn next_tapi_id(connection: &mut SqliteConnection) -> Result<u32, sqlx::Error> {
    let last = read(&mut *connection, "tapi_id").await?.and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    let next = last + 1;
    write(connection, "tapi_id", &next.to_string()).await?;
    Ok(next)
}

impl Store {
    /// Begins a run: the epoch goes on after a process death, because what a reader saw was written. After an unclean
    /// restart of the machine (another boot id and no mark of a clean end) the last events may be gone: a new epoch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_epoch(&self, boot_id: &str, new_name: &str) -> Result<Epoch, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin_with(WRITING).await?;
        let epoch = read(&mut transaction, "epoch").await?;
        let boot = read(&mut transaction, "boot_id").await?;
        let clean = read(&mut transaction, "clean_end").await?.as_deref() == Some("1");
        let told = read(&mut transaction, "alive_at").await?.and_then(|text| text.parse().ok());
        let last_event = sqlx::query("select at from event order by seq desc limit 1")
            .fetch_optional(&mut *transaction)
            .await?
            .map(|row| row.get::<i64, _>(0));
        let last_alive = told.max(last_event);
        let name = match epoch {
            Some(name) if clean || boot.as_deref() == Some(boot_id) => name,
            _ => {
                sqlx::query("delete from event").execute(&mut *transaction).await?;
                write(&mut transaction, "last_seq", "0").await?;
                new_name.to_owned()
            }
        };
        write(&mut transaction, "epoch", &name).await?;
        write(&mut transaction, "boot_id", boot_id).await?;
        write(&mut transaction, "clean_end", "0").await?;
        let row = sqlx::query("select max(seq), min(seq) from event").fetch_one(&mut *transaction).await?;
        // Retention may have removed every event; the number still only rises.
        let floor = read(&mut transaction, "last_seq").await?.and_then(|text| text.parse().ok()).unwrap_or(0_u64);
        let last_seq = row.get::<Option<i64>, _>(0).and_then(|seq| u64::try_from(seq).ok()).unwrap_or(floor).max(floor);
        let oldest_seq = row.get::<Option<i64>, _>(1).and_then(|seq| u64::try_from(seq).ok()).unwrap_or(last_seq + 1);
        transaction.commit().await?;
        Ok(Epoch { name, last_seq, oldest_seq, last_alive })
    }

    /// Marks a clean end: the next run goes on in the same epoch even after a restart of the machine.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_cleanly(&self, last_seq: u64, at: i64) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin_with(WRITING).await?;
        write(&mut transaction, "last_seq", &last_seq.to_string()).await?;
        write(&mut transaction, "alive_at", &at.to_string()).await?;
        write(&mut transaction, "clean_end", "1").await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Writes down that this run lives.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn live_on(&self, at: i64) -> Result<(), StoreError> {
        // With the journal's connection: it need not survive more than the events do.
        let mut journal = self.journal().await?;
        write(&mut journal, "alive_at", &at.to_string()).await?;
        Ok(())
    }

    pub(super) async fn remember_last_seq(&self, last_seq: u64) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        write(&mut writer, "last_seq", &last_seq.to_string()).await?;
        Ok(())
    }
}
