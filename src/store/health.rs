//! Whether the database can be read and written: what `/readyz` and the service manager are told.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Store, StoreError, backup};

/// Within this time the answer before is given again: nobody keeps the disk busy by asking.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(5);
/// A look that takes longer has failed.
const LONGEST: Duration = Duration::from_secs(3);
/// A row of each table that matters. The pages of those that are seldom written lie in the file itself.
const READ: &str = "select (select 1 from meta limit 1), (select 1 from pbx limit 1), (select 1 from line limit 1), \
                    (select 1 from token limit 1), (select 1 from setting limit 1), (select 1 from number_rules limit 1), \
                    (select 1 from event limit 1), (select 1 from live_call limit 1), (select 1 from finished_call limit 1)";
/// Another value each time: SQLite does not write a page that stays as it is.
const WRITE: &str = "insert into meta (key, value) values ('probe', '0') on conflict (key) do update \
                     set value = cast((cast(value as integer) + 1) % 1000 as text)";

/// What does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unwell {
    /// It is destroyed, gone, or its disk does not answer. A start helps when the file can be read again.
    #[error("The database cannot be read: {0}.")]
    Unreadable(String),
    /// Such as a full disk. A start does not help.
    #[error("The database cannot be written: {0}.")]
    Unwritable(String),
    /// Events wait to be written. A start does not help.
    #[error("Events cannot be written: {0}.")]
    EventsWait(String),
}

/// What was found before.
#[derive(Debug, Default)]
pub(super) struct Seen {
    looked: tokio::sync::Mutex<Option<(Instant, Result<(), Unwell>)>>,
    events: std::sync::Mutex<Option<String>>,
}

impl Seen {
    /// How writing events went; it is tried again until it goes well.
    pub(super) fn events(&self, written: &Result<(), StoreError>) {
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = written.as_ref().err().map(reason);
    }

    #[cfg(test)]
    pub(super) async fn forget(&self) {
        *self.looked.lock().await = None;
    }
}

impl Store {
    /// Whether the database can be read and written and no event waits for the disk; looked at every few seconds at most.
    ///
    /// # Errors
    /// What does not work.
    pub async fn ready(&self) -> Result<(), Unwell> {
        let mut looked = self.inner.seen.looked.lock().await;
        let found = match looked.as_ref() {
            Some((at, found)) if at.elapsed() < LOOKED_AT_EVERY => found.clone(),
            _ => {
                let found = self.look().await;
                *looked = Some((Instant::now(), found.clone()));
                found
            }
        };
        found?;
        let waits = self.inner.seen.events.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waits.map_or(Ok(()), |reason| Err(Unwell::EventsWait(reason)))
    }

    /// Whether the database can be read, as a process could that starts now: from its file, not from what is remembered.
    ///
    /// # Errors
    /// [`Unwell::Unreadable`].
    pub async fn readable(&self) -> Result<(), Unwell> {
        let path = self.inner.folder.join(backup::DATABASE);
        let read = async {
            // By its name alone: whoever opens and closes the file beside SQLite takes away the locks of this process. And of
            // an empty file SQLite would throw away what is in the `-wal`.
            match tokio::fs::metadata(&path).await {
                Ok(found) if found.len() > 0 => {}
                Ok(_) => return Err("its file is empty".to_owned()),
                Err(error) => return Err(error.to_string()),
            }
            let options = SqliteConnectOptions::new().filename(&path).read_only(true).busy_timeout(LONGEST);
            let mut connection = options.connect().await.map_err(|error| words(&error))?;
            let read = sqlx::query(READ).fetch_one(&mut connection).await;
            let closed = connection.close().await;
            read.and(closed).map_err(|error| words(&error))
        };
        in_time(read).await.map_err(Unwell::Unreadable)
    }

    async fn look(&self) -> Result<(), Unwell> {
        self.readable().await?;
        let written = async {
            let mut writer = self.writer().await.map_err(|error| reason(&error))?;
            sqlx::query(WRITE).execute(&mut *writer).await.map_err(|error| words(&error))?;
            Ok(())
        };
        in_time(written).await.map_err(Unwell::Unwritable)
    }
}

async fn in_time(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    tokio::time::timeout(LONGEST, work).await.unwrap_or_else(|_| Err("it does not answer in time".to_owned()))
}

fn reason(error: &StoreError) -> String {
    match error {
        StoreError::Sql(error) => words(error),
        other => other.to_string(),
    }
}

/// What SQLite says, without the number of the error.
fn words(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}
