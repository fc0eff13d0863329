//! The services by name: the root of the request, and with `Response` added the root of the answer.

use crate::csta::names::closed_names;

closed_names! {
    /// A service of dossier Annex A.1.
    Service {
        RequestSystemStatus = "RequestSystemStatus",
        SystemStatus = "SystemStatus",
        SystemRegister = "SystemRegister",
        GetCstaFeatures = "GetCSTAFeatures",
        GetLogicalDeviceInformation = "GetLogicalDeviceInformation",
        GetPhysicalDeviceInformation = "GetPhysicalDeviceInformation",
        MonitorStart = "MonitorStart",
        MonitorStop = "MonitorStop",
        ChangeMonitorFilter = "ChangeMonitorFilter",
        SnapshotDevice = "SnapshotDevice",
        SnapshotDeviceData = "SnapshotDeviceData",
        SnapshotCall = "SnapshotCall",
        SnapshotCallData = "SnapshotCallData",
        MakeCall = "MakeCall",
        AnswerCall = "AnswerCall",
        AcceptCall = "AcceptCall",
        ClearConnection = "ClearConnection",
        ClearCall = "ClearCall",
        HoldCall = "HoldCall",
        RetrieveCall = "RetrieveCall",
        AlternateCall = "AlternateCall",
        ReconnectCall = "ReconnectCall",
        ConsultationCall = "ConsultationCall",
        TransferCall = "TransferCall",
        SingleStepTransferCall = "SingleStepTransferCall",
        ConferenceCall = "ConferenceCall",
        SingleStepConferenceCall = "SingleStepConferenceCall",
        JoinCall = "JoinCall",
        DeflectCall = "DeflectCall",
        DirectedPickupCall = "DirectedPickupCall",
        GroupPickupCall = "GroupPickupCall",
        ParkCall = "ParkCall",
        CallBack = "CallBack",
        DialDigits = "DialDigits",
        GenerateDigits = "GenerateDigits",
        SetForwarding = "SetForwarding",
        GetForwarding = "GetForwarding",
        SetDoNotDisturb = "SetDoNotDisturb",
        GetDoNotDisturb = "GetDoNotDisturb",
        SetMessageWaitingIndicator = "SetMessageWaitingIndicator",
        GetMessageWaitingIndicator = "GetMessageWaitingIndicator",
        SetCallerIdStatus = "SetCallerIDStatus",
        GetCallerIdStatus = "GetCallerIDStatus",
        GetLastNumberDialed = "GetLastNumberDialed",
    }
}

impl Service {
    /// The service that a response root answers: `HoldCallResponse` is the answer to `HoldCall`.
    #[must_use]
    pub fn of_response(root: &str) -> Option<Self> {
        root.strip_suffix("Response").and_then(Self::parse)
    }

    /// Whether the service only asks. A service that acts is never sent twice: after a lost answer nobody knows
    /// whether it was done (section 15c).
    #[must_use]
    pub fn is_read_only(self) -> bool {
        matches!(
            self,
            Self::RequestSystemStatus
                | Self::GetCstaFeatures
                | Self::GetLogicalDeviceInformation
                | Self::GetPhysicalDeviceInformation
                | Self::SnapshotDevice
                | Self::SnapshotCall
                | Self::GetForwarding
                | Self::GetDoNotDisturb
                | Self::GetMessageWaitingIndicator
                | Self::GetCallerIdStatus
                | Self::GetLastNumberDialed
        )
    }
}
