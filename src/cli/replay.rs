//! `linegate rules replay`: rules over the calls that were.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::output::{self, text};
use super::rules::{Of, read};

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    of: Of,
    /// Rules to be tried, in the form of the export; - is standard input. Without a file the stored rules are compared with
    /// what was shown when the calls were
    file: Option<PathBuf>,
    /// The last calls that are looked at, at most 10000
    #[arg(long, value_name = "N", default_value_t = 1000)]
    calls: u32,
}

pub(super) async fn replay(args: ReplayArgs) -> Result<(), Failure> {
    let rules = match &args.file {
        Some(file) => match String::from_utf8(read(file)?) {
            Ok(rules) => Value::String(rules),
            Err(_) => {
                let detail = format!("{} is not UTF-8: save it so, or import it with --dry-run.", file.display());
                return Err(Failure::new(Failure::USAGE, detail));
            }
        },
        None => Value::Null,
    };
    let (client, path) = args.of.rules().await?;
    let body = json!({"calls": args.calls, "text": rules});
    let answer = client.post(&format!("{path}/replay"), &body).await?;
    if args.of.is_json() {
        output::json(&answer)?;
        return Ok(());
    }
    let count = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or(0);
    let shown = |form: &Value| match (text(form, "/number"), text(form, "/e164")) {
        ("", _) => "(hidden)".to_owned(),
        (number, "") => number.to_owned(),
        (number, e164) if number == e164 => number.to_owned(),
        (number, e164) => format!("{number} ({e164})"),
    };
    let mut rows = Vec::new();
    for one in answer.get("changed").and_then(Value::as_array).into_iter().flatten() {
        let rule = one.get("rule").and_then(Value::as_u64).map_or_else(|| "none".to_owned(), |rule| rule.to_string());
        rows.push(vec![
            text(one, "/list").to_owned(),
            text(one, "/raw").to_owned(),
            one.get("before").map(shown).unwrap_or_default(),
            one.get("after").map(shown).unwrap_or_default(),
            rule,
            one.get("calls").map(Value::to_string).unwrap_or_default(),
            text(one, "/last_at").to_owned(),
        ]);
    }
    if !rows.is_empty() {
        output::table(&["LIST", "RAW", "BEFORE", "AFTER", "RULE", "CALLS", "LAST"], &rows)?;
    }
    output::line(&format!(
        "{} calls looked at, {} numbers: {} change, {} stay.",
        count("calls"),
        count("numbers"),
        count("numbers").saturating_sub(count("unchanged")),
        count("unchanged")
    ))?;
    if count("left_off") > 0 {
        output::progress(&format!("{} more numbers change and are left off.", count("left_off")));
    }
    Ok(())
}
