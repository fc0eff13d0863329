//! TLS with a certificate of our own, and its replacement while the gateway runs.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::kit::{Api, settings, soon};
use crate::api::{ApiSettings, ServeSettings, TlsSwitch, tls_from_pem};

struct Own {
    der: CertificateDer<'static>,
    config: Arc<rustls::ServerConfig>,
}

fn certificate() -> Own {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (pem, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    Own { der: own.cert.der().clone(), config: tls_from_pem(pem.as_bytes(), key.as_bytes()).unwrap() }
}

/// Asks for `/healthz` and trusts one certificate.
async fn healthz(
    api: &Api,
    trusted: &Own,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Result<String, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(api.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = soon("a handshake", TlsConnector::from(Arc::new(config)).connect(name, stream)).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut back = Vec::new();
    soon("an answer", stream.read_to_end(&mut back)).await?;
    Ok(String::from_utf8(back).unwrap())
}

#[tokio::test]
async fn a_certificate_is_used_and_replaced_without_a_restart() {
    let (first, second) = (certificate(), certificate());
    let switch = TlsSwitch::new(Arc::clone(&first.config));
    let secure = ApiSettings { tls: true, ..settings() };
    let serving = ServeSettings {
        tls: Some(switch.clone()),
        head_time: std::time::Duration::from_secs(3),
        ..ServeSettings::default()
    };
    let api = Api::with(secure, serving).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        assert!(healthz(&api, &first, &[version]).await.unwrap().starts_with("HTTP/1.1 200"));
    }
    assert!(healthz(&api, &second, rustls::ALL_VERSIONS).await.is_err(), "an unknown certificate");
    switch.replace(Arc::clone(&second.config));
    assert!(healthz(&api, &second, rustls::ALL_VERSIONS).await.unwrap().starts_with("HTTP/1.1 200"));
    assert!(healthz(&api, &first, rustls::ALL_VERSIONS).await.is_err(), "the old certificate");
    // Who says nothing is cut off.
    assert_eq!(api.raw(b"").await, "");
    // Plain HTTP on the port is no way in.
    let back = api.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(!back.contains("200 OK"), "{back}");
}
