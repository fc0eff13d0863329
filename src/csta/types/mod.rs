//! The values that messages carry, one subject a file.

mod capability;
mod cause;
mod connection;
mod device;
mod event;
mod fault;
mod fault_values;
mod features;
mod response;
mod service;
mod snapshot;
mod state;
mod vocabulary;

pub use capability::{EventCapability, ServiceCapability};
pub use cause::EventCause;
pub use connection::{CallLinkage, Connection, ConnectionListItem, DeviceHistoryItem};
pub use device::{DeviceId, Mac, RedirectionDevice, SubjectDevice};
pub use event::{Event, EventKind, Progress};
pub use fault::{Fault, FaultCategory, FaultValue};
pub use fault_values::{
    OperationError, PerformanceError, PrivateDataError, SecurityError, StateError, SubscribedResourceError,
    SystemResourceError,
};
pub use features::{CstaFeatures, ServicesPermitted};
pub use response::{ForwardListItem, LogicalDevice, Response};
pub use service::Service;
pub use snapshot::{SnapshotCall, SnapshotCallInfo, SnapshotData, SnapshotDeviceInfo, SnapshotSegment};
pub use state::{CallState, LocalConnectionState, OwnIndex, SimpleCallState};
pub use vocabulary::{
    ConsultOptions, DigitMode, ForwardDefault, ForwardingType, MonitorType, ParticipationType, SystemStatus,
};
