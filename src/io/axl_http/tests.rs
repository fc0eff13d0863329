#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::test_server::{Script, Server, reply};
use super::*;
use crate::axl::load::{FaultKind, TransportFault};
use crate::axl::request::{Keyword, Request, Select};

const XML: &str = "<axl><response><ISDevices></ISDevices></response></axl>";

pub(super) fn endpoint(server: &Server) -> AxlEndpoint {
    let mut endpoint = AxlEndpoint::new("127.0.0.1", "ctigw", Secret::new("lab-pass-1"));
    endpoint.port = server.address.port();
    endpoint.timeouts = Timeouts {
        connect: Duration::from_secs(2),
        total: Duration::from_secs(2),
        retry_after: vec![Duration::from_millis(5), Duration::from_millis(10)],
    };
    endpoint
}

fn read() -> Bytes {
    Request::Device(Select::Keyword(Keyword::AllTag)).body(crate::axl::dialect::Envelope::Vendor)
}

fn change() -> Bytes {
    let request = Request::exec_cli(vec!["ephone-dn 7".into(), "cti notify".into()], 20).unwrap();
    request.body(crate::axl::dialect::Envelope::Vendor)
}

async fn post(scripts: Vec<Script>) -> (Result<Reply, HttpFault>, Vec<String>) {
    let server = Server::start(scripts).await;
    let result = AxlClient::new(endpoint(&server)).unwrap().post(read()).await;
    (result, server.requests())
}

#[tokio::test]
async fn the_request_is_that_of_the_dossier() {
    let (result, requests) = post(vec![reply("200 OK", XML)]).await;
    assert_eq!(result.unwrap(), Reply { status: 200, body: Bytes::from_static(XML.as_bytes()) });
    assert_eq!(requests.len(), 1);
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(body.as_bytes(), read());
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("POST /ios_xml_app/cme HTTP/1.1"));
    let mut headers: Vec<&str> = lines.collect();
    headers.sort_unstable();
    let host = headers.iter().position(|line| line.starts_with("Host: 127.0.0.1:")).unwrap();
    headers.remove(host);
    assert_eq!(
        headers,
        [
            "Accept: text/xml",
            "Authorization: Basic Y3RpZ3c6bGFiLXBhc3MtMQ==",
            "Connection: close",
            "Content-Length: 179",
            "Content-Type: text/xml; charset=utf-8",
        ]
    );
}

#[tokio::test]
async fn every_framing_of_a_reply_is_taken() {
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10;name=value\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        &XML[..16],
        XML.len() - 16,
        &XML[16..]
    );
    let to_the_end = format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n{XML}");
    let old = format!("HTTP/1.0 200 OK\r\n\r\n{XML}");
    let longer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{XML}trailing", XML.len());
    for text in [chunked, to_the_end, old, longer] {
        let (result, _) = post(vec![Script::Answer(text.clone().into_bytes())]).await;
        assert_eq!(result.unwrap().body, XML.as_bytes(), "{text}");
    }
    let (result, _) = post(vec![reply("200 OK", "")]).await;
    assert!(result.unwrap().body.is_empty());
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_no_reply() {
    let cut = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", XML.len(), &XML[..20]);
    let chunk = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{}", &XML[..20]);
    for text in [cut, chunk] {
        let (result, requests) = post(vec![Script::Answer(text.into_bytes())]).await;
        assert_eq!((result, requests.len()), (Err(HttpFault::Cut), 1));
    }
    let huge = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(2 << 20));
    assert_eq!(post(vec![Script::Answer(huge.into_bytes())]).await.0, Err(HttpFault::TooLarge));
}

#[tokio::test]
async fn refusals_are_not_repeated() {
    let challenge = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"level_15_access\"\r\n\
                     Connection: close\r\n\r\n401 Unauthorized";
    for script in [Script::Answer(challenge.into()), reply("401 Unauthorized", ""), reply("403 Forbidden", "")] {
        let (result, requests) = post(vec![script]).await;
        assert_eq!((result, requests.len()), (Err(HttpFault::Unauthorized), 1));
    }
    let (result, requests) = post(vec![reply("200 OK", "\r\n<!DOCTYPE HTML><html>login</html>")]).await;
    assert_eq!((result, requests.len()), (Err(HttpFault::NotXml), 1));
    let redirect = "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n";
    let (result, requests) = post(vec![Script::Answer(redirect.into())]).await;
    assert_eq!((result, requests.len()), (Err(HttpFault::Status(302)), 1));
}

#[tokio::test]
async fn credentials_can_wait_for_the_challenge() {
    let server = Server::start(vec![reply("401 Unauthorized", ""), reply("200 OK", XML)]).await;
    let settings = AxlEndpoint { auth_preemptive: false, ..endpoint(&server) };
    assert!(AxlClient::new(settings).unwrap().post(read()).await.is_ok());
    let requests = server.requests();
    assert!(!requests[0].contains("Authorization") && requests[1].contains("Authorization"));
}

#[tokio::test]
async fn the_other_path_is_tried_once_and_remembered() {
    let server = Server::start(vec![reply("404 Not Found", ""), reply("200 OK", XML)]).await;
    let client = AxlClient::new(endpoint(&server)).unwrap();
    assert!(client.post(read()).await.is_ok());
    assert!(client.post(read()).await.is_ok());
    let lines: Vec<String> = server.requests().iter().map(|text| text.lines().next().unwrap().to_owned()).collect();
    assert_eq!(
        lines,
        ["POST /ios_xml_app/cme HTTP/1.1", "POST /ios_xml_app/cme/ HTTP/1.1", "POST /ios_xml_app/cme/ HTTP/1.1",]
    );
    let (result, requests) = post(vec![reply("404 Not Found", "")]).await;
    assert_eq!((result, requests.len()), (Err(HttpFault::NotFound), 2));
}

#[tokio::test]
async fn a_busy_router_is_asked_again() {
    let (result, requests) =
        post(vec![reply("503 Service Unavailable", ""), Script::CloseAfterRequest, reply("200 OK", XML)]).await;
    assert!(result.is_ok());
    assert_eq!(requests.len(), 3);
    let (result, requests) = post(vec![reply("503 Service Unavailable", "")]).await;
    assert_eq!((result, requests.len()), (Err(HttpFault::Status(503)), 3));
    let (result, _) = post(vec![Script::CloseAtOnce]).await;
    assert_eq!(result, Err(HttpFault::Reset));
}

#[tokio::test]
async fn what_changes_something_is_sent_once() {
    for script in [reply("503 Busy", ""), Script::CloseAfterRequest] {
        let server = Server::start(vec![script]).await;
        let client = AxlClient::new(endpoint(&server)).unwrap();
        assert!(client.post(change()).await.is_err());
        assert!(client.post(Request::SaveConfig.body(crate::axl::dialect::Envelope::Plain)).await.is_err());
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn patience_ends() {
    for script in [Script::Drip, Script::Hang(Vec::new()), Script::Hang(b"HTTP/1.1 200 OK\r\n\r\n<a>".to_vec())] {
        let server = Server::start(vec![script]).await;
        let mut settings = endpoint(&server);
        settings.timeouts.total = Duration::from_millis(250);
        settings.timeouts.retry_after.clear();
        let start = Instant::now();
        let fault = AxlClient::new(settings).unwrap().post(read()).await.unwrap_err();
        assert_eq!(fault, HttpFault::Timeout { connecting: false });
        assert!(start.elapsed() < Duration::from_secs(2));
        assert_eq!(TransportFault::from(fault).kind, FaultKind::Timeout);
    }
}

#[tokio::test]
async fn nobody_there_and_no_name() {
    let gone = Server::start(vec![Script::CloseAtOnce]).await;
    let mut settings = endpoint(&gone);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    settings.port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(AxlClient::new(settings.clone()).unwrap().post(read()).await, Err(HttpFault::Refused));
    settings.host = "router.invalid".to_owned();
    let fault = AxlClient::new(settings).unwrap().post(read()).await.unwrap_err();
    assert_eq!(fault, HttpFault::Dns);
    assert_eq!(TransportFault::from(fault).kind, FaultKind::Fatal);
}

#[tokio::test]
async fn something_else_than_http() {
    let (result, _) = post(vec![Script::Answer(b"SIP/2.0 200 OK\r\n\r\n".to_vec())]).await;
    assert_eq!(result, Err(HttpFault::NotHttp));
}

#[test]
fn nothing_shows_the_password_and_everything_has_a_hint() {
    let settings = AxlEndpoint::new("192.0.2.1", "ctigw", Secret::new("canary-pass"));
    let client = AxlClient::new(settings.clone()).unwrap();
    assert!(!format!("{settings:?}{client:?}").contains("canary"));
    for fault in [
        HttpFault::Dns,
        HttpFault::Refused,
        HttpFault::Unreachable("no route".into()),
        HttpFault::Timeout { connecting: true },
        HttpFault::Timeout { connecting: false },
        HttpFault::Reset,
        HttpFault::Cut,
        HttpFault::Tls(TlsFault::Expired),
        HttpFault::Unauthorized,
        HttpFault::NotFound,
        HttpFault::Status(302),
        HttpFault::NotXml,
        HttpFault::TooLarge,
        HttpFault::NotHttp,
        HttpFault::Settings("x".into()),
    ] {
        assert!(!fault.sentence().is_empty() && !fault.hint().is_empty());
    }
}

#[test]
fn unusable_settings_are_named() {
    let base = || AxlEndpoint::new("192.0.2.1", "ctigw", Secret::new("x"));
    let bad = |settings: AxlEndpoint| AxlClient::new(settings).unwrap_err();
    assert!(matches!(bad(AxlEndpoint { host: "a b".into(), ..base() }), HttpFault::Settings(_)));
    let pinned = Tls { verify: Verify::Pinned, ..Tls::default() };
    assert!(matches!(bad(AxlEndpoint { scheme: Scheme::Https, tls: pinned, ..base() }), HttpFault::Settings(_)));
    let odd = Tls { fingerprint: Some("12:34".into()), ..Tls::default() };
    assert!(matches!(bad(AxlEndpoint { scheme: Scheme::Https, tls: odd, ..base() }), HttpFault::Settings(_)));
    assert!(AxlClient::new(AxlEndpoint { host: "2001:db8::1".into(), ..base() }).is_ok());
    if cfg!(not(feature = "legacy-tls")) {
        let old = Tls { min_version: MinVersion::Tls10, ..Tls::default() };
        let fault = bad(AxlEndpoint { scheme: Scheme::Https, tls: old, ..base() });
        assert_eq!(fault, HttpFault::Tls(TlsFault::NeedsLegacy));
    }
}
