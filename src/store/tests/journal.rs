//! Rows of the journal: retention takes a beginning and never a middle.

use super::super::{Batch, EventRow, LiveRow, Pruned, Store};
use super::open;

fn event(seq: u64, at: i64) -> EventRow {
    EventRow {
        seq,
        at,
        event: "call.updated",
        pbx_id: None,
        line_id: None,
        call_id: None,
        frame: format!("{{\"seq\":{seq}}}").into_bytes().into(),
    }
}

async fn seqs(store: &Store) -> Vec<u64> {
    store.events_after(0, 100_000).await.unwrap().iter().map(|event| event.seq).collect()
}

#[tokio::test]
async fn retention_leaves_no_hole_although_the_clock_was_turned_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let rows: Vec<EventRow> = [(1, 10), (2, 20), (3, 90), (4, 15), (5, 95)].map(|(seq, at)| event(seq, at)).into();
    store.write_batch(&Batch { events: rows, ..Batch::default() }).await.unwrap();
    let done = store.prune_events(50, 0, 5).await.unwrap();
    assert_eq!((done, seqs(&store).await), (Pruned { oldest: Some(3), is_done: true }, vec![3, 4, 5]));
    let done = store.prune_events(0, 5, 5).await.unwrap();
    assert_eq!((done.oldest, seqs(&store).await), (Some(5), vec![5]));
    let done = store.prune_events(1000, 0, 5).await.unwrap();
    assert_eq!((done.oldest, done.is_done), (None, true));
    assert_eq!(store.prune_events(1000, 0, 5).await.unwrap().oldest, None);
}

#[tokio::test]
async fn retention_works_in_small_rounds_until_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let rows: Vec<EventRow> = (1..=12_000).map(|seq| event(seq, 1)).collect();
    store.write_batch(&Batch { events: rows, ..Batch::default() }).await.unwrap();
    let mut rounds = Vec::new();
    loop {
        let done = store.prune_events(0, 11_501, 12_000).await.unwrap();
        rounds.push(done.oldest.unwrap());
        if done.is_done {
            break;
        }
    }
    assert_eq!(rounds, [5001, 10_001, 11_501]);
}

#[tokio::test]
async fn numbers_rise_although_retention_took_every_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.begin_epoch("boot", "one").await.unwrap();
    store.write_batch(&Batch { events: vec![event(1, 1), event(2, 1)], ..Batch::default() }).await.unwrap();
    store.prune_events(100, 0, 2).await.unwrap();
    drop(store);
    let epoch = open(&folder).await.begin_epoch("boot", "two").await.unwrap();
    assert_eq!((epoch.name.as_str(), epoch.last_seq, epoch.oldest_seq), ("one", 2, 3));
}

#[tokio::test]
async fn a_call_that_cannot_be_read_does_not_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let call = LiveRow { id: "call_1".to_owned(), body: "{\"id\":\"call_1\"}".to_owned(), life: "torn".to_owned() };
    let batch = Batch { events: vec![event(1, 1)], living: vec![call], ..Batch::default() };
    store.write_batch(&batch).await.unwrap();
    assert!(store.live_calls().await.unwrap().is_empty());
    let lives = store.live_lives().await.unwrap();
    assert_eq!(lives.into_values().collect::<Vec<_>>(), [crate::domain::CallLife::default()]);
}
