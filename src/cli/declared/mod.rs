//! `linegate config`: settings as code.

mod apply;
mod show;

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::output::{self, text};
use super::{Failure, Remote};
use crate::client::Client;
use crate::config::Problem;
use crate::config::declared::{Choices, Declared, Plan, Present, write};

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the settings of a gateway as one TOML file, without passwords
    Export {
        #[command(flatten)]
        remote: Remote,
        /// Only this PBX, by name or id
        #[arg(long)]
        pbx: Option<String>,
        /// Write it to a file instead of standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Say what is wrong with a file, without a gateway
    Validate {
        /// The file; - reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        #[command(flatten)]
        how: How,
    },
    /// Show what a file would change at a gateway; nothing is changed
    Plan {
        #[command(flatten)]
        remote: Remote,
        /// The file; - reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        #[command(flatten)]
        how: How,
        /// End with exit code 1 when something would change
        #[arg(long)]
        exit_code: bool,
    },
    /// Make a gateway what a file says: all of it or nothing, after showing what will change
    Apply {
        #[command(flatten)]
        remote: Remote,
        /// The file; - reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        #[command(flatten)]
        how: How,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// How far a file goes.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Delete PBXs and entered lines that the file does not name
    #[arg(long)]
    prune: bool,
    /// Send the passwords also to PBXs that have one: whether they differ cannot be seen
    #[arg(long)]
    passwords: bool,
    /// Take number rules also when samples fail or an emergency number could no longer be dialled
    #[arg(long)]
    force: bool,
}

impl How {
    fn choices(&self) -> Choices {
        Choices { prune: self.prune, passwords: self.passwords }
    }
}

pub(super) async fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Export { remote, pbx, output } => export(&remote, pbx.as_deref(), output.as_deref()).await,
        ConfigCommand::Validate { file, how } => {
            let declared = read(&file, &how)?;
            let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
            let lines = declared.pbxs.iter().map(|pbx| pbx.lines.len()).sum();
            let told = format!("The file is good: {}, {}.", count(declared.pbxs.len(), "PBX"), count(lines, "line"));
            output::line(&told)?;
            for pbx in &declared.pbxs {
                for source in pbx.axl_password.iter().chain(&pbx.sip_password) {
                    if let Err(error) = source.read() {
                        output::progress(&format!("PBX {}: {error}, where it is applied.", pbx.settings.name));
                    }
                }
            }
            Ok(())
        }
        ConfigCommand::Plan { remote, file, how, exit_code } => {
            let declared = read(&file, &how)?;
            let client = remote.client()?;
            let plan = plan(&client, &declared, how.choices()).await?;
            show::plan(&plan, remote.json)?;
            if exit_code && !plan.steps.is_empty() {
                return Err(Failure::new(Failure::DIFFERS, ""));
            }
            Ok(())
        }
        ConfigCommand::Apply { remote, file, how, yes } => {
            let declared = read(&file, &how)?;
            let client = remote.client()?;
            let plan = plan(&client, &declared, how.choices()).await?;
            if plan.steps.is_empty() && plan.waiting.is_empty() {
                show::plan(&plan, remote.json)?;
                return Ok(());
            }
            if !remote.json {
                show::plan(&plan, false)?;
            }
            if !yes && !plan.steps.is_empty() {
                agree(&file, remote.json)?;
            }
            apply::apply(&client, &declared, plan, &how, &remote).await
        }
    }
}

/// Reads and checks a file.
fn read(file: &Path, how: &How) -> Result<Declared, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::new(Failure::USAGE, format!("{} cannot be read: {error}.", file.display()));
    let (origin, text) = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map_err(unreadable)?;
        ("standard input".to_owned(), text)
    } else {
        (file.display().to_string(), std::fs::read_to_string(file).map_err(unreadable)?)
    };
    Declared::parse(&text, &origin, how.force).map_err(|problems| refused(&problems))
}

/// All problems, one a line.
fn refused(problems: &[Problem]) -> Failure {
    for problem in problems {
        output::progress(&problem.to_string());
    }
    let things = if problems.len() == 1 { "thing is" } else { "things are" };
    Failure::new(Failure::CONFIG, format!("{} {things} wrong; nothing was changed.", problems.len()))
}

/// What a gateway has.
async fn gather(client: &Client) -> Result<Vec<Present>, Failure> {
    let strange = |detail: String| {
        Failure::new(Failure::SOFTWARE, format!("{detail} Use the `linegate` of the gateway's own release."))
    };
    let mut present = Vec::new();
    for pbx in client.list("/pbxs").await? {
        let path = format!("/pbxs/{}", text(&pbx, "/id"));
        let (pbx, etag) = client.get_tagged(&path).await?;
        let (rules, rules_etag) = client.get_tagged(&format!("{path}/number-rules")).await?;
        let lines = client.list(&format!("/lines?pbx={}", text(&pbx, "/id"))).await?;
        present.push(Present::read(pbx, etag, rules, rules_etag, lines).map_err(strange)?);
    }
    present.sort_by(|one, other| one.settings.name.cmp(&other.settings.name));
    for pbx in &mut present {
        let key = |line: &Value| (text(line, "/number").to_owned(), text(line, "/device_id").to_owned());
        pbx.lines.sort_by_key(key);
    }
    Ok(present)
}

async fn plan(client: &Client, declared: &Declared, choices: Choices) -> Result<Plan, Failure> {
    let present = gather(client).await?;
    Plan::make(declared, &present, choices).map_err(|problems| refused(&problems))
}

async fn export(remote: &Remote, pbx: Option<&str>, output: Option<&Path>) -> Result<(), Failure> {
    let client = remote.client()?;
    let mut present = gather(&client).await?;
    if let Some(wanted) = pbx {
        present.retain(|pbx| pbx.settings.name == wanted || pbx.id == wanted);
        if present.is_empty() {
            return Err(Failure::new(
                Failure::USAGE,
                format!("There is no PBX “{wanted}”. `linegate pbx list` shows their names."),
            ));
        }
    }
    let file = write(&present).map_err(|detail| {
        Failure::new(Failure::SOFTWARE, format!("The settings cannot be written as TOML: {detail}."))
    })?;
    match output {
        None => output::raw(&file)?,
        Some(path) => std::fs::write(path, file)
            .map_err(|error| Failure::new(Failure::USAGE, format!("{} cannot be written: {error}.", path.display())))?,
    }
    Ok(())
}

/// Asks at a terminal.
fn agree(file: &Path, is_json: bool) -> Result<(), Failure> {
    if is_json || file == Path::new("-") || !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            Failure::USAGE,
            "Nobody can be asked here; nothing was changed. Add --yes when the plan is what you want.",
        ));
    }
    let mut error = std::io::stderr().lock();
    write!(error, "Make these changes? [y/N] ")?;
    error.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(Failure::USAGE, "Nothing was changed."))
}
