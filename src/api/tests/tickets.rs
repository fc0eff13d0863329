//! Tickets: what a browser opens a stream with. That one ends after 30 s is proved beside its code, on a fake clock.

use reqwest::Method;
use serde_json::{Value, json};

use super::kit::{ADMIN, Api, Sse, Ws, call, call_change};
use crate::domain::CallState;
use crate::store::Scope;

async fn ticket(api: &Api, token: &str, body: Value) -> String {
    let made = api.send(api.request(Method::POST, "/api/v1/tickets", Some(token)).json(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert!(made["expires_at"].as_str().unwrap().ends_with('Z'));
    made["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_opens_one_stream_and_nothing_else() {
    let api = Api::start().await;
    let one = ticket(&api, ADMIN, json!({})).await;
    for path in ["/api/v1/me", "/api/v1/snapshot", "/metrics"] {
        let elsewhere = api.request(Method::GET, &format!("{path}?ticket={one}"), None);
        assert_eq!(api.send(elsewhere).await.status, 401, "{path}");
    }
    let as_bearer = api.request(Method::GET, "/api/v1/me", Some(&one));
    assert_eq!(api.send(as_bearer).await.status, 401);
    let (mut ws, _) = Ws::try_open(&api, &format!("?ticket={one}"), None).await.expect("a socket");
    ws.ping().await;
    let (status, problem) = Ws::try_open(&api, &format!("?ticket={one}"), None).await.err().expect("a refusal");
    assert_eq!((status, &problem["code"]), (401, &json!("unauthorized")));
    let two = ticket(&api, ADMIN, json!({})).await;
    let request = api.request(Method::GET, &format!("/api/v1/events?ticket={two}&from=now"), None);
    Sse::send(request, None).await;
    let (status, _) = Ws::try_open(&api, "?ticket=tkt_guessed", None).await.err().expect("a refusal");
    assert_eq!(status, 401);
}

#[tokio::test]
async fn a_ticket_narrows_and_never_widens() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let (mine, other) = (api.line(&pbx, "201").await, api.line(&pbx, "202").await);
    let narrow = ticket(&api, ADMIN, json!({"scopes": ["read"], "lines": [mine]})).await;
    let (mut ws, _) = Ws::try_open(&api, &format!("?ticket={narrow}"), None).await.expect("a socket");
    ws.send(&json!({"type": "subscribe", "from": "snapshot"})).await;
    let snapshot = ws.frame_of("snapshot").await;
    assert_eq!(snapshot["lines"].as_array().unwrap().len(), 1);
    api.publish(vec![
        call_change(call(1, &other, &pbx, CallState::Offering)),
        call_change(call(2, &mine, &pbx, CallState::Offering)),
    ])
    .await;
    assert_eq!(ws.frame().await["call_id"], "call_000002");
    let refused = ws.request(json!({"method": "POST", "path": "/api/v1/calls/call_000002/answer"})).await;
    assert_eq!((&refused["status"], &refused["body"]["code"]), (&json!(403), &json!("forbidden")));

    let (_, reader) = api.token(Scope::Read, Some(vec![mine.clone()]), None).await;
    for (body, status) in [
        (json!({"scopes": ["control"]}), 403),
        (json!({"lines": [other]}), 404),
        (json!({"lines": []}), 422),
        (json!({"scopes": []}), 422),
        (json!({"line": []}), 422),
    ] {
        let asked = api.request(Method::POST, "/api/v1/tickets", Some(&reader)).json(&body);
        assert_eq!(api.send(asked).await.problem().0, status, "{body}");
    }
}

#[tokio::test]
async fn a_ticket_ends_with_its_token() {
    let api = Api::start().await;
    let (id, token) = api.token(Scope::Read, None, None).await;
    let (waiting, used) = (ticket(&api, &token, json!({})).await, ticket(&api, &token, json!({})).await);
    let (mut ws, _) = Ws::try_open(&api, &format!("?ticket={used}"), None).await.expect("a socket");
    assert_eq!(api.delete(&format!("/api/v1/tokens/{id}")).await.status, 204);
    assert_eq!(ws.close_code().await, 4001);
    assert!(Ws::try_open(&api, &format!("?ticket={waiting}"), None).await.is_err());
}
