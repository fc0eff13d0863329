//! Reading a table to its end: what cannot be read is said and put right, and what is left is read again.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

/// Mistakes that are told of one table.
const MOST: usize = 100;

/// What came of a table.
pub(super) struct Read<T> {
    /// The value, with something in the place of what cannot be read; nothing where that is not possible.
    pub(super) value: Option<T>,
    /// Pointer and sentence of each mistake.
    pub(super) problems: Vec<(String, String)>,
}

/// A part of the way to a value.
#[derive(Clone, PartialEq, Eq)]
enum Part {
    Key(String),
    Index(usize),
}

/// Reads a value. `more` names the keys that a section has beside those of its type.
pub(super) fn read<T: DeserializeOwned>(mut value: Value, more: &dyn Fn(&str) -> &'static [&'static str]) -> Read<T> {
    let mut problems: Vec<(String, String)> = Vec::new();
    while problems.len() < MOST {
        let error = match serde_path_to_error::deserialize::<_, T>(value.clone()) {
            Ok(value) => return Read { value: Some(value), problems },
            Err(error) => error,
        };
        let said = error.inner().to_string();
        let mut way: Vec<Part> = error.path().iter().filter_map(part).collect();
        let unknown = field_of(&said, "unknown field `");
        if let Some(field) = unknown.or_else(|| field_of(&said, "missing field `"))
            && way.last() != Some(&Part::Key(field.to_owned()))
        {
            way.push(Part::Key(field.to_owned()));
        }
        let pointer = pointer(&way);
        if problems.iter().all(|(known, _)| *known != pointer) {
            let section = match way.as_slice() {
                [_] => "",
                [Part::Key(section), _] => section,
                _ => "-",
            };
            let others = if unknown.is_some() { more(section) } else { &[] };
            let detail = others.iter().fold(said.clone(), |text, key| format!("{text}, `{key}`"));
            problems.push((pointer, detail));
        }
        if !put_right(&mut value, &way, &said, unknown.is_some()) {
            break;
        }
    }
    Read { value: None, problems }
}

fn part(segment: &Segment) -> Option<Part> {
    match segment {
        Segment::Map { key } => Some(Part::Key(key.clone())),
        Segment::Seq { index } => Some(Part::Index(*index)),
        _ => None,
    }
}

fn field_of<'a>(said: &'a str, before: &str) -> Option<&'a str> {
    said.strip_prefix(before)?.split('`').next()
}

fn pointer(way: &[Part]) -> String {
    way.iter().fold(String::new(), |text, part| match part {
        Part::Key(key) => format!("{text}/{}", key.replace('~', "~0").replace('/', "~1")),
        Part::Index(index) => format!("{text}/{index}"),
    })
}

fn at<'a>(value: &'a mut Value, way: &[Part]) -> Option<&'a mut Value> {
    way.iter().try_fold(value, |value, part| match part {
        Part::Key(key) => value.get_mut(key),
        Part::Index(index) => value.get_mut(index),
    })
}

/// Takes out what cannot be read, or puts something in its place; `false` when there is no way on.
fn put_right(value: &mut Value, way: &[Part], said: &str, is_unknown: bool) -> bool {
    let Some((last, before)) = way.split_last() else { return false };
    if !is_unknown
        && said.contains("expected a string")
        && let Some(wrong) = at(value, way)
    {
        let text = wrong.as_str().is_none().then(|| wrong.to_string());
        *wrong = Value::String(text.unwrap_or_default());
        return true;
    }
    // The others of a list keep their places.
    if !is_unknown && let Some(element) = way.iter().rposition(|part| matches!(part, Part::Index(_))) {
        let Some(wrong) = way.get(..=element).and_then(|way| at(value, way)) else { return false };
        let range = json!({"from": "0", "to": "0"});
        let is_news = *wrong != range;
        *wrong = range;
        return is_news;
    }
    match (at(value, before), last) {
        (Some(Value::Object(members)), Part::Key(key)) => members.remove(key).is_some(),
        _ => false,
    }
}
