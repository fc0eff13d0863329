//! One provider instance: its lines, calls and requests.
//!
//! Exports of the shell call in and get their answer at once; what TAPI has to be told later waits in order as
//! [`Output`]s. The shell's dispatcher fetches them one by one with [`Bridge::poll`] and never holds the lock while it
//! calls TAPI, so everything here may change between two of them: an output is checked again when it is fetched.

mod answers;
mod call;
mod calls;
mod conference;
mod ending;
mod failure;
mod frames;
mod lines;
mod provider;
mod query;
mod requests;
mod requests_line;
mod requests_transfer;
mod status;
#[cfg(test)]
mod tests;
mod timers;

use std::collections::{BTreeSet, HashMap, VecDeque};

pub use call::Party;
pub use query::{DeviceText, negotiate};
pub use requests::MAX_CALL_DATA;

use crate::model::GatewayCall;
use crate::store::Store;
use call::{Call, Phase};
use lines::Line;
use timers::Timer;

/// A moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a clock that never goes back.
    pub ms: u64,
    /// Milliseconds since 1970, UTC.
    pub wall_ms: u64,
}

/// What an instance is told once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `dwPermanentProviderID`.
    pub provider: u32,
    /// Which of the instances of this process: 0 to 14. It is part of every handle, so that none looks like a handle of
    /// TAPI.
    pub slot: u32,
    /// Makes references of calls unique over machines and starts.
    pub nonce: String,
    /// Address of the gateway, for the store.
    pub gateway: String,
    /// Only these numbers; empty means all. A trailing `*` stands for any digits.
    pub line_filter: Vec<String>,
    /// How long an answer of the gateway is waited for.
    pub command_timeout_ms: u64,
    /// How long a first call waits for the link.
    pub link_wait_ms: u64,
    /// How long calls outlive the link.
    pub grace_ms: u64,
    /// A drop so soon after a new call that nobody owns is TAPI's own; 0 switches that off.
    pub drop_guard_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: 0,
            slot: 0,
            nonce: String::new(),
            gateway: String::new(),
            line_filter: Vec::new(),
            command_timeout_ms: 8_000,
            link_wait_ms: 5_000,
            grace_ms: 20_000,
            drop_guard_ms: 500,
        }
    }
}

/// What TAPI is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `ASYNC_COMPLETION`.
    Complete {
        /// `dwRequestID`.
        request: u32,
        /// 0 or a LINEERR.
        result: i32,
        /// Our handle of the line that it is about. When that is closed, the caller completes it before it returns.
        line: u32,
        /// Our handles of the calls that it is about, likewise.
        calls: Vec<u32>,
    },
    /// `LINEEVENT` of a line.
    Event {
        /// Our handle of the line.
        line: u32,
        /// Our handle of the call, 0 for none.
        call: u32,
        /// TAPI's handle of the line.
        ht_line: usize,
        /// TAPI's handle of the call, 0 for none.
        ht_call: usize,
        /// The message.
        message: u32,
        /// Parameters.
        params: [usize; 3],
    },
    /// `LINE_NEWCALL`: TAPI writes its handle, which goes to [`Bridge::new_call_answer`].
    NewCall {
        /// Our handle of the line.
        line: u32,
        /// Our handle of the call.
        call: u32,
        /// TAPI's handle of the line.
        ht_line: usize,
    },
    /// `LINE_CREATE`.
    Create {
        /// The number that comes back with `TSPI_providerCreateLineDevice`.
        temporary: u32,
    },
    /// `LINE_REMOVE`.
    Remove {
        /// `dwDeviceID`.
        device: u32,
    },
}

/// Where the link to the gateway is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It has never been there since the start, and the first calls may wait for it.
    Starting,
    /// Up, and the state is known.
    Up,
    /// Gone.
    Down,
}

/// What runs while the gateway has not answered.
#[derive(Debug, Clone)]
struct Command {
    request: Option<u32>,
    act: Act,
    frame: String,
    line: usize,
    /// The call that it is about.
    call: u32,
    /// It went out on the present socket.
    is_sent: bool,
}

/// What a command is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    /// The call exists once the gateway says so.
    MakeCall { call: u32 },
    /// A consultation: the second call exists once the gateway says so.
    Consult { original: u32, consult: u32 },
    /// A conference: its handle exists once the gateway says so.
    Conference { parent: u32 },
    /// An action that changes calls.
    Plain,
    /// An action after which its calls are over.
    Ending(Goal),
    /// Digits into a dial tone.
    Dial,
    /// Joins a conference.
    Join,
    /// Tones; TAPI is told when they were sent.
    Digits { call: u32, end_to_end: u32 },
    /// Forwarding of an address.
    Forwarding { line: usize, address: u32 },
    /// Do not disturb of the phone.
    DoNotDisturb { line: usize },
    /// Data of the call.
    Data,
}

/// What an action is to do with the calls that it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// They are over, however that came.
    Gone,
    /// Others have them.
    Passed,
}

/// A request of TAPI that is not finished.
#[derive(Debug, Clone)]
struct Request {
    /// Commands without an answer.
    left: u32,
    /// The first refusal.
    result: i32,
    line: u32,
    /// Calls that it is about: when one is closed, it ends.
    calls: Vec<u32>,
}

/// One provider instance.
pub struct Bridge {
    settings: Settings,
    store: Store,
    store_changed: bool,
    lines: Vec<Line>,
    calls: HashMap<u32, Call>,
    /// The gateway's calls, whether TAPI knows them or not.
    known: HashMap<String, Known>,
    requests: HashMap<u32, Request>,
    commands: HashMap<u64, Command>,
    /// Commands in the order in which they were given.
    command_order: VecDeque<u64>,
    link: LinkState,
    /// What the settings dialog shows about the link.
    link_reason: String,
    position: Option<(String, u64)>,
    outputs: VecDeque<Output>,
    frames: VecDeque<String>,
    notes: VecDeque<String>,
    timers: BTreeSet<(u64, Timer)>,
    call_ids: HashMap<String, u32>,
    /// Calls that ended lately: an answer that still names one does not bring it back.
    ended: VecDeque<String>,
    last_handle: u32,
    last_command: u64,
    last_reference: u64,
    last_temporary: u32,
    is_initialized: bool,
    /// It failed too often and does nothing any more.
    has_failed: bool,
}

/// A call of the gateway.
#[derive(Debug, Clone)]
struct Known {
    call: GatewayCall,
    /// TAPI gave its handle back: it is not offered again while the line stays open.
    is_dismissed: bool,
}

/// How many ended calls are remembered.
const ENDED_KEPT: usize = 512;
/// How many numbers of conversations are remembered before the finished ones are forgotten.
const CALL_IDS_KEPT: usize = 4096;
const SLOT_SHIFT: u32 = 27;
const CALL_BIT: u32 = 1 << 26;
const COUNTER: u32 = CALL_BIT - 1;

/// Which instance a handle belongs to.
pub fn slot_of(handle: usize) -> Option<u32> {
    let handle = u32::try_from(handle).ok().filter(|handle| *handle <= 0x7FFF_FFFF)?;
    (handle >> SLOT_SHIFT).checked_sub(1)
}

impl Bridge {
    /// An instance that knows its lines from before.
    pub fn new(settings: Settings, mut store: Store) -> Self {
        // By its address the store is found again when the provider is added anew.
        let has_moved = store.gateway != settings.gateway && !store.lines.is_empty();
        store.gateway.clone_from(&settings.gateway);
        let settings_slot = settings.slot;
        let mut bridge = Self {
            settings,
            store,
            store_changed: has_moved,
            lines: Vec::new(),
            calls: HashMap::new(),
            known: HashMap::new(),
            requests: HashMap::new(),
            commands: HashMap::new(),
            command_order: VecDeque::new(),
            link: LinkState::Starting,
            link_reason: String::new(),
            position: None,
            outputs: VecDeque::new(),
            frames: VecDeque::new(),
            notes: VecDeque::new(),
            timers: BTreeSet::new(),
            call_ids: HashMap::new(),
            ended: VecDeque::new(),
            last_handle: 0,
            last_command: 0,
            last_reference: 0,
            // Unique in the process: TAPI hands the number back without saying whose it was.
            last_temporary: settings_slot << 24,
            is_initialized: false,
            has_failed: false,
        };
        bridge.lines_from_store();
        bridge
    }

    /// The next thing that TAPI is to be told. What meanwhile makes no sense any more is passed over.
    pub fn poll(&mut self) -> Option<Output> {
        while let Some(output) = self.outputs.pop_front() {
            let makes_sense = match &output {
                Output::Complete { .. } | Output::Create { .. } | Output::Remove { .. } => true,
                Output::Event { line, call, ht_call, .. } => {
                    self.open_line(*line).is_some()
                        && (*call == 0 || self.calls.get(call).is_some_and(|known| known.ht == *ht_call))
                }
                Output::NewCall { line, call, .. } => {
                    self.open_line(*line).is_some()
                        && self.calls.get(call).is_some_and(|known| matches!(known.phase, Phase::Announcing(_)))
                }
            };
            if makes_sense {
                if let Output::NewCall { call, .. } = &output
                    && let Some(call) = self.calls.get_mut(call)
                {
                    call.is_offered = true;
                }
                return Some(output);
            }
        }
        None
    }

    /// Takes an output back that TAPI was not told; it is the next one again.
    pub fn put_back(&mut self, output: Output) {
        self.outputs.push_front(output);
    }

    /// The next frame for the gateway.
    pub fn poll_frame(&mut self) -> Option<String> {
        self.frames.pop_front()
    }

    /// Something for the log: what the gateway refused, and why.
    pub fn poll_note(&mut self) -> Option<String> {
        self.notes.pop_front()
    }

    fn note(&mut self, text: String) {
        /// Nobody may be reading.
        const MOST: usize = 100;
        if self.notes.len() < MOST {
            self.notes.push_back(text);
        }
    }

    /// Whether frames wait to be sent.
    pub fn has_frames(&self) -> bool {
        !self.frames.is_empty()
    }

    /// Whether TAPI has to be told something.
    pub fn has_outputs(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// The settings name another address, under which `store` was found. Whether the same gateway answers there, its lines
    /// will tell; what was asked for before is answered.
    pub fn move_to(&mut self, gateway: &str, store: Store, now: Now) {
        self.recover(now);
        if self.store.lines.is_empty() {
            self.store = store;
        }
        gateway.clone_into(&mut self.settings.gateway);
        gateway.clone_into(&mut self.store.gateway);
        self.store_changed |= !self.store.lines.is_empty();
    }

    /// Whether the lines have changed since they were last taken.
    pub fn has_new_lines(&self) -> bool {
        self.store_changed
    }

    /// The lines, when they have changed since the last time.
    pub fn take_store(&mut self) -> Option<Store> {
        std::mem::take(&mut self.store_changed).then(|| self.store.clone())
    }

    /// Where the link is.
    pub fn link(&self) -> LinkState {
        self.link
    }

    fn next_handle(&mut self, kind: u32) -> u32 {
        loop {
            self.last_handle = self.last_handle % COUNTER + 1;
            let handle = ((self.settings.slot + 1) << SLOT_SHIFT) | kind | self.last_handle;
            let is_taken = self.calls.contains_key(&handle)
                || self.lines.iter().any(|line| line.open.as_ref().is_some_and(|open| open.handle == handle));
            if !is_taken {
                return handle;
            }
        }
    }

    fn complete(&mut self, request: u32, result: i32, line: u32, calls: &[u32]) {
        self.outputs.push_back(Output::Complete { request, result, line, calls: calls.to_vec() });
    }
}
