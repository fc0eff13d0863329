//! What a hostile or broken client gets.

use std::time::{Duration, Instant};

use super::kit::{ADMIN, Api, settings};
use crate::api::ServeSettings;

#[tokio::test]
async fn a_head_that_does_not_come_is_cut_off() {
    let quick = ServeSettings { head_time: Duration::from_millis(200), ..ServeSettings::default() };
    let api = Api::with(settings(), quick).await;
    let began = Instant::now();
    let back = api.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert!(back.is_empty() || back.starts_with("HTTP/1.1 408"), "{back}");
    // An idle connection is not kept either.
    let back = api.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(back.starts_with("HTTP/1.1 200"), "{back}");
}

#[tokio::test]
async fn a_head_has_at_most_100_headers_and_64_kib() {
    let api = Api::start().await;
    let head = |headers: usize, length: usize| {
        let mut head = "GET /healthz HTTP/1.1\r\nConnection: close\r\n".to_owned();
        for number in 1..headers {
            head.push_str(&format!("x-{number}: {}\r\n", "y".repeat(length)));
        }
        format!("{head}\r\n")
    };
    assert!(api.raw(head(100, 1).as_bytes()).await.starts_with("HTTP/1.1 200"));
    assert!(api.raw(head(101, 1).as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert!(api.raw(head(50, 4000).as_bytes()).await.starts_with("HTTP/1.1 431"));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
    let back = api.raw(long.as_bytes()).await;
    assert!(back.starts_with("HTTP/1.1 4"), "{back}");
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let api = Api::start().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ] {
        let back = api.raw(bytes).await;
        assert!(back.is_empty() || back.starts_with("HTTP/1.1 400"), "{back}");
    }
    // Two lengths are an attempt to smuggle a second request.
    let twice = format!(
        "POST /api/v1/tickets HTTP/1.1\r\nAuthorization: Bearer {ADMIN}\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"
    );
    assert!(api.raw(twice.as_bytes()).await.starts_with("HTTP/1.1 400"));
    assert_eq!(api.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn more_connections_than_places_wait_and_are_served() {
    let few = ServeSettings { connections: 2, head_time: Duration::from_millis(300), ..ServeSettings::default() };
    let api = Api::with(settings(), few).await;
    let idle = [
        tokio::net::TcpStream::connect(api.address).await.unwrap(),
        tokio::net::TcpStream::connect(api.address).await.unwrap(),
    ];
    // Both places are taken until the idle ones are cut off.
    let back = api.raw(b"GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n").await;
    assert!(back.starts_with("HTTP/1.1 200"), "{back}");
    drop(idle);
}
