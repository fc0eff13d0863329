//! A peer in the form of text messages, and the clock.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::sip::strictness::Strictness;
use crate::sip::wire::frame::{Frame, Framer};
use crate::sip::wire::headers::HeaderName;
use crate::sip::wire::message::Message;
use crate::sip::wire::parse::parse;
use crate::sip::{
    Credentials, Diagnostic, Endpoint, EndpointConfig, Event, FlowId, Input, InviteSpec, Method, Output, ReplyToken,
    SessionId, Ticket,
};

pub(super) const LINE: SessionId = SessionId(211);
/// No XML at all: bodies are opaque to this layer.
pub(super) const STATUS_QUESTION: &str = "how are you";
pub(super) const CSTA: &str = "Content-Type: application/csta+xml\n";

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One endpoint under test and everything it said.
pub(super) struct Peer {
    pub(super) core: Endpoint,
    pub(super) now: Instant,
    framers: HashMap<FlowId, Framer>,
    sent: VecDeque<(FlowId, Message)>,
    events: VecDeque<Event>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) connects: usize,
    pub(super) pings: usize,
    pub(super) closed: Vec<FlowId>,
    flow: FlowId,
    branches: u64,
    /// Call-ID and our tag of the session under test.
    dialog: (String, String),
}

impl Peer {
    pub(super) fn with(change: impl FnOnce(&mut EndpointConfig)) -> Self {
        let mut config = EndpointConfig::new("192.0.2.50", 5070, "192.0.2.10", 5060);
        config.register.aor_user = "ss_ecsta".to_owned();
        config.credentials = Some(Credentials::new("ctigw", "canary-secret"));
        change(&mut config);
        Self {
            core: Endpoint::new(config, [9; 32]),
            now: Instant::now(),
            framers: HashMap::new(),
            sent: VecDeque::new(),
            events: VecDeque::new(),
            diagnostics: Vec::new(),
            connects: 0,
            pings: 0,
            closed: Vec::new(),
            flow: FlowId(0),
            branches: 0,
            dialog: ("none".to_owned(), "none".to_owned()),
        }
    }

    /// An endpoint with an open connection.
    pub(super) fn connected() -> Self {
        let mut peer = Self::with(|_| {});
        peer.connect(1, false);
        peer
    }

    /// An endpoint with an open session.
    pub(super) fn in_session() -> Self {
        let mut peer = Self::connected();
        peer.establish("");
        peer
    }

    pub(super) fn connect(&mut self, flow: u64, inbound: bool) {
        let flow = FlowId(flow);
        self.flow = flow;
        self.framers.insert(flow, Framer::new());
        self.give(Input::FlowOpened { flow, inbound, peer: "192.0.2.10:40000".parse().ok() });
    }

    pub(super) fn lose(&mut self, flow: u64) {
        self.give(Input::FlowClosed { flow: FlowId(flow) });
    }

    /// Opens [`LINE`] and answers its INVITE with 200 and these headers.
    pub(super) fn establish(&mut self, headers: &str) -> Message {
        self.invite(|_| {});
        let invite = self.next();
        self.answer(&invite, 200, headers, "fine");
        assert!(matches!(self.event(), Event::SessionOpened { session: LINE, .. }));
        assert_eq!(self.next().method(), Some(&Method::Ack));
        invite
    }

    pub(super) fn invite(&mut self, change: impl FnOnce(&mut InviteSpec)) {
        let mut invite = InviteSpec::new("211", "211_0A1B2C3D4E5F", Bytes::from_static(STATUS_QUESTION.as_bytes()));
        change(&mut invite);
        self.give(Input::OpenSession { session: LINE, invite });
    }

    pub(super) fn info(&mut self, ticket: u64) {
        self.give(Input::Info { session: LINE, ticket: Ticket(ticket), body: Bytes::from_static(b"<HoldCall/>") });
    }

    pub(super) fn reply(&mut self, token: ReplyToken, status: u16) {
        self.give(Input::Reply { token, status, body: None });
    }

    pub(super) fn give(&mut self, input: Input) {
        self.core.handle(self.now, input);
        self.pump();
    }

    fn pump(&mut self) {
        while let Some(output) = self.core.poll() {
            match output {
                Output::Connect => self.connects += 1,
                Output::Send { flow, data } => self.read(flow, data),
                Output::CloseFlow { flow, .. } => self.closed.push(flow),
                Output::Event(Event::Diagnostic(diagnostic)) => self.diagnostics.push(diagnostic),
                Output::Event(event) => self.events.push_back(event),
            }
        }
    }

    fn read(&mut self, flow: FlowId, data: Bytes) {
        let framer = self.framers.entry(flow).or_default();
        framer.feed(data);
        while let Some(frame) = framer.take().unwrap() {
            match frame {
                Frame::Message(bytes) => {
                    // What we write keeps to the letter of the RFC.
                    let message = parse(bytes, Strictness::Rfc).unwrap();
                    message.required().unwrap();
                    if message.method() == Some(&Method::Invite) && message.to().unwrap().tag().is_none() {
                        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                        let tag = message.from().unwrap().tag().map(text).unwrap();
                        self.dialog = (text(message.call_id().unwrap()), tag);
                    }
                    self.sent.push_back((flow, message));
                }
                Frame::Ping | Frame::Pong => self.pings += 1,
            }
        }
    }

    /// Lets time pass, every timer at its own time.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.core.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.give(Input::Timeout);
        }
        self.now = until;
        self.give(Input::Timeout);
    }

    /// The next message that the endpoint sent.
    #[track_caller]
    pub(super) fn next(&mut self) -> Message {
        self.next_on().1
    }

    #[track_caller]
    pub(super) fn next_on(&mut self) -> (u64, Message) {
        let Some((flow, message)) = self.sent.pop_front() else { panic!("nothing was sent") };
        (flow.0, message)
    }

    /// Everything sent and told since the last look.
    pub(super) fn drain(&mut self) -> (Vec<Message>, Vec<Event>) {
        (self.sent.drain(..).map(|(_, message)| message).collect(), self.events.drain(..).collect())
    }

    #[track_caller]
    pub(super) fn next_status(&mut self) -> u16 {
        self.next().status().unwrap()
    }

    #[track_caller]
    pub(super) fn event(&mut self) -> Event {
        let Some(event) = self.events.pop_front() else { panic!("no event") };
        event
    }

    #[track_caller]
    pub(super) fn silence(&mut self) {
        assert!(self.sent.is_empty(), "{:?}", self.sent);
        assert!(self.events.is_empty(), "{:?}", self.events);
    }

    /// The token of the next event, which has to be a request.
    #[track_caller]
    pub(super) fn request_event(&mut self) -> (ReplyToken, Method, bool) {
        match self.event() {
            Event::Request { session: LINE, token, method, gap, .. } => (token, method, gap),
            other => panic!("{other:?}"),
        }
    }

    /// Bytes of the peer on its newest flow; line ends are written as `\n`.
    pub(super) fn say(&mut self, text: &str) {
        let data = Bytes::from(text.replace('\n', "\r\n"));
        let flow = self.flow;
        self.give(Input::FlowBytes { flow, data });
    }

    /// Answers a request.
    pub(super) fn answer(&mut self, request: &Message, status: u16, headers: &str, body: &str) {
        let text = answer_text(request, status, headers, body);
        self.say(&text);
    }

    /// A request of the peer in the dialog.
    pub(super) fn ask(&mut self, method: &str, cseq: u32, headers: &str, body: &str) -> String {
        self.branches += 1;
        let (call_id, tag) = self.dialog.clone();
        let text = format!(
            "{method} sip:211_0A1B2C3D4E5F@192.0.2.50:5070;transport=tcp SIP/2.0\n\
             Via: SIP/2.0/TCP 192.0.2.10:5060;branch=z9hG4bK{}\n\
             From: <sip:211@192.0.2.10>;tag=R\n\
             To: <sip:211_0A1B2C3D4E5F@csta-gw>;tag={tag}\n\
             Call-ID: {call_id}\nCSeq: {cseq} {method}\nMax-Forwards: 70\n{headers}Content-Length: {}\n\n{body}",
            self.branches,
            body.len()
        );
        self.say(&text);
        text
    }

    /// An event INFO.
    pub(super) fn ask_info(&mut self, cseq: u32) -> String {
        self.ask("INFO", cseq, CSTA, "<DeliveredEvent/>")
    }

    /// A request of the peer outside of every dialog.
    pub(super) fn ask_outside(&mut self, method: &str, uri: &str, headers: &str, body: &str) {
        self.branches += 1;
        let text = format!(
            "{method} {uri} SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.10:5060;branch=z9hG4bKo{}\n\
             From: <sip:x@192.0.2.10>;tag=O\nTo: <sip:y@192.0.2.50>\nCall-ID: o{}@c\nCSeq: 1 {method}\n\
             Max-Forwards: 70\n{headers}Content-Length: {}\n\n{body}",
            self.branches,
            self.branches,
            body.len()
        );
        self.say(&text);
    }
}

/// An answer with the headers that every answer copies.
pub(super) fn answer_text(request: &Message, status: u16, headers: &str, body: &str) -> String {
    let field = |name| request.text(name).unwrap();
    let tag = if request.to().unwrap().tag().is_none() && status > 100 { ";tag=R" } else { "" };
    let kind = if body.is_empty() { "" } else { CSTA };
    format!(
        "SIP/2.0 {status} Because\nVia: {}\nFrom: {}\nTo: {}{tag}\nCall-ID: {}\nCSeq: {}\n\
         Contact: <sip:211@192.0.2.10:5062;transport=tcp>\n{headers}{kind}Content-Length: {}\n\n{body}",
        field(HeaderName::Via),
        field(HeaderName::From),
        field(HeaderName::To),
        field(HeaderName::CallId),
        field(HeaderName::CSeq),
        body.len()
    )
}

/// A header value as text; empty when it is not there.
pub(super) fn value(message: &Message, name: HeaderName) -> String {
    message.text(name).map(|text| text.into_owned()).unwrap_or_default()
}
