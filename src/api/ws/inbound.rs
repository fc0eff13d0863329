//! Frames of the client.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::extract::parse_json;
use super::super::feed::parse_position;
use super::super::filter::Wishes;
use super::super::poll::POSITION;
use super::super::problem::Problem;
use crate::service::journal::Position;

/// What a client may send.
pub(super) enum Inbound {
    Subscribe { from: From, wishes: Wishes },
    Request(RequestFrame),
    Auth { token: String },
    Ping,
}

/// Where a subscription begins.
pub(super) enum From {
    Snapshot,
    Now,
    Position(Position),
}

/// A request of the REST API.
pub(super) struct RequestFrame {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<Box<RawValue>>,
    pub(super) idempotency_key: Option<String>,
}

/// A frame that was refused, with its id where one could be read.
pub(super) struct Refused {
    pub(super) id: Option<Value>,
    pub(super) problem: Problem,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Place {
    Word(String),
    Position { epoch: String, seq: u64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscribeFrame {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "id", default)]
    _id: Option<Value>,
    #[serde(default)]
    from: Option<Place>,
    #[serde(default)]
    events: Option<Vec<String>>,
    #[serde(default)]
    lines: Option<Vec<String>>,
    #[serde(default)]
    pbxs: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "id", default)]
    _id: Option<Value>,
    method: String,
    path: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    body: Option<Box<RawValue>>,
    #[serde(default)]
    idempotency_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthFrame {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "id", default)]
    _id: Option<Value>,
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PingFrame {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "id", default)]
    _id: Option<Value>,
}

/// Reads a frame and its id.
///
/// # Errors
/// The refusal of what is no frame, for an `error` frame.
pub(super) fn read(text: &str) -> Result<(Option<Value>, Inbound), Refused> {
    let head: Head = parse_json(text.as_bytes()).map_err(|problem| Refused { id: None, problem })?;
    let id = head.id.filter(|id| id.is_string() || id.is_number());
    match body(&head.kind, text.as_bytes()) {
        Ok(frame) => Ok((id, frame)),
        Err(problem) => Err(Refused { id, problem }),
    }
}

fn body(kind: &str, text: &[u8]) -> Result<Inbound, Problem> {
    match kind {
        "subscribe" => {
            let frame: SubscribeFrame = parse_json(text)?;
            let wrong = || {
                const DETAIL: &str = "One of \"snapshot\", \"now\" or {\"epoch\", \"seq\"}.";
                Problem::new("invalid_value", format!("`from` is wrong. {DETAIL}")).field("/from", DETAIL)
            };
            let from = match frame.from {
                None => From::Snapshot,
                Some(Place::Word(word)) => match word.as_str() {
                    "snapshot" => From::Snapshot,
                    "now" => From::Now,
                    other => From::Position(parse_position(other).ok_or_else(wrong)?),
                },
                Some(Place::Position { epoch, seq }) => From::Position(
                    parse_position(&format!("{epoch}:{seq}"))
                        .ok_or_else(|| Problem::new("invalid_value", POSITION).field("/from", POSITION))?,
                ),
            };
            Ok(Inbound::Subscribe {
                from,
                wishes: Wishes {
                    events: frame.events.unwrap_or_default(),
                    lines: frame.lines.unwrap_or_default(),
                    pbxs: frame.pbxs.unwrap_or_default(),
                },
            })
        }
        "request" => {
            let frame: RawRequest = parse_json(text)?;
            Ok(Inbound::Request(RequestFrame {
                method: frame.method,
                path: frame.path,
                headers: frame.headers.unwrap_or_default(),
                body: frame.body.filter(|body| body.get() != "null"),
                idempotency_key: frame.idempotency_key,
            }))
        }
        "auth" => parse_json::<AuthFrame>(text).map(|frame| Inbound::Auth { token: frame.token }),
        "ping" => parse_json::<PingFrame>(text).map(|_| Inbound::Ping),
        other => {
            let shown: String = other.chars().take(64).collect();
            Err(Problem::new("invalid_value", format!("There is no frame “{shown}”."))
                .hint("Send subscribe, request, auth or ping; /asyncapi.json describes them.")
                .field("/type", "This frame does not exist."))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_are_read_and_mistakes_named() {
        let Ok((id, Inbound::Subscribe { from: From::Position(position), wishes })) = read(
            r#"{"type":"subscribe","id":"1","from":{"epoch":"e","seq":4},"events":["call.*"],"lines":[],"pbxs":null}"#,
        ) else {
            panic!("a subscribe frame");
        };
        assert_eq!((id, position.seq, wishes.events.len()), (Some("1".into()), 4, 1));
        let Ok((_, Inbound::Request(request))) =
            read(r#"{"type":"request","id":2,"method":"POST","path":"/api/v1/x","body":{"a": 1}}"#)
        else {
            panic!("a request frame");
        };
        assert_eq!(request.body.unwrap().get(), r#"{"a": 1}"#);
        for (text, code) in [
            ("{", "malformed_json"),
            (r#"{"id":"1"}"#, "invalid_value"),
            (r#"{"type":"dance"}"#, "invalid_value"),
            (r#"{"type":"subscribe","line":[]}"#, "unknown_field"),
            (r#"{"type":"subscribe","from":"yesterday"}"#, "invalid_value"),
        ] {
            assert_eq!(read(text).err().unwrap().problem.code(), code, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
            let _ = read(&text);
        }
    }
}
