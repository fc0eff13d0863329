//! The router starts anew: its phones dropped every call.

use std::time::Duration;

use cme_twin::TwinConfig;
use serde_json::{Value, json};

use crate::kit::{House, text};

async fn talk(house: &mut House) -> (Value, Value) {
    house.twin.dial("201", "202").await.unwrap();
    let called = house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    let calling = house.until_call("201", "connected").await;
    house.until_call("202", "connected").await;
    (calling, called)
}

async fn all_monitored_again(house: &mut House) {
    house.twin.until_monitors(6).await;
    for number in ["201", "202", "205", "208"] {
        house.until_line(number, "is monitored", |line| line["monitor"]["state"] == "active").await;
    }
    for number in ["201", "202", "208"] {
        house.until_line(number, "is in service", |line| line["status"] == "in_service").await;
    }
    house.until_pbx("it is up", |status| status["state"] == "up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_ends_the_calls_and_the_lines_come_back() {
    let mut house = House::open().await;
    let (calling, called) = talk(&mut house).await;
    house.twin.call_in("0301234567", "208").await.unwrap();
    let ringing = house.until_call("208", "offering").await;
    house.twin.reload(Duration::from_millis(1500)).await;
    let back = tokio::time::Instant::now();
    for call in [&calling, &called, &ringing] {
        assert_eq!(text(&house.until_ended(call).await, "/cause"), "pbx_restart");
    }
    all_monitored_again(&mut house).await;
    assert!(back.elapsed() < Duration::from_secs(10), "{:?}", back.elapsed());
    talk(&mut house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_away_one_reason_is_shown() {
    let mut house = House::open().await;
    let twin = house.twin.clone();
    let reload = tokio::spawn(async move { twin.reload(Duration::from_secs(3)).await });
    let status = house.until_pbx("it is down", |status| status["state"] == "down").await;
    let reason = text(&status, "/reason").to_owned();
    assert!(reason.len() > 20, "{reason}");
    reload.await.unwrap();
    all_monitored_again(&mut house).await;
    let reasons: std::collections::BTreeSet<String> = house
        .stream
        .seen()
        .iter()
        .filter(|event| event["event"] == "pbx.updated" && event["data"]["status"]["state"] == "down")
        .map(|event| text(event, "/data/status/reason").to_owned())
        .collect();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_restarts_within_the_retry_time_end_every_call_once() {
    let mut house = House::open().await;
    let (calling, called) = talk(&mut house).await;
    house.twin.reload(Duration::from_millis(300)).await;
    house.twin.until_sessions(2).await;
    house.twin.reload(Duration::from_millis(300)).await;
    all_monitored_again(&mut house).await;
    for call in [&calling, &called] {
        house.until_ended(call).await;
        let ends =
            house.stream.seen().iter().filter(|event| event["event"] == "call.ended" && event["call_id"] == call["id"]);
        assert_eq!(ends.count(), 1);
    }
    talk(&mut house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_without_a_registration_is_noticed_too() {
    let mut config = TwinConfig::default();
    config.system.session_servers.clear();
    let mut house = House::with(config, json!({"dialect": {"register.mode": "never"}})).await;
    let (calling, _) = talk(&mut house).await;
    house.twin.reload(Duration::from_millis(500)).await;
    house.until_ended(&calling).await;
    all_monitored_again(&mut house).await;
    talk(&mut house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_made_just_after_the_restart_is_not_taken_for_an_old_one() {
    let mut house = House::open().await;
    let (old, _) = talk(&mut house).await;
    house.twin.reload(Duration::from_millis(300)).await;
    house.twin.until(|truth| truth.phones.iter().filter(|phone| phone.registered).count() >= 4).await;
    house.twin.dial("201", "202").await.unwrap();
    assert_eq!(text(&house.until_ended(&old).await, "/cause"), "pbx_restart");
    all_monitored_again(&mut house).await;
    house.settle_calls().await;
    let new = house.until_call("202", "offering").await;
    assert_ne!(new["conversation_id"], old["conversation_id"]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_away_every_line_says_so() {
    let mut house = House::open().await;
    house.twin.stop().await;
    let status = house.until_pbx("it is down", |status| status["state"] == "down").await;
    assert_eq!(status["lines"]["monitored"], 0, "{status}");
    let says_so = |line: &Value| {
        let monitor = &line["monitor"];
        let is_said = monitor["state"] == "pending" && monitor["code"] == "pbx_unreachable";
        is_said
            && text(monitor, "/reason").starts_with("The router is not reached: ")
            && !text(monitor, "/hint").is_empty()
    };
    // What has a reason of its own keeps it.
    let rest = |lines: &[Value]| lines.iter().filter(|line| line["number"] != "207").cloned().collect::<Vec<_>>();
    let lines = house.until_lines("they say so", |lines| rest(lines).iter().all(says_so)).await;
    assert!(
        rest(&lines).iter().all(|line| line["allowed_actions"] == json!([]) && line["activity"] == "unknown"),
        "{lines:#?}"
    );
    assert_eq!(text(&house.line("207").await, "/monitor/code"), "no_cti_notify");
    let address = &house.line("201").await["addresses"][1];
    assert_eq!(text(address, "/monitor/code"), "pbx_unreachable", "{address:#}");
    house.until_line("201", "nobody tells whether it is in service", |line| line["status"] == "unknown").await;
    house.until_pbx("nor for the PBX", |status| status["lines"]["in_service"] == 0).await;
    // Also after a restart of the gateway.
    let House { gateway, pbx, .. } = house;
    let gateway = crate::kit::Gateway::on(gateway.stop().await).await;
    let mut stream = crate::kit::Reader::open(&gateway.client).await;
    loop {
        let lines = gateway.client.list(&format!("/lines?pbx={pbx}")).await.unwrap();
        if rest(&lines).iter().all(says_so) {
            break;
        }
        stream.any(&format!("they say so: {lines:?}")).await;
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_opened_again_changes_no_line() {
    let mut config = TwinConfig::default();
    config.behaviour.limits.connection_ageing = 300;
    let mut house = House::with(config, json!({})).await;
    house.twin.until(|truth| truth.connections == 0).await;
    house.twin.dnd("1", true).await.unwrap();
    house.until_line("201", "is heard", |line| line["do_not_disturb"] == true).await;
    let unreachable = |event: &&Value| event["data"]["monitor"]["code"] == "pbx_unreachable";
    assert_eq!(house.stream.seen().iter().filter(unreachable).count(), 0);
    house.close().await;
}
