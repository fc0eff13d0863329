//! The control API by hand-written HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use cme_twin::{Twin, TwinConfig};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn ask(twin: &Twin, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(twin.control_addr().unwrap()).await.unwrap();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut reply = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut reply)).await.unwrap().unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    (status, reply.split_once("\r\n\r\n").unwrap().1.to_owned())
}

async fn json(twin: &Twin, method: &str, path: &str, body: &str) -> Value {
    let (status, text) = ask(twin, method, path, body).await;
    assert_eq!(status, 200, "{method} {path}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn people_and_faults_over_http() {
    let control = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let twin = Twin::start(TwinConfig { control, ..TwinConfig::default() }).await.unwrap();
    assert!(ask(&twin, "GET", "/", "").await.1.contains("POST   /phones/{phone}/dial"));

    let call = json(&twin, "POST", "/phones/00AA11BB0001/dial", r#"{"to": "202"}"#).await;
    json(&twin, "POST", "/lines/202/answer", "").await;
    json(&twin, "POST", "/phones/1/hold", "").await;
    let truth = json(&twin, "GET", "/truth", "").await;
    assert_eq!(truth["calls"][0]["gcid"], call["gcid"]);
    assert_eq!(truth["calls"][0]["legs"][0]["state"], "hold");
    assert_eq!(ask(&twin, "POST", "/phones/1/answer", "").await.0, 409);
    assert_eq!(ask(&twin, "POST", "/phones/99/answer", "").await.0, 404);
    assert_eq!(ask(&twin, "POST", "/phones/1/juggle", "").await.0, 404);

    let incoming = json(&twin, "POST", "/trunk/calls", r#"{"from": "0301234", "to": "208"}"#).await;
    let path = format!("/trunk/calls/{}/hang-up", incoming["gcid"].as_str().unwrap());
    json(&twin, "POST", &path, "").await;
    json(&twin, "PUT", "/phones/2/dnd", r#"{"on": true}"#).await;
    json(&twin, "PUT", "/lines/202/forward", r#"{"kind": "all", "to": "208"}"#).await;
    json(&twin, "POST", "/phones/3/login", r#"{"user": "eli"}"#).await;
    let truth = json(&twin, "GET", "/truth", "").await;
    assert_eq!((&truth["phones"][1]["dnd"], &truth["phones"][2]["user"]), (&Value::Bool(true), &Value::from("eli")));
    assert_eq!(truth["lines"][1]["forward_all"], "208");

    assert_eq!(json(&twin, "PUT", "/faults", r#"{"split_bytes": true}"#).await["split_bytes"], true);
    assert_eq!(ask(&twin, "PUT", "/faults", r#"{"split_bites": true}"#).await.0, 400);
    let behaviour = json(&twin, "PUT", "/behaviour", r#"{"limits": {"busy": 5}}"#).await;
    assert_eq!(
        (&behaviour["limits"]["busy"], &behaviour["limits"]["ringing"]),
        (&Value::from(5), &Value::from(180_000))
    );
    assert_eq!(json(&twin, "PUT", "/xml/knobs", r#"{"latency_ms": 3}"#).await["latency_ms"], 3);
    assert_eq!(json(&twin, "GET", "/violations", "").await, Value::Array(Vec::new()));
    json(&twin, "POST", "/stop", "").await;
}
