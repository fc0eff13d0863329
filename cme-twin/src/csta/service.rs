//! Service requests of a client.

use super::device::DeviceRef;
use super::xml::Element;

/// A connection identifier of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Connection {
    pub(crate) call: String,
    pub(crate) device: Option<DeviceRef>,
}

/// A service with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Service {
    RequestSystemStatus,
    SystemStatus,
    GetFeatures,
    MonitorStart { object: Option<DeviceRef> },
    MonitorStop { xref: String },
    SnapshotDevice { device: DeviceRef },
    SnapshotCall { call: Connection },
    MakeCall { calling: DeviceRef, called: DeviceRef, prompt: bool },
    Answer(Connection),
    Clear(Connection),
    Hold(Connection),
    Retrieve(Connection),
    Deflect(Connection, DeviceRef),
    SingleStepTransfer(Connection, DeviceRef),
    SingleStepConference(Connection, DeviceRef),
    Consult(Connection, DeviceRef),
    Alternate { held: Connection, active: Connection },
    Reconnect { active: Connection, held: Connection },
    Transfer { held: Connection, active: Connection },
    Conference { held: Connection, active: Connection },
    DialDigits(Connection, DeviceRef),
    GenerateDigits(Connection, String),
    SetForwarding { device: DeviceRef, kind: String, on: Option<bool>, to: Option<DeviceRef>, rings: Option<u32> },
    GetForwarding { device: DeviceRef },
    SetDoNotDisturb { device: DeviceRef, on: Option<bool> },
    GetDoNotDisturb { device: DeviceRef },
    Other,
}

impl Service {
    pub(crate) fn read(root: &Element) -> Self {
        let device = |name: &str| root.value(name).map(DeviceRef::parse).unwrap_or_default();
        let connection = |name: &str| root.child(name).map(read_connection).unwrap_or_default();
        let two = || (connection("heldCall"), connection("activeCall"));
        match root.name.as_str() {
            "RequestSystemStatus" => Self::RequestSystemStatus,
            "SystemStatus" => Self::SystemStatus,
            "GetCSTAFeatures" => Self::GetFeatures,
            "MonitorStart" => {
                let object = root.child("monitorObject").and_then(|object| object.value("deviceObject"));
                Self::MonitorStart { object: object.map(DeviceRef::parse) }
            }
            "MonitorStop" => Self::MonitorStop { xref: root.value("monitorCrossRefID").unwrap_or("").to_owned() },
            "SnapshotDevice" => Self::SnapshotDevice { device: device("snapshotObject") },
            "SnapshotCall" => Self::SnapshotCall { call: connection("snapshotObject") },
            "MakeCall" => Self::MakeCall {
                calling: device("callingDevice"),
                called: device("calledDirectoryNumber"),
                // The schema's default is to ask the user.
                prompt: root.value("autoOriginate") != Some("doNotPrompt"),
            },
            "AnswerCall" => Self::Answer(connection("callToBeAnswered")),
            "ClearConnection" => Self::Clear(connection("connectionToBeCleared")),
            "HoldCall" => Self::Hold(connection("callToBeHeld")),
            "RetrieveCall" => Self::Retrieve(connection("callToBeRetrieved")),
            "DeflectCall" => Self::Deflect(connection("callToBeDiverted"), device("newDestination")),
            "SingleStepTransferCall" => Self::SingleStepTransfer(connection("activeCall"), device("transferredTo")),
            "SingleStepConferenceCall" => Self::SingleStepConference(connection("activeCall"), device("deviceToJoin")),
            "ConsultationCall" => Self::Consult(connection("existingCall"), device("consultedDevice")),
            "AlternateCall" => {
                let (held, active) = two();
                Self::Alternate { held, active }
            }
            "ReconnectCall" => {
                let (held, active) = two();
                Self::Reconnect { active, held }
            }
            "TransferCall" => {
                let (held, active) = two();
                Self::Transfer { held, active }
            }
            "ConferenceCall" => {
                let (held, active) = two();
                Self::Conference { held, active }
            }
            "DialDigits" => Self::DialDigits(connection("diallingConnection"), device("diallingSequence")),
            "GenerateDigits" => Self::GenerateDigits(
                connection("connectionToSendDigits"),
                root.value("charactersToSend").unwrap_or("").to_owned(),
            ),
            "SetForwarding" => Self::SetForwarding {
                device: device("device"),
                kind: root.value("forwardingType").unwrap_or("").to_owned(),
                on: root.value("activateForward").and_then(flag),
                to: root.value("forwardDN").map(DeviceRef::parse),
                rings: root.value("ringCount").and_then(|text| text.parse().ok()),
            },
            "GetForwarding" => Self::GetForwarding { device: device("device") },
            "SetDoNotDisturb" => {
                Self::SetDoNotDisturb { device: device("device"), on: root.value("doNotDisturbOn").and_then(flag) }
            }
            "GetDoNotDisturb" => Self::GetDoNotDisturb { device: device("device") },
            _ => Self::Other,
        }
    }
}

fn read_connection(element: &Element) -> Connection {
    Connection {
        call: element.value("callID").unwrap_or("").to_owned(),
        device: element.value("deviceID").map(DeviceRef::parse),
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
