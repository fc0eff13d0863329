//! The calls of one PBX: signals and snapshots in, changes of calls out.
//!
//! Sans-IO: time is an argument, deadlines are data. A call is found by address and PBX call id, so nothing looks at
//! all lines for one signal. The rules are those of dossier `csta-sip-cme` section 10.

mod attached;
mod change;
mod echo;
mod intent;
mod lookup;
mod moved;
mod party;
mod seat;
mod shown;
mod signal;
mod signals;
mod snapshot;
mod timers;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

pub use attached::{DATA_DEPTH, DATA_LIMIT};
pub use intent::DialIntent;
pub use seat::{SeatId, SeatSettings};
pub use signal::{
    Connection, Device, Endpoint, LocalState, Moved, Parties, Signal, SignalCause, SignalKind, SnapshotCall,
};

use super::action::ActionSet;
use super::call::{Call, CallState};
use super::ids::{CallId, CommandId, ConversationId, IdSource, LineId, PbxId};
use super::numbers::NumberRange;
use super::timestamp::Moment;
use echo::Echo;
use intent::{Intent, PendingDial};
use seat::Seat;
use timers::Timer;

/// How far the PBX's statement about the own connection is trusted (dossier U-42).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Not where it contradicts our role in the signal.
    #[default]
    Guarded,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Settings of the table.
#[derive(Debug, Clone)]
pub struct TableSettings {
    /// Trust in stated states.
    pub trust: Trust,
    /// A connection of our number without a device is ours (U-26).
    pub assume_own: bool,
    /// The phone in a device identifier tells which of the phones with our number is meant (U-25).
    pub shares_by_device: bool,
    /// Every line knows a call by an id of its own: conversations are found by who calls whom (U-14).
    pub joins_by_parties: bool,
    /// Going off hook makes no call yet (U-12).
    pub requires_originated: bool,
    /// Of two merged calls the second lives on where the PBX does not tell (U-15).
    pub keeps_secondary: bool,
    /// Calls without a signal for this long are checked by a snapshot.
    pub snapshot_interval: Duration,
    /// Operations that the gateway offers and the PBX can do.
    pub offered: ActionSet,
    /// Numbers of this PBX beside its lines.
    pub internal: Vec<NumberRange>,
    /// A ringing call can be refused (dossier U-18).
    pub may_reject: bool,
}

impl Default for TableSettings {
    fn default() -> Self {
        Self {
            trust: Trust::Guarded,
            assume_own: true,
            shares_by_device: true,
            joins_by_parties: false,
            requires_originated: false,
            keeps_secondary: false,
            snapshot_interval: Duration::from_secs(60),
            offered: ActionSet::of(&super::action::Action::ALL),
            internal: Vec::new(),
            may_reject: true,
        }
    }
}

/// Who caused a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person at a phone, or the network.
    Phone,
    /// The gateway itself: a repair.
    Gateway,
    /// A program, by the name of its token.
    Token(String),
}

/// What came of an input.
#[derive(Debug, Clone)]
pub enum Output {
    /// A call is new.
    Created(Box<Change>),
    /// A call changed.
    Updated(Box<Change>),
    /// A call is over; it will not change again.
    Ended(Box<Change>),
    /// A snapshot of this address is wanted.
    WantSnapshot {
        /// Whose.
        seat: SeatId,
    },
    /// A shared number began or stopped to be used at another phone.
    RemoteInUse {
        /// Whose.
        seat: SeatId,
        /// Which.
        in_use: bool,
    },
}

/// A call after a change.
#[derive(Debug, Clone)]
pub struct Change {
    /// The whole call.
    pub call: Call,
    /// Names of the fields that changed; empty for a new call.
    pub changed: Vec<&'static str>,
    /// The command that caused it.
    pub command: Option<CommandId>,
    /// Who caused it.
    pub actor: Actor,
    /// The command acts on another call of the conversation.
    pub is_echo: bool,
}

/// A call with what the table remembers about it.
#[derive(Debug)]
struct Tracked {
    call: Call,
    seat: SeatId,
    /// Successive snapshots in which it was missing.
    missing: u8,
    /// Restored after a restart and not confirmed yet.
    unconfirmed: bool,
    /// Why it failed, for the time when it ends.
    failure: Option<super::call::Cause>,
    intent: Option<Intent>,
    last_signal: Instant,
    /// The other end holds: known also while this end holds too.
    is_held_there: bool,
    /// It was held to consult about it, and the second call has not begun yet.
    awaits_consultation: bool,
    /// Digits dialled step by step.
    digits: String,
    /// A command asked for its dial tone, and nothing was dialled in it yet.
    is_tone: bool,
    /// More digits may follow: some were dialled in dial tone, and the PBX has not said that they are a number.
    collects: bool,
    /// Our own end is cleared; a transfer may still say why.
    is_ending: bool,
    /// The call was told of.
    is_published: bool,
}

/// The table.
pub struct CallTable {
    pbx: PbxId,
    settings: TableSettings,
    ids: Box<dyn IdSource + Send>,
    seats: HashMap<SeatId, Seat>,
    lines: HashMap<LineId, Vec<SeatId>>,
    numbers: HashMap<String, Vec<SeatId>>,
    calls: HashMap<CallId, Tracked>,
    by_pbx_call: HashMap<(SeatId, String), CallId>,
    conversations: HashMap<String, ConversationId>,
    members: HashMap<ConversationId, Vec<CallId>>,
    /// What programs attached to conversations; those without anything are not in it.
    attached: HashMap<ConversationId, Box<RawValue>>,
    /// Snapshots of this PBX list everybody in a conference.
    lists_conferences: bool,
    /// Conversations without living calls, oldest first: a call that comes back belongs to them.
    retired: VecDeque<ConversationId>,
    /// Commands whose effects at the other ends may still come.
    echoes: HashMap<ConversationId, Echo>,
    /// The leg of a shared number that ended last in a conversation: another phone may take the call from hold.
    handed_on: HashMap<ConversationId, Box<Call>>,
    names: HashMap<String, String>,
    shown: shown::ShownNumbers,
    timers: BTreeSet<(Instant, Timer)>,
    pending: HashMap<SeatId, Vec<PendingDial>>,
    out: VecDeque<Output>,
}

impl std::fmt::Debug for CallTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallTable").field("pbx", &self.pbx).field("calls", &self.calls.len()).finish_non_exhaustive()
    }
}

impl CallTable {
    /// An empty table.
    pub fn new(pbx: PbxId, settings: TableSettings, ids: Box<dyn IdSource + Send>) -> Self {
        Self {
            pbx,
            settings,
            ids,
            seats: HashMap::new(),
            lines: HashMap::new(),
            numbers: HashMap::new(),
            calls: HashMap::new(),
            by_pbx_call: HashMap::new(),
            conversations: HashMap::new(),
            members: HashMap::new(),
            attached: HashMap::new(),
            lists_conferences: false,
            retired: VecDeque::new(),
            echoes: HashMap::new(),
            handed_on: HashMap::new(),
            names: HashMap::new(),
            shown: shown::ShownNumbers::default(),
            timers: BTreeSet::new(),
            pending: HashMap::new(),
            out: VecDeque::new(),
        }
    }

    /// Replaces the settings; calls keep their state.
    pub fn configure(&mut self, settings: TableSettings) {
        self.settings = settings;
    }

    /// The numbers of this PBX with their names, for parties; a number without a name has an empty one.
    pub fn name_numbers(&mut self, names: HashMap<String, String>) {
        self.names = names;
        self.shown.forget();
    }

    /// What came of the inputs so far.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Self::tick`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// A living call.
    pub fn call(&self, id: &CallId) -> Option<&Call> {
        self.calls.get(id).map(|tracked| &tracked.call)
    }

    /// The living call that the PBX names so at an address.
    pub fn call_at(&self, seat: SeatId, pbx_call: &str) -> Option<&Call> {
        self.find(seat, pbx_call).and_then(|id| self.call(&id))
    }

    /// The living calls of an address, oldest first.
    pub fn calls_at(&self, seat: SeatId) -> impl Iterator<Item = &Call> {
        self.seats
            .get(&seat)
            .into_iter()
            .flat_map(|seat| seat.calls.iter())
            .filter_map(|id| self.calls.get(id))
            .map(|tracked| &tracked.call)
    }

    /// Whether our own end of a call is cleared, and only the reason is waited for.
    pub fn is_ending(&self, id: &CallId) -> bool {
        self.calls.get(id).is_some_and(|tracked| tracked.is_ending)
    }

    /// Whether the PBX told of a call in this very moment, by a signal or a snapshot.
    pub fn is_confirmed_at(&self, id: &CallId, now: Instant) -> bool {
        self.calls.get(id).is_some_and(|tracked| tracked.missing == 0 && tracked.last_signal == now)
    }

    /// The address that a living call is at.
    pub fn seat_of(&self, id: &CallId) -> Option<SeatId> {
        self.calls.get(id).map(|tracked| tracked.seat)
    }

    /// The living calls of a line, oldest first.
    pub fn calls_of_line<'a>(&'a self, line: &LineId) -> impl Iterator<Item = &'a Call> + Clone + use<'a> {
        self.lines
            .get(line)
            .into_iter()
            .flatten()
            .filter_map(|seat| self.seats.get(seat))
            .flat_map(|seat| seat.calls.iter())
            .filter_map(|id| self.calls.get(id))
            .map(|tracked| &tracked.call)
    }

    /// How many calls live.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether no call lives.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The PBX started anew: its phones dropped every call.
    pub fn pbx_restarted(&mut self, at: Moment) {
        for id in self.ids_by_age() {
            self.end(at, &id, super::call::Cause::PbxRestart, Actor::Gateway);
        }
    }

    /// All living calls, oldest first.
    fn ids_by_age(&self) -> Vec<CallId> {
        let mut ids: Vec<CallId> = self.calls.keys().cloned().collect();
        // Ids rise with time.
        ids.sort_unstable();
        ids
    }

    /// Calls of an earlier run, to be confirmed by the first snapshot of their address.
    pub fn restore(&mut self, at: Moment, seat: SeatId, mut call: Call) {
        if call.state.is_ended() || !self.seats.contains_key(&seat) {
            return;
        }
        // It is not stored whether the trunk was reached; whoever goes outside reaches it within a moment.
        call.is_beyond_trunk |= call.state == CallState::Proceeding && !call.internal;
        let id = call.id.clone();
        if let Some(pbx_call) = call.pbx_call_id.as_deref().map(lookup::key) {
            self.by_pbx_call.insert((seat, pbx_call.clone()), id.clone());
            self.conversations.insert(pbx_call, call.conversation_id.clone());
        }
        self.members.entry(call.conversation_id.clone()).or_default().push(call.id.clone());
        if !attached::is_empty(&call.data) {
            self.attached.entry(call.conversation_id.clone()).or_insert_with(|| call.data.clone());
        }
        if let Some(known) = self.seats.get_mut(&seat) {
            known.calls.push(call.id.clone());
        }
        self.calls.insert(
            call.id.clone(),
            Tracked {
                call,
                seat,
                missing: 0,
                unconfirmed: true,
                failure: None,
                intent: None,
                last_signal: at.now,
                digits: String::new(),
                is_tone: false,
                collects: false,
                is_held_there: false,
                awaits_consultation: false,
                is_ending: false,
                is_published: true,
            },
        );
        self.watch(at, &id);
    }

    /// Ends restored calls of a line that is gone.
    pub fn end_restored(&mut self, at: Moment, call: Call) -> Option<Box<Change>> {
        if call.state.is_ended() {
            return None;
        }
        let mut call = call;
        let changed = call.end_as_lost(at.wall);
        Some(Box::new(Change { call, changed, command: None, actor: Actor::Gateway, is_echo: false }))
    }
}

#[cfg(test)]
mod tests;
