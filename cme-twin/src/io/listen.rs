//! Listeners that close while the router is down.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::connection;
use crate::shared::Shared;

/// What is behind a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Sip,
    Xml,
}

/// Binds an address.
///
/// # Errors
/// When the address is in use or not ours.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Accepts connections until the twin stops.
pub(crate) async fn run(
    shared: Arc<Shared>,
    door: Door,
    mut listener: TcpListener,
    bound: tokio::sync::mpsc::UnboundedSender<Door>,
) {
    let Ok(address) = listener.local_addr() else { return };
    let mut up = shared.up.subscribe();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => serve(&shared, door, stream, peer),
                Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
            },
            () = shared.stop.cancelled() => return,
            _ = up.changed() => {
                if *up.borrow_and_update() {
                    continue;
                }
                drop(listener);
                let _ = bound.send(door);
                tokio::select! {
                    again = up.wait_for(|up| *up) => if again.is_err() { return },
                    () = shared.stop.cancelled() => return,
                }
                listener = match bind(address) {
                    Ok(listener) => listener,
                    Err(error) => {
                        tracing::error!(%error, %address, "the address could not be bound again");
                        return;
                    }
                };
                let _ = bound.send(door);
            }
        }
    }
}

fn serve(shared: &Arc<Shared>, door: Door, stream: TcpStream, peer: SocketAddr) {
    let shared = Arc::clone(shared);
    match door {
        Door::Sip => {
            tokio::spawn(connection::accepted(shared, stream, peer));
        }
        Door::Xml => {
            let mut up = shared.up.subscribe();
            tokio::spawn(async move {
                tokio::select! {
                    () = crate::xml::serve(stream, &shared) => {}
                    _ = up.wait_for(|up| !*up) => {}
                    () = shared.stop.cancelled() => {}
                }
            });
        }
    }
}
