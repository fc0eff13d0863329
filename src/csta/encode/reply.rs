//! Our answers to requests of the switch (section 6, "either side"; section 15c).

use bytes::Bytes;

use super::writer::{Encoding, Writer};
use crate::csta::types::{Fault, FaultValue, SystemStatus};

/// An answer that we give.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// `SystemStatusResponse`.
    SystemStatus,
    /// `MonitorStopResponse`.
    MonitorStop,
    /// `RequestSystemStatusResponse`.
    RequestSystemStatus(SystemStatus),
    /// `CSTAErrorCode`.
    Fault(Fault),
}

impl Reply {
    /// The message on the wire.
    #[must_use]
    pub fn encode(&self, encoding: &Encoding) -> Bytes {
        match self {
            Self::SystemStatus => Writer::new(encoding, "SystemStatusResponse").finish(),
            Self::MonitorStop => Writer::new(encoding, "MonitorStopResponse").finish(),
            Self::RequestSystemStatus(status) => {
                let mut writer = Writer::new(encoding, "RequestSystemStatusResponse");
                writer.leaf("systemStatus", status.as_str());
                writer.finish()
            }
            Self::Fault(fault) => {
                let mut writer = Writer::new(encoding, "CSTAErrorCode");
                match &fault.value {
                    // The schema gives this one no value; an unlisted category is no element name to write.
                    FaultValue::Unspecified | FaultValue::Other { .. } => writer.element("unspecified", |_| {}),
                    _ => writer.leaf(fault.category().as_str(), fault.as_str()),
                }
                writer.finish()
            }
        }
    }
}
