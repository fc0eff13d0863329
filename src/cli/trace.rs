//! `linegate trace`: the last messages of the wire, as a ladder or as a capture file.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::journal::pbx_id;
use super::output::{self, text};
use super::remote::{escape, line_id};
use super::{Failure, Remote};

#[derive(Debug, Args)]
pub(super) struct TraceArgs {
    #[command(flatten)]
    remote: Remote,
    /// Only what concerns this call, by id; also one that has ended
    #[arg(long, value_name = "CALL")]
    call: Option<String>,
    /// Only of this line: its number or id
    #[arg(long)]
    line: Option<String>,
    /// Only of this router: its name or id
    #[arg(long)]
    pbx: Option<String>,
    /// Only from this time on, RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Show numbers, names and addresses as they are; needs an admin token
    #[arg(long)]
    numbers: bool,
    /// Show the messages themselves
    #[arg(long)]
    text: bool,
    /// At most this many, the last; 0 for all
    #[arg(long, value_name = "N", default_value_t = 200)]
    count: usize,
    /// Write the SIP messages as a capture for Wireshark, with numbers; needs an admin token
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "json", "count"])]
    pcap: Option<PathBuf>,
}

pub(super) async fn trace(args: TraceArgs) -> Result<(), Failure> {
    let client = args.remote.client()?;
    let line = match &args.line {
        Some(named) => Some(line_id(&client, named).await?),
        None => None,
    };
    let pbx = match &args.pbx {
        Some(named) => Some(pbx_id(&client, named).await?),
        None => None,
    };
    let numbers = args.numbers.then(|| "full".to_owned());
    let wanted = [("call", &args.call), ("line", &line), ("pbx", &pbx), ("since", &args.since), ("numbers", &numbers)];
    let mut query = String::new();
    for (name, value) in wanted {
        // The capture always has numbers.
        if let Some(value) = value.as_ref().filter(|_| name != "numbers" || args.pcap.is_none()) {
            query.push_str(&format!("{}{name}={}", if query.is_empty() { '?' } else { '&' }, escape(value)));
        }
    }
    if let Some(file) = &args.pcap {
        let bytes = client.file(&format!("/trace.pcap{query}")).await?;
        output::private_file(file, &bytes)?;
        output::line(&format!("{} holds the SIP messages; open it with Wireshark.", file.display()))?;
        return Ok(());
    }
    let mut items = client.list(&format!("/trace{query}")).await?;
    if args.count > 0 {
        items.drain(..items.len().saturating_sub(args.count));
    }
    if args.remote.json {
        output::json(&Value::Array(items))?;
        return Ok(());
    }
    for item in &items {
        output::line(&step(item))?;
        if args.text {
            let message = text(item, "/text");
            for line in message.lines() {
                output::line(&format!("    {line}"))?;
            }
        }
    }
    Ok(())
}

/// A step in one line: when, which layer, which way, what.
fn step(item: &Value) -> String {
    let time = text(item, "/time");
    let clock = time.get(11..23).unwrap_or(time);
    let layer = text(item, "/layer");
    // The gateway stands in the middle: clients on its left, the router on its right.
    let arrow = match (layer, text(item, "/direction")) {
        ("api", "received") => "client ->",
        ("api", _) => "client <-",
        (_, "sent") => "       -> router",
        (_, _) => "       <- router",
    };
    let command = text(item, "/command_id");
    let beside = if command.is_empty() { String::new() } else { format!("  {command}") };
    format!("{clock}  {layer:<4}  {arrow:<16}  {}{beside}", text(item, "/summary"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_is_one_line() {
        let item = json!({"time": "2026-11-25T21:00:01.123Z", "layer": "csta", "direction": "sent", "summary": "INFO MakeCall",
                          "command_id": "cmd_1"});
        assert_eq!(step(&item), "21:00:01.123  csta         -> router  INFO MakeCall  cmd_1");
    }
}
