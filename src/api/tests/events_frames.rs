//! The other frames of a socket: requests, credentials, keep-alive, mistakes.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::kit::{ADMIN, Api, Ws, call, call_change, settings, soon};
use crate::api::{ApiSettings, ServeSettings};
use crate::domain::{CallState, Timestamp};
use crate::store::Scope;

#[tokio::test]
async fn a_request_frame_answers_what_the_rest_api_answers() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    api.publish(vec![call_change(call(1, &line, &pbx, CallState::Offering))]).await;
    let mut ws = Ws::open(&api, ADMIN).await;
    for (method, path, body) in [
        ("GET", "/api/v1/me".to_owned(), None),
        ("GET", format!("/api/v1/lines/{line}"), None),
        ("GET", "/api/v1/lines?limit=1".to_owned(), None),
        ("GET", "/api/v1/calls/call_000001".to_owned(), None),
        ("GET", "/api/v1/snapshot".to_owned(), None),
        ("GET", "/api/v1/lines/line_none".to_owned(), None),
        ("GET", "/api/v1/nowhere".to_owned(), None),
        ("PUT", "/api/v1/me".to_owned(), None),
        ("GET", "/api/v1/lines?limit=0".to_owned(), None),
        ("POST", format!("/api/v1/lines/{line}/calls?dry_run=true"), Some(json!({"to": "0 30-123"}))),
        ("POST", format!("/api/v1/lines/{line}/calls"), Some(json!({"to": "no number"}))),
        ("POST", "/api/v1/tokens".to_owned(), Some(json!({"nam": "x"}))),
        ("PATCH", format!("/api/v1/lines/{line}"), Some(json!({"labels": {"a": "b"}}))),
    ] {
        let mut request = api.request(method.parse().unwrap(), &path, Some(ADMIN));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let rest = api.send(request).await;
        let framed = ws.request(json!({"method": method, "path": path, "body": body})).await;
        assert_eq!(framed["status"], rest.status, "{method} {path}");
        let without_instance = |body: &Value| {
            let mut body = body.clone();
            if let Some(members) = body.as_object_mut() {
                members.remove("instance");
            }
            body
        };
        assert_eq!(without_instance(&framed["body"]), without_instance(&rest.json()), "{method} {path}");
        for name in ["content-type", "etag", "event-position", "location", "command-id", "allow"] {
            assert_eq!(
                framed["headers"][name].as_str().unwrap_or_default(),
                rest.header(name),
                "{method} {path}: {name}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_frame_has_the_rules_of_the_rest_api() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let path = format!("/api/v1/lines/{line}");
    let mut ws = Ws::open(&api, ADMIN).await;
    let first = ws.request(json!({"method": "GET", "path": path})).await;
    let tag = first["headers"]["etag"].as_str().unwrap();
    let cached = ws.request(json!({"method": "GET", "path": path, "headers": {"If-None-Match": tag}})).await;
    assert_eq!((&cached["status"], &cached["body"]), (&json!(304), &Value::Null));
    let stale = json!({"method": "PATCH", "path": path, "headers": {"if-match": "\"v9\""}, "body": {"name": "x"}});
    assert_eq!(ws.request(stale).await["status"], 412);
    let new = json!({"method": "POST", "path": "/api/v1/lines", "idempotency_key": "k1",
                     "body": {"pbx_id": pbx, "number": "202"}});
    let (once, again) = (ws.request(new.clone()).await, ws.request(new).await);
    assert_eq!((&once["status"], &once["body"]), (&json!(201), &again["body"]));
    assert_eq!(again["headers"]["idempotency-replayed"], "true");
    for (wrong, pointer) in [
        (json!({"method": "BREW", "path": path}), "/method"),
        (json!({"method": "GET", "path": "/metrics"}), "/path"),
        (json!({"method": "GET", "path": "http://other/api/v1/me"}), "/path"),
        (json!({"method": "GET", "path": path, "headers": {"authorization": "Bearer x"}}), "/headers"),
        (json!({"method": "GET", "path": "/api/v1/events", "headers": {"accept": "text/event-stream"}}), "/headers"),
    ] {
        let refused = ws.request(wrong).await;
        assert_eq!((&refused["status"], &refused["body"]["errors"][0]["pointer"]), (&json!(422), &json!(pointer)));
    }
    let (_, reader) = api.token(Scope::Read, None, None).await;
    let mut ws = Ws::open(&api, &reader).await;
    assert_eq!(ws.request(json!({"method": "POST", "path": format!("{path}/calls")})).await["status"], 403);
}

#[tokio::test]
async fn a_deleted_or_expired_token_ends_its_sockets() {
    let api = Api::start().await;
    let (id, token) = api.token(Scope::Read, None, None).await;
    let (mut one, mut two) = (Ws::open(&api, &token).await, Ws::open(&api, &token).await);
    let mut other = Ws::open(&api, ADMIN).await;
    one.send(&json!({"type": "subscribe"})).await;
    one.frame_of("snapshot").await;
    assert_eq!(api.delete(&format!("/api/v1/tokens/{id}")).await.status, 204);
    assert_eq!((one.close_code().await, two.close_code().await), (4001, 4001));
    other.ping().await;
    let soon_over = Timestamp::from_unix_ms(crate::api::auth::wall_clock().unix_ms() + 300);
    let (_, short) = api.token(Scope::Read, None, Some(soon_over)).await;
    if let Ok((mut ws, _)) = Ws::try_open(&api, "", Some(&short)).await {
        assert_eq!(ws.close_code().await, 4001);
    }
}

#[tokio::test]
async fn the_token_of_a_living_socket_is_swapped() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let (mine, other) = (api.line(&pbx, "201").await, api.line(&pbx, "202").await);
    let (old_id, old) = api.token(Scope::Read, None, None).await;
    let (_, new) = api.token(Scope::Control, Some(vec![mine.clone()]), None).await;
    let mut ws = Ws::open(&api, &old).await;
    ws.send(&json!({"type": "subscribe", "from": "now"})).await;
    ws.frame_of("subscribed").await;
    ws.send(&json!({"type": "auth", "id": 1, "token": "lg_wrong"})).await;
    let refused = ws.frame().await;
    assert_eq!((&refused["type"], &refused["id"], &refused["status"]), (&json!("response"), &json!(1), &json!(401)));
    assert_eq!(refused["body"]["code"], "unauthorized");
    ws.send(&json!({"type": "auth", "id": 2, "token": new})).await;
    let accepted = ws.frame().await;
    assert_eq!((&accepted["status"], &accepted["body"]["scopes"]), (&json!(200), &json!(["control"])));
    // The old token is gone, the socket lives on with what the new one sees.
    assert_eq!(api.delete(&format!("/api/v1/tokens/{old_id}")).await.status, 204);
    api.publish(vec![
        call_change(call(1, &other, &pbx, CallState::Offering)),
        call_change(call(2, &mine, &pbx, CallState::Offering)),
    ])
    .await;
    assert_eq!(ws.frame().await["call_id"], "call_000002");
}

#[tokio::test]
async fn keep_alives_and_pongs_say_up_to_where_a_reader_is_complete() {
    let quick = ApiSettings { keep_alive: Duration::from_millis(100), ..settings() };
    let api = Api::with(quick, ServeSettings::default()).await;
    let pbx = api.pbx("hq").await;
    let (mine, other) = (api.line(&pbx, "201").await, api.line(&pbx, "202").await);
    let (mut ws, subscribed) = Ws::subscribed(&api, json!({"from": "now", "lines": [mine]})).await;
    let begin = subscribed["seq"].as_u64().unwrap();
    let position = api.publish(vec![call_change(call(1, &other, &pbx, CallState::Offering))]).await;
    assert_eq!(position.seq, begin + 1);
    // Nothing of it passes the filter, and the reader learns that it missed nothing.
    loop {
        let frame = ws.frame_of("keep_alive").await;
        assert_eq!(frame["epoch"], &*position.epoch);
        if frame["seq"] == position.seq {
            break;
        }
    }
    assert_eq!(ws.ping().await["seq"], position.seq);
    ws.send(&json!({"type": "ping"})).await;
    assert!(ws.frame_of("pong").await.get("id").is_none());
}

#[tokio::test]
async fn a_socket_that_leaves_pings_unanswered_is_closed() {
    let quick =
        ApiSettings { keep_alive: Duration::from_millis(100), stalled_after: Duration::from_millis(400), ..settings() };
    let api = Api::with(quick, ServeSettings::default()).await;
    let ws = Ws::open(&api, ADMIN).await;
    // Nobody reads, so that no ping is answered, although everything sent still fits into the system's buffers.
    soon("the end of a silent reader", async {
        while !api.state.clients().list().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut ws = ws;
    assert_eq!(ws.close_code().await, 4008);
}

#[tokio::test]
async fn mistakes_in_frames_are_named_and_forgiven() {
    let api = Api::start().await;
    let mut ws = Ws::open(&api, ADMIN).await;
    for (text, code) in [
        ("{", "malformed_json"),
        ("[]", "invalid_value"),
        (r#"{"type":"dance","id":"a"}"#, "invalid_value"),
        (r#"{"type":"ping","idd":"a"}"#, "unknown_field"),
        (r#"{"type":"auth"}"#, "invalid_value"),
    ] {
        ws.send_text(text).await;
        let error = ws.frame().await;
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(code)), "{text}");
        assert!(error["detail"].is_string() && error["hint"].is_string());
    }
    ws.send_binary(vec![1, 2, 3]).await;
    assert_eq!(ws.frame().await["type"], "error");
    ws.ping().await;
    ws.send_text(&"x".repeat(70_000)).await;
    assert_eq!(ws.close_code().await, 1009);
}

#[tokio::test]
async fn a_handshake_without_its_headers_is_refused_with_a_problem() {
    let api = Api::start().await;
    let head = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n"
    );
    let old = api
        .raw(
            format!("{head}Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").as_bytes(),
        )
        .await;
    assert!(old.starts_with("HTTP/1.1 426") && old.contains("sec-websocket-version: 13"), "{old}");
    let keyless = api.raw(format!("{head}Sec-WebSocket-Version: 13\r\n\r\n").as_bytes()).await;
    assert!(keyless.starts_with("HTTP/1.1 400") && keyless.contains("malformed_request"), "{keyless}");
    let (status, problem) = Ws::try_open(&api, "?lines=line_1", Some(ADMIN)).await.err().expect("a refusal");
    assert_eq!((status, &problem["code"]), (422, &json!("unknown_field")), "a socket subscribes with a frame");
}

#[tokio::test]
async fn the_readers_of_the_moment_are_listed() {
    let api = Api::start().await;
    let mut ws = Ws::open(&api, ADMIN).await;
    ws.ping().await;
    let list = api.get("/api/v1/clients").await.json();
    let client = &list["items"][0];
    assert_eq!((&client["kind"], &client["token"], &client["lag"]), (&json!("websocket"), &json!("admin"), &json!(0)));
    drop(ws);
    soon("the entry to go", async {
        while api.send(api.request(Method::GET, "/api/v1/clients", Some(ADMIN))).await.json()["items"] != json!([]) {}
    })
    .await;
}

#[tokio::test]
async fn a_socket_has_64_requests_under_way_at_most() {
    let api = Api::start().await;
    let mut ws = Ws::open(&api, ADMIN).await;
    let position = api.gateway.journal().position();
    let path = format!("/api/v1/events?after={position}&wait_s=60");
    for id in 0..65 {
        ws.send(&json!({"type": "request", "id": id, "method": "GET", "path": path})).await;
    }
    let refused = ws.frame_of("response").await;
    assert_eq!((&refused["id"], &refused["status"]), (&json!(64), &json!(429)));
    assert_eq!(refused["body"]["can_retry"], true);
    // One event answers all that wait.
    api.post("/api/v1/pbxs", json!({"name": "hq", "host": "hq.example", "enabled": false})).await;
    for _ in 0..64 {
        assert_eq!(ws.frame_of("response").await["status"], 200);
    }
}
