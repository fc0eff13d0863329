"""What happens at the phones. A call is one GCID with a leg for each party; every change tells every party."""
import uuid

from csta import Node, connection, redirection, subject

CHANNELS = 8
NOT_REDIRECTED = Node("notRequired")
PARTIES = ("callingDevice", "calledDevice", "lastRedirectionDevice")


class Refused(Exception):
    def __init__(self, category, value):
        super().__init__(f"{category}/{value}")
        self.category, self.value = category, value


class Call:
    def __init__(self, calling, called):
        hexes = uuid.uuid1().hex.upper()
        self.id = "-".join(hexes[at:at + 8] for at in range(0, 32, 8))
        self.calling, self.called = calling, called
        self.legs, self.conference, self.digits, self.redirecting = {}, False, "", NOT_REDIRECTED

    def others(self, number):
        return [other for other in self.legs if other != number]


class Exchange:
    """The phones. `self.news` collects (viewer, event, fields, of a conference) until somebody takes them."""

    def __init__(self, phones, quirk, later):
        self.phones, self.quirk, self.later = phones, quirk, later
        self.calls, self.news, self.tones, self.forward, self.quiet = [], [], [], {}, set()
        self.busy = set()

    # ---- who is who -----------------------------------------------------------------------------------------
    def device(self, viewer, number):
        """How this viewer is told of that number."""
        if number not in self.phones:
            return f"tel:{number}"
        return self.quirk.device(number, self.phones[number], viewer == number)

    def find(self, call_id, number):
        for call in self.calls:
            if call.id == call_id:
                if number not in call.legs:
                    raise Refused("operation", "invalidConnectionID")
                return call
        raise Refused("operation", "invalidCallID")

    def of(self, number, *states):
        return [call for call in self.calls if number in call.legs and (not states or call.legs[number] in states)]

    def need(self, call, number, *states):
        if call.legs[number] not in states:
            raise Refused("stateIncompatibility", "invalidConnectionState")

    # ---- telling --------------------------------------------------------------------------------------------
    def tell(self, call, root, tag, of, subject_tag, who, *middle, cause, to=None, states=None):
        """An event to every leg that is a phone: connection, subject, what stands between, own state, cause.

        `middle` may hold functions of the viewer; `states` overrides the own state of a viewer."""
        for viewer in list(call.legs) if to is None else to:
            if viewer not in self.phones:
                continue
            standard = (states or {}).get(viewer, call.legs.get(viewer, "null"))
            named = call.legs.get(of, "null")
            fields = [connection(tag, call.id, self.device(viewer, of)), subject(subject_tag, self.device(viewer, who))]
            fields += [part(viewer) if callable(part) else part for part in middle]
            fields += [*self.quirk.own_state(root, standard, named), Node("cause", cause)]
            self.news.append((viewer, root, fields))

    def parties(self, call):
        def called(viewer):
            """Who was called is shown as dialled, to others than himself."""
            return self.quirk.called(self.device(viewer, viewer) if viewer == call.called else f"tel:{call.called}")
        return (lambda viewer: subject("callingDevice", self.device(viewer, call.calling)), called,
                lambda viewer: redirection(self.quirk.redirecting(call.redirecting)))

    # ---- services -------------------------------------------------------------------------------------------
    def make(self, number, called, cause="newCall", hold=True):
        if len(self.of(number)) >= CHANNELS:
            raise Refused("systemResourceAvailibility", "resourceLimitExceeded")
        if hold:
            self.hold_active(number)
        call = Call(number, called)
        self.calls.append(call)
        if not called:
            call.legs[number] = "initiated"
            self.off_hook(call, number)
            return call
        if self.quirk.name == "dialling_told":
            call.legs[number] = "initiated"
            self.off_hook(call, number)
            for digit in called:
                self.digits(call, number, digit)
        call.legs[number] = "connected"
        # The phone is off hook before the digits are sent.
        self.originated(call, None)
        if self.quirk.name == "dialling_told":
            self.originated(call, "tel:" + called)
        self.route(call, called, cause)
        return call

    def off_hook(self, call, number):
        self.tell(call, "ServiceInitiatedEvent", "initiatedConnection", number, "initiatingDevice", number,
                  cause="makeCall")

    def digits(self, call, number, digits):
        self.tell(call, "DigitsDialedEvent", "dialingConnection", number, "dialingDevice", number,
                  Node("dialingSequence", digits), cause="normal")

    def originated(self, call, called):
        number = call.calling
        self.tell(call, "OriginatedEvent", "originatedConnection", number, "callingDevice", number,
                  lambda viewer: self.quirk.called(called), cause="normal")

    def route(self, call, target, cause):
        hops = 0
        while target in self.forward and hops < 10:
            call.redirecting, target, hops = Node("numberDialed", "tel:" + target), self.forward[target], hops + 1
            cause = "callForwardImmediate"
        if target.startswith("0"):
            call.legs[target] = "null"
            self.tell(call, "NetworkReachedEvent", "outboundConnection", target, "networkInterfaceUsed", "9001",
                      *self.parties(call), cause=cause)
            return
        if target not in self.phones:
            return self.fail(call, target, "numberUnallocated")
        if target in self.busy or len(self.of(target)) >= CHANNELS:
            return self.fail(call, target, "busy")
        call.legs[target] = "alerting"
        self.tell(call, "DeliveredEvent", "connection", target, "alertingDevice", target, *self.parties(call),
                  cause=cause)

    def fail(self, call, target, cause):
        call.legs[target] = "fail"
        viewers = [number for number in call.legs if number != target]
        self.tell(call, "FailedEvent", "failedConnection", target, "failingDevice", target, *self.parties(call),
                  cause=cause, to=viewers)
        # The tone ends by itself (timeouts busy).
        self.later(10, lambda: self.end(call) if call in self.calls and "fail" in call.legs.values() else None)

    def hold_active(self, number, but=None):
        for call in self.of(number, "connected"):
            if call is not but:
                self.hold(call, number)

    def answer(self, call, number):
        self.need(call, number, "alerting")
        active = [other for other in self.of(number, "connected") if other is not call]
        if active and self.quirk.refuses_waiting:
            raise Refused("stateIncompatibility", "connectedCallExists")
        self.hold_active(number)
        call.legs[number] = "connected"
        self.established(call, number)

    def established(self, call, number):
        self.tell(call, "EstablishedEvent", "establishedConnection", number, "answeringDevice", number,
                  *self.parties(call), cause="normal")

    def hold(self, call, number, cause="normal"):
        self.need(call, number, "connected")
        if not any(call.legs[other] in ("connected", "hold", "null", "alerting") for other in call.others(number)):
            raise Refused("stateIncompatibility", "invalidConnectionState")
        call.legs[number] = "hold"
        self.tell(call, "HeldEvent", "heldConnection", number, "holdingDevice", number, cause=cause)

    def retrieve(self, call, number, cause="normal"):
        self.need(call, number, "hold")
        self.hold_active(number)
        call.legs[number] = "connected"
        self.tell(call, "RetrievedEvent", "retrievedConnection", number, "retrievingDevice", number, cause=cause)

    def clear(self, call, number, releasing=None, cause="normalClearing"):
        viewers = list(call.legs)
        rang = {other for other, state in call.legs.items() if state == "alerting"}
        del call.legs[number]
        if len(call.legs) < 3:
            call.conference = False
        self.cleared(call, number, releasing or number, cause, viewers)
        left = [other for other in call.legs if other in self.phones and call.legs[other] != "fail"]
        if len(call.legs) < 2 or not left:
            for other in list(call.legs):
                state = call.legs.pop(other)
                if state != "fail" and other in self.phones:
                    why = "callCancelled" if other in rang else cause
                    self.cleared(call, other, releasing or number, why, [other])
            if call in self.calls:
                self.calls.remove(call)

    def cleared(self, call, number, releasing, cause, viewers):
        self.tell(call, "ConnectionClearedEvent", "droppedConnection", number, "releasingDevice", releasing,
                  cause=cause, to=viewers)

    def end(self, call):
        for number in [number for number in call.legs if call.legs[number] != "fail"]:
            if number in call.legs:
                self.clear(call, number)

    def drop(self, call, number):
        self.need(call, number, "initiated", "connected", "hold", "alerting", "null")
        if call.legs[number] == "alerting" and self.quirk.lacks("RejectCall"):
            raise Refused("stateIncompatibility", "invalidConnectionState")
        self.clear(call, number)

    def remove(self, call, number):
        if not call.conference:
            raise Refused("operation", "invalidConnectionID")
        self.clear(call, number)

    def reachable(self, target, value):
        if target not in self.phones and not target.startswith("0"):
            raise Refused("operation", value)

    def deflect(self, call, number, target):
        self.need(call, number, "alerting")
        self.reachable(target, "invalidDestination")
        call.redirecting = Node("numberDialed", "tel:" + number)
        viewers = list(call.legs)
        del call.legs[number]
        self.tell(call, "DivertedEvent", "connection", number, "divertingDevice", number,
                  lambda viewer: subject("newDestination", self.device(viewer, target)), *self.parties(call),
                  cause="redirected", to=viewers)
        self.route(call, target, "redirected")

    def transfer_blind(self, call, number, target):
        self.need(call, number, "connected", "hold")
        self.reachable(target, "invalidDestination")
        if call.conference or number not in call.legs or len(call.legs) != 2:
            raise Refused("stateIncompatibility", "invalidObjectState")
        viewers = list(call.legs)
        del call.legs[number]
        call.redirecting = Node("numberDialed", "tel:" + number)
        old = {other: call.id for other in call.legs} | {target: None}
        ids = [(call.id, "primaryOldCall")]
        self.merged(call, "Transfered", number, target, "singleStepTransfer", viewers, ids, old)
        self.route(call, target, "singleStepTransfer")
        return target

    def consult(self, call, number, target):
        self.need(call, number, "connected")
        if target and target not in self.phones and not target.startswith("0"):
            raise Refused("operation", "invalidDestination")
        self.hold(call, number, "consultation")
        return self.make(number, target, "consultation", hold=False)

    def swap(self, held, active, number):
        self.pair(held, active, number)
        self.hold(active, number, "alternate")
        self.retrieve(held, number, "alternate")

    def reconnect(self, active, held, number):
        self.need(held, number, "hold")
        self.need(active, number, "connected", "initiated")
        self.clear(active, number)
        self.retrieve(held, number)

    def pair(self, held, active, number):
        if held is active:
            raise Refused("operation", "notDifferentDevices")
        if held.legs[number] != "hold":
            raise Refused("stateIncompatibility", "invalidHeldConnectionState")
        if active.legs[number] != "connected":
            raise Refused("stateIncompatibility", "invalidActiveConnectionState")

    def join(self, held, active, number, keeps):
        """Merges two calls of a phone; gives the one that survives and where each party was."""
        kept, gone = (active, held) if self.quirk.second_survives else (held, active)
        old = {other: call.id for call in (held, active) for other in call.others(number)}
        legs = {other: call.legs[other] for call in (held, active) for other in call.others(number)}
        if keeps:
            legs = {number: "connected", **legs}
            old[number] = gone.id
        kept.legs, gone.legs = legs, {}
        if kept.redirecting is NOT_REDIRECTED:
            kept.redirecting = gone.redirecting
        self.calls.remove(gone)
        return kept, old

    def transfer(self, held, active, number):
        self.pair(held, active, number)
        target = active.others(number)[-1]
        if active.legs[target] not in ("connected", "alerting", "null"):
            raise Refused("stateIncompatibility", "invalidActiveConnectionState")
        ids = [(held.id, "primaryOldCall"), (active.id, "secondaryOldCall")]
        kept, old = self.join(held, active, number, False)
        kept.conference = len(kept.legs) > 2
        before = self.quirk.name == "transfer_clears" and self.quirk.pick(True, False)
        if before:
            self.left(ids, number)
        self.merged(kept, "Transfered", number, target, "transfer", [number, *kept.legs], ids, old)
        if self.quirk.name == "transfer_clears" and not before:
            self.left(ids, number)
        return kept, target, old

    def left(self, ids, number):
        """The one who transferred is told that its connections are gone."""
        for call_id, _ in ids:
            device = self.device(number, number)
            fields = [connection("droppedConnection", call_id, device), subject("releasingDevice", device)]
            fields += [*self.quirk.own_state("ConnectionClearedEvent", "null", "null"), Node("cause", "transfer")]
            self.news.append((number, "ConnectionClearedEvent", fields))

    def confer(self, held, active, number):
        self.pair(held, active, number)
        added = active.others(number)[-1]
        if active.legs[added] != "connected":
            raise Refused("stateIncompatibility", "invalidActiveConnectionState")
        ids = [(held.id, "primaryOldCall"), (active.id, "secondaryOldCall")]
        kept, old = self.join(held, active, number, True)
        kept.conference = True
        self.merged(kept, "Conferenced", number, added, "conference", list(kept.legs), ids, old)
        return kept, added, old

    def merged(self, call, what, number, target, cause, viewers, ids, old):
        """Transferred and conferenced look alike: old calls, who did it, who came, the connections there are now."""
        actor, arrived, items = {
            "Transfered": ("transferringDevice", "transferredToDevice", "transferredConnections"),
            "Conferenced": ("conferencingDevice", "addedParty", "conferenceConnections")}[what]
        for viewer in dict.fromkeys(viewers):
            if viewer not in self.phones:
                continue
            fields = [connection(tag, call_id, self.device(viewer, number)) for call_id, tag in ids]
            fields += [subject(actor, self.device(viewer, number)), subject(arrived, self.device(viewer, target))]
            fields.append(Node(items, *self.items(viewer, call, old)))
            state = call.legs.get(viewer, "null")
            fields += [*self.quirk.own_state(what, state, call.legs.get(number, "null")), Node("cause", cause)]
            self.news.append((viewer, what + "Event", fields))

    def items(self, viewer, call, old):
        found = []
        for party, was in old.items():
            device = self.device(viewer, party)
            item = [connection("newConnection", call.id, device)]
            if was:
                item.append(connection("oldConnection", was, device))
            item.append(Node("endpoint", Node("deviceID", device)))
            found.append(Node("connectionListItem", *item))
        return found

    def dial(self, call, number, digits):
        self.need(call, number, "initiated")
        call.digits += digits
        self.digits(call, number, digits)
        if call.digits in self.phones or call.digits.startswith("0"):
            return self.dialled(call)
        if not any(phone.startswith(call.digits) for phone in self.phones):
            return self.dialled(call)

        def give_up():
            if call in self.calls and call.legs.get(number) == "initiated":
                self.dialled(call)
        self.later(10, give_up)

    def dialled(self, call):
        call.called, call.legs[call.calling] = call.digits, "connected"
        self.originated(call, "tel:" + call.digits)
        self.route(call, call.digits, "newCall")

    def generate(self, call, number, characters):
        self.need(call, number, "connected")
        self.tones.append([number, call.id, characters])

    # ---- features -------------------------------------------------------------------------------------------
    def set_forward(self, number, target):
        if target is not None and target not in self.phones and not target.startswith("0"):
            raise Refused("operation", "invalidForwardingDestination")
        self.forward.pop(number, None)
        if target is not None:
            self.forward[number] = target
        to = [] if target is None else [Node("forwardTo", "tel:" + target)]
        fields = [subject("device", self.device(number, number)), Node("forwardingType", "forwardImmediate"),
                  Node("forwardStatus", "false" if target is None else "true"), *to]
        self.news.append((number, "ForwardingEvent", fields))

    def set_quiet(self, number, on):
        (self.quiet.add if on else self.quiet.discard)(number)
        self.news.append((number, "DoNotDisturbEvent", [subject("device", self.device(number, number)),
                          Node("doNotDisturbOn", "true" if on else "false")]))

    # ---- what is --------------------------------------------------------------------------------------------
    def snapshot(self, number):
        items = []
        for call in self.of(number):
            states = [call.legs[number]] + [call.legs[other] for other in call.others(number)]
            end = [subject("endpointDevice", self.device(number, other)) for other in call.others(number)[:1]]
            states = Node("compoundCallState", *[Node("localConnectionState", state) for state in states])
            own = connection("connectionIdentifier", call.id, self.device(number, number))
            items.append(Node("snapshotDeviceResponseInfo", own, *end, Node("localCallState", states)))
        return Node("SnapshotDeviceResponse", Node("crossRefIDorSnapshotData", Node("snapshotData", *items)))

    def truth(self):
        """For each phone and call what a person would say of it; more than one word where the documents allow both."""
        found = []
        for call in self.calls:
            for number, state in call.legs.items():
                if number in self.phones and state != "fail":
                    found.append([number, call.id, self.words(call, number, state)])
        return sorted(found)

    def words(self, call, number, state):
        others = [call.legs[other] for other in call.others(number)]
        if state != "connected":
            return {"initiated": ["outgoing"], "alerting": ["offering"], "hold": ["on_hold"]}.get(state, ["outgoing"])
        if "fail" in others:
            return ["failed"]
        if call.conference:
            return ["conferenced"]
        if "connected" in others:
            return ["connected"]
        if "hold" in others:
            return ["remote_held"]
        # Transferred to somebody who still rings: connected by the event, ringing back by a snapshot.
        was_moved = call.calling != number or call.redirecting is not NOT_REDIRECTED
        return ["outgoing", "connected"] if was_moved else ["outgoing"]

    # ---- faults ---------------------------------------------------------------------------------------------
    def vanish(self, numbers):
        """The phones lose their power: nobody is told."""
        self.calls = [call for call in self.calls if not set(call.legs) & set(numbers)]

    def appear(self, calling, called):
        """A call of which nobody was told."""
        call = Call(calling, called)
        call.legs = {calling: "connected", called: "connected"}
        self.calls.append(call)
