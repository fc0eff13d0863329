//! One SIP connection: a reader that cuts the stream, a writer that obeys orders.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, error::TryRecvError};
use tokio_util::sync::CancellationToken;

use crate::shared::{Opening, Order, Shared};
use crate::sip::Framer;

/// Serves a connection that a client opened.
pub(crate) async fn accepted(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let Ok(local) = stream.local_addr() else { return };
    let (conn, orders) = shared.new_connection();
    shared.act_now(|router| router.connected(Instant::now(), conn, peer, local, true));
    run(shared, conn, stream, orders).await;
}

/// Opens connections to clients as the router wants them.
pub(crate) async fn open_connections(shared: Arc<Shared>, mut openings: UnboundedReceiver<Opening>) {
    loop {
        let opening = tokio::select! {
            opening = openings.recv() => opening,
            () = shared.stop.cancelled() => None,
        };
        let Some((conn, to, orders)) = opening else { return };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let connected = tokio::time::timeout(Duration::from_secs(10), TcpStream::connect(to)).await;
            match connected {
                Ok(Ok(stream)) => run(shared, conn, stream, orders).await,
                Ok(Err(error)) => {
                    tracing::info!(%error, %to, "a client could not be reached");
                    gone(&shared, conn);
                }
                Err(_) => gone(&shared, conn),
            }
        });
    }
}

fn gone(shared: &Shared, conn: u64) {
    shared.forget_connection(conn);
    shared.act_now(|router| router.disconnected(Instant::now(), conn));
}

async fn run(shared: Arc<Shared>, conn: u64, stream: TcpStream, orders: UnboundedReceiver<Order>) {
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    // Two tokens: `closed` ends both halves, `frozen` stops the reader without closing.
    let (closed, frozen) = (shared.stop.child_token(), CancellationToken::new());
    let writing = tokio::spawn(write(Arc::clone(&shared), writer, orders, closed.clone(), frozen.clone()));
    read(&shared, conn, reader, &closed, &frozen).await;
    closed.cancel();
    let _ = writing.await;
    gone(&shared, conn);
}

async fn read(
    shared: &Shared,
    conn: u64,
    mut reader: OwnedReadHalf,
    closed: &CancellationToken,
    frozen: &CancellationToken,
) {
    let mut framer = Framer::default();
    let mut buffer = vec![0u8; 16 * 1024];
    let mut reads = 0;
    loop {
        reads += 1;
        let count = tokio::select! {
            count = reader.read(&mut buffer) => count,
            () = closed.cancelled() => return,
            () = frozen.cancelled() => {
                closed.cancelled().await;
                return;
            }
        };
        match count {
            Ok(0) | Err(_) => return,
            Ok(count) => framer.push(buffer.get(..count).unwrap_or_default()),
        }
        while let Some(frame) = framer.next() {
            shared.act_now(|router| router.receive(Instant::now(), conn, reads, frame));
        }
    }
}

async fn write(
    shared: Arc<Shared>,
    mut writer: OwnedWriteHalf,
    mut orders: UnboundedReceiver<Order>,
    closed: CancellationToken,
    frozen: CancellationToken,
) {
    loop {
        let order = tokio::select! {
            order = orders.recv() => order,
            () = closed.cancelled() => None,
        };
        let (split, coalesce) = shared.manner();
        match order {
            Some(Order::Bytes(mut bytes)) => {
                let next = if coalesce > 0 {
                    tokio::time::sleep(Duration::from_millis(coalesce)).await;
                    gather(&mut orders, &mut bytes)
                } else {
                    None
                };
                if put(&mut writer, &bytes, split).await.is_err() {
                    return closed.cancel();
                }
                if let Some(order) = next
                    && !obey(order, &mut writer, &closed, &frozen).await
                {
                    writer.forget();
                    return;
                }
            }
            Some(other) => {
                if !obey(other, &mut writer, &closed, &frozen).await {
                    writer.forget();
                    return;
                }
            }
            None => {
                closed.cancel();
                return;
            }
        }
    }
}

/// Closing and freezing. False when the halves must be dropped without a goodbye.
async fn obey(
    order: Order,
    writer: &mut OwnedWriteHalf,
    closed: &CancellationToken,
    frozen: &CancellationToken,
) -> bool {
    match order {
        Order::Bytes(bytes) => put(writer, &bytes, false).await.is_ok(),
        Order::Close { reset: true } => {
            let _ = socket2::SockRef::from(writer.as_ref()).set_linger(Some(Duration::ZERO));
            closed.cancel();
            false
        }
        Order::Close { reset: false } => {
            let _ = writer.shutdown().await;
            closed.cancel();
            true
        }
        Order::Freeze => {
            frozen.cancel();
            closed.cancelled().await;
            true
        }
    }
}

/// Puts all messages that are ready behind the first one; gives back an order that is none.
fn gather(orders: &mut UnboundedReceiver<Order>, bytes: &mut Vec<u8>) -> Option<Order> {
    loop {
        match orders.try_recv() {
            Ok(Order::Bytes(more)) => bytes.extend_from_slice(&more),
            Ok(other) => return Some(other),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
        }
    }
}

async fn put(writer: &mut OwnedWriteHalf, bytes: &[u8], split: bool) -> std::io::Result<()> {
    if !split {
        return writer.write_all(bytes).await;
    }
    for byte in bytes.chunks(1) {
        writer.write_all(byte).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}
