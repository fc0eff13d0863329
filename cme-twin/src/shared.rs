//! What all tasks of a twin share: the router behind one lock, and the ways out of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::fault::Faults;
use crate::router::{Output, Router};
use crate::xml::XmlState;

/// An order to the writer of a connection.
#[derive(Debug)]
pub(crate) enum Order {
    Bytes(Vec<u8>),
    Close { reset: bool },
    Freeze,
}

/// A connection that shall be opened.
pub(crate) type Opening = (u64, SocketAddr, mpsc::UnboundedReceiver<Order>);

#[derive(Debug)]
pub(crate) struct Shared {
    router: Mutex<Router>,
    writers: Mutex<HashMap<u64, mpsc::UnboundedSender<Order>>>,
    openings: mpsc::UnboundedSender<Opening>,
    xml: XmlState,
    serial: AtomicU64,
    /// The router's deadline may have moved.
    pub(crate) moved: Notify,
    pub(crate) changes: watch::Sender<u64>,
    /// Whether the router is up; listeners close while it is not.
    pub(crate) up: watch::Sender<bool>,
    pub(crate) stop: CancellationToken,
    /// Bytes one by one; messages together within so many milliseconds.
    manner: Mutex<(bool, u64)>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(router: Router, xml: XmlState, openings: mpsc::UnboundedSender<Opening>) -> Self {
        let manner = Mutex::new((router.faults.split_bytes, router.faults.coalesce));
        Self {
            router: Mutex::new(router),
            writers: Mutex::new(HashMap::new()),
            openings,
            xml,
            serial: AtomicU64::new(1),
            moved: Notify::new(),
            changes: watch::Sender::new(0),
            up: watch::Sender::new(true),
            stop: CancellationToken::new(),
            manner,
        }
    }

    pub(crate) fn xml(&self) -> &XmlState {
        &self.xml
    }

    pub(crate) fn manner(&self) -> (bool, u64) {
        *locked(&self.manner)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *locked(&self.manner) = (faults.split_bytes, faults.coalesce);
        self.act_now(|router| router.faults = faults);
    }

    /// Reads the router.
    pub(crate) fn with_router<R>(&self, read: impl FnOnce(&Router) -> R) -> R {
        let mut router = locked(&self.router);
        let now = Instant::now();
        let due = router.deadline().is_some_and(|deadline| deadline <= now);
        router.advance(now);
        let result = read(&router);
        self.send_out(&mut router);
        drop(router);
        if due {
            self.changes.send_modify(|count| *count += 1);
        }
        result
    }

    /// Reads the router as it is, without letting time go on.
    pub(crate) fn peek<R>(&self, read: impl FnOnce(&Router) -> R) -> R {
        read(&locked(&self.router))
    }

    /// Does something to the router now, sends what comes of it and tells that something changed.
    pub(crate) fn act_now<R>(&self, act: impl FnOnce(&mut Router) -> R) -> R {
        let mut router = locked(&self.router);
        router.advance(Instant::now());
        let result = act(&mut router);
        router.flush_events();
        self.send_out(&mut router);
        drop(router);
        self.changes.send_modify(|count| *count += 1);
        self.moved.notify_one();
        result
    }

    pub(crate) fn violation(&self, rule: &str, text: String, message: &[u8]) {
        self.act_now(|router| router.violations.add(rule, text, message));
    }

    pub(crate) fn xml_account(&self) -> (String, String) {
        self.peek(|router| (router.exchange.system.xml_user.clone(), router.exchange.system.xml_password.clone()))
    }

    /// A number and an order queue for an accepted connection.
    pub(crate) fn new_connection(&self) -> (u64, mpsc::UnboundedReceiver<Order>) {
        let conn = self.serial.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::unbounded_channel();
        locked(&self.writers).insert(conn, sender);
        (conn, receiver)
    }

    pub(crate) fn forget_connection(&self, conn: u64) {
        locked(&self.writers).remove(&conn);
    }

    /// Hands what the router wants to the connections; the router is locked, so that the order stays.
    fn send_out(&self, router: &mut Router) {
        let mut writers = None;
        while let Some(output) = router.poll() {
            let writers = writers.get_or_insert_with(|| locked(&self.writers));
            let (conn, order) = match output {
                Output::Open { conn, to } => {
                    let (sender, receiver) = mpsc::unbounded_channel();
                    writers.insert(conn, sender);
                    let _ = self.openings.send((conn, to, receiver));
                    continue;
                }
                Output::Send { conn, bytes } => (conn, Order::Bytes(bytes)),
                Output::Close { conn, reset } => (conn, Order::Close { reset }),
                Output::Freeze { conn } => (conn, Order::Freeze),
            };
            let closes = matches!(order, Order::Close { .. });
            if let Some(writer) = writers.get(&conn) {
                let _ = writer.send(order);
            }
            if closes {
                writers.remove(&conn);
            }
        }
    }
}
