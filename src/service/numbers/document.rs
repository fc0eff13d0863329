//! The document of the number rules: as it comes in a request, as it is stored and as it is shown.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::numbers::NumberPlan;
use crate::domain::rules::{
    Finding, FindingKind, ImportError, ListName, MAX_NUMBER, Rule, RuleError, RuleLists, RuleSet, Sample, Trace,
};
use crate::domain::{DialString, PbxId, Timestamp};
use crate::service::error::{Code, ServiceError};
use crate::store::NumberRulesRow;

/// Samples of a PBX.
const MAX_SAMPLES: usize = 500;
/// Calls of a replay.
const MAX_CALLS: usize = 10_000;
/// Fields that are shown and not set.
const READ_ONLY: [&str; 4] = ["version", "updated_at", "updated_by", "findings"];

/// What is written and stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::service) struct Given {
    /// For the parties of inbound calls.
    pub(in crate::service) incoming: Vec<Rule>,
    /// For the parties of outbound calls.
    pub(in crate::service) outgoing: Vec<Rule>,
    /// For numbers that programs dial.
    pub(in crate::service) dialing: Vec<Rule>,
    /// Examples that must stay true.
    pub(in crate::service) samples: Vec<Sample>,
}

impl Given {
    pub(in crate::service) fn of(rules: &NumberRules) -> Self {
        let lists = rules.set.lists().clone();
        Self {
            incoming: lists.incoming,
            outgoing: lists.outgoing,
            dialing: lists.dialing,
            samples: rules.samples.clone(),
        }
    }

    pub(in crate::service) fn lists(self) -> (RuleLists, Vec<Sample>) {
        (RuleLists { incoming: self.incoming, outgoing: self.outgoing, dialing: self.dialing }, self.samples)
    }
}

/// The rules of a PBX, ready to run.
#[derive(Debug, Default)]
pub(in crate::service) struct NumberRules {
    pub(in crate::service) set: Arc<RuleSet>,
    pub(in crate::service) samples: Vec<Sample>,
    /// 0 while there never were any.
    pub(in crate::service) version: i64,
    pub(in crate::service) updated: Option<(Timestamp, String)>,
}

/// What a GET shows.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    lists: &'a RuleLists,
    samples: &'a [Sample],
    version: i64,
    updated_at: Option<Timestamp>,
    updated_by: Option<&'a str>,
    findings: Vec<Finding>,
}

impl NumberRules {
    /// Compiles what was given or stored.
    ///
    /// # Errors
    /// The rules that cannot be used.
    pub(in crate::service) fn compile(given: Given) -> Result<Self, Vec<RuleError>> {
        let (lists, samples) = given.lists();
        Ok(Self { set: Arc::new(RuleSet::compile(lists)?), samples, version: 0, updated: None })
    }

    /// A stored version.
    pub(in crate::service) fn stored(row: &NumberRulesRow) -> Result<Self, String> {
        let given: Given = serde_json::from_str(&row.body).map_err(|error| error.to_string())?;
        let rules =
            Self::compile(given).map_err(|errors| errors.first().map(ToString::to_string).unwrap_or_default())?;
        Ok(Self { version: row.version, updated: Some((row.at, row.actor.clone())), ..rules })
    }

    /// The parts that differ.
    pub(in crate::service) fn changes(&self, before: &Self) -> Vec<&'static str> {
        let (old, new) = (before.set.lists(), self.set.lists());
        let mut changed: Vec<&'static str> =
            ListName::ALL.into_iter().filter(|name| old.list(*name) != new.list(*name)).map(ListName::as_str).collect();
        if before.samples != self.samples {
            changed.push("samples");
        }
        changed
    }

    /// The document as it is shown.
    pub(in crate::service) fn json(&self, plan: &NumberPlan) -> Bytes {
        let mut findings = self.set.findings().to_vec();
        findings.extend(emergency_findings(plan).into_iter().map(|(_, finding)| finding));
        let shown = Shown {
            lists: self.set.lists(),
            samples: &self.samples,
            version: self.version,
            updated_at: self.updated.as_ref().map(|(at, _)| *at),
            updated_by: self.updated.as_ref().map(|(_, actor)| actor.as_str()),
            findings,
        };
        // Texts and numbers only: it always serialises.
        serde_json::to_vec(&shown).unwrap_or_else(|_| b"{}".to_vec()).into()
    }
}

/// A version as it is stored.
pub(in crate::service) fn row(pbx: &PbxId, rules: &NumberRules) -> NumberRulesRow {
    let (at, actor) = rules.updated.clone().unwrap_or((Timestamp::from_unix_ms(0), String::new()));
    NumberRulesRow {
        pbx_id: pbx.clone(),
        version: rules.version,
        at,
        actor,
        body: serde_json::to_string(&Given::of(rules)).unwrap_or_default(),
    }
}

fn invalid(detail: impl Into<String>) -> ServiceError {
    ServiceError::new(Code::InvalidValue, detail)
}

/// Reads the body of a PUT. What a GET shows may be sent back.
///
/// # Errors
/// Names the field that is wrong or does not exist.
pub(in crate::service) fn read_body(body: Value) -> Result<Given, ServiceError> {
    let Value::Object(mut body) = body else {
        return Err(invalid("The body must be a JSON object: the three lists of rules.")
            .with_hint("Its fields are incoming, outgoing, dialing and samples."));
    };
    for field in READ_ONLY {
        body.remove(field);
    }
    let given: Given = read(body, "")?;
    if given.samples.len() > MAX_SAMPLES {
        return Err(invalid("There are too many samples.")
            .with_hint("Keep those that say the most.")
            .with_field("/samples", format!("At most {MAX_SAMPLES} samples.")));
    }
    Ok(given)
}

/// A test as it comes in a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    direction: ListName,
    number: String,
    #[serde(default)]
    rules: Option<Map<String, Value>>,
}

/// What shall be tested: list, number, and other rules than the stored ones.
#[derive(Debug)]
pub(in crate::service) struct Tested {
    pub(in crate::service) direction: ListName,
    pub(in crate::service) number: String,
    /// Lists that stand in for the stored ones.
    pub(in crate::service) rules: Option<RuleLists>,
}

/// Reads the body of a test; `stored` gives the lists that it does not name.
///
/// # Errors
/// Names the field that is wrong or does not exist.
pub(in crate::service) fn read_test(body: Value, stored: &RuleLists) -> Result<Tested, ServiceError> {
    let Value::Object(body) = body else {
        return Err(invalid("The body must be a JSON object: direction and number."));
    };
    let test: Test = read(body, "")?;
    if test.number.trim().is_empty() || test.number.len() > MAX_NUMBER {
        let detail = format!("A number of 1 to {MAX_NUMBER} characters is needed.");
        return Err(invalid("There is no number to test.").with_field("/number", detail));
    }
    let rules = match test.rules {
        None => None,
        Some(rules) => Some(read_given_lists(rules, stored)?),
    };
    Ok(Tested { direction: test.direction, number: test.number, rules })
}

/// Lists that stand in for the stored ones; those that are not named stay.
///
/// # Errors
/// Names the field that is wrong or does not exist.
pub(in crate::service) fn read_given_lists(
    rules: Map<String, Value>,
    stored: &RuleLists,
) -> Result<RuleLists, ServiceError> {
    let named: Vec<ListName> = ListName::ALL.into_iter().filter(|name| rules.contains_key(name.as_str())).collect();
    let mut given: RuleLists = read(rules, "/rules")?;
    for name in ListName::ALL.into_iter().filter(|name| !named.contains(name)) {
        *given.list_mut(name) = stored.list(name).to_vec();
    }
    Ok(given)
}

/// A replay as it comes in a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct WantedReplay {
    /// The last calls that are looked at.
    #[serde(default = "usual_calls")]
    pub(in crate::service) calls: usize,
    /// Lists instead of the stored ones.
    #[serde(default)]
    pub(in crate::service) rules: Option<Map<String, Value>>,
    /// The same as text.
    #[serde(default)]
    pub(in crate::service) text: Option<String>,
}

fn usual_calls() -> usize {
    1000
}

/// Reads the body of a replay.
///
/// # Errors
/// Names the field that is wrong or does not exist.
pub(in crate::service) fn read_replay(body: Value) -> Result<WantedReplay, ServiceError> {
    let body = match body {
        Value::Null => Map::new(),
        Value::Object(body) => body,
        _ => return Err(invalid("The body must be a JSON object: rules or text, and calls.")),
    };
    let wanted: WantedReplay = read(body, "")?;
    if !(1..=MAX_CALLS).contains(&wanted.calls) {
        let detail = format!("1 to {MAX_CALLS} calls.");
        return Err(invalid("So many calls cannot be looked at.").with_field("/calls", detail));
    }
    Ok(wanted)
}

fn read<T: for<'de> Deserialize<'de>>(body: Map<String, Value>, before: &str) -> Result<T, ServiceError> {
    // serde takes a list for a structure, member by member: only objects are meant.
    for (name, list) in &body {
        let items = list.as_array().into_iter().flatten();
        if let Some(index) = items.into_iter().position(|item| !item.is_object()) {
            let pointer = format!("{before}/{name}/{index}");
            return Err(invalid(format!("`{pointer}` cannot be used: an object is needed."))
                .with_hint(
                    "Rules have match, search, replace, comment and enabled; samples direction, input and expect.",
                )
                .with_field(pointer, "An object is needed."));
        }
    }
    serde_path_to_error::deserialize(Value::Object(body)).map_err(|error| {
        let path: String = error.path().iter().fold(before.to_owned(), |mut path, part| {
            use serde_path_to_error::Segment;
            match part {
                Segment::Seq { index } => path.push_str(&format!("/{index}")),
                Segment::Map { key } => path.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
                _ => {}
            }
            path
        });
        let said = error.inner().to_string();
        if let Some(field) = said.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
            let end = format!("/{field}");
            let pointer = if path.ends_with(&end) { path } else { format!("{path}{end}") };
            return ServiceError::new(Code::UnknownField, format!("There is no field `{field}`."))
                .with_hint("The fields of number rules stand in the API document under NumberRulesInput.")
                .with_field(pointer, "There is no such field.");
        }
        if let Some(field) = said.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            return invalid(format!("`{path}` has no `{field}`."))
                .with_hint("The fields of number rules stand in the API document under NumberRulesInput.")
                .with_field(format!("{path}/{field}"), "It is needed.");
        }
        invalid(format!("The value of `{path}` is wrong: {said}."))
            .with_hint("The fields of number rules stand in the API document under NumberRulesInput.")
            .with_field(path, said)
    })
}

/// Rules that cannot be used, for the caller.
pub(in crate::service) fn rule_errors(errors: &[RuleError], before: &str) -> ServiceError {
    let first = errors.first().map(ToString::to_string).unwrap_or_default();
    let mut error = invalid(format!("The rules cannot be used: {first}"))
        .with_hint("Correct the rules that are named in `errors`; nothing was changed.");
    for wrong in errors.iter().take(50) {
        error = error.with_field(format!("{before}{}", wrong.pointer()), &wrong.detail);
    }
    error
}

/// Lines of a text that are no rules, for the caller.
pub(in crate::service) fn import_errors(errors: &[ImportError]) -> ServiceError {
    let mut error = invalid("The text cannot be read as lists of rules; nothing was changed.")
        .with_hint("One rule a line: search;replace;comment;kind, in sections [incoming], [outgoing], [dialing].");
    for wrong in errors.iter().take(50) {
        error = error.with_line(wrong.line, &wrong.detail);
    }
    error
}

/// Refuses rules whose samples do not come out as expected.
///
/// # Errors
/// Names the samples.
pub(in crate::service) fn refuse_failed_samples(rules: &NumberRules) -> Result<(), ServiceError> {
    let mut failed = Vec::new();
    for (index, sample) in rules.samples.iter().enumerate() {
        let pointer = format!("/samples/{index}");
        let input = match cleaned(sample.direction, &sample.input) {
            Ok(input) => input,
            Err(detail) => {
                failed.push((format!("{pointer}/input"), detail));
                continue;
            }
        };
        let Trace { output, matched, .. } = rules.set.trace(sample.direction, &input);
        if output != sample.expect {
            let by = matched.map_or("no rule matches it".to_owned(), |rule| format!("rule {rule} matches it"));
            failed.push((
                format!("{pointer}/expect"),
                format!(
                    "{} “{}” becomes “{output}” and not “{}”: {by}.",
                    sample.direction, sample.input, sample.expect
                ),
            ));
        }
    }
    let Some((_, first)) = failed.first() else { return Ok(()) };
    let mut error = invalid(format!("A sample does not come out as expected: {first}"))
        .with_hint("Correct the rules or the sample, or write the rules all the same with ?force=true.");
    for (pointer, detail) in failed.iter().take(50) {
        error = error.with_field(pointer, detail);
    }
    Err(error)
}

/// A number as a list sees it: what is dialled is cleaned first.
pub(in crate::service) fn cleaned(list: ListName, number: &str) -> Result<String, String> {
    match list {
        ListName::Dialing => DialString::parse(number)
            .map(|number| number.to_string())
            .map_err(|error| format!("It cannot be dialled: {error}.")),
        _ => Ok(number.to_owned()),
    }
}

/// Refuses rules that make an emergency number undialable.
///
/// # Errors
/// Names the rule and the number.
pub(in crate::service) fn guard(plan: &NumberPlan) -> Result<(), ServiceError> {
    let lost: Vec<Finding> =
        emergency_findings(plan).into_iter().map(|(_, finding)| finding).filter(|one| one.by.is_none()).collect();
    let Some(first) = lost.first() else { return Ok(()) };
    let mut error = invalid(first.detail.clone())
        .with_hint("Put a rule before it that leaves the emergency number as it is, or force it with ?force=true.");
    for one in &lost {
        let pointer = one.rule.map_or("/dialing".to_owned(), |rule| format!("/dialing/{rule}"));
        error = error.with_field(pointer, &one.detail);
    }
    Err(error)
}

/// Refuses settings with which the rules that are there make an emergency number undialable. What was so with the settings
/// before was forced then, and is not asked again.
///
/// # Errors
/// Names the number and the rule.
pub(in crate::service) fn guard_settings(plan: &NumberPlan, before: &NumberPlan) -> Result<(), ServiceError> {
    let known: Vec<String> = before.lost_emergency_numbers().into_iter().map(|(number, _)| number).collect();
    let lost: Vec<Finding> = emergency_findings(plan)
        .into_iter()
        .filter(|(number, finding)| finding.by.is_none() && !known.contains(number))
        .map(|(_, finding)| finding)
        .collect();
    let Some(first) = lost.first() else { return Ok(()) };
    let remedy = match first.rule {
        Some(rule) => {
            format!("Change dialing rule {rule}, or put one before it that leaves the emergency number as it is")
        }
        None => "Correct the number or the location".to_owned(),
    };
    let error = invalid(first.detail.clone()).with_hint(format!("{remedy}; or force it with ?force=true."));
    Err(lost.iter().fold(error, |error, one| error.with_field("/emergency_numbers", &one.detail)))
}

/// Emergency numbers that are not reached. Those that fail only behind the digit for an outside line have themselves
/// as the one to blame: whoever has such a rule dials without it. Each with its number.
fn emergency_findings(plan: &NumberPlan) -> Vec<(String, Finding)> {
    let lost = plan.lost_emergency_numbers().into_iter().map(|found| (found, false));
    let outside = plan.lost_emergency_numbers_outside().into_iter().map(|found| (found, true));
    lost.chain(outside)
        .map(|((number, dialled), is_outside)| {
            let rule = match &dialled {
                Ok(dialled) => dialled.rule,
                Err(_) => plan.rules.trace(ListName::Dialing, &number).matched,
            };
            let becomes = match &dialled {
                Ok(dialled) => format!("becomes “{}”", dialled.digits),
                Err(_) => "cannot be dialled".to_owned(),
            };
            let by = rule.map(|rule| format!(" by dialing rule {rule}")).unwrap_or_default();
            let finding = Finding {
                list: ListName::Dialing,
                rule,
                kind: FindingKind::Emergency,
                by: rule.filter(|_| is_outside),
                detail: format!("The emergency number {number} {becomes}{by}."),
            };
            (number, finding)
        })
        .collect()
}
