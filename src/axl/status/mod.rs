//! A light poll (section 7): the registration of phones, and where mobility users are. The same reader, smaller.

use std::collections::VecDeque;

use crate::axl::dialect::Dialect;
use crate::axl::inventory::Inventory;
use crate::axl::listing::{Answer, Ended, Known, ListRead, Setup};
use crate::axl::load::{Input, ListHint, LoadError, LoadHints};
use crate::axl::record::{Device, UserProfile};
use crate::axl::request::Request;
use bytes::Bytes;

/// What one poll looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PollPlan {
    /// Ephone tags, in the order to read them ([`PollPlan::of`] puts the interesting ones first).
    pub devices: Vec<u32>,
    /// User profile tags; empty when the phones' own records tell who is logged in.
    pub profiles: Vec<u32>,
}

impl PollPlan {
    /// A whole cycle over an inventory: mobility phones, then phones that are not registered, then the rest
    /// (section 7). Profiles are read only when the phones' records do not say who is logged in.
    pub fn of(inventory: &Inventory) -> Self {
        let rank = |device: &Device| match (inventory.is_mobility_host(device), device.is_registered()) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        let mut devices: Vec<&Device> = inventory.devices.iter().collect();
        devices.sort_by_key(|device| (rank(device), device.id));
        let told = inventory
            .devices
            .iter()
            .filter(|device| inventory.is_mobility_host(device))
            .all(|device| device.user_profile.is_some());
        let profiles = inventory.user_profiles.iter().flatten().map(|profile| profile.id);
        Self {
            devices: devices.into_iter().map(|device| device.id).collect(),
            profiles: if told { Vec::new() } else { profiles.collect() },
        }
    }
}

/// What a poll wants.
#[derive(Debug)]
pub enum Output {
    /// POST this and answer with [`Input`].
    Post {
        /// The body.
        body: Bytes,
        /// What it asks, for people.
        about: &'static str,
    },
    /// A phone as it is now; give it to [`Inventory::update_device`].
    Device(Box<Device>),
    /// A mobility user as it is now; give it to [`Inventory::update_user_profile`].
    UserProfile(Box<UserProfile>),
    /// Every object was read. `gone` are tags that the router no longer has: time for a whole load.
    Done {
        /// Ephone tags that are gone.
        gone: Vec<u32>,
    },
    /// The poll ended early; what it gave before holds, the rest is as old as before.
    Failed(LoadError),
}

#[derive(Debug)]
enum Stage {
    Devices(Box<ListRead<Device>>),
    UserProfiles(Box<ListRead<UserProfile>>),
    Ended,
}

/// One poll cycle, or a part of one.
#[derive(Debug)]
pub struct Poll {
    dialect: Dialect,
    hints: LoadHints,
    plan: PollPlan,
    stage: Stage,
    started: bool,
    gone: Vec<u32>,
    outputs: VecDeque<Output>,
}

impl Poll {
    /// A poll of the objects of `plan`, in the way that a load learned.
    pub fn new(dialect: Dialect, hints: LoadHints, plan: PollPlan) -> Self {
        Self { dialect, hints, plan, stage: Stage::Ended, started: false, gone: Vec::new(), outputs: VecDeque::new() }
    }

    fn setup(&self, hint: ListHint, tags: Vec<u32>) -> Setup {
        // `all` only where a load has proved it, and only when more than one object is wanted.
        let hint = if hint == ListHint::AllWorks && tags.len() > 1 { hint } else { ListHint::AllFails };
        let known = self.hints.generation.map_or(Known::Nothing, Known::Proved);
        Setup {
            mode: self.dialect.list_mode,
            hint,
            known,
            tags: Some(tags),
            probe_max: None,
            configured: None,
            optional: true,
        }
    }

    /// The next thing to do; `None` while a request is out, and after the end.
    pub fn poll(&mut self) -> Option<Output> {
        if !self.started {
            self.started = true;
            let list = ListRead::new(self.setup(self.hints.devices, self.plan.devices.clone()));
            self.devices(Box::new(list));
        }
        self.outputs.pop_front()
    }

    /// What came back for the request that was out.
    pub fn handle(&mut self, input: Input) {
        if matches!(self.stage, Stage::Ended) {
            return;
        }
        let answer: Answer = input.into_answer(&self.dialect);
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Devices(mut list) => {
                list.answer(answer);
                self.devices(list);
            }
            Stage::UserProfiles(mut list) => {
                list.answer(answer);
                self.profiles(list);
            }
            Stage::Ended => {}
        }
    }

    fn post(&mut self, request: &Request) {
        let body = request.body(self.dialect.envelope);
        self.outputs.push_back(Output::Post { body, about: request.about() });
    }

    fn devices(&mut self, mut list: Box<ListRead<Device>>) {
        let next = list.ask();
        let wanted = &self.plan.devices;
        let fresh = std::mem::take(&mut list.records).into_iter().filter(|device| wanted.contains(&device.id));
        let fresh: Vec<Device> = fresh.collect();
        // A list that came whole says by its silence that a phone is gone.
        if next.is_none() && list.learned == ListHint::AllWorks && fresh.len() > 1 {
            let gone = wanted.iter().filter(|tag| !fresh.iter().any(|device| device.id == **tag));
            self.gone.extend(gone);
        }
        self.outputs.extend(fresh.into_iter().map(|device| Output::Device(Box::new(device))));
        if let Some(request) = next {
            self.post(&request);
            self.stage = Stage::Devices(list);
            return;
        }
        if let Some(Ended::Failed(error)) = list.take_end() {
            return self.outputs.push_back(Output::Failed(error));
        }
        self.gone.append(&mut list.vanished);
        let list = ListRead::new(self.setup(self.hints.user_profiles, self.plan.profiles.clone()));
        self.profiles(Box::new(list));
    }

    fn profiles(&mut self, mut list: Box<ListRead<UserProfile>>) {
        let next = if self.plan.profiles.is_empty() { None } else { list.ask() };
        let fresh = std::mem::take(&mut list.records).into_iter();
        self.outputs.extend(fresh.map(|profile| Output::UserProfile(Box::new(profile))));
        if let Some(request) = next {
            self.post(&request);
            self.stage = Stage::UserProfiles(list);
            return;
        }
        let end = match list.take_end() {
            Some(Ended::Failed(error)) => Output::Failed(error),
            _ => Output::Done { gone: std::mem::take(&mut self.gone) },
        };
        self.outputs.push_back(end);
    }
}

#[cfg(test)]
mod tests;
