//! What the telephony service knows: handles it gave, requests under way, what it was told. Every callback is checked
//! against it; a rule that was broken is kept as a failure of the running test.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use linegate_tsp_core::tapi::{call_state, msg};

thread_local! {
    /// The export that this thread is inside of.
    static INSIDE: Cell<&'static str> = const { Cell::new("") };
}

/// Nothing that is waited for takes longer.
pub const PATIENCE: Duration = Duration::from_secs(40);

#[derive(Debug, Clone)]
pub struct Line {
    pub handle: usize,
    pub device: u32,
    pub is_open: bool,
    pub wants_close: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Call {
    pub handle: usize,
    pub ht_line: usize,
    /// A request that is not completed makes it.
    pub is_tentative: bool,
    pub is_closed: bool,
    pub is_new: bool,
    /// State, mode or parent, media.
    pub states: Vec<(u32, usize, usize)>,
    pub infos: u32,
    pub generated: Vec<(usize, usize)>,
}

impl Call {
    pub fn state(&self) -> u32 {
        self.states.last().map_or(0, |state| state.0)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Request {
    pub makes: Option<usize>,
    pub result: Option<i32>,
}

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Told {
    pub ht_line: usize,
    pub message: u32,
    pub params: [usize; 3],
}

#[derive(Debug, Default)]
pub struct World {
    pub lines: HashMap<usize, Line>,
    pub calls: HashMap<usize, Call>,
    pub requests: HashMap<u32, Request>,
    pub told: Vec<Told>,
    pub failures: Vec<String>,
    /// Call, state and moment of every LINE_CALLSTATE, while it is measured.
    pub measured: Option<Vec<(usize, u32, i64)>>,
    /// So many offers are refused.
    pub refuse: u32,
    /// How many offers there were.
    pub offers: u32,
    /// The next offer is closed on another thread while it is being made.
    pub close_while_offered: bool,
    /// LINE_CREATE is answered with this device id; `None` refuses.
    pub next_device: Option<u32>,
    pub created: Vec<(usize, u32)>,
    pub removed: Vec<u32>,
    /// Handles beyond 32 bits.
    pub wide_handles: bool,
    pub free: Vec<usize>,
    pub last: usize,
    pub last_request: u32,
    /// Keep no messages: for the hammer.
    pub is_short: bool,
}

static WORLD: Mutex<Option<World>> = Mutex::new(None);
static NEWS: Condvar = Condvar::new();

pub struct Guard(MutexGuard<'static, Option<World>>);

impl std::ops::Deref for Guard {
    type Target = World;
    fn deref(&self) -> &World {
        self.0.as_ref().expect("a world")
    }
}

impl std::ops::DerefMut for Guard {
    fn deref_mut(&mut self) -> &mut World {
        self.0.as_mut().expect("a world")
    }
}

pub fn world() -> Guard {
    let mut guard = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    guard.get_or_insert_with(World::default);
    Guard(guard)
}

pub fn renew() -> Vec<String> {
    let mut guard = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    guard.replace(World::default()).map(|old| old.failures).unwrap_or_default()
}

/// Waits until something is so.
pub fn until<T>(what: &str, look: impl FnMut(&mut World) -> Option<T>) -> T {
    until_within(what, PATIENCE, look)
}

pub fn until_within<T>(what: &str, patience: Duration, mut look: impl FnMut(&mut World) -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    let mut guard = world();
    loop {
        if let Some(found) = look(&mut guard) {
            return found;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let calls: Vec<String> = guard
                .calls
                .iter()
                .map(|(ht, call)| {
                    format!("{ht:#x} {:x?} tentative={} closed={}", call.states, call.is_tentative, call.is_closed)
                })
                .collect();
            let tail: Vec<&Told> = guard.told.iter().rev().take(12).collect();
            let text = format!(
                "in vain: {what}\n  calls: {calls:#?}\n  last messages: {tail:x?}\n  requests: {:?}",
                guard.requests
            );
            drop(guard);
            panic!("{text}");
        }
        guard = Guard(NEWS.wait_timeout(guard.0, left).unwrap_or_else(PoisonError::into_inner).0);
    }
}

/// The clock that the gateway sees, too.
pub fn wall_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Nothing happens for a while.
pub fn quiet(duration: Duration) {
    std::thread::sleep(duration);
}

impl World {
    /// A handle as the real service has them: small, and given again after a close.
    pub fn handle(&mut self) -> usize {
        if let Some(free) = self.free.pop() {
            return free;
        }
        self.last += 1;
        let small = 0x10000 + self.last * 0x101;
        if self.wide_handles && cfg!(target_pointer_width = "64") {
            small | (0x7_0000_0000_u64 as usize)
        } else {
            small
        }
    }

    pub fn request(&mut self, makes: Option<usize>) -> u32 {
        self.last_request += 1;
        self.requests.insert(self.last_request, Request { makes, result: None });
        self.last_request
    }

    pub fn fail(&mut self, text: String) {
        if self.failures.len() < 50 {
            self.failures.push(text);
        }
    }
}

/// Marks this thread as inside of an export.
pub fn inside<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    let before = INSIDE.with(|cell| cell.replace(name));
    let out = work();
    INSIDE.with(|cell| cell.set(before));
    out
}

/// `ASYNC_COMPLETION`.
pub unsafe extern "system" fn completion(request: u32, result: i32) {
    let mut world = world();
    let Some(known) = world.requests.get_mut(&request) else {
        world.fail(format!("a completion for request {request}, which does not exist"));
        return;
    };
    if known.result.is_some() {
        world.fail(format!("request {request} was completed twice"));
        return;
    }
    known.result = Some(result);
    let makes = known.makes;
    if result > 0 {
        world.fail(format!("request {request} was completed with {result}"));
    }
    if let Some(call) = makes.filter(|_| result == 0).and_then(|ht| world.calls.get_mut(&ht)) {
        call.is_tentative = false;
    }
    drop(world);
    NEWS.notify_all();
}

/// `LINEEVENT` of lines.
pub unsafe extern "system" fn line_event(
    ht_line: usize,
    ht_call: usize,
    message: u32,
    first: usize,
    second: usize,
    third: usize,
) {
    let name = INSIDE.with(Cell::get);
    let now = wall_us();
    let mut world = world();
    if let Some(measured) = world.measured.as_mut().filter(|_| message == msg::CALLSTATE) {
        measured.push((ht_call, first as u32, now));
    }
    if !name.is_empty() {
        world.fail(format!("message {message} came from inside {name}"));
    }
    if !world.is_short {
        let told = Told { ht_line, message, params: [first, second, third] };
        world.told.push(told);
    }
    if !world.lines.get(&ht_line).is_some_and(|line| line.is_open) {
        world.fail(format!("message {message} for line {ht_line:#x}, which is not open"));
    }
    match message {
        msg::NEWCALL => {
            world.offers += 1;
            if ht_call != 0 || second == 0 {
                world.fail("LINE_NEWCALL has wrong parameters".to_owned());
                return;
            }
            let out = second as *mut usize;
            // SAFETY: the provider's own variable.
            if unsafe { out.read_unaligned() } != 0 {
                world.fail("LINE_NEWCALL is not preset to 0".to_owned());
            }
            if world.refuse > 0 {
                world.refuse -= 1;
                drop(world);
                NEWS.notify_all();
                return;
            }
            let is_double = world.calls.values().any(|call| call.handle == first && !call.is_closed);
            if is_double {
                world.fail(format!("call {first:#x} was offered twice"));
            }
            let ht = world.handle();
            let closes = std::mem::take(&mut world.close_while_offered);
            world.calls.insert(ht, Call { handle: first, ht_line, is_new: true, is_closed: closes, ..Call::default() });
            // SAFETY: the provider's own variable.
            unsafe { out.write_unaligned(ht) };
            drop(world);
            if closes {
                let closer = std::thread::spawn(move || unsafe { (crate::api::tsp().close_call)(first) });
                assert_eq!(closer.join().unwrap(), 0, "closing while it is offered");
            }
        }
        msg::CALLSTATE | msg::CALLINFO | msg::GENERATE => {
            let Some(call) = world.calls.get(&ht_call).cloned() else {
                world.fail(format!("message {message} for call {ht_call:#x}, which does not exist"));
                return;
            };
            if call.ht_line != ht_line {
                world.fail(format!("call {ht_call:#x} is not of line {ht_line:#x}"));
            }
            if call.is_closed {
                world.fail(format!("message {message} for call {ht_call:#x}, which is closed"));
            }
            if call.is_tentative {
                world.fail(format!(
                    "message {message} {first:#x} for call {ht_call:#x} before its request was completed"
                ));
            }
            if call.state() == call_state::IDLE {
                world.fail(format!("message {message} {first:#x} for call {ht_call:#x} after IDLE"));
            }
            if message != msg::CALLSTATE && call.states.is_empty() {
                world.fail(format!("message {message} is the first of call {ht_call:#x}"));
            }
            if message == msg::CALLSTATE {
                let state = first as u32;
                if third != 4 {
                    world.fail(format!("the media of a LINE_CALLSTATE is {third}"));
                }
                if !state.is_power_of_two() {
                    world.fail(format!("the state {state:#x} is not one bit"));
                }
                if call.states.last().is_some_and(|last| (last.0, last.1) == (state, second)) {
                    world.fail(format!("the state {state:#x} of call {ht_call:#x} was told twice"));
                }
                if state == call_state::CONFERENCED {
                    let is_parent = world.calls.get(&second).is_some_and(|parent| !parent.states.is_empty());
                    if !is_parent {
                        world.fail(format!("the parent {second:#x} of call {ht_call:#x} is not known"));
                    }
                }
            }
            let call = world.calls.get_mut(&ht_call).expect("just seen");
            match message {
                msg::CALLSTATE => call.states.push((first as u32, second, third)),
                msg::CALLINFO => call.infos |= first as u32,
                _ => call.generated.push((first, second)),
            }
        }
        msg::CLOSE => {
            if let Some(line) = world.lines.get_mut(&ht_line) {
                line.wants_close = true;
            }
        }
        msg::LINEDEVSTATE | msg::ADDRESSSTATE => {}
        other => world.fail(format!("message {other} is not known")),
    }
    NEWS.notify_all();
}

/// `LINEEVENT` of the provider: LINE_CREATE and LINE_REMOVE.
pub unsafe extern "system" fn line_create(
    ht_line: usize,
    ht_call: usize,
    message: u32,
    first: usize,
    second: usize,
    third: usize,
) {
    let mut world = world();
    if ht_line != 0 || ht_call != 0 || third != 0 {
        world.fail(format!("message {message} of the provider has wrong parameters"));
    }
    match message {
        msg::CREATE => {
            if first != crate::service::H_PROVIDER && first != crate::service::H_PROVIDER + 1 {
                world.fail(format!("LINE_CREATE names provider {first:#x}"));
            }
            if let Some(device) = world.next_device {
                // Not the next one: the ids of later lines need not follow on.
                world.next_device = Some(device + 1);
                drop(world);
                std::thread::spawn(move || {
                    let result = unsafe { (crate::api::tsp().create_line)(second, device) };
                    let mut world = crate::world::world();
                    if result != 0 {
                        world.fail(format!("CreateLineDevice answers {result:#x}"));
                    }
                    world.created.push((second, device));
                    drop(world);
                    NEWS.notify_all();
                });
            } else {
                world.created.push((second, u32::MAX));
            }
        }
        msg::REMOVE => world.removed.push(first as u32),
        other => world.fail(format!("message {other} of the provider is not known")),
    }
    NEWS.notify_all();
}
