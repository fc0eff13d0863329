//! Loading, versions, enumeration, handles, opening.

use std::time::{Duration, Instant};

use linegate_tsp_core::tapi::{call_state, err};
use linegate_tsp_machine::config::Config;
use linegate_tsp_machine::{files, running};
use serde_json::json;

use crate::api::{self, EXTRAS, SECTION_7, tsp};
use crate::control;
use crate::service::{
    Block, H_PROVIDER, PROVIDER, Service, V2_0, V3_0, address_of, begin, configure, enumerate, eventually,
    forget_lines, settle, until_offered, until_state, wide,
};
use crate::world::{completion, inside, line_create, line_event, quiet, until, world};

pub fn c01_every_name_resolves_undecorated() {
    for name in SECTION_7.iter().chain(EXTRAS) {
        assert!(api::address(api::module(), name).is_some(), "{name} is missing");
    }
    assert!(api::address(api::module(), "TSPI_lineMakeCall@28").is_none());
}

pub fn c02_versions_are_negotiated() {
    const UNTOUCHED: u32 = 0xABCD;
    let negotiate = |device: u32, low: u32, high: u32| {
        let mut version = UNTOUCHED;
        (unsafe { (tsp().negotiate)(device, low, high, &mut version) }, version)
    };
    for (low, high, wanted) in [
        (0x1_0003, 0x3_0001, 0x3_0000),
        (0x2_0000, 0x2_0000, 0x2_0000),
        (0x2_0000, 0x2_0001, 0x2_0001),
        (0x1_0004, 0x2_0002, 0x2_0002),
    ] {
        assert_eq!(negotiate(u32::MAX, low, high), (0, wanted));
    }
    for (low, high) in [(0x1_0003, 0x1_0004), (0x4_0000, 0x5_0000), (0x3_0000, 0x2_0000)] {
        assert_eq!(negotiate(u32::MAX, low, high), (err::INCOMPATIBLEAPIVERSION, UNTOUCHED));
    }
    control::reset();
    let service = Service::ready();
    assert_eq!(negotiate(service.base, 0x1_0003, 0x3_0001), (0, 0x3_0000));
    assert_eq!(negotiate(9_999, 0x1_0003, 0x3_0001), (err::BADDEVICEID, UNTOUCHED));
    assert_eq!(unsafe { (tsp().negotiate)(u32::MAX, V2_0, V3_0, std::ptr::null_mut()) }, err::INVALPOINTER);
}

pub fn c03_lines_are_enumerated_with_the_gateway_down() {
    drop(Service::ready());
    control::proxy("refuse");
    let (lines, took) = fastest(PROVIDER);
    assert!(lines >= 5 && took < Duration::from_millis(50), "{lines} lines in {took:?}");
    let service = Service::start();
    assert_eq!(address_of(service.base, 0).as_deref(), Some("201"), "capabilities come from the disk");
    // The same for 500 lines.
    let mut store = linegate_tsp_core::store::Store::default();
    for id in 1..=500 {
        let number = format!("{}", 1000 + id);
        let line =
            serde_json::from_value(json!({"id": format!("line_{id}"), "tapi_id": id, "number": number})).unwrap();
        let (place, _) = store.admit(&line, 9);
        store.lines[place].learn(&line);
    }
    let config = Config { gateway: "http://127.0.0.1:1".to_owned(), ..Config::default() };
    config.write(9).unwrap();
    let path = files::lines_of(&config.gateway, &config.lines);
    files::write_lines(&path, &store).unwrap();
    let (lines, took) = fastest(9);
    assert!(lines == 500 && took < Duration::from_millis(50), "{lines} lines in {took:?}");
    println!("  500 lines are enumerated in {took:?}");
    assert_eq!(unsafe { (tsp().shutdown)(V3_0, 9) }, 0);
}

/// The fastest of a few enumerations: what the machine does beside is not the provider's.
fn fastest(provider: u32) -> (u32, Duration) {
    let turns = (0..4).map(|_| {
        let begin = Instant::now();
        (enumerate(provider, H_PROVIDER), begin.elapsed())
    });
    turns.min_by_key(|turn| turn.1).unwrap()
}

pub fn permanent_ids(base: u32, lines: u32) -> Vec<(u32, Option<String>)> {
    (base..base + lines)
        .map(|device| {
            let mut block = Block::new(4096);
            assert_eq!(unsafe { (tsp().dev_caps)(device, V3_0, 0, block.pointer()) }, 0);
            (block.word(28), address_of(device, 0))
        })
        .collect()
}

pub fn c04_a_second_init_changes_nothing_and_a_restart_keeps_order_and_ids() {
    let mut service = Service::ready();
    let before = permanent_ids(service.base, service.lines);
    let again =
        unsafe { (tsp().init)(V3_0, PROVIDER, 77, 0, service.lines as usize, 0, completion, std::ptr::null_mut()) };
    assert_eq!(again, 0, "a second init succeeds");
    assert_eq!(permanent_ids(service.base, service.lines), before, "and has no effect");
    assert!(before.iter().all(|(id, _)| id >> 16 == PROVIDER && id & 0xFFFF != 0), "{before:x?}");
    let told = running::read(PROVIDER).expect("a provider that runs says which release it is");
    assert_eq!((told.version.as_str(), told.process), (env!("CARGO_PKG_VERSION"), std::process::id()));
    assert!(service.shut_down() < Duration::from_secs(2));
    assert_eq!(running::read(PROVIDER), None, "and no other does");
    drop(service);
    let service = Service::start();
    assert_eq!(permanent_ids(service.base, service.lines), before);
    drop(service);
    // Removed and added anew under another number, the lines keep their permanent ids.
    std::fs::remove_file(files::settings_of(PROVIDER)).unwrap();
    configure(PROVIDER + 1, |_| {});
    let service = Service::start_as(PROVIDER + 1, H_PROVIDER, 40);
    assert_eq!(permanent_ids(40, service.lines), before);
    drop(service);
    // A second one beside it has lines of its own: no two have one number.
    configure(PROVIDER, |_| {});
    let service = Service::learned();
    let beside = permanent_ids(service.base, service.lines);
    assert!(beside.iter().all(|(id, _)| before.iter().all(|(known, _)| known != id)), "{beside:x?} {before:x?}");
    drop(service);
    std::fs::remove_file(files::settings_of(PROVIDER + 1)).unwrap();
    crate::service::forget_lines();
}

pub fn c04_rounds_of_load_init_shutdown_free() {
    let rounds: u32 = std::env::var("LINEGATE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_500);
    configure(PROVIDER, |config| config.gateway = "http://127.0.0.1:1".to_owned());
    let path = std::env::args().nth(1).unwrap();
    let mut first = 0;
    for round in 0..rounds {
        let module = api::load(&path);
        let api = api::Api::of(module);
        let (mut lines, mut phones) = (0, 0);
        unsafe {
            assert_eq!((api.enumerate)(PROVIDER, &mut lines, &mut phones, H_PROVIDER, line_create, 0), 0);
            let done = (api.init)(V3_0, PROVIDER, 0, 0, lines as usize, 0, completion, std::ptr::null_mut());
            assert_eq!(done, 0);
            assert_eq!((api.shutdown)(V3_0, PROVIDER), 0);
        }
        api::free(module);
        if round == rounds / 4 {
            first = crate::scenarios::memory();
        }
    }
    let last = crate::scenarios::memory();
    println!("  {rounds} rounds; private memory {} KiB at a quarter, {} KiB at the end", first / 1024, last / 1024);
    assert!(last < first + 4 * 1024 * 1024, "memory grows: {first} to {last}");
}

pub fn c05_two_providers_with_two_gateways() {
    let port = control::ask("/second", &json!({}))["port"].as_u64().unwrap();
    let first = Service::ready();
    configure(PROVIDER + 2, |config| config.gateway = format!("http://127.0.0.1:{port}"));
    if enumerate(PROVIDER + 2, H_PROVIDER + 1) == 0 {
        let second = Service::start_as(PROVIDER + 2, H_PROVIDER + 1, 60);
        until("its lines are created", |world| (world.created.len() >= 3).then_some(()));
        drop(second);
        world().created.clear();
    }
    let second = Service::start_as(PROVIDER + 2, H_PROVIDER + 1, 60);
    assert_eq!(second.lines, 3);
    let one = first.line("201");
    let two = second.open(60, V3_0);
    settle(two, 4);
    crate::service::until_in_service(two);
    assert_ne!(one.hd, two.hd);
    let here = crate::service::call(one, "202");
    let other = address_of(61, 0).unwrap();
    let there = crate::service::call(two, &other);
    until_state(here.ht, call_state::RINGBACK);
    until_state(there.ht, call_state::RINGBACK);
    drop(second);
    crate::service::drop_call(here.hd);
    until_state(here.ht, call_state::IDLE);
}

pub fn c08_wrong_devices_handles_and_pointers_are_refused() {
    let service = Service::ready();
    let open = service.line("201");
    let api = tsp();
    let mut block = Block::new(4096);
    let mut word = 0_u32;
    let class = wide("tapi/line");
    unsafe {
        for device in [0, service.base - 1, service.base + service.lines, u32::MAX - 1] {
            assert_eq!((api.dev_caps)(device, V3_0, 0, block.pointer()), err::BADDEVICEID);
            assert_eq!((api.address_caps)(device, 0, V3_0, 0, block.pointer()), err::BADDEVICEID);
            assert_eq!((api.negotiate)(device, V2_0, V3_0, &mut word), err::BADDEVICEID);
            assert_eq!((api.negotiate_ext)(device, V3_0, 0, 0, &mut word), err::BADDEVICEID);
            assert_eq!((api.extension_id)(device, V3_0, block.pointer()), err::BADDEVICEID);
            assert_eq!((api.icon)(device, std::ptr::null(), &mut 0), err::BADDEVICEID);
            assert_eq!((api.dev_config)(device, block.pointer(), class.as_ptr()), err::BADDEVICEID);
            assert_eq!((api.set_dev_config)(device, block.pointer(), 4, class.as_ptr()), err::BADDEVICEID);
            assert_eq!((api.open)(device, 1, &mut 0, V3_0, line_event), err::BADDEVICEID);
        }
        for line in [0, 1, 0x10101, open.hd + 1, 0x7FFF_FFFF, usize::MAX] {
            assert_eq!((api.close)(line), err::INVALLINEHANDLE);
            assert_eq!((api.dev_status)(line, block.pointer()), err::INVALLINEHANDLE);
            assert_eq!((api.address_status)(line, 0, block.pointer()), err::INVALLINEHANDLE);
            assert_eq!((api.address_count)(line, &mut word), err::INVALLINEHANDLE);
            assert_eq!((api.media_detection)(line, 4), err::INVALLINEHANDLE);
            assert_eq!((api.status_messages)(line, 0, 0), err::INVALLINEHANDLE);
            assert_eq!((api.select_ext)(line, 0), err::INVALLINEHANDLE);
            let number = wide("202");
            let made = (api.make_call)(5, line, 1, &mut 0, number.as_ptr(), 0, std::ptr::null());
            assert_eq!(made, err::INVALLINEHANDLE);
        }
        for call in [0, 1, open.hd, 0x7FFF_FFFF, usize::MAX] {
            for result in [
                (api.drop_call)(5, call, std::ptr::null(), 0),
                (api.answer)(5, call, std::ptr::null(), 0),
                (api.accept)(5, call, std::ptr::null(), 0),
                (api.hold)(5, call),
                (api.unhold)(5, call),
                (api.swap)(5, call, call),
                (api.dial)(5, call, class.as_ptr(), 0),
                (api.redirect)(5, call, class.as_ptr(), 0),
                (api.blind)(5, call, class.as_ptr(), 0),
                (api.remove_from_conference)(5, call),
                (api.user_info)(5, call, std::ptr::null(), 0),
                (api.call_data)(5, call, std::ptr::null(), 0),
                (api.app_specific)(call, 1),
                (api.call_info)(call, block.pointer()),
                (api.call_status)(call, block.pointer()),
                (api.call_address)(call, &mut word),
                (api.call_ids)(call, &mut word, &mut 0, &mut 0),
                (api.close_call)(call),
                (api.generate_digits)(call, 0, 2, class.as_ptr(), 0),
                (api.set_media)(call, 4),
                (api.monitor_media)(call, 4),
            ] {
                assert_eq!(result, err::INVALCALLHANDLE);
            }
            assert_eq!((api.add_to_conference)(5, call, call), err::INVALCONFCALLHANDLE);
        }
        // No pointer at all.
        let null = std::ptr::null_mut;
        assert_eq!((api.dev_caps)(open.device, V3_0, 0, null()), err::INVALPOINTER);
        assert_eq!((api.address_caps)(open.device, 0, V3_0, 0, null()), err::INVALPOINTER);
        assert_eq!((api.dev_status)(open.hd, null()), err::INVALPOINTER);
        assert_eq!((api.address_status)(open.hd, 0, null()), err::INVALPOINTER);
        assert_eq!((api.address_count)(open.hd, null().cast()), err::INVALPOINTER);
        assert_eq!((api.address_id)(open.hd, &mut word, 2, std::ptr::null(), 0), err::INVALPOINTER);
        assert_eq!((api.get_id)(open.hd, 0, 0, 1, null(), class.as_ptr(), 0), err::INVALPOINTER);
        assert_eq!((api.get_id)(open.hd, 0, 0, 1, block.pointer(), std::ptr::null(), 0), err::INVALPOINTER);
        assert_eq!((api.icon)(open.device, std::ptr::null(), null().cast()), err::INVALPOINTER);
        assert_eq!((api.ui_identify)(null().cast()), err::INVALPOINTER);
        assert_eq!((api.open)(open.device + 1, 1, null().cast(), V3_0, line_event), err::INVALPOINTER);
        assert_eq!(
            (api.make_call)(5, open.hd, 1, null().cast(), class.as_ptr(), 0, std::ptr::null()),
            err::INVALPOINTER
        );
        // What the router does not have.
        assert_eq!((api.dev_specific)(5, open.hd, 0, 0, null(), 0), err::OPERATIONUNAVAIL);
        assert_eq!((api.dev_feature)(5, open.hd, 0, null(), 0), err::OPERATIONUNAVAIL);
        assert_eq!((api.negotiate_ext)(open.device, V3_0, 1, 1, &mut word), err::INCOMPATIBLEEXTVERSION);
        assert_eq!((api.select_ext)(open.hd, 0), 0);
        assert_eq!((api.select_ext)(open.hd, 1), err::INVALEXTVERSION);
        let mut extension = [0xEE_u8; 16];
        assert_eq!((api.extension_id)(open.device, V3_0, extension.as_mut_ptr()), 0);
        assert_eq!(extension, [0; 16]);
    }
}

pub fn c09_ids_and_order_are_stable() {
    forget_lines();
    let mut service = Service::ready();
    let before = permanent_ids(service.base, service.lines);
    let numbers: Vec<&str> = before.iter().filter_map(|(_, number)| number.as_deref()).collect();
    assert_eq!(numbers, ["201", "202", "207", "208", "205"], "the order of the permanent numbers");
    // Renamed, and a line added in front by number: nothing moves.
    let line = control::gateway("GET", "/lines?number=201", json!(null))["body"]["items"][0]["id"].clone();
    let path = format!("/lines/{}", line.as_str().unwrap());
    control::gateway("PATCH", &path, json!({"name": "Zoe Renamed"}));
    let pbx = control::gateway("GET", "/pbxs", json!(null))["body"]["items"][0]["id"].clone();
    let made = control::gateway("POST", "/lines", json!({"pbx_id": pbx, "number": "100", "device_id": "00AA11BB0099"}));
    assert_eq!(made["status"], 201, "{made}");
    let created = until("the new line is created", |world| world.created.first().copied());
    assert_ne!(created.1, service.base + service.lines, "the new device has a number of its own");
    eventually("its capabilities are there", || address_of(created.1, 0).as_deref() == Some("100"));
    assert_eq!(permanent_ids(service.base, service.lines), before);
    service.shut_down();
    drop(service);
    control::proxy("refuse");
    let service = Service::start();
    let after = permanent_ids(service.base, service.lines);
    assert_eq!(after[..before.len()], before[..], "the old ones stay in place");
    assert_eq!(after.last().unwrap().1.as_deref(), Some("100"), "the new one is the last");
    drop(service);
    // Taken away: its place stays, so that no other line moves.
    control::proxy("pass");
    let id = made["body"]["id"].as_str().unwrap();
    assert_eq!(control::gateway("DELETE", &format!("/lines/{id}"), json!(null))["status"], 204);
    let service = Service::start();
    until("the line is removed", |world| world.removed.contains(&(service.base + 5)).then_some(()));
    assert_eq!(permanent_ids(service.base, 5), before);
    drop(service);
    world().removed.clear();
    assert_eq!(enumerate(PROVIDER, H_PROVIDER), 6);
    control::gateway("PATCH", &path, json!({"name": "Anna Berg"}));
    assert_eq!(unsafe { (tsp().shutdown)(V3_0, PROVIDER) }, 0);
    forget_lines();
}

pub fn c10_a_line_opens_at_once_in_any_state_of_the_link() {
    drop(Service::ready());
    for mode in ["pass", "refuse", "silent"] {
        control::proxy(mode);
        let service = Service::start();
        // While the link comes up the line is told about that between an open and its close.
        let ht = {
            let mut world = world();
            let ht = world.handle();
            let line = crate::world::Line { handle: 0, device: service.base, is_open: true, wants_close: false };
            world.lines.insert(ht, line);
            ht
        };
        let begin = Instant::now();
        for _ in 0..1_000 {
            let mut handle = 0_usize;
            unsafe {
                assert_eq!((tsp().open)(service.base, ht, &mut handle, V3_0, line_event), 0);
                assert_eq!((tsp().close)(handle), 0);
            }
        }
        let each = begin.elapsed() / 1_000;
        world().lines.get_mut(&ht).unwrap().is_open = false;
        assert!(each < Duration::from_millis(5), "{mode}: {each:?}");
        println!("  {mode}: open and close take {each:?}");
        let open = service.open(service.base, V3_0);
        let mut second = 0_usize;
        let again = unsafe { (tsp().open)(service.base, 0x10202, &mut second, V3_0, line_event) };
        assert_eq!((again, second), (err::ALLOCATED, 0), "a line is opened once");
        service.close(open);
        control::ask("/cut", &json!({}));
    }
}

pub fn c11_media_detection_and_status_messages() {
    let service = Service::ready();
    let open = service.line("201");
    let api = tsp();
    unsafe {
        for modes in [0, 4, 6] {
            assert_eq!((api.media_detection)(open.hd, modes), 0);
        }
        assert_eq!((api.media_detection)(open.hd, 0x10), err::INVALMEDIAMODE);
        assert_eq!((api.conditional)(open.hd, 4, std::ptr::null()), 0);
        assert_eq!((api.conditional)(open.hd, 0x10, std::ptr::null()), err::INVALMEDIAMODE);
        assert_eq!((api.status_messages)(open.hd, 0x4000_0000, 0), err::INVALLINESTATE);
        assert_eq!((api.status_messages)(open.hd, 0, 0x1000), err::INVALADDRESSSTATE);
        assert_eq!((api.status_messages)(open.hd, 0x01FF_FFFF, 0x1FF), 0);
    }
    let lost = service.open(service.device("207"), V3_0);
    settle(lost, 4);
    let refused = unsafe { (api.conditional)(lost.hd, 4, std::ptr::null()) };
    assert_eq!(refused, err::RESOURCEUNAVAIL, "a line without a phone");
    let number = wide("202");
    let made = begin("lineMakeCall", |request| unsafe {
        (api.make_call)(request, lost.hd, 1, &mut 0, number.as_ptr(), 0, std::ptr::null())
    });
    assert_eq!(made, Err(err::INVALLINESTATE));
}

pub fn c12_existing_calls_come_after_the_open() {
    let service = Service::ready();
    control::phone("201", "dial", json!({"to": "202"}));
    control::phone("202", "answer", json!({}));
    // The provider knows them before anybody opens the line.
    let watcher = service.line("208");
    quiet(Duration::from_millis(300));
    world().wide_handles = true;
    let open = service.open(service.device("201"), V2_0);
    assert!(world().calls.is_empty(), "nothing comes from inside the open");
    settle(open, 4);
    let (ht, hd) = until_offered(open, call_state::CONNECTED);
    let states = world().calls[&ht].states.clone();
    assert_eq!(states.len(), 1, "one state, the present one: {states:x?}");
    let info = crate::service::call_info(hd);
    assert_eq!(info.word(80), 1, "a call dialled at the phone is outbound");
    assert!(ht > u32::MAX as usize || cfg!(target_pointer_width = "32"));
    // Without a word of the programs the calls come too, a moment later.
    let other = service.open(service.device("202"), V3_0);
    let (_, hd) = until_offered(other, call_state::CONNECTED);
    assert_eq!(crate::service::call_info(hd).word(80), 2, "inbound from a phone of the house");
    let mine = crate::service::call_info(world().calls[&ht].handle).word(40);
    assert!(mine != 0 && mine == crate::service::call_info(hd).word(40), "one call id on both lines");
    inside("nothing", || {});
    service.close(watcher);
}
