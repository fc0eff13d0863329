//! Backups: a copy of the data folder taken while the gateway runs, the way back, and the copy before a migration.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::{StoreError, lock_folder, make_folder, migrate, restrict, touch_private};

/// The database in its folder.
pub(super) const DATABASE: &str = "linegate.db";
/// How the name of the file ends that SQLite writes first; what is there belongs to the database.
const WAL: &str = "-wal";
/// The endings of everything that SQLite keeps beside a database.
const COMPANIONS: [&str; 3] = [WAL, "-shm", "-journal"];
/// What else a backup holds: without the key the stored passwords are lost, the others spare work.
const BESIDE: [&str; 4] = ["secret.key", "admin-token", "tls-cert.pem", "tls-key.pem"];
/// How the copy before a migration is named; its schema follows.
const BEFORE: &str = "before-schema-";

/// What a restore put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Schema of the database; a newer release brings it up to date at its next start.
    pub schema: i64,
    /// Where the data lies that was there before.
    pub replaced: Option<PathBuf>,
}

/// Copies the data folder into a new folder, also while a gateway uses it. What was written before this is called is
/// in the copy.
///
/// # Errors
/// When there is no database, the target exists already, or something cannot be read or written.
pub async fn backup(folder: &Path, to: &Path) -> Result<(), StoreError> {
    let database = folder.join(DATABASE);
    if !database.is_file() {
        return Err(StoreError::NoDatabase { path: database });
    }
    if to.exists() {
        return Err(StoreError::TargetExists { path: to.to_owned() });
    }
    // A backup that fails half way must not look like one.
    let mut name = to.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    let partial = to.with_file_name(name);
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(fail(&partial))?;
    }
    make_folder(&partial)?;
    let mut connection = options(&database).connect().await?;
    let copied = copy_database(&mut connection, &partial.join(DATABASE)).await;
    connection.close().await?;
    copied?;
    for file in BESIDE {
        let from = folder.join(file);
        if from.is_file() {
            copy_private(&from, &partial.join(file))?;
        }
    }
    std::fs::rename(&partial, to).map_err(fail(to))
}

/// Puts a backup (a folder of [`backup`], or a single database) in the place of a data folder that no gateway uses.
/// What was there is moved aside. Readers of the stream get a new epoch, because what they read after the backup is gone;
/// the events in the backup are kept.
///
/// # Errors
/// When a gateway runs there, the backup is damaged or of a newer release, or something cannot be read or written;
/// the data folder is as before then.
pub async fn restore(from: &Path, folder: &Path, epoch: &str) -> Result<Restored, StoreError> {
    let (source, beside) = match from.is_dir() {
        true => (from.join(DATABASE), Some(from)),
        false => (from.to_owned(), None),
    };
    if !source.is_file() {
        return Err(StoreError::NoDatabase { path: source });
    }
    let _lock = lock_folder(folder)?;
    let _source_lock = hold_still(&source)?;
    let staged = folder.join("linegate.db.restoring");
    // Of a restore that was killed: what lies beside a database is read as its own.
    remove_with_companions(&staged).map_err(fail(&staged))?;
    let put = async {
        let schema = stage(&source, &staged, epoch).await?;
        let replaced = set_aside(folder, beside)?;
        std::fs::rename(&staged, folder.join(DATABASE)).map_err(fail(&staged))?;
        Ok((schema, replaced))
    };
    let (schema, replaced) = match put.await {
        Ok(done) => done,
        Err(error) => {
            // The first error is the one to tell.
            let _ = remove_with_companions(&staged);
            return Err(error);
        }
    };
    for file in BESIDE {
        if let Some(found) = beside.map(|beside| beside.join(file)).filter(|found| found.is_file()) {
            copy_private(&found, &folder.join(file))?;
        }
    }
    give_to_owner(folder)?;
    Ok(Restored { schema, replaced })
}

/// Copies a database with what SQLite wrote beside it, and prepares it.
async fn stage(source: &Path, staged: &Path, epoch: &str) -> Result<i64, StoreError> {
    copy_private(source, staged)?;
    let written = with_ending(source, WAL);
    if written.is_file() {
        // A database that was not closed: its last transactions are there. SQLite reads them when it opens the copy.
        copy_private(&written, &with_ending(staged, WAL))?;
    }
    let damaged = |error: sqlx::Error| StoreError::Damaged { path: source.to_owned(), detail: error.to_string() };
    let mut connection = options(staged).connect().await.map_err(damaged)?;
    let prepared = prepare(&mut connection, source, epoch).await;
    // Closed in every case: what is open would write its companions again after they were removed.
    let closed = connection.close().await;
    let schema = prepared?;
    closed?;
    Ok(schema)
}

/// Looks whether a copied database is whole and ours, gives it its new epoch, and makes it one file.
async fn prepare(connection: &mut SqliteConnection, source: &Path, epoch: &str) -> Result<i64, StoreError> {
    let damaged = |detail: String| StoreError::Damaged { path: source.to_owned(), detail };
    let found: Result<String, sqlx::Error> =
        sqlx::query("pragma integrity_check").fetch_one(&mut *connection).await.map(|row| row.get(0));
    match found {
        Ok(word) if word == "ok" => {}
        Ok(words) => return Err(damaged(words)),
        Err(error) => return Err(damaged(error.to_string())),
    }
    let schema = migrate::found(connection).await?;
    if schema == 0 {
        return Err(damaged("it is not Linegate's".to_owned()));
    }
    if schema > migrate::known() {
        return Err(StoreError::Newer { found: schema, known: migrate::known() });
    }
    let mut transaction = connection.begin().await?;
    // As after a clean end: the events stay, under a new name, which each of them tells.
    let old: Option<String> = sqlx::query("select value from meta where key = 'epoch'")
        .fetch_optional(&mut *transaction)
        .await?
        .map(|row| row.get(0));
    if let Some(old) = old {
        sqlx::query(
            "update event set frame = cast(replace(cast(frame as text), ?1, ?2) as blob) \
             where instr(cast(frame as text), ?1) > 0",
        )
        .bind(format!("\"epoch\":\"{old}\""))
        .bind(format!("\"epoch\":\"{epoch}\""))
        .execute(&mut *transaction)
        .await?;
    }
    sqlx::query(
        "insert into meta (key, value) values ('epoch', ?1), ('clean_end', '1') \
         on conflict (key) do update set value = excluded.value",
    )
    .bind(epoch)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    // Only the one file is put in place. This fails when something would stay beside it.
    sqlx::raw_sql("pragma journal_mode = delete").execute(connection).await?;
    Ok(schema)
}

/// Copies the database before its schema changes, so that the release before can be installed again, and says how the copy
/// is called. Copies of earlier upgrades stay until [`after_migration`].
pub(super) async fn before_migration(
    connection: &mut SqliteConnection,
    folder: &Path,
) -> Result<Option<String>, StoreError> {
    let found = migrate::found(connection).await?;
    if found == 0 || found >= migrate::known() {
        return Ok(None);
    }
    let name = format!("{BEFORE}{found}.db");
    let copy = folder.join(&name);
    if copy.exists() {
        // Of an upgrade that did not come to its end; the database is what it was then, and what was written since.
        std::fs::remove_file(&copy).map_err(fail(&copy))?;
    }
    copy_database(connection, &copy).await?;
    Ok(Some(name))
}

/// Of the copies before a migration only the last one is kept, once the migration has succeeded.
pub(super) fn after_migration(folder: &Path, kept: &str) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        if !file.starts_with(BEFORE) || file == kept {
            continue;
        }
        if let Err(error) = std::fs::remove_file(entry.path()) {
            // The database is up to date; a file too many is no reason not to start.
            tracing::warn!(%error, "{}: a copy of an earlier upgrade cannot be removed", entry.path().display());
        }
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    name.into()
}

fn remove_with_companions(database: &Path) -> std::io::Result<()> {
    let gone = |path: &Path| match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    COMPANIONS.iter().try_for_each(|ending| gone(&with_ending(database, ending)))?;
    gone(database)
}

/// SQLite throws away what lies beside an empty database and begins anew, with no router and no token. Where the end was clean
/// nothing lies there, and an administrator may begin anew.
pub(super) fn refuse_remains(database: &Path) -> Result<(), StoreError> {
    let has = |path: &Path| std::fs::metadata(path).is_ok_and(|found| found.len() > 0);
    match !has(database) && has(&with_ending(database, WAL)) {
        true => Err(StoreError::Lost { path: database.to_owned() }),
        false => Ok(()),
    }
}

/// Keeps a gateway from the data folder that is copied, while this lives; a copy of one that runs would be torn. A backup
/// and what a restore set aside have no lock: nobody runs there.
fn hold_still(database: &Path) -> Result<Option<std::fs::File>, StoreError> {
    let Some(folder) = database.parent().filter(|_| database.file_name().is_some_and(|name| name == DATABASE)) else {
        return Ok(None);
    };
    // A lock that cannot be opened, on a disk of somebody else's: no gateway of this machine can use it either.
    let Ok(lock) = std::fs::File::open(folder.join("lock")) else { return Ok(None) };
    match lock.try_lock_shared() {
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::SourceInUse { path: folder.to_owned() }),
        _ => Ok(Some(lock)),
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).busy_timeout(std::time::Duration::from_secs(30))
}

/// SQLite copies what was committed when it begins; who writes meanwhile need not wait.
async fn copy_database(connection: &mut SqliteConnection, to: &Path) -> Result<(), StoreError> {
    // SQLite takes an empty file, which has our permissions from the first byte on.
    touch_private(to)?;
    sqlx::query("vacuum into ?1").bind(to.to_string_lossy().into_owned()).execute(connection).await?;
    // Windows flushes only what was opened to be written.
    std::fs::OpenOptions::new().write(true).open(to).and_then(|file| file.sync_all()).map_err(fail(to))
}

fn copy_private(from: &Path, to: &Path) -> Result<(), StoreError> {
    touch_private(to)?;
    let copy = || -> std::io::Result<()> {
        let mut target = std::fs::OpenOptions::new().write(true).truncate(true).open(to)?;
        std::io::copy(&mut std::fs::File::open(from)?, &mut target)?;
        target.sync_all()
    };
    copy().map_err(fail(from))?;
    restrict(to, 0o600)
}

/// Moves what a restore replaces into a folder of its own.
fn set_aside(folder: &Path, beside: Option<&Path>) -> Result<Option<PathBuf>, StoreError> {
    let comes = |file: &str| beside.is_some_and(|beside| beside.join(file).is_file());
    let mut leaving: Vec<String> = [DATABASE, "linegate.db-wal"].map(str::to_owned).to_vec();
    leaving.extend(BESIDE.into_iter().filter(|file| comes(file)).map(str::to_owned));
    leaving.retain(|file| folder.join(file).exists());
    // Rebuilt from the journal beside the database; an old one must not meet the new database.
    let shared = folder.join("linegate.db-shm");
    if shared.exists() {
        std::fs::remove_file(&shared).map_err(fail(&shared))?;
    }
    if leaving.is_empty() {
        return Ok(None);
    }
    let mut number = 1;
    let aside = loop {
        let path = folder.join(format!("replaced-{number}"));
        if !path.exists() {
            break path;
        }
        number += 1;
    };
    make_folder(&aside)?;
    for file in leaving {
        let from = folder.join(&file);
        std::fs::rename(&from, aside.join(&file)).map_err(fail(&from))?;
    }
    Ok(Some(aside))
}

/// An administrator restores as root; the gateway, which is not, must be able to read what was put there.
fn give_to_owner(folder: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let owner = std::fs::metadata(folder).map_err(fail(folder))?;
        for entry in std::fs::read_dir(folder).map_err(fail(folder))?.flatten() {
            let path = entry.path();
            let meta = std::fs::symlink_metadata(&path).map_err(fail(&path))?;
            if (meta.uid(), meta.gid()) != (owner.uid(), owner.gid()) {
                std::os::unix::fs::lchown(&path, Some(owner.uid()), Some(owner.gid())).map_err(fail(&path))?;
            }
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

fn fail(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Folder { path, source }
}
