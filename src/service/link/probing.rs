//! A field test has one line: the line's own sessions rest, and what the test asks goes out in sessions of its own
//! beside those of the other lines.

mod ground;
mod tap;

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Reply;
use super::task::{LinkTask, News};
use super::timers::Timer;
use crate::csta::exchange::{self, Exchange, Outcome, Output, Received, Ticket};
use crate::csta::{Encoding, Request, decode};
use crate::domain::call_table::SeatId;
use crate::domain::{LineId, Monitor, MonitorState};
use crate::service::pbx::Template;
use crate::service::probe::Record;
use crate::sip::{self, Body, Event, Failure, Input, ReplyToken, SessionId};
pub(in crate::service) use ground::Ground;
use tap::Tap;

/// Names of the test's sessions begin here: far above those of seats, far below those of sessions given up.
const FIRST: u64 = 1 << 40;
const LAST: u64 = FIRST + 10_000;

/// How a session of the test is opened.
#[derive(Debug, Clone)]
pub(in crate::service) struct Form {
    /// Template of the user of From.
    pub(in crate::service) user: String,
    /// The reference id of the registration is echoed.
    pub(in crate::service) has_reference: bool,
    /// The body begins with an XML declaration.
    pub(in crate::service) has_declaration: bool,
    /// The line is named in private data.
    pub(in crate::service) has_line: bool,
}

/// What became of an INVITE.
#[derive(Debug)]
pub(in crate::service) enum Opened {
    /// The session stands; the body of the answer.
    Yes(Option<Bytes>),
    /// Refused.
    No(Failure),
    /// It cannot be tried.
    Impossible(&'static str),
}

/// What happens in the sessions of the test without being asked for.
#[derive(Debug)]
pub(in crate::service) enum ProbeNews {
    /// An event of the PBX.
    Event(Bytes),
    /// The PBX ended a monitor.
    MonitorStopped,
    /// A session ended that the test did not close.
    Ended,
}

/// What the test asks the link for.
#[derive(Debug)]
pub(in crate::service) enum ProbeAsk {
    /// Register again; whether it stands, and whether a reference id came with it.
    Register(oneshot::Sender<Result<bool, Failure>>),
    /// Open a session.
    Open { session: u32, form: Form, reply: oneshot::Sender<Opened> },
    /// Ask for a service. A reply that never comes means that the session is gone.
    Say { session: u32, request: Request, reply: oneshot::Sender<Outcome> },
    /// Close a session.
    Close { session: u32, reply: oneshot::Sender<()> },
}

struct Conversation {
    exchange: Exchange,
    opening: Option<oneshot::Sender<Opened>>,
    closing: Option<oneshot::Sender<()>>,
    waiting: HashMap<Ticket, oneshot::Sender<Outcome>>,
    next: u64,
}

/// The test that runs.
pub(super) struct Probing {
    line: LineId,
    news: mpsc::Sender<ProbeNews>,
    /// The script is gone, however it ended.
    over: CancellationToken,
    conversations: HashMap<SessionId, Conversation>,
    registering: Option<oneshot::Sender<Result<bool, Failure>>>,
    tap: Tap,
}

/// The session of an event, when it is one of the test's.
pub(super) fn test_session(event: &Event) -> Option<SessionId> {
    let session = match event {
        Event::SessionOpened { session, .. }
        | Event::SessionRefused { session, .. }
        | Event::SessionRefreshed { session }
        | Event::SessionRefreshFailed { session, .. }
        | Event::SessionEnded { session, .. }
        | Event::Request { session, .. }
        | Event::InfoAnswered { session, .. }
        | Event::InfoLost { session, .. } => *session,
        _ => return None,
    };
    (FIRST..LAST).contains(&session.0).then_some(session)
}

fn session_of(number: u32) -> SessionId {
    SessionId(FIRST + u64::from(number))
}

impl LinkTask {
    /// Whether a field test has this line now.
    pub(super) fn is_probed(&self, line: &LineId) -> bool {
        self.probing.as_ref().is_some_and(|probing| probing.line == *line)
    }

    /// Gives a line to a field test.
    pub(super) fn begin_probe(
        &mut self,
        line: &LineId,
        record: Record,
        news: mpsc::Sender<ProbeNews>,
        over: CancellationToken,
        reply: Reply<Ground>,
    ) {
        let ground = match self.ground(line) {
            Ok(ground) => ground,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        let (ended, news_in) = (over.clone(), self.news_in.clone());
        tokio::spawn(async move {
            ended.cancelled().await;
            // The mailbox is gone only with the link itself.
            let _ = news_in.send(News::ProbeOver).await;
        });
        let tap = Tap::new(record);
        self.probing =
            Some(Probing { line: line.clone(), news, over, conversations: HashMap::new(), registering: None, tap });
        let wall = self.at().wall;
        for id in self.lines.get(line).map(|entry| entry.seats.clone()).unwrap_or_default() {
            self.close_seat(id);
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.monitor = Monitor {
                    code: Some("probe".to_owned()),
                    reason: Some("A field test (`linegate probe`) has this line.".to_owned()),
                    hint: Some("It is monitored again by itself when the test ends.".to_owned()),
                    ..Monitor::plain(MonitorState::Off, wall)
                };
            }
        }
        self.changed_lines.insert(line.clone());
        tracing::info!(link.name = %self.row.settings.name, "a field test of a line begins");
        let _ = reply.send(Ok(ground));
    }

    /// The test asks for something.
    pub(super) fn probe_ask(&mut self, ask: ProbeAsk) {
        match ask {
            ProbeAsk::Register(reply) => {
                if let Some(probing) = &mut self.probing {
                    probing.registering = Some(reply);
                    self.feed(Input::Register);
                }
            }
            ProbeAsk::Open { session, form, reply } => self.open_for_probe(session_of(session), &form, reply),
            ProbeAsk::Say { session, request, reply } => {
                let now = self.now();
                let id = session_of(session);
                if let Some(talk) = self.conversation(id) {
                    talk.next += 1;
                    let ticket = Ticket(talk.next);
                    talk.waiting.insert(ticket, reply);
                    talk.exchange.submit(now, ticket, request);
                }
                self.poll_probe(id);
            }
            ProbeAsk::Close { session, reply } => {
                let id = session_of(session);
                if let Some(talk) = self.conversation(id) {
                    talk.closing = Some(reply);
                    self.feed(Input::CloseSession { session: id });
                }
            }
        }
    }

    fn conversation(&mut self, session: SessionId) -> Option<&mut Conversation> {
        self.probing.as_mut()?.conversations.get_mut(&session)
    }

    fn open_for_probe(&mut self, session: SessionId, form: &Form, reply: oneshot::Sender<Opened>) {
        let Some(line) = self.probing.as_ref().map(|probing| probing.line.clone()) else { return };
        let around = self.seat_surroundings();
        let Some(seat) = self.lines.get(&line).and_then(|entry| self.seats.get(entry.seats.first()?)) else { return };
        let user = Template::parse(&form.user).ok().and_then(|template| template.fill(seat.values(&around)));
        let Some(user) = user else {
            let _ = reply.send(Opened::Impossible("the line has no phone to name"));
            return;
        };
        let mut config = self.exchange_config();
        let private_line = form.has_line.then(|| self.dialect.status.line_uri.fill(seat.values(&around))).flatten();
        config.encoding = Encoding { declaration: form.has_declaration, private_line, ..config.encoding };
        let spec = self.invite_spec(seat, &user, form.has_reference, &config.encoding);
        config.encoding.private_line = None;
        let talk = Conversation {
            exchange: Exchange::new(config),
            opening: Some(reply),
            closing: None,
            waiting: HashMap::new(),
            next: 0,
        };
        if let Some(probing) = &mut self.probing {
            probing.conversations.insert(session, talk);
        }
        self.feed(Input::OpenSession { session, invite: spec });
        let call_id = self.endpoint.as_ref().and_then(|endpoint| endpoint.call_id(session)).map(str::to_owned);
        if let (Some(probing), Some(call_id)) = (&mut self.probing, call_id) {
            probing.tap.follow(call_id);
        }
    }

    /// Something happened in a session of the test.
    pub(super) fn on_probe_event(&mut self, session: SessionId, event: Event) {
        let now = self.now();
        match event {
            Event::SessionOpened { body, .. } => {
                match self.conversation(session).and_then(|talk| talk.opening.take()) {
                    Some(reply) => {
                        let _ = reply.send(Opened::Yes(body.map(|body| body.data)));
                    }
                    // The test is over.
                    None => self.feed(Input::CloseSession { session }),
                }
            }
            Event::SessionRefused { failure, .. } => {
                let talk = self.probing.as_mut().and_then(|probing| probing.conversations.remove(&session));
                if let Some(reply) = talk.and_then(|talk| talk.opening) {
                    let _ = reply.send(Opened::No(failure));
                }
            }
            Event::SessionEnded { .. } => {
                let talk = self.probing.as_mut().and_then(|probing| probing.conversations.remove(&session));
                match talk.map(|talk| talk.closing) {
                    Some(Some(reply)) => {
                        let _ = reply.send(());
                    }
                    Some(None) => self.tell_probe(ProbeNews::Ended),
                    None => {}
                }
            }
            Event::Request { token, body, .. } => self.on_probe_request(session, token, body),
            Event::InfoAnswered { ticket, status, body, .. } => {
                if let Some(talk) = self.conversation(session) {
                    let body = body.map(|body| body.data);
                    let input = exchange::Input::InfoAnswered { ticket: Ticket(ticket.0), status, body };
                    talk.exchange.handle(now, input);
                }
            }
            Event::InfoLost { ticket, .. } => {
                if let Some(talk) = self.conversation(session) {
                    talk.exchange.handle(now, exchange::Input::InfoLost { ticket: Ticket(ticket.0) });
                }
            }
            _ => {}
        }
        self.poll_probe(session);
    }

    fn on_probe_request(&mut self, session: SessionId, token: ReplyToken, body: Option<Body>) {
        let now = self.now();
        let mut reply = (200, None);
        if let (Some(body), Some(talk)) = (body, self.conversation(session)) {
            let is_event = matches!(talk.exchange.receive(now, &body.data), Received::Event(_));
            let mut rest = Vec::new();
            while let Some(output) = talk.exchange.poll() {
                match output {
                    Output::Reply { status, body } => reply = (status, body),
                    other => rest.push(other),
                }
            }
            self.feed(Input::Reply { token, status: reply.0, body: reply.1 });
            if is_event {
                self.tell_probe(ProbeNews::Event(body.data));
            }
            for output in rest {
                self.on_probe_output(session, output);
            }
            return;
        }
        self.feed(Input::Reply { token, status: reply.0, body: reply.1 });
    }

    fn poll_probe(&mut self, session: SessionId) {
        while let Some(output) = self.conversation(session).and_then(|talk| talk.exchange.poll()) {
            self.on_probe_output(session, output);
        }
        let talks = self.probing.iter().flat_map(|probing| probing.conversations.values());
        let deadline: Option<Instant> = talks.filter_map(|talk| talk.exchange.deadline()).min();
        self.timers.set(Timer::Probe, deadline);
    }

    fn on_probe_output(&mut self, session: SessionId, output: Output) {
        match output {
            Output::SendInfo { ticket, body } => {
                self.feed(Input::Info { session, ticket: sip::Ticket(ticket.0), body });
            }
            Output::Done { ticket, outcome } => {
                if let Some(reply) = self.conversation(session).and_then(|talk| talk.waiting.remove(&ticket)) {
                    let _ = reply.send(outcome);
                }
            }
            Output::Event(body) if decode(&body).is_ok() => self.tell_probe(ProbeNews::Event(body)),
            Output::MonitorStopped { .. } => self.tell_probe(ProbeNews::MonitorStopped),
            _ => {}
        }
    }

    fn tell_probe(&self, news: ProbeNews) {
        if let Some(probing) = &self.probing {
            // A test that reads nothing for so long has other troubles; the record has the message.
            let _ = probing.news.try_send(news);
        }
    }

    pub(super) fn on_probe_time(&mut self) {
        let now = self.now();
        let sessions: Vec<SessionId> =
            self.probing.iter().flat_map(|probing| probing.conversations.keys().copied()).collect();
        for session in sessions {
            if let Some(talk) = self.conversation(session) {
                talk.exchange.handle(now, exchange::Input::Timeout);
            }
            self.poll_probe(session);
        }
    }

    /// The registration was answered: the test may have asked for it.
    pub(super) fn probe_registered(&mut self, result: Result<bool, &Failure>) {
        if let Some(reply) = self.probing.as_mut().and_then(|probing| probing.registering.take()) {
            let _ = reply.send(result.map_err(Clone::clone));
        }
    }

    pub(super) fn tap_sent(&mut self, flow: u64, data: &Bytes) {
        if let Some(probing) = &mut self.probing {
            probing.tap.sent(flow, data);
        }
    }

    pub(super) fn tap_received(&mut self, flow: u64, data: &Bytes) {
        if let Some(probing) = &mut self.probing {
            probing.tap.received(flow, data);
        }
    }

    /// A script has ended; another test may run by now.
    pub(super) fn probe_is_over(&mut self) {
        if self.probing.as_ref().is_some_and(|probing| probing.over.is_cancelled()) {
            self.end_probe();
        }
    }

    /// The test is over, however it ended: its sessions are closed and the line is monitored again.
    pub(super) fn end_probe(&mut self) {
        let Some(probing) = self.probing.take() else { return };
        self.timers.set(Timer::Probe, None);
        for session in probing.conversations.keys() {
            self.feed(Input::CloseSession { session: *session });
        }
        tracing::info!(link.name = %self.row.settings.name, "the field test is over");
        if self.shutdown.is_some() || !self.row.settings.enabled {
            return;
        }
        let wall = self.at().wall;
        let seats: Vec<SeatId> = self.lines.get(&probing.line).map(|entry| entry.seats.clone()).unwrap_or_default();
        for id in seats {
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.monitor = Monitor::plain(MonitorState::Off, wall);
            }
        }
        // Opens those that the line still wants. One that is still closing is opened when it is closed.
        self.arrange_seats(&probing.line);
    }
}
