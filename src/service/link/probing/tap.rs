//! What goes over the wire for a field test, cut into messages: those of its own sessions, and the registration.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use crate::service::probe::{Direction, Record};
use crate::sip::wire::frame::{Frame, Framer};
use crate::sip::{Strictness, parse};

/// Sees every byte while a test runs, and keeps what belongs to it.
pub(super) struct Tap {
    record: Record,
    calls: HashSet<String>,
    framers: HashMap<(Direction, u64), Framer>,
}

impl Tap {
    pub(super) fn new(record: Record) -> Self {
        Self { record, calls: HashSet::new(), framers: HashMap::new() }
    }

    /// Messages of this dialog belong to the test.
    pub(super) fn follow(&mut self, call_id: String) {
        self.calls.insert(call_id);
    }

    pub(super) fn sent(&mut self, flow: u64, data: &Bytes) {
        self.take(Direction::Sent, flow, data);
    }

    pub(super) fn received(&mut self, flow: u64, data: &Bytes) {
        self.take(Direction::Received, flow, data);
    }

    fn take(&mut self, direction: Direction, flow: u64, data: &Bytes) {
        let framer = self.framers.entry((direction, flow)).or_default();
        framer.feed(data.clone());
        loop {
            match framer.take() {
                Ok(Some(Frame::Message(message))) => {
                    if is_of_interest(&message, &self.calls) {
                        self.record.wire(direction, &message);
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => return,
                // The test began in the middle of a message: from the next piece on it may fit again.
                Err(_) => {
                    self.framers.remove(&(direction, flow));
                    return;
                }
            }
        }
    }
}

fn is_of_interest(message: &Bytes, calls: &HashSet<String>) -> bool {
    let Ok(message) = parse(message.clone(), Strictness::Router) else { return false };
    let is_register = message.cseq().is_some_and(|cseq| cseq.method == b"REGISTER");
    is_register || message.call_id().and_then(|id| std::str::from_utf8(id).ok()).is_some_and(|id| calls.contains(id))
}
