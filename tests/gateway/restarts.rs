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
