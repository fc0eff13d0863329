//! Refusals of the PBX in words that a person can act on.

use std::time::Duration;

use crate::csta::exchange::Refusal;
use crate::csta::{Fault, FaultCategory, FaultValue, OperationError, SubscribedResourceError, SystemResourceError};
use crate::service::error::{Code, ServiceError};
use crate::sip::Failure;

/// Pause after a refusal that a person has to mend (dossier 15c, 15e).
const LONG: Duration = Duration::from_secs(300);

/// Why a line is not monitored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: &'static str,
    pub(super) reason: String,
    pub(super) hint: String,
}

impl Refused {
    pub(super) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), hint: String::new() }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// What the XML API tells about the ephone-dn of a seat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DnFacts {
    /// Effective `cti watch`.
    pub(super) watch: Option<bool>,
    /// Effective `cti notify`.
    pub(super) notify: Option<bool>,
    /// A registered phone carries the line.
    pub(super) registered: Option<bool>,
    /// Release of the router that has no CTI.
    pub(super) has_no_cti: bool,
    /// A mobility user.
    pub(super) is_mobility: bool,
    /// The number stands only on overlay buttons.
    pub(super) is_overlay: bool,
    /// The router has no SCCP phone with the MAC of this line.
    pub(super) is_foreign_phone: bool,
    /// The router refused our registration as that of nobody it knows.
    pub(super) is_unknown_server: bool,
}

impl DnFacts {
    /// What the facts alone say about a refusal.
    pub(super) fn explanation(self) -> Option<Refused> {
        if self.has_no_cti {
            return Some(
                Refused::new("cti_removed", "This release of CME has no CTI: Cisco removed it in 12.6.")
                    .hint("Lines can be shown but not controlled; CTI needs CME 8.0 to 12.5."),
            );
        }
        if self.is_overlay {
            return Some(
                Refused::new(
                    "overlay",
                    "This number stands only on overlay buttons, and such numbers cannot be monitored.",
                )
                .hint("Give the number a button of its own, or disable this line."),
            );
        }
        if self.watch == Some(false) {
            return Some(
                Refused::new("no_cti_watch", "The ephone-dn of this line has no `cti watch`.")
                    .hint("Add `cti watch` and `cti notify` to the ephone-dn, or let the assistant do it."),
            );
        }
        match (self.registered, self.notify) {
            (Some(false), Some(false)) => Some(
                Refused::new(
                    "no_cti_notify",
                    if self.is_mobility {
                        "Nobody is logged in with this number and its ephone-dn has no `cti notify`."
                    } else {
                        "The phone is unregistered and its ephone-dn has no `cti notify`."
                    },
                )
                .hint("Connect the phone, or add `cti notify` to the ephone-dn so that the line is monitored without one."),
            ),
            (Some(false), _) => Some(
                Refused::new("not_registered", "No phone with this number is registered at the router.")
                    .hint("Connect the phone; the line is tried again by itself."),
            ),
            _ => None,
        }
    }
}

/// Why an INVITE was refused, and the pause when it is not the usual one.
pub(super) fn refused_session(failure: &Failure, facts: DnFacts) -> (Refused, Option<Duration>) {
    if failure.credentials_rejected {
        let why = Refused::new("credentials_rejected", "The PBX rejects the user name or password for SIP.")
            .hint("Check the `xml user` and password of this PBX.");
        return (why, Some(LONG));
    }
    let retry_after = failure.retry_after_s.map(|seconds| Duration::from_secs(u64::from(seconds)));
    if let Some(why) = facts.explanation() {
        return (why, retry_after);
    }
    let Some(status) = failure.status else {
        let why = Refused::new("no_answer", "The PBX does not answer the session of this line.")
            .hint("Check `no cti shutdown` under `voice service voip`, and firewalls between gateway and router.");
        return (why, None);
    };
    let said = match &failure.warning {
        Some(warning) => format!("{status} {}; {warning}", failure.reason),
        None => format!("{status} {}", failure.reason),
    };
    let why = match status {
        403 | 404 | 484 | 603 | 604 if facts.is_foreign_phone => {
            Refused::new("sip_phone", format!("The router has no SCCP phone with this device id ({said})."))
                .hint("Only SCCP phones can be controlled, no SIP phones. If it is an SCCP phone, check its MAC.")
        }
        403 | 404 | 603 | 604 if facts.is_unknown_server => Refused::new(
            "session_server_unknown",
            format!("The router has no session server with our register-id ({said})."),
        )
        .hint("Check `voice register session-server` and its `register-id`, or let the assistant add it."),
        401 | 407 => Refused::new("credentials_rejected", format!("The PBX asks for credentials ({said})."))
            .hint("Give the `xml user` and password of this PBX."),
        403 | 603 => Refused::new("session_refused", format!("The PBX refuses the session of this line ({said})."))
            .hint("Check `cti watch` of the ephone-dn, and the `register-id` of the session server."),
        404 | 484 | 604 => Refused::new("unknown_number", format!("The PBX does not know this number ({said})."))
            .hint("Check the number, or load the lines again."),
        480 => Refused::new("not_registered", format!("The phone of this line is not registered ({said})."))
            .hint("Connect the phone, or add `cti notify` to the ephone-dn."),
        486 | 600 => {
            Refused::new("in_use_elsewhere", format!("Another program has the session of this line ({said})."))
                .hint("Stop the other program, or give it another session server id.")
        }
        405 | 501 => Refused::new("cti_missing", format!("The router does not know this kind of session ({said})."))
            .hint("CTI needs CME 8.0 to 12.5, and `no cti shutdown` under `voice service voip`."),
        500 | 503 => Refused::new("pbx_busy", format!("The router cannot open the session now ({said}).")).hint(
            "It is tried again by itself; if it stays so, check `no cti shutdown` under `voice service voip`, and the \
                     load of the router.",
        ),
        _ => Refused::new("session_refused", format!("The PBX refuses the session of this line ({said})."))
            .hint("Check `cti watch` of the ephone-dn and `no cti shutdown` under `voice service voip`."),
    };
    let pause = match status {
        403 | 603 => Some(LONG),
        _ => retry_after,
    };
    (why, pause)
}

/// Why a monitor was refused.
pub(super) fn refused_monitor(fault: &Fault, facts: DnFacts) -> (Refused, Option<Duration>) {
    let said = format!("{}/{}", fault.category().as_str(), fault.as_str());
    match &fault.value {
        FaultValue::SystemResource(SystemResourceError::OverallMonitorLimitExceeded) => (
            Refused::new("monitor_limit", format!("The router monitors as many lines as it can ({said})."))
                .hint("Disable lines that nobody needs."),
            Some(LONG),
        ),
        FaultValue::SubscribedResource(SubscribedResourceError::ObjectMonitorLimitExceeded) => (
            Refused::new("in_use_elsewhere", format!("Another program monitors this line ({said})."))
                .hint("Stop the other program."),
            Some(LONG),
        ),
        _ => {
            if let Some(why) = facts.explanation() {
                return (why, None);
            }
            let why = match &fault.value {
                FaultValue::SystemResource(SystemResourceError::DeviceOutOfService) => {
                    Refused::new("not_registered", format!("The phone of this line is out of service ({said})."))
                        .hint("Connect the phone, or add `cti notify` to the ephone-dn.")
                }
                FaultValue::Operation(OperationError::ServiceNotSupported) => {
                    Refused::new("cti_missing", format!("The router does not know monitors ({said})."))
                        .hint("CTI needs CME 8.0 to 12.5.")
                }
                _ => Refused::new("monitor_refused", format!("The PBX refuses to monitor this line ({said})."))
                    .hint("Check `cti watch` of the ephone-dn; the protocol trace shows both messages."),
            };
            (why, None)
        }
    }
}

/// A wish that never went to the PBX because others of its line came first.
pub(super) fn not_sent(refusal: &Refusal, what: &str) -> ServiceError {
    let (why, hint) = match refusal {
        Refusal::QueueFull => ("too many commands wait for this line already", "Send fewer commands at once."),
        _ => (
            "the PBX has not answered what was asked of this line before",
            "Ask again in a moment; if it stays so, look at the load of the router and at the protocol trace.",
        ),
    };
    ServiceError::new(Code::PbxTimeout, format!("The wish to {what} was not sent: {why}. Nothing was done."))
        .with_hint(hint)
        .retryable(Some(1))
}

/// Whether a fault says that there is no such call.
pub(super) fn names_no_call(value: &FaultValue) -> bool {
    use crate::csta::StateError as S;
    use OperationError as O;
    matches!(
        value,
        FaultValue::Operation(
            O::InvalidCallId
                | O::InvalidActiveCallId
                | O::InvalidHeldCallId
                | O::InvalidConnectionId
                | O::InvalidActiveConnectionId
                | O::InvalidHeldConnectionId
        ) | FaultValue::State(S::NoCallToClear | S::NoConnectionToClear | S::NoActiveCall | S::NoHeldCall)
    )
}

/// A fault of a command as the caller sees it.
pub(super) fn refused_command(fault: &Fault, what: &str) -> ServiceError {
    use SystemResourceError as E;
    let (category, value) = (fault.category(), fault.as_str().to_owned());
    let (code, detail, hint) = match (&category, &fault.value) {
        (_, FaultValue::Operation(OperationError::ServiceNotSupported)) => (
            Code::NotSupportedByPbx,
            format!("This PBX cannot {what}."),
            "Look at `capabilities` in the status of the PBX.",
        ),
        (FaultCategory::StateIncompatibility, _) => (
            Code::NotAllowedNow,
            format!("The PBX says that it cannot {what} in this state ({value})."),
            "Look at the call's `allowed_actions`; it may have changed meanwhile.",
        ),
        // The call ended, or is another one, while the command was under way (dossier 15c).
        (_, value) if names_no_call(value) => (
            Code::NotAllowedNow,
            format!("The PBX cannot {what}: it does not have the call any more ({}).", fault.as_str()),
            "Look at the calls: it has ended meanwhile, or is shown in its true state in a moment.",
        ),
        (
            _,
            FaultValue::SystemResource(
                E::DeviceOutOfService
                | E::CallingDeviceOutOfService
                | E::ActiveDeviceOutOfService
                | E::HeldDeviceOutOfService,
            ),
        ) => (
            Code::NotAllowedNow,
            format!("The PBX cannot {what}: the phone is out of service ({value})."),
            "Connect the phone; `status` of the line says when it is there.",
        ),
        (_, FaultValue::SystemResource(E::ResourceBusy | E::ChannelsInUseForBridgedDevices)) => (
            Code::NotAllowedNow,
            format!("The PBX cannot {what}: every channel of the number is in use ({value})."),
            "End one of the calls of this line first, or make the ephone-dn a dual-line or octo-line.",
        ),
        (FaultCategory::SystemResourceAvailability, _) => (
            Code::PbxRefused,
            format!("The PBX has no resource to {what} ({value})."),
            "The phone may be out of service, or the router at its limits.",
        ),
        (FaultCategory::SubscribedResourceAvailability | FaultCategory::PerformanceManagement, _) => {
            (Code::PbxRefused, format!("The PBX is too busy to {what} ({value})."), "Ask again in a second.")
        }
        _ if value.contains("alledDevice") || value.contains("estination") => (
            Code::PbxRefused,
            format!("The PBX does not take this number ({value})."),
            "Check the number, the dial plan and the transfer patterns of the router.",
        ),
        _ => (
            Code::PbxRefused,
            format!("The PBX refused to {what} ({}/{value}).", category.as_str()),
            "Look at the state of the call; the protocol trace shows both messages.",
        ),
    };
    let mut error = ServiceError::new(code, detail).with_hint(hint).with_csta(category.as_str(), value);
    if matches!(category, FaultCategory::SubscribedResourceAvailability | FaultCategory::PerformanceManagement) {
        error = error.retryable(Some(1));
    }
    error
}
