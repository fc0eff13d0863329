//! From the words of CSTA to the signals of the call model (dossier `csta-sip-cme` 7 and 10).

use crate::csta::{
    self, ConnectionListItem, DeviceId, EventCause, EventKind, LocalConnectionState, Progress, RedirectionDevice,
    SnapshotCallInfo, SnapshotDeviceInfo, SubjectDevice,
};
use crate::domain::call_table::{
    Connection, Device, Endpoint, LocalState, Moved, Parties, Signal, SignalCause, SignalKind, SnapshotCall,
};

/// The signal of an event; `None` for events that concern no call.
pub(super) fn signal(event: &csta::Event<'_>) -> Option<Signal> {
    let cause = cause(event.cause.as_ref());
    let kind = match &event.kind {
        EventKind::ServiceInitiated { connection: it, .. } => SignalKind::DialTone { connection: connection(it) },
        EventKind::Originated { connection: it, calling_device, called_device } => SignalKind::Originated {
            connection: connection(it),
            parties: Parties {
                calling: endpoint(calling_device),
                called: endpoint(called_device),
                redirecting: Endpoint::Absent,
            },
        },
        EventKind::DigitsDialed { connection: it, dialing_sequence, .. } => {
            SignalKind::DigitsDialed { connection: connection(it), digits: dialing_sequence.number.to_string() }
        }
        EventKind::NetworkReached { progress } => {
            SignalKind::NetworkReached { connection: connection(&progress.connection), parties: parties(progress) }
        }
        EventKind::Delivered { progress } | EventKind::Offered { progress } => SignalKind::Delivered {
            connection: connection(&progress.connection),
            alerting: endpoint(&progress.device),
            parties: parties(progress),
        },
        EventKind::Established { progress } => SignalKind::Established {
            connection: connection(&progress.connection),
            answering: endpoint(&progress.device),
            parties: parties(progress),
        },
        EventKind::Failed { progress } => SignalKind::Failed {
            connection: connection(&progress.connection),
            failing: endpoint(&progress.device),
            parties: parties(progress),
        },
        EventKind::Queued { progress, .. } => {
            SignalKind::Queued { connection: connection(&progress.connection), parties: parties(progress) }
        }
        EventKind::Held { connection: it, holding_device } => {
            SignalKind::Held { connection: connection(it), holding: endpoint(holding_device) }
        }
        EventKind::Retrieved { connection: it, retrieving_device } => {
            SignalKind::Retrieved { connection: connection(it), retrieving: endpoint(retrieving_device) }
        }
        EventKind::Diverted {
            connection: it,
            diverting_device,
            new_destination,
            calling_device,
            called_device,
            last_redirection_device,
        } => SignalKind::Diverted {
            connection: connection(it),
            diverting: endpoint(diverting_device),
            new_destination: endpoint(new_destination),
            parties: Parties {
                calling: endpoint(calling_device),
                called: endpoint(called_device),
                redirecting: redirection(last_redirection_device),
            },
        },
        EventKind::Transferred {
            primary_old_call,
            secondary_old_call,
            transferring_device,
            transferred_to_device,
            transferred_connections,
        } => SignalKind::Transferred {
            primary: connection(primary_old_call),
            secondary: secondary_old_call.as_ref().map(connection),
            transferring: endpoint(transferring_device),
            transferred_to: endpoint(transferred_to_device),
            connections: transferred_connections.iter().map(moved).collect(),
        },
        EventKind::Conferenced {
            primary_old_call,
            secondary_old_call,
            conferencing_device,
            added_party,
            conference_connections,
        } => SignalKind::Conferenced {
            primary: connection(primary_old_call),
            secondary: secondary_old_call.as_ref().map(connection),
            conferencing: endpoint(conferencing_device),
            added: endpoint(added_party),
            connections: conference_connections.iter().map(moved).collect(),
        },
        EventKind::ConnectionCleared { dropped_connection, releasing_device } => SignalKind::ConnectionCleared {
            connection: connection(dropped_connection),
            releasing: endpoint(releasing_device),
        },
        EventKind::CallCleared { cleared_call } => SignalKind::CallCleared { connection: connection(cleared_call) },
        EventKind::Bridged { connection: it, .. } => SignalKind::Bridged { connection: connection(it) },
        _ => return None,
    };
    Some(Signal { kind, local_state: event.local_connection_info.as_ref().and_then(local_state), cause })
}

/// One call of a snapshot.
pub(super) fn snapshot_call(info: &SnapshotDeviceInfo<'_>, own: csta::OwnIndex) -> SnapshotCall {
    let state = &info.local_call_state;
    SnapshotCall {
        connection: connection(&info.connection),
        endpoint: endpoint(&info.endpoint_device),
        // A call without a readable state is there all the same: the least that is certain.
        own: state.own(own).as_ref().and_then(local_state).unwrap_or(LocalState::Connected),
        others: state.others(own).iter().filter_map(local_state).collect(),
    }
}

/// A call of an address, by the devices that are in it; `None` when the address is not.
pub(super) fn call_snapshot(
    pbx_call: &str,
    devices: &[SnapshotCallInfo<'_>],
    number: &str,
    mac: Option<&str>,
) -> Option<SnapshotCall> {
    let id_of = |info: &SnapshotCallInfo<'_>| info.device_on_call.id().or(info.connection.device.as_ref()).map(device);
    let is_own = |info: &SnapshotCallInfo<'_>| {
        id_of(info).is_some_and(|device| {
            let is_this_phone = device.mac.as_deref().zip(mac).is_none_or(|(theirs, own)| theirs == own);
            device.number == number && is_this_phone
        })
    };
    let state_of = |info: &SnapshotCallInfo<'_>| info.local_connection_info.as_ref().and_then(local_state);
    let own = devices.iter().find(|info| is_own(info))?;
    let state = state_of(own).unwrap_or(LocalState::Connected);
    if state == LocalState::Null {
        return None;
    }
    let others = devices.iter().filter(|info| !is_own(info));
    let other = others.clone().next();
    Some(SnapshotCall {
        connection: Connection { call: Some(pbx_call.to_owned()), device: id_of(own) },
        endpoint: other.map(|info| endpoint(&info.device_on_call)).unwrap_or(Endpoint::Absent),
        own: state,
        others: others.filter_map(state_of).collect(),
    })
}

fn connection(it: &csta::Connection<'_>) -> Connection {
    Connection {
        call: it.call_id.as_ref().map(|id| id.to_string()).filter(|id| !id.is_empty()),
        device: it.device.as_ref().map(device),
    }
}

pub(super) fn device(id: &DeviceId<'_>) -> Device {
    Device { number: id.number.to_string(), mac: id.mac.as_ref().map(|mac| mac.as_str().to_owned()) }
}

fn endpoint(subject: &SubjectDevice<'_>) -> Endpoint {
    match subject {
        SubjectDevice::Identified(id) => Endpoint::Device(device(id)),
        SubjectDevice::Restricted => Endpoint::Restricted,
        SubjectDevice::NotKnown => Endpoint::NotKnown,
        _ => Endpoint::Absent,
    }
}

fn redirection(device_id: &RedirectionDevice<'_>) -> Endpoint {
    match device_id {
        RedirectionDevice::NumberDialed(id) => Endpoint::Device(device(id)),
        RedirectionDevice::Restricted => Endpoint::Restricted,
        RedirectionDevice::NotKnown => Endpoint::NotKnown,
        _ => Endpoint::Absent,
    }
}

fn parties(progress: &Progress<'_>) -> Parties {
    Parties {
        calling: endpoint(&progress.calling_device),
        called: endpoint(&progress.called_device),
        redirecting: redirection(&progress.last_redirection_device),
    }
}

fn moved(item: &ConnectionListItem<'_>) -> Moved {
    let part = |it: &Option<csta::Connection<'_>>| it.as_ref().map(connection).unwrap_or_default();
    Moved { new: part(&item.new_connection), old: part(&item.old_connection), endpoint: endpoint(&item.endpoint) }
}

fn local_state(state: &LocalConnectionState) -> Option<LocalState> {
    Some(match state {
        LocalConnectionState::Null => LocalState::Null,
        LocalConnectionState::Initiated => LocalState::Initiated,
        LocalConnectionState::Alerting => LocalState::Alerting,
        LocalConnectionState::Connected => LocalState::Connected,
        LocalConnectionState::Hold => LocalState::Hold,
        LocalConnectionState::Queued => LocalState::Queued,
        LocalConnectionState::Fail => LocalState::Fail,
        LocalConnectionState::Other(_) => return None,
    })
}

/// The classes of dossier 5.4.
fn cause(cause: Option<&EventCause>) -> SignalCause {
    use EventCause as E;
    let Some(cause) = cause else { return SignalCause::Normal };
    match cause {
        E::CallCancelled => SignalCause::CallerGaveUp,
        E::CallNotAnswered | E::AlertTimeExpired | E::Timeout | E::RecallNoAnswer => SignalCause::NoAnswer,
        E::Busy | E::BusyOverflow | E::RecallBusy | E::SelectedTrunkBusy => SignalCause::Busy,
        E::Blocked | E::DoNotDisturb | E::Lockout | E::Reserved | E::UnauthorisedBearerService => SignalCause::Rejected,
        E::InvalidNumberFormat
        | E::NumberUnallocated
        | E::NumberChanged
        | E::DestNotObtainable
        | E::IncompatibleDestination => SignalCause::InvalidNumber,
        E::TrunksBusy | E::NetworkCongestion | E::ResourcesNotAvailable | E::NetworkNotObtainable | E::ReorderTone => {
            SignalCause::Congestion
        }
        E::NetworkOutOfOrder | E::DestOutOfOrder | E::Maintenance => SignalCause::OutOfService,
        E::CallForward | E::CallForwardImmediate => SignalCause::ForwardedUnconditional,
        E::CallForwardBusy => SignalCause::ForwardedBusy,
        E::CallForwardNoAnswer => SignalCause::ForwardedNoAnswer,
        E::Redirected | E::RecallForwarded | E::Distributed | E::Overflow => SignalCause::Redirected,
        E::CallPickup => SignalCause::Pickup,
        E::Recall | E::Park => SignalCause::Recall,
        E::Consultation => SignalCause::Consultation,
        E::Transfer | E::SingleStepTransfer => SignalCause::Transfer,
        E::Conference | E::SingleStepConference => SignalCause::Conference,
        _ => SignalCause::Normal,
    }
}
