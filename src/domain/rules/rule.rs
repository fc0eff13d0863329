//! Rules as people write them.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a rule looks at a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchKind {
    /// It searches the number with a regular expression.
    #[default]
    Regex,
    /// It compares the whole number.
    Text,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"match": "regex", "search": "^0(.*)", "replace": "\\1", "comment": "", "enabled": true}))]
pub struct Rule {
    /// How it looks at a number.
    #[serde(rename = "match", default)]
    pub kind: MatchKind,
    /// What it looks for.
    #[schema(min_length = 1, max_length = 256)]
    pub search: String,
    /// What it gives: `\0` is the match, `\1` to `\9` are the groups, `\\` is `\`; a text rule gives it as it is. Empty
    /// hides the number.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub replace: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub comment: String,
    /// Whether it is looked at.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

impl Rule {
    /// A rule with a regular expression.
    pub fn regex(search: &str, replace: &str) -> Self {
        Self {
            kind: MatchKind::Regex,
            search: search.to_owned(),
            replace: replace.to_owned(),
            comment: String::new(),
            enabled: true,
        }
    }

    /// A rule that compares the whole number.
    pub fn text(search: &str, replace: &str) -> Self {
        Self { kind: MatchKind::Text, ..Self::regex(search, replace) }
    }
}

/// The three lists of a PBX.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleLists {
    /// For the parties of inbound calls.
    #[schema(max_items = 2000)]
    pub incoming: Vec<Rule>,
    /// For the parties of outbound calls.
    #[schema(max_items = 2000)]
    pub outgoing: Vec<Rule>,
    /// For numbers that programs dial.
    #[schema(max_items = 2000)]
    pub dialing: Vec<Rule>,
}

/// The name of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListName {
    /// For the parties of inbound calls.
    Incoming,
    /// For the parties of outbound calls.
    Outgoing,
    /// For numbers that programs dial.
    Dialing,
}

impl ListName {
    /// All, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Incoming, Self::Outgoing, Self::Dialing];

    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
            Self::Dialing => "dialing",
        }
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl RuleLists {
    /// One of the lists.
    pub fn list(&self, name: ListName) -> &[Rule] {
        match name {
            ListName::Incoming => &self.incoming,
            ListName::Outgoing => &self.outgoing,
            ListName::Dialing => &self.dialing,
        }
    }

    /// One of the lists, to change it.
    pub fn list_mut(&mut self, name: ListName) -> &mut Vec<Rule> {
        match name {
            ListName::Incoming => &mut self.incoming,
            ListName::Outgoing => &mut self.outgoing,
            ListName::Dialing => &mut self.dialing,
        }
    }
}

/// An example that must stay true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The list.
    pub direction: ListName,
    /// A number.
    #[schema(min_length = 1, max_length = 128)]
    pub input: String,
    /// What the rules make of it.
    #[schema(max_length = 256)]
    pub expect: String,
}

/// The part of a rule that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleField {
    /// The whole list.
    List,
    /// `search`.
    Search,
    /// `replace`.
    Replace,
    /// `comment`.
    Comment,
}

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{list} rule {rule}: {detail}")]
pub struct RuleError {
    /// The list.
    pub list: ListName,
    /// Its index.
    pub rule: usize,
    /// The part.
    pub field: RuleField,
    /// The character that is wrong, counted from 1, where it is one.
    pub position: Option<usize>,
    /// What is wrong, in a sentence.
    pub detail: String,
}

impl RuleError {
    /// A JSON pointer into the lists.
    pub fn pointer(&self) -> String {
        let Self { list, rule, .. } = self;
        match self.field {
            RuleField::List => format!("/{list}"),
            RuleField::Search => format!("/{list}/{rule}/search"),
            RuleField::Replace => format!("/{list}/{rule}/replace"),
            RuleField::Comment => format!("/{list}/{rule}/comment"),
        }
    }
}
