//! A PBX as it comes in a request: settings and write-only passwords, checked field by field.

use serde_json::{Map, Value};

use super::settings::PbxSettings;
use crate::service::error::{Code, ServiceError};
use crate::service::merge::merge;
use crate::store::{PbxRow, Secret};

/// Longest password of the XML API in IOS is 19; SIP digest may have more.
const PASSWORD_LENGTH: usize = 128;

/// A PBX with its passwords.
#[derive(Debug, Clone)]
pub struct PbxDocument {
    /// Settings.
    pub settings: PbxSettings,
    /// Password of the XML API.
    pub axl_password: Option<Secret>,
    /// Password of SIP digest.
    pub sip_password: Option<Secret>,
}

/// What a patch says about a password.
enum Password {
    Keep,
    Remove,
    Set(Secret),
}

/// Reads a new PBX.
///
/// # Errors
/// Names the field that is wrong or does not exist.
pub fn read_new(mut body: Value) -> Result<PbxDocument, ServiceError> {
    if !body.is_object() {
        return Err(ServiceError::new(Code::InvalidValue, "The body must be a JSON object: a PBX.")
            .with_hint("At least name and host are needed."));
    }
    let axl = take_password(&mut body, "axl")?;
    let sip = take_password(&mut body, "sip")?;
    default_port(&mut body);
    strip_read_only(&mut body);
    let settings = read(body)?;
    Ok(PbxDocument { settings, axl_password: set(axl, None), sip_password: set(sip, None) })
}

/// Applies a merge patch to a stored PBX; also names the top-level fields that it changed.
///
/// # Errors
/// As [`read_new`].
pub fn apply_patch(old: &PbxRow, mut patch: Value) -> Result<(PbxDocument, Vec<&'static str>), ServiceError> {
    if !patch.is_object() {
        return Err(ServiceError::new(Code::InvalidValue, "The body must be a JSON object with the fields to change."));
    }
    let axl = take_password(&mut patch, "axl")?;
    let sip = take_password(&mut patch, "sip")?;
    strip_read_only(&mut patch);
    let mut body = serde_json::to_value(&old.settings).unwrap_or_else(|_| Value::Object(Map::new()));
    merge(&mut body, patch);
    let settings = read(body)?;
    let document = PbxDocument {
        settings,
        axl_password: set(axl, old.axl_password.clone()),
        sip_password: set(sip, old.sip_password.clone()),
    };
    let changed = changed(old, &document);
    Ok((document, changed))
}

fn changed(old: &PbxRow, new: &PbxDocument) -> Vec<&'static str> {
    let (before, after) = (&old.settings, &new.settings);
    let mut changed = Vec::new();
    macro_rules! compare {
        ($($field:ident),+) => { $(if before.$field != after.$field { changed.push(stringify!($field)); })+ };
    }
    compare!(name, enabled, host);
    if before.sip != after.sip || old.sip_password != new.sip_password {
        changed.push("sip");
    }
    if before.axl != after.axl || old.axl_password != new.axl_password {
        changed.push("axl");
    }
    compare!(options, dialect, emergency_numbers, location, internal_numbers);
    changed
}

fn set(password: Password, old: Option<Secret>) -> Option<Secret> {
    match password {
        Password::Keep => old,
        Password::Remove => None,
        Password::Set(secret) => Some(secret),
    }
}

fn take_password(body: &mut Value, section: &str) -> Result<Password, ServiceError> {
    let taken = body.get_mut(section).and_then(Value::as_object_mut).and_then(|section| section.remove("password"));
    match taken {
        None => Ok(Password::Keep),
        Some(Value::Null) => Ok(Password::Remove),
        Some(Value::String(text)) if text.is_empty() => Ok(Password::Remove),
        Some(Value::String(text)) if text.chars().count() <= PASSWORD_LENGTH => Ok(Password::Set(Secret::new(text))),
        Some(_) => {
            let detail = "A password is a text of at most 128 characters.";
            Err(ServiceError::new(Code::InvalidValue, detail).with_field(format!("/{section}/password"), detail))
        }
    }
}

/// What a GET shows and nobody sets: sent back unchanged it does no harm.
fn strip_read_only(body: &mut Value) {
    let Some(object) = body.as_object_mut() else { return };
    object.remove("id");
    object.remove("status");
    for section in ["axl", "sip"] {
        if let Some(section) = object.get_mut(section).and_then(Value::as_object_mut) {
            section.remove("has_password");
        }
    }
}

/// https without a port means 443.
fn default_port(body: &mut Value) {
    if let Some(axl) = body.get_mut("axl").and_then(Value::as_object_mut)
        && axl.get("scheme").and_then(Value::as_str) == Some("https")
        && !axl.contains_key("port")
    {
        axl.insert("port".to_owned(), 443.into());
    }
}

/// serde takes a list for a structure, member by member, without any names: only objects are meant.
fn refuse_lists(body: &Value) -> Result<(), ServiceError> {
    let mut pointers: Vec<String> = ["/sip", "/axl", "/axl/tls", "/options", "/location"].map(str::to_owned).into();
    let ranges = body.get("internal_numbers").and_then(Value::as_array).map_or(0, Vec::len);
    pointers.extend((0..ranges).map(|index| format!("/internal_numbers/{index}")));
    match pointers.into_iter().find(|pointer| body.pointer(pointer).is_some_and(Value::is_array)) {
        None => Ok(()),
        Some(pointer) => {
            let detail = "An object is needed, not a list.";
            Err(ServiceError::new(Code::InvalidValue, format!("`{pointer}` cannot be used: {detail}"))
                .with_hint("The fields of a PBX stand in the API document under PbxSettings.")
                .with_field(pointer, detail))
        }
    }
}

fn read(body: Value) -> Result<PbxSettings, ServiceError> {
    refuse_lists(&body)?;
    let settings: PbxSettings = serde_path_to_error::deserialize(body).map_err(|error| {
        let path = error.path().to_string();
        let said = error.inner().to_string();
        let pointer = pointer(&path);
        // serde names an unknown field in its message; the path ends at its parent or at the field.
        if let Some(field) = said.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
            let pointer = if path.rsplit('.').next() == Some(field) {
                pointer
            } else {
                format!("{}/{field}", pointer.trim_end_matches('/'))
            };
            return ServiceError::new(Code::UnknownField, format!("There is no field `{field}`."))
                .with_hint("The fields of a PBX stand in the API document under PbxSettings.")
                .with_field(pointer, "There is no such field.");
        }
        ServiceError::new(Code::InvalidValue, format!("The value of `{path}` is wrong: {said}."))
            .with_hint("The fields of a PBX stand in the API document under PbxSettings.")
            .with_field(pointer, said)
    })?;
    let problems = settings.problems();
    let Some(first) = problems.first() else { return Ok(settings) };
    let mut error =
        ServiceError::new(Code::InvalidValue, format!("`{}` cannot be used: {}", first.pointer, first.detail))
            .with_hint("Correct the fields that are named in `errors`.");
    for problem in &problems {
        error = error.with_field(&problem.pointer, &problem.detail);
    }
    Err(error)
}

/// `a.b[1]` as a JSON pointer.
fn pointer(path: &str) -> String {
    if path == "." {
        return String::new();
    }
    let plain = path.replace('[', ".").replace(']', "");
    plain.split('.').filter(|part| !part.is_empty()).map(|part| format!("/{}", part.replace('~', "~0"))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::domain::{PbxId, RandomIds};

    #[test]
    fn passwords_are_taken_out_and_unknown_fields_named() {
        let document =
            read_new(json!({"name": "hq", "host": "192.0.2.10", "axl": {"username": "u", "password": "canary"}}))
                .unwrap();
        assert_eq!(document.axl_password.as_ref().unwrap().expose(), "canary");
        assert!(!format!("{document:?}").contains("canary"));
        let error = read_new(json!({"name": "hq", "host": "192.0.2.10", "sip": {"prot": 5060}})).unwrap_err();
        assert_eq!((error.code, error.fields[0].pointer.as_str()), (Code::UnknownField, "/sip/prot"));
        let error = read_new(json!({"name": "hq", "host": "192.0.2.10", "colour": 1})).unwrap_err();
        assert_eq!(error.fields[0].pointer, "/colour");
        let error = read_new(json!({"name": "hq", "host": "h", "axl": {"tls": ["tofu", "1.2", null]}})).unwrap_err();
        assert_eq!((error.code, error.fields[0].pointer.as_str()), (Code::InvalidValue, "/axl/tls"));
        let error = read_new(json!({"name": "hq"})).unwrap_err();
        assert_eq!(error.fields[0].pointer, "/host");
    }

    #[test]
    fn a_patch_keeps_what_it_does_not_name() {
        let document =
            read_new(json!({"name": "hq", "host": "192.0.2.10", "axl": {"username": "u", "password": "p"}})).unwrap();
        let row = PbxRow {
            id: PbxId::new(&mut RandomIds),
            settings: document.settings,
            axl_password: document.axl_password,
            sip_password: None,
            version: 1,
        };
        let (new, changed) = apply_patch(&row, json!({"options": {"invite_rate_per_s": 100}, "status": {}})).unwrap();
        assert_eq!(changed, ["options"]);
        assert_eq!(new.settings.options.invite_rate_per_s, 100);
        assert!(new.axl_password.is_some());
        let (new, changed) = apply_patch(&row, json!({"axl": {"password": null}})).unwrap();
        assert_eq!(changed, ["axl"]);
        assert!(new.axl_password.is_none());
    }
}
