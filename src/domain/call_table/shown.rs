//! The numbers of parties as applications see them, by the rules and the location of the PBX.

use std::collections::HashMap;
use std::sync::Arc;

use super::CallTable;
use crate::domain::call::{Call, Direction};
use crate::domain::numbers::{NumberPlan, Shown};
use crate::domain::timestamp::Moment;

/// Numbers that are remembered with their form.
const MEMORY: usize = 4096;

/// The plan, and what it made of the numbers seen so far: a signal costs a look-up, not a run of the rules.
#[derive(Debug, Default)]
pub(super) struct ShownNumbers {
    plan: Arc<NumberPlan>,
    inbound: HashMap<String, Shown>,
    outbound: HashMap<String, Shown>,
}

impl ShownNumbers {
    /// Forgets what it made, for what belongs to the PBX changed.
    pub(super) fn forget(&mut self) {
        self.inbound.clear();
        self.outbound.clear();
    }

    pub(super) fn is_internal(&self, names: &HashMap<String, String>, raw: &str) -> bool {
        names.contains_key(raw)
            || self.plan.is_internal(raw)
            || self.plan.extension_of(raw).is_some_and(|extension| names.contains_key(extension))
    }

    fn shown(&mut self, direction: Direction, raw: &str, names: &HashMap<String, String>) -> &Shown {
        let internal = self.is_internal(names, raw);
        let memory = match direction {
            Direction::Inbound => &mut self.inbound,
            Direction::Outbound => &mut self.outbound,
        };
        if memory.len() >= MEMORY && !memory.contains_key(raw) {
            memory.clear();
        }
        let plan = &self.plan;
        memory.entry(raw.to_owned()).or_insert_with(|| plan.shown(direction, raw, internal))
    }

    /// Gives every party of a call the number that applications see.
    pub(super) fn show(&mut self, call: &mut Call, names: &HashMap<String, String>) {
        let direction = call.direction;
        for party in [&mut call.caller, &mut call.called, &mut call.connected, &mut call.redirecting] {
            let Some(raw) = &party.raw else { continue };
            let shown = self.shown(direction, raw, names);
            if party.number.as_ref() != Some(&shown.number) {
                party.number = Some(shown.number.clone());
            }
            party.e164.clone_from(&shown.e164);
        }
        for participant in &mut call.participants {
            let Some(raw) = &participant.raw else { continue };
            let shown = self.shown(direction, raw, names);
            if participant.number.as_ref() != Some(&shown.number) {
                participant.number = Some(shown.number.clone());
            }
        }
    }
}

impl CallTable {
    /// The rules and the location.
    pub fn plan(&self) -> &Arc<NumberPlan> {
        &self.shown.plan
    }

    /// Takes new rules or a new location; living calls get their new numbers.
    pub fn use_plan(&mut self, at: Moment, plan: Arc<NumberPlan>) {
        self.shown = ShownNumbers { plan, ..ShownNumbers::default() };
        for id in self.ids_by_age() {
            self.change_by(at, &id, super::Actor::Gateway, |_| {});
        }
    }
}
