//! Copies of the data, and the way back.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::super::{Batch, EventRow, Restored, Secret, Store, StoreError, admin_token, backup, lock_folder, restore};
use super::{open, pbx};

fn event(seq: u64, epoch: &str) -> EventRow {
    EventRow {
        seq,
        at: 1,
        event: "call.updated",
        pbx_id: None,
        line_id: None,
        call_id: None,
        frame: format!(r#"{{"type":"event","epoch":"{epoch}","seq":{seq},"data":"\"epoch\":\"{epoch}\""}}"#)
            .into_bytes()
            .into(),
    }
}

async fn write(store: &Store, seqs: std::ops::RangeInclusive<u64>) {
    let events = seqs.map(|seq| event(seq, "one")).collect();
    store.write_batch(&Batch { events, ..Batch::default() }).await.unwrap();
}

async fn shut(store: Store) {
    store.close().await;
}

/// A store whose end was no clean one: nothing is brought home from the `-wal`. A copy of all files while nobody writes is
/// what a killed process leaves.
async fn as_after_a_kill(data: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for name in ["linegate.db", "linegate.db-wal", "secret.key"] {
        std::fs::copy(data.join(name), to.join(name)).unwrap();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A database as an earlier release left it.
async fn old_database(folder: &Path) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("linegate.db"));
    let mut old = options.create_if_missing(true).connect().await.unwrap();
    for part in [
        include_str!("../../../migrations/0001_base.sql"),
        include_str!("../../../migrations/0002_journal.sql"),
        "insert into live_call (id, body) values ('call_1', '{}')",
        "pragma user_version = 2",
    ] {
        sqlx::raw_sql(part).execute(&mut old).await.unwrap();
    }
    old.close().await.unwrap();
}

#[tokio::test]
async fn a_copy_taken_while_it_is_used_brings_everything_back_under_a_new_epoch() {
    let parent = tempfile::tempdir().unwrap();
    let (data, copy) = (parent.path().join("data"), parent.path().join("copy"));
    let store = Store::open(&data, None).await.unwrap();
    let lock = lock_folder(&data).unwrap();
    let (token, _) = admin_token(&store, None).unwrap();
    store.begin_epoch("boot", "one").await.unwrap();
    store.insert_pbx(&pbx("hq")).await.unwrap();
    write(&store, 1..=3).await;
    backup(&data, &copy).await.unwrap();
    write(&store, 4..=5).await;
    store.insert_pbx(&pbx("later")).await.unwrap();

    let error = restore(&copy, &data, "two").await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "a gateway runs: {error}");
    shut(store).await;
    drop(lock);
    let restored = restore(&copy, &data, "two").await.unwrap();
    assert_eq!(restored.replaced, Some(data.join("replaced-1")));

    let store = Store::open(&data, None).await.unwrap();
    let pbxs = store.pbxs().await.unwrap();
    assert_eq!(pbxs.len(), 1);
    assert_eq!(pbxs[0].axl_password, Some(Secret::new("canary-axl")), "the key came with it");
    assert_eq!(admin_token(&store, None).unwrap().0, token);
    // Another boot of the machine: the events stay all the same.
    let epoch = store.begin_epoch("other boot", "three").await.unwrap();
    assert_eq!((epoch.name.as_str(), epoch.oldest_seq, epoch.last_seq), ("two", 1, 3));
    let events = store.events_after(0, 100).await.unwrap();
    assert_eq!(events.len(), 3);
    let frame = String::from_utf8_lossy(&events[0].frame).into_owned();
    assert_eq!(frame, r#"{"type":"event","epoch":"two","seq":1,"data":"\"epoch\":\"one\""}"#);
    // What was replaced is whole: it can be brought back in turn.
    let again = parent.path().join("again");
    let replaced = restore(&data.join("replaced-1"), &again, "four").await.unwrap();
    assert_eq!(replaced.replaced, None);
    let other = Store::open(&again, None).await.unwrap();
    assert_eq!(other.events_after(0, 100).await.unwrap().len(), 5, "the events that were in the -wal");
}

#[tokio::test]
async fn a_clean_end_leaves_one_file_and_writes_nothing_more() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let store = Store::open(&data, None).await.unwrap();
    store.insert_pbx(&pbx("hq")).await.unwrap();
    write(&store, 1..=3).await;
    assert!(data.join("linegate.db-wal").metadata().unwrap().len() > 0, "it is still beside");
    store.close().await;
    store.close().await;
    assert_eq!(names(&data), ["linegate.db", "secret.key"]);
    let error = store.insert_pbx(&pbx("late")).await.unwrap_err();
    assert!(matches!(error, StoreError::Closed), "{error}");
    let store = Store::open(&data, None).await.unwrap();
    assert_eq!((store.pbxs().await.unwrap().len(), store.events_after(0, 9).await.unwrap().len()), (1, 3));
}

#[tokio::test]
async fn a_restore_brings_what_lies_beside_the_database_and_leaves_the_source_as_it_is() {
    let parent = tempfile::tempdir().unwrap();
    let (data, killed) = (parent.path().join("data"), parent.path().join("killed"));
    let store = Store::open(&data, None).await.unwrap();
    store.begin_epoch("boot", "one").await.unwrap();
    store.insert_pbx(&pbx("hq")).await.unwrap();
    write(&store, 1..=3).await;
    // So young that the file itself has no table yet.
    as_after_a_kill(&data, &killed).await;
    let bytes = |name: &str| std::fs::read(killed.join(name)).unwrap();
    let before = (bytes("linegate.db"), bytes("linegate.db-wal"));
    assert!(before.0.len() < before.1.len());
    shut(store).await;

    let (first, second) = (parent.path().join("first"), parent.path().join("second"));
    assert_eq!(restore(&killed, &first, "two").await.unwrap().replaced, None);
    assert_eq!((bytes("linegate.db"), bytes("linegate.db-wal")), before);
    assert_eq!(names(&killed), ["linegate.db", "linegate.db-wal", "secret.key"]);
    assert_eq!(names(&first), ["linegate.db", "lock", "secret.key"]);
    let there = Store::open(&first, None).await.unwrap();
    assert_eq!(there.pbxs().await.unwrap()[0].axl_password, Some(Secret::new("canary-axl")));
    assert_eq!(there.events_after(0, 9).await.unwrap().len(), 3);
    shut(there).await;
    // The same as a single file.
    restore(&killed.join("linegate.db"), &second, "three").await.unwrap();
    std::fs::copy(killed.join("secret.key"), second.join("secret.key")).unwrap();
    assert_eq!(Store::open(&second, None).await.unwrap().pbxs().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_restore_replaced_after_a_kill_can_be_had_back() {
    let parent = tempfile::tempdir().unwrap();
    let (data, copy, killed) = (parent.path().join("data"), parent.path().join("copy"), parent.path().join("killed"));
    let store = Store::open(&data, None).await.unwrap();
    backup(&data, &copy).await.unwrap();
    for name in ["a", "b", "c"] {
        store.insert_pbx(&pbx(name)).await.unwrap();
    }
    as_after_a_kill(&data, &killed).await;
    shut(store).await;

    let replaced = restore(&copy, &killed, "two").await.unwrap().replaced.unwrap();
    assert_eq!(names(&replaced), ["linegate.db", "linegate.db-wal", "secret.key"]);
    restore(&replaced, &killed, "three").await.unwrap();
    assert_eq!(Store::open(&killed, None).await.unwrap().pbxs().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_folder_in_use_is_no_source_of_a_restore() {
    let parent = tempfile::tempdir().unwrap();
    let (data, other) = (parent.path().join("data"), parent.path().join("other"));
    let lock = lock_folder(&data).unwrap();
    let store = Store::open(&data, None).await.unwrap();
    let error = restore(&data, &other, "two").await.unwrap_err();
    assert!(matches!(error, StoreError::SourceInUse { .. }), "{error}");
    assert!(error.to_string().contains("linegate backup"), "{error}");
    shut(store).await;
    drop(lock);
    // Itself is one, too: the lock is the restore's own.
    let error = restore(&data, &data, "two").await.unwrap_err();
    assert!(matches!(error, StoreError::SourceInUse { .. }), "{error}");
    assert_eq!(names(&data), ["linegate.db", "lock", "secret.key"]);
    restore(&data, &other, "two").await.unwrap();
}

#[tokio::test]
async fn a_start_does_not_begin_anew_over_what_is_left_of_a_database() {
    let parent = tempfile::tempdir().unwrap();
    let (data, copy, killed) = (parent.path().join("data"), parent.path().join("copy"), parent.path().join("killed"));
    let store = Store::open(&data, None).await.unwrap();
    store.insert_pbx(&pbx("hq")).await.unwrap();
    backup(&data, &copy).await.unwrap();
    as_after_a_kill(&data, &killed).await;
    shut(store).await;
    let (database, rest) = (killed.join("linegate.db"), killed.join("linegate.db-wal"));
    let before = std::fs::read(&rest).unwrap();
    for is_gone in [false, true] {
        std::fs::write(&database, "").unwrap();
        if is_gone {
            std::fs::remove_file(&database).unwrap();
        }
        let error = Store::open(&killed, None).await.unwrap_err();
        assert!(matches!(error, StoreError::Lost { .. }), "{error}");
        assert_eq!((std::fs::read(&rest).unwrap(), database.exists()), (before.clone(), !is_gone));
    }
    // As it says.
    restore(&copy, &killed, "two").await.unwrap();
    assert_eq!(Store::open(&killed, None).await.unwrap().pbxs().await.unwrap().len(), 1);
    // After a clean end one may begin anew.
    std::fs::remove_file(data.join("linegate.db")).unwrap();
    assert_eq!(Store::open(&data, None).await.unwrap().pbxs().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_restore_that_is_refused_leaves_nothing_staged_and_reads_nothing_that_was() {
    let parent = tempfile::tempdir().unwrap();
    let (data, source) = (parent.path().join("data"), parent.path().join("source"));
    let store = Store::open(&source, None).await.unwrap();
    sqlx::raw_sql("pragma user_version = 0").execute(&mut *store.writer().await.unwrap()).await.unwrap();
    let killed = parent.path().join("killed");
    as_after_a_kill(&source, &killed).await;
    shut(store).await;
    std::fs::create_dir(&data).unwrap();
    // Of a restore that was killed half way.
    std::fs::copy(killed.join("linegate.db-wal"), data.join("linegate.db.restoring-wal")).unwrap();
    std::fs::write(data.join("linegate.db.restoring-shm"), "old").unwrap();
    let error = restore(&killed, &data, "two").await.unwrap_err();
    assert!(error.to_string().contains("not Linegate's"), "{error}");
    assert_eq!(names(&data), ["lock"]);
}

#[tokio::test]
async fn a_backup_never_goes_over_anything_and_says_what_is_missing() {
    let parent = tempfile::tempdir().unwrap();
    let error = backup(&parent.path().join("nowhere"), &parent.path().join("copy")).await.unwrap_err();
    assert!(error.to_string().contains("--data-dir"), "{error}");
    let data = parent.path().join("data");
    shut(Store::open(&data, None).await.unwrap()).await;
    let error = backup(&data, parent.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::TargetExists { .. }), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_a_backup() {
    use std::os::unix::fs::PermissionsExt as _;

    let parent = tempfile::tempdir().unwrap();
    let (data, copy) = (parent.path().join("data"), parent.path().join("copy"));
    shut(Store::open(&data, None).await.unwrap()).await;
    backup(&data, &copy).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&copy), 0o700);
    let files: Vec<_> = std::fs::read_dir(&copy).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "the database and the key: {files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
}

#[tokio::test]
async fn a_backup_that_cannot_be_used_changes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let store = Store::open(&data, None).await.unwrap();
    store.insert_pbx(&pbx("hq")).await.unwrap();
    shut(store).await;

    let torn = parent.path().join("torn.db");
    std::fs::write(&torn, "this is no database. ".repeat(100)).unwrap();
    let error = restore(&torn, &data, "two").await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");

    let newer = parent.path().join("newer");
    backup(&data, &newer).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(newer.join("linegate.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql("pragma user_version = 999").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let error = restore(&newer, &data, "two").await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 999, .. }), "{error}");

    assert_eq!(Store::open(&data, None).await.unwrap().pbxs().await.unwrap().len(), 1);
    assert!(names(&data).iter().all(|name| !name.contains("restoring") && name != "replaced-1"));
}

#[tokio::test]
async fn the_database_of_an_earlier_release_is_kept_when_it_is_upgraded_and_can_be_had_back() {
    let folder = tempfile::tempdir().unwrap();
    old_database(folder.path()).await;
    std::fs::write(folder.path().join("before-schema-1.db"), "of an upgrade long ago").unwrap();
    let store = open(&folder).await;
    assert_eq!(store.live_lives().await.unwrap().len(), 1);
    let kept = folder.path().join("before-schema-2.db");
    assert!(kept.is_file() && !folder.path().join("before-schema-1.db").exists());
    shut(store).await;

    // A start without a migration leaves the copy that is there.
    let before = std::fs::read(&kept).unwrap();
    shut(open(&folder).await).await;
    assert_eq!(std::fs::read(&kept).unwrap(), before);
    let back = restore(&kept, folder.path(), "two").await.unwrap();
    assert_eq!(back, Restored { schema: 2, replaced: Some(folder.path().join("replaced-1")) });
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("linegate.db"));
    let mut connection = options.connect().await.unwrap();
    let row = sqlx::query(
        "select count(*), (select count(*) from pragma_table_info('live_call') where name = 'life') from live_call",
    );
    let row = row.fetch_one(&mut connection).await.unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (1, 0), "as the earlier release wrote it");
}

#[tokio::test]
async fn a_new_database_needs_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder).await);
    assert!(names(folder.path()).iter().all(|name| !name.starts_with("before-schema")));
}
