//! Inbound connections from PBXs: one listener for each local address and port, shared by the links that use it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::attribution::{Marks, owner};
use super::connect::watch;

/// How long a connection that could belong to several PBXs may stay silent.
const FIRST_MESSAGE_PATIENCE: Duration = Duration::from_secs(10);
const FIRST_MESSAGE_LIMIT: usize = 16 * 1024;

/// A connection that a PBX opened to us.
#[derive(Debug)]
pub struct Accepted {
    /// The connection.
    pub stream: TcpStream,
    /// What was read from it to find its owner.
    pub head: Bytes,
}

/// Who may connect.
#[derive(Debug, Clone)]
pub struct Peer {
    /// A number of the caller's choice, unique among peers.
    pub key: u64,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Part of every Call-ID of the link.
    pub call_id_mark: String,
    /// User of the registration's Contact.
    pub contact_user: String,
    /// Where its connections go.
    pub accepted: mpsc::Sender<Accepted>,
}

/// A port that cannot be listened on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot listen on {address}: {detail}")]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    pub detail: String,
}

/// All listeners of the process.
#[derive(Debug, Clone, Default)]
pub struct Listeners {
    ports: Arc<Mutex<HashMap<SocketAddr, Port>>>,
}

#[derive(Debug)]
struct Port {
    peers: Arc<Mutex<Vec<Peer>>>,
    local: SocketAddr,
    cancel: CancellationToken,
}

/// Keeps a peer admitted; dropping it ends that, and the listener with its last peer.
#[derive(Debug)]
pub struct ListenerGuard {
    listeners: Listeners,
    address: SocketAddr,
    key: u64,
    local: SocketAddr,
}

impl ListenerGuard {
    /// The address that is really listened on.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Replaces the peer's addresses after its name was resolved anew.
    pub fn readdress(&self, addresses: Vec<IpAddr>) {
        let ports = self.listeners.ports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(port) = ports.get(&self.address) {
            let mut peers = port.peers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(peer) = peers.iter_mut().find(|peer| peer.key == self.key) {
                peer.addresses = addresses;
            }
        }
    }
}

impl Drop for ListenerGuard {
    fn drop(&mut self) {
        let mut ports = self.listeners.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = ports.get(&self.address).is_some_and(|port| {
            let mut peers = port.peers.lock().unwrap_or_else(PoisonError::into_inner);
            peers.retain(|peer| peer.key != self.key);
            peers.is_empty()
        });
        if empty && let Some(port) = ports.remove(&self.address) {
            port.cancel.cancel();
        }
    }
}

impl Listeners {
    /// Admits a peer on a local address, listening there if nobody does yet.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn admit(&self, address: SocketAddr, peer: Peer) -> Result<ListenerGuard, ListenError> {
        let key = peer.key;
        if let Some(local) = self.join(address, &peer) {
            return Ok(self.guard(address, key, local));
        }
        let fail = |error: &io::Error| ListenError { address, detail: error.to_string() };
        let listener = bind(address).map_err(|error| fail(&error))?;
        let local = listener.local_addr().map_err(|error| fail(&error))?;
        let port = Port { peers: Arc::new(Mutex::new(vec![peer])), local, cancel: CancellationToken::new() };
        tokio::spawn(accept(listener, Arc::clone(&port.peers), port.cancel.clone()));
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).insert(address, port);
        Ok(self.guard(address, key, local))
    }

    fn join(&self, address: SocketAddr, peer: &Peer) -> Option<SocketAddr> {
        let ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let port = ports.get(&address)?;
        port.peers.lock().unwrap_or_else(PoisonError::into_inner).push(peer.clone());
        Some(port.local)
    }

    fn guard(&self, address: SocketAddr, key: u64, local: SocketAddr) -> ListenerGuard {
        ListenerGuard { listeners: self.clone(), address, key, local }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    // A restart must not wait for the old connections' TIME_WAIT. On Windows this option would allow port theft.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(256)
}

async fn accept(listener: TcpListener, peers: Arc<Mutex<Vec<Peer>>>, cancel: CancellationToken) {
    loop {
        let (stream, from) = tokio::select! {
            () = cancel.cancelled() => return,
            got = listener.accept() => match got {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Descriptors used up, or the connection was gone already: others must not suffer.
                    tracing::warn!(%error, "a SIP connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let address = from.ip().to_canonical();
        let candidates: Vec<Peer> = peers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|peer| peer.addresses.iter().any(|own| own.to_canonical() == address))
            .cloned()
            .collect();
        if candidates.is_empty() {
            metrics::counter!("linegate_sip_strangers_total").increment(1);
            tracing::debug!(peer.address = %address, "a SIP connection from no configured PBX was closed");
            continue;
        }
        watch(&stream);
        tokio::spawn(deliver(stream, candidates));
    }
}

async fn deliver(mut stream: TcpStream, mut candidates: Vec<Peer>) {
    let mut head = BytesMut::new();
    if candidates.len() > 1 {
        let complete = tokio::time::timeout(FIRST_MESSAGE_PATIENCE, read_head(&mut stream, &mut head)).await;
        if !matches!(complete, Ok(true)) {
            return;
        }
        let marks: Vec<Marks<'_>> = candidates
            .iter()
            .map(|peer| Marks { call_id: &peer.call_id_mark, contact_user: &peer.contact_user })
            .collect();
        match owner(&head, &marks) {
            Some(index) => candidates.swap(0, index),
            None => {
                tracing::warn!("a SIP connection could belong to several PBXs and was closed");
                return;
            }
        }
    }
    if let Some(peer) = candidates.first() {
        let accepted = Accepted { stream, head: head.freeze() };
        // The link may have ended meanwhile; then the connection closes with it.
        let _ = peer.accepted.send(accepted).await;
    }
}

async fn read_head(stream: &mut TcpStream, head: &mut BytesMut) -> bool {
    loop {
        if head.windows(4).any(|window| window == b"\r\n\r\n") && !head.iter().all(u8::is_ascii_whitespace) {
            return true;
        }
        if head.len() > FIRST_MESSAGE_LIMIT || !matches!(stream.read_buf(head).await, Ok(n) if n > 0) {
            return false;
        }
    }
}
