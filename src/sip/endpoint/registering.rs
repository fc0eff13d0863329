//! REGISTER: sending, refresh, answers (RFC 3261 10, dossier 3.2).

use std::time::Instant;

use super::Endpoint;
use super::clock::Timer;
use super::outgoing::{Attempts, Purpose, failure_of, unanswered};
use super::output::Event;
use crate::sip::method::Method;
use crate::sip::registration::State;
use crate::sip::value::uri::{bracket_host, escape_user};
use crate::sip::wire::encode::Writer;
use crate::sip::wire::message::Message;

impl Endpoint {
    pub(super) fn register(&mut self, now: Instant) {
        match self.registration.state {
            State::Idle | State::Standing => {
                self.registration.state = State::Asking;
                self.send_register(now, Attempts::default());
            }
            // One is open already (RFC 3261 10.2: not two at a time).
            State::Asking => self.registration.leave_wanted = false,
            State::Leaving => self.registration.return_wanted = true,
        }
    }

    pub(super) fn unregister(&mut self, now: Instant) {
        match self.registration.state {
            State::Idle => self.tell(Event::Unregistered),
            State::Standing => {
                self.registration.state = State::Leaving;
                self.send_register(now, Attempts::default());
            }
            State::Asking => self.registration.leave_wanted = true,
            State::Leaving => self.registration.return_wanted = false,
        }
    }

    fn own_binding(&self) -> String {
        let config = &self.config.register;
        self.contact_uri(config.contact_user.as_deref().unwrap_or(&config.aor_user))
    }

    pub(super) fn send_register(&mut self, now: Instant, attempts: Attempts) {
        let branch = self.chance.branch();
        let (seq, expires) = self.registration.next();
        let host = bracket_host(&self.config.remote_host);
        let uri = format!("sip:{host}:{}", self.config.remote_port);
        let aor = format!("<sip:{}@{host}>", escape_user(&self.config.register.aor_user));
        let mut writer = Writer::request(&Method::Register, &uri);
        writer
            .header("Via", self.via(&branch))
            .header("Max-Forwards", "70")
            .header("From", format!("{aor};tag={}", self.registration.tag))
            .header("To", &aor)
            .header("Call-ID", &self.registration.call_id)
            .header("CSeq", format!("{seq} REGISTER"))
            .header("Contact", format!("<{}>", self.own_binding()))
            .number("Expires", u64::from(expires));
        self.authorize(&mut writer, &Method::Register, &uri, b"");
        writer.header("User-Agent", &self.config.user_agent);
        let bytes = writer.finish(b"");
        self.launch(now, &branch, Method::Register, Purpose::Register, bytes, attempts);
    }

    pub(super) fn on_register_final(&mut self, now: Instant, message: &Message, status: u16, rejected: bool) {
        if self.registration.state == State::Leaving {
            return self.on_left(now);
        }
        match status {
            200..300 => self.on_granted(now, message),
            423 if self.registration.on_interval_too_brief(message) => {
                self.send_register(now, Attempts::default());
            }
            _ => {
                let left = self.registration.leave_wanted;
                self.registration.reset();
                let failure = failure_of(message, status, rejected);
                self.tell(Event::RegistrationFailed { failure });
                if left {
                    self.tell(Event::Unregistered);
                }
            }
        }
    }

    fn on_granted(&mut self, now: Instant, message: &Message) {
        let own = self.own_binding();
        let config = &self.config.register;
        let grant = self.registration.on_granted(now, message, &own, &config.reference_header, config.refresh_cap_s);
        self.tell(Event::Registered {
            expires_s: grant.expires_s,
            reference_id: grant.reference_id,
            foreign_contact: grant.foreign_contact,
        });
        if std::mem::take(&mut self.registration.leave_wanted) {
            return self.unregister(now);
        }
        self.clock.set(self.registration.deadline(), Timer::Registration);
    }

    pub(super) fn on_register_unanswered(&mut self, now: Instant) {
        if self.registration.state == State::Leaving || self.registration.leave_wanted {
            return self.on_left(now);
        }
        self.registration.reset();
        self.tell(Event::RegistrationFailed { failure: unanswered() });
    }

    /// Taken back, whatever the peer said to it.
    fn on_left(&mut self, now: Instant) {
        let again = self.registration.return_wanted;
        self.registration.reset();
        self.tell(Event::Unregistered);
        if again {
            self.register(now);
        }
    }

    pub(super) fn on_registration_time(&mut self, now: Instant) {
        let due = self.registration.deadline().is_some_and(|at| now >= at);
        if due && self.registration.state == State::Standing {
            self.register(now);
        }
    }
}
