#!/usr/bin/env python3
"""A small CME written from the protocol alone, sharing nothing with the gateway or the twin, in another language.

    cme.py [SIP port] [XML port] [--quirk NAME] [--lanes N] [--example] [--many N]
           [--dialect 8.5|2008] [--response-size KB] [--records lean|full] [--latency MS]

It plays phones (211, 233 and 240; or five for each lane: 201 to 205, 301 to 305, ...; or those of the dossier's
example; or many with one number each), has all of call control, checks
every request that it gets byte by byte, and answers as IOS does, or as one quirk of quirks.py wants it. On standard
input it takes commands, one a line, and answers each with one line of JSON on standard output:

    call A B       phone A dials B                 answer A       A lifts the handset of the call that rings
    hang A         A hangs up                      hold A         A holds; retrieve A takes the call back
    busy A on|off  A is always busy                lift B         the far end of a trunk call answers
    forward A B|off  forwards its calls             quiet A on|off  wants no calls
    vanish A...    calls of these phones are gone, nobody is told
    appear A B     A talks to B, nobody was told
    register T     ephone T is there; unregister T, die T       login USER T   USER is at ephone T now; logout USER
    xml            requests of the XML API, and the most at once
    restart        drop everything, new reference id; away for half a second
    fall NAME      the next service of this name is not answered: it restarts instead
    quirk NAME     from now on                     state          calls and monitors
    truth          what is at the phones           violations     what the client did wrong, and the slowest answer
"""
import argparse
import asyncio
import hashlib
import json
import re
import sys
import uuid

import csta
import site_plan
from axl import XmlApi
from calls import Exchange, Refused
from csta import Node
from quirks import Quirk
from services import Services
from sip import Session, Wire

USER, PASSWORD, REALM = "ctigw", "secret-canary-77", "cme"
PHONES = {"211": "0A1B2C3D4E5F", "233": "0A1B2C3D4E60", "240": "0A1B2C3D4E61"}


def lanes(count):
    numbers = [f"{lane}0{phone}" for lane in range(2, 2 + count) for phone in range(1, 6)]
    return {number: f"0A1B2C3D4{number}" for number in numbers}


class Cme(Services, Wire):
    def __init__(self, phones, quirk, site=None):
        super().__init__()
        self.site, self.xml = site or site_plan.ordinary(phones), None
        self.quirk, self.sessions, self.refid, self.xref, self.nc = Quirk(quirk), {}, "4D1009AE", 0x40, 0
        self.nonce, self.refused, self.falls_at = "abc123", [], None
        self.exchange = Exchange(phones, self.quirk, self.later)

    def later(self, seconds, act):
        def run():
            act()
            self.publish(0.001)
        asyncio.get_running_loop().call_later(seconds, run)

    @property
    def odd(self):
        return self.quirk if self.quirk.odd else None

    # ---- SIP ------------------------------------------------------------------------------------------------
    def request(self, method, uri, message, writer):
        if method == "REGISTER":
            return self.register(uri, message, writer)
        if method == "OPTIONS":
            methods = "INVITE, OPTIONS, BYE, CANCEL, ACK, INFO, REGISTER"
            return self.answer(message, writer, "200 OK", extra=[("Allow", methods)])
        session = self.sessions.get(message["call-id"])
        if method == "INVITE" and session and session.invite == int(message.number):
            return self.answer(message, writer, "200 OK", self.normal(), self.accepted(session), session.tag, self.odd)
        if method == "INVITE" and ";tag=" not in message["to"]:
            return self.invite(uri, message, writer)
        if method == "ACK":
            is_ours = session and f";tag={session.tag}" in message["to"] and int(message.number) == session.invite
            if session and (not is_ours or message.body):
                self.fault("ACK", message.head)
            return
        if session is None or f";tag={session.tag}" not in message["to"]:
            return self.answer(message, writer, "481 Call Leg/Transaction Does Not Exist")
        if message["from"] != session.remote:
            self.fault("From of the dialog", message.head)
        if not re.fullmatch(rf"sip:{session.line}@127\.0\.0\.1:{self.port}(;transport=tcp)?", uri):
            self.fault("Request-URI is our Contact", message.head)
        if int(message.number) != session.cseq_in + 1:
            self.fault("CSeq must grow by one", message.head)
        session.cseq_in, session.writer = int(message.number), writer
        if method == "BYE":
            if session.xref:
                self.fault("BYE before MonitorStop")
            self.sessions.pop(session.call_id)
            return self.answer(message, writer, "200 OK")
        if method == "INVITE":
            session.invite = int(message.number)
            self.judge(message.body, "RequestSystemStatus")
            return self.answer(message, writer, "200 OK", self.normal(), self.accepted(session))
        if method != "INFO":
            self.fault("method", message.head)
            return self.answer(message, writer, "405 Method Not Allowed")
        self.info(session, message, writer)

    def register(self, uri, message, writer):
        if "@" in uri:
            self.fault("REGISTER Request-URI has a user", uri)
        auth = message["authorization"]
        if f'nonce="{self.nonce}"' not in auth:
            # Nothing, or a nonce of before the restart.
            self.nc = 0
            challenge = f'Digest realm="{REALM}",nonce="{self.nonce}",algorithm=MD5,qop="auth"'
            return self.answer(message, writer, "401 Unauthorized", extra=[("WWW-Authenticate", challenge)])
        field = {key: value.strip('"') for key, value in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', auth)}

        def digest(*parts):
            return hashlib.md5(":".join(parts).encode()).hexdigest()
        want = digest(digest(USER, REALM, PASSWORD), self.nonce, field.get("nc", ""), field.get("cnonce", ""), "auth",
                      digest("REGISTER", field.get("uri", "")))
        if field.get("response") != want or field.get("uri") != uri:
            self.fault("digest", auth)
            return self.answer(message, writer, "403 Forbidden")
        count = int(field.get("nc", "0"), 16)
        if count <= self.nc or len(field.get("nc", "")) != 8:
            self.fault("nc must grow", auth)
        self.nc = count
        expires = int(message["expires"] or 600)
        self.answer(message, writer, "200 OK", extra=[("Contact", f"{message['contact']};expires={expires}"),
                                                      ("Expires", str(expires)), ("Cisco-referenceID", self.refid)])

    def invite(self, uri, message, writer):
        user = re.match(r"sip:([^@]+)@", uri).group(1)
        who = re.search(r"<sip:([^@]+)@", message["from"]).group(1)
        mac = self.exchange.phones.get(user)
        status = self.site.session(user, who)
        if status != "200 OK":
            return self.answer(message, writer, status)
        if f"<sip:{who}@" not in message["contact"]:
            self.fault("Contact names the session", message.head)
        if "timer" not in message["supported"] or not message["session-expires"]:
            self.fault("session timer", message.head)
        self.judge(message.body, "RequestSystemStatus")
        session = Session(user, mac, message, writer)
        self.sessions[session.call_id] = session
        self.run(self.speak(session))
        self.answer(message, writer, "100 Trying")
        self.answer(message, writer, "200 OK", self.normal(), self.accepted(session), session.tag, self.odd)

    def is_own(self, device, line):
        """A number may be on several phones."""
        shown = [f"tel:{line};device={mac}" for mac in self.site.macs(line)]
        return super().is_own(device, line) or device in [*shown, f"tel:{line}"]

    def accepted(self, session):
        return [("Contact", f"<sip:{session.line}@127.0.0.1:{self.port};transport=tcp>"),
                ("Session-Expires", "1800;refresher=uac"), ("Require", "timer")]

    def normal(self):
        return self.quirk.write(Node("RequestSystemStatusResponse", Node("systemStatus", "normal")))

    def judge(self, body, name):
        if csta.Request(body, self.fault).name != name:
            self.fault("a body of " + name, body.decode())

    async def age(self):
        """Closes connections that nobody uses, where the quirk wants it."""
        while True:
            await asyncio.sleep(0.05)
            if self.quirk.closes_idle:
                self.close_idle(0.2)

    # ---- services -------------------------------------------------------------------------------------------
    def info(self, session, message, writer):
        session.outstanding += 1
        if session.outstanding > 1:
            self.fault("two services outstanding in one dialog", message.head + message.body.decode())
        request = csta.Request(message.body, self.fault)
        if request.name == self.falls_at:
            self.falls_at = None
            return self.restart()
        try:
            reply = self.serve_one(session, request)
        except Refused as refused:
            reply = csta.error(refused.category, refused.value)
            if refused.value != "serviceNotSupported":
                self.refused.append(f"{session.line} {request.name}: {refused}")
        wait, until = self.quirk.delays()
        body = self.quirk.write(reply)
        loop = asyncio.get_running_loop()

        def finish():
            if self.quirk.separate:
                self.answer(message, writer, "200 OK")
                return session.queue.put_nowait((loop.time() + 0.002, body, "respond"))
            session.outstanding -= 1
            self.answer(message, writer, "200 OK", body, odd=self.odd)

        loop.call_later(wait, finish)
        self.publish(until)

    def publish(self, delay):
        """Takes what happened at the phones to the sessions that watch them, in order."""
        due = asyncio.get_running_loop().time() + delay
        news, self.exchange.news = self.exchange.news, []
        for viewer, root, fields in news:
            due += 0.001
            for session in self.sessions.values():
                if session.line == viewer and session.xref:
                    event = Node(root, Node("monitorCrossRefID", session.xref), *fields)
                    session.queue.put_nowait((due, self.quirk.write(event), self.quirk.sending(viewer)))

    async def speak(self, session):
        """Sends what a session has to say, one after another."""
        loop = asyncio.get_running_loop()
        while True:
            due, body, how = await session.queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self.sessions.get(session.call_id) is not session:
                return
            if how == "respond":
                session.outstanding -= 1
            elif not session.xref:
                continue
            await self.tell(session, body, how, self.odd)

    # ---- commands -------------------------------------------------------------------------------------------
    def command(self, words):
        verb, *rest = words
        exchange = self.exchange
        if verb == "call":
            exchange.make(rest[0], rest[1])
        elif verb == "answer":
            exchange.answer(exchange.of(rest[0], "alerting")[0], rest[0])
        elif verb == "hang":
            calls = exchange.of(rest[0], "connected") or exchange.of(rest[0], "initiated", "alerting", "hold")
            exchange.clear(calls[0], rest[0])
        elif verb == "hold":
            exchange.hold(exchange.of(rest[0], "connected")[0], rest[0])
        elif verb == "retrieve":
            exchange.retrieve(exchange.of(rest[0], "hold")[0], rest[0])
        elif verb == "lift":
            call = next(call for call in exchange.calls if call.legs.get(rest[0]) == "null")
            call.legs[rest[0]] = "connected"
            exchange.established(call, rest[0])
        elif verb == "busy":
            (exchange.busy.add if rest[1] == "on" else exchange.busy.discard)(rest[0])
        elif verb == "forward":
            exchange.set_forward(rest[0], None if rest[1] == "off" else rest[1])
        elif verb == "quiet":
            exchange.set_quiet(rest[0], rest[1] == "on")
        elif verb == "vanish":
            exchange.vanish(rest)
        elif verb == "appear":
            exchange.appear(rest[0], rest[1])
        elif verb in self.site.VERBS:
            self.site.command(verb, *rest)
        elif verb == "xml":
            return self.xml.counts()
        elif verb == "restart":
            self.restart()
        elif verb == "fall":
            self.falls_at = rest[0]
        elif verb == "quirk":
            self.quirk = exchange.quirk = Quirk(rest[0])
        elif verb == "violations":
            return {"violations": self.bad, "slowest_ms": round(self.slowest * 1000, 1),
                    "unanswered": len(self.waiting), "refused": self.refused}
        elif verb == "truth":
            return {"calls": exchange.truth(), "forward": exchange.forward, "quiet": sorted(exchange.quiet),
                    "tones": exchange.tones}
        elif verb != "state":
            raise KeyError(verb)
        self.publish(0.001)
        return {"calls": [[call.id, call.legs] for call in exchange.calls],
                "monitors": sorted(session.line for session in self.sessions.values() if session.xref)}

    def restart(self):
        self.sessions, self.waiting, self.refid = {}, {}, uuid.uuid4().hex[:8].upper()
        self.exchange.calls, self.exchange.news, self.exchange.forward, self.exchange.quiet = [], [], {}, set()
        self.xref, self.nc, self.nonce, self.deaf = 0x40, 0, uuid.uuid4().hex[:6], True
        for writer in list(self.writers):
            writer.transport.abort()

        def back():
            self.deaf = False
        asyncio.get_running_loop().call_later(0.5, back)


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("ports", type=int, nargs="*")
    arguments.add_argument("--quirk", default="plain")
    arguments.add_argument("--lanes", type=int, default=0)
    arguments.add_argument("--example", action="store_true")
    arguments.add_argument("--many", type=int, default=0)
    arguments.add_argument("--dialect", choices=("8.5", "2008"), default="8.5")
    arguments.add_argument("--response-size", type=int, default=4)
    arguments.add_argument("--records", choices=("lean", "full"), default="lean")
    arguments.add_argument("--latency", type=int, default=0)
    given = arguments.parse_args()
    ports = [*given.ports, 0, 0]
    site = site_plan.example() if given.example else site_plan.many(given.many) if given.many else None
    phones = lanes(given.lanes) if given.lanes else PHONES
    if site:
        phones = {one.number: next((phone.mac for phone in site.appears_on(tag)), "") for tag, one in site.numbers.items()}
    cme = Cme(phones, given.quirk, site)
    api = cme.xml = XmlApi(cme.exchange, cme.site, USER, PASSWORD, cme.fault, given)
    sip = await asyncio.start_server(cme.serve, "127.0.0.1", ports[0])
    xml = await asyncio.start_server(api.serve, "127.0.0.1", ports[1])
    cme.port = sip.sockets[0].getsockname()[1]
    print(json.dumps({"sip": cme.port, "xml": xml.sockets[0].getsockname()[1]}), flush=True)
    cme.run(cme.age())
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := (await commands.readline()).decode():
        try:
            print(json.dumps(cme.command(line.split())), flush=True)
        except (StopIteration, IndexError, KeyError, ValueError, Refused) as error:
            print(json.dumps({"error": repr(error)}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
