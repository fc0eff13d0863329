//! The field test against the twin, with somebody at its phones, and the copy of a site.

mod person;
mod places;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cme_twin::{Answer, Faults, System, Twin, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, patiently, refused, text};
use person::Person;

/// `linegate probe …` as a process; nothing can be typed.
async fn command(house: &House, args: &[&str]) -> Output {
    patiently("the field test ends", spawned(house, args)).await
}

async fn spawned(house: &House, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
    command
        .arg("probe")
        .args(args)
        .env("LINEGATE_URL", house.gateway.url())
        .env("LINEGATE_TOKEN", house.gateway.token());
    command.stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn step(report: &Value, number: u64) -> &Value {
    report["steps"].as_array().unwrap().iter().find(|step| step["number"] == number).unwrap()
}

fn found(report: &Value, number: u64, finding: &str) {
    let step = step(report, number);
    let findings = step["findings"].as_array().unwrap();
    assert!(findings.iter().any(|one| one.as_str().unwrap().contains(finding)), "{finding} not in {step:#}");
}

fn refusing(times: u32) -> Faults {
    let answer = Answer { status: 404, times, retry_after: 0 };
    Faults { answers: BTreeMap::from([("INVITE".to_owned(), answer)]), ..Faults::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_run_with_somebody_at_the_phones() {
    let mut house = House::open().await;
    let others = |twin: &Twin| -> Vec<String> {
        let sessions = twin.truth().sessions.into_iter();
        sessions.filter(|one| !one.user.contains("00AA11BB0001")).map(|one| one.call_id).collect()
    };
    let before = others(&house.twin);
    // The first identity is refused once: the test finds out that another one works.
    house.twin.set_faults(refusing(1));
    let folder = tempfile::tempdir().unwrap();
    let (json_file, page_file) = (folder.path().join("report.json"), folder.path().join("report.md"));
    let acts = tokio::spawn(Person::at("201", &house).acts());
    tokio::spawn(person::answers_outside(house.twin.clone()));
    let arguments = [
        "--pbx",
        "hq",
        "--line",
        "201",
        "--partner",
        "202",
        "--third",
        "208",
        "--invalid",
        "298",
        "--outside",
        "00301234567",
        "--yes",
        "--patience",
        "20",
    ];
    let report = json_file.display().to_string();
    let output = command(&house, &[&arguments[..], &["--report", &report]].concat()).await;
    let acts = patiently("the person goes home", acts).await.unwrap();
    let shown = printed(&output);
    assert!(output.status.success(), "{shown}");
    for wanted in
        ["call_line@partner", "answer@line", "hold@line", "answer@third", "dnd_on@line", "unplug@line", "plug_in@line"]
    {
        assert!(acts.iter().any(|act| act == wanted), "{wanted} not in {acts:?}\n{shown}");
    }
    let report: Value = serde_json::from_str(&read(&json_file)).unwrap();
    assert_eq!(report["state"], "done", "{shown}");
    for number in [1, 2, 3, 4, 5, 7, 9, 10, 11] {
        assert_eq!(step(&report, number)["outcome"], "run", "{:#}\n{shown}", step(&report, number));
    }
    // What was not run says why.
    for number in [12, 13, 14, 15] {
        assert_eq!(step(&report, number)["outcome"], "not_run");
        assert!(text(&step(&report, number)["reasons"], "/0").len() > 20);
    }
    found(&report, 1, "with a reference id");
    found(&report, 2, "From user {number}_{mac}: refused with SIP 404");
    found(&report, 2, "From user {number}: accepted");
    found(&report, 3, "It names the services");
    found(&report, 4, "MonitorStart of tel:{number};device={mac}: yes");
    found(&report, 5, "Delivered tells the caller: told, the called number: told");
    found(&report, 5, "SnapshotDevice while held");
    found(&report, 6, "For the busy phone there is");
    found(&report, 6, "For the wrong number there is Failed");
    found(&report, 6, "MakeCall to an outside number: yes");
    found(&report, 6, "SnapshotDevice while calling outside: connected");
    found(&report, 7, "DialDigits at dial tone: yes");
    found(&report, 8, "A ringing call cannot be rejected");
    found(&report, 8, "DeflectCall: yes");
    found(&report, 8, "SingleStepTransferCall: yes");
    found(&report, 8, "TransferCall: yes");
    found(&report, 8, "ConferenceCall: yes");
    found(&report, 9, "Do not disturb at the phone is told as an event");
    found(&report, 11, "OutOfService");
    found(&report, 16, "A second session while the first stands: accepted");
    // Stored with consent, and used by the next session.
    assert_eq!(report["learned"], json!({"invite.from_user": "{number}"}));
    assert_eq!(report["is_stored"], true);
    house.until_pbx("it is learned", |status| status["learned"] == report["learned"]).await;
    house.until_line("201", "it is monitored again", |line| line["monitor"]["state"] == "active").await;
    house.twin.clear_session("201");
    house.until_line("201", "its session is closed", |line| line["monitor"]["state"] != "active").await;
    house.until_line("201", "it is opened again", |line| line["monitor"]["state"] == "active").await;
    let users: Vec<String> = house.twin.truth().sessions.into_iter().map(|session| session.user).collect();
    assert!(users.contains(&"201".to_owned()), "{users:?}");
    // The others never noticed, and everything is as it was.
    assert_eq!(others(&house.twin).into_iter().filter(|id| before.contains(id)).count(), before.len());
    let line = house.line("201").await;
    assert_eq!((&line["do_not_disturb"], &line["forwarding"]["unconditional"]), (&json!(false), &Value::Null));
    // Raw messages, and nobody in them.
    let messages = step(&report, 5)["messages"].as_array().unwrap().len();
    assert!(messages > 10, "{messages} messages");
    let whole = read(&json_file);
    assert!(whole.contains("<DeliveredEvent") && whole.contains("{gcid}"), "the messages are raw");
    for secret in
        ["00AA11BB", "Anna", "Berg", "Ben Cole", "tel:201", "sip:201", "202@", "127.0.0.1", "lab-pass", "ctigw"]
    {
        assert!(!whole.contains(secret), "{secret} is in the report");
    }
    // The same as a page.
    let page = page_file.display().to_string();
    let again = command(&house, &["--pbx", "hq", "--line", "201", "--steps", "3,4", "--report", &page]).await;
    assert!(again.status.success(), "{}", printed(&again));
    assert!(read(&page_file).contains("## 3. what the PBX says it can do (run)"));
    house.until_line("201", "it is monitored again", |line| line["monitor"]["state"] == "active").await;
    // The third identity names no line: that is what is tried.
    house.close_despite(&["session.from"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_can_be_stopped_and_takes_no_line_that_is_in_use() {
    let mut house = House::open().await;
    let path = format!("/pbxs/{}/probe", house.pbx);
    let line = house.line_id("201").await;
    let wish = json!({"line_id": line, "steps": [5], "patience_s": 60});
    let client = house.client().clone();
    assert_eq!(refused(client.get(&path).await).0, 404);
    // In use.
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("201", "ringback").await;
    assert_eq!(text(&refused(client.post(&path, &wish).await).1, "/code"), "not_allowed_now");
    house.twin.hang_up("201").await.unwrap();
    house.until_line("201", "it is idle", |line| line["active_calls"] == 0).await;
    // It has the line.
    client.post(&path, &wish).await.unwrap();
    house.until_line("201", "it is given away", |line| line["monitor"]["code"] == "probe").await;
    assert_eq!(refused(client.post(&path, &wish).await).0, 409);
    assert_eq!(refused(client.get(&format!("{path}/report")).await).0, 409);
    let dialled = client.post(&format!("/lines/{line}/calls"), &json!({"to": "202"})).await;
    assert_eq!(text(&refused(dialled).1, "/code"), "not_allowed_now");
    // And gives it back.
    client.delete(&path).await.unwrap();
    house.until_line("201", "it is monitored again", |line| line["monitor"]["state"] == "active").await;
    let report = client.get(&format!("{path}/report")).await.unwrap();
    assert_eq!(report["state"], "stopped");
    assert_eq!(step(&report, 6)["outcome"], "not_run");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_site_has_its_shape_and_nobody_in_it() {
    let house = House::open().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.json");
    let output = command(&house, &["--pbx", "hq", "--export-twin", &file.display().to_string()]).await;
    assert!(output.status.success(), "{}", printed(&output));
    let content = read(&file);
    for secret in ["00AA11BB", "Anna", "Eli", "eli", "anna", "not-for-logs", "4711", "lab-pass", "lab-cme"] {
        assert!(!content.contains(secret), "{secret} is in the copy");
    }
    let mut system: System = serde_json::from_str(&content).unwrap();
    let original = house.twin.system();
    for (tag, dn) in &system.dns {
        assert_ne!(dn.number, original.dns[tag].number, "dn {tag} kept its number");
    }
    (system.xml_user, system.xml_password) = (original.xml_user.clone(), original.xml_password.clone());
    let copy = House::with(TwinConfig { system, ..TwinConfig::default() }, json!({})).await;
    let shape = |lines: Vec<Value>| {
        let mut lines: Vec<Value> = lines
            .into_iter()
            .map(|line| {
                let addresses = line["addresses"].as_array().unwrap();
                let monitors: Vec<_> =
                    addresses.iter().map(|one| json!([one["monitor"]["state"], one["monitor"]["code"]])).collect();
                json!([text(&line, "/number").len(), line["kind"], line["status"], monitors])
            })
            .collect();
        lines.sort_by_key(Value::to_string);
        lines
    };
    assert_eq!(shape(copy.lines().await), shape(house.lines().await));
    // Who shares a number shares one in the copy.
    let shared = |twin: &Twin| -> usize {
        let phones = twin.truth().phones;
        phones
            .iter()
            .flat_map(|phone| &phone.numbers)
            .filter(|number| phones.iter().filter(|phone| phone.numbers.contains(number)).count() > 1)
            .count()
    };
    assert_eq!(shared(&copy.twin), shared(&house.twin));
    copy.close().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_loses_its_link_ends() {
    let mut house = House::open().await;
    let path = format!("/pbxs/{}/probe", house.pbx);
    let line = house.line_id("201").await;
    house.client().post(&path, &json!({"line_id": line, "steps": [5], "patience_s": 60})).await.unwrap();
    // Another port of our own: everything that hangs on the connection begins anew.
    let moved = json!({"sip": {"local_port": crate::kit::free_port()}});
    house.client().patch(&format!("/pbxs/{}", house.pbx), &moved).await.unwrap();
    let view = house.client().get(&format!("{path}?after=1000&wait_s=0")).await.unwrap();
    let mut version = view["version"].as_u64().unwrap();
    let mut state = view["state"].clone();
    while state == "running" {
        let view = house.client().get(&format!("{path}?after={version}&wait_s=20")).await.unwrap();
        (version, state) = (view["version"].as_u64().unwrap(), view["state"].clone());
    }
    assert_eq!(state, "stopped");
    house.until_line("201", "it is monitored again", |line| line["monitor"]["state"] == "active").await;
    // A session that was being opened just then is unknown to the gateway.
    house.close_beside_lost_sessions().await;
}
