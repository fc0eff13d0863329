//! When the XML API is looked at: every phone once in the interval, the whole configuration now and then.

use std::time::{Duration, Instant};

use super::net::sentence;
use super::task::LinkTask;
use super::timers::Timer;
use crate::axl::inventory::LineOptions;

/// The whole configuration is read this often (dossier `axl-cme` 2.6).
const WHOLE_LOAD: Duration = Duration::from_secs(15 * 60);
/// What a load found out in vain is tried anew after this time (dossier `axl-cme` 6).
const FORGET: Duration = Duration::from_secs(24 * 60 * 60);

/// Notices that are shown.
const MOST_NOTICES: usize = 20;

impl LinkTask {
    /// What the last look left out, in sentences.
    pub(super) fn notices(&self) -> Vec<String> {
        let Some(inventory) = &self.discovery.inventory else { return Vec::new() };
        let slow = self.discovery.is_slow.then(|| {
            "a look at all phones takes longer than line_update_interval_s, so changes of phones are seen later: raise \
             `response size` on the router, or the interval"
                .to_owned()
        });
        let lines = inventory.lines(LineOptions::default()).notices;
        let all = slow.into_iter().chain(inventory.warnings.iter().cloned()).chain(lines);
        all.take(MOST_NOTICES).map(|notice| format!("{}.", sentence(&notice))).collect()
    }

    /// The next look is due: at once when somebody waits for it.
    pub(super) fn look_again(&mut self) {
        let now = self.now();
        let began = self.discovery.began_at.unwrap_or(now);
        // The interval is the longest time until a change is seen: it counts from look to look, not from the end of one.
        let next = if self.discovery.is_load_due { now } else { (began + self.poll_interval()).max(now) };
        self.timers.set(Timer::Discovery, Some(next));
    }

    /// Notes when a look begins, and what is due with it.
    pub(super) fn begin_look(&mut self, now: Instant) {
        let discovery = &mut self.discovery;
        let is_old = |at: Option<Instant>, age: Duration| at.is_some_and(|at| now.duration_since(at) >= age);
        discovery.is_load_due |= is_old(discovery.loaded_at, WHOLE_LOAD);
        if is_old(discovery.forgot_at, FORGET) {
            discovery.hints.forget_failures();
            discovery.forgot_at = Some(now);
        }
        discovery.forgot_at.get_or_insert(now);
        discovery.began_at = Some(now);
        if discovery.is_load_due {
            discovery.loaded_at = Some(now);
        }
    }

    /// Tells once when the router is too slow, or too large, for the interval.
    pub(super) fn judge_look(&mut self) {
        let took = self.discovery.began_at.map(|began| self.now().duration_since(began)).unwrap_or_default();
        let is_slow = took > self.poll_interval();
        if is_slow && !self.discovery.is_slow {
            tracing::warn!(
                link.name = %self.row.settings.name, took_s = took.as_secs(), wanted_s = self.poll_interval().as_secs(),
                "a look at all phones takes longer than line_update_interval_s: changes of phones are seen later; raise \
                 `response size` on the router, or the interval"
            );
        }
        self.discovery.is_slow = is_slow;
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_secs(u64::from(self.row.settings.options.line_update_interval_s))
    }
}
