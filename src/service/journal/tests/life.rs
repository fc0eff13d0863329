//! Numbers and epochs over death and restart.

use super::super::{Journal, Retention, View};
use super::{RETENTION, change, open, publish, soon};
use crate::domain::CallState;
use crate::store::{FinishedQuery, Store};

async fn seqs(journal: &Journal) -> Vec<u64> {
    journal.read_after(0, 100_000).await.unwrap().iter().map(|event| event.seq).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_have_no_holes_whoever_publishes() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, "boot").await;
    let mut publishers = Vec::new();
    for publisher in 0..8 {
        let journal = journal.clone();
        publishers.push(tokio::spawn(async move {
            for number in 0..50 {
                let batch = (0..number % 4).map(|n| change(publisher * 1000 + n, CallState::Connected)).collect();
                let receipt = journal.publish(batch);
                if number % 7 == 0 {
                    soon("a receipt", receipt.written()).await.unwrap();
                }
            }
        }));
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let last = publish(&journal, Vec::new()).await;
    assert_eq!(seqs(&journal).await, (1..=last).collect::<Vec<_>>());
    assert_eq!((journal.position().seq, journal.view().seq, journal.oldest()), (last, last, 1));
}

#[tokio::test]
async fn a_batch_is_seen_together_and_only_when_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, "boot").await;
    let receipt = journal.publish((0..500).map(|number| change(number, CallState::Offering)).collect());
    assert_eq!((journal.position().seq, journal.view().calls.len()), (0, 0));
    assert_eq!(soon("the batch", receipt.written()).await.unwrap().seq, 500);
    assert_eq!((journal.view().calls.len(), seqs(&journal).await.len()), (500, 500));
}

#[tokio::test]
async fn a_death_of_the_process_loses_nothing_and_keeps_the_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, "boot").await;
    let epoch = journal.position().epoch;
    assert!(!epoch.contains(':'));
    publish(&journal, vec![change(1, CallState::Offering), change(2, CallState::Offering)]).await;
    publish(&journal, vec![change(1, CallState::Ended)]).await;
    // No close: the next run finds what was written.
    drop(journal);
    let journal = open(&folder, "boot").await;
    assert_eq!((journal.position().epoch, journal.position().seq), (epoch, 3));
    assert_eq!(publish(&journal, vec![change(3, CallState::Offering)]).await, 4);
    assert_eq!(seqs(&journal).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn an_unclean_restart_of_the_machine_begins_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, "boot-1").await;
    let epoch = journal.position().epoch;
    publish(&journal, vec![change(1, CallState::Offering)]).await;
    drop(journal);
    let journal = open(&folder, "boot-2").await;
    assert_ne!(journal.position().epoch, epoch);
    assert_eq!((journal.position().seq, journal.oldest(), seqs(&journal).await), (0, 1, Vec::new()));
}

#[tokio::test]
async fn a_clean_end_keeps_the_epoch_over_a_restart_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, "boot-1").await;
    let epoch = journal.position().epoch;
    let queued = journal.publish(vec![change(1, CallState::Offering)]);
    journal.close().await.unwrap();
    assert_eq!(queued.written().await.unwrap().seq, 1, "what was queued is written first");
    let late = soon("a refusal", journal.publish(vec![change(2, CallState::Offering)]).written()).await;
    assert_eq!(late, None, "nothing is written behind the mark of the clean end");
    let journal = open(&folder, "boot-2").await;
    assert_eq!((journal.position().epoch.clone(), journal.position().seq), (epoch.clone(), 1));
    // The mark counts once.
    drop(journal);
    assert_ne!(open(&folder, "boot-3").await.position().epoch, epoch);
}

#[tokio::test]
async fn the_last_state_of_living_calls_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, "boot").await;
    publish(
        &journal,
        vec![change(1, CallState::Offering), change(2, CallState::Offering), change(3, CallState::Offering)],
    )
    .await;
    // Made, changed and ended in one batch too.
    publish(
        &journal,
        vec![
            change(1, CallState::Connected),
            change(2, CallState::Ended),
            change(4, CallState::Offering),
            change(4, CallState::Ended),
        ],
    )
    .await;
    drop(journal);
    let store = Store::open(folder.path(), None).await.unwrap();
    let living: Vec<(String, CallState)> =
        store.live_calls().await.unwrap().into_iter().map(|call| (call.id.to_string(), call.state)).collect();
    assert_eq!(living, [("call_1".to_owned(), CallState::Connected), ("call_3".to_owned(), CallState::Offering)]);
}

#[tokio::test]
async fn retention_moves_the_oldest_event_and_never_the_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    let journal = Journal::open(&store, RETENTION, "boot", View::default()).await.unwrap();
    publish(&journal, (0..20).map(|number| change(number, CallState::Offering)).collect()).await;
    journal.prune(0, 5).await.unwrap();
    assert_eq!((journal.oldest(), seqs(&journal).await), (16, vec![16, 17, 18, 19, 20]));
    journal.prune(i64::MAX, 5).await.unwrap();
    assert_eq!((journal.oldest(), seqs(&journal).await), (21, Vec::new()));
    drop(journal);
    let journal = Journal::open(&store, RETENTION, "boot", View::default()).await.unwrap();
    assert_eq!((journal.position().seq, journal.oldest()), (20, 21));
    assert_eq!(publish(&journal, vec![change(1, CallState::Offering)]).await, 21);
}

#[tokio::test]
async fn readers_wait_while_the_storage_fails_and_then_get_everything() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    let journal = Journal::open(&store, RETENTION, "boot", View::default()).await.unwrap();
    store.break_journal(true).await;
    let receipt = journal.publish(vec![change(1, CallState::Offering)]);
    let mut receipt = std::pin::pin!(receipt.written());
    let early = tokio::time::timeout(std::time::Duration::from_millis(100), &mut receipt).await;
    assert!(early.is_err() && journal.position().seq == 0 && journal.view().calls.is_empty());
    store.break_journal(false).await;
    assert_eq!(soon("the storage to work again", receipt).await.unwrap().seq, 1);
    assert_eq!(seqs(&journal).await, [1]);
}

#[tokio::test]
async fn finished_calls_are_kept_where_that_is_wanted() {
    for (call_days, kept) in [(90, 1), (0, 0)] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), None).await.unwrap();
        let retention = Retention { call_days, ..RETENTION };
        let journal = Journal::open(&store, retention, "boot", View::default()).await.unwrap();
        publish(&journal, vec![change(1, CallState::Offering), change(1, CallState::Ended)]).await;
        let wanted = FinishedQuery { limit: 10, ..FinishedQuery::default() };
        assert_eq!(store.finished_calls(&wanted).await.unwrap().len(), kept);
        // Its time is over.
        journal.prune_calls(i64::MAX, i64::MAX).await.unwrap();
        assert!(store.finished_calls(&wanted).await.unwrap().is_empty());
    }
}
