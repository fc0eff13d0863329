//! The tap of one link: what goes over its connections, cut into messages, without credentials.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::ring::{Direction, Ends, Entry, Kept, LONGEST, Told, What};
use super::secret::blank;
use super::{Shared, Trace};
use crate::axl;
use crate::domain::{CallId, CommandId, LineId};
use crate::io::axl_http::{Observer, Seen};
use crate::io::hep::Packet;
use crate::service::journal::{Change, Object};
use crate::sip::wire::frame::{Frame, Framer};

/// The tap of one link.
#[derive(Debug)]
pub(in crate::service) struct Tap {
    trace: Arc<Shared>,
    kept: Option<Arc<Mutex<Kept>>>,
    flows: HashMap<u64, Flow>,
}

#[derive(Debug)]
struct Flow {
    ends: Option<Ends>,
    /// What is sent may be several messages at once, what comes may be any piece.
    sent: Framer,
    received: Framer,
    /// Names the connection among all of the process.
    number: u64,
}

impl Tap {
    pub(super) fn new(trace: &Trace, kept: Option<Arc<Mutex<Kept>>>) -> Self {
        Self { trace: Arc::clone(&trace.0), kept, flows: HashMap::new() }
    }

    fn is_off(&self) -> bool {
        self.kept.is_none() && self.trace.export.is_none()
    }

    fn push(&self, direction: Direction, command: Option<CommandId>, what: What) {
        let Some(kept) = &self.kept else { return };
        push(&self.trace, kept, direction, command, what);
    }

    /// A connection is open.
    pub(in crate::service) fn opened(&mut self, flow: u64, local: Option<SocketAddr>, remote: Option<SocketAddr>) {
        if self.is_off() {
            return;
        }
        let ends = local.zip(remote).map(|(local, remote)| Ends { local, remote });
        self.flows.insert(flow, Flow { ends, sent: Framer::new(), received: Framer::new(), number: self.trace.next() });
    }

    /// A connection is gone.
    pub(in crate::service) fn closed(&mut self, flow: u64) {
        self.flows.remove(&flow);
    }

    /// All connections are gone.
    pub(in crate::service) fn all_closed(&mut self) {
        self.flows.clear();
    }

    /// Bytes as they are sent.
    pub(in crate::service) fn sent(&mut self, flow: u64, data: &Bytes) {
        self.take(Direction::Sent, flow, data);
    }

    /// Bytes as they came.
    pub(in crate::service) fn received(&mut self, flow: u64, data: &Bytes) {
        self.take(Direction::Received, flow, data);
    }

    fn take(&mut self, direction: Direction, flow: u64, data: &Bytes) {
        let Some(known) = self.flows.get_mut(&flow) else { return };
        let framer = match direction {
            Direction::Sent => &mut known.sent,
            Direction::Received => &mut known.received,
        };
        framer.feed(data.clone());
        let mut messages = Vec::new();
        // Where framing is lost the endpoint closes the connection.
        while let Ok(Some(frame)) = framer.take() {
            if let Frame::Message(message) = frame {
                messages.push(message);
            }
        }
        let (ends, number) = (known.ends, known.number);
        for message in messages {
            self.keep(direction, ends, number, &message);
        }
    }

    fn keep(&self, direction: Direction, ends: Option<Ends>, flow: u64, message: &[u8]) {
        let bytes = blank(message.get(..LONGEST).unwrap_or(message));
        if let (Some(export), Some(ends)) = (&self.trace.export, ends) {
            let (from, to) = match direction {
                Direction::Sent => (ends.local, ends.remote),
                Direction::Received => (ends.remote, ends.local),
            };
            export.offer(Packet { from, to, at_us: now_us(), payload: bytes.clone() });
        }
        self.push(direction, None, What::Sip { ends, flow, bytes });
    }

    /// This dialog is the session of a line.
    pub(in crate::service) fn dialog(&self, call_id: &str, line: &LineId) {
        if let Some(kept) = &self.kept {
            kept.lock().unwrap_or_else(PoisonError::into_inner).dialog(call_id, line);
        }
    }

    /// The message with this body belongs to a command.
    pub(in crate::service) fn belongs(&self, body: &[u8], command: &CommandId) {
        if let Some(kept) = &self.kept {
            kept.lock().unwrap_or_else(PoisonError::into_inner).assign(body, command);
        }
    }

    /// A client gave a command.
    pub(in crate::service) fn ordered(&self, command: &CommandId, action: &str, line: &LineId, calls: &[CallId]) {
        if self.kept.is_none() {
            return;
        }
        let call = calls.first().cloned();
        let told = Told { summary: action.to_owned(), line: Some(line.clone()), call, pbx_call: None };
        self.push(Direction::Received, Some(command.clone()), What::Api(Arc::new(told)));
    }

    /// Clients are told of changes of calls, and of what became of commands.
    pub(in crate::service) fn told(&self, changes: &[Change]) {
        if self.kept.is_none() {
            return;
        }
        for change in changes {
            let (summary, pbx_call) = match &change.object {
                Object::Call(call) => {
                    (format!("{} {}", change.event, call.value.state.as_str()), call.value.pbx_call_id.clone())
                }
                Object::Command(_) => (change.event.to_owned(), None),
                _ => continue,
            };
            let told = Told { summary, line: change.line_id.clone(), call: change.call_id.clone(), pbx_call };
            self.push(Direction::Sent, change.command_id.clone(), What::Api(Arc::new(told)));
        }
    }

    /// What sees the requests of the XML API and their replies.
    pub(in crate::service) fn xml(&self) -> Option<Observer> {
        let (trace, kept) = (Arc::clone(&self.trace), Arc::clone(self.kept.as_ref()?));
        Some(Observer::new(move |seen| {
            let (direction, bytes) = match seen {
                Seen::Request(body) => (Direction::Sent, without_secrets(body)),
                Seen::Reply(body) => (Direction::Received, without_secrets(body)),
                Seen::Fault(fault) => (Direction::Received, fault.to_string().into()),
            };
            push(&trace, &kept, direction, None, What::Xml { bytes });
        }))
    }
}

fn without_secrets(body: &Bytes) -> Bytes {
    axl::redact(body.get(..LONGEST).unwrap_or(body)).into()
}

fn push(trace: &Shared, kept: &Mutex<Kept>, direction: Direction, command: Option<CommandId>, what: What) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    // Under the lock: the numbers rise in each ring.
    kept.push(Entry { seq: trace.next(), at_us: now_us(), direction, command, what });
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PbxId, RandomIds};

    const ONE: &[u8] = b"SIP/2.0 200 OK\r\nCall-ID: a\r\nContent-Length: 2\r\n\r\nok";

    fn texts(trace: &Trace) -> Vec<Bytes> {
        let entries = trace.of(None).remove(0).entries;
        let sip = |entry: Entry| match entry.what {
            What::Sip { bytes, .. } => Some(bytes),
            _ => None,
        };
        entries.into_iter().filter_map(sip).collect()
    }

    #[test]
    fn messages_are_cut_apart_in_both_directions_whatever_the_pieces() {
        let trace = Trace::default();
        let mut tap = trace.tap(&PbxId::new(&mut RandomIds));
        tap.opened(7, None, None);
        tap.sent(7, &[ONE, b"\r\n\r\n", ONE].concat().into());
        for byte in [ONE, ONE].concat() {
            tap.received(7, &Bytes::copy_from_slice(&[byte]));
        }
        assert_eq!(texts(&trace), [ONE; 4]);
        tap.closed(7);
        tap.received(7, &Bytes::from_static(ONE));
        assert_eq!(texts(&trace).len(), 4, "what comes over a connection that is gone is nobody's");
    }

    #[test]
    fn without_room_and_without_export_nothing_is_done() {
        let trace = Trace::new(0, None);
        let mut tap = trace.tap(&PbxId::new(&mut RandomIds));
        tap.opened(7, None, None);
        tap.sent(7, &Bytes::from_static(ONE));
        assert!(tap.flows.is_empty() && tap.xml().is_none() && trace.of(None).is_empty());
    }
}
