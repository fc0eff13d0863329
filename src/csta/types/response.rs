//! The positive answers to services (section 6 and Annex A.1).

use super::connection::{Connection, ConnectionListItem};
use super::device::DeviceId;
use super::features::CstaFeatures;
use super::service::Service;
use super::snapshot::{SnapshotCall, SnapshotData, SnapshotDeviceInfo};
use super::vocabulary::{ForwardDefault, ForwardingType, SystemStatus};
use crate::csta::owned::{IntoStatic, Text, owned_method, owned_struct};

/// One forwarding setting (`forwardListItem`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwardListItem<'a> {
    /// The kind, if sent.
    pub forwarding_type: Option<ForwardingType>,
    /// Whether it is active; `None` if not sent or not a boolean.
    pub forward_status: Option<bool>,
    /// The target.
    pub forward_dn: Option<DeviceId<'a>>,
    /// Whether it is a default setting.
    pub forward_default: Option<ForwardDefault>,
    /// Rings before a no-answer forwarding.
    pub ring_count: Option<u32>,
}

owned_struct!(ForwardListItem { forward_dn; forwarding_type, forward_status, forward_default, ring_count });

/// The parts of `GetLogicalDeviceInformationResponse` that a gateway can use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogicalDevice {
    /// Calls at once.
    pub max_active_calls: Option<u32>,
    /// Held calls at once.
    pub max_held_calls: Option<u32>,
    /// Parties in a conference.
    pub max_devices_in_conference: Option<u32>,
    /// Forwarding settings.
    pub max_forward_settings: Option<u32>,
    /// Whether a phone belongs to the number.
    pub has_physical_element: Option<bool>,
}

/// A positive answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response<'a> {
    /// `RequestSystemStatusResponse`; `None` where the status is missing.
    SystemStatus(Option<SystemStatus>),
    /// `GetCSTAFeaturesResponse`.
    Features(CstaFeatures),
    /// `GetLogicalDeviceInformationResponse`.
    LogicalDevice(LogicalDevice),
    /// `MonitorStartResponse`.
    MonitorStart {
        /// The monitor's reference, opaque; empty if missing.
        monitor_cross_ref_id: Text<'a>,
        /// Whether existing calls are reported too.
        monitor_existing_calls: Option<bool>,
    },
    /// `SnapshotDeviceResponse`.
    SnapshotDevice(SnapshotData<'a, SnapshotDeviceInfo<'a>>),
    /// `SnapshotCallResponse`.
    SnapshotCall(SnapshotCall<'a>),
    /// `MakeCallResponse`; the connection is empty where the switch left it out (section 15c).
    MakeCall {
        /// The caller's connection.
        calling_device: Connection<'a>,
    },
    /// `ConsultationCallResponse`.
    ConsultationCall {
        /// Our connection in the new call.
        initiated_call: Connection<'a>,
    },
    /// `TransferCallResponse`, `SingleStepTransferCallResponse`, `ConferenceCallResponse`,
    /// `SingleStepConferenceCallResponse`, `JoinCallResponse`: the call that came out of two, or of one and a party.
    Joined {
        /// The service answered.
        service: Service,
        /// `transferredCall`, `conferenceCall` or `conferencedCall`.
        call: Connection<'a>,
        /// Old and new connections, if sent.
        connections: Vec<ConnectionListItem<'a>>,
    },
    /// `DirectedPickupCallResponse`, `GroupPickupCallResponse`, `ParkCallResponse`.
    Moved {
        /// The service answered.
        service: Service,
        /// `pickedCall` or `parkedTo`.
        connection: Connection<'a>,
    },
    /// `GetForwardingResponse`.
    Forwarding(Vec<ForwardListItem<'a>>),
    /// `GetDoNotDisturbResponse`; `None` where the value is missing.
    DoNotDisturb(Option<bool>),
    /// `GetMessageWaitingIndicatorResponse`.
    MessageWaiting {
        /// Whether messages wait.
        on: Option<bool>,
        /// The device with the messages.
        device_for_message: Option<DeviceId<'a>>,
    },
    /// `GetCallerIDStatusResponse`.
    CallerIdStatus(Option<bool>),
    /// `GetLastNumberDialedResponse`.
    LastNumberDialed(Option<DeviceId<'a>>),
    /// An answer that only says that the service is accepted.
    Accepted(Service),
    /// A root that ends in `Response` and is in no list.
    Other(Text<'a>),
}

impl Response<'_> {
    /// The service that this answers; `None` for an unlisted one.
    #[must_use]
    pub fn service(&self) -> Option<Service> {
        Some(match self {
            Self::SystemStatus(_) => Service::RequestSystemStatus,
            Self::Features(_) => Service::GetCstaFeatures,
            Self::LogicalDevice(_) => Service::GetLogicalDeviceInformation,
            Self::MonitorStart { .. } => Service::MonitorStart,
            Self::SnapshotDevice(_) => Service::SnapshotDevice,
            Self::SnapshotCall(_) => Service::SnapshotCall,
            Self::MakeCall { .. } => Service::MakeCall,
            Self::ConsultationCall { .. } => Service::ConsultationCall,
            Self::Joined { service, .. } | Self::Moved { service, .. } | Self::Accepted(service) => *service,
            Self::Forwarding(_) => Service::GetForwarding,
            Self::DoNotDisturb(_) => Service::GetDoNotDisturb,
            Self::MessageWaiting { .. } => Service::GetMessageWaitingIndicator,
            Self::CallerIdStatus(_) => Service::GetCallerIdStatus,
            Self::LastNumberDialed(_) => Service::GetLastNumberDialed,
            Self::Other(_) => return None,
        })
    }
}

impl IntoStatic for Response<'_> {
    type Owned = Response<'static>;
    fn into_static(self) -> Response<'static> {
        match self {
            Self::SystemStatus(status) => Response::SystemStatus(status),
            Self::Features(features) => Response::Features(features),
            Self::LogicalDevice(device) => Response::LogicalDevice(device),
            Self::MonitorStart { monitor_cross_ref_id, monitor_existing_calls } => Response::MonitorStart {
                monitor_cross_ref_id: monitor_cross_ref_id.into_static(),
                monitor_existing_calls,
            },
            Self::SnapshotDevice(data) => Response::SnapshotDevice(data.into_static()),
            Self::SnapshotCall(call) => Response::SnapshotCall(call.into_static()),
            Self::MakeCall { calling_device } => Response::MakeCall { calling_device: calling_device.into_static() },
            Self::ConsultationCall { initiated_call } => {
                Response::ConsultationCall { initiated_call: initiated_call.into_static() }
            }
            Self::Joined { service, call, connections } => {
                Response::Joined { service, call: call.into_static(), connections: connections.into_static() }
            }
            Self::Moved { service, connection } => Response::Moved { service, connection: connection.into_static() },
            Self::Forwarding(list) => Response::Forwarding(list.into_static()),
            Self::DoNotDisturb(on) => Response::DoNotDisturb(on),
            Self::MessageWaiting { on, device_for_message } => {
                Response::MessageWaiting { on, device_for_message: device_for_message.into_static() }
            }
            Self::CallerIdStatus(provided) => Response::CallerIdStatus(provided),
            Self::LastNumberDialed(number) => Response::LastNumberDialed(number.into_static()),
            Self::Accepted(service) => Response::Accepted(service),
            Self::Other(root) => Response::Other(root.into_static()),
        }
    }
}
owned_method!(Response);
