//! Dial strings of TAPI programs (dossier 2.17). Only their form is read here; what a number means, and which prefix it
//! needs, is the gateway's business.

use crate::tapi::err;

/// Longest number that is dialled.
pub(crate) const LONGEST: usize = 64;
/// Longest text that is looked at: TAPI's own limit for an address is far below.
const LONGEST_TEXT: usize = 1024;

/// What a program wants dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Digits, `*`, `#` and a leading `+`; empty for a dial tone.
    pub number: String,
    /// More digits follow (a trailing `;`).
    pub partial: bool,
}

impl Destination {
    /// Reads a dial string; `None` is a NULL pointer.
    ///
    /// # Errors
    /// The LINEERR value: a wait that nobody here can do, or something that cannot be dialled.
    pub fn parse(text: Option<&[u16]>) -> Result<Self, i32> {
        let Some(units) = text else { return Ok(Self { number: String::new(), partial: false }) };
        if units.len() > LONGEST_TEXT {
            return Err(err::INVALADDRESS);
        }
        let text = String::from_utf16(units).map_err(|_| err::INVALADDRESS)?;
        // Several numbers are several lines; the first counts. Subaddress and name follow the number.
        let first = text.split(['\r', '\n']).next().unwrap_or_default();
        let first = first.split(['|', '^']).next().unwrap_or_default().trim();
        let (body, partial) = match first.find(';') {
            // Nothing may follow the sign that more digits come later.
            Some(place) if first.get(place + 1..).is_some_and(|rest| !rest.trim().is_empty()) => {
                return Err(err::INVALADDRESS);
            }
            Some(place) => (first.get(..place).unwrap_or_default(), true),
            None => (first, false),
        };
        let mut number = String::with_capacity(body.len());
        for letter in body.chars() {
            match letter {
                '0'..='9' | '*' | '#' => number.push(letter),
                '+' if number.is_empty() => number.push('+'),
                // Tone or pulse, pauses and hook flashes, which no router dials.
                'T' | 't' | 'P' | 'p' | ',' | '!' => {}
                ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\t' => {}
                'W' | 'w' => return Err(err::DIALDIALTONE),
                '@' => return Err(err::DIALQUIET),
                '$' => return Err(err::DIALBILLING),
                '?' => return Err(err::DIALPROMPT),
                _ => return Err(err::INVALADDRESS),
            }
        }
        if number.len() > LONGEST || number == "+" {
            return Err(err::INVALADDRESS);
        }
        if number.is_empty() && !body.is_empty() && !body.chars().all(|letter| matches!(letter, 'T' | 't' | 'P' | 'p'))
        {
            return Err(err::INVALADDRESS);
        }
        Ok(Self { number, partial })
    }

    /// Whether it can be dialled as keys of a phone.
    pub fn is_keys(&self) -> bool {
        !self.number.starts_with('+')
    }

    /// A number that must be there and complete, as for a transfer.
    ///
    /// # Errors
    /// The LINEERR value.
    pub fn parse_complete(text: Option<&[u16]>) -> Result<String, i32> {
        let destination = Self::parse(text)?;
        if destination.number.is_empty() || destination.partial {
            return Err(err::INVALADDRESS);
        }
        Ok(destination.number)
    }
}

/// Tones for a call that is connected.
///
/// # Errors
/// LINEERR_INVALDIGITS when something is no key of a phone.
pub fn parse_tones(text: &[u16]) -> Result<String, i32> {
    let text = String::from_utf16(text).map_err(|_| err::INVALDIGITS)?;
    // A comma is a pause for the one who generates them.
    let digits: String =
        text.chars().filter(|letter| *letter != ',').map(|letter| letter.to_ascii_uppercase()).collect();
    let is_key = |letter: char| matches!(letter, '0'..='9' | '*' | '#' | 'A'..='D');
    if digits.is_empty() || digits.len() > LONGEST || !digits.chars().all(is_key) {
        return Err(err::INVALDIGITS);
    }
    Ok(digits)
}

/// What two notations of one number have in common.
pub fn bare(number: &str) -> String {
    number.chars().filter(|letter| letter.is_ascii_digit() || matches!(letter, '*' | '#')).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<(String, bool), i32> {
        let units: Vec<u16> = text.encode_utf16().collect();
        Destination::parse(Some(&units)).map(|read| (read.number, read.partial))
    }

    #[test]
    fn every_form_of_the_dossier_is_read() {
        let plain = |text: &str| Ok((text.to_owned(), false));
        assert_eq!(parse("201"), plain("201"));
        assert_eq!(parse("T0891234100"), plain("0891234100"));
        assert_eq!(parse("+49 (89) 1234-100"), plain("+49891234100"));
        assert_eq!(parse("0 089 12.34/5"), plain("008912345"));
        assert_eq!(parse("100|5^Name"), plain("100"));
        assert_eq!(parse("0,,123!4"), plain("01234"));
        assert_eq!(parse("*61#"), plain("*61#"));
        assert_eq!(parse("201\r\n202"), plain("201"));
        assert_eq!(parse(""), plain(""));
        assert_eq!(parse("T"), plain(""));
        assert_eq!(parse("1234;"), Ok(("1234".to_owned(), true)));
        assert_eq!(parse(";"), Ok((String::new(), true)));
        assert_eq!(Destination::parse(None).unwrap().number, "");
    }

    #[test]
    fn what_cannot_be_dialled_says_why() {
        assert_eq!(parse("0W123"), Err(err::DIALDIALTONE));
        assert_eq!(parse("0@"), Err(err::DIALQUIET));
        assert_eq!(parse("0$1"), Err(err::DIALBILLING));
        assert_eq!(parse("?1"), Err(err::DIALPROMPT));
        for text in ["Anna", "12;34", "+", "-", "()", "1+2", "12AB", "sip:1@x"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse(&"1".repeat(4096)), Err(err::INVALADDRESS));
        assert_eq!(parse(&"1".repeat(65)), Err(err::INVALADDRESS));
        assert_eq!(Destination::parse(Some(&[0x31, 0xD800])), Err(err::INVALADDRESS));
        assert_eq!(Destination::parse_complete(Some(&[0x31, 0x3B])), Err(err::INVALADDRESS));
        assert_eq!(Destination::parse_complete(None), Err(err::INVALADDRESS));
    }

    #[test]
    fn tones_are_keys() {
        let read = |text: &str| parse_tones(&text.encode_utf16().collect::<Vec<_>>());
        assert_eq!(read("12,#a"), Ok("12#A".to_owned()));
        assert_eq!(read(""), Err(err::INVALDIGITS));
        assert_eq!(read("1x"), Err(err::INVALDIGITS));
        assert_eq!(bare("+49 (89) 12-3"), "4989123");
    }

    proptest! {
        #[test]
        fn any_units_are_read_without_panic(units in prop::collection::vec(any::<u16>(), 0..60)) {
            if let Ok(read) = Destination::parse(Some(&units)) {
                let legal = |letter: char| letter.is_ascii_digit() || matches!(letter, '*' | '#' | '+');
                prop_assert!(read.number.chars().all(legal));
            }
            let _ = parse_tones(&units);
        }
    }
}
