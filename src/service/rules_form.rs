//! Number rules as people write them, checked without a PBX that they belong to yet.

use std::sync::Arc;

use serde_json::Value;

use super::error::ServiceError;
use super::numbers::{Given, NumberRules, guard, plan, read_body, refuse_failed_samples, rule_errors};
use super::pbx::PbxSettings;

/// Rules with every field, after all checks that a PUT of them makes. With `force`, failed samples and lost emergency
/// numbers are let through as there.
///
/// # Errors
/// Names the field or the rule that cannot be used.
pub fn checked(settings: &PbxSettings, body: Value, force: bool) -> Result<Value, ServiceError> {
    let rules = NumberRules::compile(read_body(body)?).map_err(|errors| rule_errors(&errors, ""))?;
    if !force {
        guard(&plan(settings, Arc::clone(&rules.set)))?;
        refuse_failed_samples(&rules)?;
    }
    Ok(complete(&rules))
}

/// The same fields of rules that a gateway shows.
///
/// # Errors
/// When they are no rules that this release knows.
pub fn shown(body: Value) -> Result<Value, ServiceError> {
    let rules = NumberRules::compile(read_body(body)?).map_err(|errors| rule_errors(&errors, ""))?;
    Ok(complete(&rules))
}

fn complete(rules: &NumberRules) -> Value {
    // Texts and flags only: it always serialises.
    serde_json::to_value(Given::of(rules)).unwrap_or_default()
}
