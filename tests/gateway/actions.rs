//! What a call says that it allows is what it allows.

use serde_json::{Value, json};

use crate::kit::{House, refused, text};

const VERBS: [(&str, &str); 4] = [("answer", "answer"), ("drop", "drop"), ("hold", "hold"), ("retrieve", "retrieve")];

fn allows(call: &Value, action: &str) -> bool {
    call["allowed_actions"].as_array().unwrap().iter().any(|allowed| allowed == action)
}

/// Every verb that is not listed is refused, and the router never hears of it.
async fn unlisted_are_refused(house: &House, call: &Value) {
    let before = house.twin.requests().services;
    for (verb, action) in VERBS {
        if allows(call, action) {
            continue;
        }
        let (status, problem) = refused(house.act(call, verb).await);
        assert_eq!((status, text(&problem, "/code")), (409, "not_allowed_now"), "{verb} while {}", call["state"]);
        assert!(text(&problem, "/hint").len() > 10);
    }
    assert_eq!(house.twin.requests().services, before, "the router was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn unlisted_verbs_are_refused_in_every_state() {
    let mut house = House::open().await;
    let call = house.dial("201", "202").await;
    let ringback = house.until_call("201", "ringback").await;
    unlisted_are_refused(&house, &ringback).await;
    let offering = house.until_call("202", "offering").await;
    assert!(allows(&offering, "answer") && !allows(&offering, "hold") && !allows(&offering, "retrieve"));
    unlisted_are_refused(&house, &offering).await;
    house.act(&offering, "answer").await.unwrap();
    let connected = house.until_call("201", "connected").await;
    assert!(allows(&connected, "hold") && allows(&connected, "drop") && !allows(&connected, "retrieve"));
    unlisted_are_refused(&house, &connected).await;
    house.act(&call, "hold").await.unwrap();
    let held = house.until_call("201", "on_hold").await;
    assert!(allows(&held, "retrieve") && !allows(&held, "hold"));
    unlisted_are_refused(&house, &held).await;
    let remote = house.until_call("202", "remote_held").await;
    unlisted_are_refused(&house, &remote).await;
    house.act(&call, "retrieve").await.unwrap();
    house.until_call("201", "connected").await;
    house.act(&call, "drop").await.unwrap();
    house.until_ended(&call).await;
    let (status, _) = refused(house.act(&call, "drop").await);
    assert_eq!(status, 404, "an ended call is no call any more");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listed_verb_is_accepted() {
    let mut house = House::open().await;
    // Dropping in each state that lists it.
    for state in ["ringback", "connected", "on_hold", "remote_held", "failed"] {
        let to = if state == "failed" { "999" } else { "202" };
        let call = house.dial("201", to).await;
        if state != "failed" {
            let ringing = house.until_call("202", "offering").await;
            if state != "ringback" {
                house.act(&ringing, "answer").await.unwrap();
                house.until_call("201", "connected").await;
            }
            match state {
                "on_hold" => drop(house.act(&call, "hold").await.unwrap()),
                "remote_held" => drop(house.act(&ringing, "hold").await.unwrap()),
                _ => {}
            }
        }
        let now = house.until_call("201", state).await;
        assert!(allows(&now, "drop"), "{state}");
        house.act(&now, "drop").await.unwrap_or_else(|error| panic!("drop while {state}: {error}"));
        house.until_ended(&call).await;
        house.settle_calls().await;
        // Who was held is not held any more, but may still be off hook.
        if let Some(left) = house.calls("202").await.first() {
            house.act(left, "drop").await.unwrap();
        }
        house.settle_calls().await;
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_cannot_reject_does_not_offer_it_and_one_that_can_does() {
    use cme_twin::{Behaviour, Preset, TwinConfig};
    for (preset, offered) in [(Preset::V86, false), (Preset::V88, true)] {
        let behaviour = Behaviour::preset(preset);
        let mut house = House::with(TwinConfig { behaviour, ..TwinConfig::default() }, json!({})).await;
        house.twin.dial("201", "202").await.unwrap();
        let ringing = house.until_call("202", "offering").await;
        assert_eq!(allows(&ringing, "drop"), offered);
        if offered {
            house.act(&ringing, "drop").await.unwrap();
            assert_eq!(text(&house.until_ended(&ringing).await, "/cause"), "rejected");
        }
        house.twin.hang_up("201").await.unwrap();
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_on_one_call_never_do_a_thing_twice() {
    let mut house = House::open().await;
    let call = house.dial("201", "202").await;
    let ringing = house.until_call("202", "offering").await;
    let (first, second) = tokio::join!(house.act(&ringing, "answer"), house.act(&ringing, "answer"));
    assert!(first.is_ok() || second.is_ok());
    house.until_call("201", "connected").await;
    let (first, second) = tokio::join!(house.act(&call, "drop"), house.act(&ringing, "drop"));
    assert!(first.is_ok() || second.is_ok());
    house.until_ended(&call).await;
    house.close().await;
}

fn offers(line: &Value, action: &str) -> bool {
    line["allowed_actions"].as_array().unwrap().iter().any(|allowed| allowed == action)
}

/// A line that does not offer to dial refuses it, and the router never hears of it.
async fn cannot_dial(house: &mut House, number: &str) -> String {
    let line = house.until_line(number, "does not offer to dial", |line| !offers(line, "dial")).await;
    let before = house.twin.requests().services;
    let path = format!("/lines/{}/calls", text(&line, "/id"));
    let (status, problem) = refused(house.client().post(&path, &json!({"to": "208"})).await);
    assert_eq!((status, text(&problem, "/code")), (409, "not_allowed_now"), "{problem:#}");
    assert!(text(&problem, "/hint").len() > 10, "{problem:#}");
    assert_eq!(house.twin.requests().services, before, "the router was asked");
    text(&problem, "/detail").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_a_phone_offers_what_goes_without() {
    let mut house = House::open().await;
    let nobody = house.until_line("205", "nobody is logged in", |line| line["status"] == "out_of_service").await;
    assert_eq!(nobody["allowed_actions"], json!(["forward"]));
    assert!(cannot_dial(&mut house, "205").await.contains("phone"));
    let path = format!("/lines/{}/do-not-disturb", text(&nobody, "/id"));
    let (status, problem) = refused(house.client().put(&path, &json!({"enabled": true})).await);
    assert_eq!((status, text(&problem, "/code")), (409, "not_allowed_now"), "{problem:#}");
    assert_eq!(house.client().get(&path).await.unwrap()["enabled"], false);
    let path = format!("/lines/{}/forwarding", text(&nobody, "/id"));
    house.client().put(&path, &json!({"unconditional": "208"})).await.unwrap();
    house.client().put(&path, &json!({"unconditional": null})).await.unwrap();
    // Somebody logs in, and it is a line like any other.
    house.twin.login("eli", "3").await.unwrap();
    let all = json!(["dial", "forward", "do_not_disturb"]);
    house.until_line("205", "offers everything", |line| line["allowed_actions"] == all).await;
    // A phone dies: whether the router has told yet or not, dialling is refused for that reason.
    house.twin.phone_died("2").await.unwrap();
    let path = format!("/lines/{}/calls", house.line_id("202").await);
    let (status, problem) = refused(house.client().post(&path, &json!({"to": "208"})).await);
    assert_eq!((status, text(&problem, "/code")), (409, "not_allowed_now"), "{problem:#}");
    cannot_dial(&mut house, "202").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_offers_to_dial_while_the_phone_has_room_for_a_call() {
    let mut house = House::open().await;
    let first = house.dial("201", "202").await;
    let ringing = house.until_call("202", "offering").await;
    house.until_call("201", "ringback").await;
    assert!(cannot_dial(&mut house, "201").await.contains("rings"));
    house.act(&ringing, "answer").await.unwrap();
    house.until_call("201", "connected").await;
    house.until_line("201", "offers to dial", |line| offers(line, "dial")).await;
    // It is listed, so it is not refused: the first call is held.
    let second = house.dial("201", "208").await;
    let ringing = house.until_call("208", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    house.until_call("201", "on_hold").await;
    house.until_call("201", "connected").await;
    assert!(cannot_dial(&mut house, "201").await.contains("as many calls"));
    house.act(&second, "drop").await.unwrap();
    house.until_ended(&second).await;
    house.until_line("201", "offers to dial again", |line| offers(line, "dial")).await;
    house.act(&first, "drop").await.unwrap();
    house.until_ended(&first).await;
    house.close().await;
}
