//! Credentials never enter the trace: digest headers are blanked before a message is kept or sent on.

use bytes::Bytes;
use memchr::memmem;

/// Headers that are secret as a whole; none has a compact form.
const SECRET: [&str; 5] =
    ["authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info"];
const BLANK: &[u8] = b" [redacted]";

/// A SIP message without credentials, in memory of its own. A header may be folded over several lines.
pub(super) fn blank(message: &[u8]) -> Bytes {
    // All five names hold this word; most messages do not.
    let begins = |at: usize| message.get(at..at + 3).is_some_and(|word| word.eq_ignore_ascii_case(b"uth"));
    if !memchr::memchr2_iter(b'u', b'U', message).any(begins) {
        return Bytes::copy_from_slice(message);
    }
    let end = memmem::find(message, b"\r\n\r\n").map_or(message.len(), |at| at + 2);
    let (head, body) = message.split_at(end);
    let mut out = Vec::with_capacity(message.len());
    let mut is_secret = false;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let is_fold = matches!(line.first(), Some(b' ' | b'\t'));
        if is_fold && is_secret {
            continue;
        }
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        is_secret = !is_fold && is_secret_name(name);
        if !is_secret {
            out.extend_from_slice(line);
            continue;
        }
        let value = line.get(name.len() + 1..).unwrap_or_default();
        let scheme = value.trim_ascii_start().split(u8::is_ascii_whitespace).next().unwrap_or_default();
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        // A scheme is a word; anything else may be the secret itself.
        if scheme.eq_ignore_ascii_case(b"digest") || scheme.eq_ignore_ascii_case(b"basic") {
            out.extend_from_slice(scheme);
        }
        out.extend_from_slice(BLANK);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(body);
    out.into()
}

fn is_secret_name(name: &[u8]) -> bool {
    SECRET.iter().any(|secret| name.trim_ascii().eq_ignore_ascii_case(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digest_headers_are_blanked_folded_or_not() {
        let message =
            b"REGISTER sip:r SIP/2.0\r\nAuthorization: Digest username=\"canary\",\r\n response=\"canary\"\r\n\
            authorization : canary\r\nX-Auth: kept\r\nContent-Length: 4\r\n\r\nauth";
        let shown = blank(message);
        assert_eq!(
            String::from_utf8_lossy(&shown),
            "REGISTER sip:r SIP/2.0\r\nAuthorization: Digest [redacted]\r\nauthorization :  [redacted]\r\n\
             X-Auth: kept\r\nContent-Length: 4\r\n\r\nauth"
        );
    }

    proptest! {
        #[test]
        fn no_spelling_lets_a_credential_through(
            name in prop::sample::select(&SECRET[..]), upper in any::<[bool; 8]>(), blanks in "[ \t]{0,2}", folds in 0_usize..3,
        ) {
            let name: String = name.chars().zip(upper.iter().cycle())
                .map(|(c, up)| if *up { c.to_ascii_uppercase() } else { c }).collect();
            let fold = "\r\n\tqop=canary".repeat(folds);
            let text = format!("INVITE sip:a SIP/2.0\r\n{name}{blanks}:{blanks}Digest nonce=\"canary\"{fold}\r\nTo: b\r\n\r\n<a/>");
            let shown = String::from_utf8_lossy(&blank(text.as_bytes())).into_owned();
            prop_assert!(!shown.contains("canary") && shown.ends_with("To: b\r\n\r\n<a/>"), "{}", shown);
        }

        #[test]
        fn what_holds_none_stays_as_it_is(text in "[a-t:;<>\r\n ]{0,200}") {
            prop_assume!(!text.contains("auth"));
            prop_assert_eq!(&blank(text.as_bytes())[..], text.as_bytes());
        }
    }
}
