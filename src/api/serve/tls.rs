//! TLS of the API: one configuration that can be replaced while connections run.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate file holds no certificate in PEM form.
    #[error("there is no certificate in PEM form in the certificate file")]
    NoCertificate,
    /// The key file holds no private key in PEM form.
    #[error("there is no private key in PEM form in the key file")]
    NoKey,
    /// They do not fit, or rustls cannot use them.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Reads a certificate chain and its key from PEM.
///
/// # Errors
/// When one of them is missing or they do not fit.
pub fn tls_from_pem(certificates: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(certificates).collect::<Result<_, _>>().map_err(|_| TlsError::NoCertificate)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The TLS configuration of a listener. Cloning gives another handle to it.
#[derive(Clone)]
pub struct TlsSwitch {
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

impl TlsSwitch {
    /// Begins with a configuration.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self { current: Arc::new(RwLock::new(config)) }
    }

    /// Uses another one for the connections that come from now on.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_wrong_with_the_files_is_named() {
        assert!(matches!(tls_from_pem(b"nothing", b"nothing"), Err(TlsError::NoCertificate)));
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let pem = own.cert.pem();
        assert!(matches!(tls_from_pem(pem.as_bytes(), b"nothing"), Err(TlsError::NoKey)));
        assert!(tls_from_pem(pem.as_bytes(), own.signing_key.serialize_pem().as_bytes()).is_ok());
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let mixed = tls_from_pem(pem.as_bytes(), other.signing_key.serialize_pem().as_bytes());
        assert!(matches!(mixed, Err(TlsError::Unusable(_))));
    }
}
