//! Rules that cannot do anything, or perhaps not what was meant.

use regex_syntax::hir::{Hir, HirKind, Look};
use serde::Serialize;
use utoipa::ToSchema;

use super::compiled::{RuleSet, parse};
use super::language::{Example, Language, Work};
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
    /// Rules of the list were not looked at: those before them used up what may be done.
    Unchecked,
}

/// What may be done for one list: enough for as many rules as people write, and well below a second for the worst.
const WORK: u64 = 60_000_000;
/// What one rule costs when a number goes through a list, for a part of its expression and a character.
const PASS: u64 = 16;

pub(super) fn find(rules: &RuleSet) -> Vec<Finding> {
    find_within(rules, WORK)
}

pub(super) fn find_within(rules: &RuleSet, work: u64) -> Vec<Finding> {
    let mut found = Vec::new();
    for list in ListName::ALL {
        let mut look =
            Search { list, alphabet: alphabet(list), work: Work::of(work), own: None, earlier: None, parts: 0 };
        let mut unchecked: Vec<usize> = Vec::new();
        for (index, rule) in rules.lists().list(list).iter().enumerate().filter(|(_, rule)| rule.enabled) {
            let mut say = |kind, by, detail: String| {
                found.push(Finding { list, rule: Some(index), kind, by, detail });
            };
            let example = look.example(rule);
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
                    let first = look.first(rules, number).unwrap_or(index);
                    if first < index
                        && rules.lists().list(list).get(first).is_some_and(|by| look.has_all((first, by), rule))
                    {
                        let detail = format!("It is never reached: rule {first} matches every number that it matches.");
                        say(FindingKind::Shadowed, Some(first), detail);
                        continue;
                    }
                }
                Example::Unknown => {}
            }
            if look.work.is_used_up() {
                unchecked.push(index);
            }
            if rule.kind == MatchKind::Regex && parse(&rule.search).is_ok_and(|hir| !is_whole(&hir)) {
                let detail = "It may match a part of a number. What it gives is the replacement alone: write ^ and $, or \
                              (.*) for what shall be kept.";
                say(FindingKind::Partial, None, detail.to_owned());
            }
        }
        if let [first, ..] = unchecked.as_slice() {
            let last = unchecked.last().unwrap_or(first);
            let which =
                if first == last { format!("Rule {first} was") } else { format!("Rules {first} to {last} were") };
            let detail = format!(
                "{which} not looked at whether a number reaches them: the rules before them took all that may be done for a list. \
                 Shorter repetitions, and simple rules first, bring it further."
            );
            found.push(Finding { list, rule: None, kind: FindingKind::Unchecked, by: None, detail });
        }
    }
    found
}

/// A look at one list.
struct Search {
    list: ListName,
    alphabet: Vec<u8>,
    work: Work,
    /// The machine of the rule that is looked at.
    own: Option<Language>,
    /// The machine of the rule that was last found before another one: often it is the same again.
    earlier: Option<(usize, Language)>,
    /// Parts of the expressions so far.
    parts: u64,
}

impl Search {
    /// A number of a rule.
    fn example(&mut self, rule: &Rule) -> Example {
        match rule.kind {
            MatchKind::Regex => {
                self.own = Language::new(&rule.search, &mut self.work);
                let Some(own) = &mut self.own else { return Example::Unknown };
                self.parts += own.size();
                own.example(&self.alphabet, &mut self.work)
            }
            MatchKind::Text => {
                let cleaned = DialString::parse(&rule.search).map(|number| number.to_string());
                if self.list == ListName::Dialing && cleaned.as_ref() != Ok(&rule.search) {
                    return Example::None;
                }
                Example::Number(rule.search.clone())
            }
        }
    }

    /// The first rule of the list that a number reaches.
    fn first(&mut self, rules: &RuleSet, number: &str) -> Option<usize> {
        let characters = u64::try_from(number.len()).unwrap_or(u64::MAX);
        self.work.spend((self.parts / PASS).saturating_mul(characters).saturating_add(1))?;
        rules.apply(self.list, number).map(|applied| applied.rule)
    }

    /// Whether an earlier rule that matches an example of the one that is looked at matches all of it.
    fn has_all(&mut self, (index, earlier): (usize, &Rule), rule: &Rule) -> bool {
        match (earlier.kind, rule.kind) {
            // The example is all there is.
            (_, MatchKind::Text) => true,
            (MatchKind::Text, MatchKind::Regex) => false,
            (MatchKind::Regex, MatchKind::Regex) => {
                if self.earlier.as_ref().is_none_or(|(known, _)| *known != index) {
                    self.earlier = Language::new(&earlier.search, &mut self.work).map(|language| (index, language));
                }
                match (&mut self.earlier, &mut self.own) {
                    (Some((_, earlier)), Some(own)) => {
                        earlier.covers(own, &self.alphabet, &mut self.work) == Some(true)
                    }
                    _ => false,
                }
            }
        }
    }
}

fn alphabet(list: ListName) -> Vec<u8> {
    match list {
        ListName::Dialing => KEYS.to_vec(),
        _ => (b' '..=b'~').collect(),
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
