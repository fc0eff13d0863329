//! One dialog's conversation in CSTA: which service is outstanding, and which message answers it.
//!
//! CSTA over SIP has no invoke id, so services go out one after another (sections 3.4 and 4; U-34). The answer stands in
//! the final answer of the INFO, with any status, or comes as an INFO of its own (U-33). Events run beside all that.
//!
//! A service without an answer at the soft limit gives its place away: its answer may be lost, and what was lost must not
//! keep anybody from hanging up. What only asks goes next, so that the truth is known before anything else is done.

pub mod early;
mod flight;
mod outcome;
#[cfg(test)]
mod tests;
mod words;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use self::flight::{Flight, Judged};
pub use self::outcome::{Answer, Doubt, Outcome, Refusal};
pub use self::words::{Cancelled, ExchangeConfig, Input, Output, Received, ResponseMode, Ticket};
use super::{
    Encoding, Fault, Message, Namespace, OperationError, PeerRequest, Reply, Request, Service, SystemStatus, decode_as,
};

#[derive(Debug)]
struct Queued {
    ticket: Ticket,
    request: Request,
    until: Instant,
}

/// The conversation of one dialog.
#[derive(Debug)]
pub struct Exchange {
    config: ExchangeConfig,
    queue: VecDeque<Queued>,
    flights: Vec<Flight>,
    outputs: VecDeque<Output>,
    learned: bool,
    has_separate_responses: bool,
    /// A service has just turned slow: what acts goes out when the caller had its chance to ask what is true.
    held_back: Option<Instant>,
}

impl Exchange {
    /// A conversation in which nothing was said.
    #[must_use]
    pub fn new(config: ExchangeConfig) -> Self {
        Self {
            config,
            queue: VecDeque::new(),
            flights: Vec::new(),
            outputs: VecDeque::new(),
            learned: false,
            has_separate_responses: false,
            held_back: None,
        }
    }

    /// How messages are written now.
    #[must_use]
    pub fn encoding(&self) -> &Encoding {
        &self.config.encoding
    }

    /// Whether a response has come in an INFO of its own (U-33).
    pub fn has_separate_responses(&self) -> bool {
        self.has_separate_responses
    }

    /// Changes how messages are written from now on (fallbacks of U-8, U-11, U-37).
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.config.encoding = encoding;
    }

    /// Services that wait or are outstanding.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.queue.len() + self.flights.len()
    }

    /// Queues a service; first come, first served.
    pub fn submit(&mut self, now: Instant, ticket: Ticket, request: Request) {
        if self.queue.len() >= self.config.max_queued {
            self.done(ticket, Outcome::Refused(Refusal::QueueFull));
            return;
        }
        let service = request.service();
        let is_patient = service.is_read_only() || service == Service::ClearConnection;
        let wait = if is_patient { self.config.hard } else { self.config.queue_wait };
        self.queue.push_back(Queued { ticket, request, until: now + wait });
        self.pump(now);
    }

    /// Takes back a service whose [`Output::SendInfo`] was polled and not carried out: it has no end, and the next one
    /// goes out.
    pub fn withdraw(&mut self, now: Instant, ticket: Ticket) {
        if self.take(ticket).is_some() {
            self.pump(now);
        }
    }

    /// Whether a service is so late that its answer may be lost.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.flights.iter().any(Flight::is_slow)
    }

    /// Forgets every service: the dialog is gone. Outputs not yet polled stay, but for requests not yet sent.
    pub fn cancel_all(&mut self) -> Vec<Cancelled> {
        let unsent: Vec<Ticket> = self
            .outputs
            .iter()
            .filter_map(|output| match output {
                Output::SendInfo { ticket, .. } => Some(*ticket),
                _ => None,
            })
            .collect();
        self.outputs.retain(|output| !matches!(output, Output::SendInfo { .. }));
        let flights = self.flights.drain(..).map(|flight| flight.ticket);
        let mut cancelled: Vec<Cancelled> =
            flights.map(|ticket| Cancelled { ticket, sent: !unsent.contains(&ticket) }).collect();
        self.held_back = None;
        cancelled.extend(self.queue.drain(..).map(|queued| Cancelled { ticket: queued.ticket, sent: false }));
        cancelled
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::InfoAnswered { ticket, status, body } => self.answered(now, ticket, status, body),
            Input::InfoLost { ticket } => {
                if let Some(flight) = self.take(ticket) {
                    self.done(flight.ticket, Outcome::Unknown(Doubt::LinkLost));
                }
            }
            Input::Body(body) => {
                let event = matches!(self.receive(now, &body), Received::Event(_));
                if event {
                    self.outputs.push_back(Output::Event(body));
                }
            }
            Input::Timeout => {}
        }
        if self.expire(now) {
            self.held_back = Some(now);
            self.pump_questions(now);
        } else {
            self.pump(now);
        }
    }

    /// Takes in a body of the switch's own INFO: an event is handed back decoded, anything else is dealt with. In
    /// either case the first output to follow for it is its [`Output::Reply`].
    pub fn receive<'a>(&mut self, now: Instant, body: &'a Bytes) -> Received<'a> {
        let message = match decode_as(body, self.config.charset) {
            Ok(message) => message,
            Err(error) => {
                // IOS must not repeat it for ever, so even this gets a 200 unless told otherwise (section 15c).
                self.reply(if self.config.strict { 400 } else { 200 }, None);
                self.outputs.push_back(Output::Malformed(error));
                return Received::Handled;
            }
        };
        match message {
            Message::Event(event) => {
                self.reply(200, None);
                return Received::Event(event);
            }
            Message::Response(response) => {
                self.reply(200, None);
                let service = response.service();
                self.separate(
                    now,
                    Some(|flight: &Flight| Some(flight.service) == service),
                    body,
                    &response_root(service),
                );
            }
            Message::Fault(_) => {
                self.reply(200, None);
                self.separate(now, None::<fn(&Flight) -> bool>, body, "CSTAErrorCode");
            }
            Message::Request(request) => self.requested(now, request, body),
            Message::Unknown { root } => {
                self.reply(200, None);
                self.outputs.push_back(Output::Stray { root: (*root).into() });
            }
        }
        self.pump(now);
        Received::Handled
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let flights = self.flights.iter().map(Flight::deadline);
        flights.chain(self.queue.iter().map(|queued| queued.until)).chain(self.held_back).min()
    }

    fn answered(&mut self, now: Instant, ticket: Ticket, status: u16, body: Option<Bytes>) {
        if status < 200 {
            return;
        }
        let body = body.filter(|body| !body.is_empty());
        let Some(index) = self.flights.iter().position(|flight| flight.ticket == ticket) else {
            if let Some(body) = body {
                self.outputs.push_back(Output::Late { ticket, body });
            }
            return;
        };
        // The body of any final answer counts first, only then the status (section 4).
        let judged = match (&body, self.flights.get(index)) {
            (Some(body), Some(flight)) => flight.judge(status, body),
            _ => Judged::Nothing,
        };
        match judged {
            Judged::Event => {
                self.outputs.extend(body.map(Output::Event));
                self.empty_answer(now, index, status);
            }
            Judged::Nothing => self.empty_answer(now, index, status),
            judged => self.settle(now, index, judged, body.unwrap_or_default()),
        }
    }

    /// A final answer without a CSTA body.
    fn empty_answer(&mut self, now: Instant, index: usize, status: u16) {
        let outcome = match status {
            200..=299 => {
                let wait = match self.config.response_mode {
                    ResponseMode::Final => None,
                    ResponseMode::Separate => Some(self.config.hard),
                    ResponseMode::Auto => Some(self.config.soft),
                };
                match (wait, self.flights.get_mut(index)) {
                    (Some(wait), Some(flight)) => {
                        flight.wait_for_separate(now + wait);
                        return;
                    }
                    _ => Outcome::Unknown(Doubt::EmptyAnswer),
                }
            }
            // A time-out says nothing about what the switch did (section 15c, 408).
            408 => Outcome::Unknown(Doubt::NoAnswer),
            status => Outcome::Refused(Refusal::Sip(status)),
        };
        self.finish(index, outcome);
    }

    /// A response or fault in an INFO of its own: it belongs to the oldest service that it can answer, to one whose answer
    /// may be lost only where no other waits.
    fn separate(&mut self, now: Instant, fits: Option<impl Fn(&Flight) -> bool>, body: &Bytes, root: &str) {
        let allowed = self.config.response_mode != ResponseMode::Final;
        let can =
            |flight: &Flight| allowed && flight.awaits_response() && fits.as_ref().is_none_or(|fits| fits(flight));
        let index = self
            .flights
            .iter()
            .position(|flight| !flight.is_slow() && can(flight))
            .or_else(|| self.flights.iter().position(can));
        match index {
            Some(index) => {
                self.has_separate_responses = true;
                let judged = self.flights.get(index).map_or(Judged::Nothing, |flight| flight.judge(200, body));
                self.settle(now, index, judged, body.clone());
            }
            None => self.outputs.push_back(Output::Stray { root: root.into() }),
        }
    }

    fn settle(&mut self, now: Instant, index: usize, judged: Judged, body: Bytes) {
        let outcome = match judged {
            Judged::Answer => {
                self.learn(&body);
                Outcome::Response(Answer { body, segments: Vec::new(), complete: true, charset: self.config.charset })
            }
            Judged::Announced(reference) => {
                let until = now + self.config.segments;
                let complete = self.flights.get_mut(index).and_then(|flight| flight.announce(reference, body, until));
                match complete {
                    Some(answer) => Outcome::Response(answer),
                    None => return,
                }
            }
            Judged::Fault(fault) => Outcome::Refused(Refusal::Fault(fault)),
            Judged::Refused(status) => Outcome::Refused(Refusal::Sip(status)),
            Judged::Mismatch(found) => Outcome::Mismatch { found },
            Judged::Event | Judged::Nothing => return,
        };
        self.finish(index, outcome);
    }

    fn requested(&mut self, now: Instant, request: PeerRequest<'_>, body: &Bytes) {
        match request {
            PeerRequest::RequestSystemStatus => self.say(&Reply::RequestSystemStatus(SystemStatus::Normal)),
            PeerRequest::SystemStatus { status } => {
                self.say(&Reply::SystemStatus);
                self.outputs.extend(status.map(Output::SystemStatus));
            }
            PeerRequest::MonitorStop { monitor_cross_ref_id } => {
                self.say(&Reply::MonitorStop);
                let monitor_cross_ref_id = monitor_cross_ref_id.into_owned();
                self.outputs.push_back(Output::MonitorStopped { monitor_cross_ref_id });
            }
            PeerRequest::SnapshotDeviceData(segment) => {
                let (reference, last) = (segment.service_cross_ref_id, segment.last_segment);
                self.segment(now, Service::SnapshotDevice, &reference, last, body);
            }
            PeerRequest::SnapshotCallData(segment) => {
                let (reference, last) = (segment.service_cross_ref_id, segment.last_segment);
                self.segment(now, Service::SnapshotCall, &reference, last, body);
            }
            PeerRequest::Other(service) => {
                self.say(&Reply::Fault(Fault::from(OperationError::ServiceNotSupported)));
                self.outputs.push_back(Output::Stray { root: service.as_str().into() });
            }
        }
    }

    fn segment(&mut self, _now: Instant, service: Service, reference: &str, last: bool, body: &Bytes) {
        self.reply(200, None);
        let index = self.flights.iter().position(|flight| flight.service == service && flight.collects(reference));
        let Some(index) = index else {
            self.outputs.push_back(Output::Stray { root: format!("{service}Data").into() });
            return;
        };
        if let Some(answer) = self.flights.get_mut(index).and_then(|flight| flight.collect(body.clone(), last)) {
            self.finish(index, Outcome::Response(answer));
        }
    }

    /// Gives up what is over; says whether a service has turned slow.
    fn expire(&mut self, now: Instant) -> bool {
        let mut turned_slow = false;
        let mut index = 0;
        while let Some(flight) = self.flights.get_mut(index) {
            if flight.is_over(now) {
                let outcome = flight.give_up();
                self.finish(index, outcome);
                continue;
            }
            if flight.turns_slow(now) {
                let ticket = flight.ticket;
                self.outputs.push_back(Output::Slow { ticket });
                turned_slow = true;
            }
            index += 1;
        }
        let (over, waiting) = std::mem::take(&mut self.queue).into_iter().partition::<Vec<_>, _>(|q| q.until <= now);
        self.queue = waiting.into();
        for queued in over {
            self.done(queued.ticket, Outcome::Refused(Refusal::WaitedTooLong));
        }
        turned_slow
    }

    /// Sends what may be sent: in the order of asking, but in doubt the questions first.
    fn pump(&mut self, now: Instant) {
        self.pump_questions(now);
        self.held_back = None;
        while self.has_place() {
            let Some(queued) = self.queue.pop_front() else { return };
            self.send(now, &queued);
        }
    }

    /// Sends the questions that may be sent, if the answer to something else may be lost.
    fn pump_questions(&mut self, now: Instant) {
        while self.is_in_doubt() && self.has_place() {
            let question = self.queue.iter().position(|queued| queued.request.service().is_read_only());
            let Some(queued) = question.and_then(|index| self.queue.remove(index)) else { return };
            self.send(now, &queued);
        }
    }

    /// A service that turned slow takes no place.
    fn has_place(&self) -> bool {
        self.flights.iter().filter(|flight| !flight.is_slow()).count() < self.config.max_outstanding.max(1)
    }

    fn send(&mut self, now: Instant, queued: &Queued) {
        let service = queued.request.service();
        let hard = if service == Service::GetCstaFeatures { self.config.features } else { self.config.hard };
        self.flights.push(Flight::new(self.config.charset, queued.ticket, service, now + self.config.soft, now + hard));
        let body = queued.request.encode(&self.config.encoding);
        self.outputs.push_back(Output::SendInfo { ticket: queued.ticket, body });
    }

    fn learn(&mut self, body: &[u8]) {
        if self.config.learn_namespace
            && !self.learned
            && let Some(namespace) = Namespace::learn(body)
        {
            self.config.encoding.namespace = namespace;
            self.learned = true;
        }
    }

    fn take(&mut self, ticket: Ticket) -> Option<Flight> {
        let index = self.flights.iter().position(|flight| flight.ticket == ticket)?;
        Some(self.flights.remove(index))
    }

    fn finish(&mut self, index: usize, outcome: Outcome) {
        let ticket = self.flights.remove(index).ticket;
        self.done(ticket, outcome);
    }

    fn done(&mut self, ticket: Ticket, outcome: Outcome) {
        self.outputs.push_back(Output::Done { ticket, outcome });
    }

    fn reply(&mut self, status: u16, body: Option<Bytes>) {
        self.outputs.push_back(Output::Reply { status, body });
    }

    fn say(&mut self, reply: &Reply) {
        let body = reply.encode(&self.config.encoding);
        self.reply(200, Some(body));
    }
}

fn response_root(service: Option<Service>) -> String {
    service.map_or_else(|| "Response".to_owned(), |service| format!("{service}Response"))
}
