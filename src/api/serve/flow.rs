//! Whether a client takes what it asked for: bytes are counted where they leave.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Streams may be silent longer than answers: four rounds instead of one.
const STREAM_ROUNDS: u32 = 4;

/// The client of a connection; every request of it carries this.
#[derive(Debug, Clone)]
pub struct Peer {
    address: SocketAddr,
    flow: Arc<Flow>,
}

#[derive(Debug, Default)]
struct Flow {
    taken: AtomicU64,
    blocked: AtomicBool,
    streaming: AtomicBool,
}

impl Peer {
    /// The client at an address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, flow: Arc::default() }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many bytes it has taken.
    pub(in crate::api) fn taken(&self) -> u64 {
        self.flow.taken.load(Ordering::Relaxed)
    }

    /// Marks the connection as an event stream.
    pub(in crate::api) fn is_streaming(&self) {
        self.flow.streaming.store(true, Ordering::Relaxed);
    }

    /// Ends when a write has waited for `round` without a byte taken (a stream: four rounds).
    pub(super) async fn stalled(&self, round: Duration) {
        let mut rounds = 0;
        let mut before = self.taken();
        loop {
            tokio::time::sleep(round).await;
            let now = self.taken();
            if now == before && self.flow.blocked.load(Ordering::Relaxed) {
                rounds += 1;
                if rounds >= STREAM_ROUNDS || !self.flow.streaming.load(Ordering::Relaxed) {
                    return;
                }
            } else {
                rounds = 0;
            }
            before = now;
        }
    }
}

/// A connection whose outgoing bytes are counted.
pub(super) struct Counted<S> {
    inner: S,
    flow: Arc<Flow>,
}

impl<S> Counted<S> {
    pub(super) fn new(inner: S, peer: &Peer) -> Self {
        Self { inner, flow: Arc::clone(&peer.flow) }
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(Ok(count)) => {
                self.flow.taken.fetch_add(*count as u64, Ordering::Relaxed);
                self.flow.blocked.store(false, Ordering::Relaxed);
            }
            Poll::Pending => self.flow.blocked.store(true, Ordering::Relaxed),
            Poll::Ready(Err(_)) => {}
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
