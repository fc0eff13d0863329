//! Schemas that no single type has, and what the generated ones do not say.

use serde_json::{Map, Value, json};

use super::super::filter::EVENTS;

/// Objects of answers whose members are all there, also those that may be null.
const ANSWERS: [&str; 33] = [
    "Address",
    "AxlStatus",
    "BlindPage",
    "BlindTime",
    "Call",
    "CallPage",
    "CallsAnswer",
    "ClientInfo",
    "ClientPage",
    "DialPlanAnswer",
    "EnrolmentInfo",
    "EnrolmentPage",
    "Finding",
    "Fix",
    "Forwarding",
    "JournalPage",
    "Line",
    "LineChange",
    "LineDiff",
    "LinePage",
    "Me",
    "Monitor",
    "Participant",
    "Party",
    "PbxStatus",
    "RuleTest",
    "RulesVersion",
    "RulesVersionPage",
    "Step",
    "SipStatus",
    "Ticket",
    "TokenInfo",
    "TokenPage",
];

/// Settings: open when they are read, closed when they are written.
const SETTINGS: [&str; 7] =
    ["PbxSettings", "SipSettings", "AxlSettings", "AxlTls", "Options", "LocationSettings", "InternalRange"];

/// Completes the schemas of the document.
pub(super) fn complete(schemas: &mut Value) {
    tidy(schemas);
    limit_settings(schemas);
    for name in ANSWERS {
        require_all(&mut schemas[name]);
    }
    // The call and what an entry has beside it.
    require_all(&mut schemas["FinishedCall"]["allOf"][1]);
    for member in ["ring_s", "talk_s"] {
        schemas["FinishedCall"]["allOf"][1]["properties"][member]["minimum"] = json!(0);
    }
    for name in ["TokenInfo", "EnrolmentInfo"] {
        schemas[name]["properties"]["scopes"]["minItems"] = json!(1);
    }
    schemas["Timestamp"]["description"] = json!("RFC 3339 in UTC with milliseconds.");
    schemas["Timestamp"]["example"] = json!("2026-11-25T21:00:00.000Z");
    schemas["NewLineBody"]["properties"]["number"] = json!({"type": "string", "description": "Extension number: 1 to 24 digits, `*`, `#`.", "pattern": "^ *\\+?[0-9*#]{1,23} *$"});
    schemas["DialBody"]["properties"]["address"]["maximum"] = json!(255);
    let inputs = inputs(schemas);
    for (name, schema) in composed(schemas).into_iter().chain(inputs) {
        schemas[name] = schema;
    }
    // What is read may get more fields later.
    for name in SETTINGS {
        if let Some(members) = schemas[name].as_object_mut() {
            members.remove("additionalProperties");
        }
        require_all(&mut schemas[name]);
    }
    for (name, member) in [("SipSettings", "username")] {
        if let Some(required) = schemas[name]["required"].as_array_mut() {
            required.retain(|one| one != member);
        }
    }
    for name in ["SipSettings", "AxlSettings"] {
        schemas[name]["properties"]["has_password"] =
            json!({"type": "boolean", "readOnly": true, "description": "Whether a password is stored."});
    }
}

/// What the generator says and nobody outside can use: references to our own papers, and the format of a signed number
/// for numbers without a sign, which would halve their range.
pub(super) fn tidy(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("format").is_some_and(|format| format == "int32") && members.contains_key("minimum") {
                members.remove("format");
            }
            if let Some(Value::String(text)) = members.get_mut("description")
                && let Some((before, rest)) = text.split_once(" (api.md")
                && let Some((_, after)) = rest.split_once(')')
            {
                *text = format!("{before}{after}");
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn require_all(schema: &mut Value) {
    let names: Vec<Value> =
        schema["properties"].as_object().map(|all| all.keys().map(|name| json!(name)).collect()).unwrap_or_default();
    schema["required"] = Value::Array(names);
}

/// The limits that the settings are checked against.
fn limit_settings(schemas: &mut Value) {
    let mut limit = |name: &str, member: &str, more: Value| {
        let property = &mut schemas[name]["properties"][member];
        for (key, value) in more.as_object().into_iter().flatten() {
            property[key] = value.clone();
        }
    };
    let port = json!({"minimum": 1, "maximum": 65535});
    limit("PbxSettings", "name", json!({"minLength": 1, "maxLength": 64}));
    limit("PbxSettings", "host", json!({"minLength": 1, "maxLength": 253, "pattern": "^[A-Za-z0-9._:-]+$"}));
    limit("PbxSettings", "dialect", json!({"additionalProperties": true}));
    limit("SipSettings", "port", port.clone());
    limit("SipSettings", "local_port", port.clone());
    limit(
        "SipSettings",
        "local_address",
        json!({"description": "IP address on which the router's connections are accepted; `0.0.0.0` means all."}),
    );
    limit("SipSettings", "expires_s", json!({"minimum": 60, "maximum": 3600}));
    limit("SipSettings", "session_server_id", json!({"pattern": "^[A-Za-z0-9_-]{1,30}$"}));
    limit("AxlSettings", "port", port);
    limit("AxlTls", "min_version", json!({"enum": ["1.0", "1.1", "1.2", "1.3"]}));
    for (member, least) in [
        ("snapshot_interval_s", 5),
        ("monitor_retry_interval_s", 1),
        ("line_update_interval_s", 5),
        ("invite_rate_per_s", 1),
        ("invite_window", 1),
    ] {
        limit("Options", member, json!({"minimum": least, "maximum": u32::MAX}));
    }
    for member in ["from", "to"] {
        limit("InternalRange", member, json!({"pattern": "^[0-9]{1,16}$"}));
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn list(name: &str) -> Value {
    json!({"type": "array", "items": reference(name)})
}

/// A settings schema as it is written: closed, and whole where it lies inside another one.
fn writable(schemas: &Value, name: &str, more: &[(&str, Value)]) -> Value {
    let mut properties: Map<String, Value> = schemas[name]["properties"].as_object().cloned().unwrap_or_default();
    for (name, schema) in more {
        properties.insert((*name).to_owned(), schema.clone());
    }
    json!({"type": "object", "additionalProperties": false, "properties": properties,
           "description": schemas[name]["description"]})
}

/// A PBX as it is created and as it is patched.
fn inputs(schemas: &Value) -> Vec<(&'static str, Value)> {
    let password = json!({"type": ["string", "null"], "writeOnly": true, "maxLength": 128,
                          "description": "Never shown again; `null` or an empty text removes it."});
    let stored = json!({"readOnly": true, "description": "Of an answer that is sent back; it changes nothing."});
    let sections = [("password", password), ("has_password", stored.clone())];
    let tls = writable(schemas, "AxlTls", &[]);
    let [sip, mut axl] = ["SipSettings", "AxlSettings"].map(|name| writable(schemas, name, &sections));
    axl["properties"]["tls"] = tls;
    let input = writable(
        schemas,
        "PbxSettings",
        &[
            ("sip", sip),
            ("axl", axl),
            ("options", writable(schemas, "Options", &[])),
            ("location", writable(schemas, "LocationSettings", &[])),
            ("id", stored.clone()),
            ("status", stored),
        ],
    );
    let mut create = input.clone();
    create["description"] = json!("A new PBX; what is left out has its default.");
    create["required"] = json!(["name", "host"]);
    create["example"] = json!({
        "name": "hq", "host": "192.0.2.10", "enabled": true,
        "axl": {"username": "ctigw", "password": "from the router's `xml user`"},
        "sip": {"session_server_id": "ss_ecsta"},
    });
    let mut patch = input;
    patch["description"] = json!("A merge patch of a PBX: only what is to change; lists are replaced whole.");
    patch["example"] = json!({"options": {"snapshot_interval_s": 30}});
    vec![("PbxInput", create), ("PbxPatch", patch)]
}

fn composed(schemas: &Value) -> Vec<(&'static str, Value)> {
    let text = |description: &str| json!({"type": "string", "description": description});
    let nullable = |description: &str| json!({"type": ["string", "null"], "description": description});
    let seq = json!({"type": "integer", "format": "int64", "minimum": 0});
    let rules = |description: &str| json!({"type": "array", "maxItems": 2000, "items": reference("Rule"), "description": description});
    let samples = json!({"type": "array", "maxItems": 500, "items": reference("Sample"),
                         "description": "Examples that must stay true."});
    let stored = json!({"readOnly": true, "description": "Of an answer that is sent back; it changes nothing."});
    let mut pbx = schemas["PbxSettings"].clone();
    pbx["description"] = json!("One CME router with its status. Passwords are never shown.");
    pbx["properties"]["id"] = reference("PbxId");
    pbx["properties"]["status"] = reference("PbxStatus");
    if let Some(members) = pbx.as_object_mut() {
        members.remove("additionalProperties");
    }
    require_all(&mut pbx);
    vec![
        ("Pbx", pbx),
        (
            "PbxPage",
            json!({"type": "object", "description": "PBXs.", "required": ["items", "next_cursor"],
                   "properties": {"items": list("Pbx"), "next_cursor": nullable("Give it as `cursor` to get the next page; `null` at the end.")}}),
        ),
        (
            "LinePatch",
            json!({"type": "object", "description": "A merge patch of what people may set on a line; `null` in `labels` removes one.",
                   "additionalProperties": false,
                   "properties": {
                       "enabled": {"type": "boolean", "description": "Whether it is monitored."},
                       "name": {"type": ["string", "null"], "maxLength": 128, "description": "Display name."},
                       "labels": {"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"], "maxLength": 256},
                                  "maxProperties": 64, "description": "Labels of programs."},
                       "number": {"type": "string", "description": "Only of a line that was added by hand."},
                       "device_id": {"type": ["string", "null"], "description": "Only of a line that was added by hand."},
                       "buttons": {"type": "array", "maxItems": 32, "items": {"type": "string"}, "description": "Only of a line that was added by hand."}},
                   "example": {"enabled": true, "labels": {"crm_user": "anna"}}}),
        ),
        (
            "NumberRules",
            json!({"type": "object", "description": "The number rules of a PBX.",
                   "required": ["incoming", "outgoing", "dialing", "samples", "version", "updated_at", "updated_by", "findings"],
                   "properties": {"incoming": rules("For the parties of inbound calls."),
                                  "outgoing": rules("For the parties of outbound calls."),
                                  "dialing": rules("For numbers that programs dial."),
                                  "samples": samples,
                                  "version": {"type": "integer", "format": "int64", "minimum": 0, "description": "Rises with each change; 0 while there never were any."},
                                  "updated_at": {"oneOf": [{"type": "null"}, reference("Timestamp")], "description": "When they were written."},
                                  "updated_by": nullable("Who wrote them: the name of a token."),
                                  "findings": list("Finding")}}),
        ),
        (
            "NumberRulesInput",
            json!({"type": "object", "description": "New number rules; a list that is left out is empty. What a GET shows beside them is taken and changes nothing.",
                   "additionalProperties": false,
                   "properties": {"incoming": rules("For the parties of inbound calls."),
                                  "outgoing": rules("For the parties of outbound calls."),
                                  "dialing": rules("For numbers that programs dial."),
                                  "samples": samples,
                                  "version": stored, "updated_at": stored, "updated_by": stored, "findings": stored},
                   "example": {"incoming": [{"match": "regex", "search": "^0(.*)", "replace": "\\1", "comment": "", "enabled": true}],
                               "outgoing": [], "dialing": [],
                               "samples": [{"direction": "incoming", "input": "0301234", "expect": "301234"}]}}),
        ),
        (
            "NumberRulesTest",
            json!({"type": "object", "description": "A number, and the list that it goes through.", "additionalProperties": false,
                   "required": ["direction", "number"],
                   "properties": {"direction": reference("ListName"),
                                  "number": {"type": "string", "minLength": 1, "maxLength": 128, "description": "What the PBX sends, or what a program dials."},
                                  "rules": {"oneOf": [{"type": "null"}, reference("RuleLists")], "description": "Lists to be tested instead of the stored ones."}},
                   "example": {"direction": "incoming", "number": "0301234"}}),
        ),
        (
            "NumberRulesReplay",
            json!({"type": "object", "description": "Rules, and how many calls they run over.", "additionalProperties": false,
                   "properties": {"calls": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 1000, "description": "The last calls of the journal."},
                                  "rules": {"oneOf": [{"type": "null"}, reference("RuleLists")], "description": "Lists to be tried instead of the stored ones."},
                                  "text": nullable("The same as text: sections and one rule a line.")},
                   "example": {"calls": 1000, "rules": {"incoming": [{"search": "^0(.*)", "replace": "\\1"}]}}}),
        ),
        (
            "Snapshot",
            json!({"type": "object", "description": "Everything that is known up to `as_of_seq`.",
                   "required": ["type", "epoch", "as_of_seq", "pbxs", "lines", "calls"],
                   "properties": {"type": {"const": "snapshot"}, "epoch": text("Epoch of the journal; it holds no colon."),
                                  "as_of_seq": seq, "pbxs": list("Pbx"), "lines": list("Line"), "calls": list("Call")}}),
        ),
        (
            "PollAnswer",
            json!({"type": "object", "description": "Events after a position.", "required": ["epoch", "events", "next", "gap"],
                   "properties": {"epoch": text("Epoch of the journal."), "events": list("Event"),
                                  "next": text("`<epoch>:<seq>`: give it as `after` next time."),
                                  "gap": {"type": "boolean", "description": "What was asked for is gone: read /api/v1/snapshot."},
                                  "snapshot": reference("Snapshot")}}),
        ),
        (
            "Event",
            json!({"type": "object", "description": "A change; the same bytes on every transport.",
                   "required": ["type", "epoch", "seq", "time", "event", "pbx_id", "line_id", "call_id", "command_id", "actor", "changed", "data"],
                   "properties": {"type": {"const": "event"}, "epoch": text("Epoch of the journal."), "seq": seq,
                                  "time": reference("Timestamp"),
                                  "event": {"type": "string", "enum": EVENTS},
                                  "pbx_id": nullable("PBX it concerns."), "line_id": nullable("Line it concerns."),
                                  "call_id": nullable("Call it concerns."), "command_id": nullable("Command that caused it."),
                                  "actor": text("Name of the token, `phone` or `gateway`."),
                                  "changed": {"type": "array", "items": {"type": "string"}, "description": "Members of `data` that changed."},
                                  "data": {"type": "object", "description": "The whole object after the change; of `*.deleted` the last one."}}}),
        ),
    ]
}
