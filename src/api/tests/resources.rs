//! The life of PBXs and lines, and what of it is told in events.

use reqwest::Method;
use serde_json::{Value, json};

use super::kit::{ADMIN, Api, Ws, call, call_change};
use crate::domain::CallState;

/// The next event that somebody caused: a link tells its status by itself.
async fn next_change(ws: &mut Ws) -> Value {
    loop {
        let event = ws.frame_of("event").await;
        if event["changed"] != json!(["status"]) {
            return event;
        }
    }
}

#[tokio::test]
async fn a_pbx_lives_and_its_events_tell_it() {
    let api = Api::start().await;
    let (mut ws, _) = Ws::subscribed(&api, json!({"from": "now"})).await;
    let body = json!({"name": "hq", "host": "192.0.2.10", "enabled": false, "axl": {"username": "u", "password": "p"}});
    let made = api.post("/api/v1/pbxs", body.clone()).await;
    assert_eq!(made.status, 201);
    let pbx = made.json();
    let path = format!("/api/v1/pbxs/{}", pbx["id"].as_str().unwrap());
    assert_eq!(made.header("location"), path);
    // The defaults of the contract, the status, no password.
    assert_eq!((&pbx["sip"]["local_port"], &pbx["axl"]["tls"]["verify"]), (&json!(5070), &json!("tofu")));
    assert_eq!(pbx["status"]["state"], "disabled");
    assert!(pbx["axl"].get("password").is_none() && pbx["axl"]["has_password"] == true);
    let event = next_change(&mut ws).await;
    assert_eq!(
        (&event["event"], &event["actor"], &event["data"]["id"]),
        (&json!("pbx.created"), &json!("admin"), &pbx["id"])
    );
    assert_eq!(made.header("event-position"), format!("{}:{}", event["epoch"].as_str().unwrap(), event["seq"]));

    assert_eq!(api.post("/api/v1/pbxs", body).await.problem().0, 422, "the same router twice is ambiguous");
    let named = json!({"name": "hq", "host": "192.0.2.11", "enabled": false});
    assert_eq!(api.post("/api/v1/pbxs", named).await.problem(), (409, "conflict".to_owned()));

    let changed = api.patch(&path, json!({"options": {"snapshot_interval_s": 30}})).await;
    assert_eq!((changed.status, &changed.json()["options"]["snapshot_interval_s"]), (200, &json!(30)));
    let event = next_change(&mut ws).await;
    assert_eq!((&event["event"], &event["changed"]), (&json!("pbx.updated"), &json!(["options"])));
    // What a GET gave can be sent back.
    let read = api.get(&path).await.json();
    assert_eq!(api.patch(&path, read).await.status, 200);
    assert_eq!(api.get(&format!("{path}/status")).await.json()["state"], "disabled");

    let gone = api.delete(&path).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    let event = next_change(&mut ws).await;
    assert_eq!((&event["event"], &event["data"]["name"]), (&json!("pbx.deleted"), &json!("hq")));
    assert_eq!(api.get(&path).await.problem().0, 404);
    assert_eq!(api.delete(&path).await.problem().0, 404);
}

#[tokio::test]
async fn a_line_lives_and_its_events_tell_it() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let (mut ws, _) = Ws::subscribed(&api, json!({"from": "now", "events": ["line.*"]})).await;
    let body = json!({"pbx_id": pbx, "number": "201", "device_id": "00:aa:11:bb:00:01", "name": "Anna <Berg>", "buttons": ["204"]});
    let made = api.post("/api/v1/lines", body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let line = made.json();
    assert_eq!(
        (&line["device_id"], &line["tapi_id"], &line["source"]),
        (&json!("00AA11BB0001"), &json!(1), &json!("manual"))
    );
    assert_eq!(ws.frame().await["event"], "line.created");
    assert_eq!(api.post("/api/v1/lines", body).await.problem().0, 409);
    let path = format!("/api/v1/lines/{}", line["id"].as_str().unwrap());
    let changed = api.patch(&path, json!({"labels": {"crm_user": "anna", "team": "x"}, "name": "Anna"})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let event = ws.frame().await;
    assert_eq!(event["changed"].as_array().unwrap().len(), 2, "{event}");
    let changed = api.patch(&path, json!({"labels": {"team": null}})).await;
    assert_eq!(changed.json()["labels"], json!({"crm_user": "anna"}));
    assert_eq!(api.get("/api/v1/lines?label=crm_user:anna").await.json()["items"][0]["id"], line["id"]);
    for (patch, pointer) in [
        (json!({"tapi_id": 3}), "/tapi_id"),
        (json!({"labels": {"a": 1}}), "/labels/a"),
        (json!({"enabled": "yes"}), "/enabled"),
    ] {
        let refused = api.patch(&path, patch.clone()).await;
        assert_eq!((refused.status, refused.pointer().as_str()), (422, pointer), "{patch}");
    }
    // Permanent numbers are never given again.
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(ws.frame_of("event").await["event"], "line.updated");
    assert_eq!(ws.frame_of("event").await["event"], "line.deleted");
    let next = api.post("/api/v1/lines", json!({"pbx_id": pbx, "number": "201", "device_id": "00AA11BB0001"})).await;
    assert_eq!(next.json()["tapi_id"], 2);
}

#[tokio::test]
async fn lines_and_calls_are_found_by_their_filters() {
    let api = Api::start().await;
    let (near, far) = (api.pbx("near").await, api.pbx("far").await);
    let (a, b, c) = (api.line(&near, "201").await, api.line(&near, "202").await, api.line(&far, "301").await);
    api.patch(&format!("/api/v1/lines/{a}"), json!({"name": "Änne"})).await;
    api.publish(vec![
        call_change(call(1, &a, &near, CallState::Offering)),
        call_change(call(2, &c, &far, CallState::Connected)),
    ])
    .await;
    let found = async |path: &str| api.get(path).await.json()["items"].as_array().unwrap().len();
    for (query, count) in [
        ("pbx=pbx_none".to_owned(), 0),
        (format!("pbx={near}"), 2),
        ("number=202".to_owned(), 1),
        ("number=20".to_owned(), 0),
        ("q=20".to_owned(), 2),
        ("q=%C3%A4nn".to_owned(), 1),
        ("q=00aa11bb0301".to_owned(), 1),
        ("kind=static".to_owned(), 3),
        ("kind=extension_mobility".to_owned(), 0),
        ("status=in_service".to_owned(), 0),
        ("label=a:b".to_owned(), 0),
    ] {
        assert_eq!(found(&format!("/api/v1/lines?{query}")).await, count, "{query}");
    }
    for (query, count) in [
        (format!("line={a}"), 1),
        (format!("line={b}"), 0),
        (format!("pbx={far}"), 1),
        ("state=offering".to_owned(), 1),
        ("state=ended".to_owned(), 0),
    ] {
        assert_eq!(found(&format!("/api/v1/calls?{query}")).await, count, "{query}");
    }
    for query in ["status=on", "kind=soft", "label=nocolon"] {
        assert_eq!(api.get(&format!("/api/v1/lines?{query}")).await.problem().0, 422, "{query}");
    }
    assert_eq!(api.get("/api/v1/calls?state=ringing").await.pointer(), "/state");
}

#[tokio::test]
async fn what_needs_the_pbx_says_that_the_link_is_down() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let plan = api.post(&format!("/api/v1/lines/{line}/calls?dry_run=true"), json!({"to": "tel:+49 (30) 12-34"})).await;
    assert_eq!(plan.json(), json!({"dials": "49301234", "internal": false, "rule": null}));
    let refused = api.post(&format!("/api/v1/lines/{line}/calls"), json!({"to": "202"})).await;
    assert_eq!(refused.problem(), (503, "pbx_unavailable".to_owned()), "{}", refused.text);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    assert!(!refused.json()["hint"].as_str().unwrap().is_empty());
    let refused = api.post(&format!("/api/v1/pbxs/{pbx}/load-lines"), Value::Object(serde_json::Map::new())).await;
    assert!([409, 502, 503].contains(&refused.problem().0), "{}", refused.text);
    for path in ["/api/v1/lines/line_none/calls", "/api/v1/calls/call_none/answer", "/api/v1/pbxs/pbx_none/load-lines"]
    {
        assert_eq!(api.send(api.request(Method::POST, path, Some(ADMIN))).await.problem().0, 404, "{path}");
    }
}
