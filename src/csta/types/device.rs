//! Device identifiers: everything that CME and its relatives write where a number stands (section 9.1).

use std::borrow::Cow;
use std::fmt;

use crate::csta::owned::{IntoStatic, Text, owned_method, owned_struct};

/// A phone's hardware address: twelve upper-case hex digits, no separators.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac([u8; 12]);

impl Mac {
    /// Reads `SEP0A1B2C3D4E5F`, `0a1b.2c3d.4e5f`, `0A:1B:…`, `0a-1b-…`; `None` for anything that is not twelve hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = match text.get(..3) {
            Some(head) if head.eq_ignore_ascii_case("SEP") => text.get(3..)?,
            _ => text,
        };
        let mut mac = [0_u8; 12];
        let mut used = 0;
        for byte in digits.bytes() {
            match byte {
                b'.' | b':' | b'-' => {}
                _ if byte.is_ascii_hexdigit() => {
                    *mac.get_mut(used)? = byte.to_ascii_uppercase();
                    used += 1;
                }
                _ => return None,
            }
        }
        (used == 12).then_some(Self(mac))
    }

    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII hex digits are ever stored.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({self})")
    }
}

/// A device as the switch wrote it, with the number and the phone read out of it (section 9.1, "accept all").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceId<'a> {
    /// The identifier as it came, trimmed; requests echo this form.
    pub raw: Text<'a>,
    /// The number: no scheme, no parameters, visual separators removed, a leading `+` kept. Empty if there is none.
    pub number: Text<'a>,
    /// The value of `;device=`, as it came.
    pub device: Option<Text<'a>>,
    /// The phone, where `device` is a hardware address.
    pub mac: Option<Mac>,
}

owned_struct!(DeviceId { raw, number, device; mac });

/// What a text holds, as pieces of it.
struct Pieces<'t> {
    number: &'t str,
    device: Option<&'t str>,
}

impl<'a> DeviceId<'a> {
    /// Reads an identifier. Never fails: what cannot be understood stays in `raw`, and `number` is the text itself.
    #[must_use]
    pub fn parse(raw: impl Into<Text<'a>>) -> Self {
        match raw.into() {
            Cow::Borrowed(text) => {
                let text = text.trim();
                let pieces = take_apart(text);
                Self {
                    raw: Cow::Borrowed(text),
                    number: strip_separators(pieces.number),
                    device: pieces.device.map(Cow::Borrowed),
                    mac: pieces.device.and_then(Mac::parse),
                }
            }
            Cow::Owned(text) => DeviceId::parse(text.as_str()).into_owned(),
        }
    }

    /// The number without a leading `+`: the form to compare with (section 9.1).
    #[must_use]
    pub fn comparable_number(&self) -> &str {
        self.number.strip_prefix('+').unwrap_or(&self.number)
    }

    /// Value of any parameter of the identifier, such as `partition`, `ext`, `line` or `phone-context`; names in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameters(&self.raw).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';').skip(1).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.trim(), value.trim().trim_end_matches('>').trim_matches('"'))
    })
}

fn take_apart(text: &str) -> Pieces<'_> {
    let device = memchr::memchr(b';', text.as_bytes())
        .and_then(|_| parameters(text).find(|(key, _)| key.eq_ignore_ascii_case("device")))
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty());
    let mut rest = text.strip_prefix('<').unwrap_or(text);
    for scheme in ["tel:", "sips:", "sip:"] {
        if let Some(head) = rest.get(..scheme.len())
            && head.eq_ignore_ascii_case(scheme)
        {
            rest = rest.get(scheme.len()..).unwrap_or_default();
            break;
        }
    }
    // Other vendors: OpenScape `N<number>name;…` and Mitel `N<123!98>` (section 12).
    if let Some(inner) = rest.strip_prefix("N<") {
        let end = inner.find(['>', '!', ';']).unwrap_or(inner.len());
        return Pieces { number: inner.get(..end).unwrap_or_default(), device };
    }
    let end = rest.find(['@', ';', '>']).unwrap_or(rest.len());
    Pieces { number: rest.get(..end).unwrap_or_default(), device }
}

/// Removes the visual separators of RFC 3966. A text with letters is a name, not a number: it is kept as it is.
fn strip_separators(number: &str) -> Text<'_> {
    let number = number.trim();
    let separator = |c: char| matches!(c, '-' | '.' | '(' | ')' | ' ');
    if !number.contains(separator) || number.contains(|c: char| c.is_alphabetic()) {
        return Cow::Borrowed(number);
    }
    Cow::Owned(number.chars().filter(|c| !separator(*c)).collect())
}

/// A device that an event names, or the reason why it does not (section 5.3: Subject-, Calling-, CalledDeviceID).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectDevice<'a> {
    /// `deviceIdentifier`.
    Identified(DeviceId<'a>),
    /// `notKnown`.
    NotKnown,
    /// `restricted`: known to the switch, withheld from us.
    Restricted,
    /// The element was missing or empty.
    #[default]
    Absent,
}

impl<'a> SubjectDevice<'a> {
    /// The identifier, if there is one.
    #[must_use]
    pub fn id(&self) -> Option<&DeviceId<'a>> {
        match self {
            Self::Identified(id) => Some(id),
            _ => None,
        }
    }
}

impl IntoStatic for SubjectDevice<'_> {
    type Owned = SubjectDevice<'static>;
    fn into_static(self) -> SubjectDevice<'static> {
        match self {
            Self::Identified(id) => SubjectDevice::Identified(id.into_owned()),
            Self::NotKnown => SubjectDevice::NotKnown,
            Self::Restricted => SubjectDevice::Restricted,
            Self::Absent => SubjectDevice::Absent,
        }
    }
}
owned_method!(SubjectDevice);

/// The device a call was redirected from, or why there is none (section 5.3: RedirectionDeviceID).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectionDevice<'a> {
    /// `numberDialed`: redirected from this device.
    NumberDialed(DeviceId<'a>),
    /// `notKnown`: redirected, by whom is unknown.
    NotKnown,
    /// `notRequired`: not redirected.
    NotRequired,
    /// `notSpecified`: the switch cannot tell.
    NotSpecified,
    /// `restricted`: known to the switch, withheld from us.
    Restricted,
    /// The element was missing or empty.
    #[default]
    Absent,
}

impl<'a> RedirectionDevice<'a> {
    /// The identifier, if there is one.
    #[must_use]
    pub fn id(&self) -> Option<&DeviceId<'a>> {
        match self {
            Self::NumberDialed(id) => Some(id),
            _ => None,
        }
    }
}

impl IntoStatic for RedirectionDevice<'_> {
    type Owned = RedirectionDevice<'static>;
    fn into_static(self) -> RedirectionDevice<'static> {
        match self {
            Self::NumberDialed(id) => RedirectionDevice::NumberDialed(id.into_owned()),
            Self::NotKnown => RedirectionDevice::NotKnown,
            Self::NotRequired => RedirectionDevice::NotRequired,
            Self::NotSpecified => RedirectionDevice::NotSpecified,
            Self::Restricted => RedirectionDevice::Restricted,
            Self::Absent => RedirectionDevice::Absent,
        }
    }
}
owned_method!(RedirectionDevice);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, number: &str, mac: Option<&str>) {
        let id = DeviceId::parse(text);
        assert_eq!(id.number, number, "{text}");
        assert_eq!(id.mac.as_ref().map(Mac::as_str), mac, "{text}");
        assert_eq!(id.clone().into_owned(), DeviceId::parse(text.to_owned()), "{text}");
    }

    #[test]
    fn every_form_of_section_9_1_is_read() {
        let mac = Some("0A1B2C3D4E5F");
        check("tel:211;device=0A1B2C3D4E5F", "211", mac);
        check("TEL:211;DEVICE=sep0a1b2c3d4e5f", "211", mac);
        check("tel:211;device=0a1b.2c3d.4e5f", "211", mac);
        check("tel:211;device=0a:1b:2c:3d:4e:5f;partition=p", "211", mac);
        check("sip:211@192.0.2.10:5060;transport=tcp", "211", None);
        check("<sips:211@192.0.2.10>", "211", None);
        check("211", "211", None);
        check(" 211 ", "211", None);
        check("+49 (30) 1234-56.7", "+493012345 67".replace(' ', "").as_str(), None);
        check("tel:+4930;phone-context=dialstring;device=SEP0A1B2C3D4E5F;partition=int", "+4930", mac);
        check("N<4711>Smith;displayNumber=4711;noa=nk", "4711", None);
        check("N<123!98>", "123", None);
        check("A0001", "A0001", None);
        check("tel:211;device=ANALOG1", "211", None);
        check("", "", None);
        check("tel:", "", None);
        check("anna.b-c", "anna.b-c", None);
    }

    #[test]
    fn comparison_ignores_a_leading_plus_only() {
        assert_eq!(DeviceId::parse("tel:+4930").comparable_number(), "4930");
        assert_eq!(DeviceId::parse("tel:49+30").comparable_number(), "49+30");
        assert_eq!(DeviceId::parse("tel:1;Partition=x").parameter("partition"), Some("x"));
        assert_eq!(DeviceId::parse("tel:1;device=ANALOG1").device.as_deref(), Some("ANALOG1"));
    }

    #[test]
    fn a_hardware_address_has_twelve_digits() {
        assert!(Mac::parse("0A1B2C3D4E5").is_none());
        assert!(Mac::parse("0A1B2C3D4E5F0").is_none());
        assert!(Mac::parse("SEP").is_none());
        assert!(Mac::parse("0A1B2C3D4E5G").is_none());
        assert!(Mac::parse("é0A1B2C3D4E5F").is_none());
    }
}
