//! From the errors of the libraries to [`HttpFault`].

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::fault::{HttpFault, TlsFault};

/// The name of the router has no address; a type of its own so that it is found again in the chain of causes.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
pub(super) struct NoAddress;

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let now = next?;
        // An I/O error hides its cause from `source`.
        next = match now.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => now.source(),
        };
        Some(now)
    })
}

/// A fault before the reply's head was there.
pub(super) fn of_request(error: &reqwest::Error) -> HttpFault {
    if error.is_timeout() {
        return HttpFault::Timeout { connecting: error.is_connect() };
    }
    let mut io_kind = None;
    for cause in chain(error) {
        if cause.is::<NoAddress>() {
            return HttpFault::Dns;
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return HttpFault::Tls(of_tls(tls));
        }
        if let Some(hyper) = cause.downcast_ref::<hyper::Error>() {
            if hyper.is_parse() {
                return HttpFault::NotHttp;
            }
            if hyper.is_incomplete_message() {
                return HttpFault::Reset;
            }
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            io_kind = Some(io.kind());
        }
    }
    match io_kind {
        Some(io::ErrorKind::ConnectionRefused) => HttpFault::Refused,
        Some(io::ErrorKind::TimedOut) => HttpFault::Timeout { connecting: error.is_connect() },
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof,
        ) => HttpFault::Reset,
        _ if error.is_builder() => HttpFault::Settings(last_words(error)),
        _ if error.is_connect() => HttpFault::Unreachable(last_words(error)),
        _ => HttpFault::Reset,
    }
}

/// A fault in the middle of the reply's body.
pub(super) fn of_body(error: &reqwest::Error) -> HttpFault {
    if error.is_timeout() { HttpFault::Timeout { connecting: false } } else { HttpFault::Cut }
}

fn last_words(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// What a TLS error means for a person.
pub(super) fn of_tls(error: &rustls::Error) -> TlsFault {
    match error {
        rustls::Error::InvalidCertificate(fault) => of_certificate(fault),
        rustls::Error::AlertReceived(
            AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity,
        )
        | rustls::Error::PeerIncompatible(_) => TlsFault::NoCommonVersion,
        rustls::Error::PeerMisbehaved(_) => TlsFault::SignatureRefused,
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => TlsFault::NotTls,
        other => TlsFault::Other(other.to_string()),
    }
}

fn of_certificate(fault: &CertificateError) -> TlsFault {
    match fault {
        CertificateError::Other(other) => {
            let cause: &(dyn Error + 'static) = other.0.as_ref();
            match chain(cause).find_map(|cause| cause.downcast_ref::<TlsFault>()) {
                Some(own) => own.clone(),
                None => TlsFault::Other(other.to_string()),
            }
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsFault::Expired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsFault::NameMismatch,
        CertificateError::UnknownIssuer => TlsFault::UnknownIssuer,
        CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => TlsFault::SignatureRefused,
        other => TlsFault::Other(other.to_string()),
    }
}
