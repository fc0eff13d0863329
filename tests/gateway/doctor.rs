//! The doctor names the step that failed, with the router's own words and the call that mends it.

use std::process::{Command, Output};

use cme_twin::TwinConfig;
use serde_json::{Value, json};

use crate::kit::{Gateway, House, text};

impl House {
    pub(crate) async fn doctor(&self, body: Value) -> Value {
        self.client().post(&format!("/pbxs/{}/doctor", self.pbx), &body).await.unwrap()
    }
}

/// A check of the PBX, or of the only line in the report.
pub(crate) fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let of = |value: &'a Value| value["checks"].as_array().unwrap().iter();
    let mut all = of(report).chain(report["lines"].as_array().unwrap().iter().flat_map(of));
    all.find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name}: {report:#}"))
}

fn states(checks: &Value) -> Vec<(&str, &str)> {
    checks.as_array().unwrap().iter().map(|check| (text(check, "/check"), text(check, "/state"))).collect()
}

/// Does what the check offers.
pub(crate) async fn mend(house: &House, check: &Value) -> Value {
    assert_eq!(text(check, "/fix/method"), "POST", "{check:#}");
    let path = text(check, "/fix/path").strip_prefix("/api/v1").unwrap();
    house.client().post(path, &check["fix"]["body"]).await.unwrap()
}

/// The program against a running gateway.
fn linegate(gateway: &Gateway, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
    command.args(args).env("LINEGATE_URL", gateway.client.address()).env("LINEGATE_TOKEN", crate::kit::TOKEN);
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_fails_is_explained_and_mended() {
    let house = House::open().await;
    let line = house.line_id("207").await;
    let report = house.doctor(json!({"line": line})).await;
    assert_eq!(report["healthy"], false);
    let pbx = ["dns", "sip_connection", "xml_api", "release", "registration", "session_server"];
    assert!(states(&report["checks"])[..6].iter().copied().eq(pbx.map(|name| (name, "ok"))), "{report:#}");
    assert_eq!(
        states(&report["lines"][0]["checks"]),
        [
            ("xml_record", "ok"),
            ("cti_flags", "failed"),
            ("phone", "warning"),
            ("session", "failed"),
            ("monitor", "skipped")
        ]
    );
    let session = check(&report, "session");
    assert!(text(session, "/router_message").starts_with("480 "), "{session:#}");
    mend(&house, check(&report, "cti_flags")).await;
    let report = house.doctor(json!({"line": line})).await;
    assert_eq!((&report["healthy"], text(check(&report, "monitor"), "/state")), (&json!(true), "ok"), "{report:#}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_session_server_id_is_found_and_mended() {
    let house = House::unsettled(TwinConfig::default(), json!({"sip": {"session_server_id": "ss_other"}})).await;
    let mut house = house;
    house.until_pbx("the registration is refused", |status| status["sip"]["state"] == "refused").await;
    house.until_pbx("the lines are loaded", |status| status["axl"]["state"] == "up").await;
    let report = house.doctor(json!({})).await;
    let registration = check(&report, "registration").clone();
    assert_eq!(text(&registration, "/state"), "failed", "{report:#}");
    assert!(text(&registration, "/detail").contains("ss_other") && text(&registration, "/detail").contains("404"));
    let applied = mend(&house, &registration).await;
    assert_eq!(applied["results"][0]["outcome"], "applied", "{applied:#}");
    house.until_pbx("it is registered", |status| status["sip"]["state"] == "registered").await;
    let report = house.doctor(json!({})).await;
    assert_eq!(text(check(&report, "registration"), "/state"), "ok", "{report:#}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cti_that_is_shut_down_is_said_in_the_routers_words() {
    let mut config = TwinConfig::default();
    config.system.cti_shutdown = true;
    let mut house = House::unsettled(config, json!({})).await;
    house
        .until_pbx("every line failed", |status| {
            status["lines"]["failed"] == status["lines"]["total"] && status["lines"]["total"] != 0
        })
        .await;
    let line = house.line_id("201").await;
    let report = house.doctor(json!({"line": line})).await;
    let session = check(&report, "session").clone();
    assert_eq!(text(&session, "/state"), "failed", "{report:#}");
    assert!(text(&session, "/router_message").starts_with("503 "), "{session:#}");
    assert!(text(&session, "/hint").contains("no cti shutdown"), "{session:#}");
    let applied = mend(&house, &session).await;
    assert_eq!(applied["results"][0]["outcome"], "applied", "{applied:#}");
    house.until_line("201", "is monitored", |line| line["monitor"]["state"] == "active").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_is_gone_has_no_line_that_is_fine() {
    let mut house = House::open().await;
    let line = house.line_id("201").await;
    let known = house.doctor(json!({"line": line})).await;
    assert_eq!((text(check(&known, "session"), "/state"), text(check(&known, "phone"), "/state")), ("ok", "ok"));
    house.twin.stop().await;
    house.until_pbx("it is down", |status| status["state"] == "down").await;
    let report = house.doctor(json!({"line": line})).await;
    let state = |name: &str| text(check(&report, name), "/state").to_owned();
    assert_eq!(
        (state("dns"), state("sip_connection"), state("xml_api")),
        ("ok".into(), "failed".into(), "failed".into())
    );
    assert_eq!((state("registration"), state("session_server")), ("skipped".into(), "unknown".into()), "{report:#}");
    let mut of_line = vec![("xml_record", "unknown")];
    for _button in 0..2 {
        of_line.extend([("cti_flags", "unknown"), ("phone", "unknown"), ("session", "failed"), ("monitor", "skipped")]);
    }
    assert_eq!(states(&report["lines"][0]["checks"]), of_line, "{report:#}");
    assert_eq!((&report["healthy"], &report["lines"][0]["healthy"]), (&json!(false), &json!(false)));
    // Nor is a line left out of the report as one that works.
    let all = house.doctor(json!({})).await;
    assert_eq!((&all["monitored"], all["lines"].as_array().map(Vec::len)), (&json!(0), Some(5)), "{all:#}");
    let printed = linegate(&house.gateway, &["doctor", "--line", "201"]);
    let shown = String::from_utf8(printed.stdout).unwrap();
    assert_eq!(printed.status.code(), Some(1), "{shown}");
    assert!(shown.contains("FAILED   sip_connection") && shown.contains("FAILED   session"), "{shown}");
    assert!(!shown.contains("are seen"), "{shown}");
    house.gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_ends_the_round_at_its_name() {
    let house = House::open().await;
    let mut body = crate::kit::pbx_on(&house.twin, "nowhere");
    crate::kit::merge(&mut body, json!({"host": "no-such-host.invalid"}));
    let id = house.gateway.create(&body).await;
    let report = house.client().post(&format!("/pbxs/{id}/doctor"), &json!({})).await.unwrap();
    assert_eq!(
        states(&report["checks"])[..3],
        [("dns", "failed"), ("sip_connection", "skipped"), ("xml_api", "skipped")],
        "{report:#}"
    );
    assert!(text(&report, "/checks/0/detail").contains("no-such-host.invalid"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_prints_a_report_a_person_can_read() {
    let house = House::open().await;
    let sick = linegate(&house.gateway, &["doctor", "--line", "207"]);
    let report = String::from_utf8(sick.stdout).unwrap();
    assert_eq!(sick.status.code(), Some(1), "{report}");
    for part in
        ["Router hq", "Line 207 Gus Hart", "FAILED   cti_flags", "the router says: 480", "fix: POST /api/v1/pbxs/"]
    {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(report.contains("The first step that failed: cti_flags."), "{report}");
    // The same program shows the plan, applies it and takes it back.
    let plan = linegate(&house.gateway, &["pbx", "csta-config", "hq"]);
    let plan = String::from_utf8(plan.stdout).unwrap();
    assert!(plan.contains("\nephone-dn 7\ncti notify\n") && plan.contains("! Impact: "), "{plan}");
    assert!(plan.contains("level 15"), "{plan}");
    let asked = linegate(&house.gateway, &["pbx", "csta-config", "hq", "--apply"]);
    assert_eq!(asked.status.code(), Some(64), "nobody agreed");
    assert!(!house.twin.system().notified(7));
    let applied = linegate(
        &house.gateway,
        &["pbx", "csta-config", "hq", "--apply", "--line", "207", "--block", "ephone_dn", "--yes"],
    );
    let applied = String::from_utf8(applied.stdout).unwrap();
    assert!(applied.contains("applied    ephone-dn 7 (207)") && applied.contains("verified: yes"), "{applied}");
    let well = linegate(&house.gateway, &["doctor", "--line", "207"]);
    assert_eq!(well.status.code(), Some(0), "{}", String::from_utf8_lossy(&well.stdout));
    let undone = linegate(&house.gateway, &["pbx", "csta-config", "hq", "--undo", "--yes"]);
    assert!(undone.status.success());
    assert!(!house.twin.system().notified(7));
    let journal = linegate(&house.gateway, &["pbx", "csta-config", "hq", "--journal"]);
    let journal = String::from_utf8(journal.stdout).unwrap();
    assert!(journal.contains("apply by admin") && journal.contains("taken back"), "{journal}");
    house.close_beside_lost_sessions().await;
}
