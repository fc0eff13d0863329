//! Reading the trace: which entries belong to a call or a line, and how they are shown.

use std::collections::HashSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ring::{Direction, Ends, Entry, What};
use super::{OfPbx, Trace, TraceQuery};
use crate::domain::{CallId, CommandId, LineId, PbxId, Timestamp};
use crate::service::probe::Redactor;
use crate::sip::{Method, Strictness, parse};

/// Which conversation an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A command of a client, or an event for the clients.
    Api,
    /// A SIP message that carries CSTA.
    Csta,
    /// Another SIP message.
    Sip,
    /// The router's XML API.
    Xml,
}

/// Which way it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// By the gateway: to the router, or to the clients.
    Sent,
    /// To the gateway.
    Received,
}

/// One step of the ladder.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TraceItem {
    /// Rises from one to the next.
    pub seq: u64,
    /// When, to the millisecond.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// The PBX.
    #[schema(value_type = String)]
    pub pbx_id: PbxId,
    /// The line, where one is known.
    #[schema(value_type = Option<String>)]
    pub line_id: Option<LineId>,
    /// The call, of events and commands.
    #[schema(value_type = Option<String>)]
    pub call_id: Option<CallId>,
    /// The command that it belongs to.
    #[schema(value_type = Option<String>)]
    pub command_id: Option<CommandId>,
    /// Which conversation it belongs to.
    pub layer: Layer,
    /// Which way it went.
    pub direction: Way,
    /// What it is, in a few words.
    pub summary: String,
    /// The gateway's address and port, when numbers are shown.
    pub local: Option<String>,
    /// The PBX's address and port, when numbers are shown.
    pub remote: Option<String>,
    /// The message itself; `null` at the API.
    pub text: Option<String>,
}

/// A call of which the trace knows nothing (any more).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) struct Unfound;

/// What is hidden wherever it stands.
#[derive(Debug, Clone, Default)]
pub(in crate::service) struct Known {
    pub(in crate::service) names: Vec<String>,
    pub(in crate::service) hosts: Vec<String>,
    pub(in crate::service) numbers: Vec<String>,
}

/// One entry that is wanted, with what was found out about it.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) pbx: PbxId,
    pub(super) line: Option<LineId>,
    pub(super) entry: Entry,
    head: Option<Head>,
}

/// The SIP message of an entry, if it is one.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    pub(super) at_us: u64,
    pub(super) is_sent: bool,
    pub(super) ends: Ends,
    pub(super) flow: u64,
    pub(super) bytes: &'a Bytes,
}

impl Selected {
    pub(super) fn wire(&self) -> Option<Wire<'_>> {
        let What::Sip { ends: Some(ends), flow, bytes } = &self.entry.what else { return None };
        let is_sent = self.entry.direction == Direction::Sent;
        Some(Wire { at_us: self.entry.at_us, is_sent, ends: *ends, flow: *flow, bytes })
    }
}

/// What a SIP message says about its place.
#[derive(Debug)]
struct Head {
    transaction: Transaction,
    summary: String,
    csta: Option<String>,
}

/// A request and its responses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Transaction {
    call_id: String,
    /// Which way the request went.
    by: Direction,
    number: u32,
    method: Vec<u8>,
}

/// The last steps of everything that is kept, hidden by a redactor that hides other texts too: who is who stays the same.
pub(in crate::service) fn last_steps(trace: &Trace, count: usize, redactor: &mut Redactor) -> Vec<TraceItem> {
    // Only a call that is asked for may be unknown.
    let mut selected = select(trace, &TraceQuery::default()).unwrap_or_default();
    let first = selected.len().saturating_sub(count);
    selected.drain(first..).map(|one| item(one, Some(&mut *redactor))).collect()
}

/// The steps that are wanted, and whether more follow.
pub(in crate::service) fn ladder(
    trace: &Trace,
    query: &TraceQuery,
    known: &Known,
) -> Result<(Vec<TraceItem>, bool), Unfound> {
    let mut selected = select(trace, query)?;
    let has_more = selected.len() > query.limit;
    selected.truncate(query.limit);
    let mut redactor = (!query.full).then(|| Redactor::new(&known.names, &known.hosts, &known.numbers));
    Ok((selected.into_iter().map(|one| item(one, redactor.as_mut())).collect(), has_more))
}

/// The entries that are wanted, in their order.
pub(super) fn select(trace: &Trace, query: &TraceQuery) -> Result<Vec<Selected>, Unfound> {
    let mut all = Vec::new();
    for OfPbx { pbx, entries, lines } in trace.of(query.pbx.as_ref()) {
        all.extend(entries.into_iter().map(|entry| {
            let head = head(&entry);
            let line = match &entry.what {
                What::Api(told) => told.line.clone(),
                What::Sip { .. } => head.as_ref().and_then(|head| lines.get(&head.transaction.call_id)).cloned(),
                What::Xml { .. } => None,
            };
            Selected { pbx: pbx.clone(), line, entry, head }
        }));
    }
    if let Some(call) = &query.call {
        all = of_call(all, call)?;
    }
    let may_see = |line: Option<&LineId>| match &query.visible {
        None => true,
        Some(visible) => line.is_some_and(|line| visible.contains(line)),
    };
    let since_us = query.since.map(|since| u64::try_from(since.unix_ms()).unwrap_or(0).saturating_mul(1000));
    all.retain(|one| {
        may_see(one.line.as_ref())
            && query.line.as_ref().is_none_or(|line| one.line.as_ref() == Some(line))
            && since_us.is_none_or(|since| one.entry.at_us >= since)
            && query.after.is_none_or(|after| one.entry.seq > after)
    });
    if query.call.is_some() && all.is_empty() && query.after.is_none() && query.since.is_none() {
        // Of a line that may not be seen.
        return Err(Unfound);
    }
    all.sort_by_key(|one| one.entry.seq);
    Ok(all)
}

/// What belongs to one call: what was said about it at the API, the messages of its commands, those of its line that name
/// it, and the other half of each transaction.
fn of_call(all: Vec<Selected>, call: &CallId) -> Result<Vec<Selected>, Unfound> {
    let mut commands: HashSet<CommandId> = HashSet::new();
    let mut names: HashSet<Vec<u8>> = HashSet::new();
    let mut lines: HashSet<LineId> = HashSet::new();
    for one in &all {
        if let What::Api(told) = &one.entry.what
            && told.call.as_ref() == Some(call)
        {
            commands.extend(one.entry.command.clone());
            names.extend(told.pbx_call.as_ref().map(|name| name.to_ascii_uppercase().into_bytes()));
            lines.extend(told.line.clone());
        }
    }
    if lines.is_empty() {
        return Err(Unfound);
    }
    let is_of_command = |one: &Selected| one.entry.command.as_ref().is_some_and(|id| commands.contains(id));
    // The other phones of a command have ladders of their own.
    let is_of_line = |one: &Selected| one.line.as_ref().is_some_and(|line| lines.contains(line));
    let is_of_call = |one: &Selected| match &one.entry.what {
        What::Api(told) => told.call.as_ref() == Some(call) || (is_of_command(one) && is_of_line(one)),
        What::Xml { .. } => false,
        What::Sip { bytes, .. } => {
            let is_named = || {
                let text = bytes.to_ascii_uppercase();
                names.iter().any(|name| memchr::memmem::find(&text, name).is_some())
            };
            is_of_command(one) || (is_of_line(one) && is_named())
        }
    };
    let direct: Vec<bool> = all.iter().map(is_of_call).collect();
    let transactions: HashSet<Transaction> = all
        .iter()
        .zip(&direct)
        .filter(|(_, is_direct)| **is_direct)
        .filter_map(|(one, _)| Some(one.head.as_ref()?.transaction.clone()))
        .collect();
    let belongs = |one: &Selected| one.head.as_ref().is_some_and(|head| transactions.contains(&head.transaction));
    Ok(all.into_iter().zip(direct).filter(|(one, is_direct)| *is_direct || belongs(one)).map(|(one, _)| one).collect())
}

fn head(entry: &Entry) -> Option<Head> {
    let What::Sip { bytes, .. } = &entry.what else { return None };
    let message = parse(bytes.clone(), Strictness::Router).ok()?;
    let cseq = message.cseq()?;
    let method = String::from_utf8_lossy(cseq.method).into_owned();
    let csta = csta_name(&message.body());
    let mut summary = match (message.method().map(Method::as_str), message.status()) {
        (Some(method), _) => method.to_owned(),
        (None, Some(status)) => format!("{status} {} ({method})", message.reason()),
        (None, None) => return None,
    };
    if let Some(csta) = &csta {
        summary.push(' ');
        summary.push_str(csta);
    }
    let other = match entry.direction {
        Direction::Sent => Direction::Received,
        Direction::Received => Direction::Sent,
    };
    let by = if message.method().is_some() { entry.direction } else { other };
    let call_id = String::from_utf8_lossy(message.call_id()?).into_owned();
    let transaction = Transaction { call_id, by, number: cseq.number, method: cseq.method.to_ascii_uppercase() };
    Some(Head { transaction, summary, csta })
}

/// The root of a CSTA body.
fn csta_name(body: &[u8]) -> Option<String> {
    memchr::memmem::find(body, b"csta").and_then(|_| root(body))
}

/// The local name of the first element.
fn root(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let mut rest: &str = &text;
    while let Some(open) = rest.find('<') {
        rest = rest.get(open + 1..)?;
        if rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            let name = rest.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next()?;
            return Some(name.rsplit(':').next().unwrap_or(name).to_owned());
        }
    }
    None
}

/// What a body of the XML API is about: the first element that is no envelope.
fn xml_name(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let names = text.split('<').skip(1).filter_map(|part| {
        let name = part.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next()?;
        let name = name.rsplit(':').next().unwrap_or(name);
        name.starts_with(|c: char| c.is_alphabetic()).then_some(name)
    });
    let around = ["Envelope", "Header", "Body", "axl", "request", "response", "xml"];
    let mut names = names.filter(|name| !around.contains(name));
    names.next().map_or_else(|| "no XML".to_owned(), str::to_owned)
}

fn item(one: Selected, redactor: Option<&mut Redactor>) -> TraceItem {
    let entry = one.entry;
    let way = match entry.direction {
        Direction::Sent => Way::Sent,
        Direction::Received => Way::Received,
    };
    let is_full = redactor.is_none();
    let (layer, summary, call_id, text, ends) = match &entry.what {
        What::Api(told) => (Layer::Api, told.summary.clone(), told.call.clone(), None, None),
        What::Xml { bytes } => {
            let text = String::from_utf8_lossy(bytes);
            let text = redactor.map_or_else(|| text.clone().into_owned(), |redactor| redactor.xml_api(&text));
            (Layer::Xml, xml_name(bytes), None, Some(text), None)
        }
        What::Sip { bytes, ends, .. } => {
            let has_csta = one.head.as_ref().is_some_and(|head| head.csta.is_some());
            let layer = if has_csta { Layer::Csta } else { Layer::Sip };
            let summary = one.head.map_or_else(|| "not readable".to_owned(), |head| head.summary);
            let text = redactor
                .map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |redactor| redactor.message(bytes));
            (layer, summary, None, Some(text), ends.filter(|_| is_full))
        }
    };
    TraceItem {
        seq: entry.seq,
        time: Timestamp::from_unix_ms(i64::try_from(entry.at_us / 1000).unwrap_or(i64::MAX)),
        pbx_id: one.pbx,
        line_id: one.line,
        call_id,
        command_id: entry.command,
        layer,
        direction: way,
        summary,
        local: ends.map(|ends| ends.local.to_string()),
        remote: ends.map(|ends| ends.remote.to_string()),
        text,
    }
}
