//! Calls that are going on.

use std::time::Duration;

use linegate_tsp_core::tapi::{call_state, err, feature};
use serde_json::json;

use super::outgoing::set;
use crate::api::tsp;
use crate::control;
use crate::service::{
    Block, Made, Open, Service, call, call_info, call_status, close_call, completed, conference, drop_call, eventually,
    finish, has_been, refused, setup_transfer, succeed, talk, until_offered, until_state, wide,
};
use crate::world::{quiet, until, world};

pub fn c23_hold_unhold_and_swap() {
    let service = Service::ready();
    let open = service.line("201");
    let first = talk(open, "202");
    let count = || world().calls[&first.ht].states.len();
    let before = count();
    assert_eq!(refused("lineUnhold", |r| unsafe { (tsp().unhold)(r, first.hd) }), err::INVALCALLSTATE);
    assert_eq!(refused("lineSwapHold", |r| unsafe { (tsp().swap)(r, first.hd, first.hd) }), err::INVALCALLSTATE);
    quiet(Duration::from_millis(200));
    assert_eq!(count(), before, "a refusal is no event");
    succeed("lineHold", |r| unsafe { (tsp().hold)(r, first.hd) });
    until_state(first.ht, call_state::ONHOLD);
    assert_eq!(refused("lineHold", |r| unsafe { (tsp().hold)(r, first.hd) }), err::INVALCALLSTATE);
    succeed("lineUnhold", |r| unsafe { (tsp().unhold)(r, first.hd) });
    until_state(first.ht, call_state::CONNECTED);
    // At the phone.
    control::phone("201", "hold", json!({}));
    until_state(first.ht, call_state::ONHOLD);
    control::phone("201", "retrieve", json!({}));
    until_state(first.ht, call_state::CONNECTED);
    // A second call comes; the first is held when it is answered.
    control::phone("208", "dial", json!({"to": "201"}));
    let (second, hd) = until_offered(open, call_state::OFFERING);
    succeed("lineAnswer", |r| unsafe { (tsp().answer)(r, hd, std::ptr::null(), 0) });
    until_state(second, call_state::CONNECTED);
    until_state(first.ht, call_state::ONHOLD);
    eventually("both can be swapped", || call_status(first.hd).2 & call_status(hd).2 & feature::SWAPHOLD != 0);
    succeed("lineSwapHold", |r| unsafe { (tsp().swap)(r, hd, first.hd) });
    until_state(first.ht, call_state::CONNECTED);
    until_state(second, call_state::ONHOLD);
    assert_eq!(refused("lineSwapHold", |r| unsafe { (tsp().swap)(r, hd, first.hd) }), err::INVALCALLSTATE);
}

pub fn c24_blind_transfer() {
    let service = Service::ready();
    let open = service.line("201");
    let made = talk(open, "202");
    let bad = refused("lineBlindTransfer", |r| unsafe { (tsp().blind)(r, made.hd, wide("x").as_ptr(), 0) });
    assert_eq!(bad, err::INVALADDRESS);
    assert_eq!(call_status(made.hd).0, call_state::CONNECTED);
    succeed("lineBlindTransfer", |r| unsafe { (tsp().blind)(r, made.hd, wide("208").as_ptr(), 0) });
    until_state(made.ht, call_state::IDLE);
    assert_eq!(call_status(made.hd).0, call_state::IDLE, "the handle stays until it is closed");
    close_call(made.ht);
}

fn consult(open: Open, original: &Made) -> Made {
    let made = setup_transfer(open, original.hd, None).expect("lineSetupTransfer");
    assert_eq!(completed("lineSetupTransfer", made.request), 0);
    until_state(original.ht, call_state::ONHOLDPENDTRANSFER);
    until_state(made.ht, call_state::DIALTONE);
    made
}

/// Consults somebody by dial tone.
fn consult_and_dial(open: Open, original: &Made, number: &str, state: u32) -> Made {
    let second = consult(open, original);
    succeed("lineDial", |r| unsafe { (tsp().dial)(r, second.hd, wide(number).as_ptr(), 0) });
    until_state(second.ht, state);
    second
}

fn complete(original: &Made, consult: &Made) {
    eventually("the two can be brought together", || call_status(consult.hd).2 & feature::COMPLETETRANSF != 0);
    succeed("lineCompleteTransfer", |r| unsafe {
        (tsp().complete_transfer)(r, original.hd, consult.hd, 0, std::ptr::null_mut(), 1)
    });
    for made in [original, consult] {
        until_state(made.ht, call_state::IDLE);
        close_call(made.ht);
    }
}

pub fn c25_consultation_transfer() {
    let service = Service::ready();
    let open = service.line("201");
    // With the third speaking.
    let original = talk(open, "202");
    let second = consult_and_dial(open, &original, "208", call_state::RINGBACK);
    assert_eq!(call_info(second.hd).word(44), call_info(original.hd).word(40), "the related call");
    control::phone("208", "answer", json!({}));
    until_state(second.ht, call_state::CONNECTED);
    eventually("they can be swapped", || call_status(second.hd).2 & feature::SWAPHOLD != 0);
    succeed("lineSwapHold", |r| unsafe { (tsp().swap)(r, second.hd, original.hd) });
    until_state(second.ht, call_state::ONHOLD);
    until_state(original.ht, call_state::CONNECTED);
    complete(&original, &second);
    control::reset();
    // With the third still ringing.
    let original = talk(open, "202");
    let second = consult_and_dial(open, &original, "208", call_state::RINGBACK);
    complete(&original, &second);
    assert_eq!(refused_mode(&service), err::INVALCALLHANDLE);
}

fn refused_mode(_service: &Service) -> i32 {
    refused("lineCompleteTransfer", |r| unsafe { (tsp().complete_transfer)(r, 1, 2, 0, std::ptr::null_mut(), 1) })
}

/// What the router cannot bring together is refused at once, and everything stays as it is.
fn cannot_complete(original: &Made, consult: &Made) {
    let told = || {
        let world = world();
        [original, consult].map(|made| world.calls[&made.ht].states.len())
    };
    let before = told();
    for hd in [original.hd, consult.hd] {
        assert_eq!(call_status(hd).2 & feature::COMPLETETRANSF, 0, "it is not offered");
    }
    let error = refused("lineCompleteTransfer", |r| unsafe {
        (tsp().complete_transfer)(r, original.hd, consult.hd, 0, std::ptr::null_mut(), 1)
    });
    assert_eq!(error, err::INVALCALLSTATE);
    assert_eq!(conference_refused(original, consult), err::INVALCALLSTATE);
    quiet(Duration::from_millis(200));
    assert_eq!(told(), before, "a refusal is no event");
}

fn conference_refused(original: &Made, consult: &Made) -> i32 {
    let mut hd = 0;
    refused("lineCompleteTransfer", |r| unsafe {
        (tsp().complete_transfer)(r, original.hd, consult.hd, 0x99, &mut hd, 2)
    })
}

pub fn c25_transfer_while_nobody_rings() {
    let service = Service::ready();
    let open = service.line("201");
    // Beyond the trunk: whether it rings there may never be told, and they can be brought together all the same.
    let original = talk(open, "202");
    let second = consult_and_dial(open, &original, "0301234", call_state::PROCEEDING);
    complete(&original, &second);
    control::reset();
    let original = talk(open, "202");
    let second = consult_and_dial(open, &original, "0301234", call_state::PROCEEDING);
    outside("ring");
    until_state(second.ht, call_state::RINGBACK);
    complete(&original, &second);
    control::reset();
    // The third is busy.
    let original = talk(open, "202");
    crate::service::occupy_208();
    let second = consult_and_dial(open, &original, "208", call_state::BUSY);
    cannot_complete(&original, &second);
    drop_call(second.hd);
    until_state(second.ht, call_state::IDLE);
    until_state(original.ht, call_state::CONNECTED);
}

pub fn c25_consultation_is_given_up() {
    let service = Service::ready();
    let open = service.line("201");
    let original = talk(open, "202");
    // By hanging up the consultation.
    let second = consult_and_dial(open, &original, "208", call_state::RINGBACK);
    drop_call(second.hd);
    until_state(second.ht, call_state::IDLE);
    until_state(original.ht, call_state::CONNECTED);
    close_call(second.ht);
    // By taking the first call back, while the third speaks.
    let second = consult_and_dial(open, &original, "208", call_state::RINGBACK);
    control::phone("208", "answer", json!({}));
    until_state(second.ht, call_state::CONNECTED);
    succeed("lineUnhold", |r| unsafe { (tsp().unhold)(r, original.hd) });
    until_state(second.ht, call_state::IDLE);
    until_state(original.ht, call_state::CONNECTED);
    close_call(second.ht);
    // The third is busy.
    crate::service::occupy_208();
    let second = consult_and_dial(open, &original, "208", call_state::BUSY);
    drop_call(second.hd);
    until_state(second.ht, call_state::IDLE);
    until_state(original.ht, call_state::CONNECTED);
    // Closed while the answer is on its way.
    close_call(second.ht);
    let pending = setup_transfer(open, original.hd, None).unwrap();
    close_call(pending.ht);
    quiet(Duration::from_millis(300));
}

pub fn c25_transfer_of_calls_that_were_made_and_held() {
    let service = Service::ready();
    let open = service.line("201");
    let held = talk(open, "202");
    succeed("lineHold", |r| unsafe { (tsp().hold)(r, held.hd) });
    until_state(held.ht, call_state::ONHOLD);
    let made = call(open, "208");
    until_state(made.ht, call_state::RINGBACK);
    control::phone("208", "answer", json!({}));
    until_state(made.ht, call_state::CONNECTED);
    complete(&held, &made);
}

pub fn c25_transfer_in_one_step() {
    let service = Service::ready();
    let open = service.line("201");
    let original = talk(open, "202");
    let mut params = Block::new(200);
    set(&mut params, 20, 0x80);
    assert_eq!(setup_transfer(open, original.hd, Some(&params)).err(), Some(err::INVALADDRESS));
    let target: Vec<u8> = wide("208").into_iter().flat_map(u16::to_le_bytes).collect();
    set(&mut params, 116, target.len() as u32);
    set(&mut params, 120, 180);
    // SAFETY: within the block.
    unsafe { std::ptr::copy_nonoverlapping(target.as_ptr(), params.pointer().add(180), target.len()) };
    let second = setup_transfer(open, original.hd, Some(&params)).unwrap();
    assert_eq!(completed("lineSetupTransfer", second.request), 0);
    until_state(second.ht, call_state::RINGBACK);
    until_state(original.ht, call_state::ONHOLDPENDTRANSFER);
    complete(&original, &second);
}

/// 201 speaks with 202 and 208; gives the two calls and the conference.
fn confer(open: Open) -> (Made, Made, Made) {
    let first = talk(open, "202");
    let second = consult_and_dial(open, &first, "208", call_state::RINGBACK);
    control::phone("208", "answer", json!({}));
    until_state(second.ht, call_state::CONNECTED);
    eventually("the three can be brought together", || call_status(second.hd).3 & 0x80 != 0);
    let parent = conference(open, first.hd, second.hd).expect("lineCompleteTransfer");
    assert_eq!(completed("lineCompleteTransfer", parent.request), 0);
    until_state(parent.ht, call_state::CONNECTED);
    for member in [&first, &second] {
        let told = until_state(member.ht, call_state::CONFERENCED);
        assert_eq!(told.1, parent.ht, "a member names its parent");
    }
    assert_eq!(call_info(parent.hd).word(80), 0x40, "the origin of a conference");
    (first, second, parent)
}

pub fn c26_conference() {
    let service = Service::ready();
    let open = service.line("201");
    let (first, second, parent) = confer(open);
    assert_eq!(call_info(first.hd).text(132), "202", "members keep their parties");
    // A fourth comes in.
    let third = setup_transfer(open, parent.hd, None).expect("lineSetupTransfer of a conference");
    assert_eq!(completed("lineSetupTransfer", third.request), 0);
    until_state(parent.ht, call_state::ONHOLDPENDCONF);
    succeed("lineDial", |r| unsafe { (tsp().dial)(r, third.hd, wide("0301234").as_ptr(), 0) });
    outside("answer");
    until_state(third.ht, call_state::CONNECTED);
    eventually("it can be added", || call_status(third.hd).2 & feature::ADDTOCONF != 0);
    let no_conference = refused("lineAddToConference", |r| unsafe { (tsp().add_to_conference)(r, third.hd, third.hd) });
    assert_eq!(no_conference, err::INVALCONFCALLHANDLE);
    let member = refused("lineAddToConference", |r| unsafe { (tsp().add_to_conference)(r, parent.hd, first.hd) });
    assert_eq!(member, err::INVALCALLHANDLE);
    succeed("lineAddToConference", |r| unsafe { (tsp().add_to_conference)(r, parent.hd, third.hd) });
    until_state(third.ht, call_state::CONFERENCED);
    until_state(parent.ht, call_state::CONNECTED);
    // One is taken out; the others go on.
    eventually("it can be taken out", || call_status(third.hd).2 & feature::REMOVEFROMCONF != 0);
    succeed("lineRemoveFromConference", |r| unsafe { (tsp().remove_from_conference)(r, third.hd) });
    until_state(third.ht, call_state::IDLE);
    assert_eq!(call_status(parent.hd).0, call_state::CONNECTED);
    for member in [&first, &second] {
        assert_eq!(call_status(member.hd).0, call_state::CONFERENCED, "the others go on");
    }
    // Another one hangs up: with one left it is a call again.
    control::phone("208", "hang-up", json!({}));
    until_state(second.ht, call_state::IDLE);
    until_state(parent.ht, call_state::IDLE);
    until_state(first.ht, call_state::CONNECTED);
    drop_call(first.hd);
    until_state(first.ht, call_state::IDLE);
    control::reset();
    // Hanging up the conference ends it for this phone.
    let (first, second, parent) = confer(open);
    drop_call(parent.hd);
    for made in [parent, first, second] {
        until_state(made.ht, call_state::IDLE);
    }
}

/// The router has no room for one more.
fn conference_is_full(is_full: bool) {
    let full = json!({"errors": {"ConferenceCall": "systemResourceAvailibility/conferenceMemberLimitExceeded"}});
    let answer = control::twin("PUT", "/faults", if is_full { full } else { json!({}) });
    assert_eq!(answer["status"], 200, "{answer}");
}

pub fn c26_a_full_conference() {
    let service = Service::ready();
    let open = service.line("201");
    let first = talk(open, "202");
    let second = consult_and_dial(open, &first, "208", call_state::RINGBACK);
    control::phone("208", "answer", json!({}));
    until_state(second.ht, call_state::CONNECTED);
    eventually("the three can be brought together", || call_status(second.hd).3 & 0x80 != 0);
    conference_is_full(true);
    let refused = conference(open, first.hd, second.hd).expect("lineCompleteTransfer");
    assert_eq!(completed("lineCompleteTransfer", refused.request), err::CONFERENCEFULL);
    quiet(Duration::from_millis(200));
    assert!(world().calls[&refused.ht].states.is_empty(), "a conference that did not come about is silent");
    close_call(refused.ht);
    let states = (call_status(first.hd).0, call_status(second.hd).0);
    assert_eq!(states, (call_state::ONHOLDPENDTRANSFER, call_state::CONNECTED), "both go on as they were");
    // With room it is made; then one more is too many, until there is room again.
    conference_is_full(false);
    let parent = conference(open, first.hd, second.hd).expect("lineCompleteTransfer");
    assert_eq!(completed("lineCompleteTransfer", parent.request), 0);
    until_state(parent.ht, call_state::CONNECTED);
    let third = setup_transfer(open, parent.hd, None).expect("lineSetupTransfer of a conference");
    assert_eq!(completed("lineSetupTransfer", third.request), 0);
    succeed("lineDial", |r| unsafe { (tsp().dial)(r, third.hd, wide("0301234").as_ptr(), 0) });
    outside("answer");
    until_state(third.ht, call_state::CONNECTED);
    eventually("it can be added", || call_status(third.hd).2 & feature::ADDTOCONF != 0);
    conference_is_full(true);
    let add = |request| unsafe { (tsp().add_to_conference)(request, parent.hd, third.hd) };
    assert_eq!(finish("lineAddToConference", add), err::CONFERENCEFULL);
    let states = (call_status(parent.hd).0, call_status(third.hd).0);
    assert_eq!(states, (call_state::ONHOLDPENDCONF, call_state::CONNECTED));
    conference_is_full(false);
    succeed("lineAddToConference", add);
    until_state(third.ht, call_state::CONFERENCED);
    until_state(parent.ht, call_state::CONNECTED);
}

/// Something happens to the call to 0301234, beyond the trunk.
fn outside(action: &str) {
    eventually("it rings outside", || {
        let truth = control::twin("GET", "/truth", json!(null));
        let calls = truth["body"]["calls"].as_array().cloned().unwrap_or_default();
        let Some(call) = calls.iter().find(|call| call.to_string().contains("0301234")) else { return false };
        let gcid = call["gcid"].as_str().unwrap_or_default();
        let answer = control::twin("POST", &format!("/trunk/calls/{gcid}/{action}"), json!({}));
        answer["status"].as_u64().unwrap_or(500) < 400
    });
}

pub fn c26_a_conference_made_at_the_phone() {
    let service = Service::ready();
    let open = service.line("201");
    control::phone("201", "dial", json!({"to": "202"}));
    control::phone("202", "answer", json!({}));
    let (first, _) = until_offered(open, call_state::CONNECTED);
    control::phone("201", "transfer", json!({"to": "208"}));
    control::phone("208", "answer", json!({}));
    until_state(first, call_state::ONHOLD);
    let (second, _) = until_offered(open, call_state::CONNECTED);
    control::phone("201", "conference", json!({}));
    let parent = until("a conference", |world| {
        let told = world.calls.get(&first)?.states.last().copied()?;
        (told.0 == call_state::CONFERENCED).then_some(told.1)
    });
    assert_eq!(until_state(second, call_state::CONFERENCED).1, parent);
    assert!(world().calls[&parent].is_new);
    until_state(parent, call_state::CONNECTED);
}

pub fn c27_data_of_programs() {
    let service = Service::ready();
    let open = service.line("201");
    let mut params = Block::new(188);
    set(&mut params, 156, 4);
    set(&mut params, 160, 180);
    set(&mut params, 180, 0x0403_0201);
    let made = crate::service::make_call(open, Some("202"), Some(&params)).unwrap();
    assert_eq!(completed("lineMakeCall", made.request), 0);
    until_state(made.ht, call_state::RINGBACK);
    assert_eq!(call_info(made.hd).part(300), Some(&[1_u8, 2, 3, 4][..]), "data given with the call");
    assert_eq!(unsafe { (tsp().app_specific)(made.hd, 4711) }, 0);
    until("it is told", |world| (world.calls[&made.ht].infos & 0x20 != 0).then_some(()));
    assert_eq!(call_info(made.hd).word(36), 4711);
    let data: Vec<u8> = (0..2_048_u32).map(|place| place as u8).collect();
    succeed("lineSetCallData", |r| unsafe { (tsp().call_data)(r, made.hd, data.as_ptr(), 2_048) });
    until("it is told", |world| (world.calls[&made.ht].infos & 0x4000_0000 != 0).then_some(()));
    assert_eq!(call_info(made.hd).part(300), Some(&data[..]));
    let big = [0_u8; 2_049];
    assert_eq!(
        refused("lineSetCallData", |r| unsafe { (tsp().call_data)(r, made.hd, big.as_ptr(), 2_049) }),
        err::INVALPARAM
    );
    // It is the gateway's now.
    let calls = control::gateway("GET", "/calls", json!(null));
    let kept = calls["body"]["items"].as_array().unwrap().iter().any(|call| call["data"]["tapi_app_specific"] == 4711);
    assert!(kept, "{calls}");
    succeed("lineSetCallData", |r| unsafe { (tsp().call_data)(r, made.hd, std::ptr::null(), 0) });
    assert_eq!(call_info(made.hd).part(300), None);
}

pub fn c28_features_are_what_can_be_done() {
    let service = Service::ready();
    let open = service.line("201");
    let made = call(open, "202");
    until_state(made.ht, call_state::RINGBACK);
    let check = |wanted: u32, what: &str| {
        let shown = || call_status(made.hd).2 & !feature::SETCALLDATA;
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while shown() != wanted {
            assert!(std::time::Instant::now() < deadline, "{what}: {:#x} and not {wanted:#x}", shown());
            quiet(Duration::from_millis(20));
        }
    };
    check(feature::DROP, "what can be done while it rings");
    type Try<'a> = (u32, &'a dyn Fn(u32) -> i32);
    let number = wide("208");
    let tries: [Try<'_>; 8] = [
        (feature::ANSWER, &|r| unsafe { (tsp().answer)(r, made.hd, std::ptr::null(), 0) }),
        (feature::HOLD, &|r| unsafe { (tsp().hold)(r, made.hd) }),
        (feature::UNHOLD, &|r| unsafe { (tsp().unhold)(r, made.hd) }),
        (feature::DIAL, &|r| unsafe { (tsp().dial)(r, made.hd, number.as_ptr(), 0) }),
        (feature::REDIRECT, &|r| unsafe { (tsp().redirect)(r, made.hd, number.as_ptr(), 0) }),
        (feature::BLINDTRANSFER, &|r| unsafe { (tsp().blind)(r, made.hd, number.as_ptr(), 0) }),
        (feature::SETUPTRANSFER, &|r| unsafe { (tsp().setup_transfer)(r, made.hd, 1, &mut 0, std::ptr::null()) }),
        (feature::REMOVEFROMCONF, &|r| unsafe { (tsp().remove_from_conference)(r, made.hd) }),
    ];
    let refuse = |state: &str| {
        let offered = call_status(made.hd).2;
        for (bit, attempt) in tries.iter().filter(|(bit, _)| offered & bit == 0) {
            assert_eq!(refused(state, attempt), err::INVALCALLSTATE, "{bit:#x} in {state}");
        }
    };
    refuse("ringback");
    control::phone("202", "answer", json!({}));
    until_state(made.ht, call_state::CONNECTED);
    let speaking =
        feature::DROP | feature::HOLD | feature::BLINDTRANSFER | feature::SETUPTRANSFER | feature::GENERATEDIGITS;
    check(speaking, "what can be done while they speak");
    refuse("connected");
    succeed("lineHold", |r| unsafe { (tsp().hold)(r, made.hd) });
    until_state(made.ht, call_state::ONHOLD);
    check(feature::DROP | feature::UNHOLD, "what can be done on hold");
    refuse("onhold");
    drop_call(made.hd);
    until_state(made.ht, call_state::IDLE);
    assert_eq!(call_status(made.hd).2, 0);
    refuse("idle");
    assert!(has_been(made.ht, call_state::DISCONNECTED).is_some());
}

pub fn tones_are_sent() {
    let service = Service::ready();
    let open = service.line("201");
    let made = talk(open, "202");
    unsafe {
        assert_eq!((tsp().generate_digits)(made.hd, 55, 1, wide("1").as_ptr(), 0), err::INVALDIGITMODE);
        assert_eq!((tsp().generate_digits)(made.hd, 55, 2, wide("x").as_ptr(), 0), err::INVALDIGITS);
        assert_eq!((tsp().generate_digits)(made.hd, 55, 2, wide("12#").as_ptr(), 0), 0);
    }
    let told = until("the tones are sent", |world| world.calls[&made.ht].generated.first().copied());
    assert_eq!(told.1, 55);
    unsafe {
        assert_eq!((tsp().monitor_media)(made.hd, 4), err::OPERATIONUNAVAIL);
        assert_eq!((tsp().set_media)(made.hd, 4), 0);
        assert_eq!((tsp().set_media)(made.hd, 0x10), err::INVALMEDIAMODE);
    }
}
