//! The steps that need a special line or a patient administrator: a shared number, mobility, quiet, the console, another
//! program.

use cme_twin::{Button, ButtonRing, Phone, System, TwinConfig};
use serde_json::{Value, json};

use super::person::Person;
use super::{command, found, printed, read, step};
use crate::kit::{House, Reader, patiently, text};

/// Runs steps at a line with a person; gives the report and what the person was asked for.
async fn probed(house: &House, person: Person, line: &str, more: &[&str]) -> (Value, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json").display().to_string();
    let acts = tokio::spawn(person.acts());
    let arguments = ["--pbx", "hq", "--line", line, "--partner", "202", "--patience", "20", "--report", &file];
    let output = command(house, &[&arguments[..], more].concat()).await;
    assert!(output.status.success(), "{}", printed(&output));
    let acts = patiently("the person goes home", acts).await.unwrap();
    (serde_json::from_str(&read(file.as_ref())).unwrap(), acts)
}

fn is_run(report: &Value, number: u64) {
    assert_eq!(step(report, number)["outcome"], "run", "{:#}", step(report, number));
}

async fn is_back(house: &mut House, number: &str) {
    house.until_line(number, "it is monitored again", |line| line["monitor"]["state"] == "active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_number_is_tested_in_both_modes() {
    let mut system = System::default();
    // Anna's number stands on Ida's phone too.
    system.phones.get_mut(&5).unwrap().buttons.push(Button { position: 3, dn: 1, ring: ButtonRing::Normal });
    let mut house = House::with(TwinConfig { system, ..TwinConfig::default() }, json!({})).await;
    let mut person = Person::at("201@1", &house);
    person.other = "201@5";
    let lines = house.lines().await;
    let is_hers = |line: &&Value| line["number"] == "201" && text(line, "/device_id").ends_with("0001");
    let line = text(lines.iter().find(is_hers).unwrap(), "/id").to_owned();
    let (report, acts) = probed(&house, person, &line, &["--steps", "12", "--disturb"]).await;
    is_run(&report, 12);
    assert_eq!(acts.iter().filter(|act| *act == "call_partner@other").count(), 3, "{acts:?}");
    assert_eq!(report["line"]["shared_with"], 1);
    found(&report, 12, "A call of the other phone is told here as the router is set, first with ");
    found(&report, 12, "A call of the other phone is told here in basic mode, first with ");
    found(&report, 12, "A call of the other phone is told here in advanced mode, first with ");
    found(&report, 12, "SnapshotDevice while the other phone uses the number, in basic mode: ");
    assert!(!house.twin.system().basic_mode, "the router is as before");
    is_back(&mut house, "201").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mobility_user_logs_out_and_in_and_moves() {
    let mut system = System::default();
    let host = Phone { mac: "00AA11BB0006".to_owned(), ..system.phones[&3].clone() };
    system.phones.insert(6, host);
    let mut house = House::with(TwinConfig { system, ..TwinConfig::default() }, json!({})).await;
    house.twin.login("eli", "3").await.unwrap();
    house.until_line("205", "is in service", |line| line["status"] == "in_service").await;
    is_back(&mut house, "205").await;
    let mut person = Person::at("205", &house);
    person.user = "eli";
    let (report, acts) = probed(&house, person, "205", &["--steps", "13"]).await;
    assert_eq!(acts, ["log_out@host", "log_in@host", "move@host"]);
    is_run(&report, 13);
    found(&report, 13, "“log_out” is told with OutOfService");
    found(&report, 13, "“log_in” is told with BackInService");
    found(&report, 13, "“move” is told with ");
    assert_eq!(report["line"]["is_mobile"], true);
    is_back(&mut house, "205").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_minutes_that_are_ended_early_are_said_to_be() {
    let mut house = House::open().await;
    let (report, acts) = probed(&house, Person::at("201", &house), "201", &["--steps", "14", "--long"]).await;
    assert_eq!(acts, ["wait@line", "call_line@partner"]);
    assert_eq!(step(&report, 14)["reasons"], json!(["The ten minutes were ended early."]));
    found(&report, 14, "The call is told at once.");
    is_back(&mut house, "201").await;
    house.settle_calls().await;
    house.close().await;
}

/// The router closes connections that nobody used for five minutes; this one is used.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "ten minutes long; its last run is dated in docs/field-test.md"]
async fn ten_quiet_minutes_and_then_a_call() {
    let mut house = House::open().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json").display().to_string();
    let mut person = Person::at("201", &house);
    person.is_patient = true;
    let acts = tokio::spawn(person.acts());
    let line = ["--pbx", "hq", "--line", "201", "--partner", "202", "--steps", "14", "--long", "--report", &file];
    let output = super::spawned(&house, &line).await;
    assert!(output.status.success(), "{}", printed(&output));
    assert_eq!(acts.await.unwrap(), ["wait@line", "call_line@partner"]);
    let report: Value = serde_json::from_str(&read(file.as_ref())).unwrap();
    is_run(&report, 14);
    found(&report, 14, "10 minutes were quiet.");
    found(&report, 14, "The call is told at once.");
    // The other stream was not read for ten minutes, and closed.
    house.stream = Reader::open(house.client()).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_does_is_tested_and_every_line_comes_back() {
    let mut house = House::open().await;
    let (report, acts) = probed(&house, Person::at("201", &house), "201", &["--steps", "15", "--disturb"]).await;
    assert_eq!(acts, ["clear_session@router", "cti_shutdown@router", "no_cti_shutdown@router", "reload@router"]);
    is_run(&report, 15);
    found(&report, 15, "With “clear_session” the PBX ends the session.");
    found(&report, 15, "After `clear cti session`: a new session stands, ");
    found(&report, 15, "With “cti_shutdown” the PBX ends the session.");
    found(&report, 15, "A new session under `cti shutdown`: refused with SIP ");
    found(&report, 15, "REGISTER under `cti shutdown` is not answered.");
    found(&report, 15, "After `no cti shutdown`: a new session stands, ");
    found(&report, 15, "The session of before the reload, asked for its status: ");
    found(&report, 15, "After the reload: a new session stands, ");
    for number in ["201", "202", "205", "208"] {
        is_back(&mut house, number).await;
    }
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_program_at_the_same_router_is_tested() {
    let mut house = House::open().await;
    let (report, acts) = probed(&house, Person::at("201", &house), "201", &["--steps", "16", "--disturb"]).await;
    assert_eq!(acts, ["start_program@other", "stop_program@other"]);
    is_run(&report, 16);
    found(&report, 16, "A second session while the first stands: accepted");
    found(&report, 16, "The session of the test stands beside the other program.");
    found(&report, 16, "Asked for the calls of the line: ");
    found(&report, 16, "REGISTER beside the other program is answered");
    for number in ["201", "202", "205", "208"] {
        is_back(&mut house, number).await;
    }
    house.close().await;
}
