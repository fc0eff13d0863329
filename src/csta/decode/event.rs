//! Events: one loop fills the slots, whatever their order; the root decides what they mean.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::value::{self, Result};
use crate::csta::owned::Text;
use crate::csta::types::{
    Connection, ConnectionListItem, DeviceId, Event, EventKind, ForwardDefault, ForwardingType, Progress,
    RedirectionDevice, SubjectDevice,
};

/// The parts that are special to some events; the element names differ by event, the roles do not.
#[derive(Default)]
struct Slots<'a> {
    connection: Connection<'a>,
    secondary: Option<Connection<'a>>,
    nid_connection: Option<Connection<'a>>,
    /// The device that the event is about.
    subject: SubjectDevice<'a>,
    calling: SubjectDevice<'a>,
    called: SubjectDevice<'a>,
    last_redirection: RedirectionDevice<'a>,
    /// Where a call goes: new destination, transferred-to, added party.
    target: SubjectDevice<'a>,
    list: Vec<ConnectionListItem<'a>>,
    /// A bare device: dialling sequence, forwarding target, device for messages.
    device: Option<DeviceId<'a>>,
    text: Text<'a>,
    flag: Option<bool>,
    forwarding_type: Option<ForwardingType>,
    forward_default: Option<ForwardDefault>,
    number: Option<u32>,
    in_front: Option<u32>,
}

pub(super) fn event<'a>(cursor: &mut Cursor<'a>, root: &'a str) -> Result<Event<'a>> {
    let mut event = Event {
        monitor_cross_ref_id: Cow::Borrowed(""),
        cause: None,
        local_connection_info: None,
        services_permitted: None,
        call_linkage: None,
        device_history: Vec::new(),
        correlator_data: None,
        user_data: None,
        private_data: None,
        kind: EventKind::Other { root: Cow::Borrowed(root) },
    };
    let mut slots = Slots::default();
    cursor.each(|cursor, name| {
        match name {
            "monitorCrossRefID" => event.monitor_cross_ref_id = cursor.text()?,
            "cause" => event.cause = value::cause(cursor)?,
            "localConnectionInfo" => event.local_connection_info = value::local_state(cursor)?,
            "servicesPermitted" => event.services_permitted = value::services_permitted(cursor)?,
            "callLinkageData" => event.call_linkage = value::call_linkage(cursor)?,
            "deviceHistory" => event.device_history = value::device_history(cursor)?,
            "correlatorData" => event.correlator_data = value::hex_data(cursor)?,
            "userData" => event.user_data = value::hex_data(cursor)?,
            "extensions" | "privateData" => {
                event.private_data = Some(cursor.raw()?).filter(|text| !text.is_empty());
            }
            other => fill(&mut slots, cursor, other)?,
        }
        Ok(())
    })?;
    event.kind = kind(slots, root);
    Ok(event)
}

fn fill<'a>(slots: &mut Slots<'a>, cursor: &mut Cursor<'a>, name: &str) -> Result<()> {
    match name {
        "connection"
        | "initiatedConnection"
        | "originatedConnection"
        | "dialingConnection"
        | "diallingConnection"
        | "offeredConnection"
        | "outboundConnection"
        | "establishedConnection"
        | "heldConnection"
        | "retrievedConnection"
        | "droppedConnection"
        | "clearedCall"
        | "failedConnection"
        | "queuedConnection"
        | "bridgedConnection"
        | "primaryOldCall" => slots.connection = value::connection(cursor)?,
        "secondaryOldCall" => slots.secondary = Some(value::connection(cursor)?),
        // The schema's slip in EstablishedEvent, and the right spelling (section 5.2).
        "originatingNIDConnection" | "originatinNIDConnection" => {
            slots.nid_connection = Some(value::connection(cursor)?);
        }
        "initiatingDevice"
        | "dialingDevice"
        | "diallingDevice"
        | "alertingDevice"
        | "offeredDevice"
        | "networkInterfaceUsed"
        | "answeringDevice"
        | "holdingDevice"
        | "retrievingDevice"
        | "divertingDevice"
        | "transferringDevice"
        | "transferingDevice"
        | "conferencingDevice"
        | "releasingDevice"
        | "failingDevice"
        | "queue"
        | "bridgedAppearance"
        | "device"
        | "targetDevice" => slots.subject = value::subject(cursor)?,
        "callingDevice" => slots.calling = value::subject(cursor)?,
        "calledDevice" => slots.called = value::subject(cursor)?,
        "lastRedirectionDevice" => slots.last_redirection = value::redirection(cursor)?,
        "newDestination" | "transferredToDevice" | "transferedToDevice" | "addedParty" => {
            slots.target = value::subject(cursor)?;
        }
        "transferredConnections" | "transferedConnections" | "conferenceConnections" => {
            slots.list = value::connection_list(cursor)?;
        }
        "dialingSequence" | "diallingSequence" | "forwardTo" | "deviceForMessage" => {
            slots.device = value::device(cursor)?;
        }
        "digitGeneratedList" | "hookswitch" => slots.text = cursor.text()?,
        "doNotDisturbOn" | "forwardStatus" | "messageWaitingOn" | "hookswitchOnHook" | "callerIDProvided" => {
            slots.flag = value::flag(cursor)?;
        }
        "forwardingType" => {
            slots.forwarding_type = value::filled(cursor)?.map(|text| ForwardingType::parse(&text));
        }
        "forwardDefault" => {
            slots.forward_default = value::filled(cursor)?.map(|text| ForwardDefault::parse(&text));
        }
        "ringCount" | "numberQueued" => slots.number = value::number(cursor)?,
        "callsInFront" => slots.in_front = value::number(cursor)?,
        _ => {}
    }
    Ok(())
}

fn kind<'a>(slots: Slots<'a>, root: &'a str) -> EventKind<'a> {
    let connection = slots.connection;
    match root {
        "DeliveredEvent"
        | "OfferedEvent"
        | "NetworkReachedEvent"
        | "EstablishedEvent"
        | "FailedEvent"
        | "QueuedEvent" => {
            let progress = Progress {
                connection,
                device: slots.subject,
                calling_device: slots.calling,
                called_device: slots.called,
                last_redirection_device: slots.last_redirection,
                originating_nid_connection: slots.nid_connection,
            };
            match root {
                "DeliveredEvent" => EventKind::Delivered { progress },
                "OfferedEvent" => EventKind::Offered { progress },
                "NetworkReachedEvent" => EventKind::NetworkReached { progress },
                "EstablishedEvent" => EventKind::Established { progress },
                "FailedEvent" => EventKind::Failed { progress },
                _ => EventKind::Queued { progress, number_queued: slots.number, calls_in_front: slots.in_front },
            }
        }
        "ServiceInitiatedEvent" => EventKind::ServiceInitiated { connection, initiating_device: slots.subject },
        "OriginatedEvent" => {
            EventKind::Originated { connection, calling_device: slots.calling, called_device: slots.called }
        }
        "DigitsDialedEvent" => EventKind::DigitsDialed {
            connection,
            dialing_device: slots.subject,
            dialing_sequence: slots.device.unwrap_or_default(),
        },
        "HeldEvent" => EventKind::Held { connection, holding_device: slots.subject },
        "RetrievedEvent" => EventKind::Retrieved { connection, retrieving_device: slots.subject },
        "DivertedEvent" => EventKind::Diverted {
            connection,
            diverting_device: slots.subject,
            new_destination: slots.target,
            calling_device: slots.calling,
            called_device: slots.called,
            last_redirection_device: slots.last_redirection,
        },
        // One `r` is the schema's spelling (section 5.2).
        "TransferedEvent" | "TransferredEvent" => EventKind::Transferred {
            primary_old_call: connection,
            secondary_old_call: slots.secondary,
            transferring_device: slots.subject,
            transferred_to_device: slots.target,
            transferred_connections: slots.list,
        },
        "ConferencedEvent" => EventKind::Conferenced {
            primary_old_call: connection,
            secondary_old_call: slots.secondary,
            conferencing_device: slots.subject,
            added_party: slots.target,
            conference_connections: slots.list,
        },
        "ConnectionClearedEvent" => {
            EventKind::ConnectionCleared { dropped_connection: connection, releasing_device: slots.subject }
        }
        "CallClearedEvent" => EventKind::CallCleared { cleared_call: connection },
        "BridgedEvent" => EventKind::Bridged { connection, bridged_appearance: slots.subject },
        "CallInformationEvent" => {
            EventKind::CallInformation { connection, device: slots.subject, calling_device: slots.calling }
        }
        "DigitsGeneratedEvent" => EventKind::DigitsGenerated { connection, digits: slots.text },
        "DoNotDisturbEvent" => EventKind::DoNotDisturb { device: slots.subject, on: slots.flag },
        "ForwardingEvent" => EventKind::Forwarding {
            device: slots.subject,
            forward_to: slots.device,
            forwarding_type: slots.forwarding_type,
            forward_status: slots.flag,
            forward_default: slots.forward_default,
            ring_count: slots.number,
        },
        "CallerIDStatusEvent" => EventKind::CallerIdStatus { device: slots.subject, provided: slots.flag },
        "MessageWaitingEvent" => {
            EventKind::MessageWaiting { target_device: slots.subject, device_for_message: slots.device, on: slots.flag }
        }
        "HookswitchEvent" => {
            EventKind::Hookswitch { device: slots.subject, hookswitch: slots.text, on_hook: slots.flag }
        }
        "BackInServiceEvent" => EventKind::BackInService { device: slots.subject },
        "OutOfServiceEvent" => EventKind::OutOfService { device: slots.subject },
        "PartiallyInServiceEvent" => EventKind::PartiallyInService { device: slots.subject },
        "DeviceCapsChangedEvent" => EventKind::DeviceCapsChanged { device: slots.subject },
        _ => EventKind::Other { root: Cow::Borrowed(root) },
    }
}
