#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use bytes::Bytes;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::pin;
use super::test_server::{Script, Server, reply};
use super::tests::endpoint;
use super::*;

/// A self-signed certificate in the style of IOS: no useful name, expired in 2020.
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

fn identity() -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["ios-self-signed-certificate-1".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2012, 1, 1);
    params.not_after = date_time_ymd(2020, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    Identity { certificate: certificate.der().clone(), key: key.serialize_der() }
}

impl Identity {
    fn fingerprint(&self) -> String {
        pin::show(&pin::of_certificate(&self.certificate))
    }

    async fn serve(&self) -> Server {
        self.serve_versions(rustls::ALL_VERSIONS).await
    }

    async fn serve_versions(&self, versions: &[&'static rustls::SupportedProtocolVersion]) -> Server {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(self.key.clone().into());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Server::start_with(vec![reply("200 OK", "<response/>")], Some(acceptor)).await
    }
}

fn client(server: &Server, tls: Tls) -> AxlClient {
    AxlClient::new(AxlEndpoint { scheme: Scheme::Https, tls, ..endpoint(server) }).unwrap()
}

fn verify(verify: Verify, fingerprint: Option<String>) -> Tls {
    Tls { verify, fingerprint, ..Tls::default() }
}

async fn post(client: &AxlClient) -> Result<Reply, HttpFault> {
    client.post(Bytes::from_static(b"<ISgetGlobal/>")).await
}

#[tokio::test]
async fn tofu_learns_and_then_alarms() {
    let (first, second) = (identity(), identity());
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        let server = first.serve_versions(versions).await;
        let learner = client(&server, verify(Verify::Tofu, None));
        assert_eq!(learner.learned_fingerprint(), None);
        post(&learner).await.unwrap();
        assert_eq!(learner.learned_fingerprint(), Some(first.fingerprint()));
        post(&learner).await.unwrap();
    }
    // A stored fingerprint, another certificate.
    let server = second.serve().await;
    let known = client(&server, verify(Verify::Tofu, Some(first.fingerprint())));
    let fault = post(&known).await.unwrap_err();
    assert_eq!(fault, HttpFault::Tls(TlsFault::PinMismatch { got: second.fingerprint() }));
    assert!(server.requests().is_empty(), "no credentials go to a stranger");
    assert_eq!(known.learned_fingerprint(), Some(first.fingerprint()));
}

#[tokio::test]
async fn a_pin_accepts_what_dates_and_names_refuse() {
    let identity = identity();
    let server = identity.serve().await;
    let plain = identity.fingerprint().replace(':', "").to_lowercase();
    assert!(post(&client(&server, verify(Verify::Pinned, Some(plain)))).await.is_ok());
    let wrong = client(&server, verify(Verify::Pinned, Some("00".repeat(32))));
    assert!(matches!(post(&wrong).await, Err(HttpFault::Tls(TlsFault::PinMismatch { .. }))));
}

#[tokio::test]
async fn the_system_refuses_a_stranger_and_insecure_takes_all() {
    let identity = identity();
    let server = identity.serve().await;
    let fault = post(&client(&server, verify(Verify::System, None))).await.unwrap_err();
    assert!(matches!(fault, HttpFault::Tls(TlsFault::UnknownIssuer | TlsFault::Expired)), "{fault:?}");
    let insecure = client(&server, verify(Verify::Insecure, None));
    assert!(post(&insecure).await.is_ok());
    assert_eq!(insecure.learned_fingerprint(), None);
}

#[tokio::test]
async fn an_old_peer_and_a_plain_one_are_told_apart() {
    // Alert protocol_version, as a TLS 1.0 router sends it; alert handshake_failure, for no common cipher.
    for code in [70, 40] {
        let server = Server::start(vec![Script::Raw(vec![0x15, 3, 1, 0, 2, 2, code])]).await;
        let fault = post(&client(&server, verify(Verify::Tofu, None))).await.unwrap_err();
        assert_eq!(fault, HttpFault::Tls(TlsFault::NoCommonVersion));
        assert!(fault.hint().contains("legacy-tls"));
    }
    let server = Server::start(vec![Script::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]).await;
    let fault = post(&client(&server, verify(Verify::Tofu, None))).await.unwrap_err();
    assert_eq!(fault, HttpFault::Tls(TlsFault::NotTls));
    // A floor above what the router has.
    let identity = identity();
    let server = identity.serve_versions(&[&rustls::version::TLS12]).await;
    let high = Tls { min_version: MinVersion::Tls13, ..verify(Verify::Tofu, None) };
    assert_eq!(post(&client(&server, high)).await, Err(HttpFault::Tls(TlsFault::NoCommonVersion)));
}

#[cfg(feature = "legacy-tls")]
#[tokio::test]
async fn the_legacy_client_pins_too() {
    let (first, second) = (identity(), identity());
    let old = |verify, fingerprint| Tls { verify, fingerprint, min_version: MinVersion::Tls10 };
    let server = first.serve().await;
    let learner = client(&server, old(Verify::Tofu, None));
    assert_eq!(post(&learner).await.unwrap().body, "<response/>");
    assert_eq!(learner.learned_fingerprint(), Some(first.fingerprint()));
    assert!(server.requests()[0].contains("Authorization: Basic Y3RpZ3c6bGFiLXBhc3MtMQ=="));
    let alarmed = client(&server, old(Verify::Pinned, Some(second.fingerprint())));
    assert!(matches!(post(&alarmed).await, Err(HttpFault::Tls(TlsFault::PinMismatch { .. }))));
    let fault = post(&client(&server, old(Verify::System, None))).await.unwrap_err();
    assert!(matches!(fault, HttpFault::Tls(TlsFault::UnknownIssuer | TlsFault::Expired | TlsFault::NameMismatch)));
    assert!(post(&client(&server, old(Verify::Insecure, None))).await.is_ok());
    let plain = Server::start(vec![Script::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]).await;
    let fault = post(&client(&plain, old(Verify::Tofu, None))).await.unwrap_err();
    assert_eq!(fault, HttpFault::Tls(TlsFault::NotTls));
}
