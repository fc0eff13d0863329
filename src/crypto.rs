//! The one crypto provider of the process.

/// Makes ring the provider of rustls; calling it again does nothing.
pub(crate) fn install_provider() {
    // An error means that it is installed already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
