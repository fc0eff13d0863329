//! Extension mobility: a line that moves with its user.

use crate::kit::{House, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_logs_in_takes_the_line_along() {
    let mut house = House::open().await;
    house.twin.login("eli", "3").await.unwrap();
    house.until_line("205", "is in service", |line| line["status"] == "in_service").await;
    house.dial("201", "205").await;
    let ringing = house.until_call("205", "offering").await;
    house.act(&ringing, "answer").await.unwrap();
    let calling = house.until_call("201", "connected").await;
    assert_eq!(text(&calling, "/connected/number"), "205");
    house.act(&ringing, "hold").await.unwrap();
    house.until_call("201", "remote_held").await;
    house.act(&ringing, "retrieve").await.unwrap();
    house.until_call("201", "connected").await;
    house.act(&ringing, "drop").await.unwrap();
    house.until_ended(&ringing).await;
    let own = house.dial("205", "202").await;
    house.until_call("202", "offering").await;
    house.act(&own, "drop").await.unwrap();
    house.until_ended(&own).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_logs_out_in_a_call_ends_it_and_leaves_the_line() {
    let mut house = House::open().await;
    house.twin.login("eli", "3").await.unwrap();
    house.until_line("205", "is in service", |line| line["status"] == "in_service").await;
    house.twin.dial("205", "201").await.unwrap();
    house.until_call("201", "offering").await;
    house.twin.answer("201").await.unwrap();
    let call = house.until_call("205", "connected").await;
    house.twin.logout("eli").await.unwrap();
    house.until_ended(&call).await;
    house
        .until_line("205", "is out of service and watched", |line| {
            line["status"] == "out_of_service" && line["monitor"]["state"] == "active"
        })
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_keeps_its_id_from_phone_to_phone() {
    let mut house = House::open().await;
    let before = house.line_id("205").await;
    for _ in 0..2 {
        house.twin.login("eli", "3").await.unwrap();
        house.until_line("205", "is in service", |line| line["status"] == "in_service").await;
        house.twin.logout("eli").await.unwrap();
        house.until_line("205", "is out of service", |line| line["status"] == "out_of_service").await;
    }
    assert_eq!(house.line_id("205").await, before);
    house.close().await;
}
