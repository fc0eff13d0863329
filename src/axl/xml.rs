//! A tolerant reading of XML into a small tree: case-insensitive local names, trimmed text, mismatched and missing
//! end tags, raw `&`; refused are DOCTYPE and depth (section 2.8). Secrets never enter the tree.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use super::dialect::Charset;
use super::redact::is_secret;

/// Deepest nesting that is read; real replies have about nine levels.
pub(super) const MAX_DEPTH: usize = 32;

/// One element: local name in lower case, its own text, its children.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Node>,
}

impl Node {
    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> + 'a {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Text of a child, `None` when absent or empty.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.children.iter().find(|child| child.name == name && !child.text.is_empty()).map(|child| child.text.as_str())
    }

    pub(super) fn number_of<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text_of(name).and_then(|text| text.parse().ok())
    }
}

/// A reply as a tree, and how whole it is.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// A nameless node that holds the top elements.
    pub(super) top: Node,
    /// The text ended (or stopped to be XML) before `response`, or without one the root, was closed.
    pub(super) cut: bool,
    /// `response` was closed while elements in it were open.
    pub(super) torn: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum XmlFault {
    Doctype,
    TooDeep,
}

/// The text of a reply: the charset, no byte order mark, no control characters, no leading blanks.
pub(super) fn decode(bytes: &[u8], charset: Charset) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = match charset {
        Charset::Utf8 => String::from_utf8_lossy(bytes),
        Charset::Windows1252 => Cow::Owned(windows_1252(bytes)),
        Charset::Auto => match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            // Cut in the middle of a character: what is before it is good.
            Err(error) if error.error_len().is_none() => {
                let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
                String::from_utf8_lossy(good)
            }
            Err(_) => Cow::Owned(windows_1252(bytes)),
        },
    };
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n');
    let text = if text.contains(control) { Cow::Owned(text.chars().filter(|c| !control(*c)).collect()) } else { text };
    let blank = |c: char| c.is_whitespace() || c == '\u{feff}';
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches(blank)),
        Cow::Owned(text) => Cow::Owned(text.trim_start_matches(blank).to_owned()),
    }
}

/// 0x80 to 0x9F of Windows-1252; the five holes are U+FFFD.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}', '\u{fffd}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
];

fn windows_1252(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            0x80..=0x9f => WINDOWS_1252.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{fffd}'),
            _ => char::from(*byte),
        })
        .collect()
}

struct Builder {
    /// Open elements, the nameless top first.
    stack: Vec<Node>,
    torn: bool,
    response_seen: bool,
    response_closed: bool,
}

impl Builder {
    fn top(&mut self) -> Option<&mut Node> {
        self.stack.last_mut()
    }

    fn push_text(&mut self, text: &str) {
        if let Some(node) = self.top() {
            node.text.push_str(text);
        }
    }

    fn close_top(&mut self, implied: bool) {
        if self.stack.len() < 2 {
            return;
        }
        let Some(mut node) = self.stack.pop() else {
            return;
        };
        let trimmed = node.text.trim();
        if trimmed.len() != node.text.len() {
            node.text = trimmed.to_owned();
        }
        if is_secret(&node.name) {
            node.text.clear();
            node.children.clear();
        }
        if node.name == "response" {
            self.response_closed = true;
        } else if implied && self.response_seen && !self.response_closed {
            self.torn = true;
        }
        if let Some(parent) = self.stack.last_mut() {
            parent.children.push(node);
        }
    }

    fn end(&mut self, name: &str) {
        let depth = self.stack.iter().skip(1).rposition(|node| node.name == name);
        match depth {
            // Elements inside it were never closed (vendor samples): they end here too.
            Some(at) => {
                while self.stack.len() > at + 2 {
                    self.close_top(true);
                }
                self.close_top(false);
            }
            // `<response>` closed by `</request>`: the end tag means whatever is open.
            None => self.close_top(false),
        }
    }
}

fn resolve(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        let dropped = c.is_control() && !matches!(c, '\t' | '\r' | '\n');
        return if dropped { String::new() } else { c.to_string() };
    }
    match &**reference {
        "amp" => "&".to_owned(),
        "lt" => "<".to_owned(),
        "gt" => ">".to_owned(),
        "quot" => "\"".to_owned(),
        "apos" => "'".to_owned(),
        // A raw `&` in a URL with a `;` later on; nothing is ever expanded.
        other => format!("&{other};"),
    }
}

/// Reads a text, as far as it is XML.
pub(super) fn parse(text: &str) -> Result<Document, XmlFault> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    config.check_comments = false;
    let mut builder =
        Builder { stack: vec![Node::default()], torn: false, response_seen: false, response_closed: false };
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                if builder.stack.len() > MAX_DEPTH {
                    return Err(XmlFault::TooDeep);
                }
                let name = start.local_name().as_ref().to_ascii_lowercase();
                builder.response_seen |= name == "response";
                builder.stack.push(Node { name, ..Node::default() });
            }
            Ok(Event::Empty(start)) => {
                let name = start.local_name().as_ref().to_ascii_lowercase();
                if name == "response" {
                    builder.response_seen = true;
                    builder.response_closed = true;
                }
                if let Some(parent) = builder.top() {
                    parent.children.push(Node { name, ..Node::default() });
                }
            }
            Ok(Event::End(end)) => builder.end(&end.local_name().as_ref().to_ascii_lowercase()),
            Ok(Event::Text(part)) => builder.push_text(&part),
            Ok(Event::CData(part)) => builder.push_text(&part),
            Ok(Event::GeneralRef(reference)) => builder.push_text(&resolve(&reference)),
            Ok(Event::DocType(_)) => return Err(XmlFault::Doctype),
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_)) => {}
            Ok(Event::Eof) => break,
            // Not XML from here on: as if the text had ended.
            Err(_) => {
                let cut = !builder.response_closed;
                return Ok(finish(builder, cut));
            }
        }
    }
    let open = builder.stack.len() > 1;
    let cut = if builder.response_seen { !builder.response_closed } else { open };
    Ok(finish(builder, cut))
}

fn finish(mut builder: Builder, cut: bool) -> Document {
    let torn = builder.torn;
    while builder.stack.len() > 1 {
        builder.close_top(true);
    }
    Document { top: builder.stack.pop().unwrap_or_default(), cut, torn }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn tree(text: &str) -> Document {
        parse(text).unwrap()
    }

    #[test]
    fn mismatched_and_missing_ends_are_mended() {
        let document = tree("<response><firstname>Anna</firstName><A><ISVExtID>1</ISExtID></A></request>");
        let response = document.top.child("response").unwrap();
        assert_eq!(response.text_of("firstname"), Some("Anna"));
        assert_eq!(response.child("a").unwrap().text_of("isvextid"), Some("1"));
        assert!(!document.cut && !document.torn);

        let document = tree("<axl><response><a><b>1<c>2</a></response></axl>");
        assert!(document.torn && !document.cut);
        let document = tree("<axl><response><a>1</a></axl>");
        assert!(!document.torn && !document.cut);
        let document = tree("<axl><response><a><b>1</axl>");
        assert!(document.torn);
    }

    #[test]
    fn ampersands_and_references() {
        let document = tree("<u>http://x/?a=1&b=2&c;d &amp; &#65;&#x42;&#1; &lt;</u>");
        assert_eq!(document.top.text_of("u"), Some("http://x/?a=1&b=2&c;d & AB <"));
        assert_eq!(tree("<u> a <![CDATA[<&>]]> </u>").top.text_of("u"), Some("a <&>"));
    }

    #[test]
    fn charsets_and_what_stands_before_the_declaration() {
        assert_eq!(decode(b"\xEF\xBB\xBF\r\n <a/>", Charset::Auto), "<a/>");
        assert_eq!(decode(b"<n>J\xFCrgen \x80\x01</n>", Charset::Auto), "<n>Jürgen €</n>");
        assert_eq!(decode("<n>Jürgen".as_bytes(), Charset::Auto), "<n>Jürgen");
        assert_eq!(decode(b"<n>J\xC3", Charset::Auto), "<n>J");
        assert_eq!(decode(b"J\xFC", Charset::Utf8), "J\u{fffd}");
    }

    #[test]
    fn doctype_and_depth_are_refused() {
        assert_eq!(parse("<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>").unwrap_err(), XmlFault::Doctype);
        assert_eq!(parse(&"<a>".repeat(65)).unwrap_err(), XmlFault::TooDeep);
        assert!(parse(&"<a>".repeat(32)).unwrap().cut);
    }

    #[test]
    fn secrets_do_not_enter_the_tree() {
        let document = tree("<d><Password>canary</Password><x:PIN>canary</x:PIN><ssh><u>canary</u></ssh></d>");
        assert!(!format!("{document:?}").contains("canary"));
        assert!(document.top.child("d").unwrap().child("ssh").unwrap().children.is_empty());
    }
}
