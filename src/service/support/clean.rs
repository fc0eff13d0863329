//! Values and lines without numbers, names, addresses and MACs.

use serde_json::Value;

use crate::domain::Timestamp;
use crate::service::probe::Redactor;
pub(in crate::service) use crate::service::trace::Known;
use crate::service::trace::{Trace, TraceItem, last_steps};

/// How the ids of the API begin: they say nothing about anybody.
const IDS: [&str; 7] = ["pbx_", "line_", "call_", "conv_", "cmd_", "tok_", "hook_"];
/// Members whose texts are words of the contract.
const PLAIN: [&str; 9] = ["state", "status", "code", "kind", "source", "scheme", "transport", "verify", "min_version"];
/// Members whose texts name somebody or something of the site.
const PERSONAL: [&str; 6] = ["name", "username", "client_ref", "title", "user", "display_name"];

/// How the gateway's own tokens, tickets and enrolment codes begin.
const CREDENTIALS: [&str; 3] = ["lg_", "tkt_", "LGE-"];

/// Cleans what goes into one bundle.
pub(super) struct Cleaner {
    redactor: Redactor,
}

impl Cleaner {
    pub(super) fn new(known: &Known) -> Self {
        Self { redactor: Redactor::new(&known.names, &known.hosts, &known.numbers) }
    }

    /// The last steps of the trace; their messages have forms of their own.
    pub(super) fn trace(&mut self, trace: &Trace, count: usize) -> Vec<TraceItem> {
        last_steps(trace, count, &mut self.redactor)
    }

    /// JSON of whatever form.
    pub(super) fn value(&mut self, value: Value) -> Value {
        self.member("", value)
    }

    fn member(&mut self, key: &str, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(key, text)),
            Value::Array(items) => items.into_iter().map(|item| self.member(key, item)).collect(),
            // What people attached is theirs; an empty one tells as much.
            Value::Object(members) if matches!(key, "data" | "labels") => {
                serde_json::json!({"members": members.len()})
            }
            Value::Object(members) => {
                // Keys may be numbers too, in tables by number.
                let clean = members.into_iter().map(|(key, value)| {
                    let value = self.member(&key, value);
                    (self.redactor.text(&key), value)
                });
                Value::Object(clean.collect())
            }
            other => other,
        }
    }

    fn text(&mut self, key: &str, text: String) -> String {
        let is_plain = text.is_empty()
            || PLAIN.contains(&key)
            || IDS.iter().any(|prefix| text.starts_with(prefix))
            || Timestamp::parse(&text).is_some();
        if is_plain {
            return text;
        }
        let shown = self.redactor.text(&text);
        // A name that nobody listed is a name all the same.
        if PERSONAL.contains(&key) && !shown.starts_with('[') { self.redactor.hidden("name", &text) } else { shown }
    }

    /// A line of the log: its time stays.
    pub(super) fn log_line(&mut self, line: &str) -> String {
        let line = &without_credentials(line);
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        let is_time = first.len() > 19 && first.get(..4).is_some_and(|year| year.bytes().all(|b| b.is_ascii_digit()));
        if is_time && first.contains('T') {
            return format!("{first} {}", self.redactor.text(rest));
        }
        self.redactor.text(line)
    }
}

/// No log has a token, a ticket or a code; if one had, it would not leave the house.
fn without_credentials(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = CREDENTIALS.iter().filter_map(|start| rest.find(start)).min() {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let end = found.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(found.len());
        out.push_str("[credential]");
        rest = found.get(end..).unwrap_or_default();
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_names_somebody_becomes_a_label_and_the_rest_stays() {
        let known =
            Known { names: vec!["Anna Berg".into()], hosts: vec!["cme.example".into()], numbers: vec!["42".into()] };
        let clean = Cleaner::new(&known).value(json!({
            "id": "line_0193abcdef012345", "created_at": "2026-11-25T21:00:00.000Z", "number": "201", "short": "42",
            "name": "Somebody Else", "device_id": "00AA11BB0001", "state": "active", "host": "cme.example",
            "reason": "Anna Berg (201) at 192.0.2.10 is away.", "labels": {"crm": "4711"}, "by": {"201": 3}, "port": 5060,
        }));
        let text = clean.to_string();
        for private in ["201", "42\"", "Anna", "Somebody", "00AA11BB0001", "cme.example", "192.0.2", "4711"] {
            assert!(!text.contains(private), "{private} in {text}");
        }
        for kept in
            ["line_0193abcdef012345", "2026-11-25T21:00:00.000Z", "active", "5060", "] ([number-1/3]) at [host-"]
        {
            assert!(text.contains(kept), "{kept} not in {text}");
        }
    }

    #[test]
    fn lines_of_the_log_have_no_credentials() {
        let mut cleaner = Cleaner::new(&Known::default());
        assert_eq!(
            cleaner.log_line(r#"said {"token": "lg_OQ-x_9Z"} with tkt_abc, LGE-ABCD-EFGH and nothing else"#),
            r#"said {"token": "[credential]"} with [credential], [credential] and nothing else"#
        );
    }

    #[test]
    fn lines_of_the_log_keep_their_time() {
        let mut cleaner = Cleaner::new(&Known::default());
        assert_eq!(
            cleaner.log_line("2026-11-26T03:23:38.115658Z  INFO linegate: line=201 at 192.0.2.10"),
            "2026-11-26T03:23:38.115658Z  INFO linegate: line=[number-1/3] at [host-1]"
        );
    }
}
