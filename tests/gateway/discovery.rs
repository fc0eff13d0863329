//! The XML API fails in every way while phones are used: lines stay what they are.

use cme_twin::{Faults, HttpFailure, TwinConfig, XmlKnobs};
use serde_json::{Value, json};

use crate::kit::{Gateway, House, Reader, pbx_on, refused, text};

async fn fails(failure: HttpFailure) {
    let mut house = House::open().await;
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("202", "offering").await;
    house.twin.set_xml_knobs(XmlKnobs { failure, ..XmlKnobs::default() });
    let status = house
        .until_pbx("the trouble is told", |status| status["axl"]["state"] != "up" && status["state"] == "degraded")
        .await;
    assert!(text(&status, "/reason").starts_with("XML API: "), "{}", status["reason"]);
    // Phones go on.
    house.twin.answer("202").await.unwrap();
    let call = house.until_call("201", "connected").await;
    for number in ["201", "202", "208"] {
        let line = house.line(number).await;
        assert_eq!((text(&line, "/status"), text(&line, "/monitor/state")), ("in_service", "active"), "{number}");
        assert!(line["missing_since"].is_null());
    }
    house.act(&call, "drop").await.unwrap();
    house.until_ended(&call).await;
    house.twin.set_xml_knobs(XmlKnobs::default());
    if failure != HttpFailure::Unauthorized {
        house.until_pbx("it is up again", |status| status["state"] == "up").await;
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_connections_change_no_line() {
    fails(HttpFailure::AcceptClose).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn not_found_changes_no_line() {
    fails(HttpFailure::NotFound).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_changes_no_line() {
    fails(HttpFailure::Html).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_answer_changes_no_line() {
    fails(HttpFailure::HalfBody).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_credentials_change_no_line() {
    fails(HttpFailure::Unauthorized).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_answer_changes_no_line() {
    fails(HttpFailure::Empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_starts_while_the_xml_api_is_away_monitors_the_lines_it_knows() {
    let house = House::open().await;
    let House { twin, gateway, pbx, stream, .. } = house;
    drop(stream);
    let data = gateway.stop().await;
    twin.until_sessions(0).await;
    twin.set_xml_knobs(XmlKnobs { failure: HttpFailure::NotFound, ..XmlKnobs::default() });
    twin.clear_requests();
    let gateway = Gateway::on(data).await;
    let stream = Reader::open(&gateway.client).await;
    let mut house = House { twin, gateway, stream, pbx };
    house.twin.until_monitors(6).await;
    for number in ["201", "202", "205", "208"] {
        house.until_line(number, "is monitored", |line| line["monitor"]["state"] == "active").await;
    }
    house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_and_a_refused_port_say_what_to_check() {
    let gateway = Gateway::open().await;
    let twin = cme_twin::Twin::start(TwinConfig::default()).await.unwrap();
    for (name, patch, word) in [
        ("nowhere", json!({"host": "no-such-host.invalid"}), "host name"),
        ("refused", json!({"host": "127.0.0.1", "sip": {"port": crate::kit::free_port()}}), "sip.port"),
    ] {
        let mut body = pbx_on(&twin, name);
        crate::kit::merge(&mut body, patch);
        let mut stream = Reader::open(&gateway.client).await;
        let id = gateway.create(&body).await;
        let told = stream
            .find("it is down", |event| event["pbx_id"] == id.as_str() && event["data"]["status"]["state"] == "down")
            .await;
        let reason = text(&told, "/data/status/reason");
        assert!(reason.contains(word), "{reason}");
        let (status, body) = gateway.client.probe("/readyz").await.unwrap();
        assert_eq!(status, 503);
        assert!(body.contains(name), "{body}");
    }
    gateway.stop().await;
}

/// The system with 202's number changed to 212, the mobility user's to 215, and 208 taken off its phone.
fn changed(config: &TwinConfig) -> TwinConfig {
    let mut config = config.clone();
    config.system.dns.get_mut(&2).unwrap().number = "212".to_owned();
    config.system.dns.get_mut(&5).unwrap().number = "215".to_owned();
    for user in config.system.user_profiles.values_mut() {
        user.numbers
            .iter_mut()
            .filter(|(number, _)| number == "205")
            .for_each(|(number, _)| *number = "215".to_owned());
    }
    config.system.phones.remove(&5);
    config.system.dns.remove(&8);
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renumbered_phone_keeps_its_line_and_a_vanished_one_is_marked() {
    let house = House::open().await;
    let (ben, eli, ida) = (house.line("202").await, house.line("205").await, house.line("208").await);
    // While the router has it, it is the router's to take away.
    let path = format!("/lines/{}", text(&ida, "/id"));
    let (status, problem) = refused(house.client().delete(&path).await);
    assert_eq!((status, text(&problem, "/code")), (409, "conflict"), "{problem}");
    // The router is configured anew: a twin with the other configuration takes the place of the first one.
    let (sip, xml) = (house.twin.sip_addr(), house.twin.xml_addr());
    house.twin.stop().await;
    let config = TwinConfig { sip, xml, ..changed(&TwinConfig::default()) };
    let twin = loop {
        match cme_twin::Twin::start(config.clone()).await {
            Ok(twin) => break twin,
            // The old sockets are closing.
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let mut house = House { twin, ..house };
    house
        .until_line("212", "is monitored under its old id", |line| {
            line["id"] == ben["id"] && line["monitor"]["state"] == "active"
        })
        .await;
    let gone = house.until_line("208", "is missing", |line| !line["missing_since"].is_null()).await;
    assert_eq!((&gone["id"], text(&gone, "/monitor/state")), (&ida["id"], "off"));
    assert_eq!(house.line("212").await["tapi_id"], ben["tapi_id"]);
    let person = house.line("215").await;
    assert_eq!((&person["id"], &person["tapi_id"], &person["kind"]), (&eli["id"], &eli["tapi_id"], &eli["kind"]));
    // What vanished stays until a person deletes it; then it is gone for good.
    house.client().delete(&path).await.unwrap();
    assert_eq!(refused(house.client().get(&path).await).0, 404);
    let load = house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    assert_eq!((&load["added"], &load["removed"], load["unchanged"].as_u64()), (&json!([]), &json!([]), Some(4)));
    house.dial("201", "212").await;
    house.until_call("212", "offering").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_a_slow_router_come_all_the_same() {
    let mut config =
        TwinConfig { xml_knobs: XmlKnobs { latency_ms: 60, ..XmlKnobs::default() }, ..TwinConfig::default() };
    config.faults = Faults { delay_answers: 100, ..Faults::default() };
    let house = House::with(config, json!({})).await;
    assert_eq!(house.lines().await.len(), 5);
    let (_, peak, _) = house.twin.xml_counts();
    assert!(peak <= 1, "the router's limit of requests at once");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_and_changes_nothing() {
    let house = House::open().await;
    let before: Vec<Value> = house.lines().await;
    let diff =
        house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({"dry_run": true})).await.unwrap();
    assert_eq!((diff["unchanged"].as_u64(), diff["added"].as_array().unwrap().len()), (Some(5), 0));
    assert_eq!(house.lines().await, before);
    house.close().await;
}
