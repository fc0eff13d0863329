//! The journal of calls: every finished call once, with what came of it and who acted, whatever happened to the gateway;
//! and what programs attached goes where the call goes.

use std::collections::BTreeSet;
use std::time::Duration;

use cme_twin::{TrunkAction, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{Gateway, House, text};

impl House {
    /// The journal, newest first.
    async fn journal(&self, query: &str) -> Vec<Value> {
        self.client().list(&format!("/journal?{query}")).await.unwrap()
    }

    /// The entries of a line.
    async fn journal_of(&self, number: &str) -> Vec<Value> {
        self.journal(&format!("line={}", self.line_id(number).await)).await
    }

    async fn blind(&self) -> Vec<Value> {
        self.client().list(&format!("/journal/blind?pbx={}", self.pbx)).await.unwrap()
    }

    /// The stream told of the end of exactly the calls that the journal has, and each has one entry.
    async fn assert_journal_is_the_stream(&mut self) {
        self.drain().await;
        let ends = self.stream.seen().iter().filter(|event| event["event"] == "call.ended");
        let told: Vec<String> = ends.map(|event| text(event, "/call_id").to_owned()).collect();
        let entries: Vec<String> = self.journal("").await.iter().map(|entry| text(entry, "/id").to_owned()).collect();
        let (told_once, entered_once): (BTreeSet<_>, BTreeSet<_>) = (told.iter().collect(), entries.iter().collect());
        assert_eq!((told.len(), entries.len()), (told_once.len(), entered_once.len()), "twice");
        assert_eq!(told_once, entered_once);
    }

    async fn act_by(&self, call: &Value, verb: &str, body: Value) -> Value {
        self.client().post(&format!("/calls/{}/{verb}", text(call, "/id")), &body).await.unwrap()
    }

    async fn attach(&self, call: &Value, data: Value) {
        self.client().patch(&format!("/calls/{}", text(call, "/id")), &json!({"data": data})).await.unwrap();
    }
}

fn what(entry: &Value) -> (&str, &str, &str) {
    (text(entry, "/direction"), text(entry, "/result"), text(entry, "/cause"))
}

fn who(entry: &Value) -> (&str, &str, &str) {
    (text(entry, "/created_by"), text(entry, "/answered_by"), text(entry, "/actor"))
}

fn seconds(entry: &Value, field: &str) -> f64 {
    entry[field].as_f64().unwrap()
}

fn ms(entry: &Value, field: &str) -> i64 {
    let text = text(entry, field);
    linegate::domain::Timestamp::parse(text).unwrap_or_else(|| panic!("{field}: {text}")).unix_ms()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_call_has_an_entry_at_each_line_and_says_who_acted() {
    let mut house = House::open().await;
    let line = house.line_id("201").await;
    let body = json!({"to": "202", "client_ref": "crm-1", "data": {"ticket": 17}});
    let call = house.client().post(&format!("/lines/{line}/calls"), &body).await.unwrap();
    let ringing = house.until_call("202", "offering").await;
    assert_eq!(ringing["data"], json!({"ticket": 17}), "what the caller attached is on the phone that rings");
    house.twin.answer("202").await.unwrap();
    house.until_call("202", "connected").await;
    house.until_call("201", "connected").await;
    house.act(&ringing, "drop").await.unwrap();
    let (called, calling) = (house.until_ended(&ringing).await, house.until_ended(&call).await);
    let (out, into) = (house.journal_of("201").await, house.journal_of("202").await);
    let ([out], [into]) = (out.as_slice(), into.as_slice()) else { panic!("{out:?} {into:?}") };
    assert_eq!((what(out), what(into)), (("outbound", "answered", "normal"), ("inbound", "answered", "normal")));
    // A program made it ring there and hung up there; a person answered.
    assert_eq!((who(into), who(out)), (("admin", "phone", "admin"), ("admin", "", "admin")));
    let far = house.stream.seen().iter().rfind(|event| event["call_id"] == call["id"]).unwrap();
    let own = house.stream.seen().iter().rfind(|event| event["call_id"] == ringing["id"]).unwrap();
    assert_eq!((&far["command_id"], &far["actor"]), (&own["command_id"], &json!("admin")), "one command ended both");
    assert_eq!(
        (text(out, "/client_ref"), &out["data"], &into["data"]),
        ("crm-1", &json!({"ticket": 17}), &out["data"])
    );
    assert_eq!(out["conversation_id"], into["conversation_id"]);
    for (entry, last) in [(out, &calling), (into, &called)] {
        for (field, value) in last.as_object().unwrap() {
            assert_eq!(&entry[field], value, "{field} is that of the last event");
        }
        let talked = ms(entry, "/ended_at") - ms(entry, "/answered_at");
        assert!((seconds(entry, "talk_s") * 1000.0 - f64::from(i32::try_from(talked).unwrap())).abs() < 0.5);
        assert!(seconds(entry, "ring_s") > 0.0, "{entry}");
    }
    assert_eq!(house.journal(&format!("conversation={}", text(out, "/conversation_id"))).await.len(), 2);
    assert!(house.client().list("/calls").await.unwrap().is_empty(), "ended calls are in the journal alone");
    house.assert_journal_is_the_stream().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_seen_from_the_line() {
    let mut config = TwinConfig::default();
    config.behaviour.limits.trunk_answer = 0;
    let mut house = House::with(config, json!({})).await;
    // Missed: somebody from outside gives up.
    let gcid = house.twin.call_in("0301234567", "202").await.unwrap().gcid;
    let call = house.until_call("202", "offering").await;
    house.twin.trunk(&gcid, TrunkAction::HangUp).await.unwrap();
    house.until_ended(&call).await;
    let missed = &house.journal("result=missed").await[0];
    assert_eq!((what(missed), who(missed)), (("inbound", "missed", "caller_gave_up"), ("phone", "", "phone")));
    assert_eq!((seconds(missed, "talk_s"), &missed["internal"]), (0.0, &json!(false)));
    // Nobody answers.
    let call = house.dial("201", "202").await;
    house.until_call("201", "ringback").await;
    house.act(&call, "drop").await.unwrap();
    house.until_ended(&call).await;
    let entry = &house.journal_of("201").await[0];
    assert_eq!((text(entry, "/result"), who(entry)), ("no_answer", ("admin", "", "admin")));
    // No such number.
    let call = house.dial("201", "999").await;
    house.until_call("201", "failed").await;
    house.act(&call, "drop").await.unwrap();
    house.until_ended(&call).await;
    assert_eq!(what(&house.journal_of("201").await[0]), ("outbound", "failed", "invalid_number"));
    // Busy: both channels of 208 are in use.
    house.twin.dial("208", "201").await.unwrap();
    house.twin.answer("201@1").await.unwrap();
    house.twin.call_in("0301234567", "208").await.unwrap();
    house.until_call("208", "offering").await;
    let call = house.dial("202", "208").await;
    house.until_call("202", "busy").await;
    house.act(&call, "drop").await.unwrap();
    house.until_ended(&call).await;
    assert_eq!(what(&house.journal_of("202").await[0]), ("outbound", "busy", "busy"));
    house.clear().await;
    // Out over the trunk.
    let call = house.dial("201", "0301234567").await;
    let gcid = text(&call, "/pbx_call_id").to_owned();
    house.until_call("201", "proceeding").await;
    house.twin.trunk(&gcid, TrunkAction::Ring).await.unwrap();
    house.until_call("201", "ringback").await;
    house.twin.trunk(&gcid, TrunkAction::Answer).await.unwrap();
    house.until_call("201", "connected").await;
    house.twin.trunk(&gcid, TrunkAction::HangUp).await.unwrap();
    house.until_ended(&call).await;
    let out = house.journal("number=%2B0%2030-123%2045%2067&direction=outbound").await;
    assert_eq!((out.len(), what(&out[0])), (1, ("outbound", "answered", "normal")));
    house.assert_journal_is_the_stream().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_goes_with_a_transfer_and_all_legs_are_one_conversation() {
    let mut house = House::open().await;
    house.twin.call_in("0301234567", "201").await.unwrap();
    let first = house.until_call("201", "offering").await;
    house.act(&first, "answer").await.unwrap();
    let first = house.until_call("201", "connected").await;
    house.attach(&first, json!({"ticket": 17})).await;
    house.act_by(&first, "consult", json!({"to": "202"})).await;
    let second = house.until_call("202", "offering").await;
    house.act(&second, "answer").await.unwrap();
    house.until_call("202", "connected").await;
    let consultation = house.until_call("201", "connected").await;
    house.attach(&consultation, json!({"note": "a colleague", "ticket": 99})).await;
    house.act(&consultation, "complete-transfer").await.unwrap();
    house.until_ended(&first).await;
    house.until_ended(&consultation).await;
    let both = json!({"ticket": 17, "note": "a colleague"});
    let there = house
        .stream
        .find("the data at the new phone", |event| event["call_id"] == second["id"] && event["data"]["data"] == both)
        .await["data"]
        .clone();
    assert_eq!(there["conversation_id"], first["conversation_id"]);
    house.act(&there, "drop").await.unwrap();
    house.until_ended(&there).await;
    house.settle_calls().await;
    let legs = house.journal(&format!("conversation={}", text(&first, "/conversation_id"))).await;
    assert_eq!(legs.len(), 3, "{legs:#?}");
    for leg in &legs {
        assert_eq!((&leg["data"], text(leg, "/result")), (&both, "answered"), "{leg}");
    }
    let given = legs.iter().filter(|leg| leg["cause"] == "transferred").count();
    assert_eq!(given, 2);
    house.assert_journal_is_the_stream().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_goes_with_blind_transfer_redirection_forwarding_and_conference() {
    let mut house = House::open().await;
    let data = json!({"ticket": 17});
    // Blind transfer.
    house.twin.call_in("0301234567", "201").await.unwrap();
    let ringing = house.until_call("201", "offering").await;
    house.attach(&ringing, data.clone()).await;
    house.act(&ringing, "answer").await.unwrap();
    let call = house.until_call("201", "connected").await;
    house.act_by(&call, "blind-transfer", json!({"to": "202"})).await;
    let moved = house.until_call("202", "offering").await;
    assert_eq!((&moved["data"], &moved["conversation_id"]), (&data, &call["conversation_id"]));
    // Redirection of what rings there now.
    house.act_by(&moved, "redirect", json!({"to": "208"})).await;
    let moved = house.until_call("208", "offering").await;
    assert_eq!((&moved["data"], &moved["conversation_id"]), (&data, &call["conversation_id"]));
    house.twin.hang_up("208").await.unwrap();
    house.until_ended(&moved).await;
    house.clear().await;
    let legs = house.journal(&format!("conversation={}", text(&call, "/conversation_id"))).await;
    let mut results: Vec<&str> = legs.iter().map(|leg| text(leg, "/result")).collect();
    results.sort_unstable();
    assert_eq!(results, ["answered", "forwarded", "rejected"], "{legs:#?}");
    assert!(legs.iter().all(|leg| leg["data"] == data));
    // Forwarding at the phone.
    house.twin.forward("202", "208").await.unwrap();
    house.until_line("202", "is forwarded", |line| line["forwarding"]["unconditional"] == "208").await;
    let line = house.line_id("201").await;
    let body = json!({"to": "202", "data": data});
    house.client().post(&format!("/lines/{line}/calls"), &body).await.unwrap();
    assert_eq!(house.until_call("208", "offering").await["data"], data);
    house.clear().await;
    house.twin.forward("202", "").await.unwrap();
    // A conference.
    house.client().post(&format!("/lines/{line}/calls"), &body).await.unwrap();
    house.twin.answer("202").await.unwrap();
    house.until_call("202", "connected").await;
    let call = house.until_call("201", "connected").await;
    house.act_by(&call, "consult", json!({"to": "208"})).await;
    let ringing = house.until_call("208", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    house.until_call("208", "connected").await;
    let second = house.until_call("201", "connected").await;
    house.act_by(&second, "complete-transfer", json!({"mode": "conference"})).await;
    for number in ["201", "202", "208"] {
        let there = house.until_call(number, "conferenced").await;
        assert_eq!((&there["data"], &there["conversation_id"]), (&data, &call["conversation_id"]), "{number}");
    }
    house.clear().await;
    house.assert_journal_is_the_stream().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_has_every_finished_call_once() {
    let mut house = House::process(TwinConfig::default()).await;
    // One that lives through it, made by a program and answered at the phone; one that ends meanwhile.
    let lasting = house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    house.until_call("202", "connected").await;
    house.until_call("201", "connected").await;
    house.attach(&lasting, json!({"ticket": 17})).await;
    let gcid = house.twin.call_in("0301234567", "208").await.unwrap().gcid;
    let unseen = house.until_call("208", "offering").await;
    let House { twin, gateway, stream, pbx } = house;
    let data = gateway.kill();
    twin.trunk(&gcid, TrunkAction::HangUp).await.unwrap();
    let gateway = Gateway::process(data).await;
    let stream = stream.resume(&gateway.client).await;
    let mut house = House { twin, gateway, stream, pbx };
    house.settle_calls().await;
    house.until_ended(&unseen).await;
    let entry = &house.journal_of("208").await[0];
    assert_eq!((what(entry), who(entry)), (("inbound", "unknown", "lost"), ("phone", "", "gateway")));
    assert_eq!(entry["id"], unseen["id"]);
    house.until_settled().await;
    // What was known of the call that lived is known to its end; its other leg still shows what was attached.
    house.act(&lasting, "drop").await.unwrap();
    house.until_ended(&lasting).await;
    house.settle_calls().await;
    let entry = &house.journal_of("201").await[0];
    assert_eq!(
        (text(entry, "/created_by"), text(entry, "/actor"), text(entry, "/result")),
        ("admin", "admin", "answered")
    );
    assert!(seconds(entry, "ring_s") > 0.0);
    let entry = &house.journal_of("202").await[0];
    assert_eq!((text(entry, "/answered_by"), &entry["data"]), ("phone", &json!({"ticket": 17})));
    house.assert_journal_is_the_stream().await;
    house.forgive(&["event.answer"]);
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_calls_end_it_has_neither_lost_nor_doubled_one() {
    let mut house = House::process(TwinConfig::default()).await;
    for round in 0..4_u32 {
        house.twin.dial("201", "202").await.unwrap();
        house.until_call("202", "offering").await;
        house.twin.answer("202").await.unwrap();
        house.until_call("201", "connected").await;
        house.until_call("202", "connected").await;
        house.twin.hang_up("202").await.unwrap();
        // At another moment of the end each time.
        tokio::time::sleep(Duration::from_millis(u64::from(round) * 3)).await;
        let House { twin, gateway, stream, pbx } = house;
        let gateway = Gateway::process(gateway.kill()).await;
        let stream = stream.resume(&gateway.client).await;
        house = House { twin, gateway, stream, pbx };
        house.until_settled().await;
        house.settle_calls().await;
    }
    house.assert_journal_is_the_stream().await;
    let entries = house.journal("").await;
    assert_eq!(entries.len(), 8, "{entries:#?}");
    assert!(entries.iter().all(|entry| entry["result"] == "answered"), "{entries:#?}");
    house.forgive(&["event.answer"]);
    house.close_beside_lost_sessions().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_times_in_which_nobody_looked_are_known() {
    let mut house = House::open().await;
    let until_seen = async |house: &mut House| {
        loop {
            let times = house.blind().await;
            if times.iter().all(|time| !time["until"].is_null()) {
                return times;
            }
            house.stream.any("the PBX is seen").await;
        }
    };
    // From its creation until every line was watched.
    let times = until_seen(&mut house).await;
    assert_eq!((times.len(), text(&times[0], "/cause")), (1, "link_down"), "{times:?}");
    // The router is away.
    house.twin.reload(Duration::from_millis(1500)).await;
    house
        .until_pbx("it is up again", |status| {
            status["state"] == "up" && status["lines"]["monitored"].as_u64() > Some(0)
        })
        .await;
    house.until_settled().await;
    let times = until_seen(&mut house).await;
    assert_eq!(times.len(), 2, "{times:?}");
    assert!(ms(&times[0], "/until") - ms(&times[0], "/since") >= 1500, "{times:?}");
    assert!(!text(&times[0], "/reason").is_empty());
    // Somebody switches it off and on.
    for enabled in [false, true] {
        house.client().patch(&format!("/pbxs/{}", house.pbx), &json!({"enabled": enabled})).await.unwrap();
    }
    house.until_settled().await;
    let times = until_seen(&mut house).await;
    assert_eq!((times.len(), text(&times[0], "/cause")), (3, "pbx_disabled"), "{times:?}");
    // The gateway itself is away.
    let House { twin, gateway, stream, pbx } = house;
    let data = gateway.stop().await;
    let away = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let gateway = Gateway::on(data).await;
    let away = i64::try_from(away.elapsed().as_millis()).unwrap();
    let stream = stream.resume(&gateway.client).await;
    let mut house = House { twin, gateway, stream, pbx };
    house.until_settled().await;
    let times = until_seen(&mut house).await;
    assert_eq!((times.len(), text(&times[0], "/cause")), (4, "gateway_down"), "{times:?}");
    assert!(ms(&times[0], "/until") - ms(&times[0], "/since") >= away, "{times:?}");
    let since = text(&times[0], "/since");
    let of = house.client().list(&format!("/journal/blind?since={since}")).await.unwrap();
    assert_eq!(of.len(), 1);
    house.close().await;
}
