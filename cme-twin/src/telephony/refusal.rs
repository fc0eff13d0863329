//! Why a user action or a CSTA service is refused.

/// A refusal; each has its place in `CSTAErrorCode`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such number or phone.
    #[error("there is no such device")]
    UnknownDevice,
    /// No such call at this device.
    #[error("there is no such call")]
    UnknownCall,
    /// The connection is in another state than this needs.
    #[error("the connection is in the wrong state")]
    WrongState,
    /// The device has no ringing call.
    #[error("no call rings")]
    NoCallToAnswer,
    /// The device has no held call.
    #[error("no call is on hold")]
    NoHeldCall,
    /// The device has no active call.
    #[error("no call is active")]
    NoActiveCall,
    /// Another call is connected.
    #[error("another call is connected")]
    ConnectedCallExists,
    /// The phone is not registered.
    #[error("the phone is not registered")]
    OutOfService,
    /// All channels of the line are in use.
    #[error("all channels of the line are in use")]
    NoChannel,
    /// The number cannot be called from here.
    #[error("the destination is not valid")]
    InvalidDestination,
    /// The number may not be a transfer target.
    #[error("the destination is blocked")]
    Blocked,
    /// The conference is full.
    #[error("the conference is full")]
    ConferenceFull,
    /// This release does not do that.
    #[error("not supported")]
    Unsupported,
    /// A value is wrong.
    #[error("a value is not valid")]
    InvalidValue,
    /// No such user.
    #[error("there is no such user")]
    UnknownUser,
}

impl Refusal {
    /// Category and value of `CSTAErrorCode`.
    pub(crate) fn code(&self) -> (&'static str, &'static str) {
        match self {
            Self::UnknownDevice | Self::UnknownUser => ("operation", "invalidDeviceID"),
            Self::UnknownCall => ("operation", "invalidConnectionID"),
            Self::WrongState => ("stateIncompatibility", "invalidConnectionState"),
            Self::NoCallToAnswer => ("stateIncompatibility", "noCallToAnswer"),
            Self::NoHeldCall => ("stateIncompatibility", "noHeldCall"),
            Self::NoActiveCall => ("stateIncompatibility", "noActiveCall"),
            Self::ConnectedCallExists => ("stateIncompatibility", "connectedCallExists"),
            Self::OutOfService => ("systemResourceAvailibility", "deviceOutOfService"),
            Self::NoChannel => ("systemResourceAvailibility", "resourceBusy"),
            Self::InvalidDestination => ("operation", "invalidDestination"),
            Self::Blocked => ("operation", "privilegeViolationDestinationDevice"),
            Self::ConferenceFull => ("systemResourceAvailibility", "conferenceMemberLimitExceeded"),
            Self::Unsupported => ("operation", "serviceNotSupported"),
            Self::InvalidValue => ("operation", "invalidParameterValue"),
        }
    }
}
