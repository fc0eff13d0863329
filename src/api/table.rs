//! The journal of calls as CSV (RFC 4180), for spreadsheets and for programs of the last century.

use serde::Deserialize;

use super::problem::Problem;
use crate::domain::{Call, Party, Timestamp};

/// The columns, in their order.
const HEAD: [&str; 29] = [
    "id",
    "conversation_id",
    "pbx_id",
    "line_id",
    "line_number",
    "direction",
    "internal",
    "result",
    "cause",
    "reason",
    "caller_number",
    "caller_name",
    "called_number",
    "called_name",
    "connected_number",
    "connected_name",
    "redirecting_number",
    "redirecting_name",
    "created_at",
    "answered_at",
    "ended_at",
    "ring_s",
    "talk_s",
    "actor",
    "created_by",
    "answered_by",
    "client_ref",
    "data",
    "pbx_call_id",
];

/// What an entry has beside its call.
#[derive(Deserialize)]
struct Beside {
    ring_s: f64,
    talk_s: f64,
    result: String,
    actor: String,
    created_by: Option<String>,
    answered_by: Option<String>,
}

/// A table of entries; `number_of` gives the number of a line that exists.
///
/// # Errors
/// When a stored entry cannot be read, which is a fault of ours.
pub(super) fn render<'a>(
    entries: impl Iterator<Item = &'a str>,
    number_of: impl Fn(&Call) -> Option<String>,
) -> Result<Vec<u8>, Problem> {
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    table.write_record(HEAD).map_err(Problem::internal)?;
    for entry in entries {
        let call: Call = serde_json::from_str(entry).map_err(Problem::internal)?;
        let beside: Beside = serde_json::from_str(entry).map_err(Problem::internal)?;
        table.write_record(row(&call, &beside, number_of(&call)).map(guarded)).map_err(Problem::internal)?;
    }
    table.into_inner().map_err(|error| Problem::internal(error.into_error()))
}

fn row(call: &Call, beside: &Beside, line: Option<String>) -> [String; HEAD.len()] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let time = |value: Option<Timestamp>| value.map(|time| time.to_string()).unwrap_or_default();
    let number = |party: &Party| text(&party.number);
    let name = |party: &Party| text(&party.name);
    let data = call.data.get();
    [
        call.id.to_string(),
        call.conversation_id.to_string(),
        call.pbx_id.to_string(),
        call.line_id.to_string(),
        line.unwrap_or_default(),
        call.direction.as_str().to_owned(),
        call.internal.to_string(),
        beside.result.clone(),
        call.cause.map_or("", |cause| cause.as_str()).to_owned(),
        call.reason.as_str().to_owned(),
        number(&call.caller),
        name(&call.caller),
        number(&call.called),
        name(&call.called),
        number(&call.connected),
        name(&call.connected),
        number(&call.redirecting),
        name(&call.redirecting),
        call.created_at.to_string(),
        time(call.answered_at),
        time(call.ended_at),
        beside.ring_s.to_string(),
        beside.talk_s.to_string(),
        beside.actor.clone(),
        text(&beside.created_by),
        text(&beside.answered_by),
        text(&call.client_ref),
        if data == "{}" { String::new() } else { data.to_owned() },
        text(&call.pbx_call_id),
    ]
}

/// A spreadsheet takes a text that begins like a formula for one, and names come from strangers: an apostrophe makes it
/// a text. A number with its sign stays what it is.
fn guarded(cell: String) -> String {
    let is_number = |rest: &str| !rest.is_empty() && rest.chars().all(|sign| sign.is_ascii_digit() || sign == '.');
    let is_formula = match cell.chars().next() {
        Some('=' | '@' | '\t' | '\r' | '\n') => true,
        Some('+' | '-') => !is_number(&cell[1..]),
        _ => false,
    };
    if is_formula { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula() {
        for (cell, shown) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("@sum", "'@sum"),
            ("-2+3", "'-2+3"),
            ("+493012345", "+493012345"),
            ("+49 30", "'+49 30"),
            ("*61", "*61"),
            ("", ""),
        ] {
            assert_eq!(guarded(cell.to_owned()), shown);
        }
    }
}
