//! What the client did wrong.

use serde::Serialize;

/// One thing that a client did against a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule, for example `sip.cseq` or `csta.order`.
    pub rule: String,
    /// What was wrong, in a sentence.
    pub detail: String,
    /// The beginning of the message.
    pub excerpt: String,
}

/// The list. It stops to grow at a limit, so that a client in a loop cannot fill the memory.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    list: Vec<Violation>,
}

const LIMIT: usize = 10_000;
const EXCERPT: usize = 400;

impl Violations {
    pub(crate) fn add(&mut self, rule: &str, detail: impl Into<String>, message: &[u8]) {
        if self.list.len() >= LIMIT {
            return;
        }
        let detail = detail.into();
        tracing::warn!(rule, detail, "the client broke a rule");
        let text = String::from_utf8_lossy(message.get(..EXCERPT).unwrap_or(message)).into_owned();
        self.list.push(Violation { rule: rule.to_owned(), detail, excerpt: hide(&text) });
    }

    pub(crate) fn list(&self) -> Vec<Violation> {
        self.list.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }
}

/// Credentials have no place in a list that people look at.
fn hide(text: &str) -> String {
    let lines = text.split("\r\n").map(|line| match line.split_once(':') {
        Some((name, _))
            if name.eq_ignore_ascii_case("Authorization") || name.eq_ignore_ascii_case("Proxy-Authorization") =>
        {
            format!("{name}: (hidden)")
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
