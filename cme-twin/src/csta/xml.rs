//! A small element tree: read from a body, or written to one in a chosen style.

use quick_xml::Reader;
use quick_xml::events::Event;

/// An element without attributes (CSTA of this edition needs none).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    pub(crate) fn leaf(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), ..Self::default() }
    }

    pub(crate) fn with(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    pub(crate) fn and(self, child: Option<Self>) -> Self {
        match child {
            Some(child) => self.with(child),
            None => self,
        }
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The trimmed text of a child.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }
}

/// How a message is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) namespace: String,
    pub(crate) prefix: String,
    pub(crate) declaration: bool,
    /// Line feeds and blanks between elements and around texts.
    pub(crate) whitespace: bool,
    /// Children in another order than the schema's.
    pub(crate) shuffle: bool,
    /// An element that no schema knows.
    pub(crate) unknown: bool,
    /// `extensions/privateData` with something inside.
    pub(crate) private_data: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            namespace: super::ED3.to_owned(),
            prefix: String::new(),
            declaration: true,
            whitespace: false,
            shuffle: false,
            unknown: false,
            private_data: false,
        }
    }
}

impl Style {
    /// The message as text.
    pub(crate) fn write(&self, message: &Element) -> String {
        let mut out = String::with_capacity(512);
        if self.declaration {
            out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n");
        }
        let mut message = message.clone();
        if self.unknown {
            message.children.insert(0, Element::new("ciscoVendorThing").with(Element::leaf("value", "1")));
        }
        if self.private_data && !message.name.ends_with("ErrorCode") {
            let private = Element::new("private").with(Element::leaf("ciscoSharedMedia", "none"));
            message = message.with(Element::new("extensions").with(Element::new("privateData").with(private)));
        }
        self.element(&message, true, &mut out);
        out
    }

    fn element(&self, element: &Element, root: bool, out: &mut String) {
        let colon = if self.prefix.is_empty() { "" } else { ":" };
        let name = format!("{}{colon}{}", self.prefix, element.name);
        out.push('<');
        out.push_str(&name);
        if root && !self.namespace.is_empty() {
            out.push_str(&format!(" xmlns{colon}{}=\"{}\"", self.prefix, self.namespace));
        }
        if element.children.is_empty() && element.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        if self.whitespace {
            out.push_str("\n  ");
        }
        escape(&element.text, out);
        if self.shuffle {
            element.children.iter().rev().for_each(|child| self.element(child, false, out));
        } else {
            element.children.iter().for_each(|child| self.element(child, false, out));
        }
        if self.whitespace {
            out.push('\n');
        }
        out.push_str("</");
        out.push_str(&name);
        out.push('>');
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
}

/// Reads a message.
///
/// # Errors
/// A sentence when the body is not one well-formed element.
pub(crate) fn parse(body: &[u8]) -> Result<Element, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<(Element, Vec<(String, String)>)> = Vec::new();
    let mut done: Option<Element> = None;
    loop {
        match reader.read_event() {
            Err(error) => return Err(format!("the body is not well-formed XML: {error}")),
            Ok(Event::Eof) => break,
            Ok(Event::DocType(_)) => return Err("the body has a DOCTYPE".to_owned()),
            Ok(Event::Start(start)) => {
                if open.len() > 64 || done.is_some() {
                    return Err("the body is nested too deeply, or has two roots".to_owned());
                }
                let mut spaces = open.last().map(|(_, spaces)| spaces.clone()).unwrap_or_default();
                for attribute in start.attributes().flatten() {
                    let key: &str = attribute.key.as_ref();
                    let prefix = if key == "xmlns" { Some("") } else { key.strip_prefix("xmlns:") };
                    if let Some(prefix) = prefix {
                        spaces.insert(0, (prefix.to_owned(), attribute.value.to_string()));
                    }
                }
                let full: String = start.name().as_ref().to_owned();
                let (prefix, local) = full.split_once(':').unwrap_or(("", &full));
                let namespace = spaces.iter().find(|(known, _)| known == prefix).map(|(_, uri)| uri.clone());
                open.push((Element { namespace, ..Element::new(local) }, spaces));
            }
            Ok(Event::End(_)) => {
                let Some((element, _)) = open.pop() else { return Err("an end tag without a start tag".to_owned()) };
                match open.last_mut() {
                    Some((parent, _)) => parent.children.push(element),
                    None => done = Some(element),
                }
            }
            Ok(Event::Text(text)) => push(&mut open, &text),
            Ok(Event::CData(text)) => push(&mut open, &text),
            Ok(Event::GeneralRef(name)) => push(&mut open, &resolve(&name)?),
            Ok(_) => {}
        }
    }
    match done {
        Some(element) if open.is_empty() => Ok(element),
        _ => Err("the body ends before its last element is closed".to_owned()),
    }
}

fn push(open: &mut [(Element, Vec<(String, String)>)], text: &str) {
    if let Some((element, _)) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn resolve(name: &str) -> Result<String, String> {
    let numeric = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let found = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        other => match other.strip_prefix("#x") {
            Some(digits) => numeric(digits, 16),
            None => other.strip_prefix('#').and_then(|digits| numeric(digits, 10)),
        },
    };
    found.map(String::from).ok_or_else(|| format!("unknown entity &{name};"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let message = Element::new("A").with(Element::leaf("b", "x < & y")).with(Element::new("c"));
        for prefix in ["", "csta"] {
            let style = Style { prefix: prefix.to_owned(), ..Style::default() };
            let read = parse(style.write(&message).as_bytes()).unwrap();
            assert_eq!(read.value("b"), Some("x < & y"));
            assert_eq!(read.namespace.as_deref(), Some(super::super::ED3));
            assert_eq!(read.children.len(), 2);
        }
    }

    #[test]
    fn a_request_with_its_default_namespace_has_the_documented_length() {
        let text = Style::default().write(&Element::new("RequestSystemStatus"));
        assert_eq!(text.len(), 132);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
        #[test]
        fn no_text_makes_it_panic(text in "(<|>|/|&|;|xmlns|:|=|\"|[a-z ?!-]){0,60}") {
            let _ = parse(text.as_bytes());
        }
    }
}
