//! The handle of a running twin.

mod action;
mod config;
mod verb;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc, watch};

pub use action::{ActionError, CallRef, TrunkAction};
pub use config::{TwinConfig, TwinError};

use crate::io::{self, Door};
use crate::router::Router;
use crate::shared::Shared;
use crate::truth::{self, Truth};
use crate::violation::Violation;
use crate::xml::XmlState;
use crate::{Behaviour, Faults, Requests, System, XmlKnobs, control};

/// A running twin. Cheap to clone; all clones are the same one. It stops when [`Twin::stop`] is called or the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Twin {
    shared: Arc<Shared>,
    ports: Arc<Ports>,
}

#[derive(Debug)]
struct Ports {
    sip: SocketAddr,
    xml: SocketAddr,
    control: Option<SocketAddr>,
    /// Listeners tell here that they closed or opened.
    doors: Mutex<mpsc::UnboundedReceiver<Door>>,
    stop: tokio_util::sync::CancellationToken,
    embedded: bool,
}

impl Drop for Ports {
    fn drop(&mut self) {
        if self.embedded {
            self.stop.cancel();
        }
    }
}

impl Twin {
    /// Starts a twin; it listens when this returns.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub async fn start(config: TwinConfig) -> Result<Self, TwinError> {
        let bind =
            |name: &'static str, address| io::bind(address).map_err(|source| TwinError::Bind { name, address, source });
        let (sip, xml) = (bind("SIP", config.sip)?, bind("XML", config.xml)?);
        let control = config.control.map(|address| bind("control", address)).transpose()?;
        let address = |listener: &tokio::net::TcpListener| listener.local_addr().map_err(TwinError::Io);
        let (sip_addr, xml_addr) = (address(&sip)?, address(&xml)?);
        let control_addr = control.as_ref().map(address).transpose()?;
        let router = Router::new(config.system, config.behaviour, config.faults, sip_addr, Instant::now());
        let (openings, opened) = mpsc::unbounded_channel();
        let (doors, door_news) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(router, XmlState::new(config.xml_knobs), openings));
        tokio::spawn(io::run_clock(Arc::clone(&shared)));
        tokio::spawn(io::open_connections(Arc::clone(&shared), opened));
        tokio::spawn(io::run_listener(Arc::clone(&shared), Door::Sip, sip, doors.clone()));
        tokio::spawn(io::run_listener(Arc::clone(&shared), Door::Xml, xml, doors));
        let ports = Ports {
            sip: sip_addr,
            xml: xml_addr,
            control: control_addr,
            doors: Mutex::new(door_news),
            stop: shared.stop.clone(),
            // The control server holds a clone for as long as the twin runs.
            embedded: control.is_none(),
        };
        let twin = Self { shared, ports: Arc::new(ports) };
        if let Some(listener) = control {
            tokio::spawn(control::serve(listener, twin.clone()));
        }
        Ok(twin)
    }

    pub(crate) fn stop_token(&self) -> tokio_util::sync::CancellationToken {
        self.shared.stop.clone()
    }

    /// Where SIP is.
    #[must_use]
    pub fn sip_addr(&self) -> SocketAddr {
        self.ports.sip
    }

    /// Where the XML interface is.
    #[must_use]
    pub fn xml_addr(&self) -> SocketAddr {
        self.ports.xml
    }

    /// Where the control API is.
    #[must_use]
    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.ports.control
    }

    /// What really is.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.shared.with_router(truth::look)
    }

    /// What the client did wrong since the start, or since [`Twin::clear_violations`].
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.shared.with_router(|router| router.violations.list())
    }

    /// Empties the list of violations.
    pub fn clear_violations(&self) {
        self.shared.act_now(|router| router.violations.clear());
    }

    /// What was asked of the twin.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.shared.with_router(|router| router.requests.clone())
    }

    /// Starts the counts of [`Twin::requests`] again.
    pub fn clear_requests(&self) {
        self.shared.act_now(|router| router.requests = Requests::default());
    }

    /// Counts up whenever something may have changed: a message came, a timer fired, somebody acted. To wait for a truth, look, then wait for a
    /// change, then look again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Waits until the truth is as wanted.
    pub async fn until(&self, wanted: impl Fn(&Truth) -> bool) -> Truth {
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            let truth = self.truth();
            if wanted(&truth) || changes.changed().await.is_err() {
                return truth;
            }
        }
    }

    /// Waits until so many monitors are active.
    pub async fn until_monitors(&self, count: usize) {
        self.until_router(|router| router.monitor_count() == count).await;
    }

    /// Waits until so many sessions are set up.
    pub async fn until_sessions(&self, count: usize) {
        self.until_router(|router| router.session_count() == count).await;
    }

    /// Waits until the counts are as wanted.
    pub async fn until_requests(&self, wanted: impl Fn(&Requests) -> bool) {
        self.until_router(|router| wanted(&router.requests)).await;
    }

    async fn until_router(&self, wanted: impl Fn(&Router) -> bool) {
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            if self.shared.peek(&wanted) || changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// The faults that are on.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.shared.peek(|router| router.faults.clone())
    }

    /// Replaces all faults.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.set_faults(faults);
    }

    /// The present behaviour.
    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        self.shared.peek(|router| router.exchange.behaviour.clone())
    }

    /// Replaces the behaviour.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.shared.act_now(|router| router.exchange.behaviour = behaviour);
    }

    /// The present configuration of the router.
    #[must_use]
    pub fn system(&self) -> System {
        self.shared.peek(|router| router.exchange.system.clone())
    }

    /// An administrator types at the console: directory numbers and the buttons of phones that are there.
    pub fn configure(&self, change: impl FnOnce(&mut System)) {
        self.shared.act_now(|router| change(&mut router.exchange.system));
    }

    /// Somebody pastes a text at the console.
    ///
    /// # Errors
    /// The first line that IOS does not take, and its words.
    pub fn paste(&self, text: &str) -> Result<(), (String, String)> {
        let around = ["enable", "configure terminal", "write memory"];
        let lines: Vec<&str> = text.lines().filter(|line| !around.contains(&line.trim())).collect();
        let knobs = self.shared.xml().knobs();
        let result = crate::xml::run(&self.shared, &knobs, Some(15), lines.iter().copied());
        match result.line.checked_sub(1).and_then(|at| lines.get(at)) {
            None => Ok(()),
            Some(line) => Err(((*line).to_owned(), result.error)),
        }
    }

    /// The switches of the XML interface.
    #[must_use]
    pub fn xml_knobs(&self) -> XmlKnobs {
        self.shared.xml().knobs()
    }

    /// Replaces the switches of the XML interface.
    pub fn set_xml_knobs(&self, knobs: XmlKnobs) {
        self.shared.xml().set_knobs(knobs);
    }

    /// How many XML requests were taken, the largest number at once, and how often the configuration was saved.
    #[must_use]
    pub fn xml_counts(&self) -> (u64, u32, u64) {
        let xml = self.shared.xml();
        (xml.requests(), xml.peak_outstanding(), xml.saves())
    }

    /// The bodies of the XML requests that change something (`ISexecCLI`, `ISSaveConfig`), in their order, whatever came of them.
    #[must_use]
    pub fn xml_changes(&self) -> Vec<String> {
        self.shared.xml().changes()
    }

    /// The twin ends: listeners close, connections drop.
    pub async fn stop(&self) {
        self.shared.act_now(|router| router.kill_connections(false));
        self.shared.stop.cancel();
        // Listeners hold the other end of this; when it is closed the ports are free.
        let mut doors = self.ports.doors.lock().await;
        while doors.recv().await.is_some() {}
    }

    /// The router restarts: TCP is reset, both interfaces refuse connections for so long, sessions, registrations, monitors and calls are gone, times
    /// and the reference identifier start anew. Returns when it listens again; the phones register by themselves afterwards.
    pub async fn reload(&self, down: Duration) {
        let mut doors = self.ports.doors.lock().await;
        let phones = self.shared.act_now(|router| router.go_down(Instant::now()));
        self.shared.up.send_replace(false);
        let _ = (doors.recv().await, doors.recv().await);
        tokio::time::sleep(down).await;
        let gap = 2000 / u64::try_from(phones.len().max(1)).unwrap_or(1);
        self.shared.act_now(|router| router.come_up(Instant::now(), &phones, 200, gap.min(20)));
        self.shared.up.send_replace(true);
        let _ = (doors.recv().await, doors.recv().await);
    }
}
