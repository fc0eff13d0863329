//! A call as one phone sees it (api.md, "Calls").

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::action::ActionSet;
use super::ids::{CallId, ConversationId, LineId, PbxId};
use super::party::{Participant, Party};
use super::timestamp::Timestamp;

/// Who began it, seen from the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Somebody called the line.
    Inbound,
    /// The line called somebody.
    Outbound,
}

impl Direction {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// The word of the contract.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// All values, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
    };
}
pub(super) use words;

words! {
    /// What the call does, seen from the line.
    CallState {
        /// Off hook, nothing dialled.
        DialTone = "dial_tone",
        /// Digits are being dialled.
        Dialing = "dialing",
        /// The number is dialled, nobody rings yet; also queued.
        Proceeding = "proceeding",
        /// The other end rings.
        Ringback = "ringback",
        /// This phone rings.
        Offering = "offering",
        /// Both speak.
        Connected = "connected",
        /// This phone holds it.
        OnHold = "on_hold",
        /// The other end holds it.
        RemoteHeld = "remote_held",
        /// In a conference.
        Conferenced = "conferenced",
        /// The other end is busy.
        Busy = "busy",
        /// It did not come about.
        Failed = "failed",
        /// Over.
        Ended = "ended",
    }
}

words! {
    /// Why the call is at this line.
    Reason {
        /// Dialled straight.
        Direct = "direct",
        /// Forwarded always.
        ForwardedUnconditional = "forwarded_unconditional",
        /// Forwarded because busy.
        ForwardedBusy = "forwarded_busy",
        /// Forwarded because nobody answered.
        ForwardedNoAnswer = "forwarded_no_answer",
        /// Redirected by hand.
        Redirected = "redirected",
        /// Transferred.
        Transferred = "transferred",
        /// A consultation.
        Consultation = "consultation",
        /// A conference.
        Conference = "conference",
        /// Picked up.
        Pickup = "pickup",
        /// Came back.
        Recall = "recall",
        /// The PBX does not tell.
        Unknown = "unknown",
    }
}

words! {
    /// Why the call ended.
    Cause {
        /// Hung up.
        Normal = "normal",
        /// Refused by the called party.
        Rejected = "rejected",
        /// Busy.
        Busy = "busy",
        /// Nobody answered.
        NoAnswer = "no_answer",
        /// The caller hung up before an answer.
        CallerGaveUp = "caller_gave_up",
        /// Another phone answered.
        AnsweredElsewhere = "answered_elsewhere",
        /// Forwarded on.
        Forwarded = "forwarded",
        /// Redirected on.
        Redirected = "redirected",
        /// Transferred away.
        Transferred = "transferred",
        /// Became part of another call.
        Merged = "merged",
        /// There is no such number.
        InvalidNumber = "invalid_number",
        /// No way through.
        Congestion = "congestion",
        /// A phone or trunk is out of service.
        OutOfService = "out_of_service",
        /// The PBX started anew.
        PbxRestart = "pbx_restart",
        /// The PBX does not know it any more and did not say why.
        Lost = "lost",
        /// Anything else.
        Unknown = "unknown",
    }
}

impl CallState {
    /// Whether it is over.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Ended)
    }

    /// Whether an answer has come.
    pub const fn is_answered(self) -> bool {
        matches!(self, Self::Connected | Self::OnHold | Self::RemoteHeld | Self::Conferenced)
    }
}

/// One call object per line and PBX call.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Shared with the other legs.
    pub conversation_id: ConversationId,
    /// The PBX's own id.
    pub pbx_call_id: Option<String>,
    /// Global call id, where the PBX gives one.
    pub gcid: Option<String>,
    /// The line.
    pub line_id: LineId,
    /// The PBX.
    pub pbx_id: PbxId,
    /// Index of the line's address.
    pub address: u8,
    /// Who began it.
    pub direction: Direction,
    /// Whether the other party belongs to the same PBX.
    pub internal: bool,
    /// What it does.
    pub state: CallState,
    /// The held call that it is a consultation of.
    pub consultation_of: Option<CallId>,
    /// Shared by the calls of one conference.
    pub conference_id: Option<String>,
    /// Who calls.
    pub caller: Party,
    /// Who was called.
    pub called: Party,
    /// Who is at the other end.
    pub connected: Party,
    /// Who sent it on.
    pub redirecting: Party,
    /// Why it is here.
    pub reason: Reason,
    /// Why it ended.
    pub cause: Option<Cause>,
    /// The reference of the program that made it.
    pub client_ref: Option<String>,
    /// What programs attached to the conversation: a JSON object of at most 4 KiB and 16 levels that every leg shows.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    /// The other parties of a conference.
    pub participants: Vec<Participant>,
    /// What may be asked of it now.
    pub allowed_actions: ActionSet,
    /// When the PBX last confirmed it.
    pub confirmed_at: Timestamp,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Since when it is in its state.
    pub state_since: Timestamp,
    /// It went out over a trunk, beyond which most networks do not tell that it rings. Known to the gateway only.
    #[serde(skip)]
    pub is_beyond_trunk: bool,
}

impl Call {
    /// The party at the other end: caller of an inbound call, else the called one.
    pub fn far_end(&self) -> &Party {
        match self.direction {
            Direction::Inbound => &self.caller,
            Direction::Outbound => &self.called,
        }
    }

    /// Whether it rings at its far end, or may do so beyond a trunk: the phone can neither hold it nor leave it for another
    /// call, but may connect somebody with it.
    pub const fn is_reaching_out(&self) -> bool {
        match self.state {
            CallState::Ringback => true,
            CallState::Proceeding => self.is_beyond_trunk,
            _ => false,
        }
    }

    /// Whether the phone is busy with it: it speaks in it, or waits for its far end.
    pub const fn is_active(&self) -> bool {
        matches!(self.state, CallState::Connected | CallState::RemoteHeld | CallState::Conferenced)
            || self.is_reaching_out()
    }

    /// The end of a call that ended unseen, with the names of the fields that changed.
    pub fn end_as_lost(&mut self, at: Timestamp) -> Vec<&'static str> {
        let before = self.clone();
        self.state = CallState::Ended;
        self.cause = Some(Cause::Lost);
        self.ended_at = Some(at);
        self.state_since = at;
        self.allowed_actions = ActionSet::EMPTY;
        self.changes(&before)
    }

    /// The names of the fields that differ, in the order of the contract.
    pub fn changes(&self, before: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        macro_rules! compare {
            ($($field:ident),+) => { $(if self.$field != before.$field { changed.push(stringify!($field)); })+ };
        }
        compare!(
            conversation_id,
            pbx_call_id,
            gcid,
            address,
            direction,
            internal,
            state,
            consultation_of,
            conference_id,
            caller,
            called,
            connected,
            redirecting,
            reason,
            cause,
            client_ref
        );
        if self.data.get() != before.data.get() {
            changed.push("data");
        }
        compare!(participants, allowed_actions, confirmed_at, answered_at, ended_at, state_since);
        changed
    }
}

/// An empty `data` object.
pub(super) fn no_data() -> Box<RawValue> {
    // The literal is JSON; the fallback keeps the function total.
    RawValue::from_string("{}".to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
