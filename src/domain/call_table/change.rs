//! Changing calls: every change goes through here, so that nothing is published twice and nothing without change.

use super::echo::Attribution;
use super::seat::SeatId;
use super::{Actor, CallTable, Change, Output};
use crate::domain::action::{Action, ActionSet, allowed_actions};
use crate::domain::call::{Call, CallState, Cause};
use crate::domain::ids::CallId;
use crate::domain::timestamp::Moment;

impl CallTable {
    /// Changes a living call, published when something changed.
    pub(super) fn change(&mut self, at: Moment, id: &CallId, apply: impl FnOnce(&mut Call)) -> bool {
        self.change_by(at, id, Actor::Phone, apply)
    }

    pub(super) fn change_by(&mut self, at: Moment, id: &CallId, actor: Actor, apply: impl FnOnce(&mut Call)) -> bool {
        let Some(tracked) = self.calls.get_mut(id) else {
            return false;
        };
        let before = tracked.call.clone();
        apply(&mut tracked.call);
        self.shown.show(&mut tracked.call, &self.names);
        if tracked.call.state != before.state {
            tracked.call.state_since = at.wall;
            if tracked.call.state.is_answered() && tracked.call.answered_at.is_none() {
                tracked.call.answered_at = Some(at.wall);
            }
        }
        let seat = tracked.seat;
        let reaches_out = tracked.call.is_reaching_out() != before.is_reaching_out();
        self.refresh_actions(seat, id);
        let done = self.publish(at, id, &before, actor);
        if done || reaches_out {
            self.refresh_siblings(at, seat, id);
            self.look_from_elsewhere(seat);
        }
        done
    }

    /// Publishes a call made by [`Self::make`].
    pub(super) fn publish_new(&mut self, at: Moment, id: &CallId, actor: Actor) {
        let Some(tracked) = self.calls.get(id) else { return };
        let seat = tracked.seat;
        self.refresh_actions(seat, id);
        let Some(tracked) = self.calls.get_mut(id) else { return };
        self.shown.show(&mut tracked.call, &self.names);
        tracked.is_published = true;
        let Some(tracked) = self.calls.get(id) else { return };
        let by = self.attribute(at.now, tracked.intent.as_ref(), None, &tracked.call, actor);
        let change = told(tracked.call.clone(), Vec::new(), by);
        self.out.push_back(Output::Created(Box::new(change)));
        self.refresh_siblings(at, seat, id);
        self.look_from_elsewhere(seat);
    }

    /// Ends a call: it is published a last time and forgotten.
    pub(super) fn end(&mut self, at: Moment, id: &CallId, cause: Cause, actor: Actor) {
        let Some(mut tracked) = self.forget(id) else { return };
        let before = tracked.call.clone();
        self.hands_on(tracked.seat, &before);
        let call = &mut tracked.call;
        call.state = CallState::Ended;
        call.cause = Some(match (cause, tracked.failure) {
            (Cause::Normal | Cause::Unknown | Cause::CallerGaveUp, Some(failure)) => failure,
            _ => cause,
        });
        call.ended_at = Some(at.wall);
        call.state_since = at.wall;
        call.allowed_actions = ActionSet::EMPTY;
        let is_seen = actor != Actor::Gateway;
        let by = match cause {
            // Whatever was asked for: the router did this.
            Cause::PbxRestart => Attribution { command: None, actor, is_echo: false },
            _ => self.attribute(at.now, tracked.intent.as_ref(), Some(&before), &tracked.call, actor),
        };
        let call = &mut tracked.call;
        if is_seen || by.command.is_some() {
            call.confirmed_at = at.wall;
        }
        let changed = call.changes(&before);
        self.out.push_back(Output::Ended(Box::new(told(tracked.call, changed, by))));
        self.refresh_siblings(at, tracked.seat, id);
        self.look_from_elsewhere(tracked.seat);
    }

    fn publish(&mut self, at: Moment, id: &CallId, before: &Call, actor: Actor) -> bool {
        let Some(tracked) = self.calls.get_mut(id) else {
            return false;
        };
        let changed = tracked.call.changes(before);
        if changed.is_empty() {
            return false;
        }
        if actor == Actor::Phone {
            tracked.call.confirmed_at = at.wall;
        }
        let changed = tracked.call.changes(before);
        let call = tracked.call.clone();
        let Some(tracked) = self.calls.get(id) else { return false };
        let by = self.attribute(at.now, tracked.intent.as_ref(), Some(before), &call, actor);
        let change = told(call, changed, by);
        self.out.push_back(Output::Updated(Box::new(change)));
        true
    }

    fn actions(&self, seat: SeatId, id: &CallId) -> Option<ActionSet> {
        let tracked = self.calls.get(id)?;
        let line = &self.seats.get(&seat)?.settings.line;
        if tracked.is_ending {
            return Some(ActionSet::EMPTY);
        }
        let siblings = self.calls_of_line(line).filter(|call| !self.is_ending(&call.id));
        let mut actions = allowed_actions(&tracked.call, siblings).and(self.settings.offered);
        if tracked.call.state == CallState::Offering && !self.settings.may_reject {
            actions.remove(Action::Drop);
        }
        if tracked.collects && tracked.call.state == CallState::Dialing && self.settings.offered.contains(Action::Dial)
        {
            actions.insert(Action::Dial);
        }
        Some(actions)
    }

    fn refresh_actions(&mut self, seat: SeatId, id: &CallId) {
        if let Some(actions) = self.actions(seat, id)
            && let Some(tracked) = self.calls.get_mut(id)
        {
            tracked.call.allowed_actions = actions;
        }
    }

    /// What one call does changes what the others of the line may do.
    fn refresh_siblings(&mut self, at: Moment, seat: SeatId, id: &CallId) {
        let Some(line) = self.seats.get(&seat).map(|seat| seat.settings.line.clone()) else {
            return;
        };
        let siblings: Vec<CallId> =
            self.calls_of_line(&line).filter(|call| call.id != *id).map(|call| call.id.clone()).collect();
        for sibling in siblings {
            let Some(at_seat) = self.calls.get(&sibling).map(|tracked| tracked.seat) else {
                continue;
            };
            let Some(before) = self.calls.get(&sibling).map(|tracked| tracked.call.clone()) else {
                continue;
            };
            self.refresh_actions(at_seat, &sibling);
            self.publish(at, &sibling, &before, Actor::Gateway);
        }
    }

    /// What the gateway may offer changed: every call is looked at once.
    pub fn offer(&mut self, at: Moment, offered: ActionSet, may_reject: bool) {
        if self.settings.offered == offered && self.settings.may_reject == may_reject {
            return;
        }
        self.settings.offered = offered;
        self.settings.may_reject = may_reject;
        for id in self.ids_by_age() {
            self.change_by(at, &id, Actor::Gateway, |_| {});
        }
    }
}

fn told(call: Call, changed: Vec<&'static str>, by: Attribution) -> Change {
    Change { call, changed, command: by.command, actor: by.actor, is_echo: by.is_echo }
}
