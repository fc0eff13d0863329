"""The XML API, as far as lines, phones and their features are read from it."""
import asyncio
import base64
import re

from quirks import PROMOTED


class XmlApi:
    def __init__(self, exchange, user, password):
        self.exchange, self.credentials = exchange, base64.b64encode(f"{user}:{password}".encode()).decode()

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(re.search(r"(?i)content-length: (\d+)", head).group(1))
            body = (await reader.readexactly(length)).decode()
            if not head.startswith("POST /ios_xml_app/cme HTTP/1.1"):
                out, status = "404 Not Found", "404 Not Found"
            elif "Basic " + self.credentials not in head:
                out, status = "401 Unauthorized", "401 Unauthorized"
            else:
                out, status = self.answer(body), "200 OK"
            extra = ('WWW-Authenticate: Basic realm="level_15_access"\r\n' if status[:3] == "401"
                     else "Content-Type: text/xml\r\n")
            writer.write(f"HTTP/1.1 {status}\r\nServer: cisco-IOS\r\n{extra}Connection: close\r\n\r\n{out}".encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    def answer(self, body):
        def wrap(inner):
            return ("<SOAP-ENV:Envelope><SOAP-ENV:Body><axl><response>" + inner
                    + "</response></axl></SOAP-ENV:Body></SOAP-ENV:Envelope>")

        def error(code, message):
            return wrap(f"<ISError><ISErrorCode>{code}</ISErrorCode><ISErrorMsg>{message}</ISErrorMsg></ISError>")

        if "<ISgetGlobal>" in body:
            pattern = (f"<dialplan-pattern_list><dialplan-pattern_item><index>1</index><pattern>{PROMOTED}...</pattern>"
                       "<extension-length>3</extension-length><extension-pattern></extension-pattern>"
                       "<demote>false</demote><no-reg>false</no-reg></dialplan-pattern_item></dialplan-pattern_list>")
            return wrap("<ISGlobal><ISMode>ITS</ISMode><ISVersion>8.6</ISVersion><ISName>foreign</ISName>"
                        + (pattern if self.exchange.quirk.name == "promoted" else "") + "</ISGlobal>")
        if "<ISgetUserProfile>" in body:
            return wrap("<ISUserProfiles></ISUserProfiles>")
        if "<ISKeyword>all<" in body:
            return error(1, "too large")
        tag = re.search(r"<IS(?:DevID|ExtID)>(\d+)<", body)
        items = list(enumerate(self.exchange.phones.items(), 1))
        picked = [item for item in items if not tag or item[0] == int(tag.group(1))]
        short = "<ISKeyword>allTag<" in body
        if "<ISgetDevice>" in body:
            return wrap("<ISDevices>" + "".join(self.device(i, n, m, short) for i, (n, m) in picked) + "</ISDevices>")
        if "<ISgetExtension>" in body:
            return wrap("<ISExtensions>" + "".join(self.line(i, n, short) for i, (n, _) in picked) + "</ISExtensions>")
        return error(9, "unknown request")

    def device(self, index, number, mac, short):
        inner = "" if short else (
            f"<ISDevName>SEP{mac}</ISDevName><ISDevType>7965</ISDevType><ISDevLineButtons><ISDevLineButton>"
            "<ISDevLineButtonID>1</ISDevLineButtonID><ISDevLineButtonMode>NORMAL</ISDevLineButtonMode>"
            "</ISDevLineButton></ISDevLineButtons><ISPhoneLineList><ExtMapStatus><LineId>1</LineId>"
            f"<ExtId>{index}</ExtId><ExtNumber>{number}</ExtNumber><ExtStatus>true</ExtStatus>"
            "<LineState>idle</LineState></ExtMapStatus></ISPhoneLineList><ISLogoutProfileID>0</ISLogoutProfileID>"
            "<ISUserProfileID>0</ISUserProfileID><ISDevStatus>registered</ISDevStatus>"
            f"<ISDevDND>{'yes' if number in self.exchange.quiet else 'no'}</ISDevDND>")
        return f"<ISDevice><ISDevID>{index}</ISDevID>{inner}</ISDevice>"

    def line(self, index, number, short):
        target = self.exchange.forward.get(number, "")
        inner = "" if short else (
            f"<ISExtNumber>{number}</ISExtNumber><ISExtType>normal</ISExtType><ISExtStatus>up</ISExtStatus>"
            f"<ISExtLineMode>OCTO_LINE</ISExtLineMode><callForwardAll>{target}</callForwardAll>"
            f"<ISDevList><ISDeviceID>{index}</ISDeviceID></ISDevList><call-forward><all><number>{target}</number></all>"
            f"</call-forward><cti><notify>true</notify><watch>true</watch></cti><name>Phone {number}</name>")
        return f"<ISExtension><ISExtID>{index}</ISExtID>{inner}</ISExtension>"
