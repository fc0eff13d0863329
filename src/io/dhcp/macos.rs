//! macOS: the leases that its DHCP client has, from the dynamic store of SystemConfiguration. No right is needed.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use futures_util::future::BoxFuture;

use super::scutil;
use crate::service::locate::{DhcpAnswer, DhcpFault, DhcpPort};

const SCUTIL: &str = "/usr/sbin/scutil";

/// Reads the leases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leases;

impl DhcpPort for Leases {
    fn ask<'a>(&'a self, interface: Option<&'a str>) -> BoxFuture<'a, Result<Vec<DhcpAnswer>, DhcpFault>> {
        let wanted = interface.map(str::to_owned);
        Box::pin(async move {
            let read =
                tokio::task::spawn_blocking(leases).await.map_err(|error| DhcpFault::Other(error.to_string()))?;
            let mut answers = read.map_err(|error| DhcpFault::Other(format!("{SCUTIL}: {error}")))?;
            answers.retain(|answer| wanted.as_ref().is_none_or(|wanted| *wanted == answer.interface));
            match wanted {
                Some(wanted) if answers.is_empty() => Err(DhcpFault::NoInterface(wanted)),
                _ => Ok(answers),
            }
        })
    }
}

fn leases() -> io::Result<Vec<DhcpAnswer>> {
    let listed = run(scutil::LIST)?;
    let mut answers = Vec::new();
    for service in scutil::services(&listed) {
        answers.extend(scutil::answer(&run(&scutil::show(service))?));
    }
    Ok(answers)
}

fn run(commands: &str) -> io::Result<String> {
    let mut child = Command::new(SCUTIL).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    // It ends with the input.
    if let Some(mut input) = child.stdin.take() {
        input.write_all(commands.as_bytes())?;
    }
    Ok(String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned())
}
