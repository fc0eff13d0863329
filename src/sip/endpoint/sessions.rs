//! The life of sessions: open, refresh, close, and what the peer answers to INVITE, UPDATE and BYE.

use std::time::{Duration, Instant};

use super::Endpoint;
use super::clock::Timer;
use super::input::{InviteSpec, RefreshMethod, SessionId, Ticket};
use super::outgoing::{Attempts, Purpose, body_of, failure_of, unanswered};
use super::output::{EndReason, Event, Failure};
use crate::sip::session::{Phase, Session};
use crate::sip::wire::message::Message;

impl Endpoint {
    pub(super) fn open_session(&mut self, now: Instant, id: SessionId, spec: InviteSpec) {
        self.abandon_session(id);
        let dialog = self.new_dialog(&spec);
        self.calls.insert(dialog.call_id().into(), id);
        self.sessions.insert(id, Session::new(spec, dialog));
        self.send_invite(now, id, Attempts::default());
    }

    pub(super) fn close_session(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match (session.phase, session.own_change) {
            (Phase::Inviting, Some(tx)) if self.clients.is_unwritten(tx) => {
                self.end_session(now, id, EndReason::Local);
            }
            (Phase::Inviting, Some(tx)) => {
                session.phase = Phase::Leaving;
                // Without a provisional answer CANCEL has to wait for one (RFC 3261 9.1).
                if self.clients.is_proceeding(tx) {
                    self.cancel(now, tx);
                }
            }
            (Phase::Inviting, None) => self.end_session(now, id, EndReason::Local),
            (Phase::Open, _) => {
                session.phase = Phase::Closing;
                self.send_bye(now, id, Attempts::default());
            }
            (Phase::Leaving | Phase::Closing, _) => {}
        }
    }

    /// Forgets a session. One whose INVITE is open stays, unheard, until its answer: a 2xx has to be acknowledged and ended.
    pub(super) fn abandon_session(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let waits = matches!(session.phase, Phase::Inviting | Phase::Leaving);
        let open = session.own_change.filter(|tx| waits && !self.clients.is_unwritten(*tx));
        let Some(tx) = open else {
            self.clients.take_session(id);
            self.forget(id);
            return;
        };
        // Each INVITE has its own number: several sessions may be abandoned at once.
        let silent_id = SessionId(u64::MAX - tx);
        session.phase = Phase::Leaving;
        session.is_silent = true;
        // The user may give the name to the next session at once.
        if let Some(session) = self.sessions.remove(&id) {
            self.calls.insert(session.dialog.call_id().into(), silent_id);
            self.clients.rename_session(id, silent_id);
            self.sessions.insert(silent_id, session);
        }
    }

    pub(super) fn is_leaving(&self, id: SessionId) -> bool {
        let phase = self.sessions.get(&id).map(|session| session.phase);
        phase.is_none_or(|phase| matches!(phase, Phase::Leaving | Phase::Closing))
    }

    pub(super) fn refresh_session(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        if session.phase != Phase::Open || session.own_change.is_some() {
            return;
        }
        if session.peer_invite.is_some() {
            // RFC 3261 14.1: not while an INVITE of the peer is open.
            return self.wait_for_glare(now, id);
        }
        if session.spec.refresh == RefreshMethod::Update && session.peer_updates {
            self.send_update(now, id, Attempts::default());
        } else {
            self.send_invite(now, id, Attempts::default());
        }
    }

    /// A provisional answer: from now on CANCEL is possible.
    pub(super) fn on_invite_progress(&mut self, now: Instant, id: SessionId, tx: u64) {
        let leaving = self.sessions.get(&id).is_some_and(|s| s.phase == Phase::Leaving);
        if leaving && self.clients.is_proceeding(tx) {
            self.cancel(now, tx);
        }
    }

    pub(super) fn on_invite_final(
        &mut self,
        now: Instant,
        id: SessionId,
        attempts: Attempts,
        message: &Message,
        status: u16,
        rejected: bool,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.own_change = None;
        if (200..300).contains(&status) {
            if !session.dialog.owns_answer(message) {
                return;
            }
            session.dialog.confirm(message);
            session.on_success(now, message);
            self.send_ack(id, message);
            return self.on_invite_success(now, id, message);
        }
        match session.phase {
            Phase::Leaving => self.end_session(now, id, EndReason::Local),
            Phase::Closing => {}
            Phase::Inviting => {
                let again = match status {
                    422 => session.on_interval_too_small(message),
                    420 => session.on_bad_extension(message),
                    300 | 302 => session.on_redirect(message),
                    _ => false,
                };
                if again {
                    self.send_invite(now, id, attempts);
                } else {
                    self.refuse_session(id, failure_of(message, status, rejected));
                }
            }
            Phase::Open => self.on_refresh_refused(now, id, attempts, message, status, rejected),
        }
    }

    fn on_invite_success(&mut self, now: Instant, id: SessionId, message: &Message) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match session.phase {
            Phase::Inviting => {
                session.phase = Phase::Open;
                let body = body_of(message);
                self.tell(Event::SessionOpened { session: id, body });
            }
            Phase::Leaving => {
                session.phase = Phase::Closing;
                return self.send_bye(now, id, Attempts::default());
            }
            Phase::Open => self.tell(Event::SessionRefreshed { session: id }),
            Phase::Closing => return,
        }
        self.arm_session(id);
    }

    pub(super) fn on_update_final(
        &mut self,
        now: Instant,
        id: SessionId,
        attempts: Attempts,
        message: &Message,
        status: u16,
        rejected: bool,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.own_change = None;
        if session.phase != Phase::Open {
            return;
        }
        if (200..300).contains(&status) {
            let allows = session.peer_updates;
            session.dialog.retarget(message);
            session.on_success(now, message);
            session.peer_updates |= allows;
            self.tell(Event::SessionRefreshed { session: id });
            return self.arm_session(id);
        }
        self.on_refresh_refused(now, id, attempts, message, status, rejected);
    }

    /// A refresh was refused: again in another form, later, or the end (RFC 4028 10, RFC 3261 14.1, dossier 15c).
    fn on_refresh_refused(
        &mut self,
        now: Instant,
        id: SessionId,
        attempts: Attempts,
        message: &Message,
        status: u16,
        rejected: bool,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let again = match status {
            422 => session.on_interval_too_small(message),
            420 => session.on_bad_extension(message),
            405 | 415 | 501 if session.spec.refresh == RefreshMethod::Update => {
                session.spec.refresh = RefreshMethod::Invite;
                true
            }
            491 => return self.wait_for_glare(now, id),
            481 => return self.end_session(now, id, EndReason::NoSuchDialog),
            408 => {
                self.send_bye(now, id, Attempts::default());
                return self.end_session(now, id, EndReason::RefreshFailed);
            }
            _ => false,
        };
        if !again {
            session.timer.retry(now);
            let failure = failure_of(message, status, rejected);
            self.tell(Event::SessionRefreshFailed { session: id, failure });
            return self.arm_session(id);
        }
        if session.spec.refresh == RefreshMethod::Update && session.peer_updates {
            self.send_update(now, id, attempts);
        } else {
            self.send_invite(now, id, attempts);
        }
    }

    /// RFC 3261 14.1: the owner of the Call-ID, which we always are, waits 2.1 to 4.0 s in steps of 10 ms.
    fn wait_for_glare(&mut self, now: Instant, id: SessionId) {
        let wait = Duration::from_millis(2100 + 10 * self.chance.below(191));
        if let Some(session) = self.sessions.get_mut(&id) {
            session.timer.refresh_at(now + wait);
        }
        self.arm_session(id);
    }

    /// INVITE or UPDATE of ours without final answer.
    pub(super) fn on_change_unanswered(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.own_change = None;
        match session.phase {
            Phase::Inviting => self.refuse_session(id, unanswered()),
            Phase::Leaving => self.end_session(now, id, EndReason::Local),
            Phase::Open => {
                self.send_bye(now, id, Attempts::default());
                self.end_session(now, id, EndReason::RefreshFailed);
            }
            Phase::Closing => {}
        }
    }

    /// BYE of ours was answered, whatever the answer, or not at all (RFC 3261 15.1.1).
    pub(super) fn on_bye_done(&mut self, now: Instant, id: SessionId) {
        if self.sessions.get(&id).is_some_and(|session| session.phase == Phase::Closing) {
            self.end_session(now, id, EndReason::Local);
        }
    }

    pub(super) fn on_info_final(
        &mut self,
        now: Instant,
        session: SessionId,
        ticket: Ticket,
        message: &Message,
        status: u16,
    ) {
        self.tell(Event::InfoAnswered { session, ticket, status, reason: message.reason(), body: body_of(message) });
        // RFC 5057 5.1: 481 ends the dialog; BYE would only get 481 too.
        if status == 481 {
            self.end_session(now, session, EndReason::NoSuchDialog);
        }
    }

    pub(super) fn on_session_time(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.phase != Phase::Open {
            return;
        }
        if session.timer.is_expired(now) {
            self.send_bye(now, id, Attempts::default());
            return self.end_session(now, id, EndReason::Expired);
        }
        if session.timer.take_refresh(now) {
            self.refresh_session(now, id);
            self.arm_session(id);
        }
    }

    pub(super) fn arm_session(&mut self, id: SessionId) {
        let deadline = self.sessions.get(&id).and_then(|session| session.timer.deadline());
        self.clock.set(deadline, Timer::Session(id));
    }

    fn refuse_session(&mut self, id: SessionId, failure: Failure) {
        if self.forget(id).is_some_and(|session| !session.is_silent) {
            self.tell(Event::SessionRefused { session: id, failure });
        }
    }

    /// Ends a session: what is open in it is lost, then the end is told. A BYE that was just sent goes on by itself.
    pub(super) fn end_session(&mut self, now: Instant, id: SessionId, why: EndReason) {
        let Some(session) = self.forget(id) else { return };
        let open = self.clients.take_session(id);
        if let Some(invite) = session.peer_invite {
            self.terminate_peer_invite(now, invite);
        }
        for purpose in open {
            if let Purpose::Info { session, ticket, .. } = purpose {
                self.tell(Event::InfoLost { session, ticket });
            }
        }
        if !session.is_silent {
            self.tell(Event::SessionEnded { session: id, why });
        }
    }

    fn forget(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.calls.remove(session.dialog.call_id());
        Some(session)
    }
}
