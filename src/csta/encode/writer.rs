//! The form on the wire: declaration line, root with its namespace, everything else on one line (sections 3.3 and 5.2).

use bytes::Bytes;
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::csta::MAX_SIZE;

/// The edition whose namespace we write (section 5.1, U-11).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Namespace {
    /// Edition 2.
    Ed2,
    /// Edition 3: what CME speaks.
    #[default]
    Ed3,
    /// Edition 4.
    Ed4,
    /// Edition 5.
    Ed5,
    /// Edition 6.
    Ed6,
    /// The namespace of the peer's own messages, exactly as it wrote it.
    Learned(String),
}

impl Namespace {
    /// The URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Self::Ed2 => "http://www.ecma-international.org/standards/ecma-323/csta/ed2",
            Self::Ed3 => "http://www.ecma-international.org/standards/ecma-323/csta/ed3",
            Self::Ed4 => "http://www.ecma-international.org/standards/ecma-323/csta/ed4",
            Self::Ed5 => "http://www.ecma-international.org/standards/ecma-323/csta/ed5",
            Self::Ed6 => "http://www.ecma-international.org/standards/ecma-323/csta/ed6",
            Self::Learned(uri) => uri,
        }
    }

    /// The namespace with this name: `ed2` to `ed6`, or a URI; edition 3 for anything else.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let editions =
            [("ed2", Self::Ed2), ("ed3", Self::Ed3), ("ed4", Self::Ed4), ("ed5", Self::Ed5), ("ed6", Self::Ed6)];
        let known = editions.into_iter().find(|(word, edition)| *word == name || edition.uri() == name);
        match known {
            Some((_, edition)) => edition,
            None if name.contains(':') => Self::Learned(name.to_owned()),
            None => Self::Ed3,
        }
    }

    /// The name that [`Self::named`] reads.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Learned(uri) => uri,
            edition => edition.uri().rsplit('/').next().unwrap_or_default(),
        }
    }

    /// The namespace of a message's root (switch `learn` of U-11); `None` where it has none or is not read.
    #[must_use]
    pub fn learn(body: &[u8]) -> Option<Self> {
        if body.len() > MAX_SIZE {
            return None;
        }
        let text = std::str::from_utf8(body).ok()?;
        let mut reader = Reader::from_str(text);
        loop {
            let tag = match reader.read_event().ok()? {
                Event::Start(tag) | Event::Empty(tag) => tag,
                Event::Eof | Event::DocType(_) => return None,
                _ => continue,
            };
            let wanted = match tag.name().0.split_once(':') {
                Some((prefix, _)) => format!("xmlns:{prefix}"),
                None => "xmlns".to_owned(),
            };
            let mut attributes = tag.attributes();
            let found = attributes.with_checks(false).take(64).flatten().find(|attribute| attribute.key.0 == wanted)?;
            let uri = quick_xml::escape::unescape(&found.value).ok()?;
            return (!uri.is_empty()).then(|| Self::Learned(uri.into_owned()));
        }
    }
}

/// How messages are written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encoding {
    /// The namespace of the root (U-11).
    pub namespace: Namespace,
    /// A prefix for every element instead of the default namespace (U-11, `csta.prefix`).
    pub prefix: Option<String>,
    /// Whether the XML declaration is written (U-37).
    pub declaration: bool,
    /// A line URI to put into RequestSystemStatus as private data (U-8, value `lcs`).
    pub private_line: Option<String>,
}

impl Default for Encoding {
    fn default() -> Self {
        Self { namespace: Namespace::Ed3, prefix: None, declaration: true, private_line: None }
    }
}

/// Writes one message.
pub(super) struct Writer<'e> {
    out: String,
    encoding: &'e Encoding,
    root: &'static str,
    /// The root's start tag is not closed yet: without children it becomes `<Root/>`.
    root_open: bool,
}

impl<'e> Writer<'e> {
    pub(super) fn new(encoding: &'e Encoding, root: &'static str) -> Self {
        let mut out = String::with_capacity(512);
        if encoding.declaration {
            // The composed messages count this line end as two bytes (section 3.3).
            out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n");
        }
        let mut writer = Self { out, encoding, root, root_open: true };
        writer.tag("<", root);
        writer.out.push_str(" xmlns");
        if let Some(prefix) = &encoding.prefix {
            writer.out.push(':');
            writer.out.push_str(prefix);
        }
        writer.out.push_str("=\"");
        writer.escaped(encoding.namespace.uri());
        writer.out.push('"');
        writer
    }

    /// `<name>text</name>`
    pub(super) fn leaf(&mut self, name: &str, text: &str) {
        self.open(name);
        self.escaped(text);
        self.close(name);
    }

    /// `leaf`, if there is a text.
    pub(super) fn leaf_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.leaf(name, text);
        }
    }

    /// An element with children.
    pub(super) fn element(&mut self, name: &str, children: impl FnOnce(&mut Self)) {
        self.open(name);
        children(self);
        self.close(name);
    }

    pub(super) fn boolean(&mut self, name: &str, value: bool) {
        self.leaf(name, if value { "true" } else { "false" });
    }

    pub(super) fn hex(&mut self, name: &str, bytes: &[u8]) {
        use std::fmt::Write as _;
        let text = bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02X}");
            text
        });
        self.leaf(name, &text);
    }

    /// Markup that is ours and fixed, and needs no prefix.
    pub(super) fn markup(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// Text between markup.
    pub(super) fn characters(&mut self, text: &str) {
        self.escaped(text);
    }

    pub(super) fn finish(mut self) -> Bytes {
        if self.root_open {
            self.out.push_str("/>");
        } else {
            let root = self.root;
            self.close(root);
        }
        Bytes::from(self.out)
    }

    fn open(&mut self, name: &str) {
        if std::mem::take(&mut self.root_open) {
            self.out.push('>');
        }
        self.tag("<", name);
        self.out.push('>');
    }

    fn close(&mut self, name: &str) {
        self.tag("</", name);
        self.out.push('>');
    }

    fn tag(&mut self, bracket: &str, name: &str) {
        self.out.push_str(bracket);
        if let Some(prefix) = &self.encoding.prefix {
            self.out.push_str(prefix);
            self.out.push(':');
        }
        self.out.push_str(name);
    }

    /// Text with markup escaped; characters that XML 1.0 cannot carry are left out.
    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\t' | '\n' | '\r' => self.out.push(character),
                '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
                _ => self.out.push(character),
            }
        }
    }
}
