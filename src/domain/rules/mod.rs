//! The rules that change numbers: three ordered lists, the first match wins (manual, chapter 4).
//!
//! A text rule compares the whole number; a regular expression searches it. What a rule gives is the expansion of its
//! `replace`, not the number with the match replaced: `152$` with `x` gives `x`. An empty result hides the number. A
//! number that no rule matches stays as it is. Everything runs in linear time and bounded space, whoever wrote the rules.

mod compiled;
mod explain;
mod findings;
pub mod fuzzing;
mod language;
mod rule;
mod template;
mod text;

pub use compiled::{Applied, RuleSet};
pub use explain::{Step, Trace};
pub use findings::{Finding, FindingKind};
pub use rule::{ListName, MatchKind, Rule, RuleError, RuleField, RuleLists, Sample};
pub use text::{ImportError, Imported, read_lists, write_lists};

/// Rules in one list.
pub const MAX_RULES: usize = 2000;
/// Characters of a search, and of a replacement.
pub const MAX_TEXT: usize = 256;
/// Characters of a number that rules look at, and of what they give.
pub const MAX_NUMBER: usize = 128;
/// Depth of parentheses.
const MAX_NESTING: u32 = 32;
/// Bytes of one compiled expression.
const MAX_COMPILED: usize = 256 * 1024;

#[cfg(test)]
mod tests;
