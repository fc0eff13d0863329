//! Outgoing connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// A dead peer is noticed within 10 s of silence plus three probes: 25 s.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
#[cfg(not(windows))]
const KEEPALIVE_PROBES: u32 = 3;
/// Unacknowledged bytes end the connection after this long (Linux).
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name has no address.
    #[error("the host name {0} cannot be resolved")]
    UnknownHost(String),
    /// Nobody listens there.
    #[error("{0} refused the connection")]
    Refused(SocketAddr),
    /// No answer.
    #[error("{0} did not answer within 5 s")]
    Timeout(SocketAddr),
    /// Anything else.
    #[error("{0}: {1}")]
    Other(SocketAddr, String),
}

/// The addresses of a host.
///
/// # Errors
/// When the name cannot be resolved.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    let found: Vec<SocketAddr> =
        tokio::net::lookup_host((host, port)).await.map_err(|_| ConnectError::UnknownHost(host.to_owned()))?.collect();
    if found.is_empty() {
        return Err(ConnectError::UnknownHost(host.to_owned()));
    }
    Ok(found)
}

/// Connects to the first address that answers.
///
/// # Errors
/// The error of the last address tried.
pub async fn connect(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let mut last = ConnectError::UnknownHost(host.to_owned());
    for address in resolve(host, port).await? {
        match tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                watch(&stream);
                return Ok(stream);
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                last = ConnectError::Refused(address);
            }
            Ok(Err(error)) => last = ConnectError::Other(address, error.to_string()),
            Err(_) => last = ConnectError::Timeout(address),
        }
    }
    Err(last)
}

/// Makes a dead peer noticeable; a system that cannot do it works without.
pub(super) fn watch(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(KEEPALIVE_PROBES);
    if let Err(error) = socket.set_tcp_keepalive(&keepalive) {
        tracing::debug!(%error, "TCP keep-alive is not available");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket.set_tcp_user_timeout(Some(USER_TIMEOUT)) {
        tracing::debug!(%error, "TCP user timeout is not available");
    }
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY is not available");
    }
}

/// The local address that packets to this host leave from: what a peer is told when nothing is configured.
///
/// # Errors
/// When the host cannot be resolved or no route leads there.
pub async fn local_address_towards(host: &str, port: u16) -> Result<IpAddr, ConnectError> {
    let target = resolve(host, port).await?;
    let Some(target) = target.first().copied() else {
        return Err(ConnectError::UnknownHost(host.to_owned()));
    };
    let any: SocketAddr = if target.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    // A connected datagram socket sends nothing: it only asks the system for its route.
    let look = || async {
        let socket = tokio::net::UdpSocket::bind(any).await?;
        socket.connect(target).await?;
        socket.local_addr()
    };
    look().await.map(|address| address.ip()).map_err(|error: io::Error| ConnectError::Other(target, error.to_string()))
}
