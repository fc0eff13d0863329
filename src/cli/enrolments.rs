//! `linegate enrolments`: codes by which machines fetch tokens of their own.

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{self, text};
use super::remote::line_id;
use super::{Failure, Remote};

#[derive(Debug, Subcommand)]
pub(super) enum EnrolmentsCommand {
    /// Make a code for some machines; it is shown once
    ///
    /// Each machine that gives the code gets a token of its own, which `linegate token revoke` ends alone. On Windows:
    /// `msiexec /i linegate-tapi-x64.msi /qn GATEWAY=… FINGERPRINT=… ENROLL=CODE`.
    Create {
        #[command(flatten)]
        remote: Remote,
        /// What it is for
        name: String,
        /// How many machines may use it
        #[arg(long, default_value_t = 1)]
        uses: u32,
        /// read or control
        #[arg(long, default_value = "control")]
        scope: String,
        /// The machines see only these lines, by number or id
        #[arg(long = "line", value_name = "LINE")]
        lines: Vec<String>,
        /// When the code ends, RFC 3339; a week from now without it
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// List the enrolments, without their codes
    List(Remote),
    /// Take a code back; tokens that it gave stay until they are revoked
    Remove {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        enrolment_id: String,
    },
}

pub(super) async fn run(command: EnrolmentsCommand) -> Result<(), Failure> {
    match command {
        EnrolmentsCommand::Create { remote, name, uses, scope, lines, expires_at } => {
            let client = remote.client()?;
            let mut body = json!({"name": name, "uses": uses, "scopes": [scope]});
            if !lines.is_empty() {
                let mut ids = Vec::new();
                for line in &lines {
                    ids.push(line_id(&client, line).await?);
                }
                body["lines"] = json!(ids);
            }
            if let Some(end) = expires_at {
                body["expires_at"] = json!(end);
            }
            let made = client.post("/enrolments", &body).await?;
            if remote.json {
                return Ok(output::json(&made)?);
            }
            output::progress(&format!(
                "This code is shown once; it gives tokens until {}:",
                text(&made, "/expires_at")
            ));
            Ok(output::line(text(&made, "/code"))?)
        }
        EnrolmentsCommand::List(remote) => list(&remote).await,
        EnrolmentsCommand::Remove { remote, enrolment_id } => {
            remote.client()?.delete(&format!("/enrolments/{enrolment_id}")).await?;
            output::progress("The code gives no token any more. `linegate token list` shows those that it gave.");
            Ok(())
        }
    }
}

async fn list(remote: &Remote) -> Result<(), Failure> {
    let items = remote.client()?.list("/enrolments").await?;
    if remote.json {
        return Ok(output::json(&Value::Array(items))?);
    }
    let number = |item: &Value, pointer: &str| item.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            vec![
                text(item, "/id").to_owned(),
                text(item, "/name").to_owned(),
                text(item, "/state").to_owned(),
                format!("{}/{}", number(item, "/used"), number(item, "/uses")),
                text(item, "/expires_at").to_owned(),
            ]
        })
        .collect();
    output::table(&["ID", "NAME", "STATE", "USED", "EXPIRES"], &rows)?;
    Ok(())
}
