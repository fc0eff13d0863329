//! What comes out of an endpoint.

use bytes::Bytes;

use super::input::{FlowId, ReplyToken, SessionId, Ticket};
use crate::sip::error::{FrameErrorKind, ParseError};
use crate::sip::method::Method;

/// Everything that an endpoint asks for or tells.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Output {
    /// Open a TCP connection to the peer; the driver owns the back-off and answers with `FlowOpened` or `ConnectFailed`.
    /// An inbound connection in between counts as the answer too.
    Connect,
    /// Write to a flow, in this order.
    Send {
        /// Where.
        flow: FlowId,
        /// One or more whole messages.
        data: Bytes,
    },
    /// Close a flow after what was sent. The driver answers with `FlowClosed`.
    CloseFlow {
        /// Which.
        flow: FlowId,
        /// Why.
        why: CloseReason,
    },
    /// News for the user.
    Event(Event),
}

/// Why a flow has to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The beginning of the next message cannot be known.
    FramingLost(FrameErrorKind),
}

/// News of the endpoint.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The registration stands; told for every refresh too.
    Registered {
        /// Granted lifetime, seconds.
        expires_s: u32,
        /// Reference id of the PBX (dossier 3.2 step 3).
        reference_id: Option<String>,
        /// The answer lists a Contact that is not ours: someone else uses the identity (dossier 15c).
        foreign_contact: bool,
    },
    /// The registration was refused or not answered; the endpoint does not try again by itself.
    RegistrationFailed {
        /// Why.
        failure: Failure,
    },
    /// The registration was taken back (answered or not).
    Unregistered,
    /// The INVITE was answered with 2xx; ACK is on its way.
    SessionOpened {
        /// Which.
        session: SessionId,
        /// Body of the answer.
        body: Option<Body>,
    },
    /// The INVITE was refused or not answered; the session is gone.
    SessionRefused {
        /// Which.
        session: SessionId,
        /// Why.
        failure: Failure,
    },
    /// A refresh of ours succeeded.
    SessionRefreshed {
        /// Which.
        session: SessionId,
    },
    /// A refresh of ours was refused; the session lives until its timer runs out, and is refreshed again before.
    SessionRefreshFailed {
        /// Which.
        session: SessionId,
        /// Why.
        failure: Failure,
    },
    /// The session is gone.
    SessionEnded {
        /// Which.
        session: SessionId,
        /// Why.
        why: EndReason,
    },
    /// A request of the peer in a session; the user answers with [`Input::Reply`](super::Input::Reply).
    Request {
        /// In which session.
        session: SessionId,
        /// Name for the answer.
        token: ReplyToken,
        /// INFO, INVITE (re-INVITE) or UPDATE.
        method: Method,
        /// CSTA body.
        body: Option<Body>,
        /// CSeq jumped: a request before this one may be lost (dossier 15c).
        gap: bool,
    },
    /// The final answer to an INFO of ours. The body counts first, then the status (dossier 4).
    InfoAnswered {
        /// In which session.
        session: SessionId,
        /// Its name.
        ticket: Ticket,
        /// Status code.
        status: u16,
        /// Reason phrase.
        reason: String,
        /// Body of the answer.
        body: Option<Body>,
    },
    /// An INFO of ours was not answered (Timer F) or its session ended first. It is never repeated.
    InfoLost {
        /// In which session.
        session: SessionId,
        /// Its name.
        ticket: Ticket,
    },
    /// The outcome of OPTIONS.
    OptionsAnswered {
        /// Status code; `None` when nothing came (Timer F).
        status: Option<u16>,
    },
    /// Trouble to count, without secrets.
    Diagnostic(Diagnostic),
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Status code of the peer; `None` when it did not answer in time (Timer B or F).
    pub status: Option<u16>,
    /// Reason phrase of the peer, or a short sentence of ours.
    pub reason: String,
    /// `Retry-After`, seconds.
    pub retry_after_s: Option<u32>,
    /// Text of the first `Warning`.
    pub warning: Option<String>,
    /// Digest failed: refused twice, no credentials, or nothing that we can compute was offered (dossier 3.6).
    pub credentials_rejected: bool,
    /// Body of the answer.
    pub body: Option<Body>,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The peer sent BYE.
    PeerBye,
    /// The peer answered 481: it does not know the dialog.
    NoSuchDialog,
    /// A refresh was not answered.
    RefreshFailed,
    /// The session timer ran out, or an answer of ours was never acknowledged.
    Expired,
    /// We closed it.
    Local,
}

/// A body for the CSTA layer: the CSTA part when the message was multipart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Content-Type as received.
    pub content_type: String,
    /// The content.
    pub data: Bytes,
}

/// Trouble that costs no session. Counted by the user, free of secrets and of message content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Diagnostic {
    /// A message could not be understood and is lost.
    BadMessage {
        /// Where it came.
        flow: FlowId,
        /// Why.
        error: ParseError,
        /// The status that we answered, if we could.
        answered: Option<u16>,
    },
    /// Framing was lost; the flow is being closed.
    FramingLost {
        /// Where.
        flow: FlowId,
        /// Why.
        kind: FrameErrorKind,
    },
    /// An answer that belongs to no request of ours.
    StrayAnswer {
        /// Its status.
        status: u16,
    },
    /// A request for a dialog that we do not have: answered 481.
    UnknownDialog {
        /// Its method.
        method: Method,
    },
    /// A request with an old CSeq: answered 500, not applied.
    OldSequence {
        /// In which session.
        session: SessionId,
    },
    /// A request repeated by the peer: the stored answer was sent again.
    Repeated {
        /// Its method.
        method: Method,
    },
    /// A request that we do not serve was refused.
    Refused {
        /// Its method.
        method: Method,
        /// The status that we answered.
        status: u16,
    },
    /// A keep-alive ping of the peer was answered.
    Ping,
}
