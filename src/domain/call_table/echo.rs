//! What a command does at the other ends: the far phone that is put on hold, rings or is left by a command carries its id
//! too. Only what a person at that phone cannot have done is taken for an echo.

use std::time::{Duration, Instant};

use super::intent::Intent;
use super::{Actor, CallTable};
use crate::domain::action::Action;
use crate::domain::call::{Call, CallState, Cause, Reason};
use crate::domain::ids::{CallId, CommandId, LineId};

/// How much later than its signals the snapshot may be that shows what came of a command.
const LATE_LOOK: Duration = Duration::from_secs(20);

/// A command whose effects at other ends may still come.
#[derive(Debug, Clone)]
pub(super) struct Echo {
    intent: Intent,
    action: Action,
    /// The line that it acts on: its calls have the command itself.
    line: LineId,
}

/// Who caused a change, and by which command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribution {
    pub(super) command: Option<CommandId>,
    pub(super) actor: Actor,
    pub(super) is_echo: bool,
}

impl CallTable {
    /// The conversation of a call hears a command.
    pub(super) fn resound(&mut self, call: &CallId, intent: Intent, action: Action) {
        let Some(tracked) = self.calls.get(call) else { return };
        let echo = Echo { intent, action, line: tracked.call.line_id.clone() };
        self.echoes.insert(tracked.call.conversation_id.clone(), echo);
    }

    /// The PBX refused a command: nothing comes of it anywhere.
    pub fn intent_failed(&mut self, call: &CallId, command: &CommandId) {
        self.echoes.retain(|_, echo| echo.intent.command != *command);
        self.intent_done(call, command);
    }

    /// Whose change of a call this is; `before` is `None` for a new call.
    pub(super) fn attribute(
        &self,
        now: Instant,
        intent: Option<&Intent>,
        before: Option<&Call>,
        call: &Call,
        actor: Actor,
    ) -> Attribution {
        let by = |intent: &Intent, is_echo| Attribution {
            command: Some(intent.command.clone()),
            actor: Actor::Token(intent.actor.clone()),
            is_echo,
        };
        // A snapshot comes after the patience with signals, and shows what the command did.
        let until = |intent: &Intent| match actor {
            Actor::Gateway => intent.until + LATE_LOOK,
            Actor::Phone | Actor::Token(_) => intent.until,
        };
        if let Some(intent) = intent.filter(|intent| now <= until(intent)) {
            return by(intent, false);
        }
        let echo = self.echoes.get(&call.conversation_id);
        match echo.filter(|echo| now <= echo.intent.until && echo.line != call.line_id) {
            Some(echo) if explains(echo.action, before, call) => by(&echo.intent, true),
            _ => Attribution { command: None, actor, is_echo: false },
        }
    }
}

/// Whether an action elsewhere in the conversation explains a change that nobody at this phone can have made.
fn explains(action: Action, before: Option<&Call>, after: &Call) -> bool {
    use Action as A;
    use CallState as S;
    let sends_on = matches!(action, A::Redirect | A::BlindTransfer | A::CompleteTransfer);
    let Some(before) = before else {
        return after.state == S::Offering && (sends_on || matches!(action, A::Dial | A::Consult));
    };
    match (before.state, after.state) {
        (_, S::Ended) if after.cause == Some(Cause::AnsweredElsewhere) => action == A::Answer,
        (_, S::Ended) => matches!(action, A::Drop | A::RemoveFromConference),
        (S::Connected, S::RemoteHeld) => matches!(action, A::Hold | A::Consult | A::Swap | A::BlindTransfer),
        (_, S::Conferenced) if before.state != S::Conferenced => {
            matches!(action, A::CompleteConference | A::AddToConference)
        }
        (S::Dialing | S::Proceeding | S::Ringback, S::Connected) => action == A::Answer,
        _ if after.reason == Reason::Transferred && before.reason != Reason::Transferred => sends_on,
        (S::RemoteHeld, S::Connected) => matches!(action, A::Retrieve | A::Swap),
        _ => sends_on && before.redirecting != after.redirecting,
    }
}
