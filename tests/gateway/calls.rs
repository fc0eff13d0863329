//! Calls made by programs and at phones: each step once, in order, with the right parties.

use cme_twin::{Faults, TrunkAction, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, refused, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_dialled_answered_held_retrieved_and_dropped() {
    let mut house = House::open().await;
    let anna = house.line_id("201").await;
    let body = json!({"to": "202", "client_ref": "ticket-7", "data": {"customer": 4711}});
    let call = house.client().post(&format!("/lines/{anna}/calls"), &body).await.unwrap();
    assert_eq!(
        (text(&call, "/client_ref"), text(&call, "/direction"), text(&call, "/called/number")),
        ("ticket-7", "outbound", "202")
    );
    assert_eq!(call["data"]["customer"], 4711);
    let ringing = house.until_call("202", "offering").await;
    assert_eq!((text(&ringing, "/caller/number"), text(&ringing, "/caller/name")), ("201", "Anna Berg"));
    house.act(&ringing, "answer").await.unwrap();
    house.until_call("201", "connected").await;
    house.act(&call, "hold").await.unwrap();
    house.until_call("202", "remote_held").await;
    house.act(&call, "retrieve").await.unwrap();
    house.until_call("202", "connected").await;
    house.act(&call, "drop").await.unwrap();
    let ended = house.until_ended(&call).await;
    assert_eq!((text(&ended, "/cause"), text(&ended, "/client_ref")), ("normal", "ticket-7"));
    house.until_ended(&ringing).await;
    house.settle_calls().await;
    assert_eq!(house.steps("201").await, ["dialing", "ringback", "connected", "on_hold", "connected", "ended"]);
    assert_eq!(house.steps("202").await, ["offering", "connected", "remote_held", "connected", "ended"]);
    // What the program did carries its name and commands; the far end did it at its phone.
    let commands = house.stream.seen().iter().filter(|event| event["event"] == "command.succeeded").count();
    assert_eq!(commands, 5);
    assert!(!house.stream.seen().iter().any(|event| event["event"] == "command.failed"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_at_the_phones_is_told_as_the_phones_doing() {
    let mut house = House::open().await;
    house.twin.dial("201", "202").await.unwrap();
    let ringing = house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    house.until_call("201", "connected").await;
    house.twin.hold("202").await.unwrap();
    house.until_call("201", "remote_held").await;
    house.twin.retrieve("202").await.unwrap();
    let calling = house.until_call("201", "connected").await;
    house.twin.hang_up("201").await.unwrap();
    house.until_ended(&ringing).await;
    house.settle_calls().await;
    assert_eq!(house.steps("201").await, ["dialing", "ringback", "connected", "remote_held", "connected", "ended"]);
    assert_eq!(house.steps("202").await, ["offering", "connected", "on_hold", "connected", "ended"]);
    assert_eq!(calling["conversation_id"], ringing["conversation_id"]);
    let of_calls = house.stream.seen().iter().filter(|event| text(event, "/event").starts_with("call."));
    assert!(of_calls.clone().all(|event| event["actor"] == "phone" || event["actor"] == "gateway"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_and_wrong_numbers_say_what_they_are() {
    let mut house = House::open().await;
    house.twin.dial("208", "208").await.ok();
    house.twin.hang_up("208").await.ok();
    house.settle_calls().await;
    let call = house.dial("201", "207").await;
    let failed = house.until_call("201", "failed").await;
    assert_eq!(failed["id"], call["id"]);
    house.act(&failed, "drop").await.unwrap();
    assert_eq!(text(&house.until_ended(&call).await, "/cause"), "out_of_service");
    let call = house.dial("201", "999").await;
    house.until_call("201", "failed").await;
    house.act(&call, "drop").await.unwrap();
    assert_eq!(text(&house.until_ended(&call).await, "/cause"), "invalid_number");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_line_is_busy() {
    let mut house = House::open().await;
    // Both channels of 208 are in use.
    house.twin.dial("208", "201").await.unwrap();
    house.twin.answer("201@1").await.unwrap();
    house.twin.call_in("0301234567", "208").await.unwrap();
    house.until_call("208", "offering").await;
    let call = house.dial("202", "208").await;
    let busy = house.until_call("202", "busy").await;
    assert_eq!(busy["id"], call["id"]);
    house.act(&busy, "drop").await.unwrap();
    let ended = house.until_ended(&call).await;
    assert_eq!(text(&ended, "/cause"), "busy");
    assert!(ended["answered_at"].is_null());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_cannot_be_dialled_never_reaches_the_router() {
    let house = House::open().await;
    let anna = house.line_id("201").await;
    house.twin.clear_requests();
    let (status, problem) = refused(house.client().post(&format!("/lines/{anna}/calls"), &json!({"to": "anna"})).await);
    assert_eq!((status, text(&problem, "/code")), (422, "invalid_number"));
    assert_eq!(house.twin.requests().services.get("MakeCall"), None);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_out_over_the_trunk() {
    let mut config = TwinConfig::default();
    config.behaviour.limits.trunk_answer = 0;
    let mut house = House::with(config, json!({})).await;
    let call = house.dial("201", "0 30 / 123 45-67").await;
    assert_eq!((text(&call, "/called/number"), call["internal"].as_bool()), ("0301234567", Some(false)));
    let gcid = text(&call, "/pbx_call_id").to_owned();
    house.until_call("201", "proceeding").await;
    house.twin.trunk(&gcid, TrunkAction::Ring).await.unwrap();
    house.until_call("201", "ringback").await;
    house.twin.trunk(&gcid, TrunkAction::Answer).await.unwrap();
    house.until_call("201", "connected").await;
    house.twin.trunk(&gcid, TrunkAction::HangUp).await.unwrap();
    assert_eq!(text(&house.until_ended(&call).await, "/cause"), "normal");
    house.settle_calls().await;
    assert_eq!(house.steps("201").await, ["dialing", "proceeding", "ringback", "connected", "ended"]);
    house.close().await;
}

/// Transferred by a consultation, over a trunk that never tells that the far end rings.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_transferred_to_a_trunk_that_tells_nothing() {
    let mut config = TwinConfig::default();
    config.behaviour.limits.trunk_answer = 0;
    let mut house = House::with(config, json!({})).await;
    let plain = Faults { services_off: vec!["SingleStepTransferCall".to_owned()], ..Faults::default() };
    // The router takes the transfer while the trunk proceeds, or only when the far end rings.
    for takes_early in [true, false] {
        let too_early = ("TransferCall".to_owned(), "stateIncompatibility/invalidObjectState".to_owned());
        let errors = if takes_early { [].into() } else { [too_early].into() };
        house.twin.set_faults(Faults { errors, ..plain.clone() });
        house.twin.clear_requests();
        let call = house.dial("201", "202").await;
        let ringing = house.until_call("202", "offering").await;
        house.act(&ringing, "answer").await.unwrap();
        house.until_call("201", "connected").await;
        let path = format!("/calls/{}/blind-transfer", text(&call, "/id"));
        let body = json!({"to": "0301234567"});
        let (transferred, ()) = tokio::join!(house.client().post(&path, &body), async {
            if takes_early {
                return;
            }
            house.twin.until_requests(|requests| requests.services.contains_key("TransferCall")).await;
            let calls = house.calls("201").await;
            let consultation = calls.iter().find(|call| call["state"] == "proceeding").unwrap();
            house.twin.set_faults(plain.clone());
            house.twin.trunk(text(consultation, "/pbx_call_id"), TrunkAction::Ring).await.unwrap();
        });
        transferred.unwrap();
        assert_eq!(text(&house.until_ended(&call).await, "/cause"), "transferred");
        let asked = house.twin.requests().services["TransferCall"];
        assert_eq!(asked, if takes_early { 1 } else { 2 });
        house.twin.hang_up("202").await.unwrap();
        house.settle_calls().await;
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_comes_in_over_the_trunk() {
    let mut house = House::open().await;
    let gcid = house.twin.call_in("0301234567", "202").await.unwrap().gcid;
    let call = house.until_call("202", "offering").await;
    assert_eq!((text(&call, "/caller/number"), text(&call, "/direction")), ("0301234567", "inbound"));
    assert_eq!((call["internal"].as_bool(), text(&call, "/caller/presentation")), (Some(false), "available"));
    house.act(&call, "answer").await.unwrap();
    house.until_call("202", "connected").await;
    house.twin.trunk(&gcid, TrunkAction::HangUp).await.unwrap();
    house.until_ended(&call).await;
    // This router says of a withheld number that it does not know it.
    house.twin.call_in("", "202").await.unwrap();
    let hidden = house.until_call("202", "offering").await;
    assert!(hidden["caller"]["number"].is_null());
    assert_eq!(text(&hidden, "/caller/presentation"), "unknown");
    house.twin.hang_up("202").await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_gives_up_and_nobody_who_answers_are_told_apart() {
    let mut config = TwinConfig::default();
    config.behaviour.limits.ringing = 700;
    let mut house = House::with(config, json!({})).await;
    house.twin.dial("201", "202").await.unwrap();
    let first = house.until_call("202", "offering").await;
    house.twin.hang_up("201").await.unwrap();
    assert_eq!(text(&house.until_ended(&first).await, "/cause"), "caller_gave_up");
    house.twin.dial("201", "202").await.unwrap();
    let second = house.until_call("202", "offering").await;
    assert_eq!(text(&house.until_ended(&second).await, "/cause"), "no_answer");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_call_names_who_sent_it() {
    let mut house = House::open().await;
    house.twin.forward("202", "208").await.unwrap();
    house.until_line("202", "is forwarded", |line| line["forwarding"]["unconditional"] == "208").await;
    let call = house.dial("201", "202").await;
    let ringing = house.until_call("208", "offering").await;
    assert_eq!((text(&ringing, "/reason"), text(&ringing, "/redirecting/number")), ("forwarded_unconditional", "202"));
    assert_eq!(ringing["conversation_id"], call["conversation_id"]);
    house.act(&ringing, "answer").await.unwrap();
    let talking = house.until_call("201", "connected").await;
    assert_eq!(text(&talking, "/connected/number"), "208");
    house.twin.forward("202", "").await.unwrap();
    house.until_line("202", "is not forwarded", |line| line["forwarding"]["unconditional"].is_null()).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_button_shows_its_own_forwarding() {
    // Forwarded at the phone before the gateway came.
    let mut config = TwinConfig::default();
    config.system.dns.get_mut(&4).unwrap().forward_all = "208".to_owned();
    let mut house = House::with(config, json!({})).await;
    let of = |line: &Value, index: usize| line["addresses"][index]["forwarding"]["unconditional"].clone();
    let line = house.until_line("201", "its second button is forwarded", |line| of(line, 1) == "208").await;
    assert_eq!((&line["forwarding"]["unconditional"], of(&line, 0)), (&Value::Null, Value::Null));
    house.twin.forward("204", "").await.unwrap();
    house.until_line("201", "it is not any more", |line| of(line, 1).is_null()).await;
    let path = format!("/lines/{}/forwarding", text(&line, "/id"));
    house.client().put(&format!("{path}?address=1"), &json!({"unconditional": "205"})).await.unwrap();
    house.until_line("201", "by the gateway", |line| of(line, 1) == "205" && of(line, 0).is_null()).await;
    house.client().put(&path, &json!({"unconditional": "202"})).await.unwrap();
    let both =
        |line: &Value| of(line, 1) == "205" && of(line, 0) == "202" && line["forwarding"]["unconditional"] == "202";
    house.until_line("201", "each has its own", both).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ringing_call_is_sent_on_at_the_phone() {
    let mut house = House::open().await;
    house.twin.dial("201", "202").await.unwrap();
    let first = house.until_call("202", "offering").await;
    house.twin.deflect("202", "208").await.unwrap();
    let second = house.until_call("208", "offering").await;
    assert_eq!(text(&house.until_ended(&first).await, "/cause"), "redirected");
    assert_eq!((text(&second, "/reason"), text(&second, "/redirecting/number")), ("redirected", "202"));
    assert_eq!(second["conversation_id"], first["conversation_id"]);
    house.twin.answer("208").await.unwrap();
    let caller = house.until_call("201", "connected").await;
    assert_eq!(text(&caller, "/connected/number"), "208");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_answers_is_forwarded_after_a_while() {
    let mut house = House::open().await;
    house.twin.forward_when("202", "no-answer", "208", Some(3)).await.unwrap();
    house.twin.dial("201", "202").await.unwrap();
    let first = house.until_call("202", "offering").await;
    let second = house.until_call("208", "offering").await;
    assert_eq!(text(&house.until_ended(&first).await, "/cause"), "forwarded");
    assert_eq!(text(&second, "/reason"), "forwarded_no_answer");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn do_not_disturb_belongs_to_the_phone() {
    let mut house = House::open().await;
    house.twin.dnd("1", true).await.unwrap();
    house.until_line("201", "is not to be disturbed", |line| line["do_not_disturb"] == true).await;
    assert_eq!(house.line("202").await["do_not_disturb"], false);
    house.twin.dnd("1", false).await.unwrap();
    house.until_line("201", "is open again", |line| line["do_not_disturb"] == false).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dial_tone_and_digits_at_the_phone_are_followed() {
    let mut house = House::open().await;
    house.twin.off_hook("201").await.unwrap();
    let tone = house.calls("201").await;
    assert!(tone.len() <= 1);
    house.twin.digits("201", "2").await.unwrap();
    house.twin.digits("201", "02").await.unwrap();
    house.until_call("202", "offering").await;
    house.until_call("201", "ringback").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_attach_at_once_lose_nothing() {
    let mut house = House::open().await;
    let call = house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    let path = format!("/calls/{}", text(&call, "/id"));
    let attach = |number: usize| {
        let (client, path) = (house.client().clone(), path.clone());
        async move { client.patch(&path, &json!({"data": {format!("member-{number}"): number}})).await }
    };
    let done = futures_util::future::join_all((0..20).map(attach)).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    let data = house.client().get(&path).await.unwrap()["data"].clone();
    assert_eq!(data.as_object().unwrap().len(), 20, "{data}");
    // Too much is refused as a whole, and null empties.
    let long = json!({"data": {"note": "x".repeat(4100)}});
    let (status, problem) = refused(house.client().patch(&path, &long).await);
    assert_eq!((status, text(&problem, "/errors/0/pointer")), (422, "/data"), "{problem}");
    assert_eq!(refused(house.client().patch(&path, &json!({"data": [1]})).await).0, 422);
    assert_eq!(house.client().get(&path).await.unwrap()["data"], data);
    house.client().patch(&path, &json!({"data": null})).await.unwrap();
    assert_eq!(house.client().get(&path).await.unwrap()["data"], json!({}));
    house.clear().await;
    house.close().await;
}
