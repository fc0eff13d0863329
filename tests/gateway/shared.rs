//! A number on two phones: one ring, two calls, one conversation.

use cme_twin::{Behaviour, SharedStyle, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, text};

fn in_use(line: &Value) -> bool {
    line["addresses"][1]["remote_in_use"] == true
}

async fn answered_elsewhere(shared: SharedStyle) {
    let behaviour = Behaviour { shared, ..Behaviour::default() };
    let mut house = House::with(TwinConfig { behaviour, ..TwinConfig::default() }, json!({})).await;
    house.twin.call_in("0301234567", "204").await.unwrap();
    let anna = house.until_call("201", "offering").await;
    let ben = house.until_call("202", "offering").await;
    assert_eq!((anna["address"].as_u64(), ben["address"].as_u64()), (Some(1), Some(1)));
    assert_eq!(anna["conversation_id"], ben["conversation_id"]);
    assert_ne!(anna["id"], ben["id"]);
    house.act(&ben, "answer").await.unwrap();
    house.until_call("202", "connected").await;
    let lost = house.until_ended(&anna).await;
    assert_eq!(text(&lost, "/cause"), "answered_elsewhere");
    assert!(lost["answered_at"].is_null());
    house.until_line("201", "its shared number is in use at the other phone", in_use).await;
    assert!(!in_use(&house.line("202").await));
    assert_eq!(house.line("201").await["active_calls"], 0);
    house.act(&ben, "drop").await.unwrap();
    house.until_ended(&ben).await;
    house.until_line("201", "its shared number is free", |line| !in_use(line)).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_number_rings_at_both_phones_and_one_answers() {
    answered_elsewhere(SharedStyle::Devices).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_where_the_router_tells_it_by_bridged_events() {
    answered_elsewhere(SharedStyle::Bridged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_call_of_a_shared_number_is_taken_at_the_other_phone() {
    let mut house = House::open().await;
    house.twin.call_in("0301234567", "204").await.unwrap();
    house.until_call("202", "offering").await;
    house.twin.answer("204@2").await.unwrap();
    let ben = house.until_call("202", "connected").await;
    house.twin.hold("204@2").await.unwrap();
    house.until_call("202", "on_hold").await;
    house.twin.retrieve("204@1").await.unwrap();
    house.until_call("201", "connected").await;
    house.until_ended(&ben).await;
    house.until_line("202", "its shared number is in use at the other phone", in_use).await;
    house.until_line("201", "it has the call itself", |line| !in_use(line)).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outgoing_call_that_is_taken_at_the_other_phone_stays_an_outgoing_one() {
    for shared in [SharedStyle::Devices, SharedStyle::Bridged] {
        let behaviour = Behaviour { shared, ..Behaviour::default() };
        let mut house = House::with(TwinConfig { behaviour, ..TwinConfig::default() }, json!({})).await;
        house.twin.dial("204@1", "208").await.unwrap();
        house.until_call("208", "offering").await;
        house.twin.answer("208").await.unwrap();
        let anna = house.until_call("201", "connected").await;
        house.twin.hold("204@1").await.unwrap();
        house.until_call("201", "on_hold").await;
        house.twin.retrieve("204@2").await.unwrap();
        let ben = house.until_call("202", "connected").await;
        house.until_ended(&anna).await;
        assert_eq!((text(&ben, "/direction"), text(&ben, "/called/number")), ("outbound", "208"));
        assert_eq!((&ben["caller"], &ben["connected"]), (&anna["caller"], &anna["connected"]));
        assert_eq!(ben["conversation_id"], anna["conversation_id"]);
        house.settle_calls().await;
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_from_the_own_shared_number_rings_only_there() {
    let mut house = House::open().await;
    house.twin.dial("204@1", "204").await.ok();
    house.settle_calls().await;
    house.twin.hang_up("204@1").await.ok();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dialling_from_the_second_button_uses_the_second_number() {
    let mut house = House::open().await;
    let anna = house.line_id("201").await;
    let call = house.client().post(&format!("/lines/{anna}/calls"), &json!({"to": "208", "address": 1})).await.unwrap();
    assert_eq!(call["address"], 1);
    let ringing = house.until_call("208", "offering").await;
    assert_eq!(text(&ringing, "/caller/number"), "204");
    house.until_line("202", "the number that it shares is in use at the other phone", in_use).await;
    house.act(&call, "drop").await.unwrap();
    house.until_line("202", "it is free again", |line| !in_use(line)).await;
    house.close().await;
}
