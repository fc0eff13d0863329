//! The negative answer `CSTAErrorCode` (section 8): nine categories, each with its values.

use std::fmt;

use super::fault_values::{
    OperationError, PerformanceError, PrivateDataError, SecurityError, StateError, SubscribedResourceError,
    SystemResourceError,
};
use crate::csta::names::open_names;

open_names! {
    /// The child of `CSTAErrorCode` that was sent.
    FaultCategory {
        Operation = "operation",
        StateIncompatibility = "stateIncompatibility",
        SystemResourceAvailability = "systemResourceAvailibility",
        SubscribedResourceAvailability = "subscribedResourceAvailability",
        PerformanceManagement = "performanceManagement",
        Security = "security",
        PrivateData = "privateData",
        PrivateErrorCode = "privateErrorCode",
        Unspecified = "unspecified",
    }
}

/// Category and value in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultValue {
    /// `operation`.
    Operation(OperationError),
    /// `stateIncompatibility`.
    State(StateError),
    /// `systemResourceAvailibility` (the schema's spelling; the corrected one is read too).
    SystemResource(SystemResourceError),
    /// `subscribedResourceAvailability`.
    SubscribedResource(SubscribedResourceError),
    /// `performanceManagement`.
    Performance(PerformanceError),
    /// `security`.
    Security(SecurityError),
    /// `privateData`.
    PrivateData(PrivateDataError),
    /// `privateErrorCode`: a vendor's text.
    Private(Box<str>),
    /// `unspecified`, or nothing at all.
    #[default]
    Unspecified,
    /// A category that the standard does not list.
    Other {
        /// Its element name.
        category: Box<str>,
        /// Its text.
        value: Box<str>,
    },
}

/// A refusal by the switch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Category and value.
    pub value: FaultValue,
    /// Loose text beside it, or the markup of its extensions.
    pub text: Option<Box<str>>,
}

impl From<FaultValue> for Fault {
    fn from(value: FaultValue) -> Self {
        Self { value, text: None }
    }
}

impl From<OperationError> for Fault {
    fn from(value: OperationError) -> Self {
        FaultValue::Operation(value).into()
    }
}

impl Fault {
    /// A fault from the two texts on the wire.
    #[must_use]
    pub fn parse(category: &str, value: &str) -> Self {
        let category = match category {
            // The corrected spelling of the one, the schema's slip carried over to the other (section 5.2).
            "systemResourceAvailability" => FaultCategory::SystemResourceAvailability,
            "subscribedResourceAvailibility" => FaultCategory::SubscribedResourceAvailability,
            other => FaultCategory::parse(other),
        };
        Self::from(match category {
            FaultCategory::Operation => FaultValue::Operation(OperationError::parse(value)),
            FaultCategory::StateIncompatibility => FaultValue::State(StateError::parse(value)),
            FaultCategory::SystemResourceAvailability => FaultValue::SystemResource(SystemResourceError::parse(value)),
            FaultCategory::SubscribedResourceAvailability => {
                FaultValue::SubscribedResource(SubscribedResourceError::parse(value))
            }
            FaultCategory::PerformanceManagement => FaultValue::Performance(PerformanceError::parse(value)),
            FaultCategory::Security => FaultValue::Security(SecurityError::parse(value)),
            FaultCategory::PrivateData => FaultValue::PrivateData(PrivateDataError::parse(value)),
            FaultCategory::PrivateErrorCode => FaultValue::Private(value.into()),
            FaultCategory::Unspecified => FaultValue::Unspecified,
            FaultCategory::Other(category) => FaultValue::Other { category, value: value.into() },
        })
    }

    /// The category.
    #[must_use]
    pub fn category(&self) -> FaultCategory {
        match &self.value {
            FaultValue::Operation(_) => FaultCategory::Operation,
            FaultValue::State(_) => FaultCategory::StateIncompatibility,
            FaultValue::SystemResource(_) => FaultCategory::SystemResourceAvailability,
            FaultValue::SubscribedResource(_) => FaultCategory::SubscribedResourceAvailability,
            FaultValue::Performance(_) => FaultCategory::PerformanceManagement,
            FaultValue::Security(_) => FaultCategory::Security,
            FaultValue::PrivateData(_) => FaultCategory::PrivateData,
            FaultValue::Private(_) => FaultCategory::PrivateErrorCode,
            FaultValue::Unspecified => FaultCategory::Unspecified,
            FaultValue::Other { category, .. } => FaultCategory::Other(category.clone()),
        }
    }

    /// The value's wire text, such as `invalidDestination`; empty for `unspecified`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.value {
            FaultValue::Operation(value) => value.as_str(),
            FaultValue::State(value) => value.as_str(),
            FaultValue::SystemResource(value) => value.as_str(),
            FaultValue::SubscribedResource(value) => value.as_str(),
            FaultValue::Performance(value) => value.as_str(),
            FaultValue::Security(value) => value.as_str(),
            FaultValue::PrivateData(value) => value.as_str(),
            FaultValue::Private(value) | FaultValue::Other { value, .. } => value,
            FaultValue::Unspecified => "",
        }
    }

    /// The switch does not know the service: remember it and hide the operation (section 8).
    #[must_use]
    pub fn is_not_supported(&self) -> bool {
        matches!(self.value, FaultValue::Operation(OperationError::ServiceNotSupported))
    }

    /// The request does not fit the state: take a snapshot, never repeat (section 15c).
    #[must_use]
    pub fn is_state(&self) -> bool {
        matches!(self.value, FaultValue::State(_))
    }

    /// The device, or one that takes part, is out of service.
    #[must_use]
    pub fn is_device_out_of_service(&self) -> bool {
        use SystemResourceError as E;
        matches!(
            &self.value,
            FaultValue::SystemResource(
                E::DeviceOutOfService
                    | E::ActiveDeviceOutOfService
                    | E::CalledDeviceOutOfService
                    | E::CallingDeviceOutOfService
                    | E::CallToParkDeviceOutOfService
                    | E::DestinationDeviceOutOfService
                    | E::DivertingDeviceOutOfService
                    | E::HeldDeviceOutOfService
                    | E::ParkToDeviceOutOfService
                    | E::PickupDeviceOutOfService
            )
        )
    }

    /// No more monitors: of the whole switch, or of this device (another client watches the line).
    #[must_use]
    pub fn is_monitor_limit(&self) -> bool {
        matches!(
            self.value,
            FaultValue::SystemResource(SystemResourceError::OverallMonitorLimitExceeded)
                | FaultValue::SubscribedResource(SubscribedResourceError::ObjectMonitorLimitExceeded)
        )
    }

    /// The device identifier is not understood: try the next template (U-9).
    #[must_use]
    pub fn is_invalid_device(&self) -> bool {
        use OperationError as E;
        matches!(
            &self.value,
            FaultValue::Operation(
                E::InvalidDeviceId
                    | E::InvalidMonitorObject
                    | E::InvalidMonitorObjectType
                    | E::InvalidCallingDeviceId
                    | E::InvalidActiveDeviceId
                    | E::InvalidCallingDeviceObjectType
                    | E::InvalidObjectType
                    | E::ObjectNotKnown
            )
        )
    }

    /// The dialled number is not understood or not reachable: U-10 may try its other template.
    #[must_use]
    pub fn is_invalid_destination(&self) -> bool {
        use OperationError as E;
        matches!(
            &self.value,
            FaultValue::Operation(
                E::InvalidCalledDeviceId
                    | E::InvalidDestination
                    | E::InvalidDestinationDeviceId
                    | E::InvalidDestinationDeviceObject
                    | E::InvalidCalledDeviceObjectType
                    | E::InvalidForwardingDestination
            )
        )
    }

    /// The call or connection is not known to the switch: take a snapshot.
    #[must_use]
    pub fn is_invalid_call(&self) -> bool {
        use OperationError as E;
        matches!(
            &self.value,
            FaultValue::Operation(
                E::InvalidCallId
                    | E::InvalidActiveCallId
                    | E::InvalidHeldCallId
                    | E::InvalidConnectionId
                    | E::InvalidActiveConnectionId
                    | E::InvalidHeldConnectionId
            )
        )
    }

    /// The monitor reference is not known: monitor again (section 8).
    #[must_use]
    pub fn is_invalid_monitor(&self) -> bool {
        matches!(
            self.value,
            FaultValue::Operation(OperationError::InvalidMonitorCrossRefId | OperationError::InvalidCrossRefId)
        )
    }

    /// The switch has too much to do: read-only services may be tried again after a second (section 15c).
    #[must_use]
    pub fn is_busy(&self) -> bool {
        use SystemResourceError as E;
        match &self.value {
            FaultValue::Performance(_) => true,
            FaultValue::SubscribedResource(value) => *value == SubscribedResourceError::OutstandingReqLimitExceeded,
            FaultValue::SystemResource(value) => {
                matches!(value, E::ResourceBusy | E::InternalResourceBusy | E::NetworkBusy)
            }
            _ => false,
        }
    }

    /// The switch forbids it.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        match &self.value {
            FaultValue::Security(_) => true,
            FaultValue::Operation(value) => {
                *value == OperationError::SecurityViolation || value.as_str().starts_with("privilegeViolation")
            }
            _ => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.category(), self.as_str()) {
            (category, "") => write!(f, "{category}"),
            (category, value) => write!(f, "{category}/{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_goes_both_ways() {
        for category in FaultCategory::LISTED {
            let fault = Fault::parse(category.as_str(), "generic");
            assert_eq!(&fault.category(), category);
        }
        for value in OperationError::LISTED {
            let fault = Fault::parse("operation", value.as_str());
            assert_eq!(fault.as_str(), value.as_str());
            assert_eq!(fault.value, FaultValue::Operation(value.clone()));
        }
        assert_eq!(Fault::parse("weird", "x").to_string(), "weird/x");
        assert_eq!(Fault::parse("unspecified", "").to_string(), "unspecified");
    }

    #[test]
    fn predicates_name_what_the_gateway_does() {
        assert!(Fault::parse("operation", "serviceNotSupported").is_not_supported());
        assert!(Fault::parse("systemResourceAvailability", "deviceOutOfService").is_device_out_of_service());
        assert!(Fault::parse("systemResourceAvailibility", "overallMonitorLimitExceeded").is_monitor_limit());
        assert!(Fault::parse("stateIncompatibility", "noCallToClear").is_state());
        assert!(Fault::parse("operation", "invalidMonitorObject").is_invalid_device());
        assert!(Fault::parse("operation", "privilegeViolationCalledDevice").is_forbidden());
        assert!(Fault::parse("subscribedResourceAvailability", "outstandingReqLimitExceeded").is_busy());
    }
}
