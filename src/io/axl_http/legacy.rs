//! HTTPS to routers that only speak TLS 1.0 or 1.1, static RSA, CBC or keys of 1024 bits (dossier section 2.7):
//! OpenSSL at security level 0 under one HTTP/1.1 POST.

use std::pin::Pin as StdPin;

use base64::Engine;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509VerifyResult;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_openssl::SslStream;

use super::client::{Reply, finished, refused};
use super::endpoint::{AxlEndpoint, MinVersion, Verify};
use super::fault::{HttpFault, TlsFault};
use super::pin::Pin;
use crate::axl::reply::MAX_REPLY;

/// One exchange.
pub(super) async fn post(
    endpoint: &AxlEndpoint,
    pin: &Pin,
    body: Bytes,
    turned: bool,
    credentials: bool,
) -> Result<Reply, HttpFault> {
    let now = Instant::now();
    let connected = now + endpoint.timeouts.connect;
    let ended = now + endpoint.timeouts.total;
    let stream = timeout_at(connected.min(ended), connect(endpoint, pin))
        .await
        .map_err(|_| HttpFault::Timeout { connecting: true })??;
    timeout_at(ended, exchange(endpoint, stream, body, turned, credentials))
        .await
        .map_err(|_| HttpFault::Timeout { connecting: false })?
}

async fn connect(endpoint: &AxlEndpoint, pin: &Pin) -> Result<SslStream<TcpStream>, HttpFault> {
    let host = endpoint.host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<_> = tokio::net::lookup_host((host, endpoint.port)).await.map_err(|_| HttpFault::Dns)?.collect();
    if addresses.is_empty() {
        return Err(HttpFault::Dns);
    }
    let tcp = TcpStream::connect(&addresses[..]).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => HttpFault::Refused,
        _ => HttpFault::Unreachable(error.to_string()),
    })?;
    let other = |error: openssl::error::ErrorStack| HttpFault::Tls(TlsFault::Other(error.to_string()));
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(other)?;
    // Level 0 allows SHA-1 and MD5 signatures and short keys; the fingerprint is what decides.
    builder.set_cipher_list("ALL:!aNULL:!eNULL:@SECLEVEL=0").map_err(other)?;
    let floor = if endpoint.tls.min_version == MinVersion::Tls10 { SslVersion::TLS1 } else { SslVersion::TLS1_1 };
    builder.set_min_proto_version(Some(floor)).map_err(other)?;
    let system = endpoint.tls.verify == Verify::System;
    if !system {
        builder.set_verify(SslVerifyMode::NONE);
    }
    let mut config = builder.build().configure().map_err(other)?;
    config.set_verify_hostname(system);
    let ssl = config.into_ssl(host).map_err(other)?;
    let mut stream = SslStream::new(ssl, tcp).map_err(other)?;
    if let Err(error) = StdPin::new(&mut stream).connect().await {
        return Err(HttpFault::Tls(tls_fault(&error, stream.ssl().verify_result())));
    }
    if matches!(endpoint.tls.verify, Verify::Pinned | Verify::Tofu) {
        let certificate = stream.ssl().peer_certificate();
        let der = certificate.and_then(|certificate| certificate.to_der().ok());
        let der = der.ok_or_else(|| HttpFault::Tls(TlsFault::Other("the router shows no certificate".to_owned())))?;
        pin.check(&der).map_err(HttpFault::Tls)?;
        pin.learn(&der);
    }
    Ok(stream)
}

/// Verification results are those of `openssl verify`; the numbers are fixed by OpenSSL.
fn tls_fault(error: &openssl::ssl::Error, verdict: X509VerifyResult) -> TlsFault {
    match verdict.as_raw() {
        0 => {}
        9 | 10 => return TlsFault::Expired,
        2 | 18..=21 => return TlsFault::UnknownIssuer,
        62 | 64 => return TlsFault::NameMismatch,
        7 | 68 => return TlsFault::SignatureRefused,
        _ => return TlsFault::Other(verdict.error_string().to_owned()),
    }
    let text = error.to_string();
    if text.contains("wrong version number") || text.contains("http request") {
        TlsFault::NotTls
    } else if ["protocol", "handshake failure", "no cipher"].iter().any(|word| text.contains(word)) {
        TlsFault::NoCommonVersion
    } else {
        TlsFault::Other(text)
    }
}

async fn exchange(
    endpoint: &AxlEndpoint,
    stream: SslStream<TcpStream>,
    body: Bytes,
    turned: bool,
    credentials: bool,
) -> Result<Reply, HttpFault> {
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .title_case_headers(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| HttpFault::Reset)?;
    let mut request = hyper::Request::post(endpoint.path(turned))
        .header("Host", endpoint.authority())
        .header("Content-Type", "text/xml; charset=utf-8")
        .header("Accept", "text/xml")
        .header("Connection", "close");
    if credentials {
        let pair = format!("{}:{}", endpoint.username, endpoint.password.expose());
        let coded = base64::engine::general_purpose::STANDARD.encode(pair);
        request = request.header("Authorization", format!("Basic {coded}"));
    }
    let request = request.body(Full::new(body)).map_err(|error| HttpFault::Settings(error.to_string()))?;
    let work = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| if error.is_parse() { HttpFault::NotHttp } else { HttpFault::Reset })?;
        let status = response.status().as_u16();
        refused(status)?;
        let mut incoming = response.into_body();
        let mut out = BytesMut::new();
        while let Some(frame) = incoming.frame().await {
            let Ok(part) = frame.map_err(|_| HttpFault::Cut)?.into_data() else {
                continue;
            };
            if out.len() + part.len() > MAX_REPLY {
                return Err(HttpFault::TooLarge);
            }
            out.extend_from_slice(&part);
        }
        finished(status, out.freeze())
    };
    tokio::pin!(work);
    tokio::pin!(connection);
    // The connection must be driven while the exchange waits; its end alone decides nothing.
    tokio::select! {
        reply = &mut work => reply,
        _ = &mut connection => work.await,
    }
}
