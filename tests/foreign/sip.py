"""SIP over TCP as IOS speaks it: frames, headers, dialogs. Every byte that comes is judged."""
import asyncio
import re
import time
import uuid

PATIENCE_S = 3.0  # an event that is answered later than this is a violation
COMPACT = {"via": "v", "from": "f", "to": "t", "call-id": "i", "contact": "m", "content-type": "c",
           "content-length": "l"}
BODY_TYPES = ("application/csta+xml", "APPLICATION/CSTA+XML", "application/csta+xml; charset=utf-8",
              "application/CSTAdata+xml")


def usable(writer):
    """Whether we may still say something on it: one that we closed is only listened to."""
    return not writer.is_closing() and not getattr(writer, "ended", False)


class Message:
    def __init__(self, head, body, fault):
        lines = head.split("\r\n")
        self.start, self.head, self.body, self.headers = lines[0], head, body, {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or not value.startswith(" "):
                fault("header form", line)
            self.headers.setdefault(name.lower(), []).append(value.strip())
        for name in ("via", "from", "to", "call-id", "cseq"):
            if len(self.headers.get(name, [])) != 1:
                fault("exactly one " + name, head)
        self.number, _, self.method = self["cseq"].partition(" ")

    def __getitem__(self, name):
        return self.headers.get(name, [""])[0]


class Session:
    """One dialog of a line: what both sides said when it was made."""

    def __init__(self, line, mac, message, writer):
        self.line, self.mac, self.call_id = line, mac, message["call-id"]
        self.remote, self.local = message["from"], message["to"]
        self.tag = uuid.uuid4().hex[:6].upper() + "-AA0"
        self.contact = re.search(r"<([^>]+)>", message["contact"]).group(1)
        self.cseq_in, self.cseq_out, self.xref, self.outstanding = int(message.number), 100, None, 0
        self.invite, self.writer, self.due, self.queue = int(message.number), writer, 0.0, asyncio.Queue()


class Wire:
    """Connections, both ways, and the judge of what is read from them."""

    def __init__(self):
        self.bad, self.slowest, self.writers, self.waiting, self.branches = [], 0.0, [], {}, set()
        self.port, self.deaf, self.tasks = 0, False, set()

    def fault(self, rule, detail=""):
        if len(self.bad) < 40:
            self.bad.append({"rule": rule, "detail": detail[:600]})

    async def serve(self, reader, writer):
        if self.deaf:
            writer.transport.abort()
            return
        self.writers.append(writer)
        writer.used, data = 0.0, b""
        try:
            while True:
                while data.startswith(b"\r\n"):
                    if data.startswith(b"\r\n\r\n"):
                        writer.write(b"\r\n")
                        data = data[4:]
                    else:
                        data = data[2:]
                taken = self.frame(data, writer)
                if taken:
                    data = data[taken:]
                    continue
                got = await reader.read(65536)
                if not got:
                    break
                data += got
                writer.used = time.monotonic()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            if writer in self.writers:
                self.writers.remove(writer)
            writer.close()

    def frame(self, data, writer):
        """Takes one whole message from the front; gives its length."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        head = data[:end].decode("utf-8", "strict")
        if "\n" in head.replace("\r\n", ""):
            self.fault("bare line feed", head)
        lengths = re.findall(r"(?mi)^content-length: (\d+)\r?$", head)
        if len(lengths) != 1:
            self.fault("exactly one Content-Length", head)
        length = int(lengths[0]) if lengths else 0
        if len(data) < end + 4 + length:
            return 0
        try:
            self.message(Message(head, data[end + 4:end + 4 + length], self.fault), writer)
        except Exception as error:  # a message that breaks us is worth a look
            self.fault("cannot be read", f"{error!r} {head}")
        return end + 4 + length

    def message(self, message, writer):
        if message.start.startswith("SIP/2.0 "):
            return self.answered(message)
        match = re.fullmatch(r"([A-Z]+) (sip:[^ ]+) SIP/2\.0", message.start)
        if not match:
            return self.fault("request line", message.start)
        method, uri = match.groups()
        if message["max-forwards"] != "70":
            self.fault("Max-Forwards 70", message.head)
        via = re.match(r"SIP/2\.0/TCP ([^; ]+:\d+);.*branch=(z9hG4bK[^;]+)", message["via"])
        if not via:
            return self.fault("Via", message["via"])
        if method not in ("ACK", "INVITE", "REGISTER"):
            # What changes nothing may come again over a new connection; a service never.
            if via.group(2) in self.branches:
                self.fault("a branch that was used before", message.head)
            self.branches.add(via.group(2))
        if message.method != method:
            self.fault("CSeq method", message.head)
        if ";tag=" not in message["from"]:
            self.fault("From tag", message.head)
        if message.body:
            if message["content-type"].lower() != "application/csta+xml":
                self.fault("Content-Type", message["content-type"])
            if message["content-disposition"].replace(" ", "") != "signal;handling=required":
                self.fault("Content-Disposition", message["content-disposition"])
        if method in ("REGISTER", "INVITE", "INFO"):
            contact = re.match(r"<sip:[^>@]+@([^>]+);transport=tcp>", message["contact"])
            if not contact:
                self.fault("Contact", message.head)
            elif contact.group(1) != via.group(1):
                self.fault("Contact and Via name one place", message.head)
        self.request(method, uri, message, writer)

    def answered(self, message):
        """The answer to a request of ours: 200 at once, without a body, as often as we asked."""
        key = (message["call-id"], message["cseq"])
        sent = self.waiting.get(key)
        if sent is None:
            return self.fault("answer to nothing", message.head)
        took = time.monotonic() - sent["at"]
        self.slowest = max(self.slowest, took)
        if took > PATIENCE_S:
            self.fault("an event that waits for its answer", f"{took:.1f} s, {message.head}")
        if not message.start.startswith("SIP/2.0 200 "):
            self.fault("event not answered with 200", message.head)
        if message.body:
            self.fault("body in the answer to an event", message.head)
        for name, value in sent["same"].items():
            if re.sub(r"\s*;\s*", ";", message[name]) != value:
                self.fault("an answer repeats " + name, f"{value} but {message.head}")
        sent["copies"] -= 1
        if not sent["copies"]:
            del self.waiting[key]

    def answer(self, message, writer, status, body=b"", extra=(), tag=None, odd=None):
        to = message["to"]
        if ";tag=" not in to:
            to += ";tag=" + (tag or "3C11A0-1F2")
        headers = [("Via", message["via"]), ("From", message["from"]), ("To", to),
                   ("Date", "Mon, 01 Sep 2014 08:00:00 GMT"), ("Call-ID", message["call-id"]),
                   ("CSeq", message["cseq"]), ("Server", "Cisco-SIPGateway/IOS-12.x"), *extra]
        if usable(writer):
            return self.write(writer, f"SIP/2.0 {status}", headers, body, odd)

        async def elsewhere():
            """The connection of the request is gone: a new one to where its Via says."""
            host, port = re.match(r"SIP/2\.0/TCP ([^:; ]+):(\d+)", message["via"]).groups()
            self.write(await self.connect(host, int(port)), f"SIP/2.0 {status}", headers, body, odd)
        self.run(elsewhere())

    def write(self, writer, start, headers, body, odd=None):
        headers = list(headers)
        if body:
            kind = odd.pick(*BODY_TYPES) if odd else BODY_TYPES[0]
            headers += [("Content-Type", kind), ("Content-Disposition", "signal;handling=required")]
        headers.append(("Content-Length", str(len(body))))
        if odd:
            vias, rest = headers[:1], headers[1:]
            odd.chance.shuffle(rest)
            headers = [self.strange(name, value, odd) for name, value in vias + rest]
        text = "\r\n".join([start, *[f"{name}: {value}" for name, value in headers], "", ""])
        if usable(writer):
            writer.used = time.monotonic()
            writer.write((b"\r\n" if odd else b"") + text.encode() + body)

    @staticmethod
    def strange(name, value, odd):
        if name.lower() in COMPACT and odd.chance.random() < 0.5:
            return COMPACT[name.lower()], value
        if name in ("From", "To") and odd.chance.random() < 0.5:
            return name.upper(), value.replace(";tag=", "\r\n ;tag=")
        return name, value

    def close_idle(self, seconds):
        """What nobody used for a while is closed, as IOS does; what was never used stays."""
        for writer in self.writers:
            if writer.used and time.monotonic() - writer.used > seconds and usable(writer):
                writer.ended = True
                writer.write_eof()

    def run(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def connect(self, host, port):
        for writer in self.writers:
            if writer.get_extra_info("peername")[:2] == (host, port) and usable(writer):
                return writer
        reader, writer = await asyncio.open_connection(host, port)
        self.run(self.serve(reader, writer))
        return writer

    async def reach(self, session):
        """A connection on which the client hears us: the one it used last, else a new one to its Contact."""
        if not usable(session.writer):
            host, port = re.search(r"@([^:;>]+):(\d+)", session.contact).groups()
            session.writer = await self.connect(host, int(port))
        return session.writer

    async def tell(self, session, body, how, odd):
        """An INFO of ours: `how` says whether it is sent, lost on the way, repeated, or sent again as a new one."""
        if how == "skip":
            return
        for _ in range(2 if how == "again" else 1):
            session.cseq_out += 1
            if how == "lose":
                return
            try:
                writer = await self.reach(session)
            except OSError as error:
                return self.fault("nobody listens at the Contact", f"{session.contact}: {error}")
            via = f"SIP/2.0/TCP 127.0.0.1:{self.port};branch=z9hG4bK{uuid.uuid4().hex[:8].upper()}"
            cseq = f"{session.cseq_out} INFO"
            headers = [("Via", via), ("From", f"{session.local};tag={session.tag}"), ("To", session.remote),
                       ("Date", "Mon, 01 Sep 2014 08:00:00 GMT"), ("Call-ID", session.call_id),
                       ("User-Agent", "Cisco-SIPGateway/IOS-12.x"), ("Max-Forwards", "70"),
                       ("Timestamp", str(int(time.time()))), ("CSeq", cseq),
                       ("Contact", f"<sip:{session.line}@127.0.0.1:{self.port};transport=tcp>")]
            copies = 2 if how == "repeat" else 1
            same = {"via": via, "from": f"{session.local};tag={session.tag}", "to": session.remote}
            self.waiting[(session.call_id, cseq)] = {"at": time.monotonic(), "copies": copies, "same": same}
            self.write(writer, f"INFO {session.contact} SIP/2.0", headers, body, odd)
            if copies > 1:
                self.run(self.repeat(session, headers, body, odd))

    async def repeat(self, session, headers, body, odd):
        """The same request once more, as if its answer had been lost."""
        await asyncio.sleep(0.05)
        self.write(await self.reach(session), f"INFO {session.contact} SIP/2.0", headers, body, odd)
