//! From what a gateway has to what the file says: the steps, each with its way back.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::compare::{Difference, differences, patch};
use super::{Declared, DeclaredLine, DeclaredPbx, DeclaredSource, Problem, SecretSource};
use crate::service::line_form;
use crate::service::pbx::PbxSettings;
use crate::service::rules_form;

/// A PBX as a gateway has it.
#[derive(Debug, Clone)]
pub struct Present {
    /// Its id.
    pub id: String,
    /// Its settings.
    pub settings: PbxSettings,
    /// Entity tag of the settings.
    pub etag: Option<String>,
    /// Whether a password of the XML API is stored.
    pub has_axl_password: bool,
    /// Whether a password of SIP digest is stored.
    pub has_sip_password: bool,
    /// Its number rules with every field.
    pub rules: Value,
    /// Entity tag of the rules.
    pub rules_etag: Option<String>,
    /// Its lines, as the API shows them.
    pub lines: Vec<Value>,
}

/// How far the file shall go.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choices {
    /// Delete PBXs and entered lines that the file does not name.
    pub prune: bool,
    /// Write the passwords of PBXs that have one already.
    pub passwords: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The steps, in the order in which they are made.
    pub steps: Vec<Step>,
    /// What a person should know beside them.
    pub notes: Vec<String>,
    /// Names of PBXs whose router has not given lines that the file names.
    pub waiting: Vec<String>,
}

/// One step: one request that changes one thing.
#[derive(Debug, Clone)]
pub struct Step {
    /// Name of the PBX.
    pub pbx: String,
    /// What it is about, for people.
    pub title: String,
    /// What is done.
    pub act: Act,
    /// What will be different.
    pub differences: Vec<Difference>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Act {
    /// A new PBX.
    CreatePbx {
        /// Settings without passwords.
        body: Value,
        /// Passwords to be sent: section and where it is.
        passwords: Vec<(&'static str, SecretSource)>,
    },
    /// Other settings.
    ChangePbx {
        /// Id.
        id: String,
        /// Entity tag that was read.
        etag: Option<String>,
        /// Merge patch.
        patch: Value,
        /// Merge patch that takes it back.
        undo: Value,
        /// Passwords to be sent.
        passwords: Vec<(&'static str, SecretSource)>,
        /// The file has number rules too, and was checked with them: those that are there now do not matter.
        has_rules: bool,
    },
    /// Other number rules. A new PBX has no id and no tag yet.
    WriteRules {
        /// Entity tag that was read.
        etag: Option<String>,
        /// Rules.
        body: Value,
        /// The rules before.
        undo: Value,
    },
    /// A line that the router does not give.
    CreateLine {
        /// What a POST takes, without `pbx_id`.
        body: Value,
        /// What is patched into it then; empty when nothing is.
        patch: Value,
    },
    /// Other data of a line.
    ChangeLine {
        /// Id.
        id: String,
        /// The line that was read.
        before: Value,
        /// Merge patch.
        patch: Value,
        /// Merge patch that takes it back.
        undo: Value,
    },
    /// A line that nobody names any more.
    DeleteLine {
        /// Id.
        id: String,
    },
    /// A PBX that nobody names any more.
    DeletePbx {
        /// Id.
        id: String,
        /// Entity tag that was read.
        etag: Option<String>,
    },
}

impl Act {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::CreatePbx { .. } | Self::CreateLine { .. } => "create",
            Self::ChangePbx { .. } | Self::WriteRules { .. } | Self::ChangeLine { .. } => "change",
            Self::DeleteLine { .. } | Self::DeletePbx { .. } => "delete",
        }
    }
}

/// Numbers of the further buttons of a line that the API shows.
pub(super) fn buttons(line: &Value) -> Vec<&str> {
    line["addresses"]
        .as_array()
        .into_iter()
        .flatten()
        .skip(1)
        .filter_map(|address| address["number"].as_str())
        .collect()
}

impl Plan {
    /// Compares a file with what a gateway has. Creations and changes come first, deletions last: only they cannot be taken
    /// back.
    ///
    /// # Errors
    /// What the file asks for and cannot be.
    pub fn make(declared: &Declared, present: &[Present], choices: Choices) -> Result<Self, Vec<Problem>> {
        let mut plan = Self::default();
        let mut problems = Vec::new();
        let mut deletions = Vec::new();
        for pbx in &declared.pbxs {
            let known = present.iter().find(|one| one.settings.name == pbx.settings.name);
            match known {
                None => plan.create(pbx, &mut problems),
                Some(known) => plan.change(pbx, known, choices, &mut problems),
            }
            plan.lines(pbx, known, choices, &mut deletions, &mut problems);
        }
        for known in present {
            let name = &known.settings.name;
            if declared.pbxs.iter().any(|pbx| pbx.settings.name == *name) {
                continue;
            }
            if choices.prune {
                let act = Act::DeletePbx { id: known.id.clone(), etag: known.etag.clone() };
                let title = format!("with its {} lines", known.lines.len());
                deletions.push(Step { pbx: name.clone(), title, act, differences: Vec::new() });
            } else {
                plan.notes.push(format!("PBX {name} is not in the file and stays; --prune deletes it."));
            }
        }
        plan.steps.extend(deletions);
        if problems.is_empty() { Ok(plan) } else { Err(problems) }
    }

    fn create(&mut self, pbx: &DeclaredPbx, problems: &mut Vec<Problem>) {
        let name = pbx.settings.name.clone();
        let body = serde_json::to_value(&pbx.settings).unwrap_or_default();
        let mut found = Vec::new();
        let defaults = serde_json::to_value(PbxSettings::default()).unwrap_or_default();
        differences("", &defaults, &body, &mut found);
        for one in &mut found {
            one.before = None;
        }
        let passwords = passwords(pbx, [false, false], true, &mut found, problems);
        let act = Act::CreatePbx { body, passwords };
        self.steps.push(Step { pbx: name.clone(), title: String::new(), act, differences: found });
        if let Some(rules) = &pbx.number_rules {
            let none = json!({"incoming": [], "outgoing": [], "dialing": [], "samples": []});
            self.rules(&name, rules, &none, None);
        }
    }

    fn change(&mut self, pbx: &DeclaredPbx, known: &Present, choices: Choices, problems: &mut Vec<Problem>) {
        let name = pbx.settings.name.clone();
        let before = serde_json::to_value(&known.settings).unwrap_or_default();
        let after = serde_json::to_value(&pbx.settings).unwrap_or_default();
        let mut found = Vec::new();
        differences("", &before, &after, &mut found);
        let has = [known.has_axl_password, known.has_sip_password];
        let passwords = passwords(pbx, has, choices.passwords, &mut found, problems);
        if !found.is_empty() {
            let act = Act::ChangePbx {
                id: known.id.clone(),
                etag: known.etag.clone(),
                patch: patch(&before, &after),
                undo: patch(&after, &before),
                passwords,
                has_rules: pbx.number_rules.is_some(),
            };
            self.steps.push(Step { pbx: name.clone(), title: String::new(), act, differences: found });
        }
        if let Some(rules) = &pbx.number_rules {
            self.rules(&name, rules, &known.rules, known.rules_etag.clone());
        }
    }

    fn rules(&mut self, pbx: &str, rules: &Value, before: &Value, etag: Option<String>) {
        let found = rule_differences(before, rules);
        if found.is_empty() {
            return;
        }
        let act = Act::WriteRules { etag, body: rules.clone(), undo: before.clone() };
        self.steps.push(Step { pbx: pbx.to_owned(), title: "number rules".to_owned(), act, differences: found });
    }

    fn lines(
        &mut self,
        pbx: &DeclaredPbx,
        known: Option<&Present>,
        choices: Choices,
        deletions: &mut Vec<Step>,
        problems: &mut Vec<Problem>,
    ) {
        let name = &pbx.settings.name;
        let present = known.map(|known| known.lines.as_slice()).unwrap_or_default();
        let key =
            |line: &Value| (line["number"].as_str().map(str::to_owned), line["device_id"].as_str().map(str::to_owned));
        let by_key: HashMap<_, &Value> = present.iter().map(|line| (key(line), line)).collect();
        let compared = line_form::comparing(&pbx.settings);
        let find = |number: &str, device: &Option<String>| by_key.get(&(Some(number.to_owned()), device.clone()));
        // The lines as the gateway has them: a number in full is looked up as it stands there, then as an extension.
        let lines: Vec<DeclaredLine> = pbx
            .lines
            .iter()
            .map(|line| {
                let extension = compared(&line.number);
                let is_other = find(&line.number, &line.device_id).is_none();
                let number = match is_other && find(&extension, &line.device_id).is_some() {
                    true => extension,
                    false => line.number.clone(),
                };
                let there = find(&number, &line.device_id).map(|before| buttons(before)).unwrap_or_default();
                let button = |button: &String| {
                    let extension = compared(button);
                    let is_other = !there.contains(&button.as_str()) && there.contains(&extension.as_str());
                    if is_other { extension } else { button.clone() }
                };
                DeclaredLine { number, buttons: line.buttons.iter().map(button).collect(), ..line.clone() }
            })
            .collect();
        let mut waiting = 0;
        for line in &lines {
            match by_key.get(&(Some(line.number.clone()), line.device_id.clone())) {
                Some(before) => match line_change(line, before) {
                    Ok(None) => {}
                    Ok(Some((patch, undo, differences))) => {
                        let id = before["id"].as_str().unwrap_or_default().to_owned();
                        let act = Act::ChangeLine { id, before: (*before).clone(), patch, undo };
                        let title = format!("line {}", line.title());
                        self.steps.push(Step { pbx: name.clone(), title, act, differences });
                    }
                    Err(detail) => problems.push(Problem::new(format!("pbx {name}, line {}", line.title()), detail)),
                },
                None if line.source == DeclaredSource::Pbx => waiting += 1,
                None => self.steps.push(create_line(name, line)),
            }
        }
        if waiting > 0 {
            self.waiting.push(name.clone());
            self.notes.push(format!(
                "PBX {name}: the router has not given {waiting} of the lines yet; what the file says about them waits. \
                 A line that the router does not give needs source = \"manual\"."
            ));
        }
        let named =
            |line: &Value| lines.iter().any(|one| key(line) == (Some(one.number.clone()), one.device_id.clone()));
        let left: Vec<&Value> = present.iter().filter(|line| line["source"] != "pbx" && !named(line)).collect();
        if left.is_empty() {
            return;
        }
        if !choices.prune {
            let count = left.len();
            self.notes.push(format!(
                "PBX {name}: entered lines that are not in the file stay: {count}. --prune deletes them."
            ));
            return;
        }
        deletions.extend(left.into_iter().map(|line| {
            Step {
                pbx: name.clone(),
                title: format!(
                    "line {} {}",
                    line["number"].as_str().unwrap_or_default(),
                    line["name"].as_str().unwrap_or_default()
                )
                .trim_end()
                .to_owned(),
                act: Act::DeleteLine { id: line["id"].as_str().unwrap_or_default().to_owned() },
                differences: Vec::new(),
            }
        }));
    }
}

/// The passwords that are to be sent, and that they are.
fn passwords(
    pbx: &DeclaredPbx,
    has: [bool; 2],
    again: bool,
    found: &mut Vec<Difference>,
    problems: &mut Vec<Problem>,
) -> Vec<(&'static str, SecretSource)> {
    let mut sent = Vec::new();
    for ((section, source), has) in [("axl", &pbx.axl_password), ("sip", &pbx.sip_password)].into_iter().zip(has) {
        let Some(source) = source.as_ref().filter(|_| again || !has) else { continue };
        if let Err(error) = source.read() {
            problems.push(Problem::new(format!("pbx {}/{section}", pbx.settings.name), format!("{error}.")));
        }
        let hidden = || Some(json!("(not shown)"));
        let before = if has { hidden() } else { None };
        found.push(Difference::new(format!("{section}.password"), before, hidden()));
        sent.push((section, source.clone()));
    }
    sent
}

fn create_line(pbx: &str, line: &DeclaredLine) -> Step {
    let body = json!({
        "number": line.number, "device_id": line.device_id, "name": line.name.clone().unwrap_or_default(),
        "buttons": line.buttons,
    });
    let mut patch = json!({});
    if !line.enabled {
        patch["enabled"] = json!(false);
    }
    if !line.labels.is_empty() {
        patch["labels"] = json!(line.labels);
    }
    let mut found = Vec::new();
    let mut whole = body.clone();
    crate::service::merge::merge(&mut whole, patch.clone());
    if let Some(fields) = whole.as_object_mut() {
        fields.retain(|key, value| key != "number" && key != "device_id" && *value != json!("") && *value != json!([]));
    }
    differences("", &json!({}), &whole, &mut found);
    let title = format!("line {}", line.title());
    Step { pbx: pbx.to_owned(), title, act: Act::CreateLine { body, patch }, differences: found }
}

type LineChange = (Value, Value, Vec<Difference>);

/// What a line of the gateway gets; nothing when it is as the file says.
///
/// # Errors
/// What cannot be changed.
fn line_change(line: &DeclaredLine, before: &Value) -> Result<Option<LineChange>, String> {
    let is_entered = before["source"] != "pbx";
    let has_own_name = before["has_own_name"] == true;
    let (mut is, mut shall) = (json!({}), json!({}));
    let mut set = |key: &str, old: Value, new: Value| {
        is[key] = old;
        shall[key] = new;
    };
    set("enabled", before["enabled"].clone(), json!(line.enabled));
    set("labels", before["labels"].clone(), json!(line.labels));
    if is_entered {
        set("name", before["name"].clone(), json!(line.name.clone().unwrap_or_default()));
        set("buttons", json!(buttons(before)), json!(line.buttons));
    } else {
        // A null gives the name back to the router.
        let old = if has_own_name { before["name"].clone() } else { Value::Null };
        // A line that was entered became the router's, under the name that it has there too: nothing is to be done.
        let is_the_same = line.source != DeclaredSource::Pbx && before["name"] == json!(line.name);
        set("name", old.clone(), if is_the_same { old } else { json!(line.name) });
        if line.source != DeclaredSource::Pbx && buttons(before) != line.buttons {
            return Err(
                "The router gives this line now, and its buttons: take the buttons and the source out.".to_owned()
            );
        }
    }
    let mut found = Vec::new();
    differences("", &is, &shall, &mut found);
    if found.is_empty() {
        return Ok(None);
    }
    let (there, back) = (patch(&is, &shall), patch(&shall, &is));
    Ok(Some((there, back, found)))
}

/// Rules that go, rules that come, and lists whose order is another one.
fn rule_differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    for list in ["incoming", "outgoing", "dialing", "samples"] {
        let items = |side: &Value| side[list].as_array().cloned().unwrap_or_default();
        let (old, new) = (items(before), items(after));
        if old == new {
            continue;
        }
        let before = found.len();
        let mut left = new.clone();
        for (index, item) in old.iter().enumerate() {
            match left.iter().position(|other| other == item) {
                Some(at) => {
                    left.remove(at);
                }
                None => found.push(Difference::new(format!("{list}[{index}]"), Some(item.clone()), None)),
            }
        }
        let mut comes = left;
        for (index, item) in new.iter().enumerate() {
            if let Some(at) = comes.iter().position(|other| other == item) {
                comes.remove(at);
                found.push(Difference::new(format!("{list}[{index}]"), None, Some(item.clone())));
            }
        }
        if found.len() == before {
            let order =
                |items: &[Value]| Some(json!(items.iter().map(|item| item["search"].clone()).collect::<Vec<_>>()));
            found.push(Difference::new(format!("{list}, order"), order(&old), order(&new)));
        }
    }
    found
}

impl Present {
    /// From what the API shows.
    ///
    /// # Errors
    /// When this release does not know what it shows.
    pub fn read(
        pbx: Value,
        etag: Option<String>,
        rules: Value,
        rules_etag: Option<String>,
        lines: Vec<Value>,
    ) -> Result<Self, String> {
        let Value::Object(mut object) = pbx else { return Err("A PBX is not an object.".to_owned()) };
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        object.remove("id");
        object.remove("status");
        let mut has = |section: &str| {
            let section = object.get_mut(section).and_then(Value::as_object_mut);
            section.and_then(|section| section.remove("has_password")) == Some(Value::Bool(true))
        };
        let (has_axl_password, has_sip_password) = (has("axl"), has("sip"));
        let settings: PbxSettings = serde_path_to_error::deserialize(Value::Object(object))
            .map_err(|error| format!("This release does not know the settings of a PBX there: {error}."))?;
        let rules = rules_form::shown(rules).map_err(|error| error.detail)?;
        Ok(Self { id, settings, etag, has_axl_password, has_sip_password, rules, rules_etag, lines })
    }
}
