//! What is tried next when a router refuses a form (docs/configuration.md), and that it is shown as settings.

use std::collections::BTreeMap;

use cme_twin::{Answer, Faults, System, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, refused, text};

/// A router with one phone and faults from the start; its line comes up, and this is what it learned.
async fn learns(faults: Faults, wanted: Value) -> House {
    let config = TwinConfig { system: System::large(1), faults, ..TwinConfig::default() };
    let mut house = House::unsettled(config, json!({})).await;
    house.until_line("1001", "it is monitored", |line| line["monitor"]["state"] == "active").await;
    house.until_pbx("what was learned is shown", |status| status["learned"] == wanted).await;
    house
}

fn refusing(status: u16, times: u32) -> Faults {
    let answer = Answer { status, times, retry_after: 0 };
    Faults { answers: BTreeMap::from([("INVITE".to_owned(), answer)]), ..Faults::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_identity_is_tried_and_then_without_the_reference_id() {
    learns(refusing(404, 1), json!({"invite.from_user": "{number}"})).await.close().await;
    learns(refusing(404, 3), json!({"invite.reference_id": "none"})).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_takes_no_declaration_gets_none() {
    let learned = json!({"xml.declaration": "off"});
    let mut house = learns(refusing(415, 1), learned.clone()).await;
    // What was learned is a setting: written down, nothing needs to be tried.
    let dialect = json!({"dialect": learned});
    house.client().patch(&format!("/pbxs/{}", house.pbx), &dialect).await.unwrap();
    house.until_pbx("nothing is left to learn", |status| status["learned"] == json!({})).await;
    house.until_settled().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_tells_no_status_is_asked_with_the_line() {
    let faults = Faults { no_invite_body: true, ..Faults::default() };
    learns(faults, json!({"status.private_line": "lcs"})).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_the_router_is_written_in_the_other_form_too() {
    let mut house = House::open().await;
    let errors = BTreeMap::from([("MakeCall".to_owned(), "operation/invalidCalledDeviceID".to_owned())]);
    house.twin.set_faults(Faults { errors, ..Faults::default() });
    let line = house.line_id("201").await;
    // Its own number, and one that it may not have.
    for (to, asked) in [("202", 2), ("5550100", 1)] {
        house.twin.clear_requests();
        let done = house.client().post(&format!("/lines/{line}/calls"), &json!({"to": to})).await;
        let (_, problem) = refused(done);
        assert_eq!(text(&problem, "/csta_error/value"), "invalidCalledDeviceID");
        assert_eq!(house.twin.requests().services["MakeCall"], asked, "{to}");
    }
    house.until_pbx("nothing was learned from refusals", |status| status["learned"] == json!({})).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mobility_line_that_is_refused_names_its_phone() {
    // A retry of another line must not take the refusal.
    let patient = json!({"options": {"monitor_retry_interval_s": 300}});
    let mut house = House::with(TwinConfig::default(), patient).await;
    house.twin.login("eli", "00AA11BB0003").await.unwrap();
    house.until_line("205", "its user is at a phone", |line| line["status"] == "in_service").await;
    // Which phone it is stands in the XML API.
    house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    house.twin.set_faults(refusing(403, 1));
    house.twin.clear_session("205");
    house.until_line("205", "its session is closed", |line| line["monitor"]["state"] != "active").await;
    house.until_line("205", "it is monitored again", |line| line["monitor"]["state"] == "active").await;
    let sessions = house.twin.truth().sessions;
    assert!(sessions.iter().any(|session| format!("{session:?}").contains("205_00AA11BB0003")), "{sessions:#?}");
    house.close().await;
}
