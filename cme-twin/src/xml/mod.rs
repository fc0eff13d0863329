//! The XML interface of the simulated router: `POST /ios_xml_app/cme`, HTTP Basic, XML in, XML out (dossier `axl-cme`).
//!
//! The records are made at the moment of the request from the system's configuration and the live state of the telephony model, so that a
//! phone that was unplugged, a user who logged in or a line that is in a call shows here as it does on the CSTA side.
//!
//! Every choice that the documents leave open is a field of [`XmlKnobs`].

mod apply;
mod commands;
mod device;
mod element;
mod endpoint;
mod envelope;
mod extension;
mod global;
mod http;
mod knobs;
mod records;
mod reply;
mod request;
mod view;

pub use knobs::{
    BodyFraming, Dialect, EnvelopeNamespace, HttpFailure, OverflowStyle, OverloadStyle, PathStyle, RecordProfile,
    SaveResult, XmlKnobs, XmlQuirks, XsiType,
};

pub(crate) use endpoint::{run, serve};
pub(crate) use http::http_date;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state of the XML endpoint that the control API sees too. One per twin; keep it in an `Arc` in the twin's shared handle.
#[derive(Debug, Default)]
pub(crate) struct XmlState {
    knobs: Mutex<XmlKnobs>,
    outstanding: AtomicU32,
    peak: AtomicU32,
    requests: AtomicU64,
    saves: AtomicU64,
    changes: Mutex<Vec<String>>,
}

impl XmlState {
    /// A state with these knobs.
    pub(crate) fn new(knobs: XmlKnobs) -> Self {
        Self { knobs: Mutex::new(knobs), ..Self::default() }
    }

    /// A copy of the present knobs.
    pub(crate) fn knobs(&self) -> XmlKnobs {
        self.lock().clone()
    }

    /// Replaces the knobs; requests that are under way keep the old ones.
    pub(crate) fn set_knobs(&self, knobs: XmlKnobs) {
        *self.lock() = knobs;
    }

    /// How many requests were taken since the start.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The largest number of requests that were outstanding at once.
    pub(crate) fn peak_outstanding(&self) -> u32 {
        self.peak.load(Ordering::Relaxed)
    }

    /// How often the configuration was saved (`ISSaveConfig`).
    pub(crate) fn saves(&self) -> u64 {
        self.saves.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The bodies of the requests that change something, in their order.
    pub(crate) fn changes(&self) -> Vec<String> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn saw_change(&self, body: &[u8]) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.push(String::from_utf8_lossy(body).into_owned());
    }

    pub(crate) fn saved(&self) {
        self.saves.fetch_add(1, Ordering::Relaxed);
    }

    /// The failure for the next connection; counts it off.
    pub(crate) fn take_failure(&self) -> HttpFailure {
        let mut knobs = self.lock();
        let failure = knobs.failure;
        if failure != HttpFailure::None && knobs.failure_count > 0 {
            knobs.failure_count -= 1;
            if knobs.failure_count == 0 {
                knobs.failure = HttpFailure::None;
            }
        }
        failure
    }

    /// One more request is outstanding until the slot is dropped.
    pub(crate) fn enter(&self) -> Slot<'_> {
        let now = self.outstanding.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        Slot { state: self, now }
    }

    fn lock(&self) -> MutexGuard<'_, XmlKnobs> {
        self.knobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is outstanding.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    state: &'a XmlState,
    now: u32,
}

impl Slot<'_> {
    /// How many were outstanding when this one came, itself included.
    pub(crate) fn outstanding(&self) -> u32 {
        self.now
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.state.outstanding.fetch_sub(1, Ordering::Relaxed);
    }
}
