//! The support bundle of a gateway with phones that were used: everything is in it, and nobody.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::Command;

use cme_twin::TwinConfig;
use linegate::client::Client;
use serde_json::Value;

use crate::kit::{House, text};

/// The files of a bundle by name.
fn files(bundle: &[u8]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(flate2::read::GzDecoder::new(bundle)).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        found.insert(name, content);
    }
    found
}

/// Whether a number stands in a text by itself.
fn has_number(text: &str, number: &str) -> bool {
    text.match_indices(number).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + number.len()..].chars().next();
        // Not within an id, a time, a count of microseconds.
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.')
            && !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.')
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_holds_everything_but_secrets_numbers_and_names() {
    let mut house = House::process(TwinConfig::default()).await;
    house.client().put("/log-level", &serde_json::json!({"filter": "debug"})).await.unwrap();
    house.twin.call_in("0301234567", "208").await.unwrap();
    house.until_call("208", "offering").await;
    let made = house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    // A stranger is refused, which is told at debug.
    Client::new(house.gateway.url(), "lg_nobody-knows-this-one").unwrap().get("/pbxs").await.unwrap_err();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("support.tar.gz");
    let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
    command
        .args(["support-bundle", "--url", house.gateway.url(), "--token", house.gateway.token(), "--output"])
        .arg(&file);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let files = files(&std::fs::read(&file).unwrap());
    let json = |name: &str| serde_json::from_str::<Value>(&files[name]).unwrap();
    assert_eq!(json("version.json")["linegate"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json("settings.json")["has_admin_token"], true);
    assert_eq!(json("pbxs.json")[0]["axl"]["has_password"], true);
    assert_eq!(json("lines.json").as_array().unwrap().len(), 5);
    assert_eq!(json("calls.json").as_array().unwrap().len(), 3);
    assert!(json("store.json")["schema"].as_i64().unwrap() >= 4);
    let report = &json("doctor.json")[0]["report"];
    assert!(report["checks"].as_array().is_some_and(|checks| !checks.is_empty()), "{report}");
    assert!(files["log.txt"].contains("DEBUG") && files["metrics.txt"].contains("linegate_csta_events_total"));
    let trace: Vec<Value> = files["trace.jsonl"].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(trace.iter().any(|item| text(item, "/summary") == "INFO MakeCall"));
    assert!(trace.iter().any(|item| item["call_id"] == made["id"]), "ids lead from one file to the other");

    // Who is who can be followed from one file to the other.
    let lines = json("lines.json");
    let with_phone: Vec<&Value> =
        lines.as_array().unwrap().iter().filter(|line| !text(line, "/device_id").is_empty()).collect();
    assert!(with_phone.len() > 2, "{lines:#}");
    for line in with_phone {
        let user = format!("{}_{}", text(line, "/number"), text(line, "/device_id"));
        assert!(user.starts_with("[number-") && files["trace.jsonl"].contains(&user), "{user} is not in the trace");
    }

    let system = house.twin.system();
    let secrets = [house.gateway.token(), system.xml_password.as_str(), "nonce=", "response="];
    // Login names too: they are words of lower-case letters, as the router's own words are.
    assert!(files["trace.jsonl"].contains("<ISuserID>[") && files["trace.jsonl"].contains(">registered<"));
    let people = [
        "0301234567",
        "00AA11BB0001",
        "00AA11BB0005",
        "Anna Berg",
        "Ida Jung",
        "127.0.0.1",
        ">eli<",
        ">anna<",
        ">ida<",
    ];
    for (name, content) in &files {
        for private in secrets.iter().chain(&people) {
            let near =
                content.find(private).map(|at| content[at.saturating_sub(200)..].chars().take(300).collect::<String>());
            assert!(near.is_none(), "{private} in {name}: {near:?}");
        }
        for number in ["201", "202", "203", "204", "205", "207", "208"] {
            // Counters and statuses are numbers too.
            if !matches!(name.as_str(), "metrics.txt" | "trace.jsonl" | "store.json") {
                assert!(!has_number(content, number), "{number} in {name}: {content}");
            }
        }
        assert!(!content.contains("tel:2") && !content.contains("sip:2"), "{name}");
    }
    house.close().await;
}
