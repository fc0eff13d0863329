//! The certificate of the API: from files that may change, or made by ourselves at the first start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::api::{TlsError, TlsSwitch, tls_from_pem};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Where certificate and key are.
#[derive(Debug, Clone)]
pub struct Files {
    /// PEM chain.
    pub cert: PathBuf,
    /// PEM key.
    pub key: PathBuf,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The content cannot be used.
    #[error("{path}: {source}")]
    Content {
        /// Which.
        path: PathBuf,
        /// Why.
        source: TlsError,
    },
    /// A certificate of our own cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// There is none.
    #[error("there is no certificate: start the gateway once with tls.self_signed, or set LINEGATE_TLS_CERT")]
    None,
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|source| CertificateError::File { path: path.to_owned(), source })
}

pub(super) fn load(files: &Files) -> Result<Arc<rustls::ServerConfig>, CertificateError> {
    tls_from_pem(&read(&files.cert)?, &read(&files.key)?)
        .map_err(|source| CertificateError::Content { path: files.cert.clone(), source })
}

/// Whether the gateway could use these files.
///
/// # Errors
/// When they cannot be read, hold no certificate or key, or do not belong together.
pub fn check_certificate(cert: &Path, key: &Path) -> Result<(), CertificateError> {
    load(&Files { cert: cert.to_owned(), key: key.to_owned() }).map(|_| ())
}

/// The certificate of our own; made when there is none yet.
///
/// # Errors
/// When the files cannot be read or written.
pub fn self_signed(folder: &Path, listen: SocketAddr) -> Result<Files, CertificateError> {
    let files = Files { cert: folder.join("tls-cert.pem"), key: folder.join("tls-key.pem") };
    if files.cert.exists() && files.key.exists() {
        return Ok(files);
    }
    let mut names = vec!["localhost".to_owned(), "linegate".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !listen.ip().is_unspecified() {
        names.push(listen.ip().to_string());
    }
    names.dedup();
    let made = rcgen::generate_simple_self_signed(names)?;
    let write = |path: &Path, text: &str| {
        crate::store::write_private(path, text)
            .map_err(|error| CertificateError::File { path: path.to_owned(), source: std::io::Error::other(error) })
    };
    write(&files.key, &made.signing_key.serialize_pem())?;
    write(&files.cert, &made.cert.pem())?;
    Ok(files)
}

/// SHA-256 of the first certificate of a PEM file, in hex with colons.
///
/// # Errors
/// When the file cannot be read or holds no certificate.
pub fn fingerprint(cert: &Path) -> Result<String, CertificateError> {
    if !cert.exists() {
        return Err(CertificateError::None);
    }
    let pem = read(cert)?;
    let der = CertificateDer::from_pem_slice(&pem)
        .map_err(|_| CertificateError::Content { path: cert.to_owned(), source: TlsError::NoCertificate })?;
    let digest = Sha256::digest(&der);
    Ok(digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
}

/// Takes a changed certificate over for the connections that come from then on.
pub(super) async fn watch(switch: TlsSwitch, files: Files, stop: CancellationToken) {
    let stamp = |files: &Files| -> Vec<Option<SystemTime>> {
        [&files.cert, &files.key]
            .into_iter()
            .map(|path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok())
            .collect()
    };
    let mut seen = stamp(&files);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let now = stamp(&files);
        if now == seen {
            continue;
        }
        match load(&files) {
            Ok(config) => {
                seen = now;
                switch.replace(config);
                tracing::info!("the certificate was replaced");
            }
            // Perhaps only one of the two files is there yet: looked at again.
            Err(error) => tracing::warn!(%error, "the changed certificate cannot be used; the old one stays"),
        }
    }
}
