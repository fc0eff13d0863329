//! Sixteen threads call every export with whatever arguments.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use linegate_tsp_core::tapi::call_state;
use serde_json::json;

use super::outgoing::set;
use crate::api::{EXTRAS, NAMES, SECTION_7, tsp};
use crate::control;
use crate::service::{Block, H_PROVIDER, PROVIDER, Service, V3_0, begin, drop_call, talk, until_state, wide};
use crate::world::{Call, Line, completion, line_create, line_event, quiet, world};

/// A provider without settings, which is started and ended all the time beside the one that works.
const OTHER: u32 = 97;
/// Its lines would begin here.
const OTHER_BASE: u32 = 60_000;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What one call of an export may use: mostly things that exist.
struct Hand {
    dice: Dice,
    base: u32,
    lines: u32,
    device: u32,
    line: usize,
    ht_line: usize,
    call: usize,
    ht_call: usize,
    /// The line of the call.
    call_line: usize,
    second: usize,
    block: Block,
    number: Vec<u16>,
    word: u32,
}

impl Hand {
    fn new(seed: u64, base: u32, lines: u32) -> Self {
        Self {
            dice: Dice(0x9E37_79B9_7F4A_7C15 ^ (seed + 1)),
            base,
            lines,
            device: 0,
            line: 0,
            ht_line: 0,
            call: 0,
            ht_call: 0,
            call_line: 0,
            second: 0,
            block: Block::new(24),
            number: Vec::new(),
            word: 0,
        }
    }

    /// Draws new arguments.
    fn draw(&mut self) {
        self.device = self.base + self.dice.roll(u64::from(self.lines) + 1) as u32;
        let (mut open, mut calls) = {
            let world = world();
            let open: Vec<(usize, usize)> =
                world.lines.iter().filter(|(_, line)| line.is_open).map(|(ht, line)| (line.handle, *ht)).collect();
            let calls: Vec<(usize, usize, usize)> = world
                .calls
                .iter()
                .filter(|(_, call)| !call.is_closed)
                .map(|(ht, call)| (call.handle, *ht, call.ht_line))
                .collect();
            (open, calls)
        };
        open.sort_unstable();
        calls.sort_unstable();
        (self.line, self.ht_line) = if open.is_empty() || self.dice.roll(50) == 0 {
            (self.dice.roll(1 << 31) as usize, 0)
        } else {
            open[self.dice.roll(open.len() as u64) as usize]
        };
        (self.call, self.ht_call, self.call_line) = if calls.is_empty() || self.dice.roll(50) == 0 {
            (self.dice.roll(1 << 31) as usize, 0, 0)
        } else {
            calls[self.dice.roll(calls.len() as u64) as usize]
        };
        // Two that belong together, where there are two.
        let others: Vec<usize> =
            calls.iter().filter(|call| call.1 != self.ht_call && call.2 == self.call_line).map(|call| call.0).collect();
        self.second = match others.len() {
            0 => self.call,
            count => others[self.dice.roll(count as u64) as usize],
        };
        self.block = Block::new(252 + self.dice.roll(900) as usize);
        self.number = wide(["202", "208", "204", "", "9;", "0301", "x"][self.dice.roll(7) as usize]);
    }

    /// A request that makes a call on a line: TAPI's handle is there before it, and goes with a refusal.
    fn making(&mut self, ht_line: usize, ask: impl FnOnce(&mut Self, u32, usize, &mut usize) -> i32) {
        let (ht, request) = {
            let mut world = world();
            let ht = world.handle();
            world.calls.insert(ht, Call { ht_line, is_tentative: true, ..Call::default() });
            (ht, world.request(Some(ht)))
        };
        let mut handle = 0_usize;
        let done = ask(self, request, ht, &mut handle);
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
}

fn ask(call: impl FnOnce(u32) -> i32) {
    // Refused or accepted: both is right here.
    let _ = begin("x", call);
}

/// An export, how often it comes beside the others, and what is done with it.
struct Blow(&'static str, u64, fn(&mut Hand));

macro_rules! blows {
    ($($name:literal $weight:literal |$hand:ident, $api:ident| $work:expr;)+) => {
        const BLOWS: &[Blow] = &[$(Blow($name, $weight, |$hand: &mut Hand| {
            let $api = tsp();
            // SAFETY: pointers of our own, and handles that the provider checks.
            #[allow(unused_unsafe, clippy::macro_metavars_in_unsafe)]
            let _ = unsafe { $work };
        })),+];
    };
}

blows! {
    "TSPI_lineNegotiateTSPIVersion" 4 |h, api| (api.negotiate)(h.device, 0x2_0000, 0x3_0000, &mut h.word);
    "TSPI_providerEnumDevices" 1 |h, api| {
        let provider = if h.dice.roll(4) == 0 { PROVIDER } else { OTHER };
        if provider == PROVIDER || h.dice.roll(20) == 0 {
            (api.enumerate)(provider, &mut h.word, &mut 0, H_PROVIDER, line_create, 0);
        }
    };
    "TSPI_providerInit" 1 |h, api| {
        if h.dice.roll(20) == 0 {
            (api.init)(V3_0, OTHER, OTHER_BASE, 0, 0, 0, completion, &mut h.word);
        } else {
            // Once more changes nothing.
            (api.init)(V3_0, PROVIDER, h.base, 0, h.lines as usize, 0, completion, &mut h.word);
        }
    };
    "TSPI_providerShutdown" 1 |h, api| if h.dice.roll(20) == 0 { (api.shutdown)(V3_0, OTHER); };
    "TSPI_providerCreateLineDevice" 2 |h, api| (api.create_line)(h.dice.roll(1 << 32) as usize, 70_000);
    "TSPI_providerCreatePhoneDevice" 1 |h, api| (api.create_phone)(h.dice.roll(9) as usize, 1);
    "TSPI_providerUIIdentify" 1 |h, api| {
        h.number.resize(260, 0);
        (api.ui_identify)(h.number.as_mut_ptr())
    };
    "TSPI_providerGenericDialogData" 2 |h, api| {
        let mut text = [0_u8; 1_024];
        let size = h.dice.roll(1_024) as u32;
        match h.dice.roll(400) {
            // New settings: the link is made anew.
            0 => (api.generic_data)(PROVIDER as usize, 3, text.as_mut_ptr(), size),
            kind => (api.generic_data)(h.device as usize, (kind % 3) as u32, text.as_mut_ptr(), size),
        }
    };
    "TSPI_providerFreeDialogInstance" 1 |h, api| (api.free_dialog)(h.call);
    "TSPI_providerInstall" 1 |_h, api| (api.old_install)(0, OTHER);
    "TSPI_providerConfig" 1 |_h, api| (api.old_config)(0, OTHER);
    "TSPI_providerRemove" 1 |_h, api| (api.old_remove)(0, OTHER);
    "TUISPI_providerInstall" 1 |_h, api| (api.ui_install)(0, 0, OTHER);
    "TUISPI_providerConfig" 1 |_h, api| (api.ui_config)(0, 0, OTHER);
    "TUISPI_providerRemove" 1 |_h, api| (api.ui_remove)(0, 0, OTHER);
    "TUISPI_lineConfigDialog" 1 |h, api| (api.ui_line)(0, h.device, 0, wide("tapi/line").as_ptr());
    "TUISPI_lineConfigDialogEdit" 1 |h, api| {
        (api.ui_line_edit)(0, h.device, 0, wide("tapi/line").as_ptr(), h.number.as_ptr().cast(), 2, h.block.pointer())
    };
    "TUISPI_providerGenericDialog" 1 |h, api| (api.ui_generic)(0, 1, h.block.pointer(), 4, 0);
    "TUISPI_providerGenericDialogData" 1 |h, api| (api.ui_generic_data)(1, h.block.pointer(), 4);
    "TSPI_lineGetDevCaps" 4 |h, api| {
        let version = V3_0 - h.dice.roll(2) as u32 * 0x1_0000;
        (api.dev_caps)(h.device, version, 0, h.block.pointer())
    };
    "TSPI_lineGetAddressCaps" 4 |h, api| {
        (api.address_caps)(h.device, h.dice.roll(3) as u32, V3_0, 0, h.block.pointer())
    };
    "TSPI_lineOpen" 4 |h, api| {
        let ht = {
            let mut world = world();
            let ht = world.handle();
            world.lines.insert(ht, Line { handle: 0, device: h.device, is_open: true, wants_close: false });
            ht
        };
        let mut handle = 0_usize;
        let done = (api.open)(h.device, ht, &mut handle, V3_0, line_event);
        let mut world = world();
        if done == 0 {
            world.lines.get_mut(&ht).unwrap().handle = handle;
        } else {
            world.lines.remove(&ht);
            world.free.push(ht);
        }
    };
    "TSPI_lineClose" 4 |h, api| if h.dice.roll(8) == 0 && (api.close)(h.line) == 0 {
        let mut world = world();
        // The handle is not given again here: a closing and an opening thread may cross in this test.
        if let Some(known) = world.lines.get_mut(&h.ht_line) {
            known.is_open = false;
        }
        world.calls.retain(|_, call| call.ht_line != h.ht_line);
    };
    "TSPI_lineGetNumAddressIDs" 4 |h, api| (api.address_count)(h.line, &mut h.word);
    "TSPI_lineGetAddressID" 4 |h, api| {
        (api.address_id)(h.line, &mut h.word, h.dice.roll(3) as u32, h.number.as_ptr(), h.dice.roll(9) as u32)
    };
    "TSPI_lineGetAddressStatus" 4 |h, api| (api.address_status)(h.line, h.dice.roll(3) as u32, h.block.pointer());
    "TSPI_lineGetLineDevStatus" 4 |h, api| (api.dev_status)(h.line, h.block.pointer());
    "TSPI_lineSetStatusMessages" 4 |h, api| {
        (api.status_messages)(h.line, h.dice.roll(1 << 25) as u32, h.dice.roll(1 << 9) as u32)
    };
    "TSPI_lineSetDefaultMediaDetection" 4 |h, api| {
        (api.media_detection)(h.line, [0, 4, 6, 0x10][h.dice.roll(4) as usize])
    };
    "TSPI_lineConditionalMediaDetection" 4 |h, api| {
        let params = params(h);
        (api.conditional)(h.line, 4, params)
    };
    "TSPI_lineNegotiateExtVersion" 1 |h, api| (api.negotiate_ext)(h.device, V3_0, 0, 9, &mut h.word);
    "TSPI_lineSelectExtVersion" 1 |h, api| (api.select_ext)(h.line, h.dice.roll(2) as u32);
    "TSPI_lineGetExtensionID" 1 |h, api| (api.extension_id)(h.device, V3_0, h.block.pointer().add(24));
    "TSPI_lineGetID" 4 |h, api| {
        let class = wide(["tapi/line", "wave/in", "kettle"][h.dice.roll(3) as usize]);
        (api.get_id)(h.line, h.dice.roll(3) as u32, h.call, 1 << h.dice.roll(3), h.block.pointer(), class.as_ptr(), 0)
    };
    "TSPI_lineGetIcon" 1 |h, api| (api.icon)(h.device, std::ptr::null(), &mut 0);
    "TSPI_lineGetDevConfig" 1 |h, api| (api.dev_config)(h.device, h.block.pointer(), wide("tapi/line").as_ptr());
    "TSPI_lineSetDevConfig" 1 |h, api| {
        (api.set_dev_config)(h.device, h.number.as_ptr().cast(), 2, wide("tapi/line").as_ptr())
    };
    "TSPI_lineMakeCall" 8 |h, api| {
        let (params, ht_line) = (params(h), h.ht_line);
        h.making(ht_line, |h, request, ht, handle| {
            (api.make_call)(request, h.line, ht, handle, h.number.as_ptr(), 0, params)
        })
    };
    "TSPI_lineDial" 4 |h, api| ask(|r| (api.dial)(r, h.call, h.number.as_ptr(), 0));
    "TSPI_lineAccept" 4 |h, api| ask(|r| (api.accept)(r, h.call, std::ptr::null(), 0));
    "TSPI_lineAnswer" 4 |h, api| ask(|r| (api.answer)(r, h.call, std::ptr::null(), 0));
    "TSPI_lineDrop" 4 |h, api| ask(|r| (api.drop_call)(r, h.call, std::ptr::null(), 0));
    "TSPI_lineHold" 4 |h, api| ask(|r| (api.hold)(r, h.call));
    "TSPI_lineUnhold" 4 |h, api| ask(|r| (api.unhold)(r, h.call));
    "TSPI_lineSwapHold" 4 |h, api| ask(|r| (api.swap)(r, h.call, h.second));
    "TSPI_lineRedirect" 4 |h, api| ask(|r| (api.redirect)(r, h.call, h.number.as_ptr(), 0));
    "TSPI_lineBlindTransfer" 2 |h, api| ask(|r| (api.blind)(r, h.call, h.number.as_ptr(), 0));
    "TSPI_lineSetupTransfer" 6 |h, api| {
        let (params, ht_line) = (params(h), h.call_line);
        h.making(ht_line, |h, request, ht, handle| (api.setup_transfer)(request, h.call, ht, handle, params))
    };
    "TSPI_lineCompleteTransfer" 6 |h, api| if h.dice.roll(2) == 0 {
        ask(|r| (api.complete_transfer)(r, h.call, h.second, 0, std::ptr::null_mut(), 1));
    } else {
        let ht_line = h.call_line;
        h.making(ht_line, |h, request, ht, handle| (api.complete_transfer)(request, h.call, h.second, ht, handle, 2));
    };
    "TSPI_lineAddToConference" 4 |h, api| ask(|r| (api.add_to_conference)(r, h.call, h.second));
    "TSPI_lineRemoveFromConference" 4 |h, api| ask(|r| (api.remove_from_conference)(r, h.call));
    "TSPI_lineForward" 4 |h, api| {
        let list = super::structures::forward_list(&[(1, "208")]);
        let list = if h.dice.roll(2) == 0 { std::ptr::null() } else { list.as_ptr() };
        let (all, address) = (h.dice.roll(2) as u32, h.dice.roll(3) as u32);
        ask(|r| (api.forward)(r, h.line, all, address, list, 0, 0, std::ptr::null_mut(), std::ptr::null()))
    };
    "TSPI_lineSendUserUserInfo" 1 |h, api| ask(|r| (api.user_info)(r, h.call, std::ptr::null(), 0));
    "TSPI_lineDevSpecific" 1 |h, api| ask(|r| (api.dev_specific)(r, h.line, 0, h.call, h.block.pointer(), 4));
    "TSPI_lineDevSpecificFeature" 1 |h, api| ask(|r| (api.dev_feature)(r, h.line, 0, h.block.pointer(), 4));
    "TSPI_lineGenerateDigits" 4 |h, api| (api.generate_digits)(h.call, 1, 2, h.number.as_ptr(), 0);
    "TSPI_lineMonitorMedia" 1 |h, api| (api.monitor_media)(h.call, 4);
    "TSPI_lineSetMediaMode" 1 |h, api| (api.set_media)(h.call, 4);
    "TSPI_lineSetCallData" 4 |h, api| ask(|r| (api.call_data)(r, h.call, h.number.as_ptr().cast(), 2));
    "TSPI_lineSetAppSpecific" 4 |h, api| (api.app_specific)(h.call, h.dice.roll(1 << 32) as u32);
    "TSPI_lineGetCallInfo" 4 |h, api| (api.call_info)(h.call, h.block.pointer());
    "TSPI_lineGetCallStatus" 4 |h, api| (api.call_status)(h.call, h.block.pointer());
    "TSPI_lineGetCallAddressID" 2 |h, api| (api.call_address)(h.call, &mut h.word);
    "TSPI_lineGetCallIDs" 4 |h, api| (api.call_ids)(h.call, &mut h.word, &mut 0, &mut 0);
    "TSPI_lineCloseCall" 4 |h, api| if h.ht_call != 0 && (api.close_call)(h.call) == 0 {
        if let Some(known) = world().calls.get_mut(&h.ht_call) {
            known.is_closed = true;
        }
    };
}

/// Parameters of a call in the block, or none.
fn params(hand: &mut Hand) -> *const u8 {
    match hand.dice.roll(3) {
        0 => std::ptr::null(),
        1 => hand.block.pointer(),
        _ => {
            // From the second button.
            set(&mut hand.block, 24, 1);
            set(&mut hand.block, 28, 1);
            hand.block.pointer()
        }
    }
}

static STOP: AtomicBool = AtomicBool::new(false);
static BEATS: [AtomicU64; 16] = [const { AtomicU64::new(0) }; 16];
static COUNTS: [AtomicU64; BLOWS.len()] = [const { AtomicU64::new(0) }; BLOWS.len()];

pub fn c34_the_hammer_has_every_export() {
    for name in SECTION_7.iter().chain(EXTRAS).chain(NAMES) {
        let count = BLOWS.iter().filter(|blow| blow.0 == *name).count();
        assert_eq!(count, 1, "{name}");
    }
    for blow in BLOWS {
        assert!(crate::api::address(crate::api::module(), blow.0).is_some(), "{} is no export", blow.0);
    }
}

fn strike(thread: usize, base: u32, lines: u32) {
    let mut hand = Hand::new(thread as u64, base, lines);
    let all: u64 = BLOWS.iter().map(|blow| blow.1).sum();
    while !STOP.load(Ordering::Relaxed) {
        hand.draw();
        let mut place = hand.dice.roll(all);
        let chosen = BLOWS.iter().position(|blow| {
            let is_it = place < blow.1;
            place = place.saturating_sub(blow.1);
            is_it
        });
        let chosen = chosen.expect("the weights add up");
        (BLOWS[chosen].2)(&mut hand);
        hand.block.check();
        COUNTS[chosen].fetch_add(1, Ordering::Relaxed);
        BEATS[thread].fetch_add(1, Ordering::Relaxed);
    }
}

pub fn c34_sixteen_threads_hammer_every_export() {
    let seconds: u64 = std::env::var("LINEGATE_HAMMER").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    crate::service::configure(PROVIDER, |config| {
        config.log_level = "info".to_owned();
        config.command_timeout_ms = 1_500;
    });
    let mut service = Service::learned();
    world().is_short = true;
    let (base, lines) = (service.base, service.lines);
    STOP.store(false, Ordering::SeqCst);
    let threads: Vec<_> =
        (0..BEATS.len()).map(|thread| std::thread::spawn(move || strike(thread, base, lines))).collect();
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
            // Somebody takes what rings, so that calls are held, passed on and brought together.
            control::ask("/twin", &json!({"path": "/lines/202/answer", "body": {}}));
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
    unsafe { (tsp().shutdown)(V3_0, OTHER) };
    let late = super::memory();
    let calls: u64 = COUNTS.iter().map(|count| count.load(Ordering::Relaxed)).sum();
    println!("  {calls} calls of exports; private memory {} KiB, then {} KiB", early / 1024, late / 1024);
    for (blow, count) in BLOWS.iter().zip(&COUNTS) {
        assert_ne!(count.load(Ordering::Relaxed), 0, "{} was never called", blow.0);
    }
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
