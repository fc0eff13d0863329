//! Mobility users of a router that gives no profiles, as in the 2008 guide: `ISgetUser` says what kind of user the name
//! at a phone is (section 4.5; section 15, 11).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Answer, Load, LoadError, Request, Stage};
use crate::axl::inventory::{Inventory, Mobility};
use crate::axl::record::UserKind;

/// The names to ask for, and what was told.
#[derive(Debug)]
pub(super) struct UserRead {
    queue: VecDeque<String>,
    asked: Option<String>,
    kinds: BTreeMap<String, UserKind>,
}

impl UserRead {
    /// Users at phones whose records do not tell about mobility, and those of earlier logins: is there still such a user?
    fn new(inventory: &Inventory, memory: &Mobility) -> Self {
        let at_phones = inventory
            .devices
            .iter()
            .filter(|device| device.tells_no_mobility())
            .filter_map(|device| device.username.clone())
            .filter(|name| !memory.has_phone_user(name));
        let names: BTreeSet<String> = at_phones.chain(memory.users().map(|user| user.user.clone())).collect();
        Self { queue: names.into_iter().collect(), asked: None, kinds: BTreeMap::new() }
    }

    /// Takes an answer; a router that does not know the request is not asked again.
    fn answer(&mut self, answer: Answer) -> Result<(), LoadError> {
        let Some(name) = self.asked.take() else { return Ok(()) };
        match answer {
            Answer::Transport(fault) if !fault.may_be_size() => return Err(LoadError::Transport(fault)),
            Answer::Reply(reply) => match reply.user {
                Some(kind) => {
                    self.kinds.insert(name, kind);
                }
                None if self.kinds.is_empty() => self.queue.clear(),
                None => {}
            },
            // What is known of this name stays.
            Answer::Transport(_) | Answer::Fault(_) => {}
        }
        Ok(())
    }
}

impl Load {
    pub(super) fn begin_users(&mut self) {
        let read = UserRead::new(&self.inventory, &self.hints.mobility);
        self.ask_user(Box::new(read));
    }

    pub(super) fn user_answer(&mut self, mut read: Box<UserRead>, answer: Answer) {
        match read.answer(answer) {
            Ok(()) => self.ask_user(read),
            Err(error) => self.fail(error),
        }
    }

    fn ask_user(&mut self, mut read: Box<UserRead>) {
        if let Some(name) = read.queue.pop_front() {
            self.post(&Request::User(name.clone()));
            read.asked = Some(name);
            self.stage = Stage::Users(read);
            return;
        }
        self.inventory.place_users(&read.kinds, &mut self.hints.mobility);
        self.users_ended();
    }
}
