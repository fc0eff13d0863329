//! Machines that enrol: through the real program, over its end, and from the command line.

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use linegate::client::{Client, ClientError};
use serde_json::{Value, json};

use crate::kit::{GLANCE, Gateway, House, Reader, TOKEN, patiently, text};

/// Asks as a machine that has nothing but a code.
async fn enrol(url: &str, code: &str, machine: &str) -> Result<Value, ClientError> {
    Client::new(url, "").unwrap().post("/enrol", &json!({"code": code, "machine": machine})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_machines_every_token_is_counted_and_every_answer_counts() {
    let gateway = Gateway::process(tempfile::tempdir().unwrap()).await;
    let made = gateway.client.post("/enrolments", &json!({"name": "roll-out", "uses": 40})).await.unwrap();
    let code: Arc<str> = text(&made, "/code").into();
    let answered = Arc::new(AtomicUsize::new(0));
    let machines: Vec<_> = (0..8)
        .map(|machine| {
            let (url, code, answered) = (gateway.url().to_owned(), Arc::clone(&code), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut tokens = Vec::new();
                // Until the gateway is gone or the code is used up.
                while let Ok(token) = enrol(&url, &code, &format!("PC-{machine}-{}", tokens.len())).await {
                    tokens.push(text(&token, "/token").to_owned());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                tokens
            })
        })
        .collect();
    patiently("some machines are enrolled", async {
        while answered.load(Ordering::Relaxed) < 12 {
            tokio::time::sleep(GLANCE / 20).await;
        }
    })
    .await;
    let gateway = Gateway::process(gateway.kill()).await;
    let mut told = Vec::new();
    for machine in machines {
        told.extend(machine.await.unwrap());
    }
    let enrolments = gateway.client.list("/enrolments").await.unwrap();
    let used = enrolments[0]["used"].as_u64().unwrap();
    let tokens = gateway.client.list("/tokens").await.unwrap();
    let given = tokens.iter().filter(|token| token["enrolment_id"] == made["id"]).count() as u64;
    assert_eq!(used, given, "uses and tokens are counted together");
    assert!((told.len() as u64) <= used && used <= 40, "{} told, {used} used", told.len());
    for token in &told {
        let me = Client::new(gateway.url(), token).unwrap().get("/me").await.unwrap();
        assert!(text(&me, "/name").starts_with("PC-"), "{me}");
    }
    // What is left is given, and not one more.
    for left in used..40 {
        enrol(gateway.url(), &code, &format!("late-{left}")).await.unwrap();
    }
    let refused = enrol(gateway.url(), &code, "too-late").await.unwrap_err();
    assert!(matches!(&refused, ClientError::Refused { status: 403, .. }), "{refused}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_sees_and_dials_from_the_lines_of_its_code_only() {
    let mut house = House::open().await;
    let line = house.line_id("201").await;
    let body = json!({"name": "desk 201", "lines": [line], "expires_at": "2100-01-01T00:00:00.000Z"});
    let made = house.client().post("/enrolments", &body).await.unwrap();
    let token = enrol(house.gateway.url(), text(&made, "/code"), "DESK-201").await.unwrap();
    let machine = Client::new(house.gateway.url(), text(&token, "/token")).unwrap();
    let lines = machine.list("/lines").await.unwrap();
    assert_eq!(lines.iter().map(|line| text(line, "/number")).collect::<Vec<_>>(), ["201"]);
    let mut reader = Reader::open(&machine).await;
    machine.post(&format!("/lines/{line}/calls"), &json!({"to": "202"})).await.unwrap();
    house.until_call("202", "offering").await;
    reader.any("its own call").await;
    let events = reader.seen();
    assert!(events.iter().all(|event| event["line_id"] == json!(line) || event["line_id"].is_null()), "{events:#?}");
    let call = house.until_call("201", "ringback").await;
    let clients = house.client().list("/clients").await.unwrap();
    let shown: Vec<&str> = clients.iter().map(|client| text(client, "/token")).collect();
    assert!(shown.contains(&"DESK-201"), "{shown:?}");
    machine.post(&format!("/calls/{}/drop", text(&call, "/id")), &json!({})).await.unwrap();
    house.until_ended(&call).await;
    assert!(house.stream.seen().iter().any(|event| event["actor"] == "DESK-201"), "the machine is the actor");
    drop(reader);
    house.close().await;
}

async fn run(gateway: &Gateway, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
    command.args(arguments).env("LINEGATE_URL", gateway.url()).env("LINEGATE_TOKEN", TOKEN);
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().expect("the program starts")
}

async fn said(gateway: &Gateway, arguments: &[&str]) -> String {
    let output = run(gateway, arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_makes_lists_and_removes_codes() {
    let house = House::open().await;
    let gateway = &house.gateway;
    let code = said(gateway, &["enrolments", "create", "desks", "--uses", "3", "--line", "201"]).await;
    assert!(code.starts_with("LGE-") && !code.contains('\n'), "only the code goes to standard output: {code}");
    let list = said(gateway, &["enrolments", "list"]).await;
    assert!(list.contains("desks") && list.contains("0/3") && !list.contains(&code), "{list}");
    let token = enrol(gateway.url(), &code, "PC-1").await.unwrap();
    assert_eq!(token["lines"], json!([house.line_id("201").await]));
    let rows: Value = serde_json::from_str(&said(gateway, &["enrolments", "list", "--json"]).await).unwrap();
    assert_eq!(rows[0]["used"], 1);
    said(gateway, &["enrolments", "remove", text(&rows[0], "/id")]).await;
    assert!(enrol(gateway.url(), &code, "PC-2").await.is_err());
    assert!(!run(gateway, &["enrolments", "remove", "enr_none"]).await.status.success());
    house.close().await;
}
