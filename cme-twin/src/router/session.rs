//! One CSTA session: a SIP dialog for one DN.

use std::net::SocketAddr;
use std::time::Instant;

use super::Router;
use crate::csta::Watch;
use crate::sip::Message;

/// A monitor of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Monitor {
    pub(crate) xref: String,
    /// Event names that the client does not want.
    pub(crate) filtered: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) call_id: String,
    pub(crate) local_tag: String,
    pub(crate) remote_tag: String,
    /// `From` of the client, with its tag: the `To` of our requests.
    pub(crate) remote: String,
    /// `To` of the client without a tag: the `From` of our requests.
    pub(crate) local: String,
    /// Contact of the client: where our requests go.
    pub(crate) contact: String,
    pub(crate) address: Option<SocketAddr>,
    /// Route set from Record-Route, in our order.
    pub(crate) routes: Vec<String>,
    pub(crate) watch: Watch,
    /// User part of the client's From.
    pub(crate) user: String,
    /// CSeq of our last request; the first one is 101.
    pub(crate) cseq: u32,
    pub(crate) remote_cseq: u32,
    pub(crate) conn: u64,
    pub(crate) invite_cseq: u32,
    /// The 200 that waits for its ACK.
    pub(crate) unacknowledged: bool,
    pub(crate) interval: u32,
    /// Number of the latest refresh; older expiry timers are void.
    pub(crate) refresh: u64,
    pub(crate) refreshed: Instant,
    pub(crate) monitors: Vec<Monitor>,
    /// The read that brought the last service.
    pub(crate) last_read: (u64, u64),
    /// Service answers that are not out yet.
    pub(crate) answering: u32,
}

impl Router {
    /// The session of an in-dialog request.
    pub(super) fn session_of(&self, message: &Message) -> Option<u64> {
        let (call_id, from, to) = (message.header("Call-ID")?, message.tag_of_from()?, message.tag_of_to()?);
        let matches = |s: &&Session| s.call_id == call_id && s.remote_tag == from && s.local_tag == to;
        self.sessions.iter().find(|(_, session)| matches(session)).map(|(key, _)| *key)
    }

    /// Monitors of all sessions.
    pub(crate) fn monitor_count(&self) -> usize {
        self.sessions.values().map(|session| session.monitors.len()).sum()
    }

    /// Sessions whose INVITE was acknowledged.
    pub(crate) fn session_count(&self) -> usize {
        self.sessions.values().filter(|session| !session.unacknowledged).count()
    }
}
