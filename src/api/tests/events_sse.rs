//! The event stream as server-sent events.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::kit::{ADMIN, Api, Sse, call, call_change, settings, soon};
use crate::api::{ApiSettings, ServeSettings};
use crate::domain::{CallState, Timestamp};
use crate::store::Scope;

fn parsed(data: &str) -> Value {
    serde_json::from_str(data).unwrap()
}

#[tokio::test]
async fn a_stream_begins_with_a_snapshot_and_resumes_by_its_last_id() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let mut sse = Sse::open(&api, ADMIN, "", None).await;
    let snapshot = sse.next().await.unwrap();
    let at = parsed(&snapshot.data);
    assert_eq!((&at["type"], at["lines"].as_array().unwrap().len()), (&json!("snapshot"), 1));
    assert_eq!(snapshot.id.unwrap(), format!("{}:{}", at["epoch"].as_str().unwrap(), at["as_of_seq"]));
    assert_eq!(snapshot.data, api.get("/api/v1/snapshot").await.text, "the frame is a resource too");
    api.publish(vec![call_change(call(1, &line, &pbx, CallState::Offering))]).await;
    let first = sse.next().await.unwrap();
    drop(sse);
    api.publish(vec![call_change(call(1, &line, &pbx, CallState::Ended))]).await;
    // The header wins over the address of a reconnecting browser.
    let mut sse = Sse::open(&api, ADMIN, "?from=snapshot", first.id.as_deref()).await;
    assert_eq!(parsed(&sse.next().await.unwrap().data)["type"], "resumed");
    assert_eq!(parsed(&sse.next().await.unwrap().data)["event"], "call.ended");
    let mut gone = Sse::open(&api, ADMIN, "", Some("another:7")).await;
    assert_eq!(parsed(&gone.next().await.unwrap().data)["type"], "gap");
    assert_eq!(parsed(&gone.next().await.unwrap().data)["type"], "snapshot");
}

#[tokio::test]
async fn a_filtered_stream_moves_its_last_id_although_nothing_passes() {
    let quick = ApiSettings { keep_alive: Duration::from_millis(100), ..settings() };
    let api = Api::with(quick, ServeSettings::default()).await;
    let pbx = api.pbx("hq").await;
    let (mine, other) = (api.line(&pbx, "201").await, api.line(&pbx, "202").await);
    let mut sse = Sse::open(&api, ADMIN, &format!("?from=now&lines={mine}&events=call.*"), None).await;
    let position = api.publish(vec![call_change(call(1, &other, &pbx, CallState::Offering))]).await;
    let wanted = format!(": keep-alive\nid: {position}");
    while soon("a keep-alive", sse.next_block()).await.unwrap() != wanted {}
}

#[tokio::test]
async fn a_stream_ends_with_its_credential() {
    let api = Api::start().await;
    let (id, token) = api.token(Scope::Read, None, None).await;
    let mut sse = Sse::open(&api, &token, "?from=now", None).await;
    assert_eq!(api.delete(&format!("/api/v1/tokens/{id}")).await.status, 204);
    assert_eq!(sse.next().await, None);
    let soon_over = Timestamp::from_unix_ms(crate::api::auth::wall_clock().unix_ms() + 2_000);
    let (_, short) = api.token(Scope::Read, None, Some(soon_over)).await;
    let mut sse = Sse::open(&api, &short, "?from=now", None).await;
    assert_eq!(sse.next().await, None, "long before the next keep-alive");
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let api = Api::start().await;
    for (query, code) in [
        ("from=yesterday", "invalid_value"),
        ("event=call.*", "unknown_field"),
        ("events=calls", "invalid_value"),
        ("lines=line_none", "not_found"),
    ] {
        let request = api.request(Method::GET, &format!("/api/v1/events?{query}"), Some(ADMIN));
        let refused = api.send(request.header("accept", "text/event-stream")).await;
        assert_eq!(refused.problem().1, code, "{query}");
    }
}

#[tokio::test]
async fn streams_end_when_the_gateway_stops() {
    let api = Api::start().await;
    let mut sse = Sse::open(&api, ADMIN, "?from=now", None).await;
    api.state.stop();
    assert_eq!(sse.next().await, None);
}
