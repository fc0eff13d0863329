//! Where a PBX stands in the numbering of the world: country, area, the number of the system, and what is dialled before
//! a number outside (manual, chapter 3).

/// Least and most digits of an E.164 number: the most is the standard's, the least keeps service numbers out.
const E164_DIGITS: std::ops::RangeInclusive<usize> = 6..=15;
/// Fewest digits of a number with the code of its country that can be dialled: `+49 115` is reached from abroad.
const INTERNATIONAL_DIGITS: usize = 5;
/// Fewest digits of a local number that is taken for one: shorter ones are services such as 110.
const LOCAL_DIGITS: usize = 5;

/// A location. Every part is digits or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    country: String,
    area: String,
    prefix: String,
    outside_line: String,
    national_prefix: String,
    international_prefix: String,
}

/// A part of a location that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct LocationError {
    /// Name of the part, as in the settings.
    pub field: &'static str,
    /// What is wrong and what is right.
    pub detail: &'static str,
}

impl Location {
    /// A location from its parts: country code, area code, number of the system, outside line, national and international
    /// prefix.
    ///
    /// # Errors
    /// Names the first part that cannot be used.
    pub fn new(
        [country, area, prefix, outside_line, national_prefix, international_prefix]: [&str; 6],
    ) -> Result<Self, LocationError> {
        let fail = |field, detail| Err(LocationError { field, detail });
        let digits = |text: &str, most: usize| text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
        let keys =
            |text: &str| text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_digit() || b"*#".contains(&byte));
        if country.is_empty() || !digits(country, 3) || country.starts_with('0') {
            return fail("country_code", "One to three digits without + and without leading zeros, for example 49.");
        }
        if !digits(area, 6) {
            return fail("area_code", "At most six digits, without the national prefix, for example 89.");
        }
        if !digits(prefix, 12) {
            return fail("prefix", "The number of the system itself: at most twelve digits, for example 1234.");
        }
        for (field, text) in [
            ("outside_line", outside_line),
            ("national_prefix", national_prefix),
            ("international_prefix", international_prefix),
        ] {
            if !keys(text) {
                return fail(field, "At most eight digits, * or #; empty where there is none.");
            }
        }
        Ok(Self {
            country: country.to_owned(),
            area: area.to_owned(),
            prefix: prefix.to_owned(),
            outside_line: outside_line.to_owned(),
            national_prefix: national_prefix.to_owned(),
            international_prefix: international_prefix.to_owned(),
        })
    }

    /// An extension in full: `+49(89)1234-100`. The hyphen stands where the extension begins.
    pub fn canonical(&self, extension: &str) -> String {
        let mut out = format!("+{}", self.country);
        if self.area.is_empty() {
            out.push(' ');
        } else {
            out.extend(["(", &self.area, ")"]);
        }
        if !self.prefix.is_empty() {
            out.extend([&self.prefix, "-"]);
        }
        out.push_str(extension);
        out
    }

    /// An extension as an E.164 number.
    pub fn e164_of_extension(&self, extension: &str) -> Option<String> {
        e164([self.country.as_str(), &self.area, &self.prefix, extension])
    }

    /// What is left of an international number (digits without `+`) behind our own beginning.
    pub fn behind_own<'a>(&self, international: &'a str) -> Option<&'a str> {
        self.national(international)?
            .strip_prefix(self.area.as_str())?
            .strip_prefix(self.prefix.as_str())
            .filter(|rest| !rest.is_empty())
    }

    /// A number of our own country (digits without `+`) without the country's code. Where the national prefix is a zero no
    /// number begins with one, so a zero there is the prefix that somebody wrote between: `+49 089 …`.
    fn national<'a>(&self, international: &'a str) -> Option<&'a str> {
        let national = international.strip_prefix(self.country.as_str())?;
        let prefix = self.national_prefix.as_str();
        Some(if self.has_zero() { national.strip_prefix(prefix).unwrap_or(national) } else { national })
    }

    fn has_zero(&self) -> bool {
        !self.national_prefix.is_empty() && self.national_prefix.bytes().all(|byte| byte == b'0')
    }

    /// Whether this can be a number with the code of its country (digits without `+`): no code begins with 0, and behind it
    /// something stands.
    pub fn is_whole(&self, international: &str) -> bool {
        let is_none = |national: &str| national.is_empty() || (self.has_zero() && national.starts_with('0'));
        international.len() >= INTERNATIONAL_DIGITS
            && !international.starts_with('0')
            && !self.national(international).is_some_and(is_none)
    }

    /// Whether the system has a number of its own, so that what stands behind it is an extension.
    pub fn has_prefix(&self) -> bool {
        !self.prefix.is_empty()
    }

    /// What is dialled before a number outside.
    pub fn outside_line(&self) -> &str {
        &self.outside_line
    }

    /// What a phone here dials for an international number (digits without `+`).
    pub fn dialled(&self, international: &str) -> String {
        match self.national(international) {
            Some(national) => [self.outside_line.as_str(), &self.national_prefix, national].concat(),
            None => [self.outside_line.as_str(), &self.international_prefix, international].concat(),
        }
    }

    /// The E.164 number of somebody outside, as the network writes numbers: with the international or the national
    /// prefix. A bare number may be local or national: nobody knows, unless the country has no national prefix.
    pub fn e164_of_network(&self, number: &str) -> Option<String> {
        if let Some(rest) = behind(number, &self.international_prefix).filter(|rest| !rest.starts_with('0')) {
            return e164([rest]);
        }
        if self.national_prefix.is_empty() {
            return e164([self.country.as_str(), number]);
        }
        let rest = behind(number, &self.national_prefix).filter(|rest| !rest.starts_with('0'))?;
        e164([self.country.as_str(), rest])
    }

    /// The E.164 number of what was dialled here: behind the outside line a bare number is a local one.
    pub fn e164_of_dialled(&self, dialled: &str) -> Option<String> {
        let number = dialled.strip_prefix(self.outside_line.as_str())?;
        self.e164_of_network(number).or_else(|| {
            let has_no_prefix =
                behind(number, &self.national_prefix).is_none() && behind(number, &self.international_prefix).is_none();
            let is_local = has_no_prefix && !self.outside_line.is_empty() && number.len() >= LOCAL_DIGITS;
            is_local.then(|| e164([self.country.as_str(), &self.area, number])).flatten()
        })
    }
}

/// What stands behind a prefix; an empty prefix stands before nothing.
fn behind<'a>(number: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() { None } else { number.strip_prefix(prefix) }
}

/// `+` and digits, where that is a possible number.
pub(super) fn e164<const N: usize>(parts: [&str; N]) -> Option<String> {
    let digits = parts.concat();
    let is_number = E164_DIGITS.contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    is_number.then(|| format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn munich() -> Location {
        Location::new(["49", "89", "1234", "0", "0", "00"]).unwrap()
    }

    #[test]
    fn an_extension_is_written_in_full() {
        assert_eq!(munich().canonical("100"), "+49(89)1234-100");
        assert_eq!(munich().e164_of_extension("100").as_deref(), Some("+49891234100"));
        let denmark = Location::new(["45", "", "7010", "", "", "00"]).unwrap();
        assert_eq!(denmark.canonical("20"), "+45 7010-20");
        let bare = Location::new(["49", "89", "", "0", "0", "00"]).unwrap();
        assert_eq!(bare.canonical("5551234"), "+49(89)5551234");
    }

    #[test]
    fn a_number_outside_gets_what_is_dialled_before_it() {
        assert_eq!(munich().dialled("49301234567"), "00301234567");
        assert_eq!(munich().dialled("441632960000"), "000441632960000");
        let boston = Location::new(["1", "617", "555", "9", "1", "011"]).unwrap();
        assert_eq!(boston.dialled("12125550100"), "912125550100");
        assert_eq!(boston.dialled("493012345"), "9011493012345");
        let spain = Location::new(["34", "", "", "0", "", "00"]).unwrap();
        assert_eq!(spain.dialled("34612345678"), "0612345678");
    }

    #[test]
    fn e164_is_told_only_where_it_can_be_known() {
        let here = munich();
        for (number, known) in [
            ("0301234567", Some("+49301234567")),
            ("00441632960000", Some("+441632960000")),
            ("1234567", None),
            ("301234567", None),
            ("0", None),
            ("000", None),
            ("0030", None),
        ] {
            assert_eq!(here.e164_of_network(number).as_deref(), known, "{number}");
        }
        for (dialled, known) in [
            ("00301234567", Some("+49301234567")),
            ("000441632960000", Some("+441632960000")),
            ("05551234", Some("+49895551234")),
            ("0112", None),
            ("112", None),
            ("301234567", None),
        ] {
            assert_eq!(here.e164_of_dialled(dialled).as_deref(), known, "{dialled}");
        }
        let spain = Location::new(["34", "", "", "", "", "00"]).unwrap();
        assert_eq!(spain.e164_of_network("612345678").as_deref(), Some("+34612345678"));
        assert_eq!(spain.e164_of_dialled("612345678").as_deref(), Some("+34612345678"));
    }

    #[test]
    fn a_wrong_part_is_named() {
        for (parts, field) in [
            (["", "89", "1234", "0", "0", "00"], "country_code"),
            (["+49", "89", "1234", "0", "0", "00"], "country_code"),
            (["49", "0 89", "1234", "0", "0", "00"], "area_code"),
            (["49", "89", "12-34", "0", "0", "00"], "prefix"),
            (["49", "89", "1234", "zero", "0", "00"], "outside_line"),
        ] {
            assert_eq!(Location::new(parts).unwrap_err().field, field);
        }
    }
}
