"""The XML API, as far as lines, phones and their features are read from it, in the forms of 8.5 and of the 2008 guide."""
import asyncio
import base64
import re

from quirks import PROMOTED
from site_plan import RING

ENVELOPE = ("<SOAP-ENV:Envelope><SOAP-ENV:Body><axl>", "</axl></SOAP-ENV:Body></SOAP-ENV:Envelope>")
ASKED = re.compile(re.escape(ENVELOPE[0]) + r'<request xsi:type="(\w+)"><\1>(.*)</\1></request>' + re.escape(ENVELOPE[1]))
HEADERS = ("host", "authorization", "content-type", "content-length", "connection")
# Children of the 8.5 record that say nothing of interest, where the vendor's record has them.
FULL_DEVICE = """after-hours_exempt after-hours_login/http block-blind-xf-fallback capf-ip-in-cnf codec/codec_type
codec/dspfarm-assist adhoc_conference/add-mode_creator adhoc_conference/drop-mode_creator fastdial_list
feature-button_list keep-conference/hangup keep-conference/drop-last keypad-normalize keyphone mtp multicast-moh
night-service_bell privacy privacy-button transfer-park/blocked transfer-pattern/blocked busy-trigger-per-button
emergency-resp_location max-calls-per-button nte-end-digit-delay keepalive/timeout keepalive/aux_timeout lpcor/type
lpcor/incoming lpcor/outgoing exclude-services park/reservation-group paging-dn speed-dial_list ssh/userid ssh/password
phone_type/name phone_type/addon_list auto-line/mode auto-line/auto_select_line blf-speed-dial_list
bulk-speed-dial_list capf-auth-str description device-security-mode dnd/feature-ring ephone-template
headset/auto-answer""".split()
FULL_DEVICE_2 = """display_all_missed_calls mwi-line offhook-guard-timer phone-ui/speeddial-fastdial phone-ui/snr pin
presence/call-list provision-tag username password video_enable vm-device-id""".split()
FULL_NUMBER = """hold-alert/timeout hold-alert/mode huntstop moh-group mwi mwi-type pickup-group
transfer-recall_timeout/timeout translate translation-profile application port-caller-id conference_dn""".split()
FULL_NUMBER_2 = """telephony_number/primary telephony_number/secondary telephony_number/no-reg paging park-slot
pickup-call dn_preference queueing-dn ring session-server/server snr_info transfer-mode trunk whisper-intercom""".split()


def node(name, inner=""):
    return f"<{name}>{inner}</{name}>"


def leaves(**values):
    return "".join(node(name, value) for name, value in values.items())


def padding(paths):
    """Elements with the longest values that the guide's samples show."""
    out = ""
    for path in paths:
        name, _, child = path.partition("/")
        value = node(child, "unspecified-value") if child else "unspecified-value"
        out += node(name, value)
    return out


class Full(Exception):
    """As much as `request outstanding` allows is being answered."""


class XmlApi:
    def __init__(self, exchange, site, user, password, fault, form):
        self.exchange, self.site, self.fault = exchange, site, fault
        self.credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.old, self.full, self.limit = form.dialect == "2008", form.records == "full", form.response_size * 1024
        self.now, self.peak, self.asked, self.latency = 0, 0, {}, form.latency / 1000

    def counts(self):
        return {"answered": sum(self.asked.values()), "peak": self.peak, "asked": self.asked}

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.judge(head)
            length = int(re.search(r"(?i)content-length: (\d+)", head).group(1))
            body = (await reader.readexactly(length)).decode()
            if not head.startswith("POST /ios_xml_app/cme HTTP/1.1"):
                out, status = "404 Not Found", "404 Not Found"
            elif "Basic " + self.credentials not in head:
                out, status = "401 Unauthorized", "401 Unauthorized"
            else:
                out, status = await self.timed(body), "200 OK"
            extra = ('WWW-Authenticate: Basic realm="level_15_access"\r\n' if status[:3] == "401"
                     else "Content-Type: text/xml\r\n")
            head = f"HTTP/1.1 {status}\r\nServer: cisco-IOS\r\n{extra}Connection: close\r\n"
            if len(out) > self.limit:
                # The size is that of a fragment.
                parts = [out[at:at + self.limit] for at in range(0, len(out), self.limit)] + [""]
                chunks = "".join(f"{len(part):x}\r\n{part}\r\n" for part in parts)
                writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n{chunks}".encode())
            else:
                writer.write(f"{head}\r\n{out}".encode())
            await writer.drain()
        except Full:
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nServer: cisco-IOS\r\nConnection: close\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    def judge(self, head):
        names = [line.partition(":")[0].lower() for line in head.split("\r\n")[1:] if line]
        for name in HEADERS:
            if names.count(name) != 1:
                self.fault("exactly one header " + name, head)
        if "expect" in names or "transfer-encoding" in names or "soapaction" in names:
            self.fault("a header that an old server does not know", head)

    async def timed(self, body):
        self.now += 1
        self.peak = max(self.peak, self.now)
        try:
            if self.now > 1:
                self.fault("more than `request outstanding` 1", body)
                raise Full
            await asyncio.sleep(self.latency)
            return self.answer(body)
        finally:
            self.now -= 1

    def reply(self, name, inner):
        kind = f' xsi:type="{name}Response"' if self.old else ""
        return f"{ENVELOPE[0]}<response{kind}>{inner}</response>{ENVELOPE[1]}"

    def error(self, code, message):
        return self.reply("ISError", node("ISError", leaves(ISErrorCode=code, ISErrorMsg=message)))

    def listed(self, name, container, items):
        out = self.reply(name, "".join(items) if self.old else node(container, "".join(items)))
        # Several objects must fit as they are; one always comes, in fragments.
        return self.error(1, "response exceeds buffer") if len(items) > 1 and len(out) > self.limit else out

    def answer(self, body):
        match = ASKED.fullmatch(body.strip().removeprefix('<?xml version="1.0"?>').strip())
        if not match:
            self.fault("the vendor's envelope", body)
            return self.error(4, "malformed")
        name, selectors = match.group(1), re.findall(r"<(\w+)>([^<]*)</\1>", match.group(2))
        if len(selectors) > 1 and name != "ISexecCLI":
            self.fault("one selector a request", body)
        self.asked[name] = self.asked.get(name, 0) + 1
        field, value = selectors[0] if selectors else ("", "")
        if name == "ISgetGlobal":
            return self.reply(name, self.globals() if self.old else node("ISGlobal", self.globals()))
        if name == "ISgetUser":
            return self.reply(name, node("ISuser", self.user(value)))
        if name == "ISgetDevice":
            phones = self.picked(self.site.phones, field, value, "ISDevID", "ISDevName", self.phone_fits)
            return self.records(name, "ISDevices", "ISDevice", "ISDevID", phones, value, self.device)
        if name == "ISgetExtension":
            numbers = self.picked(self.site.numbers, field, value, "ISExtID", "ISExtNumber", self.number_fits)
            return self.records(name, "ISExtensions", "ISExtension", "ISExtID", numbers, value, self.number)
        if self.old:
            return self.error(9, "unknown request")
        if name == "ISgetUserProfile":
            tags = self.picked(self.site.profiles, field, value, "ISUserProfileID", "ISuserID", None)
            return self.records(name, "ISUserProfiles", "ISUserProfile", "ISUserProfileID", tags, value, self.profile)
        if name == "ISgetExtensionTemplate":
            flags = node("cti", leaves(notify="true", watch="true"))
            return self.listed(name, "ISExtensionTemplates",
                               [node("ISExtensionTemplate", leaves(ISExtTemplateID=15) + flags)])
        return self.error(9, "unknown request")

    # ---- who is meant ---------------------------------------------------------------------------------------
    def picked(self, table, field, value, by_id, by_name, fits):
        """Tags that a selector names; None when the router does not take it."""
        keyword = by_name if self.old else "ISKeyword"
        if field == by_id and value.isdigit():
            return [int(value)] if int(value) in table else []
        if field == keyword and value in ("all", "allTag"):
            return list(table)
        if field == by_name and fits:
            return [tag for tag, item in table.items() if fits(item, value)]
        return None

    def phone_fits(self, phone, value):
        return {"allRegistered": phone.status == "registered", "allUnregistered": phone.status != "registered"}.get(
            value if self.old else "", value == "SEP" + phone.mac)

    def number_fits(self, one, value):
        return {"allUp": self.site.is_up(one.tag), "allDown": not self.site.is_up(one.tag)}.get(
            value if self.old else "", value == one.number)

    def records(self, name, container, outer, by_id, tags, value, write):
        if tags is None:
            return self.error(3, "invalid selector")
        if not tags:
            return self.reply(name, "")
        inner = (lambda tag: leaves(**{by_id: tag})) if value == "allTag" else write
        return self.listed(name, container, [node(outer, inner(tag)) for tag in tags])

    # ---- records --------------------------------------------------------------------------------------------
    def globals(self):
        pattern = leaves(index=1, pattern=f"{PROMOTED}...", **{"extension-length": 3, "extension-pattern": "",
                                                               "demote": "false", "no-reg": "false"})
        phones, numbers = self.site.phones, self.site.numbers
        out = leaves(ISAddress="127.0.0.1", ISMode="ITS", ISVersion="8.0" if self.old else "8.6",
                     ISDeviceRegistered=sum(phone.status == "registered" for phone in phones.values()),
                     ISConfiguredDevice=len(phones), ISConfiguredExtension=len(numbers), ISName="foreign",
                     ISMaxEphone=max(10, len(phones)), ISMaxDN=max(20, len(numbers)))
        if self.exchange.quirk.name == "promoted":
            out += node("dialplan-pattern_list", node("dialplan-pattern_item", pattern))
        return out

    def user(self, name):
        kinds = [(3, tag) for tag, (user, _) in self.site.profiles.items() if user == name]
        kinds += [(2, 1)] if self.site.guest and self.site.guest[0] == name else []
        kinds += [(1, phone.tag) for phone in self.site.phones.values() if name and phone.user == name]
        kind, tag = (kinds or [(0, 0)])[0]
        return leaves(ISuserID=name, ISuserType=kind, ISuserTag=tag)

    def device(self, tag):
        site, phone = self.site, self.site.phones[tag]
        lines, is_on = site.lines(phone), phone.status == "registered"
        user = site.user_at(phone)
        if self.old and phone.host and not user:
            user = site.guest[0]
        kind = phone.kind if is_on else "Others"
        head = leaves(ISDevID=tag, ISDevName="SEP" + phone.mac, ISDevType=f"IP Phone {kind}" if self.old else kind)
        if not self.old:
            head += leaves(ISconfigDevType=phone.kind)
        head += leaves(**{"ISDevUserName" if self.old else "ISDevUsername": user})
        plain = "Normal" if self.old else "NORMAL"
        buttons = "".join(node("ISDevLineButton", leaves(ISDevLineButtonID=at, ISDevLineButtonMode=RING.get(mode, plain)))
                          for at, _, mode in lines)
        appearances = "".join(node("ExtMapStatus", leaves(LineId=at, ExtId=dn, ExtNumber=site.numbers[dn].number,
                                                          ExtStatus=str(bool(site.is_up(dn))).lower(), LineState="idle"))
                              for at, dn, _ in lines)
        quiet = any(site.numbers[dn].number in self.exchange.quiet for _, dn, _ in lines)
        status = (node("ISDevAddr", node("Xipv4Address", f"192.0.2.{tag % 200 + 20}" if is_on else "0.0.0.0"))
                  + node("ISPhoneLineList", appearances) + leaves(ISKeyPhone="false"))
        end = leaves(ISDevStatus=phone.status, ISDevLastStatus=phone.last, ISDevChangeTime=phone.changed,
                     ISDevKeepAlives=phone.kept, ISDevDND="yes" if quiet else "no")
        if self.old:
            return head + buttons + status + end
        profiles = leaves(ISLogoutProfileID=int(phone.host), ISUserProfileID=phone.profile)
        logout = leaves(**{"logout-profile": int(phone.host)})
        if self.full:
            logout = padding(FULL_DEVICE) + logout + padding(FULL_DEVICE_2)
        return head + node("ISDevLineButtons", buttons) + logout + status + profiles + end

    def number(self, tag):
        one = self.site.numbers[tag]
        first, _, last = one.name.partition(" ")
        target = self.exchange.forward.get(one.number, "")
        out = leaves(ISExtID=tag, ISExtNumber=one.number, ISExtSecNumber="", ISExtType="normal",
                     ISExtStatus="up" if self.site.is_up(tag) else "down", ISExtChangeTime=412, ISExtLineMode=one.mode,
                     ISExtCallStatus="IDLE", ISAllowWatch="false", firstName=first, lastName=last, callForwardAll=target)
        out += node("ISDevList", "".join(leaves(ISDeviceID=phone.tag) for phone in self.site.appears_on(tag)))
        if self.old:
            return out
        out += node("call-forward", node("all", leaves(number=target)))
        flags = {"notify": str(one.notify).lower(), "watch": str(one.watch).lower()}
        out += node("cti", leaves(**flags)) + (padding(FULL_NUMBER) if self.full else "")
        out += leaves(**{"ephone-dn-template": one.template, "label": "", "name": one.name})
        return out + (padding(FULL_NUMBER_2) if self.full else "")

    def profile(self, tag):
        user, numbers = self.site.profiles[tag]
        at = next((phone.tag for phone in self.site.phones.values() if phone.profile == tag), 0)
        lines = "".join(node("UserNumber", leaves(ISExtNumber=number, ISExtMode="NORMAL", ISExtOverlayGroup=0, ISExtCombo="no"))
                        for number in numbers)
        return (leaves(ISUserProfileID=tag, ISuserID=user, ISpassword="not-for-logs", ISuserPin="4711",
                       ISPrivacyButton="no", ISuserMaxIdleTime=0) + node("UserNumbers", lines)
                + node("ISuserCurrentPhone", leaves(CurrentPhoneType="Skinny" if at else "Unknown", CurrentPhoneID=at)))
