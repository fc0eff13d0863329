//! Several routers at one gateway, and the life of a PBX.

use cme_twin::{System, Twin, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{Gateway, House, Reader, free_port, merge, patiently, pbx_on, text};

/// Waits until a call of the twin's number is shown in a state.
async fn until_state(gateway: &Gateway, stream: &mut Reader, pbx: &str, state: &str) -> Value {
    loop {
        let calls = gateway.client.list(&format!("/calls?pbx={pbx}&state={state}")).await.unwrap();
        if let Some(call) = calls.first() {
            return call.clone();
        }
        stream.any(&format!("a call in {state}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_routers_share_one_local_port() {
    let gateway = Gateway::open().await;
    let mut stream = Reader::open(&gateway.client).await;
    let port = free_port();
    let mut both = Vec::new();
    for name in ["north", "south"] {
        let twin = Twin::start(TwinConfig::default()).await.unwrap();
        let mut body = pbx_on(&twin, name);
        merge(&mut body, json!({"sip": {"local_port": port}}));
        let id = gateway.create(&body).await;
        both.push((twin, id));
    }
    for (twin, _) in &both {
        patiently("monitors", twin.until_monitors(6)).await;
    }
    // Both routers connect to the same port and each is heard by its own link.
    for (twin, _) in &both {
        twin.kill_connections().await;
    }
    for (twin, pbx) in &both {
        twin.dial("201", "202").await.unwrap();
        let call = until_state(&gateway, &mut stream, pbx, "offering").await;
        assert_eq!(text(&call, "/pbx_call_id"), twin.truth().calls[0].gcid);
        assert_eq!(gateway.client.list(&format!("/calls?pbx={pbx}")).await.unwrap().len(), 2);
    }
    stream.assert_whole();
    gateway.stop().await;
    for (twin, _) in &both {
        assert!(twin.violations().is_empty(), "{:#?}", twin.violations());
        assert!(twin.truth().sessions.is_empty() && twin.truth().registrations.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_router_does_not_touch_another() {
    let mut house = House::open().await;
    let other = Twin::start(TwinConfig { system: System::large(5), ..TwinConfig::default() }).await.unwrap();
    let bad = house.gateway.create(&pbx_on(&other, "bad")).await;
    patiently("monitors", other.until_monitors(5)).await;
    other.stop().await;
    house
        .stream
        .find("the other is down", |event| {
            event["pbx_id"] == bad.as_str() && event["data"]["status"]["state"] == "down"
        })
        .await;
    house.dial("201", "202").await;
    let ringing = house.until_call("202", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    house.until_call("201", "connected").await;
    assert_eq!(text(&house.status().await, "/state"), "up");
    let (status, body) = house.client().probe("/readyz").await.unwrap();
    assert!(status == 503 && body.contains("bad"));
    house.client().delete(&format!("/pbxs/{bad}")).await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_router_is_left_alone_and_comes_back() {
    let mut house = House::open().await;
    let path = format!("/pbxs/{}", house.pbx);
    house.client().patch(&path, &json!({"enabled": false})).await.unwrap();
    patiently("the sessions end", house.twin.until_sessions(0)).await;
    house.until_pbx("it is disabled", |status| status["state"] == "disabled").await;
    house.until_lines("no line is monitored", |lines| lines.iter().all(|line| line["monitor"]["state"] == "off")).await;
    house.twin.clear_requests();
    house.twin.dial("201", "202").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert!(house.twin.requests().methods.is_empty(), "{:?}", house.twin.requests());
    house.client().patch(&path, &json!({"enabled": true})).await.unwrap();
    house.until_call("202", "offering").await;
    house.until_settled().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_deleted_in_the_middle_of_calls_ends_them_then_its_lines_then_itself() {
    let mut house = House::open().await;
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("202", "offering").await;
    house.stream.skip();
    house.client().delete(&format!("/pbxs/{}", house.pbx)).await.unwrap();
    let mut told = Vec::new();
    loop {
        let event = house.stream.next("the end of the PBX", |_| true).await;
        let name = text(&event, "/event").to_owned();
        if matches!(name.as_str(), "call.ended" | "line.deleted" | "pbx.deleted") {
            told.push((name.clone(), text(&event, "/line_id").to_owned()));
        }
        if name == "pbx.deleted" {
            break;
        }
    }
    let count = |name: &str| told.iter().filter(|(event, _)| event == name).count();
    assert_eq!((count("call.ended"), count("line.deleted"), count("pbx.deleted")), (2, 5, 1));
    for (name, line) in told.iter().filter(|(name, _)| name == "call.ended") {
        let end = told.iter().position(|one| one == &(name.clone(), line.clone())).unwrap();
        let gone = told.iter().position(|(event, of)| event == "line.deleted" && of == line).unwrap();
        assert!(end < gone, "{told:?}");
    }
    assert_eq!(house.client().list("/lines").await.unwrap().len(), 0);
    assert_eq!(house.client().list("/calls").await.unwrap().len(), 0);
    patiently("the sessions end", house.twin.until_sessions(0)).await;
    house.stream.assert_whole();
    assert!(house.twin.violations().is_empty(), "{:#?}", house.twin.violations());
    house.gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_router_twice_on_one_port_is_refused_with_a_reason() {
    let house = House::open().await;
    let pbx = house.client().get(&format!("/pbxs/{}", house.pbx)).await.unwrap();
    let mut body = pbx_on(&house.twin, "again");
    merge(&mut body, json!({"sip": {"local_port": pbx["sip"]["local_port"]}}));
    let (status, problem) = crate::kit::refused(house.client().post("/pbxs", &body).await);
    assert_eq!(status, 422);
    assert!(text(&problem, "/hint").contains("session_server_id"), "{problem}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_settings_are_taken_over_and_calls_live_on() {
    let mut house = House::open().await;
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    let call = house.until_call("201", "connected").await;
    let path = format!("/pbxs/{}", house.pbx);
    house.client().patch(&path, &json!({"name": "main office", "options": {"snapshot_interval_s": 30}})).await.unwrap();
    // Another port for the router to connect to: sessions begin anew, calls do not.
    house.client().patch(&path, &json!({"sip": {"local_port": free_port()}})).await.unwrap();
    house.until_settled().await;
    let same = house.until_call("201", "connected").await;
    assert_eq!(same["id"], call["id"]);
    house.twin.hang_up("201").await.unwrap();
    house.until_ended(&call).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_switched_off_is_left_alone_and_comes_back() {
    let mut house = House::open().await;
    let anna = house.line_id("201").await;
    house.client().patch(&format!("/lines/{anna}"), &json!({"enabled": false})).await.unwrap();
    house.until_line("201", "is not monitored", |line| line["monitor"]["state"] == "off").await;
    house.twin.until(|truth| !truth.sessions.iter().any(|session| session.number == "201")).await;
    house.client().patch(&format!("/lines/{anna}"), &json!({"enabled": true})).await.unwrap();
    house.until_line("201", "is monitored", |line| line["monitor"]["state"] == "active").await;
    house.dial("201", "208").await;
    house.until_call("208", "offering").await;
    house.close().await;
}
