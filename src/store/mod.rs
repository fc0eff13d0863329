//! SQLite: configuration, secrets, and the rows of the journal. One file a subject.
//!
//! Configuration is synced before it counts as written (`synchronous = full`); the journal is written before any
//! reader sees it, without a sync (decision 1 of performance-and-reliability: it survives the process, not the power).

mod backup;
mod calls;
mod enrolment;
mod events;
mod finished;
mod health;
mod idempotency;
mod line;
mod meta;
mod migrate;
mod number_rules;
mod pbx;
mod secret;
mod setting;
mod token;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

pub use backup::{Restored, backup, restore};
pub use enrolment::{EnrolmentRow, hash_code, new_code};
pub use events::{Batch, EventRow, LiveRow, Pruned, StoredEvent};
pub use finished::{BlindQuery, FinishedQuery, FinishedRow, SightRow, StoredBlind, StoredFinished};
pub use health::Unwell;
pub use idempotency::{Claim, StoredAnswer};
pub use line::{LineBody, LineRow};
pub use meta::Epoch;
pub use number_rules::NumberRulesRow;
pub use pbx::PbxRow;
pub use secret::{Secret, SecretError};
pub use token::{Scope, TokenRow, admin_token, hash_token, new_secret};

use secret::Vault;

/// How a transaction begins that reads before it writes. A plain one would take its place as a writer only with the first
/// write, and fail at once, without waiting, when the journal wrote after its first read.
const WRITING: &str = "begin immediate";

/// Why the store cannot do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The data folder cannot be used.
    #[error("the data folder {path} cannot be used: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another gateway uses the folder: two would write one journal.
    #[error(
        "another gateway uses the data folder {path}: stop it, or give this one a folder of its own with --data-dir"
    )]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// The database was written by a newer release.
    #[error(
        "the database is of a newer release (schema {found}, this release knows {known}): install that release again, or \
         go back with `linegate restore`, for example to before-schema-{known}.db, which the upgrade left in the data folder"
    )]
    Newer {
        /// Its schema.
        found: i64,
        /// The newest schema that this release knows.
        known: i64,
    },
    /// There is nothing to copy.
    #[error("there is no database {path}: name the data folder with --data-dir, or the backup that was made")]
    NoDatabase {
        /// Where it would be.
        path: PathBuf,
    },
    /// The database is gone, but not all of it: to begin anew would take away the rest.
    #[error(
        "the database {path} is gone or empty, although its last changes lie beside it: restore a backup with \
         `linegate restore`, or move {path}-wal away to begin anew"
    )]
    Lost {
        /// Where it would be.
        path: PathBuf,
    },
    /// A backup would go over something.
    #[error("{path} exists already: name a folder that does not exist yet")]
    TargetExists {
        /// Which.
        path: PathBuf,
    },
    /// A backup cannot be used.
    #[error("the backup {path} cannot be used ({detail}): take another one; nothing was changed")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// What is copied from it may be torn.
    #[error(
        "{path} is in use: copy it with `linegate backup --data-dir {path} FOLDER` and restore that copy; nothing was changed"
    )]
    SourceInUse {
        /// The folder of the database.
        path: PathBuf,
    },
    /// The end has come.
    #[error("the database is closed: the gateway is ending")]
    Closed,
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A row holds what it should not.
    #[error("the {table} row {id} cannot be read: {detail}")]
    Row {
        /// Table.
        table: &'static str,
        /// Its key.
        id: String,
        /// What is wrong.
        detail: String,
    },
    /// The same identity exists already.
    #[error("it exists already")]
    Exists,
    /// The row changed since it was read.
    #[error("it was changed by somebody else meanwhile")]
    Changed,
    /// There is no such row.
    #[error("there is no such row")]
    Missing,
    /// SQLite.
    #[error("the database failed: {0}")]
    Sql(#[from] sqlx::Error),
}

/// The store. Cloning gives another handle to it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` after the end.
    writer: Mutex<Option<SqliteConnection>>,
    /// `None` after the end.
    journal: Mutex<Option<SqliteConnection>>,
    readers: SqlitePool,
    vault: Vault,
    folder: PathBuf,
    seen: health::Seen,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in a folder, making both when they do not exist. `key` is the key of the secrets at rest
    /// (base64 of 32 bytes); without it one is kept in the folder.
    ///
    /// # Errors
    /// When the folder cannot be used, the database is of a newer release, or the key does not fit.
    pub async fn open(folder: &Path, key: Option<&str>) -> Result<Self, StoreError> {
        make_folder(folder)?;
        let vault = Vault::open(folder, key)?;
        let path = folder.join(backup::DATABASE);
        backup::refuse_remains(&path)?;
        touch_private(&path)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true);
        let mut writer = options.clone().synchronous(SqliteSynchronous::Full).connect().await?;
        let copy = backup::before_migration(&mut writer, folder).await?;
        migrate::run(&mut writer).await?;
        if let Some(copy) = copy {
            backup::after_migration(folder, &copy);
        }
        let journal = options.clone().synchronous(SqliteSynchronous::Normal).connect().await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.synchronous(SqliteSynchronous::Normal))
            .await?;
        Ok(Self {
            inner: Arc::new(Inner {
                writer: Mutex::new(Some(writer)),
                journal: Mutex::new(Some(journal)),
                readers,
                vault,
                folder: folder.to_owned(),
                seen: health::Seen::default(),
            }),
        })
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Closes the connections; what was written stays, all of it in the one file: the last connection brings what is in
    /// the `-wal` home.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        // The writer last: what it brings home is synced.
        for connection in [&self.inner.journal, &self.inner.writer] {
            let Some(connection) = connection.lock().await.take() else { continue };
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "the database could not be closed; the next start reads what is beside it");
            }
        }
    }

    /// The connection that writes the configuration.
    async fn writer(&self) -> Result<MappedMutexGuard<'_, SqliteConnection>, StoreError> {
        open_one(&self.inner.writer).await
    }

    /// The connection that writes the journal.
    async fn journal(&self) -> Result<MappedMutexGuard<'_, SqliteConnection>, StoreError> {
        open_one(&self.inner.journal).await
    }

    /// Makes writing the journal impossible, or possible again: a test sees what a full disk does.
    #[cfg(test)]
    pub(crate) async fn break_journal(&self, broken: bool) {
        let pragma = if broken { "pragma query_only = on" } else { "pragma query_only = off" };
        let Ok(mut journal) = self.journal().await else { return };
        // A pragma that fails shows itself in the test.
        let _ = sqlx::raw_sql(pragma).execute(&mut *journal).await;
    }

    /// Makes writing the configuration impossible, or possible again.
    #[cfg(test)]
    pub(crate) async fn break_writer(&self, broken: bool) {
        let pragma = if broken { "pragma query_only = on" } else { "pragma query_only = off" };
        if let Ok(mut writer) = self.writer().await {
            // A pragma that fails shows itself in the test.
            let _ = sqlx::raw_sql(pragma).execute(&mut *writer).await;
        }
        self.inner.seen.forget().await;
    }
}

async fn open_one(
    slot: &Mutex<Option<SqliteConnection>>,
) -> Result<MappedMutexGuard<'_, SqliteConnection>, StoreError> {
    MutexGuard::try_map(slot.lock().await, Option::as_mut).map_err(|_| StoreError::Closed)
}

/// Makes the data folder when there is none, for its owner alone.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let fail = |source| StoreError::Folder { path: folder.to_owned(), source };
    if !folder.exists() {
        std::fs::create_dir_all(folder).map_err(fail)?;
        restrict(folder, 0o700)?;
    }
    Ok(())
}

/// The data folder is ours while this lives; the system lets go of it also after `kill -9`.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "closing it is what unlocks")] std::fs::File);

/// The schema of the database that this release works with.
pub fn schema() -> i64 {
    migrate::known()
}

/// Makes the data folder ours, and first of all makes it.
///
/// # Errors
/// When it cannot be used or another gateway uses it.
pub fn lock_folder(folder: &Path) -> Result<FolderLock, StoreError> {
    make_folder(folder)?;
    let fail = |source| StoreError::Folder { path: folder.to_owned(), source };
    let path = folder.join("lock");
    touch_private(&path)?;
    let file = std::fs::File::open(&path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: folder.to_owned() }),
        // A file system without locks: better unguarded than not at all.
        Err(std::fs::TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {
            Ok(FolderLock(file))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(fail(error)),
    }
}

/// Takes a path's permissions away from others. On Windows the folder is left to the system, the administrators and the
/// owner of each file; what is made in it has the same rights.
fn restrict(path: &Path, mode: u32) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
            .map_err(|source| StoreError::Folder { path: path.to_owned(), source })?;
    }
    #[cfg(windows)]
    if path.is_dir() {
        let system = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
        let done = std::process::Command::new(Path::new(&system).join(r"System32\icacls.exe"))
            .arg(path)
            .args(["/inheritance:r", "/grant:r", "*S-1-5-18:(OI)(CI)F", "/grant:r", "*S-1-5-32-544:(OI)(CI)F"])
            .args(["/grant:r", "*S-1-3-4:(OI)(CI)F", "/Q"])
            .output();
        if !done.is_ok_and(|done| done.status.success()) {
            tracing::warn!("{}: its rights cannot be set; other users of this machine may read it", path.display());
        }
    }
    let _ = mode;
    Ok(())
}

/// Makes the database file before SQLite does: its companions (`-wal`, `-shm`) get the same rights.
fn touch_private(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        write_private(path, "")?;
    }
    restrict(path, 0o600)
}

/// Writes a file that only its owner may read.
pub(crate) fn write_private(path: &Path, content: &str) -> Result<(), StoreError> {
    let fail = |source| StoreError::Folder { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(fail)?;
    // The mode above counts for a new file only.
    restrict(path, 0o600)?;
    std::io::Write::write_all(&mut file, content.as_bytes()).map_err(fail)?;
    file.sync_all().map_err(fail)
}

#[cfg(test)]
mod tests;
