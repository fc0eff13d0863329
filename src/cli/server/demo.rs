//! `linegate demo`: the simulated router with phones that call each other, and the gateway on it, in one process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use cme_twin::{System, Twin, TwinConfig};
use serde_json::{Value, json};

use super::super::{Failure, output};
use super::{end, read, start};
use crate::app::Running;
use crate::client::Client;
use crate::config::{Flags, Hidden};

/// Name of the demo's PBX.
const NAME: &str = "demo";
/// How long the lines may take to come up before the demo goes on without waiting for them.
const PATIENCE: Duration = Duration::from_secs(30);

/// `linegate demo`
pub(in crate::cli) async fn demo(flags: &Flags, phones: Option<u32>, quiet: bool) -> Result<(), Failure> {
    let mut settings = read(flags)?;
    if flags.data_dir.is_none() && std::env::var_os("LINEGATE_DATA_DIR").is_none() {
        // Its own folder: a demo never touches the data of a real gateway.
        let name = settings.data_dir.file_name().map_or_else(|| "linegate".into(), std::ffi::OsStr::to_os_string);
        let mut name = name;
        name.push("-demo");
        settings.data_dir.set_file_name(name);
    }
    if flags.log.is_none() && std::env::var_os("LINEGATE_LOG").is_none() {
        "warn".clone_into(&mut settings.log);
    }
    settings.pbxs.clear();
    let data_dir = settings.data_dir.clone();
    let system = phones.map_or_else(System::default, System::large);
    let (user, password) = (system.xml_user.clone(), system.xml_password.clone());
    let twin = Twin::start(TwinConfig {
        system,
        control: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        ..TwinConfig::default()
    })
    .await
    .map_err(|error| Failure::new(Failure::UNAVAILABLE, format!("The simulated router cannot start: {error}")))?;
    let running = start(settings).await?;
    let client = Client::new(&running.url(), running.admin_token.expose())?;
    let pbx = connect(&client, &twin, &user, &Hidden::new(password)).await?;
    introduce(&running, &twin, &data_dir)?;
    let lines = bring_up(&client, &pbx).await?;
    output::line("")?;
    output::table(&["NUMBER", "NAME", "STATUS", "MONITOR", "WHY NOT"], &lines)?;
    output::line("")?;
    output::line("Running. Stop with Ctrl-C.")?;
    let people = tokio::spawn(people(twin.clone(), quiet || phones.is_some()));
    let done = running.until(end()).await;
    people.abort();
    twin.stop().await;
    Ok(done?)
}

/// Makes the simulated router the PBX of the gateway, or points the PBX of an earlier demo to it.
async fn connect(client: &Client, twin: &Twin, user: &str, password: &Hidden) -> Result<String, Failure> {
    // A free port now: the router connects to it a moment later.
    let local_port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut body = json!({
        "name": NAME,
        "host": twin.sip_addr().ip().to_string(),
        "enabled": true,
        "sip": {"port": twin.sip_addr().port(), "local_address": "127.0.0.1", "local_port": local_port},
        "axl": {"port": twin.xml_addr().port(), "username": user, "password": password.expose()},
        "options": {"line_update_interval_s": 5},
    });
    let pbxs = client.get("/pbxs?limit=1000").await?;
    let known = pbxs["items"].as_array().into_iter().flatten().find(|pbx| pbx["name"] == NAME).cloned();
    let pbx = match known {
        None => client.post("/pbxs", &body).await?,
        Some(known) => {
            if let Some(object) = body.as_object_mut() {
                object.remove("name");
            }
            client.patch(&format!("/pbxs/{}", output::text(&known, "/id")), &body).await?
        }
    };
    Ok(output::text(&pbx, "/id").to_owned())
}

fn introduce(running: &Running, twin: &Twin, data_dir: &std::path::Path) -> Result<(), Failure> {
    let token = running.token_file.as_ref().map_or_else(
        || "export LINEGATE_TOKEN=… (the LINEGATE_ADMIN_TOKEN that you gave)".to_owned(),
        |file| format!("export LINEGATE_TOKEN=$(cat '{}')", file.display()),
    );
    let url = running.url();
    output::line("Linegate demo: a simulated CallManager Express with phones, and the gateway on it.")?;
    output::line("")?;
    output::line(&format!("  API and status page   {url}/"))?;
    output::line(&format!("  API browser           {url}/docs"))?;
    output::line(&format!("  data folder           {}", data_dir.display()))?;
    output::line(&format!("  simulated router      SIP {}, XML {}", twin.sip_addr(), twin.xml_addr()))?;
    if let Some(control) = twin.control_addr() {
        output::line(&format!("  be the phones' users  http://{control}/"))?;
    }
    output::line("")?;
    output::line("In a second terminal:")?;
    output::line(&format!("  export LINEGATE_URL={url}"))?;
    output::line(&format!("  {token}"))?;
    let program = std::env::args().next().unwrap_or_else(|| "linegate".to_owned());
    output::line(&format!("  {program} watch"))?;
    output::line("")?;
    if running.token_file.is_some() {
        output::line(&format!("The admin token is {}", running.admin_token.expose()))?;
    }
    Ok(())
}

/// Shows how the lines come up; gives them as rows.
async fn bring_up(client: &Client, pbx: &str) -> Result<Vec<Vec<String>>, Failure> {
    let began = tokio::time::Instant::now();
    let mut last = String::new();
    loop {
        let status = client.get(&format!("/pbxs/{pbx}/status")).await?;
        let count = |name: &str| status["lines"][name].as_u64().unwrap_or(0);
        let shown =
            format!("lines: {} loaded, {} monitored, {} not", count("total"), count("monitored"), count("failed"));
        if shown != last {
            output::progress(&shown);
            last = shown;
        }
        let is_settled = count("total") > 0 && count("monitored") + count("failed") >= count("total");
        if is_settled && status["axl"]["state"] == "up" || began.elapsed() > PATIENCE {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let page = client.get("/lines?limit=25").await?;
    let rows = page["items"].as_array().into_iter().flatten();
    Ok(rows
        .map(|line: &Value| {
            ["/number", "/name", "/status", "/monitor/state", "/monitor/reason"]
                .iter()
                .map(|pointer| output::text(line, pointer).to_owned())
                .collect()
        })
        .collect())
}

/// People at the phones: a mobility user logs in, then 208 and 205 talk now and then, and somebody calls from outside.
async fn people(twin: Twin, quiet: bool) {
    if quiet {
        return;
    }
    let pause = |seconds: u64| tokio::time::sleep(Duration::from_secs(seconds));
    pause(5).await;
    // The user of 205 comes to work. A refusal only means that the demo shows less.
    let _ = twin.login("eli", "3").await;
    pause(5).await;
    loop {
        if twin.dial("208", "205").await.is_ok() {
            pause(2).await;
            let _ = twin.answer("205").await;
            pause(4).await;
            let _ = twin.hold("208").await;
            pause(3).await;
            let _ = twin.retrieve("208").await;
            pause(3).await;
            let _ = twin.hang_up("205").await;
        }
        pause(5).await;
        if twin.call_in("0301234567", "208").await.is_ok() {
            pause(2).await;
            let _ = twin.answer("208").await;
            pause(5).await;
            let _ = twin.hang_up("208").await;
        }
        pause(8).await;
    }
}
