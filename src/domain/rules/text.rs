//! Lists of rules as plain text: one rule a line, `search;replace;comment;kind`, in sections.
//!
//! ```text
//! [incoming]
//! ^0(.*);\1;takes the digit for an outside line away
//! 0800123;;hides a number;text
//! [dialing]
//! # switched off:
//! -^8(.*);0\1
//! ```
//!
//! A line with tabs has its fields between tabs, as a table copied from a document or a dialog has. `\;` is a semicolon,
//! `\#` and `\-` at the beginning are themselves, and so are blanks between the `\` and a `#`.

use std::fmt::Write as _;

use super::rule::{ListName, MatchKind, Rule, RuleLists};

/// Lists read from a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// The rules.
    pub lists: RuleLists,
    /// The lists that the text has a section of, in their order there.
    pub named: Vec<ListName>,
    /// Where each rule stands: list, index, line of the text from 1.
    pub places: Vec<(ListName, usize, usize)>,
}

/// A line that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {detail}")]
pub struct ImportError {
    /// Number of the line, from 1.
    pub line: usize,
    /// What is wrong and what is right.
    pub detail: String,
}

impl Imported {
    /// The line of a rule.
    pub fn line_of(&self, list: ListName, rule: usize) -> Option<usize> {
        self.places.iter().find(|(name, index, _)| (*name, *index) == (list, rule)).map(|(_, _, line)| *line)
    }
}

/// Reads lists from a text. `list` is the one that rules before the first section belong to.
///
/// # Errors
/// Every line that is no rule.
pub fn read_lists(text: &str, list: Option<ListName>) -> Result<Imported, Vec<ImportError>> {
    let mut imported = Imported::default();
    let mut errors = Vec::new();
    let mut current = list;
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim_end_matches('\r');
        let mut say = |detail: &str| errors.push(ImportError { line: number, detail: detail.to_owned() });
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        if let Some(name) = section(bare) {
            match name {
                Ok(name) => {
                    current = Some(name);
                    if !imported.named.contains(&name) {
                        imported.named.push(name);
                    }
                }
                Err(()) => say("The sections are [incoming], [outgoing] and [dialing]."),
            }
            continue;
        }
        let Some(name) = current else {
            say("Which list? Write [incoming], [outgoing] or [dialing] before the first rule, or name the list.");
            continue;
        };
        match rule(line) {
            Ok(rule) => {
                if !imported.named.contains(&name) {
                    imported.named.push(name);
                }
                let list = imported.lists.list_mut(name);
                imported.places.push((name, list.len(), number));
                list.push(rule);
            }
            Err(detail) => say(detail),
        }
    }
    if errors.is_empty() { Ok(imported) } else { Err(errors) }
}

/// `[incoming]`, by the contract's word or by the manual's.
fn section(line: &str) -> Option<Result<ListName, ()>> {
    // `[0-9]` begins an expression; the name of a section has letters only.
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    if name.is_empty() || !name.chars().all(|character| character.is_ascii_alphabetic() || character == ' ') {
        return None;
    }
    Some(match name.to_ascii_lowercase().as_str() {
        "incoming" => Ok(ListName::Incoming),
        "outgoing" => Ok(ListName::Outgoing),
        "dialing" | "dialling" | "pc dialing" | "pc dialling" => Ok(ListName::Dialing),
        _ => Err(()),
    })
}

/// Whether a text would be read as something else at the beginning of a line.
fn is_guarded(text: &str) -> bool {
    // Blanks before a comment are passed over, so they do not keep a `#` from beginning one.
    text.trim_start_matches('\\').starts_with(['-', '#'])
        || text.trim_start_matches(|character: char| character == '\\' || character.is_whitespace()).starts_with('#')
}

fn rule(line: &str) -> Result<Rule, &'static str> {
    let (line, enabled) = match line.strip_prefix('-') {
        Some(rest) => (rest, false),
        None => (line, true),
    };
    let line = line.strip_prefix('\\').filter(|rest| is_guarded(rest)).unwrap_or(line);
    let fields: Vec<String> =
        if line.contains('\t') { line.split('\t').map(str::to_owned).collect() } else { fields(line) };
    let mut fields = fields.into_iter();
    let search = fields.next().unwrap_or_default();
    let Some(replace) = fields.next() else {
        return Err("A rule is search;replace, with the replacement empty where a number shall be hidden.");
    };
    let comment = fields.next().unwrap_or_default();
    let kind = match fields.next().unwrap_or_default().trim() {
        "" | "regex" => MatchKind::Regex,
        "text" => MatchKind::Text,
        _ => return Err("The fourth field is regex or text."),
    };
    if fields.next().is_some() {
        return Err("A rule has at most four fields: search;replace;comment;kind. A semicolon in one of them is \\;.");
    }
    if search.is_empty() {
        return Err("A rule needs something to search for.");
    }
    Ok(Rule { kind, search, replace, comment: comment.trim().to_owned(), enabled })
}

/// Between semicolons; `\;` is one that belongs to a field. Any other `\` stays: expressions have many.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek().copied()) {
            (';', _) => fields.push(String::new()),
            ('\\', Some(next)) => {
                characters.next();
                if let Some(field) = fields.last_mut() {
                    if next != ';' {
                        field.push('\\');
                    }
                    field.push(next);
                }
            }
            _ => {
                if let Some(field) = fields.last_mut() {
                    field.push(character);
                }
            }
        }
    }
    fields
}

/// Writes lists so that [`read_lists`] reads the same again.
pub fn write_lists(lists: &RuleLists) -> String {
    let mut out = String::new();
    for name in ListName::ALL {
        // Writing to a text cannot fail.
        let _ = writeln!(out, "[{name}]");
        for rule in lists.list(name) {
            let kind = match rule.kind {
                MatchKind::Regex => "regex",
                MatchKind::Text => "text",
            };
            let off = if rule.enabled { "" } else { "-" };
            let guard = if is_guarded(&rule.search) { "\\" } else { "" };
            let fields = [&rule.search, &rule.replace, &rule.comment];
            // A `\` before a semicolon would be read as its escape.
            let (between, fields) = if fields.iter().any(|field| field.ends_with('\\') || field.contains("\\;")) {
                ("\t", fields.map(String::clone))
            } else {
                (";", fields.map(|field| field.replace(';', "\\;")))
            };
            let _ = writeln!(out, "{off}{guard}{}{between}{kind}", fields.join(between));
        }
    }
    out
}
