//! The events (section 7 and Annex A.2): what all share stands in [`Event`], what is special in [`EventKind`].

use super::cause::EventCause;
use super::connection::{CallLinkage, Connection, ConnectionListItem, DeviceHistoryItem};
use super::device::{DeviceId, RedirectionDevice, SubjectDevice};
use super::features::ServicesPermitted;
use super::state::LocalConnectionState;
use super::vocabulary::{ForwardDefault, ForwardingType};
use crate::csta::owned::{IntoStatic, Text, owned_struct};

/// An event, borrowed from the body it was decoded from.
///
/// Parts that the schema makes mandatory but a switch left out are empty or `Absent`: an event is never lost for a
/// missing part (section 3.8 in spirit; the receiver decides what it can use).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// `monitorCrossRefID`, opaque; empty if missing.
    pub monitor_cross_ref_id: Text<'a>,
    /// Why it happened. Mandatory in call-control events, absent in some device events.
    pub cause: Option<EventCause>,
    /// State of the monitored device's connection after the event. CME: may describe the connection named in the event
    /// instead (section 10 rule 1), so trust it with care.
    pub local_connection_info: Option<LocalConnectionState>,
    /// The services possible now; `None` if absent or empty.
    pub services_permitted: Option<ServicesPermitted>,
    /// The id over all legs of the call.
    pub call_linkage: Option<CallLinkage<'a>>,
    /// The way of the call through redirections.
    pub device_history: Vec<DeviceHistoryItem<'a>>,
    /// `correlatorData/string`, decoded from hexBinary; `None` where it is absent or not hex (section 15c).
    pub correlator_data: Option<Vec<u8>>,
    /// `userData/string`, decoded from hexBinary.
    pub user_data: Option<Vec<u8>>,
    /// The markup inside `extensions` (or inside a `privateData` directly in the event), raw.
    pub private_data: Option<Text<'a>>,
    /// What happened.
    pub kind: EventKind<'a>,
}

owned_struct!(Event {
    monitor_cross_ref_id, call_linkage, device_history, private_data, kind;
    cause, local_connection_info, services_permitted, correlator_data, user_data
});

/// The six parts shared by the events that tell a call's progress between two parties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The connection that changed.
    pub connection: Connection<'a>,
    /// The device of that connection: alerting, offered, answering, failing device, queue, or network interface.
    pub device: SubjectDevice<'a>,
    /// Who calls.
    pub calling_device: SubjectDevice<'a>,
    /// Who was called.
    pub called_device: SubjectDevice<'a>,
    /// From where the call was redirected last.
    pub last_redirection_device: RedirectionDevice<'a>,
    /// The connection of the network interface the call came in on (both spellings of the element).
    pub originating_nid_connection: Option<Connection<'a>>,
}

owned_struct!(Progress {
    connection,
    device,
    calling_device,
    called_device,
    last_redirection_device,
    originating_nid_connection
});

/// Defines the event kinds once, with their way out of the borrow.
macro_rules! event_kinds {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty),* $(; $($(#[$plain_meta:meta])* $plain:ident: $plain_kind:ty),*)? })+) => {
        /// What happened, one variant per event root of section 7.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum EventKind<'a> {
            $($(#[$meta])* $name { $($(#[$field_meta])* $field: $kind,)* $($($(#[$plain_meta])* $plain: $plain_kind,)*)? },)+
        }

        impl IntoStatic for EventKind<'_> {
            type Owned = EventKind<'static>;
            fn into_static(self) -> EventKind<'static> {
                match self {
                    $(Self::$name { $($field,)* $($($plain,)*)? } => EventKind::$name {
                        $($field: $field.into_static(),)* $($($plain,)*)?
                    },)+
                }
            }
        }
    };
}

event_kinds! {
    /// Off hook, or the phone prompts.
    ServiceInitiated {
        /// The new connection.
        connection: Connection<'a>,
        /// The device that went off hook.
        initiating_device: SubjectDevice<'a>
    }
    /// Digits are accepted. CME: raised at off-hook too, with the called device not known.
    Originated {
        /// The caller's connection.
        connection: Connection<'a>,
        /// The caller.
        calling_device: SubjectDevice<'a>,
        /// The dialled device.
        called_device: SubjectDevice<'a>
    }
    /// Multi-stage dialling.
    DigitsDialed {
        /// The dialling connection.
        connection: Connection<'a>,
        /// The dialling device.
        dialing_device: SubjectDevice<'a>,
        /// The digits of this step.
        dialing_sequence: DeviceId<'a>
    }
    /// Somebody rings: us (incoming) or the other side (outgoing).
    Delivered {
        /// Connection, alerting device and parties.
        progress: Progress<'a>
    }
    /// Before ringing.
    Offered {
        /// Connection, offered device and parties.
        progress: Progress<'a>
    }
    /// The call left over a trunk; no further progress is guaranteed.
    NetworkReached {
        /// Connection, network interface and parties.
        progress: Progress<'a>
    }
    /// Answered.
    Established {
        /// Connection, answering device and parties.
        progress: Progress<'a>
    }
    /// Busy, invalid, blocked.
    Failed {
        /// Connection, failing device and parties.
        progress: Progress<'a>
    }
    /// Parked or queued.
    Queued {
        /// Connection, queue and parties.
        progress: Progress<'a>;
        /// Calls in the queue.
        number_queued: Option<u32>,
        /// Calls before this one.
        calls_in_front: Option<u32>
    }
    /// Put on hold.
    Held {
        /// The held connection.
        connection: Connection<'a>,
        /// Who holds.
        holding_device: SubjectDevice<'a>
    }
    /// Taken from hold.
    Retrieved {
        /// The retrieved connection.
        connection: Connection<'a>,
        /// Who retrieved.
        retrieving_device: SubjectDevice<'a>
    }
    /// Redirected, forwarded, picked up by another.
    Diverted {
        /// The connection that the call leaves.
        connection: Connection<'a>,
        /// The device that the call leaves.
        diverting_device: SubjectDevice<'a>,
        /// Where the call goes.
        new_destination: SubjectDevice<'a>,
        /// Who calls.
        calling_device: SubjectDevice<'a>,
        /// Who was called.
        called_device: SubjectDevice<'a>,
        /// From where the call was redirected last.
        last_redirection_device: RedirectionDevice<'a>
    }
    /// A transfer is done (`TransferedEvent`, the corrected spelling too).
    Transferred {
        /// The call that was held.
        primary_old_call: Connection<'a>,
        /// The consultation call.
        secondary_old_call: Option<Connection<'a>>,
        /// Who transferred.
        transferring_device: SubjectDevice<'a>,
        /// Who got the call.
        transferred_to_device: SubjectDevice<'a>,
        /// Old and new connections.
        transferred_connections: Vec<ConnectionListItem<'a>>
    }
    /// A conference was made or extended.
    Conferenced {
        /// The call that was held.
        primary_old_call: Connection<'a>,
        /// The consultation call.
        secondary_old_call: Option<Connection<'a>>,
        /// Who made the conference.
        conferencing_device: SubjectDevice<'a>,
        /// Who came in.
        added_party: SubjectDevice<'a>,
        /// Old and new connections.
        conference_connections: Vec<ConnectionListItem<'a>>
    }
    /// One party left.
    ConnectionCleared {
        /// The connection that is gone.
        dropped_connection: Connection<'a>,
        /// Who released.
        releasing_device: SubjectDevice<'a>
    }
    /// The whole call is gone (usually for call monitors).
    CallCleared {
        /// The call.
        cleared_call: Connection<'a>
    }
    /// A shared appearance became passive.
    Bridged {
        /// The bridged connection.
        connection: Connection<'a>,
        /// The appearance.
        bridged_appearance: SubjectDevice<'a>
    }
    /// Data about a call changed.
    CallInformation {
        /// The connection.
        connection: Connection<'a>,
        /// The device.
        device: SubjectDevice<'a>,
        /// Who calls.
        calling_device: SubjectDevice<'a>
    }
    /// Digits were sent in a call.
    DigitsGenerated {
        /// The connection.
        connection: Connection<'a>,
        /// The characters.
        digits: Text<'a>
    }
    /// Do not disturb was switched.
    DoNotDisturb {
        /// The device.
        device: SubjectDevice<'a>;
        /// The state from now on; `None` if it was not sent or not a boolean.
        on: Option<bool>
    }
    /// Forwarding was switched.
    Forwarding {
        /// The device.
        device: SubjectDevice<'a>,
        /// The target, if sent.
        forward_to: Option<DeviceId<'a>>;
        /// The kind, if sent.
        forwarding_type: Option<ForwardingType>,
        /// Whether it is active; `None` if it was not sent or not a boolean.
        forward_status: Option<bool>,
        /// Whether a default setting was switched.
        forward_default: Option<ForwardDefault>,
        /// Rings before a no-answer forwarding.
        ring_count: Option<u32>
    }
    /// Whether the caller's number is shown to others was switched.
    CallerIdStatus {
        /// The device.
        device: SubjectDevice<'a>;
        /// Whether the number is provided.
        provided: Option<bool>
    }
    /// The message lamp was switched.
    MessageWaiting {
        /// The device with the lamp.
        target_device: SubjectDevice<'a>,
        /// The device with the messages.
        device_for_message: Option<DeviceId<'a>>;
        /// Whether messages wait.
        on: Option<bool>
    }
    /// The hook switch moved.
    Hookswitch {
        /// The device.
        device: SubjectDevice<'a>,
        /// Which hook switch.
        hookswitch: Text<'a>;
        /// Whether it is on hook.
        on_hook: Option<bool>
    }
    /// The device serves again.
    BackInService {
        /// The device.
        device: SubjectDevice<'a>
    }
    /// The device does not serve.
    OutOfService {
        /// The device.
        device: SubjectDevice<'a>
    }
    /// The device serves partly.
    PartiallyInService {
        /// The device.
        device: SubjectDevice<'a>
    }
    /// The device's abilities changed.
    DeviceCapsChanged {
        /// The device.
        device: SubjectDevice<'a>
    }
    /// An event this code does not know; its root name.
    Other {
        /// The root's local name.
        root: Text<'a>
    }
}
