//! A reader that does not read: it costs nobody anything and loses nothing.

use serde_json::json;

use super::kit::{Api, Sse, Ws, call, call_change, data_of, soon};
use crate::domain::CallState;
use crate::service::journal::Change;

/// Together far more than a queue and the system's buffers hold.
const EVENTS: usize = 300;
const EACH: usize = 64 * 1024;

fn large(api: &(crate::domain::LineId, crate::domain::PbxId), number: usize) -> Change {
    let mut call = call(number, &api.0, &api.1, CallState::Connected);
    call.data = data_of(EACH);
    call_change(call)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_reader_loses_nothing_and_slows_nobody() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let place = (line.clone(), pbx.clone());
    let (mut stalled, begin) = Ws::subscribed(&api, json!({"from": "now"})).await;
    let mut slow_sse = Sse::open(&api, super::kit::ADMIN, "?from=now", None).await;
    let (mut healthy, _) = Ws::subscribed(&api, json!({"from": "now"})).await;
    let begin = begin["seq"].as_u64().unwrap();
    for number in 0..EVENTS {
        api.publish(vec![large(&place, number % 5)]).await;
        // The healthy reader keeps up with every single one.
        let frame = healthy.frame().await;
        assert_eq!(frame["seq"].as_u64(), Some(begin + number as u64 + 1));
    }
    let lags: Vec<u64> = api.get("/api/v1/clients").await.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|client| client["lag"].as_u64().unwrap())
        .collect();
    assert_eq!(lags.len(), 3);
    assert!(lags[0] > 50 && lags[1] > 50 && lags[2] == 0, "{lags:?}");
    for seq in begin + 1..=begin + EVENTS as u64 {
        let frame = stalled.frame().await;
        assert_eq!((&frame["type"], &frame["seq"]), (&json!("event"), &json!(seq)));
    }
    for seq in begin + 1..=begin + EVENTS as u64 {
        let block = soon("a block", slow_sse.next()).await.unwrap();
        assert!(block.id.unwrap().ends_with(&format!(":{seq}")));
    }
    // Live again.
    let position = api.publish(vec![large(&place, 1)]).await;
    assert_eq!(stalled.frame().await["seq"], position.seq);
    assert_eq!(stalled.ping().await["seq"], position.seq);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_took_from_a_stalled_reader_is_said() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let place = (line.clone(), pbx.clone());
    let (mut stalled, begin) = Ws::subscribed(&api, json!({"from": "now"})).await;
    let begin = begin["seq"].as_u64().unwrap();
    for number in 0..EVENTS {
        api.publish(vec![large(&place, number % 5)]).await;
    }
    api.gateway.journal().prune(0, 2).await.unwrap();
    let mut next = begin + 1;
    let gap = loop {
        let frame = stalled.frame().await;
        if frame["type"] == "gap" {
            break frame;
        }
        assert_eq!(frame["seq"].as_u64(), Some(next));
        next += 1;
    };
    assert_eq!(gap["requested"]["seq"].as_u64(), Some(next - 1));
    let snapshot = stalled.frame().await;
    assert_eq!((&snapshot["type"], &snapshot["as_of_seq"]), (&json!("snapshot"), &json!(begin + EVENTS as u64)));
    assert_eq!(snapshot["calls"].as_array().unwrap().len(), 5);
    let position = api.publish(vec![large(&place, 1)]).await;
    assert_eq!(stalled.frame().await["seq"], position.seq);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_takes_no_byte_is_closed_and_may_resume() {
    use std::time::Duration;

    use super::kit::{ADMIN, settings};
    use crate::api::{ApiSettings, ServeSettings};

    let impatient = ApiSettings { stalled_after: Duration::from_millis(300), ..settings() };
    let api = Api::with(impatient, ServeSettings::default()).await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let place = (line.clone(), pbx.clone());
    let (mut stalled, begin) = Ws::subscribed(&api, json!({"from": "now"})).await;
    let begin = begin["seq"].as_u64().unwrap();
    for number in 0..EVENTS {
        api.publish(vec![large(&place, number % 5)]).await;
    }
    soon("the stalled reader to be given up", async {
        while !api.state.clients().list().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(stalled.close_code().await, 4008);
    let mut again = Ws::open(&api, ADMIN).await;
    let epoch = api.gateway.journal().position().epoch;
    again.send(&json!({"type": "subscribe", "from": {"epoch": &*epoch, "seq": begin}})).await;
    again.frame_of("resumed").await;
    for seq in begin + 1..=begin + EVENTS as u64 {
        assert_eq!(again.frame().await["seq"].as_u64(), Some(seq));
    }
}
