//! Judging a certificate by its fingerprint (dossier section 2.7): dates and names do not count, the handshake
//! signature does.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use sha2::{Digest, Sha256};

use super::der;
use super::fault::TlsFault;

/// SHA-256 of a certificate in DER form.
pub(super) type Fingerprint = [u8; 32];

/// Hex with colons, upper case, as routers and browsers show it.
pub(super) fn show(fingerprint: &Fingerprint) -> String {
    fingerprint.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// Reads 64 hex digits, with or without colons, blanks or a `SHA256` prefix.
pub(super) fn read(text: &str) -> Option<Fingerprint> {
    let text = text.trim();
    let digits = match text.get(..6) {
        Some(prefix) if prefix.eq_ignore_ascii_case("sha256") => text.get(6..)?,
        _ => text,
    };
    let digits: Vec<u32> = digits
        .chars()
        .filter(|c| !matches!(c, ':' | ' ' | '-' | '=' | '/'))
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    let mut out = [0_u8; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(out)
}

pub(super) fn of_certificate(der: &[u8]) -> Fingerprint {
    Sha256::digest(der).into()
}

/// What is known of one router's certificate; shared by all connections to it.
#[derive(Debug, Default)]
pub(super) struct Pin {
    known: Mutex<Option<Fingerprint>>,
}

impl Pin {
    pub(super) fn new(known: Option<Fingerprint>) -> Self {
        Self { known: Mutex::new(known) }
    }

    pub(super) fn known(&self) -> Option<Fingerprint> {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this certificate is the known one; without a known one any is.
    pub(super) fn check(&self, certificate: &[u8]) -> Result<(), TlsFault> {
        let got = of_certificate(certificate);
        match self.known() {
            Some(known) if known != got => Err(TlsFault::PinMismatch { got: show(&got) }),
            _ => Ok(()),
        }
    }

    /// Learns the certificate whose owner has proved that it has the key; a known one stays.
    pub(super) fn learn(&self, certificate: &[u8]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert_with(|| of_certificate(certificate));
    }
}

/// How strictly the verifier looks.
#[derive(Debug, Clone)]
pub(super) enum Judge {
    /// The fingerprint decides.
    Pin(Arc<Pin>),
    /// Nothing does.
    Nobody,
}

/// The verifier for `pinned`, `tofu` and `insecure`.
#[derive(Debug)]
pub(super) struct Verifier {
    judge: Judge,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(super) fn new(judge: Judge, provider: Arc<CryptoProvider>) -> Self {
        Self { judge, provider }
    }

    fn signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        checked: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let Judge::Pin(pin) = &self.judge else {
            return Ok(HandshakeSignatureValid::assertion());
        };
        let checked = match checked {
            Ok(valid) => Ok(valid),
            Err(error) => small_key(message, certificate, signed.scheme, signed.signature(), error),
        };
        if checked.is_ok() {
            pin.learn(certificate);
        }
        checked
    }
}

fn refuse(fault: TlsFault) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(fault))))
}

/// The usual algorithms take RSA keys from 2048 bits on; self-signed certificates of IOS have 1024 (dossier 2.7).
/// A pinned key of that size is still far better than none.
fn small_key(
    message: &[u8],
    certificate: &[u8],
    scheme: SignatureScheme,
    signature: &[u8],
    error: rustls::Error,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    use ring::signature as algorithms;
    let Some(key) = der::rsa_key(certificate).filter(|key| key.bits < 2048) else {
        return Err(error);
    };
    let algorithm = match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => &algorithms::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        SignatureScheme::RSA_PKCS1_SHA512 => &algorithms::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        _ => return Err(refuse(TlsFault::KeyTooSmall { bits: key.bits })),
    };
    algorithms::UnparsedPublicKey::new(algorithm, key.der)
        .verify(message, signature)
        .map(|()| HandshakeSignatureValid::assertion())
        .map_err(|_| {
            let fault =
                if key.bits < 1024 { TlsFault::KeyTooSmall { bits: key.bits } } else { TlsFault::SignatureRefused };
            refuse(fault)
        })
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Judge::Pin(pin) = &self.judge {
            pin.check(end_entity).map_err(refuse)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signature(message, cert, dss, verify_tls12_signature(message, cert, dss, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signature(message, cert, dss, verify_tls13_signature(message, cert, dss, algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.provider.signature_verification_algorithms.supported_schemes();
        // First those that [`small_key`] can check: a router with 1024 bits then does not choose PSS.
        schemes.sort_by_key(|scheme| {
            !matches!(scheme, SignatureScheme::RSA_PKCS1_SHA256 | SignatureScheme::RSA_PKCS1_SHA512)
        });
        schemes
    }
}

#[cfg(test)]
mod tests;
