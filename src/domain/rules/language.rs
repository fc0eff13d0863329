//! The numbers that an expression matches, as a set: whether there is one, and whether another expression has them all.
//!
//! Both are decided exactly on the states of the expressions, not guessed from examples; where that needs too many states
//! the answer is that nobody knows.

use std::collections::{HashMap, HashSet, VecDeque};

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchError};

use super::{MAX_COMPILED, MAX_NESTING};

/// States that are looked at before giving up.
const MAX_STATES: usize = 4000;
/// Work of a step beside what the size of the machine makes of it.
const STEP: u64 = 16;
/// Work of building a machine, for each of its parts.
const BUILD: u64 = 16;

/// Work that may be done, counted and not timed: the answer is the same on every machine.
#[derive(Debug)]
pub(super) struct Work(u64);

impl Work {
    pub(super) fn of(units: u64) -> Self {
        Self(units)
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.0 == 0
    }

    /// Does some; nothing when it is used up.
    pub(super) fn spend(&mut self, units: u64) -> Option<()> {
        self.0 = self.0.saturating_sub(units);
        (self.0 > 0).then_some(())
    }
}

/// An expression as a machine that reads a number character by character.
pub(super) struct Language {
    dfa: DFA,
    cache: Cache,
    start: LazyStateID,
    /// Parts of the expression: what one step may have to look at.
    size: u64,
}

/// Where a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    /// It has matched, whatever follows.
    Matched,
    State(LazyStateID),
}

/// The numbers of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Example {
    /// One of the shortest.
    Number(String),
    /// There is none.
    None,
    /// Finding out would take too long.
    Unknown,
}

impl Language {
    /// `None` where it would be too large, or the work is used up.
    pub(super) fn new(pattern: &str, work: &mut Work) -> Option<Self> {
        work.spend(1)?;
        let dfa = DFA::builder()
            .configure(
                DFA::config()
                    .cache_capacity(MAX_COMPILED)
                    .skip_cache_capacity_check(true)
                    // A state is kept as long as we look: better no answer than a cache that forgets.
                    .minimum_cache_clear_count(Some(0)),
            )
            .syntax(syntax::Config::new().unicode(false).utf8(false).nest_limit(MAX_NESTING))
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_COMPILED)))
            .build(pattern)
            .ok()?;
        let size = u64::try_from(dfa.get_nfa().states().len()).unwrap_or(u64::MAX);
        work.spend(size.saturating_mul(BUILD))?;
        let mut cache = dfa.create_cache();
        let start = start(&dfa, &mut cache).ok()?;
        Some(Self { dfa, cache, start, size })
    }

    /// Parts of the expression.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    fn step(&mut self, at: At, byte: u8, work: &mut Work) -> Option<At> {
        work.spend(STEP + self.size)?;
        match at {
            At::Matched => Some(At::Matched),
            At::State(state) => self.dfa.next_state(&mut self.cache, state, byte).ok().map(after),
        }
    }

    fn ends_matched(&mut self, at: At) -> Option<bool> {
        match at {
            At::Matched => Some(true),
            At::State(state) => self.dfa.next_eoi_state(&mut self.cache, state).ok().map(|end| end.is_match()),
        }
    }

    /// A shortest number of these characters that the expression matches.
    pub(super) fn example(&mut self, alphabet: &[u8], work: &mut Work) -> Example {
        let classes = *self.dfa.byte_classes();
        let mut seen_classes = HashSet::new();
        let bytes: Vec<u8> = alphabet.iter().copied().filter(|byte| seen_classes.insert(classes.get(*byte))).collect();
        let start = At::State(self.start);
        let mut came: HashMap<At, Option<(At, u8)>> = HashMap::from([(start, None)]);
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for &byte in &bytes {
                let Some(next) = self.step(at, byte, work) else { return Example::Unknown };
                match self.ends_matched(next) {
                    None => return Example::Unknown,
                    Some(true) => {
                        let mut number = vec![byte];
                        let mut back = at;
                        while let Some(Some((before, byte))) = came.get(&back) {
                            number.push(*byte);
                            back = *before;
                        }
                        number.reverse();
                        return Example::Number(String::from_utf8_lossy(&number).into_owned());
                    }
                    Some(false) => {}
                }
                if !is_dead(next) && !came.contains_key(&next) {
                    if came.len() >= MAX_STATES {
                        return Example::Unknown;
                    }
                    came.insert(next, Some((at, byte)));
                    queue.push_back(next);
                }
            }
        }
        Example::None
    }

    /// Whether every number of another expression is also one of this; `None` when nobody knows.
    pub(super) fn covers(&mut self, other: &mut Self, alphabet: &[u8], work: &mut Work) -> Option<bool> {
        let (ours, theirs) = (*self.dfa.byte_classes(), *other.dfa.byte_classes());
        let mut seen_classes = HashSet::new();
        let bytes: Vec<u8> =
            alphabet.iter().copied().filter(|byte| seen_classes.insert((ours.get(*byte), theirs.get(*byte)))).collect();
        let start = (At::State(self.start), At::State(other.start));
        let mut seen = HashSet::from([start]);
        let mut queue = VecDeque::from([start]);
        while let Some((ours, theirs)) = queue.pop_front() {
            for &byte in &bytes {
                let next = (self.step(ours, byte, work)?, other.step(theirs, byte, work)?);
                // What this has matched, or the other can never match, proves nothing any more.
                if next.0 == At::Matched || is_dead(next.1) {
                    continue;
                }
                if other.ends_matched(next.1)? && !self.ends_matched(next.0)? {
                    return Some(false);
                }
                if seen.insert(next) {
                    if seen.len() > MAX_STATES {
                        return None;
                    }
                    queue.push_back(next);
                }
            }
        }
        Some(true)
    }
}

fn start(dfa: &DFA, cache: &mut Cache) -> Result<LazyStateID, MatchError> {
    dfa.start_state_forward(cache, &Input::new(b""))
}

fn after(state: LazyStateID) -> At {
    // The machine tells a match one character late; from then on it stays matched.
    if state.is_match() { At::Matched } else { At::State(state) }
}

fn is_dead(at: At) -> bool {
    matches!(at, At::State(state) if state.is_dead())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const DIGITS: &[u8] = b"0123456789*#+";

    fn example(pattern: &str) -> Example {
        let work = &mut Work::of(u64::MAX);
        Language::new(pattern, work).unwrap().example(DIGITS, work)
    }

    fn covers(wide: &str, narrow: &str) -> Option<bool> {
        let work = &mut Work::of(u64::MAX);
        let mut narrow = Language::new(narrow, work).unwrap();
        Language::new(wide, work).unwrap().covers(&mut narrow, DIGITS, work)
    }

    #[test]
    fn an_expression_has_a_shortest_number_or_none() {
        assert_eq!(example("^50[0-9]{3}(.*)"), Example::Number("50000".to_owned()));
        assert_eq!(example("152$"), Example::Number("152".to_owned()));
        for never in ["a^b", "$1", "^$", "[a-z]", "^0(x|y)$"] {
            assert_eq!(example(never), Example::None, "{never}");
        }
    }

    #[test]
    fn one_expression_has_all_numbers_of_another_or_not() {
        for (wide, narrow, is_covered) in [
            ("^0(.*)", "^00(.*)", true),
            ("^00(.*)", "^0(.*)", false),
            (".*", "^[0-9]{3}$", true),
            ("1|2", "2", true),
            ("2", "1|2", false),
            ("^[0-9]+$", "^[0-9]{3,5}$", true),
            ("^[0-9]+$", "^[0-9*]{3}$", false),
            ("5", "15$", true),
        ] {
            assert_eq!(covers(wide, narrow), Some(is_covered), "{wide} {narrow}");
        }
    }

    #[test]
    fn what_takes_too_long_is_not_known() {
        // Each of its states is a set of 40 places.
        let far = "(0|1).{40}1.{40}$";
        let known = covers(far, "(1|0)(.{40})1.{39}2$");
        assert_ne!(known, Some(true));
    }
}
