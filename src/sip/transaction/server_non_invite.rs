//! Non-INVITE server transactions (RFC 3261 17.2.2): who waits for an answer, and answers kept for repetition.
//! Timer J would be zero on TCP. CME: answers are kept, because the router repeats a request with the same branch on
//! a new connection when ours with the answer broke (dossier 15c). All live equally long, so one queue is timer enough.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::sip::transaction::timers::Timers;

/// Entries beyond this number push the oldest out: the peer decides how many there are.
const LIMIT: usize = 16_384;

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Never seen.
    New,
    /// Seen, the user has not answered yet.
    Waiting,
    /// Answered with these octets.
    Answered(Bytes),
}

/// The non-INVITE server transactions of one peer, across all flows.
#[derive(Debug, Default)]
pub struct Answers {
    entries: HashMap<Arc<[u8]>, Option<Bytes>>,
    order: VecDeque<(Instant, Arc<[u8]>)>,
}

impl Answers {
    /// Looks a request up.
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Known {
        match self.entries.get(key) {
            None => Known::New,
            Some(None) => Known::Waiting,
            Some(Some(bytes)) => Known::Answered(bytes.clone()),
        }
    }

    /// Notes a new request.
    pub fn open(&mut self, now: Instant, key: Box<[u8]>, timers: &Timers) {
        self.expire(now);
        if self.order.len() >= LIMIT
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        let key: Arc<[u8]> = key.into();
        if self.entries.insert(Arc::clone(&key), None).is_none() {
            self.order.push_back((now + timers.answer_cache, key));
        }
    }

    /// Notes the answer to a request that was opened.
    pub fn close(&mut self, key: &[u8], answer: Bytes) {
        if let Some(slot) = self.entries.get_mut(key) {
            *slot = Some(answer);
        }
    }

    /// Forgets what is too old.
    pub fn expire(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, key)) = self.order.pop_front() {
                self.entries.remove(&key);
            }
        }
    }

    /// Number of requests remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
