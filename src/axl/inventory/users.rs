//! Mobility where the router gives no user profiles (the 2008 guide): who is at a phone is the name in its record, and
//! what was seen of a user is remembered, because nothing shows somebody who is logged out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Inventory;
use crate::axl::record::{Device, UserKind, UserNumber, UserProfile, UserType};

/// What earlier looks found out; stored with what a load learns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mobility {
    /// Phones (MAC) that mobility users log in at, with the tag of their logout profile where it is known.
    hosts: BTreeMap<String, u32>,
    /// Users by the tag of their profile.
    users: BTreeMap<u32, SeenUser>,
    /// Names that phones have while nobody is logged in.
    logged_out: BTreeSet<String>,
    /// Names of ordinary phones.
    phone_users: BTreeSet<String>,
}

/// A mobility user as he was at a phone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenUser {
    /// The login name.
    pub user: String,
    /// Number and button mode, in the order of the buttons.
    pub numbers: Vec<(String, String)>,
}

impl Mobility {
    /// The users that were seen.
    pub fn users(&self) -> impl Iterator<Item = &SeenUser> {
        self.users.values()
    }

    /// Whether the name is that of an ordinary phone's user.
    pub fn has_phone_user(&self, name: &str) -> bool {
        self.phone_users.contains(name)
    }

    /// To be called once a day: a name may have become that of a mobility user.
    pub fn forget_phone_users(&mut self) {
        self.phone_users.clear();
    }

    fn tag_of(&self, name: &str) -> Option<u32> {
        self.users.iter().find(|(_, user)| user.user == name).map(|(tag, _)| *tag)
    }

    fn knows(&self, name: &str) -> bool {
        self.has_phone_user(name) || self.logged_out.contains(name) || self.tag_of(name).is_some()
    }

    /// Adds to a record that tells nothing of mobility what is known of the phone and its user.
    fn complete(&self, device: &mut Device) {
        let Some(mac) = device.mac.as_deref().filter(|_| device.tells_no_mobility()) else { return };
        let name = device.username.as_deref().unwrap_or_default();
        let tag = self.tag_of(name);
        let is_host = tag.is_some() || self.logged_out.contains(name) || self.hosts.contains_key(mac);
        if is_host && !self.has_phone_user(name) {
            device.logout_profile = Some(self.hosts.get(mac).copied().unwrap_or(1));
            device.user_profile = Some(tag.unwrap_or(0));
        }
    }
}

impl Device {
    /// Whether the record has none of the fields of extension mobility.
    pub fn tells_no_mobility(&self) -> bool {
        self.logout_profile.is_none() && self.user_profile.is_none()
    }

    /// Its numbers as those of the user who is logged in.
    fn as_user(&self, name: &str) -> SeenUser {
        let mut lines: Vec<_> = self.appearances.iter().collect();
        lines.sort_by_key(|line| line.button);
        let mode = |button| self.buttons.iter().find(|one| one.button == button).map(|one| one.mode.clone());
        let numbers = lines.into_iter().map(|line| (line.number.clone(), mode(line.button).unwrap_or_default()));
        SeenUser { user: name.to_owned(), numbers: numbers.collect() }
    }
}

impl Inventory {
    /// Takes over what `ISgetUser` told of names, and completes the records with it.
    pub(in crate::axl) fn place_users(&mut self, kinds: &BTreeMap<String, UserKind>, memory: &mut Mobility) {
        memory.users.retain(|tag, user| {
            kinds.get(&user.user).is_none_or(|kind| kind.kind == UserType::UserProfile && kind.tag == *tag)
        });
        for device in self.devices.iter().filter(|device| device.tells_no_mobility()) {
            let (Some(mac), Some(name)) = (device.mac.clone(), &device.username) else { continue };
            match kinds.get(name) {
                Some(UserKind { kind: UserType::UserProfile, tag, .. }) => {
                    memory.hosts.entry(mac).or_insert(1);
                    memory.users.insert(*tag, device.as_user(name));
                }
                Some(UserKind { kind: UserType::LogoutProfile, tag, .. }) => {
                    memory.hosts.insert(mac, (*tag).max(1));
                    memory.logged_out.insert(name.clone());
                }
                Some(UserKind { kind: UserType::Ephone, .. }) => {
                    memory.hosts.remove(&mac);
                    memory.phone_users.insert(name.clone());
                }
                _ => {}
            }
        }
        for device in &mut self.devices {
            memory.complete(device);
        }
        if !memory.users.is_empty() {
            let seen = memory.users.iter().map(|(tag, user)| UserProfile {
                id: *tag,
                user: user.user.clone(),
                numbers: user
                    .numbers
                    .iter()
                    .map(|(number, mode)| UserNumber { number: number.clone(), mode: mode.clone(), overlay_group: 0 })
                    .collect(),
                ..UserProfile::default()
            });
            self.user_profiles = Some(seen.collect());
        }
        self.mobility = memory.clone();
    }

    /// Whether somebody is at this phone of whom it is not known what kind of user he is: time for a whole load.
    pub fn has_new_user(&self, device: &Device) -> bool {
        let old = self.device(device.id).and_then(|old| old.username.as_deref());
        let name = device.username.as_deref().filter(|name| old != Some(*name));
        device.tells_no_mobility() && name.is_some_and(|name| !self.mobility.knows(name))
    }

    pub(super) fn completed(&self, mut device: Device) -> Device {
        self.mobility.complete(&mut device);
        device
    }
}
