//! A line: a number on a phone, or a mobility user (api.md, "Lines").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::action::LineAction;
use super::call::{Call, CallState};
use super::ids::{LineId, PbxId};
use super::timestamp::Timestamp;

/// Where the line's number lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// On one phone.
    Static,
    /// With a user who logs in somewhere.
    ExtensionMobility,
}

/// Who entered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineSource {
    /// Read from the PBX.
    Pbx,
    /// Entered by hand.
    Manual,
    /// Imported.
    Import,
}

/// Whether a phone is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineStatus {
    /// A phone is registered.
    InService,
    /// None is.
    OutOfService,
    /// Not known.
    Unknown,
}

/// State of a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MonitorState {
    /// Events come.
    Active,
    /// It is being started.
    Pending,
    /// It cannot be started; the code says why.
    Failed,
    /// Not wanted.
    Off,
}

/// A request that mends something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fix {
    /// HTTP method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Body.
    #[schema(value_type = Object)]
    pub body: BTreeMap<String, serde_json::Value>,
}

/// The monitor of a line, or of one of its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Monitor {
    /// Its state.
    pub state: MonitorState,
    /// Why it failed, as a word.
    pub code: Option<String>,
    /// Why it failed, in a sentence.
    pub reason: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// A call that mends it, where one exists.
    pub fix: Option<Fix>,
    /// The next attempt.
    pub next_retry_at: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
}

impl Monitor {
    /// A monitor in a state without a reason.
    pub fn plain(state: MonitorState, since: Timestamp) -> Self {
        Self { state, code: None, reason: None, hint: None, fix: None, next_retry_at: None, since }
    }
}

/// One button of the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Address {
    /// 0 is the first button.
    pub index: u8,
    /// Its number.
    pub number: String,
    /// Another phone that shares the number is in a call on it.
    pub remote_in_use: bool,
    /// Its monitor; the first address has the one of the line.
    #[serde(default)]
    pub monitor: Option<Monitor>,
    /// Its forwarding; the first address has the one of the line.
    #[serde(default)]
    pub forwarding: Forwarding,
}

/// What the line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// No call.
    Idle,
    /// A number is being dialled, or the other end rings.
    Dialing,
    /// The phone rings.
    Ringing,
    /// In a call.
    Busy,
    /// Every call is on hold.
    Held,
    /// Not monitored.
    Unknown,
}

/// Forwarding of a line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Forwarding {
    /// Where all calls go.
    pub unconditional: Option<String>,
}

/// A line (api.md, "Lines").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// Its id.
    pub id: LineId,
    /// Permanent line number for TAPI: never reused, never renumbered.
    pub tapi_id: u32,
    /// The PBX.
    pub pbx_id: PbxId,
    /// Number of the first button.
    pub number: String,
    /// The number with the location; equal to `number` while the location is off.
    pub display_number: String,
    /// Display name.
    pub name: String,
    /// A person gave this line of the PBX its name: loads keep it.
    #[serde(default)]
    pub has_own_name: bool,
    /// MAC of the phone, 12 hex digits; `null` for a mobility user.
    pub device_id: Option<String>,
    /// Phone or user.
    pub kind: LineKind,
    /// Who entered it.
    pub source: LineSource,
    /// Whether it is monitored.
    pub enabled: bool,
    /// Its buttons.
    pub addresses: Vec<Address>,
    /// Whether a phone is there.
    pub status: LineStatus,
    /// Monitor of the first button.
    pub monitor: Monitor,
    /// What it does.
    pub activity: Activity,
    /// How many calls it has.
    pub active_calls: u32,
    /// What may be asked of it now.
    pub allowed_actions: Vec<LineAction>,
    /// Ringing is off.
    pub do_not_disturb: bool,
    /// Forwarding of the first button.
    pub forwarding: Forwarding,
    /// Messages wait; `null` when the PBX does not tell.
    pub message_waiting: Option<bool>,
    /// Labels of programs.
    pub labels: BTreeMap<String, String>,
    /// Since when the PBX does not know it any more.
    pub missing_since: Option<Timestamp>,
}

impl Line {
    /// What the calls of a line say about it.
    pub fn activity_of<'a>(calls: impl Iterator<Item = &'a Call>) -> (Activity, u32) {
        let mut count = 0;
        let mut best = Activity::Idle;
        let rank = |activity: Activity| match activity {
            Activity::Idle | Activity::Unknown => 0,
            Activity::Held => 1,
            Activity::Dialing => 2,
            Activity::Busy => 3,
            Activity::Ringing => 4,
        };
        for call in calls.filter(|call| !call.state.is_ended()) {
            count += 1;
            let one = match call.state {
                CallState::Offering => Activity::Ringing,
                CallState::OnHold => Activity::Held,
                CallState::DialTone | CallState::Dialing | CallState::Proceeding | CallState::Ringback => {
                    Activity::Dialing
                }
                _ => Activity::Busy,
            };
            if rank(one) > rank(best) {
                best = one;
            }
        }
        (best, count)
    }

    /// The names of the fields that differ, in the order of the contract.
    pub fn changes(&self, before: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        macro_rules! compare {
            ($($field:ident),+) => { $(if self.$field != before.$field { changed.push(stringify!($field)); })+ };
        }
        compare!(
            number,
            display_number,
            name,
            has_own_name,
            device_id,
            kind,
            source,
            enabled,
            addresses,
            status,
            monitor,
            activity,
            active_calls,
            allowed_actions,
            do_not_disturb,
            forwarding,
            message_waiting,
            labels,
            missing_since
        );
        changed
    }
}
