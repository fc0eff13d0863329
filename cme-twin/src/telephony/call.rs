//! Calls and their legs, and who the parties are.

use serde::Serialize;

/// One end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Party {
    /// A DN, on the phone where it is used; `None` while no phone is meant.
    Line { dn: u32, phone: Option<u32> },
    /// Somebody on the other side of the trunk, or a number that is nobody's.
    Outside(String),
}

impl Party {
    pub(crate) fn dn(&self) -> Option<u32> {
        match self {
            Self::Line { dn, .. } => Some(*dn),
            Self::Outside(_) => None,
        }
    }

    pub(crate) fn place(&self) -> Option<Place> {
        match self {
            Self::Line { dn, phone: Some(phone) } => Some(Place { dn: *dn, phone: *phone }),
            _ => None,
        }
    }
}

/// A DN on a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) dn: u32,
    pub(crate) phone: u32,
}

impl From<Place> for Party {
    fn from(place: Place) -> Self {
        Self::Line { dn: place.dn, phone: Some(place.phone) }
    }
}

/// State of a connection, in the words of CSTA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LegState {
    /// Off hook, no digits yet; or asked to go off hook.
    Initiated,
    /// Rings.
    Alerting,
    /// Talks, or is the calling side.
    Connected,
    /// Holds.
    Hold,
    /// Busy, or not to be reached.
    Fail,
}

impl LegState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Alerting => "alerting",
            Self::Connected => "connected",
            Self::Hold => "hold",
            Self::Fail => "fail",
        }
    }
}

/// What a party is in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Made the call.
    Calling,
    /// Was called.
    Called,
    /// Came by conference or transfer.
    Added,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) party: Party,
    pub(crate) state: LegState,
    pub(crate) role: Role,
}

/// Why a call did not come about.
pub(crate) type Cause = &'static str;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) gcid: String,
    pub(crate) calling: Party,
    /// The number that was called last; empty before digits.
    pub(crate) called: String,
    /// The number that sent the call on, and why.
    pub(crate) redirected: Option<(String, Cause)>,
    pub(crate) legs: Vec<Leg>,
    pub(crate) conference: bool,
    /// Who made the conference.
    pub(crate) host: Option<Place>,
    /// The call that waits on hold for this consultation.
    pub(crate) consults: Option<u64>,
    /// The far end is invited into a conference (SingleStepConferenceCall) by this place.
    pub(crate) joins: Option<Place>,
    pub(crate) hops: u32,
}

impl Call {
    pub(crate) fn at(&self, place: Place) -> Option<usize> {
        self.legs.iter().position(|leg| leg.party.place() == Some(place))
    }

    /// Legs that are more than a ringing or failed far end.
    pub(crate) fn talking(&self) -> usize {
        self.legs.iter().filter(|leg| matches!(leg.state, LegState::Connected | LegState::Hold)).count()
    }
}
