//! What programs attached goes where the conversation goes.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::bench::{A, ANNA, B, BERT, Bench, by, cleared, delivered, device, established, originated, phone, who};
use super::moves::{conferenced, diverted, moved, transferred};
use crate::domain::call_table::{DialIntent, Output, SignalCause};
use crate::domain::{Call, CommandId};

fn data(call: &Call) -> Value {
    serde_json::from_str(call.data.get()).unwrap()
}

impl Bench {
    fn attach(&mut self, call: &Call, value: &Value) {
        let raw = RawValue::from_string(value.to_string()).unwrap();
        assert!(self.table.attach(self.at, &call.id, "crm".to_owned(), raw));
        self.pump();
    }
}

#[test]
fn both_ends_of_an_internal_call_show_it_and_say_who_attached_it() {
    let mut bench = Bench::new();
    bench.say(ANNA, originated(A, ANNA, &who(&phone(BERT)))).say(BERT, delivered(A, &phone(ANNA), &phone(BERT))).hush();
    let call = bench.call(ANNA);
    bench.attach(&call, &json!({"ticket": 17}));
    assert_eq!((data(&bench.call(ANNA)), data(&bench.call(BERT))), (json!({"ticket": 17}), json!({"ticket": 17})));
    for told in bench.told() {
        let Output::Updated(change) = told else { panic!("{told:?}") };
        assert_eq!((change.changed.as_slice(), by(&change).as_str()), (["data"].as_slice(), "crm"));
    }
    // The same again is no change.
    let raw = RawValue::from_string(json!({"ticket": 17}).to_string()).unwrap();
    assert!(!bench.table.attach(bench.at, &call.id, "crm".to_owned(), raw));
    bench.pump();
    bench.quiet();
}

#[test]
fn what_a_dial_command_gave_is_at_the_phone_that_rings() {
    let mut bench = Bench::new();
    let intent = DialIntent {
        command: CommandId::parse("cmd_1").unwrap(),
        actor: "crm".to_owned(),
        client_ref: None,
        dialed: "202".to_owned(),
        data: Some(RawValue::from_string("{\"ticket\":17}".to_owned()).unwrap()),
        replaces: None,
    };
    bench.table.intend_dial(ANNA, intent);
    // The phone that rings may be told of first.
    bench.say(BERT, delivered(A, &phone(ANNA), &phone(BERT))).say(ANNA, originated(A, ANNA, &who(&phone(BERT))));
    assert_eq!((data(&bench.call(ANNA)), data(&bench.call(BERT))), (json!({"ticket": 17}), json!({"ticket": 17})));
}

#[test]
fn a_call_that_is_sent_on_takes_it_along() {
    let mut bench = Bench::new();
    bench.say(ANNA, delivered(A, &device("233"), &phone(ANNA)));
    let call = bench.call(ANNA);
    bench.attach(&call, &json!({"ticket": 17}));
    bench.say_because(ANNA, diverted(A, &phone(ANNA), "202"), SignalCause::Redirected);
    assert_eq!(data(&bench.end()), json!({"ticket": 17}));
    bench.say_because(BERT, delivered(A, &device("233"), &phone(BERT)), SignalCause::Redirected);
    let there = bench.call(BERT);
    assert_eq!((data(&there), &there.conversation_id), (json!({"ticket": 17}), &call.conversation_id));
}

#[test]
fn a_transfer_joins_what_both_conversations_have() {
    let mut bench = Bench::consulting();
    let calls = bench.calls(ANNA);
    bench.say(BERT, delivered(B, &phone(ANNA), &phone(BERT)));
    bench.say(BERT, established(B, &phone(ANNA), &phone(BERT)));
    bench.attach(&calls[0], &json!({"ticket": 17}));
    bench.attach(&calls[1], &json!({"ticket": 18, "note": "for Bert"}));
    assert_eq!(data(&bench.call(BERT)), json!({"ticket": 18, "note": "for Bert"}), "still two conversations");
    let list = vec![moved(A, A, &device("233")), moved(A, B, &phone(BERT))];
    bench.hush().say(ANNA, transferred(&phone(ANNA), &phone(BERT), list.clone()));
    let ends = bench.ends();
    bench.say(BERT, transferred(&phone(ANNA), &phone(BERT), list));
    let both = json!({"ticket": 17, "note": "for Bert"});
    assert_eq!(ends.iter().map(data).collect::<Vec<_>>(), [both.clone(), both.clone()]);
    assert_eq!(data(&bench.call(BERT)), both);
}

#[test]
fn a_conference_has_it_and_a_call_that_comes_back_has_it_again() {
    let mut bench = Bench::consulting();
    let calls = bench.calls(ANNA);
    bench.attach(&calls[1], &json!({"ticket": 18}));
    let list = vec![moved(A, A, &phone(ANNA)), moved(A, A, &device("233")), moved(A, B, &device("240"))];
    bench.say(ANNA, conferenced(&phone(ANNA), &device("240"), list));
    assert_eq!(data(&bench.call(ANNA)), json!({"ticket": 18}));
    bench.hush().say(ANNA, cleared(A, &phone(ANNA)));
    assert_eq!(data(&bench.end()), json!({"ticket": 18}));
    bench.say(ANNA, delivered(A, &device("233"), &phone(ANNA)));
    assert_eq!(data(&bench.call(ANNA)), json!({"ticket": 18}));
}

#[test]
fn it_outlives_a_restart_and_can_be_taken_away() {
    let mut bench = Bench::talking();
    let call = bench.call(ANNA);
    bench.attach(&call, &json!({"ticket": 17}));
    let kept = bench.call(ANNA);
    let mut bench = Bench::new();
    bench.table.restore(bench.at, ANNA, kept);
    bench.say(BERT, delivered(A, &device("233"), &phone(BERT)));
    assert_eq!(data(&bench.call(BERT)), json!({"ticket": 17}));
    let call = bench.call(BERT);
    bench.attach(&call, &json!({}));
    assert_eq!((data(&bench.call(ANNA)), data(&bench.call(BERT))), (json!({}), json!({})));
}
