//! The positive answers of section 6.

use super::{CALL_A, CALL_B, OWN, connection, response};
use crate::csta::{
    CallState, Connection, DeviceId, EventCapability, ForwardingType, LocalConnectionState as L, OwnIndex, Response,
    Service, ServiceCapability, SimpleCallState, SnapshotData, SubjectDevice, SystemStatus,
};

#[test]
fn status_monitor_and_flags() {
    assert_eq!(
        response("RequestSystemStatusResponse", "<systemStatus>normal</systemStatus>"),
        Response::SystemStatus(Some(SystemStatus::Normal))
    );
    assert_eq!(response("RequestSystemStatusResponse", ""), Response::SystemStatus(None));
    assert_eq!(
        response(
            "MonitorStartResponse",
            "<actualMonitorFilter><callcontrol><offered>true</offered></callcontrol></actualMonitorFilter><monitorExistingCalls>false</monitorExistingCalls><monitorCrossRefID>00000041</monitorCrossRefID>"
        ),
        Response::MonitorStart { monitor_cross_ref_id: "00000041".into(), monitor_existing_calls: Some(false) }
    );
    assert_eq!(
        response("GetDoNotDisturbResponse", "<doNotDisturbOn>false</doNotDisturbOn>"),
        Response::DoNotDisturb(Some(false))
    );
    assert_eq!(
        response("GetCallerIDStatusResponse", "<callerIDProvided>1</callerIDProvided>"),
        Response::CallerIdStatus(Some(true))
    );
    assert_eq!(
        response("GetLastNumberDialedResponse", "<numberDialed>233</numberDialed>"),
        Response::LastNumberDialed(Some(DeviceId::parse("233")))
    );
    assert_eq!(
        response(
            "GetMessageWaitingIndicatorResponse",
            "<messageWaitingOn>true</messageWaitingOn><deviceForMessage>600</deviceForMessage>"
        ),
        Response::MessageWaiting { on: Some(true), device_for_message: Some(DeviceId::parse("600")) }
    );
}

#[test]
fn calls_that_were_made_moved_or_joined() {
    let a = Connection::from((CALL_A, OWN));
    assert_eq!(
        response("MakeCallResponse", &connection("callingDevice", CALL_A, OWN)),
        Response::MakeCall { calling_device: a.clone() }
    );
    assert_eq!(response("MakeCallResponse", ""), Response::MakeCall { calling_device: Connection::default() });
    assert_eq!(
        response("ConsultationCallResponse", &connection("initiatedCall", CALL_A, OWN)),
        Response::ConsultationCall { initiated_call: a.clone() }
    );
    for (root, element, service) in [
        ("TransferCallResponse", "transferredCall", Service::TransferCall),
        ("SingleStepTransferCallResponse", "transferedCall", Service::SingleStepTransferCall),
        ("ConferenceCallResponse", "conferenceCall", Service::ConferenceCall),
        ("SingleStepConferenceCallResponse", "conferencedCall", Service::SingleStepConferenceCall),
        ("JoinCallResponse", "conferencedCall", Service::JoinCall),
    ] {
        let list = format!(
            "<connections><connectionListItem>{}{}</connectionListItem></connections>",
            connection("newConnection", CALL_A, "tel:240"),
            connection("oldConnection", CALL_B, "tel:240")
        );
        let found = response(root, &format!("{list}{}", connection(element, CALL_A, OWN)));
        assert_eq!(found.service(), Some(service));
        let Response::Joined { call, connections, .. } = found else { panic!("{root}") };
        assert_eq!(call, a);
        assert_eq!(connections[0].old_connection.as_ref().unwrap().call(), CALL_B);
    }
    for (root, element, service) in [
        ("DirectedPickupCallResponse", "pickedCall", Service::DirectedPickupCall),
        ("GroupPickupCallResponse", "pickedCall", Service::GroupPickupCall),
        ("ParkCallResponse", "parkedTo", Service::ParkCall),
    ] {
        assert_eq!(
            response(root, &connection(element, CALL_A, OWN)),
            Response::Moved { service, connection: a.clone() }
        );
    }
}

#[test]
fn plain_answers_name_their_service() {
    for service in Service::LISTED {
        let found = response(&format!("{service}Response"), "");
        assert_eq!(found.service(), Some(*service), "{service}");
    }
    assert_eq!(response("HoldCallResponse", "<surprise/>"), Response::Accepted(Service::HoldCall));
    assert_eq!(response("SomethingResponse", ""), Response::Other("SomethingResponse".into()));
}

#[test]
fn forwarding_list() {
    let found = response(
        "GetForwardingResponse",
        "<forwardingList><forwardListItem><forwardingType>forwardImmediate</forwardingType><forwardStatus>true</forwardStatus><forwardDN>tel:6000</forwardDN></forwardListItem>\
         <forwardListItem><forwardingType>forwardNoAns</forwardingType><forwardStatus>false</forwardStatus><ringCount>4</ringCount></forwardListItem></forwardingList>",
    );
    let Response::Forwarding(list) = found else { panic!() };
    assert_eq!(list.len(), 2);
    assert_eq!(list[0].forwarding_type, Some(ForwardingType::ForwardImmediate));
    assert_eq!(list[0].forward_dn.as_ref().unwrap().number, "6000");
    assert_eq!((list[1].forward_status, list[1].ring_count), (Some(false), Some(4)));
    assert_eq!(response("GetForwardingResponse", ""), Response::Forwarding(Vec::new()));
}

#[test]
fn features_count_by_presence() {
    let found = response(
        "GetCSTAFeaturesResponse",
        "<supportedServices><callControlServList><answerCall/><holdCall>false</holdCall><clearConnection><alerting>false</alerting><connected>true</connected></clearConnection><vendorTrick/></callControlServList><snapshotServList/></supportedServices>\
         <supportedEvents><callControlEvtsList><delivered/><held>false</held></callControlEvtsList><deviceMaintEvtsList><outOfService/></deviceMaintEvtsList></supportedEvents>",
    );
    let Response::Features(features) = found else { panic!() };
    assert!(features.supports(ServiceCapability::AnswerCall) && features.supports(ServiceCapability::ClearConnection));
    assert!(!features.supports(ServiceCapability::HoldCall));
    assert_eq!(features.refinement(ServiceCapability::ClearConnection, "alerting"), Some(false));
    assert_eq!(features.refinement(ServiceCapability::ClearConnection, "queued"), None);
    assert!(features.reports(EventCapability::Delivered) && !features.reports(EventCapability::Held));
    assert_eq!(features.events().count(), 2);
    assert_eq!(features.unlisted().collect::<Vec<_>>(), ["vendorTrick"]);
    let Response::Features(none) = response("GetCSTAFeaturesResponse", "") else { panic!() };
    assert!(none.is_empty());
}

const ITEM: &str = "<snapshotDeviceResponseInfo><connectionIdentifier><callID>c</callID><deviceID>tel:211</deviceID></connectionIdentifier>\
    <endpointDevice><deviceIdentifier>tel:233</deviceIdentifier></endpointDevice>\
    <localCallState><compoundCallState><localConnectionState>hold</localConnectionState><localConnectionState>connected</localConnectionState></compoundCallState></localCallState></snapshotDeviceResponseInfo>";

#[test]
fn a_device_snapshot_with_and_without_its_wrapper() {
    let bare = format!("<snapshotData>{ITEM}</snapshotData>");
    for inner in [format!("<crossRefIDorSnapshotData>{bare}</crossRefIDorSnapshotData>"), bare] {
        let Response::SnapshotDevice(SnapshotData::Here(calls)) = response("SnapshotDeviceResponse", &inner) else {
            panic!()
        };
        assert_eq!(calls.len(), 1);
        let call = &calls[0];
        assert_eq!((call.connection.call(), call.endpoint_device.id().unwrap().raw.as_ref()), ("c", "tel:233"));
        assert_eq!(call.local_call_state.own(OwnIndex::First), Some(L::Hold));
        assert_eq!(call.local_call_state.other(OwnIndex::First), Some(L::Connected));
        assert_eq!(call.local_call_state.own(OwnIndex::Last), Some(L::Connected));
    }
    for inner in [
        "<serviceCrossRefID>77</serviceCrossRefID>",
        "<crossRefIDorSnapshotData><serviceCrossRefID>77</serviceCrossRefID></crossRefIDorSnapshotData>",
    ] {
        assert_eq!(
            response("SnapshotDeviceResponse", inner),
            Response::SnapshotDevice(SnapshotData::Announced("77".into()))
        );
    }
    for inner in
        ["", "<crossRefIDorSnapshotData/>", "<crossRefIDorSnapshotData><snapshotData/></crossRefIDorSnapshotData>"]
    {
        assert_eq!(response("SnapshotDeviceResponse", inner), Response::SnapshotDevice(SnapshotData::Here(Vec::new())));
    }
}

#[test]
fn simple_states_are_pairs() {
    for (word, own, other) in [
        ("callNull", L::Null, L::Null),
        ("callPending", L::Initiated, L::Null),
        ("callOriginated", L::Connected, L::Null),
        ("callDelivered", L::Connected, L::Alerting),
        ("callDeliveredHeld", L::Hold, L::Alerting),
        ("callReceived", L::Alerting, L::Connected),
        ("callReceivedOnHold", L::Alerting, L::Hold),
        ("callEstablished", L::Connected, L::Connected),
        ("callEstablishedHeld", L::Hold, L::Connected),
        ("callEstablishedOnHold", L::Connected, L::Hold),
        ("callQueued", L::Connected, L::Queued),
        ("callQueuedHeld", L::Hold, L::Queued),
        ("callFailed", L::Connected, L::Fail),
        ("callFailedHeld", L::Hold, L::Fail),
        ("callBlocked", L::Null, L::Fail),
    ] {
        assert_eq!(SimpleCallState::parse(word).pair(), Some((own.clone(), other)), "{word}");
        let inner = ITEM.replace(
            "<compoundCallState><localConnectionState>hold</localConnectionState><localConnectionState>connected</localConnectionState></compoundCallState>",
            &format!("<simpleCallState>{word}</simpleCallState>"),
        );
        let Response::SnapshotDevice(SnapshotData::Here(calls)) =
            response("SnapshotDeviceResponse", &format!("<snapshotData>{inner}</snapshotData>"))
        else {
            panic!()
        };
        assert_eq!(calls[0].local_call_state.own(OwnIndex::First), Some(own));
    }
    assert_eq!(CallState::Unknown.own(OwnIndex::First), None);
}

#[test]
fn a_call_snapshot() {
    let data = format!(
        "<snapshotData><snapshotCallResponseInfo><deviceOnCall><deviceIdentifier>tel:233</deviceIdentifier></deviceOnCall>{}<localConnectionInfo>hold</localConnectionInfo></snapshotCallResponseInfo></snapshotData>",
        connection("callIdentifier", CALL_A, "tel:233")
    );
    let parties = "<callingDevice><deviceIdentifier>tel:211</deviceIdentifier></callingDevice><calledDevice><notKnown/></calledDevice>";
    for inner in
        [format!("<crossRefIDorSnapshotData>{data}</crossRefIDorSnapshotData>{parties}"), format!("{data}{parties}")]
    {
        let Response::SnapshotCall(call) = response("SnapshotCallResponse", &inner) else { panic!() };
        assert_eq!(call.calling_device.id().unwrap().number, "211");
        assert_eq!(call.called_device, SubjectDevice::NotKnown);
        let SnapshotData::Here(devices) = call.data else { panic!() };
        assert_eq!(devices[0].local_connection_info, Some(L::Hold));
        assert_eq!(devices[0].connection.call(), CALL_A);
    }
}

#[test]
fn what_a_number_can_do() {
    let Response::LogicalDevice(device) = response(
        "GetLogicalDeviceInformationResponse",
        "<hasPhysicalElement>true</hasPhysicalElement><maxActiveCalls>2</maxActiveCalls><maxHeldCalls>x</maxHeldCalls>",
    ) else {
        panic!()
    };
    assert_eq!(
        (device.has_physical_element, device.max_active_calls, device.max_held_calls),
        (Some(true), Some(2), None)
    );
}
