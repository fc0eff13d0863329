//! Forwarding, service states, devices that come and go.

use std::time::{Duration, Instant};

use linegate_tsp_core::tapi::{addr_state, call_state, dev_state, err, msg};
use serde_json::json;

use super::structures::{forward_list, forward_list_with};
use crate::api::tsp;
use crate::control;
use crate::service::{
    Block, H_PROVIDER, Open, PROVIDER, Service, V3_0, address_of, begin, call, configure, dev_status_flags, drop_call,
    enumerate, eventually, forget_lines, has_been, make_call, refused, settle, succeed, talk, until_in_service,
    until_offered, until_state,
};
use crate::world::{quiet, until, world};

fn forward(open: Open, all: u32, address: u32, list: Option<&[u8]>) -> impl FnOnce(u32) -> i32 + use<> {
    let list = list.map(<[u8]>::to_vec);
    move |request| {
        let mut consult = 0xAB_usize;
        let mut list = list;
        let pointer = list.as_ref().map_or(std::ptr::null(), |list| list.as_ptr());
        let result =
            unsafe { (tsp().forward)(request, open.hd, all, address, pointer, 99, 0, &mut consult, std::ptr::null()) };
        assert!(result < 0 || consult == 0, "there is no consultation call");
        if let Some(list) = &mut list {
            list.fill(0xDD);
        }
        result
    }
}

/// Forwarding as the address has it: do not disturb, and where to.
fn status(open: Open, address: u32) -> (bool, Option<String>) {
    let mut block = Block::new(1_024);
    assert_eq!(unsafe { (tsp().address_status)(open.hd, address, block.pointer()) }, 0);
    block.check();
    let (count, start) = (block.word(36) as usize, block.word(44) as usize);
    let mut found = (false, None);
    for entry in 0..count {
        let at = start + entry * 24;
        assert_eq!(block.word(at), 1, "UNCOND");
        if block.word(at + 16) == 0 { found.0 = true } else { found.1 = Some(block.text(at + 16)) }
    }
    found
}

fn until_forwarded(open: Open, address: usize) {
    until("the address tells its forwarding", |world| {
        let place = world.told.iter().position(|told| {
            told.ht_line == open.ht
                && told.message == msg::ADDRESSSTATE
                && told.params[0] == address
                && told.params[1] as u32 & addr_state::FORWARD != 0
        })?;
        world.told.drain(..=place);
        Some(())
    });
}

pub fn c29_forwarding_and_do_not_disturb() {
    let service = Service::ready();
    let open = service.line("201");
    assert_eq!(status(open, 0), (false, None));
    succeed("lineForward", forward(open, 0, 0, Some(&forward_list(&[(1, "208")]))));
    until_forwarded(open, 0);
    assert_eq!(status(open, 0), (false, Some("208".to_owned())));
    succeed("lineForward", forward(open, 0, 0, Some(&forward_list_with(&[(2, "205"), (4, "205")], 32))));
    until_forwarded(open, 0);
    assert_eq!(status(open, 0), (false, Some("205".to_owned())), "a new list replaces the old one");
    succeed("lineForward", forward(open, 0, 0, None));
    until_forwarded(open, 0);
    assert_eq!(status(open, 0), (false, None));
    succeed("cancelling what is not set", forward(open, 0, 0, Some(&forward_list(&[]))));
    // Do not disturb is an entry without a destination.
    succeed("lineForward", forward(open, 0, 0, Some(&forward_list(&[(1, "")]))));
    until_forwarded(open, 0);
    assert_eq!(status(open, 0), (true, None));
    assert_eq!(status(open, 1), (true, None), "it belongs to the phone");
    succeed("lineForward", forward(open, 1, 77, Some(&forward_list(&[(1, "208")]))));
    until_forwarded(open, 1);
    eventually("every address is forwarded", || {
        status(open, 0) == (false, Some("208".to_owned())) && status(open, 1) == (false, Some("208".to_owned()))
    });
    succeed("lineForward", forward(open, 1, 0, None));
    eventually("nothing is forwarded", || status(open, 0) == (false, None) && status(open, 1) == (false, None));
    // What cannot be.
    let mut outside = forward_list(&[(1, "208")]);
    outside[28..32].copy_from_slice(&4_096_u32.to_le_bytes());
    for (address, list, error) in [
        (0, forward_list(&[(0x10, "208")]), err::INVALPARAM),
        (0, forward_list(&[(1, "208"), (1, "202")]), err::INVALPARAM),
        (0, forward_list(&[(1, "Anna")]), err::INVALADDRESS),
        (0, outside, err::INVALPARAM),
        (9, forward_list(&[(1, "208")]), err::INVALADDRESSID),
    ] {
        assert_eq!(refused("lineForward", forward(open, 0, address, Some(&list))), error);
    }
    assert_eq!(status(open, 0), (false, None));
    // At the phone.
    world().told.clear();
    control::twin("PUT", "/lines/201/forward", json!({"kind": "all", "to": "202"}));
    until_forwarded(open, 0);
    assert_eq!(status(open, 0), (false, Some("202".to_owned())));
    control::twin("PUT", "/lines/201/forward", json!({"kind": "all", "to": ""}));
    eventually("it ends at the phone", || status(open, 0) == (false, None));
    // At the phone, of another button.
    world().told.clear();
    control::twin("PUT", "/lines/204/forward", json!({"kind": "all", "to": "202"}));
    until_forwarded(open, 1);
    assert_eq!((status(open, 0), status(open, 1)), ((false, None), (false, Some("202".to_owned()))));
    control::twin("PUT", "/lines/204/forward", json!({"kind": "all", "to": ""}));
    eventually("it ends at the phone", || status(open, 1) == (false, None));
}

fn told(open: Open, state: u32) -> bool {
    world()
        .told
        .iter()
        .any(|told| told.ht_line == open.ht && told.message == msg::LINEDEVSTATE && told.params[0] as u32 == state)
}

pub fn c30_a_phone_goes_and_comes() {
    let service = Service::ready();
    let open = service.line("202");
    world().told.clear();
    control::twin("POST", "/phones/2/unregister", json!({}));
    eventually("it is out of service", || told(open, dev_state::OUTOFSERVICE));
    assert_eq!(dev_status_flags(open), 1, "connected, not in service");
    assert_eq!(make_call(open, Some("201"), None).err(), Some(err::INVALLINESTATE));
    let mut block = Block::new(88);
    assert_eq!(unsafe { (tsp().dev_status)(open.hd, block.pointer()) }, 0);
    assert_eq!(block.word(32), 0, "nothing can be asked of it");
    control::twin("POST", "/phones/2/register", json!({}));
    eventually("it is in service", || told(open, dev_state::INSERVICE));
    // The gateway takes a few steps until its monitor runs again; each is told as it is.
    eventually("a call can be made", || match make_call(open, Some("201"), None) {
        Ok(made) => {
            assert_eq!(crate::service::completed("lineMakeCall", made.request), 0);
            drop_call(made.hd);
            until_state(made.ht, call_state::IDLE);
            true
        }
        Err(error) => {
            assert_eq!(error, err::INVALLINESTATE);
            false
        }
    });
    let made = call(open, "201");
    until_state(made.ht, call_state::RINGBACK);
}

pub fn c31_a_short_loss_of_the_gateway() {
    let service = Service::ready();
    let open = service.line("201");
    let made = talk(open, "202");
    let states = world().calls[&made.ht].states.len();
    control::ask("/gateway", &json!({"do": "kill"}));
    eventually("the line is out of service", || {
        told(open, dev_state::OUTOFSERVICE) && told(open, dev_state::DISCONNECTED)
    });
    assert_eq!(dev_status_flags(open), 0);
    assert_eq!(crate::service::call_status(made.hd).2, 0, "nothing can be asked meanwhile");
    assert_eq!(make_call(open, Some("208"), None).err(), Some(err::INVALLINESTATE));
    control::ask("/gateway", &json!({"do": "start"}));
    until_in_service(open);
    assert!(told(open, dev_state::CONNECTED));
    quiet(Duration::from_millis(500));
    let after = world().calls[&made.ht].states.clone();
    if after.last().is_some_and(|last| last.0 == call_state::CONNECTED) {
        assert_eq!(after.len(), states, "the call went on, nothing is told twice");
        drop_call(made.hd);
    } else {
        // The router ended it with the gateway's monitor: then it is over here, too.
        until_state(made.ht, call_state::IDLE);
    }
    until_state(made.ht, call_state::IDLE);
    assert_eq!(world().calls.values().filter(|call| call.is_new).count(), 0, "no second call for the first");
}

pub fn c31_calls_change_while_the_gateway_is_away() {
    let service = Service::ready();
    let open = service.line("201");
    let made = talk(open, "202");
    control::ask("/gateway", &json!({"do": "kill"}));
    eventually("the line is out of service", || told(open, dev_state::OUTOFSERVICE));
    control::phone("201", "hang-up", json!({}));
    control::phone("208", "dial", json!({"to": "201"}));
    control::ask("/gateway", &json!({"do": "start"}));
    until_state(made.ht, call_state::IDLE);
    let (ht, _) = until_offered(open, call_state::OFFERING);
    control::phone("201", "answer", json!({}));
    until_state(ht, call_state::CONNECTED);
    assert_eq!(world().offers, 1);
}

pub fn c31_an_outage_of_a_minute() {
    let service = Service::ready();
    let (anna, ben) = (service.line("201"), service.line("202"));
    // One call will go on, one will end, one will begin.
    let made = talk(anna, "202");
    let (other, _) = until_offered(ben, call_state::CONNECTED);
    control::phone("208", "dial", json!({"to": "0301234"}));
    let going = service.line("208");
    let (ending, _) = until_offered(going, call_state::PROCEEDING);
    control::ask("/gateway", &json!({"do": "kill"}));
    eventually("the lines are out of service", || {
        told(anna, dev_state::OUTOFSERVICE) && told(ben, dev_state::OUTOFSERVICE)
    });
    let began = Instant::now();
    // After the time of grace every call is over for TAPI, once.
    for ht in [made.ht, other, ending] {
        crate::world::until_within("the call ends after the time of grace", Duration::from_secs(40), |world| {
            (world.calls[&ht].state() == call_state::IDLE).then_some(())
        });
        assert_eq!(has_been(ht, call_state::DISCONNECTED).unwrap().1, 0x8000, "a temporary failure");
    }
    control::phone("208", "hang-up", json!({}));
    control::phone("208", "dial", json!({"to": "0307777"}));
    assert_eq!(make_call(anna, Some("208"), None).err(), Some(err::INVALLINESTATE));
    quiet(Duration::from_secs(60).saturating_sub(began.elapsed()));
    control::ask("/gateway", &json!({"do": "start"}));
    for open in [anna, ben, going] {
        until_in_service(open);
    }
    // What is there comes anew, as it is, each once; what ended meanwhile does not.
    let (ht, hd) = until_offered(anna, call_state::CONNECTED);
    let (theirs, _) = until_offered(ben, call_state::CONNECTED);
    assert!(ht != made.ht && theirs != other);
    let open_calls = |open: Open| {
        let living = |call: &&crate::world::Call| call.ht_line == open.ht && call.state() != call_state::IDLE;
        world().calls.values().filter(living).count()
    };
    eventually("each line has its one call", || [anna, ben, going].iter().all(|open| open_calls(*open) == 1));
    drop_call(hd);
    until_state(ht, call_state::IDLE);
    until_state(theirs, call_state::IDLE);
    println!("  the gateway was away for {:?}", began.elapsed());
}

pub fn c31_a_long_loss_ends_calls_and_they_come_back() {
    configure(PROVIDER, |config| config.grace_ms = 1_000);
    let service = Service::learned();
    let open = service.line("201");
    let made = talk(open, "202");
    control::proxy("refuse");
    control::ask("/cut", &json!({}));
    until_state(made.ht, call_state::IDLE);
    assert_eq!(has_been(made.ht, call_state::DISCONNECTED).unwrap().1, 0x8000, "a temporary failure");
    control::proxy("pass");
    let (ht, hd) = until_offered(open, call_state::CONNECTED);
    assert_ne!(hd, made.hd);
    until_in_service(open);
    drop_call(hd);
    until_state(ht, call_state::IDLE);
    configure(PROVIDER, |_| {});
}

pub fn c31_a_request_outlives_a_broken_connection() {
    let service = Service::ready();
    let open = service.line("201");
    for round in 0..8 {
        let made = make_call(open, Some("202"), None).expect("lineMakeCall");
        if round % 2 == 0 {
            quiet(Duration::from_millis(round));
        }
        control::ask(if round % 3 == 0 { "/break" } else { "/cut" }, &json!({}));
        let result = crate::service::completed("lineMakeCall", made.request);
        assert_eq!(result, 0, "the same command goes out again and is carried out once: {:#x}", result.cast_unsigned());
        until_state(made.ht, call_state::RINGBACK);
        until_in_service(open);
        eventually("it can be dropped", || crate::service::call_status(made.hd).2 & 0x80 != 0);
        drop_call(made.hd);
        until_state(made.ht, call_state::IDLE);
        crate::service::close_call(made.ht);
    }
    assert_eq!(world().offers, 0, "no call was doubled");
}

/// How often the provider was told that a command is still being carried out.
fn still_carried_out() -> usize {
    let log = std::fs::read_to_string(linegate_tsp_machine::files::folder().join("linegate-tapi.log"));
    log.unwrap_or_default().matches("is still being carried out").count()
}

pub fn c31_a_slow_request_outlives_a_broken_connection() {
    let service = Service::ready();
    let open = service.line("201");
    let before = still_carried_out();
    control::twin("PUT", "/faults", json!({"delay_answers": 2_500, "delay_events": 2_500}));
    let made = make_call(open, Some("202"), None).expect("lineMakeCall");
    quiet(Duration::from_millis(200));
    control::ask("/cut", &json!({}));
    // The gateway carries out the first sending, while the second one finds its key in use.
    let result = crate::service::completed("lineMakeCall", made.request);
    assert_eq!(result, 0, "a command under way is no refusal: {:#x}", result.cast_unsigned());
    assert!(still_carried_out() > before, "the answer was slow enough");
    until_state(made.ht, call_state::RINGBACK);
    control::twin("PUT", "/faults", json!({}));
    let calls = control::gateway("GET", "/calls", json!(null))["body"]["items"].as_array().unwrap().len();
    assert_eq!(calls, 2, "the call was made once: one end here, one there");
    until_in_service(open);
    eventually("it can be dropped", || crate::service::call_status(made.hd).2 & 0x80 != 0);
    drop_call(made.hd);
    until_state(made.ht, call_state::IDLE);
    assert_eq!(world().offers, 0, "and is offered as no other");
}

pub fn c32_lines_are_created_and_removed() {
    forget_lines();
    configure(PROVIDER, |config| config.lines = vec!["201".to_owned(), "202".to_owned(), "1*".to_owned()]);
    forget_lines();
    world().next_device = Some(500);
    assert_eq!(enumerate(PROVIDER, H_PROVIDER), 0, "nothing is known yet");
    let service = Service::start();
    until("two lines are created", |world| (world.created.len() == 2).then_some(()));
    let devices: Vec<u32> = world().created.iter().map(|made| made.1).collect();
    eventually("their capabilities are there", || {
        let mut numbers: Vec<_> = devices.iter().filter_map(|device| address_of(*device, 0)).collect();
        numbers.sort();
        numbers == ["201", "202"]
    });
    let pbx = control::gateway("GET", "/pbxs", json!(null))["body"]["items"][0]["id"].clone();
    let made = control::gateway("POST", "/lines", json!({"pbx_id": pbx, "number": "110", "device_id": "00AA11BB0098"}));
    let id = made["body"]["id"].as_str().unwrap().to_owned();
    let device = until("the new line is created", |world| world.created.get(2).copied()).1;
    eventually("it has capabilities", || address_of(device, 0).as_deref() == Some("110"));
    let open = service.open(device, V3_0);
    settle(open, 4);
    // It goes while it is open: TAPI is asked to close it first.
    assert_eq!(control::gateway("DELETE", &format!("/lines/{id}"), json!(null))["status"], 204);
    until("it is to be closed", |world| world.lines[&open.ht].wants_close.then_some(()));
    assert!(world().removed.is_empty(), "LINE_CLOSE comes before LINE_REMOVE");
    service.close(open);
    until("it is removed", |world| (world.removed == [device]).then_some(()));
    assert_eq!(address_of(device, 0), None);
    // A service that does not want the line.
    world().next_device = None;
    let made = control::gateway("POST", "/lines", json!({"pbx_id": pbx, "number": "120", "device_id": "00AA11BB0097"}));
    until("it is offered", |world| (world.created.last()?.1 == u32::MAX).then_some(()));
    let id = made["body"]["id"].as_str().unwrap().to_owned();
    control::gateway("DELETE", &format!("/lines/{id}"), json!(null));
    // Calls go on as ever on a created line.
    let open = service.open(service_device(&devices), V3_0);
    settle(open, 4);
    until_in_service(open);
    let made = call(open, "202");
    until_state(made.ht, call_state::RINGBACK);
    drop(service);
    configure(PROVIDER, |_| {});
    // The filter chose from the store that the next test has, too.
    forget_lines();
}

fn service_device(devices: &[u32]) -> u32 {
    *devices.iter().find(|device| address_of(**device, 0).as_deref() == Some("201")).unwrap()
}

pub fn c33_closing_and_shutting_down_in_the_middle() {
    let mut service = Service::ready();
    let open = service.line("201");
    let other = service.line("202");
    let made = talk(open, "202");
    control::proxy("silent");
    let pending = make_call(other, Some("208"), None).expect("lineMakeCall");
    let held = begin("lineHold", |r| unsafe { (tsp().hold)(r, made.hd) }).expect("lineHold");
    service.close(open);
    assert!(world().requests[&held].result.is_some(), "completed before lineClose returned");
    assert_eq!(unsafe { (tsp().close_call)(made.hd) }, err::INVALCALLHANDLE);
    assert!(world().requests[&pending.request].result.is_none(), "the other line goes on");
    let more: Vec<u32> = (0..20).filter_map(|_| begin("lineForward", forward(other, 0, 0, None)).ok()).collect();
    let began = Instant::now();
    let took = service.shut_down();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(world().requests[&pending.request].result, Some(err::OPERATIONFAILED));
    assert!(more.iter().all(|request| world().requests[request].result.is_some()));
    quiet(Duration::from_millis(300));
    assert_eq!(unsafe { (tsp().shutdown)(V3_0, PROVIDER) }, 0, "a second shutdown is no error");
    println!("  the shutdown took {took:?}");
}
