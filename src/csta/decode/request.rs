//! Services that the switch asks of us (section 6, "either side").

use std::borrow::Cow;

use super::cursor::Cursor;
use super::response;
use super::value::{self, Result};
use crate::csta::owned::{IntoStatic, Text, owned_method};
use crate::csta::types::{Service, SnapshotCallInfo, SnapshotDeviceInfo, SnapshotSegment, SystemStatus};

/// A request from the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerRequest<'a> {
    /// The switch asks for our status.
    RequestSystemStatus,
    /// The switch tells its status.
    SystemStatus {
        /// The status; `None` where it is missing.
        status: Option<SystemStatus>,
    },
    /// The switch ended a monitor.
    MonitorStop {
        /// The monitor, opaque; empty if missing.
        monitor_cross_ref_id: Text<'a>,
    },
    /// A piece of a device snapshot. It has no response in CSTA.
    SnapshotDeviceData(SnapshotSegment<'a, SnapshotDeviceInfo<'a>>),
    /// A piece of a call snapshot. It has no response in CSTA.
    SnapshotCallData(SnapshotSegment<'a, SnapshotCallInfo<'a>>),
    /// A service that we do not give.
    Other(Service),
}

impl IntoStatic for PeerRequest<'_> {
    type Owned = PeerRequest<'static>;
    fn into_static(self) -> PeerRequest<'static> {
        match self {
            Self::RequestSystemStatus => PeerRequest::RequestSystemStatus,
            Self::SystemStatus { status } => PeerRequest::SystemStatus { status },
            Self::MonitorStop { monitor_cross_ref_id } => {
                PeerRequest::MonitorStop { monitor_cross_ref_id: monitor_cross_ref_id.into_static() }
            }
            Self::SnapshotDeviceData(segment) => PeerRequest::SnapshotDeviceData(segment.into_static()),
            Self::SnapshotCallData(segment) => PeerRequest::SnapshotCallData(segment.into_static()),
            Self::Other(service) => PeerRequest::Other(service),
        }
    }
}
owned_method!(PeerRequest);

pub(super) fn request<'a>(cursor: &mut Cursor<'a>, service: Service) -> Result<PeerRequest<'a>> {
    Ok(match service {
        Service::SystemStatus => PeerRequest::SystemStatus { status: response::system_status(cursor)? },
        Service::MonitorStop => {
            PeerRequest::MonitorStop { monitor_cross_ref_id: response::named_text(cursor, "monitorCrossRefID")? }
        }
        Service::SnapshotDeviceData => {
            PeerRequest::SnapshotDeviceData(segment(cursor, response::snapshot_device_items)?)
        }
        Service::SnapshotCallData => PeerRequest::SnapshotCallData(segment(cursor, response::snapshot_call_items)?),
        other => {
            cursor.each(|_, _| Ok(()))?;
            match other {
                Service::RequestSystemStatus => PeerRequest::RequestSystemStatus,
                other => PeerRequest::Other(other),
            }
        }
    })
}

fn segment<'a, T>(
    cursor: &mut Cursor<'a>,
    items: fn(&mut Cursor<'a>) -> Result<Vec<T>>,
) -> Result<SnapshotSegment<'a, T>> {
    let mut segment = SnapshotSegment {
        service_cross_ref_id: Cow::Borrowed(""),
        segment_id: None,
        last_segment: true,
        items: Vec::new(),
    };
    cursor.each(|cursor, name| {
        match name {
            "serviceCrossRefID" => segment.service_cross_ref_id = cursor.text()?,
            "segmentID" => segment.segment_id = value::number(cursor)?,
            "lastSegment" => segment.last_segment = value::flag(cursor)?.unwrap_or(true),
            "snapshotData" => segment.items = items(cursor)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(segment)
}
