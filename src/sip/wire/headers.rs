//! The header table: known names, their compact forms, and where a field stands in its message.

use std::fmt;

macro_rules! header_names {
    ($($variant:ident = $name:literal $(/ $short:literal)?),+ $(,)?) => {
        /// A header name (RFC 3261 20 and the RFCs of its extensions).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum HeaderName {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
            /// Any other name; the text stands in the field.
            Other,
        }

        impl HeaderName {
            /// The long name, or `header` for [`HeaderName::Other`].
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ Self::Other => "header" }
            }

            const KNOWN: &'static [(Self, &'static str)] = &[$((Self::$variant, $name)),+];
            const COMPACT: &'static [(Self, u8)] = &[$($((Self::$variant, $short),)?)+];
        }
    };
}

header_names! {
    Via = "Via" / b'v',
    From = "From" / b'f',
    To = "To" / b't',
    CallId = "Call-ID" / b'i',
    CSeq = "CSeq",
    ContentLength = "Content-Length" / b'l',
    Contact = "Contact" / b'm',
    MaxForwards = "Max-Forwards",
    ContentType = "Content-Type" / b'c',
    ContentDisposition = "Content-Disposition",
    ContentEncoding = "Content-Encoding" / b'e',
    Date = "Date",
    UserAgent = "User-Agent",
    Timestamp = "Timestamp",
    Server = "Server",
    Allow = "Allow",
    Supported = "Supported" / b'k',
    Require = "Require",
    Route = "Route",
    RecordRoute = "Record-Route",
    SessionExpires = "Session-Expires" / b'x',
    MinSe = "Min-SE",
    Expires = "Expires",
    MinExpires = "Min-Expires",
    RetryAfter = "Retry-After",
    Warning = "Warning",
    WwwAuthenticate = "WWW-Authenticate",
    ProxyAuthenticate = "Proxy-Authenticate",
    Authorization = "Authorization",
    ProxyAuthorization = "Proxy-Authorization",
    AuthenticationInfo = "Authentication-Info",
    Accept = "Accept",
    AllowEvents = "Allow-Events" / b'u',
    Event = "Event" / b'o',
    ProxyRequire = "Proxy-Require",
    Unsupported = "Unsupported",
    Subject = "Subject" / b's',
    ReferTo = "Refer-To" / b'r',
    ReferredBy = "Referred-By" / b'b',
    MimeVersion = "MIME-Version",
    Reason = "Reason",
}

impl HeaderName {
    /// The name for the given octets: any case, compact forms included (RFC 3261 7.3.3).
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Self {
        if let [letter] = name {
            let letter = letter.to_ascii_lowercase();
            return Self::COMPACT.iter().find(|(_, short)| *short == letter).map_or(Self::Other, |(id, _)| *id);
        }
        Self::KNOWN
            .iter()
            .find(|(_, known)| known.len() == name.len() && known.as_bytes().eq_ignore_ascii_case(name))
            .map_or(Self::Other, |(id, _)| *id)
    }

    /// Whether a malformed value costs the whole message under either strictness.
    #[must_use]
    pub const fn is_critical(self) -> bool {
        matches!(
            self,
            Self::Via
                | Self::From
                | Self::To
                | Self::CallId
                | Self::CSeq
                | Self::ContentLength
                | Self::Contact
                | Self::MaxForwards
        )
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One header field as offsets into its message. The value has no blanks at its ends; folds stay inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub id: HeaderName,
    pub(super) name: (u32, u32),
    pub(super) value: (u32, u32),
}

/// Takes one header line off `bytes` at `at`, folded lines included: name, value, and where the next line starts.
/// `None` for the name when the line is no header. The line has to end with CRLF or with the end of `bytes`.
pub(super) fn next_line(bytes: &[u8], at: usize) -> HeaderLine {
    let mut end = at;
    let next = loop {
        let rest = bytes.get(end..).unwrap_or_default();
        let Some(lf) = memchr::memchr(b'\n', rest) else {
            end = bytes.len();
            break end;
        };
        let after = end + lf + 1;
        // RFC 3261 7.3.1: a line that starts with a blank continues the one before.
        if matches!(bytes.get(after), Some(b' ' | b'\t')) {
            end = after;
            continue;
        }
        end += lf;
        break after;
    };
    if end > at && bytes.get(end - 1) == Some(&b'\r') {
        end -= 1;
    }
    let line = bytes.get(at..end).unwrap_or_default();
    let colon = memchr::memchr(b':', line);
    let fields = colon.and_then(|colon| {
        let name = line.get(..colon)?;
        let name_len = name.iter().rposition(|b| !is_blank(*b)).map_or(0, |last| last + 1);
        let value = line.get(colon + 1..)?;
        let lead = value.iter().position(|b| !is_blank(*b));
        let (from, to) = match lead {
            None => (end, end),
            Some(lead) => {
                let last = value.iter().rposition(|b| !is_blank(*b)).unwrap_or(lead);
                (at + colon + 1 + lead, at + colon + 2 + last)
            }
        };
        let name = name.get(..name_len)?;
        if name.is_empty() || !name.iter().all(|b| super::lexer::is_token_byte(*b)) {
            return None;
        }
        Some(((at, at + name_len), (from, to)))
    });
    HeaderLine { fields, next }
}

/// What [`next_line`] found.
pub(super) struct HeaderLine {
    pub(super) fields: Option<((usize, usize), (usize, usize))>,
    pub(super) next: usize,
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_compact() {
        assert_eq!(HeaderName::from_bytes(b"cAlL-iD"), HeaderName::CallId);
        assert_eq!(HeaderName::from_bytes(b"L"), HeaderName::ContentLength);
        assert_eq!(HeaderName::from_bytes(b"x"), HeaderName::SessionExpires);
        assert_eq!(HeaderName::from_bytes(b"Cisco-referenceID"), HeaderName::Other);
        assert_eq!(HeaderName::from_bytes(b"z"), HeaderName::Other);
    }

    #[test]
    fn a_folded_line_with_blank_before_the_colon_is_one_field() {
        let text = b"Subject \t: one\r\n  two \r\nTo: x\r\n";
        let line = next_line(text, 0);
        let (name, value) = line.fields.unwrap_or_default();
        assert_eq!(&text[name.0..name.1], b"Subject");
        assert_eq!(&text[value.0..value.1], b"one\r\n  two");
        assert_eq!(&text[line.next..line.next + 3], b"To:");
    }
}
