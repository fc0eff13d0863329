//! What a complete load gives, and the way from there to CTI lines (section 9).

mod lines;
mod support;
mod users;

use crate::axl::dialect::{Dialect, EmDetect};
use crate::axl::load::Generation;
use crate::axl::record::{
    Device, DeviceStatus, Extension, ExtensionTemplate, Global, NameOrder, SessionServer, SipGlobal, UserProfile,
};
pub use lines::{Host, LineButtonRecord, LineKind, LineOptions, LineRecord, Lines};
pub use support::{Support, Version};
pub use users::Mobility;

/// Everything that was read from one router.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The switches that hold for it.
    pub dialect: Dialect,
    /// Form of list keywords that the router took.
    pub generation: Option<Generation>,
    /// System settings; `None` when they could not be read.
    pub global: Option<Global>,
    /// Phones, by tag in the router's order.
    pub devices: Vec<Device>,
    /// Directory numbers.
    pub extensions: Vec<Extension>,
    /// Templates that some dn names.
    pub templates: Vec<ExtensionTemplate>,
    /// Mobility users; `None` when they were not asked for or the router does not know the request.
    pub user_profiles: Option<Vec<UserProfile>>,
    /// What is known of mobility where the router gives no users.
    pub mobility: Mobility,
    /// Session servers, for the CSTA check only.
    pub session_servers: Option<Vec<SessionServer>>,
    /// SIP settings, for the CSTA check only.
    pub sip_global: Option<SipGlobal>,
    /// Objects that are there but were not given. Lines that were known before and hang on one of these should
    /// not be marked as missing.
    pub unreadable: Vec<Unreadable>,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
}

/// An object that the router lists but does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its kind, for people.
    pub about: &'static str,
    /// Its tag.
    pub tag: u32,
}

/// What an update changed (section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing that matters.
    None,
    /// The phone registered anew between two polls: only its counters tell (section 16, "Status").
    Reregistered,
    /// Registration, address, mobility user or the like.
    State,
    /// Lines, buttons or the device itself: the line list may be another one.
    Lines,
}

impl Device {
    /// Whether the phone is registered; `deceased` and unknown words are not.
    pub fn is_registered(&self) -> bool {
        self.status == DeviceStatus::Registered
    }
}

impl Inventory {
    /// A directory number by its tag.
    pub fn extension(&self, tag: u32) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.id == tag)
    }

    /// Directory numbers with this number; hunt pairs share one.
    pub fn extensions_with(&self, number: &str) -> Vec<&Extension> {
        self.extensions.iter().filter(|extension| extension.number == number).collect()
    }

    /// A phone by its tag.
    pub fn device(&self, tag: u32) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == tag)
    }

    /// The order of names on this router.
    pub fn name_order(&self) -> NameOrder {
        self.global.as_ref().map(|global| global.name_order).unwrap_or_default()
    }

    /// Whether extension mobility is on for a phone (section 9, 2; section 15, 8).
    pub fn is_mobility_host(&self, device: &Device) -> bool {
        let by_device = device.logout_profile.unwrap_or(0) != 0 || device.user_profile.unwrap_or(0) != 0;
        let by_profile = || self.user_profiles.iter().flatten().any(|profile| self.names_phone(profile, device));
        match self.dialect.em.detect {
            EmDetect::Device => by_device,
            EmDetect::Profile => by_profile(),
            EmDetect::Both => by_device || by_profile(),
        }
    }

    /// Whether a profile's `CurrentPhoneID` names this phone and the phone's lines agree (section 15, 9).
    fn names_phone(&self, profile: &UserProfile, device: &Device) -> bool {
        profile.phone == Some(device.id)
            && device.appearances.iter().any(|appearance| {
                let number = self.number_of(appearance.dn, &appearance.number);
                profile.numbers.iter().any(|own| !own.number.is_empty() && own.number == number)
            })
    }

    /// The phone at which a mobility user is logged in, with the rules of section 9, 5. The phone's own record
    /// wins over the profile's: it is the newer one (section 16).
    pub fn phone_of(&self, profile: &UserProfile) -> Option<&Device> {
        let by_device = || self.devices.iter().find(|device| device.user_profile == Some(profile.id));
        let by_profile = || {
            self.devices.iter().find(|device| {
                let taken = self.dialect.em.detect == EmDetect::Both
                    && device.user_profile.is_some_and(|tag| tag != profile.id && tag != 0);
                !taken && self.names_phone(profile, device)
            })
        };
        // Neither record says anything: the first line of a mobility phone does (section 13).
        let by_number = || {
            let first = profile.numbers.iter().map(|own| own.number.as_str()).find(|number| !number.is_empty())?;
            self.devices.iter().find(|device| {
                let told = device.user_profile.is_some() || profile.phone_type.is_some();
                let number = device.appearances.iter().min_by_key(|appearance| appearance.button);
                !told
                    && device.logout_profile.unwrap_or(0) != 0
                    && number.is_some_and(|line| self.number_of(line.dn, &line.number) == first)
            })
        };
        match self.dialect.em.detect {
            EmDetect::Device => by_device().or_else(by_number),
            EmDetect::Profile => by_profile(),
            EmDetect::Both => by_device().or_else(by_profile).or_else(by_number),
        }
    }

    /// The number of an appearance: its own text, or that of the dn it names.
    fn number_of<'a>(&'a self, dn: Option<u32>, number: &'a str) -> &'a str {
        if !number.is_empty() {
            return number;
        }
        dn.and_then(|tag| self.extension(tag)).map(|extension| extension.number.as_str()).unwrap_or_default()
    }

    /// A dn's effective `cti watch`: its own or its template's (section 15, 10); `None` when the router does not tell.
    pub fn cti_watch(&self, extension: &Extension) -> Option<bool> {
        self.with_template(extension, extension.cti_watch, |template| template.cti_watch)
    }

    /// A dn's effective `cti notify`, like [`Self::cti_watch`].
    pub fn cti_notify(&self, extension: &Extension) -> Option<bool> {
        self.with_template(extension, extension.cti_notify, |template| template.cti_notify)
    }

    fn with_template(
        &self,
        extension: &Extension,
        own: Option<bool>,
        flag: fn(&ExtensionTemplate) -> Option<bool>,
    ) -> Option<bool> {
        if own == Some(true) || !self.dialect.check.cti_from_template {
            return own;
        }
        let Some(tag) = extension.template else {
            return own;
        };
        match self.templates.iter().find(|template| template.id == tag).map(flag) {
            Some(Some(true)) => Some(true),
            Some(Some(false)) => own.or(Some(false)),
            // The template could not be read, or does not tell.
            Some(None) | None => None,
        }
    }

    /// Puts a phone's new record in place and says what that changes.
    pub fn update_device(&mut self, new: Device) -> Change {
        let new = self.completed(new);
        let Some(old) = self.devices.iter_mut().find(|device| device.id == new.id) else {
            self.devices.push(new);
            return Change::Lines;
        };
        let shape = |device: &Device| {
            let lines: Vec<_> =
                device.appearances.iter().map(|line| (line.button, line.dn, line.number.clone())).collect();
            (device.mac.clone(), device.buttons.clone(), lines, device.logout_profile)
        };
        let reset = matches!((old.keepalives, new.keepalives), (Some(old), Some(new)) if new < old);
        let change = if shape(old) != shape(&new) {
            Change::Lines
        } else if old.status != new.status
            || old.user_profile != new.user_profile
            || old.address != new.address
            || old.do_not_disturb != new.do_not_disturb
        {
            Change::State
        } else if reset || old.change_time != new.change_time {
            Change::Reregistered
        } else {
            Change::None
        };
        *old = new;
        change
    }

    /// Puts a mobility user's new record in place and says what that changes.
    pub fn update_user_profile(&mut self, new: UserProfile) -> Change {
        let profiles = self.user_profiles.get_or_insert_with(Vec::new);
        let Some(old) = profiles.iter_mut().find(|profile| profile.id == new.id) else {
            profiles.push(new);
            return Change::Lines;
        };
        let change = if old.numbers != new.numbers || old.user != new.user {
            Change::Lines
        } else if old.phone != new.phone || old.phone_type != new.phone_type {
            Change::State
        } else {
            Change::None
        };
        *old = new;
        change
    }
}

#[cfg(test)]
mod tests;
