//! Odd, late, lost and repeated messages: the gateway shows the truth all the same.

use cme_twin::{EventOrder, Faults, TwinConfig};
use serde_json::{Value, json};

use crate::kit::{House, text};

/// A whole call by commands and phones under these faults; the stream tells each step once and in order.
async fn a_call_under(faults: Faults, forgiven: &[&str]) -> House {
    let config = TwinConfig { faults, ..TwinConfig::default() };
    let mut house = House::with(config, json!({})).await;
    whole_call(&mut house).await;
    assert_eq!(house.steps("201").await, ["dialing", "ringback", "connected", "on_hold", "connected", "ended"]);
    assert_eq!(house.steps("202").await, ["offering", "connected", "remote_held", "connected", "ended"]);
    let mine = |event: &&Value| event["event"] == "command.failed";
    assert_eq!(house.stream.seen().iter().filter(mine).count(), 0);
    let rules: Vec<&str> = forgiven.to_vec();
    if !rules.is_empty() {
        let other: Vec<_> =
            house.twin.violations().into_iter().filter(|one| !rules.contains(&one.rule.as_str())).collect();
        assert!(other.is_empty(), "{other:#?}");
        house.twin.clear_violations();
    }
    house
}

async fn whole_call(house: &mut House) {
    let anna = house.line_id("201").await;
    let call =
        house.client().post(&format!("/lines/{anna}/calls"), &json!({"to": "202", "client_ref": "x"})).await.unwrap();
    assert_eq!(text(&call, "/client_ref"), "x");
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    house.until_call("201", "connected").await;
    house.until_call("202", "connected").await;
    house.act(&call, "hold").await.unwrap();
    house.until_call("201", "on_hold").await;
    house.until_call("202", "remote_held").await;
    house.act(&call, "retrieve").await.unwrap();
    house.until_call("201", "connected").await;
    house.until_call("202", "connected").await;
    house.act(&call, "drop").await.unwrap();
    let ended = house.until_ended(&call).await;
    assert_eq!((text(&ended, "/client_ref"), text(&ended, "/cause")), ("x", "normal"));
    house.settle_calls().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_answers() {
    a_call_under(Faults { delay_answers: 400, ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_events() {
    a_call_under(Faults { delay_events: 300, ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dialogs_that_overtake_each_other() {
    a_call_under(Faults { reorder_dialogs: 150, ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_before_their_responses() {
    a_call_under(Faults { event_order: EventOrder::Before, ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_in_messages_of_their_own() {
    a_call_under(Faults { separate_response: true, ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_twice() {
    a_call_under(Faults { duplicate_events: true, ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn byte_by_byte() {
    a_call_under(Faults { split_bytes: true, ..Faults::default() }, &["event.slow"]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_at_once() {
    a_call_under(Faults { coalesce: 60, ..Faults::default() }, &["event.slow"]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_namespace_and_prefix() {
    let namespace = "http://www.ecma-international.org/standards/ecma-323/csta/ed5".to_owned();
    a_call_under(Faults { namespace, prefix: "csta".to_owned(), ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_namespace_no_declaration() {
    a_call_under(Faults { no_namespace: true, no_declaration: true, ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn children_in_another_order_blanks_and_unknown_elements() {
    let faults = Faults {
        shuffle_children: true,
        whitespace: true,
        unknown_elements: true,
        private_data: true,
        ..Faults::default()
    };
    // The own state stands first in a snapshot; in reverse order the last is the own one, which is a setting.
    let config = TwinConfig { faults, ..TwinConfig::default() };
    let mut house = House::with(config, json!({"dialect": {"snapshot.own_index": "last"}})).await;
    whole_call(&mut house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_content_type() {
    a_call_under(
        Faults { content_type: "application/CSTAdata+xml; charset=utf-8".to_owned(), ..Faults::default() },
        &[],
    )
    .await
    .close()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_without_the_own_state() {
    a_call_under(Faults { no_local_info: true, ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_names_no_call() {
    a_call_under(Faults { no_call_id: true, ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_another_status_code() {
    let mut config = TwinConfig::default();
    config.faults.errors.insert("MakeCall".to_owned(), "operation/invalidCalledDeviceID".to_owned());
    config.faults.error_status = 488;
    let house = House::with(config, json!({})).await;
    let anna = house.line_id("201").await;
    let (status, problem) =
        crate::kit::refused(house.client().post(&format!("/lines/{anna}/calls"), &json!({"to": "202"})).await);
    assert_eq!((status, text(&problem, "/code")), (502, "pbx_refused"));
    assert_eq!(text(&problem, "/csta_error/category"), "operation");
    assert!(house.calls("201").await.is_empty());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_got_lost_is_mended_by_the_jump_of_its_number() {
    let mut house = House::open().await;
    let call = house.dial("201", "202").await;
    house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    house.until_call("201", "connected").await;
    house.until_call("202", "connected").await;
    // The held event never arrives; the next message of the dialog betrays it.
    house.twin.set_faults(Faults { lose_every: 1, ..Faults::default() });
    house.twin.hold("202").await.unwrap();
    house.twin.set_faults(Faults::default());
    house.twin.dnd("1", true).await.unwrap();
    let held = house.until_call("201", "remote_held").await;
    assert_eq!(held["id"], call["id"]);
    house.twin.dnd("2", true).await.unwrap();
    house.until_call("202", "on_hold").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_second_event_of_a_call_lost_is_mended_by_snapshots() {
    let mut house = House::open().await;
    for _ in 0..2 {
        house.twin.set_faults(Faults::default());
        house.twin.dial("201", "202").await.unwrap();
        house.settle_calls().await;
        house.twin.set_faults(Faults { lose_every: 2, ..Faults::default() });
        house.twin.answer("202").await.unwrap();
        house.settle_calls().await;
        house.twin.hang_up("202").await.unwrap();
        house.settle_calls().await;
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_messages_that_jump_every_time_only_cost_snapshots() {
    a_call_under(Faults { cseq_jump: 5, ..Faults::default() }, &[]).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_events_is_taken_in_order() {
    let mut house = House::open().await;
    house.twin.flood("1", 2000);
    house.dial("208", "202").await;
    house.until_call("202", "offering").await;
    house.twin.until_requests(|requests| requests.events_answered == requests.events_sent).await;
    house.close_despite(&["event.slow"]).await;
}
