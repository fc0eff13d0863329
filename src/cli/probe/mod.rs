//! `linegate probe`: the field test as a person at a terminal follows it.

mod markdown;

use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::output::{self, text};
use super::{Failure, Remote, remote};
use crate::client::{Client, ClientError};

/// How long one question for news of the test may wait, in seconds.
const WAIT_S: u64 = 20;

#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    #[command(flatten)]
    remote: Remote,
    /// Name or id of the PBX
    #[arg(long)]
    pbx: String,
    /// Number or id of the line that is tested
    #[arg(long, required_unless_present = "export_twin")]
    line: Option<String>,
    /// Number of a second phone at hand, which calls and is called
    #[arg(long, value_name = "NUMBER")]
    partner: Option<String>,
    /// Number of a third phone at hand, for transfers and conferences
    #[arg(long, value_name = "NUMBER")]
    third: Option<String>,
    /// An outside number that may be called
    #[arg(long, value_name = "NUMBER")]
    outside: Option<String>,
    /// A number that nobody has
    #[arg(long, value_name = "NUMBER")]
    invalid: Option<String>,
    /// Only these steps, for example 1,2,3
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=16))]
    steps: Vec<u8>,
    /// Also what takes many minutes
    #[arg(long)]
    long: bool,
    /// Also what ends the sessions of every line: `cti shutdown`, a reload, a second CSTA program. You need the router's console
    #[arg(long)]
    disturb: bool,
    /// Seconds that you have for each act
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(5..=600))]
    patience: u16,
    /// Store what was found out without asking
    #[arg(long)]
    yes: bool,
    /// Write the report to a file: JSON when it ends with .json, else Markdown. Numbers, names and addresses are hidden in it
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write phones, buttons and numbers, anonymised, as a system for `linegate twin --system`
    #[arg(long, value_name = "FILE")]
    export_twin: Option<PathBuf>,
}

/// Where the course of the test is told: with --json standard output is for the report alone.
#[derive(Debug, Clone, Copy)]
struct Screen {
    json: bool,
}

impl Screen {
    fn line(self, text: &str) -> Result<(), Failure> {
        if self.json {
            output::progress(text);
        } else {
            output::line(text)?;
        }
        Ok(())
    }
}

/// `linegate probe`
pub(super) async fn probe(args: ProbeArgs) -> Result<(), Failure> {
    let client = args.remote.client()?;
    let screen = Screen { json: args.remote.json };
    let pbx = remote::find_pbx(&client, &args.pbx).await?;
    let path = format!("/pbxs/{}", text(&pbx, "/id"));
    if let Some(file) = &args.export_twin {
        export(&client, &path, file, screen).await?;
    }
    let Some(line) = &args.line else { return Ok(()) };
    let line_id = remote::find_line(&client, line, Some(text(&pbx, "/id"))).await?;
    let wish = json!({
        "line_id": line_id,
        "partner": args.partner,
        "third": args.third,
        "outside": args.outside,
        "invalid": args.invalid,
        "steps": (!args.steps.is_empty()).then_some(&args.steps),
        "long": args.long,
        "disturb": args.disturb,
        "patience_s": args.patience,
    });
    let path = format!("{path}/probe");
    let mut keys = keys();
    let view = client.post(&path, &wish).await?;
    output::line(
        "The field test has this line now; the others go on. Enter: it is done, or skip it. q and Enter: stop.",
    )?;
    let view = follow(&client, &path, view, &mut keys, screen).await?;
    conclude(&args, &client, &path, &view, &mut keys, screen).await?;
    if text(&view, "/state") == "done" {
        return Ok(());
    }
    Err(Failure::new(1, "The field test ended before its last step; the report says where."))
}

async fn export(client: &Client, path: &str, file: &Path, screen: Screen) -> Result<(), Failure> {
    let system = client.get(&format!("{path}/twin-system")).await?;
    write(file, &serde_json::to_string_pretty(&system).unwrap_or_else(|_| system.to_string()))?;
    let count = |key: &str| system.get(key).and_then(Value::as_object).map_or(0, serde_json::Map::len);
    screen.line(&format!(
        "{} phones, {} numbers and {} mobility users are in {}. Rehearse with: linegate twin --system {}",
        count("phones"),
        count("dns"),
        count("user_profiles"),
        file.display(),
        file.display(),
    ))?;
    Ok(())
}

fn write(file: &Path, content: &str) -> Result<(), Failure> {
    std::fs::write(file, format!("{}\n", content.trim_end()))
        .map_err(|error| Failure::new(Failure::SOFTWARE, format!("{} cannot be written: {error}.", file.display())))
}

/// What is typed, line by line; closed when nothing can be.
fn keys() -> mpsc::UnboundedReceiver<String> {
    let (typed, keys) = mpsc::unbounded_channel();
    // Its own thread: nothing else can interrupt a read of the terminal, and the program ends all the same.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            match line {
                Ok(line) if typed.send(line.trim().to_lowercase()).is_ok() => {}
                _ => return,
            }
        }
    });
    keys
}

/// Shows the test until it ends.
async fn follow(
    client: &Client,
    path: &str,
    begun: Value,
    keys: &mut mpsc::UnboundedReceiver<String>,
    screen: Screen,
) -> Result<Value, Failure> {
    let mut view = begun;
    let mut shown = 0;
    let mut asked = String::new();
    let mut has_keys = true;
    loop {
        shown = show(&view, shown, &mut asked, screen)?;
        if text(&view, "/state") != "running" {
            return Ok(view);
        }
        let version = view["version"].as_u64().unwrap_or(0);
        let news = format!("{path}?after={version}&wait_s={WAIT_S}");
        let news = client.get(&news);
        tokio::pin!(news);
        let next = loop {
            tokio::select! {
                next = &mut news => break next?,
                key = keys.recv(), if has_keys => match key.as_deref() {
                    Some("q") => drop(client.delete(path).await?),
                    Some(_) => drop(client.post(&format!("{path}/continue"), &json!({})).await?),
                    None => has_keys = false,
                },
                _ = tokio::signal::ctrl_c() => drop(client.delete(path).await?),
            }
        };
        view = next;
    }
}

/// Prints what is new; gives how many lines of the log were shown.
fn show(view: &Value, shown: usize, asked: &mut String, screen: Screen) -> Result<usize, Failure> {
    let log = view["log"].as_array().map(Vec::as_slice).unwrap_or_default();
    for line in log.iter().skip(shown) {
        match text(line, "/kind") {
            "step" => screen.line(&format!("\n{}", text(line, "/text")))?,
            "not_run" => screen.line(&format!("  – {}", text(line, "/text")))?,
            _ => screen.line(&format!("  · {}", text(line, "/text")))?,
        }
    }
    let prompt = text(view, "/prompt/text");
    if prompt != asked.as_str() {
        if !prompt.is_empty() {
            let seconds = view.pointer("/prompt/seconds_left").and_then(Value::as_u64).unwrap_or(0);
            screen.line(&format!("  >> {prompt} ({seconds} s)"))?;
        }
        prompt.clone_into(asked);
    }
    Ok(log.len())
}

/// What was found out: stored with consent, and the report.
async fn conclude(
    args: &ProbeArgs,
    client: &Client,
    path: &str,
    view: &Value,
    keys: &mut mpsc::UnboundedReceiver<String>,
    screen: Screen,
) -> Result<(), Failure> {
    screen.line("")?;
    let settings = |key: &str| view[key].as_object().cloned().unwrap_or_default();
    let (learned, proposals) = (settings("learned"), settings("proposals"));
    if learned.is_empty() {
        screen.line("The dialect in use is right as far as it was tested: there is nothing to learn.")?;
    } else {
        screen.line("What differs from the dialect in use:")?;
        for (key, value) in &learned {
            screen.line(&format!("  {key} = {value}"))?;
        }
        if args.yes || agrees(keys, screen).await? {
            client.post(&format!("{path}/learn"), &json!({})).await?;
            screen.line("Stored. `linegate pbx dialect` shows it, and forgets it with --forget.")?;
        } else {
            screen.line("Not stored. To store it later: the same command with --yes.")?;
        }
    }
    if !proposals.is_empty() {
        screen.line("Settings that you may want to write into the dialect yourself:")?;
        for (key, value) in &proposals {
            screen.line(&format!("  {key} = {value}"))?;
        }
    }
    let report = match client.get(&format!("{path}/report")).await {
        Err(ClientError::Refused { status: 409, .. }) => return Ok(()),
        report => report?,
    };
    if args.remote.json {
        output::json(&report)?;
    }
    if let Some(file) = &args.report {
        let is_json = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let content = if is_json {
            serde_json::to_string_pretty(&report).unwrap_or_else(|_| report.to_string())
        } else {
            markdown::render(&report)
        };
        write(file, &content)?;
        screen.line(&format!("The report is in {}. Read it before you send it.", file.display()))?;
    }
    Ok(())
}

async fn agrees(keys: &mut mpsc::UnboundedReceiver<String>, screen: Screen) -> Result<bool, Failure> {
    // What was typed before was meant for the test.
    while keys.try_recv().is_ok() {}
    screen.line("Store it as learned for this PBX? [y/N]")?;
    Ok(matches!(keys.recv().await.as_deref(), Some("y" | "yes")))
}
