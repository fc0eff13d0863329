//! Everything that happens because time passed.

use std::time::Instant;

use super::{Output, Router, Waiting};

impl Router {
    /// Time goes on.
    pub(crate) fn advance(&mut self, now: Instant) {
        loop {
            let own = self.waiting.first_key_value().map(|((at, _), _)| *at);
            let model = self.exchange.deadline();
            match [own, model].into_iter().flatten().min() {
                Some(at) if at <= now => {
                    self.now = self.now.max(at);
                    self.exchange.advance(self.now);
                    self.flush_events();
                    if own == Some(at)
                        && let Some((_, waiting)) = self.waiting.pop_first()
                    {
                        self.wake(waiting);
                    }
                }
                _ => break,
            }
        }
        self.now = self.now.max(now);
        self.exchange.advance(self.now);
        self.flush_events();
    }

    fn wake(&mut self, waiting: Waiting) {
        match waiting {
            Waiting::Bytes { target, bytes, answers } => {
                if let Some(session) = answers.and_then(|key| self.sessions.get_mut(&key)) {
                    session.answering = session.answering.saturating_sub(1);
                }
                self.send_now(target, bytes);
            }
            Waiting::Event { session, text } => self.send_event(session, text),
            Waiting::Repeat { session, target, bytes, gap } => {
                if self.sessions.get(&session).is_some_and(|one| one.unacknowledged) {
                    self.send_now(target, bytes.clone());
                    let gap = gap.saturating_mul(2).min(4000);
                    self.wait(gap, Waiting::Repeat { session, target, bytes, gap });
                }
            }
            Waiting::NoAck { session } => {
                if self.sessions.get(&session).is_some_and(|one| one.unacknowledged) {
                    self.violations.add("sip.ack", "the 200 of an INVITE was never acknowledged", b"");
                    self.end_session(session);
                }
            }
            Waiting::Expiry { session, serial } => {
                if self.sessions.get(&session).is_some_and(|one| one.refresh == serial) {
                    let number = self.sessions.get(&session).map(|one| one.watch.number.clone()).unwrap_or_default();
                    self.violations.add(
                        "session.refresh",
                        format!("the session of {number} was not refreshed in time"),
                        b"",
                    );
                    self.end_session(session);
                }
            }
            Waiting::Unanswered { branch } => {
                if let Some(asked) = self.asked.remove(&branch)
                    && !self.faults.duplicate_events
                    && !asked.excused
                    && asked.purpose != super::Purpose::Injected
                    && self.sessions.contains_key(&asked.session)
                {
                    let text = format!("{} {} was never answered", asked.method, asked.cseq);
                    self.violations.add("event.unanswered", text, b"");
                }
            }
            Waiting::Binding { id, serial } => {
                if self.bindings.get(&id).is_some_and(|binding| binding.serial == serial) {
                    self.bindings.remove(&id);
                }
            }
            Waiting::Ageing { conn } => self.age(conn),
        }
    }

    /// Closes a connection that was idle for too long.
    fn age(&mut self, conn: u64) {
        let limit = self.behaviour().limits.connection_ageing;
        let Some(connection) = self.connections.get(&conn) else { return };
        let idle = u64::try_from(self.now.duration_since(connection.last).as_millis()).unwrap_or(u64::MAX);
        if idle >= limit {
            self.connections.remove(&conn);
            self.output.push_back(Output::Close { conn, reset: false });
        } else {
            self.wait(limit - idle, Waiting::Ageing { conn });
        }
    }
}
