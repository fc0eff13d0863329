"""What one release or site does otherwise than another; one at a time."""
import itertools
import random

from csta import ED3, Node, subject

PROMOTED = "4989123"  # dialplan-pattern 1 4989123... extension-length 3
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\r\n'
BASE = "http://www.ecma-international.org/standards/ecma-323/csta/ed"
# Services that a poor release lacks; each has an alternative in the documents.
FEW = {"SingleStepTransferCall", "ConsultationCall", "AlternateCall", "ReconnectCall", "DialDigits", "GenerateDigits",
       "GetForwarding", "GetDoNotDisturb", "RejectCall"}
NAMES = {
    "plain": "as the documents show it",
    "event_first": "every event before the response to the service that caused it",
    "response_first": "events well after the response",
    "separate_info": "an empty 200, and the response in an INFO of its own",
    "child_order": "the children of an element in any order",
    "namespaces": "other editions, other prefixes, none, white space around values",
    "fail_at_caller": "localConnectionInfo=fail at the caller of a busy number",
    "local_of_named": "localConnectionInfo is the state of the connection that the event names",
    "called_missing": "no called party and no redirecting party in any event",
    "events_lost": "every ninth event of a line is never sent and leaves no trace",
    "events_gap": "every seventh event of a line is lost on the way: its CSeq is used up",
    "info_twice": "every INFO comes twice, by turns as a repetition and as a new request",
    "ghost": "phones lose their power in mid-call and nobody is told",
    "reload": "the router starts anew in mid-call",
    "promoted": "phones appear with the number that the dialplan-pattern makes of theirs; who was dialled, as dialled",
    "basic_mode": "no device parameter anywhere (cti csta mode basic)",
    "ids_missing": "responses name no call and list no connections",
    "no_own_state": "no localConnectionInfo in any event",
    "dialling_told": "off hook, digits and number are told one by one, Originated twice",
    "transfer_clears": "a transfer is told together with the end of both connections, before or after it",
    "second_survives": "the callID of the consultation survives a transfer or conference",
    "waiting_refused": "a waiting call is not answered while another is active",
    "few_services": "only the services that the poorest product saw",
    "odd_sip": "compact, folded and shuffled headers, other content types, no XML declaration, Latin-1",
    "closes_idle": "a connection that nobody used for a moment is closed",
}


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(node, attributes=""):
    inner = "".join(plain(child) for child in node.children) + escape(node.text)
    return f"<{node.tag}{attributes}>{inner}</{node.tag}>" if inner else f"<{node.tag}{attributes}/>"


def prefixed(node, prefix, attributes=""):
    inner = "".join(prefixed(child, prefix) for child in node.children) + escape(node.text)
    return f"<{prefix}:{node.tag}{attributes}>{inner}</{prefix}:{node.tag}>"


def redeclared(node):
    """A prefix on the root, and a default namespace declared again in each child."""
    space = BASE + "5"
    inner = "".join(plain(child, f' xmlns="{space}"') for child in node.children)
    return f'<csta:{node.tag} xmlns:csta="{space}">{inner}</csta:{node.tag}>'


def mixed(node, at=0, attributes=f' xmlns:ns2="{BASE}4" xmlns:ns3="{BASE}4"'):
    inner = "".join(mixed(child, at + 1, "") for child in node.children) + escape(node.text)
    tag = f"ns{2 + at % 2}:{node.tag}"
    return f"<{tag}{attributes}>{inner}</{tag}>"


def spacious(node, attributes=f' xmlns="{BASE}6"'):
    inner = "".join("\r\n  " + spacious(child, "") for child in node.children)
    inner += f"\r\n  {escape(node.text)}\r\n" if node.text else ""
    return f"<{node.tag}{attributes}>{inner}\r\n</{node.tag}>"


STYLES = [redeclared, lambda node: prefixed(node, "c", f' xmlns:c="{ED3}"'), mixed, plain, spacious,
          lambda node: plain(node, ' xmlns="http://www.ecma.ch/standards/ecma-323/csta/ed2"')]


class Quirk:
    def __init__(self, name):
        if name not in NAMES:
            raise KeyError(name)
        self.name, self.chance = name, random.Random(name)
        self.counts = {}
        self.turn = itertools.cycle(range(60))
        self.refuses_waiting = name in ("waiting_refused", "few_services")
        self.second_survives = name == "second_survives"
        self.separate = name == "separate_info"
        self.forgets = name == "ids_missing"
        self.odd = name == "odd_sip"
        self.closes_idle = name == "closes_idle"

    def lacks(self, service):
        return self.name == "few_services" and service in FEW

    # ---- what an event says ---------------------------------------------------------------------------------
    def own_state(self, root, standard, named):
        if self.name == "no_own_state":
            return []
        if self.name == "local_of_named":
            standard = named
        if self.name == "fail_at_caller" and root == "FailedEvent":
            standard = "fail"
        return [Node("localConnectionInfo", standard)]

    def called(self, device):
        if self.name == "called_missing":
            return self.pick(subject("calledDevice", None), subject("calledDevice", ""))
        return subject("calledDevice", device)

    def redirecting(self, node):
        if self.name == "called_missing" and node.tag != "notRequired":
            return self.pick(Node("notKnown"), Node("notSpecified"))
        return node

    def pick(self, *choices):
        return choices[next(self.turn) % len(choices)]

    def device(self, number, mac, own):
        """A phone; `own` when it is the one that is told."""
        shown = PROMOTED + number if self.name == "promoted" else number
        return f"tel:{shown};device={mac}" if own and self.name != "basic_mode" else f"tel:{shown}"

    # ---- how it is written ----------------------------------------------------------------------------------
    def write(self, node):
        if self.name == "child_order":
            node = self.shuffled(node)
        if self.name == "namespaces":
            return (HEAD + STYLES[next(self.turn) % len(STYLES)](node)).encode()
        text = plain(node, f' xmlns="{ED3}"')
        if self.odd:
            latin = '<?xml version="1.0" encoding="ISO-8859-1"?>' + text.replace("/>", " />")
            return self.pick(text.encode(), ("\ufeff" + HEAD + text).encode(), ("\r\n \r\n" + text).encode(),
                             latin.encode("latin-1"))
        return (HEAD + text).encode()

    def shuffled(self, node):
        fresh = Node(node.tag, node.text, *[self.shuffled(child) for child in node.children])
        if len({child.tag for child in fresh.children}) == len(fresh.children):
            self.chance.shuffle(fresh.children)
        return fresh

    # ---- when it comes --------------------------------------------------------------------------------------
    def delays(self):
        """Seconds until the response, and until the first event."""
        jitter = self.chance.uniform(0.001, 0.010)
        return {"event_first": (0.030, 0.001), "response_first": (0.001, 0.120)}.get(
            self.name, (0.004, 0.004 + jitter))

    def sending(self, line):
        """What becomes of an event: "send", "skip" (no trace), "lose" (the CSeq is used up), "repeat", "again"."""
        self.counts[line] = count = self.counts.get(line, int(line)) + 1
        if self.name == "events_lost" and count % 9 == 0:
            return "skip"
        if self.name == "events_gap" and count % 7 == 0:
            return "lose"
        if self.name == "info_twice":
            return self.pick("repeat", "again")
        return "send"
