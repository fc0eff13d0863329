//! The state of a PBX link (api.md, "PBXs").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::words;
use super::timestamp::Timestamp;

/// State of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PbxState {
    /// Switched off by a person.
    Disabled,
    /// On its way.
    Connecting,
    /// Everything works.
    Up,
    /// Calls work, something else does not.
    Degraded,
    /// Nothing works.
    Down,
}

words! {
    /// Why a PBX was not seen.
    BlindCause {
        /// The gateway itself did not run.
        GatewayDown = "gateway_down",
        /// Somebody switched the PBX off.
        PbxDisabled = "pbx_disabled",
        /// The link to it did not work.
        LinkDown = "link_down",
    }
}

/// SIP side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SipStatus {
    /// `off`, `connecting`, `registering`, `registered`, `connected`, `refused`, `unreachable`.
    pub state: String,
    /// End of the registration.
    pub registered_until: Option<Timestamp>,
}

/// XML API side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AxlStatus {
    /// `off`, `loading`, `up`, `down`, `refused`.
    pub state: String,
    /// The last complete load of the lines.
    pub last_load_at: Option<Timestamp>,
    /// Why it does not work.
    #[serde(default)]
    pub reason: Option<String>,
    /// Requests answered of the load that runs now.
    #[serde(default)]
    pub progress: Option<String>,
    /// What the last load left out, and what to do about it: phones that the router does not give, or without a usable line.
    #[serde(default)]
    pub notices: Vec<String>,
}

/// How many lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct LineCounts {
    /// Enabled ones.
    pub total: u32,
    /// With a registered phone.
    pub in_service: u32,
    /// With a running monitor.
    pub monitored: u32,
    /// That cannot be monitored.
    pub failed: u32,
}

/// The whole status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PbxStatus {
    /// In a word.
    pub state: PbxState,
    /// In a sentence; empty when there is nothing to say.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// SIP.
    pub sip: SipStatus,
    /// XML API.
    pub axl: AxlStatus,
    /// Release of the router.
    pub cme_version: Option<String>,
    /// Lines.
    pub lines: LineCounts,
    /// Operation → `yes`, `no`, `unknown` or `emulated`. The operations of calls and lines, and `dial_tone` (digits in dial
    /// tone), `reject` (hanging up a call that rings), `reconnect` (back from a consultation) and `snapshot`.
    pub capabilities: BTreeMap<String, String>,
    /// What was learned about its dialect.
    #[schema(value_type = Object)]
    pub learned: BTreeMap<String, serde_json::Value>,
}

impl PbxStatus {
    /// The status of a link that has not begun.
    pub fn initial(state: PbxState, since: Timestamp) -> Self {
        Self {
            state,
            reason: String::new(),
            since,
            sip: SipStatus { state: "off".to_owned(), registered_until: None },
            axl: AxlStatus {
                state: "off".to_owned(),
                last_load_at: None,
                reason: None,
                progress: None,
                notices: Vec::new(),
            },
            cme_version: None,
            lines: LineCounts::default(),
            capabilities: BTreeMap::new(),
            learned: BTreeMap::new(),
        }
    }
}
