//! What an administrator, or bad luck, does to the router.

use std::time::Instant;

use super::{Output, Purpose, Router, random};
use crate::csta::Element;

impl Router {
    /// The router goes down: connections are reset, everything that it knew is gone. The tags of the phones that were registered come back.
    pub(crate) fn go_down(&mut self, now: Instant) -> Vec<u32> {
        self.advance(now);
        let phones = self.exchange.phones.iter().filter(|(_, state)| state.registered).map(|(tag, _)| *tag).collect();
        self.kill_connections(true);
        self.sessions.clear();
        self.bindings.clear();
        self.asked.clear();
        self.answered.clear();
        self.answered_at.clear();
        self.waiting.clear();
        self.nonces.forget();
        self.exchange.reboot(now, random());
        self.down = true;
        self.rebooted = true;
        phones
    }

    /// The router is back; its phones register one after the other.
    pub(crate) fn come_up(&mut self, now: Instant, phones: &[u32], first_ms: u64, gap_ms: u64) {
        self.down = false;
        self.exchange.reboot(now, random());
        self.advance(now);
        self.exchange.phones_return(phones, first_ms, gap_ms);
    }

    /// All TCP connections end.
    pub(crate) fn kill_connections(&mut self, reset: bool) {
        let all: Vec<u64> = self.connections.drain().map(|(conn, _)| conn).collect();
        self.output.extend(all.into_iter().map(|conn| Output::Close { conn, reset }));
    }

    /// Connections stay open, but nothing is read or written on them any more.
    pub(crate) fn half_open(&mut self) {
        for (conn, connection) in &mut self.connections {
            connection.frozen = true;
            self.output.push_back(Output::Freeze { conn: *conn });
        }
    }

    /// `clear cti session`: BYE for the sessions of a number.
    pub(crate) fn clear_session(&mut self, number: &str) -> usize {
        let Some(dn) = self.exchange.system.dn_of(number) else { return 0 };
        let keys: Vec<u64> =
            self.sessions.iter().filter(|(_, session)| session.watch.dn == dn).map(|(key, _)| *key).collect();
        keys.iter().for_each(|key| self.end_session(*key));
        keys.len()
    }

    /// The session of a number is forgotten without a word: the next request gets 481.
    pub(crate) fn lose_session(&mut self, number: &str) -> usize {
        let Some(dn) = self.exchange.system.dn_of(number) else { return 0 };
        let before = self.sessions.len();
        self.sessions.retain(|_, session| session.watch.dn != dn);
        before - self.sessions.len()
    }

    /// `cti shutdown`, or its end.
    pub(crate) fn cti_shutdown(&mut self, on: bool) {
        self.exchange.system.cti_shutdown = on;
        if on {
            let keys: Vec<u64> = self.sessions.keys().copied().collect();
            keys.into_iter().for_each(|key| self.end_session(key));
        }
    }

    /// A new reference identifier for all registrations.
    pub(crate) fn change_reference(&mut self) {
        for binding in self.bindings.values_mut() {
            binding.reference = format!("{:08X}", random() & 0xFFFF_FFFF);
        }
    }

    /// The router ends the monitors of a number.
    pub(crate) fn stop_monitors(&mut self, number: &str) -> usize {
        let Some(dn) = self.exchange.system.dn_of(number) else { return 0 };
        let mut ended = Vec::new();
        for (key, session) in self.sessions.iter_mut().filter(|(_, session)| session.watch.dn == dn) {
            ended.extend(session.monitors.drain(..).map(|monitor| (*key, monitor.xref)));
        }
        for (key, xref) in &ended {
            let text = self.style().write(&Element::new("MonitorStop").with(Element::leaf("monitorCrossRefID", xref)));
            self.ask(*key, Purpose::Service("MonitorStopResponse"), "INFO", Some((text, String::new())), false);
        }
        ended.len()
    }

    /// Tells every session a system status.
    pub(crate) fn system_status(&mut self, word: &str) {
        let text = self.style().write(&Element::new("SystemStatus").with(Element::leaf("systemStatus", word)));
        let keys: Vec<u64> = self.sessions.keys().copied().collect();
        let purpose = Purpose::Service("SystemStatusResponse");
        keys.into_iter().for_each(|key| self.ask(key, purpose, "INFO", Some((text.clone(), String::new())), false));
    }

    /// Any request in the dialogs of a number.
    pub(crate) fn inject_at(&mut self, number: &str, method: &str, kind: &str, body: &str) -> usize {
        let Some(dn) = self.exchange.system.dn_of(number) else { return 0 };
        let keys: Vec<u64> =
            self.sessions.iter().filter(|(_, session)| session.watch.dn == dn).map(|(key, _)| *key).collect();
        keys.iter().for_each(|key| self.inject(*key, method, kind, body));
        keys.len()
    }
}
