//! `linegate journal`: what was called, and when nobody looked.

use std::collections::HashMap;

use serde_json::Value;

use super::output::{self, text};
use super::remote::{escape, line_id};
use super::{Failure, JournalArgs};
use crate::client::Client;

/// Items asked for at once at most.
const PAGE: usize = 1000;

pub(super) async fn journal(args: JournalArgs) -> Result<(), Failure> {
    let client = args.remote.client()?;
    let path = path(&client, &args).await?;
    let most = if args.count == 0 { usize::MAX } else { args.count };
    if args.csv {
        return csv(&client, &path, most).await;
    }
    let items = newest(&client, &path, most).await?;
    if args.remote.json {
        output::json(&Value::Array(items))?;
        return Ok(());
    }
    if args.blind {
        let names = names(&client, "/pbxs", "/name").await?;
        let rows: Vec<Vec<String>> = items.iter().map(|item| blind_row(item, &names)).collect();
        output::table(&["SINCE", "UNTIL", "PBX", "CAUSE", "REASON"], &rows)?;
        return Ok(());
    }
    let numbers = names(&client, "/lines", "/number").await?;
    let rows: Vec<Vec<String>> = items.iter().map(|item| row(item, &numbers)).collect();
    output::table(&["ENDED", "LINE", "", "NUMBER", "NAME", "RESULT", "RING", "TALK", "ENDED BY"], &rows)?;
    Ok(())
}

/// The question as a path.
async fn path(client: &Client, args: &JournalArgs) -> Result<String, Failure> {
    let line = match &args.line {
        Some(named) => Some(line_id(client, named).await?),
        None => None,
    };
    let pbx = match &args.pbx {
        Some(named) => Some(pbx_id(client, named).await?),
        None => None,
    };
    let mut path = if args.blind { "/journal/blind?".to_owned() } else { "/journal?".to_owned() };
    for (name, value) in [
        ("line", &line),
        ("pbx", &pbx),
        ("number", &args.number),
        ("direction", &args.direction),
        ("result", &args.result),
        ("conversation", &args.conversation),
        ("since", &args.since),
        ("until", &args.until),
    ] {
        if let Some(value) = value {
            path.push_str(&format!("{name}={}&", escape(value)));
        }
    }
    Ok(path)
}

/// The id of a PBX by its name; a name that no PBX has may be the id of one that was deleted.
pub(super) async fn pbx_id(client: &Client, named: &str) -> Result<String, Failure> {
    let found = client.list("/pbxs").await?;
    let known = found.iter().find(|pbx| text(pbx, "/name") == named);
    Ok(known.map_or(named, |pbx| text(pbx, "/id")).to_owned())
}

/// What people call things, by id.
async fn names(client: &Client, path: &str, field: &str) -> Result<HashMap<String, String>, Failure> {
    let found = client.list(path).await?;
    Ok(found.iter().map(|one| (text(one, "/id").to_owned(), text(one, field).to_owned())).collect())
}

async fn newest(client: &Client, path: &str, most: usize) -> Result<Vec<Value>, Failure> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let limit = PAGE.min(most - items.len());
        let mut answer = client.get(&format!("{path}limit={limit}{cursor}")).await?;
        if let Some(Value::Array(found)) = answer.get_mut("items").map(Value::take) {
            items.extend(found);
        }
        match answer.get("next_cursor").and_then(Value::as_str) {
            Some(next) if items.len() < most => cursor = format!("&cursor={next}"),
            _ => return Ok(items),
        }
    }
}

async fn csv(client: &Client, path: &str, most: usize) -> Result<(), Failure> {
    let limit = PAGE.min(most);
    let (mut table, mut next) = client.csv(&format!("{path}limit={limit}")).await?;
    let mut asked = limit;
    loop {
        output::raw(&table)?;
        let Some(path) = next.filter(|_| asked < most) else { return Ok(()) };
        // The last page may have too many: it is asked for no more than is wanted.
        let limit = PAGE.min(most - asked);
        let path = path.replacen(&format!("limit={PAGE}"), &format!("limit={limit}"), 1);
        let page = client.csv(&path).await?;
        asked += limit;
        // Each page has the head of the table.
        table = page.0.split_once("\r\n").map_or(String::new(), |(_, rows)| rows.to_owned());
        next = page.1;
    }
}

fn row(call: &Value, numbers: &HashMap<String, String>) -> Vec<String> {
    let outbound = text(call, "/direction") == "outbound";
    let far = |part: &str| text(call, &format!("/{}/{part}", if outbound { "called" } else { "caller" })).to_owned();
    let seconds = |field: &str| {
        let value = call.pointer(field).and_then(Value::as_f64).unwrap_or(0.0);
        // Whole seconds for people.
        format!("{value:.0} s")
    };
    vec![
        time(call, "/ended_at"),
        numbers.get(text(call, "/line_id")).cloned().unwrap_or_else(|| text(call, "/line_id").to_owned()),
        if outbound { "->" } else { "<-" }.to_owned(),
        match far("number") {
            number if number.is_empty() => "unknown".to_owned(),
            number => number,
        },
        far("name"),
        text(call, "/result").to_owned(),
        seconds("/ring_s"),
        seconds("/talk_s"),
        text(call, "/actor").to_owned(),
    ]
}

fn blind_row(item: &Value, names: &HashMap<String, String>) -> Vec<String> {
    let pbx = text(item, "/pbx_id");
    vec![
        time(item, "/since"),
        match time(item, "/until") {
            until if until.is_empty() => "now".to_owned(),
            until => until,
        },
        names.get(pbx).cloned().unwrap_or_else(|| pbx.to_owned()),
        text(item, "/cause").to_owned(),
        text(item, "/reason").to_owned(),
    ]
}

/// A time to the second.
fn time(value: &Value, pointer: &str) -> String {
    match text(value, pointer) {
        "" => String::new(),
        time => format!("{}Z", time.get(..19).unwrap_or(time)),
    }
}
