//! A certificate is replaced on the disk while clients are connected: those stay, and new ones see the new one.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use linegate::client::Client;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::kit::{Gateway, patiently};

/// Writes a new certificate for localhost over the files.
fn write(cert: &Path, key: &Path) -> CertificateDer<'static> {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(key, own.signing_key.serialize_pem()).unwrap();
    std::fs::write(cert, own.cert.pem()).unwrap();
    own.cert.der().clone()
}

async fn connect(address: &str, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// One request over a connection that stays.
async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut back = Vec::new();
    while !back.windows(4).any(|window| window == b"\r\n\r\n") {
        assert!(stream.read_buf(&mut back).await.unwrap() > 0, "the connection was closed");
    }
    String::from_utf8(back).unwrap()
}

#[test]
fn check_config_uses_the_certificate_as_the_gateway_would() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key, other) = (folder.path().join("c.pem"), folder.path().join("k.pem"), folder.path().join("o.pem"));
    let check = |key: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
        command.arg("check-config").env("LINEGATE_DATA_DIR", folder.path().join("data"));
        command.env("LINEGATE_TLS_CERT", &cert).env("LINEGATE_TLS_KEY", key).output().unwrap()
    };
    write(&cert, &other);
    write(&cert, &key);
    let good = check(&key);
    assert!(good.status.success(), "{good:?}");
    for bad in [&other, &cert, &folder.path().join("none.pem")] {
        let refused = check(bad);
        assert_eq!(refused.status.code(), Some(78), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(".pem"), "{refused:?}");
    }
    std::fs::write(&cert, "garbage").unwrap();
    assert_eq!(check(&key).status.code(), Some(78));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_without_dropping_a_connection() {
    let data = tempfile::tempdir().unwrap();
    let (cert, key) = (data.path().join("cert.pem"), data.path().join("key.pem"));
    let first = write(&cert, &key);
    let environment = [("LINEGATE_TLS_CERT", cert.to_str().unwrap()), ("LINEGATE_TLS_KEY", key.to_str().unwrap())];
    let gateway = Gateway::process_with_tls(data, &environment).await;
    // Any client of the program installs the crypto provider that the connector needs.
    let _ = Client::new(gateway.url(), gateway.token()).unwrap();
    let address = gateway.url().trim_start_matches("https://").to_owned();
    let mut living = patiently("a first connection", async {
        loop {
            match connect(&address, &first).await {
                Ok(stream) => return stream,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await;
    assert!(ask(&mut living).await.starts_with("HTTP/1.1 200"));
    let second = write(&cert, &key);
    patiently("the new certificate is served", async {
        while connect(&address, &second).await.is_err() {
            // The connection from before is used all the time.
            assert!(ask(&mut living).await.starts_with("HTTP/1.1 200"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(connect(&address, &first).await.is_err(), "the old one is served no more");
    assert!(ask(&mut living).await.starts_with("HTTP/1.1 200"), "who was connected still is");
    // A torn file changes nothing: the last good certificate is served on.
    std::fs::write(&cert, "-----BEGIN CERTIFICATE-----\nMIIB").unwrap();
    gateway.until_logged("the old one stays").await;
    assert!(connect(&address, &second).await.is_ok());
    assert!(ask(&mut living).await.starts_with("HTTP/1.1 200"));
    drop(gateway.kill());
}

/// `linegate watch`, which trusts what it is told to.
fn watch(gateway: &Gateway, trusted: Option<&Path>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
    command.args(["watch", "--json", "--url", gateway.url(), "--token", gateway.token()]);
    command.env_remove("SSL_CERT_FILE").envs(trusted.map(|file| ("SSL_CERT_FILE", file)));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_trusts_the_certificate_that_requests_trust() {
    let data = tempfile::tempdir().unwrap();
    let gateway = Gateway::process_with_tls(data, &[("LINEGATE_TLS_SELF_SIGNED", "1")]).await;
    let own = gateway.data.path().join("tls-cert.pem");
    let mut trusting = watch(&gateway, Some(&own));
    let first = tokio::task::spawn_blocking(move || {
        let mut child = trusting.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        line
    });
    let first = patiently("the first frame", first).await.unwrap();
    assert!(first.contains("\"type\""), "{first}");
    let mut strange = watch(&gateway, None);
    let refused = tokio::task::spawn_blocking(move || strange.output().unwrap());
    let refused = patiently("the refusal", refused).await.unwrap();
    assert_eq!(refused.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("certificate"), "{refused:?}");
    drop(gateway.kill());
}
