//! The event stream as WebSocket: equal bytes, no hole, resume, gap, filters.

use serde_json::{Value, json};

use super::kit::{ADMIN, Api, Sse, Ws, call, call_change, soon};
use crate::domain::CallState;
use crate::service::journal::Change;
use crate::store::Scope;

#[tokio::test]
async fn an_event_has_equal_bytes_on_every_transport() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let (mut ws, _) = Ws::subscribed(&api, json!({"from": "now"})).await;
    let mut sse = Sse::open(&api, ADMIN, "?from=now", None).await;
    let before = api.gateway.journal().position();
    let states = [CallState::Offering, CallState::Connected, CallState::Ended];
    api.publish(states.map(|state| call_change(call(1, &line, &pbx, state))).into()).await;
    let poll = api.get(&format!("/api/v1/events?after={before}")).await;
    let (mut live, mut later) = (Vec::new(), Ws::open(&api, ADMIN).await);
    later.send(&json!({"type": "subscribe", "from": {"epoch": &*before.epoch, "seq": before.seq}})).await;
    later.frame_of("resumed").await;
    for seq in before.seq + 1..=before.seq + 3 {
        let text = ws.text().await;
        let block = sse.next().await.unwrap();
        assert_eq!(block.data, text);
        assert_eq!(block.id.unwrap(), format!("{}:{seq}", before.epoch));
        assert_eq!(later.text().await, text, "from the store as it was live");
        live.push(text);
    }
    // Not only the same values: the same bytes stand in the body.
    assert!(poll.text.contains(&format!("\"events\":[{}]", live.join(","))), "{}", poll.text);
    let first: Value = serde_json::from_str(&live[0]).unwrap();
    let keys: Vec<&String> = first.as_object().unwrap().keys().collect();
    for key in [
        "type",
        "epoch",
        "seq",
        "time",
        "event",
        "pbx_id",
        "line_id",
        "call_id",
        "command_id",
        "actor",
        "changed",
        "data",
    ] {
        assert!(keys.iter().any(|one| *one == key), "{key}");
    }
    assert_eq!((&first["event"], &first["actor"]), (&json!("call.created"), &json!("phone")));
    let stored = api.get(&format!("/api/v1/calls/{}", first["call_id"].as_str().unwrap())).await;
    assert_eq!(stored.status, 404, "an ended call is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_and_what_follows_have_neither_hole_nor_repetition() {
    const BATCHES: usize = 300;
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let journal = api.gateway.journal().clone();
    let begin = journal.position();
    let publisher = tokio::spawn({
        let (pbx, line, journal) = (pbx.clone(), line.clone(), journal.clone());
        async move {
            for batch in 0..BATCHES {
                let changes: Vec<Change> =
                    (0..3).map(|n| call_change(call(batch * 3 + n, &line, &pbx, CallState::Offering))).collect();
                journal.publish(changes).written().await.unwrap();
            }
        }
    });
    let last = begin.seq + (BATCHES as u64) * 3;
    // Readers that come at any moment, by each way to begin.
    let mut readers = Vec::new();
    for round in 0..12 {
        let mut ws = Ws::open(&api, ADMIN).await;
        let from = match round % 3 {
            0 => json!("snapshot"),
            1 => json!("now"),
            _ => json!({"epoch": &*begin.epoch, "seq": journal.position().seq}),
        };
        ws.send(&json!({"type": "subscribe", "from": from})).await;
        readers.push(tokio::spawn(async move {
            let mut next = ws.frame().await["seq"].as_u64().unwrap() + 1;
            while next <= last {
                let frame = ws.frame().await;
                match frame["type"].as_str().unwrap() {
                    "snapshot" => {
                        assert_eq!(frame["as_of_seq"].as_u64().unwrap() + 1, next);
                        let known = frame["calls"].as_array().unwrap().len() as u64;
                        assert_eq!(begin.seq + known + 1, next, "the calls of every event up to the snapshot");
                    }
                    "resumed" => assert_eq!(frame["seq"].as_u64().unwrap() + 1, next),
                    "event" => {
                        assert_eq!(frame["seq"].as_u64(), Some(next));
                        next += 1;
                    }
                    other => panic!("{other}"),
                }
            }
        }));
    }
    soon("the publisher", publisher).await.unwrap();
    for reader in readers {
        soon("a reader", reader).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_gone_is_said_with_a_gap_and_a_snapshot() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let journal = api.gateway.journal().clone();
    let early = journal.position();
    for number in 0..10 {
        api.publish(vec![call_change(call(number, &line, &pbx, CallState::Offering))]).await;
    }
    let last = journal.position();
    journal.prune(0, 4).await.unwrap();
    for from in [
        json!({"epoch": "0123", "seq": 3}),
        json!({"epoch": &*early.epoch, "seq": early.seq}),
        json!({"epoch": &*early.epoch, "seq": last.seq + 1}),
    ] {
        let mut ws = Ws::open(&api, ADMIN).await;
        ws.send(&json!({"type": "subscribe", "id": 7, "from": from})).await;
        assert_eq!(ws.frame().await["type"], "subscribed");
        let gap = ws.frame().await;
        assert_eq!((&gap["type"], &gap["id"], &gap["requested"]), (&json!("gap"), &json!(7), &from));
        assert_eq!(gap["oldest"]["seq"], last.seq - 4);
        let snapshot = ws.frame().await;
        assert_eq!((&snapshot["type"], &snapshot["as_of_seq"]), (&json!("snapshot"), &json!(last.seq)));
        assert_eq!(snapshot["calls"].as_array().unwrap().len(), 10);
        let gap =
            api.get(&format!("/api/v1/events?after={}:{}", from["epoch"].as_str().unwrap(), from["seq"])).await.json();
        assert_eq!((&gap["gap"], &gap["events"], &gap["next"]), (&json!(true), &json!([]), &json!(last.to_string())));
    }
    // The oldest position that is named can be resumed from.
    let oldest = json!({"epoch": &*early.epoch, "seq": last.seq - 4});
    let mut ws = Ws::open(&api, ADMIN).await;
    ws.send(&json!({"type": "subscribe", "from": oldest})).await;
    ws.frame_of("resumed").await;
    for seq in last.seq - 3..=last.seq {
        assert_eq!(ws.frame().await["seq"], seq);
    }
}

#[tokio::test]
async fn readers_get_what_they_asked_for() {
    let api = Api::start().await;
    let (near, far) = (api.pbx("near").await, api.pbx("far").await);
    let (a, b, c) = (api.line(&near, "201").await, api.line(&near, "202").await, api.line(&far, "301").await);
    let seen = async |wishes: Value| -> Vec<String> {
        let mut wishes = wishes;
        wishes["from"] = json!("now");
        let (mut ws, _) = Ws::subscribed(&api, wishes).await;
        api.publish(vec![
            call_change(call(1, &a, &near, CallState::Offering)),
            call_change(call(2, &b, &near, CallState::Offering)),
            call_change(call(3, &c, &far, CallState::Offering)),
            call_change(call(1, &a, &near, CallState::Ended)),
            call_change(call(2, &b, &near, CallState::Ended)),
            call_change(call(3, &c, &far, CallState::Ended)),
        ])
        .await;
        assert_eq!(api.patch(&format!("/api/v1/pbxs/{far}"), json!({"emergency_numbers": [uuid()]})).await.status, 200);
        ws.send(&json!({"type": "ping"})).await;
        let mut seen = Vec::new();
        loop {
            let frame = ws.frame().await;
            if frame["type"] == "pong" {
                // Complete up to here, holes or not.
                assert_eq!(frame["seq"], api.gateway.journal().position().seq);
                return seen;
            }
            let call = frame["call_id"].as_str().map_or("-", |id| &id[id.len() - 1..]);
            seen.push(format!("{} {call}", frame["event"].as_str().unwrap()));
        }
    };
    assert_eq!(seen(json!({"lines": [a]})).await, ["call.created 1", "call.ended 1"]);
    assert_eq!(seen(json!({"lines": [a, c], "events": ["call.ended"]})).await, ["call.ended 1", "call.ended 3"]);
    assert_eq!(seen(json!({"pbxs": [far]})).await, ["call.created 3", "call.ended 3", "pbx.updated -"]);
    assert_eq!(seen(json!({"pbxs": [far], "events": ["pbx.*"]})).await, ["pbx.updated -"]);
    assert_eq!(seen(json!({"pbxs": [near], "lines": [c]})).await, Vec::<String>::new());
    assert_eq!(seen(json!({"events": ["command.*", "line.*"]})).await, Vec::<String>::new());
    assert_eq!(seen(json!({"lines": [], "events": [], "pbxs": []})).await.len(), 7);

    let mut ws = Ws::open(&api, ADMIN).await;
    for (wishes, code, pointer) in [
        (json!({"lines": ["line_none"]}), "not_found", "/lines/0"),
        (json!({"pbxs": [near, "pbx_none"]}), "not_found", "/pbxs/1"),
        (json!({"events": ["call.*", "calls"]}), "invalid_value", "/events/1"),
    ] {
        let mut frame = json!({"type": "subscribe", "id": "x"});
        frame.as_object_mut().unwrap().extend(wishes.as_object().unwrap().clone());
        ws.send(&frame).await;
        let error = ws.frame().await;
        assert_eq!((&error["type"], &error["id"], &error["code"]), (&json!("error"), &json!("x"), &json!(code)));
        assert_eq!(error["errors"][0]["pointer"], pointer);
    }
}

fn uuid() -> String {
    uuid::Uuid::new_v4().as_u128().to_string()[..12].to_owned()
}

#[tokio::test]
async fn a_limited_token_gets_the_events_of_its_lines_live_and_from_the_store() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let (mine, other) = (api.line(&pbx, "201").await, api.line(&pbx, "202").await);
    let (_, token) = api.token(Scope::Read, Some(vec![mine.clone()]), None).await;
    let before = api.gateway.journal().position();
    let mut live = Ws::open(&api, &token).await;
    live.send(&json!({"type": "subscribe", "from": "now"})).await;
    live.frame_of("subscribed").await;
    for number in 0..4 {
        let line = if number % 2 == 0 { &mine } else { &other };
        api.publish(vec![call_change(call(number, line, &pbx, CallState::Offering))]).await;
    }
    let mut late = Ws::open(&api, &token).await;
    late.send(&json!({"type": "subscribe", "from": {"epoch": &*before.epoch, "seq": before.seq}})).await;
    late.frame_of("resumed").await;
    for ws in [&mut live, &mut late] {
        for number in [0, 2] {
            assert_eq!(ws.frame().await["call_id"], format!("call_{number:06}"));
        }
        assert_eq!(ws.ping().await["seq"], before.seq + 4);
    }
}
