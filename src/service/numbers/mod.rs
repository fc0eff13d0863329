//! The numbers of each PBX: its rules and location as the links and the API use them.
//!
//! The gateway changes them, the links read them: a plan is made once for each change and shared.

mod document;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) use document::{
    Given, NumberRules, Tested, cleaned, guard, guard_settings, import_errors, read_body, read_given_lists,
    read_replay, read_test, refuse_failed_samples, row, rule_errors,
};

use super::error::{Code, ServiceError};
use super::pbx::PbxSettings;
use crate::domain::PbxId;
use crate::domain::numbers::{DialError, DialStringError, NumberPlan, NumberRange};
use crate::domain::rules::RuleSet;

/// The rules and the plan of a PBX.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    /// The document of the rules.
    pub(super) rules: Arc<NumberRules>,
    /// Rules and location together.
    pub(super) plan: Arc<NumberPlan>,
}

/// The numbers of every PBX. Cloning gives another handle.
#[derive(Debug, Clone, Default)]
pub(super) struct NumberPlans(Arc<Mutex<HashMap<PbxId, Numbers>>>);

impl NumberPlans {
    fn lock(&self) -> MutexGuard<'_, HashMap<PbxId, Numbers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of a PBX; without rules and location when it has none.
    pub(super) fn of(&self, pbx: &PbxId) -> Numbers {
        self.lock().get(pbx).cloned().unwrap_or_default()
    }

    /// New rules.
    pub(super) fn set(&self, pbx: &PbxId, settings: &PbxSettings, rules: NumberRules) {
        let plan = plan(settings, Arc::clone(&rules.set));
        self.lock().insert(pbx.clone(), Numbers { rules: Arc::new(rules), plan: Arc::new(plan) });
    }

    /// New settings; the rules stay.
    pub(super) fn configure(&self, pbx: &PbxId, settings: &PbxSettings) {
        let mut all = self.lock();
        let numbers = all.entry(pbx.clone()).or_default();
        numbers.plan = Arc::new(plan(settings, Arc::clone(&numbers.rules.set)));
    }

    /// The PBX is gone.
    pub(super) fn forget(&self, pbx: &PbxId) {
        self.lock().remove(pbx);
    }
}

/// Settings and rules together.
pub(super) fn plan(settings: &PbxSettings, rules: Arc<RuleSet>) -> NumberPlan {
    let location = &settings.location;
    NumberPlan {
        // Settings that cannot be used are refused when they are written.
        location: location.enabled.then(|| location.parsed().ok()).flatten(),
        internal: settings
            .internal_numbers
            .iter()
            .filter_map(|range| NumberRange::new(&range.from, &range.to))
            .collect(),
        rules,
        emergency: settings.emergency_numbers.clone(),
        outside_line: location.outside_line.clone(),
    }
}

/// Why a text cannot be dialled, for the caller.
pub(super) fn undialable(error: &DialError, pointer: &str) -> ServiceError {
    let hint = match error {
        DialError::Text(DialStringError::Empty) => "Give at least one digit, or leave `to` out for a dial tone call.",
        DialError::Text(DialStringError::TooLong) => "Check the number.",
        DialError::NotWhole { .. } => "Write the whole number, for example +49 30 1234567, or what a phone here dials.",
        DialError::Text(_) => "Numbers have digits, *, #, a leading + and the separators space - . / ( ).",
        _ => "Dial another number, or change the dialing rules of this PBX (PUT /api/v1/pbxs/{pbx}/number-rules).",
    };
    ServiceError::new(Code::InvalidNumber, format!("This cannot be dialled: {error}."))
        .with_hint(hint)
        .with_field(pointer, error.to_string())
}
