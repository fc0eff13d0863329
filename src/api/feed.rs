//! One reader of the journal: live from memory while it keeps up, from the store while it does not.
//!
//! A slow reader never slows anybody: it waits only for itself. What its queue could not hold is read from the store at
//! its own pace, then it is live again (api.md, "Events").

use std::sync::Arc;

use super::filter::Filter;
use crate::service::journal::{Event, Journal, Position, Received, Subscription, View};
use crate::store::StoreError;

/// Events read from the store at once.
const BATCH: u32 = 500;

/// What a reader gets next.
#[derive(Debug)]
pub(super) enum Fed {
    /// Events in order, at least one.
    Events(Vec<Event>),
    /// Retention was faster than this reader.
    Gap {
        /// What the reader has.
        requested: Position,
        /// The oldest position that can be resumed from.
        oldest: Position,
    },
}

/// A reader's place in the journal.
pub(super) struct Feed {
    journal: Journal,
    subscription: Subscription,
    filter: Filter,
    /// Every event up to this number was delivered or filtered out.
    done: u64,
    live: bool,
}

/// The oldest position from which nothing is missing.
pub(super) fn oldest(journal: &Journal) -> Position {
    Position { epoch: journal.position().epoch, seq: journal.oldest().saturating_sub(1) }
}

/// Whether the journal can go on from a position.
pub(super) fn can_resume(journal: &Journal, from: &Position) -> bool {
    let now = journal.position();
    from.epoch == now.epoch && from.seq <= now.seq && from.seq >= oldest(journal).seq
}

/// Reads `<epoch>:<seq>`.
pub(super) fn parse_position(text: &str) -> Option<Position> {
    let (epoch, seq) = text.split_once(':')?;
    if epoch.is_empty() || seq.is_empty() || !seq.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Position { epoch: epoch.into(), seq: seq.parse().ok()? })
}

impl Feed {
    /// From what is known now; the view belongs to the feed's place.
    pub(super) fn from_now(journal: &Journal, filter: Filter) -> (Self, Arc<View>) {
        // Subscribed before the view is taken: nothing falls between the two, what is in both is skipped.
        let (subscription, _) = journal.subscribe(filter.interest());
        let view = journal.view();
        let feed = Self { journal: journal.clone(), subscription, filter, done: view.seq, live: true };
        (feed, view)
    }

    /// From a position that [`can_resume`] accepts.
    pub(super) fn resume(journal: &Journal, filter: Filter, seq: u64) -> Self {
        let (subscription, now) = journal.subscribe(filter.interest());
        Self { journal: journal.clone(), subscription, filter, done: seq, live: seq >= now }
    }

    /// Replaces the filter from here on.
    pub(super) fn set_filter(&mut self, filter: Filter) {
        if filter.interest() == self.filter.interest() {
            self.filter = filter;
            return;
        }
        // Another interest is another subscription; what came in between is read from the store.
        let (subscription, now) = self.journal.subscribe(filter.interest());
        self.live = self.live && self.done >= now;
        self.subscription = subscription;
        self.filter = filter;
    }

    /// The filter.
    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The number up to which events were delivered or filtered out.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Starts again from what is known now, after a gap.
    pub(super) fn restart(&mut self) -> Arc<View> {
        let (feed, view) = Self::from_now(&self.journal, self.filter.clone());
        *self = feed;
        view
    }

    /// The number up to which this reader is complete. Every event up to a position is in the queues before the position
    /// is seen, so an empty queue after reading it proves completeness.
    pub(super) fn complete(&self) -> u64 {
        let position = self.journal.position().seq;
        if self.live && self.subscription.is_empty() { position.max(self.done) } else { self.done }
    }

    /// Waits for the next events that pass. May be dropped at any await without losing one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn next(&mut self) -> Result<Fed, StoreError> {
        loop {
            if let Some(fed) = self.next_step().await? {
                return Ok(fed);
            }
        }
    }

    /// Goes on by one batch; `None` when nothing in it passes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn next_step(&mut self) -> Result<Option<Fed>, StoreError> {
        let events = if self.live {
            match self.subscription.next().await {
                Received::Events(events) => events,
                Received::Overflow => {
                    metrics::counter!("linegate_reader_overflows_total").increment(1);
                    self.live = false;
                    return Ok(None);
                }
            }
        } else {
            // Taken before the look: what is below it and not there was removed by retention.
            let written = self.journal.position().seq;
            let read = self.journal.read_after(self.done, BATCH).await?;
            match read.first() {
                None if self.done < written => return Ok(Some(self.gap())),
                None => {
                    self.live = true;
                    return Ok(None);
                }
                Some(first) if first.seq != self.done + 1 => return Ok(Some(self.gap())),
                Some(_) => read,
            }
        };
        let done = self.done;
        self.done = events.last().map_or(done, |last| last.seq.max(done));
        let passing: Vec<Event> =
            events.into_iter().filter(|event| event.seq > done && self.filter.passes(event)).collect();
        Ok((!passing.is_empty()).then_some(Fed::Events(passing)))
    }

    fn gap(&self) -> Fed {
        Fed::Gap {
            requested: Position { epoch: self.journal.position().epoch, seq: self.done },
            oldest: oldest(&self.journal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_strictly() {
        assert_eq!(parse_position("e1:42").map(|p| (p.epoch.to_string(), p.seq)), Some(("e1".to_owned(), 42)));
        for wrong in ["", "e1", "e1:", ":1", "e1:-1", "e1:+1", "e1:x", "e1:99999999999999999999999"] {
            assert!(parse_position(wrong).is_none(), "{wrong}");
        }
    }
}
