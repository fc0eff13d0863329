//! What snapshots answer (section 6.2 and Annex A.1).

use super::connection::{CallLinkage, Connection, DeviceHistoryItem};
use super::device::SubjectDevice;
use super::features::ServicesPermitted;
use super::state::{CallState, LocalConnectionState};
use crate::csta::owned::{IntoStatic, Text, owned_struct};

/// `crossRefIDorSnapshotData`: the data itself, or the reference under which the switch will send it in segments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotData<'a, T> {
    /// The data; empty for an idle device.
    Here(Vec<T>),
    /// It comes later, in requests from the switch under this `serviceCrossRefID`.
    Announced(Text<'a>),
}

impl<T: IntoStatic> IntoStatic for SnapshotData<'_, T> {
    type Owned = SnapshotData<'static, T::Owned>;
    fn into_static(self) -> Self::Owned {
        match self {
            Self::Here(items) => SnapshotData::Here(items.into_static()),
            Self::Announced(reference) => SnapshotData::Announced(reference.into_static()),
        }
    }
}

impl<T> Default for SnapshotData<'_, T> {
    fn default() -> Self {
        Self::Here(Vec::new())
    }
}

/// One call at the device (`snapshotDeviceResponseInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotDeviceInfo<'a> {
    /// The device's connection in the call.
    pub connection: Connection<'a>,
    /// The other party, if told.
    pub endpoint_device: SubjectDevice<'a>,
    /// State of the call.
    pub local_call_state: CallState,
    /// The services possible now; `None` if absent or empty.
    pub services_permitted: Option<ServicesPermitted>,
    /// The id over all legs (edition 6).
    pub call_linkage: Option<CallLinkage<'a>>,
}

owned_struct!(SnapshotDeviceInfo { connection, endpoint_device, call_linkage; local_call_state, services_permitted });

/// One device in the call (`snapshotCallResponseInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotCallInfo<'a> {
    /// The device.
    pub device_on_call: SubjectDevice<'a>,
    /// Its connection.
    pub connection: Connection<'a>,
    /// State of that connection.
    pub local_connection_info: Option<LocalConnectionState>,
    /// The services possible now; `None` if absent or empty.
    pub services_permitted: Option<ServicesPermitted>,
}

owned_struct!(SnapshotCallInfo { device_on_call, connection; local_connection_info, services_permitted });

/// `SnapshotCallResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotCall<'a> {
    /// The devices in the call.
    pub data: SnapshotData<'a, SnapshotCallInfo<'a>>,
    /// Who calls.
    pub calling_device: SubjectDevice<'a>,
    /// Who was called.
    pub called_device: SubjectDevice<'a>,
    /// The id over all legs.
    pub call_linkage: Option<CallLinkage<'a>>,
    /// The way of the call through redirections.
    pub device_history: Vec<DeviceHistoryItem<'a>>,
}

owned_struct!(SnapshotCall { data, calling_device, called_device, call_linkage, device_history });

/// A piece of a snapshot that the switch sends on its own (`SnapshotDeviceData`, `SnapshotCallData`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotSegment<'a, T> {
    /// The reference that the response announced.
    pub service_cross_ref_id: Text<'a>,
    /// Number of the piece.
    pub segment_id: Option<u32>,
    /// Whether it is the last one. Missing counts as last: nobody then waits for more.
    pub last_segment: bool,
    /// The data of this piece.
    pub items: Vec<T>,
}

impl<T: IntoStatic> IntoStatic for SnapshotSegment<'_, T> {
    type Owned = SnapshotSegment<'static, T::Owned>;
    fn into_static(self) -> Self::Owned {
        SnapshotSegment {
            service_cross_ref_id: self.service_cross_ref_id.into_static(),
            segment_id: self.segment_id,
            last_segment: self.last_segment,
            items: self.items.into_static(),
        }
    }
}
