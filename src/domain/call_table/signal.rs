//! What a PBX tells about a call, free of protocol words (dossier `csta-sip-cme` 7 and 10).

/// A device as the PBX names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Device {
    /// Its number, without scheme and parameters.
    pub number: String,
    /// The phone, 12 upper-case hex digits, when the PBX says it.
    pub mac: Option<String>,
}

/// A party of a signal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Endpoint {
    /// A device.
    Device(Device),
    /// The PBX does not know it.
    #[default]
    NotKnown,
    /// It withholds its number.
    Restricted,
    /// There is none (not redirected, not said).
    Absent,
}

impl Endpoint {
    /// The device, when it is one.
    pub fn device(&self) -> Option<&Device> {
        match self {
            Self::Device(device) => Some(device),
            _ => None,
        }
    }
}

/// A connection: a call at a device. Either part may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connection {
    /// The PBX's call id.
    pub call: Option<String>,
    /// The device.
    pub device: Option<Device>,
}

/// State of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalState {
    /// Gone.
    Null,
    /// Off hook.
    Initiated,
    /// Rings.
    Alerting,
    /// Speaks.
    Connected,
    /// Holds.
    Hold,
    /// Waits in a queue.
    Queued,
    /// Failed.
    Fail,
}

/// Why something happened, in the classes that people care for (dossier 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalCause {
    /// Nothing special.
    Normal,
    /// The caller gave up.
    CallerGaveUp,
    /// Nobody answered.
    NoAnswer,
    /// Busy.
    Busy,
    /// Refused.
    Rejected,
    /// No such number.
    InvalidNumber,
    /// No way through.
    Congestion,
    /// Something is out of service.
    OutOfService,
    /// Forwarded always.
    ForwardedUnconditional,
    /// Forwarded because busy.
    ForwardedBusy,
    /// Forwarded because nobody answered.
    ForwardedNoAnswer,
    /// Redirected.
    Redirected,
    /// Picked up.
    Pickup,
    /// Came back.
    Recall,
    /// A consultation.
    Consultation,
    /// A transfer.
    Transfer,
    /// A conference.
    Conference,
}

/// A connection that changed its call in a transfer or conference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moved {
    /// After.
    pub new: Connection,
    /// Before.
    pub old: Connection,
    /// Who is at its end.
    pub endpoint: Endpoint,
}

/// Parties that several signals carry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parties {
    /// Who calls.
    pub calling: Endpoint,
    /// Who was called.
    pub called: Endpoint,
    /// Who sent it on.
    pub redirecting: Endpoint,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalKind {
    /// Off hook without digits.
    DialTone {
        /// Whose.
        connection: Connection,
    },
    /// Digits are accepted.
    Originated {
        /// Whose.
        connection: Connection,
        /// Parties.
        parties: Parties,
    },
    /// Digits were pressed.
    DigitsDialed {
        /// Whose.
        connection: Connection,
        /// Which.
        digits: String,
    },
    /// The call left over a trunk.
    NetworkReached {
        /// The trunk's connection.
        connection: Connection,
        /// Parties.
        parties: Parties,
    },
    /// Somebody rings.
    Delivered {
        /// The ringing connection.
        connection: Connection,
        /// Who rings.
        alerting: Endpoint,
        /// Parties.
        parties: Parties,
    },
    /// Somebody answered.
    Established {
        /// The answering connection.
        connection: Connection,
        /// Who.
        answering: Endpoint,
        /// Parties.
        parties: Parties,
    },
    /// Somebody holds.
    Held {
        /// The held connection.
        connection: Connection,
        /// Who.
        holding: Endpoint,
    },
    /// Somebody took it back.
    Retrieved {
        /// The connection.
        connection: Connection,
        /// Who.
        retrieving: Endpoint,
    },
    /// It was sent on.
    Diverted {
        /// The connection it left.
        connection: Connection,
        /// Who sent it on.
        diverting: Endpoint,
        /// Where to.
        new_destination: Endpoint,
        /// Parties.
        parties: Parties,
    },
    /// Two calls became one without the one in the middle.
    Transferred {
        /// First call.
        primary: Connection,
        /// Second call.
        secondary: Option<Connection>,
        /// Who did it.
        transferring: Endpoint,
        /// Who gets it.
        transferred_to: Endpoint,
        /// The new connections.
        connections: Vec<Moved>,
    },
    /// Two calls became one with all of them.
    Conferenced {
        /// First call.
        primary: Connection,
        /// Second call.
        secondary: Option<Connection>,
        /// Who did it.
        conferencing: Endpoint,
        /// Who came in.
        added: Endpoint,
        /// The new connections.
        connections: Vec<Moved>,
    },
    /// One party left.
    ConnectionCleared {
        /// Which connection.
        connection: Connection,
        /// Who released it.
        releasing: Endpoint,
    },
    /// The whole call is gone.
    CallCleared {
        /// Which.
        connection: Connection,
    },
    /// It did not come about.
    Failed {
        /// The failed connection.
        connection: Connection,
        /// Who failed.
        failing: Endpoint,
        /// Parties.
        parties: Parties,
    },
    /// It waits in a queue.
    Queued {
        /// Which connection.
        connection: Connection,
        /// Parties.
        parties: Parties,
    },
    /// A shared number is used at another phone.
    Bridged {
        /// Which connection.
        connection: Connection,
    },
}

/// One signal of a monitored address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// What happened.
    pub kind: SignalKind,
    /// State of the monitored connection after it, if the PBX says so.
    pub local_state: Option<LocalState>,
    /// Why.
    pub cause: SignalCause,
}

/// One call in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotCall {
    /// The connection of the monitored device.
    pub connection: Connection,
    /// Who is at the other end.
    pub endpoint: Endpoint,
    /// State of the own connection.
    pub own: LocalState,
    /// States of the other connections, the far end's first.
    pub others: Vec<LocalState>,
}

impl SnapshotCall {
    /// State of the far end's connection, if there is one.
    pub fn other(&self) -> Option<LocalState> {
        self.others.first().copied()
    }

    /// How many others talk, or wait on hold.
    pub(super) fn talking(&self) -> usize {
        self.others.iter().filter(|state| matches!(state, LocalState::Connected | LocalState::Hold)).count()
    }
}
