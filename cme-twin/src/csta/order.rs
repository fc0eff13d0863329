//! The child order of edition 3, as the schema has it, and what a client did against it. The router does not mind; a strict one might.

use super::xml::Element;

/// Children in schema order; `!` marks what must be there.
const CHILDREN: &[(&str, &[&str])] = &[
    ("RequestSystemStatus", &["sysStatRegisterID"]),
    ("RequestSystemStatusResponse", &["systemStatus!"]),
    ("SystemStatus", &["sysStatRegisterID", "systemStatus!"]),
    ("SystemStatusResponse", &[]),
    ("SystemRegister", &["requestTypes", "requestedStatusFilter"]),
    ("GetCSTAFeatures", &[]),
    ("GetLogicalDeviceInformation", &["device!"]),
    ("GetPhysicalDeviceInformation", &["device!"]),
    ("MonitorStart", &["monitorObject!", "requestedMonitorFilter", "monitorType", "requestedMonitorMediaClass"]),
    ("MonitorStop", &["monitorCrossRefID!"]),
    ("MonitorStopResponse", &[]),
    ("ChangeMonitorFilter", &["monitorCrossRefID", "requestedFilterList"]),
    ("SnapshotDevice", &["snapshotObject!"]),
    ("SnapshotDeviceData", &["serviceCrossRefID!", "segmentID", "lastSegment!", "snapshotData!"]),
    ("SnapshotCall", &["snapshotObject!"]),
    ("SnapshotCallData", &["serviceCrossRefID", "segmentID", "lastSegment!", "snapshotData"]),
    (
        "MakeCall",
        &[
            "callingDevice!",
            "calledDirectoryNumber!",
            "accountCode",
            "authCode",
            "autoOriginate",
            "correlatorData",
            "userData",
            "callCharacteristics",
            "mediaCallCharacteristics",
            "callingConnectionInfo",
            "subjectOfCall",
            "languagePreferences",
        ],
    ),
    ("AnswerCall", &["callToBeAnswered!", "correlatorData", "userData"]),
    ("AcceptCall", &["callToBeAccepted", "correlatorData", "userData"]),
    ("ClearConnection", &["connectionToBeCleared!", "correlatorData", "userData", "reason"]),
    ("ClearCall", &["callToBeCleared!", "userData"]),
    ("HoldCall", &["callToBeHeld!", "connectionReservation"]),
    ("RetrieveCall", &["callToBeRetrieved!"]),
    ("AlternateCall", &["heldCall!", "activeCall!", "connectionReservation", "consultOptions"]),
    ("ReconnectCall", &["activeCall!", "heldCall!"]),
    (
        "ConsultationCall",
        &[
            "existingCall!",
            "consultedDevice!",
            "connectionReservation",
            "accountCode",
            "authCode",
            "correlatorData",
            "userData",
            "callCharacteristics",
            "mediaCallCharacteristics",
            "callingConnectionInfo",
            "consultOptions",
            "subjectOfCall",
            "languagePreferences",
        ],
    ),
    ("TransferCall", &["heldCall!", "activeCall!"]),
    (
        "SingleStepTransferCall",
        &[
            "activeCall!",
            "transferredTo!",
            "accountCode",
            "authCode",
            "correlatorData",
            "userData",
            "subjectOfCall",
            "languagePreferences",
            "reason",
        ],
    ),
    ("ConferenceCall", &["heldCall!", "activeCall!"]),
    (
        "SingleStepConferenceCall",
        &[
            "activeCall!",
            "deviceToJoin!",
            "participationType!",
            "accountCode",
            "authCode",
            "correlatorData",
            "userData",
            "subjectOfCall",
            "languagePreferences",
        ],
    ),
    (
        "JoinCall",
        &[
            "activeCall!",
            "joiningDevice!",
            "autoOriginate!",
            "participationType!",
            "accountCode",
            "authCode",
            "correlatorData",
            "userData",
        ],
    ),
    (
        "DeflectCall",
        &[
            "callToBeDiverted!",
            "newDestination!",
            "correlatorData",
            "userData",
            "subjectOfCall",
            "languagePreferences",
            "reason",
        ],
    ),
    ("DirectedPickupCall", &["callToBePickedUp", "requestingDevice", "correlatorData", "userData"]),
    ("GroupPickupCall", &["newDestination", "pickGroup", "correlatorData", "userData"]),
    ("ParkCall", &["parking", "parkTo", "correlatorData", "subjectOfCall", "languagePreferences"]),
    ("CallBack", &["callbackConnection", "callCharacteristics", "subjectOfCall", "languagePreferences"]),
    ("DialDigits", &["diallingConnection!", "diallingSequence!", "correlatorData"]),
    (
        "GenerateDigits",
        &["connectionToSendDigits!", "digitMode", "charactersToSend!", "toneDuration", "pulseRate", "pauseDuration"],
    ),
    ("SetForwarding", &["device!", "forwardingType", "activateForward!", "forwardDN", "ringCount"]),
    ("GetForwarding", &["device!"]),
    ("SetDoNotDisturb", &["device!", "doNotDisturbOn!", "callOrigination", "callingDeviceList"]),
    ("GetDoNotDisturb", &["device!"]),
    ("SetMessageWaitingIndicator", &["device!", "messageWaitingOn!", "deviceForMessage"]),
    ("GetMessageWaitingIndicator", &["device!"]),
    ("SetCallerIDStatus", &["device", "callerIDProvided!"]),
    ("GetCallerIDStatus", &["device"]),
    ("GetLastNumberDialed", &["device"]),
    ("monitorObject", &["deviceObject", "callObject"]),
];

/// Elements that are connection identifiers.
const CONNECTIONS: &[&str] = &[
    "callToBeAnswered",
    "connectionToBeCleared",
    "callToBeCleared",
    "callToBeHeld",
    "callToBeRetrieved",
    "callToBeDiverted",
    "activeCall",
    "heldCall",
    "existingCall",
    "diallingConnection",
    "connectionToSendDigits",
];

/// What is wrong with a message: rule and sentence.
///
/// `spoken` is the namespace of the router itself where it is not that of edition 3: it understands both.
pub(crate) fn remarks(root: &Element, spoken: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if !root.namespace.as_deref().is_some_and(|name| name == super::ED3 || name == spoken) {
        let given = root.namespace.as_deref().unwrap_or("none");
        found.push((
            "csta.namespace",
            format!("<{}> is in the namespace `{given}`, not in that of edition 3", root.name),
        ));
    }
    if !CHILDREN.iter().any(|(name, _)| *name == root.name) {
        found.push(("csta.unknown", format!("<{}> is no service of edition 3", root.name)));
    }
    walk(root, root.namespace.as_deref(), &mut found);
    found
}

fn walk(element: &Element, namespace: Option<&str>, found: &mut Vec<(&'static str, String)>) {
    if element.namespace.as_deref() != namespace {
        found.push(("csta.namespace", format!("<{}> is in another namespace than its parent", element.name)));
    }
    let connection: &[&str] = &["callID", "deviceID"];
    let table = CHILDREN.iter().find(|(name, _)| *name == element.name).map(|(_, children)| *children);
    let children = if CONNECTIONS.contains(&element.name.as_str()) { Some(connection) } else { table };
    if let Some(children) = children {
        check(element, children, found);
    }
    for child in element.children.iter().filter(|child| child.name != "extensions") {
        walk(child, namespace, found);
    }
}

fn check(element: &Element, children: &[&str], found: &mut Vec<(&'static str, String)>) {
    let mut last = 0;
    for child in &element.children {
        let at = match child.name.as_str() {
            "extensions" => Some(children.len()),
            name => children.iter().position(|known| known.trim_end_matches('!') == name),
        };
        match at {
            None => found.push(("csta.child", format!("<{}> is no child of <{}>", child.name, element.name))),
            Some(at) if at < last => {
                found.push(("csta.order", format!("<{}> stands too late in <{}>", child.name, element.name)))
            }
            Some(at) => last = at,
        }
    }
    for must in children.iter().filter_map(|name| name.strip_suffix('!')) {
        if element.child(must).is_none() {
            found.push(("csta.missing", format!("<{must}> is missing in <{}>", element.name)));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        remarks(&super::super::parse(text.as_bytes()).unwrap(), "").into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn the_order_of_the_schema_is_checked() {
        let ns = super::super::ED3;
        let good = format!(
            "<TransferCall xmlns=\"{ns}\"><heldCall><callID>a</callID><deviceID>b</deviceID></heldCall><activeCall><callID>a</callID></activeCall></TransferCall>"
        );
        assert!(rules(&good).is_empty());
        assert_eq!(
            rules(
                &good
                    .replace("heldCall", "x")
                    .replace("activeCall", "heldCall")
                    .replace("<x>", "<activeCall>")
                    .replace("</x>", "</activeCall>")
            ),
            ["csta.order"]
        );
        assert_eq!(rules("<HoldCall><callToBeHeld/></HoldCall>"), ["csta.namespace"]);
        assert_eq!(rules(&format!("<HoldCall xmlns=\"{ns}\"><x/></HoldCall>")), ["csta.child", "csta.missing"]);
        assert_eq!(rules(&format!("<Nonsense xmlns=\"{ns}\"/>")), ["csta.unknown"]);
    }
}
