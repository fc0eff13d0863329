//! `linegate setup`: from nothing to a phone that rings, one question after the other.

use std::io::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::output::{self, text};
use super::remote::{NO_LINES, find_line, wait_for};
use super::router::{candidates, only_what_is_meant, print_applied, print_candidates, print_config};
use super::{Failure, Remote};
use crate::client::Client;

#[derive(Debug, Args)]
pub(super) struct SetupArgs {
    #[command(flatten)]
    remote: Remote,
    /// Address of the router, when it is known
    #[arg(long)]
    host: Option<String>,
    /// Port of the XML API
    #[arg(long, default_value_t = 80)]
    axl_port: u16,
    /// SIP port of the router
    #[arg(long, default_value_t = 5060)]
    sip_port: u16,
    /// Port on which the router's connections are accepted
    #[arg(long, default_value_t = 5070)]
    local_port: u16,
    /// Do not ask DHCP
    #[arg(long)]
    no_locate: bool,
}

/// Puts a question; an empty answer is the default.
fn ask(question: &str, default: &str) -> Result<String, Failure> {
    let mut out = std::io::stderr().lock();
    if default.is_empty() {
        write!(out, "{question}: ")?;
    } else {
        write!(out, "{question} [{default}]: ")?;
    }
    out.flush()?;
    let mut answer = String::new();
    if std::io::stdin().read_line(&mut answer)? == 0 {
        return Err(Failure::new(
            Failure::USAGE,
            "\nThe answers ended before the set-up did. Start it again; what is done stays.",
        ));
    }
    let answer = answer.trim();
    Ok(if answer.is_empty() { default } else { answer }.to_owned())
}

fn agrees(question: &str) -> Result<bool, Failure> {
    Ok(matches!(ask(question, "y")?.as_str(), "y" | "Y" | "yes"))
}

pub(super) async fn setup(args: SetupArgs) -> Result<(), Failure> {
    let client = args.remote.client()?;
    output::line("1. Where is the router?")?;
    let host = host(&args).await?;

    output::line("\n2. Its XML API")?;
    output::line(
        "It gives the lines, and takes the set-up. If nothing of it is configured yet, `linegate cme-config` prints all lines \
         to paste at the console; come back then.",
    )?;
    let pbx = connect(&client, &args, &host).await?;
    let id = text(&pbx, "/id").to_owned();

    output::line("\n3. The set-up for CTI")?;
    let path = format!("/pbxs/{id}/csta-config");
    let mut found = client.get(&path).await?;
    only_what_is_meant(&mut found, &[], None);
    print_config(&found)?;
    let is_open = found["plan"].as_array().is_some_and(|plan| !plan.is_empty());
    if is_open && agrees("Change the router like that?")? {
        // What could be done may be enough for a first ring.
        if let Some(cause) = print_applied(&args.remote, &client.post(&format!("{path}/apply"), &json!({})).await?)? {
            output::progress(&cause);
        }
    }

    output::line("\n4. The lines")?;
    let lines = client.list(&format!("/lines?pbx={id}")).await?;
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            ["/number", "/name", "/monitor/state", "/monitor/reason"].map(|at| text(line, at).to_owned()).to_vec()
        })
        .collect();
    if lines.is_empty() {
        return Err(Failure::new(1, NO_LINES));
    }
    output::table(&["NUMBER", "NAME", "MONITOR", "WHY NOT"], &rows)?;
    let active: Vec<&Value> = lines.iter().filter(|line| text(line, "/monitor/state") == "active").collect();
    let Some(first) = active.first() else {
        return Err(Failure::new(1, "No line is monitored yet. `linegate doctor` says why, step by step."));
    };

    output::line("\n5. A first ring")?;
    let from = ask("Dial from", text(first, "/number"))?;
    let to = active.iter().map(|line| text(line, "/number")).find(|number| *number != from).unwrap_or_default();
    let to = ask("Dial to", to)?;
    let line = find_line(&client, &from, Some(&id)).await?;
    let call = client.post(&format!("/lines/{line}/calls"), &json!({"to": to})).await?;
    output::line(&format!("{to} should ring now ({}).", text(&call, "/state")))?;
    if agrees("Hang up?")? {
        client.post(&format!("/calls/{}/drop", text(&call, "/id")), &json!({})).await?;
    }
    output::line(
        "\nThe gateway works. Next: `linegate watch` shows what happens, /docs of the gateway shows the API.",
    )?;
    Ok(())
}

async fn host(args: &SetupArgs) -> Result<String, Failure> {
    if let Some(host) = &args.host {
        output::line(host)?;
        return Ok(host.clone());
    }
    let mut best = String::new();
    if !args.no_locate {
        output::progress("asking DHCP …");
        match candidates(None).await {
            Ok(found) => {
                print_candidates(&found)?;
                let all = found.as_array().map(Vec::as_slice).unwrap_or_default();
                let verified = all.iter().find(|one| one["verified"] == true).or(all.first());
                best = verified.map(|one| text(one, "/address").to_owned()).unwrap_or_default();
            }
            Err(failure) => output::progress(&failure.sentence),
        }
    }
    let host = ask("Address of the router", &best)?;
    if host.is_empty() { Err(Failure::new(Failure::USAGE, "An address is needed.")) } else { Ok(host) }
}

/// A PBX for the router: one that exists already, or a new one.
async fn connect(client: &Client, args: &SetupArgs, host: &str) -> Result<Value, Failure> {
    let known = client.list("/pbxs").await?.into_iter().find(|pbx| text(pbx, "/host") == host);
    let pbx = match known {
        Some(pbx) => {
            output::line(&format!("The gateway has this router already, as “{}”.", text(&pbx, "/name")))?;
            pbx
        }
        None => {
            let name = ask("A short name for it", "hq")?;
            let username = ask("User (`xml user`)", "linegate")?;
            let password = match std::env::var("LINEGATE_PBX_PASSWORD") {
                Ok(password) if !password.is_empty() => password,
                _ => ask("Password (it is shown as you type; LINEGATE_PBX_PASSWORD avoids that)", "")?,
            };
            let body = json!({
                "name": name,
                "host": host,
                "sip": {"port": args.sip_port, "local_port": args.local_port},
                "axl": {"port": args.axl_port, "username": username, "password": password},
            });
            client.post("/pbxs", &body).await?
        }
    };
    wait_for(client, text(&pbx, "/id")).await?;
    Ok(pbx)
}
