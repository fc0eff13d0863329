//! What programs attached belongs to the conversation: every leg shows it, from the first ring to the last hang-up,
//! wherever the call is sent (api.md, "Calls").

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Actor, CallTable};
use crate::domain::call::no_data;
use crate::domain::ids::{CallId, ConversationId};
use crate::domain::timestamp::Moment;

/// Most bytes of what is attached (api.md, "Calls").
pub const DATA_LIMIT: usize = 4096;
/// Most levels of what is attached, the object itself included.
pub const DATA_DEPTH: usize = 16;

/// Whether nothing is attached.
pub(super) fn is_empty(data: &RawValue) -> bool {
    data.get() == no_data().get()
}

impl CallTable {
    /// Replaces what programs attached to a call, and with it to every leg of its conversation.
    pub fn attach(&mut self, at: Moment, call: &CallId, actor: String, data: Box<RawValue>) -> bool {
        self.attach_as(at, call, &Actor::Token(actor), data)
    }

    /// As [`Self::attach`], by anybody; says whether a call shows something else now.
    pub(super) fn attach_as(&mut self, at: Moment, call: &CallId, actor: &Actor, data: Box<RawValue>) -> bool {
        let Some(conversation) = self.conversation_of(call) else { return false };
        self.keep(&conversation, data);
        self.show_attached(at, &conversation, actor)
    }

    /// What is attached to a conversation.
    pub(super) fn attached_to(&self, conversation: &ConversationId) -> Box<RawValue> {
        self.attached.get(conversation).cloned().unwrap_or_else(no_data)
    }

    /// Two conversations become one: what the older one has stays, what only the other has joins it.
    pub(super) fn join_attached(&mut self, at: Moment, keep: &ConversationId, give: &ConversationId) {
        if let Some(given) = self.attached.remove(give) {
            let data = match self.attached.get(keep) {
                Some(kept) => joined(kept, &given),
                None => given,
            };
            self.keep(keep, data);
        }
        self.show_attached(at, keep, &Actor::Gateway);
    }

    fn conversation_of(&self, call: &CallId) -> Option<ConversationId> {
        self.calls.get(call).map(|tracked| tracked.call.conversation_id.clone())
    }

    fn keep(&mut self, conversation: &ConversationId, data: Box<RawValue>) {
        if is_empty(&data) {
            self.attached.remove(conversation);
        } else {
            self.attached.insert(conversation.clone(), data);
        }
    }

    /// Every leg shows what its conversation has. A call that was not told of yet is told with it.
    fn show_attached(&mut self, at: Moment, conversation: &ConversationId, actor: &Actor) -> bool {
        let data = self.attached_to(conversation);
        let members = self.members.get(conversation).cloned().unwrap_or_default();
        let mut changed = false;
        for id in members {
            let Some(tracked) = self.calls.get_mut(&id) else { continue };
            if tracked.is_published {
                changed |= self.change_by(at, &id, actor.clone(), |call| call.data.clone_from(&data));
            } else {
                tracked.call.data.clone_from(&data);
            }
        }
        changed
    }
}

/// The members of both, those of the first before the same ones of the second; the first alone where both are too much.
fn joined(first: &RawValue, second: &RawValue) -> Box<RawValue> {
    let members = |data: &RawValue| serde_json::from_str::<Map<String, Value>>(data.get()).unwrap_or_default();
    let mut all = members(first);
    for (key, value) in members(second) {
        all.entry(key).or_insert(value);
    }
    let both = serde_json::value::to_raw_value(&all).ok().filter(|both| both.get().len() <= DATA_LIMIT);
    both.unwrap_or_else(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn the_first_has_the_last_word() {
        let both = joined(&raw(r#"{"ticket":1,"a":2}"#), &raw(r#"{"ticket":9,"b":[3]}"#));
        assert_eq!(
            serde_json::from_str::<Value>(both.get()).unwrap(),
            serde_json::json!({"ticket": 1, "a": 2, "b": [3]})
        );
        let large = raw(&format!(r#"{{"a":"{}"}}"#, "x".repeat(3000)));
        let other = raw(&format!(r#"{{"b":"{}"}}"#, "x".repeat(3000)));
        assert_eq!(joined(&large, &other).get(), large.get());
    }
}
