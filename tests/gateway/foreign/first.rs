//! A walk through a day: call, hold, people at the phones, a restart.

use serde_json::{Value, json};

use super::router::Router;
use crate::kit::{Gateway, Reader, free_port, text};

async fn until_call(gateway: &Gateway, stream: &mut Reader, state: &str, direction: &str) -> Value {
    loop {
        let calls = gateway.client.list(&format!("/calls?state={state}")).await.unwrap();
        if let Some(call) = calls.iter().find(|call| call["direction"] == direction) {
            return call.clone();
        }
        stream.any(&format!("an {direction} call in {state}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_of_another_make_is_understood_and_finds_no_fault() {
    let Some(mut router) = Router::start(&[]).await else {
        return;
    };
    let ports = router.ports.clone();
    let gateway = Gateway::open().await;
    let mut stream = Reader::open(&gateway.client).await;
    gateway
        .create(&json!({
            "name": "foreign", "host": "127.0.0.1",
            "sip": {"port": ports["sip"], "local_address": "127.0.0.1", "local_port": free_port()},
            "axl": {"port": ports["xml"], "username": "ctigw", "password": "secret-canary-77"},
        }))
        .await;
    let act = async |call: &Value, verb: &str| {
        gateway.client.post(&format!("/calls/{}/{verb}", text(call, "/id")), &json!({})).await
    };
    let monitored = async |stream: &mut Reader| loop {
        let lines = gateway.client.list("/lines").await.unwrap();
        if lines.len() == 3 && lines.iter().all(|line| line["monitor"]["state"] == "active") {
            return lines;
        }
        stream.any(&format!("three monitored lines, now {lines:?}")).await;
    };
    let lines = monitored(&mut stream).await;
    let first = lines.iter().find(|line| line["number"] == "211").unwrap();
    let call =
        gateway.client.post(&format!("/lines/{}/calls", text(first, "/id")), &json!({"to": "233"})).await.unwrap();
    let ringing = until_call(&gateway, &mut stream, "offering", "inbound").await;
    act(&ringing, "answer").await.unwrap();
    until_call(&gateway, &mut stream, "connected", "outbound").await;
    act(&call, "hold").await.unwrap();
    until_call(&gateway, &mut stream, "remote_held", "inbound").await;
    act(&call, "retrieve").await.unwrap();
    until_call(&gateway, &mut stream, "connected", "inbound").await;
    act(&call, "drop").await.unwrap();
    stream.find("the end", |event| event["event"] == "call.ended" && event["call_id"] == call["id"]).await;
    stream.find("the other end", |event| event["event"] == "call.ended" && event["call_id"] == ringing["id"]).await;
    // People at its phones.
    router.tell("call 233 240").await;
    until_call(&gateway, &mut stream, "offering", "inbound").await;
    router.tell("answer 240").await;
    let talking = until_call(&gateway, &mut stream, "connected", "inbound").await;
    // It starts anew: everything is dropped.
    router.tell("restart").await;
    let end = stream.find("the end", |event| event["event"] == "call.ended" && event["call_id"] == talking["id"]).await;
    assert_eq!(text(&end, "/data/cause"), "pbx_restart");
    monitored(&mut stream).await;
    router.tell("call 211 240").await;
    let ringing = until_call(&gateway, &mut stream, "offering", "inbound").await;
    act(&ringing, "answer").await.unwrap();
    until_call(&gateway, &mut stream, "connected", "outbound").await;
    router.tell("hang 211").await;
    stream.find("the end", |event| event["event"] == "call.ended" && event["call_id"] == ringing["id"]).await;
    gateway.stop().await;
    let judged = router.tell("violations").await;
    assert_eq!(judged["violations"], json!([]), "{judged:#}");
    assert_eq!(judged["unanswered"], 0);
    stream.assert_whole();
}
