//! What is tried next when a router refuses a form (docs/configuration.md), and that it is shown as settings.

use std::collections::BTreeMap;

use cme_twin::{Answer, Behaviour, Faults, Preset, System, TwinConfig};
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

/// A house whose router speaks so, with settings that are its own.
async fn speaking(faults: Faults, dialect: Value) -> House {
    House::with(TwinConfig { faults, ..TwinConfig::default() }, json!({"dialect": dialect})).await
}

async fn until_learned(house: &mut House, wanted: Value) {
    house.until_pbx("what was learned is shown", |status| status["learned"] == wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_form_of_a_number_is_kept_when_it_works() {
    let mut house = House::open().await;
    house.twin.set_faults(Faults { number_form: "bare".to_owned(), ..Faults::default() });
    house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    until_learned(&mut house, json!({"called.template": "{digits}"})).await;
    assert_eq!(house.twin.requests().services["MakeCall"], 2);
    house.clear().await;
    house.twin.clear_requests();
    house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    assert_eq!(house.twin.requests().services["MakeCall"], 1);
    house.clear().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_namespace_of_the_router_is_taken_over_where_it_is_to_be_learned() {
    let ed4 = "http://www.ecma-international.org/standards/ecma-323/csta/ed4";
    let faults = Faults { namespace: ed4.to_owned(), ..Faults::default() };
    let mut house = speaking(faults, json!({"csta.namespace": "learn"})).await;
    until_learned(&mut house, json!({"csta.namespace": "ed4"})).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_in_messages_of_their_own_are_learned() {
    let faults = Faults { separate_response: true, ..Faults::default() };
    let mut house = speaking(faults, json!({})).await;
    until_learned(&mut house, json!({"response.mode": "separate"})).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_does_not_answer_options_is_registered_with_instead() {
    let faults = Faults {
        answers: BTreeMap::from([("OPTIONS".to_owned(), Answer { status: 0, times: 0, retry_after: 0 })]),
        ..Faults::default()
    };
    let mut house = speaking(faults, json!({"keepalive.tcp": "options", "keepalive.tcp_interval": 1})).await;
    house.twin.clear_requests();
    until_learned(&mut house, json!({"keepalive.tcp": "reregister"})).await;
    house.until_settled().await;
    assert!(house.twin.requests().methods["REGISTER"] > 0, "{:?}", house.twin.requests());
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ringing_calls_tell_which_state_of_a_snapshot_is_the_own_one() {
    let faults = Faults { own_state_last: true, ..Faults::default() };
    let mut house = speaking(faults, json!({})).await;
    house.dial("201", "202").await;
    let ringing = house.until_call("202", "offering").await;
    for number in ["201", "202", "201"] {
        let line = house.line_id(number).await;
        house.client().post(&format!("/lines/{line}/refresh"), &json!({})).await.unwrap();
    }
    until_learned(&mut house, json!({"snapshot.own_index": "last"})).await;
    // A held call is told from one that is held at the other end.
    house.act(&ringing, "answer").await.unwrap();
    let call = house.until_call("201", "connected").await;
    house.act(&call, "hold").await.unwrap();
    house.until_call("201", "on_hold").await;
    let line = house.line_id("201").await;
    house.client().post(&format!("/lines/{line}/refresh"), &json!({})).await.unwrap();
    assert_eq!(text(&house.calls("201").await[0], "/state"), "on_hold");
    house.clear().await;
    house.close().await;
}

/// A call whose end nobody hears of is found to be gone by what this router tells.
async fn finds_a_ghost(faults: Faults, dialect: Value, asked: Option<&str>) {
    let mut house = speaking(faults.clone(), dialect).await;
    house.dial("201", "202").await;
    let ringing = house.until_call("202", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    let call = house.until_call("201", "connected").await;
    let lines = [house.line_id("201").await, house.line_id("202").await];
    // While it lives it is not doubted.
    for line in lines.iter().chain(&lines) {
        house.client().post(&format!("/lines/{line}/refresh"), &json!({})).await.unwrap();
    }
    assert_eq!(text(&house.calls("201").await[0], "/state"), "connected");
    house.twin.set_faults(Faults { lose_every: 1, ..faults.clone() });
    house.twin.hang_up("201").await.unwrap();
    house.twin.set_faults(faults);
    house.twin.clear_requests();
    for line in &lines {
        house.client().post(&format!("/lines/{line}/refresh"), &json!({})).await.unwrap();
    }
    assert_eq!(text(&house.until_ended(&call).await, "/cause"), "lost");
    if let Some(service) = asked {
        assert!(house.twin.requests().services[service] > 0);
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_without_snapshots_of_devices_is_asked_call_by_call() {
    let faults = Faults { services_off: vec!["SnapshotDevice".to_owned()], ..Faults::default() };
    finds_a_ghost(faults, json!({}), Some("SnapshotCall")).await;
    finds_a_ghost(Faults::default(), json!({"snapshot.method": "call"}), Some("SnapshotCall")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_without_snapshots_is_asked_by_the_xml_api() {
    let services_off = vec!["SnapshotDevice".to_owned(), "SnapshotCall".to_owned()];
    finds_a_ghost(Faults { services_off, ..Faults::default() }, json!({}), None).await;
    finds_a_ghost(Faults::default(), json!({"snapshot.method": "xml"}), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ringing_call_goes_to_the_reject_target_where_it_cannot_be_cleared() {
    let errors = BTreeMap::from([("ClearConnection".to_owned(), "stateIncompatibility/noCallToClear".to_owned())]);
    let mut house = speaking(Faults { errors, ..Faults::default() }, json!({"reject.target": "208"})).await;
    house.twin.dial("201", "202").await.unwrap();
    let ringing = house.until_call("202", "offering").await;
    house.act(&ringing, "drop").await.unwrap();
    house.until_ended(&ringing).await;
    house.until_call("208", "offering").await;
    house.twin.set_faults(Faults::default());
    house.clear().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_without_conferences_calls_the_third_party_into_the_call() {
    let behaviour = Behaviour { single_step_conference: true, ..Behaviour::preset(Preset::default()) };
    let faults = Faults { services_off: vec!["ConferenceCall".to_owned()], ..Faults::default() };
    let config = TwinConfig { behaviour, faults, ..TwinConfig::default() };
    let mut house = House::with(config, json!({"dialect": {"svc.single_step_conference": "auto"}})).await;
    house.dial("201", "202").await;
    let ringing = house.until_call("202", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    let call = house.until_call("201", "connected").await;
    house.client().post(&format!("/calls/{}/consult", text(&call, "/id")), &json!({"to": "208"})).await.unwrap();
    let ringing = house.until_call("208", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    let second = house.until_call("201", "connected").await;
    let mode = json!({"mode": "conference"});
    house.client().post(&format!("/calls/{}/complete-transfer", text(&second, "/id")), &mode).await.unwrap();
    let ringing = house.until_call("208", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    let conference = house.until_call("201", "conferenced").await;
    assert_eq!(conference["participants"].as_array().unwrap().len(), 2);
    house.clear().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_wanted_types_of_forwarding_are_set() {
    let behaviour = Behaviour { all_forwarding_types: true, ..Behaviour::preset(Preset::default()) };
    let config = TwinConfig { behaviour, ..TwinConfig::default() };
    let dialect = json!({"forwarding.types": ["forwardImmediate", "forwardImmInt"], "logical_info": "on"});
    let mut house = House::with(config, json!({"dialect": dialect})).await;
    // Which this router does not tell, and does not say that it would: it is asked all the same.
    assert!(house.twin.requests().services["GetLogicalDeviceInformation"] > 0);
    house.twin.clear_requests();
    let line = house.line_id("201").await;
    let path = format!("/lines/{line}/forwarding");
    // The first type is set; the second one is unknown to this router, which is said.
    let (_, problem) = refused(house.client().put(&path, &json!({"unconditional": "208"})).await);
    assert_eq!(text(&problem, "/csta_error/value"), "invalidForwardingType");
    assert_eq!(house.twin.requests().services["SetForwarding"], 2);
    house.until_line("201", "it is forwarded", |line| line["forwarding"]["unconditional"] == "208").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_for_the_phone_is_tried_when_the_router_does_not_know_the_first() {
    let wrong = json!({"device_id.self": "tel:9{number}"});
    let mut house = speaking(Faults::default(), wrong).await;
    house.until_line("201", "it is monitored", |line| line["monitor"]["state"] == "active").await;
    until_learned(&mut house, json!({"device_id.self": "tel:{number}"})).await;
    house.close().await;
}
