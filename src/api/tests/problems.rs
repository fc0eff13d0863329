//! Refusals: each names what is wrong and where.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::kit::{ADMIN, Api};

#[tokio::test]
async fn a_wrong_body_is_refused_at_its_place() {
    let api = Api::start().await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    let calls = format!("/api/v1/lines/{line}/calls?dry_run=true");
    let mut hints = BTreeSet::new();
    for (path, body, status, code, pointer) in [
        ("/api/v1/pbxs", "{\"name\": ", 400, "malformed_json", None),
        ("/api/v1/pbxs", "", 400, "malformed_json", None),
        ("/api/v1/pbxs", "[]", 422, "invalid_value", Some("")),
        ("/api/v1/pbxs", r#"{"name":"x","host":"h","colour":1}"#, 422, "unknown_field", Some("/colour")),
        ("/api/v1/pbxs", r#"{"name":"x","host":"h","sip":{"prot":1}}"#, 422, "unknown_field", Some("/sip/prot")),
        ("/api/v1/pbxs", r#"{"name":"x","host":"h","sip":{"port":"a"}}"#, 422, "invalid_value", Some("/sip/port")),
        ("/api/v1/pbxs", r#"{"name":"x","host":"h","sip":{"port":0}}"#, 422, "invalid_value", Some("/sip/port")),
        ("/api/v1/pbxs", r#"{"name":"x"}"#, 422, "invalid_value", Some("/host")),
        ("/api/v1/pbxs", r#"{"name":"x","host":"http://h"}"#, 422, "invalid_value", Some("/host")),
        (
            "/api/v1/pbxs",
            r#"{"name":"x","host":"h","options":{"snapshot_interval_s":4}}"#,
            422,
            "invalid_value",
            Some("/options/snapshot_interval_s"),
        ),
        ("/api/v1/lines", r#"{"pbx_id":"pbx_none","number":"1"}"#, 404, "not_found", Some("/pbx_id")),
        ("/api/v1/lines", r#"{"pbx_id":"hq","number":"1"}"#, 422, "invalid_value", Some("/pbx_id")),
        (
            "/api/v1/pbxs",
            r#"{"name":"x","host":"h","internal_numbers":[["1","2"]]}"#,
            422,
            "invalid_value",
            Some("/internal_numbers/0"),
        ),
        ("/api/v1/tickets", "[null, null]", 422, "invalid_value", Some("")),
        ("/api/v1/lines", r#"["pbx_1", "201"]"#, 422, "invalid_value", Some("")),
        ("/api/v1/lines", r#"{"number":"1"}"#, 422, "invalid_value", Some("/pbx_id")),
        (&calls, r#"{"to":"call me"}"#, 422, "invalid_number", Some("/to")),
        (&calls, r#"{"to":""}"#, 422, "invalid_number", Some("/to")),
        (&calls, r#"{"to":"1","data":[1]}"#, 422, "invalid_value", Some("/data")),
        (&calls, r#"{"to":"1","address":-1}"#, 422, "invalid_value", Some("/address")),
        (&calls, r#"{"to":"1","too":"1"}"#, 422, "unknown_field", Some("/too")),
    ] {
        let request = api
            .request(Method::POST, path, Some(ADMIN))
            .header("content-type", "application/json")
            .body(body.to_owned());
        let refused = api.send(request).await;
        assert_eq!(refused.problem(), (status, code.to_owned()), "{path} {body}");
        if let Some(pointer) = pointer {
            assert_eq!(refused.pointer(), pointer, "{path} {body}");
        }
        hints.insert(refused.json()["hint"].as_str().unwrap().to_owned());
    }
    let documents: BTreeSet<&str> = hints
        .iter()
        .flat_map(|hint| hint.split_whitespace())
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| word.ends_with(".json"))
        .collect();
    assert!(!documents.is_empty(), "{hints:?}");
    for document in documents {
        assert_eq!(api.get(document).await.status, 200, "a hint leads to {document}");
    }
    for (name, length) in [("client_ref", 65), ("data", 5000)] {
        let value = if name == "data" { json!({"a": "x".repeat(length)}) } else { json!("x".repeat(length)) };
        let refused = api.post(&calls, json!({"to": "1", name: value})).await;
        assert_eq!((refused.status, refused.pointer()), (422, format!("/{name}")));
    }
}

#[tokio::test]
async fn a_body_must_be_json_and_not_too_large() {
    let api = Api::start().await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let request =
            api.request(Method::POST, "/api/v1/tokens", Some(ADMIN)).header("content-type", content_type).body("{}");
        assert_eq!(api.send(request).await.problem(), (415, "unsupported_media_type".to_owned()), "{content_type}");
    }
    let bare = api.request(Method::POST, "/api/v1/tokens", Some(ADMIN)).body("{}");
    assert_eq!(api.send(bare).await.problem().0, 415);
    let charset = api
        .request(Method::POST, "/api/v1/tickets", Some(ADMIN))
        .header("content-type", "application/json; charset=utf-8")
        .body("{}");
    assert_eq!(api.send(charset).await.status, 201);
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(300_000));
    let request =
        api.request(Method::POST, "/api/v1/tokens", Some(ADMIN)).header("content-type", "application/json").body(large);
    assert_eq!(api.send(request).await.problem(), (413, "body_too_large".to_owned()));
    let deep = "[".repeat(10_000);
    let request =
        api.request(Method::POST, "/api/v1/pbxs", Some(ADMIN)).header("content-type", "application/json").body(deep);
    assert_eq!(api.send(request).await.problem().0, 400);
}

#[tokio::test]
async fn unknown_routes_methods_and_parameters_are_problems_too() {
    let api = Api::start().await;
    for path in ["/nowhere", "/api/v1/nowhere", "/api/v2/lines", "/api/v1/lines/", "/api/v1/lines/x/y/z"] {
        assert_eq!(api.get(path).await.problem(), (404, "not_found".to_owned()), "{path}");
    }
    for (method, path) in [(Method::PUT, "/api/v1/lines"), (Method::DELETE, "/api/v1/me"), (Method::POST, "/healthz")] {
        let refused = api.send(api.request(method, path, Some(ADMIN))).await;
        assert_eq!(refused.problem(), (405, "method_not_allowed".to_owned()), "{path}");
        assert!(refused.header("allow").contains("GET"), "{path}");
    }
    for path in ["/api/v1/lines?colour=red", "/api/v1/me?x=1", "/api/v1/pbxs?offset=3", "/api/v1/calls?pbxs=pbx_1"] {
        let refused = api.get(path).await;
        assert_eq!(refused.problem(), (422, "unknown_field".to_owned()), "{path}");
        assert_eq!(refused.json()["errors"][0]["in"], "query");
    }
    for path in [
        "/api/v1/lines/tok_1",
        "/api/v1/lines/%00",
        "/api/v1/lines/line_%ff",
        "/api/v1/pbxs/..%2f..",
        "/api/v1/calls/call_",
    ] {
        assert_eq!(api.get(path).await.problem().0, 404, "{path}");
    }
    let head = api.send(api.request(Method::HEAD, "/api/v1/me", Some(ADMIN))).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn every_answer_carries_its_id_and_is_not_sniffed_framed_or_kept() {
    let api = Api::start().await;
    for path in ["/api/v1/me", "/api/v1/nowhere", "/healthz", "/openapi.json"] {
        let answer = api.get(path).await;
        assert!(answer.header("request-id").starts_with("req_"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let (one, two) = (api.get("/api/v1/me").await, api.get("/api/v1/me").await);
    assert_ne!(one.header("request-id"), two.header("request-id"));
}

#[tokio::test]
async fn a_log_filter_is_checked() {
    use std::sync::{Arc, Mutex};

    use super::kit::settings;
    use crate::api::{ApiSettings, ServeSettings};

    let set = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&set);
    let with_log = ApiSettings {
        set_log_level: Some(Arc::new(move |filter: &str| {
            if filter == "loud" {
                return Err("There is no level loud.".to_owned());
            }
            seen.lock().unwrap().push(filter.to_owned());
            Ok(())
        })),
        ..settings()
    };
    let api = Api::with(with_log, ServeSettings::default()).await;
    let put =
        async |body: Value| api.send(api.request(Method::PUT, "/api/v1/log-level", Some(ADMIN)).json(&body)).await;
    assert_eq!(put(json!({"filter": "info"})).await.status, 200);
    let refused = put(json!({"filter": "loud"})).await;
    assert_eq!((refused.problem().0, refused.pointer().as_str()), (422, "/filter"));
    assert_eq!(*set.lock().unwrap(), ["info"]);
}
