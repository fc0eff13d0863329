//! The four transactions of RFC 3261 17 with the Accepted state of RFC 6026, over a reliable transport.
//! Each is a state and one point in time; they send nothing themselves, they say what is due.

pub mod client_invite;
pub mod client_non_invite;
pub mod server_invite;
pub mod server_non_invite;
pub mod timers;

#[cfg(test)]
mod tests;

use crate::sip::wire::message::Message;

/// What a client transaction makes of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientVerdict {
    /// A provisional response: progress, nothing else.
    Provisional,
    /// The final response.
    Final,
    /// A final response to INVITE that is no 2xx: acknowledge within the transaction (RFC 3261 17.1.1.3) and take it as final.
    FinalToAck,
    /// A 2xx to INVITE again: acknowledge again (RFC 3261 13.2.2.4).
    Again,
    /// Nothing to do.
    Absorbed,
}

/// What is due when a client transaction runs out of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientTimeout {
    /// No (final) answer: Timer B or F.
    Unanswered,
    /// An INVITE was answered provisionally for too long: cancel it (RFC 3261 9.1).
    Cancel,
    /// The transaction is over.
    Done,
}

/// Identity of a server transaction: RFC 3261 17.2.3, with Call-ID and CSeq beside branch and sent-by, so that a
/// branch used twice by the peer does not hide a new request. `method` stands for that of CSeq: INVITE for ACK and CANCEL.
#[must_use]
pub fn server_key(message: &Message, method: &str) -> Option<Box<[u8]>> {
    let via = message.via()?;
    let cseq = message.cseq()?;
    let call_id = message.call_id()?;
    let branch = via.branch().unwrap_or_default();
    let mut key = Vec::with_capacity(branch.len() + via.host().len() + call_id.len() + 24);
    for piece in [branch, via.host(), call_id, method.as_bytes()] {
        key.extend_from_slice(piece);
        key.push(0);
    }
    key.extend_from_slice(&via.port().unwrap_or(5060).to_be_bytes());
    key.extend_from_slice(&cseq.number.to_be_bytes());
    Some(key.into_boxed_slice())
}
