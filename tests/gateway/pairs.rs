//! Several calls on one button, several buttons of one phone: who is connected with whom, and what can be done.

use cme_twin::{Behaviour, Merge, TrunkAction, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, text};

impl House {
    /// The call of a line with this party.
    async fn with_party(&self, number: &str, party: &str) -> Value {
        let is_it = |call: &Value| text(call, "/connected/number") == party;
        self.calls(number).await.into_iter().find(is_it).unwrap()
    }

    /// 202 talks with the first button of 201's phone, which is held there for a call from the second one to 208.
    async fn two_buttons(&mut self) -> (Value, Value) {
        self.twin.dial("202", "201").await.unwrap();
        self.until_call("201", "offering").await;
        self.twin.answer("201").await.unwrap();
        self.until_call("201", "connected").await;
        let anna = self.line_id("201").await;
        let dialed = json!({"to": "208", "address": 1});
        self.client().post(&format!("/lines/{anna}/calls"), &dialed).await.unwrap();
        let held = self.until_call("201", "on_hold").await;
        self.until_call("208", "offering").await;
        self.twin.answer("208").await.unwrap();
        let active = self.until_call("201", "connected").await;
        assert_eq!((held["address"].as_u64(), active["address"].as_u64()), (Some(0), Some(1)));
        (held, active)
    }

    async fn complete(&self, call: &Value, mode: &str) {
        let path = format!("/calls/{}/complete-transfer", text(call, "/id"));
        self.client().post(&path, &json!({ "mode": mode })).await.unwrap();
    }
}

async fn house_with(merge: Merge) -> House {
    let behaviour = Behaviour { merge, ..Behaviour::default() };
    House::with(TwinConfig { behaviour, ..TwinConfig::default() }, json!({})).await
}

async fn transfer(merge: Merge) {
    let mut house = house_with(merge).await;
    let (held, active) = house.two_buttons().await;
    house.complete(&held, "transfer").await;
    for call in [&held, &active] {
        let ended = house.until_ended(call).await;
        assert_eq!((text(&ended, "/cause"), &ended["connected"]), ("transferred", &call["connected"]));
    }
    house.settle_calls().await;
    assert_eq!(text(&house.until_call("202", "connected").await, "/connected/number"), "208");
    assert_eq!(text(&house.until_call("208", "connected").await, "/connected/number"), "202");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_between_two_buttons_ends_both_calls() {
    transfer(Merge::Primary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_where_the_second_id_survives() {
    transfer(Merge::Secondary).await;
}

async fn conference(merge: Merge) {
    let mut house = house_with(merge).await;
    let (held, active) = house.two_buttons().await;
    house.complete(&held, "conference").await;
    assert_eq!(text(&house.until_ended(&active).await, "/cause"), "merged");
    house.settle_calls().await;
    let parties = |call: &Value| -> Vec<String> {
        let mut all: Vec<_> =
            call["participants"].as_array().unwrap().iter().map(|one| text(one, "/raw").to_owned()).collect();
        all.sort_unstable();
        all
    };
    let [call] = house.calls("201").await.try_into().unwrap();
    assert_eq!(
        (&call["id"], text(&call, "/state"), parties(&call)),
        (&held["id"], "conferenced", vec!["202".into(), "208".into()])
    );
    for (number, others) in [("202", ["201", "208"]), ("208", ["201", "202"])] {
        assert_eq!(parties(&house.until_call(number, "conferenced").await), others);
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conference_between_two_buttons_has_one_leg_of_the_phone() {
    conference(Merge::Primary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conference_has_it_too_where_the_second_id_survives() {
    conference(Merge::Secondary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_consultation_goes_back_to_the_call_that_it_is_about() {
    let mut config = TwinConfig::default();
    config.behaviour.limits.trunk_answer = 0;
    let mut house = House::with(config, json!({})).await;
    house.twin.dial("201", "202").await.unwrap();
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    house.until_call("202", "connected").await;
    house.twin.dial("208", "202").await.unwrap();
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    house.until_call("208", "connected").await;
    house.twin.alternate("202").await.unwrap();
    house.until_call("208", "remote_held").await;
    house.settle_calls().await;
    // The older one talks, and is held for the transfer.
    house.twin.transfer("202", "0301234").await.unwrap();
    let third = house.until_call("202", "proceeding").await;
    let (first, second) = (house.with_party("202", "201").await, house.with_party("202", "208").await);
    assert_eq!(third["consultation_of"], first["id"]);
    house.act(&third, "drop").await.unwrap();
    house.until_ended(&third).await;
    let back = house.until_call("202", "connected").await;
    assert_eq!((&back["id"], text(&back, "/connected/number")), (&first["id"], "201"));
    house.settle_calls().await;
    assert_eq!(
        (second["state"].clone(), house.with_party("202", "208").await["state"].clone()),
        ("on_hold".into(), "on_hold".into())
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_beyond_the_trunk_takes_the_phone_until_it_is_answered() {
    let mut config = TwinConfig::default();
    config.behaviour.limits.trunk_answer = 0;
    let mut house = House::with(config, json!({})).await;
    house.twin.dial("202", "201").await.unwrap();
    house.until_call("201", "offering").await;
    house.twin.answer("201").await.unwrap();
    house.until_call("201", "connected").await;
    let out = house.dial("201", "0301234567").await;
    let out =
        house.until_call("201", "proceeding").await["id"].as_str().filter(|id| out["id"] == *id).unwrap().to_owned();
    house.twin.dial("208", "204").await.unwrap();
    let waiting = house.until_call("201", "offering").await;
    let held = house.until_call("201", "on_hold").await;
    let out = house.calls("201").await.into_iter().find(|call| call["id"] == out.as_str()).unwrap();
    assert_eq!(waiting["allowed_actions"], json!(["redirect"]));
    assert_eq!(held["allowed_actions"], json!(["drop", "complete_transfer"]));
    assert_eq!(out["allowed_actions"], json!(["drop", "complete_transfer"]));
    house
        .until_line("201", "nothing can be dialled", |line| {
            !line["allowed_actions"].as_array().unwrap().contains(&json!("dial"))
        })
        .await;
    house.complete(&out, "transfer").await;
    assert_eq!(text(&house.until_ended(&held).await, "/cause"), "transferred");
    house.until_ended(&out).await;
    let trunk = house.twin.truth().calls.into_iter().find(|call| call.legs.iter().any(|leg| leg.number == "202"));
    house.twin.trunk(&trunk.unwrap().gcid, TrunkAction::Answer).await.unwrap();
    house.settle_calls().await;
    assert_eq!(text(&house.until_call("202", "connected").await, "/connected/number"), "0301234567");
    house.close().await;
}
