//! A finished call as the journal of calls keeps it: the final object, how long it rang and was talked, what came of it,
//! and who acted.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::{Call, CallState, Cause, Direction, words};
use super::json::{write_call, write_text};
use super::party::Party;
use super::timestamp::Timestamp;

words! {
    /// What came of a call, seen from its line.
    CallResult {
        /// Both spoke.
        Answered = "answered",
        /// It rang here and nobody answered.
        Missed = "missed",
        /// It rang there and nobody answered.
        NoAnswer = "no_answer",
        /// The other end was busy.
        Busy = "busy",
        /// Refused by the called party.
        Rejected = "rejected",
        /// Another phone answered.
        AnsweredElsewhere = "answered_elsewhere",
        /// It was sent on to another phone before an answer.
        Forwarded = "forwarded",
        /// It became part of another call before an answer.
        Transferred = "transferred",
        /// The line hung up before it rang anywhere.
        Cancelled = "cancelled",
        /// It did not come about: a wrong number, no way through, a phone or a router out of service.
        Failed = "failed",
        /// Nobody knows: it ended unseen.
        Unknown = "unknown",
    }
}

/// What a call has been through that its object does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallLife {
    /// Who made it: a token's name, `phone` or `gateway`.
    pub created_by: Option<String>,
    /// When it began to ring, here or at the other end.
    pub rang_at: Option<Timestamp>,
    /// Who answered it here.
    pub answered_by: Option<String>,
}

impl CallLife {
    /// The life of a call that is new.
    pub fn begun(actor: &str) -> Self {
        Self { created_by: Some(actor.to_owned()), ..Self::default() }
    }

    /// Follows a call to its next state; says whether there was something to remember.
    pub fn follow(&mut self, call: &Call, actor: &str) -> bool {
        let rings = matches!(call.state, CallState::Offering | CallState::Ringback) && call.answered_at.is_none();
        if rings && self.rang_at.is_none() {
            self.rang_at = Some(call.state_since);
            return true;
        }
        // Who answers an outgoing call is the other end's matter.
        if call.state.is_answered() && call.direction == Direction::Inbound && self.answered_by.is_none() {
            self.answered_by = Some(actor.to_owned());
            return true;
        }
        false
    }
}

/// A finished call (api.md, "Administration").
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FinishedCall {
    /// Its final object.
    #[serde(flatten)]
    pub call: Call,
    /// Seconds in which it rang, here or at the other end, until the answer or its end.
    pub ring_s: f64,
    /// Seconds from the answer to the end, times on hold included. Of a call with the cause `lost` or `pbx_restart`, whose
    /// end nobody saw: until the PBX last confirmed it.
    pub talk_s: f64,
    /// What came of it.
    pub result: CallResult,
    /// Who ended it: a token's name, `phone` or `gateway`.
    pub actor: String,
    /// Who made it; `null` when that was not seen.
    pub created_by: Option<String>,
    /// Who answered it at this line; `null` for outgoing calls and for calls without an answer.
    pub answered_by: Option<String>,
}

impl FinishedCall {
    /// The entry of a call that has ended.
    pub fn new(call: Call, life: CallLife, actor: &str) -> Self {
        let seen_until = match (call.cause, call.ended_at) {
            (Some(Cause::Lost | Cause::PbxRestart), _) | (_, None) => call.confirmed_at,
            (_, Some(ended)) => ended,
        };
        let ring_end = call.answered_at.unwrap_or(seen_until);
        Self {
            ring_s: life.rang_at.map_or(0.0, |rang| seconds(rang, ring_end)),
            talk_s: call.answered_at.map_or(0.0, |answered| seconds(answered, seen_until)),
            result: result(&call, life.rang_at.is_some()),
            actor: actor.to_owned(),
            created_by: life.created_by,
            answered_by: life.answered_by,
            call,
        }
    }

    /// Writes it as JSON: the call, and what is known beside it.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_call(out, &self.call);
        // The brace of the call opens again for the rest.
        out.pop();
        for (key, value) in [("ring_s", self.ring_s), ("talk_s", self.talk_s)] {
            out.extend_from_slice(format!(",\"{key}\":{value:?}").as_bytes());
        }
        let result = Some(self.result.as_str());
        for (key, value) in [
            ("result", result),
            ("actor", Some(self.actor.as_str())),
            ("created_by", self.created_by.as_deref()),
            ("answered_by", self.answered_by.as_deref()),
        ] {
            out.extend_from_slice(format!(",\"{key}\":").as_bytes());
            match value {
                Some(value) => write_text(out, value),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b'}');
    }

    /// Every number of the call in the form in which one is looked for, each between bars.
    pub fn numbers(&self) -> String {
        let call = &self.call;
        let parties = [&call.caller, &call.called, &call.connected, &call.redirecting].into_iter().flat_map(forms);
        let others = call.participants.iter().flat_map(|other| [other.number.as_deref(), other.raw.as_deref()]);
        let mut out = "|".to_owned();
        for number in parties.chain(others).flatten().map(bare_number).filter(|number| !number.is_empty()) {
            if !out.contains(&format!("|{number}|")) {
                // Writing to a text cannot fail.
                let _ = write!(out, "{number}|");
            }
        }
        out
    }
}

fn forms(party: &Party) -> [Option<&str>; 3] {
    [party.number.as_deref(), party.raw.as_deref(), party.e164.as_deref()]
}

/// A number without the signs that people write into it, and without the leading plus.
pub fn bare_number(text: &str) -> String {
    text.chars().filter(|sign| sign.is_ascii_digit() || matches!(sign, '*' | '#')).collect()
}

/// Seconds between two times; none when the clock was turned back.
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    let ms = (to.unix_ms() - from.unix_ms()).max(0);
    // One division of whole numbers: the nearest value to the millisecond. No call lasts 49 days.
    f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1000.0
}

fn result(call: &Call, rang: bool) -> CallResult {
    if call.answered_at.is_some() {
        return CallResult::Answered;
    }
    let inbound = call.direction == Direction::Inbound;
    match call.cause.unwrap_or(Cause::Unknown) {
        Cause::Busy => CallResult::Busy,
        Cause::Rejected => CallResult::Rejected,
        Cause::AnsweredElsewhere => CallResult::AnsweredElsewhere,
        Cause::Forwarded | Cause::Redirected => CallResult::Forwarded,
        Cause::Transferred | Cause::Merged => CallResult::Transferred,
        Cause::InvalidNumber | Cause::Congestion | Cause::OutOfService | Cause::PbxRestart => CallResult::Failed,
        Cause::NoAnswer | Cause::CallerGaveUp | Cause::Normal if inbound => CallResult::Missed,
        Cause::NoAnswer => CallResult::NoAnswer,
        Cause::CallerGaveUp | Cause::Normal if rang => CallResult::NoAnswer,
        Cause::CallerGaveUp | Cause::Normal => CallResult::Cancelled,
        Cause::Lost | Cause::Unknown => CallResult::Unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn seconds_are_whole_milliseconds() {
        for (ms, written) in [(0, "0.0"), (1_122, "1.122"), (999, "0.999"), (61_001, "61.001"), (-5, "0.0")] {
            let (from, to) =
                (Timestamp::from_unix_ms(1_790_000_000_007), Timestamp::from_unix_ms(1_790_000_000_007 + ms));
            assert_eq!(format!("{:?}", seconds(from, to)), written);
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_790_000_000_000 + seconds * 1000)
    }

    fn call(direction: Direction, answered: Option<i64>, cause: Cause) -> Call {
        let party = json!({"number": "202", "raw": "202", "e164": null, "name": null, "presentation": "available"});
        let mut call: Call = serde_json::from_value(json!({
            "id": "call_1", "conversation_id": "conv_1", "pbx_call_id": "7", "gcid": null, "line_id": "line_1",
            "pbx_id": "pbx_1", "address": 0, "direction": "inbound", "internal": true, "state": "ended",
            "consultation_of": null, "conference_id": null, "caller": party, "called": party, "connected": party,
            "redirecting": party, "reason": "direct", "cause": null, "client_ref": null, "data": {}, "participants": [],
            "allowed_actions": [], "confirmed_at": at(0), "created_at": at(0), "answered_at": null, "ended_at": null,
            "state_since": at(60),
        }))
        .unwrap();
        call.direction = direction;
        call.created_at = at(0);
        call.answered_at = answered.map(at);
        call.confirmed_at = at(10);
        call.ended_at = Some(at(60));
        call.cause = Some(cause);
        call
    }

    fn life(rang: Option<i64>) -> CallLife {
        CallLife { rang_at: rang.map(at), ..CallLife::begun("crm") }
    }

    #[test]
    fn results_seen_from_both_ends() {
        use Direction::{Inbound as In, Outbound as Out};
        for (direction, answered, rang, cause, expected) in [
            (In, Some(5), true, Cause::Normal, "answered"),
            (In, Some(5), true, Cause::Lost, "answered"),
            (In, None, true, Cause::CallerGaveUp, "missed"),
            (In, None, true, Cause::NoAnswer, "missed"),
            (In, None, true, Cause::Rejected, "rejected"),
            (In, None, true, Cause::AnsweredElsewhere, "answered_elsewhere"),
            (In, None, true, Cause::Forwarded, "forwarded"),
            (In, None, true, Cause::Redirected, "forwarded"),
            (In, None, true, Cause::Lost, "unknown"),
            (In, None, true, Cause::PbxRestart, "failed"),
            (Out, None, true, Cause::Busy, "busy"),
            (Out, None, true, Cause::NoAnswer, "no_answer"),
            (Out, None, true, Cause::Normal, "no_answer"),
            (Out, None, false, Cause::Normal, "cancelled"),
            (Out, None, false, Cause::InvalidNumber, "failed"),
            (Out, None, true, Cause::Transferred, "transferred"),
        ] {
            let entry = FinishedCall::new(call(direction, answered, cause), life(rang.then_some(1)), "phone");
            assert_eq!(entry.result.as_str(), expected, "{direction:?} {answered:?} {cause:?}");
        }
    }

    #[test]
    fn durations_count_what_was_seen() {
        let of = |answered, rang, cause| {
            let entry = FinishedCall::new(call(Direction::Inbound, answered, cause), life(rang), "phone");
            (entry.ring_s, entry.talk_s)
        };
        assert_eq!(of(Some(5), Some(1), Cause::Normal), (4.0, 55.0));
        assert_eq!(of(None, Some(1), Cause::CallerGaveUp), (59.0, 0.0));
        // It ended unseen: what the PBX last confirmed counts.
        assert_eq!(of(Some(5), Some(1), Cause::Lost), (4.0, 5.0));
        assert_eq!(of(None, Some(1), Cause::Lost), (9.0, 0.0));
        assert_eq!(of(Some(5), None, Cause::Normal), (0.0, 55.0));
        // The clock was turned back.
        assert_eq!(of(Some(70), Some(65), Cause::Normal), (5.0, 0.0));
    }

    #[test]
    fn a_life_remembers_the_first_of_each() {
        let mut life = CallLife::begun("phone");
        let mut call = call(Direction::Inbound, None, Cause::Normal);
        for (state, since, actor, news) in [
            (CallState::Offering, 1, "phone", true),
            (CallState::Offering, 2, "crm", false),
            (CallState::Connected, 3, "crm", true),
            (CallState::OnHold, 4, "other", false),
            (CallState::Connected, 5, "phone", false),
        ] {
            call.state = state;
            call.state_since = at(since);
            call.answered_at = state.is_answered().then_some(at(3));
            assert_eq!(life.follow(&call, actor), news, "{state:?} {actor}");
        }
        assert_eq!((life.rang_at, life.answered_by.as_deref()), (Some(at(1)), Some("crm")));
        let text = serde_json::to_string(&life).unwrap();
        assert_eq!(serde_json::from_str::<CallLife>(&text).unwrap(), life);
        assert_eq!(serde_json::from_str::<CallLife>("{}").unwrap(), CallLife::default());
    }

    #[test]
    fn the_json_is_that_of_serde_and_reads_back_as_a_call() {
        let entry = FinishedCall::new(call(Direction::Outbound, Some(3), Cause::Normal), life(Some(1)), "a \"b\"");
        let mut out = Vec::new();
        entry.write(&mut out);
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value, serde_json::to_value(&entry).unwrap());
        assert_eq!(
            (&value["ring_s"], &value["actor"], &value["answered_by"]),
            (&json!(2.0), &json!("a \"b\""), &Value::Null)
        );
        assert_eq!(serde_json::from_slice::<Call>(&out).unwrap().id, entry.call.id);
    }

    #[test]
    fn numbers_are_found_however_they_are_written() {
        let mut call = call(Direction::Inbound, None, Cause::Normal);
        call.caller = Party {
            number: Some("+49 (30) 1234-5".to_owned()),
            raw: Some("0030 12345".to_owned()),
            e164: Some("+493012345".to_owned()),
            ..Party::default()
        };
        call.called = Party { number: Some("201".to_owned()), raw: Some("201".to_owned()), ..Party::default() };
        (call.connected, call.redirecting) = (Party::default(), Party::default());
        call.participants = Vec::new();
        let entry = FinishedCall::new(call, CallLife::default(), "phone");
        assert_eq!(entry.numbers(), "|493012345|003012345|201|");
        assert_eq!(bare_number("+49/30.12 345"), "493012345");
    }
}
