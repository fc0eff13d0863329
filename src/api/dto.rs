//! Bodies of requests and answers that are not objects of the domain.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::clients::ClientKind;
use super::enrolment::EnrolmentInfo;
use super::problem::Problem;
use crate::domain::call_table::{DATA_DEPTH, DATA_LIMIT};
use crate::domain::nesting;
use crate::domain::{BlindCause, Call, EnrolmentId, FinishedCall, Line, LineId, PbxId, Timestamp, TokenId};
use crate::service::gateway::RulesVersion;
use crate::service::trace::TraceItem;
use crate::store::Scope;

/// No fields: the body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoFields {}

/// What to dial.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"to": "+49 30 1234567", "client_ref": "crm-4711"}))]
pub(super) struct DialBody {
    /// E.164, canonical, `tel:`, digits, `*`, `#` and the separators space `- . / ( )`; without it a dial tone call.
    pub(super) to: Option<String>,
    /// Index of the line's address.
    pub(super) address: u8,
    /// Your own reference, at most 64 characters; it is in the call and in its events.
    #[schema(max_length = 64)]
    pub(super) client_ref: Option<String>,
    /// JSON object of at most 4 KiB and 16 levels that follows the call.
    #[schema(value_type = Option<Object>)]
    pub(super) data: Option<Box<RawValue>>,
}

/// What a dial string would become.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DialPlanAnswer {
    /// The digits that go to the PBX.
    pub(super) dials: String,
    /// Whether the number belongs to this PBX.
    pub(super) internal: bool,
    /// Index of the dialing rule that matched.
    pub(super) rule: Option<usize>,
}

/// Data of a call, as a merge patch: `null` members are removed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"data": {"ticket": 17}}))]
pub(super) struct CallPatch {
    /// Merged into the call's data; `null` empties it. The data are an object of at most 4 KiB and 16 levels.
    #[schema(value_type = Option<Object>)]
    pub(super) data: serde_json::Value,
}

/// How lines are read from the PBX.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LoadLinesBody {
    /// Only say what would change.
    pub(super) dry_run: bool,
}

/// The version of the number rules to take back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"version": 3}))]
pub(super) struct UndoRulesBody {
    /// Its number; without it the version before the present one.
    #[schema(minimum = 0)]
    pub(super) version: Option<i64>,
}

/// Versions of the number rules.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesVersionPage {
    /// Newest first.
    pub(super) items: Vec<RulesVersion>,
    /// Always `null`: all that are kept stand here.
    pub(super) next_cursor: Option<String>,
}

/// A line entered by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"pbx_id": "pbx_0193", "number": "210", "device_id": "00AA11BB0010", "name": "Lobby"}))]
pub(super) struct NewLineBody {
    /// The PBX.
    pub(super) pbx_id: PbxId,
    /// Extension number.
    pub(super) number: String,
    /// MAC of the phone; without it an extension mobility user.
    #[serde(default)]
    pub(super) device_id: Option<String>,
    /// Display name.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// Numbers of further buttons.
    #[serde(default)]
    pub(super) buttons: Vec<String>,
}

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "crm", "scopes": ["control"]}))]
pub(super) struct NewTokenBody {
    /// Who or what will use it: the `actor` of events.
    #[schema(min_length = 1, max_length = 64)]
    pub(super) name: String,
    /// Each scope includes the ones before it: `read`, `control`, `admin`.
    #[schema(min_items = 1)]
    pub(super) scopes: Vec<Scope>,
    /// The only lines that it may see; without it all.
    #[serde(default)]
    pub(super) lines: Option<Vec<LineId>>,
    /// When it ends; without it never.
    #[serde(default)]
    pub(super) expires_at: Option<Timestamp>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenInfo {
    /// Its id.
    pub(super) id: TokenId,
    /// Its name.
    pub(super) name: String,
    /// Its highest scope, as a list; it includes the ones before it.
    pub(super) scopes: Vec<Scope>,
    /// The only lines that it may see; `null` means all.
    pub(super) lines: Option<Vec<LineId>>,
    /// When it was made; `null` for the bootstrap token.
    pub(super) created_at: Option<Timestamp>,
    /// When it ends.
    pub(super) expires_at: Option<Timestamp>,
    /// The enrolment by whose code a machine fetched it.
    pub(super) enrolment_id: Option<EnrolmentId>,
}

/// A new token with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewToken {
    #[serde(flatten)]
    pub(super) info: TokenInfo,
    /// The secret: shown this once.
    pub(super) token: String,
}

/// The own credential.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// Id of the token.
    pub(super) id: TokenId,
    /// Its name.
    pub(super) name: String,
    /// Its highest scope, as a list; it includes the ones before it.
    pub(super) scopes: Vec<Scope>,
    /// The only lines that it may see; `null` means all.
    pub(super) lines: Option<Vec<LineId>>,
    /// When it ends.
    pub(super) expires_at: Option<Timestamp>,
}

/// Narrows a ticket.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TicketBody {
    /// Not more than the token has; without it the same. A ticket for some lines has at most `control`.
    pub(super) scopes: Option<Vec<Scope>>,
    /// Only these lines.
    pub(super) lines: Option<Vec<LineId>>,
}

/// A ticket for the event stream.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ticket {
    /// Put it into `?ticket=` of `/api/v1/events`; it works once.
    pub(super) ticket: String,
    /// When it ends: 30 s after it was made.
    pub(super) expires_at: Timestamp,
}

/// What is logged.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogLevelBody {
    /// A tracing filter.
    #[schema(example = "info,linegate::service=debug")]
    pub(super) filter: String,
}

/// The calls that an action changed, as known then.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallsAnswer {
    /// Every call that was changed.
    pub(super) calls: Vec<Call>,
}

macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident of $item:ty),+ $(,)?) => {
        $($(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub(super) struct $name {
            /// The items, in a stable order.
            pub(super) items: Vec<$item>,
            /// Give it as `cursor` to get the next page; `null` at the end.
            pub(super) next_cursor: Option<String>,
        })+
    };
}

pages! {
    /// Lines.
    LinePage of Line,
    /// Calls.
    CallPage of Call,
    /// Tokens.
    TokenPage of TokenInfo,
    /// Enrolments.
    EnrolmentPage of EnrolmentInfo,
    /// Readers of the event stream.
    ClientPage of ClientInfo,
    /// Finished calls.
    JournalPage of FinishedCall,
    /// Times in which a PBX was not seen.
    BlindPage of BlindTime,
    /// Steps of the protocol trace.
    TracePage of TraceItem,
}

/// Whether numbers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TraceNumbers {
    /// The same label for the same number.
    Labels,
    /// As they went over the wire.
    Full,
}

/// The octets of a file.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it stands in the document; the handler answers with the bytes themselves")]
pub(super) struct FileBytes(Vec<u8>);

/// A time in which a PBX was not seen: silence there proves nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BlindTime {
    /// Which PBX.
    pub(super) pbx_id: PbxId,
    /// Since when; of a gateway that was killed its last sign of life.
    pub(super) since: Timestamp,
    /// Until when; `null` while it lasts.
    pub(super) until: Option<Timestamp>,
    /// Why.
    pub(super) cause: BlindCause,
    /// Why, in a sentence.
    pub(super) reason: String,
}

/// A reader of the event stream.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientInfo {
    /// Number of the connection.
    pub(super) id: String,
    /// How it reads.
    pub(super) kind: ClientKind,
    /// Address and port.
    pub(super) host: Option<String>,
    /// What it says that it is (`User-Agent`).
    pub(super) version: Option<String>,
    /// Name of its token; of an enrolled machine the machine's.
    pub(super) token: String,
    /// Id of its token: deleting it ends this reader alone.
    pub(super) token_id: TokenId,
    /// Since when.
    pub(super) connected_at: Timestamp,
    /// How many events it is behind.
    pub(super) lag: u64,
}

/// Whether the process works.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    pub(super) status: &'static str,
    /// Release.
    pub(super) version: String,
}

/// Whether everything is up.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready` or `not_ready`.
    #[schema(example = "ready")]
    pub(super) status: &'static str,
    /// What is missing, one sentence each.
    pub(super) reasons: Vec<String>,
}

/// A JSON object without the space between its tokens, within the limit of `data`. Line breaks must go: an event is one
/// line of a server-sent event.
///
/// # Errors
/// 422 when it is no object, too large or too deep.
pub(super) fn compact_data(data: &RawValue) -> Result<Box<RawValue>, Problem> {
    let wrong = |detail: &str| Problem::new("invalid_value", detail).field("/data", detail);
    if !data.get().trim_start().starts_with('{') {
        return Err(wrong("`data` must be a JSON object."));
    }
    let mut out = String::with_capacity(data.get().len());
    let (mut quoted, mut escaped) = (false, false);
    for character in data.get().chars() {
        if quoted {
            (quoted, escaped) = match character {
                _ if escaped => (true, false),
                '\\' => (true, true),
                '"' => (false, false),
                _ => (true, false),
            };
        } else if character == '"' {
            quoted = true;
        } else if matches!(character, ' ' | '\t' | '\r' | '\n') {
            continue;
        }
        out.push(character);
    }
    if out.len() > DATA_LIMIT {
        return Err(wrong("`data` has at most 4096 bytes."));
    }
    if nesting::depth(&out) > DATA_DEPTH {
        return Err(wrong("`data` has at most 16 levels."));
    }
    RawValue::from_string(out).map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn data_are_not_deeper_than_a_reader_can_follow() {
        let nested = |levels: usize| {
            let text = format!("{{\"x\": {}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
            compact_data(&RawValue::from_string(text).unwrap())
        };
        assert!(nested(16).is_ok());
        for levels in [17, 130, 1000] {
            let problem = nested(levels).unwrap_err();
            assert_eq!((problem.status().as_u16(), problem.code()), (422, "invalid_value"));
            assert_eq!(problem.body().errors[0].detail, "`data` has at most 16 levels.");
        }
    }

    proptest! {
        #[test]
        fn compact_data_means_the_same_in_one_line(key in "\\PC{0,12}", text in "(?s).{0,24}") {
            let value = json!({key: [text, 1.5, null]});
            let raw = RawValue::from_string(serde_json::to_string_pretty(&value).unwrap()).unwrap();
            let compact = compact_data(&raw).unwrap();
            prop_assert!(!compact.get().contains('\n'));
            prop_assert_eq!(serde_json::from_str::<Value>(compact.get()).unwrap(), value);
        }
    }
}
