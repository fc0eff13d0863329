//! From bytes to text, whatever the declaration claims (sections 5.2, U-37, U-40).

use std::borrow::Cow;

/// Text of Windows-1252 for the bytes 0x80 to 0x9F, where Latin-1 has only control characters.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// How far the declaration is looked for; a real one has about 60 bytes.
const DECLARATION_WINDOW: usize = 256;

/// The body as text: UTF-8 as it is; UTF-16 with a byte order mark; a declared Latin-1 or Windows-1252; and whatever is
/// not valid UTF-8 as Windows-1252, the superset of Latin-1 that real equipment means.
pub(super) fn text(body: &[u8]) -> Cow<'_, str> {
    if let Some(rest) = body.strip_prefix(b"\xEF\xBB\xBF") {
        return std::str::from_utf8(rest).map_or_else(|_| Cow::Owned(single_bytes(rest)), Cow::Borrowed);
    }
    if let Some(rest) = body.strip_prefix(b"\xFF\xFE") {
        return Cow::Owned(pairs(rest, u16::from_le_bytes));
    }
    if let Some(rest) = body.strip_prefix(b"\xFE\xFF") {
        return Cow::Owned(pairs(rest, u16::from_be_bytes));
    }
    match std::str::from_utf8(body) {
        Ok(text) if text.is_ascii() || !declares_single_bytes(body) => Cow::Borrowed(text),
        _ => Cow::Owned(single_bytes(body)),
    }
}

fn declares_single_bytes(body: &[u8]) -> bool {
    let window = body.get(..body.len().min(DECLARATION_WINDOW)).unwrap_or_default();
    let head = String::from_utf8_lossy(window);
    let Some(declaration) = head.trim_start().strip_prefix("<?xml") else { return false };
    let declaration = declaration.split("?>").next().unwrap_or_default().to_ascii_lowercase();
    let Some((_, value)) = declaration.split_once("encoding") else { return false };
    let value = value.trim_start_matches(|c: char| c == '=' || c.is_whitespace());
    let name = value.trim_start_matches(['"', '\'']).split(['"', '\'']).next().unwrap_or_default();
    matches!(name, "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252")
}

fn single_bytes(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            0x80..=0x9F => WINDOWS_1252.get(usize::from(byte - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
            _ => char::from(*byte),
        })
        .collect()
}

fn pairs(bytes: &[u8], join: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [first, second] => join([*first, *second]),
        _ => 0,
    });
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_borrowed_and_the_rest_is_read() {
        assert!(matches!(text("<a>é</a>".as_bytes()), Cow::Borrowed("<a>é</a>")));
        assert!(matches!(text(b"\xEF\xBB\xBF<a/>"), Cow::Borrowed("<a/>")));
        assert_eq!(text(b"<a>\xE9\x80</a>"), "<a>\u{e9}\u{20ac}</a>");
        assert_eq!(text(b"\xFF\xFE<\0a\0/\0>\0"), "<a/>");
        assert_eq!(text(b"\xFE\xFF\0<\0a\0/\0>\xD8"), "<a/>");
        let declared = b"<?xml version=\"1.0\" encoding='ISO-8859-1'?><a>\xC3\xA9</a>";
        assert!(text(declared).ends_with("<a>\u{c3}\u{a9}</a>"));
        let declared = b"<?xml version=\"1.0\" encoding = \"utf-8\"?><a>\xC3\xA9</a>";
        assert!(text(declared).ends_with("<a>\u{e9}</a>"));
    }
}
