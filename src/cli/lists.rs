//! `linegate lines export` and `import`.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use super::output::{self, text};
use super::{Failure, Remote};
use crate::client::{Client, ClientError};

pub(super) async fn export(remote: &Remote, pbx: Option<&str>, csv: bool) -> Result<(), Failure> {
    let client = remote.client()?;
    let filter = match pbx {
        Some(named) => format!("?pbx={}", pbx_id(&client, named).await?),
        None => String::new(),
    };
    let form = if remote.json { "application/json" } else { form(csv) };
    output::raw(&client.text(&format!("/lines/export{filter}"), form).await?)?;
    Ok(())
}

pub(super) async fn import(remote: &Remote, pbx: &str, file: &Path, csv: bool, dry_run: bool) -> Result<(), Failure> {
    let client = remote.client()?;
    let pbx = pbx_id(&client, pbx).await?;
    let unreadable =
        |error: std::io::Error| Failure::new(Failure::USAGE, format!("{} cannot be read: {error}.", file.display()));
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        bytes = std::fs::read(file).map_err(unreadable)?;
    }
    let path = format!("/lines/import?pbx={pbx}&dry_run={dry_run}");
    let imported = match client.post_bytes(&path, form(csv), bytes).await {
        Ok(imported) => imported,
        Err(ClientError::Refused { problem, .. }) if problem["errors"][0]["line"].is_number() => {
            for error in problem["errors"].as_array().into_iter().flatten() {
                output::progress(&format!("line {}: {}", error["line"], text(error, "/detail")));
            }
            let sentence = format!("{} {}", text(&problem, "/detail"), text(&problem, "/hint"));
            return Err(Failure::new(Failure::USAGE, sentence));
        }
        Err(error) => return Err(error.into()),
    };
    if remote.json {
        output::json(&imported)?;
        return Ok(());
    }
    let mut rows = Vec::new();
    for (word, list) in [("new", "added"), ("changed", "changed")] {
        for line in imported[list].as_array().into_iter().flatten() {
            let fields: Vec<&str> = line["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            rows.push(vec![
                word.to_owned(),
                text(line, "/number").to_owned(),
                text(line, "/name").to_owned(),
                text(line, "/device_id").to_owned(),
                fields.join(", "),
            ]);
        }
    }
    output::table(&["", "NUMBER", "NAME", "DEVICE", "CHANGED"], &rows)?;
    let would = if dry_run { "Nothing was changed yet" } else { "Done" };
    output::progress(&format!("{would}: {} lines stay as they are.", imported["unchanged"]));
    Ok(())
}

fn form(csv: bool) -> &'static str {
    if csv { "text/csv" } else { "text/plain" }
}

/// The id of a PBX by its name or id.
async fn pbx_id(client: &Client, named: &str) -> Result<String, Failure> {
    let found = client.list("/pbxs").await?;
    let pbx = found.iter().find(|pbx| text(pbx, "/name") == named || text(pbx, "/id") == named);
    let unknown =
        || Failure::new(Failure::USAGE, format!("There is no PBX “{named}”. `linegate pbx list` shows their names."));
    Ok(text(pbx.ok_or_else(unknown)?, "/id").to_owned())
}
