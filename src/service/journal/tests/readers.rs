//! Readers: who is woken, what a full queue means, and that nobody falls between two moments.

use std::collections::HashSet;

use super::super::{Interest, Received};
use super::{change, line_id, open, publish, soon};
use crate::domain::CallState;

#[tokio::test]
async fn a_reader_gets_what_concerns_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, "boot").await;
    let (mut all, _) = journal.subscribe(Interest::All);
    let interest = Interest::Some { lines: HashSet::from([line_id(3)]), pbxs: HashSet::new() };
    let (mut some, after) = journal.subscribe(interest);
    assert_eq!(after, 0);
    publish(&journal, (0..20).map(|number| change(number, CallState::Offering)).collect()).await;
    let Received::Events(events) = soon("all", all.next()).await else { panic!("events") };
    assert_eq!(events.len(), 20);
    let Received::Events(events) = soon("some", some.next()).await else { panic!("events") };
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [4, 14]);
    assert!(all.is_empty() && some.is_empty());
}

#[tokio::test]
async fn a_full_queue_is_dropped_and_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, "boot").await;
    let (mut slow, _) = journal.subscribe(Interest::All);
    // About 1 KiB each: more than the queue of 1 MiB.
    for _ in 0..4 {
        publish(&journal, (0..500).map(|number| change(number, CallState::Offering)).collect()).await;
    }
    assert!(!slow.is_empty());
    assert!(matches!(soon("the overflow", slow.next()).await, Received::Overflow));
    assert!(slow.is_empty());
    let last = publish(&journal, vec![change(1, CallState::Ended)]).await;
    let Received::Events(events) = soon("the next", slow.next()).await else { panic!("events") };
    assert_eq!((events.len(), events[0].seq), (1, last));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_gets_everything_after_the_number_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, "boot").await;
    let publisher = tokio::spawn({
        let journal = journal.clone();
        async move {
            for number in 0..400 {
                publish(&journal, vec![change(number, CallState::Offering)]).await;
            }
        }
    });
    let mut came = 0_u32;
    while !publisher.is_finished() {
        let (mut subscription, after) = journal.subscribe(Interest::All);
        came += 1;
        if after >= 400 {
            break;
        }
        let Received::Events(events) = soon("an event", subscription.next()).await else { panic!("events") };
        assert!(events[0].seq <= after + 1, "{} is missing between {after} and {}", after + 1, events[0].seq);
    }
    assert!(came > 1);
    soon("the publisher", publisher).await.unwrap();
}
