//! Whom to believe: a file of authorities, or one certificate by its fingerprint.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest as _, Sha256};

use crate::{Address, LinkError};

/// Whom to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Nobody: only for an address without TLS.
    Nobody,
    /// The authorities of a PEM file; the name in the certificate must fit.
    Authorities(PathBuf),
    /// The one certificate with this SHA-256, whatever its name and age.
    Fingerprint([u8; 32]),
}

/// Reads a fingerprint: 64 hex digits, with or without colons and a leading `sha256:`.
pub fn parse_fingerprint(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let text = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("SHA256:")).unwrap_or(text);
    let digits: String = text.chars().filter(|letter| !matches!(letter, ':' | ' ' | '-')).collect();
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut out = [0_u8; 32];
    for (place, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(out)
}

/// A fingerprint for people: pairs with colons.
pub fn format_fingerprint(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// Checks one certificate by its fingerprint; notes what it saw.
#[derive(Debug)]
pub(crate) struct Pinned {
    wanted: Option<[u8; 32]>,
    seen: Mutex<Option<[u8; 32]>>,
    provider: CryptoProvider,
}

impl Pinned {
    pub(crate) fn new(wanted: Option<[u8; 32]>) -> Arc<Self> {
        Arc::new(Self { wanted, seen: Mutex::new(None), provider: rustls::crypto::ring::default_provider() })
    }

    pub(crate) fn seen(&self) -> Option<[u8; 32]> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let fingerprint: [u8; 32] = Sha256::digest(end_entity.as_ref()).into();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
        match self.wanted {
            Some(wanted) if wanted == fingerprint => Ok(ServerCertVerified::assertion()),
            _ => Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The TLS side of a connection.
pub(crate) fn client(address: &Address, trust: &Trust) -> Result<ClientConnection, LinkError> {
    match trust {
        Trust::Nobody => Err(LinkError::Address(
            "An https address needs the fingerprint of the gateway's certificate, or a file of authorities.",
        )),
        Trust::Fingerprint(wanted) => connection(address, config_with(Pinned::new(Some(*wanted)))?),
        Trust::Authorities(path) => {
            let certificates = CertificateDer::pem_file_iter(path)
                .map_err(|error| LinkError::Authorities(format!("{}: {error}", path.display())))?;
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(certificates.flatten());
            if added == 0 {
                return Err(LinkError::Authorities(format!("{} holds no certificate", path.display())));
            }
            let config = builder()?.with_root_certificates(roots).with_no_client_auth();
            connection(address, config)
        }
    }
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, LinkError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?)
}

pub(crate) fn config_with(verifier: Arc<Pinned>) -> Result<ClientConfig, LinkError> {
    Ok(builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

pub(crate) fn connection(address: &Address, config: ClientConfig) -> Result<ClientConnection, LinkError> {
    let name = ServerName::try_from(address.host.clone())
        .map_err(|_| LinkError::Address("The host of the address is no name and no address."))?;
    Ok(ClientConnection::new(Arc::new(config), name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_in_every_form() {
        let bytes = [0xAB_u8; 32];
        let text = format_fingerprint(&bytes);
        assert_eq!(parse_fingerprint(&text), Some(bytes));
        assert_eq!(parse_fingerprint(&format!("sha256:{}", text.replace(':', "").to_lowercase())), Some(bytes));
        assert_eq!(parse_fingerprint("AB:CD"), None);
        assert_eq!(parse_fingerprint(&"ä".repeat(32)), None);
    }
}
