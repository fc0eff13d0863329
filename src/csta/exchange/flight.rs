//! One outstanding service, and what a body means for it.

use std::time::Instant;

use bytes::Bytes;

use super::outcome::{Answer, Doubt, Outcome};
use super::{Ticket, response_root};
use crate::csta::{Charset, Fault, Message, Response, Service, SnapshotData, decode_as};

/// Segments of one snapshot that are kept; a real one has a few.
const MAX_SEGMENTS: usize = 64;

#[derive(Debug)]
pub(super) struct Flight {
    charset: Charset,
    pub(super) ticket: Ticket,
    pub(super) service: Service,
    slow_at: Option<Instant>,
    /// The soft limit is over: what is asked next does not wait for it any more.
    is_slow: bool,
    over_at: Instant,
    /// The INFO had its 200, empty.
    answered_empty: bool,
    /// The response that announced segments, with its reference.
    announced: Option<(Box<str>, Bytes)>,
    segments: Vec<Bytes>,
    last_segment_seen: bool,
}

/// What a body means for an outstanding service.
#[derive(Debug)]
pub(super) enum Judged {
    /// The positive answer.
    Answer,
    /// The positive answer, with the data to follow under this reference.
    Announced(Box<str>),
    /// The negative answer.
    Fault(Fault),
    /// Nothing to read, and a SIP status that refuses.
    Refused(u16),
    /// An answer, but not to this.
    Mismatch(Box<str>),
    /// An event where an answer should be.
    Event,
    /// No body.
    Nothing,
}

impl Flight {
    pub(super) fn new(charset: Charset, ticket: Ticket, service: Service, slow_at: Instant, over_at: Instant) -> Self {
        Self {
            charset,
            ticket,
            service,
            slow_at: Some(slow_at).filter(|slow_at| *slow_at < over_at),
            is_slow: false,
            over_at,
            answered_empty: false,
            announced: None,
            segments: Vec::new(),
            last_segment_seen: false,
        }
    }

    pub(super) fn judge(&self, status: u16, body: &[u8]) -> Judged {
        match decode_as(body, self.charset) {
            Ok(Message::Fault(fault)) => Judged::Fault(fault),
            Ok(Message::Event(_)) => Judged::Event,
            Ok(Message::Response(response)) if response.service() == Some(self.service) => match &response {
                Response::SnapshotDevice(SnapshotData::Announced(reference)) => Judged::Announced((**reference).into()),
                Response::SnapshotCall(call) => match &call.data {
                    SnapshotData::Announced(reference) => Judged::Announced((**reference).into()),
                    SnapshotData::Here(_) => Judged::Answer,
                },
                _ => Judged::Answer,
            },
            // A foreign body on a refusal (an error page, say) does not hide the refusal.
            Ok(_) | Err(_) if !(200..300).contains(&status) => match status {
                408 => Judged::Nothing,
                status => Judged::Refused(status),
            },
            Ok(Message::Response(Response::Other(root)) | Message::Unknown { root }) => {
                Judged::Mismatch(root.into_owned().into())
            }
            Ok(Message::Response(response)) => Judged::Mismatch(response_root(response.service()).into()),
            Ok(Message::Request(_)) => Judged::Mismatch("a request".into()),
            Err(error) => Judged::Mismatch(error.to_string().into()),
        }
    }

    /// The INFO was answered without a body; a response may come by itself until then.
    pub(super) fn wait_for_separate(&mut self, until: Instant) {
        self.answered_empty = true;
        self.over_at = self.over_at.min(until);
    }

    pub(super) fn awaits_response(&self) -> bool {
        self.announced.is_none()
    }

    /// Whether a segment under this reference belongs to this snapshot. Before the response nobody knows the reference.
    pub(super) fn collects(&self, reference: &str) -> bool {
        self.announced.as_ref().is_none_or(|(known, _)| **known == *reference)
    }

    /// Keeps a segment; the answer, if it is complete now.
    pub(super) fn collect(&mut self, body: Bytes, last: bool) -> Option<Answer> {
        if self.segments.len() < MAX_SEGMENTS {
            self.segments.push(body);
        }
        self.last_segment_seen |= last;
        self.complete()
    }

    /// The response announced segments; the answer, if they came before it.
    pub(super) fn announce(&mut self, reference: Box<str>, body: Bytes, until: Instant) -> Option<Answer> {
        self.announced = Some((reference, body));
        self.over_at = until;
        self.slow_at = None;
        self.complete()
    }

    fn complete(&mut self) -> Option<Answer> {
        if !self.last_segment_seen {
            return None;
        }
        let (_, body) = self.announced.take()?;
        Some(Answer { body, segments: std::mem::take(&mut self.segments), complete: true, charset: self.charset })
    }

    pub(super) fn deadline(&self) -> Instant {
        self.slow_at.map_or(self.over_at, |slow_at| slow_at.min(self.over_at))
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.over_at <= now
    }

    /// Whether the soft limit is over; true once.
    pub(super) fn turns_slow(&mut self, now: Instant) -> bool {
        let turns = self.slow_at.take_if(|slow_at| *slow_at <= now).is_some();
        self.is_slow |= turns;
        turns
    }

    /// Whether its answer is so late that it may be lost.
    pub(super) fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// Its time is over: what has come of it.
    pub(super) fn give_up(&mut self) -> Outcome {
        if let Some((_, body)) = self.announced.take() {
            return Outcome::Response(Answer {
                body,
                segments: std::mem::take(&mut self.segments),
                complete: false,
                charset: self.charset,
            });
        }
        Outcome::Unknown(if self.answered_empty { Doubt::EmptyAnswer } else { Doubt::NoAnswer })
    }
}
