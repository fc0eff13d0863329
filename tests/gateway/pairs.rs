//! Several calls on one button, several buttons of one phone: who is connected with whom, and what can be done.

use cme_twin::{TrunkAction, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, text};

impl House {
    /// The call of a line with this party.
    async fn with_party(&self, number: &str, party: &str) -> Value {
        let is_it = |call: &Value| text(call, "/connected/number") == party;
        self.calls(number).await.into_iter().find(is_it).unwrap()
    }

    async fn complete(&self, call: &Value, mode: &str) {
        let path = format!("/calls/{}/complete-transfer", text(call, "/id"));
        self.client().post(&path, &json!({ "mode": mode })).await.unwrap();
    }
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
