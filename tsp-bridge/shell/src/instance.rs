//! A provider instance: the core behind a lock, the thread that calls TAPI, and the link.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{Builder, JoinHandle, ThreadId};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use linegate_tsp_core::bridge::{Bridge, Now, Output, Settings};
use linegate_tsp_core::model::Frame;
use linegate_tsp_core::store::Store;
use linegate_tsp_core::tapi::msg;
use linegate_tsp_core::trace::{Message, Outcome};
use linegate_tsp_link::{Handler, Link};
use linegate_tsp_machine::config::Config;
use linegate_tsp_machine::{files, log, log as logging, running};

/// `LINEEVENT`.
pub(crate) type LineEvent = unsafe extern "system" fn(usize, usize, u32, usize, usize, usize);
/// `ASYNC_COMPLETION`.
pub(crate) type Completion = unsafe extern "system" fn(u32, i32);

/// How long a closing function waits for a callback that is under way.
const CALLBACK_PATIENCE: Duration = Duration::from_millis(500);
/// How long a shutdown waits for its threads.
const THREAD_PATIENCE: Duration = Duration::from_millis(1_500);
/// The dispatcher is not started again after so many panics in a minute.
const MOST_PANICS: usize = 3;
const STACK: usize = 512 * 1024;

/// A callback that is under way.
#[derive(Debug, Clone, Copy, Default)]
struct Flight {
    thread: Option<ThreadId>,
    line: u32,
    call: u32,
    is_completion: bool,
}

/// A provider instance.
pub(crate) struct Instance {
    provider: u32,
    started: Instant,
    lines_file: Mutex<PathBuf>,
    saving: Mutex<()>,
    config: Mutex<Config>,
    bridge: Mutex<Bridge>,
    /// Something happened that the dispatcher wants to see.
    news: Condvar,
    flight: Mutex<Flight>,
    /// What the dispatcher is about to tell TAPI: after a panic of our own it is told all the same.
    in_hand: Mutex<Option<Output>>,
    landed: Condvar,
    h_provider: usize,
    line_create: LineEvent,
    completion: Mutex<Option<Completion>>,
    events: Mutex<HashMap<u32, LineEvent>>,
    link: Mutex<Option<Link>>,
    dispatcher: Mutex<Option<JoinHandle<()>>>,
    is_stopping: AtomicBool,
    myself: Weak<Instance>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic behind a lock is answered by asking the gateway for everything again (see `recover`).
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Instance {
    /// An instance that knows its lines from the disk; nothing runs yet.
    pub(crate) fn new(provider: u32, slot: u32, h_provider: usize, line_create: LineEvent) -> Arc<Self> {
        let config = Config::read(provider).unwrap_or_else(|error| {
            log!(Error, "provider {provider}: {error}");
            Config::default()
        });
        logging::set_folder(config.log_dir.as_deref());
        logging::set_level(logging::Level::parse(&config.log_level));
        let lines_file = config.lines_path();
        let mut store = if config.gateway.is_empty() { Store::default() } else { files::read_lines(&lines_file) };
        store.taken = files::permanent_ids_besides(&lines_file);
        let nonce = format!("tapi-{provider:x}-{:x}-{:x}", std::process::id(), wall_ms());
        let settings = Settings {
            provider,
            slot,
            nonce,
            gateway: config.gateway.clone(),
            line_filter: config.lines.clone(),
            command_timeout_ms: config.command_timeout_ms,
            link_wait_ms: config.link_wait_ms,
            grace_ms: config.grace_ms,
            drop_guard_ms: config.drop_guard_ms,
        };
        Arc::new_cyclic(|myself| Self {
            provider,
            started: Instant::now(),
            lines_file: Mutex::new(lines_file),
            saving: Mutex::new(()),
            config: Mutex::new(config),
            bridge: Mutex::new(Bridge::new(settings, store)),
            news: Condvar::new(),
            flight: Mutex::new(Flight::default()),
            in_hand: Mutex::new(None),
            landed: Condvar::new(),
            h_provider,
            line_create,
            completion: Mutex::new(None),
            events: Mutex::new(HashMap::new()),
            link: Mutex::new(None),
            dispatcher: Mutex::new(None),
            is_stopping: AtomicBool::new(false),
            myself: Weak::clone(myself),
        })
    }

    pub(crate) fn provider(&self) -> u32 {
        self.provider
    }

    pub(crate) fn now(&self) -> Now {
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { ms, wall_ms: wall_ms() }
    }

    /// The core, to ask it something.
    pub(crate) fn bridge(&self) -> MutexGuard<'_, Bridge> {
        lock(&self.bridge)
    }

    /// Does something with the core that TAPI or the gateway may have to hear of.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Bridge, Now) -> T) -> T {
        let now = self.now();
        let outcome = work(&mut lock(&self.bridge), now);
        self.changed();
        outcome
    }

    fn changed(&self) {
        self.news.notify_all();
        if let Some(link) = lock(&self.link).as_ref() {
            link.wake();
        }
    }

    /// `TSPI_providerInit`: the threads start.
    pub(crate) fn start(&self, completion: Completion, line_base: u32, lines: u32) -> Result<(), std::io::Error> {
        *lock(&self.completion) = Some(completion);
        self.with(|bridge, now| bridge.init(line_base, lines, now));
        let Some(me) = self.myself.upgrade() else { return Ok(()) };
        let thread = Builder::new()
            .name("linegate-dispatcher".to_owned())
            .stack_size(STACK)
            .spawn(move || me.dispatch_guarded());
        *lock(&self.dispatcher) = Some(thread?);
        running::begin(self.provider);
        self.start_link();
        Ok(())
    }

    fn start_link(&self) {
        let settings = lock(&self.config).link_settings();
        let Some(me) = self.myself.upgrade() else { return };
        match settings {
            Ok(settings) => match Link::start(settings, me) {
                Ok(link) => *lock(&self.link) = Some(link),
                Err(error) => log!(Error, "provider {}: no thread for the link: {error}", self.provider),
            },
            Err(error) => {
                log!(Error, "provider {}: {error}", self.provider);
                self.closed(&error.to_string());
            }
        }
    }

    /// The settings have changed: the link is made anew. A changed filter counts from the next start. Under another address
    /// there may be another gateway: its lines come, and those of the first one go.
    pub(crate) fn reload(&self) {
        let Ok(config) = Config::read(self.provider) else { return };
        logging::set_folder(config.log_dir.as_deref());
        logging::set_level(logging::Level::parse(&config.log_level));
        let path = config.lines_path();
        let gateway = config.gateway.clone();
        let has_moved = std::mem::replace(&mut *lock(&self.config), config).gateway != gateway;
        let old = lock(&self.link).take();
        if let Some(mut link) = old {
            link.stop(THREAD_PATIENCE);
        }
        self.closed("the settings have changed");
        if has_moved {
            let mut store = files::read_lines(&path);
            store.taken = files::permanent_ids_besides(&path);
            *lock(&self.lines_file) = path;
            self.with(|bridge, now| bridge.move_to(&gateway, store, now));
        }
        self.start_link();
    }

    pub(crate) fn remember(&self, line: u32, event: LineEvent) {
        lock(&self.events).insert(line, event);
    }

    pub(crate) fn forget(&self, line: u32) {
        lock(&self.events).remove(&line);
    }

    /// Completes requests on this thread: a closing function must not return before.
    pub(crate) fn complete_now(&self, ended: &[(u32, i32)]) {
        let Some(completion) = *lock(&self.completion) else { return };
        for (request, result) in ended {
            log!(Trace, "ASYNC_COMPLETION({request}, {}) while closing", Outcome(*result));
            // SAFETY: TAPI gave the function for as long as the provider is initialised; no lock is held.
            unsafe { completion(*request, *result) };
        }
    }

    /// Waits until no callback about a line or call is under way. A callback that waits for us does so in vain for a
    /// moment only.
    pub(crate) fn await_landing(&self, line: u32, call: u32) {
        let deadline = Instant::now() + CALLBACK_PATIENCE;
        let me = std::thread::current().id();
        let mut flight = lock(&self.flight);
        while flight.thread.is_some_and(|thread| thread != me)
            && (flight.is_completion || (line != 0 && flight.line == line) || (call != 0 && flight.call == call))
        {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            flight = self.landed.wait_timeout(flight, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// `TSPI_providerShutdown`. It ends in time even when a thread is late: the module stays, and the thread ends when
    /// it looks up.
    pub(crate) fn shut_down(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        let ended = lock(&self.bridge).shut_down();
        self.complete_now(&ended);
        self.news.notify_all();
        self.await_landing(0, 0);
        let link = lock(&self.link).take();
        if let Some(mut link) = link
            && !link.stop(THREAD_PATIENCE)
        {
            log!(Warn, "provider {}: a thread of the link is late", self.provider);
        }
        let dispatcher = lock(&self.dispatcher).take();
        if let Some(thread) = dispatcher {
            let deadline = Instant::now() + CALLBACK_PATIENCE;
            while !thread.is_finished() && Instant::now() < deadline {
                self.news.notify_all();
                std::thread::sleep(Duration::from_millis(2));
            }
            if thread.is_finished() {
                let _ = thread.join();
            } else {
                log!(Warn, "provider {}: the dispatcher is late", self.provider);
            }
        }
        *lock(&self.completion) = None;
        lock(&self.events).clear();
        self.save();
        running::end(self.provider);
    }

    /// Stores the lines when they have changed. Who comes second waits for the first: a shutdown must not end before a
    /// write that the dispatcher began.
    fn save(&self) {
        let _one_at_a_time = lock(&self.saving);
        let store = lock(&self.bridge).take_store();
        if let Some(store) = store
            && !store.gateway.is_empty()
            && let Err(error) = files::write_lines(&lock(&self.lines_file), &store)
        {
            log!(Error, "provider {}: the lines cannot be stored: {error}", self.provider);
        }
    }

    fn dispatch_guarded(&self) {
        let mut panics: Vec<Instant> = Vec::new();
        while catch_unwind(AssertUnwindSafe(|| self.dispatch())).is_err() {
            *lock(&self.flight) = Flight::default();
            self.landed.notify_all();
            panics.retain(|at| at.elapsed() < Duration::from_secs(60));
            panics.push(Instant::now());
            if let Some(output) = lock(&self.in_hand).take() {
                lock(&self.bridge).put_back(output);
            }
            let has_recovered = catch_unwind(AssertUnwindSafe(|| self.recover("the dispatcher"))).is_ok();
            if !has_recovered || panics.len() >= MOST_PANICS {
                self.fail_for_good("the dispatcher");
                self.tell_the_rest();
                return;
            }
        }
    }

    /// After a panic nothing that was computed is trusted: open requests fail, and the state comes anew from the gateway.
    fn recover(&self, who: &str) {
        log!(Error, "provider {}: {who} failed; the state is fetched again", self.provider);
        self.with(|bridge, now| bridge.recover(now));
        if let Some(link) = lock(&self.link).as_ref() {
            link.cut();
        }
    }

    /// After too many panics programs are told that nothing works any more, which is better than requests that never
    /// end. It stays so until the telephony service starts the provider anew.
    fn fail_for_good(&self, who: &str) {
        log!(
            Error,
            "provider {}: {who} failed too often; its lines are out of service until the telephony service is restarted",
            self.provider
        );
        if catch_unwind(AssertUnwindSafe(|| self.with(|bridge, now| bridge.fail_for_good(now)))).is_err() {
            log!(Error, "provider {}: not everything could be ended", self.provider);
        }
        // Not waited for: this may be one of its threads.
        if let Some(link) = lock(&self.link).as_ref() {
            link.give_up();
        }
    }

    /// Tells TAPI what is left, with as little around it as can be. What fails takes nothing else along.
    fn tell_the_rest(&self) {
        while !self.is_stopping.load(Ordering::SeqCst) {
            let next = catch_unwind(AssertUnwindSafe(|| {
                let mut bridge = lock(&self.bridge);
                let output = bridge.poll()?;
                *lock(&self.flight) = self.flight_of(&output);
                Some(output)
            }));
            match next {
                Ok(None) => return,
                Ok(Some(output)) => {
                    if catch_unwind(AssertUnwindSafe(|| self.deliver(&output))).is_err() {
                        log!(Error, "provider {}: TAPI could not be told: {output:?}", self.provider);
                    }
                }
                // What could not be looked at is taken out of the queue all the same.
                Err(_) => {}
            }
            *lock(&self.flight) = Flight::default();
            self.landed.notify_all();
        }
    }

    fn dispatch(&self) {
        loop {
            let mut bridge = lock(&self.bridge);
            if self.is_stopping.load(Ordering::SeqCst) {
                return;
            }
            bridge.tick(self.now());
            while let Some(note) = bridge.poll_note() {
                log!(Debug, "provider {}: {note}", self.provider);
            }
            let Some(output) = bridge.poll() else {
                let pause = bridge.deadline().map(|at| Duration::from_millis(at.saturating_sub(self.now().ms).max(1)));
                if self.is_stopping.load(Ordering::SeqCst) {
                    return;
                }
                let has_frames = bridge.has_frames();
                if bridge.has_new_lines() {
                    drop(bridge);
                    self.save();
                    continue;
                }
                if has_frames {
                    drop(bridge);
                    if let Some(link) = lock(&self.link).as_ref() {
                        link.wake();
                    }
                    bridge = lock(&self.bridge);
                    if bridge.has_outputs() {
                        continue;
                    }
                }
                let pause = pause.unwrap_or(Duration::from_secs(60));
                drop(self.news.wait_timeout(bridge, pause).unwrap_or_else(PoisonError::into_inner));
                continue;
            };
            // Set while the core is still locked: who closes a line sees either the output or its flight.
            *lock(&self.flight) = self.flight_of(&output);
            drop(bridge);
            *lock(&self.in_hand) = Some(output.clone());
            crate::fault::here(crate::fault::Place::Dispatcher);
            *lock(&self.in_hand) = None;
            self.deliver(&output);
            *lock(&self.flight) = Flight::default();
            self.landed.notify_all();
        }
    }

    fn flight_of(&self, output: &Output) -> Flight {
        let (line, call, is_completion) = match output {
            Output::Complete { .. } => (0, 0, true),
            Output::Event { line, call, .. } => (*line, *call, false),
            // TAPI may close the call while it is being offered; that one does not wait.
            Output::NewCall { line, .. } => (*line, 0, false),
            Output::Create { .. } | Output::Remove { .. } => (0, 0, false),
        };
        Flight { thread: Some(std::thread::current().id()), line, call, is_completion }
    }

    /// Calls TAPI. No lock is held here: TAPI may come back on another thread at once.
    fn deliver(&self, output: &Output) {
        match *output {
            Output::Complete { request, result, .. } => {
                let Some(completion) = *lock(&self.completion) else { return };
                log!(Trace, "ASYNC_COMPLETION({request}, {})", Outcome(result));
                // SAFETY: TAPI gave the function for as long as the provider is initialised.
                unsafe { completion(request, result) };
            }
            Output::Event { line, ht_line, ht_call, message, params, .. } => {
                let Some(event) = lock(&self.events).get(&line).copied() else { return };
                log!(Trace, "LINEEVENT(line {ht_line:#X}, call {ht_call:#X}, {})", Message { message, params });
                let [first, second, third] = params;
                // SAFETY: TAPI gave the function with lineOpen, for as long as the line is open.
                unsafe { event(ht_line, ht_call, message, first, second, third) };
            }
            Output::NewCall { line, call, ht_line } => {
                let Some(event) = lock(&self.events).get(&line).copied() else { return };
                let mut ht_call = 0_usize;
                // SAFETY: as above; TAPI writes a handle of the size of a pointer to where the second parameter points.
                unsafe { event(ht_line, 0, msg::NEWCALL, call as usize, (&raw mut ht_call) as usize, 0) };
                log!(Trace, "LINEEVENT(line {ht_line:#X}, LINE_NEWCALL of our call {call:#X}) = call {ht_call:#X}");
                self.with(|bridge, now| bridge.new_call_answer(call, ht_call, now));
            }
            Output::Create { temporary } => {
                log!(Trace, "LINEEVENT(LINE_CREATE, {temporary:#X})");
                // SAFETY: TAPI gave the function with EnumDevices, for as long as the provider is initialised.
                unsafe { (self.line_create)(0, 0, msg::CREATE, self.h_provider, temporary as usize, 0) };
            }
            Output::Remove { device } => {
                log!(Trace, "LINEEVENT(LINE_REMOVE, device {device})");
                // SAFETY: as for LINE_CREATE.
                unsafe { (self.line_create)(0, 0, msg::REMOVE, device as usize, 0, 0) };
            }
        }
    }
}

impl Handler for Instance {
    fn opened(&self) -> String {
        let mut bridge = lock(&self.bridge);
        bridge.link_opened();
        bridge.subscribe_frame()
    }

    fn frame(&self, frame: Frame) {
        crate::fault::here(crate::fault::Place::Reader);
        self.with(|bridge, now| bridge.frame(frame, now));
    }

    fn closed(&self, reason: &str) {
        self.with(|bridge, now| bridge.link_closed(reason, now));
    }

    fn next_frame(&self) -> Option<String> {
        crate::fault::here(crate::fault::Place::Writer);
        lock(&self.bridge).poll_frame()
    }

    fn enrolled(&self, token: &str) {
        // What a person may have changed since the start stays.
        let stored = Config::read(self.provider).and_then(|mut config| {
            config.set_token(token)?;
            config.write(self.provider)?;
            Ok(config)
        });
        match stored {
            Ok(config) => *lock(&self.config) = config,
            // It works until the service ends; the code does not give it a second time.
            Err(error) => log!(Error, "provider {}: its new token cannot be stored: {error}", self.provider),
        }
    }

    fn note(&self, text: &str) {
        log!(Info, "provider {}: {text}", self.provider);
    }

    fn given_up(&self) {
        self.fail_for_good("a thread of the link");
    }
}

fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
