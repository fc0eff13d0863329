//! Calls for the journal.

use serde_json::value::RawValue;

use crate::domain::{
    Action, ActionSet, Call, CallId, CallState, ConversationId, Direction, LineId, Party, PbxId, Reason, Timestamp,
};
use crate::service::journal::{Actor, Change, Object};

/// An attachment of about this many bytes.
pub(in crate::api::tests) fn data_of(bytes: usize) -> Box<RawValue> {
    RawValue::from_string(format!("{{\"filler\":\"{}\"}}", "x".repeat(bytes))).unwrap()
}

pub(in crate::api::tests) fn call(number: usize, line: &LineId, pbx: &PbxId, state: CallState) -> Call {
    let time = Timestamp::from_unix_ms(1_790_000_000_000);
    Call {
        id: CallId::parse(&format!("call_{number:06}")).unwrap(),
        conversation_id: ConversationId::parse(&format!("conv_{number:06}")).unwrap(),
        pbx_call_id: Some(number.to_string()),
        gcid: None,
        line_id: line.clone(),
        pbx_id: pbx.clone(),
        address: 0,
        direction: Direction::Inbound,
        internal: false,
        state,
        consultation_of: None,
        conference_id: None,
        caller: Party { number: Some("+49 89 \"1\"".to_owned()), ..Party::default() },
        called: Party::default(),
        connected: Party::default(),
        redirecting: Party::default(),
        reason: Reason::Direct,
        cause: None,
        client_ref: None,
        data: data_of(1),
        participants: Vec::new(),
        allowed_actions: ActionSet::of(&[Action::Answer]),
        confirmed_at: time,
        created_at: time,
        answered_at: None,
        ended_at: None,
        state_since: time,
        is_beyond_trunk: false,
    }
}

/// The event of a call: created while it is offered, ended at its end, else updated.
pub(in crate::api::tests) fn call_change(call: Call) -> Change {
    Change {
        event: match call.state {
            CallState::Offering => "call.created",
            CallState::Ended => "call.ended",
            _ => "call.updated",
        },
        time: call.state_since,
        pbx_id: Some(call.pbx_id.clone()),
        line_id: Some(call.line_id.clone()),
        call_id: Some(call.id.clone()),
        command_id: None,
        actor: Actor::Phone,
        changed: vec!["state"],
        object: Object::call(call),
    }
}
