//! One TCP connection: a reader task that delivers what arrives, a writer task that takes what is sent.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A peer that takes no byte for this long has lost the connection.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// Messages that may wait for the peer.
const QUEUE: usize = 1024;
const READ_SIZE: usize = 64 * 1024;

/// What a connection tells its owner.
#[derive(Debug)]
pub enum FlowEvent {
    /// Bytes arrived.
    Bytes {
        /// The connection's number.
        flow: u64,
        /// The bytes.
        data: Bytes,
    },
    /// The connection is gone.
    Closed {
        /// The connection's number.
        flow: u64,
        /// Why, in a few words.
        why: String,
    },
}

/// The sending side of a connection. Dropping it ends the connection after what is queued has been written.
#[derive(Debug)]
pub struct FlowWriter {
    queue: mpsc::Sender<Bytes>,
    cancel: CancellationToken,
}

impl FlowWriter {
    /// Queues bytes. `false` when the peer takes nothing and the queue is full, or the connection is gone.
    pub fn send(&self, data: Bytes) -> bool {
        self.queue.try_send(data).is_ok()
    }

    /// Ends the connection at once.
    pub fn abort(&self) {
        self.cancel.cancel();
    }
}

/// Starts the two tasks of a connection. `head` is what was read from it already.
pub fn spawn(stream: TcpStream, flow: u64, head: Bytes, events: mpsc::Sender<FlowEvent>) -> FlowWriter {
    let (read, write) = stream.into_split();
    let (queue, queued) = mpsc::channel(QUEUE);
    let cancel = CancellationToken::new();
    tokio::spawn(write_all(write, queued, cancel.clone()));
    tokio::spawn(read_all(read, flow, head, events, cancel.clone()));
    FlowWriter { queue, cancel }
}

async fn read_all(
    mut stream: OwnedReadHalf,
    flow: u64,
    head: Bytes,
    events: mpsc::Sender<FlowEvent>,
    cancel: CancellationToken,
) {
    if !head.is_empty() && events.send(FlowEvent::Bytes { flow, data: head }).await.is_err() {
        return;
    }
    let mut buffer = BytesMut::with_capacity(READ_SIZE);
    let why = loop {
        if buffer.capacity() < 4096 {
            buffer.reserve(READ_SIZE);
        }
        let got = tokio::select! {
            () = cancel.cancelled() => break "closed by us".to_owned(),
            got = stream.read_buf(&mut buffer) => got,
        };
        match got {
            Ok(0) => break "closed by the PBX".to_owned(),
            Ok(_) => {
                let data = buffer.split().freeze();
                if events.send(FlowEvent::Bytes { flow, data }).await.is_err() {
                    return;
                }
            }
            Err(error) => break error.to_string(),
        }
    };
    cancel.cancel();
    // The owner may be gone already; then nobody needs to know.
    let _ = events.send(FlowEvent::Closed { flow, why }).await;
}

async fn write_all(mut stream: OwnedWriteHalf, mut queued: mpsc::Receiver<Bytes>, cancel: CancellationToken) {
    loop {
        let data = tokio::select! {
            biased;
            data = queued.recv() => data,
            () = cancel.cancelled() => None,
        };
        let Some(data) = data else { break };
        match tokio::time::timeout(WRITE_PATIENCE, stream.write_all(&data)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => break,
        }
    }
    // A reset or a closed connection cannot be shut down again; the reader tells the owner.
    let _ = stream.shutdown().await;
    cancel.cancel();
}
