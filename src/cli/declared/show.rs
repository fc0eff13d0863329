//! A plan as people and programs read it.

use serde_json::{Value, json};

use super::super::{Failure, output};
use crate::config::declared::{Difference, Plan, Step};

/// Prints what would change.
pub(super) fn plan(plan: &Plan, is_json: bool) -> Result<(), Failure> {
    if is_json {
        let steps: Vec<Value> = plan.steps.iter().map(step_json).collect();
        output::json(&json!({"steps": steps, "notes": plan.notes}))?;
        return Ok(());
    }
    for step in &plan.steps {
        output::line(&format!("{}: {}", title(step), step.act.word()))?;
        for difference in &step.differences {
            output::line(&format!("  {}", difference_line(difference)))?;
        }
    }
    for note in &plan.notes {
        output::progress(note);
    }
    output::line(&summary(plan))?;
    Ok(())
}

fn summary(plan: &Plan) -> String {
    if plan.steps.is_empty() {
        return "Nothing to change.".to_owned();
    }
    let count = |word: &str| plan.steps.iter().filter(|step| step.act.word() == word).count();
    format!("{} to create, {} to change, {} to delete.", count("create"), count("change"), count("delete"))
}

/// What a step is about.
pub(super) fn title(step: &Step) -> String {
    match step.title.as_str() {
        "" => format!("PBX {}", step.pbx),
        title => format!("PBX {}, {title}", step.pbx),
    }
}

fn difference_line(one: &Difference) -> String {
    let shown = |value: &Value| match value {
        Value::Object(rule) if rule.contains_key("search") => {
            let part = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
            let mut told = format!("{} → {}", part("search"), part("replace"));
            if part("match") == "text" {
                told.push_str(" (text)");
            }
            if rule.get("enabled") == Some(&Value::Bool(false)) {
                told.push_str(" (off)");
            }
            told
        }
        Value::String(text) if text.starts_with('(') => text.clone(),
        other => other.to_string(),
    };
    match (&one.before, &one.after) {
        (Some(before), Some(after)) => format!("~ {}: {} → {}", one.path, shown(before), shown(after)),
        (Some(before), None) => format!("- {}: {}", one.path, shown(before)),
        (None, Some(after)) => format!("+ {}: {}", one.path, shown(after)),
        (None, None) => one.path.clone(),
    }
}

/// A step for programs.
pub(super) fn step_json(step: &Step) -> Value {
    let differences: Vec<Value> = step
        .differences
        .iter()
        .map(|one| json!({"path": one.path, "before": one.before, "after": one.after}))
        .collect();
    json!({"action": step.act.word(), "pbx": step.pbx, "about": step.title, "differences": differences})
}
