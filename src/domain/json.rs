//! The objects of the contract as JSON, written by hand: the event path serialises without serde and without
//! intermediate values. A property test proves that the bytes equal those of serde.

use std::collections::BTreeMap;

use super::action::{ActionSet, LineAction};
use super::call::Call;
use super::line::{Address, Fix, Forwarding, Line, Monitor};
use super::party::{Participant, Party};
use super::timestamp::Timestamp;

/// Writes the members of one object.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// Writes the key; names of the contract need no escaping.
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    fn text(&mut self, key: &str, value: &str) {
        write_text(self.key(key), value);
    }

    fn opt(&mut self, key: &str, value: Option<&str>) {
        let out = self.key(key);
        match value {
            Some(value) => write_text(out, value),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn flag(&mut self, key: &str, value: bool) {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.key(key).extend_from_slice(word);
    }

    fn number(&mut self, key: &str, value: u64) {
        write_number(self.key(key), value);
    }

    fn time(&mut self, key: &str, value: Timestamp) {
        write_time(self.key(key), value);
    }

    fn opt_time(&mut self, key: &str, value: Option<Timestamp>) {
        let out = self.key(key);
        match value {
            Some(value) => write_time(out, value),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

/// Writes a JSON string with its quotes.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut clean = 0;
    let bytes = text.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            0x08 => b"\\b",
            0x09 => b"\\t",
            0x0a => b"\\n",
            0x0c => b"\\f",
            0x0d => b"\\r",
            0x00..=0x1f => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[clean..index]);
        if escape.is_empty() {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        } else {
            out.extend_from_slice(escape);
        }
        clean = index + 1;
    }
    out.extend_from_slice(&bytes[clean..]);
    out.push(b'"');
}

/// Writes a number.
pub fn write_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes a time with its quotes.
pub fn write_time(out: &mut Vec<u8>, time: Timestamp) {
    out.push(b'"');
    out.extend_from_slice(&time.to_text());
    out.push(b'"');
}

/// Writes a list.
fn write_list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// Writes a list of words.
pub fn write_words<'a>(out: &mut Vec<u8>, words: impl IntoIterator<Item = &'a str>) {
    write_list(out, words, write_text);
}

/// Writes a call (api.md, "Calls").
pub fn write_call(out: &mut Vec<u8>, call: &Call) {
    let mut object = Object::open(out);
    object.text("id", call.id.as_str());
    object.text("conversation_id", call.conversation_id.as_str());
    object.opt("pbx_call_id", call.pbx_call_id.as_deref());
    object.opt("gcid", call.gcid.as_deref());
    object.text("line_id", call.line_id.as_str());
    object.text("pbx_id", call.pbx_id.as_str());
    object.number("address", u64::from(call.address));
    object.text("direction", call.direction.as_str());
    object.flag("internal", call.internal);
    object.text("state", call.state.as_str());
    object.opt("consultation_of", call.consultation_of.as_ref().map(|id| id.as_str()));
    object.opt("conference_id", call.conference_id.as_deref());
    for (key, party) in [
        ("caller", &call.caller),
        ("called", &call.called),
        ("connected", &call.connected),
        ("redirecting", &call.redirecting),
    ] {
        write_party(object.key(key), party);
    }
    object.text("reason", call.reason.as_str());
    object.opt("cause", call.cause.map(super::call::Cause::as_str));
    object.opt("client_ref", call.client_ref.as_deref());
    object.key("data").extend_from_slice(call.data.get().as_bytes());
    write_list(object.key("participants"), &call.participants, write_participant);
    write_actions(object.key("allowed_actions"), call.allowed_actions);
    object.time("confirmed_at", call.confirmed_at);
    object.time("created_at", call.created_at);
    object.opt_time("answered_at", call.answered_at);
    object.opt_time("ended_at", call.ended_at);
    object.time("state_since", call.state_since);
    object.close();
}

fn write_actions(out: &mut Vec<u8>, actions: ActionSet) {
    write_list(out, actions.iter(), |out, action| write_text(out, action.as_str()));
}

fn write_party(out: &mut Vec<u8>, party: &Party) {
    let mut object = Object::open(out);
    object.opt("number", party.number.as_deref());
    object.opt("raw", party.raw.as_deref());
    object.opt("e164", party.e164.as_deref());
    object.opt("name", party.name.as_deref());
    object.text(
        "presentation",
        match party.presentation {
            super::party::Presentation::Available => "available",
            super::party::Presentation::Restricted => "restricted",
            super::party::Presentation::Unknown => "unknown",
        },
    );
    object.close();
}

fn write_participant(out: &mut Vec<u8>, participant: &Participant) {
    use super::party::ParticipantState as S;
    let mut object = Object::open(out);
    object.text("id", participant.id.as_str());
    object.opt("number", participant.number.as_deref());
    object.opt("raw", participant.raw.as_deref());
    object.opt("name", participant.name.as_deref());
    object.text(
        "state",
        match participant.state {
            S::Connected => "connected",
            S::OnHold => "on_hold",
            S::Ringing => "ringing",
            S::Left => "left",
        },
    );
    object.close();
}

/// Writes a line (api.md, "Lines").
pub fn write_line(out: &mut Vec<u8>, line: &Line) {
    use super::line::{Activity, LineKind, LineSource, LineStatus};
    let mut object = Object::open(out);
    object.text("id", line.id.as_str());
    object.number("tapi_id", u64::from(line.tapi_id));
    object.text("pbx_id", line.pbx_id.as_str());
    object.text("number", &line.number);
    object.text("display_number", &line.display_number);
    object.text("name", &line.name);
    object.flag("has_own_name", line.has_own_name);
    object.opt("device_id", line.device_id.as_deref());
    object.text(
        "kind",
        match line.kind {
            LineKind::Static => "static",
            LineKind::ExtensionMobility => "extension_mobility",
        },
    );
    object.text(
        "source",
        match line.source {
            LineSource::Pbx => "pbx",
            LineSource::Manual => "manual",
            LineSource::Import => "import",
        },
    );
    object.flag("enabled", line.enabled);
    write_list(object.key("addresses"), &line.addresses, write_address);
    object.text(
        "status",
        match line.status {
            LineStatus::InService => "in_service",
            LineStatus::OutOfService => "out_of_service",
            LineStatus::Unknown => "unknown",
        },
    );
    write_monitor(object.key("monitor"), &line.monitor);
    object.text(
        "activity",
        match line.activity {
            Activity::Idle => "idle",
            Activity::Dialing => "dialing",
            Activity::Ringing => "ringing",
            Activity::Busy => "busy",
            Activity::Held => "held",
            Activity::Unknown => "unknown",
        },
    );
    object.number("active_calls", u64::from(line.active_calls));
    write_words(object.key("allowed_actions"), line.allowed_actions.iter().map(|action: &LineAction| action.as_str()));
    object.flag("do_not_disturb", line.do_not_disturb);
    write_forwarding(object.key("forwarding"), &line.forwarding);
    match line.message_waiting {
        Some(waiting) => object.flag("message_waiting", waiting),
        None => object.key("message_waiting").extend_from_slice(b"null"),
    }
    write_labels(object.key("labels"), &line.labels);
    object.opt_time("missing_since", line.missing_since);
    object.close();
}

fn write_labels(out: &mut Vec<u8>, labels: &BTreeMap<String, String>) {
    out.push(b'{');
    for (index, (key, value)) in labels.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(out, key);
        out.push(b':');
        write_text(out, value);
    }
    out.push(b'}');
}

fn write_address(out: &mut Vec<u8>, address: &Address) {
    let mut object = Object::open(out);
    object.number("index", u64::from(address.index));
    object.text("number", &address.number);
    object.flag("remote_in_use", address.remote_in_use);
    match &address.monitor {
        Some(monitor) => write_monitor(object.key("monitor"), monitor),
        None => object.key("monitor").extend_from_slice(b"null"),
    }
    write_forwarding(object.key("forwarding"), &address.forwarding);
    object.close();
}

fn write_forwarding(out: &mut Vec<u8>, forwarding: &Forwarding) {
    let mut object = Object::open(out);
    object.opt("unconditional", forwarding.unconditional.as_deref());
    object.close();
}

fn write_monitor(out: &mut Vec<u8>, monitor: &Monitor) {
    use super::line::MonitorState as S;
    let mut object = Object::open(out);
    object.text(
        "state",
        match monitor.state {
            S::Active => "active",
            S::Pending => "pending",
            S::Failed => "failed",
            S::Off => "off",
        },
    );
    object.opt("code", monitor.code.as_deref());
    object.opt("reason", monitor.reason.as_deref());
    object.opt("hint", monitor.hint.as_deref());
    match &monitor.fix {
        Some(fix) => write_fix(object.key("fix"), fix),
        None => object.key("fix").extend_from_slice(b"null"),
    }
    object.opt_time("next_retry_at", monitor.next_retry_at);
    object.time("since", monitor.since);
    object.close();
}

fn write_fix(out: &mut Vec<u8>, fix: &Fix) {
    let mut object = Object::open(out);
    object.text("method", &fix.method);
    object.text("path", &fix.path);
    // A fix is part of a failed monitor and off the event path of calls: serde may write its free form.
    let body = serde_json::to_string(&fix.body).unwrap_or_else(|_| "{}".to_owned());
    object.key("body").extend_from_slice(body.as_bytes());
    object.close();
}

#[cfg(test)]
mod tests;
