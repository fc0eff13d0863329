//! Who reads the event stream now (`GET /clients`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};

use super::auth::{Principal, wall_clock};
use super::serve::Peer;
use crate::domain::{Timestamp, TokenId};

/// How a reader reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClientKind {
    /// WebSocket.
    Websocket,
    /// Server-sent events.
    Sse,
    /// Long polling, while it waits.
    Polling,
}

/// A reader.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: u64,
    pub(super) kind: ClientKind,
    pub(super) host: Option<String>,
    pub(super) version: Option<String>,
    pub(super) token: Arc<str>,
    pub(super) token_id: TokenId,
    pub(super) since: Timestamp,
    complete: AtomicU64,
}

impl Client {
    /// The number up to which it is complete.
    pub(super) fn complete(&self) -> u64 {
        self.complete.load(Ordering::Relaxed)
    }
}

/// The readers of the moment.
#[derive(Default)]
pub(super) struct Clients {
    readers: Arc<Mutex<BTreeMap<u64, Arc<Client>>>>,
    next: AtomicU64,
}

/// A reader's entry; it ends when this is dropped.
pub(super) struct Registration {
    readers: Arc<Mutex<BTreeMap<u64, Arc<Client>>>>,
    client: Arc<Client>,
}

impl Clients {
    /// Enters a reader.
    pub(super) fn enter(
        &self,
        kind: ClientKind,
        principal: &Principal,
        peer: Option<&Peer>,
        headers: &HeaderMap,
        seq: u64,
    ) -> Registration {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let version = headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .map(|text| text.chars().take(200).collect());
        let client = Arc::new(Client {
            id,
            kind,
            host: peer.map(|peer| peer.address().to_string()),
            version,
            token: Arc::clone(&principal.name),
            token_id: principal.token_id.clone(),
            since: wall_clock(),
            complete: AtomicU64::new(seq),
        });
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.insert(id, Arc::clone(&client));
        metrics::gauge!("linegate_readers").set(count(&readers));
        Registration { readers: Arc::clone(&self.readers), client }
    }

    /// All of them, in the order of their coming.
    pub(super) fn list(&self) -> Vec<Arc<Client>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// As a metric: exact far beyond any number of sockets.
fn count(readers: &BTreeMap<u64, Arc<Client>>) -> f64 {
    f64::from(u32::try_from(readers.len()).unwrap_or(u32::MAX))
}

impl Registration {
    /// Notes how far the reader is.
    pub(super) fn reached(&self, seq: u64) {
        self.client.complete.store(seq, Ordering::Relaxed);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.remove(&self.client.id);
        metrics::gauge!("linegate_readers").set(count(&readers));
    }
}
