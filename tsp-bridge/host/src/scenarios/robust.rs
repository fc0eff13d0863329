//! Load, faults, panics, dialogs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use linegate_tsp_core::tapi::{call_state, dev_state, disconnect, err, feature, msg};
use serde_json::json;

use crate::api::{self, tsp};
use crate::control;
use crate::service::{
    Block, PROVIDER, Service, V3_0, begin, call, close_call, completed, dev_status_flags, drop_call, eventually,
    has_been, make_call, refused, succeed, talk, until_in_service, until_state, wide,
};
use crate::world::{quiet, until, world};

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

pub fn c34_sixteen_threads_hammer_every_export() {
    static STOP: AtomicBool = AtomicBool::new(false);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static BEATS: [AtomicU64; 16] = [const { AtomicU64::new(0) }; 16];
    let seconds: u64 = std::env::var("LINEGATE_HAMMER").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    crate::service::configure(PROVIDER, |config| {
        config.log_level = "info".to_owned();
        config.command_timeout_ms = 1_500;
    });
    let mut service = Service::learned();
    world().is_short = true;
    let (base, lines) = (service.base, service.lines);
    STOP.store(false, Ordering::SeqCst);
    let threads: Vec<_> = (0..16_u64)
        .map(|number| {
            std::thread::spawn(move || {
                let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (number + 1));
                while !STOP.load(Ordering::Relaxed) {
                    one_call(&mut dice, base, lines);
                    COUNT.fetch_add(1, Ordering::Relaxed);
                    BEATS[number as usize].fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let begin = Instant::now();
    let mut dice = Dice(4711);
    let mut early = 0;
    let mut last = [0_u64; 16];
    let mut looked = Instant::now();
    while begin.elapsed() < Duration::from_secs(seconds) {
        quiet(Duration::from_millis(400));
        let mode = ["garbage", "half", "slow", "silent", "refuse", "pass", "pass", "pass", "big"];
        control::proxy(mode[dice.roll(mode.len() as u64) as usize]);
        if dice.roll(2) == 0 {
            control::ask(if dice.roll(2) == 0 { "/cut" } else { "/break" }, &json!({}));
        }
        if dice.roll(3) == 0 {
            let path = "/lines/208/dial";
            control::ask("/twin", &json!({"path": path, "body": {"to": "201"}}));
        }
        if dice.roll(3) == 0 {
            control::ask("/twin", &json!({"path": "/lines/208/hang-up", "body": {}}));
        }
        if early == 0 && begin.elapsed() > Duration::from_secs(seconds) / 4 {
            early = super::memory();
        }
        if looked.elapsed() > Duration::from_secs(15) {
            looked = Instant::now();
            for (thread, beat) in BEATS.iter().enumerate() {
                let now = beat.load(Ordering::Relaxed);
                assert_ne!(now, last[thread], "thread {thread} hangs");
                last[thread] = now;
            }
        }
    }
    STOP.store(true, Ordering::SeqCst);
    for thread in threads {
        thread.join().expect("a thread of the hammer");
    }
    let late = super::memory();
    println!(
        "  {} calls of exports; private memory {} KiB, then {} KiB",
        COUNT.load(Ordering::Relaxed),
        early / 1024,
        late / 1024
    );
    assert!(late < early + 12 * 1024 * 1024, "memory grows");
    control::proxy("pass");
    control::ask("/cut", &json!({}));
    service.shut_down();
    drop(service);
    // It works as before.
    control::reset();
    crate::service::configure(PROVIDER, |_| {});
    let service = Service::start();
    let open = service.line("201");
    let made = talk(open, "202");
    drop_call(made.hd);
    until_state(made.ht, call_state::IDLE);
}

/// Any export with more or less sensible arguments.
fn one_call(dice: &mut Dice, base: u32, lines: u32) {
    let api = tsp();
    let device = base + dice.roll(u64::from(lines) + 1) as u32;
    let (line, ht_line) = {
        let world = world();
        let mut open: Vec<(usize, usize)> =
            world.lines.iter().filter(|(_, line)| line.is_open).map(|(ht, line)| (line.handle, *ht)).collect();
        open.sort_unstable();
        if open.is_empty() || dice.roll(50) == 0 {
            (dice.roll(1 << 31) as usize, 0)
        } else {
            open[dice.roll(open.len() as u64) as usize]
        }
    };
    let (call, ht_call) = {
        let world = world();
        let mut calls: Vec<(usize, usize)> =
            world.calls.iter().filter(|(_, call)| !call.is_closed).map(|(ht, call)| (call.handle, *ht)).collect();
        calls.sort_unstable();
        if calls.is_empty() || dice.roll(50) == 0 {
            (dice.roll(1 << 31) as usize, 0)
        } else {
            calls[dice.roll(calls.len() as u64) as usize]
        }
    };
    let mut block = Block::new(252 + dice.roll(900) as usize);
    let number = wide(["202", "208", "204", "", "9;", "0301", "x"][dice.roll(7) as usize]);
    let mut word = 0_u32;
    unsafe {
        match dice.roll(30) {
            0 => {
                let ht = {
                    let mut world = world();
                    let ht = world.handle();
                    world.lines.insert(ht, crate::world::Line { handle: 0, device, is_open: true, wants_close: false });
                    ht
                };
                let mut handle = 0_usize;
                let done = (api.open)(device, ht, &mut handle, V3_0, crate::world::line_event);
                let mut world = world();
                if done == 0 {
                    world.lines.get_mut(&ht).unwrap().handle = handle;
                } else {
                    world.lines.remove(&ht);
                    world.free.push(ht);
                }
            }
            1 if dice.roll(8) == 0 => {
                if (api.close)(line) == 0 {
                    let mut world = world();
                    // The handle is not given again here: a closing and an opening thread may cross in this test.
                    if let Some(known) = world.lines.get_mut(&ht_line) {
                        known.is_open = false;
                    }
                    world.calls.retain(|_, call| call.ht_line != ht_line);
                }
            }
            2 | 3 => {
                let ht = {
                    let mut world = world();
                    let ht = world.handle();
                    let call = crate::world::Call { ht_line, is_tentative: true, ..crate::world::Call::default() };
                    world.calls.insert(ht, call);
                    ht
                };
                let mut handle = 0_usize;
                let request = world().request(Some(ht));
                let done = (api.make_call)(request, line, ht, &mut handle, number.as_ptr(), 0, std::ptr::null());
                let mut world = world();
                if done > 0 {
                    if let Some(call) = world.calls.get_mut(&ht) {
                        call.handle = handle;
                    }
                } else {
                    world.calls.remove(&ht);
                    world.requests.remove(&request);
                }
            }
            4 => ignore(begin("x", |r| (api.drop_call)(r, call, std::ptr::null(), 0))),
            5 => ignore(begin("x", |r| (api.answer)(r, call, std::ptr::null(), 0))),
            6 => ignore(begin("x", |r| (api.hold)(r, call))),
            7 => ignore(begin("x", |r| (api.unhold)(r, call))),
            8 => ignore(begin("x", |r| (api.dial)(r, call, number.as_ptr(), 0))),
            9 => ignore(begin("x", |r| (api.redirect)(r, call, number.as_ptr(), 0))),
            10 => ignore(begin("x", |r| (api.blind)(r, call, number.as_ptr(), 0))),
            11 => {
                if ht_call != 0 && (api.close_call)(call) == 0 {
                    if let Some(known) = world().calls.get_mut(&ht_call) {
                        known.is_closed = true;
                    }
                }
            }
            12 => ignore(begin("x", |r| (api.accept)(r, call, std::ptr::null(), 0))),
            13 => ignore(begin("x", |r| (api.call_data)(r, call, number.as_ptr().cast(), 2))),
            14 => drop((api.app_specific)(call, dice.roll(1 << 32) as u32)),
            15 => drop((api.call_info)(call, block.pointer())),
            16 => drop((api.call_status)(call, block.pointer())),
            17 => drop((api.dev_caps)(device, V3_0 - dice.roll(2) as u32 * 0x1_0000, 0, block.pointer())),
            18 => drop((api.address_caps)(device, dice.roll(3) as u32, V3_0, 0, block.pointer())),
            19 => drop((api.dev_status)(line, block.pointer())),
            20 => drop((api.address_status)(line, dice.roll(3) as u32, block.pointer())),
            21 => drop((api.media_detection)(line, [0, 4, 6, 0x10][dice.roll(4) as usize])),
            22 => drop((api.status_messages)(line, dice.roll(1 << 25) as u32, dice.roll(1 << 9) as u32)),
            23 => drop((api.address_count)(line, &mut word)),
            24 => drop((api.negotiate)(device, 0x2_0000, 0x3_0000, &mut word)),
            25 => ignore(begin("x", |r| (api.swap)(r, call, call))),
            26 => ignore(begin("x", |r| {
                (api.forward)(r, line, 0, 0, std::ptr::null(), 0, 0, std::ptr::null_mut(), std::ptr::null())
            })),
            27 => drop((api.generate_digits)(call, 1, 2, number.as_ptr(), 0)),
            28 => drop((api.get_id)(line, 0, call, 1 << dice.roll(3), block.pointer(), wide("tapi/line").as_ptr(), 0)),
            _ => drop((api.call_ids)(call, &mut word, &mut 0, &mut 0)),
        }
    }
    block.check();
}

fn ignore(_: Result<u32, i32>) {}

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
