//! Secrets never come out: neither in an answer, nor in an event, nor in the log, nor in a file as they are.
//!
//! A test program of its own, so that the log of the whole process is seen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt as _, StreamExt as _};
use linegate::api::{ApiSettings, ApiState, ServeSettings, router, serve};
use linegate::service::gateway::Gateway;
use linegate::service::journal::Retention;
use linegate::service::support::About;
use linegate::store::{Secret, Store};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

const ADMIN: &str = "lg_canary-of-the-admin";

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_seen_again() {
    let log = Kept::default();
    // At the lowest level, with what holds at any.
    tracing_subscriber::registry()
        .with(filter_fn(linegate::telemetry::may_be_logged))
        .with(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(log.clone()))
        .init();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    let gateway = Gateway::open(store, Retention { days: 1, events: 10_000, call_days: 1 }).await.unwrap();
    let kept = log.clone();
    let about = move || About {
        log: String::from_utf8_lossy(&kept.0.lock().unwrap()).into_owned(),
        // What a careless source would give away, but for secrets, is hidden all the same.
        settings: json!({"note": "4711815 at 203.0.113.77"}),
        ..About::default()
    };
    let settings =
        ApiSettings { admin_token: Some(Secret::new(ADMIN)), about: Some(Arc::new(about)), ..ApiSettings::default() };
    let state = ApiState::new(gateway.clone(), settings);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, router(state.clone()), ServeSettings::default(), CancellationToken::new()));
    // The client needs a crypto provider, although nothing here is encrypted.
    let _ = linegate::client::Client::new(&base, ADMIN).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |method: Method, path: &str, token: &str, body: Option<Value>| -> String {
        let mut request = http.request(method, format!("{base}{path}")).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap().text().await.unwrap()
    };
    let id =
        |text: &str, member: &str| serde_json::from_str::<Value>(text).unwrap()[member].as_str().unwrap().to_owned();

    let pbx = json!({"name": "hq", "host": "127.0.0.1", "sip": {"port": 1, "local_address": "127.0.0.1", "local_port": 45_070, "username": "s", "password": "canary-sip"},
                     "axl": {"port": 1, "username": "u", "password": "canary-axl"}});
    let made = ask(Method::POST, "/api/v1/pbxs", ADMIN, Some(pbx)).await;
    let path = format!("/api/v1/pbxs/{}", id(&made, "id"));
    let mut answers = vec![made];
    for patch in [
        json!({"axl": {"password": "canary-new"}}),
        // Refused, and still not repeated.
        json!({"axl": {"password": ["canary-list"]}}),
        json!({"axl": {"passwort": "canary-field"}}),
        json!({"host": "not a host", "sip": {"password": "canary-other"}}),
    ] {
        answers.push(ask(Method::PATCH, &path, ADMIN, Some(patch)).await);
    }
    // What people dial and are called is nobody's business in a log.
    let line = json!({"pbx_id": path.rsplit('/').next().unwrap(), "number": "4711815", "name": "Person Hidden", "device_id": "00AA11BB0001"});
    let line = id(&ask(Method::POST, "/api/v1/lines", ADMIN, Some(line)).await, "id");
    for (to, query) in [("+49 30 555777", ""), ("+49 30 555777", "?dry_run=true"), ("0049 30 555777 x", "")] {
        ask(Method::POST, &format!("/api/v1/lines/{line}/calls{query}"), ADMIN, Some(json!({"to": to}))).await;
    }
    let token = id(
        &ask(Method::POST, "/api/v1/tokens", ADMIN, Some(json!({"name": "crm", "scopes": ["read"]}))).await,
        "token",
    );
    let ticket = id(&ask(Method::POST, "/api/v1/tickets", &token, Some(json!({}))).await, "ticket");
    let code = json!({"name": "roll-out", "uses": 2});
    let code = id(&ask(Method::POST, "/api/v1/enrolments", ADMIN, Some(code)).await, "code");
    let machine = json!({"code": code, "machine": "PC-17"});
    let enrolled = id(&ask(Method::POST, "/api/v1/enrol", "", Some(machine)).await, "token");
    let wrong = json!({"code": "LGE-canary-code", "machine": "PC-17"});
    answers.push(ask(Method::POST, "/api/v1/enrol", "", Some(wrong)).await);
    let malformed = json!({"code": ["LGE-canary-list"], "machine": "PC-17"});
    answers.push(ask(Method::POST, "/api/v1/enrol", "", Some(malformed)).await);
    let stream =
        http.get(format!("{base}/api/v1/events?ticket={ticket}&from=now")).header("accept", "text/event-stream");
    assert_eq!(stream.send().await.unwrap().status(), 200);
    // A socket that says its token itself.
    let mut request = format!("{}/api/v1/events", base.replace("http", "ws")).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {ADMIN}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    for frame in [json!({"type": "auth", "token": token}), json!({"type": "auth", "token": "lg_canary-of-a-socket"})] {
        socket.send(Message::text(frame.to_string())).await.unwrap();
        answers.push(socket.next().await.unwrap().unwrap().into_text().unwrap().to_string());
    }
    for one in [
        "/api/v1/pbxs",
        &path,
        &format!("{path}/status"),
        "/api/v1/tokens",
        "/api/v1/enrolments",
        "/api/v1/clients",
        "/api/v1/snapshot",
        "/api/v1/events?from=snapshot",
        "/api/v1/me",
        "/readyz",
        "/metrics",
        "/openapi.json",
    ] {
        answers.push(ask(Method::GET, one, ADMIN, None).await);
    }
    for _ in 0..3 {
        answers.push(ask(Method::GET, "/api/v1/me", "lg_canary-unknown", None).await);
    }
    let refused = id(&ask(Method::GET, "/api/v1/tokens", &token, None).await, "instance");
    let bundle = http.get(format!("{base}/api/v1/support-bundle")).bearer_auth(ADMIN).send().await.unwrap();
    assert_eq!(
        (bundle.status().as_u16(), &bundle.headers()["content-type"]),
        (200, &"application/gzip".parse().unwrap())
    );
    let bundle = bundle.bytes().await.unwrap();
    let mut files_of_bundle = Vec::new();
    for entry in tar::Archive::new(flate2::read::GzDecoder::new(&bundle[..])).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut text = String::new();
        io::Read::read_to_string(&mut entry, &mut text).unwrap();
        files_of_bundle.push(name.clone());
        for private in ["4711815", "555777", "Person Hidden", "00AA11BB0001", "203.0.113.77", "127.0.0.1"] {
            assert!(!text.contains(private), "{private} in {name}: {text}");
        }
        answers.push(format!("{name}: {text}"));
    }
    assert!(
        files_of_bundle.len() > 8 && answers.iter().any(|file| file.contains("a token was made")),
        "{files_of_bundle:?}"
    );
    let events = gateway.journal().read_after(0, 1000).await.unwrap();
    answers.extend(events.iter().map(|event| String::from_utf8(event.frame.to_vec()).unwrap()));
    state.stop();
    gateway.stop().await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("a token was made"), "the log is seen");
    let of = |texts: &[&str]| log.lines().filter(|line| texts.iter().all(|text| line.contains(text))).count();
    assert_eq!(of(&[" INFO ", "a request was refused", &refused, "forbidden"]), 1, "what a token may not do is told");
    assert_eq!(of(&[" WARN ", "address=127.0.0.1", "unauthorized"]), 1, "who guesses is told, once a minute");
    assert_eq!(of(&[" WARN ", "address=127.0.0.1", "invalid_code"]), 1);
    for private in ["555777", "Person Hidden"] {
        let near = log.find(private).map(|at| &log[at.saturating_sub(300)..at + 20]);
        assert!(near.is_none(), "the log holds {private}: {near:?}");
    }
    let mut files = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        files.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let files = String::from_utf8_lossy(&files).into_owned();
    for canary in ["canary-", &token, &ticket, &code, &code.replace('-', ""), &enrolled] {
        let near = log.find(canary).map(|at| &log[at.saturating_sub(300)..at + 20]);
        assert!(near.is_none(), "the log holds {canary}: {near:?}");
        assert!(!files.contains(canary), "a file holds {canary}");
        for answer in &answers {
            assert!(!answer.contains(canary), "{canary} in {answer}");
        }
    }
}
