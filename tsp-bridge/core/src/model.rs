//! Objects and frames of the gateway's API, as far as TAPI needs them. Unknown fields and words are passed over: the
//! bridge works with a gateway that is one minor version older or newer.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A line of the gateway.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct GatewayLine {
    /// Its id.
    pub id: String,
    /// Permanent number for TAPI.
    pub tapi_id: u32,
    /// Its router.
    #[serde(default)]
    pub pbx_id: String,
    /// Number of the first button.
    pub number: String,
    /// The number with the location.
    #[serde(default)]
    pub display_number: String,
    /// Display name.
    #[serde(default)]
    pub name: String,
    /// MAC of the phone.
    #[serde(default)]
    pub device_id: Option<String>,
    /// Whether it is monitored.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Its buttons.
    #[serde(default)]
    pub addresses: Vec<GatewayAddress>,
    /// `in_service`, `out_of_service`, `unknown`.
    #[serde(default)]
    pub status: String,
    /// Monitor of the first button.
    #[serde(default)]
    pub monitor: GatewayMonitor,
    /// What may be asked of it now.
    #[serde(default)]
    pub allowed_actions: Vec<String>,
    /// Ringing is off.
    #[serde(default)]
    pub do_not_disturb: bool,
    /// Forwarding of the first button.
    #[serde(default)]
    pub forwarding: GatewayForwarding,
    /// Since when the router does not know it any more.
    #[serde(default)]
    pub missing_since: Option<String>,
}

fn yes() -> bool {
    true
}

impl GatewayLine {
    /// Whether a phone is there and its events come.
    pub fn is_in_service(&self) -> bool {
        self.enabled && self.missing_since.is_none() && self.status == "in_service" && self.monitor.state == "active"
    }

    /// Whether an action is allowed now.
    pub fn allows(&self, action: &str) -> bool {
        self.allowed_actions.iter().any(|allowed| allowed == action)
    }

    /// The buttons; a line without any has its own number.
    pub fn numbers(&self) -> Vec<String> {
        if self.addresses.is_empty() {
            return vec![self.number.clone()];
        }
        let mut sorted: Vec<&GatewayAddress> = self.addresses.iter().collect();
        sorted.sort_by_key(|address| address.index);
        sorted.into_iter().map(|address| address.number.clone()).collect()
    }
}

/// A button.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct GatewayAddress {
    /// 0 is the first.
    pub index: u32,
    /// Its number.
    pub number: String,
    /// Another phone that shares the number is in a call on it.
    #[serde(default)]
    pub remote_in_use: bool,
    /// Its forwarding; an older gateway tells that of the first button only.
    #[serde(default)]
    pub forwarding: Option<GatewayForwarding>,
}

/// Whether events come.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct GatewayMonitor {
    /// `active`, `pending`, `failed`, `off`.
    #[serde(default)]
    pub state: String,
    /// Why not, as a word.
    #[serde(default)]
    pub code: Option<String>,
    /// Why not, in a sentence.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Forwarding.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct GatewayForwarding {
    /// Where all calls go.
    #[serde(default)]
    pub unconditional: Option<String>,
}

/// A party of a call.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct GatewayParty {
    /// The number by the rules of the router's settings.
    #[serde(default)]
    pub number: Option<String>,
    /// What the router sent.
    #[serde(default)]
    pub raw: Option<String>,
    /// Display name.
    #[serde(default)]
    pub name: Option<String>,
    /// `available`, `restricted`, `unknown`.
    #[serde(default)]
    pub presentation: String,
}

/// Another party of a conference.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct GatewayParticipant {
    /// Its id.
    pub id: String,
    /// Formatted number.
    #[serde(default)]
    pub number: Option<String>,
    /// What the router sent.
    #[serde(default)]
    pub raw: Option<String>,
    /// Display name.
    #[serde(default)]
    pub name: Option<String>,
    /// `connected`, `on_hold`, `ringing`, `left`.
    #[serde(default)]
    pub state: String,
}

impl GatewayParticipant {
    /// Whether it is still there.
    pub fn is_present(&self) -> bool {
        self.state != "left"
    }
}

/// A call as one line sees it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct GatewayCall {
    /// Its id.
    pub id: String,
    /// Shared with the other legs.
    #[serde(default)]
    pub conversation_id: String,
    /// Its line.
    pub line_id: String,
    /// Index of the button.
    #[serde(default)]
    pub address: u32,
    /// `inbound` or `outbound`.
    #[serde(default)]
    pub direction: String,
    /// Whether the other party belongs to the same router.
    #[serde(default)]
    pub internal: bool,
    /// State, a word of the contract.
    pub state: String,
    /// The held call that it is a consultation of.
    #[serde(default)]
    pub consultation_of: Option<String>,
    /// Shared by the calls of one conference.
    #[serde(default)]
    pub conference_id: Option<String>,
    /// Who calls.
    #[serde(default)]
    pub caller: GatewayParty,
    /// Who was called.
    #[serde(default)]
    pub called: GatewayParty,
    /// Who is at the other end.
    #[serde(default)]
    pub connected: GatewayParty,
    /// Who sent it on.
    #[serde(default)]
    pub redirecting: GatewayParty,
    /// Why it is here.
    #[serde(default)]
    pub reason: String,
    /// Why it ended.
    #[serde(default)]
    pub cause: Option<String>,
    /// The reference of the program that made it.
    #[serde(default)]
    pub client_ref: Option<String>,
    /// Data that programs attached.
    #[serde(default, deserialize_with = "object")]
    pub data: Value,
    /// The other parties of a conference.
    #[serde(default)]
    pub participants: Vec<GatewayParticipant>,
    /// What may be asked of it now.
    #[serde(default)]
    pub allowed_actions: Vec<String>,
}

impl GatewayCall {
    /// Whether it is over.
    pub fn is_ended(&self) -> bool {
        self.state == "ended"
    }

    /// Whether somebody called the line.
    pub fn is_inbound(&self) -> bool {
        self.direction == "inbound"
    }

    /// Whether an action is allowed now.
    pub fn allows(&self, action: &str) -> bool {
        self.allowed_actions.iter().any(|allowed| allowed == action)
    }

    /// The party at the other end.
    pub fn far_end(&self) -> &GatewayParty {
        if self.connected.number.is_some() || self.connected.raw.is_some() {
            &self.connected
        } else if self.is_inbound() {
            &self.caller
        } else {
            &self.called
        }
    }
}

fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(if value.is_object() { value } else { Value::Object(serde_json::Map::new()) })
}

/// The whole state.
#[derive(Debug, Clone, Deserialize)]
pub struct Snapshot {
    /// Which journal.
    pub epoch: String,
    /// Everything up to here is in it.
    pub as_of_seq: u64,
    /// Lines; one that cannot be read is left out.
    #[serde(default, deserialize_with = "readable")]
    pub lines: Vec<GatewayLine>,
    /// Calls; one that cannot be read is left out.
    #[serde(default, deserialize_with = "readable")]
    pub calls: Vec<GatewayCall>,
}

fn readable<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let items = Vec::<Value>::deserialize(deserializer)?;
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

/// A change.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// Which journal.
    pub epoch: String,
    /// Its number.
    pub seq: u64,
    /// What happened.
    pub event: String,
    /// The object after the change.
    #[serde(default)]
    pub data: Value,
}

/// What the API answered to a request.
#[derive(Debug, Clone, Deserialize)]
pub struct Response {
    /// The id of the request.
    #[serde(default)]
    pub id: Value,
    /// Status code.
    pub status: u16,
    /// Headers, names in small letters.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: Value,
}

impl Response {
    /// The number of the last event that the answer knows of.
    pub fn seq(&self) -> Option<u64> {
        let (_, position) = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("event-position"))?;
        position.rsplit(':').next()?.parse().ok()
    }

    /// How many seconds later it is worth asking again.
    pub fn retry_after_s(&self) -> Option<u64> {
        let (_, seconds) = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
        seconds.trim().parse().ok()
    }

    /// The machine word of a refusal.
    pub fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }
}

/// A frame of the gateway.
#[derive(Debug, Clone)]
pub enum Frame {
    /// The greeting: version of the gateway, seconds between two keep-alive frames.
    Welcome {
        /// Release of the gateway.
        version: String,
        /// Seconds between keep-alive frames.
        keep_alive_s: u64,
    },
    /// The whole state.
    Snapshot(Box<Snapshot>),
    /// The events after the asked position follow.
    Resumed,
    /// A change.
    Event(Box<Event>),
    /// An answer.
    Response(Box<Response>),
    /// Somewhere between two events: everything up to here was sent.
    Standing {
        /// Up to here.
        seq: u64,
    },
    /// A frame of ours was refused.
    Error {
        /// The machine word.
        code: String,
        /// In a sentence.
        detail: String,
    },
    /// Anything else.
    Other,
}

impl Frame {
    /// Reads a frame; `None` when it is none.
    pub fn read(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(rename = "type", borrow)]
            kind: std::borrow::Cow<'a, str>,
            #[serde(default)]
            version: Option<std::borrow::Cow<'a, str>>,
            #[serde(default)]
            keep_alive_s: Option<u64>,
            #[serde(default)]
            seq: Option<u64>,
            #[serde(default)]
            code: Option<std::borrow::Cow<'a, str>>,
            #[serde(default)]
            detail: Option<std::borrow::Cow<'a, str>>,
        }
        let head: Head<'_> = serde_json::from_str(text).ok()?;
        Some(match &*head.kind {
            "event" => Self::Event(serde_json::from_str(text).ok()?),
            "response" => Self::Response(serde_json::from_str(text).ok()?),
            "snapshot" => Self::Snapshot(serde_json::from_str(text).ok()?),
            "welcome" => Self::Welcome {
                version: head.version.unwrap_or_default().into_owned(),
                keep_alive_s: head.keep_alive_s.unwrap_or(15),
            },
            "resumed" => Self::Resumed,
            "keep_alive" | "pong" => Self::Standing { seq: head.seq.unwrap_or(0) },
            "error" => Self::Error {
                code: head.code.unwrap_or_default().into_owned(),
                detail: head.detail.unwrap_or_default().into_owned(),
            },
            _ => Self::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_fields_and_broken_objects_are_passed_over() {
        let text = r#"{"type":"snapshot","epoch":"e","as_of_seq":4,"pbxs":[{}],
            "lines":[{"id":"line_1","tapi_id":7,"number":"201","new":1},{"id":"broken"}],
            "calls":[{"id":"call_1","line_id":"line_1","state":"offering","data":null}]}"#;
        let Some(Frame::Snapshot(snapshot)) = Frame::read(text) else { panic!("a snapshot") };
        assert_eq!((snapshot.lines.len(), snapshot.calls.len()), (1, 1));
        assert_eq!(snapshot.lines[0].numbers(), ["201"]);
        assert!(snapshot.calls[0].data.is_object());
    }

    #[test]
    fn an_answer_knows_its_position() {
        let text = r#"{"type":"response","id":5,"status":201,"headers":{"event-position":"abc:17"},"body":{"id":"c"}}"#;
        let Some(Frame::Response(response)) = Frame::read(text) else { panic!("a response") };
        assert_eq!(response.seq(), Some(17));
        assert!(Frame::read("[]").is_none() && Frame::read("{").is_none());
        assert!(matches!(Frame::read(r#"{"type":"dance"}"#), Some(Frame::Other)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
            let _ = Frame::read(&text);
        }
    }
}
