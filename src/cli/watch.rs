//! `linegate watch`: the event stream in readable lines.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::output::{self, text};
use super::{Failure, WatchArgs};
use crate::client::read_json;

pub(super) async fn watch(args: WatchArgs) -> Result<(), Failure> {
    let mut stream = args.remote.client()?.stream().await?;
    let from = match args.after.as_deref() {
        None => json!("snapshot"),
        Some(position) => {
            let parsed = position.split_once(':').and_then(|(epoch, seq)| Some((epoch, seq.parse::<u64>().ok()?)));
            let Some((epoch, seq)) = parsed else {
                return Err(Failure::new(
                    Failure::USAGE,
                    format!("“{position}” is no position; it looks like <epoch>:<seq>."),
                ));
            };
            json!({"epoch": epoch, "seq": seq})
        }
    };
    let mut subscribe = json!({"type": "subscribe", "id": "1", "from": from});
    if !args.events.is_empty() {
        subscribe["events"] = json!(args.events);
    }
    if !args.lines.is_empty() {
        subscribe["lines"] = json!(args.lines);
    }
    stream.send(&subscribe).await?;
    let mut names = Names::default();
    let mut seen = 0_u64;
    loop {
        let frame = stream.next_text().await?;
        let value: Value = read_json(&frame)
            .map_err(|error| Failure::new(Failure::SOFTWARE, format!("A frame cannot be read: {error}")))?;
        if args.remote.json {
            output::line(&frame)?;
        } else if let Some(shown) = names.describe(&value) {
            output::line(&shown)?;
        }
        if text(&value, "/type") == "event" {
            seen += 1;
            if args.count.is_some_and(|count| seen >= count) {
                return Ok(());
            }
        }
    }
}

/// Numbers of lines by id, so that a person reads numbers.
#[derive(Default)]
struct Names {
    lines: HashMap<String, String>,
}

impl Names {
    fn learn(&mut self, line: &Value) {
        let shown = match text(line, "/name") {
            "" => text(line, "/number").to_owned(),
            name => format!("{} {name}", text(line, "/number")),
        };
        self.lines.insert(text(line, "/id").to_owned(), shown);
    }

    fn describe(&mut self, frame: &Value) -> Option<String> {
        match text(frame, "/type") {
            "snapshot" => {
                let list = |key: &str| frame.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
                let lines = list("lines");
                for line in &lines {
                    self.learn(line);
                }
                let calls = list("calls");
                let mut shown =
                    format!("snapshot: {} PBX, {} lines, {} calls", list("pbxs").len(), lines.len(), calls.len());
                for call in &calls {
                    shown.push_str("\n  ");
                    shown.push_str(&self.call(call));
                }
                Some(shown)
            }
            "event" => {
                let data = frame.get("data")?;
                let event = text(frame, "/event");
                if event.starts_with("line.") {
                    self.learn(data);
                }
                let what = match event.split_once('.').map_or(event, |(kind, _)| kind) {
                    "call" => self.call(data),
                    "line" => line(data),
                    "pbx" => pbx(data),
                    "command" => match data.pointer("/problem/detail").and_then(Value::as_str) {
                        Some(problem) => format!("{}: {problem}", text(data, "/action")),
                        None => text(data, "/action").to_owned(),
                    },
                    _ => String::new(),
                };
                let time = text(frame, "/time").get(11..23).unwrap_or_default();
                let seq = frame.get("seq").and_then(Value::as_u64).unwrap_or(0);
                Some(format!("{time} {seq:>6} {event:<18} {what}"))
            }
            "gap" => Some("gap: some events are gone; a snapshot follows".to_owned()),
            "error" => Some(format!("error: {}", text(frame, "/detail"))),
            _ => None,
        }
    }

    fn call(&self, call: &Value) -> String {
        let line = self.lines.get(text(call, "/line_id")).cloned().unwrap_or_else(|| text(call, "/line_id").to_owned());
        let party = |role: &str| match text(call, &format!("/{role}/number")) {
            "" => "unknown".to_owned(),
            number => number.to_owned(),
        };
        let arrow = match text(call, "/direction") {
            "inbound" => format!("<- {}", party("caller")),
            _ => format!("-> {}", party("called")),
        };
        let mut shown = format!("{line} {arrow}: {}", text(call, "/state"));
        if !text(call, "/cause").is_empty() {
            shown.push_str(&format!(" ({})", text(call, "/cause")));
        }
        shown
    }
}

fn line(line: &Value) -> String {
    let mut shown = format!(
        "{} {}: {}, monitor {}, {}",
        text(line, "/number"),
        text(line, "/name"),
        text(line, "/status"),
        text(line, "/monitor/state"),
        text(line, "/activity")
    );
    if !text(line, "/monitor/reason").is_empty() {
        shown.push_str(&format!(" – {}", text(line, "/monitor/reason")));
    }
    shown
}

fn pbx(pbx: &Value) -> String {
    let number = |pointer: &str| pbx.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let mut shown = format!(
        "{}: {}, {} of {} lines monitored",
        text(pbx, "/name"),
        text(pbx, "/status/state"),
        number("/status/lines/monitored"),
        number("/status/lines/total")
    );
    if !text(pbx, "/status/reason").is_empty() {
        shown.push_str(&format!(" – {}", text(pbx, "/status/reason")));
    }
    shown
}
