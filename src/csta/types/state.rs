//! Connection and call states (dossier sections 5.3 and 10).

use crate::csta::names::open_names;

open_names! {
    /// State of one connection: type of `localConnectionInfo` and of the members of `compoundCallState`.
    LocalConnectionState {
        Null = "null",
        Initiated = "initiated",
        Alerting = "alerting",
        Connected = "connected",
        Hold = "hold",
        Queued = "queued",
        Fail = "fail",
    }
}

open_names! {
    /// A call seen from the snapshot device in one word; [`SimpleCallState::pair`] takes it apart.
    SimpleCallState {
        CallNull = "callNull",
        CallPending = "callPending",
        CallOriginated = "callOriginated",
        CallDelivered = "callDelivered",
        CallDeliveredHeld = "callDeliveredHeld",
        CallReceived = "callReceived",
        CallEstablished = "callEstablished",
        CallEstablishedHeld = "callEstablishedHeld",
        CallReceivedOnHold = "callReceivedOnHold",
        CallEstablishedOnHold = "callEstablishedOnHold",
        CallQueued = "callQueued",
        CallQueuedHeld = "callQueuedHeld",
        CallFailed = "callFailed",
        CallFailedHeld = "callFailedHeld",
        CallBlocked = "callBlocked",
    }
}

impl SimpleCallState {
    /// The two connection states behind the word, own first: the standard's value is a pair of hex digits, the high
    /// one for the other party, the low one for the snapshot device (section 10). `None` for an unlisted word.
    #[must_use]
    pub fn pair(&self) -> Option<(LocalConnectionState, LocalConnectionState)> {
        use LocalConnectionState::{Alerting, Connected, Fail, Hold, Initiated, Null, Queued};
        Some(match self {
            Self::CallNull => (Null, Null),
            Self::CallPending => (Initiated, Null),
            Self::CallOriginated => (Connected, Null),
            Self::CallDelivered => (Connected, Alerting),
            Self::CallDeliveredHeld => (Hold, Alerting),
            Self::CallReceived => (Alerting, Connected),
            Self::CallReceivedOnHold => (Alerting, Hold),
            Self::CallEstablished => (Connected, Connected),
            Self::CallEstablishedHeld => (Hold, Connected),
            Self::CallEstablishedOnHold => (Connected, Hold),
            Self::CallQueued => (Connected, Queued),
            Self::CallQueuedHeld => (Hold, Queued),
            Self::CallFailed => (Connected, Fail),
            Self::CallFailedHeld => (Hold, Fail),
            Self::CallBlocked => (Null, Fail),
            Self::Other(_) => return None,
        })
    }
}

/// Where our own connection stands in a `compoundCallState` (dialect switch U-24; the standard does not fix it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnIndex {
    /// The first entry is ours.
    #[default]
    First,
    /// The last entry is ours.
    Last,
}

/// State of a call in a snapshot (section 5.3, CallState).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallState {
    /// The states of the call's connections in the order sent.
    Compound(Vec<LocalConnectionState>),
    /// One word for the pair of states.
    Simple(SimpleCallState),
    /// `unknown`, or no state at all.
    #[default]
    Unknown,
}

impl CallState {
    /// State of the snapshot device's own connection, if the answer tells it.
    #[must_use]
    pub fn own(&self, index: OwnIndex) -> Option<LocalConnectionState> {
        match (self, index) {
            (Self::Compound(states), OwnIndex::First) => states.first().cloned(),
            (Self::Compound(states), OwnIndex::Last) => states.last().cloned(),
            (Self::Simple(word), _) => word.pair().map(|(own, _)| own),
            (Self::Unknown, _) => None,
        }
    }

    /// State of the other connection; in a call of more than two the first that is not our own.
    #[must_use]
    pub fn other(&self, index: OwnIndex) -> Option<LocalConnectionState> {
        self.others(index).into_iter().next()
    }

    /// States of all other connections, in the order sent.
    #[must_use]
    pub fn others(&self, index: OwnIndex) -> Vec<LocalConnectionState> {
        match (self, index) {
            (Self::Compound(states), OwnIndex::First) => states.iter().skip(1).cloned().collect(),
            (Self::Compound(states), OwnIndex::Last) => {
                states.iter().take(states.len().saturating_sub(1)).cloned().collect()
            }
            (Self::Simple(word), _) => word.pair().map(|(_, other)| other).into_iter().collect(),
            (Self::Unknown, _) => Vec::new(),
        }
    }
}
