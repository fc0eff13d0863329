//! macOS: the leases that its DHCP client has, from the dynamic store of SystemConfiguration. No right is needed.
//!
//! It is compiled into the tests of every Unix, where a script stands in for `scutil`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use futures_util::future::BoxFuture;

use super::scutil;
use crate::service::locate::{DhcpAnswer, DhcpFault, DhcpPort};

const SCUTIL: &str = "/usr/sbin/scutil";

/// Reads the leases.
#[derive(Debug, Clone)]
pub(super) struct Leases {
    scutil: PathBuf,
}

impl Default for Leases {
    fn default() -> Self {
        Self { scutil: SCUTIL.into() }
    }
}

impl DhcpPort for Leases {
    fn ask<'a>(&'a self, interface: Option<&'a str>) -> BoxFuture<'a, Result<Vec<DhcpAnswer>, DhcpFault>> {
        Box::pin(async move {
            let scutil = self.scutil.clone();
            let read = tokio::task::spawn_blocking(move || leases(&scutil))
                .await
                .map_err(|error| DhcpFault::Other(error.to_string()))?;
            let mut answers = read.map_err(|error| DhcpFault::Other(format!("{}: {error}", self.scutil.display())))?;
            answers.retain(|answer| interface.is_none_or(|wanted| wanted == answer.interface));
            match interface {
                Some(wanted) if answers.is_empty() => Err(DhcpFault::NoInterface(wanted.to_owned())),
                _ => Ok(answers),
            }
        })
    }
}

fn leases(program: &Path) -> io::Result<Vec<DhcpAnswer>> {
    let listed = run(program, scutil::LIST)?;
    let mut answers = Vec::new();
    for service in scutil::services(&listed) {
        answers.extend(scutil::answer(&run(program, &scutil::show(service))?));
    }
    Ok(answers)
}

fn run(program: &Path, commands: &str) -> io::Result<String> {
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    // It ends with the input.
    if let Some(mut input) = child.stdin.take() {
        input.write_all(commands.as_bytes())?;
    }
    Ok(String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::fs;
    use std::net::Ipv4Addr;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Knows two services with a lease; the second one's has no option of ours.
    const STAND_IN: &str = r#"#!/bin/sh
while read -r command key; do
  case "$command $key" in
    'list State:/Network/Service/[^/]+/DHCP')
      echo '  subKey [0] = State:/Network/Service/AAAA/DHCP'
      echo '  subKey [1] = State:/Network/Service/BBBB/DHCP' ;;
    'show State:/Network/Service/AAAA/IPv4')
      printf '<dictionary> {
  Addresses : <array> {
    0 : 192.0.2.50
  }
  InterfaceName : en0
}
' ;;
    'show State:/Network/Service/AAAA/DHCP')
      printf '<dictionary> {
  Option_150 : <data> 0xc000020ac000020b
  Option_54 : <data> 0xc0000201
'
      printf '  Option_66 : <data> 0x636d65
}
' ;;
    'show State:/Network/Service/BBBB/IPv4') printf '<dictionary> {
  InterfaceName : en7
}
' ;;
    'show State:/Network/Service/BBBB/DHCP') printf '<dictionary> {
  Option_1 : <data> 0xffffff00
}
' ;;
    *) echo '  No such key' ;;
  esac
done
"#;

    #[tokio::test]
    async fn the_leases_of_every_service_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let scutil = folder.path().join("scutil");
        fs::write(&scutil, STAND_IN).unwrap();
        fs::set_permissions(&scutil, fs::Permissions::from_mode(0o755)).unwrap();
        let port = Leases { scutil };

        let all = port.ask(None).await.unwrap();
        let [first, second] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((first.interface.as_str(), first.name.as_deref()), ("en0", Some("cme")));
        assert_eq!(first.addresses, [Ipv4Addr::new(192, 0, 2, 10), Ipv4Addr::new(192, 0, 2, 11)]);
        assert_eq!(first.server, Some(Ipv4Addr::new(192, 0, 2, 1)));
        assert!(second.interface == "en7" && second.addresses.is_empty() && second.name.is_none(), "{second:?}");

        assert_eq!(port.ask(Some("en0")).await.unwrap(), std::slice::from_ref(first));
        assert_eq!(port.ask(Some("en9")).await, Err(DhcpFault::NoInterface("en9".to_owned())));
    }

    #[tokio::test]
    async fn a_system_without_it_says_which_program_is_missing() {
        let port = Leases { scutil: "/no/such/scutil".into() };
        let fault = port.ask(None).await.unwrap_err();
        assert!(matches!(&fault, DhcpFault::Other(text) if text.starts_with("/no/such/scutil: ")), "{fault:?}");
    }
}
