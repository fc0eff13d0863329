//! `CSTAErrorCode` (section 8).

use super::document;
use crate::csta::{Fault, FaultCategory, FaultValue, Message, OperationError, StateError, SystemResourceError, decode};

#[track_caller]
fn fault(inner: &str) -> Fault {
    match decode(document("CSTAErrorCode", inner).as_bytes()).unwrap() {
        Message::Fault(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_examples_of_the_dossier() {
    let value = fault("<operation>serviceNotSupported</operation>");
    assert_eq!(value.value, FaultValue::Operation(OperationError::ServiceNotSupported));
    assert!(value.is_not_supported());
    let value = fault("<systemResourceAvailibility>deviceOutOfService</systemResourceAvailibility>");
    assert_eq!(value.value, FaultValue::SystemResource(SystemResourceError::DeviceOutOfService));
    assert!(value.is_device_out_of_service());
}

#[test]
fn every_category_is_read_in_either_spelling() {
    for (name, value, category) in [
        ("operation", "invalidDeviceID", FaultCategory::Operation),
        ("stateIncompatibility", "noActiveCall", FaultCategory::StateIncompatibility),
        ("systemResourceAvailability", "networkBusy", FaultCategory::SystemResourceAvailability),
        ("subscribedResourceAvailability", "objectMonitorLimitExceeded", FaultCategory::SubscribedResourceAvailability),
        ("subscribedResourceAvailibility", "trunkLimitExceeded", FaultCategory::SubscribedResourceAvailability),
        ("performanceManagement", "performanceLimitExceeded", FaultCategory::PerformanceManagement),
        ("security", "timeStampViolated", FaultCategory::Security),
        ("privateData", "cSTAPrivateDataInfoError", FaultCategory::PrivateData),
        ("privateErrorCode", "ask the vendor", FaultCategory::PrivateErrorCode),
    ] {
        let found = fault(&format!("<{name}> {value}\n</{name}>"));
        assert_eq!((found.category(), found.as_str()), (category, value), "{name}");
    }
    assert_eq!(fault("<unspecified/>").value, FaultValue::Unspecified);
}

#[test]
fn empty_and_unknown_ones_are_faults_all_the_same() {
    assert_eq!(fault("").value, FaultValue::Unspecified);
    assert_eq!(fault("just text").text.as_deref(), Some("just text"));
    assert_eq!(fault("<operation>neverHeard</operation>").as_str(), "neverHeard");
    assert_eq!(fault("<brandNew>x</brandNew>").to_string(), "brandNew/x");
    let both = fault(
        "<extensions><privateData>why</privateData></extensions><stateIncompatibility>noCallToClear</stateIncompatibility>",
    );
    assert_eq!(both.value, FaultValue::State(StateError::NoCallToClear));
    assert_eq!(both.text.as_deref(), Some("<privateData>why</privateData>"));
}
