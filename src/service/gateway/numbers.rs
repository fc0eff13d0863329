//! Number rules: read, replaced, tested, imported and taken back; durable before anybody hears of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::{Caller, DialPlan, Gateway, Outcome, Written};
use crate::domain::numbers::NumberPlan;
use crate::domain::rules::{Finding, ListName, RuleLists, RuleSet, Step, read_lists, write_lists};
use crate::domain::{Direction, PbxId, Timestamp};
use crate::service::error::{Code, ServiceError};
use crate::service::journal::{Actor, Change, Object, wall_clock};
use crate::service::link::{LinkCommand, changed_meanwhile, etag, storage};
use crate::service::numbers::{
    Given, NumberRules, Numbers, Tested, cleaned, guard, import_errors, read_body, read_test, refuse_failed_samples,
    row, rule_errors, undialable,
};
use crate::store::PbxRow;

/// Longest time for compiling rules that somebody only tries.
const TRYING: Duration = Duration::from_secs(2);

/// The way of a number through the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleTest {
    /// The number as it was given.
    pub input: String,
    /// What the rules make of it; empty when they hide it.
    pub output: String,
    /// Index of the first rule that matched; `null` when none did.
    pub matched: Option<usize>,
    /// What the parentheses of its expression found, `\1` first.
    pub groups: Vec<String>,
    /// The rules that were looked at, in order; those behind the first match are not.
    pub steps: Vec<Step>,
    /// What applications see after rules and location; `null` for numbers that are dialled.
    pub shown: Option<String>,
    /// E.164 of what applications see, where it can be known.
    pub e164: Option<String>,
    /// What the PBX gets after rules and location; `null` when it is not dialled, or cannot be.
    pub dials: Option<String>,
    /// Rules of the tested list that cannot do anything, or perhaps not what was meant.
    pub findings: Vec<Finding>,
}

/// A kept version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RulesVersion {
    /// Its number.
    pub version: i64,
    /// When it was written.
    pub updated_at: Timestamp,
    /// Who wrote it: the name of a token.
    pub updated_by: String,
    /// How many incoming rules.
    pub incoming: usize,
    /// How many outgoing rules.
    pub outgoing: usize,
    /// How many dialing rules.
    pub dialing: usize,
}

/// What a change of the rules may do all the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct RulesChange<'a> {
    /// Only when the version is still this.
    pub if_match: Option<&'a str>,
    /// Also when samples fail or an emergency number is lost.
    pub force: bool,
    /// Only say what would be.
    pub dry_run: bool,
}

impl Gateway {
    /// Loads the rules of a PBX from the store. Stored rules that this release cannot use leave numbers as they are.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn load_numbers(&self, row: &PbxRow) -> Result<(), crate::store::StoreError> {
        let rules = match self.store().number_rules(&row.id).await? {
            None => NumberRules::default(),
            Some(stored) => NumberRules::stored(&stored).unwrap_or_else(|error| {
                tracing::error!(pbx.name = %row.settings.name, %error, "stored number rules cannot be used; numbers stay as they are");
                NumberRules { version: stored.version, ..NumberRules::default() }
            }),
        };
        self.inner.numbers.set(&row.id, &row.settings, rules);
        Ok(())
    }

    pub(super) fn numbers(&self, pbx: &PbxId) -> Outcome<Numbers> {
        self.link(pbx)?;
        Ok(self.inner.numbers.of(pbx))
    }

    /// The rules of a PBX as JSON.
    ///
    /// # Errors
    /// When there is no such PBX.
    pub async fn number_rules(&self, pbx: &PbxId) -> Outcome<Bytes> {
        let numbers = self.numbers(pbx)?;
        blocking(move || numbers.rules.json(&numbers.plan)).await
    }

    /// Entity tag of the rules.
    pub fn number_rules_etag(&self, pbx: &PbxId) -> String {
        etag(self.inner.numbers.of(pbx).rules.version)
    }

    /// The rules as text, to be imported elsewhere.
    ///
    /// # Errors
    /// When there is no such PBX.
    pub fn export_number_rules(&self, pbx: &PbxId) -> Outcome<String> {
        Ok(write_lists(self.numbers(pbx)?.rules.set.lists()))
    }

    /// Replaces the rules.
    ///
    /// # Errors
    /// A rule that cannot be used, a sample that fails, a lost emergency number, or a change meanwhile.
    pub async fn put_number_rules(
        &self,
        caller: &Caller,
        pbx: &PbxId,
        body: Value,
        change: RulesChange<'_>,
    ) -> Outcome<Written> {
        self.numbers(pbx)?;
        let given = read_body(body)?;
        let _one = self.inner.changing.lock().await;
        self.write_rules(caller, pbx, given, change).await
    }

    /// Replaces the lists that a text has; the others stay.
    ///
    /// # Errors
    /// As [`Gateway::put_number_rules`]; a wrong line is named by its number.
    pub async fn import_number_rules(
        &self,
        caller: &Caller,
        pbx: &PbxId,
        text: &str,
        list: Option<ListName>,
        change: RulesChange<'_>,
    ) -> Outcome<Written> {
        let imported = read_lists(text, list).map_err(|errors| import_errors(&errors))?;
        if imported.named.is_empty() {
            return Err(ServiceError::new(Code::InvalidValue, "The text holds no list of rules; nothing was changed.")
                .with_hint(
                    "One rule a line: search;replace;comment;kind, in sections [incoming], [outgoing], [dialing].",
                ));
        }
        let _one = self.inner.changing.lock().await;
        let (mut lists, samples) = Given::of(&self.numbers(pbx)?.rules).lists();
        for name in &imported.named {
            *lists.list_mut(*name) = imported.lists.list(*name).to_vec();
        }
        if let Err(errors) = RuleSet::compile(lists.clone()) {
            // In an import, the line says more than the index.
            let mut error = rule_errors(&errors, "");
            for (field, wrong) in error.fields.iter_mut().zip(&errors) {
                if let Some(line) =
                    imported.line_of(wrong.list, wrong.rule).filter(|_| imported.named.contains(&wrong.list))
                {
                    field.line = Some(line);
                }
            }
            return Err(error);
        }
        let given = Given { incoming: lists.incoming, outgoing: lists.outgoing, dialing: lists.dialing, samples };
        self.write_rules(caller, pbx, given, change).await
    }

    /// Takes an earlier version back: it becomes the newest one. Without a number, the version before the present one.
    ///
    /// # Errors
    /// When there is no such version; else as [`Gateway::put_number_rules`].
    pub async fn undo_number_rules(
        &self,
        caller: &Caller,
        pbx: &PbxId,
        version: Option<i64>,
        change: RulesChange<'_>,
    ) -> Outcome<Written> {
        let _one = self.inner.changing.lock().await;
        let now = self.numbers(pbx)?.rules.version;
        let wanted = version.unwrap_or(now - 1);
        let given = if wanted == 0 && now > 0 {
            // Before the first version there were none.
            Given::default()
        } else {
            let versions = self.store().number_rules_versions(pbx).await.map_err(storage)?;
            let found = versions.iter().find(|row| row.version == wanted && wanted != now).ok_or_else(|| {
                ServiceError::new(Code::InvalidValue, "There is no such earlier version of the rules.")
                    .with_hint("GET /api/v1/pbxs/{pbx}/number-rules/versions lists those that are kept.")
                    .with_field("/version", "There is no such earlier version.")
            })?;
            serde_json::from_str(&found.body).map_err(|error| {
                ServiceError::new(Code::InvalidValue, format!("This version cannot be read any more: {error}."))
                    .with_field("/version", "It cannot be read.")
            })?
        };
        self.write_rules(caller, pbx, given, change).await
    }

    /// The kept versions, newest first.
    ///
    /// # Errors
    /// When there is no such PBX, or the store fails.
    pub async fn number_rules_versions(&self, pbx: &PbxId) -> Outcome<Vec<RulesVersion>> {
        self.numbers(pbx)?;
        let rows = self.store().number_rules_versions(pbx).await.map_err(storage)?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let given: Given = serde_json::from_str(&row.body).unwrap_or_default();
                RulesVersion {
                    version: row.version,
                    updated_at: row.at,
                    updated_by: row.actor,
                    incoming: given.incoming.len(),
                    outgoing: given.outgoing.len(),
                    dialing: given.dialing.len(),
                }
            })
            .collect())
    }

    async fn write_rules(
        &self,
        caller: &Caller,
        pbx: &PbxId,
        given: Given,
        change: RulesChange<'_>,
    ) -> Outcome<Written> {
        let link = self.link(pbx)?;
        let now = self.inner.numbers.of(pbx);
        if change.if_match.is_some_and(|wanted| wanted != etag(now.rules.version)) {
            return Err(changed_meanwhile());
        }
        let settings = self.stored_pbx(pbx).await?.settings;
        let updated = Some((wall_clock(), caller.name.clone()));
        let version = now.rules.version + 1;
        let base = Arc::clone(&now.plan);
        let (rules, json) = blocking(move || -> Outcome<(NumberRules, Bytes)> {
            let rules = NumberRules::compile(given).map_err(|errors| rule_errors(&errors, ""))?;
            let rules = NumberRules { version, updated, ..rules };
            let plan = NumberPlan { rules: Arc::clone(&rules.set), ..(*base).clone() };
            if !change.force {
                guard(&plan)?;
                refuse_failed_samples(&rules)?;
            }
            let json = rules.json(&plan);
            Ok((rules, json))
        })
        .await??;
        let changed = rules.changes(&now.rules);
        // What is the same already is no new version.
        if change.dry_run || changed.is_empty() {
            let json = if change.dry_run { json } else { now.rules.json(&now.plan) };
            let position = self.journal().position();
            return Ok(Written { json, etag: Some(etag(now.rules.version)), position });
        }
        self.store().insert_number_rules(&row(pbx, &rules)).await.map_err(storage)?;
        self.inner.numbers.set(pbx, &settings, rules);
        let receipt = self.journal().publish(vec![Change {
            event: "number_rules.updated",
            time: wall_clock(),
            pbx_id: Some(pbx.clone()),
            line_id: None,
            call_id: None,
            command_id: None,
            actor: Actor::Token(caller.name.as_str().into()),
            changed,
            object: Object::NumberRules(json.clone()),
        }]);
        let stopping = || ServiceError::new(Code::ShuttingDown, "The gateway is stopping.");
        receipt.written().await.ok_or_else(stopping)?;
        // Calls and lines show the new numbers before the answer comes.
        link.ask(|reply| LinkCommand::Renumber { reply }).await?;
        Ok(Written { json, etag: Some(etag(version)), position: self.journal().position() })
    }

    /// Follows a number through rules that are stored, or that are given for the test.
    ///
    /// # Errors
    /// A wrong field, or rules that cannot be used.
    pub async fn test_number_rules(&self, pbx: &PbxId, body: Value) -> Outcome<RuleTest> {
        let numbers = self.numbers(pbx)?;
        let known: Vec<String> = self.known_numbers(pbx);
        let test = read_test(body, numbers.rules.set.lists())?;
        let turn = self.turn_to_try(test.rules.is_some()).await?;
        blocking(move || {
            let _turn = turn;
            let plan = match test.rules {
                None => Arc::clone(&numbers.plan),
                Some(ref lists) => tried(lists.clone(), &numbers.plan)?,
            };
            trace(&plan, &test, |number| known.iter().any(|known| known == number))
        })
        .await?
    }

    /// Whoever may read may try rules, which costs time: one at a time.
    pub(super) async fn turn_to_try(&self, is_given: bool) -> Outcome<Option<OwnedSemaphorePermit>> {
        if !is_given {
            return Ok(None);
        }
        let turn = Arc::clone(&self.inner.trying).acquire_owned().await;
        turn.map(Some).map_err(|_| ServiceError::new(Code::ShuttingDown, "The gateway is stopping."))
    }

    pub(super) fn known_numbers(&self, pbx: &PbxId) -> Vec<String> {
        let view = self.journal().view();
        let lines = view.lines.values().filter(|line| line.value.pbx_id == *pbx);
        lines.flat_map(|line| line.value.addresses.iter().map(|address| address.number.clone())).collect()
    }

    /// What a text becomes when a line of a PBX dials it.
    ///
    /// # Errors
    /// What cannot be dialled.
    pub(super) fn dial_plan(&self, pbx: &PbxId, to: Option<&str>) -> Outcome<DialPlan> {
        let Some(text) = to else { return Ok(DialPlan { dials: String::new(), internal: false, rule: None }) };
        let view = self.journal().view();
        let is_known = |number: &str| {
            let lines = view.lines.values().filter(|line| line.value.pbx_id == *pbx);
            lines.flat_map(|line| &line.value.addresses).any(|address| address.number == number)
        };
        let dialled =
            self.inner.numbers.of(pbx).plan.dialled(text, is_known).map_err(|error| undialable(&error, "/to"))?;
        Ok(DialPlan { dials: dialled.digits, internal: dialled.internal, rule: dialled.rule })
    }
}

/// The plan with rules that somebody tries.
pub(super) fn tried(lists: RuleLists, plan: &NumberPlan) -> Outcome<Arc<NumberPlan>> {
    let until = Instant::now() + TRYING;
    let set = RuleSet::compile_while(lists, &|| Instant::now() < until);
    let set = set.map_err(|errors| rule_errors(&errors, "/rules"))?;
    Ok(Arc::new(NumberPlan { rules: Arc::new(set), ..plan.clone() }))
}

fn trace(plan: &NumberPlan, test: &Tested, is_known: impl Fn(&str) -> bool) -> Outcome<RuleTest> {
    let input = cleaned(test.direction, &test.number).map_err(|detail| {
        ServiceError::new(Code::InvalidNumber, detail.clone())
            .with_hint("Numbers have digits, *, #, a leading + and the separators space - . / ( ).")
            .with_field("/number", detail)
    })?;
    let trace = plan.rules.trace(test.direction, &input);
    let (mut shown, mut dials) = (None, None);
    match test.direction {
        ListName::Dialing => dials = plan.dialled(&test.number, is_known).ok().map(|dialled| dialled.digits),
        ListName::Incoming | ListName::Outgoing => {
            let direction = if test.direction == ListName::Incoming { Direction::Inbound } else { Direction::Outbound };
            let internal =
                is_known(&input) || plan.is_internal(&input) || plan.extension_of(&input).is_some_and(is_known);
            shown = Some(plan.shown(direction, &input, internal));
        }
    }
    Ok(RuleTest {
        input: test.number.clone(),
        output: trace.output,
        matched: trace.matched,
        groups: trace.groups,
        steps: trace.steps,
        e164: shown.as_ref().and_then(|shown| shown.e164.clone()),
        shown: shown.map(|shown| shown.number),
        dials,
        findings: plan.rules.findings().iter().filter(|one| one.list == test.direction).cloned().collect(),
    })
}

/// Long lists take their time to compile and to look through: not on the threads that serve everybody.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Outcome<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ServiceError::new(Code::ShuttingDown, "The gateway is stopping."))
}
