//! The numbers of one PBX: its rules, its location and its ranges together.

use std::sync::Arc;

use super::dial_string::{DialString, DialStringError, NumberRange};
use super::location::{Location, e164};
use crate::domain::call::Direction;
use crate::domain::rules::{ListName, RuleSet};

/// How numbers are shown and dialled at one PBX.
#[derive(Debug, Clone, Default)]
pub struct NumberPlan {
    /// Where it stands; `None` while the location is off.
    pub location: Option<Location>,
    /// The ranges that are internal.
    pub internal: Vec<NumberRange>,
    /// Its rules.
    pub rules: Arc<RuleSet>,
    /// Numbers that must stay diallable.
    pub emergency: Vec<String>,
    /// What is dialled before a number outside, also while the location is off.
    pub outside_line: String,
}

/// A number as applications see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// By rules and location; empty when a rule hides it.
    pub number: String,
    /// E.164, where it can be known.
    pub e164: Option<String>,
}

/// What is dialled for a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialled {
    /// The digits that go to the PBX.
    pub digits: String,
    /// Whether the number is one of this PBX.
    pub internal: bool,
    /// Index of the dialing rule that matched.
    pub rule: Option<usize>,
}

/// Why nothing can be dialled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The text itself is no number.
    #[error(transparent)]
    Text(#[from] DialStringError),
    /// A rule hides it.
    #[error("dialing rule {rule} leaves nothing to dial")]
    Hidden {
        /// Its index.
        rule: usize,
    },
    /// A rule makes something of it that no phone can dial.
    #[error("dialing rule {rule} makes something of it that cannot be dialled: {source}")]
    Rule {
        /// Its index.
        rule: usize,
        /// What is wrong with it.
        source: DialStringError,
    },
    /// A number with `+` that has no country, or nothing behind its country.
    #[error(
        "+{digits} is no whole number: behind + stand the code of a country, which never begins with 0, and a number there"
    )]
    NotWhole {
        /// Its digits.
        digits: String,
    },
}

impl NumberPlan {
    /// Whether a number lies in one of the internal ranges, or is an extension written in full.
    pub fn is_internal(&self, number: &str) -> bool {
        self.in_ranges(number)
            || self.extension_of(number).is_some_and(|extension| self.internal.is_empty() || self.in_ranges(extension))
    }

    /// Whether it is one of the emergency numbers: these are never extensions, though ranges may hold them.
    pub fn is_emergency(&self, number: &str) -> bool {
        self.emergency.iter().any(|one| one == number)
    }

    fn in_ranges(&self, number: &str) -> bool {
        !self.is_emergency(number) && self.internal.iter().any(|range| range.contains(number))
    }

    /// The extension in `+49891234100`, where the system has a number of its own.
    pub fn extension_of<'a>(&self, number: &'a str) -> Option<&'a str> {
        let location = self.location.as_ref().filter(|location| location.has_prefix())?;
        let extension = location.behind_own(number.strip_prefix('+')?)?;
        let is_outside = !location.outside_line().is_empty() && extension.starts_with(location.outside_line());
        let is_digits = extension.bytes().all(|byte| byte.is_ascii_digit());
        (is_digits && !is_outside && !self.is_emergency(extension)).then_some(extension)
    }

    /// A number of this PBX in full while the location is on, else as it is.
    pub fn display(&self, extension: &str) -> String {
        match &self.location {
            Some(location) if is_digits(extension) && !self.is_emergency(extension) => location.canonical(extension),
            _ => extension.to_owned(),
        }
    }

    /// A number of a call as applications see it. `internal` says that it belongs to this PBX.
    pub fn shown(&self, direction: Direction, raw: &str, internal: bool) -> Shown {
        let list = match direction {
            Direction::Inbound => ListName::Incoming,
            Direction::Outbound => ListName::Outgoing,
        };
        let by_rule = self.rules.apply(list, raw).map(|applied| applied.output);
        let extension =
            if internal && !self.is_emergency(raw) { Some(self.extension_of(raw).unwrap_or(raw)) } else { None };
        let e164 = match (&by_rule, extension) {
            // Who hides a number hides it in every form.
            (Some(output), _) if output.is_empty() => None,
            (_, Some(extension)) => self
                .location
                .as_ref()
                .filter(|_| is_digits(extension))
                .map_or_else(|| e164_of_plus(raw), |location| location.e164_of_extension(extension)),
            (Some(output), None) => self.e164_by_rule(direction, raw, output),
            (None, None) => self.e164_of_raw(direction, raw),
        };
        let number = match (by_rule, extension) {
            (Some(output), _) => output,
            (None, Some(extension)) if self.location.is_some() => self.display(extension),
            (None, _) => raw.to_owned(),
        };
        Shown { number, e164 }
    }

    /// An incoming rule brings numbers into the form that the network has (its example takes off the outside line);
    /// what was dialled is best known as it was dialled.
    fn e164_by_rule(&self, direction: Direction, raw: &str, output: &str) -> Option<String> {
        let cleaned = DialString::parse(output).ok();
        match (cleaned, direction) {
            (Some(number), _) if number.is_international() => e164([number.digits()]),
            (Some(number), Direction::Inbound) => self.e164_of_raw(direction, number.digits()),
            _ => self.e164_of_raw(direction, raw),
        }
    }

    fn e164_of_raw(&self, direction: Direction, raw: &str) -> Option<String> {
        if raw.starts_with('+') {
            return e164_of_plus(raw);
        }
        let location = self.location.as_ref().filter(|_| !self.is_emergency(raw))?;
        match direction {
            Direction::Inbound => location.e164_of_network(raw),
            Direction::Outbound => location.e164_of_dialled(raw),
        }
    }

    /// What is dialled for a text: cleaned, then the dialing rules, then the location. `is_known` knows the numbers of the
    /// PBX's configuration; one that stands there in full (`+49…`) is dialled as it is.
    ///
    /// # Errors
    /// What cannot be dialled, or what a rule makes of it.
    pub fn dialled(&self, text: &str, is_known: impl Fn(&str) -> bool) -> Result<Dialled, DialError> {
        let mut wanted = DialString::parse(text)?;
        let mut rule = None;
        if let Some(applied) = self.rules.apply(ListName::Dialing, &wanted.to_string()) {
            let index = applied.rule;
            if applied.output.is_empty() {
                return Err(DialError::Hidden { rule: index });
            }
            wanted = DialString::parse(&applied.output).map_err(|source| DialError::Rule { rule: index, source })?;
            rule = Some(index);
        }
        let whole = wanted.to_string();
        if wanted.is_international() && is_known(&whole) {
            return Ok(Dialled { digits: whole, internal: true, rule });
        }
        let digits = match &self.location {
            Some(location) if wanted.is_international() => match location.behind_own(wanted.digits()) {
                Some(extension) if self.is_extension(location, extension, &is_known) => extension.to_owned(),
                _ if !location.is_whole(wanted.digits()) => {
                    return Err(DialError::NotWhole { digits: wanted.digits().to_owned() });
                }
                _ => location.dialled(wanted.digits()),
            },
            _ => wanted.digits().to_owned(),
        };
        let internal = !self.is_emergency(&digits) && (is_known(&digits) || self.in_ranges(&digits));
        Ok(Dialled { digits, internal, rule })
    }

    /// Behind our own number stands an extension when the PBX has it. Where no ranges are given the system's own number
    /// says so, except that `-0`, the operator of many systems, must not become the digit for an outside line.
    fn is_extension(&self, location: &Location, extension: &str, is_known: impl Fn(&str) -> bool) -> bool {
        let outside = location.outside_line();
        !self.is_emergency(extension)
            && (is_known(extension)
                || self.in_ranges(extension)
                || (self.internal.is_empty()
                    && location.has_prefix()
                    && (outside.is_empty() || !extension.starts_with(outside))))
    }

    /// The emergency numbers that a phone with these rules does not reach any more, each with what is dialled instead.
    pub fn lost_emergency_numbers(&self) -> Vec<(String, Result<Dialled, DialError>)> {
        self.emergency_numbers("")
    }

    /// As [`Self::lost_emergency_numbers`], for those who dial them with the digit for an outside line.
    pub fn lost_emergency_numbers_outside(&self) -> Vec<(String, Result<Dialled, DialError>)> {
        if self.outside_line.is_empty() { Vec::new() } else { self.emergency_numbers(&self.outside_line) }
    }

    fn emergency_numbers(&self, before: &str) -> Vec<(String, Result<Dialled, DialError>)> {
        let reaches = |digits: &str| {
            let inner = digits.strip_prefix(self.outside_line.as_str()).unwrap_or(digits);
            self.emergency.iter().any(|number| number == digits || number == inner)
        };
        self.emergency
            .iter()
            .map(|number| format!("{before}{number}"))
            .map(|number| (self.dialled(&number, |_| false), number))
            .filter(|(dialled, _)| !dialled.as_ref().is_ok_and(|dialled| reaches(&dialled.digits)))
            .map(|(dialled, number)| (number, dialled))
            .collect()
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn e164_of_plus(raw: &str) -> Option<String> {
    e164([raw.strip_prefix('+')?])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::rules::{Rule, RuleLists};

    fn munich() -> NumberPlan {
        NumberPlan {
            location: Some(Location::new(["49", "89", "1234", "0", "0", "00"]).unwrap()),
            internal: vec![NumberRange::new("100", "799").unwrap()],
            outside_line: "0".to_owned(),
            emergency: vec!["112".to_owned(), "110".to_owned()],
            rules: Arc::default(),
        }
    }

    fn with(mut plan: NumberPlan, lists: RuleLists) -> NumberPlan {
        plan.rules = Arc::new(RuleSet::compile(lists).unwrap());
        plan
    }

    fn dials(plan: &NumberPlan, text: &str) -> (String, bool, Option<usize>) {
        let dialled = plan.dialled(text, |number| number == "2000").unwrap();
        (dialled.digits, dialled.internal, dialled.rule)
    }

    #[test]
    fn a_crm_dials_international_numbers_without_a_rule() {
        let plan = munich();
        for (text, digits, internal) in [
            ("+49(89)1234-201", "201", true),
            ("tel:+49-89-1234-2000", "2000", true),
            ("+49 30 1234567", "00301234567", false),
            ("+49 89 1234 99", "008912349 9", false),
            ("+44 1632 960000", "000441632960000", false),
            ("+49 89 1234-0", "00891234 0", false),
            ("201", "201", true),
            ("0 30 / 123", "030123", false),
            ("*21#", "*21#", false),
            ("+49 (0)89 1234-201", "201", true),
            ("+49 089 1234-201", "201", true),
            ("+49 (0)30 1234567", "00301234567", false),
            ("+49 030 1234567", "00301234567", false),
            ("+44 (0)1632 960000", "000441632960000", false),
            ("+49 115", "00115", false),
        ] {
            assert_eq!(dials(&plan, text), (digits.replace(' ', ""), internal, None), "{text}");
        }
        for text in ["+49", "+0", "+1", "+44", "+49 (0)", "+49 00", "+49 0000", "+0049 30 1234567"] {
            let refused = plan.dialled(text, |_| false);
            assert!(matches!(refused, Err(DialError::NotWhole { .. })), "{text}: {refused:?}");
        }
        let without_ranges = NumberPlan { internal: Vec::new(), ..munich() };
        assert_eq!(dials(&without_ranges, "+49891234201").0, "201");
        assert_eq!(dials(&without_ranges, "+498912340").0, "008912340");
        assert_eq!(dials(&NumberPlan::default(), "+49 89 1234-201").0, "49891234201");
    }

    #[test]
    fn a_number_that_stands_in_full_at_the_pbx_is_dialled_as_it_is() {
        let colleague = "+49891234201";
        for plan in [munich(), NumberPlan { internal: Vec::new(), ..munich() }, NumberPlan::default()] {
            for text in ["+49891234201", "+49 (89) 1234-201", "tel:+49-89-1234-201"] {
                let dialled = plan.dialled(text, |number| number == colleague).unwrap();
                assert_eq!((dialled.digits.as_str(), dialled.internal), (colleague, true), "{text}");
            }
        }
        assert_eq!(munich().dialled("+49891234202", |number| number == colleague).unwrap().digits, "202");
    }

    #[test]
    fn rules_come_before_the_location_and_may_leave_nothing() {
        let lists = RuleLists {
            dialing: vec![
                Rule::regex("^8([0-9]+)$", "+44\\1"),
                Rule::text("911", "112"),
                Rule::regex("^555", ""),
                Rule::regex("^556", "x"),
            ],
            ..RuleLists::default()
        };
        let plan = with(munich(), lists);
        assert_eq!(dials(&plan, "8 1632 960000"), ("000441632960000".to_owned(), false, Some(0)));
        assert_eq!(dials(&plan, "911"), ("112".to_owned(), false, Some(1)));
        assert_eq!(plan.dialled("5551", |_| false), Err(DialError::Hidden { rule: 2 }));
        assert!(matches!(plan.dialled("5561", |_| false), Err(DialError::Rule { rule: 3, .. })));
        assert!(matches!(plan.dialled("x", |_| false), Err(DialError::Text(_))));
    }

    #[test]
    fn numbers_are_shown_by_rules_then_by_location() {
        let plan = munich();
        let shown = |plan: &NumberPlan, direction, raw: &str, internal| {
            let shown = plan.shown(direction, raw, internal);
            (shown.number, shown.e164)
        };
        let full = |number: &str, e164: &str| (number.to_owned(), Some(e164.to_owned()));
        assert_eq!(shown(&plan, Direction::Inbound, "201", true), full("+49(89)1234-201", "+49891234201"));
        assert_eq!(shown(&plan, Direction::Inbound, "+49891234201", true), full("+49(89)1234-201", "+49891234201"));
        assert_eq!(shown(&plan, Direction::Inbound, "0301234567", false), full("0301234567", "+49301234567"));
        assert_eq!(shown(&plan, Direction::Outbound, "00301234567", false), full("00301234567", "+49301234567"));
        assert_eq!(shown(&plan, Direction::Outbound, "112", false), ("112".to_owned(), None));
        assert_eq!(shown(&NumberPlan::default(), Direction::Inbound, "201", true), ("201".to_owned(), None));
        assert_eq!(
            shown(&NumberPlan::default(), Direction::Inbound, "+4930123456", false),
            full("+4930123456", "+4930123456")
        );
        let lists = RuleLists {
            incoming: vec![Rule::regex("^0(0.*)", "\\1"), Rule::regex("^[0-9][0-9][0-9]$", "")],
            outgoing: vec![Rule::regex("^0(.*)", "\\1")],
            ..RuleLists::default()
        };
        let plan = with(plan, lists);
        assert_eq!(shown(&plan, Direction::Inbound, "00301234567", false), full("0301234567", "+49301234567"));
        assert_eq!(shown(&plan, Direction::Outbound, "00301234567", false), full("0301234567", "+49301234567"));
        assert_eq!(shown(&plan, Direction::Inbound, "201", true), (String::new(), None));
        assert_eq!(shown(&plan, Direction::Outbound, "201", true), full("+49(89)1234-201", "+49891234201"));
    }

    #[test]
    fn an_emergency_number_is_never_an_extension() {
        // The ranges of the documents' example hold 112, and the PBX may even have such a number.
        let plan = munich();
        assert_eq!(
            plan.dialled("112", |_| true).unwrap(),
            Dialled { digits: "112".into(), internal: false, rule: None }
        );
        assert!(!plan.is_internal("112") && !plan.is_internal("+49891234112") && plan.is_internal("113"));
        for direction in [Direction::Inbound, Direction::Outbound] {
            let shown = plan.shown(direction, "112", true);
            assert_eq!(shown, Shown { number: "112".to_owned(), e164: None });
        }
        assert_eq!(plan.display("112"), "112");
        assert_eq!(plan.extension_of("+49891234112"), None);
        // Nobody calls for help by dialling a colleague's number.
        for plan in [&plan, &NumberPlan { internal: Vec::new(), ..munich() }] {
            assert_eq!(dials(plan, "+49 89 1234-112").0, "00891234112");
        }
    }

    #[test]
    fn emergency_numbers_must_stay_diallable() {
        let lost = |rule: Rule| {
            let plan = with(munich(), RuleLists { dialing: vec![rule], ..RuleLists::default() });
            let numbers = |list: Vec<(String, _)>| list.into_iter().map(|(number, _)| number).collect::<Vec<_>>();
            (numbers(plan.lost_emergency_numbers()), numbers(plan.lost_emergency_numbers_outside()))
        };
        let none: Vec<String> = Vec::new();
        assert_eq!(lost(Rule::regex("^([0-9][0-9]?[0-9]?)$", "03012345\\1")).0, ["112", "110"]);
        assert_eq!(lost(Rule::regex("^11(.*)$", "")).0, ["112", "110"]);
        // Both are reached: with the digit for an outside line, and without.
        assert_eq!(lost(Rule::regex("^(11.)$", "0\\1")), (none.clone(), none.clone()));
        assert_eq!(lost(Rule::regex("^0(.*)", "\\1")), (none.clone(), none.clone()));
        // The manual's own example: whoever has it dials without the digit.
        let outside = lost(Rule::regex("^([0-9][0-9][0-9].+)", "0\\1"));
        assert_eq!(outside, (none, vec!["0112".to_owned(), "0110".to_owned()]));
    }
}
