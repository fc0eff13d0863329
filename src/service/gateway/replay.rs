//! Number rules over the calls that were: what other rules would have shown.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::numbers::{blocking, tried};
use super::{Caller, Gateway, Outcome};
use crate::domain::numbers::NumberPlan;
use crate::domain::rules::{ListName, RuleLists, read_lists};
use crate::domain::{Direction, Party, PbxId, Presentation, Timestamp};
use crate::service::error::{Code, ServiceError};
use crate::service::link::storage;
use crate::service::numbers::{import_errors, read_given_lists, read_replay};
use crate::store::FinishedQuery;

/// Entries that are read from the journal at once.
const PAGE: u32 = 1000;
/// Numbers that an answer holds.
const MOST_NUMBERS: usize = 1000;

/// What rules would have made of the last calls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Replay {
    /// How many calls were looked at.
    pub calls: usize,
    /// The end of the oldest of them.
    pub since: Option<Timestamp>,
    /// How many different numbers they had.
    pub numbers: usize,
    /// How many of these stay as they were.
    pub unchanged: usize,
    /// Those that change, with the most calls first.
    pub changed: Vec<ReplayedNumber>,
    /// How many that change are left off, to keep the answer short.
    pub left_off: usize,
}

/// A number that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReplayedNumber {
    /// The list that it goes through.
    pub list: ListName,
    /// What the PBX sent.
    pub raw: String,
    /// How it is shown before.
    pub before: ReplayedForm,
    /// How it is shown then.
    pub after: ReplayedForm,
    /// Index of the rule that matches it then; `null` when none does.
    pub rule: Option<usize>,
    /// In how many calls it is.
    pub calls: usize,
    /// The newest of these calls.
    #[schema(example = "call_0198c2f1")]
    pub last_call: String,
    /// Its end.
    pub last_at: Timestamp,
}

/// How a number is shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, ToSchema)]
pub struct ReplayedForm {
    /// For people; empty when a rule hides it.
    pub number: String,
    /// E.164, where it can be known.
    pub e164: Option<String>,
}

/// What is looked at of a finished call.
#[derive(Deserialize)]
struct Entry {
    direction: Direction,
    caller: Option<Party>,
    called: Option<Party>,
    connected: Option<Party>,
    redirecting: Option<Party>,
}

/// One number of the journal. What was shown counts only when that is what is compared.
type Key = (Direction, String, Option<ReplayedForm>);

/// In how many calls a number is, and which is the newest.
struct Heard {
    calls: usize,
    last_call: String,
    last_at: Timestamp,
}

impl Gateway {
    /// Lets rules run over the last calls of a PBX: given ones against the stored ones, or the stored ones against what
    /// was shown. Nothing is changed.
    ///
    /// # Errors
    /// A wrong field, or rules that cannot be used.
    pub async fn replay_number_rules(&self, caller: &Caller, pbx: &PbxId, body: Value) -> Outcome<Replay> {
        let numbers = self.numbers(pbx)?;
        let wanted = read_replay(body)?;
        let stored = numbers.rules.set.lists();
        let lists = match (wanted.rules, wanted.text) {
            (Some(_), Some(_)) => {
                return Err(ServiceError::new(Code::InvalidValue, "Rules are given twice: as lists and as text.")
                    .with_hint("Give `rules` or `text`.")
                    .with_field("/text", "Give `rules` or `text`."));
            }
            (Some(given), None) => Some(read_given_lists(given, stored)?),
            (None, Some(text)) => Some(over(&text, stored)?),
            (None, None) => None,
        };
        let (heard, calls, since) = self.heard(caller, pbx, wanted.calls, lists.is_none()).await?;
        let known = self.known_numbers(pbx);
        let turn = self.turn_to_try(lists.is_some()).await?;
        blocking(move || {
            let _turn = turn;
            let after = match lists {
                None => Arc::clone(&numbers.plan),
                Some(lists) => tried(lists, &numbers.plan)?,
            };
            let is_known = |number: &str| known.iter().any(|known| known == number);
            let mut replay = Replay { calls, since, numbers: heard.len(), ..Replay::default() };
            for ((direction, raw, shown), heard) in heard {
                let before = shown.unwrap_or_else(|| form(&numbers.plan, direction, &raw, is_known));
                let then = form(&after, direction, &raw, is_known);
                if before == then {
                    replay.unchanged += 1;
                    continue;
                }
                let list = if direction == Direction::Inbound { ListName::Incoming } else { ListName::Outgoing };
                let rule = after.rules.apply(list, &raw).map(|applied| applied.rule);
                let Heard { calls, last_call, last_at } = heard;
                replay.changed.push(ReplayedNumber { list, raw, before, after: then, rule, calls, last_call, last_at });
            }
            replay.changed.sort_by(|one, other| (other.calls, &one.raw).cmp(&(one.calls, &other.raw)));
            replay.left_off = replay.changed.len().saturating_sub(MOST_NUMBERS);
            replay.changed.truncate(MOST_NUMBERS);
            Ok(replay)
        })
        .await?
    }

    /// The numbers of the last calls.
    async fn heard(
        &self,
        caller: &Caller,
        pbx: &PbxId,
        most: usize,
        as_shown: bool,
    ) -> Outcome<(HashMap<Key, Heard>, usize, Option<Timestamp>)> {
        let visible = caller.lines.as_ref().map(|lines| lines.iter().map(|line| line.as_str().to_owned()).collect());
        let mut query = FinishedQuery { visible, pbx: Some(pbx.as_str().to_owned()), ..FinishedQuery::default() };
        let (mut heard, mut calls, mut since) = (HashMap::new(), 0, None);
        while calls < most {
            query.limit = PAGE.min(u32::try_from(most - calls).unwrap_or(PAGE));
            let page = self.store().finished_calls(&query).await.map_err(storage)?;
            for stored in &page {
                calls += 1;
                let at = Timestamp::from_unix_ms(stored.ended_at);
                since = Some(at);
                // An entry of another release that cannot be read tells nothing.
                let Ok(entry) = serde_json::from_str::<Entry>(&stored.body) else { continue };
                let mut keys: Vec<Key> = Vec::new();
                for party in [entry.caller, entry.called, entry.connected, entry.redirecting].into_iter().flatten() {
                    let Some(raw) = party.raw.filter(|_| party.presentation == Presentation::Available) else {
                        continue;
                    };
                    let shown = ReplayedForm { number: party.number.unwrap_or_default(), e164: party.e164 };
                    let key = (entry.direction, raw, as_shown.then_some(shown));
                    if !keys.contains(&key) {
                        keys.push(key);
                    }
                }
                for key in keys {
                    heard
                        .entry(key)
                        .or_insert_with(|| Heard { calls: 0, last_call: stored.id.clone(), last_at: at })
                        .calls += 1;
                }
            }
            match page.last() {
                Some(last) if page.len() == query.limit as usize => {
                    query.after = Some((last.ended_at, last.id.clone()))
                }
                _ => break,
            }
        }
        Ok((heard, calls, since))
    }
}

fn form(plan: &NumberPlan, direction: Direction, raw: &str, is_known: impl Fn(&str) -> bool) -> ReplayedForm {
    let internal = is_known(raw) || plan.is_internal(raw) || plan.extension_of(raw).is_some_and(is_known);
    let shown = plan.shown(direction, raw, internal);
    ReplayedForm { number: shown.number, e164: shown.e164 }
}

/// The lists of a text; those that it does not have stay.
fn over(text: &str, stored: &RuleLists) -> Outcome<RuleLists> {
    let imported = read_lists(text, None).map_err(|errors| import_errors(&errors))?;
    let mut whole = stored.clone();
    for name in imported.named {
        *whole.list_mut(name) = imported.lists.list(name).to_vec();
    }
    Ok(whole)
}
