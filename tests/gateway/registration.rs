//! The registration of the session server: silence, refusals, wrong credentials, expiry.

use cme_twin::{Faults, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, text};

fn active(line: &Value) -> bool {
    line["monitor"]["state"] == "active"
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_start_without_an_answer_to_the_registration() {
    let config = TwinConfig { faults: Faults { silent_register: true, ..Faults::default() }, ..TwinConfig::default() };
    let mut house = House::with(config, json!({"dialect": {"register.wait": 1}})).await;
    for number in ["201", "202", "208"] {
        house.until_line(number, "is monitored", active).await;
    }
    house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_is_never_registered_at_works_fully() {
    let mut config = TwinConfig::default();
    config.system.session_servers.clear();
    let mut house = House::with(config, json!({"dialect": {"register.mode": "never"}})).await;
    assert_eq!(house.twin.requests().methods.get("REGISTER"), None);
    let status = house.until_pbx("it is up", |status| status["state"] == "up").await;
    assert_eq!(text(&status, "/sip/state"), "connected");
    house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_one_clear_sentence_and_no_storm() {
    let config = TwinConfig::default();
    let mut house = House::unsettled(config, json!({"axl": {"password": "not-it"}})).await;
    let status = house
        .until_pbx("the credentials are rejected", |status| {
            status["sip"]["state"] == "refused" && status["axl"]["state"] == "refused"
        })
        .await;
    assert_eq!(text(&status, "/state"), "down");
    let reason = text(&status, "/reason");
    assert!(reason.contains("user name or password") && reason.contains("xml user"), "{reason}");
    assert!(!reason.contains("not-it"));
    // Somebody looks again and again: nothing more is sent.
    for _ in 0..20 {
        house.status().await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let requests = house.twin.requests();
    assert_eq!(requests.methods["REGISTER"], 2, "once without and once with credentials");
    assert_eq!(house.twin.xml_counts().0, 1, "the XML API was asked once");
    // Mended by a person, it goes on at once.
    let right = house.twin.system().xml_password;
    house.client().patch(&format!("/pbxs/{}", house.pbx), &json!({"axl": {"password": right}})).await.unwrap();
    house.until_settled().await;
    house.close_despite(&["digest.response"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_session_server_is_told_with_its_name() {
    let mut house = House::unsettled(TwinConfig::default(), json!({"sip": {"session_server_id": "ss_other"}})).await;
    let status = house.until_pbx("the registration is refused", |status| status["sip"]["state"] == "refused").await;
    let reason = text(&status, "/reason");
    assert!(reason.contains("ss_other") && reason.contains("register-id"), "{reason}");
    house.until_line("201", "is monitored all the same", active).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_refreshed_before_it_expires() {
    let mut config = TwinConfig::default();
    config.system.registrar = Some((4, 1));
    config.system.session_servers.get_mut(&2).unwrap().keepalive = 1;
    let mut house = House::with(config, json!({})).await;
    let before = house.twin.requests().methods["REGISTER"];
    house.twin.until_requests(|requests| requests.methods["REGISTER"] >= before + 3).await;
    assert_eq!(house.twin.truth().registrations.len(), 1);
    house.until_pbx("it is up", |status| status["state"] == "up").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_reference_without_lost_sessions_keeps_the_calls() {
    let mut config = TwinConfig::default();
    config.system.registrar = Some((3, 1));
    config.system.session_servers.get_mut(&2).unwrap().keepalive = 1;
    let mut house = House::with(config, json!({})).await;
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    let call = house.until_call("201", "connected").await;
    let sessions =
        |house: &House| house.twin.truth().sessions.into_iter().map(|session| session.call_id).collect::<Vec<_>>();
    let opened = sessions(&house);
    house.twin.change_reference();
    let before = house.twin.requests().methods["REGISTER"];
    house.twin.until_requests(|requests| requests.methods["REGISTER"] >= before + 2).await;
    let same = house.until_call("201", "connected").await;
    assert_eq!(same["id"], call["id"]);
    assert_eq!(sessions(&house), opened, "no session was opened anew");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_refresh_probes_the_lines_and_is_told() {
    let mut config = TwinConfig::default();
    config.system.registrar = Some((3, 1));
    config.system.session_servers.get_mut(&2).unwrap().keepalive = 1;
    let mut house = House::with(config, json!({})).await;
    house.twin.set_faults(Faults { silent_register: true, ..Faults::default() });
    let status = house.until_pbx("the silence is told", |status| text(status, "/reason").contains("REGISTER")).await;
    assert_eq!(text(&status, "/state"), "degraded");
    house.until_line("201", "is monitored all the same", active).await;
    house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    house.twin.set_faults(Faults::default());
    house.until_pbx("it is up again", |status| status["state"] == "up").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_nobody_answers_are_told_and_not_repeated() {
    let mut house = House::open().await;
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("202", "offering").await;
    let ringing = house.until_call("202", "offering").await;
    house.twin.clear_requests();
    let mut faults = Faults::default();
    faults.answers.insert("INFO".to_owned(), cme_twin::Answer { status: 0, times: 1, retry_after: 0 });
    house.twin.set_faults(faults);
    let (status, problem) = crate::kit::refused(house.act(&ringing, "answer").await);
    assert_eq!((status, text(&problem, "/code")), (504, "pbx_timeout"));
    assert_eq!(house.twin.requests().services.get("AnswerCall").copied().unwrap_or(0), 0, "the router was asked again");
    house.close().await;
}
