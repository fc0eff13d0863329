//! New numbers for old ones: as long, in as many blocks, in the same order, and none of them the old one by rule.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Longer digit strings are nobody's extension.
const LONGEST: usize = 24;

/// Numbers of a site and what they become.
#[derive(Debug)]
pub(super) struct Renumbering {
    known: HashMap<String, String>,
}

impl Renumbering {
    /// For all numbers that the site has.
    pub(super) fn new<'a>(numbers: impl Iterator<Item = &'a str>) -> Self {
        // Numbers of one form are ordered among themselves: `201`, `*201` and `A201` have nothing to do with each other.
        let mut forms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let all: BTreeSet<&str> = numbers.filter(|number| !number.is_empty()).collect();
        for number in &all {
            forms.entry(form(number)).or_default().insert(digits(number));
        }
        let forms: HashMap<String, HashMap<String, String>> =
            forms.into_iter().map(|(form, digits)| (form, renumbered(&digits))).collect();
        let known = all
            .into_iter()
            .filter_map(|number| {
                let new = forms.get(&form(number))?.get(&digits(number))?;
                Some((number.to_owned(), with_digits(number, new)))
            })
            .collect();
        Self { known }
    }

    /// The new number; one that the site does not have is one outside, as long as it was.
    pub(super) fn of(&self, number: &str) -> String {
        if number.is_empty() {
            return String::new();
        }
        self.known.get(number).cloned().unwrap_or_else(|| {
            let length = digits(number).len();
            with_digits(number, &"0301234567890123456789".chars().cycle().take(length).collect::<String>())
        })
    }
}

/// A dial plan pattern of the same form: its prefix is made up, its dots stay.
pub(super) fn pattern(pattern: &str, at: usize) -> String {
    let length = digits(pattern).len();
    let mut made_up: String = "4930555".chars().cycle().take(length).collect();
    // Several patterns of one length stay several.
    let index = (at % 10).to_string();
    if !made_up.is_empty() {
        made_up.replace_range(length - 1.., &index);
    }
    with_digits(pattern, &made_up)
}

fn form(number: &str) -> String {
    number.chars().map(|letter| if letter.is_ascii_digit() { 'd' } else { letter }).collect()
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// The text with other digits.
fn with_digits(number: &str, new: &str) -> String {
    let mut new = new.chars();
    number.chars().map(|letter| if letter.is_ascii_digit() { new.next().unwrap_or('0') } else { letter }).collect()
}

/// New digits for digit strings of one length. Where there is room they begin at 2, as internal numbers do, or at the
/// first digit that leaves no number what it was.
fn renumbered(all: &BTreeSet<String>) -> HashMap<String, String> {
    let length = all.first().map_or(0, String::len);
    if length == 0 || length > LONGEST {
        return all.iter().map(|digits| (digits.clone(), "2".repeat(digits.len()))).collect();
    }
    let is_new = |new: &HashMap<String, String>| new.iter().all(|(old, new)| old != new);
    (2..10).map(|start| renumbered_from(all, start)).find(is_new).unwrap_or_else(|| renumbered_from(all, 2))
}

/// As [`renumbered`], from a first digit on. Blocks of a hundred stay blocks.
fn renumbered_from(all: &BTreeSet<String>, start: u128) -> HashMap<String, String> {
    let length = all.first().map_or(0, String::len);
    let within = length.min(2);
    let width = length - within;
    let mut blocks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for digits in all {
        let (block, rest) = digits.split_at(width);
        blocks.entry(block).or_default().push(rest);
    }
    let mut new = HashMap::new();
    for (rank, (block, rests)) in blocks.into_iter().enumerate() {
        let first = ranked(rank, width, start);
        // Short numbers have no block in front of them.
        let start = if width == 0 { start } else { 0 };
        for (rank, rest) in rests.into_iter().enumerate() {
            let last = ranked(rank + usize::from(width > 0), within, start);
            new.insert(format!("{block}{rest}"), format!("{first}{last}"));
        }
    }
    new
}

/// The `rank`-th number of so many digits, counted from the one that begins with `start`.
fn ranked(rank: usize, width: usize, start: u128) -> String {
    if width == 0 {
        return String::new();
    }
    let all = 10_u128.pow(u32::try_from(width).unwrap_or(1));
    let rank = u128::try_from(rank).unwrap_or(0);
    format!("{:0width$}", (start * (all / 10) + rank) % all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn new(numbers: &[&str]) -> Vec<String> {
        let renumbering = Renumbering::new(numbers.iter().copied());
        numbers.iter().map(|number| renumbering.of(number)).collect()
    }

    #[test]
    fn blocks_and_order_stay() {
        assert_eq!(new(&["711", "715", "722", "850", "4711"]), ["201", "202", "203", "301", "2001"]);
        assert_eq!(new(&["7", "9"]), ["2", "3"]);
        // Nobody keeps a number.
        assert_eq!(new(&["201", "202", "305"]), ["301", "302", "401"]);
        assert_eq!(new(&["A100", "*100", "100"]), ["A201", "*201", "201"]);
    }

    #[test]
    fn what_the_site_does_not_have_is_outside() {
        let renumbering = Renumbering::new(["711"].into_iter());
        assert_eq!(renumbering.of("0171555"), "0301234");
        assert_eq!(renumbering.of(""), "");
    }

    #[test]
    fn patterns_keep_their_form() {
        assert_eq!(pattern("+4989123...", 0), "+4930550...");
        assert_ne!(pattern("+4989123...", 0), pattern("+4989777...", 1));
    }

    proptest! {
        #[test]
        fn no_two_numbers_become_one(numbers in proptest::collection::btree_set("[0-9]{1,5}|[A-D*][0-9]{0,3}", 1..200)) {
            let renumbering = Renumbering::new(numbers.iter().map(String::as_str));
            let new: BTreeSet<String> = numbers.iter().map(|number| renumbering.of(number)).collect();
            prop_assert_eq!(new.len(), numbers.len());
            for number in &numbers {
                prop_assert_eq!(form(number), form(&renumbering.of(number)));
            }
        }
    }
}
