//! What a gateway has, as a file of settings.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::plan::Present;
use crate::service::pbx::PbxSettings;

const HEAD: &str = "\
# Settings of a Linegate gateway, written by `linegate config export`. Compare it with a gateway with `linegate config plan`,
# and make a gateway so with `linegate config apply`. What differs from its default stands here; a setting that is taken
# out gets its default again. Passwords are never written: name a variable (password_env) or a file (password_file).
";

/// The order of the file: what is short first, the lines last.
#[derive(Serialize)]
struct File {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pbx: Vec<Table>,
}

#[derive(Serialize)]
struct Table {
    name: String,
    host: String,
    #[serde(flatten)]
    values: toml::Table,
    #[serde(flatten)]
    tables: toml::Table,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_rules: Option<Rules>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    line: Vec<LineTable>,
}

#[derive(Serialize)]
struct LineTable {
    number: toml::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<toml::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<toml::Value>,
    #[serde(flatten)]
    rest: toml::Table,
}

#[derive(Serialize)]
struct Rules {
    #[serde(flatten)]
    lists: toml::Table,
}

/// The file for these PBXs.
///
/// # Errors
/// When an answer of the gateway cannot be written as TOML.
pub fn write(present: &[Present]) -> Result<String, String> {
    let pbx = present.iter().map(table).collect::<Result<Vec<_>, _>>()?;
    let text = toml::to_string_pretty(&File { pbx }).map_err(|error| error.to_string())?;
    Ok(format!("{HEAD}\n{text}"))
}

fn table(present: &Present) -> Result<Table, String> {
    let defaults = serde_json::to_value(PbxSettings::default()).unwrap_or_default();
    let settings = serde_json::to_value(&present.settings).unwrap_or_default();
    let mut differing = differing(&defaults, &settings);
    for (section, infix) in [("axl", ""), ("sip", "SIP_")] {
        let has_password = match section {
            "axl" => present.has_axl_password,
            _ => present.has_sip_password,
        };
        if has_password {
            let table = differing.entry(section).or_insert_with(|| json!({}));
            table["password_env"] = json!(variable(&present.settings.name, infix));
        }
    }
    differing.remove("name");
    differing.remove("host");
    let (tables, values): (Map<String, Value>, Map<String, Value>) =
        differing.into_iter().partition(|(_, value)| value.is_object());
    let rules = present.rules.as_object().cloned().unwrap_or_default();
    let lists: Map<String, Value> = rules
        .into_iter()
        .filter(|(_, list)| list.as_array().is_some_and(|list| !list.is_empty()))
        .map(|(name, list)| (name, list.as_array().into_iter().flatten().map(short_rule).collect()))
        .collect();
    let number_rules = if lists.is_empty() { None } else { Some(Rules { lists: toml_table(lists)? }) };
    Ok(Table {
        name: present.settings.name.clone(),
        host: present.settings.host.clone(),
        values: toml_table(values)?,
        tables: toml_table(tables)?,
        number_rules,
        line: present.lines.iter().filter_map(line).map(line_table).collect::<Result<Vec<_>, _>>()?,
    })
}

/// The variable that holds the password of a PBX.
fn variable(name: &str, infix: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!("LINEGATE_PBX_{name}_{infix}PASSWORD")
}

/// The members that are not as in the other object.
fn differing(defaults: &Value, value: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match (defaults.get(key), value) {
            (Some(same), _) if same == value => {}
            (Some(Value::Object(_)), Value::Object(_)) if key != "dialect" => {
                let inner = differing(&defaults[key], value);
                if !inner.is_empty() {
                    found.insert(key.clone(), Value::Object(inner));
                }
            }
            (_, Value::Null) => {}
            _ => {
                found.insert(key.clone(), value.clone());
            }
        }
    }
    found
}

/// A rule without what it has by default.
fn short_rule(rule: &Value) -> Value {
    let mut rule = rule.clone();
    if let Some(fields) = rule.as_object_mut() {
        fields.retain(|key, value| {
            !(key == "comment" && value == ""
                || key == "enabled" && *value == true
                || key == "match" && value == "regex")
        });
    }
    rule
}

/// What a person gave a line; nothing for a line that is as the router has it.
fn line(line: &Value) -> Option<Map<String, Value>> {
    let is_entered = line["source"] != "pbx";
    let mut out = Map::new();
    let mut copy = |key: &str| out.insert(key.to_owned(), line[key].clone());
    copy("number");
    if !line["device_id"].is_null() {
        copy("device_id");
    }
    if is_entered {
        copy("source");
    }
    let mut has_more = is_entered;
    if (is_entered && line["name"] != "") || line["has_own_name"] == true {
        has_more = true;
        out.insert("name".to_owned(), line["name"].clone());
    }
    if line["enabled"] == false {
        has_more = true;
        out.insert("enabled".to_owned(), Value::Bool(false));
    }
    let buttons = super::plan::buttons(line);
    if is_entered && !buttons.is_empty() {
        out.insert("buttons".to_owned(), json!(buttons));
    }
    if line["labels"].as_object().is_some_and(|labels| !labels.is_empty()) {
        has_more = true;
        out.insert("labels".to_owned(), line["labels"].clone());
    }
    has_more.then_some(out)
}

/// What tells lines apart comes first.
fn line_table(values: Map<String, Value>) -> Result<LineTable, String> {
    let mut rest = toml_table(values)?;
    let number = rest.remove("number").ok_or_else(|| "a line has no number".to_owned())?;
    Ok(LineTable { number, device_id: rest.remove("device_id"), source: rest.remove("source"), rest })
}

fn toml_table(values: Map<String, Value>) -> Result<toml::Table, String> {
    toml::Table::try_from(without_nulls(Value::Object(values))).map_err(|error| error.to_string())
}

/// TOML knows no null: a member that is null is left out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
