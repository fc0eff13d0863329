//! What is served without data: documents, the API browser, the status page.

use super::kit::Api;

#[tokio::test]
async fn the_documents_are_open_and_are_those_of_the_code() {
    let api = Api::start().await;
    let openapi = api.send(api.request(reqwest::Method::GET, "/openapi.json", None)).await;
    assert_eq!(openapi.header("content-type"), "application/json");
    assert_eq!(openapi.json(), serde_json::to_value(crate::api::openapi()).unwrap());
    let asyncapi = api.send(api.request(reqwest::Method::GET, "/asyncapi.json", None)).await;
    assert_eq!(asyncapi.json()["asyncapi"], "3.0.0");
}

#[tokio::test]
async fn the_api_browser_is_served_from_here_alone() {
    let api = Api::start().await;
    let get = async |path: &str| api.send(api.request(reqwest::Method::GET, path, None)).await;
    let page = get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
    assert!(!page.text.contains("src=\"http") && !page.text.contains("href=\"http"), "{}", page.text);
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-initializer.js"]
    {
        assert!(page.text.contains(file), "{file}");
        assert_eq!(get(&format!("/docs/{file}")).await.status, 200, "{file}");
    }
    assert!(get("/docs/swagger-initializer.js").await.text.contains("/openapi.json"));
    assert_eq!(get("/docs/nothing.js").await.status, 404);
}

#[tokio::test]
async fn the_status_page_needs_nothing_from_elsewhere() {
    let api = Api::start().await;
    let page = api.send(api.request(reqwest::Method::GET, "/", None)).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-") && !policy.contains("unsafe")
    );
    for needed in ["/api/v1/tickets", "/api/v1/events", "textContent"] {
        assert!(page.text.contains(needed), "{needed}");
    }
    // Names come from phones: no way leads from a text to markup.
    for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage"] {
        assert!(!page.text.contains(sink), "{sink}");
    }
}

#[tokio::test]
async fn health_readiness_and_metrics() {
    let api = Api::start().await;
    assert_eq!(api.send(api.request(reqwest::Method::GET, "/healthz", None)).await.json()["status"], "ok");
    assert_eq!(api.send(api.request(reqwest::Method::GET, "/readyz", None)).await.json()["status"], "ready");
    api.pbx("off").await;
    assert_eq!(api.get("/readyz").await.status, 200, "a PBX that is switched off is not missed");
    let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let body = serde_json::json!({"name": "gone", "host": "127.0.0.1", "sip": {"port": refused, "local_address": "127.0.0.1", "local_port": free_port()},
                                  "axl": {"port": refused, "username": "u", "password": "p"}});
    let made = api.post("/api/v1/pbxs", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let not_ready = api.send(api.request(reqwest::Method::GET, "/readyz", None)).await;
    assert_eq!((not_ready.status, &not_ready.json()["status"]), (503, &serde_json::json!("not_ready")));
    assert!(not_ready.json()["reasons"][0].as_str().unwrap().starts_with("PBX gone: "));
    let metrics = api.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
}

#[tokio::test]
async fn readiness_says_what_is_wrong_with_the_database_until_it_works_again() {
    let api = Api::start().await;
    for (broken, status) in [(false, 200), (true, 503), (false, 200)] {
        api.gateway.store().break_writer(broken).await;
        let answer = api.send(api.request(reqwest::Method::GET, "/readyz", None)).await;
        let reasons: &[&str] =
            if broken { &["The database cannot be written: attempt to write a readonly database."] } else { &[] };
        assert_eq!((answer.status, &answer.json()["reasons"]), (status, &serde_json::json!(reasons)));
    }
    std::fs::write(api.gateway.store().folder().join("linegate.db"), "").unwrap();
    api.gateway.store().break_writer(false).await;
    let answer = api.send(api.request(reqwest::Method::GET, "/readyz", None)).await;
    assert_eq!(answer.json()["reasons"][0], "The database cannot be read: its file is empty.");
    assert_eq!(api.send(api.request(reqwest::Method::GET, "/healthz", None)).await.status, 200, "the process works");
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
