//! Rows of the journal: retention takes a beginning and never a middle.

use super::super::{Batch, BlindQuery, EventRow, FinishedQuery, FinishedRow, LiveRow, Pruned, SightRow, Store};
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

fn finished(number: i64) -> FinishedRow {
    FinishedRow {
        id: format!("call_{number}"),
        ended_at: number * 10,
        pbx_id: "pbx_1".to_owned(),
        line_id: format!("line_{}", number % 2),
        conversation_id: "conv_1".to_owned(),
        direction: "inbound",
        result: "missed",
        numbers: "|201|".to_owned(),
        body: format!("{{\"number\":{number}}}"),
    }
}

async fn finished_ids(store: &Store) -> Vec<String> {
    let wanted = FinishedQuery { limit: 10_000, ..FinishedQuery::default() };
    store.finished_calls(&wanted).await.unwrap().into_iter().map(|entry| entry.id).collect()
}

#[tokio::test]
async fn a_finished_call_is_written_with_its_event_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let batch = Batch { events: vec![event(1, 1)], finished: vec![finished(1), finished(2)], ..Batch::default() };
    store.write_batch(&batch).await.unwrap();
    // The same event cannot be written again: neither is what came with it.
    let again = Batch { events: vec![event(1, 1)], finished: vec![finished(3)], ..Batch::default() };
    assert!(store.write_batch(&again).await.is_err());
    let batch = Batch { events: vec![event(2, 1)], finished: vec![finished(2)], ..Batch::default() };
    store.write_batch(&batch).await.unwrap();
    assert_eq!(finished_ids(&store).await, ["call_2", "call_1"]);
}

#[tokio::test]
async fn old_finished_calls_go_in_small_rounds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let batch = Batch { finished: (1..=2500).map(finished).collect(), ..Batch::default() };
    store.write_batch(&batch).await.unwrap();
    let mut rounds = 1;
    while !store.prune_finished(24_990, 0).await.unwrap() {
        rounds += 1;
    }
    assert_eq!((rounds, finished_ids(&store).await), (3, vec!["call_2500".to_owned(), "call_2499".to_owned()]));
}

#[tokio::test]
async fn every_filter_is_judged_on_an_index() {
    use sqlx::Row as _;

    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    for (filter, index) in [
        ("instr(numbers, '|201|') > 0 and result = 'missed' and pbx_id = 'pbx_1'", "finished_call_time"),
        ("ended_at >= 5 and ended_at < 9", "finished_call_time"),
        ("line_id = 'line_1'", "finished_call_line"),
        ("conversation_id = 'conv_1'", "finished_call_conversation"),
    ] {
        let plan = format!(
            "explain query plan select ended_at, id, body from finished_call where 1 = 1 and {filter} \
             order by ended_at desc, id desc limit 100"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(plan)).fetch_all(&store.inner.readers).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get::<String, _>("detail")).collect();
        assert!(steps.iter().any(|step| step.contains(index)), "{filter}: {steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{filter}: {steps:?}");
    }
}

#[tokio::test]
async fn a_pbx_is_lost_from_sight_once_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let lost = |pbx: &str, at| SightRow::Lost {
        pbx_id: pbx.to_owned(),
        at,
        cause: "link_down",
        reason: format!("Since {at}."),
    };
    let seen = |pbx: &str, at| SightRow::Seen { pbx_id: pbx.to_owned(), at };
    let sights = vec![
        lost("pbx_1", 10),
        lost("pbx_1", 20),
        lost("pbx_2", 15),
        seen("pbx_1", 30),
        seen("pbx_1", 40),
        lost("pbx_1", 50),
        seen("pbx_1", 45),
        lost("pbx_1", 60),
    ];
    store.write_batch(&Batch { sights, ..Batch::default() }).await.unwrap();
    let times = async |wanted: BlindQuery| -> Vec<(String, i64, Option<i64>)> {
        let found = store.blind_times(&BlindQuery { limit: 100, ..wanted }).await.unwrap();
        found.into_iter().map(|time| (time.pbx_id, time.since, time.until)).collect()
    };
    let of = |pbx: &str, since, until| (pbx.to_owned(), since, until);
    let all = [of("pbx_1", 60, None), of("pbx_1", 50, Some(50)), of("pbx_2", 15, None), of("pbx_1", 10, Some(30))];
    assert_eq!(times(BlindQuery::default()).await, all);
    assert_eq!(times(BlindQuery { since: Some(55), ..BlindQuery::default() }).await, [all[0].clone(), all[2].clone()]);
    assert_eq!(times(BlindQuery { until: Some(15), ..BlindQuery::default() }).await, [all[3].clone()]);
    let visible = Some(vec!["pbx_2".to_owned()]);
    assert_eq!(times(BlindQuery { visible, ..BlindQuery::default() }).await, [all[2].clone()]);
    let after = Some((15, i64::MAX));
    assert_eq!(times(BlindQuery { after, ..BlindQuery::default() }).await, [all[2].clone(), all[3].clone()]);
    // What lasts is not too old, whenever it began.
    while !store.prune_finished(0, 100).await.unwrap() {}
    assert_eq!(times(BlindQuery::default()).await, [all[0].clone(), all[2].clone()]);
}

#[tokio::test]
async fn a_run_knows_when_the_one_before_was_last_alive() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    assert_eq!(store.begin_epoch("boot", "one").await.unwrap().last_alive, None);
    store.write_batch(&Batch { events: vec![event(1, 70)], ..Batch::default() }).await.unwrap();
    assert_eq!(store.begin_epoch("boot", "one").await.unwrap().last_alive, Some(70));
    store.live_on(90).await.unwrap();
    assert_eq!(store.begin_epoch("other", "two").await.unwrap().last_alive, Some(90));
    store.end_cleanly(0, 99).await.unwrap();
    assert_eq!(store.begin_epoch("boot", "three").await.unwrap().last_alive, Some(99));
}

#[tokio::test]
async fn a_database_of_the_release_before_keeps_its_living_calls() {
    use sqlx::ConnectOptions as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("linegate.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut old = options.connect().await.unwrap();
    for part in [
        include_str!("../../../migrations/0001_base.sql"),
        include_str!("../../../migrations/0002_journal.sql"),
        "insert into live_call (id, body) values ('call_1', '{}')",
        "pragma user_version = 2",
    ] {
        sqlx::raw_sql(part).execute(&mut old).await.unwrap();
    }
    sqlx::Connection::close(old).await.unwrap();
    let lives = open(&folder).await.live_lives().await.unwrap();
    assert_eq!(lives.into_values().collect::<Vec<_>>(), [crate::domain::CallLife::default()]);
}
