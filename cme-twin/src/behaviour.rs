//! What real routers of the CSTA age differ in, and every time limit, as plain values. A preset is a set of these.

use serde::{Deserialize, Serialize};

/// Which release the router behaves like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
pub enum Preset {
    /// CME 8.0 as a product's restrictions describe it: no rejecting, no busy detection, missing called and redirecting numbers.
    #[serde(rename = "8.0")]
    #[value(name = "8.0")]
    V80,
    /// CME 8.6: as the traces show it; a ringing call cannot be rejected.
    #[default]
    #[serde(rename = "8.6")]
    #[value(name = "8.6")]
    V86,
    /// CME 8.8: everything.
    #[serde(rename = "8.8")]
    #[value(name = "8.8")]
    V88,
}

/// How another phone's use of a shared number is told (unknown U-25 of the dossier).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedStyle {
    /// Events name the other phone in `;device=`.
    #[default]
    Devices,
    /// As `Devices`, and a `BridgedEvent` when the own appearance becomes passive.
    Bridged,
    /// Nothing is told about what other phones do with the number.
    Hidden,
}

/// Whose state `localConnectionInfo` is (U-42).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalInfo {
    /// That of the monitored device, except in `FailedEvent`, which is `fail` as in the trace.
    #[default]
    Own,
    /// That of the connection the event names.
    Named,
}

/// Which call identifier survives a transfer or conference (U-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Merge {
    /// That of the held (first) call.
    #[default]
    Primary,
    /// That of the active (second) call.
    Secondary,
}

/// Status codes of refused INVITEs (U-29, U-30).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefusalCodes {
    /// No such DN.
    pub unknown: u16,
    /// The DN has no `cti watch`.
    pub not_watched: u16,
    /// No phone is registered and the DN has no `cti notify`.
    pub down: u16,
    /// `cti shutdown`.
    pub cti_shutdown: u16,
}

impl Default for RefusalCodes {
    fn default() -> Self {
        Self { unknown: 404, not_watched: 403, down: 480, cti_shutdown: 503 }
    }
}

/// How many INVITEs a polite client sends; more is a violation. 0 = not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InviteLimits {
    /// Within a second.
    pub per_second: u32,
    /// At once without an ACK.
    pub outstanding: u32,
}

impl Default for InviteLimits {
    fn default() -> Self {
        Self { per_second: 30, outstanding: 20 }
    }
}

/// Time limits in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// `timeouts ringing`.
    pub ringing: u64,
    /// `timeouts busy`: a failed call ends by itself.
    pub busy: u64,
    /// `timeouts interdigit`: dial tone without digits ends.
    pub interdigit: u64,
    /// Digits are complete when none came for this long, if they do not match before.
    pub dialling_pause: u64,
    /// An unanswered consultation ends; 0 = never.
    pub consultation: u64,
    /// `cti timeout make-call-prompt`.
    pub make_call_prompt: u64,
    /// A phone that lost its power is noticed (three missed keepalives).
    pub power_loss: u64,
    /// The far end of a trunk call answers; 0 = only the control API answers.
    pub trunk_answer: u64,
    /// From the cause of an event to its INFO.
    pub event_delay: u64,
    /// Idle TCP connections are closed (`timers connection aging tcp`).
    pub connection_ageing: u64,
    /// A client's answer to an event that comes later is a violation.
    pub event_answer: u64,
    /// T1 of SIP: the 200 of an INVITE is repeated from here on, doubling.
    pub t1: u64,
    /// A SIP transaction without an answer is given up.
    pub transaction: u64,
    /// Uptime goes on this many times faster than the clock of the machine.
    pub clock_factor: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ringing: 180_000,
            busy: 10_000,
            interdigit: 10_000,
            dialling_pause: 10_000,
            consultation: 30_000,
            make_call_prompt: 20_000,
            power_loss: 90_000,
            trunk_answer: 3_000,
            event_delay: 0,
            connection_ageing: 300_000,
            event_answer: 50,
            t1: 500,
            transaction: 32_000,
            clock_factor: 1,
        }
    }
}

/// Everything about the CTI side that is not the same on every router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// The release whose restrictions the switches below started from.
    pub preset: Preset,
    /// ClearConnection works on a ringing connection.
    pub clear_alerting: bool,
    /// A busy or wrong number gives a `FailedEvent`.
    pub busy_detection: bool,
    /// Incoming calls name the called number.
    pub called_on_incoming: bool,
    /// Forwarded calls name who forwarded them.
    pub redirecting: bool,
    /// AnswerCall works while another call is connected (which then is held).
    pub answer_waiting: bool,
    /// ClearConnection works on another party of an own conference.
    pub remove_party: bool,
    /// SingleStepConferenceCall exists.
    pub single_step_conference: bool,
    /// SetForwarding takes the busy and no-answer types too.
    pub all_forwarding_types: bool,
    /// Going off hook gives a `ServiceInitiatedEvent` before the `OriginatedEvent`.
    pub service_initiated: bool,
    /// A second `OriginatedEvent` with the called number follows the one without.
    pub originated_twice: bool,
    /// Digits give `DigitsDialedEvent`s.
    pub digits_dialed: bool,
    /// `OutOfServiceEvent` and `BackInServiceEvent` are sent.
    pub service_events: bool,
    /// The session of a number without `cti notify` is ended when its phone unregisters.
    pub close_when_down: bool,
    /// A session without a MAC gets `;device=` of the phone in use all the same.
    pub bare_session_device: bool,
    /// A conference goes on when the one who made it leaves.
    pub keep_conference: bool,
    /// Shared numbers.
    pub shared: SharedStyle,
    /// `localConnectionInfo`.
    pub local_info: LocalInfo,
    /// Surviving call identifier.
    pub merge: Merge,
    /// The body of a positive answer carries `monitorExistingCalls`.
    pub monitor_existing_calls: bool,
    /// `Min-SE` in seconds; a shorter `Session-Expires` gets 422.
    pub min_se: u32,
    /// Nonces live this long, in seconds; later use is `stale`.
    pub nonce_life: u32,
    /// The challenge offers `qop="auth"`.
    pub qop: bool,
    /// Realm of the challenge.
    pub realm: String,
    /// The answer to REGISTER lists the contact that it takes the place of too.
    pub lists_other_contacts: bool,
    /// Name of the header with the reference identifier.
    pub reference_header: String,
    /// Status codes.
    pub codes: RefusalCodes,
    /// INVITE rates.
    pub invite_limits: InviteLimits,
    /// Time limits.
    pub limits: Limits,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::preset(Preset::default())
    }
}

impl Behaviour {
    /// The switches of a release.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let (old, new) = (preset == Preset::V80, preset == Preset::V88);
        Self {
            preset,
            clear_alerting: new,
            busy_detection: !old,
            called_on_incoming: !old,
            redirecting: !old,
            answer_waiting: !old,
            remove_party: !old,
            single_step_conference: new,
            all_forwarding_types: new,
            service_initiated: false,
            originated_twice: false,
            digits_dialed: new,
            service_events: true,
            close_when_down: true,
            bare_session_device: false,
            keep_conference: false,
            shared: SharedStyle::default(),
            local_info: LocalInfo::default(),
            merge: Merge::default(),
            monitor_existing_calls: true,
            min_se: 1800,
            nonce_life: 300,
            qop: true,
            realm: "cisco".to_owned(),
            lists_other_contacts: false,
            reference_header: "Cisco-referenceID".to_owned(),
            codes: RefusalCodes::default(),
            invite_limits: InviteLimits::default(),
            limits: Limits::default(),
        }
    }
}
