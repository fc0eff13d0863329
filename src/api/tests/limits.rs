//! What a hostile or broken client gets.

use std::time::{Duration, Instant};

use super::kit::{ADMIN, Api, settings};
use crate::api::{ApiSettings, ServeSettings};

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

#[tokio::test]
async fn a_body_that_does_not_come_is_refused() {
    let quick = ApiSettings { body_time: Duration::from_millis(200), ..settings() };
    let api = Api::with(quick, ServeSettings::default()).await;
    for key in ["", "Idempotency-Key: slow\r\n"] {
        let pbx_route = format!(
            "POST /api/v1/pbxs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {ADMIN}\r\n{key}\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"name\":"
        );
        let back = api.raw(pbx_route.as_bytes()).await;
        assert!(back.starts_with("HTTP/1.1 408") && back.contains("request_timeout"), "{back}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_take_its_answer_is_cut_off() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::kit::{call, call_change, data_of, soon};
    use crate::domain::CallState;

    let impatient = ServeSettings { stalled_after: Duration::from_millis(200), ..ServeSettings::default() };
    let api = Api::with(settings(), impatient).await;
    let pbx = api.pbx("hq").await;
    let line = api.line(&pbx, "201").await;
    for number in 0..300 {
        let mut call = call(number, &line, &pbx, CallState::Offering);
        call.data = data_of(64 * 1024);
        api.publish(vec![call_change(call)]).await;
    }
    let whole = api.get("/api/v1/snapshot").await.text.len();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut stream = socket.connect(api.address).await.unwrap();
    let request = format!("GET /api/v1/snapshot HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    // The client takes nothing for longer than the patience, then everything that there is.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut back = Vec::new();
    let _ = soon("the end", stream.read_to_end(&mut back)).await;
    assert!(back.len() < whole, "{} of {whole}", back.len());
}
