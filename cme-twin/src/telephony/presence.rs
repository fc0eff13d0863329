//! Phones that come and go, and users who log in and out of them.

use super::{Exchange, Happening, Place, Refusal, Timer};

impl Exchange {
    /// A phone registers.
    pub(crate) fn register_phone(&mut self, phone: u32) -> Result<(), Refusal> {
        let uptime = self.uptime();
        let state = self.phones.get_mut(&phone).ok_or(Refusal::UnknownDevice)?;
        if state.registered {
            return Ok(());
        }
        state.registered = true;
        state.change_time = uptime;
        self.device_changes.push((phone, uptime, true));
        for dn in self.lines(phone) {
            if let Some(config) = self.system.dns.get_mut(&dn) {
                config.change_time = uptime;
            }
            self.tell_device(
                Happening::BackInService { place: Place { dn, phone } },
                "normal",
                vec![Place { dn, phone }],
                dn,
            );
        }
        Ok(())
    }

    /// A phone is gone: by itself, or (`deceased`) noticed by missing keepalives. Its calls end.
    pub(crate) fn unregister_phone(&mut self, phone: u32, deceased: bool) -> Result<(), Refusal> {
        let uptime = self.uptime();
        let state = self.phones.get(&phone).ok_or(Refusal::UnknownDevice)?;
        if !state.registered {
            return Ok(());
        }
        let lines = self.lines(phone);
        for dn in &lines {
            self.drop_calls(Place { dn: *dn, phone });
        }
        if let Some(state) = self.phones.get_mut(&phone) {
            state.registered = false;
            state.deceased = deceased;
            state.dnd = false;
            state.change_time = uptime;
        }
        self.device_changes.push((phone, uptime, false));
        for dn in lines {
            if let Some(config) = self.system.dns.get_mut(&dn) {
                config.change_time = uptime;
            }
            let place = Place { dn, phone };
            self.tell_device(Happening::OutOfService { place }, "maintenance", vec![place], dn);
        }
        Ok(())
    }

    /// A phone loses its power. Nobody knows until its keepalives are missed.
    pub(crate) fn lose_power(&mut self, phone: u32) -> Result<(), Refusal> {
        if !self.phones.contains_key(&phone) {
            return Err(Refusal::UnknownDevice);
        }
        self.set_timer(self.behaviour.limits.power_loss, Timer::Deceased { phone });
        Ok(())
    }

    fn drop_calls(&mut self, place: Place) {
        let here: Vec<u64> =
            self.calls.iter().filter(|(_, call)| call.at(place).is_some()).map(|(key, _)| *key).collect();
        for key in here {
            let _ = self.clear(place, key);
        }
    }

    /// A user logs in on a phone for mobile users. It restarts with his numbers; an earlier login of his ends.
    pub(crate) fn login(&mut self, user: &str, phone: u32) -> Result<(), Refusal> {
        let profile =
            *self.system.user_profiles.iter().find(|(_, one)| one.user == user).ok_or(Refusal::UnknownUser)?.0;
        let config = self.system.phones.get(&phone).ok_or(Refusal::UnknownDevice)?;
        if config.logout_profile == 0 {
            return Err(Refusal::Unsupported);
        }
        if !self.is_registered(phone) {
            return Err(Refusal::OutOfService);
        }
        let elsewhere = self.phones.iter().find(|(_, state)| state.profile == profile).map(|(tag, _)| *tag);
        match elsewhere {
            Some(tag) if tag == phone => return Ok(()),
            Some(tag) => self.restart(tag, 0)?,
            None => {}
        }
        self.restart(phone, profile)
    }

    /// A user logs out.
    pub(crate) fn logout(&mut self, user: &str) -> Result<(), Refusal> {
        let profile =
            *self.system.user_profiles.iter().find(|(_, one)| one.user == user).ok_or(Refusal::UnknownUser)?.0;
        let phone = self
            .phones
            .iter()
            .find(|(_, state)| state.profile == profile)
            .map(|(tag, _)| *tag)
            .ok_or(Refusal::WrongState)?;
        self.restart(phone, 0)
    }

    /// The phone unregisters, gets another profile, and registers.
    fn restart(&mut self, phone: u32, profile: u32) -> Result<(), Refusal> {
        self.unregister_phone(phone, false)?;
        if let Some(state) = self.phones.get_mut(&phone) {
            state.profile = profile;
        }
        self.register_phone(phone)
    }

    /// The phone of an `ephone / restart` command.
    pub(crate) fn restart_phone(&mut self, phone: u32) -> Result<(), Refusal> {
        if self.is_registered(phone) {
            let profile = self.phones.get(&phone).map_or(0, |state| state.profile);
            return self.restart(phone, profile);
        }
        Ok(())
    }

    /// After a reboot all phones that were registered come back, one after the other.
    pub(crate) fn phones_return(&mut self, phones: &[u32], first_ms: u64, gap_ms: u64) {
        let mut after = first_ms;
        for phone in phones {
            self.set_timer(after, Timer::Register { phone: *phone });
            after += gap_ms;
        }
    }
}
