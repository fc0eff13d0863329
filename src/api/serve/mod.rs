//! The accept loop: hyper with the timers that a public port needs, TLS that can be replaced while it runs, a drain.

mod flow;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub use flow::Peer;
pub use tls::{TlsError, TlsSwitch, tls_from_pem};

use flow::Counted;

const HEADERS: usize = 100;
const HEAD_BUFFER: usize = 64 * 1024;

/// How a listener behaves.
#[derive(Clone)]
pub struct ServeSettings {
    /// TLS; without it plain HTTP.
    pub tls: Option<TlsSwitch>,
    /// Connections at once; more wait in the kernel.
    pub connections: usize,
    /// TLS handshake and head of a request must each be there within this time; also how long an idle connection is kept.
    pub head_time: Duration,
    /// A client that takes no byte of an answer for this long is cut off; server-sent events have four times the patience.
    pub stalled_after: Duration,
    /// Time that connections get to end after the shutdown began.
    pub drain: Duration,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            tls: None,
            connections: 20_000,
            head_time: Duration::from_secs(10),
            stalled_after: Duration::from_secs(15),
            drain: Duration::from_secs(4),
        }
    }
}

/// Why the listener ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It does not listen any more.
    #[error("the listener failed: {0}")]
    Listener(#[from] std::io::Error),
}

/// Serves connections until the shutdown, then lets them end for a while.
///
/// # Errors
/// When the listener itself cannot be used.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: ServeSettings,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    listener.local_addr()?;
    let places = Arc::new(Semaphore::new(settings.connections));
    let tasks = TaskTracker::new();
    let abort = CancellationToken::new();
    loop {
        let place = tokio::select! {
            () = shutdown.cancelled() => break,
            // Never closed: the error cannot happen, and would end the loop.
            place = Arc::clone(&places).acquire_owned() => match place { Ok(place) => place, Err(_) => break },
        };
        let (stream, address) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a client that was gone again: the listener itself is well.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let connection = Connection {
            router: router.clone(),
            tls: settings.tls.clone(),
            head_time: settings.head_time,
            stalled_after: settings.stalled_after,
            shutdown: shutdown.clone(),
        };
        let abort = abort.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = connection.run(stream, address) => {}
                () = abort.cancelled() => {}
            }
            drop(place);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(settings.drain, tasks.wait()).await.is_err() {
        tracing::info!(connections = tasks.len(), "connections are cut off at the end of the drain");
        abort.cancel();
        tasks.wait().await;
    }
    Ok(())
}

struct Connection {
    router: Router,
    tls: Option<TlsSwitch>,
    head_time: Duration,
    stalled_after: Duration,
    shutdown: CancellationToken,
}

impl Connection {
    async fn run(self, stream: TcpStream, address: SocketAddr) {
        // Events are small and must not wait for more.
        let _ = stream.set_nodelay(true);
        let peer = Peer::new(address);
        let counted = Counted::new(stream, &peer);
        match self.tls.as_ref().map(TlsSwitch::acceptor) {
            None => self.http(counted, peer).await,
            Some(acceptor) => match tokio::time::timeout(self.head_time, acceptor.accept(counted)).await {
                Ok(Ok(stream)) => self.http(stream, peer).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            },
        }
    }

    async fn http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, peer: Peer) {
        let router = self.router;
        let known = peer.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(known.clone());
            router.clone().oneshot(request)
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_time)
            .max_headers(HEADERS)
            .max_buf_size(HEAD_BUFFER)
            .keep_alive(true);
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        tokio::pin!(connection);
        let mut is_ending = false;
        loop {
            tokio::select! {
                done = connection.as_mut() => {
                    if let Err(error) = done {
                        tracing::debug!(%error, "a connection ended with an error");
                    }
                    return;
                }
                () = self.shutdown.cancelled(), if !is_ending => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = peer.stalled(self.stalled_after) => {
                    tracing::debug!("a client that takes no byte was cut off");
                    return;
                }
            }
        }
    }
}
