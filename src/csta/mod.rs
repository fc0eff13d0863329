//! CSTA XML (ECMA-323) without I/O: reading, writing, and one conversation per dialog.
//!
//! * [`decode`] turns a body into a [`Message`] that borrows from it: one pass, no tree, any edition, prefix and order.
//! * [`Request::encode`] writes a service request in schema order; [`Reply::encode`] writes the few answers we give.
//! * [`exchange::Exchange`] sends one service at a time and finds its answer, wherever the switch puts it.
//!
//! Names are those of ECMA-323; what they mean for a call is the domain's matter. Sections in comments are those of the
//! protocol dossier on CSTA over SIP.

mod decode;
mod encode;
pub mod exchange;
#[doc(hidden)]
pub mod fuzzing;
mod names;
mod owned;
mod types;

#[cfg(test)]
mod tests;

pub use decode::{Charset, DecodeError, MAX_ATTRIBUTES, MAX_DEPTH, MAX_SIZE, Message, PeerRequest, decode, decode_as};
pub use encode::{CallExtras, Encoding, MonitorFilter, Namespace, Reply, Request};
pub use owned::Text;
pub use types::{
    CallLinkage, CallState, Connection, ConnectionListItem, CstaFeatures, DeviceHistoryItem, DeviceId, Event,
    EventCapability, EventCause, EventKind, Fault, FaultCategory, FaultValue, ForwardDefault, ForwardListItem,
    ForwardingType, LocalConnectionState, LogicalDevice, Mac, MonitorType, OperationError, OwnIndex, ParticipationType,
    PerformanceError, PrivateDataError, Progress, RedirectionDevice, Response, SecurityError, Service,
    ServiceCapability, ServicesPermitted, SimpleCallState, SnapshotCall, SnapshotCallInfo, SnapshotData,
    SnapshotDeviceInfo, SnapshotSegment, StateError, SubjectDevice, SubscribedResourceError, SystemResourceError,
    SystemStatus,
};
pub use types::{ConsultOptions, DigitMode};
