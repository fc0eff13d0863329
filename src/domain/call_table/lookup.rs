//! Finding and making calls and conversations.

use super::seat::SeatId;
use super::{CallTable, Tracked};
use crate::domain::action::ActionSet;
use crate::domain::call::{Call, CallState, Direction, Reason};
use crate::domain::ids::{CallId, ConversationId};
use crate::domain::party::Party;
use crate::domain::timestamp::Moment;

/// Conversations without calls that are remembered.
const RETIRED_LIMIT: usize = 256;

/// The form of a PBX call id to compare with: opaque, in any case (dossier 3.7).
pub(super) fn key(pbx_call: &str) -> String {
    pbx_call.to_ascii_uppercase()
}

impl CallTable {
    pub(super) fn find(&self, seat: SeatId, pbx_call: &str) -> Option<CallId> {
        self.by_pbx_call.get(&(seat, key(pbx_call))).cloned()
    }

    /// Makes a call that is published by the next [`Self::publish_new`].
    pub(super) fn make(
        &mut self,
        at: Moment,
        seat: SeatId,
        pbx_call: Option<&str>,
        direction: Direction,
        state: CallState,
    ) -> Option<CallId> {
        let settings = self.seats.get(&seat)?.settings.clone();
        let id = CallId::new(&mut *self.ids);
        let conversation = self.conversation(pbx_call);
        let own = Party {
            number: settings.numbers.first().cloned(),
            raw: settings.numbers.first().cloned(),
            name: settings.numbers.first().and_then(|number| self.name_of(number)),
            presentation: crate::domain::party::Presentation::Available,
            ..Party::default()
        };
        let (caller, called) = match direction {
            Direction::Inbound => (Party::default(), own),
            Direction::Outbound => (own, Party::default()),
        };
        let call = Call {
            id: id.clone(),
            conversation_id: conversation.clone(),
            pbx_call_id: pbx_call.map(str::to_owned),
            gcid: pbx_call.filter(|text| is_gcid(text)).map(str::to_owned),
            line_id: settings.line,
            pbx_id: self.pbx.clone(),
            address: settings.address,
            direction,
            internal: false,
            state,
            consultation_of: None,
            conference_id: None,
            caller,
            called,
            connected: Party::default(),
            redirecting: Party::default(),
            reason: Reason::Direct,
            cause: None,
            client_ref: None,
            data: self.attached_to(&conversation),
            participants: Vec::new(),
            allowed_actions: ActionSet::EMPTY,
            confirmed_at: at.wall,
            created_at: at.wall,
            answered_at: state.is_answered().then_some(at.wall),
            ended_at: None,
            state_since: at.wall,
            is_beyond_trunk: false,
        };
        if let Some(pbx_call) = pbx_call {
            self.by_pbx_call.insert((seat, key(pbx_call)), id.clone());
        }
        self.members.entry(conversation).or_default().push(id.clone());
        if let Some(seat) = self.seats.get_mut(&seat) {
            seat.calls.push(id.clone());
        }
        self.calls.insert(
            id.clone(),
            Tracked {
                call,
                seat,
                missing: 0,
                unconfirmed: false,
                failure: None,
                intent: None,
                last_signal: at.now,
                digits: String::new(),
                is_tone: false,
                collects: false,
                is_held_there: false,
                awaits_consultation: false,
                is_ending: false,
                is_published: false,
            },
        );
        self.watch(at, &id);
        Some(id)
    }

    fn conversation(&mut self, pbx_call: Option<&str>) -> ConversationId {
        if let Some(pbx_call) = pbx_call
            && let Some(known) = self.conversations.get(&key(pbx_call))
        {
            return known.clone();
        }
        let new = ConversationId::new(&mut *self.ids);
        if let Some(pbx_call) = pbx_call {
            self.conversations.insert(key(pbx_call), new.clone());
        }
        new
    }

    /// Gives a call another PBX call id, as transfers and conferences do.
    pub(super) fn rekey(&mut self, id: &CallId, pbx_call: &str) {
        let Some(tracked) = self.calls.get(id) else { return };
        let seat = tracked.seat;
        let old = tracked.call.pbx_call_id.clone();
        let conversation = tracked.call.conversation_id.clone();
        let (old, new) = (old.as_deref().map(key), key(pbx_call));
        if old.as_ref() == Some(&new) {
            return;
        }
        if let Some(old) = old {
            self.by_pbx_call.remove(&(seat, old));
        }
        self.by_pbx_call.insert((seat, new.clone()), id.clone());
        self.conversations.entry(new).or_insert(conversation);
    }

    /// Makes one conversation of two; the older one's id stays.
    pub(super) fn join_conversations(&mut self, at: Moment, first: &str, second: &str) {
        let (Some(a), Some(b)) =
            (self.conversations.get(&key(first)).cloned(), self.conversations.get(&key(second)).cloned())
        else {
            return;
        };
        if a == b {
            return;
        }
        // Ids rise with time: the smaller one is older.
        let (keep, give) = if a <= b { (a, b) } else { (b, a) };
        let moving = self.members.remove(&give).unwrap_or_default();
        for conversation in self.conversations.values_mut() {
            if *conversation == give {
                *conversation = keep.clone();
            }
        }
        self.members.entry(keep.clone()).or_default().extend(moving.iter().cloned());
        for id in moving {
            let keep = keep.clone();
            self.change(at, &id, move |call| call.conversation_id = keep);
        }
        if let Some(echo) = self.echoes.remove(&give) {
            self.echoes.entry(keep.clone()).or_insert(echo);
        }
        if let Some(leg) = self.handed_on.remove(&give) {
            self.handed_on.entry(keep.clone()).or_insert(leg);
        }
        self.join_attached(at, &keep, &give);
    }

    /// Joins a call with the one at the other end, where ids do not tell (U-14): they name each other, neither is
    /// answered, and nobody else is in the other's conversation.
    pub(super) fn join_by_parties(&mut self, at: Moment, id: &CallId) {
        if !self.settings.joins_by_parties {
            return;
        }
        let Some(tracked) = self.calls.get(id) else { return };
        let (call, own) = (&tracked.call, tracked.seat);
        let Some(far) = call.far_end().raw.as_ref() else { return };
        let is_alone = |call: &Call| self.members.get(&call.conversation_id).is_some_and(|all| all.len() == 1);
        let is_open = |call: &Call| !call.state.is_answered() && call.pbx_call_id.is_some() && is_alone(call);
        if !is_open(call) {
            return;
        }
        let own_numbers = self.seats.get(&own).map(|seat| seat.settings.numbers.as_slice()).unwrap_or_default();
        let other = self
            .numbers
            .get(far)
            .into_iter()
            .flatten()
            .filter_map(|seat| self.seats.get(seat))
            .flat_map(|seat| &seat.calls)
            .filter_map(|other| self.calls.get(other))
            .map(|tracked| &tracked.call)
            .filter(|other| other.id != *id && other.direction != call.direction && is_open(other))
            .find(|other| other.far_end().raw.as_ref().is_some_and(|raw| own_numbers.contains(raw)));
        let pair = other.and_then(|other| Some((call.pbx_call_id.clone()?, other.pbx_call_id.clone()?)));
        if let Some((one, other)) = pair {
            self.join_conversations(at, &one, &other);
        }
    }

    /// Forgets an ended call. A conversation without calls is kept for a while.
    pub(super) fn forget(&mut self, id: &CallId) -> Option<Tracked> {
        let tracked = self.calls.remove(id)?;
        if let Some(seat) = self.seats.get_mut(&tracked.seat) {
            seat.calls.retain(|other| other != id);
        }
        if let Some(pbx_call) = &tracked.call.pbx_call_id {
            let place = (tracked.seat, key(pbx_call));
            if self.by_pbx_call.get(&place) == Some(id) {
                self.by_pbx_call.remove(&place);
            }
        }
        let conversation = &tracked.call.conversation_id;
        let empty = self.members.get_mut(conversation).is_some_and(|members| {
            members.retain(|other| other != id);
            members.is_empty()
        });
        if empty {
            self.members.remove(conversation);
            self.retire(conversation.clone());
        }
        Some(tracked)
    }

    /// Remembers a conversation for a while: a PBX call that comes back keeps it (api.md, "Calls").
    fn retire(&mut self, conversation: ConversationId) {
        self.retired.retain(|other| *other != conversation);
        self.retired.push_back(conversation);
        if self.retired.len() > RETIRED_LIMIT
            && let Some(oldest) = self.retired.pop_front()
            && !self.members.contains_key(&oldest)
        {
            self.conversations.retain(|_, known| *known != oldest);
            self.attached.remove(&oldest);
            self.echoes.remove(&oldest);
            self.handed_on.remove(&oldest);
        }
    }
}

/// Four groups of eight hex digits: the global call id of IOS (dossier 3.7).
fn is_gcid(text: &str) -> bool {
    text.len() == 35
        && text.split('-').all(|group| group.len() == 8 && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
