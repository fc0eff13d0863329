//! Calls that programs make.

use std::time::{Duration, Instant};

use linegate_tsp_core::tapi::{call_state, err};
use serde_json::json;

use crate::api::tsp;
use crate::control;
use crate::service::{
    Block, PROVIDER, Service, call, call_info, call_status, close_call, completed, configure, drop_call, has_been,
    make_call, make_call_units, refused, succeed, until_state, wide,
};
use crate::world::{quiet, until, world};

pub fn c13_a_call_is_made() {
    let service = Service::ready();
    let open = service.line("201");
    let made = call(open, "202");
    until_state(made.ht, call_state::RINGBACK);
    assert_ne!(call_info(made.hd).word(40), 0, "a call has an id");
    let mut address = 9;
    assert_eq!(unsafe { (tsp().call_address)(made.hd, &mut address) }, 0);
    assert_eq!(address, 0);
    control::phone("202", "answer", json!({}));
    let connected = until_state(made.ht, call_state::CONNECTED);
    assert_eq!((connected.1, connected.2), (1, 4), "active, a voice call");
    let (mut id, mut related) = (0, 9);
    assert_eq!(unsafe { (tsp().call_ids)(made.hd, &mut address, &mut id, &mut related) }, 0);
    assert_eq!((id, related), (call_info(made.hd).word(40), 0));
    drop_call(made.hd);
    until_state(made.ht, call_state::IDLE);
    assert_eq!(has_been(made.ht, call_state::DISCONNECTED).unwrap().1, 1, "a normal end");
    assert_eq!(call_status(made.hd), (call_state::IDLE, 0, 0, 0), "readable until it is closed");
    assert_eq!(call_info(made.hd).text(132), "202");
    assert_eq!(
        refused("lineDrop", |r| unsafe { (tsp().drop_call)(r, made.hd, std::ptr::null(), 0) }),
        err::INVALCALLSTATE
    );
    close_call(made.ht);
    assert_eq!(unsafe { (tsp().close_call)(made.hd) }, err::INVALCALLHANDLE);
    // From another address of the line.
    let mut params = Block::new(180);
    set(&mut params, 24, 1);
    set(&mut params, 28, 1);
    let second = make_call(open, Some("208"), Some(&params)).unwrap();
    assert_eq!(completed("lineMakeCall", second.request), 0);
    until_state(second.ht, call_state::RINGBACK);
    assert_eq!(call_info(second.hd).text(112), "204", "the caller is the second button");
    assert_eq!(unsafe { (tsp().call_address)(second.hd, &mut address) }, 0);
    assert_eq!(address, 1);
    drop_call(second.hd);
    until_state(second.ht, call_state::IDLE);
    set(&mut params, 28, 7);
    assert_eq!(make_call(open, Some("208"), Some(&params)).err(), Some(err::INVALADDRESSID));
    // The far end is busy.
    crate::service::occupy_208();
    let busy = call(open, "208");
    let state = until("busy", |world| {
        let last = world.calls.get(&busy.ht)?.states.last().copied()?;
        matches!(last.0, call_state::BUSY | call_state::IDLE).then_some(last)
    });
    assert_eq!(state.0, call_state::BUSY);
    drop_call(busy.hd);
    until_state(busy.ht, call_state::IDLE);
}

/// Writes a word of a structure.
pub fn set(block: &mut Block, at: usize, value: u32) {
    let pointer = block.pointer();
    // SAFETY: within the block.
    unsafe { std::ptr::copy_nonoverlapping(value.to_le_bytes().as_ptr(), pointer.add(at), 4) };
}

pub fn c14_a_refused_call_is_completed_with_an_error_and_stays_silent() {
    let service = Service::ready();
    let open = service.line("201");
    // The router refuses: the phone is in use up to its last channel.
    let first = call(open, "202");
    until_state(first.ht, call_state::RINGBACK);
    // Whether the bridge knows it already or the gateway says it, the word is the same.
    match make_call(open, Some("208"), None) {
        Ok(made) => {
            let result = completed("lineMakeCall", made.request);
            assert_eq!(result, err::CALLUNAVAIL, "{:#x}", result.cast_unsigned());
            quiet(Duration::from_millis(300));
            assert!(world().calls[&made.ht].states.is_empty(), "nothing is told of a call that did not come about");
            close_call(made.ht);
        }
        Err(error) => assert_eq!(error, err::CALLUNAVAIL, "{:#x}", error.cast_unsigned()),
    }
    // Its second button is not the first: the gateway decides, and says the same while a call rings at its far end.
    let mut params = Block::new(180);
    set(&mut params, 24, 1);
    set(&mut params, 28, 1);
    let made = make_call(open, Some("208"), Some(&params)).expect("the gateway is asked");
    let result = completed("lineMakeCall", made.request);
    assert_eq!(result, err::CALLUNAVAIL, "{:#x}", result.cast_unsigned());
    close_call(made.ht);
    drop_call(first.hd);
    until_state(first.ht, call_state::IDLE);
}

pub fn c15_a_synchronous_error_leaves_nothing_behind() {
    let service = Service::ready();
    let open = service.line("201");
    for destination in ["Anna", "12;34", "0W1", "1?"] {
        let error = make_call(open, Some(destination), None).expect_err(destination);
        assert!(error < 0);
    }
    quiet(Duration::from_millis(300));
    assert!(world().calls.is_empty() && world().requests.is_empty());
    let made = call(open, "202");
    until_state(made.ht, call_state::RINGBACK);
}

pub fn c16_every_form_of_a_destination() {
    let service = Service::ready();
    let open = service.line("201");
    let fails = [
        ("0W1", err::DIALDIALTONE),
        ("0@1", err::DIALQUIET),
        ("0$1", err::DIALBILLING),
        ("?1", err::DIALPROMPT),
        ("Anna", err::INVALADDRESS),
        ("+", err::INVALADDRESS),
    ];
    for (text, error) in fails {
        assert_eq!(make_call(open, Some(text), None).err(), Some(error), "{text}");
    }
    assert_eq!(make_call(open, Some(&"1".repeat(2_000)), None).err(), Some(err::INVALADDRESS));
    assert_eq!(make_call_units(open, Some(vec![0x32, 0xD800, 0]), None).err(), Some(err::INVALADDRESS));
    for text in ["T202", "202|7^Ben", "2-0 2", "(202)", "202\r\n208", "p202"] {
        let made = call(open, text);
        until_state(made.ht, call_state::RINGBACK);
        assert_eq!(call_info(made.hd).text(132), "202", "{text}");
        drop_call(made.hd);
        until_state(made.ht, call_state::IDLE);
        close_call(made.ht);
    }
    // Without a number: a dial tone, then the number in parts.
    for text in [None, Some(""), Some(";"), Some("T")] {
        let made = make_call(open, text, None).unwrap();
        assert_eq!(completed("lineMakeCall", made.request), 0);
        until_state(made.ht, call_state::DIALTONE);
        let (_, _, features, _) = call_status(made.hd);
        assert_ne!(features & 0x40, 0, "DIAL");
        succeed("lineDial", |request| unsafe { (tsp().dial)(request, made.hd, wide("2;").as_ptr(), 0) });
        until_state(made.ht, call_state::DIALING);
        succeed("lineDial", |request| unsafe { (tsp().dial)(request, made.hd, wide("02").as_ptr(), 0) });
        until_state(made.ht, call_state::RINGBACK);
        assert_eq!(call_info(made.hd).text(132), "202");
        assert_eq!(
            refused("lineDial", |r| unsafe { (tsp().dial)(r, made.hd, wide("1").as_ptr(), 0) }),
            err::INVALCALLSTATE
        );
        drop_call(made.hd);
        until_state(made.ht, call_state::IDLE);
        close_call(made.ht);
    }
    // A partial number that is ended by nothing.
    let made = make_call(open, Some("202;"), None).unwrap();
    assert_eq!(completed("lineMakeCall", made.request), 0);
    until_state(made.ht, call_state::DIALING);
    succeed("lineDial", |request| unsafe { (tsp().dial)(request, made.hd, wide("").as_ptr(), 0) });
    until_state(made.ht, call_state::RINGBACK);
    drop_call(made.hd);
    until_state(made.ht, call_state::IDLE);
}

pub fn c17_a_lost_answer_ends_within_the_limit() {
    configure(PROVIDER, |config| config.command_timeout_ms = 2_000);
    let service = Service::learned();
    let open = service.line("201");
    control::proxy("silent");
    let begin = Instant::now();
    let made = make_call(open, Some("202"), None).unwrap();
    let result = completed("lineMakeCall", made.request);
    let took = begin.elapsed();
    assert!(matches!(result, err::OPERATIONFAILED | err::RESOURCEUNAVAIL), "{:#x}", result.cast_unsigned());
    assert!(took > Duration::from_millis(1_900) && took < Duration::from_millis(4_000), "{took:?}");
    close_call(made.ht);
    // It rings all the same; when it is seen again, it is a call like any other.
    control::ask("/cut", &json!({}));
    control::proxy("pass");
    let (ht, hd) = crate::service::until_offered(open, call_state::RINGBACK);
    assert_eq!(call_info(hd).word(80), 1, "outbound");
    crate::service::until_in_service(open);
    drop_call(hd);
    until_state(ht, call_state::IDLE);
    configure(PROVIDER, |_| {});
}

pub fn c18_a_pending_call_is_closed() {
    let service = Service::ready();
    let open = service.line("201");
    control::proxy("silent");
    let made = make_call(open, Some("202"), None).unwrap();
    crate::service::eventually("the gateway has the call", || {
        !control::gateway("GET", "/calls", json!(null))["body"]["items"].as_array().unwrap().is_empty()
    });
    close_call(made.ht);
    assert_eq!(world().requests[&made.request].result, Some(err::OPERATIONFAILED));
    // Cut first: a stream out of which something was taken and that goes on exists in no network.
    control::ask("/cut", &json!({}));
    control::proxy("pass");
    let (ht, _) = crate::service::until_offered(open, call_state::RINGBACK);
    assert_ne!(world().calls[&ht].handle, made.hd, "never on the old handle");
}
