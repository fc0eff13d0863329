//! Calls at two buttons of one phone: 201 at address 0 and 204 at address 1 are one line here, and each has a session of
//! its own at the router.

use cme_twin::{Behaviour, Faults, Preset, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, refused, text};

fn without(services: &[&str]) -> Faults {
    Faults { services_off: services.iter().map(|name| (*name).to_owned()).collect(), ..Faults::default() }
}

fn refusing(errors: &[(&str, &str)]) -> Faults {
    let errors = errors.iter().map(|(service, error)| ((*service).to_owned(), (*error).to_owned())).collect();
    Faults { errors, ..Faults::default() }
}

impl House {
    /// The first button talks to 202; gives the call.
    async fn first_button_talks(&mut self) -> Value {
        let call = self.dial("201", "202").await;
        let ringing = self.until_call("202", "offering").await;
        self.act(&ringing, "answer").await.unwrap();
        self.until_call("201", "connected").await;
        call
    }

    /// The first button holds 202, and the second one talks to 208; gives both calls.
    async fn both_buttons_talk(&mut self) -> (Value, Value) {
        let first = self.first_button_talks().await;
        self.act(&first, "hold").await.unwrap();
        self.until_call("201", "on_hold").await;
        let line = self.line_id("201").await;
        let body = json!({"to": "208", "address": 1});
        let second = self.client().post(&format!("/lines/{line}/calls"), &body).await.unwrap();
        let ringing = self.until_call("208", "offering").await;
        self.act(&ringing, "answer").await.unwrap();
        self.until_state(&second, "connected").await;
        (first, second)
    }

    /// 208 calls the second button; gives the ringing call there.
    async fn second_button_rings(&mut self) -> Value {
        self.twin.dial("208", "204").await.unwrap();
        let ringing = self.until_call("201", "offering").await;
        assert_eq!(ringing["address"], 1, "{ringing:#}");
        ringing
    }

    async fn until_state(&mut self, call: &Value, state: &str) -> Value {
        let path = format!("/calls/{}", text(call, "/id"));
        loop {
            let now = self.client().get(&path).await.unwrap();
            if now["state"] == state {
                return now;
            }
            self.stream.any(&format!("a call is {state}; it is {}", now["state"])).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_two_buttons_are_swapped_by_hand() {
    let faults = without(&["AlternateCall", "ReconnectCall"]);
    let mut house = House::with(TwinConfig { faults, ..TwinConfig::default() }, json!({})).await;
    let (first, second) = house.both_buttons_talk().await;
    assert_eq!((&first["address"], &second["address"]), (&json!(0), &json!(1)));
    for (active, held) in [(&first, &second), (&second, &first)] {
        house.act(&second, "swap").await.unwrap();
        house.until_state(active, "connected").await;
        house.until_state(held, "on_hold").await;
    }
    for call in [&second, &first] {
        house.act(call, "drop").await.unwrap();
        house.until_ended(call).await;
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_at_another_button_is_answered_by_holding_first() {
    let behaviour = Behaviour::preset(Preset::V80);
    let mut house = House::with(TwinConfig { behaviour, ..TwinConfig::default() }, json!({})).await;
    let first = house.first_button_talks().await;
    let waiting = house.second_button_rings().await;
    house.act(&waiting, "answer").await.unwrap();
    house.until_state(&waiting, "connected").await;
    house.until_state(&first, "on_hold").await;
    for call in [&waiting, &first] {
        house.act(call, "drop").await.unwrap();
        house.until_ended(call).await;
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_half_way_takes_back_what_it_put_on_hold() {
    let mut house = House::open().await;
    let first = house.first_button_talks().await;
    let waiting = house.second_button_rings().await;
    house.twin.set_faults(refusing(&[("AnswerCall", "operation/generic")]));
    let (status, problem) = refused(house.act(&waiting, "answer").await);
    assert_eq!((status, text(&problem, "/code")), (502, "pbx_refused"), "{problem:#}");
    assert!(text(&problem, "/detail").ends_with("is taken back."), "{problem:#}");
    let id = text(&first, "/id").to_owned();
    let is_in = |event: &Value, state: &str| event["call_id"] == id.as_str() && event["data"]["state"] == state;
    house.stream.find("it was put on hold", |event| is_in(event, "on_hold")).await;
    house.until_state(&first, "connected").await;
    // The router does not even give it back: whoever asked is told what to do.
    house.twin.set_faults(refusing(&[("AnswerCall", "operation/generic"), ("RetrieveCall", "operation/generic")]));
    let (status, problem) = refused(house.act(&waiting, "answer").await);
    assert_eq!((status, text(&problem, "/code")), (502, "pbx_refused"), "{problem:#}");
    assert!(text(&problem, "/detail").contains("still on hold"), "{problem:#}");
    assert!(text(&problem, "/hint").contains(&format!("{id}/retrieve")), "{problem:#}");
    house.twin.set_faults(Faults::default());
    house.until_state(&first, "on_hold").await;
    house.act(&first, "retrieve").await.unwrap();
    house.until_state(&first, "connected").await;
    house.act(&first, "drop").await.unwrap();
    house.until_ended(&first).await;
    house.twin.hang_up("208").await.unwrap();
    house.close().await;
}

/// The consultation and what it is about are both on hold, and a third call at the other button is active: hanging up the
/// consultation touches nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_held_consultation_is_hung_up_beside_a_third_call() {
    let mut house = House::open().await;
    let first = house.first_button_talks().await;
    let path = format!("/calls/{}/consult", text(&first, "/id"));
    let second = house.client().post(&path, &json!({"to": "208"})).await.unwrap();
    let ringing = house.until_call("208", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    house.until_state(&second, "connected").await;
    house.act(&second, "hold").await.unwrap();
    let held = house.until_state(&second, "on_hold").await;
    assert_eq!(held["consultation_of"], first["id"]);
    let line = house.line_id("201").await;
    house.twin.login("eli", "00AA11BB0003").await.unwrap();
    house.until_line("205", "its user is at a phone", |line| line["status"] == "in_service").await;
    let body = json!({"to": "205", "address": 1});
    let third = house.client().post(&format!("/lines/{line}/calls"), &body).await.unwrap();
    house.until_call("205", "offering").await;
    house.twin.answer("205").await.unwrap();
    house.until_state(&third, "connected").await;
    house.twin.clear_requests();
    house.act(&second, "drop").await.unwrap();
    house.until_ended(&second).await;
    let asked = house.twin.requests().services;
    assert_eq!(asked.get("ClearConnection"), Some(&1), "{asked:?}");
    assert!(!asked.contains_key("ReconnectCall") && !asked.contains_key("RetrieveCall"), "{asked:?}");
    house.until_state(&third, "connected").await;
    house.until_state(&first, "on_hold").await;
    for call in [&third, &first] {
        house.act(call, "drop").await.unwrap();
        house.until_ended(call).await;
    }
    house.close().await;
}

/// With both channels of the first button in use, the phone makes the consultation at the second one: it is one call, there.
#[tokio::test(flavor = "multi_thread")]
async fn a_consultation_beside_a_full_button_is_one_call_at_the_other_one() {
    for without_consultation in [false, true] {
        let faults = if without_consultation { without(&["ConsultationCall"]) } else { Faults::default() };
        let mut house = House::with(TwinConfig { faults, ..TwinConfig::default() }, json!({})).await;
        house.twin.login("eli", "00AA11BB0003").await.unwrap();
        house.until_line("205", "its user is at a phone", |line| line["status"] == "in_service").await;
        let first = house.first_button_talks().await;
        house.act(&first, "hold").await.unwrap();
        house.until_state(&first, "on_hold").await;
        let second = house.dial("201", "208").await;
        let ringing = house.until_call("208", "offering").await;
        house.act(&ringing, "answer").await.unwrap();
        house.until_state(&second, "connected").await;
        let path = format!("/calls/{}/consult", text(&second, "/id"));
        let consulted = house.client().post(&path, &json!({"to": "205"})).await;
        if without_consultation {
            // MakeCall has no other button: the call that was put on hold for it is taken back.
            let (status, problem) = refused(consulted);
            assert_eq!((status, text(&problem, "/code")), (409, "not_allowed_now"), "{problem:#}");
            house.until_state(&second, "connected").await;
        } else {
            let third = consulted.unwrap();
            assert_eq!((&third["address"], &third["consultation_of"]), (&json!(1), &second["id"]), "{third:#}");
            house.until_call("205", "offering").await;
            house.until_state(&third, "ringback").await;
            assert_eq!(house.calls("201").await.len(), 3);
            house.act(&third, "drop").await.unwrap();
            house.until_ended(&third).await;
            house.until_state(&second, "connected").await;
        }
        for call in [&second, &first] {
            house.act(call, "drop").await.unwrap();
            house.until_ended(call).await;
        }
        house.close().await;
    }
}

/// Nobody would ever tell of the call's end.
#[tokio::test(flavor = "multi_thread")]
async fn a_consultation_at_a_button_that_is_not_watched_is_told_and_not_shown() {
    let mut house = House::open().await;
    house.twin.login("eli", "00AA11BB0003").await.unwrap();
    house.until_line("205", "its user is at a phone", |line| line["status"] == "in_service").await;
    house.until_line("205", "it is monitored", |line| line["monitor"]["state"] == "active").await;
    let first = house.dial("205", "201").await;
    let ringing = house.until_call("201", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    house.until_state(&first, "connected").await;
    house.act(&first, "hold").await.unwrap();
    house.until_state(&first, "on_hold").await;
    let second = house.dial("205", "202").await;
    let ringing = house.until_call("202", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    house.until_state(&second, "connected").await;
    let path = format!("/calls/{}/consult", text(&second, "/id"));
    // Also where the number that is dialled is busy: it is the own one.
    for to in ["208", "205"] {
        let (status, problem) = refused(house.client().post(&path, &json!({"to": to})).await);
        assert_eq!((status, text(&problem, "/code")), (502, "accepted_no_effect"), "{problem:#}");
        assert!(text(&problem, "/detail").contains("203"), "{problem:#}");
        house.settle_calls().await;
        house.until_state(&second, "on_hold").await;
        house.twin.hang_up("203").await.unwrap();
        house.act(&second, "retrieve").await.unwrap();
        house.until_state(&second, "connected").await;
    }
    for call in [&second, &first] {
        house.act(call, "drop").await.unwrap();
        house.until_ended(call).await;
    }
    house.close().await;
}
