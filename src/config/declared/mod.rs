//! Settings as code: the PBXs of a gateway with their entered lines and number rules, as one TOML file.
//!
//! The file says how things shall be. What it does not say about a PBX that it names has its default; PBXs, lines and
//! rules that it does not name stay as they are. Passwords stand there as references, never as themselves.

mod compare;
mod lenient;
mod plan;
mod secret;
mod write;

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};

pub use compare::Difference;
pub use plan::{Act, Choices, Plan, Present, Step};
pub use secret::{SecretError, SecretSource};
pub use write::write;

use super::{Hidden, Problem};
use crate::service::error::ServiceError;
use crate::service::line_form::{self, ListedLine};
use crate::service::pbx::PbxSettings;
use crate::service::rules_form;

/// A file of settings, checked.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// The PBXs in the order of the file.
    pub pbxs: Vec<DeclaredPbx>,
}

/// A PBX of the file.
#[derive(Debug, Clone)]
pub struct DeclaredPbx {
    /// Its settings, complete.
    pub settings: PbxSettings,
    /// Where the password of the XML API is.
    pub axl_password: Option<SecretSource>,
    /// Where the password of SIP digest is.
    pub sip_password: Option<SecretSource>,
    /// Its number rules, complete; `None` leaves them as they are.
    pub number_rules: Option<Value>,
    /// Its lines.
    pub lines: Vec<DeclaredLine>,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredLine {
    /// Its number.
    pub number: String,
    /// The MAC of its phone; `None` for an extension mobility user.
    #[serde(default)]
    pub device_id: Option<String>,
    /// Who gives the line.
    #[serde(default)]
    pub source: DeclaredSource,
    /// Its name; of a line of the router only when it shall have another one than there.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it is monitored.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Numbers of its further buttons, when the router does not give the line.
    #[serde(default)]
    pub buttons: Vec<String>,
    /// Labels of programs.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Who gives a line of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclaredSource {
    /// The router: the file holds what a person added.
    #[default]
    Pbx,
    /// A person entered it.
    Manual,
    /// It came with a list.
    Import,
}

fn yes() -> bool {
    true
}

impl DeclaredLine {
    /// Number and phone, for people.
    pub fn title(&self) -> String {
        match &self.device_id {
            Some(device) => format!("{} at {device}", self.number),
            None => format!("{} without a phone of its own", self.number),
        }
    }
}

impl Declared {
    /// Reads a file. With `force`, number rules may do what is else refused.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first.
    pub fn parse(text: &str, origin: &str, force: bool) -> Result<Self, Vec<Problem>> {
        let whole: Value = toml::from_str(text).map_err(|error| {
            vec![Problem::new(origin, error.message().to_owned() + &super::file::place(text, &error))]
        })?;
        let mut problems = Vec::new();
        let mut say = |place: &str, detail: String| {
            problems.push(Problem::new(format!("{origin}: {place}"), detail));
        };
        let Value::Object(mut whole) = whole else { return Ok(Self::default()) };
        let tables = match whole.remove("pbx") {
            None => Vec::new(),
            Some(Value::Array(tables)) => tables,
            Some(_) => {
                say("pbx", "Write each PBX as a table of its own: [[pbx]].".to_owned());
                Vec::new()
            }
        };
        for key in whole.keys() {
            say(key, "There is no such key here: a file of settings holds [[pbx]] tables.".to_owned());
        }
        let mut pbxs: Vec<DeclaredPbx> = Vec::new();
        for (index, table) in tables.into_iter().enumerate() {
            let name = table.get("name").and_then(Value::as_str).unwrap_or_default();
            let place = if name.is_empty() { format!("pbx {}", index + 1) } else { format!("pbx {name}") };
            match read_pbx(table, force, &mut |pointer, detail| say(&format!("{place}{pointer}"), detail)) {
                Some(pbx) if pbxs.iter().any(|other| other.settings.name == pbx.settings.name) => {
                    say(&place, "Another PBX of the file has this name.".to_owned());
                }
                Some(pbx) => pbxs.push(pbx),
                None => {}
            }
        }
        if problems.is_empty() { Ok(Self { pbxs }) } else { Err(problems) }
    }
}

/// Reads the table of one PBX; says everything that is wrong.
fn read_pbx(table: Value, force: bool, say: &mut dyn FnMut(&str, String)) -> Option<DeclaredPbx> {
    let Value::Object(mut table) = table else {
        say("", "A table is needed.".to_owned());
        return None;
    };
    let rules = table.remove("number_rules");
    let lines = table.remove("line");
    let mut secret = |section: &str| match SecretSource::take(&mut table, section) {
        Ok(source) => source,
        Err(error) => {
            say(&format!("/{section}"), error.to_string());
            None
        }
    };
    let (axl_password, sip_password) = (secret("axl"), secret("sip"));
    default_port(&mut table);
    let more = |section: &str| match section {
        "" => &["line", "number_rules"][..],
        "axl" | "sip" => &SecretSource::KEYS[..],
        _ => &[],
    };
    let read = lenient::read::<PbxSettings>(Value::Object(table), &more);
    for (pointer, detail) in &read.problems {
        say(pointer, detail.clone());
    }
    let settings = read.value?;
    // What was put in the place of something that cannot be read is not to be judged.
    let is_judged = |pointer: &str| {
        let within = |one: &str, other: &str| {
            one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        read.problems.iter().any(|(said, _)| within(said, pointer) || within(pointer, said))
    };
    for problem in settings.problems().into_iter().filter(|problem| !is_judged(&problem.pointer)) {
        say(&problem.pointer, problem.detail);
    }
    let number_rules = match rules.map(|rules| rules_form::checked(&settings, rules, force)).transpose() {
        Ok(rules) => rules,
        Err(error) => {
            refused(&error, "/number_rules", say);
            None
        }
    };
    let lines = read_lines(&settings, lines, say);
    Some(DeclaredPbx { settings, axl_password, sip_password, number_rules, lines })
}

fn refused(error: &ServiceError, before: &str, say: &mut dyn FnMut(&str, String)) {
    if error.fields.is_empty() {
        say(before, error.detail.clone());
    }
    for field in &error.fields {
        say(&format!("{before}{}", field.pointer), field.detail.clone());
    }
}

fn read_lines(settings: &PbxSettings, lines: Option<Value>, say: &mut dyn FnMut(&str, String)) -> Vec<DeclaredLine> {
    let lines = match lines {
        None => return Vec::new(),
        Some(Value::Array(lines)) => lines,
        Some(_) => {
            say("/line", "Write each line as a table of its own: [[pbx.line]].".to_owned());
            return Vec::new();
        }
    };
    let mut read: Vec<DeclaredLine> = Vec::new();
    let compared = line_form::comparing(settings);
    let mut stands_at: HashMap<(String, Option<String>), usize> = HashMap::new();
    for (index, line) in lines.into_iter().enumerate() {
        let pointer = format!("/line/{index}");
        let as_read = lenient::read::<DeclaredLine>(line, &|_| &[]);
        for (inner, detail) in &as_read.problems {
            say(&format!("{pointer}{inner}"), detail.clone());
        }
        let Some(mut line) = as_read.value.filter(|_| as_read.problems.is_empty()) else { continue };
        let as_listed = ListedLine {
            number: line.number.clone(),
            device_id: line.device_id.clone(),
            name: line.name.clone().unwrap_or_default(),
            buttons: line.buttons.clone(),
        };
        match line_form::listed(settings, &as_listed) {
            Ok(form) => {
                line.number = form.number;
                line.device_id = form.device_id;
                line.name = line.name.map(|_| form.name);
                line.buttons = form.buttons;
            }
            Err(error) => {
                refused(&error, &pointer, say);
                continue;
            }
        }
        if line.source == DeclaredSource::Pbx && !line.buttons.is_empty() {
            say(
                &format!("{pointer}/buttons"),
                "The buttons of a line that the router gives come from there: take them out, or write source = \"manual\"."
                    .to_owned(),
            );
        }
        if let Err(error) = line_form::labels(&line.labels) {
            refused(&error, &pointer, say);
        }
        match stands_at.insert((compared(&line.number), line.device_id.clone()), index) {
            Some(first) => say(&pointer, format!("Line {first} has this number and phone already: {}.", line.title())),
            None => read.push(line),
        }
    }
    read
}

/// https without a port means 443, as in the API.
fn default_port(table: &mut Map<String, Value>) {
    if let Some(Value::Object(axl)) = table.get_mut("axl")
        && axl.get("scheme").and_then(Value::as_str) == Some("https")
        && !axl.contains_key("port")
    {
        axl.insert("port".to_owned(), 443.into());
    }
}

#[cfg(test)]
mod tests;
