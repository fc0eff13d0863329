//! Finding the router from the options that DHCP gives to phones (the manual's 2.1, "Locate").

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{Code, ServiceError};
use super::gateway::Outcome;
use crate::io::axl_http::{AxlClient, AxlEndpoint, HttpFault, Scheme, Secret, Tls, Verify};

/// Longest wait for a name of option 66.
const PATIENCE: Duration = Duration::from_secs(5);

/// The command that shows the names of interfaces.
const NAMES: &str = if cfg!(windows) {
    "ipconfig"
} else if cfg!(target_os = "macos") {
    "ifconfig -l"
} else {
    "ip link"
};

/// A way to ask DHCP servers.
pub trait DhcpPort: Send + Sync {
    /// Asks on one interface, or on all of them.
    fn ask<'a>(&'a self, interface: Option<&'a str>) -> BoxFuture<'a, Result<Vec<DhcpAnswer>, DhcpFault>>;
}

/// What a DHCP server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpAnswer {
    /// The interface.
    pub interface: String,
    /// The server.
    pub server: Option<Ipv4Addr>,
    /// Option 150, in its order.
    pub addresses: Vec<Ipv4Addr>,
    /// Option 66.
    pub name: Option<String>,
    /// `siaddr`.
    pub next_server: Option<Ipv4Addr>,
}

/// Why nobody can be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DhcpFault {
    /// No such interface.
    #[error("there is no Ethernet interface {0}")]
    NoInterface(String),
    /// The process may not use port 68.
    #[error("this process may not use the DHCP client port 68")]
    NotAllowed,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Where a candidate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Option 150: what Cisco phones use.
    #[serde(rename = "dhcp_option_150")]
    DhcpOption150,
    /// Option 66: the name of the TFTP server.
    #[serde(rename = "dhcp_option_66")]
    DhcpOption66,
    /// The server field of the answer.
    DhcpServerField,
}

/// An address that may be the router's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Candidate {
    /// IP address.
    pub address: String,
    /// Where it comes from.
    pub source: Source,
    /// The XML application of a CME answers there.
    pub verified: bool,
    /// What was found there, in a sentence.
    pub detail: String,
    /// The interface on which it was heard.
    pub interface: String,
}

/// Asks DHCP and tries what it names.
///
/// # Errors
/// When this system cannot ask, or there is no such interface. Nothing found is an empty list.
pub async fn locate(port: Option<&dyn DhcpPort>, interface: Option<&str>) -> Outcome<Vec<Candidate>> {
    let Some(port) = port else {
        return Err(not_here("Finding the router by DHCP is not available on this system."));
    };
    let answers = port.ask(interface).await.map_err(|fault| match &fault {
        DhcpFault::NoInterface(_) => ServiceError::new(Code::InvalidValue, format!("{}.", capital(&fault)))
            .with_hint(format!("Leave `interface` out to ask on all of them; `{NAMES}` shows their names."))
            .with_field("/interface", format!("{}.", capital(&fault))),
        DhcpFault::NotAllowed => not_here(format!("{}.", capital(&fault))).with_hint(
            "Run it as root, or give the process CAP_NET_BIND_SERVICE and CAP_NET_RAW; or enter the address by hand.",
        ),
        DhcpFault::Other(_) => not_here(format!("DHCP cannot be asked: {fault}.")),
    })?;
    let mut named: Vec<(IpAddr, Source, String)> = Vec::new();
    for answer in answers {
        let mut add = |address: IpAddr, source| {
            if !named.iter().any(|(known, ..)| *known == address) {
                named.push((address, source, answer.interface.clone()));
            }
        };
        answer.addresses.iter().for_each(|address| add((*address).into(), Source::DhcpOption150));
        for address in resolve(answer.name.as_deref()).await {
            add(address, Source::DhcpOption66);
        }
        if let Some(next) = answer.next_server {
            add(next.into(), Source::DhcpServerField);
        }
    }
    named.sort_by_key(|(_, source, _)| *source);
    let candidates = named.into_iter().map(|(address, source, interface)| async move {
        let (verified, detail) = verify(address).await;
        Candidate { address: address.to_string(), source, verified, detail, interface }
    });
    Ok(join_all(candidates).await)
}

fn not_here(detail: impl Into<String>) -> ServiceError {
    ServiceError::new(Code::NotAvailableHere, detail)
        .with_hint("Enter the router's address by hand: phones show it as their TFTP server.")
}

fn capital(fault: &DhcpFault) -> String {
    let text = fault.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

async fn resolve(name: Option<&str>) -> Vec<IpAddr> {
    let Some(name) = name else { return Vec::new() };
    match tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, 0))).await {
        Ok(Ok(found)) => found.map(|address| address.ip()).take(4).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// Whether the XML application of a CME answers: HTTP first, then HTTPS. No credentials are sent.
async fn verify(address: IpAddr) -> (bool, String) {
    let mut last = String::new();
    for (scheme, port) in [(Scheme::Http, 80), (Scheme::Https, 443)] {
        let mut endpoint = AxlEndpoint::new(address.to_string(), "", Secret::new(""));
        (endpoint.scheme, endpoint.port) = (scheme, port);
        // Nothing secret goes there: who shows which certificate is asked when the PBX is created.
        endpoint.tls = Tls { verify: Verify::Insecure, ..Tls::default() };
        let outcome = match AxlClient::new(endpoint) {
            Ok(client) => client.probe().await,
            Err(fault) => Err(fault),
        };
        match outcome {
            Ok(()) => return (true, format!("The XML application of a CME answers at port {port}.")),
            Err(HttpFault::Unauthorized) => {
                return (true, format!("The XML application at port {port} asks for its user: this looks like a CME."));
            }
            Err(HttpFault::NotFound) => {
                last = format!(
                    "A web server answers at port {port}, but it has no XML application: enable `ixi transport http` and \
                     `ixi application cme`, or this is only a TFTP server."
                );
            }
            Err(fault) if last.is_empty() => last = format!("Port {port}: {}.", fault.sentence()),
            Err(_) => {}
        }
    }
    (false, last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    struct Says(Result<Vec<DhcpAnswer>, DhcpFault>);

    impl DhcpPort for Says {
        fn ask<'a>(&'a self, _interface: Option<&'a str>) -> BoxFuture<'a, Result<Vec<DhcpAnswer>, DhcpFault>> {
            Box::pin(async { self.0.clone() })
        }
    }

    #[tokio::test]
    async fn a_system_without_a_way_says_so() {
        let error = locate(None, None).await.unwrap_err();
        assert_eq!(error.code, Code::NotAvailableHere);
        assert!(error.hint.contains("by hand"));
    }

    #[tokio::test]
    async fn refusals_name_what_to_do() {
        let error = locate(Some(&Says(Err(DhcpFault::NotAllowed))), None).await.unwrap_err();
        assert!(error.detail.starts_with("This process may not") && error.hint.contains("root"), "{error:?}");
        let error = locate(Some(&Says(Err(DhcpFault::NoInterface("x".to_owned())))), Some("x")).await.unwrap_err();
        assert_eq!((error.code, error.fields[0].pointer.as_str()), (Code::InvalidValue, "/interface"));
    }

    #[tokio::test]
    async fn each_address_is_named_once_by_its_best_source() {
        // Ports of this machine that nobody listens on: candidates, but not verified.
        let answer = DhcpAnswer {
            interface: "e".to_owned(),
            server: None,
            addresses: vec![Ipv4Addr::new(127, 0, 0, 91), Ipv4Addr::new(127, 0, 0, 92)],
            name: Some("127.0.0.92".to_owned()),
            next_server: Some(Ipv4Addr::new(127, 0, 0, 93)),
        };
        let found = locate(Some(&Says(Ok(vec![answer]))), None).await.unwrap();
        let named: Vec<_> = found.iter().map(|one| (one.address.as_str(), one.source)).collect();
        assert_eq!(
            named,
            [
                ("127.0.0.91", Source::DhcpOption150),
                ("127.0.0.92", Source::DhcpOption150),
                ("127.0.0.93", Source::DhcpServerField)
            ]
        );
        assert!(found.iter().all(|one| !one.detail.is_empty()));
        assert!(locate(Some(&Says(Ok(Vec::new()))), None).await.unwrap().is_empty());
    }
}
