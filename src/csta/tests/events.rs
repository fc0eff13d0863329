//! The events of section 7, one by one.

use super::{CALL_A, CALL_B, OWN, connection, document, event, subject};
use crate::csta::{
    Connection, DeviceId, Event, EventCause, EventKind, ForwardDefault, ForwardingType, LocalConnectionState as L,
    Progress, RedirectionDevice, ServiceCapability, SubjectDevice,
};

const THEIRS: &str = "tel:233;device=0A1B2C3D4E60";

#[track_caller]
fn read(root: &str, inner: &str) -> Event<'static> {
    event(&document(root, &format!("<monitorCrossRefID>00000041</monitorCrossRefID>{inner}")))
}

fn a(device: &str) -> Connection<'static> {
    Connection::from((CALL_A, device))
}

fn who(device: &str) -> SubjectDevice<'static> {
    SubjectDevice::Identified(DeviceId::parse(device.to_owned()))
}

#[test]
fn failed_as_in_the_real_trace() {
    let inner = [
        connection("failedConnection", CALL_A, "tel:233"),
        subject("failingDevice", "tel:233"),
        subject("callingDevice", OWN),
        subject("calledDevice", "tel:233"),
        "<lastRedirectionDevice><notRequired/></lastRedirectionDevice><localConnectionInfo>fail</localConnectionInfo><cause>busy</cause>".to_owned(),
    ]
    .concat();
    let found = read("FailedEvent", &inner);
    assert_eq!(found.monitor_cross_ref_id, "00000041");
    assert_eq!(found.cause, Some(EventCause::Busy));
    assert_eq!(found.local_connection_info, Some(L::Fail));
    let EventKind::Failed { progress } = found.kind else { panic!() };
    assert_eq!(progress.connection, a("tel:233"));
    let own = progress.calling_device.id().unwrap();
    assert_eq!((&*own.number, own.mac.unwrap().as_str()), ("211", "0A1B2C3D4E5F"));
    assert_eq!(progress.last_redirection_device, RedirectionDevice::NotRequired);
}

#[test]
fn every_event_of_progress_fills_the_same_parts() {
    for (root, element, device) in [
        ("DeliveredEvent", "connection", "alertingDevice"),
        ("OfferedEvent", "offeredConnection", "offeredDevice"),
        ("NetworkReachedEvent", "outboundConnection", "networkInterfaceUsed"),
        ("EstablishedEvent", "establishedConnection", "answeringDevice"),
        ("FailedEvent", "failedConnection", "failingDevice"),
        ("QueuedEvent", "queuedConnection", "queue"),
    ] {
        let inner = [
            connection(element, CALL_A, THEIRS),
            subject(device, THEIRS),
            subject("callingDevice", "tel:211"),
            "<calledDevice><restricted/></calledDevice>".to_owned(),
            "<lastRedirectionDevice><numberDialed>tel:240</numberDialed></lastRedirectionDevice>".to_owned(),
            connection("originatingNIDConnection", CALL_B, "nid"),
            "<numberQueued>3</numberQueued><callsInFront>2</callsInFront>".to_owned(),
        ]
        .concat();
        let expected = Progress {
            connection: a(THEIRS),
            device: who(THEIRS),
            calling_device: who("tel:211"),
            called_device: SubjectDevice::Restricted,
            last_redirection_device: RedirectionDevice::NumberDialed(DeviceId::parse("tel:240")),
            originating_nid_connection: Some(Connection::from((CALL_B, "nid"))),
        };
        let found = match read(root, &inner).kind {
            EventKind::Delivered { progress } => ("DeliveredEvent", progress),
            EventKind::Offered { progress } => ("OfferedEvent", progress),
            EventKind::NetworkReached { progress } => ("NetworkReachedEvent", progress),
            EventKind::Established { progress } => ("EstablishedEvent", progress),
            EventKind::Failed { progress } => ("FailedEvent", progress),
            EventKind::Queued { progress, number_queued, calls_in_front } => {
                assert_eq!((number_queued, calls_in_front), (Some(3), Some(2)));
                ("QueuedEvent", progress)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(found, (root, expected));
    }
}

#[test]
fn the_slip_in_established_is_read_too() {
    let inner = connection("originatinNIDConnection", CALL_B, "nid");
    let EventKind::Established { progress } = read("EstablishedEvent", &inner).kind else { panic!() };
    assert_eq!(progress.originating_nid_connection.unwrap().call(), CALL_B);
}

#[test]
fn off_hook_and_dialling() {
    let inner = format!(
        "{}{}<localConnectionInfo>initiated</localConnectionInfo><cause>makeCall</cause>",
        connection("initiatedConnection", CALL_A, OWN),
        subject("initiatingDevice", OWN)
    );
    let found = read("ServiceInitiatedEvent", &inner);
    assert_eq!((found.local_connection_info, found.cause), (Some(L::Initiated), Some(EventCause::MakeCall)));
    assert_eq!(found.kind, EventKind::ServiceInitiated { connection: a(OWN), initiating_device: who(OWN) });
    let inner = format!(
        "{}{}<calledDevice><notKnown/></calledDevice><localConnectionInfo>connected</localConnectionInfo><cause>normal</cause>",
        connection("originatedConnection", CALL_A, OWN),
        subject("callingDevice", OWN)
    );
    assert_eq!(
        read("OriginatedEvent", &inner).kind,
        EventKind::Originated { connection: a(OWN), calling_device: who(OWN), called_device: SubjectDevice::NotKnown }
    );
    for spelling in ["dialing", "dialling"] {
        let inner = format!(
            "{}{}<{spelling}Sequence>233</{spelling}Sequence>",
            connection(&format!("{spelling}Connection"), CALL_A, OWN),
            subject(&format!("{spelling}Device"), OWN)
        );
        assert_eq!(
            read("DigitsDialedEvent", &inner).kind,
            EventKind::DigitsDialed {
                connection: a(OWN),
                dialing_device: who(OWN),
                dialing_sequence: DeviceId::parse("233")
            }
        );
    }
}

#[test]
fn hold_retrieve_clear_and_bridge() {
    let event = |root: &str, element: &str, device: &str| {
        read(root, &format!("{}{}", connection(element, CALL_A, OWN), subject(device, OWN))).kind
    };
    assert_eq!(
        event("HeldEvent", "heldConnection", "holdingDevice"),
        EventKind::Held { connection: a(OWN), holding_device: who(OWN) }
    );
    assert_eq!(
        event("RetrievedEvent", "retrievedConnection", "retrievingDevice"),
        EventKind::Retrieved { connection: a(OWN), retrieving_device: who(OWN) }
    );
    assert_eq!(
        event("ConnectionClearedEvent", "droppedConnection", "releasingDevice"),
        EventKind::ConnectionCleared { dropped_connection: a(OWN), releasing_device: who(OWN) }
    );
    assert_eq!(event("CallClearedEvent", "clearedCall", "x"), EventKind::CallCleared { cleared_call: a(OWN) });
    assert_eq!(
        event("BridgedEvent", "bridgedConnection", "bridgedAppearance"),
        EventKind::Bridged { connection: a(OWN), bridged_appearance: who(OWN) }
    );
}

#[test]
fn diverted() {
    let inner = [
        connection("connection", CALL_A, OWN),
        subject("divertingDevice", OWN),
        subject("newDestination", "tel:240"),
        subject("callingDevice", "tel:233"),
        subject("calledDevice", "tel:211"),
        "<lastRedirectionDevice><numberDialed>tel:211</numberDialed></lastRedirectionDevice><localConnectionInfo>null</localConnectionInfo><cause>redirected</cause>".to_owned(),
    ]
    .concat();
    let found = read("DivertedEvent", &inner);
    assert_eq!(found.local_connection_info, Some(L::Null));
    assert_eq!(
        found.kind,
        EventKind::Diverted {
            connection: a(OWN),
            diverting_device: who(OWN),
            new_destination: who("tel:240"),
            calling_device: who("tel:233"),
            called_device: who("tel:211"),
            last_redirection_device: RedirectionDevice::NumberDialed(DeviceId::parse("tel:211")),
        }
    );
}

fn item(device: &str, old: &str, wrapper: &str) -> String {
    format!(
        "<{wrapper}>{}{}<endpoint><deviceID>{device}</deviceID></endpoint><associatedNID><notKnown/></associatedNID></{wrapper}>",
        connection("newConnection", CALL_A, device),
        connection("oldConnection", old, device)
    )
}

#[test]
fn a_transfer_in_every_spelling() {
    for (root, r) in [("TransferedEvent", "rr"), ("TransferredEvent", "rr"), ("TransferedEvent", "r")] {
        let inner = format!(
            "{}{}{}{}<transfe{r}edConnections>{}{}</transfe{r}edConnections><cause>transfer</cause>",
            connection("primaryOldCall", CALL_A, OWN),
            connection("secondaryOldCall", CALL_B, OWN),
            subject(&format!("transfe{r}ingDevice"), OWN),
            subject(&format!("transfe{r}edToDevice"), "tel:240"),
            item("tel:233", CALL_A, "connectionListItem"),
            item("tel:240", CALL_B, "ConnectionListItem"),
        );
        let EventKind::Transferred {
            primary_old_call,
            secondary_old_call,
            transferring_device,
            transferred_to_device,
            transferred_connections,
        } = read(root, &inner).kind
        else {
            panic!("{root}")
        };
        assert_eq!(
            (primary_old_call.call(), secondary_old_call.unwrap().call().to_owned()),
            (CALL_A, CALL_B.to_owned())
        );
        assert_eq!((transferring_device, transferred_to_device), (who(OWN), who("tel:240")));
        assert_eq!(transferred_connections.len(), 2);
        let second = &transferred_connections[1];
        assert_eq!(second.new_connection, Some(a("tel:240")));
        assert_eq!(second.old_connection.as_ref().unwrap().call(), CALL_B);
        assert_eq!((&second.endpoint, &second.associated_nid), (&who("tel:240"), &SubjectDevice::NotKnown));
    }
}

#[test]
fn a_conference() {
    let inner = format!(
        "{}{}{}{}<conferenceConnections>{}</conferenceConnections><localConnectionInfo>connected</localConnectionInfo>",
        connection("primaryOldCall", CALL_A, OWN),
        connection("secondaryOldCall", CALL_B, OWN),
        subject("conferencingDevice", OWN),
        subject("addedParty", "tel:240"),
        item(OWN, CALL_A, "connectionListItem"),
    );
    let EventKind::Conferenced { conferencing_device, added_party, conference_connections, .. } =
        read("ConferencedEvent", &inner).kind
    else {
        panic!()
    };
    assert_eq!((conferencing_device, added_party, conference_connections.len()), (who(OWN), who("tel:240"), 1));
}

#[test]
fn features_of_the_line() {
    assert_eq!(
        read("DoNotDisturbEvent", &format!("{}<doNotDisturbOn> TRUE </doNotDisturbOn><callingDeviceList><callingDevice>9</callingDevice></callingDeviceList>", subject("device", "tel:211"))).kind,
        EventKind::DoNotDisturb { device: who("tel:211"), on: Some(true) }
    );
    assert_eq!(
        read("ForwardingEvent", &format!("{}<forwardingType>forwardImmediate</forwardingType><forwardStatus>1</forwardStatus><forwardTo>tel:6000</forwardTo><forwardDefault>forwardDN</forwardDefault><ringCount>4</ringCount>", subject("device", "tel:211"))).kind,
        EventKind::Forwarding {
            device: who("tel:211"),
            forward_to: Some(DeviceId::parse("tel:6000")),
            forwarding_type: Some(ForwardingType::ForwardImmediate),
            forward_status: Some(true),
            forward_default: Some(ForwardDefault::ForwardDn),
            ring_count: Some(4),
        }
    );
    assert_eq!(
        read(
            "MessageWaitingEvent",
            &format!(
                "{}<deviceForMessage>600</deviceForMessage><messageWaitingOn>0</messageWaitingOn>",
                subject("targetDevice", "tel:211")
            )
        )
        .kind,
        EventKind::MessageWaiting {
            target_device: who("tel:211"),
            device_for_message: Some(DeviceId::parse("600")),
            on: Some(false)
        }
    );
    assert_eq!(
        read(
            "HookswitchEvent",
            &format!(
                "{}<hookswitch>1</hookswitch><hookswitchOnHook>false</hookswitchOnHook>",
                subject("device", "tel:211")
            )
        )
        .kind,
        EventKind::Hookswitch { device: who("tel:211"), hookswitch: "1".into(), on_hook: Some(false) }
    );
    assert_eq!(
        read("CallerIDStatusEvent", "<device>tel:211</device><callerIDProvided>maybe</callerIDProvided>").kind,
        EventKind::CallerIdStatus { device: who("tel:211"), provided: None }
    );
}

#[test]
fn service_state() {
    let inner = format!("{}<cause>maintenance</cause>", subject("device", OWN));
    let device = who(OWN);
    assert_eq!(read("OutOfServiceEvent", &inner).kind, EventKind::OutOfService { device: device.clone() });
    assert_eq!(read("BackInServiceEvent", &inner).kind, EventKind::BackInService { device: device.clone() });
    assert_eq!(read("PartiallyInServiceEvent", &inner).kind, EventKind::PartiallyInService { device: device.clone() });
    assert_eq!(read("DeviceCapsChangedEvent", &inner).kind, EventKind::DeviceCapsChanged { device });
    assert_eq!(read("OutOfServiceEvent", &inner).cause, Some(EventCause::Maintenance));
}

#[test]
fn call_data_and_digits() {
    let inner = format!(
        "{}{}{}",
        connection("connection", CALL_A, OWN),
        subject("device", OWN),
        subject("callingDevice", "tel:233")
    );
    assert_eq!(
        read("CallInformationEvent", &inner).kind,
        EventKind::CallInformation { connection: a(OWN), device: who(OWN), calling_device: who("tel:233") }
    );
    let inner = format!("{}<digitGeneratedList>12#</digitGeneratedList>", connection("connection", CALL_A, OWN));
    assert_eq!(
        read("DigitsGeneratedEvent", &inner).kind,
        EventKind::DigitsGenerated { connection: a(OWN), digits: "12#".into() }
    );
}

#[test]
fn what_all_events_share() {
    let inner = "<correlatorData><string>0aFF</string></correlatorData><userData>01</userData>\
        <servicesPermitted><callControlServices><holdCall>true</holdCall><answerCall>false</answerCall></callControlServices><voiceServices/></servicesPermitted>\
        <callLinkageData><globalCallData><globalCallSwitchingSubDomainName>x</globalCallSwitchingSubDomainName><globalCallLinkageID><subDomainCallLinkageID>g1</subDomainCallLinkageID></globalCallLinkageID></globalCallData><threadData><threadLinkageID>t1</threadLinkageID></threadData></callLinkageData>\
        <deviceHistory><DeviceHistoryListItem><oldDeviceID><numberDialed>240</numberDialed></oldDeviceID><eventCause>callForwardBusy</eventCause></DeviceHistoryListItem></deviceHistory>\
        <extensions><privateData><private><a b='1'>x</a></private></privateData></extensions>";
    let found = read("HeldEvent", inner);
    assert_eq!((found.correlator_data, found.user_data), (Some(vec![0x0a, 0xff]), Some(vec![1])));
    let permitted = found.services_permitted.unwrap();
    assert_eq!(permitted.permits(ServiceCapability::HoldCall), Some(true));
    assert_eq!(permitted.permits(ServiceCapability::AnswerCall), Some(false));
    assert_eq!(permitted.permits(ServiceCapability::ClearCall), None);
    let linkage = found.call_linkage.unwrap();
    assert_eq!((linkage.global_call_id.as_deref(), linkage.thread_id.as_deref()), (Some("g1"), Some("t1")));
    assert_eq!(found.device_history[0].cause, Some(EventCause::CallForwardBusy));
    assert_eq!(found.device_history[0].old_device.id().unwrap().number, "240");
    assert_eq!(found.private_data.as_deref(), Some("<privateData><private><a b='1'>x</a></private></privateData>"));
    let odd = read(
        "HeldEvent",
        "<correlatorData><string>abc</string></correlatorData><userData><string>zz</string></userData><servicesPermitted><callControlServices/></servicesPermitted><privateData>p</privateData><cause/>",
    );
    assert_eq!((odd.correlator_data, odd.user_data, odd.services_permitted, odd.cause), (None, None, None, None));
    assert_eq!(odd.private_data.as_deref(), Some("p"));
}

#[test]
fn missing_parts_never_cost_the_event() {
    for root in ["DeliveredEvent", "TransferedEvent", "ConferencedEvent", "OriginatedEvent", "ForwardingEvent"] {
        let found = event(&format!("<{root}/>"));
        assert_eq!(found.monitor_cross_ref_id, "");
        assert_ne!(found.kind, EventKind::Other { root: root.into() });
    }
    let EventKind::Other { root } = read("AgentReadyEvent", "<agentDevice>1</agentDevice>").kind else { panic!() };
    assert_eq!(root, "AgentReadyEvent");
    let EventKind::Held { connection, holding_device } =
        read("HeldEvent", "<heldConnection>callOnly</heldConnection><holdingDevice>tel:211</holdingDevice>").kind
    else {
        panic!()
    };
    assert_eq!((connection.call(), connection.device.is_none(), holding_device), ("callOnly", true, who("tel:211")));
}

#[test]
fn a_party_may_be_withheld_or_not_known_in_any_word() {
    for (word, expected) in [
        ("notKnown", SubjectDevice::NotKnown),
        ("notRequired", SubjectDevice::NotKnown),
        ("notSpecified", SubjectDevice::NotKnown),
        ("restricted", SubjectDevice::Restricted),
        ("surprise", SubjectDevice::Absent),
    ] {
        let EventKind::Held { holding_device, .. } =
            read("HeldEvent", &format!("<holdingDevice><{word}/></holdingDevice>")).kind
        else {
            panic!()
        };
        assert_eq!(holding_device, expected, "{word}");
    }
    for (word, expected) in [
        ("notKnown", RedirectionDevice::NotKnown),
        ("notSpecified", RedirectionDevice::NotSpecified),
        ("restricted", RedirectionDevice::Restricted),
    ] {
        let inner = format!("<lastRedirectionDevice><{word}/></lastRedirectionDevice>");
        let EventKind::Failed { progress } = read("FailedEvent", &inner).kind else { panic!() };
        assert_eq!(progress.last_redirection_device, expected);
    }
}

#[test]
fn unknown_words_are_kept() {
    let found = read("HeldEvent", "<cause>solarFlare</cause><localConnectionInfo>asleep</localConnectionInfo>");
    assert_eq!(found.cause, Some(EventCause::Other("solarFlare".into())));
    assert_eq!(found.local_connection_info, Some(L::Other("asleep".into())));
    assert_eq!(EventCause::LISTED.len(), 120);
    assert_eq!(EventCause::parse("NORMALCLEARING"), EventCause::NormalClearing);
}
