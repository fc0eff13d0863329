//! The real program as a process: killed in the middle of calls, ended in order, and what it writes to its log.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use cme_twin::{TrunkAction, TwinConfig};
use serde_json::Value;

use crate::kit::{Gateway, House, text};

/// The calls that live by the stream alone.
fn living(events: &[Value]) -> BTreeMap<String, Value> {
    let mut calls = BTreeMap::new();
    for event in events.iter().filter(|event| text(event, "/event").starts_with("call.")) {
        let id = text(event, "/call_id").to_owned();
        match text(event, "/event") {
            "call.created" => assert!(calls.insert(id, event["data"].clone()).is_none(), "made twice: {event}"),
            "call.updated" => {
                assert!(calls.insert(id, event["data"].clone()).is_some(), "changed before it was made: {event}")
            }
            _ => assert!(calls.remove(&id).is_some(), "ended twice: {event}"),
        }
    }
    calls
}

async fn talk(house: &mut House) -> (Value, Value) {
    house.twin.dial("201", "202").await.unwrap();
    let called = house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    let calling = house.until_call("201", "connected").await;
    house.until_call("202", "connected").await;
    (calling, called)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_calls_it_shows_the_truth_again_and_the_stream_has_no_hole() {
    let mut house = House::process(TwinConfig::default()).await;
    let (calling, called) = talk(&mut house).await;
    let gcid = house.twin.call_in("0301234567", "208").await.unwrap().gcid;
    let ringing = house.until_call("208", "offering").await;
    let House { twin, gateway, stream, pbx } = house;
    let data = gateway.kill();
    // While it is away one call changes, one ends, one begins.
    twin.hold("202").await.unwrap();
    twin.trunk(&gcid, TrunkAction::HangUp).await.unwrap();
    twin.call_in("0307654321", "208").await.unwrap();
    let began = tokio::time::Instant::now();
    let gateway = Gateway::process(data).await;
    let stream = stream.resume(&gateway.client).await;
    let mut house = House { twin, gateway, stream, pbx };
    house.settle_calls().await;
    assert!(began.elapsed() < Duration::from_secs(5), "the truth after {:?}", began.elapsed());
    let held = house.until_call("201", "remote_held").await;
    assert_eq!(
        (&held["id"], &held["conversation_id"], &held["created_at"]),
        (&calling["id"], &calling["conversation_id"], &calling["created_at"])
    );
    assert_eq!(house.until_call("202", "on_hold").await["id"], called["id"]);
    let ended = house.until_ended(&ringing).await;
    assert!(!ended["ended_at"].is_null() && !ended["cause"].is_null());
    let new = house.until_call("208", "offering").await;
    assert_ne!(new["id"], ringing["id"]);
    house.until_settled().await;
    house.settle_calls().await;
    // Whoever only read the stream knows the same as who asks now.
    let shown = house.client().list("/calls").await.unwrap();
    let told = living(house.stream.seen());
    assert_eq!(told.len(), shown.len());
    for call in &shown {
        assert_eq!(told.get(text(call, "/id")), Some(call));
    }
    // Commands work on calls of the earlier run.
    house.act(&held, "drop").await.unwrap();
    house.until_ended(&held).await;
    // The router tells sessions of the dead process until it hears that they are gone.
    house.forgive(&["event.answer"]);
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_keeps_ids_and_lines() {
    let mut house = House::process(TwinConfig::default()).await;
    let (calling, _) = talk(&mut house).await;
    let lines: Vec<String> = house.lines().await.iter().map(|line| text(line, "/id").to_owned()).collect();
    for _ in 0..3 {
        let House { twin, gateway, stream, pbx } = house;
        let gateway = Gateway::process(gateway.kill()).await;
        let stream = stream.resume(&gateway.client).await;
        house = House { twin, gateway, stream, pbx };
    }
    house.settle_calls().await;
    assert_eq!(house.until_call("201", "connected").await["id"], calling["id"]);
    assert_eq!(house.lines().await.iter().map(|line| text(line, "/id").to_owned()).collect::<Vec<_>>(), lines);
    house.until_settled().await;
    house.forgive(&["event.answer"]);
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_in_order_it_leaves_nothing_at_the_router_and_knows_the_calls_again() {
    let mut house = House::process(TwinConfig::default()).await;
    let (calling, _) = talk(&mut house).await;
    house.twin.clear_requests();
    let House { twin, gateway, stream, pbx } = house;
    let began = tokio::time::Instant::now();
    let data = gateway.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let truth = twin.truth();
    assert!(truth.sessions.is_empty() && truth.registrations.is_empty(), "{truth:#?}");
    let requests = twin.requests();
    assert_eq!((requests.services["MonitorStop"], requests.methods["BYE"]), (6, 6));
    let gateway = Gateway::process(data).await;
    let stream = stream.resume(&gateway.client).await;
    let mut house = House { twin, gateway, stream, pbx };
    house.settle_calls().await;
    assert_eq!(house.until_call("201", "connected").await["id"], calling["id"]);
    house.until_settled().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_no_number_no_person_and_no_secret() {
    let mut house = House::process(TwinConfig::default()).await;
    house.dial("201", "0301234567").await;
    house.until_call("201", "connected").await;
    house.twin.call_in("0307654321", "208").await.unwrap();
    let ringing = house.until_call("208", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    house.dial("202", "999").await;
    house.until_call("202", "failed").await;
    house.twin.reset_connections().await;
    house.twin.clear_session("208");
    house.until_line("208", "is monitored again", |line| line["monitor"]["state"] == "active").await;
    house.settle_calls().await;
    let path = house.gateway.data.path().join("log");
    let password = house.twin.system().xml_password;
    let log = std::fs::read_to_string(path).unwrap();
    assert!(log.contains("registered at the PBX"), "there is a log");
    let words: Vec<&str> = log.split(|c: char| !c.is_alphanumeric()).collect();
    for personal in
        ["0301234567", "0307654321", "201", "202", "205", "207", "208", "999", "Anna", "Gus", "Ida", "00AA11BB0001"]
    {
        assert!(!words.contains(&personal), "{personal} in the log:\n{log}");
    }
    assert!(!log.contains(&password) && !log.contains("a-token-of-the-scenarios"));
    house.close().await;
}

/// Hooks of certbot and logrotate send it; it once ended the gateway on the spot, and systemd took that for a clean end.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_signal_without_a_terminal_ends_nothing() {
    let gateway = Gateway::process(tempfile::tempdir().unwrap()).await;
    let pid = gateway.pid().unwrap().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    gateway.until_logged("SIGHUP").await;
    gateway.client.get("/me").await.unwrap();
    gateway.stop().await;
}

#[test]
fn a_command_line_that_cannot_be_read_ends_with_64() {
    let end = |line: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_linegate")).args(line.split_whitespace()).output().unwrap();
        (output.status.code(), output)
    };
    for line in ["nonsense", "serve --bogus", "trace --count x", "dial 201", ""] {
        let (code, output) = end(line);
        assert!(code == Some(64) && output.stdout.is_empty() && !output.stderr.is_empty(), "{line}: {output:?}");
    }
    for line in ["--help", "serve --help", "help dial", "--version"] {
        let (code, output) = end(line);
        assert!(code == Some(0) && output.stderr.is_empty() && !output.stdout.is_empty(), "{line}: {output:?}");
    }
}
