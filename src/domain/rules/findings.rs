//! Rules that cannot do anything, or perhaps not what was meant.

use regex_syntax::hir::{Hir, HirKind, Look};
use serde::Serialize;
use utoipa::ToSchema;

use super::compiled::{RuleSet, parse};
use super::language::{Example, Language};
use super::rule::{ListName, MatchKind, Rule};
use crate::domain::numbers::DialString;

/// The characters of a number that was cleaned to be dialled.
const KEYS: &[u8] = b"0123456789*#+";

/// Something about a rule that its author should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// The list.
    pub list: ListName,
    /// Index of the rule; `null` when it concerns the list.
    pub rule: Option<usize>,
    /// What kind of thing.
    pub kind: FindingKind,
    /// Index of the earlier rule that is to blame.
    pub by: Option<usize>,
    /// In a sentence.
    pub detail: String,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// An earlier rule takes every number of this one.
    Shadowed,
    /// No number matches it.
    Dead,
    /// It may match a part of a number; the rest is dropped.
    Partial,
    /// An emergency number is not reached any more.
    Emergency,
}

pub(super) fn find(rules: &RuleSet) -> Vec<Finding> {
    let mut found = Vec::new();
    for list in ListName::ALL {
        let alphabet = alphabet(list);
        for (index, rule) in rules.lists().list(list).iter().enumerate().filter(|(_, rule)| rule.enabled) {
            let mut say = |kind, by, detail: String| {
                found.push(Finding { list, rule: Some(index), kind, by, detail });
            };
            let example = example(list, rule, &alphabet);
            match &example {
                Example::None => {
                    let detail = match (list, rule.kind) {
                        (ListName::Dialing, MatchKind::Text) => {
                            "No number matches it: what is dialled is cleaned first, so only digits, *, # and a leading + \
                             are left."
                        }
                        _ => "No number matches it.",
                    };
                    say(FindingKind::Dead, None, detail.to_owned());
                    continue;
                }
                Example::Number(number) => {
                    let first = rules.apply(list, number).map_or(index, |applied| applied.rule);
                    if first < index
                        && rules.lists().list(list).get(first).is_some_and(|by| has_all(by, rule, &alphabet))
                    {
                        let detail = format!("It is never reached: rule {first} matches every number that it matches.");
                        say(FindingKind::Shadowed, Some(first), detail);
                        continue;
                    }
                }
                Example::Unknown => {}
            }
            if rule.kind == MatchKind::Regex && parse(&rule.search).is_ok_and(|hir| !is_whole(&hir)) {
                let detail = "It may match a part of a number. What it gives is the replacement alone: write ^ and $, or \
                              (.*) for what shall be kept.";
                say(FindingKind::Partial, None, detail.to_owned());
            }
        }
    }
    found
}

fn alphabet(list: ListName) -> Vec<u8> {
    match list {
        ListName::Dialing => KEYS.to_vec(),
        _ => (b' '..=b'~').collect(),
    }
}

fn example(list: ListName, rule: &Rule, alphabet: &[u8]) -> Example {
    match rule.kind {
        MatchKind::Regex => Language::new(&rule.search).map_or(Example::Unknown, |mut all| all.example(alphabet)),
        MatchKind::Text => {
            let cleaned = DialString::parse(&rule.search).map(|number| number.to_string());
            if list == ListName::Dialing && cleaned.as_ref() != Ok(&rule.search) {
                return Example::None;
            }
            Example::Number(rule.search.clone())
        }
    }
}

/// Whether an earlier rule that matches an example of a later one matches all of it.
fn has_all(earlier: &Rule, later: &Rule, alphabet: &[u8]) -> bool {
    match (earlier.kind, later.kind) {
        // The example is all there is.
        (_, MatchKind::Text) => true,
        (MatchKind::Text, MatchKind::Regex) => false,
        (MatchKind::Regex, MatchKind::Regex) => match (Language::new(&earlier.search), Language::new(&later.search)) {
            (Some(mut earlier), Some(mut later)) => earlier.covers(&mut later, alphabet) == Some(true),
            _ => false,
        },
    }
}

/// Whether a match is always the whole number.
fn is_whole(hir: &Hir) -> bool {
    let looks = hir.properties();
    let begins = looks.look_set_prefix().contains(Look::Start) || is_anything(edge(hir, <[Hir]>::first));
    let ends = looks.look_set_suffix().contains(Look::End) || is_anything(edge(hir, <[Hir]>::last));
    begins && ends
}

/// The first or last part of an expression.
fn edge(hir: &Hir, pick: fn(&[Hir]) -> Option<&Hir>) -> &Hir {
    match hir.kind() {
        HirKind::Concat(parts) => pick(parts).map_or(hir, |part| edge(part, pick)),
        HirKind::Capture(capture) => edge(&capture.sub, pick),
        _ => hir,
    }
}

/// `.*` and `.+`, which take all there is.
fn is_anything(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let takes_all = match edge(&repetition.sub, <[Hir]>::first).kind() {
                HirKind::Class(regex_syntax::hir::Class::Bytes(class)) => {
                    (b' '..=b'~').all(|byte| class.iter().any(|range| range.start() <= byte && byte <= range.end()))
                }
                _ => false,
            };
            repetition.max.is_none() && repetition.greedy && takes_all
        }
        _ => false,
    }
}
