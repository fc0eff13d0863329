//! From bytes to text, whatever the declaration claims (sections 5.2, U-37, U-40).

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// What a body is that is not UTF-8 and declares nothing (U-40). The labels are those of the WHATWG Encoding Standard,
/// where `latin1` means Windows-1252, the superset of Latin-1 that real equipment sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Default for Charset {
    fn default() -> Self {
        Self(WINDOWS_1252)
    }
}

impl Charset {
    /// The charset with this label; `None` for one that nobody knows.
    #[must_use]
    pub fn named(label: &str) -> Option<Self> {
        Encoding::for_label(label.as_bytes()).map(Self)
    }

    fn read(self, bytes: &[u8]) -> String {
        self.0.decode_without_bom_handling(bytes).0.into_owned()
    }
}

/// How far the declaration is looked for; a real one has about 60 bytes.
const DECLARATION_WINDOW: usize = 256;

/// The body as text: UTF-8 as it is; UTF-16 with a byte order mark; a declared charset where it is not contradicted;
/// and whatever is not valid UTF-8 as `fallback`.
pub(super) fn text(body: &[u8], fallback: Charset) -> Cow<'_, str> {
    if let Some(rest) = body.strip_prefix(b"\xEF\xBB\xBF") {
        return std::str::from_utf8(rest).map_or_else(|_| Cow::Owned(fallback.read(rest)), Cow::Borrowed);
    }
    if let Some(rest) = body.strip_prefix(b"\xFF\xFE") {
        return Cow::Owned(Charset(UTF_16LE).read(rest));
    }
    if let Some(rest) = body.strip_prefix(b"\xFE\xFF") {
        return Cow::Owned(Charset(UTF_16BE).read(rest));
    }
    match std::str::from_utf8(body) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        Ok(text) => match declared(body) {
            Some(charset) => Cow::Owned(charset.read(body)),
            None => Cow::Borrowed(text),
        },
        Err(_) => Cow::Owned(declared(body).unwrap_or(fallback).read(body)),
    }
}

/// The declared charset, where it writes a character in one byte. UTF-8 is what is tried first anyway, and UTF-16 cannot
/// be what a declaration in single bytes says it is.
fn declared(body: &[u8]) -> Option<Charset> {
    let window = body.get(..body.len().min(DECLARATION_WINDOW)).unwrap_or_default();
    let head = String::from_utf8_lossy(window);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split("?>").next()?.to_ascii_lowercase();
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start_matches(|c: char| c == '=' || c.is_whitespace());
    let name = value.trim_start_matches(['"', '\'']).split(['"', '\'']).next()?;
    Charset::named(name).filter(|Charset(charset)| charset.is_single_byte())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &[u8]) -> Cow<'_, str> {
        super::text(body, Charset::default())
    }

    #[test]
    fn what_is_not_utf8_is_what_the_setting_says() {
        let polish = Charset::named("windows-1250").expect("a label of the standard");
        assert_eq!(super::text(b"<a>\xB3</a>", polish), "<a>\u{142}</a>");
        // A declaration knows better.
        let body = b"<?xml version=\"1.0\" encoding=\"iso-8859-2\"?><a>\xB6</a>";
        assert!(text(body).ends_with("<a>\u{15b}</a>"));
        assert!(Charset::named("latin1").is_some_and(|charset| charset == Charset::default()));
        assert!(Charset::named("klingon").is_none());
    }

    #[test]
    fn utf8_is_borrowed_and_the_rest_is_read() {
        assert!(matches!(text("<a>é</a>".as_bytes()), Cow::Borrowed("<a>é</a>")));
        assert!(matches!(text(b"\xEF\xBB\xBF<a/>"), Cow::Borrowed("<a/>")));
        assert_eq!(text(b"<a>\xE9\x80</a>"), "<a>\u{e9}\u{20ac}</a>");
        assert_eq!(text(b"\xFF\xFE<\0a\0/\0>\0"), "<a/>");
        assert_eq!(text(b"\xFE\xFF\0<\0a\0/\0>\xD8"), "<a/>\u{fffd}");
        let declared = b"<?xml version=\"1.0\" encoding='ISO-8859-1'?><a>\xC3\xA9</a>";
        assert!(text(declared).ends_with("<a>\u{c3}\u{a9}</a>"));
        let declared = b"<?xml version=\"1.0\" encoding = \"utf-8\"?><a>\xC3\xA9</a>";
        assert!(text(declared).ends_with("<a>\u{e9}</a>"));
    }
}
