//! Number rules over the calls that were.

use std::process::Command;

use cme_twin::{TrunkAction, TwinConfig};
use linegate::client::Client;
use serde_json::{Value, json};

use crate::kit::{House, refused, text};

#[tokio::test(flavor = "multi_thread")]
async fn rules_run_over_the_last_calls_before_they_are_written() {
    let mut house =
        House::with(TwinConfig::default(), json!({"internal_numbers": [{"from": "200", "to": "299"}]})).await;
    for number in ["0301234567", "0301234567", "0891"] {
        let gcid = house.twin.call_in(number, "202").await.unwrap().gcid;
        let ringing = house.until_call("202", "offering").await;
        house.twin.trunk(&gcid, TrunkAction::HangUp).await.unwrap();
        house.until_ended(&ringing).await;
    }
    let out = house.dial("201", "0301234567").await;
    house.act(&out, "drop").await.unwrap();
    house.until_ended(&out).await;
    house.drain().await;
    let path = format!("/pbxs/{}/number-rules", house.pbx);
    let client = house.client().clone();
    let replay = async |body: Value| client.post(&format!("{path}/replay"), &body).await;

    let rules = json!({"incoming": [{"search": "^030(.*)", "replace": "+4930\\1"}]});
    let told = replay(json!({"rules": rules})).await.unwrap();
    assert_eq!(
        (told["calls"].as_u64(), told["numbers"].as_u64(), told["unchanged"].as_u64()),
        (Some(4), Some(5), Some(4)),
        "{told}"
    );
    let changed = &told["changed"][0];
    assert_eq!(
        (text(changed, "/list"), text(changed, "/raw"), &changed["rule"], changed["calls"].as_u64()),
        ("incoming", "0301234567", &json!(0), Some(2))
    );
    assert_eq!(changed["before"], json!({"number": "0301234567", "e164": null}));
    assert_eq!(changed["after"], json!({"number": "+49301234567", "e164": "+49301234567"}));
    assert_eq!(client.get(&path).await.unwrap()["version"], 0, "nothing is written");
    let as_text = replay(json!({"text": "[incoming]\n^030(.*);+4930\\1\n[outgoing]\n^0(.*);\\1\n"})).await.unwrap();
    assert_eq!(as_text["changed"].as_array().unwrap().len(), 2);
    assert_eq!(replay(json!({"calls": 1})).await.unwrap()["calls"], 1);

    // Written, the stored rules are compared with what was shown then.
    assert_eq!(replay(json!({})).await.unwrap()["changed"], json!([]));
    client.put_again(&path, "", &rules).await.unwrap();
    assert_eq!(replay(json!({})).await.unwrap()["changed"][0], *changed);

    // A token of one line sees the calls of that line.
    let limited = json!({"name": "door", "scopes": ["read"], "lines": [house.line_id("201").await]});
    let token = client.post("/tokens", &limited).await.unwrap();
    let door = Client::new(house.gateway.url(), text(&token, "/token")).unwrap();
    assert_eq!(door.post(&format!("{path}/replay"), &json!({})).await.unwrap()["calls"], 1);

    for (body, pointer) in [
        (json!({"rules": {"incoming": [{"search": "("}]}}), "/rules/incoming/0/search"),
        (json!({"rules": {}, "text": ""}), "/text"),
        (json!({"calls": 0}), "/calls"),
        (json!({"colour": 1}), "/colour"),
    ] {
        let (status, problem) = refused(replay(body).await);
        assert_eq!((status, text(&problem, "/errors/0/pointer")), (422, pointer), "{problem}");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_before_and_after() {
    let mut house = House::open().await;
    let gcid = house.twin.call_in("0301234567", "202").await.unwrap().gcid;
    let ringing = house.until_call("202", "offering").await;
    house.twin.trunk(&gcid, TrunkAction::HangUp).await.unwrap();
    house.until_ended(&ringing).await;
    house.drain().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.txt");
    std::fs::write(&file, "[incoming]\n^0(.*);\\1\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
    command.args(["rules", "replay"]).arg(&file);
    command.env("LINEGATE_URL", house.gateway.url()).env("LINEGATE_TOKEN", house.gateway.token());
    let out = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    let row: Vec<&str> = said.lines().nth(1).unwrap_or_default().split_whitespace().take(6).collect();
    assert_eq!(row, ["incoming", "0301234567", "0301234567", "301234567", "0", "1"], "{said}");
    assert!(said.contains("1 calls looked at, 2 numbers: 1 change, 1 stay."), "{said}");
    house.close().await;
}
