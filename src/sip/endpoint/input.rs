//! What goes into an endpoint.

use std::net::SocketAddr;

use bytes::Bytes;

pub use crate::sip::session::spec::{InviteSpec, RefreshMethod};

/// Name of one TCP connection to the peer, given by the driver and never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// Name of one session (INVITE dialog), given by the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// Name of one request of ours inside a session, given by the user and echoed in its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A request of the peer that waits for [`Input::Reply`]. Using one twice is without effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplyToken(pub(super) u64);

/// Everything that can happen to an endpoint.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input {
    /// A TCP connection with the peer is open.
    FlowOpened {
        /// Its name.
        flow: FlowId,
        /// The peer connected to us.
        inbound: bool,
        /// Address of the peer, for `received` and `rport` (RFC 3261 18.2.1, RFC 3581); may be unknown.
        peer: Option<SocketAddr>,
    },
    /// Bytes came in, cut anywhere.
    FlowBytes {
        /// Where.
        flow: FlowId,
        /// What.
        data: Bytes,
    },
    /// The connection is gone, whoever closed it.
    FlowClosed {
        /// Which.
        flow: FlowId,
    },
    /// The answer to [`Output::Connect`](super::Output::Connect) when no connection came about. While requests wait, the endpoint
    /// asks again at once: the pause between attempts belongs to the driver.
    ConnectFailed,
    /// The deadline has come.
    Timeout,
    /// Register, and keep registered from then on.
    Register,
    /// Take the registration back (Expires 0).
    Unregister,
    /// Open a session.
    OpenSession {
        /// Its name, not in use.
        session: SessionId,
        /// The INVITE.
        invite: InviteSpec,
    },
    /// BYE, or CANCEL while the INVITE is open; ends with `SessionEnded`.
    CloseSession {
        /// Which.
        session: SessionId,
    },
    /// Forget a session without a word to peer or user.
    AbandonSession {
        /// Which.
        session: SessionId,
    },
    /// Send an INFO; ends with `InfoAnswered` or `InfoLost`.
    Info {
        /// In which session.
        session: SessionId,
        /// Name for its outcome.
        ticket: Ticket,
        /// CSTA body.
        body: Bytes,
    },
    /// Answer a request of the peer.
    Reply {
        /// Which.
        token: ReplyToken,
        /// Final status, 200 to 699.
        status: u16,
        /// CSTA body.
        body: Option<Bytes>,
    },
    /// Refresh a session now.
    RefreshSession {
        /// Which.
        session: SessionId,
    },
    /// Send OPTIONS to the peer; ends with `OptionsAnswered`.
    Options,
}
