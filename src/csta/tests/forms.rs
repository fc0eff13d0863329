//! Odd but real forms: prefixes, editions, order, blanks, charsets, and the limits.

use super::{CALL_A, OWN, document, event, refused, subject};
use crate::csta::{
    DecodeError, EventCause, EventKind, LocalConnectionState, MAX_ATTRIBUTES, MAX_DEPTH, MAX_SIZE, Message,
    PeerRequest, Service, SystemStatus, decode,
};

fn held(body: &str) -> String {
    match event(body).kind {
        EventKind::Held { connection, .. } => format!("{} {}", connection.call(), connection.device_text()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_prefix_edition_or_no_namespace_at_all() {
    let inner = |p: &str| {
        format!(
            "<{p}monitorCrossRefID>1</{p}monitorCrossRefID><{p}heldConnection><{p}callID>c</{p}callID><{p}deviceID>d</{p}deviceID></{p}heldConnection>"
        )
    };
    for (root, prefix) in [
        ("<HeldEvent>", ""),
        ("<HeldEvent xmlns='http://www.ecma-international.org/standards/ecma-323/csta/ed6'>", ""),
        ("<HeldEvent xmlns='http://www.ecma.ch/standards/ecma-323/csta/ed2'>", ""),
        ("<csta:HeldEvent xmlns:csta='http://www.ecma-international.org/standards/ecma-323/csta/ed5'>", "csta:"),
        ("<x.y-z:HeldEvent>", "x.y-z:"),
    ] {
        let end = root.split([' ', '>']).next().unwrap().replace('<', "</");
        assert_eq!(held(&format!("{root}{}{end}>", inner(prefix))), "c d", "{root}");
    }
    let mixed = "<csta:HeldEvent xmlns:csta='a'><heldConnection xmlns='b'><callID>c</callID><csta:deviceID>d</csta:deviceID></heldConnection></csta:HeldEvent>";
    assert_eq!(held(mixed), "c d");
}

#[test]
fn order_blanks_comments_and_unknown_children_do_not_matter() {
    let text = document(
        "HeldEvent",
        "\n <cause> normal\t</cause>\n <!-- why -->\n <heldConnection>\n  <deviceID> tel:211;device=0A1B2C3D4E5F \n</deviceID><?pi?><callID>\r\n c </callID></heldConnection>\
         <future><deep><callID>no</callID></deep></future><localConnectionInfo>HOLD</localConnectionInfo><monitorCrossRefID> 00000041 </monitorCrossRefID>",
    );
    let found = event(&text);
    assert_eq!(found.monitor_cross_ref_id, "00000041");
    assert_eq!(found.cause, Some(EventCause::Normal));
    assert_eq!(found.local_connection_info, Some(LocalConnectionState::Hold));
    assert_eq!(held(&text), format!("c {OWN}"));
}

#[test]
fn entities_and_cdata_are_text() {
    let text = document(
        "HeldEvent",
        "<heldConnection><callID>a&amp;b&#x41;&#66;<![CDATA[<c>]]>&lt;</callID><deviceID>R&D &unknown; x</deviceID></heldConnection>",
    );
    assert_eq!(held(&text), "a&bAB<c>< R&D &unknown; x");
}

#[test]
fn byte_order_mark_leading_blanks_and_a_missing_declaration_are_taken() {
    let plain = "<HeldEvent><heldConnection><callID>c</callID></heldConnection></HeldEvent>";
    for text in [plain.to_owned(), format!("\u{feff}{plain}"), format!("\r\n  {plain}\r\n\0junk")] {
        assert_eq!(held(&text), "c ");
    }
}

#[test]
fn latin_1_is_read_declared_or_not() {
    let declared = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><CSTAErrorCode><privateErrorCode>M\xFCller</privateErrorCode></CSTAErrorCode>";
    let silent = b"<CSTAErrorCode><privateErrorCode>M\xFCller</privateErrorCode></CSTAErrorCode>";
    for body in [&declared[..], &silent[..]] {
        match decode(body).unwrap() {
            Message::Fault(fault) => assert_eq!(fault.as_str(), "Müller"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_document_type_is_refused_wherever_it_stands() {
    for text in [
        "<!DOCTYPE x><HeldEvent/>",
        "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'>]><HeldEvent>&lol;</HeldEvent>",
        "<!DOCTYPE x SYSTEM 'file:///etc/passwd'",
        "<HeldEvent><!DOCTYPE y></HeldEvent>",
    ] {
        assert_eq!(refused(text.as_bytes()), DecodeError::DocType, "{text}");
    }
}

#[test]
fn depth_size_and_attributes_have_limits() {
    let nested = |depth: usize| {
        let open: String = (1..depth).map(|_| "<a>").collect();
        let close: String = (1..depth).map(|_| "</a>").collect();
        format!("<HeldEvent>{open}{close}</HeldEvent>")
    };
    assert!(decode(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(refused(nested(MAX_DEPTH + 1).as_bytes()), DecodeError::TooDeep);
    assert_eq!(refused("<a>".repeat(80_000).as_bytes()), DecodeError::TooDeep);
    let padded = |size: usize| format!("<HeldEvent/>{}", " ".repeat(size - "<HeldEvent/>".len()));
    assert!(decode(padded(MAX_SIZE).as_bytes()).is_ok());
    assert_eq!(refused(padded(MAX_SIZE + 1).as_bytes()), DecodeError::TooLarge { size: MAX_SIZE + 1 });
    let attributes = |count: usize| {
        let all: String = (0..count).map(|n| format!(" a{n}='1'")).collect();
        format!("<HeldEvent><x{all}/></HeldEvent>")
    };
    assert!(decode(attributes(MAX_ATTRIBUTES).as_bytes()).is_ok());
    assert_eq!(refused(attributes(MAX_ATTRIBUTES + 1).as_bytes()), DecodeError::TooManyAttributes);
}

#[test]
fn what_is_no_document_is_named() {
    assert_eq!(refused(b""), DecodeError::NoRoot);
    assert_eq!(refused(b"hello"), DecodeError::NoRoot);
    assert_eq!(refused(b"<HeldEvent><cause>"), DecodeError::Truncated);
    assert_eq!(refused(b"<HeldEvent><cau"), DecodeError::Truncated);
    assert!(matches!(refused(b"<HeldEvent><a></b></HeldEvent>"), DecodeError::Syntax { .. }));
}

#[test]
fn an_event_borrows_from_its_body() {
    let text =
        document("HeldEvent", &format!("<monitorCrossRefID>41</monitorCrossRefID>{}", subject("holdingDevice", OWN)));
    let Message::Event(found) = decode(text.as_bytes()).unwrap() else { panic!() };
    assert!(matches!(found.monitor_cross_ref_id, std::borrow::Cow::Borrowed("41")));
    let EventKind::Held { holding_device, .. } = found.kind else { panic!() };
    assert!(matches!(holding_device.id().unwrap().raw, std::borrow::Cow::Borrowed(_)));
}

#[test]
fn requests_of_the_switch_are_read() {
    let request = |root: &str, inner: &str| match decode(document(root, inner).as_bytes()).map(Message::into_owned) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    };
    assert_eq!(request("RequestSystemStatus", ""), PeerRequest::RequestSystemStatus);
    let status = Some(SystemStatus::OverloadReached);
    assert_eq!(
        request("SystemStatus", "<systemStatus>overloadReached</systemStatus>"),
        PeerRequest::SystemStatus { status }
    );
    assert_eq!(request("SystemStatus", ""), PeerRequest::SystemStatus { status: None });
    assert_eq!(
        request("MonitorStop", "<monitorCrossRefID>00000041</monitorCrossRefID>"),
        PeerRequest::MonitorStop { monitor_cross_ref_id: "00000041".into() }
    );
    assert_eq!(request("MakeCall", "<callingDevice>1</callingDevice>"), PeerRequest::Other(Service::MakeCall));
    assert!(
        matches!(decode(document("Surprise", "").as_bytes()).unwrap(), Message::Unknown { root } if root == "Surprise")
    );
    match request(
        "SnapshotDeviceData",
        &format!(
            "<serviceCrossRefID>9</serviceCrossRefID><segmentID>2</segmentID><lastSegment>0</lastSegment><snapshotData><snapshotDeviceResponseInfo><connectionIdentifier><callID>{CALL_A}</callID></connectionIdentifier></snapshotDeviceResponseInfo></snapshotData>"
        ),
    ) {
        PeerRequest::SnapshotDeviceData(segment) => {
            assert_eq!(
                (&*segment.service_cross_ref_id, segment.segment_id, segment.last_segment),
                ("9", Some(2), false)
            );
            assert_eq!(segment.items[0].connection.call(), CALL_A);
        }
        other => panic!("{other:?}"),
    }
}
