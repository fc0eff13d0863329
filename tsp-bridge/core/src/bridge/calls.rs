//! From the gateway's calls to TAPI's: which is which, what TAPI hears, how they end.

use super::call::{Call, Phase, Role, info_changes, state_of};
use super::timers::Timer;
use super::{Act, Bridge, CALL_BIT, Known, Now, Output};
use crate::model::GatewayCall;
use crate::tapi::{call_state, dev_state, disconnect, info, msg};

/// LINEMEDIAMODE_INTERACTIVEVOICE: the third parameter of LINE_CALLSTATE at this level.
const VOICE: usize = 4;
/// Pauses before TAPI is asked again to take a new call.
const ANNOUNCE_AGAIN_MS: [u64; 6] = [50, 200, 1_000, 2_000, 5_000, 10_000];

impl Bridge {
    /// A new call in our books.
    pub(super) fn new_call(&mut self, line: usize, ht: usize, phase: Phase, role: Role, now: Now) -> u32 {
        let handle = self.next_handle(CALL_BIT);
        self.calls.insert(
            handle,
            Call {
                handle,
                line,
                ht,
                phase,
                role,
                id: None,
                client_ref: None,
                consultation_of: None,
                holds_for: None,
                view: None,
                state: call_state::UNKNOWN,
                mode: 0,
                since_wall_ms: now.wall_ms,
                shown: None,
                dirty: 0,
                digits: String::new(),
                is_dialing: false,
                is_accepted: false,
                is_merging: false,
                is_offered: false,
                app_specific: 0,
                call_data: Vec::new(),
                address: 0,
                call_id: 0,
                created_ms: now.ms,
            },
        );
        handle
    }

    /// The living call of TAPI that stands for a call of the gateway. A conference stands for its call, not its members.
    pub(super) fn by_call_id(&self, id: &str) -> Option<u32> {
        let call = self.calls.values().find(|call| call.id.as_deref() == Some(id) && !call.is_over())?;
        Some(call.handle)
    }

    /// Brings TAPI's picture of a call of the gateway in line with it.
    pub(super) fn settle_call(&mut self, id: &str, now: Now) {
        let Some(known) = self.known.get(id).cloned() else { return };
        let Some(line) = self.by_gateway_id(&known.call.line_id) else { return };
        if let Some(handle) = self.by_call_id(id).or_else(|| self.claim(&known.call, line, now)) {
            if known.call.state == "conferenced"
                && self.calls.values().any(|call| call.line == line && call.is_merging)
                && let Some(call) = self.calls.get_mut(&handle)
            {
                // It becomes a member at once, without being connected in between.
                call.view = Some(known.call.clone());
                self.form_conference(line, now);
                return;
            }
            self.update(handle, &known.call, now);
            self.form_conference(line, now);
            return;
        }
        let is_ready = self.lines.get(line).and_then(|line| line.open.as_ref()).is_some_and(|open| open.is_ready);
        if known.is_dismissed || !is_ready || self.must_wait(&known.call, line) {
            return;
        }
        let handle = self.new_call(line, 0, Phase::Announcing(0), Role::Plain, now);
        if let Some(call) = self.calls.get_mut(&handle) {
            call.id = Some(id.to_owned());
        }
        self.update(handle, &known.call, now);
        self.announce(handle);
        self.form_conference(line, now);
    }

    /// Finds the call that we asked for: by its reference, or as the consultation of the call that we asked about.
    pub(super) fn claim(&mut self, call: &GatewayCall, line: usize, now: Now) -> Option<u32> {
        let asked = |waiting: &&Call| waiting.line == line && waiting.phase == Phase::Tentative;
        let by_reference = call.client_ref.as_deref().and_then(|wanted| {
            self.calls.values().filter(asked).find(|waiting| waiting.client_ref.as_deref() == Some(wanted))
        });
        let by_consultation = || {
            let original = self.by_call_id(call.consultation_of.as_deref()?)?;
            self.calls.values().filter(asked).find(|waiting| {
                let is_asked_for = self
                    .commands
                    .values()
                    .any(|command| matches!(command.act, Act::Consult { consult, .. } if consult == waiting.handle));
                is_asked_for && waiting.consultation_of == Some(original)
            })
        };
        let handle = by_reference.or_else(by_consultation)?.handle;
        self.bind(handle, &call.id, now);
        Some(handle)
    }

    /// The call that a request asked for is there: the request is done, and the call begins.
    pub(super) fn bind(&mut self, handle: u32, id: &str, now: Now) {
        let Some(call) = self.calls.get_mut(&handle) else { return };
        call.id = Some(id.to_owned());
        if call.phase == Phase::Tentative {
            call.phase = Phase::Told;
            let asked_for: Vec<u64> = self
                .commands
                .iter()
                .filter(|(_, command)| match command.act {
                    Act::MakeCall { call } => call == handle,
                    Act::Consult { consult, .. } => consult == handle,
                    _ => false,
                })
                .map(|(id, _)| *id)
                .collect();
            for command in asked_for {
                self.command_done(command, now);
            }
        }
    }

    /// Whether a call may be the one that a command without an answer makes: then it waits for the answer, so that it
    /// is never offered as somebody else's.
    fn must_wait(&self, call: &GatewayCall, line: usize) -> bool {
        !call.is_inbound()
            && call.client_ref.is_none()
            && self.commands.values().any(|command| command.line == line && matches!(command.act, Act::Consult { .. }))
    }

    /// Looks again at the calls of a line that had to wait.
    pub(super) fn settle_waiting(&mut self, line: usize, now: Now) {
        let ids: Vec<String> = self
            .known
            .values()
            .filter(|known| self.by_gateway_id(&known.call.line_id) == Some(line))
            .filter(|known| self.by_call_id(&known.call.id).is_none())
            .map(|known| known.call.id.clone())
            .collect();
        for id in ids {
            self.settle_call(&id, now);
        }
    }

    /// Takes over what the gateway says about a call.
    pub(super) fn update(&mut self, handle: u32, view: &GatewayCall, now: Now) {
        let address = self
            .by_gateway_id(&view.line_id)
            .and_then(|line| self.stored(line))
            .map_or(0, |l| l.address_of(view.address));
        let call_id = self.call_id(&view.conversation_id);
        let (app_specific, call_data) = super::provider::read_data(&view.data);
        let (state, mode) = self.shown_state(handle, view);
        let Some(call) = self.calls.get_mut(&handle) else { return };
        let mut dirty = match &call.view {
            Some(before) => info_changes(before, view),
            None => 0,
        };
        // Data on its way to the gateway is newer than what comes from there.
        let is_sending = self.commands.values().any(|command| command.act == Act::Data && command.call == handle);
        let (app_specific, call_data) =
            if is_sending { (call.app_specific, call.call_data.clone()) } else { (app_specific, call_data) };
        if call.view.is_some() {
            if call.app_specific != app_specific {
                dirty |= info::APPSPECIFIC;
            }
            if call.call_data != call_data {
                dirty |= info::CALLDATA;
            }
        }
        call.app_specific = app_specific;
        call.call_data = call_data;
        call.address = address;
        call.call_id = call_id;
        call.dirty |= dirty;
        call.view = Some(view.clone());
        if state != call_state::DIALTONE && state != call_state::DIALING {
            call.digits.clear();
            call.is_dialing = false;
        }
        self.set_state(handle, state, mode, now);
        self.members_follow(handle, now);
        self.emit(handle);
        // How an original is held depends on its consultation, and the other way round.
        let related: Vec<u32> = self
            .calls
            .values()
            .filter(|call| call.holds_for == Some(handle) || call.consultation_of == Some(handle))
            .map(|call| call.handle)
            .collect();
        for other in related {
            self.review(other, now);
        }
    }

    /// Computes the state of a call anew after something around it changed.
    pub(super) fn review(&mut self, handle: u32, now: Now) {
        let Some(call) = self.calls.get(&handle) else { return };
        let (Some(view), false) = (call.view.clone(), call.is_over() || call.id.is_none()) else { return };
        let (state, mode) = self.shown_state(handle, &view);
        self.set_state(handle, state, mode, now);
        self.emit(handle);
    }

    fn shown_state(&self, handle: u32, view: &GatewayCall) -> (u32, u32) {
        let (state, mode) = state_of(view);
        let Some(call) = self.calls.get(&handle) else { return (state, mode) };
        match state {
            call_state::OFFERING if call.is_accepted => (call_state::ACCEPTED, 0),
            call_state::DIALTONE if call.is_dialing || !call.digits.is_empty() => (call_state::DIALING, 0),
            call_state::ONHOLD => {
                // While the consultation is being set up it is not yet known how the call is held.
                let is_asked = |act: &Act| matches!(act, Act::Consult { original, .. } if *original == handle);
                if call.shown.is_some() && self.commands.values().any(|command| is_asked(&command.act)) {
                    return (call.state, call.mode);
                }
                let consult = call.holds_for.and_then(|consult| self.calls.get(&consult));
                match consult.filter(|consult| !consult.is_over()) {
                    Some(_) if call.role == Role::Parent => (call_state::ONHOLDPENDCONF, 0),
                    Some(_) => (call_state::ONHOLDPENDTRANSFER, 0),
                    None => (state, mode),
                }
            }
            _ => (state, mode),
        }
    }

    pub(super) fn set_state(&mut self, handle: u32, state: u32, mode: u32, now: Now) {
        let Some(call) = self.calls.get_mut(&handle) else { return };
        if (call.state, call.mode) == (state, mode) || call.is_over() {
            return;
        }
        if call.state != state {
            call.since_wall_ms = now.wall_ms;
        }
        (call.state, call.mode) = (state, mode);
    }

    /// Tells TAPI what it does not know of a call yet.
    pub(super) fn emit(&mut self, handle: u32) {
        let Some(call) = self.calls.get(&handle) else { return };
        if call.phase != Phase::Told
            || call.ht == 0
            || (call.id.is_none() && call.role == Role::Plain && !call.is_over())
        {
            return;
        }
        let parent = match call.role {
            Role::Member { parent, .. } if call.state == call_state::CONFERENCED => {
                // A member is told with TAPI's handle of its conference, which must be known by then.
                match self.calls.get(&parent) {
                    // Nobody has its handle.
                    Some(parent) if parent.phase == Phase::Closed => 0,
                    Some(parent) if parent.shown.is_some() => parent.ht,
                    _ => return,
                }
            }
            _ => 0,
        };
        let Some(line) = self.lines.get(call.line).and_then(|line| line.open.as_ref()) else { return };
        let (line, ht_line) = (line.handle, line.ht);
        let Some(call) = self.calls.get_mut(&handle) else { return };
        let mut events = Vec::new();
        let mut rings = false;
        if call.state != call_state::UNKNOWN && call.shown != Some((call.state, call.mode)) {
            let second = if call.state == call_state::CONFERENCED { parent } else { call.mode as usize };
            events.push((msg::CALLSTATE, [call.state as usize, second, VOICE]));
            rings = call.state == call_state::OFFERING;
            call.shown = Some((call.state, call.mode));
        }
        let dirty = std::mem::take(&mut call.dirty);
        if dirty != 0 && !call.is_over() && call.shown.is_some() {
            events.push((msg::CALLINFO, [dirty as usize, 0, 0]));
        }
        let (ht_call, index) = (call.ht, call.line);
        for (message, params) in events {
            self.outputs.push_back(Output::Event { line, call: handle, ht_line, ht_call, message, params });
        }
        if rings {
            self.line_state(index, dev_state::RINGING, 1, 1);
        }
    }

    /// Asks TAPI to take a call.
    pub(super) fn announce(&mut self, handle: u32) {
        let Some(call) = self.calls.get(&handle) else { return };
        if !matches!(call.phase, Phase::Announcing(_)) {
            return;
        }
        let Some(open) = self.lines.get(call.line).and_then(|line| line.open.as_ref()) else { return };
        let (line, ht_line) = (open.handle, open.ht);
        self.outputs.push_back(Output::NewCall { line, call: handle, ht_line });
    }

    /// What TAPI answered to LINE_NEWCALL: its handle, or 0 for "not now".
    pub fn new_call_answer(&mut self, handle: u32, ht: usize, now: Now) {
        // TAPI may have closed it while it was still taking it.
        let Some(call) = self.calls.get_mut(&handle) else { return };
        let Phase::Announcing(tries) = call.phase else { return };
        call.is_offered = false;
        if ht != 0 {
            call.ht = ht;
            call.phase = Phase::Told;
            let (index, is_over) = (call.line, call.state == call_state::IDLE);
            if is_over {
                // It ended meanwhile; TAPI still has to hear an end.
                call.state = call_state::DISCONNECTED;
                call.mode = disconnect::UNKNOWN;
                self.emit(handle);
                if let Some(call) = self.calls.get_mut(&handle) {
                    (call.state, call.mode) = (call_state::IDLE, 0);
                }
            }
            self.emit(handle);
            self.parent_is_told(handle);
            self.refresh_counts(index);
            return;
        }
        let pause = usize::try_from(tries).ok().and_then(|tries| ANNOUNCE_AGAIN_MS.get(tries)).copied();
        match pause {
            Some(pause) if !call.is_over() => {
                call.phase = Phase::Announcing(tries + 1);
                self.set_timer(now.ms + pause, Timer::Announce(handle));
            }
            _ => self.let_go(handle),
        }
    }

    /// `dwCallID`: the same on every line that sees the conversation.
    fn call_id(&mut self, conversation: &str) -> u32 {
        if let Some(id) = self.call_ids.get(conversation) {
            return *id;
        }
        // FNV-1a: the same number in every provider and after every start.
        let mut id =
            conversation.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        while id == 0 || self.call_ids.values().any(|taken| *taken == id) {
            id = id.wrapping_add(1);
        }
        if self.call_ids.len() >= super::CALL_IDS_KEPT {
            let living: Vec<String> = self.known.values().map(|known| known.call.conversation_id.clone()).collect();
            self.call_ids.retain(|conversation, _| living.contains(conversation));
        }
        self.call_ids.insert(conversation.to_owned(), id);
        id
    }

    /// A call of the gateway that was known when an answer named it.
    pub(super) fn learn_from_answer(&mut self, call: GatewayCall) {
        if !self.known.contains_key(&call.id) && !self.ended.contains(&call.id) && !call.is_ended() {
            // Any event about it is newer than the answer's body.
            self.known.insert(call.id.clone(), Known { call, is_dismissed: false });
        }
    }
}
