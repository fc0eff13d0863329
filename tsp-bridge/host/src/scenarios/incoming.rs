//! Calls that come in.

use std::time::Duration;

use linegate_tsp_core::tapi::{call_state, err};
use serde_json::json;

use crate::api::tsp;
use crate::control;
use crate::service::{
    Service, call_info, call_status, close_call, eventually, has_been, refused, settle, succeed, until_offered,
    until_state, wide,
};
use crate::world::{quiet, until, world};

pub fn c19_an_offer_that_is_refused_is_repeated() {
    let service = Service::ready();
    let open = service.line("202");
    world().refuse = 2;
    control::phone("201", "dial", json!({"to": "202"}));
    let (ht, hd) = until_offered(open, call_state::OFFERING);
    assert_eq!(world().offers, 3, "two refusals, one success");
    let first = world().calls[&ht].states[0];
    assert_eq!((first.0, first.1, first.2), (call_state::OFFERING, 1, 4));
    let info = call_info(hd);
    assert_eq!((info.text(112), info.text(132)), ("201".to_owned(), "202".to_owned()));
    assert_eq!(info.text(120), "Anna Berg", "the caller has a name");
    assert_eq!(info.word(108), 0xC, "name and address");
    assert_eq!(info.word(168), 0x40, "no redirection");
    assert_eq!(info.word(80), 2, "internal");
    control::phone("202", "answer", json!({}));
    until_state(ht, call_state::CONNECTED);
    until("the connected party is told", |world| (world.calls[&ht].infos & 0x20000 != 0).then_some(()));
    assert_eq!(call_info(hd).text(152), "201");
    control::phone("201", "hang-up", json!({}));
    until_state(ht, call_state::IDLE);
    // From outside.
    control::twin("POST", "/trunk/calls", json!({"from": "0301234", "to": "202"}));
    let (_, hd) = until_offered(open, call_state::OFFERING);
    assert_eq!(call_info(hd).text(112), "0301234");
    assert_eq!(call_info(hd).word(80), 4, "external");
}

pub fn c20_a_call_is_closed_while_it_is_offered() {
    let service = Service::ready();
    let open = service.line("202");
    world().close_while_offered = true;
    control::phone("201", "dial", json!({"to": "202"}));
    until("it is offered", |world| (world.offers == 1).then_some(()));
    control::phone("202", "answer", json!({}));
    control::phone("201", "hang-up", json!({}));
    quiet(Duration::from_millis(500));
    assert_eq!(world().offers, 1, "a call that was given back is not offered again");
    service.close(open);
}

pub fn c21_answer_redirect_and_callers_who_give_up() {
    let service = Service::ready();
    let open = service.line("202");
    control::phone("201", "dial", json!({"to": "202"}));
    let (ht, hd) = until_offered(open, call_state::OFFERING);
    succeed("lineAccept", |r| unsafe { (tsp().accept)(r, hd, std::ptr::null(), 0) });
    until_state(ht, call_state::ACCEPTED);
    assert_eq!(refused("lineAccept", |r| unsafe { (tsp().accept)(r, hd, std::ptr::null(), 0) }), err::INVALCALLSTATE);
    succeed("lineAnswer", |r| unsafe { (tsp().answer)(r, hd, std::ptr::null(), 0) });
    until_state(ht, call_state::CONNECTED);
    assert_eq!(refused("lineAnswer", |r| unsafe { (tsp().answer)(r, hd, std::ptr::null(), 0) }), err::INVALCALLSTATE);
    crate::service::drop_call(hd);
    until_state(ht, call_state::IDLE);
    close_call(ht);
    // Redirected to 208.
    control::phone("201", "dial", json!({"to": "202"}));
    let (ht, hd) = until_offered(open, call_state::OFFERING);
    let bad = refused("lineRedirect", |r| unsafe { (tsp().redirect)(r, hd, wide("Anna").as_ptr(), 0) });
    assert_eq!(bad, err::INVALADDRESS);
    succeed("lineRedirect", |r| unsafe { (tsp().redirect)(r, hd, wide("208").as_ptr(), 0) });
    until_state(ht, call_state::IDLE);
    assert!(has_been(ht, call_state::DISCONNECTED).is_some());
    close_call(ht);
    control::phone("201", "hang-up", json!({}));
    // The caller gives up.
    control::phone("201", "dial", json!({"to": "202"}));
    let (ht, _) = until_offered(open, call_state::OFFERING);
    control::phone("201", "hang-up", json!({}));
    until_state(ht, call_state::IDLE);
    assert_eq!(has_been(ht, call_state::DISCONNECTED).unwrap().1, 1);
    close_call(ht);
    // A number that two phones share: the other one answers.
    let other = service.line("201");
    control::phone("208", "dial", json!({"to": "204"}));
    let (mine, hd) = until_offered(open, call_state::OFFERING);
    let (theirs, _) = until_offered(other, call_state::OFFERING);
    let mut address = 0;
    assert_eq!(unsafe { (tsp().call_address)(hd, &mut address) }, 0);
    assert_eq!(address, 1, "it rings at the second button");
    control::phone("204@1", "answer", json!({}));
    until_state(theirs, call_state::CONNECTED);
    until_state(mine, call_state::IDLE);
    assert_eq!(has_been(mine, call_state::DISCONNECTED).unwrap().1, 8, "picked up elsewhere");
}

pub fn c22_tapis_own_drop_of_an_unowned_call_is_ignored() {
    let service = Service::ready();
    let open = service.line("202");
    settle(open, 0);
    control::phone("201", "dial", json!({"to": "202"}));
    let (ht, hd) = until_offered(open, call_state::OFFERING);
    succeed("lineDrop", |r| unsafe { (tsp().drop_call)(r, hd, std::ptr::null(), 0) });
    quiet(Duration::from_millis(700));
    assert_eq!(call_status(hd).0, call_state::OFFERING, "the phone rings on");
    assert_eq!(world().calls[&ht].states.len(), 1);
    control::phone("202", "answer", json!({}));
    until_state(ht, call_state::CONNECTED);
    eventually("it can be dropped later", || call_status(hd).2 & 0x80 != 0);
    crate::service::drop_call(hd);
    until_state(ht, call_state::IDLE);
}
