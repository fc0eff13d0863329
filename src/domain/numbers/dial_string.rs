//! What a person may write to be dialled, and what the PBX sends.

use std::fmt;

/// Digits that can be dialled, cleaned of separators (api.md, dial).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialString {
    digits: String,
    international: bool,
}

/// Why a text cannot be dialled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialStringError {
    /// No digit in it.
    #[error("there is no digit to dial")]
    Empty,
    /// Something that no phone has a key for.
    #[error("“{character}” at position {position} cannot be dialled")]
    Character {
        /// What.
        character: char,
        /// Where, counted from 1.
        position: usize,
    },
    /// Longer than any number.
    #[error("a number has at most 64 digits")]
    TooLong,
}

impl DialString {
    /// Takes E.164, canonical, `tel:`, digits, `*`, `#` and the separators space `- . / ( )`.
    ///
    /// # Errors
    /// Names the first character that cannot be dialled.
    pub fn parse(text: &str) -> Result<Self, DialStringError> {
        let trimmed = text.trim();
        let body = match trimmed.get(..4) {
            Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => {
                let number = trimmed.get(4..).unwrap_or_default();
                number.split(';').next().unwrap_or_default()
            }
            _ => trimmed,
        };
        let mut digits = String::new();
        let mut international = false;
        let mut behind_zero = 0;
        for (index, (at, character)) in body.char_indices().enumerate() {
            if at < behind_zero {
                continue;
            }
            match character {
                // `+49 (0)89 …`: the zero is dialled in the country itself, and never behind its code. Italy keeps it.
                '(' if international
                    && (1..=3).contains(&digits.len())
                    && digits != "39"
                    && body.get(at..).is_some_and(|rest| rest.starts_with("(0)")) =>
                {
                    behind_zero = at + "(0)".len();
                }
                '0'..='9' | '*' | '#' => digits.push(character),
                '+' if digits.is_empty() && !international => international = true,
                ' ' | '\u{a0}' | '-' | '.' | '/' | '(' | ')' => {}
                _ => {
                    return Err(DialStringError::Character { character, position: index + 1 });
                }
            }
        }
        if digits.is_empty() {
            return Err(DialStringError::Empty);
        }
        if digits.len() > 64 {
            return Err(DialStringError::TooLong);
        }
        Ok(Self { digits, international })
    }

    /// The digits, without `+`.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Whether it was written with `+`.
    pub fn is_international(&self) -> bool {
        self.international
    }
}

impl fmt::Display for DialString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.international {
            f.write_str("+")?;
        }
        f.write_str(&self.digits)
    }
}

/// Numbers of one length between two ends, both included.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NumberRange {
    from: String,
    to: String,
}

impl NumberRange {
    /// A range; both ends have the same length.
    pub fn new(from: &str, to: &str) -> Option<Self> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        (digits(from) && digits(to) && from.len() == to.len() && from <= to)
            .then(|| Self { from: from.to_owned(), to: to.to_owned() })
    }

    /// Whether the number lies in it.
    pub fn contains(&self, number: &str) -> bool {
        number.len() == self.from.len() && *self.from <= *number && *number <= *self.to
    }
}

/// A number as the PBX sent it, without scheme and parameters.
pub type RawNumber = String;

/// What the PBX sent, without a scheme (`tel:`, `sip:`), host and parameters.
pub fn clean_raw(text: &str) -> RawNumber {
    let trimmed = text.trim();
    let rest = match trimmed.split_once(':') {
        Some((scheme, rest)) if ["tel", "sip", "sips"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => rest,
        _ => trimmed,
    };
    let end = rest.find([';', '@']).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_usual_notation_can_be_dialled() {
        for (text, digits) in [
            ("202", "202"),
            ("+49 30 1234567", "49301234567"),
            ("+49(89)1234-100", "49891234100"),
            ("tel:+49-30-1;ext=2", "49301"),
            ("0 30/12.34", "0301234"),
            ("*21#", "*21#"),
            ("+49 (0)89 1234-201", "49891234201"),
            ("+49(0) 30 1234567", "49301234567"),
            ("tel:+44-(0)20-79460000", "442079460000"),
            ("+39 (0)6 1234567", "39061234567"),
            ("+49 89 (0)1234", "498901234"),
            ("(0)89 1234", "0891234"),
        ] {
            assert_eq!(DialString::parse(text).unwrap().digits(), digits, "{text}");
        }
        assert!(DialString::parse("+49 30").unwrap().is_international());
    }

    #[test]
    fn what_cannot_be_dialled_is_named() {
        assert_eq!(DialString::parse("20a"), Err(DialStringError::Character { character: 'a', position: 3 }));
        assert_eq!(DialString::parse(" () "), Err(DialStringError::Empty));
        assert!(DialString::parse("2+2").is_err());
    }

    #[test]
    fn ranges_compare_numbers_of_their_length() {
        let range = NumberRange::new("100", "799").unwrap();
        assert!(range.contains("201") && !range.contains("1000") && !range.contains("99"));
        assert!(NumberRange::new("100", "99").is_none());
    }

    #[test]
    fn a_raw_number_loses_scheme_and_parameters() {
        assert_eq!(clean_raw("tel:201;device=00AA11BB0001"), "201");
        assert_eq!(clean_raw("sip:201@192.0.2.10"), "201");
        assert_eq!(clean_raw("201"), "201");
    }
}
