//! What a field test saw: the messages of its own sessions, by the step in which they came.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;

/// Messages kept of one test, and their bytes: a PBX that floods ends the record, not the gateway.
const MESSAGES: usize = 4000;
const BYTES: usize = 4 << 20;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::service) enum Direction {
    /// To the PBX.
    Sent,
    /// From the PBX.
    Received,
}

impl Direction {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
        }
    }
}

/// One message of the wire.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub(super) step: u8,
    pub(super) at_ms: u64,
    pub(super) direction: Direction,
    pub(super) bytes: Bytes,
}

/// The record of one test; cloning gives another handle.
#[derive(Debug, Clone)]
pub(in crate::service) struct Record(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    step: u8,
    wires: Vec<Wire>,
    bytes: usize,
    lost: usize,
}

impl Record {
    pub(super) fn new(began: Instant) -> Self {
        Self(Arc::new(Mutex::new(Inner { began, step: 0, wires: Vec::new(), bytes: 0, lost: 0 })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message went over the wire.
    pub(in crate::service) fn wire(&self, direction: Direction, bytes: &Bytes) {
        let mut inner = self.inner();
        if inner.wires.len() >= MESSAGES || inner.bytes + bytes.len() > BYTES {
            inner.lost += 1;
            return;
        }
        inner.bytes += bytes.len();
        let at_ms = u64::try_from(inner.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let step = inner.step;
        inner.wires.push(Wire { step, at_ms, direction, bytes: bytes.clone() });
    }

    /// What follows belongs to this step.
    pub(super) fn step(&self, step: u8) {
        self.inner().step = step;
    }

    /// All messages, and how many were too many.
    pub(super) fn all(&self) -> (Vec<Wire>, usize) {
        let inner = self.inner();
        (inner.wires.clone(), inner.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_ends_the_record() {
        let record = Record::new(Instant::now());
        record.step(3);
        for _ in 0..MESSAGES + 5 {
            record.wire(Direction::Received, &Bytes::from_static(b"INFO"));
        }
        let (wires, lost) = record.all();
        assert_eq!((wires.len(), lost), (MESSAGES, 5));
        assert!(wires.iter().all(|wire| wire.step == 3));
    }
}
