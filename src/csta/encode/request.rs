//! Service requests (section 6 and Annex A.1). Children are written in schema order, because receivers may check it.

use bytes::Bytes;

use super::writer::{Encoding, Writer};
use crate::csta::types::{
    Connection, ConsultOptions, DigitMode, EventCause, ForwardingType, MonitorType, ParticipationType, Service,
    SystemStatus,
};

/// What a monitor shall leave out (U-22). CME: simplest and safest is no filter at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MonitorFilter {
    /// No filter element: every event.
    #[default]
    None,
    /// The filter composed in section 6.2: without dialled digits, offered calls and voice bookmarks.
    CallsOnly,
}

/// Optional parts of services that make or move a call; what is `None` is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallExtras {
    /// `accountCode`, written as hexBinary.
    pub account_code: Option<Vec<u8>>,
    /// `authCode`, written as hexBinary.
    pub auth_code: Option<Vec<u8>>,
    /// `correlatorData`, written as hexBinary.
    pub correlator_data: Option<Vec<u8>>,
    /// `userData`, written as hexBinary.
    pub user_data: Option<Vec<u8>>,
    /// `subjectOfCall`.
    pub subject_of_call: Option<String>,
}

/// A service request. Connections and devices go out exactly as given: requests echo what the switch wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "fields carry the names and the meaning of the standard's elements")]
pub enum Request {
    /// Asks for the state of the switching function; the body of the INVITE.
    RequestSystemStatus,
    /// Tells our state.
    SystemStatus { status: SystemStatus },
    /// Asks what the switch can do.
    GetCstaFeatures,
    /// Asks about a number.
    GetLogicalDeviceInformation { device: String },
    /// Asks about a phone.
    GetPhysicalDeviceInformation { device: String },
    /// Starts a monitor; without `monitor_type` the element is left out.
    MonitorStart { device: String, filter: MonitorFilter, monitor_type: Option<MonitorType> },
    /// Ends a monitor.
    MonitorStop { monitor_cross_ref_id: String },
    /// Asks for the calls of a device.
    SnapshotDevice { device: String },
    /// Asks for the devices of a call.
    SnapshotCall { call: Connection<'static> },
    /// Dials. An empty `called` gets dial tone where the switch can (U-19). `prompt` asks the user to lift the handset:
    /// it is the schema's default, so `doNotPrompt` is always written (section 5.4); `None` leaves the element out.
    MakeCall { calling: String, called: String, prompt: Option<bool>, extras: CallExtras },
    /// Answers.
    AnswerCall { call: Connection<'static> },
    /// Accepts an offered call.
    AcceptCall { call: Connection<'static> },
    /// Clears one connection.
    ClearConnection { call: Connection<'static>, reason: Option<EventCause> },
    /// Clears the whole call.
    ClearCall { call: Connection<'static> },
    /// Holds.
    HoldCall { call: Connection<'static> },
    /// Takes from hold.
    RetrieveCall { call: Connection<'static> },
    /// Redirects a ringing call.
    DeflectCall { call: Connection<'static>, new_destination: String },
    /// Transfers blindly.
    SingleStepTransferCall { active: Connection<'static>, transferred_to: String, extras: CallExtras },
    /// Holds the call and dials a second one. `consult_options` `None` leaves the element out.
    ConsultationCall {
        existing: Connection<'static>,
        consulted: String,
        consult_options: Option<ConsultOptions>,
        extras: CallExtras,
    },
    /// Swaps the held and the active call.
    AlternateCall { held: Connection<'static>, active: Connection<'static> },
    /// Clears the active call and takes the held one back.
    ReconnectCall { active: Connection<'static>, held: Connection<'static> },
    /// Connects the held and the active call.
    TransferCall { held: Connection<'static>, active: Connection<'static> },
    /// Makes a conference of the held and the active call.
    ConferenceCall { held: Connection<'static>, active: Connection<'static> },
    /// Joins a device to the call.
    SingleStepConferenceCall {
        active: Connection<'static>,
        device_to_join: String,
        participation: ParticipationType,
        extras: CallExtras,
    },
    /// Joins the call from another device.
    JoinCall {
        active: Connection<'static>,
        joining_device: String,
        prompt: bool,
        participation: ParticipationType,
        extras: CallExtras,
    },
    /// Dials on in dial-tone state.
    DialDigits { call: Connection<'static>, digits: String },
    /// Sends tones in a call.
    GenerateDigits { call: Connection<'static>, mode: DigitMode, characters: String },
    /// Switches forwarding.
    SetForwarding {
        device: String,
        forwarding_type: Option<ForwardingType>,
        activate: bool,
        forward_dn: Option<String>,
        ring_count: Option<u32>,
    },
    /// Asks for the forwarding settings.
    GetForwarding { device: String },
    /// Switches do not disturb.
    SetDoNotDisturb { device: String, on: bool },
    /// Asks for do not disturb.
    GetDoNotDisturb { device: String },
    /// Switches the message lamp.
    SetMessageWaitingIndicator { device: String, on: bool, device_for_message: Option<String> },
    /// Asks for the message lamp.
    GetMessageWaitingIndicator { device: String },
    /// Picks up a call that rings elsewhere.
    DirectedPickupCall { call: Connection<'static>, requesting_device: String },
    /// Picks up for a group.
    GroupPickupCall { new_destination: String, pick_group: Option<String> },
    /// Parks.
    ParkCall { call: Connection<'static>, park_to: String },
    /// Asks the switch to call back.
    CallBack { call: Connection<'static> },
    /// Switches whether our number is shown.
    SetCallerIdStatus { device: String, provided: bool },
    /// Asks whether our number is shown.
    GetCallerIdStatus { device: String },
    /// Asks for the last number dialled.
    GetLastNumberDialed { device: String },
}

impl Request {
    /// The service asked for.
    #[must_use]
    pub fn service(&self) -> Service {
        match self {
            Self::RequestSystemStatus => Service::RequestSystemStatus,
            Self::SystemStatus { .. } => Service::SystemStatus,
            Self::GetCstaFeatures => Service::GetCstaFeatures,
            Self::GetLogicalDeviceInformation { .. } => Service::GetLogicalDeviceInformation,
            Self::GetPhysicalDeviceInformation { .. } => Service::GetPhysicalDeviceInformation,
            Self::MonitorStart { .. } => Service::MonitorStart,
            Self::MonitorStop { .. } => Service::MonitorStop,
            Self::SnapshotDevice { .. } => Service::SnapshotDevice,
            Self::SnapshotCall { .. } => Service::SnapshotCall,
            Self::MakeCall { .. } => Service::MakeCall,
            Self::AnswerCall { .. } => Service::AnswerCall,
            Self::AcceptCall { .. } => Service::AcceptCall,
            Self::ClearConnection { .. } => Service::ClearConnection,
            Self::ClearCall { .. } => Service::ClearCall,
            Self::HoldCall { .. } => Service::HoldCall,
            Self::RetrieveCall { .. } => Service::RetrieveCall,
            Self::DeflectCall { .. } => Service::DeflectCall,
            Self::SingleStepTransferCall { .. } => Service::SingleStepTransferCall,
            Self::ConsultationCall { .. } => Service::ConsultationCall,
            Self::AlternateCall { .. } => Service::AlternateCall,
            Self::ReconnectCall { .. } => Service::ReconnectCall,
            Self::TransferCall { .. } => Service::TransferCall,
            Self::ConferenceCall { .. } => Service::ConferenceCall,
            Self::SingleStepConferenceCall { .. } => Service::SingleStepConferenceCall,
            Self::JoinCall { .. } => Service::JoinCall,
            Self::DialDigits { .. } => Service::DialDigits,
            Self::GenerateDigits { .. } => Service::GenerateDigits,
            Self::SetForwarding { .. } => Service::SetForwarding,
            Self::GetForwarding { .. } => Service::GetForwarding,
            Self::SetDoNotDisturb { .. } => Service::SetDoNotDisturb,
            Self::GetDoNotDisturb { .. } => Service::GetDoNotDisturb,
            Self::SetMessageWaitingIndicator { .. } => Service::SetMessageWaitingIndicator,
            Self::GetMessageWaitingIndicator { .. } => Service::GetMessageWaitingIndicator,
            Self::DirectedPickupCall { .. } => Service::DirectedPickupCall,
            Self::GroupPickupCall { .. } => Service::GroupPickupCall,
            Self::ParkCall { .. } => Service::ParkCall,
            Self::CallBack { .. } => Service::CallBack,
            Self::SetCallerIdStatus { .. } => Service::SetCallerIdStatus,
            Self::GetCallerIdStatus { .. } => Service::GetCallerIdStatus,
            Self::GetLastNumberDialed { .. } => Service::GetLastNumberDialed,
        }
    }

    /// The message on the wire.
    #[must_use]
    pub fn encode(&self, encoding: &Encoding) -> Bytes {
        let mut writer = Writer::new(encoding, self.service().as_str());
        self.children(&mut writer, encoding);
        writer.finish()
    }

    fn children(&self, w: &mut Writer<'_>, encoding: &Encoding) {
        match self {
            Self::RequestSystemStatus => {
                if let Some(line) = &encoding.private_line {
                    private_line(w, line);
                }
            }
            Self::SystemStatus { status } => w.leaf("systemStatus", status.as_str()),
            Self::GetCstaFeatures => {}
            Self::GetLogicalDeviceInformation { device }
            | Self::GetPhysicalDeviceInformation { device }
            | Self::GetForwarding { device }
            | Self::GetDoNotDisturb { device }
            | Self::GetMessageWaitingIndicator { device }
            | Self::GetCallerIdStatus { device }
            | Self::GetLastNumberDialed { device } => w.leaf("device", device),
            Self::MonitorStart { device, filter, monitor_type } => {
                w.element("monitorObject", |w| w.leaf("deviceObject", device));
                monitor_filter(w, *filter);
                w.leaf_if("monitorType", monitor_type.as_ref().map(MonitorType::as_str));
            }
            Self::MonitorStop { monitor_cross_ref_id } => w.leaf("monitorCrossRefID", monitor_cross_ref_id),
            Self::SnapshotDevice { device } => w.leaf("snapshotObject", device),
            Self::SnapshotCall { call } => connection(w, "snapshotObject", call),
            Self::MakeCall { calling, called, prompt, extras } => {
                w.leaf("callingDevice", calling);
                w.leaf("calledDirectoryNumber", called);
                codes(w, extras);
                w.leaf_if("autoOriginate", prompt.map(auto_originate));
                data(w, extras);
                subject(w, extras);
            }
            Self::AnswerCall { call } => connection(w, "callToBeAnswered", call),
            Self::AcceptCall { call } => connection(w, "callToBeAccepted", call),
            Self::ClearConnection { call, reason } => {
                connection(w, "connectionToBeCleared", call);
                w.leaf_if("reason", reason.as_ref().map(EventCause::as_str));
            }
            Self::ClearCall { call } => connection(w, "callToBeCleared", call),
            Self::HoldCall { call } => connection(w, "callToBeHeld", call),
            Self::RetrieveCall { call } => connection(w, "callToBeRetrieved", call),
            Self::DeflectCall { call, new_destination } => {
                connection(w, "callToBeDiverted", call);
                w.leaf("newDestination", new_destination);
            }
            Self::SingleStepTransferCall { active, transferred_to, extras } => {
                connection(w, "activeCall", active);
                w.leaf("transferredTo", transferred_to);
                codes(w, extras);
                data(w, extras);
                subject(w, extras);
            }
            Self::ConsultationCall { existing, consulted, consult_options, extras } => {
                connection(w, "existingCall", existing);
                w.leaf("consultedDevice", consulted);
                codes(w, extras);
                data(w, extras);
                w.leaf_if("consultOptions", consult_options.as_ref().map(ConsultOptions::as_str));
                subject(w, extras);
            }
            // Held first, then active; ReconnectCall is the other way round (section 6.2).
            Self::AlternateCall { held, active }
            | Self::TransferCall { held, active }
            | Self::ConferenceCall { held, active } => {
                connection(w, "heldCall", held);
                connection(w, "activeCall", active);
            }
            Self::ReconnectCall { active, held } => {
                connection(w, "activeCall", active);
                connection(w, "heldCall", held);
            }
            Self::SingleStepConferenceCall { active, device_to_join, participation, extras } => {
                connection(w, "activeCall", active);
                w.leaf("deviceToJoin", device_to_join);
                w.leaf("participationType", participation.as_str());
                codes(w, extras);
                data(w, extras);
                subject(w, extras);
            }
            Self::JoinCall { active, joining_device, prompt, participation, extras } => {
                connection(w, "activeCall", active);
                w.leaf("joiningDevice", joining_device);
                w.leaf("autoOriginate", auto_originate(*prompt));
                w.leaf("participationType", participation.as_str());
                codes(w, extras);
                data(w, extras);
            }
            Self::DialDigits { call, digits } => {
                connection(w, "diallingConnection", call);
                w.leaf("diallingSequence", digits);
            }
            Self::GenerateDigits { call, mode, characters } => {
                connection(w, "connectionToSendDigits", call);
                w.leaf("digitMode", mode.as_str());
                w.leaf("charactersToSend", characters);
            }
            Self::SetForwarding { device, forwarding_type, activate, forward_dn, ring_count } => {
                w.leaf("device", device);
                w.leaf_if("forwardingType", forwarding_type.as_ref().map(ForwardingType::as_str));
                w.boolean("activateForward", *activate);
                w.leaf_if("forwardDN", forward_dn.as_deref());
                w.leaf_if("ringCount", ring_count.map(|count| count.to_string()).as_deref());
            }
            Self::SetDoNotDisturb { device, on } => {
                w.leaf("device", device);
                w.boolean("doNotDisturbOn", *on);
            }
            Self::SetMessageWaitingIndicator { device, on, device_for_message } => {
                w.leaf("device", device);
                w.boolean("messageWaitingOn", *on);
                w.leaf_if("deviceForMessage", device_for_message.as_deref());
            }
            Self::DirectedPickupCall { call, requesting_device } => {
                connection(w, "callToBePickedUp", call);
                w.leaf("requestingDevice", requesting_device);
            }
            Self::GroupPickupCall { new_destination, pick_group } => {
                w.leaf("newDestination", new_destination);
                w.leaf_if("pickGroup", pick_group.as_deref());
            }
            Self::ParkCall { call, park_to } => {
                connection(w, "parking", call);
                w.leaf("parkTo", park_to);
            }
            Self::CallBack { call } => connection(w, "callbackConnection", call),
            Self::SetCallerIdStatus { device, provided } => {
                w.leaf("device", device);
                w.boolean("callerIDProvided", *provided);
            }
        }
    }
}

fn auto_originate(prompt: bool) -> &'static str {
    if prompt { "prompt" } else { "doNotPrompt" }
}

/// callID before deviceID, as in the schema (section 5.3); a missing part is left out.
fn connection(w: &mut Writer<'_>, name: &str, connection: &Connection<'_>) {
    w.element(name, |w| {
        w.leaf_if("callID", connection.call_id.as_deref());
        w.leaf_if("deviceID", connection.device.as_ref().map(|device| &*device.raw));
    });
}

fn codes(w: &mut Writer<'_>, extras: &CallExtras) {
    if let Some(code) = &extras.account_code {
        w.hex("accountCode", code);
    }
    if let Some(code) = &extras.auth_code {
        w.hex("authCode", code);
    }
}

fn data(w: &mut Writer<'_>, extras: &CallExtras) {
    if let Some(bytes) = &extras.correlator_data {
        w.element("correlatorData", |w| w.hex("string", bytes));
    }
    if let Some(bytes) = &extras.user_data {
        w.element("userData", |w| w.hex("string", bytes));
    }
}

fn subject(w: &mut Writer<'_>, extras: &CallExtras) {
    w.leaf_if("subjectOfCall", extras.subject_of_call.as_deref());
}

/// The filter composed in section 6.2.
fn monitor_filter(w: &mut Writer<'_>, filter: MonitorFilter) {
    match filter {
        MonitorFilter::None => {}
        MonitorFilter::CallsOnly => w.element("requestedMonitorFilter", |w| {
            w.element("callcontrol", |w| {
                w.boolean("digitsDialed", true);
                w.boolean("offered", true);
            });
            w.element("voice", |w| w.boolean("bookmarkReached", true));
        }),
    }
}

/// The private data that Live Communications Server clients send (U-8); a namespace of its own, so without our prefix.
fn private_line(w: &mut Writer<'_>, line: &str) {
    w.element("extensions", |w| {
        w.element("privateData", |w| {
            w.element("private", |w| {
                w.markup("<lcs:line xmlns:lcs=\"http://schemas.microsoft.com/Lcs/2005/04/RCCExtension\">");
                w.characters(line);
                w.markup("</lcs:line>");
            });
        });
    });
}
