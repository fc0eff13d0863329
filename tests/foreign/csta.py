"""CSTA as ECMA-323 edition 3 writes it: what a request may hold and in which order, and how to say an answer."""
import re
import xml.etree.ElementTree as tree

ED3 = "http://www.ecma-international.org/standards/ecma-323/csta/ed3"
DIGITS = re.compile(r"\+?[0-9*#]+")

# Children in schema order; those with "!" must be there. Kinds: c a connection, d a device, e an enumeration, b a
# boolean, t text, o an object of its own (looked at by hand).
SCHEMA = {
    "RequestSystemStatus": {},
    "GetCSTAFeatures": {},
    "SystemStatusResponse": {},
    "MonitorStart": {"monitorObject!": "o", "requestedMonitorFilter": "o", "monitorType": ("device", "call"),
                     "requestedMonitorMediaClass": "o"},
    "MonitorStop": {"monitorCrossRefID!": "t"},
    "MonitorStopResponse": {},
    "SnapshotDevice": {"snapshotObject!": "d"},
    "SnapshotCall": {"snapshotObject!": "c"},
    "MakeCall": {"callingDevice!": "d", "calledDirectoryNumber!": "t", "autoOriginate": ("doNotPrompt", "prompt")},
    "AnswerCall": {"callToBeAnswered!": "c"},
    "ClearConnection": {"connectionToBeCleared!": "c", "reason": "t"},
    "ClearCall": {"callToBeCleared!": "c"},
    "HoldCall": {"callToBeHeld!": "c", "connectionReservation": "b"},
    "RetrieveCall": {"callToBeRetrieved!": "c"},
    "DeflectCall": {"callToBeDiverted!": "c", "newDestination!": "d", "reason": "t"},
    "SingleStepTransferCall": {"activeCall!": "c", "transferredTo!": "d", "reason": "t"},
    "ConsultationCall": {"existingCall!": "c", "consultedDevice!": "t", "connectionReservation": "b",
                         "consultOptions": ("unrestricted", "consultOnly", "transferOnly", "conferenceOnly")},
    "AlternateCall": {"heldCall!": "c", "activeCall!": "c", "connectionReservation": "b"},
    "ReconnectCall": {"activeCall!": "c", "heldCall!": "c"},
    "TransferCall": {"heldCall!": "c", "activeCall!": "c"},
    "ConferenceCall": {"heldCall!": "c", "activeCall!": "c"},
    "SingleStepConferenceCall": {"activeCall!": "c", "deviceToJoin!": "d",
                                 "participationType!": ("active", "silent", "none")},
    "DialDigits": {"diallingConnection!": "c", "diallingSequence!": "t"},
    "GenerateDigits": {"connectionToSendDigits!": "c", "digitMode": ("dTMF", "rotaryPulse"), "charactersToSend!": "t",
                       "toneDuration": "t", "pulseRate": "t", "pauseDuration": "t"},
    "SetForwarding": {"device!": "d", "forwardingType": ("forwardImmediate",), "activateForward!": "b",
                      "forwardDN": "d", "ringCount": "t"},
    "GetForwarding": {"device!": "d"},
    "SetDoNotDisturb": {"device!": "d", "doNotDisturbOn!": "b"},
    "GetDoNotDisturb": {"device!": "d"},
}

# Services by their names in the capability lists.
CALL_CONTROL = {
    "MakeCall": "makeCall", "AnswerCall": "answerCall", "ClearConnection": "clearConnection", "HoldCall": "holdCall",
    "RetrieveCall": "retrieveCall", "DeflectCall": "deflectCall", "SingleStepTransferCall": "singleStepTransfer",
    "ConsultationCall": "consultationCall", "AlternateCall": "alternateCall", "ReconnectCall": "reconnectCall",
    "TransferCall": "transferCall", "ConferenceCall": "conferenceCall", "DialDigits": "dialDigits",
}
LOGICAL = {"GetForwarding": "getForwarding", "SetForwarding": "setForwarding", "GetDoNotDisturb": "getDoNotDisturb",
           "SetDoNotDisturb": "setDoNotDisturb"}
EVENTS = ("conferenced", "connectionCleared", "delivered", "digitsDialed", "diverted", "established", "failed", "held",
          "networkReached", "originated", "retrieved", "serviceInitiated", "transferred")


class Node:
    """An element that is still to be written: a quirk may write it in its own way."""
    __slots__ = ("tag", "text", "children")

    def __init__(self, tag, *content):
        self.tag = tag
        self.text = "".join(part for part in content if isinstance(part, str))
        self.children = [part for part in content if isinstance(part, Node)]


def error(category, value):
    return Node("CSTAErrorCode", Node(category, value))


def connection(tag, call_id, device):
    return Node(tag, Node("callID", call_id), Node("deviceID", device))


def subject(tag, device):
    """A device in a choice; None is not known."""
    return Node(tag, Node("notKnown") if device is None else Node("deviceIdentifier", device))


def redirection(device):
    """`notRequired` when nobody redirected, `notKnown` when it is kept back."""
    return Node("lastRedirectionDevice", device if isinstance(device, Node) else Node("numberDialed", device))


def features(missing):
    def group(tag, names):
        return Node(tag, *[Node(name) for name in names])
    control = []
    for service, name in CALL_CONTROL.items():
        if service in missing:
            continue
        inner = {"clearConnection": ["alerting", "connected", "fail", "initiated", "hold"], "deflectCall": ["alerting"],
                 "makeCall": ["autoOriginateDoNotPrompt", "multiStage"]}.get(name, [])
        if name == "clearConnection" and "RejectCall" in missing:
            inner = [state for state in inner if state != "alerting"]
        control.append(Node(name, *[Node(flag, "true") for flag in inner]))
    services = Node(
        "supportedServices", group("capExchangeServList", ["getCSTAFeatures"]),
        group("systemStatServList", ["requestSystemStatus", "systemStatus"]),
        group("monitoringServList", ["monitorStart", "monitorStop"]), group("snapshotServList", ["snapshotDevice"]),
        Node("callControlServList", *control),
        group("callAssociatedServList", [] if "GenerateDigits" in missing else ["generateDigits"]),
        group("logicalServList", [name for service, name in LOGICAL.items() if service not in missing]))
    events = Node("supportedEvents", group("callControlEvtsList", EVENTS),
                  group("logicalEvtsList", ["doNotDisturb", "forwarding"]))
    return Node("GetCSTAFeaturesResponse", services, events)


class Request:
    """A request that was read, with every rule that it breaks."""

    def __init__(self, body, fault):
        text = body.decode("utf-8", "strict")
        if not text.startswith('<?xml version="1.0" encoding="UTF-8"?>'):
            fault("XML declaration", text)
        root = tree.fromstring(text)
        for element in root.iter():
            if not element.tag.startswith("{" + ED3 + "}"):
                fault("namespace of edition 3", f"{element.tag} in {text}")
            if element.attrib:
                fault("an attribute", text)
        self.text, self.root, self.name = text, root, self.local(root)
        self.values = {}
        rules = SCHEMA.get(self.name)
        self.known = rules is not None
        if self.known:
            self.check(rules, fault)

    @staticmethod
    def local(element):
        return element.tag.rpartition("}")[2]

    def check(self, rules, fault):
        order = [name.rstrip("!") for name in rules]
        names = [self.local(child) for child in self.root]
        if [name for name in order if name in names] != names:
            fault("children of " + self.name, self.text)
        for name in rules:
            if name.endswith("!") and name[:-1] not in names:
                fault("a child that is missing", f"{name} in {self.text}")
        if (self.root.text or "").strip() and len(self.root):
            fault("text between elements", self.text)
        kinds = {name.rstrip("!"): kind for name, kind in rules.items()}
        for child in self.root:
            name, value = self.local(child), child.text or ""
            kind = kinds.get(name)
            if kind == "c":
                parts = [self.local(part) for part in child]
                if parts != ["callID", "deviceID"] or not all(part.text for part in child):
                    fault("connection", self.text)
                value = tuple((child.find("{" + ED3 + "}" + part).text or "") if part in parts else ""
                              for part in ("callID", "deviceID"))
            elif kind == "o":
                value = child
            elif len(child):
                fault("children of " + name, self.text)
            elif kind == "d" and not value.startswith("tel:"):
                fault("device", self.text)
            elif kind == "b" and value not in ("true", "false"):
                fault("boolean", self.text)
            elif isinstance(kind, tuple) and value not in kind:
                fault("a value of " + name, self.text)
            self.values[name] = value

    def __getitem__(self, name):
        return self.values.get(name, "")
