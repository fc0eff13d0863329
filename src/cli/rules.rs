//! `linegate rules`: the number rules of a PBX.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::output::{self, text};
use super::replay::{ReplayArgs, replay};
use super::{Failure, Remote};
use crate::client::Client;

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// List the rules and what is remarkable about them
    List(Of),
    /// Follow a number through the rules: which one matches, and why the others do not
    Test {
        #[command(flatten)]
        of: Of,
        /// The number, as the PBX sends it or as a program dials it
        number: String,
        /// The list that it goes through
        #[arg(long, value_enum, default_value_t = List::Incoming)]
        list: List,
    },
    /// Read rules from a text file: lists that it has are replaced, the others stay
    ///
    /// One rule a line: search;replace;comment;kind, in sections [incoming], [outgoing] and [dialing]; the kind is regex
    /// or text. A rule that is switched off begins with -. A table with tabs is taken too. Nothing is changed unless
    /// everything can be.
    Import {
        #[command(flatten)]
        of: Of,
        /// The file; - is standard input
        file: PathBuf,
        /// The list of rules before the first section
        #[arg(long, value_enum)]
        list: Option<List>,
        #[command(flatten)]
        how: How,
    },
    /// Replace all three lists and the samples by those of a JSON file, or nothing
    ///
    /// The form of `rules list --json` and of the API: {"incoming": [], "outgoing": [], "dialing": [], "samples": []}. It
    /// counts only if nobody changed the rules meanwhile.
    Replace {
        #[command(flatten)]
        of: Of,
        /// The file; - is standard input
        file: PathBuf,
        #[command(flatten)]
        how: How,
    },
    /// Let rules run over the last calls: which numbers would be shown in another way
    Replay(ReplayArgs),
    /// Print the rules as text that can be imported
    Export(Of),
    /// List the kept versions
    Versions(Of),
    /// Take an earlier version back: without a number the one before
    Undo {
        #[command(flatten)]
        of: Of,
        /// Number of the version; 0 has no rules
        #[arg(long, value_name = "VERSION")]
        to: Option<i64>,
        #[command(flatten)]
        how: How,
    },
}

/// Whose rules.
#[derive(Debug, Args)]
pub(super) struct Of {
    #[command(flatten)]
    remote: Remote,
    /// Name or id of the PBX; may be left out when there is only one
    #[arg(long, value_name = "PBX")]
    pbx: Option<String>,
}

/// How a change is made.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Only check, and show what would be
    #[arg(long)]
    dry_run: bool,
    /// Also when samples fail or an emergency number could no longer be dialled
    #[arg(long)]
    force: bool,
}

/// A list of rules.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum List {
    /// Parties of inbound calls
    Incoming,
    /// Parties of outbound calls
    Outgoing,
    /// Numbers that programs dial
    Dialing,
}

impl List {
    fn word(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
            Self::Dialing => "dialing",
        }
    }
}

impl Of {
    /// Whether JSON is wanted.
    pub(super) fn is_json(&self) -> bool {
        self.remote.json
    }

    /// A client, and the path of the rules.
    pub(super) async fn rules(&self) -> Result<(Client, String), Failure> {
        let client = self.remote.client()?;
        let pbxs = client.list("/pbxs").await?;
        let found: Vec<&Value> = match &self.pbx {
            Some(name) => pbxs.iter().filter(|pbx| text(pbx, "/name") == name || text(pbx, "/id") == name).collect(),
            None => pbxs.iter().collect(),
        };
        let id = match (found.as_slice(), &self.pbx) {
            ([pbx], _) => text(pbx, "/id").to_owned(),
            ([], None) => {
                return Err(Failure::new(Failure::USAGE, "There is no PBX yet: `linegate pbx add` connects one."));
            }
            (_, None) => {
                return Err(Failure::new(
                    Failure::USAGE,
                    "There are several PBXs: name one with --pbx. `linegate pbx list` shows their names.",
                ));
            }
            (_, Some(name)) => {
                return Err(Failure::new(
                    Failure::USAGE,
                    format!("There is no PBX “{name}”. `linegate pbx list` shows their names."),
                ));
            }
        };
        Ok((client, format!("/pbxs/{id}/number-rules")))
    }
}

impl How {
    fn query(&self) -> String {
        format!("dry_run={}&force={}", self.dry_run, self.force)
    }
}

pub(super) async fn run(command: RulesCommand) -> Result<(), Failure> {
    match command {
        RulesCommand::List(of) => {
            let (client, path) = of.rules().await?;
            print(&of.remote, &client.get(&path).await?)
        }
        RulesCommand::Test { of, number, list } => {
            let (client, path) = of.rules().await?;
            let body = json!({"direction": list.word(), "number": number});
            print_test(&of.remote, &client.post(&format!("{path}/test"), &body).await?)
        }
        RulesCommand::Import { of, file, list, how } => {
            let lines = read(&file)?;
            let (client, path) = of.rules().await?;
            let list = list.map(|list| format!("&list={}", list.word())).unwrap_or_default();
            let answer =
                client.post_bytes(&format!("{path}/import?{}{list}", how.query()), "text/plain", lines).await?;
            print(&of.remote, &answer)
        }
        RulesCommand::Replace { of, file, how } => {
            let body: Value = serde_json::from_slice(&read(&file)?).map_err(|error| {
                Failure::new(Failure::USAGE, format!("{} is no JSON: {error}. Nothing was changed.", file.display()))
            })?;
            let (client, path) = of.rules().await?;
            print(&of.remote, &client.put_again(&path, &format!("?{}", how.query()), &body).await?)
        }
        RulesCommand::Replay(args) => replay(args).await,
        RulesCommand::Export(of) => {
            let (client, path) = of.rules().await?;
            output::line(client.text(&format!("{path}/export"), "text/plain").await?.trim_end())?;
            Ok(())
        }
        RulesCommand::Versions(of) => {
            let (client, path) = of.rules().await?;
            let answer = client.get(&format!("{path}/versions")).await?;
            if of.remote.json {
                output::json(&answer)?;
                return Ok(());
            }
            let items = answer.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            let number = |item: &Value, key: &str| item.get(key).and_then(Value::as_i64).unwrap_or(0).to_string();
            let row = |item: &Value| {
                let mut row = vec![number(item, "version")];
                row.extend([text(item, "/updated_at"), text(item, "/updated_by")].map(str::to_owned));
                row.extend(["incoming", "outgoing", "dialing"].map(|key| number(item, key)));
                row
            };
            let rows: Vec<Vec<String>> = items.iter().map(row).collect();
            output::table(&["VERSION", "WRITTEN", "BY", "INCOMING", "OUTGOING", "DIALING"], &rows)?;
            Ok(())
        }
        RulesCommand::Undo { of, to, how } => {
            let (client, path) = of.rules().await?;
            let answer = client.post(&format!("{path}/undo?{}", how.query()), &json!({"version": to})).await?;
            print(&of.remote, &answer)
        }
    }
}

/// The bytes of a file, or of standard input.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    let done = if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut lines).map(drop)
    } else {
        std::fs::read(file).map(|content| lines = content)
    };
    done.map_err(|error| Failure::new(Failure::USAGE, format!("{} cannot be read: {error}", file.display())))?;
    Ok(lines)
}

fn print(remote: &Remote, rules: &Value) -> Result<(), Failure> {
    if remote.json {
        output::json(rules)?;
        return Ok(());
    }
    let mut rows = Vec::new();
    for list in ["incoming", "outgoing", "dialing"] {
        for (index, rule) in rules.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let is_on = rule.get("enabled").and_then(Value::as_bool).unwrap_or(true);
            rows.push(vec![
                list.to_owned(),
                index.to_string(),
                text(rule, "/match").to_owned(),
                text(rule, "/search").to_owned(),
                text(rule, "/replace").to_owned(),
                if is_on { "on" } else { "off" }.to_owned(),
                text(rule, "/comment").to_owned(),
            ]);
        }
    }
    output::table(&["LIST", "RULE", "MATCH", "SEARCH", "REPLACE", "STATE", "COMMENT"], &rows)?;
    for finding in rules.get("findings").and_then(Value::as_array).into_iter().flatten() {
        let rule = finding.get("rule").and_then(Value::as_u64).map(|rule| format!(" rule {rule}")).unwrap_or_default();
        output::progress(&format!("{}{rule}: {}", text(finding, "/list"), text(finding, "/detail")));
    }
    Ok(())
}

fn print_test(remote: &Remote, test: &Value) -> Result<(), Failure> {
    if remote.json {
        output::json(test)?;
        return Ok(());
    }
    for step in test.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let rule = step.get("rule").and_then(Value::as_u64).unwrap_or(0);
        output::line(&format!("rule {rule}: {}", text(step, "/why")))?;
    }
    let groups = test.get("groups").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for (index, group) in (1..).zip(groups) {
        output::line(&format!("  \\{index} is {group}"))?;
    }
    let rule = match test.get("matched").and_then(Value::as_u64) {
        Some(rule) => format!("by rule {rule}"),
        None => "no rule matches".to_owned(),
    };
    let hidden = |text: &str| if text.is_empty() { "(hidden)".to_owned() } else { text.to_owned() };
    output::line(&format!("{} becomes {}, {rule}", text(test, "/input"), hidden(text(test, "/output"))))?;
    if let Some(shown) = test.get("shown").and_then(Value::as_str) {
        let e164 = test.get("e164").and_then(Value::as_str).map(|e164| format!(", E.164 {e164}")).unwrap_or_default();
        output::line(&format!("programs see {}{e164}", hidden(shown)))?;
    }
    match (test.get("dials").and_then(Value::as_str), test.get("shown").and_then(Value::as_str)) {
        (Some(dials), _) => output::line(&format!("the PBX gets {dials}"))?,
        (None, None) => output::line("nothing can be dialled")?,
        (None, Some(_)) => {}
    }
    Ok(())
}
