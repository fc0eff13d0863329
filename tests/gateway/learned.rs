//! What was learned about a router's dialect outlives the gateway, is given up when it works no more, and can be
//! forgotten.

use std::collections::BTreeMap;

use cme_twin::{Answer, Behaviour, Faults, Preset, System, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{Gateway, House, Reader, refused, text};

/// A router with one phone that refuses some INVITEs.
fn refusing(times: u32) -> TwinConfig {
    let faults = faults(times);
    TwinConfig { system: System::large(1), faults, ..TwinConfig::default() }
}

fn faults(times: u32) -> Faults {
    let answer = Answer { status: 404, times, retry_after: 0 };
    Faults { answers: BTreeMap::from([("INVITE".to_owned(), answer)]), ..Faults::default() }
}

/// A house whose line is monitored and which learned that the session names the number alone.
async fn that_learned() -> House {
    let mut house = House::unsettled(refusing(1), json!({})).await;
    until(&mut house, json!({"invite.from_user": "{number}"})).await;
    house
}

/// Waits until the line is monitored and just this is learned.
async fn until(house: &mut House, learned: Value) {
    house.until_line("1001", "it is monitored", |line| line["monitor"]["state"] == "active").await;
    house.until_pbx(&format!("{learned} is learned"), |status| status["learned"] == learned).await;
}

/// The gateway ends and starts on the same data, at the same router.
async fn restarted(house: House, faults: Faults) -> House {
    let House { twin, gateway, stream, pbx } = house;
    drop(stream);
    let data = gateway.stop().await;
    twin.set_faults(faults);
    let gateway = Gateway::on(data).await;
    let stream = Reader::open(&gateway.client).await;
    House { twin, gateway, stream, pbx }
}

/// The user part of the only session.
fn session_user(house: &House) -> String {
    let sessions = house.twin.truth().sessions;
    assert_eq!(sessions.len(), 1, "{sessions:#?}");
    sessions[0].user.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_is_used_at_once_after_a_restart() {
    let house = that_learned().await;
    let mut house = restarted(house, Faults::default()).await;
    until(&mut house, json!({"invite.from_user": "{number}"})).await;
    // The router would have taken the first form too: this one was not found by trying.
    assert_eq!(session_user(&house), "1001");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_works_no_more_is_unlearned() {
    let house = that_learned().await;
    let mut house = restarted(house, faults(1)).await;
    until(&mut house, json!({})).await;
    assert!(session_user(&house).starts_with("1001_"), "the configured form is the next in the order");
    let mut house = restarted(house, Faults::default()).await;
    until(&mut house, json!({})).await;
    house.close().await;
}

fn device(form: &str) -> Faults {
    Faults { device_form: form.to_owned(), ..Faults::default() }
}

/// A router that is addressed in one way, then in another: what was learned is given up.
async fn unlearns(before: Faults, learned: Value, after: Faults, then: Value) {
    let config = TwinConfig { system: System::large(1), faults: before, ..TwinConfig::default() };
    let mut house = House::unsettled(config, json!({})).await;
    until(&mut house, learned).await;
    let mut house = restarted(house, after).await;
    until(&mut house, then.clone()).await;
    // And what works now is what the next run begins with.
    let faults = house.twin.faults();
    let mut house = restarted(house, faults).await;
    until(&mut house, then).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_of_the_phone_takes_the_place_of_the_learned_one() {
    let learned = json!({"device_id.self": "tel:{number}"});
    unlearns(device("tel"), learned.clone(), device("device"), json!({})).await;
    unlearns(device("tel"), learned, device("bare"), json!({"device_id.self": "{number}"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_that_is_wanted_again_is_sent_again() {
    let refuse = |times| {
        let answer = Answer { status: 415, times, retry_after: 0 };
        Faults { answers: BTreeMap::from([("INVITE".to_owned(), answer)]), ..Faults::default() }
    };
    unlearns(refuse(1), json!({"xml.declaration": "off"}), refuse(1), json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_opens_no_session_any_more_is_forgotten_as_a_whole() {
    // The line as private data was learned; now every identity is refused with it.
    let silent = Faults { no_invite_body: true, ..Faults::default() };
    let config = TwinConfig { system: System::large(1), faults: silent, ..TwinConfig::default() };
    let mut house = House::unsettled(config, json!({})).await;
    until(&mut house, json!({"status.private_line": "lcs"})).await;
    let identities = 6;
    let mut house = restarted(house, faults(identities)).await;
    until(&mut house, json!({})).await;
    assert!(session_user(&house).starts_with("1001_"), "the trials begin with what is configured");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_wrote_wins_over_what_was_learned() {
    let mut house = that_learned().await;
    // It is the default, but now somebody wants it.
    let dialect = json!({"dialect": {"invite.from_user": "{number}_{mac}"}});
    house.client().patch(&format!("/pbxs/{}", house.pbx), &dialect).await.unwrap();
    until(&mut house, json!({})).await;
    let mut house = restarted(house, Faults::default()).await;
    until(&mut house, json!({})).await;
    assert!(session_user(&house).starts_with("1001_"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_can_be_forgotten() {
    let mut house = that_learned().await;
    house.client().delete(&format!("/pbxs/{}/learned", house.pbx)).await.unwrap();
    until(&mut house, json!({})).await;
    assert!(session_user(&house).starts_with("1001_"), "everything is tried anew");
    let mut house = restarted(house, Faults::default()).await;
    until(&mut house, json!({})).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_router_is_another_dialect() {
    let mut house = that_learned().await;
    let other = cme_twin::Twin::start(TwinConfig { system: System::large(1), ..TwinConfig::default() }).await.unwrap();
    let moved = json!({"sip": {"port": other.sip_addr().port()}, "axl": {"port": other.xml_addr().port()}});
    house.client().patch(&format!("/pbxs/{}", house.pbx), &moved).await.unwrap();
    until(&mut house, json!({})).await;
    house.twin = other;
    assert!(session_user(&house).starts_with("1001_"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_router_is_heard_to_use_counts_more_than_what_it_used() {
    let ed4 = "http://www.ecma-international.org/standards/ecma-323/csta/ed4".to_owned();
    let faults = Faults { namespace: ed4, separate_response: true, ..Faults::default() };
    let config = TwinConfig { system: System::large(1), faults: faults.clone(), ..TwinConfig::default() };
    let dialect = json!({"dialect": {"csta.namespace": "learn"}});
    let mut house = House::unsettled(config, dialect).await;
    until(&mut house, json!({"csta.namespace": "ed4", "response.mode": "separate"})).await;
    let mut house = restarted(house, faults).await;
    until(&mut house, json!({"csta.namespace": "ed4", "response.mode": "separate"})).await;
    // Another release: it answers in another way.
    let mut house = restarted(house, Faults::default()).await;
    until(&mut house, json!({"csta.namespace": "ed3"})).await;
    // The first message was still in the namespace of before: that is what was learned.
    house.close_despite(&["csta.namespace"]).await;
}

fn allows(call: &Value, action: &str) -> bool {
    call["allowed_actions"].as_array().unwrap().iter().any(|allowed| allowed == action)
}

/// What a router refused once is offered no more and said to be its doing, until somebody has it forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_missing_is_learned_and_forgotten() {
    let mut house = House::open().await;
    house.dial("201", "202").await;
    let ringing = house.until_call("202", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    let call = house.until_call("201", "connected").await;
    assert!(allows(&call, "digits"));
    let can = house.status().await["capabilities"]["digits"].clone();
    let off = Faults { services_off: vec!["GenerateDigits".to_owned()], ..Faults::default() };
    house.twin.set_faults(off);
    let path = format!("/calls/{}/digits", text(&call, "/id"));
    let digits = json!({"digits": "1"});
    assert_eq!(refused(house.client().post(&path, &digits).await).0, 501);
    house.until_pbx("it is learned", |status| status["capabilities"]["digits"] == "no").await;
    assert!(!allows(&house.until_call("201", "connected").await, "digits"));
    house.twin.set_faults(Faults::default());
    let (status, problem) = refused(house.client().post(&path, &digits).await);
    assert_eq!((status, text(&problem, "/code")), (409, "not_allowed_now"));
    assert!(text(&problem, "/detail").contains("This PBX cannot send digits"), "it is not the state: {problem:#}");
    house.client().delete(&format!("/pbxs/{}/learned", house.pbx)).await.unwrap();
    house.until_pbx("it is forgotten", |status| status["capabilities"]["digits"] == can).await;
    house.until_settled().await;
    let call = house.until_call("201", "connected").await;
    assert!(allows(&call, "digits"), "{call:#}");
    house.client().post(&path, &digits).await.unwrap();
    house.act(&call, "drop").await.unwrap();
    house.until_ended(&call).await;
    house.close().await;
}

/// Taking somebody out of a conference and refusing a ringing call have no service of their own: they are learned and
/// told all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_service_of_its_own_is_learned_too() {
    for (preset, removes, rejects) in [(Preset::V80, "no", "no"), (Preset::V88, "yes", "yes")] {
        let behaviour = Behaviour::preset(preset);
        let mut house = House::with(TwinConfig { behaviour, ..TwinConfig::default() }, json!({})).await;
        let before = house.until_pbx("it told what it can", |status| status["capabilities"]["digits"] == "yes").await;
        assert_eq!(before["capabilities"]["reject"], rejects);
        assert_eq!(before["capabilities"]["remove_from_conference"], "unknown");
        let conference = house.conferring().await;
        let path = format!("/calls/{}/remove-from-conference", text(&conference, "/id"));
        let party = json!({"party": "208"});
        let done = house.client().post(&path, &party).await;
        if removes == "no" {
            assert_eq!(refused(done).0, 501);
            let call = house.until_call("201", "conferenced").await;
            assert!(!allows(&call, "remove_from_conference"), "it was offered again: {call:#}");
            let (status, problem) = refused(house.client().post(&path, &party).await);
            assert_eq!((status, text(&problem, "/code")), (409, "not_allowed_now"));
        } else {
            done.unwrap();
        }
        house.until_pbx("it is learned", |status| status["capabilities"]["remove_from_conference"] == removes).await;
        house.clear().await;
        house.close().await;
    }
}
