//! TCP that breaks in every way: calls live on and are shown as they are.

use std::time::Duration;

use cme_twin::TwinConfig;
use serde_json::{Value, json};

use crate::kit::{House, text};

/// 201 and 202 talk; gives both calls.
async fn talk(house: &mut House) -> (Value, Value) {
    house.twin.dial("201", "202").await.unwrap();
    let called = house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    let calling = house.until_call("201", "connected").await;
    house.until_call("202", "connected").await;
    (calling, called)
}

/// The call still lives under its old id and can be used.
async fn goes_on(house: &mut House, calling: &Value) {
    let same = house.until_call("201", "connected").await;
    assert_eq!(same["id"], calling["id"]);
    house.twin.hold("202").await.unwrap();
    house.until_call("201", "remote_held").await;
    house.twin.retrieve("202").await.unwrap();
    house.until_call("201", "connected").await;
    house.act(&same, "drop").await.unwrap();
    house.until_ended(&same).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_live_on_when_the_connection_is_closed() {
    let mut house = House::open().await;
    let (calling, _) = talk(&mut house).await;
    house.twin.kill_connections().await;
    house.twin.until_requests(|requests| requests.accepted + requests.opened > 1).await;
    goes_on(&mut house, &calling).await;
    assert!(
        !house.stream.seen().iter().any(|event| event["event"] == "call.ended" && event["data"]["cause"] == "lost")
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_live_on_when_the_connection_is_reset() {
    let mut house = House::open().await;
    let (calling, _) = talk(&mut house).await;
    house.twin.reset_connections().await;
    goes_on(&mut house, &calling).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_the_connection_was_away_is_seen_afterwards() {
    let mut house = House::open().await;
    let (calling, called) = talk(&mut house).await;
    house.twin.reset_connections().await;
    house.twin.hang_up("201").await.unwrap();
    house.twin.dial("208", "202").await.unwrap();
    house.until_ended(&calling).await;
    house.until_ended(&called).await;
    let new = house.until_call("202", "offering").await;
    assert_eq!(text(&new, "/caller/number"), "208");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_resets_in_a_row_are_survived() {
    let mut house = House::open().await;
    let (calling, _) = talk(&mut house).await;
    for _ in 0..5 {
        house.twin.reset_connections().await;
        house.twin.until(|truth| truth.connections > 0).await;
    }
    goes_on(&mut house, &calling).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_found_by_pings_and_replaced() {
    let patch = json!({"dialect": {"keepalive.tcp": "options", "keepalive.tcp_interval": 1}});
    let mut house = House::with(TwinConfig::default(), patch).await;
    let (calling, called) = talk(&mut house).await;
    house.twin.half_open();
    house.twin.hang_up("201").await.unwrap();
    house.until_ended(&calling).await;
    house.until_ended(&called).await;
    house.close_despite(&["event.unanswered"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_found_by_a_command_without_answer() {
    let mut house = House::open().await;
    let (calling, called) = talk(&mut house).await;
    house.twin.half_open();
    // Nobody answers this one; the call is what the router says when it can be heard again.
    let began = tokio::time::Instant::now();
    let lost = house.act(&calling, "hold").await;
    assert!(lost.is_err());
    assert!(began.elapsed() < Duration::from_secs(40));
    house.twin.hang_up("201").await.ok();
    house.until_ended(&calling).await;
    house.until_ended(&called).await;
    house.close_despite(&["event.unanswered"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_on_a_dead_connection_is_answered_and_never_sent_twice() {
    let mut config = TwinConfig::default();
    config.faults.delay_answers = 1500;
    let mut house = House::with(config, json!({})).await;
    let anna = house.line_id("201").await;
    house.twin.clear_requests();
    let body = json!({"to": "202"});
    let path = format!("/lines/{anna}/calls");
    let (result, ()) = tokio::join!(house.gateway.client.post(&path, &body), async {
        house.twin.until_requests(|requests| requests.services.contains_key("MakeCall")).await;
        house.twin.reset_connections().await;
    });
    // The answer comes over the next connection, or the snapshot tells; the phone dials once.
    assert_eq!(house.twin.requests().services["MakeCall"], 1);
    house.until_call("202", "offering").await;
    if let Ok(call) = result {
        assert_eq!(text(&call, "/called/number"), "202");
    }
    assert_eq!(house.twin.requests().services["MakeCall"], 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_closes_idle_connections_is_used_all_the_same() {
    let mut config = TwinConfig::default();
    config.behaviour.limits.connection_ageing = 300;
    let mut house = House::with(config, json!({})).await;
    house.twin.until(|truth| truth.connections == 0).await;
    // The router connects to us for its next event.
    house.twin.dial("201", "202").await.unwrap();
    let ringing = house.until_call("202", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    house.until_call("201", "connected").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_never_last_long_are_enough() {
    let mut house = House::open().await;
    house.twin.set_faults(cme_twin::Faults { drop_after: 9, ..cme_twin::Faults::default() });
    let (calling, _) = talk(&mut house).await;
    house.settle_calls().await;
    // A command that goes down with its connection is not sent again: no command until the connections last.
    house.twin.set_faults(cme_twin::Faults::default());
    house.until_settled().await;
    goes_on(&mut house, &calling).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_lies_costs_the_connection_and_not_the_link() {
    let mut house = House::open().await;
    let (calling, _) = talk(&mut house).await;
    house.twin.set_faults(cme_twin::Faults { wrong_content_length: -7, ..cme_twin::Faults::default() });
    house.twin.hold("202").await.unwrap();
    house.twin.retrieve("202").await.unwrap();
    house.twin.set_faults(cme_twin::Faults::default());
    house.twin.dnd("1", true).await.unwrap();
    house.until_line("201", "is heard again", |line| line["do_not_disturb"] == true).await;
    goes_on(&mut house, &calling).await;
    house.close_despite(&["event.answer", "sip.frame", "sip.answer"]).await;
}
