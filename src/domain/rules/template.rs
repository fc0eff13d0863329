//! What a rule gives: literal text and groups, parsed once. `$` is an ordinary character.

/// A parsed replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// 0 is the whole match.
    Group(usize),
}

impl Template {
    /// Parses a replacement for an expression with so many groups.
    ///
    /// # Errors
    /// The position, counted from 1, and what is wrong there.
    pub(super) fn parse(text: &str, groups: usize) -> Result<Self, (usize, String)> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut characters = text.chars().enumerate();
        while let Some((index, character)) = characters.next() {
            if character != '\\' {
                literal.push(character);
                continue;
            }
            match characters.next() {
                Some((_, '\\')) => literal.push('\\'),
                Some((_, digit)) if digit.is_ascii_digit() => {
                    let group = usize::from(digit as u8 - b'0');
                    if group > groups {
                        let has = match groups {
                            0 => "no parentheses".to_owned(),
                            1 => "one pair of parentheses".to_owned(),
                            _ => format!("{groups} pairs of parentheses"),
                        };
                        return Err((index + 1, format!("\\{group} does not exist: the search has {has}.")));
                    }
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Group(group));
                }
                _ => {
                    return Err((
                        index + 1,
                        "Behind \\ comes a digit, which is a group of the search, or another \\.".to_owned(),
                    ));
                }
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// The replacement, with the groups filled in; `group` gives nothing for one that has no part in the match.
    pub(super) fn expand<'a>(&self, group: impl Fn(usize) -> Option<&'a [u8]>) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(number) => out.push_str(&String::from_utf8_lossy(group(*number).unwrap_or_default())),
            }
        }
        out
    }
}
