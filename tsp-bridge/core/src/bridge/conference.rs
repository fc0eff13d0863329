//! Conferences. The gateway has one call that is `conferenced` and lists the others; the second call ends as `merged`.
//! TAPI has a conference call and a call for each of the others.

use super::call::{Phase, Role};
use super::{Act, Bridge, Now};
use crate::model::{GatewayCall, GatewayParticipant};
use crate::number::bare;
use crate::tapi::{call_state, disconnect, err, info};

impl Bridge {
    pub(super) fn members_of(&self, parent: u32) -> Vec<u32> {
        let mut members: Vec<u32> = self
            .calls
            .values()
            .filter(|call| matches!(call.role, Role::Member { parent: of, .. } if of == parent) && !call.is_over())
            .map(|call| call.handle)
            .collect();
        members.sort_unstable();
        members
    }

    /// Makes a conference of a conferenced call and the calls that were merged into it. A phone that is only somebody
    /// else's participant keeps its one connected call.
    pub(super) fn form_conference(&mut self, line: usize, now: Now) {
        let merging: Vec<u32> =
            self.calls.values().filter(|call| call.line == line && call.is_merging).map(|call| call.handle).collect();
        let asked_for = self.asked_conference(line);
        let Some(survivor) = self
            .calls
            .values()
            .find(|call| {
                call.line == line
                    && !call.is_over()
                    && call.view.as_ref().is_some_and(|view| view.conference_id.is_some() && call.id.is_some())
                    && (call.role == Role::Parent || call.view.as_ref().is_some_and(|view| view.state == "conferenced"))
                    && (call.role == Role::Parent || !merging.is_empty() || asked_for.is_some())
            })
            .map(|call| call.handle)
        else {
            return;
        };
        if merging.is_empty() {
            return;
        }
        let is_parent = self.calls.get(&survivor).is_some_and(|call| call.role == Role::Parent);
        let parent = if is_parent { Some(survivor) } else { self.make_parent(survivor, asked_for, now) };
        let Some(parent) = parent else { return };
        let mut members = merging;
        if !is_parent {
            members.insert(0, survivor);
        }
        for member in members {
            self.becomes_member(member, parent, now);
        }
        if let Some(view) = self.calls.get(&parent).and_then(|call| call.view.clone()) {
            self.update(parent, &view, now);
        }
        self.parent_is_told(parent);
        self.refresh_counts(line);
    }

    fn asked_conference(&self, line: usize) -> Option<u32> {
        self.commands.values().find_map(|command| match command.act {
            Act::Conference { parent } if command.line == line => Some(parent),
            _ => None,
        })
    }

    /// The conference call: the one that a program asked for, or a new one for a conference made at the phone.
    fn make_parent(&mut self, survivor: u32, asked_for: Option<u32>, now: Now) -> Option<u32> {
        let (line, id, view) = {
            let call = self.calls.get(&survivor)?;
            (call.line, call.id.clone(), call.view.clone()?)
        };
        let parent = match asked_for {
            Some(parent) => parent,
            None => self.new_call(line, 0, Phase::Announcing(0), Role::Parent, now),
        };
        if let Some(call) = self.calls.get_mut(&survivor) {
            call.id = None;
        }
        let call = self.calls.get_mut(&parent)?;
        call.id = id;
        call.role = Role::Parent;
        call.view = Some(view.clone());
        if call.phase == Phase::Tentative {
            call.phase = Phase::Told;
            let asked: Vec<u64> = self
                .commands
                .iter()
                .filter(|(_, command)| command.act == Act::Conference { parent })
                .map(|(id, _)| *id)
                .collect();
            for command in asked {
                self.command_done(command, now);
            }
        } else {
            self.announce(parent);
        }
        Some(parent)
    }

    fn becomes_member(&mut self, handle: u32, parent: u32, now: Now) {
        let Some(call) = self.calls.get_mut(&handle) else { return };
        let number = call.view.as_ref().map(far_number).unwrap_or_default();
        call.role = Role::Member { parent, number, is_listed: false };
        call.id = None;
        call.is_merging = false;
        call.holds_for = None;
        call.consultation_of = None;
        call.dirty |= info::RELATEDCALLID;
        self.set_state(handle, call_state::CONFERENCED, 0, now);
        self.emit(handle);
    }

    /// TAPI knows the conference now: its members can be told.
    pub(super) fn parent_is_told(&mut self, parent: u32) {
        for member in self.members_of(parent) {
            self.emit(member);
        }
    }

    /// Members of a conference that the gateway lists no more have left; with one left, it is a plain call again.
    pub(super) fn members_follow(&mut self, parent: u32, now: Now) {
        let Some(call) = self.calls.get(&parent) else { return };
        let (Role::Parent, Some(view)) = (&call.role, &call.view) else { return };
        let view = view.clone();
        let members = self.members_of(parent);
        if members.is_empty() {
            return;
        }
        let present: Vec<&GatewayParticipant> = view.participants.iter().filter(|one| one.is_present()).collect();
        if view.conference_id.is_some() && present.len() >= 2 {
            // Who joined just now is not in the list of a moment ago.
            if present.len() >= members.len() {
                for member in &members {
                    if let Some(Role::Member { is_listed, .. }) = self.calls.get_mut(member).map(|call| &mut call.role)
                    {
                        *is_listed = true;
                    }
                }
            }
            let is_listed = |member: &u32| {
                self.calls.get(member).is_some_and(|call| matches!(call.role, Role::Member { is_listed: true, .. }))
            };
            let listed: Vec<u32> = members.into_iter().filter(is_listed).collect();
            for member in self.leavers(&listed, &present) {
                self.end(member, disconnect::NORMAL, now);
            }
            return;
        }
        // Dissolved: the call with the one who is left goes on, the others are over.
        let left = far_number(&view);
        let survivor = members
            .iter()
            .copied()
            .find(|member| {
                self.calls.get(member).is_some_and(
                    |call| matches!(&call.role, Role::Member { number, .. } if bare(number) == bare(&left)),
                )
            })
            .or_else(|| members.first().copied());
        let Some(survivor) = survivor else { return };
        let id = self.calls.get_mut(&parent).and_then(|call| call.id.take());
        if let Some(call) = self.calls.get_mut(&survivor) {
            call.role = Role::Plain;
            call.id = id;
            call.dirty |= info::RELATEDCALLID;
        }
        for member in members.into_iter().filter(|member| *member != survivor) {
            self.end(member, disconnect::NORMAL, now);
        }
        self.end(parent, disconnect::NORMAL, now);
        self.update(survivor, &view, now);
    }

    /// Members beyond those whom the gateway lists: first those whose number is not among them.
    fn leavers(&self, members: &[u32], present: &[&GatewayParticipant]) -> Vec<u32> {
        let Some(surplus) = members.len().checked_sub(present.len()).filter(|surplus| *surplus > 0) else {
            return Vec::new();
        };
        let mut numbers: Vec<String> = present.iter().map(|one| bare(&participant_number(one))).collect();
        let mut missing = Vec::new();
        let mut found = Vec::new();
        for member in members {
            let number = match self.calls.get(member).map(|call| &call.role) {
                Some(Role::Member { number, .. }) => bare(number),
                _ => String::new(),
            };
            match numbers.iter().position(|listed| *listed == number) {
                Some(place) => {
                    numbers.swap_remove(place);
                    found.push(*member);
                }
                None => missing.push(*member),
            }
        }
        missing.extend(found.into_iter().rev());
        missing.truncate(surplus);
        missing
    }

    /// The gateway's id of the participant behind a member.
    pub(super) fn participant_of(&self, member: u32) -> Result<(String, String), i32> {
        let call = self.calls.get(&member).ok_or(err::INVALCALLHANDLE)?;
        let Role::Member { parent, number, .. } = &call.role else { return Err(err::INVALCALLSTATE) };
        let parent = self.calls.get(parent).ok_or(err::INVALCALLSTATE)?;
        let (Some(id), Some(view)) = (&parent.id, &parent.view) else { return Err(err::INVALCALLSTATE) };
        let wanted = bare(number);
        let present = || view.participants.iter().filter(|one| one.is_present());
        let same = present().filter(|one| bare(&participant_number(one)) == wanted).collect::<Vec<_>>();
        match same.as_slice() {
            [one] => Ok((id.clone(), one.id.clone())),
            // Two of the same number, or none: whom to take out would be a guess.
            _ => Err(err::OPERATIONFAILED),
        }
    }
}

/// The number at the other end, as the router has it where known: formats differ, digits do not.
fn far_number(view: &GatewayCall) -> String {
    let party = view.far_end();
    party.raw.clone().or_else(|| party.number.clone()).unwrap_or_default()
}

fn participant_number(one: &GatewayParticipant) -> String {
    one.raw.clone().or_else(|| one.number.clone()).unwrap_or_default()
}
