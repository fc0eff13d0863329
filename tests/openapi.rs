//! The kept documents: they are those of the code, and what the gateway answers and sends is what they say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use jsonschema::Validator;
use linegate::api::{ApiSettings, ApiState, ServeSettings, openapi, router, serve};
use linegate::service::gateway::Gateway;
use linegate::service::journal::Retention;
use linegate::store::{Secret, Store};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(60);
const ADMIN: &str = "lg_admin";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi").join(name)
}

fn document() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

/// A validator of a schema that refers to the components of its document.
fn validator(document: &Value, schema: &Value) -> Validator {
    let root = json!({"$schema": "https://json-schema.org/draft/2020-12/schema",
                      "allOf": [schema], "components": document["components"]});
    jsonschema::validator_for(&root).unwrap_or_else(|error| panic!("{error}: {schema}"))
}

fn check(document: &Value, schema: &Value, value: &Value, what: &str) {
    let errors: Vec<String> = validator(document, schema)
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}:\n  {}\nin {value}", errors.join("\n  "));
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                found.push((method.to_owned(), path.clone(), operation.clone()));
            }
        }
    }
    found
}

#[test]
fn the_kept_openapi_document_is_the_one_of_the_code() {
    let text = std::fs::read_to_string(kept("openapi.json")).unwrap_or_default();
    let fresh = format!("{}\n", serde_json::to_string_pretty(&openapi()).unwrap());
    assert!(text == fresh, "openapi/openapi.json is old; run: cargo run -- openapi --output openapi/openapi.json");
}

#[test]
fn the_two_forms_of_the_asyncapi_document_say_the_same() {
    let yaml: Value = serde_saphyr::from_str(&std::fs::read_to_string(kept("asyncapi.yaml")).unwrap()).unwrap();
    if std::env::var_os("LINEGATE_WRITE_DOCUMENTS").is_some() {
        std::fs::write(kept("asyncapi.json"), format!("{}\n", serde_json::to_string_pretty(&yaml).unwrap())).unwrap();
    }
    let json: Value = serde_json::from_str(&std::fs::read_to_string(kept("asyncapi.json")).unwrap()).unwrap();
    assert!(
        yaml == json,
        "openapi/asyncapi.json is not the YAML form; run: LINEGATE_WRITE_DOCUMENTS=1 cargo test --test openapi asyncapi"
    );
}

#[test]
fn every_operation_is_described_for_its_user() {
    fn nulls(value: &Value, at: &str) {
        match value {
            // A default may be null; a part of the document may not.
            Value::Null => assert!(
                at.ends_with("/default") || at.contains("/default/") || at.contains("/example/"),
                "{at} is null"
            ),
            Value::Object(members) => members.iter().for_each(|(key, member)| nulls(member, &format!("{at}/{key}"))),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| nulls(item, &format!("{at}/{index}")))
            }
            _ => {}
        }
    }
    let document = document();
    nulls(&document, "");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name}: operationId twice");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}: summary");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name}");
        assert_eq!(operation["security"].as_array().map(Vec::len), Some(1), "{name} says what it needs");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for parameter in &parameters {
            assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {parameter}");
        }
        let in_path: BTreeSet<&str> = path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let told: BTreeSet<&str> =
            parameters.iter().filter(|one| one["in"] == "path").filter_map(|one| one["name"].as_str()).collect();
        assert_eq!(in_path, told, "{name}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} {status}");
            if status.parse::<u16>().unwrap() >= 400 && path != "/readyz" {
                let content = response["content"].as_object().unwrap_or_else(|| panic!("{name} {status} has a body"));
                assert_eq!(content.keys().collect::<Vec<_>>(), ["application/problem+json"], "{name} {status}");
            }
        }
    }
    assert!(ids.len() >= 30);
}

#[test]
fn every_reference_leads_somewhere_and_every_example_is_valid() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                    found.insert(target.to_owned());
                }
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    fn examples(document: &Value, schema: &Value, name: &str) {
        if let Some(example) = schema.get("example") {
            check(document, schema, example, &format!("the example of {name}"));
        }
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            examples(document, property, &format!("{name}.{key}"));
        }
    }
    let asyncapi: Value = serde_json::from_str(linegate::api::asyncapi()).unwrap();
    for document in [document(), asyncapi.clone()] {
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for target in found {
            let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{target} leads outside"));
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            validator(&document, schema);
            examples(&document, schema, name);
        }
    }
    for (name, message) in asyncapi["components"]["messages"].as_object().unwrap() {
        for example in message["examples"].as_array().unwrap() {
            check(&asyncapi, &message["payload"], &example["payload"], &format!("the example of {name}"));
        }
    }
}

struct Running {
    address: std::net::SocketAddr,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

async fn start() -> Running {
    let http = {
        // The client needs a crypto provider, although nothing here is encrypted.
        let _ = linegate::client::Client::new("http://127.0.0.1:1", "");
        reqwest::Client::builder().no_proxy().build().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    let gateway = Gateway::open(store, Retention { days: 1, events: 10_000, call_days: 1 }).await.unwrap();
    let settings = ApiSettings {
        admin_token: Some(Secret::new(ADMIN)),
        keep_alive: Duration::from_millis(200),
        set_log_level: Some(std::sync::Arc::new(|_| Ok(()))),
        ..ApiSettings::default()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(ApiState::new(gateway, settings));
    tokio::spawn(serve(listener, router, ServeSettings::default(), CancellationToken::new()));
    Running { address, http, _folder: folder }
}

impl Running {
    /// Asks, and checks the answer against the document.
    async fn ask(
        &self,
        document: &Value,
        method: &str,
        path: &str,
        target: &str,
        request: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Value {
        let name = format!("{method} {target}");
        let mut asked = self.http.request(
            Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
            format!("http://{}{target}", self.address),
        );
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        if let Some(body) = &request {
            asked = asked.json(body);
        }
        let response = tokio::time::timeout(PATIENCE, asked.send()).await.unwrap().unwrap();
        let status = response.status().as_u16();
        let told = response
            .headers()
            .get("content-type")
            .map(|value| value.to_str().unwrap().split(';').next().unwrap().to_owned());
        let text = response.text().await.unwrap();
        let documented = &document["paths"][path][method]["responses"][status.to_string()];
        assert!(documented.is_object(), "{name}: {status} is not documented: {text}");
        match documented["content"].as_object() {
            None => assert!(text.is_empty(), "{name} {status} has a body: {text}"),
            Some(content) => {
                let told = told.unwrap_or_else(|| panic!("{name} {status} has no content type"));
                let media = content.get(&told).unwrap_or_else(|| panic!("{name} {status}: {told} is not documented"));
                if told.ends_with("json") {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    check(document, &media["schema"], &value, &format!("{name} {status}"));
                    return value;
                }
            }
        }
        Value::Null
    }
}

#[tokio::test]
async fn every_route_answers_what_the_document_says() {
    let document = document();
    let running = start().await;
    let bearer = format!("Bearer {ADMIN}");
    let admin = [("authorization", bearer.as_str())];
    let pbx_body = json!({"name": "hq", "host": "192.0.2.10", "enabled": false, "axl": {"username": "u", "password": "p"}, "sip": {"username": "s"}});
    let pbx = running.ask(&document, "post", "/api/v1/pbxs", "/api/v1/pbxs", Some(pbx_body), &admin).await;
    let pbx = pbx["id"].as_str().unwrap();
    let line_body = json!({"pbx_id": pbx, "number": "201", "device_id": "00AA11BB0001", "buttons": ["204"]});
    let line = running.ask(&document, "post", "/api/v1/lines", "/api/v1/lines", Some(line_body), &admin).await;
    let line = line["id"].as_str().unwrap();
    let token_body = json!({"name": "crm", "scopes": ["read"], "lines": [line]});
    let token = running.ask(&document, "post", "/api/v1/tokens", "/api/v1/tokens", Some(token_body), &admin).await;
    let limited = format!("Bearer {}", token["token"].as_str().unwrap());
    let code_body = json!({"name": "roll-out", "uses": 1000});
    let code =
        running.ask(&document, "post", "/api/v1/enrolments", "/api/v1/enrolments", Some(code_body), &admin).await;
    let fill = |path: &str| {
        path.replace("{pbx}", pbx)
            .replace("{line}", line)
            .replace("{token_id}", token["id"].as_str().unwrap())
            .replace("{enrolment}", code["id"].as_str().unwrap())
    };
    let mut operations = operations(&document);
    // What takes things away comes last.
    operations.sort_by_key(|(method, path, _)| (method == "delete", path.contains("{pbx}")));
    for (method, path, operation) in &operations {
        let target = fill(path).replace("{call}", "call_none");
        let body = operation.get("requestBody").map(|_| match path.as_str() {
            "/api/v1/log-level" => json!({"filter": "info"}),
            "/api/v1/tokens" => json!({"name": "again", "scopes": ["control"]}),
            "/api/v1/enrolments" => json!({"name": "again", "lines": [line]}),
            "/api/v1/enrol" => json!({"code": code["code"], "machine": "PC-17"}),
            "/api/v1/calls/{call}" => json!({"data": {"a": 1}}),
            path if path.ends_with("/calls") => json!({"to": "202"}),
            _ => json!({}),
        });
        running.ask(&document, method, path, &target, body, &admin).await;
        if method == "delete" {
            running.ask(&document, method, path, &target, None, &admin).await;
            continue;
        }
        // Refusals that any user meets.
        running.ask(&document, method, path, &target, Some(json!({"colour": 1})), &admin).await;
        running.ask(&document, method, path, &target, None, &[]).await;
        running.ask(&document, method, path, &target, None, &[("authorization", &limited)]).await;
        running.ask(&document, method, path, &format!("{target}?colour=1"), None, &admin).await;
        let absent = path
            .replace("{pbx}", "pbx_none")
            .replace("{line}", "line_none")
            .replace("{token_id}", "tok_none")
            .replace("{enrolment}", "enr_none")
            .replace("{call}", "x");
        running.ask(&document, method, path, &absent, None, &admin).await;
        running
            .ask(&document, method, path, &target, None, &[("authorization", &bearer), ("if-none-match", "*")])
            .await;
        running
            .ask(
                &document,
                method,
                path,
                &target,
                Some(json!({})),
                &[("authorization", &bearer), ("if-match", "\"v0\"")],
            )
            .await;
        running
            .ask(
                &document,
                method,
                path,
                &target,
                Some(json!({})),
                &[("authorization", &bearer), ("origin", "https://evil.example")],
            )
            .await;
    }
}

#[tokio::test]
async fn every_frame_is_one_of_the_asyncapi_document() {
    let document: Value = serde_json::from_str(linegate::api::asyncapi()).unwrap();
    let running = start().await;
    let mut request = format!("ws://{}/api/v1/events", running.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {ADMIN}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let pbx = json!({"name": "hq", "host": "192.0.2.10", "enabled": false});
    let change = json!({"options": {"invite_window": 9}});
    let mut wanted: BTreeSet<&str> =
        document["components"]["messages"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut sent: Vec<Value> = vec![
        json!({"type": "request", "id": 1, "method": "POST", "path": "/api/v1/pbxs", "body": pbx}),
        json!({"type": "subscribe", "id": "a", "from": "snapshot"}),
        json!({"type": "subscribe", "from": {"epoch": "gone", "seq": 1}, "lines": [], "events": ["call.*", "pbx.*"]}),
        json!({"type": "auth", "id": 2, "token": ADMIN}),
        json!({"type": "ping", "id": "p"}),
        json!({"type": "request", "id": "g", "method": "GET", "path": "/api/v1/nowhere"}),
    ];
    for frame in &sent {
        let kind = frame["type"].as_str().unwrap();
        wanted.remove(kind);
        check(&document, &document["components"]["messages"][kind]["payload"], frame, kind);
    }
    sent.push(json!({"type": "dance", "id": "d"}));
    for frame in sent {
        socket.send(Message::Text(frame.to_string().into())).await.unwrap();
    }
    let mut asked_more = false;
    while !wanted.is_empty() {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap_or_else(|_| panic!("no {wanted:?}"));
        let Message::Text(text) = message.unwrap().unwrap() else { continue };
        let frame: Value = serde_json::from_str(&text).unwrap();
        let kind = frame["type"].as_str().unwrap();
        let message = &document["components"]["messages"][kind];
        assert!(message.is_object(), "{kind} is not in the document");
        check(&document, &message["payload"], &frame, kind);
        wanted.remove(kind);
        if kind == "response" && frame["id"] == 1 && !asked_more {
            asked_more = true;
            let id = frame["body"]["id"].as_str().unwrap();
            let epoch_and_seq = frame["headers"]["event-position"].as_str().unwrap().to_owned();
            for frame in [
                json!({"type": "request", "method": "PATCH", "path": format!("/api/v1/pbxs/{id}"), "body": change}),
                json!({"type": "request", "method": "POST", "path": "/api/v1/lines", "body": {"pbx_id": id, "number": "201"}}),
                json!({"type": "subscribe", "from": epoch_and_seq}),
            ] {
                socket.send(Message::Text(frame.to_string().into())).await.unwrap();
            }
        }
    }
}
