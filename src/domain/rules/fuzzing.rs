//! A one-line door for the fuzz target and corpus replay. Not part of the interface.

use super::{ListName, RuleSet, read_lists, write_lists};

/// Reads any bytes as lists of rules, with a number in the first line, and does everything with them that can be done.
/// Whether there were rules.
pub fn rules(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let (number, lists) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(read) = read_lists(lists, Some(ListName::Incoming)) else { return false };
    let _ = write_lists(&read.lists).len();
    let Ok(rules) = RuleSet::compile(read.lists) else { return false };
    for list in ListName::ALL {
        let applied = rules.apply(list, number);
        let trace = rules.trace(list, number);
        assert_eq!(applied.map(|applied| applied.rule), trace.matched, "the trace disagrees");
    }
    let _ = rules.findings().len();
    !rules.is_empty()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    #[test]
    fn the_corpus_is_replayed_whole_and_cut() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/rules");
        let mut lists = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let data = std::fs::read(entry.unwrap().path()).unwrap();
            lists += usize::from(super::rules(&data));
            for end in (0..data.len()).step_by(data.len().div_ceil(32).max(1)) {
                super::rules(&data[..end]);
            }
        }
        assert!(lists >= 2);
    }
}
