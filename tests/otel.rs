//! Traces: a small collector sees a dial request of a caller's trace, the command, the service at the PBX, and the events.
//!
//! Needs the feature `otel`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use cme_twin::{Twin, TwinConfig};
use serde_json::{Value, json};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(60);
const TOKEN: &str = "lg_token-of-the-trace-test";
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

struct Own(Child);

impl Drop for Own {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A field of a protobuf message: its number, and its content when it has a length.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    fn varint(message: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = message[0];
            *message = &message[1..];
            value |= u64::from(byte & 127) << shift;
            if byte & 128 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        match key & 7 {
            0 => {
                varint(&mut message);
            }
            1 => message = &message[8..],
            5 => message = &message[4..],
            2 => {
                let length = usize::try_from(varint(&mut message)).unwrap();
                found.push((key >> 3, &message[..length]));
                message = &message[length..];
            }
            other => panic!("wire type {other}"),
        }
    }
    found
}

fn inner(message: &[u8], number: u64) -> Vec<&[u8]> {
    fields(message).into_iter().filter(|(of, _)| *of == number).map(|(_, content)| content).collect()
}

#[derive(Debug, Clone)]
struct Span {
    name: String,
    trace: String,
    id: String,
    parent: String,
}

/// The spans of an export (opentelemetry-proto: resource_spans, scope_spans, spans).
fn spans(export: &[u8]) -> Vec<Span> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let one = |span: &[u8], number: u64| inner(span, number).first().map(|bytes| bytes.to_vec()).unwrap_or_default();
    let mut found = Vec::new();
    for resource in inner(export, 1) {
        for scope in inner(resource, 2) {
            for span in inner(scope, 2) {
                found.push(Span {
                    trace: hex(&one(span, 1)),
                    id: hex(&one(span, 2)),
                    parent: hex(&one(span, 4)),
                    name: String::from_utf8(one(span, 5)).unwrap(),
                });
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_callers_request_to_the_events() {
    let (seen, mut exports) = mpsc::unbounded_channel::<Bytes>();
    let collector = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let take = move |body: Bytes| {
        seen.send(body).unwrap();
        std::future::ready(Bytes::new())
    };
    tokio::spawn(async move { axum::serve(collector, Router::new().route("/v1/traces", post(take))).await });

    let twin = Twin::start(TwinConfig::default()).await.unwrap();
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (port, sip) = (free(), free());
    let data = tempfile::tempdir().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_linegate"))
        .arg("serve")
        .env("LINEGATE_DATA_DIR", data.path())
        .env("LINEGATE_LISTEN", format!("127.0.0.1:{port}"))
        .env("LINEGATE_ADMIN_TOKEN", TOKEN)
        .env("LINEGATE_LOG", "warn")
        .env("LINEGATE_OTEL_ENDPOINT", endpoint)
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let child = Own(child);
    let base = format!("http://127.0.0.1:{port}");
    let _ = linegate::client::Client::new(&base, TOKEN).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| -> Option<Value> {
        let answer = http.get(format!("{base}{path}")).bearer_auth(TOKEN).send().await.ok()?;
        answer.json().await.ok()
    };
    let until = async |path: &str, wanted: &dyn Fn(&Value) -> bool| -> Value {
        tokio::time::timeout(PATIENCE, async {
            loop {
                match get(path).await {
                    Some(value) if wanted(&value) => return value,
                    _ => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("in vain: {path}"))
    };
    until("/api/v1/me", &|me| me["name"] == "admin").await;
    let pbx = json!({"name": "hq", "host": "127.0.0.1",
        "sip": {"port": twin.sip_addr().port(), "local_address": "127.0.0.1", "local_port": sip},
        "axl": {"port": twin.xml_addr().port(), "username": twin.system().xml_user, "password": twin.system().xml_password}});
    assert_eq!(
        http.post(format!("{base}/api/v1/pbxs")).bearer_auth(TOKEN).json(&pbx).send().await.unwrap().status(),
        201
    );
    let is_201 = |line: &&Value| line["number"] == "201" && line["monitor"]["state"] == "active";
    let lines =
        until("/api/v1/lines", &|page| page["items"].as_array().is_some_and(|all| all.iter().any(|l| is_201(&l))))
            .await;
    let line = lines["items"].as_array().unwrap().iter().find(is_201).unwrap()["id"].as_str().unwrap().to_owned();
    let dialled = http
        .post(format!("{base}/api/v1/lines/{line}/calls"))
        .bearer_auth(TOKEN)
        // Also over the task of its own that a key brings.
        .header("idempotency-key", "once")
        .header("traceparent", format!("00-{TRACE_ID}-{CALLER}-01"))
        .json(&json!({"to": "202"}))
        .send()
        .await
        .unwrap();
    assert_eq!(dialled.status(), 201);

    let mut found: HashMap<String, Span> = HashMap::new();
    let is_complete = |found: &HashMap<String, Span>| {
        let has = |head: &str| found.keys().any(|name| name.starts_with(head));
        ["POST ", "command ", "csta ", "event call.created", "event command.succeeded"].into_iter().all(has)
    };
    tokio::time::timeout(PATIENCE, async {
        while !is_complete(&found) {
            let export = exports.recv().await.unwrap();
            let ours = spans(&export).into_iter().filter(|span| span.trace == TRACE_ID);
            found.extend(ours.map(|span| (span.name.clone(), span)));
        }
    })
    .await
    .unwrap_or_else(|_| panic!("only {found:#?}"));
    let rest = &found["POST /api/v1/lines/{line}/calls"];
    assert_eq!(rest.parent, CALLER, "the request is part of its caller's trace");
    let command = &found["command dial"];
    assert_eq!(command.parent, rest.id);
    for name in ["csta MakeCall", "event call.created", "event command.succeeded"] {
        assert_eq!(found[name].parent, command.id, "{name}");
    }
    drop(child);
    twin.stop().await;
}
