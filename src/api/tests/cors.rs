//! Pages of other origins.

use reqwest::Method;
use serde_json::json;

use super::kit::{ADMIN, Api, settings};
use crate::api::{ApiSettings, ServeSettings};

const CRM: &str = "https://crm.example.com";

async fn start() -> Api {
    let open = ApiSettings { cors_origins: vec![CRM.to_owned()], ..settings() };
    Api::with(open, ServeSettings::default()).await
}

#[tokio::test]
async fn a_configured_origin_may_ask_and_read_the_headers() {
    let api = start().await;
    let preflight = api
        .request(Method::OPTIONS, "/api/v1/lines", None)
        .header("origin", CRM)
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key,if-match");
    let allowed = api.send(preflight).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), CRM);
    assert!(allowed.header("access-control-allow-methods").contains("PATCH"));
    for name in ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "last-event-id"] {
        assert!(allowed.header("access-control-allow-headers").contains(name), "{name}");
    }
    for path in ["/api/v1/me", "/api/v1/nowhere"] {
        let answer = api.send(api.request(Method::GET, path, Some(ADMIN)).header("origin", CRM)).await;
        assert_eq!(answer.header("access-control-allow-origin"), CRM, "{path}");
        for name in ["command-id", "etag", "event-position"] {
            assert!(answer.header("access-control-expose-headers").contains(name), "{path}: {name}");
        }
        assert!(answer.header("vary").to_lowercase().contains("origin"), "{path}");
    }
    let change = api.request(Method::POST, "/api/v1/tickets", Some(ADMIN)).header("origin", CRM).json(&json!({}));
    assert_eq!(api.send(change).await.status, 201);
}

#[tokio::test]
async fn other_origins_may_change_nothing_and_open_no_socket() {
    let api = start().await;
    let own = format!("http://{}", api.address);
    for origin in [
        "https://crm.example.com.evil.org",
        "http://crm.example.com",
        "https://CRM.example.com:443",
        "null",
        "https://evil.org",
    ] {
        let change =
            api.request(Method::POST, "/api/v1/tickets", Some(ADMIN)).header("origin", origin).json(&json!({}));
        assert_eq!(api.send(change).await.problem(), (403, "origin_not_allowed".to_owned()), "{origin}");
        let read = api.send(api.request(Method::GET, "/api/v1/me", Some(ADMIN)).header("origin", origin)).await;
        assert_eq!(read.header("access-control-allow-origin"), "", "{origin}");
        let socket = format!(
            "GET /api/v1/events HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nAuthorization: Bearer {ADMIN}\r\nConnection: upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Connection: close\r\n\r\n",
            api.address
        );
        assert!(api.raw(socket.as_bytes()).await.starts_with("HTTP/1.1 403"), "{origin}");
    }
    let change = api.request(Method::POST, "/api/v1/tickets", Some(ADMIN)).header("origin", &own).json(&json!({}));
    assert_eq!(api.send(change).await.status, 201, "the own page");
}
