//! Messages without people: numbers, names, addresses and secrets become labels. The same number has the same label
//! everywhere in a report, with its length, so that who is who can still be followed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Headers that say nothing about anybody.
const PLAIN: [&str; 24] = [
    "accept",
    "allow",
    "allow-events",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-type",
    "cseq",
    "event",
    "expires",
    "max-forwards",
    "mime-version",
    "min-expires",
    "min-se",
    "require",
    "retry-after",
    "server",
    "session-expires",
    "subscription-state",
    "supported",
    "unsupported",
    "user-agent",
    "l",
    "c",
];
/// Headers that are secret as a whole.
const SECRET: [&str; 5] =
    ["authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info"];
/// Elements whose text is an own reference of the PBX, not a number of anybody.
const REFERENCES: [&str; 5] =
    ["monitorCrossRefID", "serviceCrossRefID", "crossRefIdentifier", "ringCount", "numberOfCallsInFront"];

/// Words of the router in its XML API, in lower case. Only these are kept: login names are words of lower-case letters too.
const WORDS_OF_THE_XML_API: [&str; 32] = [
    "all",
    "allregistered",
    "alltag",
    "cme",
    "deceased",
    "default",
    "delay",
    "down",
    "external",
    "fail",
    "false",
    "idle",
    "in_use",
    "internal",
    "its",
    "monitor",
    "no",
    "none",
    "normal",
    "off",
    "on",
    "overlay",
    "register",
    "registered",
    "ringing",
    "srst",
    "success",
    "true",
    "unregistered",
    "up",
    "visual",
    "yes",
];
/// What the name of an element holds whose text people chose: no word is kept in it.
const CHOSEN: [&str; 6] = ["name", "user", "label", "description", "room", "address"];

/// Whose XML a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Csta,
    XmlApi,
}

/// A word that is hidden, as it is written and in lower case.
#[derive(Debug)]
struct Word {
    text: String,
    lower: String,
}

/// Labels without a number.
const LABELS: [&str; 4] = ["name", "secret", "time", "…"];
/// Kinds of labels with a number.
const KINDS: [&str; 8] = ["number", "name", "host", "mac", "id", "call", "dialog", "text"];

/// Gives labels.
#[derive(Debug, Default)]
pub(in crate::service) struct Redactor {
    labels: HashMap<(&'static str, String), usize>,
    counts: HashMap<&'static str, usize>,
    names: Arc<[Word]>,
    hosts: Arc<[Word]>,
    numbers: HashSet<String>,
}

impl Redactor {
    /// Names, hosts and numbers that are known are hidden wherever they stand; others by their form.
    pub(in crate::service) fn new(names: &[String], hosts: &[String], numbers: &[String]) -> Self {
        let known = |texts: &[String]| -> Arc<[Word]> {
            let mut texts: Vec<String> =
                texts.iter().map(|text| text.trim().to_owned()).filter(|text| text.chars().count() > 2).collect();
            // The longest first: a name may hold another.
            texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
            texts.dedup();
            texts.into_iter().map(|text| Word { lower: text.to_ascii_lowercase(), text }).collect()
        };
        let numbers = numbers.iter().filter(|number| !number.is_empty()).cloned().collect();
        Self { labels: HashMap::new(), counts: HashMap::new(), names: known(names), hosts: known(hosts), numbers }
    }

    fn label(&mut self, kind: &'static str, value: &str) -> String {
        let counted = self.counts.entry(kind).or_default();
        let index = *self.labels.entry((kind, value.to_owned())).or_insert_with(|| {
            *counted += 1;
            *counted
        });
        match kind {
            "number" => format!("[number-{index}/{}]", value.trim_start_matches('+').len()),
            _ => format!("[{kind}-{index}]"),
        }
    }

    /// The label of a text that is hidden whatever it looks like.
    pub(in crate::service) fn hidden(&mut self, kind: &'static str, value: &str) -> String {
        self.label(kind, value)
    }

    /// A whole SIP message with its body.
    pub(in crate::service) fn message(&mut self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.split("\r\n");
        let mut out = match lines.next() {
            Some(first) if first.starts_with("SIP/") => first.to_owned(),
            Some(first) => self.uris(first),
            None => String::new(),
        };
        for line in lines {
            out.push('\n');
            let shown = match line.split_once(':') {
                Some((name, value)) => format!("{name}: {}", self.header(name.trim(), value.trim())),
                None => self.text(line),
            };
            out.push_str(&shown);
        }
        if !body.is_empty() {
            out.push_str("\n\n");
            out.push_str(&self.csta(body));
        }
        out
    }

    fn header(&mut self, name: &str, value: &str) -> String {
        let lower = name.to_ascii_lowercase();
        if PLAIN.contains(&lower.as_str()) {
            return value.to_owned();
        }
        if SECRET.contains(&lower.as_str()) {
            let scheme = value.split_whitespace().next().unwrap_or_default();
            return format!("{scheme} [secret]");
        }
        match lower.as_str() {
            "call-id" | "i" => self.label("dialog", value),
            "date" | "timestamp" => "[time]".to_owned(),
            _ => self.uris(value),
        }
    }

    /// A text with SIP addresses: display names, tags and branches go.
    fn uris(&mut self, text: &str) -> String {
        let mut out = String::new();
        for (at, part) in text.split('"').enumerate() {
            match at % 2 {
                1 if part.is_empty() => out.push_str("\"\""),
                1 => out.push_str("\"[name]\""),
                _ => {
                    let mut rest = part;
                    while let Some((found, key)) = [";tag=", ";branch="]
                        .iter()
                        .filter_map(|key| Some((rest.find(key)?, *key)))
                        .min_by_key(|(found, _)| *found)
                    {
                        let (before, after) = rest.split_at(found);
                        let after = after.get(key.len()..).unwrap_or_default();
                        let end = after.find([';', '>', ' ', ',']).unwrap_or(after.len());
                        let before = self.text(before);
                        out.push_str(&before);
                        out.push_str(key);
                        out.push_str("[…]");
                        rest = after.get(end..).unwrap_or_default();
                    }
                    let rest = self.text(rest);
                    out.push_str(&rest);
                }
            }
        }
        out
    }

    /// A CSTA body: tags stay, texts are judged by the element that they stand in.
    fn csta(&mut self, body: &str) -> String {
        self.xml(Language::Csta, body)
    }

    /// A request or reply of the XML API. Its records are full of what people typed, so less is kept than of CSTA.
    pub(in crate::service) fn xml_api(&mut self, body: &str) -> String {
        self.xml(Language::XmlApi, body)
    }

    fn xml(&mut self, language: Language, body: &str) -> String {
        let mut out = String::with_capacity(body.len());
        let mut rest = body;
        let mut element = String::new();
        while let Some(open) = rest.find('<') {
            let (text, tail) = rest.split_at(open);
            let shown = self.xml_text(language, &element, text);
            out.push_str(&shown);
            let end = tail.find('>').map_or(tail.len(), |at| at + 1);
            let (tag, after) = tail.split_at(end);
            let shown = self.tag(tag);
            out.push_str(&shown);
            let name = tag.trim_start_matches(['<', '/']).split(|c: char| c.is_whitespace() || "/>".contains(c));
            let name = name.into_iter().next().unwrap_or_default();
            element = name.rsplit(':').next().unwrap_or_default().to_owned();
            rest = after;
        }
        let shown = self.xml_text(language, &element, rest);
        out.push_str(&shown);
        out
    }

    /// Values of attributes, but for namespaces and the declaration, are texts too.
    fn tag(&mut self, tag: &str) -> String {
        if tag.starts_with("<?") || !tag.contains('"') {
            return tag.to_owned();
        }
        let mut out = String::new();
        for (at, part) in tag.split('"').enumerate() {
            if at > 0 {
                out.push('"');
            }
            let shown = if at % 2 == 1 && !part.starts_with("http") { self.text(part) } else { part.to_owned() };
            out.push_str(&shown);
        }
        out
    }

    fn xml_text(&mut self, language: Language, element: &str, text: &str) -> String {
        let trimmed = text.trim();
        if trimmed.is_empty() || REFERENCES.contains(&element) {
            return text.to_owned();
        }
        if element == "callID" || element.ends_with("CallLinkageID") || element.ends_with("hreadLinkageID") {
            return format!("{}{}", self.label("call", trimmed), form_of_call(trimmed));
        }
        let lower = element.to_ascii_lowercase();
        let is_word = !CHOSEN.iter().any(|part| lower.contains(part))
            && match language {
                // Words of the standard: `normal`, `callDelivered`.
                Language::Csta => {
                    trimmed.starts_with(|c: char| c.is_ascii_lowercase())
                        && trimmed.chars().all(|c| c.is_ascii_alphanumeric())
                }
                Language::XmlApi => WORDS_OF_THE_XML_API.contains(&trimmed.to_ascii_lowercase().as_str()),
            };
        let shown = self.text(trimmed);
        if is_word && shown == trimmed {
            return shown;
        }
        // Of what is left, addresses say something; anything else is somebody's text.
        let is_address = match language {
            Language::Csta => ["tel:", "sip:"].iter().any(|head| shown.starts_with(head)),
            Language::XmlApi => false,
        };
        if is_address || !has_letters_outside_labels(&shown) {
            shown
        } else {
            format!("[text/{}]", trimmed.chars().count())
        }
    }

    /// Any text: known names and hosts, addresses, MACs and digit strings become labels.
    pub(in crate::service) fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        // Most words are in no text at all: the quick look spares the careful one.
        let lower = text.to_ascii_lowercase();
        for (kind, known) in [("name", Arc::clone(&self.names)), ("host", Arc::clone(&self.hosts))] {
            for word in known.iter().filter(|word| lower.contains(&word.lower)) {
                if let Some(at) = find_word(&text, &word.text) {
                    let label = self.label(kind, &word.text);
                    let mut found = Some(at);
                    while let Some(at) = found {
                        text.replace_range(at..at + word.text.len(), &label);
                        found = find_word(&text, &word.text);
                    }
                }
            }
        }
        self.tokens(&text)
    }

    /// Runs of letters, digits and dots, one by one.
    fn tokens(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '*' | '#');
        let mut rest = text;
        let mut before = None;
        while let Some(first) = rest.chars().next() {
            if let Some(end) = label_end(rest) {
                // A label that stands already.
                out.push_str(rest.get(..end).unwrap_or_default());
                rest = rest.get(end..).unwrap_or_default();
                before = Some(']');
                continue;
            }
            if !is_inside(first) {
                out.push(first);
                before = Some(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
                continue;
            }
            let end = rest.find(|c| !is_inside(c)).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            // A port stands behind a host, a time behind its name.
            let is_port = before == Some(':') && out.ends_with("]:") && token.len() <= 5;
            let is_time = out.ends_with("expires=");
            let shown = if is_port || is_time { token.to_owned() } else { self.token(token) };
            out.push_str(&shown);
            before = token.chars().last();
            rest = after;
        }
        out
    }

    fn token(&mut self, token: &str) -> String {
        let is_v4 = token.parse::<std::net::Ipv4Addr>().is_ok();
        if is_v4 {
            return self.label("host", token);
        }
        // Short numbers are told by being known.
        if self.numbers.contains(token) {
            return self.label("number", token);
        }
        let bare = token.strip_prefix("SEP").unwrap_or(token);
        if bare.len() == 12 && bare.bytes().all(|b| b.is_ascii_hexdigit()) {
            return self.label("mac", &bare.to_ascii_uppercase());
        }
        // Dotted MACs, identifiers of calls and devices.
        let hex = token.chars().filter(char::is_ascii_hexdigit).count();
        if hex >= 12 && hex + 4 >= token.len() {
            return self.label("id", token);
        }
        // A number, alone or inside something: digits in a row say who it is.
        let mut out = String::new();
        let mut run = String::new();
        for c in token.chars().chain(std::iter::once('\0')) {
            if c.is_ascii_digit() || (c == '+' && run.is_empty()) || (matches!(c, '*' | '#') && !run.is_empty()) {
                run.push(c);
                continue;
            }
            let is_long = run.chars().filter(char::is_ascii_digit).count() > 2;
            let shown = if is_long { self.label("number", &run) } else { run.clone() };
            out.push_str(&shown);
            run.clear();
            if c != '\0' {
                out.push(c);
            }
        }
        out
    }
}

/// Where the label ends that a text begins with; other brackets are part of the message.
fn label_end(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(']')?;
    let label = inner.get(..end)?;
    let is_label = LABELS.contains(&label)
        || KINDS.iter().any(|kind| {
            label.strip_prefix(kind).is_some_and(|rest| {
                rest.starts_with(['-', '/']) && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '/'))
            })
        });
    is_label.then_some(end + 2)
}

/// Whether a text that was gone through says more than labels, digits and signs.
fn has_letters_outside_labels(text: &str) -> bool {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match label_end(rest) {
            Some(end) => end,
            None if first.is_ascii_digit() || first.is_ascii_punctuation() => first.len_utf8(),
            None if first == ' ' => 1,
            None => return true,
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    false
}

/// Where a word stands by itself, in any case; only ASCII letters are compared without case.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let (lower, wanted) = (text.to_ascii_lowercase(), word.to_ascii_lowercase());
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut from = 0;
    while let Some(found) = lower.get(from..)?.find(&wanted) {
        let at = from + found;
        let before = text.get(..at)?.chars().next_back();
        let after = text.get(at + word.len()..)?.chars().next();
        // Inside a label a word is no word of the message.
        let in_label = text
            .get(..at)?
            .rfind('[')
            .is_some_and(|open| text.get(open..).and_then(label_end).is_some_and(|length| open + length > at));
        if !is_letter(before) && !is_letter(after) && !in_label {
            return Some(at);
        }
        from = at + wanted.len();
    }
    None
}

/// What the form of a call id says: whether it is CME's global id or something else (U-13).
fn form_of_call(id: &str) -> &'static str {
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    let groups: Vec<&str> = id.split('-').collect();
    if groups.len() == 4 && groups.iter().all(|group| group.len() == 8 && is_hex(group)) {
        "{gcid}"
    } else if id.bytes().all(|b| b.is_ascii_digit()) {
        "{decimal}"
    } else if is_hex(id) {
        "{hex}"
    } else {
        "{text}"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "INFO sip:201@192.0.2.10:5060 SIP/2.0\r\nFrom: \"Anna Berg\" <sip:201_00AA11BB0001@gw.example>;tag=9a8b7c\r\n\
        Contact: <sip:201@192.0.2.44>;expires=600\r\n\
        Call-ID: 123456789012345@192.0.2.44\r\nCSeq: 101 INFO\r\nAuthorization: Digest username=\"ctigw\", response=\"0123abcd\"\r\n\
        Cisco-referenceID: 1A2B3C4D\r\nContent-Type: application/csta+xml\r\n\r\n\
        <DeliveredEvent xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"><monitorCrossRefID>40001</monitorCrossRefID>\
        <callID>DEADBEEF-00000000-12345678-0A0B0C0D</callID><deviceID>tel:201;device=00AA11BB0001</deviceID>\
        <deviceIdentifier>tel:+49891234201</deviceIdentifier><cause>newCall</cause><displayName>anna</displayName>\
        <x>Room 4, Anna Berg</x></DeliveredEvent>";

    fn redacted() -> String {
        let names = ["Anna Berg".to_owned(), "ctigw".to_owned()];
        Redactor::new(&names, &["gw.example".to_owned()], &[]).message(MESSAGE.as_bytes())
    }

    #[test]
    fn nothing_that_names_anybody_is_left() {
        let shown = redacted();
        let secret = [
            "201",
            "Anna",
            "anna",
            "Berg",
            "00AA11BB0001",
            "192.0.2",
            "gw.example",
            "ctigw",
            "0123abcd",
            "9a8b7c",
            "123456789012345",
            "4989",
            "DEADBEEF",
            "Room",
        ];
        for secret in secret {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }

    #[test]
    fn what_is_needed_to_understand_it_stays() {
        let shown = redacted();
        for kept in [
            "INFO sip:[number-1/3]@[host-1]:5060 SIP/2.0",
            "CSeq: 101 INFO",
            ";expires=600",
            "Digest [secret]",
            "Cisco-referenceID:",
            "ecma-323/csta/ed3",
            "<monitorCrossRefID>40001</monitorCrossRefID>",
            "[call-1]{gcid}",
            "tel:[number-1/3];device=[mac-1]",
            "tel:[number-2/11]",
            "<cause>newCall</cause>",
        ] {
            assert!(shown.contains(kept), "{kept} not in {shown}");
        }
    }

    #[test]
    fn brackets_of_the_message_hide_nothing() {
        let mut redactor = Redactor::new(&["Anna".to_owned()], &[], &[]);
        for text in ["[201", "[0m201[0m", "[[201], Anna]", "[tel-201 192.0.2.9]", "[name-1201x]", "[number-1/3]: 4711"]
        {
            let shown = redactor.text(text);
            assert!(!["201", "192.0", "Anna", "4711"].iter().any(|secret| shown.contains(secret)), "{shown}");
        }
        assert_eq!(redactor.text("[number-1/3] [name] […]"), "[number-1/3] [name] […]");
    }

    #[test]
    fn names_are_words() {
        let mut redactor = Redactor::new(&["Ina".to_owned()], &[], &[]);
        assert_eq!(redactor.text("Ina, final"), "[name-1], final");
    }

    #[test]
    fn of_the_xml_api_only_words_of_the_router_are_kept() {
        let mut redactor = Redactor::new(&["Anna".to_owned()], &[], &[]);
        let shown = redactor.xml_api(
            "<ISuserID>eli</ISuserID><ISDevStatus>registered</ISDevStatus><ISExtCallStatus>IDLE</ISExtCallStatus>\
             <ISuserID>idle</ISuserID><ISDevRoom>kitchen</ISDevRoom><ISDevUsername>none</ISDevUsername>\
             <x>anna, kitchen</x><ISDevAddr>192.0.2.9</ISDevAddr><ISDevID>3</ISDevID><primary>2001 2002</primary>\
             <unheard>meier</unheard><watch>true</watch>",
        );
        assert_eq!(
            shown,
            "<ISuserID>[text/3]</ISuserID><ISDevStatus>registered</ISDevStatus><ISExtCallStatus>IDLE</ISExtCallStatus>\
             <ISuserID>[text/4]</ISuserID><ISDevRoom>[text/7]</ISDevRoom><ISDevUsername>[text/4]</ISDevUsername>\
             <x>[text/13]</x><ISDevAddr>[host-1]</ISDevAddr><ISDevID>3</ISDevID><primary>[number-1/4] [number-2/4]</primary>\
             <unheard>[text/5]</unheard><watch>true</watch>"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_no_number_is_left(text in "[a-z<>\" :;=\\[\\]./+0-9äß]{0,80}") {
            let mut redactor = Redactor::new(&["bob".to_owned()], &[], &[]);
            let _ = redactor.message(text.as_bytes());
            let _ = redactor.csta(&text);
            let _ = redactor.xml_api(&text);
            let plain = redactor.text(&text.replace(['[', ']'], ""));
            let outside: String = plain.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
            let longest = outside.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
            proptest::prop_assert!(longest < 6, "{}", plain);
        }
    }
}
