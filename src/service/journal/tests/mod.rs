//! The journal over a real store: numbers, group commit, death and restart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod life;
mod readers;

use std::time::Duration;

use serde_json::value::RawValue;

use super::{Actor, Change, Journal, Object, Retention, View};
use crate::domain::{
    ActionSet, Call, CallId, CallState, ConversationId, Direction, LineId, Party, PbxId, Reason, Timestamp,
};
use crate::store::Store;

const PATIENCE: Duration = Duration::from_secs(60);
const RETENTION: Retention = Retention { days: 7, events: 1_000_000, call_days: 90 };

async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

async fn open(folder: &tempfile::TempDir, boot: &str) -> Journal {
    let store = Store::open(folder.path(), None).await.unwrap();
    Journal::open(&store, RETENTION, boot, View::default()).await.unwrap()
}

fn line_id(number: usize) -> LineId {
    LineId::parse(&format!("line_{number}")).unwrap()
}

fn change(number: usize, state: CallState) -> Change {
    let time = Timestamp::from_unix_ms(1_790_000_000_000);
    let call = Call {
        id: CallId::parse(&format!("call_{number}")).unwrap(),
        conversation_id: ConversationId::parse("conv_1").unwrap(),
        pbx_call_id: None,
        gcid: None,
        line_id: line_id(number % 10),
        pbx_id: PbxId::parse("pbx_1").unwrap(),
        address: 0,
        direction: Direction::Inbound,
        internal: false,
        state,
        consultation_of: None,
        conference_id: None,
        caller: Party::default(),
        called: Party::default(),
        connected: Party::default(),
        redirecting: Party::default(),
        reason: Reason::Direct,
        cause: None,
        client_ref: None,
        data: RawValue::from_string("{}".to_owned()).unwrap(),
        participants: Vec::new(),
        allowed_actions: ActionSet::of(&[]),
        confirmed_at: time,
        created_at: time,
        answered_at: None,
        ended_at: None,
        state_since: time,
        is_beyond_trunk: false,
    };
    Change {
        event: if state == CallState::Ended { "call.ended" } else { "call.updated" },
        time,
        pbx_id: Some(call.pbx_id.clone()),
        line_id: Some(call.line_id.clone()),
        call_id: Some(call.id.clone()),
        command_id: None,
        actor: Actor::Gateway,
        changed: Vec::new(),
        object: Object::call(call),
    }
}

async fn publish(journal: &Journal, changes: Vec<Change>) -> u64 {
    soon("a written batch", journal.publish(changes).written()).await.unwrap().seq
}
