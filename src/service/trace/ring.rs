//! What is kept of one PBX: the last entries within a number of bytes, each kind on its own, so that none drives out
//! another.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::domain::{CallId, CommandId, LineId};

/// What an entry takes beside its text.
const ENTRY: usize = 200;
/// A longer message is cut.
pub(super) const LONGEST: usize = 64 << 10;
/// Sessions whose line is known.
const DIALOGS: usize = 8192;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    /// By the gateway.
    Sent,
    /// To the gateway.
    Received,
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ends {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) seq: u64,
    /// Microseconds of Unix time.
    pub(super) at_us: u64,
    pub(super) direction: Direction,
    pub(super) command: Option<CommandId>,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    /// A SIP message, without credentials.
    Sip { ends: Option<Ends>, flow: u64, bytes: Bytes },
    /// A body of the XML API, without secrets; of a fault its sentence.
    Xml { bytes: Bytes },
    /// A command, or an event for the clients.
    Api(Arc<Told>),
}

/// What was said at the API.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) summary: String,
    pub(super) line: Option<LineId>,
    pub(super) call: Option<CallId>,
    /// How the PBX called the call then.
    pub(super) pbx_call: Option<String>,
}

impl Entry {
    fn cost(&self) -> usize {
        ENTRY
            + match &self.what {
                What::Sip { bytes, .. } | What::Xml { bytes } => bytes.len(),
                What::Api(told) => told.summary.len() + 100,
            }
    }
}

/// Entries within a number of bytes.
#[derive(Debug)]
struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
    budget: usize,
}

impl Ring {
    fn new(budget: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, budget }
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += entry.cost();
        self.entries.push_back(entry);
        while self.bytes > self.budget {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.cost();
        }
    }
}

/// Everything that is kept of one PBX.
#[derive(Debug)]
pub(super) struct Kept {
    sip: Ring,
    xml: Ring,
    api: Ring,
    lines: HashMap<String, LineId>,
    order: VecDeque<String>,
}

impl Kept {
    /// Most of the room is for SIP: a load of the lines must not drive out a call.
    pub(super) fn new(budget: usize) -> Self {
        Self {
            sip: Ring::new(budget / 8 * 5),
            xml: Ring::new(budget / 8 * 2),
            api: Ring::new(budget / 8),
            lines: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        match &entry.what {
            What::Sip { .. } => self.sip.push(entry),
            What::Xml { .. } => self.xml.push(entry),
            What::Api(_) => self.api.push(entry),
        }
    }

    /// The youngest SIP message that ends with this body belongs to a command.
    pub(super) fn assign(&mut self, body: &[u8], command: &CommandId) {
        let young = self.sip.entries.iter_mut().rev().take(64);
        let carries = |entry: &&mut Entry| matches!(&entry.what, What::Sip { bytes, .. } if bytes.ends_with(body));
        if let Some(entry) = young.into_iter().find(carries) {
            entry.command = Some(command.clone());
        }
    }

    /// The SIP dialog of a line.
    pub(super) fn dialog(&mut self, call_id: &str, line: &LineId) {
        if self.lines.insert(call_id.to_owned(), line.clone()).is_none() {
            self.order.push_back(call_id.to_owned());
        }
        if self.order.len() > DIALOGS
            && let Some(oldest) = self.order.pop_front()
        {
            self.lines.remove(&oldest);
        }
    }

    pub(super) fn lines(&self) -> HashMap<String, LineId> {
        self.lines.clone()
    }

    /// All entries in their order.
    pub(super) fn all(&self) -> Vec<Entry> {
        let rings = [&self.sip, &self.xml, &self.api];
        let mut all: Vec<Entry> = rings.iter().flat_map(|ring| ring.entries.iter().cloned()).collect();
        all.sort_by_key(|entry| entry.seq);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sip(seq: u64, text: &'static str) -> Entry {
        let what = What::Sip { ends: None, flow: 1, bytes: Bytes::from_static(text.as_bytes()) };
        Entry { seq, at_us: 0, direction: Direction::Sent, command: None, what }
    }

    #[test]
    fn a_flood_of_one_kind_keeps_its_bytes_and_the_other_kinds() {
        let mut kept = Kept::new(64 << 10);
        let what = What::Xml { bytes: Bytes::from_static(b"<a/>") };
        kept.push(Entry { seq: 0, at_us: 0, direction: Direction::Sent, command: None, what });
        for seq in 1..10_000 {
            kept.push(sip(seq, "INFO"));
        }
        assert!(kept.sip.bytes <= (64 << 10) / 8 * 5);
        let all = kept.all();
        assert_eq!((all[0].seq, all[all.len() - 1].seq), (0, 9999));
        assert_eq!(all.len() - 1, (64 << 10) / 8 * 5 / (ENTRY + 4));
    }

    #[test]
    fn the_youngest_message_with_a_body_is_the_commands() {
        let mut kept = Kept::new(64 << 10);
        for (seq, text) in ["INFO\r\n\r\n<m/>", "INFO\r\n\r\n<m/>", "INFO\r\n\r\n<n/>"].into_iter().enumerate() {
            kept.push(sip(u64::try_from(seq).unwrap_or_default(), text));
        }
        kept.assign(b"<m/>", &CommandId::new(&mut crate::domain::RandomIds));
        let of: Vec<bool> = kept.all().iter().map(|entry| entry.command.is_some()).collect();
        assert_eq!(of, [false, true, false]);
    }
}
