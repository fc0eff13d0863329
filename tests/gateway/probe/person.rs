//! Somebody at the twin's phones and at its console, who does what the prompts ask for.

use std::time::Duration;

use cme_twin::{CallTruth, TrunkAction, Twin};
use linegate::client::Client;
use serde_json::{Value, json};

use crate::kit::{GLANCE, Gateway, House, Reader, pbx_on, text};

pub(super) struct Person {
    client: Client,
    path: String,
    twin: Twin,
    /// The line under test as the twin names it: number, and phone where it is on several.
    line: String,
    /// Another phone with the same number.
    pub(super) other: &'static str,
    /// The user of a mobility line.
    pub(super) user: &'static str,
    /// Waits as long as it is asked to.
    pub(super) is_patient: bool,
    /// Another program that is a client of the same router.
    program: Option<Gateway>,
}

impl Person {
    pub(super) fn at(line: &str, house: &House) -> Self {
        Self {
            client: house.client().clone(),
            path: format!("/pbxs/{}/probe", house.pbx),
            twin: house.twin.clone(),
            line: line.to_owned(),
            other: "",
            user: "",
            is_patient: false,
            program: None,
        }
    }

    /// Acts until the test ends; says what was asked for.
    pub(super) async fn acts(mut self) -> Vec<String> {
        let mut asked = Vec::new();
        let mut last = Value::Null;
        let mut version = 0;
        loop {
            let Ok(view) = self.client.get(&format!("{}?after={version}&wait_s=20", self.path)).await else {
                // It has not begun.
                tokio::time::sleep(GLANCE).await;
                continue;
            };
            version = view["version"].as_u64().unwrap();
            if view["state"] != "running" {
                return asked;
            }
            let prompt = &view["prompt"];
            let key = json!([prompt["act"], prompt["at"], view["log"].as_array().unwrap().len()]);
            if prompt.is_null() || key == last {
                continue;
            }
            last = key;
            let (act, at) = (text(prompt, "/act").to_owned(), text(prompt, "/at").to_owned());
            asked.push(format!("{act}@{at}"));
            if self.act(&act, &at).await {
                self.client.post(&format!("{}/continue", self.path), &json!({})).await.unwrap();
            }
        }
    }

    /// One act; whether the person has to say that it is done.
    async fn act(&mut self, act: &str, at: &str) -> bool {
        let twin = &self.twin;
        let number = match at {
            "line" => self.line.clone(),
            "partner" => "202".to_owned(),
            "other" => self.other.to_owned(),
            _ => "208".to_owned(),
        };
        let number = number.as_str();
        match act {
            "call_line" => drop(twin.dial("202", self.line.split('@').next().unwrap()).await.unwrap()),
            "call_partner" => drop(twin.dial(number, "202").await.unwrap()),
            "answer" => drop(twin.answer(number).await.unwrap()),
            "hold" => twin.hold(number).await.unwrap(),
            "retrieve" => twin.retrieve(number).await.unwrap(),
            "hang_up" if at == "line" => twin.hang_up(number).await.unwrap(),
            "forward_on" => twin.forward("201", "202").await.unwrap(),
            "forward_off" => twin.forward("201", "").await.unwrap(),
            "dnd_on" => twin.dnd("1", true).await.unwrap(),
            "dnd_off" => twin.dnd("1", false).await.unwrap(),
            "unplug" => twin.unregister_phone("1").await.unwrap(),
            "plug_in" => twin.register_phone("1").await.unwrap(),
            "log_out" => twin.logout(self.user).await.unwrap(),
            "log_in" => twin.login(self.user, "3").await.unwrap(),
            "move" => twin.login(self.user, "6").await.unwrap(),
            "clear_session" => assert!(twin.clear_session("201") > 0),
            "cti_shutdown" => twin.cti_shutdown(true),
            "wait" if self.is_patient => {}
            _ => {
                self.act_and_say(act, number).await;
                return true;
            }
        }
        false
    }

    /// What the PBX does not tell.
    async fn act_and_say(&mut self, act: &str, number: &str) {
        match act {
            "off_hook" => drop(self.twin.off_hook("202").await.unwrap()),
            // Whatever is left there; a call that ended by itself is no longer there to hang up.
            "on_hook" | "hang_up" => while self.twin.hang_up(number).await.is_ok() {},
            // Nobody waits ten minutes here.
            "wait" => {}
            "no_cti_shutdown" => self.twin.cti_shutdown(false),
            "basic" => self.twin.basic_mode(true),
            "advanced" => self.twin.basic_mode(false),
            "reload" => self.twin.reload(Duration::from_millis(300)).await,
            "start_program" => {
                let program = Gateway::open().await;
                let mut stream = Reader::open(&program.client).await;
                program.create(&pbx_on(&self.twin, "other")).await;
                loop {
                    let lines = program.client.list("/lines").await.unwrap();
                    if lines.iter().any(|line| line["number"] == "201" && line["monitor"]["state"] == "active") {
                        break;
                    }
                    stream.any("the other program monitors the line").await;
                }
                self.program = Some(program);
            }
            "stop_program" => drop(self.program.take().expect("it runs").stop().await),
            other => panic!("nobody knows how to {other}"),
        }
    }
}

/// Whoever is called outside answers.
pub(super) async fn answers_outside(twin: Twin) {
    let truth = twin.until(|truth| truth.calls.iter().any(is_outside)).await;
    let gcid = &truth.calls.iter().find(|call| is_outside(call)).expect("it was seen").gcid;
    twin.trunk(gcid, TrunkAction::Answer).await.unwrap();
}

fn is_outside(call: &CallTruth) -> bool {
    call.legs.iter().any(|leg| leg.outside)
}
