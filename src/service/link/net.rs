//! The connections of a link: sockets in both directions under one SIP endpoint that does not care which.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::backoff::Backoff;
use super::task::{LinkTask, News};
use super::timers::Timer;
use crate::io::sip_tcp::{self, Accepted, ConnectError, FlowEvent, FlowWriter, ListenerGuard, Peer};
use crate::sip::{FlowId, Input};

/// Pause between connection attempts (issue: 0.25 … 5 s).
const LEAST: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(5);
/// A request without an answer ends connections that were silent for as long (Timer F less a second).
const SILENCE: Duration = Duration::from_secs(31);
/// Pause before a name is resolved again.
const RESOLVE_AGAIN: Duration = Duration::from_secs(5);

/// What was found out about the way to the PBX.
#[derive(Debug)]
pub(super) struct Route {
    /// Address that packets to the PBX leave from.
    pub(super) local: IpAddr,
    /// Addresses of the PBX: nobody else may connect.
    pub(super) remote: Vec<IpAddr>,
}

struct Connection {
    writer: FlowWriter,
    /// When something was last read; at first, when it was opened.
    heard_at: Instant,
    /// The peer has said something: it is more than an open port.
    is_heard: bool,
}

pub(super) struct Net {
    flows: HashMap<u64, Connection>,
    next_flow: u64,
    pub(super) events: mpsc::Receiver<FlowEvent>,
    events_in: mpsc::Sender<FlowEvent>,
    pub(super) accepted: mpsc::Receiver<Accepted>,
    accepted_in: mpsc::Sender<Accepted>,
    listener: Option<ListenerGuard>,
    connecting: Option<AbortHandle>,
    /// The endpoint wants a connection.
    wanted: bool,
    backoff: Backoff,
    next_attempt: Option<Instant>,
    /// The PBX has opened a connection to us.
    pub(super) has_accepted: bool,
    /// Why the last attempt failed.
    pub(super) trouble: Option<String>,
}

impl Net {
    pub(super) fn new(seed: u64) -> Self {
        let (events_in, events) = mpsc::channel(256);
        let (accepted_in, accepted) = mpsc::channel(16);
        Self {
            flows: HashMap::new(),
            next_flow: 0,
            events,
            events_in,
            accepted,
            accepted_in,
            listener: None,
            connecting: None,
            wanted: false,
            backoff: Backoff::new(LEAST, MOST, seed),
            next_attempt: None,
            has_accepted: false,
            trouble: None,
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        !self.flows.is_empty()
    }

    pub(super) fn send(&mut self, flow: FlowId, data: bytes::Bytes) {
        let Some(connection) = self.flows.get(&flow.0) else { return };
        if !connection.writer.send(data) {
            // The peer takes nothing: the connection is as good as lost, the reader tells.
            connection.writer.abort();
        }
    }

    pub(super) fn close(&mut self, flow: FlowId) {
        // Dropping the writer ends the connection after what is queued.
        self.flows.remove(&flow.0);
    }

    fn open(&mut self, stream: TcpStream, head: bytes::Bytes) -> FlowId {
        self.next_flow += 1;
        let flow = self.next_flow;
        let writer = sip_tcp::spawn(stream, flow, head, self.events_in.clone());
        self.flows.insert(flow, Connection { writer, heard_at: Instant::now(), is_heard: false });
        self.next_attempt = None;
        self.wanted = false;
        self.trouble = None;
        if let Some(attempt) = self.connecting.take() {
            attempt.abort();
        }
        FlowId(flow)
    }
}

impl LinkTask {
    /// Finds out the way to the PBX; the answer is [`News::Route`].
    pub(super) fn find_route(&mut self) {
        let host = self.row.settings.host.clone();
        let port = self.row.settings.sip.port;
        let news = self.news_in.clone();
        let generation = self.generation;
        tokio::spawn(async move {
            let route = async {
                let remote = sip_tcp::resolve(&host, port).await?;
                let local = sip_tcp::local_address_towards(&host, port).await?;
                Ok::<_, ConnectError>(Route { local, remote: remote.iter().map(SocketAddr::ip).collect() })
            };
            let route = route.await;
            let _ = news.send(News::Route { generation, route }).await;
        });
    }

    /// The way is known: listen, then begin to talk.
    pub(super) async fn on_route(&mut self, route: Result<Route, ConnectError>) {
        let route = match route {
            Ok(route) => route,
            Err(error) => {
                self.net.trouble = Some(format!(
                    "{}. Check the host name or give the router's IP address.",
                    sentence(&error.to_string())
                ));
                self.status_changed();
                self.timers.set(Timer::Resolve, Some(self.now() + RESOLVE_AGAIN));
                return;
            }
        };
        if let Some(listener) = &self.net.listener {
            listener.readdress(route.remote);
            return;
        }
        let sip = self.row.settings.sip.clone();
        let local: IpAddr = sip.local_address.parse().unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let address = SocketAddr::new(local, sip.local_port);
        let peer = Peer {
            key: self.link_key,
            addresses: route.remote.clone(),
            call_id_mark: self.call_id_mark(),
            contact_user: self.register_user(),
            accepted: self.net.accepted_in.clone(),
        };
        match self.around.listeners.admit(address, peer).await {
            Ok(listener) => {
                let port = listener.local().port();
                self.net.listener = Some(listener);
                self.listen_trouble = None;
                let host = sip.advertise_address.clone().unwrap_or_else(|| match local {
                    ip if ip.is_unspecified() => route.local.to_string(),
                    ip => ip.to_string(),
                });
                self.begin_sip(&host, port);
            }
            Err(error) => {
                self.listen_trouble = Some(format!(
                    "{}. Another program uses this port: choose another sip.local_port, or stop that program.",
                    sentence(&error.to_string())
                ));
                self.status_changed();
                self.timers.set(Timer::Resolve, Some(self.now() + RESOLVE_AGAIN));
            }
        }
    }

    /// The endpoint asks for a connection.
    pub(super) fn connect(&mut self) {
        self.net.wanted = true;
        if self.net.connecting.is_some() {
            return;
        }
        match self.net.next_attempt {
            Some(at) if at > self.now() => self.timers.set(Timer::Connect, Some(at)),
            _ => self.connect_now(),
        }
    }

    pub(super) fn connect_now(&mut self) {
        if !self.net.wanted || self.net.connecting.is_some() {
            return;
        }
        let host = self.row.settings.host.clone();
        let port = self.row.settings.sip.port;
        let news = self.news_in.clone();
        let generation = self.generation;
        let attempt = tokio::spawn(async move {
            let result = sip_tcp::connect(&host, port).await;
            let _ = news.send(News::Connected { generation, result }).await;
        });
        self.net.connecting = Some(attempt.abort_handle());
    }

    pub(super) fn on_connected(&mut self, result: Result<TcpStream, ConnectError>) {
        self.net.connecting = None;
        match result {
            Ok(stream) => self.flow_opened(stream, bytes::Bytes::new(), false),
            Err(error) => {
                let is_news = self.net.trouble.is_none();
                self.net.trouble = Some(connect_trouble(&error));
                self.net.next_attempt = Some(self.now() + self.net.backoff.pause());
                if is_news {
                    tracing::warn!(link.name = %self.row.settings.name, %error, "the PBX cannot be reached");
                }
                self.status_changed();
                // While requests wait the endpoint asks again at once; the pause is kept by `connect`.
                self.feed(Input::ConnectFailed);
            }
        }
    }

    pub(super) fn on_accepted(&mut self, accepted: Accepted) {
        self.net.has_accepted = true;
        self.flow_opened(accepted.stream, accepted.head, true);
    }

    fn flow_opened(&mut self, stream: TcpStream, head: bytes::Bytes, inbound: bool) {
        let (local, peer) = (stream.local_addr().ok(), stream.peer_addr().ok());
        let flow = self.net.open(stream, head);
        self.tap.opened(flow.0, local, peer);
        self.timers.set(Timer::Connect, None);
        tracing::debug!(link.name = %self.row.settings.name, inbound, "a SIP connection is open");
        self.feed(Input::FlowOpened { flow, inbound, peer });
        self.on_flow_open();
    }

    pub(super) fn on_flow_event(&mut self, event: FlowEvent) {
        match event {
            FlowEvent::Bytes { flow, data } => {
                let now = self.now();
                if let Some(connection) = self.net.flows.get_mut(&flow) {
                    connection.heard_at = now;
                    if !std::mem::replace(&mut connection.is_heard, true) {
                        self.net.backoff.reset();
                    }
                    self.tap_received(flow, &data);
                    self.tap.received(flow, &data);
                    self.feed(Input::FlowBytes { flow: FlowId(flow), data });
                }
            }
            FlowEvent::Closed { flow, why } => {
                self.tap.closed(flow);
                if self.net.flows.remove(&flow).is_some_and(|connection| !connection.is_heard) {
                    // Accepted and closed without a word: not again at once.
                    self.net.next_attempt = Some(self.now() + self.net.backoff.pause());
                }
                tracing::debug!(link.name = %self.row.settings.name, why, "a SIP connection is closed");
                self.feed(Input::FlowClosed { flow: FlowId(flow) });
                if !self.net.is_connected() {
                    self.on_all_flows_lost();
                }
            }
        }
    }

    /// A request got no answer. A connection on which nothing at all was read for as long is dead whatever TCP says:
    /// sessions live on over the next one.
    pub(super) fn drop_silent_flows(&mut self) {
        let now = self.now();
        let silent = self.net.flows.iter().filter(|(_, connection)| now.duration_since(connection.heard_at) >= SILENCE);
        let silent: Vec<u64> = silent.map(|(flow, _)| *flow).collect();
        if silent.is_empty() {
            return;
        }
        tracing::warn!(link.name = %self.row.settings.name, "a SIP connection is closed: nothing comes over it any more");
        for flow in silent {
            self.net.flows.remove(&flow);
            self.tap.closed(flow);
            self.feed(Input::FlowClosed { flow: FlowId(flow) });
        }
        if !self.net.is_connected() {
            self.on_all_flows_lost();
        }
    }

    /// Ends every connection, and listening.
    pub(super) fn close_net(&mut self) {
        self.net = Net::new(self.link_key);
        self.tap.all_closed();
    }
}

fn connect_trouble(error: &ConnectError) -> String {
    let hint = match error {
        ConnectError::UnknownHost(_) => "Check the host name or give the router's IP address.",
        ConnectError::Refused(_) => {
            "Check sip.port, and that SIP is enabled on the router (`voice service voip`, `sip`, `registrar server`)."
        }
        _ => "Check address, routing and firewall between the gateway and the router.",
    };
    format!("{}. {hint}", sentence(&error.to_string()))
}

/// The text with a capital first letter.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
