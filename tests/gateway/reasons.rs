//! Each reason why a line cannot be controlled: one sentence and a hint at the line, the failed step in the doctor's report, and what mends it.

use std::collections::BTreeMap;

use cme_twin::{Answer, Button, ButtonRing, Dialect, Dn, Faults, TwinConfig, XmlKnobs};
use serde_json::{Value, json};

use crate::assistant::bare;
use crate::doctor::{check, mend};
use crate::kit::{Gateway, House, Reader, free_port, merge, pbx_on, text};

/// Waits until the line fails for this reason; the words, and the doctor's check of the line say the same.
async fn explained(house: &mut House, number: &str, code: &str, sentence: &str, hint: &str) -> (Value, Value) {
    let line = house.until_line(number, code, |line| line["monitor"]["code"] == code).await;
    let monitor = &line["monitor"];
    assert_eq!(text(monitor, "/state"), "failed", "{line:#}");
    assert!(text(monitor, "/reason").contains(sentence), "{monitor:#}");
    assert!(text(monitor, "/hint").contains(hint), "{monitor:#}");
    let report = house.doctor(json!({"line": line["id"]})).await;
    assert_eq!(report["healthy"], false);
    let checks = report["lines"][0]["checks"].as_array().unwrap();
    let told = checks.iter().any(|check| check["state"] == "failed" && text(check, "/detail").contains(sentence));
    assert!(told, "{report:#}");
    (line, report)
}

/// The call that the line itself offers.
async fn fixed(house: &mut House, line: &Value) {
    mend(house, &line["monitor"]).await;
    is_monitored(house, text(line, "/number")).await;
}

async fn is_monitored(house: &mut House, number: &str) {
    house.until_line(number, "is monitored", |line| line["monitor"]["state"] == "active").await;
    let line = house.line_id(number).await;
    let report = house.doctor(json!({"line": line})).await;
    assert_eq!(text(check(&report, "monitor"), "/state"), "ok", "{report:#}");
}

/// Tries the line again, as a person does after mending something at the router.
async fn again(house: &House, number: &str) {
    let line = house.line_id(number).await;
    house.client().post(&format!("/lines/{line}/refresh"), &json!({})).await.unwrap();
}

async fn enter(house: &House, number: &str, device_id: Option<&str>) {
    let mut body = json!({"pbx_id": house.pbx, "number": number, "name": "By hand"});
    if let Some(device_id) = device_id {
        body["device_id"] = json!(device_id);
    }
    house.client().post("/lines", &body).await.unwrap();
}

fn refusing(method: &str, status: u16) -> Faults {
    let answer = Answer { status, times: 0, retry_after: 0 };
    Faults { answers: BTreeMap::from([(method.to_owned(), answer)]), ..Faults::default() }
}

fn failing(service: &str, error: &str) -> Faults {
    Faults { errors: BTreeMap::from([(service.to_owned(), error.to_owned())]), ..Faults::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cti_watch() {
    let mut config = TwinConfig::default();
    config.system.dns.get_mut(&1).unwrap().watch = Some(false);
    let mut house = House::with(config, json!({})).await;
    let (line, report) = explained(&mut house, "201", "no_cti_watch", "no `cti watch`", "the assistant").await;
    assert_eq!(text(check(&report, "cti_flags"), "/state"), "failed");
    fixed(&mut house, &line).await;
    assert!(house.twin.system().watched(1));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cti_notify() {
    let mut house = House::open().await;
    let (line, _) = explained(&mut house, "207", "no_cti_notify", "no `cti notify`", "Connect the phone").await;
    fixed(&mut house, &line).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn not_registered() {
    // The guide of 2008 shows no flags: only that the phone is away is known.
    let xml_knobs = XmlKnobs { dialect: Dialect::Y2008, ..XmlKnobs::default() };
    let config = TwinConfig { xml_knobs, ..TwinConfig::default() };
    let mut house = House::with(config, json!({})).await;
    let (line, report) = explained(&mut house, "207", "not_registered", "registered", "Connect the phone").await;
    assert_eq!(text(check(&report, "phone"), "/state"), "warning");
    assert_eq!(text(check(&report, "cti_flags"), "/state"), "unknown");
    fixed(&mut house, &line).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_session() {
    let config = TwinConfig { faults: refusing("INVITE", 403), ..TwinConfig::default() };
    let mut house = House::unsettled(config, json!({})).await;
    let words = "refuses the session of this line (403";
    let (line, report) = explained(&mut house, "201", "session_refused", words, "`register-id`").await;
    assert!(text(check(&report, "session"), "/router_message").starts_with("403 "), "{report:#}");
    // All lines are refused: what they have in common is what the assistant sets up.
    assert_eq!(line["monitor"]["fix"]["body"]["blocks"][0], "voice_service_voip");
    house.twin.set_faults(Faults::default());
    fixed(&mut house, &line).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_session_server_id() {
    let config = TwinConfig { faults: refusing("INVITE", 403), ..TwinConfig::default() };
    let mut house = House::unsettled(config, json!({"sip": {"session_server_id": "ss_other"}})).await;
    let words = "no session server with our register-id";
    let (line, report) = explained(&mut house, "201", "session_server_unknown", words, "`register-id`").await;
    let registration = check(&report, "registration");
    assert!(text(registration, "/detail").contains("ss_other"), "{registration:#}");
    house.twin.set_faults(Faults::default());
    fixed(&mut house, &line).await;
    assert!(house.twin.system().session_servers.values().any(|server| server.register_id == "ss_other"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sip_phone() {
    let mut house = House::open().await;
    enter(&house, "310", Some("00AA.11BB.9999")).await;
    let (line, report) =
        explained(&mut house, "310", "sip_phone", "no SCCP phone with this device id (404", "SIP phones").await;
    assert_eq!(line["monitor"]["fix"], Value::Null);
    assert_eq!(text(check(&report, "xml_record"), "/state"), "failed");
    // Mended by a person: it was the MAC of another phone.
    let path = format!("/lines/{}", text(&line, "/id"));
    house.client().delete(&path).await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_number() {
    let mut house = House::open().await;
    enter(&house, "311", None).await;
    let (line, _) =
        explained(&mut house, "311", "unknown_number", "does not know this number (404", "load the lines").await;
    assert!(text(&line, "/monitor/fix/path").ends_with("/load-lines"));
    // Somebody adds it at the router; the call reads it.
    let dn = Dn { number: "311".to_owned(), channels: 2, watch: Some(true), notify: Some(true), ..Dn::default() };
    house.twin.configure(|system| drop(system.dns.insert(9, dn)));
    mend(&house, &line["monitor"]).await;
    again(&house, "311").await;
    is_monitored(&mut house, "311").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_on_overlay_buttons_only() {
    let mut config = TwinConfig::default();
    let overlay = Dn { number: "206".to_owned(), channels: 2, ..Dn::default() };
    config.system.dns.insert(9, overlay);
    let button = |position| Button { position, dn: 9, ring: ButtonRing::Overlay };
    config.system.phones.get_mut(&2).unwrap().buttons.push(button(3));
    let mut house = House::with(config, json!({})).await;
    // It is no line by itself.
    assert!(house.lines().await.iter().all(|line| line["number"] != "206"));
    enter(&house, "206", Some("00AA11BB0002")).await;
    let (line, report) =
        explained(&mut house, "206", "overlay", "stands only on overlay buttons", "a button of its own").await;
    assert_eq!(line["monitor"]["fix"], Value::Null);
    assert!(text(check(&report, "xml_record"), "/detail").contains("overlay"), "{report:#}");
    // With a button of its own the router gives it, and what was entered by hand is not needed any more.
    house.twin.configure(|system| {
        system.dns.get_mut(&9).unwrap().watch = Some(true);
        let phone = system.phones.get_mut(&2).unwrap();
        phone.buttons.iter_mut().filter(|button| button.dn == 9).for_each(|button| button.ring = ButtonRing::Normal);
    });
    house.client().delete(&format!("/lines/{}", text(&line, "/id"))).await.unwrap();
    house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    let is_there = |address: &Value| address["number"] == "206" && address["monitor"]["state"] == "active";
    house.until_line("202", "has it", |line| line["addresses"].as_array().unwrap().iter().any(is_there)).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monitor_limit() {
    let faults = failing("MonitorStart", "systemResourceAvailibility/overallMonitorLimitExceeded");
    let mut house = House::unsettled(TwinConfig { faults, ..TwinConfig::default() }, json!({})).await;
    let (_, report) = explained(&mut house, "201", "monitor_limit", "as many lines as it can", "Disable lines").await;
    let monitor = check(&report, "monitor");
    assert_eq!(text(check(&report, "session"), "/state"), "ok");
    assert!(text(monitor, "/router_message").contains("overallMonitorLimitExceeded"), "{monitor:#}");
    house.twin.set_faults(Faults::default());
    again(&house, "201").await;
    is_monitored(&mut house, "201").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_monitor() {
    let faults = failing("MonitorStart", "operation/generic");
    let mut house = House::unsettled(TwinConfig { faults, ..TwinConfig::default() }, json!({})).await;
    let words = "refuses to monitor this line (operation/generic)";
    let (_, report) = explained(&mut house, "201", "monitor_refused", words, "`cti watch`").await;
    assert_eq!(text(check(&report, "session"), "/state"), "ok");
    house.twin.set_faults(Faults::default());
    again(&house, "201").await;
    is_monitored(&mut house, "201").await;
    house.close_despite(&["csta.device"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_program_with_the_session_of_the_line() {
    let config = TwinConfig { faults: refusing("INVITE", 486), ..TwinConfig::default() };
    let mut house = House::unsettled(config, json!({})).await;
    explained(&mut house, "201", "in_use_elsewhere", "Another program", "Stop the other program").await;
    house.twin.set_faults(Faults::default());
    again(&house, "201").await;
    is_monitored(&mut house, "201").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials() {
    let patch = json!({"axl": {"password": "not-it"}});
    let mut house = House::unsettled(TwinConfig::default(), patch).await;
    house.until_pbx("the credentials are rejected", |status| status["axl"]["state"] == "refused").await;
    house.until_pbx("the credentials are rejected", |status| status["sip"]["state"] == "refused").await;
    let report = house.doctor(json!({})).await;
    let xml = check(&report, "xml_api");
    assert_eq!(text(xml, "/state"), "failed", "{report:#}");
    assert!(text(xml, "/detail").contains("user and password") && text(xml, "/hint").contains("`xml user`"), "{xml:#}");
    let registration = check(&report, "registration");
    assert!(text(registration, "/detail").contains("rejects the user name or password"), "{registration:#}");
    assert!(!report.to_string().contains("not-it"));
    // A line by hand has the same reason.
    enter(&house, "201", Some("00AA11BB0001")).await;
    let right = house.twin.system().xml_password;
    house.client().patch(&format!("/pbxs/{}", house.pbx), &json!({"axl": {"password": right}})).await.unwrap();
    house.until_settled().await;
    is_monitored(&mut house, "201").await;
    house.close_despite(&["digest.response"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cme_12_6() {
    let mut config = bare();
    "12.6".clone_into(&mut config.system.version);
    config.xml_knobs.cti_commands = false;
    let mut house = House::unsettled(config, json!({})).await;
    let (line, report) = explained(&mut house, "201", "cti_removed", "removed it in 12.6", "CME 8.0 to 12.5").await;
    assert_eq!(line["monitor"]["fix"], Value::Null);
    let release = check(&report, "release");
    assert_eq!(text(release, "/state"), "failed", "{report:#}");
    assert!(text(release, "/detail").contains("12.6") && text(release, "/hint").contains("8.0 to 12.5"), "{release:#}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_does_not_answer() {
    let house = House::open().await;
    let mut body = pbx_on(&house.twin, "elsewhere");
    merge(&mut body, json!({"sip": {"port": free_port()}}));
    let id = house.gateway.create(&body).await;
    let report = house.client().post(&format!("/pbxs/{id}/doctor"), &json!({})).await.unwrap();
    let tcp = check(&report, "sip_connection");
    assert_eq!(text(tcp, "/state"), "failed", "{report:#}");
    assert!(text(tcp, "/hint").contains("registrar server"), "{tcp:#}");
    house
        .client()
        .patch(
            &format!("/pbxs/{id}"),
            &json!({"sip": {"port": house.twin.sip_addr().port(), "session_server_id": "ss_two"}}),
        )
        .await
        .unwrap();
    let report = house.client().post(&format!("/pbxs/{id}/doctor"), &json!({})).await.unwrap();
    assert_eq!(text(check(&report, "sip_connection"), "/state"), "ok", "{report:#}");
    house.client().delete(&format!("/pbxs/{id}")).await.unwrap();
    house.twin.until_sessions(6).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_server_that_another_driver_uses() {
    let mut config = TwinConfig::default();
    config.behaviour.lists_other_contacts = true;
    let house = House::with(config, json!({})).await;
    let id =
        text(&house.client().get(&format!("/pbxs/{}", house.pbx)).await.unwrap(), "/sip/session_server_id").to_owned();
    // Another driver with the same id, at the same router.
    let other = Gateway::open().await;
    let mut stream = Reader::open(&other.client).await;
    let pbx = other.create(&pbx_on(&house.twin, "hq")).await;
    let diagnosis = async || other.client.post(&format!("/pbxs/{pbx}/doctor"), &json!({})).await.unwrap();
    let report = loop {
        let report = diagnosis().await;
        if text(check(&report, "registration"), "/state") == "ok" {
            break report;
        }
        stream.any("it is registered").await;
    };
    let found = check(&report, "session_server");
    assert_eq!(text(found, "/state"), "failed", "{report:#}");
    assert!(text(found, "/detail").contains(&format!("“{id}”")), "{found:#}");
    assert!(text(found, "/hint").contains("sip.session_server_id"), "{found:#}");
    // One of its own, which the assistant makes at the router.
    other.client.patch(&format!("/pbxs/{pbx}"), &json!({"sip": {"session_server_id": "ss_ours"}})).await.unwrap();
    let body = json!({"blocks": ["session_server"], "save": false});
    other.client.post(&format!("/pbxs/{pbx}/csta-config/apply"), &body).await.unwrap();
    let report = loop {
        let report = diagnosis().await;
        if text(check(&report, "registration"), "/state") == "ok" {
            break report;
        }
        stream.any("it is registered").await;
    };
    assert_eq!(text(check(&report, "session_server"), "/state"), "ok", "{report:#}");
    other.stop().await;
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_from_the_router_to_us() {
    let mut house = House::open().await;
    let inbound = |report: &Value| text(check(report, "inbound"), "/state").to_owned();
    let report = house.doctor(json!({})).await;
    assert_eq!(inbound(&report), "unknown", "{report:#}");
    assert!(text(check(&report, "inbound"), "/hint").contains("sip.local_port"));
    // Our connection is lost; the router has something to tell and opens its own.
    house.twin.kill_connections().await;
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("202", "offering").await;
    let report = house.doctor(json!({})).await;
    assert_eq!(inbound(&report), "ok", "{report:#}");
    // Where somebody else holds our port nobody can.
    let held = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = held.local_addr().unwrap().port();
    let path = format!("/pbxs/{}", house.pbx);
    house.client().patch(&path, &json!({"sip": {"local_port": port}})).await.unwrap();
    let report = house.doctor(json!({})).await;
    let found = check(&report, "inbound");
    assert_eq!(text(found, "/state"), "failed", "{report:#}");
    assert!(text(found, "/hint").contains("another sip.local_port"), "{found:#}");
    house.client().patch(&path, &json!({"sip": {"local_port": free_port()}})).await.unwrap();
    house.until_settled().await;
    house.twin.hang_up("201").await.unwrap();
    house.close().await;
}
