//! Panics, dialogs.

use std::time::Duration;

use linegate_tsp_core::tapi::{call_state, dev_state, disconnect, err, feature, msg};
use serde_json::json;

use crate::api::{self, tsp};
use crate::control;
use crate::service::{
    PROVIDER, Service, begin, call, close_call, completed, dev_status_flags, drop_call, eventually, has_been,
    make_call, refused, succeed, talk, until_in_service, until_state,
};
use crate::world::{quiet, until, world};

/// Where the provider panics when it is asked to.
const IN_EXPORT: u32 = 1;
const IN_DISPATCHER: u32 = 2;
const IN_READER: u32 = 3;
const IN_WRITER: u32 = 4;

fn fault(place: u32, times: u32) {
    let address = api::address(api::module(), "LinegateFault").expect("a provider with faults");
    // SAFETY: the export has this signature.
    let ask = unsafe { std::mem::transmute::<usize, unsafe extern "system" fn(u32, u32)>(address) };
    unsafe { ask(place, times) };
}

pub fn c35_panics_in_export_dispatcher_and_reader() {
    let service = Service::ready();
    let open = service.line("201");
    // In an export: an error, and the next call works.
    fault(IN_EXPORT, 1);
    let mut count = 0;
    assert_eq!(unsafe { (tsp().address_count)(open.hd, &mut count) }, err::OPERATIONFAILED);
    assert_eq!(unsafe { (tsp().address_count)(open.hd, &mut count) }, 0);
    fault(IN_EXPORT, 1);
    assert_eq!(make_call(open, Some("202"), None).err(), Some(err::OPERATIONFAILED));
    // In the dispatcher, with a request on its way: it is completed with an error, and what was to be told is told.
    let made = talk(open, "202");
    control::proxy("silent");
    let request = begin("lineHold", |r| unsafe { (tsp().hold)(r, made.hd) }).expect("lineHold");
    eventually("the gateway has put it on hold", || {
        let calls = control::gateway("GET", "/calls", json!(null));
        calls["body"]["items"].as_array().unwrap().iter().any(|call| call["state"] == "on_hold")
    });
    fault(IN_DISPATCHER, 1);
    assert_eq!(unsafe { (tsp().app_specific)(made.hd, 4711) }, 0);
    assert_eq!(completed("lineHold", request), err::OPERATIONFAILED);
    until("it is told", |world| (world.calls[&made.ht].infos & 0x20 != 0).then_some(()));
    control::ask("/cut", &json!({}));
    control::proxy("pass");
    until_in_service(open);
    // What the gateway did all the same is told as it is.
    until_state(made.ht, call_state::ONHOLD);
    eventually("it can be taken back", || crate::service::call_status(made.hd).2 & feature::UNHOLD != 0);
    succeed("lineUnhold", |r| unsafe { (tsp().unhold)(r, made.hd) });
    until_state(made.ht, call_state::CONNECTED);
    // In the reader, and in the writer: the link is made anew, and the request on its way goes out again.
    for place in [IN_READER, IN_WRITER] {
        fault(place, 1);
        let request = begin("lineHold", |r| unsafe { (tsp().hold)(r, made.hd) }).expect("lineHold");
        assert_eq!(completed("lineHold", request), 0);
        until_state(made.ht, call_state::ONHOLD);
        until_in_service(open);
        eventually("it can be taken back", || crate::service::call_status(made.hd).2 & feature::UNHOLD != 0);
        succeed("lineUnhold", |r| unsafe { (tsp().unhold)(r, made.hd) });
        until_state(made.ht, call_state::CONNECTED);
    }
    drop_call(made.hd);
    until_state(made.ht, call_state::IDLE);
    assert!(has_been(made.ht, call_state::DISCONNECTED).is_some());
    let again = call(open, "202");
    until_state(again.ht, call_state::RINGBACK);
}

/// Three panics in a minute, wherever: programs hear that nothing works, and nothing hangs.
fn fails_for_good(place: u32) {
    let mut service = Service::ready();
    let open = service.line("201");
    let made = talk(open, "202");
    world().told.clear();
    if place == IN_DISPATCHER {
        control::proxy("silent");
    } else {
        fault(place, 3);
    }
    let request = begin("lineHold", |r| unsafe { (tsp().hold)(r, made.hd) }).expect("lineHold");
    if place == IN_DISPATCHER {
        fault(place, 3);
        assert_eq!(unsafe { (tsp().app_specific)(made.hd, 4711) }, 0);
    }
    assert_eq!(completed("lineHold", request), err::OPERATIONFAILED);
    until_state(made.ht, call_state::IDLE);
    assert_eq!(has_been(made.ht, call_state::DISCONNECTED).map(|told| told.1), Some(disconnect::TEMPFAILURE as usize));
    until("the line is out of service", |world| {
        let told = world
            .told
            .iter()
            .any(|told| told.message == msg::LINEDEVSTATE && told.params[0] == dev_state::OUTOFSERVICE as usize);
        told.then_some(())
    });
    control::proxy("pass");
    // Nothing is accepted that nobody would complete.
    assert_eq!(make_call(open, Some("202"), None).err(), Some(err::INVALLINESTATE));
    for (what, request) in [
        ("lineHold", &(|r| unsafe { (tsp().hold)(r, made.hd) }) as &dyn Fn(u32) -> i32),
        ("lineAccept", &|r| unsafe { (tsp().accept)(r, made.hd, std::ptr::null(), 0) }),
        ("lineDrop", &|r| unsafe { (tsp().drop_call)(r, made.hd, std::ptr::null(), 0) }),
        ("lineSetCallData", &|r| unsafe { (tsp().call_data)(r, made.hd, std::ptr::null(), 0) }),
        ("lineForward", &|r| unsafe {
            (tsp().forward)(r, open.hd, 1, 0, std::ptr::null(), 0, 0, std::ptr::null_mut(), std::ptr::null())
        }),
    ] {
        assert!(refused(what, request) < 0);
    }
    // It stays so, also for a line that is opened now, and the dialog says why.
    let other = service.line_when_it_comes("202");
    quiet(Duration::from_millis(1_500));
    assert_eq!((dev_status_flags(open), dev_status_flags(other)), (0, 0));
    let mut block = [0_u8; 2_048];
    assert_eq!(unsafe { (tsp().generic_data)(open.device as usize, 1, block.as_mut_ptr(), 2_048) }, 0);
    let units: Vec<u16> = block.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
    assert!(String::from_utf16_lossy(&units).contains("Restart the telephony service"));
    assert_eq!(unsafe { (tsp().generic_data)(PROVIDER as usize, 3, block.as_mut_ptr(), 4) }, 0, "new settings");
    quiet(Duration::from_millis(1_000));
    assert_eq!(dev_status_flags(open), 0);
    close_call(made.ht);
    service.close(open);
    assert!(service.shut_down() < Duration::from_secs(2));
    drop(service);
    // The telephony service starts it anew.
    let service = Service::start();
    let open = service.line("201");
    until("the call is offered as it is", |world| {
        let told = |call: &crate::world::Call| {
            call.is_new && call.ht_line == open.ht && matches!(call.state(), call_state::CONNECTED | call_state::ONHOLD)
        };
        world.calls.values().any(told).then_some(())
    });
    drop(service);
}

pub fn c35_three_panics_of_the_dispatcher_end_in_out_of_service() {
    fails_for_good(IN_DISPATCHER);
}

pub fn c35_three_panics_of_the_reader_end_in_out_of_service() {
    fails_for_good(IN_READER);
}

pub fn c35_three_panics_of_the_writer_end_in_out_of_service() {
    fails_for_good(IN_WRITER);
}

pub fn c37_dialogs_are_silent_without_a_window() {
    let mut path = [0x5555_u16; 300];
    assert_eq!(unsafe { (tsp().ui_identify)(path.as_mut_ptr()) }, 0);
    let name = linegate_tsp_machine::text::narrow(&path);
    assert!(name.len() < 260 && name.eq_ignore_ascii_case("linegate.tsp"), "{name}");
    assert!(path[name.len() + 1..].iter().all(|unit| *unit == 0x5555), "nothing is written behind the name");
    type Dialog = unsafe extern "system" fn(usize, usize, u32) -> i32;
    let function = |name: &str| {
        let address = api::address(api::module(), name).unwrap();
        // SAFETY: the export has this signature.
        unsafe { std::mem::transmute::<usize, Dialog>(address) }
    };
    unsafe {
        assert_eq!(function("TUISPI_providerInstall")(0, 0, 99), 0);
        assert_eq!(function("TUISPI_providerConfig")(0, 0, 99), 0);
        assert_eq!(function("TUISPI_providerRemove")(0, 0, 99), 0);
        assert_eq!(function("TUISPI_providerRemove")(0, 0, 99), 0, "again is no error");
    }
    control::reset();
    let service = Service::ready();
    let mut block = [0_u8; 2_048];
    let data = |object: usize, kind: u32, block: &mut [u8]| unsafe {
        (tsp().generic_data)(object, kind, block.as_mut_ptr(), block.len() as u32)
    };
    for kind in [0, 2, 4, 99] {
        assert_eq!(data(1, kind, &mut block), err::INVALPARAM);
    }
    assert_eq!(data(9_999, 1, &mut block), err::BADDEVICEID);
    eventually("the line is in service", || {
        assert_eq!(data(service.device("201") as usize, 1, &mut block), 0);
        let units: Vec<u16> = block.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
        let text = String::from_utf16_lossy(&units);
        text.starts_with("201 Anna Berg\0") && text.contains("00AA11BB0001") && text.contains("In service")
    });
    assert_eq!(data(service.device("207") as usize, 1, &mut block), 0);
    let units: Vec<u16> = block.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
    println!("  207: {}", String::from_utf16_lossy(&units).split('\0').nth(2).unwrap_or_default());
    assert_eq!(data(service.device("201") as usize, 1, &mut block[..4]), err::STRUCTURETOOSMALL);
    // New settings reach the running provider.
    let open = service.line("201");
    assert_eq!(data(PROVIDER as usize, 3, &mut block), 0);
    quiet(Duration::from_millis(100));
    until_in_service(open);
    assert_eq!(unsafe { (tsp().free_dialog)(1) }, 0);
}
