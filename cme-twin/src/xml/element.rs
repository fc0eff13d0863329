//! Writing of reply bodies: elements in the order they are asked for, texts escaped, quirks applied.

use super::XmlQuirks;

/// A reply body under construction.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    quirks: XmlQuirks,
}

impl Body {
    pub(crate) fn new(quirks: &XmlQuirks) -> Self {
        Self { bytes: Vec::with_capacity(2048), quirks: quirks.clone() }
    }

    pub(crate) fn quirks(&self) -> &XmlQuirks {
        &self.quirks
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// `<name>`, the children that `fill` writes, `</name>`.
    pub(crate) fn node(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.tag("<", name, ">");
        fill(self);
        self.tag("</", name, ">");
    }

    /// `<name>` with a line feed after it under the quirk `formatted`; for objects of a list.
    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.line_feed();
        self.node(name, fill);
        self.line_feed();
    }

    /// `<name>text</name>`.
    pub(crate) fn leaf(&mut self, name: &str, text: impl AsRef<str>) {
        self.tag("<", name, ">");
        if self.quirks.formatted && !text.as_ref().is_empty() {
            self.bytes.push(b' ');
        }
        self.text(text.as_ref());
        self.tag("</", name, ">");
    }

    /// `<name>number</name>`.
    pub(crate) fn number(&mut self, name: &str, value: impl std::fmt::Display) {
        self.leaf(name, value.to_string());
    }

    /// `<name>true</name>` or `<name>false</name>`.
    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.leaf(name, if value { "true" } else { "false" });
    }

    /// `<name></name>`.
    pub(crate) fn blank(&mut self, name: &str) {
        self.leaf(name, "");
    }

    /// `<name />`, the other form of an empty value in the samples (dossier 2.8).
    pub(crate) fn empty(&mut self, name: &str) {
        self.tag("<", name, " />");
    }

    /// Bytes as they are: for the envelope.
    pub(crate) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn tag(&mut self, open: &str, name: &str, close: &str) {
        let name = if self.quirks.other_case { other_case(name) } else { name };
        self.raw(open);
        self.raw(name);
        self.raw(close);
    }

    fn line_feed(&mut self) {
        if self.quirks.formatted {
            self.bytes.push(b'\n');
        }
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' if self.quirks.raw_ampersand => self.bytes.push(b'&'),
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                // XML 1.0 2.2 has no other control characters, not even as references.
                c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => {}
                c if self.quirks.latin1 => self.bytes.push(u8::try_from(u32::from(c)).unwrap_or(b'?')),
                c => {
                    let mut buffer = [0; 4];
                    self.raw(c.encode_utf8(&mut buffer));
                }
            }
        }
    }
}

/// The spelling of the other edition for the names that differ (dossier 2.8).
fn other_case(name: &str) -> &str {
    match name {
        "ISDevUsername" => "ISDevUserName",
        "firstName" => "firstname",
        "lastName" => "lastname",
        "ISTapiCLastStatus" => "ISDevTapiCLastStatus",
        "ISExtID" => "ISextID",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn written(quirks: &XmlQuirks, fill: impl FnOnce(&mut Body)) -> Vec<u8> {
        let mut body = Body::new(quirks);
        fill(&mut body);
        body.into_bytes()
    }

    #[test]
    fn texts_are_escaped() {
        let bytes = written(&XmlQuirks::default(), |b| b.leaf("label", "R&D <1> \u{1}é"));
        assert_eq!(String::from_utf8(bytes).unwrap(), "<label>R&amp;D &lt;1&gt; é</label>");
    }

    #[test]
    fn quirks_change_the_text() {
        let quirks = XmlQuirks { raw_ampersand: true, latin1: true, other_case: true, ..XmlQuirks::default() };
        let bytes = written(&quirks, |b| b.node("firstName", |b| b.leaf("x", "a&é")));
        assert_eq!(bytes, b"<firstname><x>a&\xe9</x></firstname>");
    }
}
