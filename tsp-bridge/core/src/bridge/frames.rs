//! What comes from the gateway.

use serde_json::{Value, json};

use super::timers::Timer;
use super::{Bridge, Known, LinkState, Now};
use crate::model::{Event, Frame, GatewayCall, GatewayLine, Snapshot};
use crate::tapi::{dev_state, disconnect};

impl Bridge {
    /// The first frame on a new socket: go on where the last one ended.
    pub fn subscribe_frame(&self) -> String {
        let from = match &self.position {
            Some((epoch, seq)) => json!({"epoch": epoch, "seq": seq}),
            None => json!("snapshot"),
        };
        json!({"type": "subscribe", "id": "s", "from": from,
               "events": ["line.created", "line.updated", "line.deleted", "call.created", "call.updated", "call.ended"]})
        .to_string()
    }

    /// A socket stands, and the subscription went out; the state is not known before a snapshot or a `resumed`.
    pub fn link_opened(&mut self) {
        for command in self.commands.values_mut() {
            command.is_sent = false;
        }
    }

    /// The socket is gone.
    pub fn link_closed(&mut self, reason: &str, now: Now) {
        if self.has_failed {
            return;
        }
        self.link_reason = reason.to_owned();
        for command in self.commands.values_mut() {
            command.is_sent = false;
        }
        self.frames.clear();
        if self.link != LinkState::Up {
            return;
        }
        self.link = LinkState::Down;
        for index in 0..self.lines.len() {
            self.line_state(index, dev_state::DISCONNECTED, 0, 0);
            self.service_state(index);
        }
        self.set_timer(now.ms + self.settings.grace_ms, Timer::Grace);
    }

    /// Why there is no link, for people.
    pub fn link_reason(&self) -> &str {
        &self.link_reason
    }

    /// A frame of the gateway.
    pub fn frame(&mut self, frame: Frame, now: Now) {
        if self.has_failed {
            return;
        }
        match frame {
            Frame::Snapshot(snapshot) => self.snapshot(*snapshot, now),
            Frame::Resumed => self.link_is_up(now),
            Frame::Event(event) => self.event(*event, now),
            Frame::Response(response) => self.answer(&response, now),
            Frame::Standing { seq } => {
                if let Some((_, known)) = &mut self.position {
                    *known = (*known).max(seq);
                }
            }
            Frame::Welcome { .. } | Frame::Error { .. } | Frame::Other => {}
        }
    }

    fn link_is_up(&mut self, now: Now) {
        let was = std::mem::replace(&mut self.link, LinkState::Up);
        self.link_reason.clear();
        self.timers.retain(|(_, timer)| *timer != Timer::Grace && *timer != Timer::LinkWait);
        if was == LinkState::Down {
            for index in 0..self.lines.len() {
                self.line_state(index, dev_state::CONNECTED, 0, 0);
            }
        }
        for index in 0..self.lines.len() {
            self.service_state(index);
        }
        self.send_waiting(now);
    }

    /// The truth: what is not in it is over, what is in it is as it says.
    fn snapshot(&mut self, snapshot: Snapshot, now: Now) {
        self.position = Some((snapshot.epoch, snapshot.as_of_seq));
        self.all_lines(snapshot.lines, now);
        let living: Vec<String> = snapshot.calls.iter().map(|call| call.id.clone()).collect();
        self.known.retain(|id, _| living.contains(id));
        for call in snapshot.calls {
            self.one_call(call, now);
        }
        let gone: Vec<u32> = self
            .calls
            .values()
            .filter(|call| !call.is_over() && call.id.as_ref().is_some_and(|id| !living.contains(id)))
            .map(|call| call.handle)
            .collect();
        for handle in gone {
            self.end(handle, disconnect::UNKNOWN, now);
        }
        self.refresh_all_counts();
        self.link_is_up(now);
    }

    fn event(&mut self, event: Event, now: Now) {
        match &mut self.position {
            Some((epoch, seq)) if *epoch == event.epoch => {
                if event.seq <= *seq {
                    return;
                }
                *seq = event.seq;
            }
            position => *position = Some((event.epoch.clone(), event.seq)),
        }
        match event.event.as_str() {
            "line.created" | "line.updated" => {
                if let Ok(line) = serde_json::from_value::<GatewayLine>(event.data) {
                    self.one_line(line, now);
                }
            }
            "line.deleted" => {
                let index = event.data.get("id").and_then(Value::as_str).and_then(|id| self.by_gateway_id(id));
                if let Some(index) = index {
                    self.line_goes(index, now);
                }
            }
            "call.created" | "call.updated" | "call.ended" => {
                if let Ok(call) = serde_json::from_value::<GatewayCall>(event.data) {
                    let line = self.by_gateway_id(&call.line_id);
                    self.one_call(call, now);
                    if let Some(line) = line {
                        if let Some(line) = self.lines.get_mut(line) {
                            line.is_view_older = true;
                        }
                        self.refresh_counts(line);
                    }
                }
            }
            _ => {}
        }
    }

    /// A call as the gateway has it now. Events that are older than the position were passed over before, and a snapshot
    /// is the truth, whatever number it has: another epoch counts from the beginning.
    pub(super) fn one_call(&mut self, call: GatewayCall, now: Now) {
        let id = call.id.clone();
        if call.is_ended() {
            self.known.remove(&id);
            self.call_ended(call, now);
            return;
        }
        let is_dismissed = self.known.get(&id).is_some_and(|known| known.is_dismissed);
        self.known.insert(id.clone(), Known { call, is_dismissed });
        self.settle_call(&id, now);
    }
}
