//! `linegate lines load`, `export` and `import`.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::output::{self, text};
use super::{Failure, Remote};
use crate::client::{Client, ClientError};

const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(300);

pub(super) async fn export(remote: &Remote, pbx: Option<&str>, csv: bool) -> Result<(), Failure> {
    let client = remote.client()?;
    let filter = match pbx {
        Some(named) => format!("?pbx={}", pbx_id(&client, named).await?),
        None => String::new(),
    };
    let form = if remote.json { JSON } else { form(csv) };
    output::raw(&client.text(&format!("/lines/export{filter}"), form).await?)?;
    Ok(())
}

pub(super) async fn load(remote: &Remote, pbx: &str, dry_run: bool) -> Result<(), Failure> {
    let client = remote.client()?;
    let id = pbx_id(&client, pbx).await?;
    let body = json!({"dry_run": dry_run});
    let path = format!("/pbxs/{id}/load-lines");
    let loaded = with_progress(remote, &client, &id, client.post(&path, &body)).await?;
    print_changes(remote, &loaded, dry_run)
}

/// Does something at a PBX that takes its time, and tells meanwhile how far it is.
pub(super) async fn with_progress<T>(remote: &Remote, client: &Client, pbx: &str, work: impl Future<Output = T>) -> T {
    let path = format!("/pbxs/{pbx}/status");
    let mut last = String::new();
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(LOOK, &mut work).await {
            Ok(done) => return done,
            // Only for people; when it cannot be read, the work itself says why.
            Err(_) if remote.json => {}
            Err(_) => {
                let status = client.get(&path).await.unwrap_or_default();
                let shown = text(&status, "/axl/progress");
                if !shown.is_empty() && shown != last {
                    output::progress(shown);
                    shown.clone_into(&mut last);
                }
            }
        }
    }
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
    let form = if csv { form(csv) } else { form_of(&bytes) };
    let (word, bytes) = match form {
        // Its entries have no lines of their own, and its form has no mark.
        JSON => ("entry", bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes)),
        _ => ("line", bytes),
    };
    let imported = match client.post_bytes(&path, form, bytes).await {
        Ok(imported) => imported,
        Err(ClientError::Refused { problem, .. }) if problem["errors"][0]["line"].is_number() => {
            for error in problem["errors"].as_array().into_iter().flatten() {
                output::progress(&format!("{word} {}: {}", error["line"], text(error, "/detail")));
            }
            let sentence = format!("{} {}", text(&problem, "/detail"), text(&problem, "/hint"));
            return Err(Failure::new(Failure::USAGE, sentence));
        }
        Err(error) => return Err(error.into()),
    };
    print_changes(remote, &imported, dry_run)
}

fn print_changes(remote: &Remote, changes: &Value, dry_run: bool) -> Result<(), Failure> {
    if remote.json {
        output::json(changes)?;
        return Ok(());
    }
    let mut rows = Vec::new();
    for (word, list) in [("new", "added"), ("changed", "changed"), ("missing", "removed")] {
        for line in changes[list].as_array().into_iter().flatten() {
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
    output::progress(&format!("{would}: {} lines stay as they are.", changes["unchanged"]));
    Ok(())
}

fn form(csv: bool) -> &'static str {
    if csv { CSV } else { "text/plain" }
}

/// The form of a list, by how it begins.
fn form_of(list: &[u8]) -> &'static str {
    // A mark and the zeros of UTF-16 say nothing here.
    let letters = list.iter().filter(|byte| byte.is_ascii() && **byte != 0).map(|byte| char::from(*byte));
    let begin: String =
        letters.skip_while(char::is_ascii_whitespace).take_while(|c| !matches!(c, '\r' | '\n')).collect();
    if begin.starts_with(['{', '[']) {
        return JSON;
    }
    let is_number = |title: &str| title.trim().trim_matches('"').eq_ignore_ascii_case("number");
    form(!begin.contains(';') && begin.split(',').any(is_number))
}

/// The id of a PBX by its name or id.
async fn pbx_id(client: &Client, named: &str) -> Result<String, Failure> {
    let found = client.list("/pbxs").await?;
    let pbx = found.iter().find(|pbx| text(pbx, "/name") == named || text(pbx, "/id") == named);
    let unknown =
        || Failure::new(Failure::USAGE, format!("There is no PBX “{named}”. `linegate pbx list` shows their names."));
    Ok(text(pbx.ok_or_else(unknown)?, "/id").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_tells_its_form_by_how_it_begins() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for (list, form) in [
            (b"201;Anna Berg;00AA11BB0001;204\n".to_vec(), "text/plain"),
            (b"".to_vec(), "text/plain"),
            (b"\xEF\xBB\xBF\r\nname,\"Number\",device_id\nAnna,201,\n".to_vec(), CSV),
            (utf16("\u{feff}number,name,device_id,buttons\r\n201,Anna,,\r\n"), CSV),
            (b"number\n201\n".to_vec(), CSV),
            (b"201;Berg, number one;;\n".to_vec(), "text/plain"),
            (b"\n  {\"items\": []}".to_vec(), JSON),
            (b"[{\"number\": \"201\"}]".to_vec(), JSON),
        ] {
            assert_eq!(form_of(&list), form, "{}", String::from_utf8_lossy(&list));
        }
    }
}
