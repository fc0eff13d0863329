//! One dialog's conversation with a clock that only moves when told.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    Answer, Cancelled, Doubt, Exchange, ExchangeConfig, Input, Outcome, Output, Received, Refusal, ResponseMode, Ticket,
};
use crate::csta::{CallExtras, Connection, EventKind, OperationError, Request, Response, SystemStatus};

mod answers;
mod queue;
mod switch;

struct Talk {
    exchange: Exchange,
    now: Instant,
    outputs: VecDeque<Output>,
}

const HELD: &str = "<HeldEvent><monitorCrossRefID>1</monitorCrossRefID></HeldEvent>";
const ANNOUNCED: &str = "<SnapshotDeviceResponse><crossRefIDorSnapshotData><serviceCrossRefID>9</serviceCrossRefID></crossRefIDorSnapshotData></SnapshotDeviceResponse>";
const NOT_SUPPORTED: &str = "<CSTAErrorCode><operation>serviceNotSupported</operation></CSTAErrorCode>";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn hold() -> Request {
    Request::HoldCall { call: Connection::from(("c", "d")) }
}

fn make_call() -> Request {
    Request::MakeCall { calling: "1".into(), called: "2".into(), prompt: Some(false), extras: CallExtras::default() }
}

fn clear() -> Request {
    Request::ClearConnection { call: Connection::from(("c", "d")), reason: None }
}

fn snapshot() -> Request {
    Request::SnapshotDevice { device: "tel:211".into() }
}

impl Talk {
    fn with(change: impl FnOnce(&mut ExchangeConfig)) -> Self {
        let mut config = ExchangeConfig::default();
        change(&mut config);
        Self { exchange: Exchange::new(config), now: Instant::now(), outputs: VecDeque::new() }
    }

    fn new() -> Self {
        Self::with(|_| {})
    }

    fn pump(&mut self) {
        self.outputs.extend(std::iter::from_fn(|| self.exchange.poll()));
    }

    fn submit(&mut self, ticket: u64, request: Request) {
        self.exchange.submit(self.now, Ticket(ticket), request);
        self.pump();
    }

    fn give(&mut self, input: Input) {
        self.exchange.handle(self.now, input);
        self.pump();
    }

    fn answer(&mut self, ticket: u64, status: u16, body: &str) {
        let body = Some(Bytes::copy_from_slice(body.as_bytes()));
        self.give(Input::InfoAnswered { ticket: Ticket(ticket), status, body });
    }

    fn body(&mut self, text: &str) {
        self.give(Input::Body(Bytes::copy_from_slice(text.as_bytes())));
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.exchange.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.give(Input::Timeout);
        }
        self.now = until;
    }

    #[track_caller]
    fn next(&mut self) -> Output {
        let Some(output) = self.outputs.pop_front() else { panic!("nothing to do") };
        output
    }

    #[track_caller]
    fn sent(&mut self, ticket: u64) -> String {
        match self.next() {
            Output::SendInfo { ticket: found, body } => {
                assert_eq!(found, Ticket(ticket));
                String::from_utf8(body.to_vec()).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn done(&mut self, ticket: u64) -> Outcome {
        match self.next() {
            Output::Done { ticket: found, outcome } => {
                assert_eq!(found, Ticket(ticket));
                outcome
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn answered(&mut self, ticket: u64) -> Answer {
        match self.done(ticket) {
            Outcome::Response(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn replied(&mut self, status: u16) -> Option<String> {
        match self.next() {
            Output::Reply { status: found, body } => {
                assert_eq!(found, status);
                body.map(|body| String::from_utf8(body.to_vec()).unwrap())
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn quiet(&self) {
        assert!(self.outputs.is_empty(), "{:?}", self.outputs);
    }
}
