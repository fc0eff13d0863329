//! What formatting a number costs: `cargo bench --bench numbers`. The promise is 20 µs with 1,000 rules.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench says what it needs")]

use linegate::domain::rules::{ListName, Rule, RuleLists, RuleSet};
use linegate::domain::{Direction, NumberPlan};

fn main() {
    divan::main();
}

/// Kinds of long lists.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Area codes: each rule begins with another prefix.
    Prefixes,
    /// Ends of numbers: nothing tells at the beginning which rule it will be.
    Ends,
    /// Whole numbers.
    Texts,
    /// A third of each.
    Mixed,
    /// Every rule looks at every place.
    Anywhere,
}

const KINDS: [Kind; 5] = [Kind::Prefixes, Kind::Ends, Kind::Texts, Kind::Mixed, Kind::Anywhere];

fn rule(kind: Kind, index: usize) -> Rule {
    match kind {
        Kind::Prefixes => Rule::regex(&format!("^0{:04}([0-9]*)$", index + 1000), "+49{}\\1"),
        Kind::Ends => Rule::regex(&format!("^(.*){:04}$", index + 1000), "\\1-{}"),
        Kind::Texts => Rule::text(&format!("0301{:05}", index), "known"),
        Kind::Mixed => rule([Kind::Prefixes, Kind::Ends, Kind::Texts][index % 3], index),
        Kind::Anywhere => Rule::regex(&format!("{:03}.*7", index), "\\0"),
    }
}

fn rules(kind: Kind, count: usize) -> RuleSet {
    let incoming = (0..count).map(|index| rule(kind, index)).collect();
    RuleSet::compile(RuleLists { incoming, ..RuleLists::default() }).unwrap()
}

/// Different numbers, without end: most of them no rule takes.
fn numbers(seed: u64) -> impl FnMut() -> String {
    let mut seed = seed;
    move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        format!("0{}", seed % 100_000_000_000)
    }
}

/// A number that was never seen before, in a gateway that has run for a while.
#[divan::bench(args = KINDS, consts = [50, 1000], sample_size = 50)]
fn format_a_number<const COUNT: usize>(bencher: divan::Bencher, kind: Kind) {
    let rules = rules(kind, COUNT);
    let mut earlier = numbers(0x2545_f491_4f6c_dd1d);
    for _ in 0..2000 {
        rules.apply(ListName::Incoming, &earlier());
    }
    bencher
        .with_inputs(numbers(0x9e37_79b9_7f4a_7c15))
        .bench_local_refs(|number| rules.apply(ListName::Incoming, number));
}

#[divan::bench]
fn show_a_number_with_rules_and_location(bencher: divan::Bencher) {
    let plan = NumberPlan { rules: rules(Kind::Mixed, 1000).into(), ..NumberPlan::default() };
    bencher.bench(|| plan.shown(Direction::Inbound, divan::black_box("0301234567"), false));
}

#[divan::bench(sample_count = 5, args = KINDS)]
fn compile_1000_rules(kind: Kind) -> RuleSet {
    rules(kind, 1000)
}

#[divan::bench(sample_count = 5, args = KINDS)]
fn look_for_dead_and_shadowed_rules_among_1000(bencher: divan::Bencher, kind: Kind) {
    bencher.with_inputs(|| rules(kind, 1000)).bench_values(|rules| rules.findings().len());
}
