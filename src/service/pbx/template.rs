//! Templates for identities towards the PBX, such as `{number}_{mac}` (dossier 15b, U-1, U-9, U-10).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text with fields in braces: `number`, `mac`, `sepmac`, `register_id`, `digits`, `cme`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Number,
    Mac,
    SepMac,
    RegisterId,
    Digits,
    Cme,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Mac => "mac",
            Self::SepMac => "sepmac",
            Self::RegisterId => "register_id",
            Self::Digits => "digits",
            Self::Cme => "cme",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Number, Self::Mac, Self::SepMac, Self::RegisterId, Self::Digits, Self::Cme]
            .into_iter()
            .find(|field| field.name() == name)
    }
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A `{` without its `}`.
    #[error("a brace is opened and not closed")]
    Unclosed,
    /// A field that does not exist.
    #[error("there is no field {{{0}}}; the fields are number, mac, sepmac, register_id, digits and cme")]
    UnknownField(String),
}

/// The values that a template may use; what is absent makes [`Template::fill`] give `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TemplateValues<'a> {
    /// Extension number.
    pub number: Option<&'a str>,
    /// Phone, 12 hex digits.
    pub mac: Option<&'a str>,
    /// Session server id.
    pub register_id: Option<&'a str>,
    /// Dialled digits.
    pub digits: Option<&'a str>,
    /// Host of the PBX.
    pub cme: Option<&'a str>,
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// When a brace is not closed or a field does not exist.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, tail) = rest.split_at(open);
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let tail = &tail[1..];
            let close = tail.find('}').ok_or(TemplateError::Unclosed)?;
            let name = &tail[..close];
            let field = Field::parse(name).ok_or_else(|| TemplateError::UnknownField(name.to_owned()))?;
            parts.push(Part::Field(field));
            rest = &tail[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The text with all fields filled, or `None` when a field has no value (for example no MAC).
    pub fn fill(&self, values: TemplateValues<'_>) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field(Field::Number) => out.push_str(values.number?),
                Part::Field(Field::Mac) => out.push_str(values.mac?),
                Part::Field(Field::SepMac) => {
                    out.push_str("SEP");
                    out.push_str(values.mac?);
                }
                Part::Field(Field::RegisterId) => out.push_str(values.register_id?),
                Part::Field(Field::Digits) => out.push_str(values.digits?),
                Part::Field(Field::Cme) => out.push_str(values.cme?),
            }
        }
        Some(out)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Field(field) => write!(f, "{{{}}}", field.name())?,
            }
        }
        Ok(())
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_template_is_filled_and_written_back() {
        let template = Template::parse("tel:{number};device={mac}").unwrap();
        let values = TemplateValues { number: Some("201"), mac: Some("00AA11BB0001"), ..TemplateValues::default() };
        assert_eq!(template.fill(values).unwrap(), "tel:201;device=00AA11BB0001");
        assert_eq!(template.to_string(), "tel:{number};device={mac}");
    }

    #[test]
    fn a_missing_value_gives_nothing() {
        let template = Template::parse("{number}_{mac}").unwrap();
        let values = TemplateValues { number: Some("205"), ..TemplateValues::default() };
        assert_eq!(template.fill(values), None);
    }

    #[test]
    fn bad_templates_say_why() {
        assert_eq!(Template::parse("{number"), Err(TemplateError::Unclosed));
        assert_eq!(Template::parse("{nummer}"), Err(TemplateError::UnknownField("nummer".to_owned())));
    }
}
