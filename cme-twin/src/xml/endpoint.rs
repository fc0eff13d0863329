//! The door of the XML interface: one connection from its first byte to its last, with everything that the knobs let go wrong.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::commands::{self, Mode};
use super::envelope::{self, CliResult, code};
use super::http::{self, ReadError};
use super::records::Records;
use super::request::Request;
use super::{
    BodyFraming, HttpFailure, OverflowStyle, OverloadStyle, PathStyle, XmlKnobs, XmlState, apply, reply, request,
};
use crate::shared::Shared;

const PATH: &str = "/ios_xml_app/cme";

/// Serves one connection.
pub(crate) async fn serve(mut stream: TcpStream, shared: &Shared) {
    let state = shared.xml();
    let failure = state.take_failure();
    if failure == HttpFailure::AcceptClose {
        return;
    }
    let outcome = answer(&mut stream, shared, state, failure).await;
    if let Err(error) = outcome {
        tracing::debug!(%error, "an XML connection ended early");
    }
    let _ = stream.shutdown().await;
}

async fn answer(
    stream: &mut TcpStream,
    shared: &Shared,
    state: &XmlState,
    failure: HttpFailure,
) -> Result<(), ReadError> {
    let knobs = state.knobs();
    let (head, rest) = http::read_head(stream).await?;
    let body = http::read_body(stream, &head, rest).await?;
    state.count();
    let changes =
        [&b"<ISexecCLI"[..], b"<ISSaveConfig"].iter().any(|name| body.windows(name.len()).any(|part| part == *name));
    let failure = if changes && failure == HttpFailure::None { knobs.failure_of_changes } else { failure };
    if changes {
        state.saw_change(&body);
    }
    if failure == HttpFailure::AcceptClose {
        return Ok(());
    }
    if head.header("host").is_none() {
        shared.violation("xml_no_host", "the request has no Host header".to_owned(), &body);
    }
    match failure {
        HttpFailure::NotFound => return plain(stream, "404 Not Found", "404 Not Found", &[]).await,
        HttpFailure::Status503 => return plain(stream, "503 Service Unavailable", "", &[]).await,
        HttpFailure::Redirect => {
            return plain(stream, "302 Found", "", &[("Location", "http://198.51.100.7/ios_xml_app/cme")]).await;
        }
        HttpFailure::Unauthorized => return unauthorized(stream, &knobs).await,
        HttpFailure::Silent => {
            // Held until the peer gives up.
            let mut byte = [0u8; 1];
            while tokio::io::AsyncReadExt::read(stream, &mut byte).await? > 0 {}
            return Ok(());
        }
        _ => {}
    }
    if !right_path(head.path(), knobs.path) {
        return plain(stream, "404 Not Found", "404 Not Found", &[]).await;
    }
    if !authorised(head.header("authorization"), &shared.xml_account()) {
        return unauthorized(stream, &knobs).await;
    }
    if head.method != "POST" {
        shared.violation("xml_method", format!("{} instead of POST", head.method), &body);
        return plain(stream, "405 Method Not Allowed", "", &[("Allow", "POST")]).await;
    }
    let slot = state.enter();
    if slot.outstanding() > knobs.outstanding {
        shared.violation("xml_outstanding", format!("{} requests at once", slot.outstanding()), &body);
        match knobs.overload {
            OverloadStyle::Status503 => return plain(stream, "503 Service Unavailable", "", &[]).await,
            OverloadStyle::Reset => {
                let _ = socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
                return Ok(());
            }
            OverloadStyle::IsError => {
                let bytes = envelope::error(&knobs, code::BUSY, "too many outstanding requests");
                return send(stream, &knobs, bytes, knobs.framing, usize::MAX).await;
            }
        }
    }
    if knobs.latency_ms > 0 {
        let limit = u64::from(knobs.request_timeout) * 1000;
        if limit > 0 && knobs.latency_ms > limit {
            tokio::time::sleep(Duration::from_millis(limit)).await;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(knobs.latency_ms)).await;
    }
    let bytes = produce(shared, state, &knobs, &body);
    drop(slot);
    finish(stream, &knobs, bytes, failure).await
}

/// The reply to a request body.
fn produce(shared: &Shared, state: &XmlState, knobs: &XmlKnobs, body: &[u8]) -> Vec<u8> {
    let request = match request::parse(body) {
        Ok(request) => request,
        Err(text) => {
            shared.violation("xml_syntax", text, body);
            return envelope::error(knobs, code::NOT_XML, "the request is not XML");
        }
    };
    for (rule, text) in &request.remarks {
        shared.violation(rule, text.clone(), body);
    }
    if knobs.strict_envelope && !request.literal_root {
        return envelope::error(knobs, code::NOT_XML, "the request has no SOAP-ENV:Envelope");
    }
    let read =
        shared.with_router(|router| reply::read(&request, &Records::new(router, knobs.cti_includes_template), knobs));
    if let Some(bytes) = read {
        return bytes;
    }
    match request.name.to_ascii_lowercase().as_str() {
        "isexeccli" => envelope::cli(knobs, &execute(shared, knobs, &request)),
        "issaveconfig" => {
            state.saved();
            envelope::save(knobs, knobs.save)
        }
        _ => envelope::refused_update(knobs, &request.name),
    }
}

/// Runs the lines of `ISexecCLI` until one fails.
fn execute(shared: &Shared, knobs: &XmlKnobs, request: &Request) -> CliResult {
    let lines = request.parameters.iter().filter(|(name, _)| name.eq_ignore_ascii_case("CLI"));
    run(shared, knobs, None, lines.map(|(_, line)| line.as_str()))
}

/// Runs lines until one fails, with the level of the XML user or another one.
pub(crate) fn run<'a>(
    shared: &Shared,
    knobs: &XmlKnobs,
    level: Option<u8>,
    lines: impl Iterator<Item = &'a str>,
) -> CliResult {
    shared.act_now(|router| {
        let mut mode = Mode::default();
        for (at, line) in lines.enumerate() {
            let system = &router.exchange.system;
            let dialect = commands::Dialect {
                cti: knobs.cti_commands,
                level: level.unwrap_or(system.xml_level),
                max_dn: system.max_dn,
                max_ephones: system.max_ephones,
                max_sessions: 8,
            };
            let result = commands::parse(line, &mut mode, dialect).and_then(|setting| apply::apply(router, setting));
            if let Err(error) = result {
                return CliResult { line: at + 1, error: error.to_owned() };
            }
        }
        CliResult::default()
    })
}

async fn finish(
    stream: &mut TcpStream,
    knobs: &XmlKnobs,
    mut bytes: Vec<u8>,
    failure: HttpFailure,
) -> Result<(), ReadError> {
    let (mut framing, mut fragment) = (knobs.framing, usize::MAX);
    let limit = usize::try_from(knobs.response_size).unwrap_or(0) * 1024;
    if limit > 0 && bytes.len() > limit {
        match knobs.overflow {
            OverflowStyle::IsError => {
                bytes = envelope::error(knobs, code::TOO_LARGE, "response does not fit the buffer")
            }
            OverflowStyle::Truncate => bytes.truncate(limit),
            OverflowStyle::Chunks => {
                fragment = limit;
                if matches!(framing, BodyFraming::Close | BodyFraming::ContentLength) {
                    framing = BodyFraming::Chunked;
                }
            }
        }
    }
    if matches!(framing, BodyFraming::Chunked | BodyFraming::ChunkedExtensions) {
        fragment = fragment.min(1400);
    }
    match failure {
        HttpFailure::Html => {
            bytes = b"<html><head><title>lab-cme Home Page</title></head><body><h1>Cisco Systems</h1></body></html>"
                .to_vec();
            return plain_typed(stream, "200 OK", &bytes, "text/html", &[]).await;
        }
        HttpFailure::Empty => bytes.clear(),
        HttpFailure::HalfBody => {
            bytes.truncate(bytes.len() / 2 + 3);
            framing = BodyFraming::Close;
        }
        HttpFailure::ShortLength => {
            let length = (bytes.len() / 2).to_string();
            let mut head = http::response_head(
                "200 OK",
                &[("Content-Type", "text/xml"), ("Content-Length", &length)],
                SystemTime::now(),
            );
            head.push_str("\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&bytes).await?;
            return Ok(());
        }
        HttpFailure::Drip => {
            let mut head = http::response_head(
                "200 OK",
                &[("Content-Type", "text/xml"), ("Connection", "close")],
                SystemTime::now(),
            );
            head.push_str("\r\n");
            http::drip(stream, head.as_bytes(), Duration::from_millis(200)).await?;
            http::drip(stream, &bytes, Duration::from_millis(200)).await?;
            return Ok(());
        }
        _ => {}
    }
    send(stream, knobs, bytes, framing, fragment).await
}

async fn send(
    stream: &mut TcpStream,
    knobs: &XmlKnobs,
    bytes: Vec<u8>,
    framing: BodyFraming,
    fragment: usize,
) -> Result<(), ReadError> {
    let bytes = if knobs.quirks.latin1 { latin1(&bytes) } else { bytes };
    let headers = [("Content-Type", "text/xml"), ("Connection", "close"), ("Accept-Ranges", "none")];
    let head = http::response_head("200 OK", &headers, SystemTime::now());
    http::write_reply(stream, head, &bytes, framing, fragment).await?;
    Ok(())
}

fn latin1(bytes: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(bytes).chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

async fn plain(stream: &mut TcpStream, status: &str, text: &str, headers: &[(&str, &str)]) -> Result<(), ReadError> {
    plain_typed(stream, status, text.as_bytes(), "text/plain", headers).await
}

async fn plain_typed(
    stream: &mut TcpStream,
    status: &str,
    body: &[u8],
    kind: &str,
    headers: &[(&str, &str)],
) -> Result<(), ReadError> {
    let mut all = vec![("Connection", "close"), ("Accept-Ranges", "none"), ("Content-Type", kind)];
    all.extend_from_slice(headers);
    let head = http::response_head(status, &all, SystemTime::now());
    http::write_reply(stream, head, body, BodyFraming::ContentLength, usize::MAX).await?;
    Ok(())
}

async fn unauthorized(stream: &mut TcpStream, knobs: &XmlKnobs) -> Result<(), ReadError> {
    let challenge = format!("Basic realm=\"{}\"", knobs.realm);
    let headers: &[(&str, &str)] = if knobs.challenge { &[("WWW-Authenticate", &challenge)] } else { &[] };
    plain(stream, "401 Unauthorized", "401 Unauthorized", headers).await
}

fn right_path(path: &str, style: PathStyle) -> bool {
    match path.strip_prefix(PATH) {
        Some("") => style != PathStyle::Slash,
        Some("/") => style != PathStyle::Plain,
        _ => false,
    }
}

fn authorised(header: Option<&str>, (user, password): &(String, String)) -> bool {
    let given = header
        .and_then(|value| value.trim().split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let decoded = given.and_then(|(_, text)| STANDARD.decode(text.trim()).ok());
    decoded.is_some_and(|bytes| bytes == format!("{user}:{password}").into_bytes())
}
