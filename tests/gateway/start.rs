//! The first minute: lines are found, monitored, and those that are not say why.

use crate::kit::{House, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_the_router_are_found_as_the_product_before_listed_them() {
    let house = House::open().await;
    let mut rows: Vec<String> = house
        .lines()
        .await
        .iter()
        .map(|line| {
            let more = line["addresses"].as_array().unwrap()[1..].iter();
            let buttons: Vec<&str> = more.map(|address| text(address, "/number")).collect();
            format!(
                "{};{};{};{}",
                text(line, "/number"),
                text(line, "/name"),
                text(line, "/device_id"),
                buttons.join(";")
            )
        })
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            "201;Anna Berg;00AA11BB0001;204",
            "202;Ben Cole;00AA11BB0002;204",
            "205;Eli Frank;;203",
            "207;Gus Hart;00AA11BB0004;",
            "208;Ida Jung;00AA11BB0005;203",
        ]
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_monitored_or_says_in_one_sentence_why_not() {
    let house = House::open().await;
    for number in ["201", "202", "208"] {
        let line = house.line(number).await;
        assert_eq!((text(&line, "/monitor/state"), text(&line, "/status")), ("active", "in_service"), "{number}");
        assert_eq!(text(&line, "/activity"), "idle");
    }
    let eli = house.line("205").await;
    assert_eq!((text(&eli, "/monitor/state"), text(&eli, "/status")), ("active", "out_of_service"));
    let gus = house.line("207").await;
    assert_eq!((text(&gus, "/monitor/state"), text(&gus, "/monitor/code")), ("failed", "no_cti_notify"));
    let reason = text(&gus, "/monitor/reason");
    assert_eq!(reason.matches('.').count(), 1, "one sentence: {reason}");
    assert!(text(&gus, "/monitor/hint").contains("cti notify"));
    assert_eq!(text(&gus, "/status"), "out_of_service");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn further_buttons_are_monitored_on_their_own() {
    let house = House::open().await;
    for (number, state) in [("201", "active"), ("202", "active"), ("208", "failed")] {
        let line = house.line(number).await;
        assert_eq!(text(&line, "/addresses/1/monitor/state"), state, "second button of {number}");
    }
    // 203 has no `cti watch`: its refusal makes the line neither failed nor out of service.
    let ida = house.line("208").await;
    assert_eq!(text(&ida, "/addresses/1/monitor/code"), "no_cti_watch");
    assert_eq!((text(&ida, "/monitor/state"), text(&ida, "/status")), ("active", "in_service"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_the_router_tells_counts_release_and_registration() {
    let mut house = House::open().await;
    let status = house.until_pbx("it is up", |status| status["state"] == "up").await;
    assert_eq!(status["lines"]["total"], 5);
    assert_eq!(status["lines"]["monitored"], 4);
    assert_eq!(status["lines"]["failed"], 1);
    assert_eq!(status["lines"]["in_service"], 3);
    assert_eq!(text(&status, "/cme_version"), "8.6");
    assert_eq!(text(&status, "/sip/state"), "registered");
    assert_eq!(text(&status, "/reason"), "");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_tells_the_start_without_saying_anything_twice() {
    let house = House::open().await;
    let created = house.stream.seen().iter().filter(|event| event["event"] == "line.created").count();
    assert_eq!(created, 5);
    for number in ["201", "202", "205", "208"] {
        let line = house.line_id(number).await;
        let active = house.stream.seen().iter().filter(|event| {
            let is_monitor =
                event["changed"].as_array().is_some_and(|fields| fields.iter().any(|field| field == "monitor"));
            event["line_id"] == line.as_str() && is_monitor && event["data"]["monitor"]["state"] == "active"
        });
        assert_eq!(active.count(), 1, "the monitor of {number} started once");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_whose_phone_registers_is_monitored_soon() {
    let mut house = House::open().await;
    house.twin.register_phone("4").await.unwrap();
    let gus = house
        .until_line("207", "is monitored and in service", |line| {
            line["monitor"]["state"] == "active" && line["status"] == "in_service"
        })
        .await;
    assert!(gus["monitor"]["reason"].is_null());
    house.twin.dial("207", "201").await.unwrap();
    house.until_call("207", "ringback").await;
    house.close().await;
}
