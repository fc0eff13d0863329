//! A line as people write it, in the forms that are stored: an extension or a canonical number, a MAC in any notation.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::{Code, ServiceError};
use super::numbers;
use super::pbx::PbxSettings;
use crate::csta::Mac;
pub use crate::domain::line_list::ListedLine;
use crate::domain::{DialString, NumberPlan};

const NAME_LENGTH: usize = 128;
const BUTTONS: usize = 32;
/// Labels of one line, and the length of each part.
const LABELS: usize = 64;
const LABEL_LENGTH: usize = 256;

/// How the numbers of one PBX are read.
pub(super) struct Forms<'a> {
    /// Its location.
    pub(super) plan: &'a NumberPlan,
    /// Whether a line or the router has a number just as it is written: `+49…` may stand at an ephone-dn.
    pub(super) is_known: &'a dyn Fn(&str) -> bool,
}

/// A line of a list in the forms that are stored, by the settings of its PBX alone.
///
/// # Errors
/// Names the field that cannot be used.
pub fn listed(settings: &PbxSettings, line: &ListedLine) -> Result<ListedLine, ServiceError> {
    let plan = numbers::plan(settings, Arc::default());
    Forms { plan: &plan, is_known: &|_| false }.listed(line)
}

impl Forms<'_> {
    /// A line in the forms that are stored.
    pub(super) fn listed(&self, line: &ListedLine) -> Result<ListedLine, ServiceError> {
        let number = self.extension(&line.number, "/number")?;
        let buttons = self.buttons(&line.buttons)?;
        self.each_once(&number, &buttons)?;
        Ok(ListedLine {
            number,
            device_id: line.device_id.as_deref().map(|text| mac(text, "/device_id")).transpose()?,
            name: name(&line.name)?,
            buttons,
        })
    }

    /// The number as it stands at the ephone-dn: `+49(89)1234-201` becomes `201` at the place of the PBX. A plain
    /// `+49891234201` may stand there just so, and lists that were exported hold it: it becomes `201` only where that is known.
    pub(super) fn extension(&self, text: &str, pointer: &str) -> Result<String, ServiceError> {
        let number = text.trim();
        let is_canonical =
            number.starts_with('+') || number.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("tel:"));
        if is_canonical && !(self.is_known)(number) {
            let full =
                DialString::parse(number).map_err(|error| wrong(pointer, &format!("This is no number: {error}.")))?;
            let full = full.to_string();
            if (self.is_known)(&full) {
                return Ok(full);
            }
            if let Some(extension) = self.plan.extension_of(&full)
                && (full != number || (self.is_known)(extension))
            {
                return Ok(extension.to_owned());
            }
            // An ephone-dn may hold the plain form itself; other forms are the way of people.
            if full != number {
                let own = self.plan.location.as_ref().filter(|location| location.has_prefix());
                return Err(wrong(
                    pointer,
                    &match own {
                        Some(location) => format!(
                            "This number is not behind the PBX's own number ({}…): write the extension, or correct \
                             the location of the PBX.",
                            location.canonical("")
                        ),
                        None => "A canonical number needs the location of the PBX, with its own number: write the \
                                 extension, or switch the location on."
                            .to_owned(),
                    },
                ));
            }
        }
        let digits = number.strip_prefix('+').unwrap_or(number);
        let is_good = (1..=24).contains(&number.len())
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*' || byte == b'#');
        if is_good {
            Ok(number.to_owned())
        } else {
            Err(wrong(pointer, "A number has 1 to 24 digits, as it stands at the ephone-dn, or is written in full."))
        }
    }

    /// The form in which numbers are compared: an extension and the same number in full are one.
    pub(super) fn compared<'n>(&self, number: &'n str) -> &'n str {
        compared(self.plan, number)
    }

    /// Numbers of further buttons.
    pub(super) fn buttons(&self, list: &[String]) -> Result<Vec<String>, ServiceError> {
        if list.len() > BUTTONS {
            return Err(wrong("/buttons", "A phone has at most 32 further buttons."));
        }
        list.iter().enumerate().map(|(index, text)| self.extension(text, &format!("/buttons/{index}"))).collect()
    }

    /// Refuses a line that has one number twice, whatever the forms in which it was written.
    pub(super) fn each_once(&self, number: &str, buttons: &[String]) -> Result<(), ServiceError> {
        for (index, button) in buttons.iter().enumerate() {
            let pointer = format!("/buttons/{index}");
            let is_button = |other: &str| self.compared(button) == self.compared(other);
            if is_button(number) {
                return Err(wrong(
                    &pointer,
                    &format!("{button} is the number of the line itself: name further buttons only."),
                ));
            }
            if buttons.iter().take(index).any(|other| is_button(other)) {
                return Err(wrong(&pointer, &format!("{button} stands among the buttons already: name it once.")));
            }
        }
        Ok(())
    }
}

/// As [`Forms::compared`].
fn compared<'n>(plan: &NumberPlan, number: &'n str) -> &'n str {
    plan.extension_of(number).unwrap_or(number)
}

/// What makes of each plain number in full (`+49…`) its extension, by the settings of its PBX alone; any other stays.
pub fn comparing(settings: &PbxSettings) -> impl Fn(&str) -> String {
    let plan = numbers::plan(settings, Arc::default());
    move |number| compared(&plan, number).to_owned()
}

/// A wrong value of a field.
pub(super) fn wrong(pointer: &str, detail: &str) -> ServiceError {
    ServiceError::new(Code::InvalidValue, detail).with_field(pointer, detail)
}

/// The 12 hex digits of a phone.
pub(super) fn mac(text: &str, pointer: &str) -> Result<String, ServiceError> {
    Mac::parse(text).map(|mac| mac.as_str().to_owned()).ok_or_else(|| {
        wrong(pointer, "A device id is the MAC of the phone: 12 hex digits in any notation, with or without SEP.")
    })
}

/// A name without blanks around it.
pub(super) fn name(text: &str) -> Result<String, ServiceError> {
    let text = text.trim();
    if text.chars().count() > NAME_LENGTH || text.chars().any(char::is_control) {
        return Err(wrong("/name", "A name has at most 128 characters and no control characters."));
    }
    Ok(text.to_owned())
}

/// Whether labels can be stored.
///
/// # Errors
/// Names the label that cannot.
pub fn labels(labels: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    for (key, text) in labels {
        if !is_label(key, text) {
            let pointer = format!("/labels/{}", key.replace('~', "~0").replace('/', "~1"));
            return Err(wrong(&pointer, "A label is a text of at most 256 bytes."));
        }
    }
    if labels.len() > LABELS {
        return Err(wrong("/labels", "A line has at most 64 labels."));
    }
    Ok(())
}

/// Whether a key and its text can be a label.
pub(super) fn is_label(key: &str, text: &str) -> bool {
    !key.is_empty() && key.len() <= LABEL_LENGTH && text.len() <= LABEL_LENGTH
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn settings(enabled: bool) -> PbxSettings {
        let location = json!({"enabled": enabled, "country_code": "49", "area_code": "89", "prefix": "1234"});
        serde_json::from_value(json!({"name": "hq", "host": "192.0.2.10", "location": location})).unwrap()
    }

    fn read(settings: &PbxSettings, number: &str) -> Result<String, String> {
        let line = ListedLine { number: number.into(), device_id: None, name: String::new(), buttons: Vec::new() };
        listed(settings, &line).map(|line| line.number).map_err(|error| error.detail)
    }

    #[test]
    fn a_canonical_number_becomes_its_extension() {
        let here = settings(true);
        for text in ["201", " 201 ", "+49(89)1234-201", "+49 89 1234 201", "tel:+49-89-1234-201"] {
            assert_eq!(read(&here, text).as_deref(), Ok("201"), "{text}");
        }
        // What an ephone-dn may hold stays, as a list that was exported has it.
        assert_eq!(read(&here, "+49891234201").as_deref(), Ok("+49891234201"));
        assert_eq!(read(&here, "+4930123456").as_deref(), Ok("+4930123456"));
        assert_eq!(read(&settings(false), "+49891234201").as_deref(), Ok("+49891234201"));
    }

    #[test]
    fn what_cannot_be_a_number_here_says_what_to_do() {
        for (enabled, text, part) in [
            (true, "+49(30)1234-201", "+49(89)1234-"),
            (false, "+49(89)1234-201", "location"),
            (true, "+49 x", "cannot be dialled"),
            (true, "20a", "ephone-dn"),
            (true, "+", "no number"),
            (true, "", "ephone-dn"),
        ] {
            let detail = read(&settings(enabled), text).unwrap_err();
            assert!(detail.contains(part), "{text}: {detail}");
        }
    }

    #[test]
    fn a_number_stands_once_on_a_line_in_whatever_form() {
        let read = |buttons: &[&str]| {
            let buttons = buttons.iter().map(|text| (*text).to_owned()).collect();
            let line = ListedLine { number: "395".into(), device_id: None, name: String::new(), buttons };
            listed(&settings(true), &line).map(|line| line.buttons).map_err(|error| error.fields[0].pointer.clone())
        };
        assert_eq!(read(&["396", "+49 89 1234397"]), Ok(vec!["396".to_owned(), "397".to_owned()]));
        assert_eq!(read(&["396", "+49891234397"]), Ok(vec!["396".to_owned(), "+49891234397".to_owned()]));
        assert_eq!(read(&["+49891234396", "396"]), Err("/buttons/1".to_owned()));
        assert_eq!(read(&["396", "+49(89)1234-395"]), Err("/buttons/1".to_owned()));
    }

    #[test]
    fn a_number_that_a_line_has_in_full_is_meant_as_it_is() {
        let plan = numbers::plan(&settings(true), Arc::default());
        let forms = Forms { plan: &plan, is_known: &|number| ["+49891234201", "202"].contains(&number) };
        for (text, stored) in [
            ("+49891234201", "+49891234201"),
            ("+49(89)1234-201", "+49891234201"),
            ("+49891234202", "202"),
            ("+49891234203", "+49891234203"),
            ("+49(89)1234-203", "203"),
        ] {
            assert_eq!(forms.extension(text, "/number").unwrap(), stored, "{text}");
        }
    }
}
