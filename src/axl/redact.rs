//! Blanking secrets before anything of a message is shown (section 16, "Security").

/// Elements, in lower case, whose whole content is secret.
const SECRET: &[&str] = &[
    "password",
    "pin",
    "ispassword",
    "isuserpin",
    "capf-auth-str",
    "secret",
    "override-code",
    "code",
    "ssh",
    "xml",
    "standby",
    "auth_credential_list",
    "web",
];

/// Words that make a CLI line secret.
const SECRET_CLI: &[&str] = &["password", "secret", "pin", "key", "credential", "auth", "xml user"];

const BLANK: &str = "[redacted]";

/// Whether the content of an element is secret; `name` is its local name in lower case.
pub(super) fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

/// A message as text with every secret blanked, for diagnostics. It works on broken XML too: a secret element
/// that is never closed blanks the rest.
pub fn redact(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(tag) = next_tag(rest) {
        out.push_str(rest.get(..tag.end).unwrap_or_default());
        rest = rest.get(tag.end..).unwrap_or_default();
        if tag.kind != TagKind::Open {
            continue;
        }
        if is_secret(&tag.name) {
            let end = content_end(rest, &tag.name);
            out.push_str(BLANK);
            rest = rest.get(end..).unwrap_or_default();
        } else if tag.name == "cli" {
            let end = content_end(rest, &tag.name);
            let line = rest.get(..end).unwrap_or_default();
            let lower = line.to_ascii_lowercase();
            let secret = SECRET_CLI.iter().any(|word| lower.contains(word));
            out.push_str(if secret { BLANK } else { line });
            rest = rest.get(end..).unwrap_or_default();
        }
    }
    // What follows the last whole tag may be the beginning of a tag that was cut: it holds no content.
    out.push_str(rest);
    out
}

#[derive(PartialEq, Eq)]
enum TagKind {
    Open,
    Close,
    Other,
}

struct Tag {
    start: usize,
    end: usize,
    name: String,
    kind: TagKind,
}

/// The first tag of a text, `None` when there is no whole one.
fn next_tag(text: &str) -> Option<Tag> {
    let start = text.find('<')?;
    let after = text.get(start + 1..)?;
    let end = start + 1 + after.find('>')? + 1;
    let inner = text.get(start + 1..end - 1)?;
    let (inner, closing) = match inner.strip_prefix('/') {
        Some(inner) => (inner, true),
        None => (inner, false),
    };
    let name = inner.trim_start().split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
    let local = name.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
    let kind = if closing {
        TagKind::Close
    } else if inner.ends_with('/') || name.starts_with(['!', '?']) {
        TagKind::Other
    } else {
        TagKind::Open
    };
    Some(Tag { start, end, name: local, kind })
}

/// Where the content of an element that was just opened ends; the end of the text when it is never closed.
fn content_end(text: &str, name: &str) -> usize {
    let mut depth = 1_usize;
    let mut at = 0;
    while let Some(tag) = text.get(at..).and_then(next_tag) {
        if tag.name == name {
            match tag.kind {
                TagKind::Open => depth += 1,
                TagKind::Close => depth -= 1,
                TagKind::Other => {}
            }
            if depth == 0 {
                return at + tag.start;
            }
        }
        at += tag.end;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_secret_element_is_blanked() {
        for name in SECRET {
            let upper = name.to_ascii_uppercase();
            for text in [
                format!("<a><{name}>canary</{name}><b>kept</b></a>"),
                format!("<a><p:{upper} x='1'><u>canary</u></p:{upper}><b>kept</b></a>"),
                format!("<a><{name}><{name}>canary</{name}>canary</{name}><b>kept</b></a>"),
            ] {
                let shown = redact(text.as_bytes());
                assert!(!shown.contains("canary") && shown.contains("<b>kept</b>"), "{text} -> {shown}");
            }
            let shown = redact(format!("<a><{name}>canary</a><b>canary").as_bytes());
            assert!(!shown.contains("canary"), "{shown}");
        }
        assert_eq!(redact(b"<password /><b>kept</b>"), "<password /><b>kept</b>");
    }

    #[test]
    fn cli_lines_with_credentials_are_blanked() {
        let shown = redact(b"<CLI>xml user ctigw canary 15</CLI><CLI>cti watch</CLI>");
        assert!(!shown.contains("canary") && shown.contains("cti watch"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = redact(&bytes);
        }

        #[test]
        fn a_secret_never_survives_a_cut(cut in 0_usize..70) {
            let text = "<d><ISDevID>1</ISDevID><password>canary-7</password><pin>canary-7</pin></d>";
            prop_assert!(!redact(&text.as_bytes()[..cut.min(text.len())]).contains("canary"));
        }
    }
}
