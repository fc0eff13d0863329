//! Events on their way: from the model to every session that monitors a party.

use super::{Purpose, Router, Waiting};
use crate::csta;
use crate::telephony::{Event, Happening};

impl Router {
    /// Sends everything that the model has to tell.
    pub(crate) fn flush_events(&mut self) {
        while let Some(event) = self.exchange.poll() {
            let service = matches!(event.what, Happening::OutOfService { .. } | Happening::BackInService { .. });
            if !service || self.behaviour().service_events {
                self.tell(&event);
            }
            if let Happening::OutOfService { place } = &event.what {
                self.close_when_down(place.dn);
            }
        }
    }

    fn tell(&mut self, event: &Event) {
        let style = self.style();
        let mut found = Vec::new();
        for (key, session) in &self.sessions {
            for monitor in &session.monitors {
                let Some(element) = csta::encode_event(
                    event,
                    &session.watch,
                    &monitor.xref,
                    &self.exchange,
                    !self.faults.no_local_info,
                ) else {
                    continue;
                };
                if !monitor.filtered.iter().any(|name| is_event(name, &element.name)) {
                    found.push((*key, style.write(&element)));
                }
            }
        }
        for (session, text) in found {
            let late = if session % 2 == 0 { self.faults.reorder_dialogs } else { 0 };
            let delay = self.behaviour().limits.event_delay + self.faults.delay_events + late;
            if delay == 0 {
                self.send_event(session, text);
            } else {
                self.wait(delay, Waiting::Event { session, text });
            }
        }
    }

    pub(super) fn send_event(&mut self, session: u64, text: String) {
        self.event_count += 1;
        let every = u64::from(self.faults.lose_every);
        let lost = every > 0 && self.event_count.is_multiple_of(every);
        self.requests.events_sent += 1;
        let kind = self.faults.content_type.clone();
        self.ask(session, Purpose::Event, "INFO", Some((text, kind)), lost);
    }

    /// Without `cti notify` a DN goes down with its last phone, and its sessions end.
    fn close_when_down(&mut self, dn: u32) {
        if !self.behaviour().close_when_down || self.exchange.is_up(dn) {
            return;
        }
        let keys: Vec<u64> =
            self.sessions.iter().filter(|(_, session)| session.watch.dn == dn).map(|(key, _)| *key).collect();
        for key in keys {
            self.end_session(key);
        }
    }

    /// Ends a session with BYE.
    pub(super) fn end_session(&mut self, key: u64) {
        self.ask(key, Purpose::Bye, "BYE", None, false);
        self.sessions.remove(&key);
        self.waiting.retain(|_, one| {
            !matches!(one, Waiting::Repeat { session, .. } | Waiting::NoAck { session } | Waiting::Event { session, .. } if *session == key)
        });
    }
}

/// Whether a filter name such as `delivered` is that of a root such as `DeliveredEvent`.
fn is_event(name: &str, root: &str) -> bool {
    let bare = root.strip_suffix("Event").unwrap_or(root);
    // The schema spells the event with one `r` and the filter with two.
    name.eq_ignore_ascii_case(bare) || (bare == "Transfered" && name == "transferred")
}
