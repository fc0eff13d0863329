//! Rules ready to run. The first rule that matches is found by passes over the number, each for a group of expressions:
//! a group small enough that the machine for it has few states, and the first group that matches ends the search.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use super::findings::{self, Finding};
use super::rule::{ListName, MatchKind, Rule, RuleError, RuleField, RuleLists};
use super::template::Template;
use super::{MAX_COMPILED, MAX_NESTING, MAX_NUMBER, MAX_RULES, MAX_TEXT};

/// Bytes of the expressions of a group together.
const MAX_GROUP_COMPILED: usize = 512 * 1024;
/// Expressions that are run together. Many more, and what they can be in at once is new with every number.
const GROUP: usize = 32;
/// Bytes of what a group remembers of the numbers it has seen.
const GROUP_CACHE: usize = 512 * 1024;

/// The rules of a PBX, compiled.
#[derive(Debug, Default)]
pub struct RuleSet {
    lists: RuleLists,
    compiled: [List; 3],
    findings: OnceLock<Vec<Finding>>,
}

/// What the first rule that matched gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its index in the list.
    pub rule: usize,
    /// The result; empty hides the number.
    pub output: String,
}

#[derive(Debug, Default)]
struct List {
    rules: Vec<Compiled>,
    /// Whole numbers that text rules look for, with the first rule that does.
    texts: HashMap<Box<str>, usize>,
    /// The expressions of all enabled rules, in their order.
    groups: Vec<Group>,
}

/// Expressions that are run together.
#[derive(Debug)]
struct Group {
    set: RegexSet,
    /// Index in the set → index in the list.
    places: Vec<usize>,
}

#[derive(Debug)]
struct Compiled {
    search: Box<str>,
    gives: Gives,
}

#[derive(Debug)]
enum Gives {
    Text(Box<str>),
    /// The expression is compiled when its rule wins for the first time: most of a long list never do.
    Expansion(Template, OnceLock<Option<Regex>>),
}

impl RuleSet {
    /// Compiles lists.
    ///
    /// # Errors
    /// Every rule that cannot be used, with the position of what is wrong.
    pub fn compile(lists: RuleLists) -> Result<Self, Vec<RuleError>> {
        Self::compile_while(lists, &|| true)
    }

    /// Compiles lists as long as somebody says so: what anybody may try must not cost everybody.
    ///
    /// # Errors
    /// As [`Self::compile`], and the rule at which it was given up.
    pub fn compile_while(lists: RuleLists, goes_on: &dyn Fn() -> bool) -> Result<Self, Vec<RuleError>> {
        let mut errors = Vec::new();
        let compiled = ListName::ALL.map(|name| List::compile(name, lists.list(name), goes_on, &mut errors));
        if errors.is_empty() { Ok(Self { lists, compiled, findings: OnceLock::new() }) } else { Err(errors) }
    }

    /// The rules as they were written.
    pub fn lists(&self) -> &RuleLists {
        &self.lists
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.compiled.iter().all(|list| list.rules.is_empty())
    }

    /// The first rule of a list that matches a number; `None` leaves it unchanged.
    pub fn apply(&self, list: ListName, number: &str) -> Option<Applied> {
        self.compiled[list as usize].apply(number)
    }

    /// Rules that cannot do anything, or perhaps not what was meant. Found once, when first asked for.
    pub fn findings(&self) -> &[Finding] {
        self.findings.get_or_init(|| findings::find(self))
    }

    /// The captures of a rule on a number.
    pub(super) fn captures<'n>(&self, list: ListName, rule: usize, number: &'n str) -> Option<Captures<'n>> {
        let compiled = self.compiled[list as usize].rules.get(rule)?;
        match &compiled.gives {
            Gives::Text(_) => None,
            Gives::Expansion(_, regex) => compiled.regex(regex)?.captures(number.as_bytes()),
        }
    }
}

impl List {
    fn compile(name: ListName, rules: &[Rule], goes_on: &dyn Fn() -> bool, errors: &mut Vec<RuleError>) -> Self {
        let before = errors.len();
        let too_long = |rule: usize| RuleError {
            list: name,
            rule,
            field: RuleField::Search,
            position: None,
            detail: "Up to this rule the time is used up that trying rules may take: try fewer of them at once."
                .to_owned(),
        };
        if rules.len() > MAX_RULES {
            errors.push(RuleError {
                list: name,
                rule: MAX_RULES,
                field: RuleField::List,
                position: None,
                detail: format!("A list has at most {MAX_RULES} rules."),
            });
            return Self::default();
        }
        let mut list = Self::default();
        let mut patterns = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if !goes_on() {
                errors.push(too_long(index));
                return Self::default();
            }
            match Compiled::new(rule) {
                Ok(compiled) => list.rules.push(compiled),
                Err((field, position, detail)) => {
                    errors.push(RuleError { list: name, rule: index, field, position, detail });
                }
            }
            if !rule.enabled {
                continue;
            }
            match rule.kind {
                MatchKind::Text => {
                    list.texts.entry(rule.search.as_str().into()).or_insert(index);
                }
                MatchKind::Regex => {
                    patterns.push((rule.search.as_str(), index));
                }
            }
        }
        if errors.len() > before {
            return Self::default();
        }
        for part in patterns.chunks(GROUP) {
            if !goes_on() {
                errors.push(too_long(part.first().map_or(0, |(_, index)| *index)));
                return Self::default();
            }
            let set = RegexSetBuilder::new(part.iter().map(|(pattern, _)| pattern))
                .unicode(false)
                .nest_limit(MAX_NESTING)
                .size_limit(MAX_GROUP_COMPILED)
                .dfa_size_limit(GROUP_CACHE)
                .build();
            match set {
                Ok(set) => list.groups.push(Group { set, places: part.iter().map(|(_, index)| *index).collect() }),
                Err(_) => errors.push(RuleError {
                    list: name,
                    rule: part.first().map_or(0, |(_, index)| *index),
                    field: RuleField::Search,
                    position: None,
                    detail: "This expression and those that follow it are too large together: write repetitions such \
                             as {100} shorter."
                        .to_owned(),
                }),
            }
        }
        list
    }

    fn apply(&self, number: &str) -> Option<Applied> {
        if self.rules.is_empty() || number.is_empty() || number.len() > MAX_NUMBER {
            return None;
        }
        let by_text = self.texts.get(number).copied();
        let by_regex = self
            .groups
            .iter()
            // Nothing behind a text rule that matches is looked at.
            .take_while(|group| by_text.is_none_or(|text| group.places.first().is_some_and(|first| *first < text)))
            .find_map(|group| group.first(number));
        let rule = [by_text, by_regex].into_iter().flatten().min()?;
        let output = self.rules.get(rule)?.output(number)?;
        Some(Applied { rule, output })
    }
}

impl Group {
    /// The first of its rules that matches.
    fn first(&self, number: &str) -> Option<usize> {
        if !self.set.is_match(number.as_bytes()) {
            return None;
        }
        self.set.matches(number.as_bytes()).iter().next().and_then(|index| self.places.get(index).copied())
    }
}

type Wrong = (RuleField, Option<usize>, String);

impl Compiled {
    fn new(rule: &Rule) -> Result<Self, Wrong> {
        for (field, text) in [
            (RuleField::Search, &rule.search),
            (RuleField::Replace, &rule.replace),
            (RuleField::Comment, &rule.comment),
        ] {
            if text.chars().count() > MAX_TEXT {
                return Err((field, None, format!("At most {MAX_TEXT} characters.")));
            }
            if let Some(position) = text.chars().position(char::is_control) {
                return Err((field, Some(position + 1), "No line breaks and no other control characters.".to_owned()));
            }
        }
        if rule.search.is_empty() {
            return Err((RuleField::Search, None, "A rule needs something to search for.".to_owned()));
        }
        let search = rule.search.as_str().into();
        if rule.kind == MatchKind::Text {
            return Ok(Self { search, gives: Gives::Text(rule.replace.as_str().into()) });
        }
        let hir = parse(&rule.search).map_err(|(position, detail)| (RuleField::Search, position, detail))?;
        // Built once to know that it can be; the list runs all expressions together.
        build(&rule.search).map_err(|_| {
            let detail = "This expression is too large: write repetitions such as {100} shorter.";
            (RuleField::Search, None, detail.to_owned())
        })?;
        let template = Template::parse(&rule.replace, hir.properties().explicit_captures_len()).map_err(
            |(position, detail)| (RuleField::Replace, Some(position), format!("At character {position}: {detail}")),
        )?;
        Ok(Self { search, gives: Gives::Expansion(template, OnceLock::new()) })
    }

    fn output(&self, number: &str) -> Option<String> {
        let mut output = match &self.gives {
            Gives::Text(text) => text.as_ref().to_owned(),
            Gives::Expansion(template, regex) => {
                let captures = self.regex(regex)?.captures(number.as_bytes())?;
                template.expand(|group| captures.get(group).map(|found| found.as_bytes()))
            }
        };
        if let Some((end, _)) = output.char_indices().nth(MAX_NUMBER) {
            output.truncate(end);
        }
        Some(output)
    }

    fn regex<'a>(&self, cell: &'a OnceLock<Option<Regex>>) -> Option<&'a Regex> {
        cell.get_or_init(|| build(&self.search).ok()).as_ref()
    }
}

/// Compiles one expression. Numbers are bytes: `\d` is 0 to 9 and nothing else.
pub(super) fn build(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .nest_limit(MAX_NESTING)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build()
}

/// Reads one expression.
///
/// # Errors
/// The position, counted from 1, and what is wrong there.
pub(super) fn parse(pattern: &str) -> Result<Hir, (Option<usize>, String)> {
    let parsed = ParserBuilder::new().unicode(false).utf8(false).nest_limit(MAX_NESTING).build().parse(pattern);
    let (span, said) = match parsed {
        Ok(hir) => return Ok(hir),
        Err(regex_syntax::Error::Parse(error)) => (*error.span(), error.kind().to_string()),
        Err(regex_syntax::Error::Translate(error)) => (*error.span(), error.kind().to_string()),
        Err(error) => return Err((None, error.to_string())),
    };
    let position = pattern.get(..span.start.offset).unwrap_or_default().chars().count() + 1;
    let mut sentence: String = said.split(", ").next().unwrap_or(&said).trim_end_matches('.').to_owned();
    if said.starts_with("look-around") {
        "look-ahead and look-behind do not exist here".clone_into(&mut sentence);
    } else if said.starts_with("backreferences") {
        "\\1 and the like exist in the replacement only".clone_into(&mut sentence);
    } else if said.starts_with("Unicode not allowed") {
        "only ASCII characters can stand in brackets and classes".clone_into(&mut sentence);
    }
    Err((Some(position), format!("At character {position}: {sentence}.")))
}
