//! The protocol trace: the last messages of each PBX, and what clients asked and were told meanwhile.
//!
//! It is kept in memory within a number of bytes. Credentials never enter it; numbers and names are hidden when it is
//! read, unless an administrator asks for them.

mod ladder;
mod pcap;
mod ring;
mod secret;
mod tap;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{CallId, LineId, PbxId, Timestamp};
use crate::io::hep::HepExport;
pub(super) use ladder::{Known, Unfound, ladder, last_steps};
pub use ladder::{Layer, TraceItem, Way};
use ring::{Entry, Kept};
pub(super) use tap::Tap;

/// Bytes that are kept of each PBX when nothing else is said.
pub const DEFAULT_BYTES: usize = 4 << 20;

/// The traces of all PBXs; cloning gives another handle.
#[derive(Debug, Clone)]
pub struct Trace(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pbxs: Mutex<HashMap<PbxId, Arc<Mutex<Kept>>>>,
    bytes: usize,
    export: Option<HepExport>,
    seq: AtomicU64,
}

impl Shared {
    fn next(&self) -> u64 {
        self.seq.fetch_add(1, Ordering::Relaxed)
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new(DEFAULT_BYTES, None)
    }
}

/// What is wanted of the trace.
#[derive(Debug, Clone, Default)]
pub struct TraceQuery {
    /// Only of this PBX.
    pub pbx: Option<PbxId>,
    /// Only of this line.
    pub line: Option<LineId>,
    /// Only what concerns this call.
    pub call: Option<CallId>,
    /// Only from this time on.
    pub since: Option<Timestamp>,
    /// Only behind this number.
    pub after: Option<u64>,
    /// So many at most.
    pub limit: usize,
    /// With numbers, names and addresses.
    pub full: bool,
    /// The lines that may be seen; without it everything.
    pub visible: Option<Vec<LineId>>,
}

/// What is kept of one PBX, as it was when it was read.
#[derive(Debug)]
struct OfPbx {
    pbx: PbxId,
    entries: Vec<Entry>,
    /// The line of each SIP dialog.
    lines: HashMap<String, LineId>,
}

impl Trace {
    /// Keeps so many bytes of each PBX (0 keeps nothing), and exports SIP messages if wanted.
    pub fn new(bytes: usize, export: Option<HepExport>) -> Self {
        // Not from 0: a cursor of an earlier run must not fit by chance. Below 2^53, which JavaScript and jq count to.
        let seq = AtomicU64::new(u64::try_from(super::journal::wall_clock().unix_ms()).unwrap_or(0) << 11);
        Self(Arc::new(Shared { pbxs: Mutex::default(), bytes, export, seq }))
    }

    /// Whether anything is kept.
    pub fn is_on(&self) -> bool {
        self.0.bytes > 0
    }

    fn pbxs(&self) -> std::sync::MutexGuard<'_, HashMap<PbxId, Arc<Mutex<Kept>>>> {
        self.0.pbxs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tap of a link.
    pub(super) fn tap(&self, pbx: &PbxId) -> Tap {
        let kept = self.is_on().then(|| {
            let kept = || Arc::new(Mutex::new(Kept::new(self.0.bytes)));
            Arc::clone(self.pbxs().entry(pbx.clone()).or_insert_with(kept))
        });
        Tap::new(self, kept)
    }

    /// A PBX is deleted, and its trace with it.
    pub(super) fn forget(&self, pbx: &PbxId) {
        self.pbxs().remove(pbx);
    }

    /// What is kept of the wanted PBXs.
    fn of(&self, pbx: Option<&PbxId>) -> Vec<OfPbx> {
        let found: Vec<_> = self
            .pbxs()
            .iter()
            .filter(|(id, _)| pbx.is_none_or(|wanted| wanted == *id))
            .map(|(id, kept)| (id.clone(), Arc::clone(kept)))
            .collect();
        let read = |(pbx, kept): (PbxId, Arc<Mutex<Kept>>)| {
            let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            OfPbx { pbx, entries: kept.all(), lines: kept.lines() }
        };
        found.into_iter().map(read).collect()
    }
}

/// The SIP messages that are wanted as a capture file, with numbers.
pub(super) fn capture(trace: &Trace, query: &TraceQuery) -> Result<Vec<u8>, Unfound> {
    Ok(pcap::write(&ladder::select(trace, query)?))
}
