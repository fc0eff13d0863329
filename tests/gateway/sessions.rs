//! Sessions and monitors that end, and identities that the router does not take.

use std::collections::BTreeMap;

use cme_twin::{Answer, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, text};

async fn talk(house: &mut House) -> Value {
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    house.until_call("202", "connected").await;
    house.until_call("201", "connected").await
}

fn failed(line: &Value) -> bool {
    line["monitor"]["state"] == "failed"
}

fn active(line: &Value) -> bool {
    line["monitor"]["state"] == "active"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_router_lost_is_opened_again_and_the_call_lives() {
    let mut house = House::open().await;
    let call = talk(&mut house).await;
    assert_eq!(house.twin.lose_session("201"), 1);
    // The next thing that is asked tells: 481.
    house.act(&call, "hold").await.unwrap_err();
    house
        .twin
        .until(|truth| truth.sessions.iter().any(|session| session.number == "201" && !session.monitors.is_empty()))
        .await;
    house.until_line("201", "is monitored", active).await;
    let same = house.until_call("201", "connected").await;
    assert_eq!(same["id"], call["id"]);
    house.act(&same, "hold").await.unwrap();
    house.until_call("202", "remote_held").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_router_closed_says_so_and_comes_back() {
    let mut house = House::open().await;
    let call = talk(&mut house).await;
    house.stream.skip();
    assert_eq!(house.twin.clear_session("201"), 1);
    let line = house.line_id("201").await;
    let told = house
        .stream
        .next("the monitor failed", |event| event["line_id"] == line.as_str() && failed(&event["data"]))
        .await;
    assert_eq!(text(&told, "/data/monitor/code"), "session_closed");
    house.until_line("201", "is monitored", active).await;
    let same = house.until_call("201", "connected").await;
    assert_eq!(same["id"], call["id"]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_the_router_stopped_is_started_again() {
    let mut house = House::open().await;
    talk(&mut house).await;
    house.stream.skip();
    assert_eq!(house.twin.stop_monitors("201"), 1);
    let line = house.line_id("201").await;
    house.stream.next("the monitor ended", |event| event["line_id"] == line.as_str() && failed(&event["data"])).await;
    // What happens meanwhile is not lost.
    house.twin.hang_up("201").await.unwrap();
    house.until_line("201", "is monitored", active).await;
    house.settle_calls().await;
    assert!(house.calls("201").await.is_empty());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cti_that_is_shut_down_is_one_reason_and_comes_back() {
    let mut config = TwinConfig::default();
    config.system.session_servers.get_mut(&2).unwrap().cti_aware = false;
    let mut house = House::with(config, json!({})).await;
    talk(&mut house).await;
    house.twin.cti_shutdown(true);
    house.until_lines("no line is monitored", |lines| lines.iter().all(failed)).await;
    let status = house.until_pbx("one reason", |status| status["state"] == "down").await;
    let reason = text(&status, "/reason");
    assert!(reason.starts_with("None of the 5 lines") && reason.contains("cti shutdown"), "{reason}");
    house.twin.hang_up("201").await.unwrap();
    house.twin.cti_shutdown(false);
    for number in ["201", "202", "205", "208"] {
        house.until_line(number, "is monitored", active).await;
    }
    house.until_pbx("it is up", |status| status["state"] == "up").await;
    house
        .until_line("201", "its second button is monitored", |line| {
            line["addresses"][1]["monitor"]["state"] == "active"
        })
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_identity_is_tried_when_the_router_does_not_take_the_first() {
    let mut config = TwinConfig::default();
    // The first four INVITEs are refused as if the identity were wrong.
    config.faults.answers = BTreeMap::from([("INVITE".to_owned(), Answer { status: 404, times: 1, retry_after: 0 })]);
    let mut house = House::with(config, json!({})).await;
    for number in ["201", "202", "208"] {
        house.until_line(number, "is monitored", active).await;
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_form_is_tried_when_the_router_does_not_take_the_first() {
    let mut house =
        House::with(TwinConfig::default(), json!({"dialect": {"device_id.self": "sip:{number}@nowhere"}})).await;
    for number in ["201", "202", "208"] {
        house.until_line(number, "is monitored", active).await;
    }
    talk(&mut house).await;
    house.close_despite(&["csta.device"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_limit_is_told_and_other_lines_work() {
    let mut config = TwinConfig::default();
    config.faults.errors = BTreeMap::from([(
        "MonitorStart".to_owned(),
        "systemResourceAvailibility/overallMonitorLimitExceeded".to_owned(),
    )]);
    let mut house = House::unsettled(config, json!({})).await;
    let line = house.until_line("201", "failed", failed).await;
    assert_eq!(text(&line, "/monitor/code"), "monitor_limit");
    house.twin.set_faults(cme_twin::Faults::default());
    let id = text(&line, "/id").to_owned();
    house.client().post(&format!("/lines/{id}/refresh"), &json!({})).await.unwrap();
    house.until_line("201", "is monitored", active).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_is_not_ready_yet_is_asked_again() {
    let mut config = TwinConfig::default();
    config.faults.system_status = "initializing".to_owned();
    let mut house = House::unsettled(config, json!({})).await;
    let line = house.until_line("201", "failed", failed).await;
    assert_eq!(text(&line, "/monitor/code"), "pbx_not_ready");
    house.twin.set_faults(cme_twin::Faults::default());
    let id = text(&line, "/id").to_owned();
    house.client().post(&format!("/lines/{id}/refresh"), &json!({})).await.unwrap();
    house.until_line("201", "is monitored", active).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_answer_without_a_body_is_asked_for() {
    let mut config = TwinConfig::default();
    config.faults.no_invite_body = true;
    let mut house = House::with(config, json!({})).await;
    house.until_line("201", "is monitored", active).await;
    talk(&mut house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_the_router_has_not_are_not_offered() {
    let mut config = TwinConfig::default();
    config.faults.services_off = vec![
        "HoldCall".to_owned(),
        "GetForwarding".to_owned(),
        "GetDoNotDisturb".to_owned(),
        "GetCSTAFeatures".to_owned(),
    ];
    let mut house = House::with(config, json!({})).await;
    let call = talk(&mut house).await;
    let (status, problem) = crate::kit::refused(house.act(&call, "hold").await);
    assert_eq!((status, text(&problem, "/code")), (501, "not_supported_by_pbx"));
    let offers = |call: &Value| call["allowed_actions"].as_array().unwrap().iter().any(|action| action == "hold");
    let id = call["id"].clone();
    house
        .stream
        .find("hold is not offered any more", |event| {
            event["call_id"] == id && event["event"] == "call.updated" && !offers(&event["data"])
        })
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_without_snapshots_is_followed_by_its_events() {
    let mut config = TwinConfig::default();
    config.faults.services_off = vec!["SnapshotDevice".to_owned(), "SnapshotCall".to_owned()];
    let mut house = House::with(config, json!({})).await;
    let call = talk(&mut house).await;
    house.act(&call, "drop").await.unwrap();
    house.until_ended(&call).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn short_sessions_are_refreshed() {
    let mut config = TwinConfig::default();
    config.behaviour.min_se = 1;
    let mut house = House::with(config, json!({"dialect": {"session.expires": 4}})).await;
    let before = house.twin.requests().methods["INVITE"];
    house.twin.until_requests(|requests| requests.methods["INVITE"] >= before + 14).await;
    assert!(house.twin.truth().sessions.len() >= 6);
    talk(&mut house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_is_stopped_again_and_again_gets_a_new_session() {
    let mut house = House::open().await;
    let call = talk(&mut house).await;
    let id_of = |house: &House| {
        house.twin.truth().sessions.iter().find(|one| one.number == "201").map(|one| one.call_id.clone())
    };
    let first = id_of(&house);
    for _ in 0..3 {
        house
            .twin
            .until(|truth| truth.sessions.iter().any(|one| one.number == "201" && !one.monitors.is_empty()))
            .await;
        house.until_line("201", "is monitored", active).await;
        house.stream.skip();
        assert_eq!(house.twin.stop_monitors("201"), 1);
        let line = house.line_id("201").await;
        house
            .stream
            .next("the monitor ended", |event| event["line_id"] == line.as_str() && !active(&event["data"]))
            .await;
    }
    house.until_line("201", "is monitored", active).await;
    house
        .twin
        .until(|truth| truth.sessions.iter().any(|one| one.number == "201" && Some(&one.call_id) != first.as_ref()))
        .await;
    assert_eq!(house.until_call("201", "connected").await["id"], call["id"]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_without_power_ends_its_calls_and_comes_back() {
    let mut house = House::open().await;
    let call = talk(&mut house).await;
    house.twin.phone_died("1").await.unwrap();
    house.until_ended(&call).await;
    house
        .until_line("201", "is out of service and watched", |line| line["status"] == "out_of_service" && active(line))
        .await;
    house.twin.register_phone("1").await.unwrap();
    house.until_line("201", "is in service", |line| line["status"] == "in_service").await;
    talk(&mut house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_leaves_a_number_without_notify_says_why() {
    let mut house = House::open().await;
    house.twin.register_phone("4").await.unwrap();
    house.until_line("207", "is monitored", active).await;
    house.twin.unregister_phone("4").await.unwrap();
    let line = house.until_line("207", "says why", |line| line["monitor"]["code"] == "no_cti_notify").await;
    assert!(failed(&line));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_command_whose_event_is_lost_is_confirmed_by_a_snapshot() {
    let mut house = House::open().await;
    let call = talk(&mut house).await;
    house.twin.set_faults(cme_twin::Faults { lose_every: 1, ..cme_twin::Faults::default() });
    house.act(&call, "hold").await.unwrap();
    house.twin.set_faults(cme_twin::Faults::default());
    let held = house.until_call("201", "on_hold").await;
    assert_eq!(held["id"], call["id"]);
    house
        .stream
        .find("the outcome", |event| event["event"] == "command.succeeded" && event["data"]["action"] == "hold")
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_fits_no_question_is_unknown_until_a_snapshot_tells() {
    let mut house = House::open().await;
    let call = talk(&mut house).await;
    house.twin.set_faults(cme_twin::Faults { wrong_response: true, ..cme_twin::Faults::default() });
    let answer = house.act(&call, "hold").await;
    assert!(matches!(answer, Err(linegate::client::ClientError::Refused { status: 504, .. })), "{answer:?}");
    house.twin.set_faults(cme_twin::Faults::default());
    house.until_call("201", "on_hold").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_tells_of_overload_is_still_heard() {
    let mut house = House::open().await;
    house.twin.system_status("overloadReached");
    talk(&mut house).await;
    house.twin.system_status("normal");
    house.close().await;
}
