//! Several calls at one phone: waiting, transfers and conferences made at phones.

use cme_twin::{Behaviour, Merge, TrunkAction, TwinConfig};
use serde_json::json;

use crate::kit::{House, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_call_is_answered_and_the_first_is_held() {
    let mut house = House::open().await;
    house.dial("202", "201").await;
    let first = house.until_call("201", "offering").await;
    house.act(&first, "answer").await.unwrap();
    house.until_call("201", "connected").await;
    house.twin.call_in("0301234567", "201").await.unwrap();
    let second = house.until_call("201", "offering").await;
    house.act(&second, "answer").await.unwrap();
    house.until_call("202", "remote_held").await;
    let calls = house.calls("201").await;
    let state = |id: &serde_json::Value| {
        calls.iter().find(|call| call["id"] == id["id"]).map(|call| text(call, "/state").to_owned())
    };
    assert_eq!((state(&first).as_deref(), state(&second).as_deref()), (Some("on_hold"), Some("connected")));
    let line = house.line("201").await;
    assert_eq!((line["active_calls"].as_u64(), text(&line, "/activity")), (Some(2), "busy"));
    house.close().await;
}

async fn transfer_with(merge: Merge) {
    let behaviour = Behaviour { merge, ..Behaviour::default() };
    let mut house = House::with(TwinConfig { behaviour, ..TwinConfig::default() }, json!({})).await;
    let gcid = house.twin.call_in("0301234567", "201").await.unwrap().gcid;
    let first = house.until_call("201", "offering").await;
    house.twin.answer("201").await.unwrap();
    house.until_call("201", "connected").await;
    house.twin.transfer("201", "208").await.unwrap();
    let asked = house.until_call("208", "offering").await;
    let consultation = house.until_call("201", "ringback").await;
    assert_eq!(consultation["consultation_of"], first["id"]);
    house.twin.answer("208").await.unwrap();
    house.until_call("201", "connected").await;
    house.twin.complete_transfer("201").await.unwrap();
    assert_eq!(text(&house.until_ended(&first).await, "/cause"), "transferred");
    assert_eq!(text(&house.until_ended(&consultation).await, "/cause"), "transferred");
    house.settle_calls().await;
    let left = house.until_call("208", "connected").await;
    assert_eq!(left["id"], asked["id"], "the call lives on at the phone that got it");
    assert_eq!((text(&left, "/connected/number"), text(&left, "/reason")), ("0301234567", "transferred"));
    let first =
        house.stream.find("the end", |event| event["call_id"] == first["id"] && event["event"] == "call.ended").await;
    assert_eq!(left["conversation_id"], first["data"]["conversation_id"], "one conversation");
    let trunk = house.twin.truth().calls.first().map(|call| call.gcid.clone()).unwrap();
    assert!(merge == Merge::Secondary || trunk == gcid);
    house.twin.trunk(&trunk, TrunkAction::HangUp).await.unwrap();
    house.until_ended(&asked).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_at_the_phone_leaves_one_call_when_the_first_id_survives() {
    transfer_with(Merge::Primary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_at_the_phone_leaves_one_call_when_the_second_id_survives() {
    transfer_with(Merge::Secondary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_transfer_at_the_phone_rings_the_target() {
    let mut house = House::open().await;
    house.twin.dial("202", "201").await.unwrap();
    house.until_call("201", "offering").await;
    house.twin.answer("201").await.unwrap();
    let gone = house.until_call("201", "connected").await;
    let stays = house.until_call("202", "connected").await;
    house.twin.blind_transfer("201", "208").await.unwrap();
    assert_eq!(text(&house.until_ended(&gone).await, "/cause"), "transferred");
    let ringing = house.until_call("208", "offering").await;
    assert_eq!(ringing["conversation_id"], stays["conversation_id"]);
    house.twin.answer("208").await.unwrap();
    house.settle_calls().await;
    let now = house.until_call("202", "connected").await;
    assert_eq!((&now["id"], text(&now, "/connected/number")), (&stays["id"], "208"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_consultation_gives_the_held_call_back() {
    let mut house = House::open().await;
    house.twin.dial("202", "201").await.unwrap();
    house.until_call("201", "offering").await;
    house.twin.answer("201").await.unwrap();
    let first = house.until_call("201", "connected").await;
    house.twin.transfer("201", "208").await.unwrap();
    let second = house.until_call("201", "ringback").await;
    house.twin.reconnect("201").await.unwrap();
    house.until_ended(&second).await;
    let back = house.until_call("201", "connected").await;
    assert_eq!(back["id"], first["id"]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conference_at_the_phone_shows_everybody() {
    let mut house = House::open().await;
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    let first = house.until_call("201", "connected").await;
    house.twin.transfer("201", "208").await.unwrap();
    house.until_call("208", "offering").await;
    house.twin.answer("208").await.unwrap();
    let second = house.until_call("201", "connected").await;
    assert_ne!(first["id"], second["id"]);
    house.twin.conference("201").await.unwrap();
    let here = house.until_call("201", "conferenced").await;
    assert_eq!(here["id"], first["id"]);
    assert_eq!(text(&house.until_ended(&second).await, "/cause"), "merged");
    let numbers = |call: &serde_json::Value| {
        let mut all: Vec<String> =
            call["participants"].as_array().unwrap().iter().map(|party| text(party, "/number").to_owned()).collect();
        all.sort();
        all
    };
    assert_eq!(numbers(&here), ["202", "208"]);
    let ben = house.until_call("202", "conferenced").await;
    let ida = house.until_call("208", "conferenced").await;
    assert_eq!(
        (numbers(&ben), numbers(&ida)),
        (vec!["201".to_owned(), "208".to_owned()], vec!["201".to_owned(), "202".to_owned()])
    );
    assert!(ben["conversation_id"] == here["conversation_id"] && ida["conversation_id"] == here["conversation_id"]);
    // One leaves: the two others talk on, without a conference.
    house.twin.hang_up("208").await.unwrap();
    house.until_ended(&ida).await;
    house.until_call("201", "connected").await;
    house.until_call("202", "connected").await;
    house.close().await;
}
