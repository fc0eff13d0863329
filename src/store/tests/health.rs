//! What readiness and the service manager are told of the database.

use super::super::{Store, Unwell};
use super::{batch, open, pbx};

async fn on_writer(store: &Store, words: &'static str) {
    sqlx::raw_sql(words).execute(&mut *store.writer().await.unwrap()).await.unwrap();
}

/// As it is seen some seconds later.
async fn ready_now(store: &Store) -> Result<(), Unwell> {
    store.inner.seen.forget().await;
    store.ready().await
}

/// Everything in the file itself, as after some hours.
async fn brought_home(folder: &tempfile::TempDir) -> Store {
    let store = open(folder).await;
    store.insert_pbx(&pbx("hq")).await.unwrap();
    store.close().await;
    open(folder).await
}

#[tokio::test]
async fn a_destroyed_database_is_seen_although_sqlite_remembers_its_pages() {
    // Overwritten behind its head too: the head alone may be whole.
    for from in [0, 4096] {
        let folder = tempfile::tempdir().unwrap();
        let store = brought_home(&folder).await;
        // Remembered by every connection.
        assert_eq!(store.pbxs().await.unwrap().len(), 1);
        assert_eq!((ready_now(&store).await, store.readable().await), (Ok(()), Ok(())));
        let file = folder.path().join("linegate.db");
        let mut content = std::fs::read(&file).unwrap();
        content[from..].fill(b'x');
        std::fs::write(&file, &content).unwrap();
        let error = store.readable().await.unwrap_err();
        assert!(matches!(error, Unwell::Unreadable(_)), "from {from}: {error}");
        assert_eq!(ready_now(&store).await, Err(error));
    }
}

#[tokio::test]
async fn a_database_that_is_empty_or_gone_is_seen_and_what_is_beside_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = brought_home(&folder).await;
    store.write_batch(&batch(1)).await.unwrap();
    let file = folder.path().join("linegate.db");
    std::fs::write(&file, "").unwrap();
    let error = ready_now(&store).await.unwrap_err();
    assert_eq!(error.to_string(), "The database cannot be read: its file is empty.");
    assert!(folder.path().join("linegate.db-wal").metadata().unwrap().len() > 0);
    #[cfg(unix)]
    {
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(store.readable().await, Err(Unwell::Unreadable(_))));
        assert!(!file.exists(), "looking makes no new one");
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_not_ready_but_readable_and_heals_by_itself() {
    let trigger = "create trigger full before update on meta begin select raise(fail, 'no room'); end";
    for (breaks, heals, words) in [
        ("pragma query_only = on", "pragma query_only = off", "attempt to write a readonly database"),
        (trigger, "drop trigger full", "no room"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder).await;
        assert_eq!(ready_now(&store).await, Ok(()));
        on_writer(&store, breaks).await;
        let error = ready_now(&store).await.unwrap_err();
        assert_eq!(error.to_string(), format!("The database cannot be written: {words}."));
        assert_eq!(store.readable().await, Ok(()), "a start would not help");
        on_writer(&store, heals).await;
        assert_eq!(ready_now(&store).await, Ok(()));
    }
}

#[tokio::test]
async fn events_that_wait_for_a_full_disk_are_seen_until_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    // No page more than there are; the limit is the connection's.
    let limit = "pragma max_page_count = 1";
    sqlx::raw_sql(limit).execute(&mut *store.journal().await.unwrap()).await.unwrap();
    let mut seq = 0;
    while store.write_batch(&batch(seq + 1)).await.is_ok() {
        seq += 1;
    }
    // At once, not after some seconds.
    let error = store.ready().await.unwrap_err();
    assert_eq!(error.to_string(), "Events cannot be written: database or disk is full.");
    assert_eq!(store.readable().await, Ok(()));
    let limit = "pragma max_page_count = 1000000";
    sqlx::raw_sql(limit).execute(&mut *store.journal().await.unwrap()).await.unwrap();
    store.write_batch(&batch(seq + 1)).await.unwrap();
    assert_eq!(store.ready().await, Ok(()));
}

#[tokio::test]
async fn who_asks_often_does_not_write_often() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let probes = || async {
        let asked = sqlx::query_scalar::<_, String>("select value from meta where key = 'probe'");
        asked.fetch_one(&store.inner.readers).await.unwrap()
    };
    assert_eq!(ready_now(&store).await, Ok(()));
    let before = probes().await;
    on_writer(&store, "pragma query_only = on").await;
    let all = futures_util::future::join_all((0..50).map(|_| store.ready())).await;
    assert!(all.iter().all(Result::is_ok), "the answer before");
    assert_eq!(probes().await, before);
    on_writer(&store, "pragma query_only = off").await;
    ready_now(&store).await.unwrap();
    assert_ne!(probes().await, before, "it is a write indeed");
}

#[tokio::test]
async fn a_writer_that_hangs_is_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let held = store.writer().await.unwrap();
    let error = ready_now(&store).await.unwrap_err();
    assert_eq!(error.to_string(), "The database cannot be written: it does not answer in time.");
    drop(held);
    assert_eq!(ready_now(&store).await, Ok(()));
}
