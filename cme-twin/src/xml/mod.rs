//! The XML interface of the simulated router: `POST /ios_xml_app/cme`, HTTP Basic, XML in, XML out (dossier `axl-cme`).
//!
//! The records are made at the moment of the request from the system's configuration and the live state of the telephony model, so that a
//! phone that was unplugged, a user who logged in or a line that is in a call shows here as it does on the CSTA side.
//!
//! Every choice that the documents leave open is a field of [`XmlKnobs`].

mod commands;
mod device;
mod element;
mod envelope;
mod extension;
mod global;
mod http;
mod knobs;
mod reply;
mod request;
mod view;

pub use knobs::{
    BodyFraming, Dialect, EnvelopeNamespace, HttpFailure, OverflowStyle, OverloadStyle, PathStyle, RecordProfile, SaveResult, XmlKnobs,
    XmlQuirks, XsiType,
};

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The state of the XML endpoint that the control API sees too. One per twin; keep it in an `Arc` in the twin's shared handle.
#[derive(Debug, Default)]
pub struct XmlState {
    knobs: Mutex<XmlKnobs>,
    outstanding: AtomicU32,
    peak: AtomicU32,
    requests: AtomicU64,
    saves: AtomicU64,
}

impl XmlState {
    /// A state with these knobs.
    #[must_use]
    pub fn new(knobs: XmlKnobs) -> Self {
        Self { knobs: Mutex::new(knobs), ..Self::default() }
    }

    /// A copy of the present knobs.
    #[must_use]
    pub fn knobs(&self) -> XmlKnobs {
        self.lock().clone()
    }

    /// Replaces the knobs; requests that are under way keep the old ones.
    pub fn set_knobs(&self, knobs: XmlKnobs) {
        *self.lock() = knobs;
    }

    /// How many requests were taken since the start.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The largest number of requests that were outstanding at once.
    #[must_use]
    pub fn peak_outstanding(&self) -> u32 {
        self.peak.load(Ordering::Relaxed)
    }

    /// How often the configuration was saved (`ISSaveConfig`).
    #[must_use]
    pub fn saves(&self) -> u64 {
        self.saves.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, XmlKnobs> {
        self.knobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
