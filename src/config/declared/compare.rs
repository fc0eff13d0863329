//! What differs between two values, as a person reads it and as a merge patch.

use serde_json::{Map, Value};

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where, with dots between the parts.
    pub path: String,
    /// What is; `None` when there is nothing.
    pub before: Option<Value>,
    /// What shall be; `None` when nothing shall be.
    pub after: Option<Value>,
}

impl Difference {
    pub(super) fn new(path: impl Into<String>, before: Option<Value>, after: Option<Value>) -> Self {
        Self { path: path.into(), before, after }
    }
}

/// Every leaf that differs. A `null` and what is not there are the same.
pub(super) fn differences(path: &str, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let side = |object: &Map<String, Value>| object.get(key).cloned().unwrap_or(Value::Null);
                differences(&inner, &side(before), &side(after), found);
            }
        }
        (Value::Object(_), Value::Null) => differences(path, before, &Value::Object(Map::new()), found),
        (Value::Null, Value::Object(_)) => differences(path, &Value::Object(Map::new()), after, found),
        _ if before == after => {}
        _ => {
            let side = |value: &Value| Some(value.clone()).filter(|value| !value.is_null());
            found.push(Difference::new(path, side(before), side(after)));
        }
    }
}

/// The merge patch (RFC 7396) that makes one value the other.
pub(super) fn patch(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return after.clone() };
    let mut patch = Map::new();
    for (key, value) in after {
        match before.get(key) {
            Some(same) if same == value => {}
            Some(other) if other.is_object() && value.is_object() => {
                patch.insert(key.clone(), self::patch(other, value));
            }
            _ => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::merge::merge;

    #[test]
    fn a_patch_makes_one_value_the_other_and_the_way_back() {
        let one = json!({"name": "hq", "sip": {"port": 5060, "advertise_address": null}, "dialect": {"a": 1, "b": 2}, "list": [1]});
        let two = json!({"name": "hq", "sip": {"port": 5061, "advertise_address": "192.0.2.5"}, "dialect": {"b": 3}, "list": [1, 2]});
        for (from, to) in [(&one, &two), (&two, &one)] {
            let mut merged = from.clone();
            merge(&mut merged, patch(from, to));
            let mut left = Vec::new();
            differences("", &merged, to, &mut left);
            assert_eq!(left, []);
        }
        let mut found = Vec::new();
        differences("", &one, &two, &mut found);
        let paths: Vec<&str> = found.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["dialect.a", "dialect.b", "list", "sip.advertise_address", "sip.port"]);
        assert_eq!((found[0].after.clone(), found[3].before.clone()), (None, None));
    }
}
