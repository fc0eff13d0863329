#!/usr/bin/env python3
"""A small CME written from the protocol alone, sharing nothing with the gateway or the twin, in another language.

It plays three phones (211, 233, 240), checks every request that it gets byte by byte, and answers as IOS does. On
standard input it takes commands, one a line, and answers each with one line of JSON on standard output:

    call 211 233      phone 211 dials 233          answer 233       233 lifts the handset
    hang 211          211 hangs up                 violations       what the client did wrong, and the slowest answer
    restart           drop everything, new reference id             state            calls and monitors
"""
import asyncio, base64, hashlib, json, re, sys, time, uuid

ED3 = "http://www.ecma-international.org/standards/ecma-323/csta/ed3"
PHONES = {"211": "0A1B2C3D4E5F", "233": "0A1B2C3D4E60", "240": "0A1B2C3D4E61"}
USER, PASSWORD, REALM = "ctigw", "secret-canary-77", "cme"
ORDER = {
    "MakeCall": ["callingDevice", "calledDirectoryNumber", "accountCode", "authCode", "autoOriginate", "correlatorData",
                 "userData", "callCharacteristics", "mediaCallCharacteristics", "callingConnectionInfo", "subjectOfCall"],
    "MonitorStart": ["monitorObject", "requestedMonitorFilter", "monitorType", "requestedMonitorMediaClass"],
    "AnswerCall": ["callToBeAnswered"], "ClearConnection": ["connectionToBeCleared"], "HoldCall": ["callToBeHeld"],
    "RetrieveCall": ["callToBeRetrieved"], "SnapshotDevice": ["snapshotObject"], "MonitorStop": ["monitorCrossRefID"],
    "GetForwarding": ["device"], "GetDoNotDisturb": ["device"], "GetCSTAFeatures": [], "RequestSystemStatus": [],
}


class Call:
    def __init__(self, caller, called):
        u = uuid.uuid1().hex.upper()
        self.id = "-".join(u[i:i + 8] for i in range(0, 32, 8))
        self.caller, self.called = caller, called
        self.state = {caller: "connected", called: "alerting"}


class Session:
    def __init__(self):
        self.number = self.tag = self.call_id = self.remote = self.contact = None
        self.cseq_in, self.cseq_out, self.xref, self.outstanding, self.mac = 0, 100, None, 0, None


class Cme:
    def __init__(self):
        self.bad, self.slowest, self.sessions, self.calls, self.writers = [], 0.0, {}, [], []
        self.xref, self.refid, self.nonce, self.waiting, self.buffers = 0x40, "4D1009AE", "abc123", {}, {}
        self.nc = 0

    def fault(self, rule, detail=""):
        self.bad.append({"rule": rule, "detail": detail[:300]})

    # ---- SIP ------------------------------------------------------------------------------------------------
    async def serve(self, reader, writer):
        self.writers.append(writer)
        data = b""
        try:
            while True:
                while data.startswith(b"\r\n"):
                    if data.startswith(b"\r\n\r\n"):
                        writer.write(b"\r\n")
                        data = data[4:]
                    else:
                        data = data[2:]
                end = data.find(b"\r\n\r\n")
                if end >= 0:
                    head = data[:end].decode("utf-8", "strict")
                    if "\n" in head.replace("\r\n", ""):
                        self.fault("bare line feed", head)
                    lengths = re.findall(r"(?mi)^content-length: (\d+)\r?$", head)
                    if len(lengths) != 1:
                        self.fault("exactly one Content-Length", head)
                    length = int(lengths[0]) if lengths else 0
                    if len(data) >= end + 4 + length:
                        body, data = data[end + 4:end + 4 + length], data[end + 4 + length:]
                        try:
                            self.message(head, body, writer)
                        except Exception as error:  # a message that breaks us is worth a look
                            self.fault("cannot be read", f"{error!r} {head}")
                        continue
                got = await reader.read(65536)
                if not got:
                    break
                data += got
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            if writer in self.writers:
                self.writers.remove(writer)
            writer.close()

    def message(self, head, body, writer):
        lines = head.split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or not value.startswith(" "):
                self.fault("header form", line)
            headers.setdefault(name.lower(), []).append(value.strip())
        one = lambda name: headers.get(name, [""])[0]
        for name in ("via", "from", "to", "call-id", "cseq"):
            if len(headers.get(name, [])) != 1:
                self.fault("exactly one " + name, head)
        if lines[0].startswith("SIP/2.0 "):
            key = (one("call-id"), one("cseq"))
            sent = self.waiting.pop(key, None)
            if sent is None:
                self.fault("answer to nothing", head)
            else:
                self.slowest = max(self.slowest, time.monotonic() - sent)
            if not lines[0].startswith("SIP/2.0 200 "):
                self.fault("event not answered with 200", head)
            if body:
                self.fault("body in the answer to an event", head)
            return
        match = re.fullmatch(r"([A-Z]+) (sip:[^ ]+) SIP/2\.0", lines[0])
        if not match:
            return self.fault("request line", lines[0])
        method, uri = match.groups()
        if one("max-forwards") != "70":
            self.fault("Max-Forwards 70", head)
        if not re.match(r"SIP/2\.0/TCP [^;]+:\d+;.*branch=z9hG4bK", one("via")):
            self.fault("Via", one("via"))
        number, _, name = one("cseq").partition(" ")
        if name != method:
            self.fault("CSeq method", head)
        if ";tag=" not in one("from"):
            self.fault("From tag", head)
        if body:
            if one("content-type").lower() != "application/csta+xml":
                self.fault("Content-Type", one("content-type"))
            if one("content-disposition").replace(" ", "") != "signal;handling=required":
                self.fault("Content-Disposition", one("content-disposition"))
        if method in ("REGISTER", "INVITE", "INFO") and not re.match(r"<sip:[^>]+;transport=tcp>", one("contact")):
            self.fault("Contact", head)

        def answer(status, body=b"", extra=(), tag=None):
            to = one("to")
            if ";tag=" not in to:
                to += ";tag=" + (tag or "3C11A0-1F2")
            out = [f"SIP/2.0 {status}", "Via: " + one("via"), "From: " + one("from"), "To: " + to,
                   "Date: Mon, 01 Sep 2014 08:00:00 GMT", "Call-ID: " + one("call-id"), "CSeq: " + one("cseq"),
                   "Server: Cisco-SIPGateway/IOS-12.x", *extra]
            if body:
                out += ["Content-Type: application/csta+xml", "Content-Disposition: signal;handling=required"]
            writer.write("\r\n".join(out + [f"Content-Length: {len(body)}", "", ""]).encode() + body)

        if method == "REGISTER":
            if uri.split(":")[1].find("@") >= 0:
                self.fault("REGISTER Request-URI has a user", uri)
            auth = one("authorization")
            if not auth:
                self.nc = 0
                return answer("401 Unauthorized", extra=[f'WWW-Authenticate: Digest realm="{REALM}",nonce="{self.nonce}",algorithm=MD5,qop="auth"'])
            field = dict((k, v.strip('"')) for k, v in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', auth))
            h = lambda text: hashlib.md5(text.encode()).hexdigest()
            want = h(":".join([h(f"{USER}:{REALM}:{PASSWORD}"), self.nonce, field.get("nc", ""), field.get("cnonce", ""), "auth", h(f"REGISTER:{field.get('uri')}")]))
            if field.get("response") != want or field.get("uri") != uri:
                self.fault("digest", auth)
                return answer("403 Forbidden")
            nc = int(field.get("nc", "0"), 16)
            if nc <= self.nc or len(field.get("nc", "")) != 8:
                self.fault("nc must grow", auth)
            self.nc = nc
            expires = int(one("expires") or 600)
            return answer("200 OK", extra=[f"Contact: {one('contact')};expires={expires}", f"Expires: {expires}", f"Cisco-referenceID: {self.refid}"])
        if method == "OPTIONS":
            return answer("200 OK", extra=["Allow: INVITE, OPTIONS, BYE, CANCEL, ACK, INFO, REGISTER"])
        session = self.sessions.get(one("call-id"))
        if method == "INVITE" and session is None:
            user = re.match(r"sip:([^@]+)@", uri).group(1)
            who = re.search(r"<sip:([^@]+)@", one("from")).group(1)
            if who != f"{user}_{PHONES.get(user)}":
                return answer("404 Not Found")
            if self.root(body) != "RequestSystemStatus":
                self.fault("INVITE body", body.decode())
            session = Session()
            session.number, session.mac, session.call_id = user, PHONES[user], one("call-id")
            session.tag, session.remote = uuid.uuid4().hex[:6].upper() + "-AA0", one("from")
            session.contact, session.cseq_in = re.search(r"<([^>]+)>", one("contact")).group(1), int(number)
            session.local, session.writer = one("to"), writer
            self.sessions[session.call_id] = session
            answer("100 Trying")
            return answer("200 OK", self.xml("RequestSystemStatusResponse", "<systemStatus>normal</systemStatus>"),
                          [f"Contact: <sip:{user}@127.0.0.1:{self.port};transport=tcp>", "Session-Expires: 1800;refresher=uac", "Require: timer"], session.tag)
        if method == "ACK":
            if session is None or f";tag={session.tag}" not in one("to") or body:
                self.fault("ACK", head)
            return
        if session is None or f";tag={session.tag}" not in one("to"):
            return answer("481 Call Leg/Transaction Does Not Exist")
        if int(number) != session.cseq_in + 1:
            self.fault("CSeq must grow by one", head)
        session.cseq_in, session.writer = int(number), writer
        if method == "BYE":
            if session.xref:
                self.fault("BYE before MonitorStop")
            self.sessions.pop(session.call_id)
            return answer("200 OK")
        if method == "INVITE":
            return answer("200 OK", self.xml("RequestSystemStatusResponse", "<systemStatus>normal</systemStatus>"),
                          [f"Contact: <sip:{session.number}@127.0.0.1:{self.port};transport=tcp>", "Session-Expires: 1800;refresher=uac"])
        if method != "INFO":
            self.fault("method", head)
            return answer("405 Method Not Allowed")
        session.outstanding += 1
        if session.outstanding > 1:
            self.fault("two services outstanding in one dialog", head)
        events = []
        reply = self.service(session, body.decode(), events)

        def finish():
            session.outstanding -= 1
            answer("200 OK", reply)
            for target, xml in events:
                self.event(target, xml)

        asyncio.get_running_loop().call_later(0.004, finish)

    # ---- CSTA -----------------------------------------------------------------------------------------------
    def xml(self, root, inner=""):
        return f'<?xml version="1.0" encoding="UTF-8"?>\r\n<{root} xmlns="{ED3}">{inner}</{root}>'.encode()

    def root(self, body):
        text = body.decode() if isinstance(body, bytes) else body
        match = re.search(r"<([A-Za-z]+) xmlns=\"([^\"]*)\"", text)
        if not match or match.group(2) != ED3:
            self.fault("root and namespace", text)
            return ""
        return match.group(1)

    def error(self, category, value):
        return self.xml("CSTAErrorCode", f"<{category}>{value}</{category}>")

    def me(self, number):
        return f"tel:{number};device={PHONES[number]}"

    def service(self, session, text, events):
        import xml.etree.ElementTree as tree
        name = self.root(text)
        parsed = tree.fromstring(text)
        children = [child.tag.split("}")[1] for child in parsed]
        order = ORDER.get(name)
        if order is None:
            return self.error("operation", "serviceNotSupported")
        if [c for c in order if c in children] != children:
            self.fault("child order of " + name, text)
        get = lambda tag: next((e.text or "" for e in parsed.iter() if e.tag.endswith("}" + tag)), "")
        mine = self.me(session.number)
        if name == "RequestSystemStatus":
            return self.xml("RequestSystemStatusResponse", "<systemStatus>normal</systemStatus>")
        if name == "GetCSTAFeatures":
            inner = "".join(f"<{s}/>" for s in ("answerCall", "clearConnection", "holdCall", "makeCall", "retrieveCall"))
            return self.xml("GetCSTAFeaturesResponse", f"<supportedServices><monitoringServList><monitorStart/><monitorStop/></monitoringServList><snapshotServList><snapshotDevice/></snapshotServList><callControlServList>{inner}</callControlServList></supportedServices>")
        if name == "MonitorStart":
            if get("deviceObject") != mine:
                return self.error("operation", "invalidMonitorObject")
            self.xref += 1
            session.xref = f"{self.xref:08d}"
            return self.xml("MonitorStartResponse", f"<monitorCrossRefID>{session.xref}</monitorCrossRefID>")
        if name == "MonitorStop":
            if get("monitorCrossRefID") != session.xref:
                return self.error("operation", "invalidMonitorCrossRefID")
            session.xref = None
            return self.xml("MonitorStopResponse")
        if name == "SnapshotDevice":
            items = ""
            for call in self.calls:
                if session.number in call.state:
                    other = call.called if session.number == call.caller else call.caller
                    items += (f"<snapshotDeviceResponseInfo><connectionIdentifier><callID>{call.id}</callID><deviceID>{mine}</deviceID></connectionIdentifier>"
                              f"<endpointDevice><deviceIdentifier>tel:{other}</deviceIdentifier></endpointDevice><localCallState><compoundCallState>"
                              f"<localConnectionState>{call.state[session.number]}</localConnectionState><localConnectionState>{call.state.get(other, 'null')}</localConnectionState>"
                              f"</compoundCallState></localCallState></snapshotDeviceResponseInfo>")
            return self.xml("SnapshotDeviceResponse", f"<crossRefIDorSnapshotData><snapshotData>{items}</snapshotData></crossRefIDorSnapshotData>")
        if name == "GetForwarding":
            return self.error("operation", "serviceNotSupported")
        if name == "GetDoNotDisturb":
            return self.xml("GetDoNotDisturbResponse", "<doNotDisturbOn>false</doNotDisturbOn>")
        if name == "MakeCall":
            if get("callingDevice") != mine or get("autoOriginate") != "doNotPrompt" or not get("calledDirectoryNumber").startswith("tel:"):
                self.fault("MakeCall", text)
            called = get("calledDirectoryNumber")[4:]
            if called not in PHONES:
                return self.error("operation", "invalidCalledDeviceID")
            call = self.originate(session.number, called, events)
            return self.xml("MakeCallResponse", f"<callingDevice><callID>{call.id}</callID><deviceID>{mine}</deviceID></callingDevice>")
        if get("deviceID") != mine:
            self.fault("own device in the connection", text)
        call = next((c for c in self.calls if c.id == get("callID") and session.number in c.state), None)
        if call is None:
            return self.error("operation", "invalidCallID")
        state = call.state[session.number]
        if name == "AnswerCall" and state == "alerting":
            self.pick_up(call, events)
        elif name == "ClearConnection" and state != "alerting":
            self.clear(call, session.number, events)
        elif name == "HoldCall" and state == "connected":
            call.state[session.number] = "hold"
            self.both(call, events, session.number, "HeldEvent", "heldConnection", "holdingDevice", "hold")
        elif name == "RetrieveCall" and state == "hold":
            call.state[session.number] = "connected"
            self.both(call, events, session.number, "RetrievedEvent", "retrievedConnection", "retrievingDevice", "connected")
        else:
            return self.error("stateIncompatibility", "invalidConnectionState")
        return self.xml(name + "Response")

    def device(self, viewer, number):
        return self.me(number) if viewer == number else f"tel:{number}"

    def both(self, call, events, actor, root, connection, subject, local):
        for viewer in list(call.state):
            who = self.device(viewer, actor)
            state = local if viewer == actor else "connected"
            events.append((viewer, (root, f"<{connection}><callID>{call.id}</callID><deviceID>{who}</deviceID></{connection}><{subject}><deviceIdentifier>{who}</deviceIdentifier></{subject}><localConnectionInfo>{state}</localConnectionInfo><cause>normal</cause>")))

    def progress(self, call, events, root, connection, subject, states, cause):
        for viewer in list(call.state):
            who = self.device(viewer, call.called)
            events.append((viewer, (root, f"<{connection}><callID>{call.id}</callID><deviceID>{who}</deviceID></{connection}><{subject}><deviceIdentifier>{who}</deviceIdentifier></{subject}>"
                                          f"<callingDevice><deviceIdentifier>{self.device(viewer, call.caller)}</deviceIdentifier></callingDevice><calledDevice><deviceIdentifier>tel:{call.called}</deviceIdentifier></calledDevice>"
                                          f"<lastRedirectionDevice><notRequired/></lastRedirectionDevice><localConnectionInfo>{states[viewer == call.called]}</localConnectionInfo><cause>{cause}</cause>")))

    def originate(self, caller, called, events):
        call = Call(caller, called)
        self.calls.append(call)
        who = self.me(caller)
        events.append((caller, ("OriginatedEvent", f"<originatedConnection><callID>{call.id}</callID><deviceID>{who}</deviceID></originatedConnection><callingDevice><deviceIdentifier>{who}</deviceIdentifier></callingDevice><calledDevice><notKnown/></calledDevice><localConnectionInfo>connected</localConnectionInfo><cause>normal</cause>")))
        self.progress(call, events, "DeliveredEvent", "connection", "alertingDevice", ("connected", "alerting"), "newCall")
        return call

    def pick_up(self, call, events):
        call.state[call.called] = "connected"
        self.progress(call, events, "EstablishedEvent", "establishedConnection", "answeringDevice", ("connected", "connected"), "normal")

    def clear(self, call, actor, events):
        self.calls.remove(call)
        for gone in (actor, call.called if actor == call.caller else call.caller):
            for viewer in list(call.state):
                who = self.device(viewer, gone)
                local = "null" if viewer == gone else "connected"
                events.append((viewer, ("ConnectionClearedEvent", f"<droppedConnection><callID>{call.id}</callID><deviceID>{who}</deviceID></droppedConnection><releasingDevice><deviceIdentifier>{self.device(viewer, actor)}</deviceIdentifier></releasingDevice><localConnectionInfo>{local}</localConnectionInfo><cause>normalClearing</cause>")))
            call.state.pop(gone, None)

    def event(self, number, event):
        root, inner = event
        for session in self.sessions.values():
            if session.number == number and session.xref and not session.writer.is_closing():
                session.cseq_out += 1
                body = self.xml(root, f"<monitorCrossRefID>{session.xref}</monitorCrossRefID>{inner}")
                head = [f"INFO {session.contact} SIP/2.0", f"Via: SIP/2.0/TCP 127.0.0.1:{self.port};branch=z9hG4bK{uuid.uuid4().hex[:8].upper()}",
                        f"From: {session.local};tag={session.tag}", f"To: {session.remote}", "Date: Mon, 01 Sep 2014 08:00:00 GMT", f"Call-ID: {session.call_id}",
                        "User-Agent: Cisco-SIPGateway/IOS-12.x", "Max-Forwards: 70", f"Timestamp: {int(time.time())}", f"CSeq: {session.cseq_out} INFO",
                        f"Contact: <sip:{number}@127.0.0.1:{self.port};transport=tcp>", "Content-Type: application/csta+xml",
                        "Content-Disposition: signal;handling=required", f"Content-Length: {len(body)}", "", ""]
                self.waiting[(session.call_id, f"{session.cseq_out} INFO")] = time.monotonic()
                session.writer.write("\r\n".join(head).encode() + body)

    # ---- XML API --------------------------------------------------------------------------------------------
    async def web(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(re.search(r"(?i)content-length: (\d+)", head).group(1))
            body = (await reader.readexactly(length)).decode()
            want = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if not head.startswith("POST /ios_xml_app/cme HTTP/1.1"):
                out, status = "404 Not Found", "404 Not Found"
            elif want not in head:
                out, status = "401 Unauthorized", "401 Unauthorized"
            else:
                out, status = self.axl(body), "200 OK"
            extra = 'WWW-Authenticate: Basic realm="level_15_access"\r\n' if status[:3] == "401" else "Content-Type: text/xml\r\n"
            writer.write(f"HTTP/1.1 {status}\r\nServer: cisco-IOS\r\n{extra}Connection: close\r\n\r\n{out}".encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    def axl(self, body):
        wrap = lambda inner: f"<SOAP-ENV:Envelope><SOAP-ENV:Body><axl><response>{inner}</response></axl></SOAP-ENV:Body></SOAP-ENV:Envelope>"
        if "<ISgetGlobal>" in body:
            return wrap("<ISGlobal><ISMode>ITS</ISMode><ISVersion>8.6</ISVersion><ISName>foreign</ISName></ISGlobal>")
        tag = re.search(r"<IS(?:DevID|ExtID)>(\d+)<", body)
        items = list(enumerate(PHONES.items(), 1))
        pick = [i for i in items if not tag or i[0] == int(tag.group(1))]
        short = "<ISKeyword>allTag<" in body
        if "<ISKeyword>all<" in body and "UserProfile" not in body:
            return wrap("<ISError><ISErrorCode>1</ISErrorCode><ISErrorMsg>too large</ISErrorMsg></ISError>")
        if "<ISgetDevice>" in body:
            one = lambda i, n, m: f"<ISDevice><ISDevID>{i}</ISDevID>" + ("" if short else f"<ISDevName>SEP{m}</ISDevName><ISDevType>7965</ISDevType><ISDevLineButtons><ISDevLineButton><ISDevLineButtonID>1</ISDevLineButtonID><ISDevLineButtonMode>NORMAL</ISDevLineButtonMode></ISDevLineButton></ISDevLineButtons><ISPhoneLineList><ExtMapStatus><LineId>1</LineId><ExtId>{i}</ExtId><ExtNumber>{n}</ExtNumber><ExtStatus>true</ExtStatus><LineState>idle</LineState></ExtMapStatus></ISPhoneLineList><ISLogoutProfileID>0</ISLogoutProfileID><ISUserProfileID>0</ISUserProfileID><ISDevStatus>registered</ISDevStatus>") + "</ISDevice>"
            return wrap("<ISDevices>" + "".join(one(i, n, m) for i, (n, m) in pick) + "</ISDevices>")
        if "<ISgetExtension>" in body:
            one = lambda i, n: f"<ISExtension><ISExtID>{i}</ISExtID>" + ("" if short else f"<ISExtNumber>{n}</ISExtNumber><ISExtType>normal</ISExtType><ISExtStatus>up</ISExtStatus><ISDevList><ISDeviceID>{i}</ISDeviceID></ISDevList><cti><notify>true</notify><watch>true</watch></cti><name>Phone {n}</name>") + "</ISExtension>"
            return wrap("<ISExtensions>" + "".join(one(i, n) for i, (n, _) in pick) + "</ISExtensions>")
        if "<ISgetUserProfile>" in body:
            return wrap("<ISUserProfiles></ISUserProfiles>")
        return wrap("<ISError><ISErrorCode>9</ISErrorCode><ISErrorMsg>unknown request</ISErrorMsg></ISError>")

    # ---- commands -------------------------------------------------------------------------------------------
    def command(self, words):
        events = []
        if words[0] == "call":
            self.originate(words[1], words[2], events)
        elif words[0] == "answer":
            self.pick_up(next(c for c in self.calls if c.called == words[1]), events)
        elif words[0] == "hang":
            self.clear(next(c for c in self.calls if words[1] in c.state), words[1], events)
        elif words[0] == "restart":
            self.sessions, self.calls, self.waiting, self.refid = {}, [], {}, uuid.uuid4().hex[:8].upper()
            for writer in list(self.writers):
                writer.transport.abort()
        for target, xml in events:
            self.event(target, xml)
        if words[0] == "violations":
            return {"violations": self.bad, "slowest_ms": round(self.slowest * 1000, 1), "unanswered": len(self.waiting)}
        return {"calls": [[c.id, c.state] for c in self.calls], "monitors": sorted(s.number for s in self.sessions.values() if s.xref)}


async def main(sip_port, xml_port):
    cme = Cme()
    sip = await asyncio.start_server(cme.serve, "127.0.0.1", sip_port)
    xml = await asyncio.start_server(cme.web, "127.0.0.1", xml_port)
    cme.port = sip.sockets[0].getsockname()[1]
    print(json.dumps({"sip": cme.port, "xml": xml.sockets[0].getsockname()[1]}), flush=True)
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := (await commands.readline()).decode():
        try:
            print(json.dumps(cme.command(line.split())), flush=True)
        except (StopIteration, IndexError, KeyError) as error:
            print(json.dumps({"error": repr(error)}), flush=True)


if __name__ == "__main__":
    ports = [int(word) for word in sys.argv[1:3]] + [0, 0]
    asyncio.run(main(ports[0], ports[1]))
