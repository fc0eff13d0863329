//! Why a number becomes what it becomes: each rule that was looked at, and why it did not fit.

use regex_syntax::ast::{Ast, parse::Parser};
use serde::Serialize;
use utoipa::ToSchema;

use super::compiled::{RuleSet, build};
use super::rule::{ListName, MatchKind, Rule};
use super::{MAX_NUMBER, MAX_TEXT};

/// Rules whose failure is explained in detail: looking for the place costs time.
const DETAILED: usize = 100;

/// The way of one number through a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Trace {
    /// The number.
    pub input: String,
    /// What the rules make of it; empty when they hide it.
    pub output: String,
    /// Index of the first rule that matched; `null` when none did.
    pub matched: Option<usize>,
    /// What the parentheses of its expression found, `\1` first.
    pub groups: Vec<String>,
    /// The rules that were looked at, in order; those behind the first match are not.
    pub steps: Vec<Step>,
}

/// One rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    /// Its index.
    pub rule: usize,
    /// Whether it matched.
    pub matched: bool,
    /// Why, or why not.
    pub why: String,
}

impl RuleSet {
    /// Follows a number through a list.
    pub fn trace(&self, list: ListName, number: &str) -> Trace {
        let applied = self.apply(list, number);
        let mut trace = Trace {
            input: number.to_owned(),
            output: applied.as_ref().map_or(number, |applied| &applied.output).to_owned(),
            matched: applied.as_ref().map(|applied| applied.rule),
            groups: Vec::new(),
            steps: Vec::new(),
        };
        for (index, rule) in self.lists().list(list).iter().enumerate() {
            if trace.matched == Some(index) {
                let why = self.why_matched(list, index, rule, number, &mut trace.groups);
                trace.steps.push(Step { rule: index, matched: true, why });
                break;
            }
            trace.steps.push(Step { rule: index, matched: false, why: why_not(rule, number, index < DETAILED) });
        }
        trace
    }

    fn why_matched(&self, list: ListName, index: usize, rule: &Rule, number: &str, groups: &mut Vec<String>) -> String {
        if rule.kind == MatchKind::Text {
            return "The number is the text.".to_owned();
        }
        let Some(captures) = self.captures(list, index, number) else { return "It matches.".to_owned() };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        groups
            .extend(captures.iter().skip(1).map(|group| group.map(|found| text(found.as_bytes())).unwrap_or_default()));
        match captures.get(0) {
            Some(found) if found.len() < number.len() => format!(
                "It matches “{}”, a part of the number. What it gives is the replacement alone: the rest of the number is \
                 dropped.",
                text(found.as_bytes())
            ),
            _ => "It matches the whole number.".to_owned(),
        }
    }
}

fn why_not(rule: &Rule, number: &str, in_detail: bool) -> String {
    if !rule.enabled {
        return "It is switched off.".to_owned();
    }
    if number.is_empty() {
        return "There is no number.".to_owned();
    }
    if number.len() > MAX_NUMBER {
        return format!("The number has more than {MAX_NUMBER} characters: rules do not look at it.");
    }
    match rule.kind {
        MatchKind::Text => format!("The number is not “{}”.", rule.search),
        MatchKind::Regex if in_detail => where_it_fails(&rule.search, number),
        MatchKind::Regex => "The expression does not match.".to_owned(),
    }
}

/// How far an expression fits. What comes after each other in it must fit one by one, so a part that fits with all before
/// it is found by halving.
fn where_it_fails(pattern: &str, number: &str) -> String {
    let plain = "The expression does not match.".to_owned();
    debug_assert!(pattern.chars().count() <= MAX_TEXT);
    let parsed = Parser::new().parse(pattern);
    let Ok(Ast::Concat(concat)) = &parsed else { return plain };
    let ends: Vec<usize> = concat.asts.iter().map(|part| part.span().end.offset).collect();
    let fits = |count: usize| match count.checked_sub(1).and_then(|last| ends.get(last)) {
        None => true,
        Some(end) => {
            build(pattern.get(..*end).unwrap_or_default()).is_ok_and(|regex| regex.is_match(number.as_bytes()))
        }
    };
    let (mut low, mut high) = (0, ends.len());
    while high - low > 1 {
        let middle = low.midpoint(high);
        if fits(middle) { low = middle } else { high = middle }
    }
    let at = low.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or(0);
    let (good, rest) = pattern.split_at(at);
    if good.trim_start_matches('^').is_empty() {
        format!("“{rest}” does not fit the number.")
    } else {
        format!("“{good}” fits, but not “{rest}” behind it.")
    }
}
