//! DHCPINFORM on Linux: a socket of its own on each interface, from port 68 to everybody's port 67.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::message;
use crate::service::locate::{DhcpAnswer, DhcpFault, DhcpPort};

const CLIENT: u16 = 68;
const SERVERS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
/// The question is put twice, each time with so much patience (dossier 12).
const TIMES: usize = 2;
const PATIENCE: Duration = Duration::from_secs(3);
/// `type` of an Ethernet interface in sysfs.
const ETHERNET: &str = "1";

/// Asks by DHCPINFORM.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inform;

/// An interface that can be asked on.
struct Interface {
    name: String,
    mac: [u8; 6],
}

impl DhcpPort for Inform {
    fn ask<'a>(&'a self, interface: Option<&'a str>) -> BoxFuture<'a, Result<Vec<DhcpAnswer>, DhcpFault>> {
        Box::pin(async move {
            let interfaces = interfaces(interface)?;
            let asked = join_all(interfaces.iter().map(ask)).await;
            let mut answers = Vec::new();
            let mut fault = None;
            for one in asked {
                match one {
                    Ok(found) => answers.extend(found),
                    Err(error) => fault = Some(error),
                }
            }
            match fault {
                // One interface that works is enough.
                Some(fault) if answers.is_empty() => Err(fault),
                _ => Ok(answers),
            }
        })
    }
}

fn read(name: &str, what: &str) -> Option<String> {
    fs::read_to_string(format!("/sys/class/net/{name}/{what}")).ok().map(|text| text.trim().to_owned())
}

fn interfaces(wanted: Option<&str>) -> Result<Vec<Interface>, DhcpFault> {
    let entries = fs::read_dir("/sys/class/net").map_err(|error| DhcpFault::Other(error.to_string()))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let found: Vec<Interface> = names
        .filter(|name| wanted.is_none_or(|wanted| wanted == name))
        .filter(|name| read(name, "type").as_deref() == Some(ETHERNET))
        // Somebody who names an interface means it, whatever its state is said to be.
        .filter(|name| wanted.is_some() || read(name, "operstate").as_deref() != Some("down"))
        .filter_map(|name| Some(Interface { mac: mac(&read(&name, "address")?)?, name }))
        .collect();
    match wanted {
        Some(wanted) if found.is_empty() => Err(DhcpFault::NoInterface(wanted.to_owned())),
        _ => Ok(found),
    }
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let bytes: Option<Vec<u8>> = text.split(':').map(|part| u8::from_str_radix(part, 16).ok()).collect();
    bytes?.try_into().ok()
}

fn open(interface: &Interface) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // The system's own DHCP client may hold the port.
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.set_nonblocking(true)?;
    socket.bind_device(Some(interface.name.as_bytes()))?;
    Ok(socket)
}

/// The address of an interface: the one that a broadcast would leave from.
fn own_address(interface: &Interface) -> io::Result<Option<Ipv4Addr>> {
    let socket = open(interface)?;
    if socket.connect(&SockAddr::from(SERVERS)).is_err() {
        return Ok(None);
    }
    let own = socket.local_addr()?.as_socket_ipv4().map(|address| *address.ip());
    Ok(own.filter(|address| !address.is_unspecified()))
}

async fn ask(interface: &Interface) -> Result<Vec<DhcpAnswer>, DhcpFault> {
    let fault = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => DhcpFault::NotAllowed,
        _ => DhcpFault::Other(format!("{}: {error}", interface.name)),
    };
    let Some(own) = own_address(interface).map_err(fault)? else {
        // Without an address there is nothing to inform about.
        return Ok(Vec::new());
    };
    let socket = open(interface).map_err(fault)?;
    socket.bind(&SockAddr::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT))).map_err(fault)?;
    let socket = UdpSocket::from_std(socket.into()).map_err(fault)?;
    let xid = u32::from_be_bytes(uuid::Uuid::new_v4().as_bytes()[..4].try_into().unwrap_or_default());
    let question = message::inform(xid, own, interface.mac);
    let mut buffer = [0_u8; 1500];
    for _ in 0..TIMES {
        if let Err(error) = socket.send_to(&question, SocketAddr::V4(SERVERS)).await {
            tracing::debug!(interface = %interface.name, %error, "DHCPINFORM cannot be sent");
            return Ok(Vec::new());
        }
        let until = Instant::now() + PATIENCE;
        while let Ok(Ok((count, _))) = timeout_at(until, socket.recv_from(&mut buffer)).await {
            let answer = buffer.get(..count).and_then(|bytes| message::read(bytes, xid, &interface.name));
            if let Some(answer) = answer {
                return Ok(vec![answer]);
            }
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn addresses_of_interfaces_are_read() {
        assert_eq!(mac("02:00:5e:10:00:ff"), Some([2, 0, 0x5e, 0x10, 0, 0xff]));
        assert_eq!(mac("02:00"), None);
        assert_eq!(mac(""), None);
    }

    #[tokio::test]
    async fn an_interface_that_does_not_exist_is_named() {
        let fault = Inform.ask(Some("no-such-if")).await.unwrap_err();
        assert_eq!(fault, DhcpFault::NoInterface("no-such-if".to_owned()));
    }
}
