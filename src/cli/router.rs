//! Commands about the router itself: its set-up for CSTA, what is wrong with it, where it is.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::lists::with_progress;
use super::output::{self, text};
use super::remote::{find_line, find_pbx};
use super::rules::read;
use super::{Failure, Remote};
use crate::app::setup::{self, Site};
use crate::client::Client;

#[derive(Debug, Args)]
pub(super) struct CstaConfigArgs {
    #[command(flatten)]
    remote: Remote,
    /// Name or id of the router
    pbx: String,
    /// Apply what is missing, block by block
    #[arg(long, conflicts_with_all = ["undo", "journal"])]
    apply: bool,
    /// Take back the numbers and the session server of the last apply
    #[arg(long, conflicts_with = "journal")]
    undo: bool,
    /// Show what was applied and taken back
    #[arg(long)]
    journal: bool,
    /// Only this block: voice_service_voip, voice_register_global, session_server, ephone_dn or authenticate
    #[arg(long = "block", value_name = "BLOCK")]
    blocks: Vec<String>,
    /// Only the numbers of this line, by number or id
    #[arg(long = "line", value_name = "LINE")]
    lines: Vec<String>,
    /// What `show running-config` prints, or its section `voice service voip`: the XML interface does not show that block.
    /// The file is read here and sent nowhere; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["undo", "journal"])]
    running_config: Option<PathBuf>,
    /// Do not save the configuration of the router
    #[arg(long)]
    no_save: bool,
    /// Another user of level 15, for this time only
    #[arg(long, value_name = "USER", requires = "once_password")]
    username: Option<String>,
    /// Password of that user; better in the environment than on the command line. It is stored nowhere
    #[arg(long = "password", env = "LINEGATE_ONCE_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    once_password: Option<String>,
    /// Do not ask before the router is changed
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct CmeConfigArgs {
    /// register-id of the session server
    #[arg(long, default_value = "ss_ecsta")]
    session_server_id: String,
    /// Tag of the session server; another one where it is in use
    #[arg(long, default_value_t = 2, value_name = "TAG")]
    session_server: u32,
    /// Seconds of a registration
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    keepalive: u32,
    /// User of the XML API
    #[arg(long, default_value = "linegate")]
    username: String,
    /// Its password; without it a new one is made
    #[arg(long, env = "LINEGATE_PBX_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Tags of the ephone-dns to control, for example 1,2,7
    #[arg(long = "dn", value_name = "TAG", value_delimiter = ',')]
    dns: Vec<u32>,
    /// With authenticated registrations; every SIP phone and program at the router then needs credentials
    #[arg(long)]
    authenticate: bool,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    remote: Remote,
    /// Only this router, by name or id
    #[arg(long)]
    pbx: Option<String>,
    /// Only this line, by number or id
    #[arg(long, value_name = "LINE")]
    line: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct LocateArgs {
    #[command(flatten)]
    remote: Remote,
    /// Network interface; without it all are asked
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Let the gateway ask, instead of this machine
    #[arg(long)]
    gateway: bool,
}

pub(super) async fn csta_config(args: CstaConfigArgs) -> Result<(), Failure> {
    let client = args.remote.client()?;
    let pbx = find_pbx(&client, &args.pbx).await?;
    let path = format!("/pbxs/{}/csta-config", text(&pbx, "/id"));
    if args.journal {
        let journal = client.get(&format!("{path}/journal")).await?;
        return if args.remote.json { Ok(output::json(&journal)?) } else { print_journal(&journal) };
    }
    let mut body = json!({"save": !args.no_save});
    if let (Some(username), Some(password)) = (&args.username, &args.once_password) {
        body["credentials"] = json!({"username": username, "password": password});
    }
    if args.undo {
        let question = "Take back the numbers and the session server of the last apply?";
        return match confirmed(args.yes, question)? {
            true => {
                let undo = format!("{path}/undo");
                let work = client.post(&undo, &body);
                done(&args.remote, &with_progress(&args.remote, &client, text(&pbx, "/id"), work).await?)
            }
            false => Ok(()),
        };
    }
    let mut found = client.get(&path).await?;
    let mut blocks = args.blocks.clone();
    let meant = lines_of(&client, &args.lines, text(&pbx, "/id")).await?;
    if !args.lines.is_empty() && blocks.is_empty() {
        // Whoever names lines means their numbers, not what all of them share.
        blocks.push("ephone_dn".to_owned());
    }
    if let Some(file) = &args.running_config
        && shows_voice_service(&mut found, &read_text(file)?)
        && blocks.is_empty()
    {
        // It is there: the others are left to do.
        blocks = ["voice_register_global", "session_server", "ephone_dn"].map(str::to_owned).to_vec();
    }
    if args.apply || !args.blocks.is_empty() || !args.lines.is_empty() {
        only_what_is_meant(&mut found, &blocks, (!args.lines.is_empty()).then_some(&meant));
    }
    if !args.apply {
        return if args.remote.json { Ok(output::json(&found)?) } else { print_config(&found) };
    }
    if !args.remote.json {
        print_config(&found)?;
    }
    if !blocks.is_empty() {
        body["blocks"] = json!(blocks);
    }
    if !args.lines.is_empty() {
        body["lines"] = json!(meant.iter().map(|line| text(line, "/id")).collect::<Vec<_>>());
    }
    if confirmed(args.yes, "Change the router like that?")? {
        let apply = format!("{path}/apply");
        let work = client.post(&apply, &body);
        return done(&args.remote, &with_progress(&args.remote, &client, text(&pbx, "/id"), work).await?);
    }
    Ok(())
}

async fn lines_of(client: &Client, wanted: &[String], pbx: &str) -> Result<Vec<Value>, Failure> {
    let mut lines = Vec::new();
    for line in wanted {
        let id = find_line(client, line, Some(pbx)).await?;
        lines.push(client.get(&format!("/lines/{id}")).await?);
    }
    Ok(lines)
}

/// Leaves in a picture what an apply with these limits is about: what is shown before it is what is sent.
pub(super) fn only_what_is_meant(found: &mut Value, blocks: &[String], lines: Option<&Vec<Value>>) {
    let numbers: Option<BTreeSet<String>> = lines.map(|lines| {
        let addresses = lines.iter().flat_map(|line| items(line, "addresses"));
        let all = lines.iter().chain(addresses).map(|one| text(one, "/number").to_owned());
        all.collect()
    });
    let is_meant = |one: &Value| {
        let block = text(one, "/block");
        let by_block = if blocks.is_empty() { block != "authenticate" } else { blocks.iter().any(|one| one == block) };
        let by_line =
            block != "ephone_dn" || numbers.as_ref().is_none_or(|numbers| numbers.contains(text(one, "/number")));
        by_block && by_line
    };
    for part in ["findings", "plan"] {
        if let Some(list) = found[part].as_array_mut() {
            list.retain(is_meant);
        }
    }
}

fn read_text(file: &Path) -> Result<String, Failure> {
    Ok(String::from_utf8_lossy(&read(file)?).into_owned())
}

/// Puts what a running configuration shows in the place of what the XML interface does not; says whether the block is whole.
fn shows_voice_service(found: &mut Value, running_config: &str) -> bool {
    let missing = setup::missing_of_voice_service(running_config);
    let is_it = |one: &Value| one["block"] == "voice_service_voip";
    let (state, detail) = if missing.is_empty() {
        ("ok", "Every line is in the running configuration.".to_owned())
    } else {
        let lines: Vec<String> = missing.iter().map(|line| format!("`{line}`")).collect();
        ("missing", format!("The running configuration has no {}.", lines.join(", ")))
    };
    for finding in found["findings"].as_array_mut().into_iter().flatten().filter(|one| is_it(one)) {
        finding["state"] = json!(state);
        finding["detail"] = json!(detail);
    }
    if let Some(plan) = found["plan"].as_array_mut().filter(|_| missing.is_empty()) {
        plan.retain(|step| !is_it(step));
    }
    missing.is_empty()
}

/// Whether a person agrees; without a person `--yes` must have been said.
fn confirmed(yes: bool, question: &str) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Failure::USAGE, "Nobody can be asked here. Say --yes to change the router."));
    }
    let mut out = std::io::stderr().lock();
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn print_config(found: &Value) -> Result<(), Failure> {
    if found["supported"] != true {
        output::line(&format!("This router cannot be set up: {}", text(found, "/reason")))?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items(found, "findings")
        .iter()
        .map(|one| ["/state", "/subject", "/detail"].map(|pointer| text(one, pointer).to_owned()).to_vec())
        .collect();
    output::table(&["STATE", "WHAT", "DETAIL"], &rows)?;
    let plan = items(found, "plan");
    if plan.is_empty() {
        output::line("\nNothing has to be changed.")?;
        return Ok(());
    }
    output::line(&format!("\nPlan (needs a user of level {}):", found["needs_level"]))?;
    for step in plan {
        let optional = if step["optional"] == true { "  (only when its block is named)" } else { "" };
        output::line(&format!("\n! {}{optional}", text(step, "/subject")))?;
        output::line(&format!("! Impact: {}", text(step, "/impact")))?;
        for line in items(step, "commands") {
            output::line(line.as_str().unwrap_or_default())?;
        }
        let inverse: Vec<&str> = items(step, "inverse").iter().filter_map(Value::as_str).collect();
        if !inverse.is_empty() {
            output::line(&format!("! Undo: {}", inverse.join(" / ")))?;
        }
    }
    warnings(found)
}

fn warnings(value: &Value) -> Result<(), Failure> {
    for warning in items(value, "warnings").iter().filter_map(Value::as_str) {
        output::line(&format!("Warning: {warning}"))?;
    }
    Ok(())
}

/// What an apply or an undo did; a failure when the router is not as it was asked for.
fn done(remote: &Remote, applied: &Value) -> Result<(), Failure> {
    match print_applied(remote, applied)? {
        None => Ok(()),
        Some(cause) => Err(Failure::new(1, cause)),
    }
}

/// Why the router is not as it was asked for: what it needs before its own words.
fn cause_of(applied: &Value) -> Option<String> {
    let is_good = |result: &&Value| matches!(text(result, "/outcome"), "applied" | "unchanged");
    let failed: Vec<&Value> = items(applied, "results").iter().filter(|result| !is_good(result)).collect();
    let is_unsaved = text(applied, "/saved") == "fail";
    let has_lost = applied.pointer("/verification/lost").and_then(Value::as_u64).unwrap_or(0) > 0;
    if failed.is_empty() && !is_unsaved && !has_lost {
        return None;
    }
    if let Some(warning) = items(applied, "warnings").iter().find_map(Value::as_str) {
        return Some(warning.to_owned());
    }
    let said = |result: &&Value| {
        let words =
            [text(result, "/detail"), text(result, "/router_message")].into_iter().find(|words| !words.is_empty());
        words.map(|words| format!("{}: {words}", text(result, "/subject")))
    };
    let first = failed.iter().find(|result| text(result, "/outcome") == "failed").and_then(said);
    Some(
        first
            .unwrap_or_else(|| "The router did not save its configuration: a reload takes the change back.".to_owned()),
    )
}

/// Prints what came of an apply or an undo; gives the reason when not all of it was done.
pub(super) fn print_applied(remote: &Remote, applied: &Value) -> Result<Option<String>, Failure> {
    let cause = cause_of(applied);
    if remote.json {
        output::json(applied)?;
        return Ok(cause);
    }
    output::line("")?;
    // The reason comes first, what the router said to each line after it.
    if let Some(cause) = &cause {
        output::line(&format!("Not done: {cause}\n"))?;
    }
    for result in items(applied, "results") {
        output::line(&format!("{:10} {}", text(result, "/outcome"), text(result, "/subject")))?;
        for (name, pointer) in [("at", "/failed_command"), ("router", "/router_message"), ("", "/detail")] {
            let said = text(result, pointer);
            if !said.is_empty() && (!name.is_empty() || text(result, "/outcome") != "unchanged") {
                output::line(&format!("{:10} {name}{}{said}", "", if name.is_empty() { "" } else { ": " }))?;
            }
        }
    }
    output::line(&format!("saved: {}", text(applied, "/saved")))?;
    let verified = if applied["verified"] == true { "yes" } else { "no" };
    output::line(&format!("verified: {verified}. {}", text(applied, "/verification/summary")))?;
    for line in applied.pointer("/verification/failed").and_then(Value::as_array).into_iter().flatten() {
        output::line(&format!("  {}: {}", text(line, "/number"), text(line, "/reason")))?;
    }
    let told = |warning: &&str| cause.as_deref() != Some(*warning);
    for warning in items(applied, "warnings").iter().filter_map(Value::as_str).filter(told) {
        output::line(&format!("Warning: {warning}"))?;
    }
    Ok(cause)
}

fn print_journal(journal: &Value) -> Result<(), Failure> {
    if items(journal, "items").is_empty() {
        output::line("Nothing was applied yet.")?;
    }
    for entry in items(journal, "items") {
        let undone = if entry["undone_by"].is_string() { ", taken back" } else { "" };
        output::line(&format!(
            "{}  {} by {} (saved: {}{undone})",
            text(entry, "/at"),
            text(entry, "/act"),
            text(entry, "/actor"),
            text(entry, "/saved")
        ))?;
        let results = items(entry, "results");
        for (index, result) in results.iter().enumerate().filter(|(_, result)| !items(result, "executed").is_empty()) {
            let lines: Vec<&str> = items(result, "executed").iter().filter_map(Value::as_str).collect();
            // The last block is that of the request whose answer has not come.
            let is_open = entry["unanswered"].is_array() && index + 1 == results.len();
            let (outcome, why) =
                if is_open { ("unknown", " (the answer never came)") } else { (text(result, "/outcome"), "") };
            output::line(&format!("  {outcome:8} {}{why}", lines.join(" / ")))?;
        }
    }
    Ok(())
}

pub(super) fn cme_config(args: CmeConfigArgs) -> Result<(), Failure> {
    let is_made = args.password.is_none();
    let made: String = uuid::Uuid::new_v4().simple().to_string().chars().take(16).collect();
    let site = Site {
        register_id: args.session_server_id,
        keepalive_s: args.keepalive,
        session_server: args.session_server,
        username: args.username,
        password: args.password.unwrap_or(made),
        dns: args.dns,
        authenticate: args.authenticate,
    };
    let config = setup::cme_config(&site).map_err(|sentence| Failure::new(Failure::USAGE, sentence))?;
    output::line(config.trim_end())?;
    if is_made {
        output::progress("A new password was made for the user of the XML API. Then connect the router:");
        output::progress(&format!(
            "  LINEGATE_PBX_PASSWORD='{}' linegate pbx add NAME ADDRESS --username {} --session-server-id {}",
            site.password, site.username, site.register_id
        ));
    }
    Ok(())
}

pub(super) async fn doctor(args: DoctorArgs) -> Result<(), Failure> {
    let client = args.remote.client()?;
    let pbxs = match &args.pbx {
        Some(name) => vec![find_pbx(&client, name).await?],
        None => client.list("/pbxs").await?,
    };
    if pbxs.is_empty() {
        return Err(Failure::new(Failure::USAGE, "No router is connected. `linegate setup` leads you there."));
    }
    let mut reports = Vec::new();
    for pbx in pbxs {
        let id = text(&pbx, "/id");
        let body = match &args.line {
            Some(line) => match find_line(&client, line, Some(id)).await {
                Ok(line) => json!({"line": line}),
                // With several routers the line is that of one of them.
                Err(_) if args.pbx.is_none() => continue,
                Err(failure) => return Err(failure),
            },
            None => json!({}),
        };
        if !args.remote.json {
            output::progress(&format!("looking at {} …", text(&pbx, "/name")));
        }
        let mut report = client.post(&format!("/pbxs/{id}/doctor"), &body).await?;
        report["pbx"] = pbx["name"].clone();
        if !args.remote.json {
            print_report(&report)?;
        }
        reports.push(report);
    }
    if let (Some(line), true) = (&args.line, reports.is_empty()) {
        return Err(Failure::new(
            Failure::USAGE,
            format!("No line has the number {line}. `linegate lines list` shows them."),
        ));
    }
    let is_well = reports.iter().all(|report| report["healthy"] == true);
    if args.remote.json {
        output::json(&Value::Array(reports))?;
    }
    if is_well { Ok(()) } else { Err(Failure::new(1, "")) }
}

fn print_report(report: &Value) -> Result<(), Failure> {
    output::line(&format!("Router {}", text(report, "/pbx")))?;
    items(report, "checks").iter().try_for_each(print_check)?;
    for line in items(report, "lines") {
        output::line(&format!("\nLine {} {}", text(line, "/number"), text(line, "/name")))?;
        items(line, "checks").iter().try_for_each(print_check)?;
    }
    let first = items(report, "checks")
        .iter()
        .chain(items(report, "lines").iter().flat_map(|line| items(line, "checks")))
        .find(|check| check["state"] == "failed");
    let verdict = match first {
        Some(check) => format!("The first step that failed: {}.", text(check, "/check")),
        None => "Nothing failed.".to_owned(),
    };
    output::line(&format!("\n{verdict} {} lines are monitored.", report["monitored"]))?;
    Ok(())
}

fn print_check(check: &Value) -> Result<(), Failure> {
    let state = match text(check, "/state") {
        "failed" => "FAILED".to_owned(),
        other => other.to_owned(),
    };
    output::line(&format!("  {state:8} {:15} {}", text(check, "/check"), text(check, "/detail")))?;
    let more = |name: &str, said: &str| {
        if said.is_empty() { Ok(()) } else { output::line(&format!("  {:8} {:15} {name}: {said}", "", "")) }
    };
    more("the router says", text(check, "/router_message"))?;
    more("what to do", text(check, "/hint"))?;
    if check["fix"].is_object() {
        let fix = &check["fix"];
        more("fix", &format!("{} {} {}", text(fix, "/method"), text(fix, "/path"), fix["body"]))?;
    }
    Ok(())
}

pub(super) async fn locate(args: LocateArgs) -> Result<(), Failure> {
    let found = match args.gateway {
        true => args.remote.client()?.post("/locate", &json!({"interface": args.interface})).await?,
        false => candidates(args.interface.as_deref()).await?,
    };
    if args.remote.json {
        return Ok(output::json(&found)?);
    }
    print_candidates(&found)
}

/// Routers that this machine finds.
pub(super) async fn candidates(interface: Option<&str>) -> Result<Value, Failure> {
    let found = setup::locate(interface)
        .await
        .map_err(|error| Failure::new(Failure::UNAVAILABLE, format!("{} {}", error.detail, error.hint)))?;
    serde_json::to_value(found).map_err(|error| Failure::new(Failure::SOFTWARE, error.to_string()))
}

pub(super) fn print_candidates(found: &Value) -> Result<(), Failure> {
    let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
    if found.is_empty() {
        output::progress(
            "No DHCP server named a router (options 150 and 66). They are often served to the voice network only: ask from \
             there, or look at a phone: its TFTP server is the router.",
        );
        return Ok(());
    }
    let row = |one: &Value| {
        let verified = if one["verified"] == true { "yes" } else { "no" };
        vec![
            text(one, "/address").to_owned(),
            text(one, "/source").to_owned(),
            verified.to_owned(),
            text(one, "/interface").to_owned(),
            text(one, "/detail").to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    output::table(&["ADDRESS", "SOURCE", "VERIFIED", "INTERFACE", "DETAIL"], &rows)?;
    Ok(())
}
