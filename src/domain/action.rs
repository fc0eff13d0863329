//! What may be asked of a call or a line: exact, so that a listed verb is never refused for reasons of state.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::call::{Call, CallState, Direction};

/// An operation on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Action {
    /// Take it.
    Answer,
    /// Hang up.
    Drop,
    /// Put on hold.
    Hold,
    /// Take from hold.
    Retrieve,
    /// Send a ringing call on.
    Redirect,
    /// Transfer without asking.
    BlindTransfer,
    /// Hold and call somebody.
    Consult,
    /// Dial in dial tone.
    Dial,
    /// Send tones.
    Digits,
    /// Change between two calls.
    Swap,
    /// Connect the two others.
    CompleteTransfer,
    /// Join the two calls.
    CompleteConference,
    /// Add a call to a conference.
    AddToConference,
    /// Drop a participant.
    RemoveFromConference,
}

/// An operation on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineAction {
    /// Make a call.
    Dial,
    /// Forward all calls.
    Forward,
    /// Switch ringing off.
    DoNotDisturb,
}

impl LineAction {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dial => "dial",
            Self::Forward => "forward",
            Self::DoNotDisturb => "do_not_disturb",
        }
    }
}

impl Action {
    /// All, in the order of the contract.
    pub const ALL: [Self; 14] = [
        Self::Answer,
        Self::Drop,
        Self::Hold,
        Self::Retrieve,
        Self::Redirect,
        Self::BlindTransfer,
        Self::Consult,
        Self::Dial,
        Self::Digits,
        Self::Swap,
        Self::CompleteTransfer,
        Self::CompleteConference,
        Self::AddToConference,
        Self::RemoveFromConference,
    ];

    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Drop => "drop",
            Self::Hold => "hold",
            Self::Retrieve => "retrieve",
            Self::Redirect => "redirect",
            Self::BlindTransfer => "blind_transfer",
            Self::Consult => "consult",
            Self::Dial => "dial",
            Self::Digits => "digits",
            Self::Swap => "swap",
            Self::CompleteTransfer => "complete_transfer",
            Self::CompleteConference => "complete_conference",
            Self::AddToConference => "add_to_conference",
            Self::RemoveFromConference => "remove_from_conference",
        }
    }
}

/// A set of operations; written as a list of words in the order of the contract.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ActionSet(u16);

impl ActionSet {
    /// Nothing.
    pub const EMPTY: Self = Self(0);

    /// A set of these.
    pub fn of(actions: &[Action]) -> Self {
        let mut set = Self::EMPTY;
        for action in actions {
            set.insert(*action);
        }
        set
    }

    /// Adds one.
    pub fn insert(&mut self, action: Action) {
        self.0 |= 1 << (action as u8);
    }

    /// Takes an action out.
    pub fn remove(&mut self, action: Action) {
        self.0 &= !(1 << (action as u8));
    }

    /// Whether it is in the set.
    pub const fn contains(self, action: Action) -> bool {
        self.0 & (1 << (action as u8)) != 0
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The operations in order.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |action| self.contains(*action))
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for ActionSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for action in self.iter() {
            list.serialize_element(&action)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for ActionSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = ActionSet;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of actions")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ActionSet, A::Error> {
                let mut set = ActionSet::EMPTY;
                while let Some(action) = list.next_element::<Action>()? {
                    set.insert(action);
                }
                Ok(set)
            }
        }
        deserializer.deserialize_seq(Words)
    }
}

impl utoipa::PartialSchema for ActionSet {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        Vec::<Action>::schema()
    }
}

impl ToSchema for ActionSet {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        schemas.push((Action::name().into_owned(), <Action as utoipa::PartialSchema>::schema()));
    }
}

/// What the state of a call and of its neighbours on the line allows (dossier 15a, column "preconditions").
/// What the PBX cannot do or the gateway does not offer is taken away by the caller.
pub fn allowed_actions<'a>(call: &Call, siblings: impl Iterator<Item = &'a Call> + Clone) -> ActionSet {
    use Action as A;
    use CallState as S;
    let mut set = ActionSet::EMPTY;
    let others = siblings.filter(|other| other.id != call.id && !other.state.is_ended());
    let is_held = |other: &Call| other.state == S::OnHold;
    // A phone speaks in one call. Dial tone and busy tone give way to another one; a call that rings at its far end
    // can be neither held nor left.
    let is_free = !others.clone().any(Call::is_reaching_out);
    match call.state {
        S::Ended => return set,
        S::Offering => {
            if is_free {
                set.insert(A::Answer);
            }
            set.insert(A::Redirect);
        }
        S::DialTone => set.insert(A::Dial),
        S::Connected | S::RemoteHeld | S::Conferenced => {
            for action in [A::Hold, A::Consult, A::Digits] {
                set.insert(action);
            }
            // A conference has nobody to be passed on to: it is held together by the one who made it.
            if call.state != S::Conferenced {
                set.insert(A::BlindTransfer);
            }
        }
        S::OnHold if is_free => {
            set.insert(A::Retrieve);
            // A held call is sent on as it is. A second call needs the phone for itself in the roundabout way.
            if call.conference_id.is_none() && others.clone().next().is_none() {
                set.insert(A::BlindTransfer);
            }
        }
        _ => {}
    }
    if call.state == S::Conferenced {
        set.insert(A::RemoveFromConference);
    }
    set.insert(A::Drop);
    let partners = others.filter(|other| (call.is_active() && is_held(other)) || (is_held(call) && other.is_active()));
    if partners.clone().next().is_some() {
        set.insert(A::CompleteTransfer);
    }
    // A call that still rings out cannot be put on hold.
    let mut answered = partners.filter(|other| call.state.is_answered() && other.state.is_answered()).peekable();
    if answered.peek().is_some() {
        set.insert(A::Swap);
        set.insert(A::CompleteConference);
        if call.conference_id.is_some() || answered.any(|other| other.conference_id.is_some()) {
            set.insert(A::AddToConference);
        }
    }
    if call.state == S::Offering && call.direction == Direction::Outbound {
        set = ActionSet::of(&[A::Drop]);
    }
    set
}
