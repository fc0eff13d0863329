//! Connections and what messages hang on them (section 5.3 and Annex A.3).

use std::borrow::Cow;

use super::cause::EventCause;
use super::device::{DeviceId, RedirectionDevice, SubjectDevice};
use crate::csta::owned::{Text, owned_struct};

/// A ConnectionID: one device in one call. Either part may be missing on the wire (section 5.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection<'a> {
    /// The call, an opaque text; on CME the GCID.
    pub call_id: Option<Text<'a>>,
    /// The device in the call.
    pub device: Option<DeviceId<'a>>,
}

owned_struct!(Connection { call_id, device });

impl<'a> Connection<'a> {
    /// A connection to name in a request; the texts go out exactly as given.
    #[must_use]
    pub fn new(call_id: impl Into<Text<'a>>, device: impl Into<Text<'a>>) -> Self {
        Self { call_id: Some(call_id.into()), device: Some(DeviceId::parse(device)) }
    }

    /// The call id, or the empty text.
    #[must_use]
    pub fn call(&self) -> &str {
        self.call_id.as_deref().unwrap_or_default()
    }

    /// Whether neither part was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.call_id.is_none() && self.device.is_none()
    }

    /// The device's identifier as it came, or the empty text.
    #[must_use]
    pub fn device_text(&self) -> &str {
        self.device.as_ref().map(|id| &*id.raw).unwrap_or_default()
    }

    pub(in crate::csta) fn call_only(call_id: Text<'a>) -> Self {
        Self { call_id: Some(call_id), device: None }
    }
}

impl From<(&str, &str)> for Connection<'static> {
    fn from((call_id, device): (&str, &str)) -> Self {
        Self::new(Cow::Owned(call_id.to_owned()), Cow::Owned(device.to_owned()))
    }
}

/// One entry of the lists of transfer and conference: how an old connection becomes a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionListItem<'a> {
    /// The connection as it is from now on.
    pub new_connection: Option<Connection<'a>>,
    /// The connection as it was.
    pub old_connection: Option<Connection<'a>>,
    /// The party at this connection.
    pub endpoint: SubjectDevice<'a>,
    /// The network interface behind it.
    pub associated_nid: SubjectDevice<'a>,
}

owned_struct!(ConnectionListItem { new_connection, old_connection, endpoint, associated_nid });

/// One step of a call's way through redirections (`DeviceHistoryListItem`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceHistoryItem<'a> {
    /// The device the call left.
    pub old_device: RedirectionDevice<'a>,
    /// Why it left.
    pub cause: Option<EventCause>,
    /// The connection it had there.
    pub old_connection: Option<Connection<'a>>,
}

owned_struct!(DeviceHistoryItem { old_device, old_connection; cause });

/// `callLinkageData`: an id that stays the same over all legs. CME: if filled, expect the GCID (section 5.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallLinkage<'a> {
    /// `globallyUniqueCallLinkageID` or `subDomainCallLinkageID` of the call.
    pub global_call_id: Option<Text<'a>>,
    /// The same of the thread the call belongs to.
    pub thread_id: Option<Text<'a>>,
}

owned_struct!(CallLinkage { global_call_id, thread_id });
