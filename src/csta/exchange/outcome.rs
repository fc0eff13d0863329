//! How a service ends.

use bytes::Bytes;

use crate::csta::{
    Charset, DecodeError, Fault, Message, PeerRequest, Response, SnapshotCallInfo, SnapshotData, SnapshotDeviceInfo,
    decode_as,
};

/// The end of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The positive answer. Whether anything happened, the events tell.
    Response(Answer),
    /// Nothing was done.
    Refused(Refusal),
    /// Nobody knows whether it was done: take a snapshot, never send it again (section 15c).
    Unknown(Doubt),
    /// The answer is one to something else, or no answer at all: treat as unknown and take a snapshot (section 15c).
    Mismatch {
        /// The root that came, or what is wrong with the body.
        found: Box<str>,
    },
}

/// Why a service was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The switch said so in CSTA, whatever the SIP status (U-35).
    Fault(Fault),
    /// The switch said so in SIP alone.
    Sip(u16),
    /// Too many services wait already; it was never sent.
    QueueFull,
    /// It waited too long behind others; it was never sent. A call that starts long after the click is worse than none.
    WaitedTooLong,
}

/// Why nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// No answer in time.
    NoAnswer,
    /// The link or the dialog went away.
    LinkLost,
    /// A positive SIP answer without a CSTA response, and none came separately.
    EmptyAnswer,
}

/// A positive answer, as bytes: [`Answer::response`] borrows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(super) body: Bytes,
    pub(super) segments: Vec<Bytes>,
    pub(super) complete: bool,
    pub(super) charset: Charset,
}

impl Answer {
    /// The body of the response.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether all announced segments came. `true` where none were announced.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The response.
    ///
    /// # Errors
    /// None in practice: the body was read once when it came. `Ok(None)` would be a body that is no response.
    pub fn response(&self) -> Result<Option<Response<'_>>, DecodeError> {
        match decode_as(&self.body, self.charset)? {
            Message::Response(response) => Ok(Some(response)),
            _ => Ok(None),
        }
    }

    /// The calls of a device snapshot, from the response and from the segments after it. Empty for other services.
    #[must_use]
    pub fn device_calls(&self) -> Vec<SnapshotDeviceInfo<'_>> {
        let mut calls = match self.response() {
            Ok(Some(Response::SnapshotDevice(SnapshotData::Here(calls)))) => calls,
            _ => Vec::new(),
        };
        for body in &self.segments {
            if let Ok(Message::Request(PeerRequest::SnapshotDeviceData(segment))) = decode_as(body, self.charset) {
                calls.extend(segment.items);
            }
        }
        calls
    }

    /// The devices of a call snapshot, from the response and from the segments after it. Empty for other services.
    #[must_use]
    pub fn call_devices(&self) -> Vec<SnapshotCallInfo<'_>> {
        let mut devices = match self.response() {
            Ok(Some(Response::SnapshotCall(call))) => match call.data {
                SnapshotData::Here(devices) => devices,
                SnapshotData::Announced(_) => Vec::new(),
            },
            _ => Vec::new(),
        };
        for body in &self.segments {
            if let Ok(Message::Request(PeerRequest::SnapshotCallData(segment))) = decode_as(body, self.charset) {
                devices.extend(segment.items);
            }
        }
        devices
    }
}
