//! The configuration of the simulated router: what an administrator typed. The live state (who is registered, who talks) is in the telephony model.

mod dialplan;
mod preset;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use dialplan::DialplanPattern;

/// How a number sits on a button (`button 1:1 2s4 3m8`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ButtonRing {
    /// Rings.
    #[default]
    Normal,
    /// Lights only.
    Silent,
    /// One beep.
    Beep,
    /// The feature ring.
    Feature,
    /// A lamp for a line of another phone; not a line of this one.
    Monitor,
    /// A lamp for a whole phone; not a line of this one.
    Watch,
    /// One of several numbers on one button.
    Overlay,
    /// One of several numbers on one button, with call waiting.
    CwOverlay,
    /// A further button for the calls of an overlay.
    Expansion,
}

impl ButtonRing {
    /// Whether calls can be made and taken on such a button.
    #[must_use]
    pub fn is_line(self) -> bool {
        !matches!(self, Self::Monitor | Self::Watch)
    }
}

/// One button of a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// Position, from 1.
    pub position: u32,
    /// Tag of the ephone-dn.
    pub dn: u32,
    /// How it rings.
    #[serde(default)]
    pub ring: ButtonRing,
}

/// A speed dial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeedDial {
    /// Position, from 1.
    pub index: u32,
    /// The number it dials.
    pub number: String,
    /// Its text.
    pub label: String,
    /// It shows whether the number is busy.
    #[serde(default)]
    pub blf: bool,
}

/// An ephone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Phone {
    /// Twelve upper-case hex digits.
    pub mac: String,
    /// Model, for example `7965`.
    pub model: String,
    /// Name of its user.
    pub username: String,
    /// Password of its user.
    pub password: String,
    /// Description.
    pub description: String,
    /// Its buttons; unused while a logout profile is set.
    pub buttons: Vec<Button>,
    /// Its speed dials.
    pub speed_dials: Vec<SpeedDial>,
    /// Tag of the logout profile; 0 = not a phone for mobile users.
    pub logout_profile: u32,
    /// Its IP address while registered.
    pub address: String,
    /// Registered when the twin starts.
    pub registered: bool,
    /// Uptime of the router at the last change of its registration, in seconds.
    pub change_time: u64,
}

/// An ephone-dn.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Dn {
    /// Number.
    pub number: String,
    /// Second number.
    pub secondary: String,
    /// Name as typed.
    pub name: String,
    /// Display text.
    pub label: String,
    /// Description.
    pub description: String,
    /// Calls at once: 1 (single), 2 (dual-line) or 8 (octo-line).
    pub channels: u32,
    /// `cti watch`; `None` = not typed, the template decides.
    pub watch: Option<bool>,
    /// `cti notify`; `None` = not typed, the template decides.
    pub notify: Option<bool>,
    /// Tag of its template, 0 = none.
    pub template: u32,
    /// `call-forward all`; empty = off.
    pub forward_all: String,
    /// `call-forward busy`; empty = off.
    pub forward_busy: String,
    /// `call-forward noan`; empty = off.
    pub forward_no_answer: String,
    /// Seconds until `forward_no_answer` is used.
    pub forward_no_answer_timeout: u32,
    /// Uptime of the router at its last change, in seconds.
    pub change_time: u64,
}

/// An ephone-dn-template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DnTemplate {
    /// `cti watch`.
    pub watch: bool,
    /// `cti notify`.
    pub notify: bool,
    /// Description.
    pub description: String,
}

/// A voice user-profile: somebody who logs in on any phone that has a logout profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserProfile {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// PIN.
    pub pin: String,
    /// Minutes without use until the user is logged out; 0 = never.
    pub max_idle: u32,
    /// Numbers in the order of buttons.
    pub numbers: Vec<(String, ButtonRing)>,
    /// Speed dials.
    pub speed_dials: Vec<SpeedDial>,
}

/// A voice logout-profile: the look of such a phone while nobody is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LogoutProfile {
    /// User name.
    pub user: String,
    /// Numbers in the order of buttons.
    pub numbers: Vec<(String, ButtonRing)>,
}

/// A voice register session-server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionServer {
    /// The user part that REGISTER must name.
    pub register_id: String,
    /// Longest registration in seconds.
    pub keepalive: u32,
    /// REGISTER is answered only while CTI works.
    pub cti_aware: bool,
}

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Host name.
    pub host: String,
    /// Address that the router gives as its own in the XML interface.
    pub address: String,
    /// Version of CME, for example `8.6`.
    pub version: String,
    /// `max-ephones`.
    pub max_ephones: u32,
    /// `max-dn`.
    pub max_dn: u32,
    /// Most parties of a conference.
    pub max_conference: u32,
    /// Most forwardings of one call.
    pub max_redirect: u32,
    /// SCCP keepalive in seconds.
    pub keepalive: u64,
    /// `directory last-name-first`.
    pub last_name_first: bool,
    /// User of the XML interface, who also is the one of the SIP registration.
    pub xml_user: String,
    /// Password of that user.
    pub xml_password: String,
    /// Privilege level of that user.
    pub xml_level: u8,
    /// The router is the fallback of another system (SRST): it has no `telephony-service` of its own.
    #[serde(default)]
    pub fallback: bool,
    /// `voice register global / mode`: `cme` or `srst`; it is about SIP phones, and `srst` where nobody typed anything.
    pub sip_mode: String,
    /// `authenticate register`.
    pub authenticate_register: bool,
    /// `registrar server expires max M min m`; `None` = no registrar.
    pub registrar: Option<(u32, u32)>,
    /// `gcid`.
    pub gcid: bool,
    /// `cti shutdown`.
    pub cti_shutdown: bool,
    /// `cti csta mode basic`.
    pub basic_mode: bool,
    /// `cti message device-id suppress-conversion`.
    pub suppress_conversion: bool,
    /// First digit of numbers that leave over the trunk.
    pub outside: String,
    /// `dialplan-pattern`s.
    pub dialplan: Vec<DialplanPattern>,
    /// Calls to these outside numbers (prefixes) cannot be transfer targets.
    pub transfer_blocked: Vec<String>,
    /// Uptime of the router when the twin starts, in seconds.
    pub uptime: u64,
    /// ephone-dns by tag.
    pub dns: BTreeMap<u32, Dn>,
    /// ephone-dn-templates by tag.
    pub templates: BTreeMap<u32, DnTemplate>,
    /// ephones by tag.
    pub phones: BTreeMap<u32, Phone>,
    /// voice user-profiles by tag.
    pub user_profiles: BTreeMap<u32, UserProfile>,
    /// voice logout-profiles by tag.
    pub logout_profiles: BTreeMap<u32, LogoutProfile>,
    /// Session servers by tag.
    pub session_servers: BTreeMap<u32, SessionServer>,
}

impl System {
    /// Whether `cti watch` holds for this DN: its own word, else that of its template.
    #[must_use]
    pub fn watched(&self, dn: u32) -> bool {
        self.dns
            .get(&dn)
            .is_some_and(|one| one.watch.unwrap_or_else(|| self.templates.get(&one.template).is_some_and(|t| t.watch)))
    }

    /// Whether `cti notify` holds for this DN: its own word, else that of its template.
    #[must_use]
    pub fn notified(&self, dn: u32) -> bool {
        self.dns.get(&dn).is_some_and(|one| {
            one.notify.unwrap_or_else(|| self.templates.get(&one.template).is_some_and(|t| t.notify))
        })
    }

    /// The DN with this primary, secondary or expanded number.
    #[must_use]
    pub fn dn_of(&self, number: &str) -> Option<u32> {
        let exact = |wanted: &str| self.dns.iter().find(|(_, dn)| dn.number == wanted).map(|(tag, _)| *tag);
        exact(number)
            .or_else(|| {
                self.dns.iter().find(|(_, dn)| !dn.secondary.is_empty() && dn.secondary == number).map(|(tag, _)| *tag)
            })
            .or_else(|| self.dialplan.iter().find_map(|pattern| pattern.extension(number)).and_then(exact))
    }

    /// The phone with this tag, or this MAC in any spelling.
    #[must_use]
    pub fn phone_of(&self, name: &str) -> Option<u32> {
        let mac = plain_mac(name);
        let by_mac = self.phones.iter().find(|(_, phone)| !mac.is_empty() && phone.mac == mac).map(|(tag, _)| *tag);
        by_mac.or_else(|| name.trim().parse().ok().filter(|tag| self.phones.contains_key(tag)))
    }

    /// The number as events name it: expanded by the dial plan unless that is suppressed.
    #[must_use]
    pub fn promoted(&self, number: &str) -> String {
        if self.suppress_conversion || self.dn_of(number).is_none() {
            return number.to_owned();
        }
        self.dialplan.iter().find_map(|pattern| pattern.expand(number)).unwrap_or_else(|| number.to_owned())
    }
}

/// Twelve upper-case digits from `SEP00AA…`, `00aa.11bb.0001`, `00:AA:…`; empty when it is no MAC.
pub(crate) fn plain_mac(text: &str) -> String {
    let bare = text.trim().strip_prefix("SEP").or_else(|| text.trim().strip_prefix("sep")).unwrap_or(text.trim());
    let digits: String =
        bare.chars().filter(|c| !matches!(c, '.' | ':' | '-')).collect::<String>().to_ascii_uppercase();
    if digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit()) { digits } else { String::new() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn flags_of_a_template_count() {
        let system = System::default();
        assert!(system.watched(4) && system.notified(4));
        assert!(system.watched(7) && !system.notified(7));
        assert!(!system.watched(3) && !system.notified(99));
    }

    #[test]
    fn phones_are_found_by_tag_and_any_mac_spelling() {
        let system = System::default();
        for name in ["2", "SEP00AA11BB0002", "00aa.11bb.0002", "00:AA:11:BB:00:02"] {
            assert_eq!(system.phone_of(name), Some(2), "{name}");
        }
        assert_eq!(system.phone_of("77"), None);
    }

    #[test]
    fn a_large_system_has_numbers_of_equal_length() {
        let system = System::large(1200);
        let length = system.dns.get(&1).unwrap().number.len();
        assert!(system.dns.values().all(|dn| dn.number.len() == length));
        assert_eq!((system.dns.len(), system.phones.len()), (1200, 1200));
    }

    #[test]
    fn numbers_are_promoted_by_the_dial_plan() {
        let mut system = System::default();
        system.dialplan.push(DialplanPattern { pattern: "+4930555...".to_owned(), extension_length: 3 });
        assert_eq!(system.promoted("201"), "+4930555201");
        assert_eq!(system.dn_of("+4930555201"), Some(1));
        system.suppress_conversion = true;
        assert_eq!(system.promoted("201"), "201");
    }
}
