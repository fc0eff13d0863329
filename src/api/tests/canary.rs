//! Secrets never come out: neither in an answer, nor in an event, nor in the log, nor in a file as they are.

use std::io;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::kit::{ADMIN, Api, Ws};

/// A log that is kept in memory.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_is_seen_again() {
    let log = Kept::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    // One thread runs the whole gateway: this log sees all of it.
    let _guard = tracing::subscriber::set_default(subscriber);
    let api = Api::start().await;
    let (mut ws, _) = Ws::subscribed(&api, json!({"from": "snapshot"})).await;
    let body = json!({"name": "hq", "host": "192.0.2.10", "enabled": false,
                      "axl": {"username": "u", "password": "canary-axl"}, "sip": {"username": "s", "password": "canary-sip"}});
    let pbx = api.post("/api/v1/pbxs", body).await;
    let path = format!("/api/v1/pbxs/{}", pbx.json()["id"].as_str().unwrap());
    let mut answers = vec![pbx.text];
    answers.push(api.patch(&path, json!({"axl": {"password": "canary-new"}})).await.text);
    // Refused, and still not repeated.
    answers.push(api.patch(&path, json!({"axl": {"password": ["canary-list"]}})).await.text);
    answers.push(api.patch(&path, json!({"axl": {"passwort": "canary-field"}})).await.text);
    answers.push(api.patch(&path, json!({"host": "not a host", "sip": {"password": "canary-other"}})).await.text);
    let token = api.post("/api/v1/tokens", json!({"name": "crm", "scopes": ["read"]})).await.json();
    let secret = token["token"].as_str().unwrap().to_owned();
    let ticket = api.post("/api/v1/tickets", json!({})).await.json()["ticket"].as_str().unwrap().to_owned();
    assert!(Ws::try_open(&api, &format!("?ticket={ticket}"), None).await.is_ok());
    ws.send(&json!({"type": "auth", "token": secret})).await;
    for path in [
        "/api/v1/pbxs",
        &path,
        &format!("{path}/status"),
        "/api/v1/tokens",
        "/api/v1/clients",
        "/api/v1/snapshot",
        "/api/v1/events?from=snapshot",
        "/api/v1/me",
        "/readyz",
        "/metrics",
        "/openapi.json",
    ] {
        answers.push(api.get(path).await.text);
    }
    answers.push(api.send(api.request(Method::GET, "/api/v1/me", Some("canary-token"))).await.text);
    let journal = api.gateway.journal().read_after(0, 1000).await.unwrap();
    answers.extend(journal.iter().map(|event| String::from_utf8(event.frame.to_vec()).unwrap()));
    answers.push(ws.frame_of("snapshot").await.to_string());
    let log_text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log_text.contains("a token was made"), "the log is seen");
    let folder = api.end().await;
    let mut files = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        files.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let files = String::from_utf8_lossy(&files).into_owned();
    for canary in ["canary-", ADMIN, &secret, &ticket] {
        assert!(!log_text.contains(canary), "the log holds {canary}");
        assert!(!files.contains(canary), "a file holds {canary}");
        for answer in &answers {
            assert!(!answer.contains(canary), "{canary} in {answer}");
        }
    }
}
