//! Extension mobility: a line that moves with its user.

use cme_twin::{TwinConfig, UserProfile};
use serde_json::json;

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

#[tokio::test(flavor = "multi_thread")]
async fn users_who_exchange_their_numbers_keep_their_lines() {
    let mut config = TwinConfig::default();
    let system = &mut config.system;
    let mut dn = system.dns[&5].clone();
    "209".clone_into(&mut dn.number);
    assert!(system.dns.insert(9, dn).is_none());
    let eli = system.user_profiles[&1].clone();
    let mut numbers = eli.numbers.clone();
    numbers.truncate(1);
    "209".clone_into(&mut numbers[0].0);
    system.user_profiles.insert(2, UserProfile { user: "mia".to_owned(), numbers, ..eli });
    let mut house = House::with(config, json!({})).await;
    let (eli, mia) = (house.line_id("205").await, house.line_id("209").await);
    house.client().patch(&format!("/lines/{eli}"), &json!({"labels": {"crm_user": "eli"}})).await.unwrap();
    house.twin.configure(|system| {
        "209".clone_into(&mut system.user_profiles.get_mut(&1).unwrap().numbers[0].0);
        "205".clone_into(&mut system.user_profiles.get_mut(&2).unwrap().numbers[0].0);
    });
    let done = house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    let count = |list: &str| done[list].as_array().unwrap().len();
    assert_eq!((count("added"), count("changed"), count("removed")), (0, 2, 0), "{done:#}");
    assert_eq!((house.line_id("209").await, house.line_id("205").await), (eli, mia));
    assert_eq!(house.line("209").await["labels"]["crm_user"], "eli");
    for number in ["205", "209"] {
        house.until_line(number, "is monitored", |line| line["monitor"]["state"] == "active").await;
    }
    // One leaves, and the other gets that number: it is a line of its own no longer, and nothing fails.
    house.twin.configure(|system| {
        system.user_profiles.remove(&1);
        "209".clone_into(&mut system.user_profiles.get_mut(&2).unwrap().numbers[0].0);
    });
    let done = house.client().post(&format!("/pbxs/{}/load-lines", house.pbx), &json!({})).await.unwrap();
    assert_eq!(text(&done, "/removed/0/number"), "205", "{done:#}");
    house.close_beside_lost_sessions().await;
}
