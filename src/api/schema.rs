//! Schemas of the document that no single type has, and the refusals that routes share.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use super::dto::{CallPage, ClientPage, LinePage, TokenPage};
use super::filter::EVENTS;
use super::problem::{CstaProblem, FieldProblem, PROBLEM_JSON, ProblemBody};
use crate::domain::{Activity, Call, Line, PbxStatus};
use crate::service::pbx::PbxSettings;

macro_rules! placeholders {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        $($(#[$doc])*
        ///
        /// The schema is filled in by [`complete`]: it is put together from the settings and the status.
        #[derive(Debug)]
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                Object::new().into()
            }
        }

        impl ToSchema for $name {})+
    };
}

placeholders! {
    /// A PBX as it is read: settings without secrets, id and status.
    Pbx,
    /// A PBX as it is written: settings with passwords.
    PbxInput,
    /// A page of PBXs.
    PbxPage,
    /// What people may set on a line.
    LinePatch,
    /// The snapshot frame.
    Snapshot,
    /// The answer of a poll.
    PollAnswer,
}

fn refusal(description: &str) -> RefOr<Response> {
    ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_JSON, ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build())
        .build()
        .into()
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident { $($status:literal => $text:literal),+ $(,)? })+) => {
        $($(#[$doc])*
        pub(super) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.to_owned(), refusal($text))),+])
            }
        })+
    };
}

refusals! {
    /// What any route with a credential may answer.
    Refused {
        "400" => "The request or its body cannot be read (`malformed_json`, `malformed_request`)",
        "401" => "No valid credential (`unauthorized`)",
        "403" => "The scope does not reach (`forbidden`), or a page of a foreign origin (`origin_not_allowed`)",
        "408" => "The body came too slowly (`request_timeout`)",
        "413" => "The body has more than 256 KiB (`body_too_large`)",
        "415" => "The body is not of type JSON (`unsupported_media_type`)",
        "422" => "A value is wrong; `errors` names it (`invalid_value`, `unknown_field`, `invalid_number`, `idempotency_key_reused`)",
        "429" => "Too many requests (`too_many_requests`)",
        "500" => "A fault of the gateway (`internal_error`, `storage_failed`)",
    }
    /// What a route about one thing may answer.
    Unknown {
        "404" => "It does not exist or the token may not see it (`not_found`)",
    }
    /// A clash with what exists.
    Conflicts {
        "409" => "It clashes with something that exists (`conflict`)",
    }
    /// What a route that changes something, or asks the PBX, may answer.
    Acting {
        "409" => "Not possible in this state (`not_allowed_now`), a clash (`conflict`), or the first request with the key runs (`idempotency_key_in_use`)",
        "412" => "It was changed meanwhile (`precondition_failed`)",
        "501" => "The PBX cannot do this (`not_supported_by_pbx`)",
        "502" => "The PBX refused or cannot be reached (`pbx_refused`, `pbx_unreachable`, `pbx_credentials_rejected`, `accepted_no_effect`)",
        "503" => "The link to the PBX is down, with `Retry-After` (`pbx_unavailable`, `shutting_down`)",
        "504" => "The PBX did not answer in time (`pbx_timeout`)",
    }
}

/// Puts the schemas together. On JSON: the composed objects share properties with generated ones.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    add::<ProblemBody>(&mut schemas);
    add::<FieldProblem>(&mut schemas);
    add::<CstaProblem>(&mut schemas);
    add::<PbxSettings>(&mut schemas);
    add::<PbxStatus>(&mut schemas);
    add::<Line>(&mut schemas);
    add::<Call>(&mut schemas);
    add::<Activity>(&mut schemas);
    add::<LinePage>(&mut schemas);
    add::<CallPage>(&mut schemas);
    add::<TokenPage>(&mut schemas);
    add::<ClientPage>(&mut schemas);
    let Some(components) = &mut document.components else {
        return document;
    };
    for (name, schema) in schemas {
        components.schemas.entry(name).or_insert(schema);
    }
    let known = |components: &utoipa::openapi::Components, name: &str| -> Value {
        components.schemas.get(name).and_then(|schema| serde_json::to_value(schema).ok()).unwrap_or_default()
    };
    let settings = known(components, "PbxSettings");
    let sip = known(components, "SipSettings");
    let axl = known(components, "AxlSettings");
    for (name, schema) in composed(&settings, &sip, &axl) {
        if let Ok(schema) = serde_json::from_value::<RefOr<Schema>>(schema) {
            components.schemas.insert(name.to_owned(), schema);
        }
    }
    // What is read may get more fields later; only what is written is closed.
    for name in ["PbxSettings", "SipSettings", "AxlSettings", "AxlTls", "Options", "LocationSettings", "InternalRange"]
    {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
            object.additional_properties = None;
        }
    }
    document
}

fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
}

/// An object with more properties; `closed` refuses others.
fn with(object: &Value, more: &[(&str, Value)], closed: bool, description: &str) -> Value {
    let mut object = object.clone();
    if let Some(members) = object.as_object_mut() {
        members.remove("additionalProperties");
        members.remove("required");
        if closed {
            members.insert("additionalProperties".to_owned(), json!(false));
        }
        members.insert("description".to_owned(), json!(description));
        let properties = members.entry("properties").or_insert_with(|| json!({}));
        for (name, schema) in more {
            properties[*name] = schema.clone();
        }
    }
    object
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn composed(settings: &Value, sip: &Value, axl: &Value) -> Vec<(&'static str, Value)> {
    let password = json!({"type": ["string", "null"], "writeOnly": true, "description": "Never shown again."});
    let id = |prefix: &str| json!({"type": "string", "pattern": format!("^{prefix}[A-Za-z0-9_-]{{1,64}}$")});
    let mut pbx = with(
        settings,
        &[("id", id("pbx_")), ("status", reference("PbxStatus"))],
        false,
        "One CME router with its status.",
    );
    pbx["required"] = json!([
        "id",
        "name",
        "enabled",
        "host",
        "sip",
        "axl",
        "options",
        "dialect",
        "emergency_numbers",
        "location",
        "internal_numbers",
        "status"
    ]);
    let axl_input = with(axl, &[("password", password.clone())], true, "XML API of the router.");
    let sip_input = with(sip, &[("password", password)], true, "SIP towards the router.");
    let mut input = with(settings, &[("sip", sip_input), ("axl", axl_input)], true, "A PBX, or a merge patch of one.");
    input["example"] = json!({
        "name": "hq", "host": "192.0.2.10",
        "axl": {"username": "ctigw", "password": "from the router's `xml user`"},
        "sip": {"session_server_id": "ss_ecsta"},
    });
    let list = |name: &str| json!({"type": "array", "items": reference(name)});
    let text = |description: &str| json!({"type": "string", "description": description});
    let nullable = |description: &str| json!({"type": ["string", "null"], "description": description});
    let seq = json!({"type": "integer", "format": "int64", "minimum": 0});
    vec![
        ("Pbx", pbx),
        ("PbxInput", input),
        (
            "PbxPage",
            json!({"type": "object", "description": "PBXs.", "required": ["items", "next_cursor"],
                   "properties": {"items": list("Pbx"), "next_cursor": nullable("Give it as `cursor` to get the next page; `null` at the end.")}}),
        ),
        (
            "LinePatch",
            json!({"type": "object", "description": "What people may set on a line; `null` in `labels` removes one.",
                   "additionalProperties": true,
                   "properties": {"enabled": {"type": "boolean"}, "name": {"type": "string"},
                                  "labels": {"type": "object", "additionalProperties": {"type": ["string", "null"]}}},
                   "example": {"enabled": true, "labels": {"crm_user": "anna"}}}),
        ),
        (
            "Snapshot",
            json!({"type": "object", "description": "Everything that is known up to `as_of_seq`.",
                   "required": ["type", "epoch", "as_of_seq", "pbxs", "lines", "calls"],
                   "properties": {"type": {"const": "snapshot", "type": "string"}, "epoch": text("Epoch of the journal; it holds no colon."),
                                  "as_of_seq": seq, "pbxs": list("Pbx"), "lines": list("Line"), "calls": list("Call")}}),
        ),
        (
            "PollAnswer",
            json!({"type": "object", "description": "Events after a position.", "required": ["epoch", "events", "next", "gap"],
                   "properties": {"epoch": text("Epoch of the journal."), "events": list("Event"),
                                  "next": text("`<epoch>:<seq>`: give it as `after` next time."),
                                  "gap": {"type": "boolean", "description": "What was asked for is gone: read /snapshot."},
                                  "snapshot": reference("Snapshot")}}),
        ),
        (
            "Event",
            json!({"type": "object", "description": "A change; the same bytes on every transport.",
                   "required": ["type", "epoch", "seq", "time", "event", "data"],
                   "properties": {"type": {"const": "event", "type": "string"}, "epoch": text("Epoch of the journal."), "seq": seq,
                                  "time": {"type": "string", "format": "date-time"},
                                  "event": {"type": "string", "enum": EVENTS},
                                  "pbx_id": nullable("PBX it concerns."), "line_id": nullable("Line it concerns."),
                                  "call_id": nullable("Call it concerns."), "command_id": nullable("Command that caused it."),
                                  "actor": nullable("Name of the token, `phone` or `gateway`."),
                                  "changed": {"type": "array", "items": {"type": "string"}},
                                  "data": {"type": "object", "description": "The whole object after the change."}}}),
        ),
    ]
}
