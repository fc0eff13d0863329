//! The records of the XML interface, made from the configuration and the live state of the model.

use super::view::{Appearance, Change, Device, Extension, Global, Profile, Ring, Session, Source, SpeedDial, Template};
use crate::router::Router;
use crate::system::{self, ButtonRing};
use crate::telephony::{LegState, Place};

/// A view of the router.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    router: &'a Router,
    with_template: bool,
}

impl<'a> Records<'a> {
    pub(crate) fn new(router: &'a Router, with_template: bool) -> Self {
        Self { router, with_template }
    }

    fn state_of(&self, place: Place) -> Option<LegState> {
        let calls = self.router.exchange.calls.values();
        let mut legs = calls.flat_map(|call| &call.legs).filter(|leg| leg.party.place() == Some(place));
        legs.next().map(|leg| leg.state)
    }
}

fn ring(ring: ButtonRing) -> Ring {
    match ring {
        ButtonRing::Normal => Ring::Normal,
        ButtonRing::Silent => Ring::Silent,
        ButtonRing::Beep => Ring::Beep,
        ButtonRing::Feature => Ring::Feature,
        ButtonRing::Monitor => Ring::Monitor,
        ButtonRing::Watch => Ring::Watch,
        ButtonRing::Overlay => Ring::Overlay,
        ButtonRing::CwOverlay => Ring::CwOverlay,
        ButtonRing::Expansion => Ring::Expansion,
    }
}

fn dials(dials: &[system::SpeedDial]) -> Vec<SpeedDial> {
    let one = |dial: &system::SpeedDial| SpeedDial {
        index: dial.index,
        number: dial.number.clone(),
        label: dial.label.clone(),
        blf: dial.blf,
    };
    dials.iter().map(one).collect()
}

impl Source for Records<'_> {
    fn global(&self) -> Global {
        let exchange = &self.router.exchange;
        let system = &exchange.system;
        let registered = exchange.phones.values().filter(|state| state.registered).count();
        Global {
            address: system.address.clone(),
            host: system.host.clone(),
            version: system.version.clone(),
            registered: u32::try_from(registered).unwrap_or(u32::MAX),
            peak: u32::try_from(exchange.phones.len()).unwrap_or(u32::MAX),
            peak_time: exchange.uptime().min(90_210),
            keepalive: system.keepalive,
            devices: system.phones.len(),
            extensions: system.dns.len(),
            sccp_port: 2000,
            max_conference: system.max_conference,
            max_redirect: system.max_redirect,
            max_ephones: system.max_ephones,
            max_dn: system.max_dn,
            last_name_first: system.last_name_first,
            xml_user: system.xml_user.clone(),
            xml_password: system.xml_password.clone(),
            xml_level: system.xml_level,
            fallback: system.fallback,
            sip_mode: system.sip_mode.clone(),
            sip_port: 5060,
            authenticate_register: system.authenticate_register,
        }
    }

    fn device_tags(&self) -> Vec<u32> {
        self.router.exchange.system.phones.keys().copied().collect()
    }

    fn device(&self, tag: u32) -> Option<Device> {
        let exchange = &self.router.exchange;
        let phone = exchange.system.phones.get(&tag)?;
        let state = exchange.phones.get(&tag)?;
        let buttons = exchange.buttons(tag);
        let user = exchange.system.user_profiles.get(&state.profile);
        let line = |&(button, dn, _): &(u32, u32, ButtonRing)| Appearance {
            button,
            dn,
            number: exchange.system.dns.get(&dn).map(|dn| dn.number.clone()).unwrap_or_default(),
            up: state.registered,
            state: match self.state_of(Place { dn, phone: tag }) {
                None => "idle",
                Some(LegState::Initiated) => "seize",
                Some(LegState::Alerting) => "ringing",
                Some(LegState::Connected) => "connected",
                Some(LegState::Hold) => "hold",
                Some(LegState::Fail) => "busy",
            },
        };
        let (status, last_status) = match (state.registered, state.deceased) {
            (true, _) => ("registered", "unregistered"),
            (false, true) => ("unregistered", "deceased"),
            // Never seen since the router started.
            (false, false) if state.change_time == 0 => ("unregistered", "unregistered"),
            (false, false) => ("unregistered", "registered"),
        };
        let keepalives = exchange.uptime().saturating_sub(state.change_time) / exchange.system.keepalive.max(1);
        Some(Device {
            tag,
            name: format!("SEP{}", phone.mac),
            model: phone.model.clone(),
            known_type: state.registered,
            username: user.map_or_else(|| phone.username.clone(), |user| user.user.clone()),
            logout_user: exchange
                .system
                .logout_profiles
                .get(&phone.logout_profile)
                .map_or_else(String::new, |profile| profile.user.clone()),
            password: phone.password.clone(),
            description: phone.description.clone(),
            buttons: buttons.iter().map(|(position, _, how)| (*position, ring(*how))).collect(),
            speed_dials: dials(user.map_or(&phone.speed_dials, |user| &user.speed_dials)),
            template: 0,
            logout_profile: phone.logout_profile,
            user_profile: state.profile,
            address: if state.registered { phone.address.clone() } else { String::new() },
            lines: buttons.iter().map(line).collect(),
            status,
            last_status,
            change_time: state.change_time,
            keepalives: if state.registered { keepalives } else { 0 },
            dnd: state.dnd,
        })
    }

    fn extension_tags(&self) -> Vec<u32> {
        self.router.exchange.system.dns.keys().copied().collect()
    }

    fn extension(&self, tag: u32) -> Option<Extension> {
        let exchange = &self.router.exchange;
        let dn = exchange.system.dns.get(&tag)?;
        let devices = exchange.appearances(tag);
        let states: Vec<LegState> =
            devices.iter().filter_map(|phone| self.state_of(Place { dn: tag, phone: *phone })).collect();
        let any = |state: LegState| states.contains(&state);
        let call_status = match () {
            () if any(LegState::Connected) => "CONNECTED",
            () if any(LegState::Alerting) => "RINGING",
            () if any(LegState::Initiated) => "SIEZE",
            () if any(LegState::Hold) => "HOLD",
            () => "IDLE",
        };
        let own = |flag: Option<bool>, all: bool| if self.with_template { all } else { flag.unwrap_or(false) };
        Some(Extension {
            tag,
            number: dn.number.clone(),
            secondary: dn.secondary.clone(),
            kind: "normal".to_owned(),
            up: exchange.is_up(tag),
            change_time: dn.change_time,
            usage: exchange.usage.get(&tag).copied().unwrap_or(0),
            channels: dn.channels,
            call_status,
            name: dn.name.clone(),
            label: dn.label.clone(),
            description: dn.description.clone(),
            forward_all: dn.forward_all.clone(),
            forward_busy: dn.forward_busy.clone(),
            forward_no_answer: dn.forward_no_answer.clone(),
            forward_no_answer_timeout: dn.forward_no_answer_timeout,
            devices,
            notify: own(dn.notify, exchange.system.notified(tag)),
            watch: own(dn.watch, exchange.system.watched(tag)),
            template: dn.template,
        })
    }

    fn templates(&self) -> Vec<Template> {
        let templates = self.router.exchange.system.templates.iter();
        templates
            .map(|(tag, one)| Template {
                tag: *tag,
                notify: one.notify,
                watch: one.watch,
                description: one.description.clone(),
            })
            .collect()
    }

    fn profiles(&self) -> Vec<Profile> {
        let exchange = &self.router.exchange;
        let one = |(tag, user): (&u32, &system::UserProfile)| Profile {
            tag: *tag,
            user: user.user.clone(),
            password: user.password.clone(),
            pin: user.pin.clone(),
            max_idle: user.max_idle,
            speed_dials: dials(&user.speed_dials),
            numbers: user.numbers.iter().map(|(number, how)| (number.clone(), ring(*how))).collect(),
            phone: exchange.phones.iter().find(|(_, state)| state.profile == *tag).map_or(0, |(phone, _)| *phone),
        };
        exchange.system.user_profiles.iter().map(one).collect()
    }

    fn sessions(&self) -> Vec<Session> {
        let servers = self.router.exchange.system.session_servers.iter();
        servers
            .map(|(tag, one)| Session { tag: *tag, register_id: one.register_id.clone(), keepalive: one.keepalive })
            .collect()
    }

    fn user(&self, name: &str) -> Option<(u8, u32)> {
        let system = &self.router.exchange.system;
        let profile = system.user_profiles.iter().find(|(_, one)| one.user == name).map(|(tag, _)| (3, *tag));
        let logout = || system.logout_profiles.iter().find(|(_, one)| one.user == name).map(|(tag, _)| (2, *tag));
        let phone =
            || system.phones.iter().find(|(_, one)| one.username == name && !name.is_empty()).map(|(tag, _)| (1, *tag));
        profile.or_else(logout).or_else(phone)
    }

    fn device_changes(&self) -> Vec<Change> {
        let exchange = &self.router.exchange;
        let one = |&(tag, time, up): &(u32, u64, bool)| Change {
            tag,
            name: exchange.system.phones.get(&tag).map(|phone| format!("SEP{}", phone.mac)).unwrap_or_default(),
            time,
            status: if up { "registered" } else { "unregistered" },
        };
        exchange.device_changes.iter().map(one).collect()
    }

    fn extension_changes(&self) -> Vec<Change> {
        let exchange = &self.router.exchange;
        let mut changes = Vec::new();
        for &(phone, time, up) in &exchange.device_changes {
            for dn in exchange.lines(phone) {
                let name = exchange.system.dns.get(&dn).map(|dn| dn.number.clone()).unwrap_or_default();
                changes.push(Change { tag: dn, name, time, status: if up { "Up" } else { "Down" } });
            }
        }
        changes
    }
}
