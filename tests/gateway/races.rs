//! Answers that are lost, and two who want something of one call at the same time.

use std::time::{Duration, Instant};

use cme_twin::{Answer, Faults, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, refused, text};

impl House {
    /// 201 talks with 202; gives the calls of both.
    async fn connected(&mut self) -> (Value, Value) {
        let call = self.dial("201", "202").await;
        let ringing = self.until_call("202", "offering").await;
        self.act(&ringing, "answer").await.unwrap();
        self.until_call("201", "connected").await;
        self.until_call("202", "connected").await;
        (call, ringing)
    }
}

fn is_nothing_allowed(call: &Value) -> bool {
    call["allowed_actions"].as_array().is_some_and(Vec::is_empty)
}

/// A hold whose answer never comes: the caller is told so after ten seconds, and can hang up at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_leaves_the_line_usable() {
    // No snapshot of another cause may take the lost answer.
    let patch = json!({"options": {"snapshot_interval_s": 300, "line_update_interval_s": 300}});
    let mut house = House::with(TwinConfig::default(), patch).await;
    let (call, _) = house.connected().await;
    let lost = Answer { status: 0, times: 1, retry_after: 0 };
    house.twin.set_faults(Faults { answers: [("INFO".to_owned(), lost)].into(), ..Faults::default() });
    let (status, problem) = refused(house.act(&call, "hold").await);
    assert_eq!((status, text(&problem, "/code")), (504, "pbx_timeout"), "{problem:#}");
    let began = Instant::now();
    house.act(&call, "drop").await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(8), "hung up after {:?}", began.elapsed());
    house.until_ended(&call).await;
    // What became of the hold is told without waiting for the end of its transaction.
    let failed = house
        .stream
        .find("the outcome of the hold", |event| {
            event["event"] == "command.failed" && event["data"]["action"] == "hold"
        })
        .await;
    assert_eq!(failed["data"]["problem"]["code"], "pbx_timeout", "{failed:#}");
    assert!(began.elapsed() < Duration::from_secs(15), "told after {:?}", began.elapsed());
    house.close().await;
}

/// What waits behind a lost answer: a hang-up comes after the truth, and whatever else is refused says why.
#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_behind_a_lost_answer_is_carried_out() {
    let patch = json!({"options": {"snapshot_interval_s": 300, "line_update_interval_s": 300}});
    let mut house = House::with(TwinConfig::default(), patch).await;
    let (call, _) = house.connected().await;
    let lost = Answer { status: 0, times: 1, retry_after: 0 };
    house.twin.set_faults(Faults { answers: [("INFO".to_owned(), lost)].into(), ..Faults::default() });
    let (hold, drop) = tokio::join!(house.act(&call, "hold"), house.act(&call, "drop"));
    // Whichever of the two came first lost its answer; the other one was done, or had nothing left to do.
    let outcomes = [hold, drop].map(|outcome| match outcome {
        Ok(_) => (200, Value::Null),
        refusal => refused(refusal),
    });
    let [(hold, said), (drop, told)] = &outcomes;
    match drop {
        200 => assert_eq!((*hold, text(said, "/code")), (504, "pbx_timeout"), "{said:#}"),
        _ => assert_eq!((*drop, text(told, "/code")), (504, "pbx_timeout"), "{told:#}"),
    }
    if *drop != 200 {
        house.act(&call, "drop").await.unwrap();
    }
    house.until_ended(&call).await;
    house.close().await;
}

/// Two clients hang up: both are told that it is so.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_hang_up_both_succeed() {
    let mut house = House::open().await;
    for late in [0, 300] {
        house.twin.set_faults(Faults { delay_events: late, ..Faults::default() });
        let (call, _) = house.connected().await;
        let (first, second) = tokio::join!(house.act(&call, "drop"), house.act(&call, "drop"));
        for outcome in [first, second] {
            match outcome {
                Ok(done) => assert_eq!(done["calls"][0]["id"], call["id"], "{done:#}"),
                // Its request came when everything was over.
                Err(error) => assert_eq!((refused(Err(error)).0, late), (404, 0)),
            }
        }
        house.until_ended(&call).await;
        house.settle_calls().await;
    }
    house.twin.set_faults(Faults::default());
    house.close().await;
}

/// One hangs up, the other holds: the second is told what is, and not that the router did something wrong.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_too_late_for_a_call_is_not_allowed_any_more() {
    let mut house = House::open().await;
    house.twin.set_faults(Faults { delay_events: 300, ..Faults::default() });
    let (call, _) = house.connected().await;
    let (dropped, held) = tokio::join!(house.act(&call, "drop"), async {
        tokio::task::yield_now().await;
        house.act(&call, "hold").await
    });
    // They may overtake each other; then the hold is done and the hang-up too.
    dropped.unwrap();
    if held.is_err() {
        let (status, problem) = refused(held);
        assert_eq!((status, text(&problem, "/code")), (409, "not_allowed_now"), "{problem:#}");
        assert!(text(&problem, "/hint").len() > 20, "{problem:#}");
    }
    house.until_ended(&call).await;
    house.settle_calls().await;
    house.twin.set_faults(Faults::default());
    house.close().await;
}

/// One holds, and another one hangs up before the hold is answered, or before its event is there: each change carries the
/// command that made it, and who gave it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_does_carries_the_command_that_did_it() {
    let mut house = House::open().await;
    let wish = json!({"name": "second desk", "scopes": ["control"]});
    let token = house.client().post("/tokens", &wish).await.unwrap();
    let second = linegate::client::Client::new(house.gateway.url(), text(&token, "/token")).unwrap();
    let late_answers = Faults { delay_answers: 300, ..Faults::default() };
    let late_events = Faults { delay_events: 300, ..Faults::default() };
    for faults in [late_answers, late_events] {
        let (call, _) = house.connected().await;
        let id = text(&call, "/id").to_owned();
        house.twin.clear_requests();
        house.twin.set_faults(faults.clone());
        let path = format!("/calls/{id}/drop");
        let (held, dropped) = tokio::join!(house.act(&call, "hold"), async {
            house.twin.until_requests(|requests| requests.services.contains_key("HoldCall")).await;
            second.post(&path, &json!({})).await
        });
        held.unwrap();
        dropped.unwrap();
        house.twin.set_faults(Faults::default());
        house.until_ended(&call).await;
        let mut made = Vec::new();
        for action in ["hold", "drop"] {
            let outcome = house
                .stream
                .find("its outcome", |event| {
                    event["event"] == "command.succeeded"
                        && event["data"]["action"] == action
                        && event["call_id"] == id.as_str()
                })
                .await;
            made.push((outcome["command_id"].clone(), outcome["actor"].clone()));
        }
        let of = |what: &str, is_it: &dyn Fn(&Value) -> bool| {
            let found = house.stream.seen().iter().find(|event| event["call_id"] == id.as_str() && is_it(event));
            let found = found.unwrap_or_else(|| panic!("no event: {what}"));
            (found["command_id"].clone(), found["actor"].clone())
        };
        assert_eq!(of("held", &|event| event["data"]["state"] == "on_hold"), made[0], "{faults:?}");
        assert_eq!(of("ended", &|event| event["event"] == "call.ended"), made[1], "{faults:?}");
        assert_eq!(made[1].1, "second desk");
        assert_ne!(made[0], made[1]);
        house.settle_calls().await;
        // Who was held may still be off hook.
        if let Some(left) = house.calls("202").await.first() {
            house.act(left, "drop").await.unwrap();
        }
        house.settle_calls().await;
    }
    house.close().await;
}

/// The held party of a consultation hangs up: from then on the held call offers nothing, and the consultation is a call
/// like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_held_call_whose_party_left_offers_nothing() {
    let mut house = House::open().await;
    let (held, _) = house.connected().await;
    let path = format!("/calls/{}/consult", text(&held, "/id"));
    let consultation = house.client().post(&path, &json!({"to": "208"})).await.unwrap();
    let ringing = house.until_call("208", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    house.until_call("201", "connected").await;
    house.twin.hang_up("202").await.unwrap();
    let id = text(&held, "/id").to_owned();
    let last = house
        .stream
        .find("nothing is offered", |event| event["call_id"] == id.as_str() && is_nothing_allowed(&event["data"]))
        .await;
    assert_eq!(last["event"], "call.updated", "before it is known why the call is over: {last:#}");
    let now = house.until_call("201", "connected").await;
    let actions = now["allowed_actions"].to_string();
    assert!(!actions.contains("swap") && !actions.contains("complete_transfer"), "{actions}");
    house.act(&consultation, "drop").await.unwrap();
    house.until_ended(&consultation).await;
    house.until_ended(&held).await;
    house.close().await;
}
