//! A router that shares nothing with us: written from the protocol alone, in another language, checking every byte. The
//! sixteen operations run on it with each quirk that the documents let a router have.

mod first;
mod lane;
mod lines;
mod operations;
mod router;

use lane::{LANES, Lane, Middle, Site};
use operations::OPERATIONS;
use serde_json::json;

use crate::kit::{refused, text};

/// Every operation on a router with this quirk; nothing is left, nothing was wrong.
async fn every_operation(quirk: &'static str, middle: Middle) {
    let Some(site) = Site::open(quirk, middle).await else {
        return;
    };
    let mut lanes = Vec::new();
    for index in 0..LANES {
        lanes.push(Lane::open(&site, index).await);
    }
    let run = async |index: usize, lane: &mut Lane<'_>| {
        for operation in OPERATIONS.iter().skip(index).step_by(LANES) {
            eprintln!("{} {operation}", lane.number(0));
            lane.operate(operation).await;
        }
    };
    let [one, two, three, four] = lanes.as_mut_slice() else { panic!("four lanes") };
    tokio::join!(run(0, one), run(1, two), run(2, three), run(3, four));
    if middle == Middle::Ghost {
        one.sees_what_nobody_told().await;
    }
    for lane in lanes {
        lane.close().await;
    }
    site.close().await;
}

impl Lane<'_> {
    /// A call that began without an event is found when somebody looks at the line, and ends like any other.
    async fn sees_what_nobody_told(&mut self) {
        self.site.tell(&format!("appear {} {}", self.number(0), self.number(1))).await;
        for phone in 0..2 {
            let path = format!("/lines/{}/refresh", self.line(phone));
            self.site.gateway.client.post(&path, &json!({})).await.unwrap();
        }
        self.has(0, "connected").await;
        self.has(1, "connected").await;
        self.clear().await;
    }
}

/// The router restarts instead of answering: the wish has one clear outcome, the calls are over, and everything works again.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_a_reload_leaves_unanswered_has_an_outcome() {
    let Some(site) = Site::open("plain", Middle::Nothing).await else {
        return;
    };
    let mut lane = Lane::open(&site, 0).await;
    for (service, action) in
        [("HoldCall", "hold"), ("SingleStepTransferCall", "blind-transfer"), ("ClearConnection", "drop")]
    {
        let call = lane.talk(0, 1).await;
        site.tell(&format!("fall {service}")).await;
        let to = lane.number(2).to_owned();
        let body = if action == "blind-transfer" { json!({"to": to}) } else { json!({}) };
        let path = format!("/calls/{}/{action}", text(&call, "/id"));
        let (status, problem) = refused(site.gateway.client.post(&path, &body).await);
        assert_eq!((status, text(&problem, "/code")), (504, "pbx_timeout"), "{problem:#}");
        assert!(text(&problem, "/hint").len() > 20, "{problem:#}");
        lane.ends_by_restart(&call).await;
        lane.settle("nothing is left").await;
        lane.until_monitored().await;
    }
    let call = lane.talk(0, 1).await;
    lane.act(&call, "drop", json!({})).await;
    lane.idle(0).await;
    lane.close().await;
    site.close().await;
}

macro_rules! quirks {
    ($($name:ident: $quirk:literal, $middle:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                every_operation($quirk, Middle::$middle).await;
            }
        )*
    };
}

quirks! {
    every_operation_as_documented: "plain", Nothing;
    every_operation_confirmed_by_snapshots: "plain", Look;
    every_operation_with_events_before_responses: "event_first", Nothing;
    every_operation_with_responses_before_events: "response_first", Nothing;
    every_operation_with_responses_in_an_info_of_their_own: "separate_info", Nothing;
    every_operation_with_children_in_any_order: "child_order", Nothing;
    every_operation_in_other_namespaces: "namespaces", Nothing;
    every_operation_where_the_caller_of_a_busy_number_fails: "fail_at_caller", Nothing;
    every_operation_with_states_of_the_named_connection: "local_of_named", Nothing;
    every_operation_without_called_parties: "called_missing", Nothing;
    every_operation_with_events_that_were_never_sent: "events_lost", Nothing;
    every_operation_with_events_lost_on_the_way: "events_gap", Nothing;
    every_operation_with_each_info_twice: "info_twice", Nothing;
    every_operation_with_calls_that_vanish: "ghost", Ghost;
    every_operation_with_a_reload_in_mid_call: "reload", Reload;
    every_operation_with_promoted_numbers: "promoted", Nothing;
    every_operation_in_basic_mode: "basic_mode", Nothing;
    every_operation_with_responses_that_name_no_call: "ids_missing", Nothing;
    every_operation_without_own_states: "no_own_state", Nothing;
    every_operation_with_each_step_of_dialling: "dialling_told", Nothing;
    every_operation_with_transfers_that_clear: "transfer_clears", Nothing;
    every_operation_where_the_second_call_survives: "second_survives", Nothing;
    every_operation_where_a_waiting_call_is_not_answered: "waiting_refused", Nothing;
    every_operation_with_few_services: "few_services", Nothing;
    every_operation_in_strange_sip: "odd_sip", Nothing;
    every_operation_on_connections_that_close: "closes_idle", Nothing;
}
