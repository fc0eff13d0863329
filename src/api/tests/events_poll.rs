//! The event stream as JSON with long polling.

use std::time::{Duration, Instant};

use serde_json::json;

use super::kit::{Api, call, call_change, soon};
use crate::domain::CallState;

#[tokio::test]
async fn a_walk_by_polling_sees_every_event_once() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let here = api.get("/api/v1/events").await.json();
    assert_eq!((&here["events"], &here["gap"]), (&json!([]), &json!(false)));
    let begin = api.gateway.journal().position().seq;
    for number in 0..25 {
        api.publish(vec![call_change(call(number, &line, &pbx, CallState::Offering))]).await;
    }
    let mut next = here["next"].as_str().unwrap().to_owned();
    let mut seqs = Vec::new();
    loop {
        let page = api.get(&format!("/api/v1/events?after={next}&limit=10")).await.json();
        let events = page["events"].as_array().unwrap();
        if events.is_empty() {
            break;
        }
        seqs.extend(events.iter().map(|event| event["seq"].as_u64().unwrap()));
        next = page["next"].as_str().unwrap().to_owned();
    }
    assert_eq!(seqs, (begin + 1..=begin + 25).collect::<Vec<_>>());
    let filtered =
        api.get(&format!("/api/v1/events?after={}&events=line.*", here["next"].as_str().unwrap())).await.json();
    assert_eq!((&filtered["events"], &filtered["next"]), (&json!([]), &json!(next)), "what does not pass is behind it");
    let snapshot = api.get("/api/v1/events?from=snapshot").await.json();
    assert_eq!(snapshot["snapshot"]["calls"].as_array().unwrap().len(), 25);
    assert_eq!(snapshot["next"], next);
}

#[tokio::test]
async fn a_long_poll_is_answered_by_the_first_event_that_passes() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let (mine, other) = (api.line(&pbx, "201").await, api.line(&pbx, "202").await);
    let after = api.gateway.journal().position();
    let path = format!("/api/v1/events?after={after}&wait_s=60&lines={mine}");
    let ask = api.get(&path);
    let publish = async {
        soon("the poll to wait", async {
            while api.state.clients().list().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        api.publish(vec![call_change(call(1, &other, &pbx, CallState::Offering))]).await;
        api.publish(vec![call_change(call(2, &mine, &pbx, CallState::Offering))]).await;
    };
    let (answer, ()) = tokio::join!(ask, publish);
    let answer = answer.json();
    assert_eq!(answer["events"].as_array().unwrap().len(), 1);
    assert_eq!(answer["events"][0]["call_id"], "call_000002");
    assert_eq!(answer["next"], format!("{}:{}", after.epoch, after.seq + 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filtered_poll_does_not_wait_for_the_events_of_others() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let (mine, other) = (api.line(&pbx, "201").await, api.line(&pbx, "202").await);
    let journal = api.gateway.journal().clone();
    let busy = tokio::spawn(async move {
        for number in 0.. {
            if journal
                .publish(vec![call_change(call(number % 9, &other, &pbx, CallState::Connected))])
                .written()
                .await
                .is_none()
            {
                return;
            }
        }
    });
    let after = api.gateway.journal().position();
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    for _ in 0..200 {
        let one = Instant::now();
        let answer =
            api.get(&format!("/api/v1/events?after={}&lines={mine}", api.gateway.journal().position())).await.json();
        assert_eq!(answer["events"], json!([]));
        longest = longest.max(one.elapsed());
    }
    busy.abort();
    // A poll that waited for an event of its own would have waited 10 s.
    assert!(longest < Duration::from_secs(9), "{longest:?} of {:?} after {after}", began.elapsed());
}

#[tokio::test]
async fn positions_and_limits_are_checked() {
    let api = Api::start().await;
    for (query, name) in [
        ("after=x", "/after"),
        ("after=:1", "/after"),
        ("from=never", "/from"),
        ("limit=0", "/limit"),
        ("limit=1001", "/limit"),
        ("wait_s=61", "/wait_s"),
        ("wait_s=-1", "/wait_s"),
        ("since=1", "/since"),
    ] {
        let refused = api.get(&format!("/api/v1/events?{query}")).await;
        assert_eq!((refused.problem().0, refused.pointer().as_str()), (422, name), "{query}");
        assert_eq!(refused.json()["errors"][0]["in"], "query");
    }
}
