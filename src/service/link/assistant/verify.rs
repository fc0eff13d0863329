//! Real monitors prove an apply: the sessions of the lines it is about are opened anew, and their monitors are awaited.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::super::registrar::State;
use super::super::seat::Phase;
use super::super::task::LinkTask;
use super::super::timers::Timer;
use crate::domain::LineId;
use crate::domain::call_table::SeatId;
use crate::service::assistant::{Unverified, Verification};
use crate::service::pbx::RegisterMode;

/// Longest wait for the monitors: a registration that is out unanswered ends after 32 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(45);
/// How often a line that failed is tried again meanwhile.
const AGAIN: Duration = Duration::from_secs(2);

/// What an apply is about.
#[derive(Debug)]
pub(in crate::service::link) enum Scope {
    /// Nothing is to be proved.
    Nothing,
    /// Every line.
    All,
    /// These lines.
    Lines(Vec<LineId>),
    /// The addresses with these numbers.
    Numbers(BTreeSet<String>),
}

/// A verification under way.
#[derive(Debug)]
pub(in crate::service::link) struct Verifying {
    seats: Vec<SeatId>,
    deadline: Instant,
    /// Addresses that were monitored when the job began.
    before: Vec<SeatId>,
    done: oneshot::Sender<Verification>,
}

impl LinkTask {
    /// Begins to prove; the outcome goes to `done`.
    pub(in crate::service::link) fn verify(
        &mut self,
        scope: Scope,
        before: Vec<SeatId>,
        patience: Duration,
        done: oneshot::Sender<Verification>,
    ) {
        let is_meant = |line: &LineId, number: &str| match &scope {
            Scope::Nothing => false,
            Scope::All => true,
            Scope::Lines(lines) => lines.contains(line),
            Scope::Numbers(numbers) => numbers.contains(number),
        };
        let enabled =
            self.lines.iter().filter(|(_, entry)| entry.row.body.enabled && entry.row.body.missing_since.is_none());
        let mut seats: Vec<SeatId> = enabled
            .flat_map(|(line, entry)| entry.seats.iter().map(move |seat| (line, *seat)))
            .filter(|(line, id)| self.seats.get(id).is_some_and(|seat| is_meant(line, &seat.number)))
            .map(|(_, id)| id)
            .collect();
        seats.sort();
        let deadline = self.now() + patience;
        self.verifying.push(Verifying { seats, deadline, before, done });
        self.press_on();
        self.check_verification();
    }

    /// Asks again for what is not there yet.
    fn press_on(&mut self) {
        if self.verifying.is_empty() {
            return;
        }
        let seats: BTreeSet<SeatId> = self.verifying.iter().flat_map(|one| one.seats.iter().copied()).collect();
        let is_needed = self.dialect.register.mode != RegisterMode::Never && !seats.is_empty();
        if is_needed && !matches!(self.registrar.state, State::Registered | State::Asking) && self.net.is_connected() {
            self.greet();
        }
        for id in seats {
            if self.seats.get(&id).is_some_and(|seat| seat.phase == Phase::Waiting) {
                self.enqueue(id);
            }
        }
        self.timers.set(Timer::Verify, Some(self.now() + AGAIN));
    }

    pub(in crate::service::link) fn on_verify_time(&mut self) {
        self.press_on();
    }

    /// Whether everything is proved, or cannot be: called at the end of each turn.
    pub(in crate::service::link) fn check_verification(&mut self) {
        let now = self.now();
        let is_settled = |id: &SeatId| match self.seats.get(id).map(|seat| seat.phase) {
            Some(Phase::Active) | None => true,
            // The router's own configuration says why not: waiting would not help.
            Some(Phase::Waiting) => self.is_explained(*id),
            Some(_) => false,
        };
        let is_over = |one: &Verifying| now >= one.deadline || one.seats.iter().chain(&one.before).all(is_settled);
        let over: Vec<bool> = self.verifying.iter().map(is_over).collect();
        if !over.contains(&true) {
            return;
        }
        let (ended, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.verifying).into_iter().zip(over).partition(|(_, over)| *over);
        self.verifying = open.into_iter().map(|(one, _)| one).collect();
        if self.verifying.is_empty() {
            self.timers.set(Timer::Verify, None);
        }
        for (Verifying { seats, before, done, .. }, _) in ended {
            let proof = self.proof(&seats, &before);
            // After the turn's changes are written: who asked sees the lines.
            self.outbox.after(move |_| {
                // Who asked may have gone.
                let _ = done.send(proof);
            });
        }
    }

    fn proof(&self, seats: &[SeatId], before: &[SeatId]) -> Verification {
        // One address that came does not make up for one that went.
        let is_lost = |id: &&SeatId| self.seats.get(id).is_some_and(|seat| seat.phase != Phase::Active);
        let lost = before.iter().filter(is_lost).count();
        let mut proof = Verification { of: seats.len(), lost, ..Verification::default() };
        for seat in seats.iter().filter_map(|id| self.seats.get(id)) {
            if seat.phase == Phase::Active {
                proof.monitored += 1;
                continue;
            }
            proof.failed.push(Unverified {
                line_id: seat.line.clone(),
                number: seat.number.clone(),
                code: seat.monitor.code.clone(),
                reason: seat.monitor.reason.clone(),
            });
        }
        proof.summary = match (proof.monitored, proof.of) {
            (_, 0) => "There was no line to monitor.".to_owned(),
            (monitored, of) if monitored == of => format!("All {of} addresses are monitored."),
            (monitored, of) => format!("{monitored} of {of} addresses are monitored."),
        };
        proof
    }

    /// Addresses that are monitored now.
    pub(in crate::service::link) fn monitored(&self) -> Vec<SeatId> {
        self.seats.iter().filter(|(_, seat)| seat.phase == Phase::Active).map(|(id, _)| *id).collect()
    }
}
