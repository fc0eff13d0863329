//! The call model under stress: chains of forwarding, conferences that shrink, many calls on one line, users who move in
//! the middle of calls, calls over the trunk that are passed on, patience that ends.

use std::collections::BTreeSet;

use cme_twin::{Behaviour, Faults, Preset, TrunkAction, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, text};

impl House {
    /// Two people talk; gives the call of the one who dialled.
    async fn talk(&mut self, from: &str, to: &str) -> Value {
        let known: BTreeSet<String> = self.ids(from).await;
        self.twin.dial(from, to).await.unwrap();
        self.until_call(to, "offering").await;
        self.twin.answer(to).await.unwrap();
        self.until_new(from, &known, "connected").await
    }

    async fn ids(&self, number: &str) -> BTreeSet<String> {
        self.calls(number).await.iter().map(|call| text(call, "/id").to_owned()).collect()
    }

    /// Waits for a call that was not known before.
    async fn until_new(&mut self, number: &str, known: &BTreeSet<String>, state: &str) -> Value {
        loop {
            let calls = self.calls(number).await;
            let is_it = |call: &&Value| !known.contains(text(call, "/id")) && call["state"] == state;
            if let Some(call) = calls.iter().find(is_it) {
                return call.clone();
            }
            self.stream.any(&format!("{number} has a new call in {state}")).await;
        }
    }

    async fn do_with(&self, call: &Value, verb: &str, body: Value) {
        self.client().post(&format!("/calls/{}/{verb}", text(call, "/id")), &body).await.unwrap();
    }

    async fn log_eli_in(&mut self) {
        self.twin.login("eli", "00AA11BB0003").await.unwrap();
        self.until_line("205", "its user is at a phone", |line| line["monitor"]["state"] == "active").await;
        self.until_line("205", "it is in service", |line| line["status"] == "in_service").await;
    }

    /// All conversations that the stream has told of.
    fn conversations(&self) -> BTreeSet<String> {
        let calls = self.stream.seen().iter().filter(|event| event["event"] == "call.ended");
        calls.map(|event| text(event, "/data/conversation_id").to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_forwarding_keeps_the_caller_and_the_conversation() {
    let mut house = House::open().await;
    house.log_eli_in().await;
    house.twin.forward("202", "208").await.unwrap();
    house.twin.forward_when("208", "no-answer", "205", Some(3)).await.unwrap();
    let call = house.dial("201", "202").await;
    let second = house.until_call("208", "offering").await;
    assert_eq!((text(&second, "/caller/number"), text(&second, "/redirecting/number")), ("201", "202"));
    let third = house.until_call("205", "offering").await;
    assert_eq!(text(&house.until_ended(&second).await, "/cause"), "forwarded");
    assert_eq!((text(&third, "/caller/number"), text(&third, "/redirecting/number")), ("201", "208"));
    assert_eq!(text(&third, "/reason"), "forwarded_no_answer");
    house.act(&third, "answer").await.unwrap();
    let talking = house.until_call("201", "connected").await;
    assert_eq!((talking["id"].clone(), text(&talking, "/connected/number")), (call["id"].clone(), "205"));
    house.clear().await;
    assert_eq!(house.conversations().len(), 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_from_outside_survives_a_transfer_and_a_forwarding() {
    let mut house = House::open().await;
    house.log_eli_in().await;
    house.twin.forward("208", "205").await.unwrap();
    let gcid = house.twin.call_in("0301234567", "202").await.unwrap().gcid;
    let ringing = house.until_call("202", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    let call = house.until_call("202", "connected").await;
    // Announced first, then passed on.
    house.do_with(&call, "consult", json!({"to": "201"})).await;
    let announced = house.until_call("201", "offering").await;
    assert_eq!(text(&announced, "/caller/number"), "202");
    house.act(&announced, "answer").await.unwrap();
    let consultation = house.until_call("202", "connected").await;
    house.do_with(&consultation, "complete-transfer", json!({})).await;
    house.until_ended(&call).await;
    let passed_on = house.until_call("201", "connected").await;
    assert_eq!(text(&passed_on, "/connected/number"), "0301234567");
    assert_eq!(passed_on["conversation_id"], ringing["conversation_id"]);
    // Sent on blindly, to a phone that is forwarded.
    house.do_with(&passed_on, "blind-transfer", json!({"to": "208"})).await;
    let last = house.until_call("205", "offering").await;
    assert_eq!(text(&last, "/caller/number"), "0301234567");
    house.act(&last, "answer").await.unwrap();
    house.until_call("205", "connected").await;
    assert!(house.calls("201").await.is_empty() && house.calls("202").await.is_empty());
    let _ = house.twin.trunk(&gcid, TrunkAction::HangUp).await;
    house.clear().await;
    assert_eq!(house.conversations().len(), 1, "from the first ring to the last hang-up");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_was_sent_to_a_ringing_phone_talks_when_that_answers() {
    let mut house = House::open().await;
    for verb in ["blind-transfer", "complete-transfer"] {
        let caller = house.talk("201", "202").await;
        let sent = house.until_call("202", "connected").await;
        if verb == "blind-transfer" {
            house.do_with(&caller, verb, json!({"to": "208"})).await;
        } else {
            house.do_with(&caller, "consult", json!({"to": "208"})).await;
            let second = house.until_call("201", "ringback").await;
            house.do_with(&second, verb, json!({})).await;
        }
        house.until_call("202", "ringback").await;
        let ringing = house.until_call("208", "offering").await;
        house.act(&ringing, "answer").await.unwrap();
        let talking = house.until_call("202", "connected").await;
        assert_eq!(talking["id"], sent["id"]);
        assert_eq!((text(&talking, "/connected/number"), text(&talking, "/called/number")), ("208", "202"), "{verb}");
        // A look at the router would tell as well, a minute later: the event did.
        let by = house.stream.find("it was told", |event| {
            event["call_id"] == sent["id"]
                && text(event, "/data/state") == "connected"
                && text(event, "/data/connected/number") == "208"
        });
        assert_ne!(text(&by.await, "/actor"), "gateway");
        house.clear().await;
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conference_of_four_shrinks_as_its_parties_leave() {
    let mut house = House::open().await;
    house.log_eli_in().await;
    let first = house.talk("201", "202").await;
    let add = async |house: &mut House, number: &str| {
        let open = ["conferenced", "connected"];
        let call = house.calls("201").await.into_iter().find(|call| open.contains(&text(call, "/state"))).unwrap();
        house.do_with(&call, "consult", json!({"to": number})).await;
        let ringing = house.until_call(number, "offering").await;
        house.act(&ringing, "answer").await.unwrap();
        house.until_call("201", "on_hold").await;
        let second = house.until_call("201", "connected").await;
        house.do_with(&second, "complete-transfer", json!({"mode": "conference"})).await;
        house.until_call(number, "conferenced").await;
    };
    add(&mut house, "208").await;
    add(&mut house, "205").await;
    house.settle_calls().await;
    let here = house.until_call("201", "conferenced").await;
    assert_eq!(here["id"], first["id"]);
    let numbers = |call: &Value| -> BTreeSet<String> {
        let parties = call["participants"].as_array().unwrap().iter();
        parties.filter(|party| party["state"] != "left").map(|party| text(party, "/number").to_owned()).collect()
    };
    let all: BTreeSet<String> = ["202", "205", "208"].map(str::to_owned).into();
    assert_eq!(numbers(&here), all);
    house.twin.hang_up("208").await.unwrap();
    house.settle_calls().await;
    let three = house.until_call("201", "conferenced").await;
    assert_eq!(numbers(&three), ["202", "205"].map(str::to_owned).into());
    // A program takes the last but one out.
    house.do_with(&three, "remove-from-conference", json!({"party": "205"})).await;
    let two = house.until_call("201", "connected").await;
    assert_eq!((text(&two, "/connected/number"), &two["participants"]), ("202", &json!([])));
    house.settle_calls().await;
    house.clear().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_octo_line_carries_many_calls_and_each_is_told_apart() {
    let mut house = House::open().await;
    let mut known = BTreeSet::new();
    let mut gcids = Vec::new();
    for number in 0..6 {
        let gcid = house.twin.call_in(&format!("030111000{number}"), "202").await.unwrap().gcid;
        let call = house.until_new("202", &known, "offering").await;
        assert_eq!(text(&call, "/pbx_call_id"), gcid);
        known.insert(text(&call, "/id").to_owned());
        gcids.push(gcid);
    }
    assert_eq!(house.line("202").await["active_calls"], 6);
    // Answered in turn: the one before is held each time.
    for call in house.calls("202").await {
        house.act(&call, "answer").await.unwrap();
        house.settle_calls().await;
    }
    let states: Vec<String> = house.calls("202").await.iter().map(|call| text(call, "/state").to_owned()).collect();
    assert_eq!(states.iter().filter(|state| *state == "on_hold").count(), 5, "{states:?}");
    // Two calls on hold: which one is meant must be said.
    let active = house.until_call("202", "connected").await;
    let refusal = house.client().post(&format!("/calls/{}/swap", text(&active, "/id")), &json!({})).await;
    let (status, problem) = crate::kit::refused(refusal);
    assert_eq!((status, text(&problem, "/errors/0/pointer")), (422, "/with"));
    for gcid in &gcids {
        house.twin.trunk(gcid, TrunkAction::HangUp).await.unwrap();
    }
    house.settle_calls().await;
    assert!(house.calls("202").await.is_empty());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_moves_to_another_phone_between_two_calls() {
    let mut house = House::open().await;
    house.log_eli_in().await;
    let line = house.line_id("205").await;
    house.talk("205", "201").await;
    house.twin.logout("eli").await.unwrap();
    house.settle_calls().await;
    assert!(house.calls("205").await.is_empty());
    house.until_line("205", "nobody is there", |line| line["status"] != "in_service").await;
    house.log_eli_in().await;
    assert_eq!(house.line_id("205").await, line);
    house.talk("201", "205").await;
    house.clear().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends_for_consultations_busy_tones_and_dial_tones() {
    let mut config = TwinConfig::default();
    (config.behaviour.limits.consultation, config.behaviour.limits.interdigit) = (600, 600);
    config.behaviour.limits.busy = 600;
    let mut house = House::with(config, json!({})).await;
    let call = house.talk("201", "202").await;
    house.do_with(&call, "consult", json!({"to": "208"})).await;
    let second = house.until_call("201", "ringback").await;
    house.until_ended(&second).await;
    house.settle_calls().await;
    let held = house.until_call("201", "on_hold").await;
    assert!(held["allowed_actions"].as_array().unwrap().contains(&json!("retrieve")));
    house.act(&held, "retrieve").await.unwrap();
    house.until_call("201", "connected").await;
    house.twin.hang_up("201").await.unwrap();
    house.settle_calls().await;
    // A busy tone and a dial tone end by themselves too.
    let failed = house.dial("201", "999").await;
    assert_eq!(text(&house.until_ended(&failed).await, "/cause"), "invalid_number");
    let line = house.line_id("201").await;
    let tone = house.client().post(&format!("/lines/{line}/calls"), &json!({})).await.unwrap();
    house.until_ended(&tone).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_subscriber_beyond_the_trunk_is_busy() {
    let mut config = TwinConfig::default();
    config.behaviour.limits.trunk_answer = 0;
    let mut house = House::with(config, json!({})).await;
    let call = house.dial("201", "0301234567").await;
    house.until_call("201", "proceeding").await;
    house.twin.trunk(text(&call, "/pbx_call_id"), TrunkAction::Busy).await.unwrap();
    house.until_call("201", "busy").await;
    house.twin.hang_up("201").await.unwrap();
    assert_eq!(text(&house.until_ended(&call).await, "/cause"), "busy");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_every_event_was_lost_is_found_on_an_idle_line() {
    let patient = json!({"options": {"snapshot_interval_s": 5}});
    let mut house = House::with(TwinConfig::default(), patient).await;
    house.twin.set_faults(Faults { lose_every: 1, ..Faults::default() });
    house.twin.dial("201", "202").await.unwrap();
    house.twin.answer("202").await.unwrap();
    house.twin.set_faults(Faults::default());
    let call = house.until_call("202", "connected").await;
    assert!(!text(&call, "/confirmed_at").is_empty());
    house.until_call("201", "connected").await;
    house.clear().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_behind_a_busy_tone_is_answered_on_every_release() {
    for preset in [Preset::V80, Preset::V86, Preset::V88] {
        let behaviour = Behaviour::preset(preset);
        let patient = json!({"options": {"snapshot_interval_s": 5}});
        let mut house = House::with(TwinConfig { behaviour, ..TwinConfig::default() }, patient).await;
        house.twin.dial("202", "999").await.unwrap();
        house.settle_calls().await;
        house.twin.dial("201", "202").await.unwrap();
        let ringing = house.until_call("202", "offering").await;
        house.settle_calls().await;
        let ringing = house.client().get(&format!("/calls/{}", text(&ringing, "/id"))).await.unwrap();
        assert!(ringing["allowed_actions"].as_array().unwrap().contains(&json!("answer")), "{preset:?} {ringing}");
        house.act(&ringing, "answer").await.unwrap();
        house.until_call("201", "connected").await;
        house.clear().await;
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dial_tone_that_a_snapshot_looked_at_still_takes_digits() {
    let mut house = House::open().await;
    let line = house.line_id("201").await;
    for _ in 0..6 {
        let tone = house.client().post(&format!("/lines/{line}/calls"), &json!({})).await.unwrap();
        house.settle_calls().await;
        house.client().post(&format!("/lines/{line}/refresh"), &json!({})).await.unwrap();
        house.settle_calls().await;
        let now = house.client().get(&format!("/calls/{}", text(&tone, "/id"))).await.unwrap();
        assert!(now["allowed_actions"].as_array().unwrap().contains(&json!("dial")), "{now}");
        house.do_with(&tone, "dial", json!({"digits": "202"})).await;
        house.until_call("202", "offering").await;
        house.clear().await;
    }
    house.close().await;
}
