//! Schemas of the document that no single type has, and the refusals that routes share.

use std::collections::BTreeMap;

use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use super::dto::{
    BlindPage, CallPage, ClientPage, EnrolmentPage, JournalPage, LinePage, TokenPage, TraceNumbers, TracePage,
};
use super::problem::{CstaProblem, FieldProblem, PROBLEM_JSON, ProblemBody};
use crate::domain::rules::{Finding, Rule, RuleLists, Sample};
use crate::domain::{Activity, Call, Line, PbxStatus};
use crate::service::pbx::PbxSettings;

macro_rules! placeholders {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        $($(#[$doc])*
        ///
        /// The schema stands in `document::schemas`: it is put together from several types.
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
    /// A merge patch of a PBX.
    PbxPatch,
    /// A page of PBXs.
    PbxPage,
    /// What people may set on a line.
    LinePatch,
    /// The number rules of a PBX as they are read.
    NumberRules,
    /// The number rules of a PBX as they are written.
    NumberRulesInput,
    /// A number that is followed through rules.
    NumberRulesTest,
    /// Rules that run over the last calls.
    NumberRulesReplay,
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
    /// What the route may answer whose credential is a code.
    CodeRefused {
        "400" => "The request or its body cannot be read (`malformed_json`, `malformed_request`)",
        "403" => "The code gives no token (`invalid_code`), or a page of a foreign origin (`origin_not_allowed`)",
        "408" => "The body came too slowly (`request_timeout`)",
        "413" => "The body has more than 256 KiB (`body_too_large`)",
        "415" => "The body is not of type JSON (`unsupported_media_type`)",
        "422" => "A value is wrong; `errors` names it (`invalid_value`, `unknown_field`)",
        "429" => "Too many wrong codes came from this address (`too_many_requests`)",
        "500" => "A fault of the gateway (`internal_error`, `storage_failed`)",
    }
    /// What a route about one thing may answer.
    Unknown {
        "404" => "It does not exist or the token may not see it (`not_found`)",
    }
    /// What a handshake may answer.
    Handshake {
        "426" => "Another WebSocket version is needed (`upgrade_required`)",
    }
    /// What a change under a condition may answer.
    Conditional {
        "412" => "It was changed since the tag in `If-Match` was read (`precondition_failed`)",
    }
    /// What a change that needs a condition may answer.
    Preconditioned {
        "428" => "`If-Match` is needed (`precondition_required`)",
    }
    /// What a route that only changes settings may answer.
    Configuring {
        "409" => "It clashes with something that exists (`conflict`)",
        "503" => "The gateway is stopping, with `Retry-After` (`shutting_down`)",
    }
    /// What depends on the system of the gateway.
    NotHere {
        "501" => "The system of the gateway, or its rights, do not allow it (`not_available_here`)",
    }
    /// A clash with what exists.
    Conflicts {
        "409" => "It clashes with something that exists (`conflict`)",
    }
    /// What a route that changes something, or asks the PBX, may answer.
    Acting {
        "409" => "Not possible in this state (`not_allowed_now`), a clash (`conflict`), or the first request with the key runs (`idempotency_key_in_use`)",
        "501" => "The PBX cannot do this (`not_supported_by_pbx`)",
        "502" => "The PBX refused or cannot be reached (`pbx_refused`, `pbx_unreachable`, `pbx_credentials_rejected`, `accepted_no_effect`)",
        "503" => "The link to the PBX is down, with `Retry-After` (`pbx_unavailable`, `shutting_down`)",
        "504" => "The PBX did not answer in time (`pbx_timeout`)",
    }
}

/// Adds the schemas that no route names.
pub(super) fn with_components(mut document: OpenApi) -> OpenApi {
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    add::<ProblemBody>(&mut schemas);
    add::<FieldProblem>(&mut schemas);
    add::<CstaProblem>(&mut schemas);
    add::<PbxSettings>(&mut schemas);
    add::<PbxStatus>(&mut schemas);
    add::<Line>(&mut schemas);
    add::<Call>(&mut schemas);
    add::<Activity>(&mut schemas);
    add::<Rule>(&mut schemas);
    add::<Sample>(&mut schemas);
    add::<RuleLists>(&mut schemas);
    add::<Finding>(&mut schemas);
    add::<LinePage>(&mut schemas);
    add::<CallPage>(&mut schemas);
    add::<TokenPage>(&mut schemas);
    add::<EnrolmentPage>(&mut schemas);
    add::<ClientPage>(&mut schemas);
    add::<JournalPage>(&mut schemas);
    add::<BlindPage>(&mut schemas);
    add::<TracePage>(&mut schemas);
    add::<TraceNumbers>(&mut schemas);
    if let Some(components) = &mut document.components {
        for (name, schema) in schemas {
            components.schemas.entry(name).or_insert(schema);
        }
    }
    document
}

fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
}
