//! Every service in the order of the schema.

use super::{CALL_A, CALL_B, OWN, document};
use crate::csta::{
    CallExtras, Connection, ConsultOptions, DigitMode, Encoding, EventCause, Fault, ForwardingType, Message,
    MonitorFilter, MonitorType, Namespace, OperationError, ParticipationType, PeerRequest, Reply, Request, Service,
    SystemStatus, decode,
};

fn a() -> Connection<'static> {
    Connection::from((CALL_A, OWN))
}

fn b() -> Connection<'static> {
    Connection::from((CALL_B, OWN))
}

/// Everything optional, to see its place.
fn extras() -> CallExtras {
    CallExtras {
        account_code: Some(vec![0x12]),
        auth_code: Some(vec![0xAB, 0xCD]),
        correlator_data: Some(vec![0x01]),
        user_data: Some(vec![0x02]),
        subject_of_call: Some("a & b".to_owned()),
    }
}

const CODES: &str = "<accountCode>12</accountCode><authCode>ABCD</authCode>";
const DATA: &str = "<correlatorData><string>01</string></correlatorData><userData><string>02</string></userData>";
const SUBJECT: &str = "<subjectOfCall>a &amp; b</subjectOfCall>";

fn text(value: &str) -> String {
    value.to_owned()
}

/// Each request with the content that the schema asks for; `{A}` and `{B}` stand for the two connections.
fn all() -> Vec<(Request, String)> {
    use Request as R;
    let device = || text("tel:211");
    let own = || text(OWN);
    let list = vec![
        (R::RequestSystemStatus, text("")),
        (R::SystemStatus { status: SystemStatus::Normal }, text("<systemStatus>normal</systemStatus>")),
        (R::GetCstaFeatures, text("")),
        (R::GetLogicalDeviceInformation { device: device() }, text("<device>tel:211</device>")),
        (R::GetPhysicalDeviceInformation { device: device() }, text("<device>tel:211</device>")),
        (
            R::MonitorStart { device: own(), filter: MonitorFilter::None, monitor_type: Some(MonitorType::Device) },
            format!(
                "<monitorObject><deviceObject>{OWN}</deviceObject></monitorObject><monitorType>device</monitorType>"
            ),
        ),
        (
            R::MonitorStart { device: device(), filter: MonitorFilter::CallsOnly, monitor_type: None },
            text(
                "<monitorObject><deviceObject>tel:211</deviceObject></monitorObject><requestedMonitorFilter><callcontrol><digitsDialed>true</digitsDialed><offered>true</offered></callcontrol><voice><bookmarkReached>true</bookmarkReached></voice></requestedMonitorFilter>",
            ),
        ),
        (
            R::MonitorStop { monitor_cross_ref_id: text("00000041") },
            text("<monitorCrossRefID>00000041</monitorCrossRefID>"),
        ),
        (R::SnapshotDevice { device: own() }, format!("<snapshotObject>{OWN}</snapshotObject>")),
        (R::SnapshotCall { call: a() }, text("<snapshotObject>{A}</snapshotObject>")),
        (
            R::MakeCall { calling: own(), called: text("tel:233"), prompt: Some(false), extras: extras() },
            format!(
                "<callingDevice>{OWN}</callingDevice><calledDirectoryNumber>tel:233</calledDirectoryNumber>{CODES}<autoOriginate>doNotPrompt</autoOriginate>{DATA}{SUBJECT}"
            ),
        ),
        (
            R::MakeCall { calling: own(), called: text(""), prompt: Some(true), extras: CallExtras::default() },
            format!(
                "<callingDevice>{OWN}</callingDevice><calledDirectoryNumber></calledDirectoryNumber><autoOriginate>prompt</autoOriginate>"
            ),
        ),
        (
            R::MakeCall { calling: own(), called: text("1"), prompt: None, extras: CallExtras::default() },
            format!("<callingDevice>{OWN}</callingDevice><calledDirectoryNumber>1</calledDirectoryNumber>"),
        ),
        (R::AnswerCall { call: a() }, text("<callToBeAnswered>{A}</callToBeAnswered>")),
        (R::AcceptCall { call: a() }, text("<callToBeAccepted>{A}</callToBeAccepted>")),
        (R::ClearConnection { call: a(), reason: None }, text("<connectionToBeCleared>{A}</connectionToBeCleared>")),
        (
            R::ClearConnection { call: a(), reason: Some(EventCause::Busy) },
            text("<connectionToBeCleared>{A}</connectionToBeCleared><reason>busy</reason>"),
        ),
        (R::ClearCall { call: a() }, text("<callToBeCleared>{A}</callToBeCleared>")),
        (R::HoldCall { call: a() }, text("<callToBeHeld>{A}</callToBeHeld>")),
        (R::RetrieveCall { call: a() }, text("<callToBeRetrieved>{A}</callToBeRetrieved>")),
        (
            R::DeflectCall { call: a(), new_destination: text("tel:240") },
            text("<callToBeDiverted>{A}</callToBeDiverted><newDestination>tel:240</newDestination>"),
        ),
        (
            R::SingleStepTransferCall { active: a(), transferred_to: text("tel:240"), extras: extras() },
            format!("<activeCall>{{A}}</activeCall><transferredTo>tel:240</transferredTo>{CODES}{DATA}{SUBJECT}"),
        ),
        (
            R::ConsultationCall {
                existing: a(),
                consulted: text("tel:240"),
                consult_options: Some(ConsultOptions::Unrestricted),
                extras: extras(),
            },
            format!(
                "<existingCall>{{A}}</existingCall><consultedDevice>tel:240</consultedDevice>{CODES}{DATA}<consultOptions>unrestricted</consultOptions>{SUBJECT}"
            ),
        ),
        (R::AlternateCall { held: a(), active: b() }, text("<heldCall>{A}</heldCall><activeCall>{B}</activeCall>")),
        (R::ReconnectCall { active: b(), held: a() }, text("<activeCall>{B}</activeCall><heldCall>{A}</heldCall>")),
        (R::TransferCall { held: a(), active: b() }, text("<heldCall>{A}</heldCall><activeCall>{B}</activeCall>")),
        (R::ConferenceCall { held: a(), active: b() }, text("<heldCall>{A}</heldCall><activeCall>{B}</activeCall>")),
        (
            R::SingleStepConferenceCall {
                active: a(),
                device_to_join: text("tel:240"),
                participation: ParticipationType::Active,
                extras: extras(),
            },
            format!(
                "<activeCall>{{A}}</activeCall><deviceToJoin>tel:240</deviceToJoin><participationType>active</participationType>{CODES}{DATA}{SUBJECT}"
            ),
        ),
        (
            R::JoinCall {
                active: a(),
                joining_device: text("tel:240"),
                prompt: false,
                participation: ParticipationType::Silent,
                extras: CallExtras { subject_of_call: None, ..extras() },
            },
            format!(
                "<activeCall>{{A}}</activeCall><joiningDevice>tel:240</joiningDevice><autoOriginate>doNotPrompt</autoOriginate><participationType>silent</participationType>{CODES}{DATA}"
            ),
        ),
        (
            R::DialDigits { call: a(), digits: text("233") },
            text("<diallingConnection>{A}</diallingConnection><diallingSequence>233</diallingSequence>"),
        ),
        (
            R::GenerateDigits { call: a(), mode: DigitMode::Dtmf, characters: text("12#") },
            text(
                "<connectionToSendDigits>{A}</connectionToSendDigits><digitMode>dTMF</digitMode><charactersToSend>12#</charactersToSend>",
            ),
        ),
        (
            R::SetForwarding {
                device: device(),
                forwarding_type: Some(ForwardingType::ForwardImmediate),
                activate: true,
                forward_dn: Some(text("tel:6000")),
                ring_count: Some(4),
            },
            text(
                "<device>tel:211</device><forwardingType>forwardImmediate</forwardingType><activateForward>true</activateForward><forwardDN>tel:6000</forwardDN><ringCount>4</ringCount>",
            ),
        ),
        (
            R::SetForwarding {
                device: device(),
                forwarding_type: None,
                activate: false,
                forward_dn: None,
                ring_count: None,
            },
            text("<device>tel:211</device><activateForward>false</activateForward>"),
        ),
        (R::GetForwarding { device: device() }, text("<device>tel:211</device>")),
        (
            R::SetDoNotDisturb { device: device(), on: true },
            text("<device>tel:211</device><doNotDisturbOn>true</doNotDisturbOn>"),
        ),
        (R::GetDoNotDisturb { device: device() }, text("<device>tel:211</device>")),
        (
            R::SetMessageWaitingIndicator { device: device(), on: false, device_for_message: Some(text("tel:600")) },
            text(
                "<device>tel:211</device><messageWaitingOn>false</messageWaitingOn><deviceForMessage>tel:600</deviceForMessage>",
            ),
        ),
        (R::GetMessageWaitingIndicator { device: device() }, text("<device>tel:211</device>")),
        (
            R::DirectedPickupCall { call: a(), requesting_device: device() },
            text("<callToBePickedUp>{A}</callToBePickedUp><requestingDevice>tel:211</requestingDevice>"),
        ),
        (
            R::GroupPickupCall { new_destination: device(), pick_group: Some(text("7")) },
            text("<newDestination>tel:211</newDestination><pickGroup>7</pickGroup>"),
        ),
        (R::ParkCall { call: a(), park_to: text("701") }, text("<parking>{A}</parking><parkTo>701</parkTo>")),
        (R::CallBack { call: a() }, text("<callbackConnection>{A}</callbackConnection>")),
        (
            R::SetCallerIdStatus { device: device(), provided: true },
            text("<device>tel:211</device><callerIDProvided>true</callerIDProvided>"),
        ),
        (R::GetCallerIdStatus { device: device() }, text("<device>tel:211</device>")),
        (R::GetLastNumberDialed { device: device() }, text("<device>tel:211</device>")),
    ];
    let ids = |call: &str| format!("<callID>{call}</callID><deviceID>{OWN}</deviceID>");
    list.into_iter()
        .map(|(request, inner)| (request, inner.replace("{A}", &ids(CALL_A)).replace("{B}", &ids(CALL_B))))
        .collect()
}

#[test]
fn every_service_is_written_in_schema_order() {
    let mut services = std::collections::HashSet::new();
    for (request, inner) in all() {
        let root = request.service().as_str();
        let expected = match inner.as_str() {
            "" => document(root, "").replace(&format!("></{root}>"), "/>"),
            inner => document(root, inner),
        };
        assert_eq!(String::from_utf8(request.encode(&Encoding::default()).to_vec()).unwrap(), expected);
        services.insert(request.service());
    }
    let unsent =
        [Service::SystemRegister, Service::ChangeMonitorFilter, Service::SnapshotDeviceData, Service::SnapshotCallData];
    for service in Service::LISTED {
        assert_ne!(services.contains(service), unsent.contains(service), "{service}");
    }
}

#[test]
fn what_is_written_can_be_read() {
    for (request, _) in all() {
        let body = request.encode(&Encoding::default());
        match decode(&body).unwrap() {
            Message::Request(PeerRequest::RequestSystemStatus) => assert_eq!(request, Request::RequestSystemStatus),
            Message::Request(PeerRequest::SystemStatus { status }) => assert_eq!(status, Some(SystemStatus::Normal)),
            Message::Request(PeerRequest::MonitorStop { monitor_cross_ref_id }) => {
                assert_eq!(monitor_cross_ref_id, "00000041");
            }
            Message::Request(PeerRequest::Other(service)) => assert_eq!(service, request.service()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_invite_body_has_the_length_of_the_dossier() {
    // Section 3.3 counts CRLF line ends and no final one.
    assert_eq!(Request::RequestSystemStatus.encode(&Encoding::default()).len(), 132);
    assert_eq!(Reply::RequestSystemStatus(SystemStatus::Normal).encode(&Encoding::default()).len(), 204);
}

#[test]
fn edition_prefix_and_declaration_are_choices() {
    let mut encoding =
        Encoding { namespace: Namespace::Ed5, prefix: Some(text("csta")), declaration: false, ..Encoding::default() };
    let body = Request::HoldCall { call: Connection::from(("1", "2")) }.encode(&encoding);
    assert_eq!(
        &body[..],
        &b"<csta:HoldCall xmlns:csta=\"http://www.ecma-international.org/standards/ecma-323/csta/ed5\"><csta:callToBeHeld><csta:callID>1</csta:callID><csta:deviceID>2</csta:deviceID></csta:callToBeHeld></csta:HoldCall>"[..]
    );
    encoding.namespace = Namespace::Learned(text("urn:\"x\"&y"));
    encoding.prefix = None;
    let body = Request::GetCstaFeatures.encode(&encoding);
    assert_eq!(&body[..], &b"<GetCSTAFeatures xmlns=\"urn:&quot;x&quot;&amp;y\"/>"[..]);
    assert_eq!(Namespace::learn(&body), Some(encoding.namespace));
}

#[test]
fn the_private_line_is_the_last_child() {
    let encoding = Encoding { private_line: Some(text("sip:a&b")), declaration: false, ..Encoding::default() };
    let body = String::from_utf8(Request::RequestSystemStatus.encode(&encoding).to_vec()).unwrap();
    assert!(body.ends_with("<extensions><privateData><private><lcs:line xmlns:lcs=\"http://schemas.microsoft.com/Lcs/2005/04/RCCExtension\">sip:a&amp;b</lcs:line></private></privateData></extensions></RequestSystemStatus>"), "{body}");
}

#[test]
fn the_namespace_of_a_peer_is_learned_from_its_root() {
    let learn = |text: &str| Namespace::learn(text.as_bytes()).map(|found| found.uri().to_owned());
    assert_eq!(learn("<A xmlns='u1'><B xmlns='u2'/></A>").as_deref(), Some("u1"));
    assert_eq!(learn("<?xml version='1.0'?><p:A xmlns='u1' xmlns:p='u&amp;2'/>").as_deref(), Some("u&2"));
    for text in ["<A/>", "<A xmlns=''/>", "<!DOCTYPE a><A xmlns='u'/>", "", "no"] {
        assert_eq!(learn(text), None, "{text}");
    }
}

#[test]
fn no_text_can_add_markup() {
    let body = Request::MonitorStop { monitor_cross_ref_id: text("<x/>&\u{0}\u{b}\"'") }.encode(&Encoding::default());
    match decode(&body).unwrap() {
        Message::Request(PeerRequest::MonitorStop { monitor_cross_ref_id }) => {
            assert_eq!(monitor_cross_ref_id, "<x/>&\"'")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn replies_have_their_roots() {
    let body = |reply: &Reply| String::from_utf8(reply.encode(&Encoding::default()).to_vec()).unwrap();
    assert_eq!(
        body(&Reply::SystemStatus),
        document("SystemStatusResponse", "").replace("></SystemStatusResponse>", "/>")
    );
    assert!(body(&Reply::MonitorStop).contains("<MonitorStopResponse "));
    let fault = Reply::Fault(Fault::from(OperationError::ServiceNotSupported));
    assert_eq!(body(&fault), document("CSTAErrorCode", "<operation>serviceNotSupported</operation>"));
    assert_eq!(body(&Reply::Fault(Fault::default())), document("CSTAErrorCode", "<unspecified></unspecified>"));
}
