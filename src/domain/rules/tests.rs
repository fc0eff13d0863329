#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn incoming(rules: Vec<Rule>) -> RuleSet {
    RuleSet::compile(RuleLists { incoming: rules, ..RuleLists::default() }).unwrap()
}

fn output(rules: &RuleSet, number: &str) -> String {
    rules.apply(ListName::Incoming, number).map_or(number.to_owned(), |applied| applied.output)
}

/// What numbers become.
type Numbers = &'static [(&'static str, &'static str)];

/// The table of the manual, chapter 4, with numbers that each of its rules is for and numbers that it is not for.
const MANUAL: [(&str, &str, Numbers); 7] = [
    ("^0(.*)", "\\1", &[("0301234", "301234"), ("301234", "301234"), ("0", "")]),
    ("^80(.*)", "0\\1", &[("80301234", "0301234"), ("0801", "0801")]),
    ("^50[0-9][0-9][0-9](.*)", "\\1", &[("501230301234", "0301234"), ("5012", "5012")]),
    ("^[0-9][0-9][0-9]$", "", &[("201", ""), ("2010", "2010"), ("20", "20")]),
    ("^([0-9][0-9][0-9].+)", "0\\1", &[("0301234", "00301234"), ("201", "201")]),
    ("^([0-9][0-9]?[0-9]?)$", "03012345\\1", &[("7", "030123457"), ("201", "03012345201"), ("2010", "2010")]),
    ("^([^0][0-9][0-9][0-9].*)", "08151\\1", &[("1234", "081511234"), ("0123", "0123"), ("123", "123")]),
];

#[test]
fn the_seven_examples_of_the_manual_do_what_it_says() {
    for (search, replace, numbers) in MANUAL {
        let rules = incoming(vec![Rule::regex(search, replace)]);
        for (number, expected) in numbers {
            assert_eq!(output(&rules, number), *expected, "{search} on {number}");
        }
    }
}

#[test]
fn the_first_match_wins_across_both_kinds() {
    let mut off = Rule::regex("^2", "off");
    off.enabled = false;
    let rules = incoming(vec![
        off,
        Rule::text("201", "by text"),
        Rule::regex("^20(.)$", "by \\1 of \\0"),
        Rule::text("202", "never"),
        Rule::text("301", "$1 \\1"),
        Rule::regex("", "x").search_for("^4(.)?(.)?$"),
    ]);
    assert_eq!(output(&rules, "201"), "by text");
    assert_eq!(output(&rules, "202"), "by 2 of 202");
    assert_eq!(output(&rules, "2"), "2");
    // A text rule gives its replacement as it is.
    assert_eq!(output(&rules, "301"), "$1 \\1");
    assert_eq!(output(&rules, ""), "");
    assert!(rules.apply(ListName::Outgoing, "201").is_none());
}

impl Rule {
    fn search_for(mut self, search: &str) -> Self {
        search.clone_into(&mut self.search);
        self
    }
}

#[test]
fn the_result_is_the_expansion_and_not_the_number_with_the_match_replaced() {
    let rules = incoming(vec![Rule::regex("152$", "x"), Rule::regex("^4(5)?(6)?", "[\\2|\\1|\\\\$1]")]);
    assert_eq!(output(&rules, "0152"), "x");
    // A group without a part in the match is empty; `$` is an ordinary character.
    assert_eq!(output(&rules, "46"), "[6||\\$1]");
    let trace = rules.trace(ListName::Incoming, "0152");
    assert!(trace.steps[0].why.contains("“152”") && trace.steps[0].why.contains("dropped"), "{trace:?}");
}

#[test]
fn a_trace_says_which_rule_which_groups_and_why_not() {
    let mut off = Rule::regex("0", "");
    off.enabled = false;
    let rules = incoming(vec![
        off,
        Rule::text("110", "x"),
        Rule::regex("^50[0-9][0-9](.*)", "\\1"),
        Rule::regex("^9", ""),
        Rule::regex("^(0)(30)(.*)", "\\3"),
        Rule::regex(".*", ""),
    ]);
    let trace = rules.trace(ListName::Incoming, "0301234");
    assert_eq!((trace.output.as_str(), trace.matched), ("1234", Some(4)));
    assert_eq!(trace.groups, ["0", "30", "1234"]);
    let steps: Vec<_> = trace.steps.iter().map(|step| (step.rule, step.matched)).collect();
    assert_eq!(steps, [(0, false), (1, false), (2, false), (3, false), (4, true)]);
    assert_eq!(trace.steps[0].why, "It is switched off.");
    assert_eq!(trace.steps[1].why, "The number is not “110”.");
    assert_eq!(trace.steps[2].why, "“50[0-9][0-9](.*)” does not fit the number.");
    assert_eq!(trace.steps[4].why, "It matches the whole number.");
    let trace = rules.trace(ListName::Incoming, "50a");
    assert_eq!(trace.steps[2].why, "“^50” fits, but not “[0-9][0-9](.*)” behind it.");
    assert_eq!(rules.trace(ListName::Dialing, "1").output, "1");
}

#[test]
fn a_bad_rule_is_named_with_the_place() {
    let long = "1".repeat(257);
    let huge = "((a{100}){100}){100}";
    for (search, replace, pointer, position, part) in [
        ("^0(.*", "", "/incoming/1/search", Some(3), "unclosed group"),
        ("^0[0-9", "", "/incoming/1/search", Some(3), "unclosed"),
        ("^0(?=1)", "", "/incoming/1/search", Some(3), "look-ahead"),
        ("^(0)\\1", "", "/incoming/1/search", Some(5), "replacement only"),
        ("*1", "", "/incoming/1/search", Some(1), "repetition"),
        ("[ä]", "", "/incoming/1/search", Some(2), "ASCII"),
        (huge, "", "/incoming/1/search", None, "too large"),
        (&long, "", "/incoming/1/search", None, "256"),
        ("", "", "/incoming/1/search", None, "search"),
        ("1\n2", "", "/incoming/1/search", Some(2), "control"),
        ("^0(.*)", "0\\2", "/incoming/1/replace", Some(2), "one pair"),
        ("^0", "\\1", "/incoming/1/replace", Some(1), "no parentheses"),
        ("^0", "0\\x", "/incoming/1/replace", Some(2), "another \\"),
        ("^0", "0\\", "/incoming/1/replace", Some(2), "another \\"),
    ] {
        let lists =
            RuleLists { incoming: vec![Rule::regex("^1", ""), Rule::regex(search, replace)], ..RuleLists::default() };
        let errors = RuleSet::compile(lists).unwrap_err();
        assert_eq!(errors.len(), 1, "{search}");
        assert_eq!((errors[0].pointer().as_str(), errors[0].position), (pointer, position), "{search}: {errors:?}");
        assert!(errors[0].detail.contains(part), "{search}: {}", errors[0].detail);
    }
    let nested = format!("{}1{}", "(".repeat(40), ")".repeat(40));
    assert!(RuleSet::compile(RuleLists { dialing: vec![Rule::regex(&nested, "")], ..RuleLists::default() }).is_err());
    let many = vec![Rule::text("1", ""); MAX_RULES + 1];
    let errors = RuleSet::compile(RuleLists { outgoing: many, ..RuleLists::default() }).unwrap_err();
    assert_eq!(errors[0].pointer(), "/outgoing");
}

#[test]
fn nothing_hangs_and_nothing_grows() {
    let evil = ["(a+)+$", "(.*)*$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[1]$"];
    let rules = incoming(evil.iter().map(|search| Rule::regex(search, "\\0\\0\\0\\0")).collect());
    let number = format!("{}!", "a".repeat(MAX_NUMBER - 1));
    let begun = Instant::now();
    for _ in 0..50 {
        assert!(output(&rules, &number).chars().count() <= MAX_NUMBER);
    }
    rules.trace(ListName::Incoming, &number);
    assert!(!rules.findings().is_empty());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // Longer numbers are nobody's.
    assert_eq!(output(&rules, &"a".repeat(5000)), "a".repeat(5000));
}

#[test]
fn compiling_ends_when_its_time_is_over() {
    let lists = RuleLists { outgoing: vec![Rule::regex("([0-9]{1,20}){1,20}", ""); 100], ..RuleLists::default() };
    let left = std::cell::Cell::new(40_usize);
    let goes_on = || left.replace(left.get().saturating_sub(1)) > 0;
    let errors = RuleSet::compile_while(lists, &goes_on).unwrap_err();
    assert_eq!((errors.len(), errors[0].pointer().as_str()), (1, "/outgoing/40/search"), "{errors:?}");
    assert!(errors[0].detail.contains("fewer of them"), "{errors:?}");
}

#[test]
fn dead_and_shadowed_rules_are_pointed_out() {
    let mut off = Rule::regex(".*", "");
    off.enabled = false;
    let lists = RuleLists {
        incoming: vec![
            off,
            Rule::regex("^0(.*)", "\\1"),
            Rule::regex("^00(.*)", "\\1"),
            Rule::text("0301", "x"),
            Rule::text("301", "x"),
            Rule::text("301", "y"),
            Rule::regex("2^1", ""),
            Rule::regex("152$", "x"),
            Rule::regex("^(.+)7$", "x"),
        ],
        dialing: vec![Rule::text("+49 30", "x"), Rule::regex("^[a-z]+$", ""), Rule::text("+4930", "x")],
        ..RuleLists::default()
    };
    let rules = RuleSet::compile(lists).unwrap();
    let found: Vec<_> = rules.findings().iter().map(|one| (one.list, one.rule, one.kind, one.by)).collect();
    use FindingKind as K;
    use ListName as L;
    assert_eq!(
        found,
        [
            (L::Incoming, Some(2), K::Shadowed, Some(1)),
            (L::Incoming, Some(3), K::Shadowed, Some(1)),
            (L::Incoming, Some(5), K::Shadowed, Some(4)),
            (L::Incoming, Some(6), K::Dead, None),
            (L::Incoming, Some(7), K::Partial, None),
            (L::Dialing, Some(0), K::Dead, None),
            (L::Dialing, Some(1), K::Dead, None),
        ]
    );
    let manual = incoming(MANUAL.iter().map(|(search, replace, _)| Rule::regex(search, replace)).collect());
    assert!(manual.findings().iter().all(|one| one.kind != K::Dead && one.kind != K::Partial));
}

#[test]
fn looking_for_findings_ends_and_says_what_it_left_out() {
    // Each has thousands of states, is matched by the first where it begins, and is not covered by it.
    let rule = |index: usize| Rule::regex(&format!("(0|1){{1,8}}1(0|1){{10}}[0-9]{{0,{}}}$", index % 9), "");
    let rules = RuleSet::compile(RuleLists {
        incoming: (0..300).map(rule).collect(),
        dialing: vec![Rule::regex("^0(.*)", "\\1"), Rule::regex("^00", "")],
        ..RuleLists::default()
    })
    .unwrap();
    let found = findings::find_within(&rules, 2_000_000);
    let told: Vec<_> = found.iter().filter(|one| one.kind == FindingKind::Unchecked).collect();
    assert_eq!(told.len(), 1, "{found:?}");
    assert_eq!((told[0].list, told[0].rule), (ListName::Incoming, None));
    assert!(told[0].detail.contains("to 299 were not looked at"), "{}", told[0].detail);
    // Ordinary rules are all looked at, as many as a list may have.
    let ordinary = |index: usize| Rule::regex(&format!("^(00|\\+)?49{index:04}[0-9]{{2,12}}$"), "\\1");
    let many = RuleLists { incoming: (0..MAX_RULES).map(ordinary).collect(), ..RuleLists::default() };
    assert_eq!(RuleSet::compile(many).unwrap().findings(), []);
    // The work of one list is not taken from another.
    assert!(found.iter().any(|one| one.list == ListName::Dialing && one.kind == FindingKind::Shadowed), "{found:?}");
}

#[test]
fn lists_are_read_from_text_and_written_again() {
    let text = "\u{feff}# our rules\r\n[Incoming]\r\n^0(.*);\\1;take off; text \r\n".replace("; text ", ";regex")
        + "^[0-9][0-9][0-9]$;\n[0-9]\\;x;a\\;b;with \\; in it\n0800;;hidden;text\n\n[PC Dialling]\n^8(.*)\t0\\1\n-^9;\n\\-1;2\n";
    let read = read_lists(&text, None).unwrap();
    assert_eq!(read.named, [ListName::Incoming, ListName::Dialing]);
    assert_eq!(read.lists.incoming.len(), 4);
    assert_eq!(read.lists.incoming[1], Rule::regex("^[0-9][0-9][0-9]$", ""));
    assert_eq!((read.lists.incoming[2].search.as_str(), read.lists.incoming[2].replace.as_str()), ("[0-9];x", "a;b"));
    assert_eq!(read.lists.incoming[3].kind, MatchKind::Text);
    assert_eq!(read.lists.dialing[0], Rule::regex("^8(.*)", "0\\1"));
    assert!(!read.lists.dialing[1].enabled);
    assert_eq!(read.lists.dialing[2].search, "-1");
    assert_eq!(read.line_of(ListName::Dialing, 0), Some(9));
    assert_eq!(read_lists(&write_lists(&read.lists), None).unwrap().lists, read.lists);

    for search in
        ["-1", "#1", "\\-1", "\\\\#1", "1;", "1\\", "\\;1", " #1", "\\ #1", " \\#1", " -1", "[incoming]", "1\\;"]
    {
        let lists = RuleLists { outgoing: vec![Rule::text(search, "\\;;")], ..RuleLists::default() };
        assert_eq!(read_lists(&write_lists(&lists), None).unwrap().lists, lists, "{search}");
    }
    let errors = read_lists("1;2\n[else]\n[dialing]\nalone\n1;2;3;4;5\n;x\n1;2;;maybe", None).unwrap_err();
    let lines: Vec<_> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [1, 2, 4, 5, 6, 7]);
    assert_eq!(read_lists("1;2", Some(ListName::Outgoing)).unwrap().lists.outgoing, [Rule::regex("1", "2")]);
}

fn any_search() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "0",
        "1",
        "30",
        "[0-9]",
        "[^0]",
        ".",
        ".*",
        "(.*)",
        "(0|1)",
        "(.)?",
        "1+",
        "(2[0-9]*)",
        "^",
        "$",
        "\\d",
    ]);
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn any_rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        3 => (any_search(), "[0-9$x]{0,3}(\\\\0)?").prop_map(|(search, replace)| Rule::regex(&search, &replace)),
        1 => "[0-3]{1,3}".prop_map(|text| Rule::text(&text, "text")),
    ]
}

proptest! {
    /// One pass over all expressions finds the rule that looking at one after another finds.
    #[test]
    fn the_list_agrees_with_its_rules_one_by_one(
        rules in prop::collection::vec((any_rule(), any::<bool>()), 0..12),
        number in "[0-3+*]{1,8}",
    ) {
        let rules: Vec<Rule> = rules.into_iter().map(|(mut rule, enabled)| { rule.enabled = enabled; rule }).collect();
        let set = incoming(rules.clone());
        let first = rules.iter().position(|rule| rule.enabled && match rule.kind {
            MatchKind::Text => rule.search == number,
            MatchKind::Regex => regex::Regex::new(&rule.search).unwrap().is_match(&number),
        });
        let applied = set.apply(ListName::Incoming, &number);
        prop_assert_eq!(applied.as_ref().map(|applied| applied.rule), first);
        let trace = set.trace(ListName::Incoming, &number);
        prop_assert_eq!(trace.matched, first);
        prop_assert_eq!(trace.steps.len(), first.map_or(rules.len(), |index| index + 1));
        // A rule that is said to be dead or shadowed is never the first to match.
        if let Some(first) = first {
            let blamed = set.findings().iter().any(|one| {
                one.rule == Some(first) && matches!(one.kind, FindingKind::Dead | FindingKind::Shadowed)
            });
            prop_assert!(!blamed, "{:?}", set.findings());
        }
        // Whole means whole.
        if let Some(index) = first && rules[index].kind == MatchKind::Regex {
            let found = regex::Regex::new(&rules[index].search).unwrap().find(&number).unwrap().len();
            let is_partial = set.findings().iter().any(|one| one.rule == Some(index) && one.kind == FindingKind::Partial);
            prop_assert!(found == number.len() || is_partial);
        }
    }

    #[test]
    fn no_text_makes_it_panic(search in "\\PC{0,40}", replace in "\\PC{0,10}", number in "\\PC{0,20}") {
        let lists = RuleLists { dialing: vec![Rule::regex(&search, &replace)], ..RuleLists::default() };
        match RuleSet::compile(lists) {
            Ok(rules) => {
                rules.apply(ListName::Dialing, &number);
                rules.trace(ListName::Dialing, &number);
                rules.findings();
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    let text = if error.field == RuleField::Replace { &replace } else { &search };
                    prop_assert!(error.position.is_none_or(|at| (1..=text.chars().count() + 1).contains(&at)));
                }
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused_line_by_line(text in "\\PC{0,60}(\n\\PC{0,20}){0,3}") {
        if let Ok(read) = read_lists(&text, Some(ListName::Incoming)) {
            let written = write_lists(&read.lists);
            prop_assert_eq!(read_lists(&written, None).unwrap().lists, read.lists);
        }
    }
}
