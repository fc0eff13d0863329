//! Commands that talk to a running gateway.

use std::time::Duration;

use serde_json::{Value, json};

use super::output::{self, text};
use super::{DialArgs, Failure, PbxAddArgs, Remote};
use crate::client::Client;

impl Remote {
    pub(super) fn client(&self) -> Result<Client, Failure> {
        if self.token.is_empty() {
            return Err(Failure::new(
                Failure::USAGE,
                "A token is needed: set LINEGATE_TOKEN or --token. The first one stands in the file admin-token of the \
                 data folder.",
            ));
        }
        Ok(Client::new(&self.url, &self.token)?)
    }
}

pub(super) async fn pbx_add(args: PbxAddArgs) -> Result<(), Failure> {
    let client = args.remote.client()?;
    let port = args.axl_port.unwrap_or(if args.axl_scheme == "https" { 443 } else { 80 });
    let body = json!({
        "name": args.name,
        "host": args.host,
        "sip": {
            "port": args.sip_port,
            "local_port": args.local_port,
            "advertise_address": args.advertise_address,
            "session_server_id": args.session_server_id,
        },
        "axl": {
            "scheme": args.axl_scheme,
            "port": port,
            "username": args.username,
            "password": args.password,
        },
    });
    let pbx = client.post("/pbxs", &body).await?;
    if args.no_wait {
        return print_pbx(&args.remote, &pbx);
    }
    let id = text(&pbx, "/id").to_owned();
    wait_for(&client, &id).await?;
    let pbx = client.get(&format!("/pbxs/{id}")).await?;
    print_pbx(&args.remote, &pbx)
}

pub(super) async fn pbx_list(remote: &Remote) -> Result<(), Failure> {
    let items = remote.client()?.list("/pbxs").await?;
    if remote.json {
        output::json(&Value::Array(items))?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items.iter().map(pbx_row).collect();
    output::table(&["ID", "NAME", "HOST", "STATE", "MONITORED", "REASON"], &rows)?;
    Ok(())
}

pub(super) async fn pbx_status(remote: &Remote, wanted: Option<&str>, wait: bool) -> Result<(), Failure> {
    let client = remote.client()?;
    let chosen = match wanted {
        Some(name) => vec![find_pbx(&client, name).await?],
        None => client.list("/pbxs").await?,
    };
    for pbx in chosen {
        let pbx = if wait {
            let id = text(&pbx, "/id").to_owned();
            wait_for(&client, &id).await?;
            client.get(&format!("/pbxs/{id}")).await?
        } else {
            pbx
        };
        print_pbx(remote, &pbx)?;
    }
    Ok(())
}

/// A PBX by its name or id.
pub(super) async fn find_pbx(client: &Client, wanted: &str) -> Result<Value, Failure> {
    let is_it = |pbx: &Value| text(pbx, "/name") == wanted || text(pbx, "/id") == wanted;
    client.list("/pbxs").await?.into_iter().find(is_it).ok_or_else(|| {
        Failure::new(Failure::USAGE, format!("There is no PBX “{wanted}”. `linegate pbx list` shows their names."))
    })
}

/// `linegate pbx dialect`
pub(super) async fn pbx_dialect(remote: &Remote, wanted: &str, forget: bool) -> Result<(), Failure> {
    let client = remote.client()?;
    let mut pbx = find_pbx(&client, wanted).await?;
    let path = format!("/pbxs/{}", text(&pbx, "/id"));
    if forget {
        client.delete(&format!("{path}/learned")).await?;
        pbx = client.get(&path).await?;
    }
    let of = |pointer: &str| pbx.pointer(pointer).cloned().unwrap_or_else(|| json!({}));
    let (configured, learned) = (of("/dialect"), of("/status/learned"));
    if remote.json {
        output::json(&json!({"configured": configured, "learned": learned}))?;
        return Ok(());
    }
    let mut rows = Vec::new();
    for (settings, whence) in [(&configured, "configured"), (&learned, "learned")] {
        for (key, value) in settings.as_object().into_iter().flatten() {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            rows.push(vec![key.clone(), shown, whence.to_owned()]);
        }
    }
    if rows.is_empty() {
        output::line("Every setting of the dialect is the default, and nothing was learned.")?;
    } else {
        output::table(&["SETTING", "VALUE", "FROM"], &rows)?;
    }
    Ok(())
}

/// What a router says that has no line to give.
pub(super) const NO_LINES: &str = "The router gives no lines: none of its phones has a number on a button, and no user of extension \
                                   mobility has one. Set the phones up at the router, then `linegate lines load`; or enter lines \
                                   with `linegate lines import`.";

/// What a PBX without XML API has to do with lines.
const NO_XML: &str = "The XML API is not used (`axl.username` is empty), so the router gives no lines: enter them with `linegate lines \
                      import`.";

/// Follows a PBX until its lines are loaded and each is monitored or says why not. Progress goes to standard error.
pub(super) async fn wait_for(client: &Client, id: &str) -> Result<(), Failure> {
    let mut last = String::new();
    let mut stream = client.stream().await?;
    stream.send(&json!({"type": "subscribe", "id": "1", "from": "now", "events": ["pbx.*"], "pbxs": [id]})).await?;
    loop {
        let status = client.get(&format!("/pbxs/{id}/status")).await?;
        let number = |pointer: &str| status.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        let (total, monitored, failed) = (number("/lines/total"), number("/lines/monitored"), number("/lines/failed"));
        let state = text(&status, "/state");
        let shown = match (state, text(&status, "/reason")) {
            ("up" | "degraded", _) => format!("{state}: {monitored} of {total} lines monitored, {failed} not possible"),
            (_, "") => state.to_owned(),
            (_, reason) => format!("{state}: {reason}"),
        };
        if shown != last {
            output::progress(&shown);
            last = shown;
        }
        // A router without a line is done when it was read.
        let nothing = match text(&status, "/axl/state") {
            _ if total > 0 => None,
            "off" => Some(NO_XML),
            "up" if !text(&status, "/axl/last_load_at").is_empty() => Some(NO_LINES),
            _ => None,
        };
        let is_done = if total > 0 { monitored + failed >= total } else { nothing.is_some() };
        let settled = matches!(state, "disabled" | "down") || (matches!(state, "up" | "degraded") && is_done);
        if settled {
            if let Some(sentence) = nothing.filter(|_| state != "disabled") {
                output::progress(sentence);
            }
            for notice in status.pointer("/axl/notices").and_then(Value::as_array).into_iter().flatten() {
                output::progress(notice.as_str().unwrap_or_default());
            }
            return Ok(());
        }
        // Whatever changes at the PBX comes as an event; a look every 5 s covers a PBX that stays silent.
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.next()).await;
    }
}

fn print_pbx(remote: &Remote, pbx: &Value) -> Result<(), Failure> {
    if remote.json {
        output::json(pbx)?;
        return Ok(());
    }
    output::table(&["ID", "NAME", "HOST", "STATE", "MONITORED", "REASON"], &[pbx_row(pbx)])?;
    Ok(())
}

fn pbx_row(pbx: &Value) -> Vec<String> {
    let number = |pointer: &str| pbx.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    vec![
        text(pbx, "/id").to_owned(),
        text(pbx, "/name").to_owned(),
        text(pbx, "/host").to_owned(),
        text(pbx, "/status/state").to_owned(),
        format!("{}/{}", number("/status/lines/monitored"), number("/status/lines/total")),
        text(pbx, "/status/reason").to_owned(),
    ]
}

pub(super) async fn token_create(
    remote: &Remote,
    name: &str,
    scope: &str,
    lines: &[String],
    expires_at: Option<&str>,
) -> Result<(), Failure> {
    let mut body = json!({"name": name, "scopes": [scope]});
    if !lines.is_empty() {
        body["lines"] = json!(lines);
    }
    if let Some(end) = expires_at {
        body["expires_at"] = json!(end);
    }
    let token = remote.client()?.post("/tokens", &body).await?;
    if remote.json {
        output::json(&token)?;
    } else {
        output::progress("This token is shown once; keep it safe:");
        output::line(text(&token, "/token"))?;
    }
    Ok(())
}

pub(super) async fn token_list(remote: &Remote) -> Result<(), Failure> {
    let items = remote.client()?.list("/tokens").await?;
    if remote.json {
        output::json(&Value::Array(items))?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|token| {
            let scopes = token
                .get("scopes")
                .and_then(Value::as_array)
                .map_or(String::new(), |scopes| scopes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","));
            vec![
                text(token, "/id").to_owned(),
                text(token, "/name").to_owned(),
                scopes,
                text(token, "/expires_at").to_owned(),
            ]
        })
        .collect();
    output::table(&["ID", "NAME", "SCOPES", "EXPIRES"], &rows)?;
    Ok(())
}

pub(super) async fn token_revoke(remote: &Remote, id: &str) -> Result<(), Failure> {
    remote.client()?.delete(&format!("/tokens/{id}")).await?;
    output::progress("The token is revoked.");
    Ok(())
}

pub(super) async fn lines_list(remote: &Remote, query: Option<&str>) -> Result<(), Failure> {
    let path = match query {
        Some(query) => format!("/lines?q={}", escape(query)),
        None => "/lines".to_owned(),
    };
    let items = remote.client()?.list(&path).await?;
    if remote.json {
        output::json(&Value::Array(items))?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|line| {
            vec![
                text(line, "/id").to_owned(),
                text(line, "/number").to_owned(),
                text(line, "/name").to_owned(),
                text(line, "/status").to_owned(),
                text(line, "/monitor/state").to_owned(),
                text(line, "/activity").to_owned(),
                text(line, "/monitor/reason").to_owned(),
            ]
        })
        .collect();
    output::table(&["ID", "NUMBER", "NAME", "STATUS", "MONITOR", "ACTIVITY", "WHY NOT"], &rows)?;
    Ok(())
}

/// The id of a line by its number or id.
pub(super) async fn find_line(client: &Client, wanted: &str, pbx: Option<&str>) -> Result<String, Failure> {
    if wanted.starts_with("line_") {
        return Ok(wanted.to_owned());
    }
    let of = pbx.map(|pbx| format!("&pbx={pbx}")).unwrap_or_default();
    let found = client.list(&format!("/lines?number={}{of}", escape(wanted))).await?;
    match found.as_slice() {
        [] => Err(Failure::new(
            Failure::USAGE,
            format!("No line has the number {wanted}. `linegate lines list` shows them."),
        )),
        [line] => Ok(text(line, "/id").to_owned()),
        _ => Err(Failure::new(
            Failure::USAGE,
            format!("Several lines have the number {wanted}; give the id of one of them."),
        )),
    }
}

pub(super) async fn dial(args: DialArgs) -> Result<(), Failure> {
    let client = args.remote.client()?;
    let line = line_id(&client, &args.from).await?;
    let dry = if args.dry_run { "?dry_run=true" } else { "" };
    let answer = client.post(&format!("/lines/{line}/calls{dry}"), &json!({"to": args.to})).await?;
    if args.remote.json {
        output::json(&answer)?;
    } else if args.dry_run {
        output::line(&format!("would dial {}", text(&answer, "/dials")))?;
    } else {
        output::line(&format!("{} {}", text(&answer, "/id"), text(&answer, "/state")))?;
    }
    Ok(())
}

/// The id of the line that a person names by its number or id.
pub(super) async fn line_id(client: &Client, named: &str) -> Result<String, Failure> {
    find_line(client, named, None).await
}

pub(super) async fn healthcheck(remote: &Remote, ready: bool) -> Result<(), Failure> {
    let client = Client::new(&remote.url, "")?;
    let (status, body) = client.probe(if ready { "/readyz" } else { "/healthz" }).await?;
    if status == 200 {
        return Ok(());
    }
    Err(Failure::new(1, format!("The gateway is not well: {status} {body}")))
}

/// Percent-encodes a query value.
pub(super) fn escape(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_escaped() {
        assert_eq!(escape("+49 30"), "%2B49%2030");
    }
}
