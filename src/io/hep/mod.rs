//! Export of SIP messages to a capture server by HEP over UDP: nobody waits for it, and what it cannot take is counted.

mod packet;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

pub use packet::{Agent, KEY_LIMIT, Packet, encode};

/// Messages that may wait.
const QUEUE: usize = 4096;
/// The name of the server is resolved anew after this time, and a failure waits as long.
const RESOLVE_AGAIN: Duration = Duration::from_secs(30);

/// The sending side; cloning gives another handle. The task ends with the last one.
#[derive(Debug, Clone)]
pub struct HepExport {
    queue: mpsc::Sender<Packet>,
}

impl HepExport {
    /// Starts to export to `host:port`. Nothing is sent before there is a message.
    pub fn start(server: String, agent: Agent) -> Self {
        metrics::describe_counter!("linegate_hep_sent_total", "SIP messages sent to the capture server");
        metrics::describe_counter!(
            "linegate_hep_dropped_total",
            "SIP messages that the capture server lacks, by reason: queue or network"
        );
        let (queue, queued) = mpsc::channel(QUEUE);
        tokio::spawn(run(server, agent, queued));
        Self { queue }
    }

    /// Hands a message over; it is dropped when too many wait.
    pub fn offer(&self, packet: Packet) {
        if self.queue.try_send(packet).is_err() {
            metrics::counter!("linegate_hep_dropped_total", "reason" => "queue").increment(1);
        }
    }
}

async fn run(server: String, agent: Agent, mut queued: mpsc::Receiver<Packet>) {
    let mut socket: Option<UdpSocket> = None;
    let mut looked_at: Option<Instant> = None;
    let mut is_told = false;
    while let Some(packet) = queued.recv().await {
        if looked_at.is_none_or(|at| at.elapsed() >= RESOLVE_AGAIN) {
            looked_at = Some(Instant::now());
            match reach(&server).await {
                Ok(reached) => {
                    is_told = false;
                    socket = Some(reached);
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_told, true) {
                        tracing::warn!(%error, "the capture server cannot be reached; messages for it are dropped");
                    }
                    socket = None;
                }
            }
        }
        let sent = match &socket {
            // An error may tell of an earlier packet (port unreachable): it counts once for each.
            Some(socket) => socket.send(&encode(&agent, &packet)).await.is_ok(),
            None => false,
        };
        if sent {
            metrics::counter!("linegate_hep_sent_total").increment(1);
        } else {
            metrics::counter!("linegate_hep_dropped_total", "reason" => "network").increment(1);
        }
    }
}

async fn reach(server: &str) -> std::io::Result<UdpSocket> {
    let mut found = tokio::net::lookup_host(server).await?;
    let to = found.next().ok_or_else(|| std::io::Error::other(format!("{server} has no address")))?;
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(to).await?;
    Ok(socket)
}
