//! A gateway on the foreign router, and lanes on it: five phones each, so that several operations run side by side.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Barrier, Mutex};
use tokio::time::{Instant, timeout};

use super::router::Router;
use crate::kit::{Gateway, PATIENCE, Reader, free_port, text};

/// How many operations run side by side.
pub(super) const LANES: usize = 4;
/// How often things are looked at when nothing is told.
const LOOK: Duration = Duration::from_millis(250);

/// What happens in the middle of an operation.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Middle {
    Nothing,
    /// The phones lose their power and nobody is told.
    Ghost,
    /// The router starts anew.
    Reload,
    /// Whatever is waited for, the lines are looked at: a snapshot must say what the events said.
    Look,
}

pub(super) struct Site {
    pub(super) gateway: Gateway,
    pub(super) router: Mutex<Router>,
    pub(super) quirk: &'static str,
    pub(super) middle: Middle,
    /// Line id of each number.
    lines: BTreeMap<String, String>,
    together: Barrier,
}

impl Site {
    /// The router with this quirk, all of its lines monitored; `None` where it cannot run.
    pub(super) async fn open(quirk: &'static str, middle: Middle) -> Option<Self> {
        let router = Router::start(&["--quirk", quirk, "--lanes", &LANES.to_string()]).await?;
        let gateway = Gateway::open().await;
        let mut stream = Reader::open(&gateway.client).await;
        gateway
            .create(&json!({
                "name": "foreign", "host": "127.0.0.1",
                "sip": {"port": router.ports["sip"], "local_address": "127.0.0.1", "local_port": free_port()},
                "axl": {"port": router.ports["xml"], "username": "ctigw", "password": "secret-canary-77"},
                "options": {"snapshot_interval_s": 5, "monitor_retry_interval_s": 1, "invite_rate_per_s": 100},
            }))
            .await;
        let lines = loop {
            let lines = gateway.client.list("/lines").await.unwrap();
            if lines.len() == 5 * LANES && lines.iter().all(|line| line["monitor"]["state"] == "active") {
                break lines;
            }
            stream.any("every line is monitored").await;
        };
        let lines = lines.iter().map(|line| (text(line, "/number").to_owned(), text(line, "/id").to_owned())).collect();
        let (router, together) = (Mutex::new(router), Barrier::new(LANES));
        Some(Self { gateway, router, quirk, middle, lines, together })
    }

    pub(super) fn loses_events(&self) -> bool {
        matches!(self.quirk, "events_lost" | "events_gap")
    }

    pub(super) async fn tell(&self, command: &str) -> Value {
        self.router.lock().await.tell(command).await
    }

    /// The end: nothing is left anywhere and no rule was broken.
    pub(super) async fn close(self) {
        assert_eq!(self.tell("truth").await["calls"], json!([]), "the phones are idle");
        assert_eq!(self.gateway.client.list("/calls").await.unwrap(), Vec::<Value>::new());
        self.gateway.stop().await;
        let mut router = self.router.into_inner();
        let judged = router.tell("violations").await;
        assert_eq!(judged["violations"], json!([]), "{judged:#}");
        assert_eq!(judged["unanswered"], 0, "events without an answer");
        // What the router refuses only because of its quirk is tried once and then done otherwise.
        if !matches!(self.quirk, "waiting_refused" | "few_services") {
            assert_eq!(judged["refused"], json!([]), "something was asked for that could not be");
        }
    }
}

pub(super) struct Lane<'a> {
    pub(super) site: &'a Site,
    /// Numbers of its phones.
    pub(super) phones: [String; 5],
    stream: Reader,
}

impl<'a> Lane<'a> {
    pub(super) async fn open(site: &'a Site, index: usize) -> Self {
        let phones = std::array::from_fn(|phone| format!("{}0{}", index + 2, phone + 1));
        Self { site, phones, stream: Reader::open(&site.gateway.client).await }
    }

    pub(super) fn number(&self, phone: usize) -> &str {
        &self.phones[phone]
    }

    pub(super) fn line(&self, phone: usize) -> &str {
        &self.site.lines[&self.phones[phone]]
    }

    /// Somebody uses a phone.
    pub(super) async fn person(&self, verb: &str, phone: usize) {
        self.site.tell(&format!("{verb} {}", self.phones[phone])).await;
    }

    /// What the gateway shows of the calls of this lane: number, call, state; and the calls.
    async fn shown(&self) -> Vec<(String, Value)> {
        let calls = self.site.gateway.client.list("/calls").await.unwrap();
        let number =
            |call: &Value| self.phones.iter().find(|phone| self.site.lines[*phone] == text(call, "/line_id")).cloned();
        calls.into_iter().filter_map(|call| Some((number(&call)?, call))).collect()
    }

    /// What is at the phones of this lane: number, call, and the words that fit.
    async fn real(&self) -> Vec<(String, String, Value)> {
        let truth = self.site.tell("truth").await;
        let calls = truth["calls"].as_array().unwrap().iter();
        calls
            .map(|entry| (text(entry, "/0").to_owned(), text(entry, "/1").to_owned(), entry[2].clone()))
            .filter(|(number, ..)| self.phones.contains(number))
            .collect()
    }

    /// Waits for news, but not for long.
    pub(super) async fn look(&mut self) {
        let mut patience = LOOK;
        // That nothing came is as good. What came together is one piece of news.
        while timeout(patience, self.stream.any("news")).await.is_ok() {
            patience = Duration::from_millis(2);
        }
    }

    /// The gateway looks at the lines of this lane.
    async fn refresh(&self) {
        for phone in 0..self.phones.len() {
            let path = format!("/lines/{}/refresh", self.line(phone));
            self.site.gateway.client.post(&path, &json!({})).await.unwrap();
        }
    }

    /// Waits until the gateway shows what is at the phones; gives its calls.
    pub(super) async fn settle(&mut self, what: &str) -> Vec<(String, Value)> {
        let began = Instant::now();
        let mut looked = false;
        loop {
            let (real, shown) = (self.real().await, self.shown().await);
            let is_shown = |(number, id, words): &(String, String, Value)| {
                shown.iter().any(|(at, call)| {
                    let word = json!(class(text(call, "/state")));
                    at == number && text(call, "/pbx_call_id") == id && words.as_array().unwrap().contains(&word)
                })
            };
            if real.len() == shown.len() && real.iter().all(is_shown) {
                if self.site.middle != Middle::Look || looked {
                    return shown;
                }
                looked = true;
                self.refresh().await;
                continue;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{what}: the gateway shows {:#?}\nbut the phones have {real:#?}",
                shown
                    .iter()
                    .map(|(at, call)| format!("{at} {} {}", call["pbx_call_id"], call["state"]))
                    .collect::<Vec<_>>()
            );
            self.look().await;
        }
    }

    /// The call of a phone in this state; the phones and the gateway are of one mind.
    pub(super) async fn has(&mut self, phone: usize, state: &str) -> Value {
        let what = format!("{} has a call in {state}", self.phones[phone]);
        let began = Instant::now();
        loop {
            let shown = self.settle(&what).await;
            let number = &self.phones[phone];
            if let Some((_, call)) = shown.iter().find(|(at, call)| at == number && call["state"] == state) {
                return call.clone();
            }
            let now: Vec<_> = shown.iter().map(|(at, call)| format!("{at} {}", text(call, "/state"))).collect();
            assert!(began.elapsed() < PATIENCE, "in vain: {what}; now {now:?}");
            self.look().await;
        }
    }

    /// The conference of a phone names so many others; after lost events they are found one by one.
    pub(super) async fn confers_with(&mut self, phone: usize, others: usize) -> Value {
        let began = Instant::now();
        loop {
            let call = self.has(phone, "conferenced").await;
            let parties = call["participants"].as_array().unwrap();
            if parties.iter().filter(|party| party["state"] != "left").count() == others {
                return call;
            }
            assert!(self.site.loses_events() && began.elapsed() < PATIENCE, "not {others} participants: {call:#}");
            self.look().await;
        }
    }

    /// The end of a call that a restart of the router brought.
    pub(super) async fn ends_by_restart(&mut self, call: &Value) {
        let is_end = |event: &Value| event["event"] == "call.ended" && event["call_id"] == call["id"];
        let end = self.stream.find("the end of the call", is_end).await;
        assert_eq!(text(&end, "/data/cause"), "pbx_restart", "{end:#}");
    }

    /// The phone has no call.
    pub(super) async fn idle(&mut self, phone: usize) {
        let shown = self.settle("an idle phone").await;
        let left: Vec<_> = shown.iter().filter(|(at, _)| *at == self.phones[phone]).collect();
        assert!(left.is_empty(), "{} is not idle: {left:#?}", self.phones[phone]);
    }

    /// Acts on a call: it is offered, and it works.
    pub(super) async fn act(&mut self, call: &Value, action: &str, body: Value) -> Value {
        self.settle(action).await;
        let path = format!("/calls/{}", text(call, "/id"));
        let now = self.site.gateway.client.get(&path).await.unwrap_or_else(|error| panic!("{action}: {error}"));
        let offered = match (action, text(&body, "/mode")) {
            ("complete-transfer", "conference") => "complete_conference".to_owned(),
            _ => action.replace('-', "_"),
        };
        assert!(
            now["allowed_actions"].as_array().unwrap().contains(&json!(offered)),
            "{offered} is not offered: {now:#}"
        );
        let done = self.site.gateway.client.post(&format!("{path}/{action}"), &body).await;
        done.unwrap_or_else(|error| panic!("{action} {body}: {error:?}, {now:#}"))
    }

    pub(super) async fn dial(&mut self, from: usize, to: &str) -> Value {
        self.settle("dial").await;
        let path = format!("/lines/{}/calls", self.line(from));
        let body = if to.is_empty() { json!({}) } else { json!({"to": to}) };
        let made = self.site.gateway.client.post(&path, &body).await;
        made.unwrap_or_else(|error| panic!("{} dials {to:?}: {error:?}", self.phones[from]))
    }

    /// One phone talks to another; gives the call of the first.
    pub(super) async fn talk(&mut self, from: usize, to: usize) -> Value {
        self.dial(from, &self.phones[to].clone()).await;
        let ringing = self.has(to, "offering").await;
        self.act(&ringing, "answer", json!({})).await;
        self.has(to, "connected").await;
        self.has(from, "connected").await
    }

    /// Phone 0 talks to 1, and asks 2 meanwhile; gives the held call and the consultation.
    pub(super) async fn consult(&mut self) -> (Value, Value) {
        let call = self.talk(0, 1).await;
        let to = self.phones[2].clone();
        let made = self.act(&call, "consult", json!({"to": to})).await;
        let ringing = self.has(2, "offering").await;
        self.act(&ringing, "answer", json!({})).await;
        self.has(1, "remote_held").await;
        let active = self.has(0, "connected").await;
        assert_eq!(made["id"], active["id"], "the answer is the consultation");
        (self.has(0, "on_hold").await, active)
    }

    /// Hangs up what is left, the gateway first.
    pub(super) async fn clear(&mut self) {
        loop {
            let shown = self.settle("hanging up").await;
            let can_drop = |call: &Value| call["allowed_actions"].as_array().unwrap().contains(&json!("drop"));
            let Some((number, call)) = shown.iter().find(|(_, call)| can_drop(call)).or(shown.first()).cloned() else {
                return;
            };
            if can_drop(&call) {
                self.act(&call, "drop", json!({})).await;
            } else {
                self.site.tell(&format!("hang {number}")).await;
            }
        }
    }

    /// The middle of an operation: where something happens there, all is over then.
    pub(super) async fn is_over(&mut self) -> bool {
        let calls = self.settle("the middle").await;
        let cause = match self.site.middle {
            Middle::Nothing | Middle::Look => return false,
            Middle::Ghost => {
                self.site.tell(&format!("vanish {}", self.phones.join(" "))).await;
                "lost"
            }
            Middle::Reload => {
                if self.site.together.wait().await.is_leader() {
                    self.site.tell("restart").await;
                }
                "pbx_restart"
            }
        };
        for (number, call) in calls {
            let what = format!("the end of {}", call["id"]);
            let is_end = |event: &Value| event["event"] == "call.ended" && event["call_id"] == call["id"];
            let end = self.stream.find(&what, is_end).await;
            // Why it failed is still true.
            let cause = if call["state"] == "busy" && cause == "lost" { "busy" } else { cause };
            assert_eq!(text(&end, "/data/cause"), cause, "{number}: {end:#}");
        }
        self.settle("nothing is left").await;
        if self.site.middle == Middle::Reload {
            self.until_monitored().await;
            self.site.together.wait().await;
        }
        true
    }

    /// The line shows what somebody set at the phone; where events are lost, it is asked for.
    pub(super) async fn until_features(&mut self, phone: usize, forward: &Value, quiet: bool) {
        let began = Instant::now();
        loop {
            let line = self.line(phone).to_owned();
            if self.site.loses_events() {
                for feature in ["forwarding", "do-not-disturb"] {
                    self.site.gateway.client.get(&format!("/lines/{line}/{feature}")).await.unwrap();
                }
            }
            let line = self.site.gateway.client.get(&format!("/lines/{line}")).await.unwrap();
            if line["forwarding"]["unconditional"] == *forward && line["do_not_disturb"] == quiet {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "not {forward} and {quiet}: {line:#}");
            self.look().await;
        }
    }

    pub(super) async fn until_monitored(&mut self) {
        let began = Instant::now();
        loop {
            let lines = self.site.gateway.client.list("/lines").await.unwrap();
            let monitors = self.site.tell("state").await;
            let is_up = lines.iter().all(|line| line["monitor"]["state"] == "active");
            if is_up && monitors["monitors"].as_array().unwrap().len() == lines.len() {
                return;
            }
            let states: Vec<_> = lines.iter().map(|line| &line["monitor"]).collect();
            assert!(began.elapsed() < PATIENCE, "not monitored again: {states:?}");
            self.look().await;
        }
    }

    /// Every call that was told of has ended, and the stream has no hole.
    pub(super) async fn close(mut self) {
        self.settle("the end").await;
        self.stream.catch_up(&self.site.gateway.client).await;
        let of = |what: &str| {
            let events = self.stream.seen().iter().filter(|event| event["event"] == what);
            events.map(|event| text(event, "/call_id").to_owned()).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(of("call.created"), of("call.ended"), "every call ends");
        self.stream.assert_whole();
    }
}

/// States that are one at the phone.
fn class(state: &str) -> &str {
    match state {
        "dial_tone" | "dialing" | "proceeding" | "ringback" => "outgoing",
        "busy" => "failed",
        other => other,
    }
}
