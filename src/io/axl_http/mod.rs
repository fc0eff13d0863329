//! The HTTP client of the router's XML interface (dossier `axl-cme` section 2): one POST at a time, no pool, no
//! redirects, no proxy, a cap on everything, and faults that a person can act on.

mod classify;
mod client;
mod der;
mod endpoint;
mod fault;
#[cfg(feature = "legacy-tls")]
mod legacy;
mod pin;

pub use client::{AxlClient, Observer, Reply, Seen};
pub use endpoint::{AxlEndpoint, MinVersion, Scheme, Secret, Timeouts, Tls, Verify};
pub use fault::{HttpFault, TlsFault};

#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_tls;
