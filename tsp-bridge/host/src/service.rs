//! The telephony service as the scenarios use it.

use std::time::{Duration, Instant};

use linegate_tsp_core::tapi::call_state;
use linegate_tsp_machine::config::Config;
use linegate_tsp_machine::files;

use crate::api::tsp;
use crate::control;
use crate::world::{Call, completion, inside, line_create, line_event, until, world};

pub const H_PROVIDER: usize = 0x5150;
pub const PROVIDER: u32 = 7;
pub const V2_0: u32 = 0x2_0000;
pub const V3_0: u32 = 0x3_0000;
const LINE_BASE: u32 = 3;

/// UTF-16 with NUL.
pub fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// The settings of the provider under test.
pub fn configure(provider: u32, change: impl FnOnce(&mut Config)) {
    let mut config = Config { gateway: format!("http://127.0.0.1:{}", control::ports().gateway), ..Config::default() };
    config.log_level = std::env::var("LINEGATE_HOST_LOG").unwrap_or_else(|_| "trace".to_owned());
    config.set_token(&control::ports().token).unwrap();
    change(&mut config);
    config.write(provider).unwrap();
}

/// Forgets the lines of earlier tests.
pub fn forget_lines() {
    if let Ok(found) = std::fs::read_dir(files::folder()) {
        for entry in found.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("lines-")) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A running provider.
pub struct Service {
    pub provider: u32,
    pub lines: u32,
    pub base: u32,
    is_down: bool,
}

/// An open line.
#[derive(Debug, Clone, Copy)]
pub struct Open {
    pub ht: usize,
    pub hd: usize,
    pub device: u32,
}

impl Service {
    /// Starts with the lines that are known already.
    pub fn start() -> Self {
        Self::start_as(PROVIDER, H_PROVIDER, LINE_BASE)
    }

    pub fn start_as(provider: u32, h_provider: usize, base: u32) -> Self {
        let lines = enumerate(provider, h_provider);
        let mut options = 0xFFFF_u32;
        let result = inside("providerInit", || unsafe {
            (tsp().init)(V3_0, provider, base, 0, lines as usize, 0, completion, &mut options)
        });
        assert_eq!((result, options), (0, 0), "providerInit");
        world().next_device.get_or_insert(base + 1_000);
        Self { provider, lines, base, is_down: false }
    }

    /// Starts with settings of its own and learns the lines of the gateway first, so that they are enumerated.
    pub fn ready() -> Self {
        configure(PROVIDER, |_| {});
        Self::learned()
    }

    /// As [`Service::ready`], with whatever settings there are.
    pub fn learned() -> Self {
        if enumerate(PROVIDER, H_PROVIDER) == 0 {
            let first = Self::start();
            let lines = control::gateway("GET", "/lines?limit=1000", serde_json::json!(null));
            let count = lines["body"]["items"].as_array().map_or(5, Vec::len);
            until("the lines are created", |world| (world.created.len() >= count).then_some(()));
            drop(first);
        }
        let service = Self::start();
        assert!(service.lines >= 5, "{} lines", service.lines);
        world().created.clear();
        service
    }

    pub fn shut_down(&mut self) -> Duration {
        let begin = Instant::now();
        if !self.is_down {
            self.is_down = true;
            let result = inside("providerShutdown", || unsafe { (tsp().shutdown)(V3_0, self.provider) });
            assert_eq!(result, 0);
            let mut world = world();
            let created: Vec<u32> = world.created.iter().map(|made| made.1).collect();
            let mine = self.base..self.base + self.lines;
            for line in world.lines.values_mut() {
                if mine.contains(&line.device) || created.contains(&line.device) {
                    line.is_open = false;
                }
            }
            let late: Vec<u32> =
                world.requests.iter().filter(|(_, request)| request.result.is_none()).map(|(id, _)| *id).collect();
            for id in late {
                world.fail(format!("request {id} was not completed by the shutdown"));
            }
        }
        begin.elapsed()
    }

    /// The device of a number: lines are found by their first address.
    pub fn device(&self, number: &str) -> u32 {
        let devices =
            (self.base..self.base + self.lines).chain(world().created.iter().map(|made| made.1).collect::<Vec<_>>());
        for device in devices {
            if address_of(device, 0).as_deref() == Some(number) {
                return device;
            }
        }
        panic!("no device for {number}");
    }

    /// Opens the line of a number as the service does, with owners.
    pub fn line(&self, number: &str) -> Open {
        let open = self.line_when_it_comes(number);
        until_in_service(open);
        open
    }

    /// Opens the line of a number, in service or not.
    pub fn line_when_it_comes(&self, number: &str) -> Open {
        let open = self.open(self.device(number), V3_0);
        settle(open, 4);
        open
    }

    /// Only opens.
    pub fn open(&self, device: u32, version: u32) -> Open {
        let ht = {
            let mut world = world();
            let ht = world.handle();
            world.lines.insert(ht, crate::world::Line { handle: 0, device, is_open: true, wants_close: false });
            ht
        };
        let mut hd = 0;
        let result = inside("lineOpen", || unsafe { (tsp().open)(device, ht, &mut hd, version, line_event) });
        assert_eq!(result, 0, "lineOpen");
        assert_ne!(hd, 0);
        world().lines.get_mut(&ht).unwrap().handle = hd;
        Open { ht, hd, device }
    }

    pub fn close(&self, open: Open) {
        let before = Instant::now();
        let result = inside("lineClose", || unsafe { (tsp().close)(open.hd) });
        assert_eq!(result, 0, "lineClose");
        assert!(before.elapsed() < Duration::from_secs(2));
        let mut world = world();
        world.lines.get_mut(&open.ht).unwrap().is_open = false;
        for call in world.calls.values_mut().filter(|call| call.ht_line == open.ht) {
            call.is_closed = true;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.shut_down();
        } else if !self.is_down {
            unsafe { (tsp().shutdown)(V3_0, self.provider) };
        }
    }
}

pub fn enumerate(provider: u32, h_provider: usize) -> u32 {
    let (mut lines, mut phones) = (0, 0);
    let result = inside("providerEnumDevices", || unsafe {
        (tsp().enumerate)(provider, &mut lines, &mut phones, h_provider, line_create, 0)
    });
    assert_eq!((result, phones), (0, 0), "providerEnumDevices");
    lines
}

pub fn settle(open: Open, media: u32) {
    let done = inside("lineSetDefaultMediaDetection", || unsafe { (tsp().media_detection)(open.hd, media) });
    assert_eq!(done, 0);
    let done = inside("lineSetStatusMessages", || unsafe { (tsp().status_messages)(open.hd, 0x01FF_FFFF, 0x1FF) });
    assert_eq!(done, 0);
}

pub fn dev_status_flags(open: Open) -> u32 {
    let mut block = Block::new(88);
    assert_eq!(unsafe { (tsp().dev_status)(open.hd, block.pointer()) }, 0);
    block.word(56)
}

pub fn until_in_service(open: Open) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while dev_status_flags(open) & 4 == 0 {
        assert!(Instant::now() < deadline, "line {:#x} comes not into service", open.hd);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Memory as the service gives it: its total size at the head, canaries behind.
pub struct Block {
    bytes: Vec<u8>,
    total: usize,
}

const CANARY: u8 = 0xC5;

impl Block {
    pub fn new(total: usize) -> Self {
        Self::filled(total, 0)
    }

    pub fn filled(total: usize, fill: u8) -> Self {
        let mut bytes = vec![fill; total];
        bytes[0..4].copy_from_slice(&(total as u32).to_le_bytes());
        bytes.extend_from_slice(&[CANARY; 256]);
        Self { bytes, total }
    }

    pub fn pointer(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    pub fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.total]
    }

    /// Size and offset at a place.
    pub fn part(&self, pair: usize) -> Option<&[u8]> {
        let (size, offset) = (self.word(pair) as usize, self.word(pair + 4) as usize);
        (size > 0).then(|| &self.bytes[offset..offset + size])
    }

    pub fn text(&self, pair: usize) -> String {
        let units: Vec<u16> = self
            .part(pair)
            .unwrap_or_default()
            .chunks_exact(2)
            .map(|two| u16::from_le_bytes([two[0], two[1]]))
            .collect();
        linegate_tsp_machine::text::narrow(&units)
    }

    /// Nothing was written behind the end, and the total size is as it was.
    pub fn check(&self) {
        assert!(self.bytes[self.total..].iter().all(|byte| *byte == CANARY), "written beyond the total size");
        assert_eq!(self.word(0) as usize, self.total, "the total size was changed");
    }
}

pub fn address_of(device: u32, address: u32) -> Option<String> {
    let mut block = Block::new(4096);
    let result = unsafe { (tsp().address_caps)(device, address, V3_0, 0, block.pointer()) };
    (result == 0).then(|| block.text(16))
}

/// A request that is accepted; gives what it was completed with.
pub fn finish(what: &str, call: impl FnOnce(u32) -> i32) -> i32 {
    let request =
        begin(what, call).unwrap_or_else(|error| panic!("{what} was refused with {:#x}", error.cast_unsigned()));
    completed(what, request)
}

/// A request that succeeds.
pub fn succeed(what: &str, call: impl FnOnce(u32) -> i32) {
    let result = finish(what, call);
    assert_eq!(result, 0, "{what} was completed with {:#x}", result.cast_unsigned());
}

/// A request that is refused at once: gives the error.
pub fn refused(what: &str, call: impl FnOnce(u32) -> i32) -> i32 {
    match begin(what, call) {
        Ok(request) => panic!("{what} was accepted as {request}"),
        Err(error) => error,
    }
}

/// Begins a request; an error means that it never was one.
pub fn begin(what: &str, call: impl FnOnce(u32) -> i32) -> Result<u32, i32> {
    begin_making(what, None, call)
}

fn begin_making(what: &str, makes: Option<usize>, call: impl FnOnce(u32) -> i32) -> Result<u32, i32> {
    let request = world().request(makes);
    let result = inside("a request", || call(request));
    if result < 0 {
        let mut world = world();
        if world.requests.remove(&request).is_some_and(|known| known.result.is_some()) {
            world.fail(format!("{what} was refused and completed"));
        }
        return Err(result);
    }
    assert_eq!(result, request.cast_signed(), "{what} answers neither an error nor its request");
    Ok(request)
}

pub fn completed(what: &str, request: u32) -> i32 {
    until(&format!("{what} is completed"), |world| world.requests.get(&request).and_then(|known| known.result))
}

/// A call that a request makes.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    pub request: u32,
    pub ht: usize,
    pub hd: usize,
}

/// Begins to make a call.
pub fn make_call(open: Open, destination: Option<&str>, params: Option<&Block>) -> Result<Made, i32> {
    let units = destination.map(wide);
    make_call_units(open, units, params)
}

pub fn make_call_units(open: Open, units: Option<Vec<u16>>, params: Option<&Block>) -> Result<Made, i32> {
    let ht = tentative(open.ht);
    let mut hd = 0_usize;
    let mut units = units;
    let pointer = units.as_ref().map_or(std::ptr::null(), |units| units.as_ptr());
    let params = params.map_or(std::ptr::null(), |block| block.bytes.as_ptr());
    let begun = begin_making("lineMakeCall", Some(ht), |request| unsafe {
        let result = (tsp().make_call)(request, open.hd, ht, &mut hd, pointer, 0, params);
        if result > 0 {
            world().calls.get_mut(&ht).unwrap().handle = hd;
        }
        result
    });
    // What was given may be gone as soon as the function has returned.
    if let Some(units) = &mut units {
        units.fill(0xDEAD);
    }
    made(ht, hd, begun)
}

pub fn setup_transfer(open: Open, original: usize, params: Option<&Block>) -> Result<Made, i32> {
    let ht = tentative(open.ht);
    let mut hd = 0_usize;
    let params = params.map_or(std::ptr::null(), |block| block.bytes.as_ptr());
    let begun = begin_making("lineSetupTransfer", Some(ht), |request| unsafe {
        (tsp().setup_transfer)(request, original, ht, &mut hd, params)
    });
    made(ht, hd, begun)
}

pub fn conference(open: Open, original: usize, consult: usize) -> Result<Made, i32> {
    let ht = tentative(open.ht);
    let mut hd = 0_usize;
    let begun = begin_making("lineCompleteTransfer", Some(ht), |request| unsafe {
        (tsp().complete_transfer)(request, original, consult, ht, &mut hd, 2)
    });
    made(ht, hd, begun)
}

fn tentative(ht_line: usize) -> usize {
    let mut world = world();
    let ht = world.handle();
    world.calls.insert(ht, Call { ht_line, is_tentative: true, ..Call::default() });
    ht
}

fn made(ht: usize, hd: usize, begun: Result<u32, i32>) -> Result<Made, i32> {
    match begun {
        Ok(request) => {
            assert_ne!(hd, 0, "the handle of the call is not written");
            world().calls.get_mut(&ht).unwrap().handle = hd;
            Ok(Made { request, ht, hd })
        }
        Err(error) => {
            let mut world = world();
            world.calls.remove(&ht);
            world.free.push(ht);
            Err(error)
        }
    }
}

/// Makes a call that comes about.
pub fn call(open: Open, destination: &str) -> Made {
    let made = make_call(open, Some(destination), None).expect("lineMakeCall");
    let result = completed("lineMakeCall", made.request);
    assert_eq!(result, 0, "lineMakeCall was completed with {:#x}", result.cast_unsigned());
    made
}

/// Waits for a state of a call.
pub fn until_state(ht: usize, state: u32) -> (u32, usize, usize) {
    until(&format!("call {ht:#x} comes into state {state:#x}"), |world| {
        world.calls.get(&ht)?.states.last().copied().filter(|last| last.0 == state)
    })
}

pub fn has_been(ht: usize, state: u32) -> Option<(u32, usize, usize)> {
    world().calls.get(&ht)?.states.iter().copied().find(|seen| seen.0 == state)
}

/// Waits for a new call on a line.
pub fn until_offered(open: Open, state: u32) -> (usize, usize) {
    until(&format!("a new call on {:#x} in state {state:#x}", open.ht), |world| {
        let found = world
            .calls
            .iter()
            .find(|(_, call)| call.is_new && call.ht_line == open.ht && !call.is_closed && call.state() == state);
        found.map(|(ht, call)| (*ht, call.handle))
    })
}

/// Gives a call back.
pub fn close_call(ht: usize) {
    let handle = {
        let world = world();
        world.calls.get(&ht).expect("a call").handle
    };
    let result = inside("lineCloseCall", || unsafe { (tsp().close_call)(handle) });
    assert_eq!(result, 0, "lineCloseCall");
    let mut world = world();
    let makes_it: Vec<u32> = world
        .requests
        .iter()
        .filter(|(_, request)| request.makes == Some(ht) && request.result.is_none())
        .map(|(id, _)| *id)
        .collect();
    for id in makes_it {
        world.fail(format!("request {id} was not completed before lineCloseCall returned"));
    }
    if let Some(call) = world.calls.get_mut(&ht) {
        call.is_closed = true;
    }
}

/// State, mode, features, second features.
pub fn call_status(hd: usize) -> (u32, u32, u32, u32) {
    let mut block = Block::new(56);
    let result = unsafe { (tsp().call_status)(hd, block.pointer()) };
    assert_eq!(result, 0, "lineGetCallStatus");
    block.check();
    (block.word(12), block.word(16), block.word(24), block.word(36))
}

pub fn call_info(hd: usize) -> Block {
    let mut block = Block::new(8192);
    let result = unsafe { (tsp().call_info)(hd, block.pointer()) };
    assert_eq!(result, 0, "lineGetCallInfo");
    block.check();
    block
}

/// 201 and the other talk; gives the call of the line.
pub fn talk(open: Open, number: &str) -> Made {
    let made = call(open, number);
    until_state(made.ht, call_state::RINGBACK);
    control::phone(number, "answer", serde_json::json!({}));
    until_state(made.ht, call_state::CONNECTED);
    made
}

/// Both channels of 208 are in use.
pub fn occupy_208() {
    control::phone("208", "dial", serde_json::json!({"to": "0307777"}));
    control::twin("POST", "/trunk/calls", serde_json::json!({"from": "0308888", "to": "208"}));
}

pub fn drop_call(hd: usize) {
    succeed("lineDrop", |request| unsafe { (tsp().drop_call)(request, hd, std::ptr::null(), 0) });
}

/// A condition that nobody tells of.
pub fn eventually(what: &str, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !look() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
