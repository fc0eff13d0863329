//! Every operation on every kind of router, with the services that it took: the table of docs/operations.md.

use std::fmt::Write as _;

use cme_twin::{Behaviour, Faults, Preset, TwinConfig};
use linegate::client::ClientError;
use serde_json::{Value, json};

use crate::kit::{GLANCE, House, patiently, text};

/// Operations of the manual's section 7 (dossier 15a), in its order.
const OPERATIONS: [&str; 20] = [
    "dial",
    "dial without a number, then digits",
    "answer",
    "drop",
    "drop while ringing",
    "hold",
    "retrieve",
    "answer a waiting call",
    "redirect",
    "blind transfer",
    "consult",
    "consult without a number",
    "swap",
    "abort a consultation",
    "complete as transfer",
    "complete as conference",
    "add to a conference",
    "remove from a conference",
    "send digits",
    "forwarding and do not disturb",
];

/// Services that a poor release lacks; each has an alternative.
const POOR: [&str; 6] =
    ["SingleStepTransferCall", "ConsultationCall", "AlternateCall", "ReconnectCall", "DialDigits", "GenerateDigits"];

impl House {
    async fn act_with(&self, call: &Value, verb: &str, body: Value) -> Result<Value, ClientError> {
        self.client().post(&format!("/calls/{}/{verb}", text(call, "/id")), &body).await
    }

    /// 201 talks to 202; gives the call of 201.
    async fn talking(&mut self) -> Value {
        self.dial("201", "202").await;
        let ringing = self.until_call("202", "offering").await;
        self.act(&ringing, "answer").await.unwrap();
        self.until_call("201", "connected").await
    }

    /// 201 talks to 202 and consults 208; gives the held call and the consultation.
    async fn consulting(&mut self) -> (Value, Value) {
        let call = self.talking().await;
        self.act_with(&call, "consult", json!({"to": "208"})).await.unwrap();
        let ringing = self.until_call("208", "offering").await;
        self.act(&ringing, "answer").await.unwrap();
        (self.until_call("201", "on_hold").await, self.until_call("201", "connected").await)
    }

    pub(crate) async fn conferring(&mut self) -> Value {
        let (_, second) = self.consulting().await;
        self.act_with(&second, "complete-transfer", json!({"mode": "conference"})).await.unwrap();
        self.until_call("201", "conferenced").await
    }

    /// Hangs up everywhere.
    pub(crate) async fn clear(&mut self) {
        self.settle_calls().await;
        let twin = self.twin.clone();
        patiently("everybody hung up", async {
            loop {
                let calls = twin.truth().calls;
                if calls.is_empty() {
                    return;
                }
                for leg in calls.iter().flat_map(|call| &call.legs) {
                    if twin.hang_up(&leg.number).await.is_err() {
                        // Only what is held is left there: it comes back and goes next time. A busy tone ends by itself.
                        let _ = twin.retrieve(&leg.number).await;
                    }
                }
                tokio::time::sleep(GLANCE).await;
            }
        })
        .await;
        self.settle_calls().await;
    }

    /// Does one operation and waits for its effect; `None` where the PBX cannot and the call says so.
    #[expect(clippy::too_many_lines, reason = "a table of operations")]
    async fn operate(&mut self, operation: &str) -> Option<()> {
        match operation {
            "dial" => {
                self.record();
                self.dial("201", "202").await;
                self.until_call("202", "offering").await;
            }
            "dial without a number, then digits" => {
                let line = self.line_id("201").await;
                self.record();
                let call = self.client().post(&format!("/lines/{line}/calls"), &json!({})).await.unwrap();
                let tone = self.until_call("201", "dial_tone").await;
                assert_eq!(tone["id"], call["id"]);
                self.act_with(&tone, "dial", json!({"digits": "202"})).await.unwrap();
                self.until_call("202", "offering").await;
            }
            "answer" => {
                self.twin.dial("201", "202").await.unwrap();
                let ringing = self.until_call("202", "offering").await;
                self.record();
                self.act(&ringing, "answer").await.unwrap();
                self.until_call("202", "connected").await;
            }
            "drop" => {
                let call = self.talking().await;
                self.record();
                self.act(&call, "drop").await.unwrap();
                assert_eq!(text(&self.until_ended(&call).await, "/state"), "ended");
            }
            "drop while ringing" => {
                self.twin.dial("201", "202").await.unwrap();
                let ringing = self.until_call("202", "offering").await;
                self.record();
                if !allows(&ringing, "drop") {
                    return None;
                }
                self.act(&ringing, "drop").await.unwrap();
                assert_eq!(text(&self.until_ended(&ringing).await, "/cause"), "rejected");
            }
            "hold" | "retrieve" => {
                let call = self.talking().await;
                if operation == "retrieve" {
                    self.act(&call, "hold").await.unwrap();
                    self.until_call("201", "on_hold").await;
                }
                self.record();
                self.act(&call, operation).await.unwrap();
                self.until_call("202", if operation == "hold" { "remote_held" } else { "connected" }).await;
            }
            "answer a waiting call" => {
                self.talking().await;
                self.twin.dial("208", "201").await.unwrap();
                let waiting = self.until_call("201", "offering").await;
                self.record();
                self.act(&waiting, "answer").await.unwrap();
                self.until_call("208", "connected").await;
                self.until_call("201", "on_hold").await;
            }
            "redirect" => {
                self.twin.dial("201", "202").await.unwrap();
                let ringing = self.until_call("202", "offering").await;
                self.record();
                self.act_with(&ringing, "redirect", json!({"to": "208"})).await.unwrap();
                self.until_call("208", "offering").await;
                self.until_ended(&ringing).await;
            }
            "blind transfer" => {
                let call = self.talking().await;
                self.record();
                self.act_with(&call, "blind-transfer", json!({"to": "208"})).await.unwrap();
                let ended = self.until_ended(&call).await;
                assert_eq!(text(&ended, "/cause"), "transferred");
                let moved = self.until_call("208", "offering").await;
                assert_eq!(moved["conversation_id"], call["conversation_id"], "one conversation to the end");
            }
            "consult" => {
                let call = self.talking().await;
                self.record();
                let made = self.act_with(&call, "consult", json!({"to": "208"})).await.unwrap();
                assert_eq!(made["consultation_of"], call["id"]);
                self.until_call("208", "offering").await;
                self.until_call("202", "remote_held").await;
            }
            "consult without a number" => {
                let call = self.talking().await;
                self.record();
                let made = self.act_with(&call, "consult", json!({})).await.unwrap();
                let tone = self.until_call("201", "dial_tone").await;
                assert_eq!(tone["id"], made["id"]);
                self.act_with(&tone, "dial", json!({"digits": "208"})).await.unwrap();
                self.until_call("208", "offering").await;
            }
            "swap" => {
                let (first, second) = self.consulting().await;
                self.record();
                self.act(&second, "swap").await.unwrap();
                let active = self.until_call("202", "connected").await;
                assert_eq!(active["conversation_id"], first["conversation_id"]);
                self.until_call("208", "remote_held").await;
            }
            "abort a consultation" => {
                let (_, second) = self.consulting().await;
                self.record();
                self.act(&second, "drop").await.unwrap();
                self.until_ended(&second).await;
                self.until_call("202", "connected").await;
            }
            "complete as transfer" => {
                let (first, second) = self.consulting().await;
                self.record();
                self.act(&second, "complete-transfer").await.unwrap();
                assert_eq!(text(&self.until_ended(&first).await, "/cause"), "transferred");
                let left = self.until_call("202", "connected").await;
                assert_eq!(text(&left, "/connected/number"), "208");
            }
            "complete as conference" => {
                let (_, second) = self.consulting().await;
                self.record();
                self.act_with(&second, "complete-transfer", json!({"mode": "conference"})).await.unwrap();
                let conference = self.until_call("201", "conferenced").await;
                assert_eq!(conference["participants"].as_array().map(Vec::len), Some(2));
            }
            "add to a conference" => {
                let conference = self.conferring().await;
                self.act_with(&conference, "consult", json!({"to": "205"})).await.unwrap();
                let ringing = self.until_call("205", "offering").await;
                self.act(&ringing, "answer").await.unwrap();
                let call = self.until_call("201", "connected").await;
                self.record();
                self.act(&call, "add-to-conference").await.unwrap();
                let line = self.line_id("201").await;
                self.stream
                    .find("three others", |event| {
                        event["line_id"] == line.as_str()
                            && event["data"]["participants"].as_array().is_some_and(|others| others.len() == 3)
                    })
                    .await;
            }
            "remove from a conference" => {
                let conference = self.conferring().await;
                self.record();
                if !allows(&conference, "remove_from_conference") {
                    return None;
                }
                match self.act_with(&conference, "remove-from-conference", json!({"party": "208"})).await {
                    Ok(_) => {}
                    Err(ClientError::Refused { status: 502 | 501, .. }) => return None,
                    Err(error) => panic!("{error}"),
                }
                let left = self.until_call("201", "connected").await;
                assert_eq!(text(&left, "/connected/number"), "202");
            }
            "send digits" => {
                let call = self.talking().await;
                self.record();
                if !allows(&call, "digits") {
                    return None;
                }
                self.act_with(&call, "digits", json!({"digits": "12#"})).await.unwrap();
            }
            _ => {
                let line = self.line_id("201").await;
                let forwarding = format!("/lines/{line}/forwarding");
                self.record();
                for (wanted, shown) in [(json!("208"), Some("208")), (Value::Null, None)] {
                    let set = self.client().put(&forwarding, &json!({"unconditional": wanted})).await.unwrap();
                    assert_eq!(set["unconditional"].as_str(), shown);
                    assert_eq!(self.client().get(&forwarding).await.unwrap()["unconditional"].as_str(), shown);
                }
                for on in [true, false] {
                    let path = format!("/lines/{line}/do-not-disturb");
                    let set = self.client().put(&path, &json!({"enabled": on})).await.unwrap();
                    assert_eq!(set["enabled"], on);
                    self.until_line("201", "do not disturb", |line| line["do_not_disturb"] == on).await;
                }
            }
        }
        Some(())
    }

    fn record(&self) {
        self.twin.clear_requests();
    }

    /// What was asked of the router since [`House::record`], without the questions that change nothing.
    fn recorded(&self) -> String {
        let services = self.twin.requests().services;
        let names: Vec<String> = services
            .iter()
            .filter(|(name, _)| !["Get", "Monitor", "Snapshot", "Request"].iter().any(|asks| name.starts_with(asks)))
            .map(|(name, times)| if *times > 1 { format!("{name} ×{times}") } else { name.clone() })
            .collect();
        names.join(", ")
    }
}

fn allows(call: &Value, action: &str) -> bool {
    call["allowed_actions"].as_array().unwrap().iter().any(|allowed| allowed == action)
}

/// One column of the table.
async fn column(preset: Preset, off: &[&str]) -> Vec<String> {
    let behaviour = Behaviour::preset(preset);
    let faults = Faults { services_off: off.iter().map(|name| (*name).to_owned()).collect(), ..Faults::default() };
    let mut house = House::with(TwinConfig { behaviour, faults, ..TwinConfig::default() }, json!({})).await;
    house.twin.login("eli", "00AA11BB0003").await.unwrap();
    house.until_line("205", "its user is at a phone", |line| line["status"] == "in_service").await;
    let mut cells = Vec::new();
    for operation in OPERATIONS {
        let done = house.operate(operation).await;
        let services = house.recorded();
        cells.push(if done.is_some() { services } else { "not possible".to_owned() });
        house.clear().await;
        assert!(house.twin.violations().is_empty(), "{operation}: {:#?}", house.twin.violations());
    }
    house.close().await;
    cells
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_works_on_every_release_or_says_that_it_cannot() {
    let (old, traced, new, poor) = tokio::join!(
        column(Preset::V80, &[]),
        column(Preset::V86, &[]),
        column(Preset::V88, &[]),
        column(Preset::V86, &POOR),
    );
    let mut table =
        "| operation | 8.0 | 8.6 | 8.8 | 8.6 without optional services |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for (at, operation) in OPERATIONS.iter().enumerate() {
        writeln!(table, "| {operation} | {} | {} | {} | {} |", old[at], traced[at], new[at], poor[at]).unwrap();
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
    let (begin, end) = ("<!-- the table: written by tests/gateway/operations.rs -->\n", "<!-- end -->\n");
    let kept = std::fs::read_to_string(file).unwrap();
    let (head, rest) = kept.split_once(begin).expect("the mark before the table");
    let (found, tail) = rest.split_once(end).expect("the mark after the table");
    if std::env::var_os("LINEGATE_WRITE_DOCUMENTS").is_some() {
        std::fs::write(file, format!("{head}{begin}{table}{end}{tail}")).unwrap();
        return;
    }
    assert_eq!(
        found, table,
        "docs/operations.md is old; run: LINEGATE_WRITE_DOCUMENTS=1 cargo test --test gateway operations"
    );
}

/// A router without DialDigits: the gateway collects the digits, and the call that it makes with them takes the place of
/// the one in dial tone.
#[tokio::test(flavor = "multi_thread")]
async fn digits_are_collected_where_the_router_cannot_take_them_one_by_one() {
    let faults =
        Faults { services_off: ["DialDigits", "ConsultationCall"].map(str::to_owned).to_vec(), ..Faults::default() };
    let mut house = House::with(TwinConfig { faults, ..TwinConfig::default() }, json!({})).await;
    let line = house.line_id("201").await;
    let body = json!({"data": {"ticket": 7}, "client_ref": "mine"});
    let tone = house.client().post(&format!("/lines/{line}/calls"), &body).await.unwrap();
    house.until_call("201", "dial_tone").await;
    // In two steps: the first is answered when the second comes, the second when the number is dialled.
    let (first, second) = tokio::join!(house.act_with(&tone, "dial", json!({"digits": "20"})), async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        house.act_with(&tone, "dial", json!({"digits": "2"})).await
    });
    assert_eq!(first.unwrap()["calls"][0]["id"], tone["id"]);
    let dialed = second.unwrap()["calls"][0].clone();
    assert_eq!(text(&dialed, "/called/raw"), "202", "{dialed:#}");
    assert_eq!(dialed["conversation_id"], tone["conversation_id"]);
    assert_eq!((&dialed["data"], &dialed["client_ref"]), (&json!({"ticket": 7}), &json!("mine")));
    let ringing = house.until_call("202", "offering").await;
    assert_eq!(ringing["conversation_id"], tone["conversation_id"], "one conversation from the first ring");
    house.act(&ringing, "answer").await.unwrap();
    let held = house.until_call("201", "connected").await;
    // A consultation in this way goes back to the held call when it is dropped. `#` ends the number at once.
    let tone = house.act_with(&held, "consult", json!({})).await.unwrap();
    let tone = match text(&tone, "/state") {
        "dial_tone" => tone,
        _ => house.until_call("201", "dial_tone").await,
    };
    assert_eq!(tone["consultation_of"], held["id"]);
    let done = house.act_with(&tone, "dial", json!({"digits": "208#"})).await.unwrap();
    let consultation = done["calls"][0].clone();
    assert_eq!(consultation["consultation_of"], held["id"], "{consultation:#}");
    assert_eq!(consultation["conversation_id"], tone["conversation_id"]);
    house.until_call("208", "offering").await;
    house.until_call("201", "ringback").await;
    house.act(&consultation, "drop").await.unwrap();
    house.until_ended(&consultation).await;
    let back = house.until_call("201", "connected").await;
    assert_eq!(back["id"], held["id"]);
    house.act(&back, "drop").await.unwrap();
    house.close().await;
}
