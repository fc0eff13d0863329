"""What a session may ask for: the services of CSTA on the phones."""
import csta
from calls import Refused
from csta import Node
from quirks import PROMOTED


class Services:
    """Needs an exchange, a quirk, and somebody who notes faults."""

    def serve_one(self, session, request):
        line, name, exchange = session.line, request.name, self.exchange
        if not request.known or self.quirk.lacks(name):
            raise Refused("operation", "serviceNotSupported")
        if name == "RequestSystemStatus":
            return Node("RequestSystemStatusResponse", Node("systemStatus", "normal"))
        if name == "GetCSTAFeatures":
            return csta.features({service for service in [*csta.SCHEMA, "RejectCall"] if self.quirk.lacks(service)})
        if name == "MonitorStart":
            wanted = [element.text for element in request["monitorObject"]]
            if not self.is_own("".join(wanted), line):
                raise Refused("operation", "invalidMonitorObject")
            if session.xref:
                self.fault("a monitor on a monitor", request.text)
            self.xref += 1
            session.xref = f"{self.xref:08d}"
            return Node("MonitorStartResponse", Node("monitorCrossRefID", session.xref))
        if name == "MonitorStop":
            if request["monitorCrossRefID"] != session.xref:
                raise Refused("operation", "invalidMonitorCrossRefID")
            session.xref = None
            return Node("MonitorStopResponse")
        if name == "SnapshotDevice":
            self.own(request["snapshotObject"], line, request)
            return exchange.snapshot(line)
        if name.endswith(("Forwarding", "DoNotDisturb")):
            return self.feature(line, request)
        return self.control(line, request)

    def own(self, device, line, request):
        if not self.is_own(device, line) and device != f"tel:{line}":
            self.fault("own device", f"{device} in {request.text}")

    def is_own(self, device, line):
        """The form that a session begins with, or the one that our events show."""
        return device in (f"tel:{line};device={self.exchange.phones[line]}", self.exchange.device(line, line))

    def feature(self, line, request):
        self.own(request["device"], line, request)
        exchange, name = self.exchange, request.name
        if name == "SetForwarding":
            on, target = request["activateForward"] == "true", request["forwardDN"]
            if on and not target:
                raise Refused("operation", "invalidForwardingDestination")
            exchange.set_forward(line, self.number(target, request) if on else None)
        elif name == "GetForwarding":
            target = exchange.forward.get(line)
            to = [Node("forwardDN", "tel:" + target)] if target else []
            immediate = Node("forwardListItem", Node("forwardingType", "forwardImmediate"),
                             Node("forwardStatus", "true" if target else "false"), *to)
            no_answer = Node("forwardListItem", Node("forwardingType", "forwardNoAns"), Node("forwardStatus", "false"),
                             Node("ringCount", "4"))
            return Node("GetForwardingResponse", Node("forwardingList", immediate, no_answer))
        elif name == "SetDoNotDisturb":
            exchange.set_quiet(line, request["doNotDisturbOn"] == "true")
        elif name == "GetDoNotDisturb":
            on = "true" if line in exchange.quiet else "false"
            return Node("GetDoNotDisturbResponse", Node("doNotDisturbOn", on))
        return Node(name + "Response")

    def number(self, device, request):
        number = device.removeprefix("tel:").removeprefix(PROMOTED)
        if not csta.DIGITS.fullmatch(number):
            self.fault("digits", request.text)
        return number

    def leg(self, value, line, request, foreign=False):
        call_id, device = value
        if not foreign and not self.is_own(device, line):
            self.fault("own device in the connection", request.text)
        return self.exchange.find(call_id, line)

    def control(self, line, request):
        exchange, name = self.exchange, request.name

        def leg(child):
            return self.leg(request[child], line, request)

        def reference(tag, call, number):
            device = exchange.device(line, number)
            return Node(tag, Node("deviceID", device)) if self.quirk.forgets else csta.connection(tag, call.id, device)

        def connections(call, old):
            return [] if self.quirk.forgets else [Node("connections", *exchange.items(line, call, old))]

        if name == "MakeCall":
            if not self.is_own(request["callingDevice"], line) or request["autoOriginate"] != "doNotPrompt":
                self.fault("MakeCall", request.text)
            called = request["calledDirectoryNumber"]
            if called.removeprefix("tel:") and not called.startswith("tel:"):
                self.fault("MakeCall", request.text)
            called = called.removeprefix("tel:")
            call = exchange.make(line, called and self.number(called, request))
            return Node("MakeCallResponse", reference("callingDevice", call, line))
        if name == "AnswerCall":
            exchange.answer(leg("callToBeAnswered"), line)
        elif name == "ClearConnection":
            call_id, device = request["connectionToBeCleared"]
            whose = device.removeprefix("tel:").partition(";")[0].removeprefix(PROMOTED)
            call = self.leg((call_id, device), line, request, foreign=whose != line)
            if whose == line:
                exchange.drop(call, line)
            elif whose in call.legs:
                exchange.remove(call, whose)
            else:
                raise Refused("operation", "invalidConnectionID")
        elif name == "HoldCall":
            exchange.hold(leg("callToBeHeld"), line)
        elif name == "RetrieveCall":
            exchange.retrieve(leg("callToBeRetrieved"), line)
        elif name == "DeflectCall":
            exchange.deflect(leg("callToBeDiverted"), line, self.number(request["newDestination"], request))
        elif name == "SingleStepTransferCall":
            call = leg("activeCall")
            target = exchange.transfer_blind(call, line, self.number(request["transferredTo"], request))
            return Node(name + "Response", reference("transferredCall", call, target))
        elif name == "ConsultationCall":
            target = request["consultedDevice"].removeprefix("tel:")
            call = exchange.consult(leg("existingCall"), line, target and self.number(target, request))
            return Node(name + "Response", reference("initiatedCall", call, line))
        elif name == "AlternateCall":
            exchange.swap(leg("heldCall"), leg("activeCall"), line)
        elif name == "ReconnectCall":
            exchange.reconnect(leg("activeCall"), leg("heldCall"), line)
        elif name == "TransferCall":
            call, target, old = exchange.transfer(leg("heldCall"), leg("activeCall"), line)
            return Node(name + "Response", reference("transferredCall", call, target), *connections(call, old))
        elif name == "ConferenceCall":
            call, _, old = exchange.confer(leg("heldCall"), leg("activeCall"), line)
            return Node(name + "Response", reference("conferenceCall", call, line), *connections(call, old))
        elif name == "DialDigits":
            digits = request["diallingSequence"]
            if not csta.DIGITS.fullmatch(digits):
                self.fault("dialling sequence", request.text)
            exchange.dial(leg("diallingConnection"), line, digits.removeprefix("tel:"))
        elif name == "GenerateDigits":
            exchange.generate(leg("connectionToSendDigits"), line, request["charactersToSend"])
        else:
            raise Refused("operation", "serviceNotSupported")
        return Node(name + "Response")
