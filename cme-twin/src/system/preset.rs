//! Ready-made systems: the one of the documents' examples, and one of any size.

use std::collections::BTreeMap;

use super::{Button, ButtonRing, Dn, DnTemplate, LogoutProfile, Phone, SessionServer, SpeedDial, System, UserProfile};

fn dn(number: &str, name: &str, channels: u32, watch: Option<bool>, notify: Option<bool>, change_time: u64) -> Dn {
    Dn { number: number.to_owned(), name: name.to_owned(), channels, watch, notify, change_time, ..Dn::default() }
}

fn phone(tag: u32, model: &str, username: &str, buttons: &[(u32, u32, ButtonRing)], change_time: u64) -> Phone {
    Phone {
        mac: format!("00AA11BB{tag:04}"),
        model: model.to_owned(),
        username: username.to_owned(),
        password: if username.is_empty() { String::new() } else { "not-for-logs".to_owned() },
        buttons: buttons.iter().map(|&(position, dn, ring)| Button { position, dn, ring }).collect(),
        address: format!("192.0.2.{}", 20 + tag),
        registered: true,
        change_time,
        ..Phone::default()
    }
}

impl Default for System {
    /// The system of the XML dossier's example, line by line.
    fn default() -> Self {
        use ButtonRing::{Monitor, Normal};
        let (yes, no) = (Some(true), Some(false));
        let mut anna = phone(1, "7965", "anna", &[(1, 1, Normal), (2, 4, Normal), (3, 8, Monitor)], 412);
        anna.description = "Anna desk".to_owned();
        anna.speed_dials =
            vec![SpeedDial { index: 1, number: "0".to_owned(), label: "Operator".to_owned(), blf: false }];
        let host = Phone { logout_profile: 1, ..phone(3, "7945", "", &[], 430) };
        let dead = Phone { registered: false, ..phone(4, "7942", "", &[(1, 7, Normal)], 70_001) };
        Self {
            host: "lab-cme".to_owned(),
            address: "192.0.2.10".to_owned(),
            version: "8.6".to_owned(),
            max_ephones: 10,
            max_dn: 20,
            max_conference: 8,
            max_redirect: 10,
            keepalive: 30,
            last_name_first: false,
            xml_user: "ctigw".to_owned(),
            xml_password: "lab-pass-1".to_owned(),
            xml_level: 15,
            fallback: false,
            sip_mode: "cme".to_owned(),
            authenticate_register: true,
            registrar: Some((1800, 60)),
            gcid: true,
            cti_shutdown: false,
            basic_mode: false,
            suppress_conversion: false,
            outside: "0".to_owned(),
            dialplan: Vec::new(),
            transfer_blocked: Vec::new(),
            uptime: 90_900,
            dns: BTreeMap::from([
                (1, dn("201", "Anna Berg", 2, yes, yes, 412)),
                (2, dn("202", "Ben Cole", 8, yes, yes, 415)),
                (3, dn("203", "Sales Line", 2, no, no, 440)),
                (4, Dn { template: 15, ..dn("204", "Front Desk", 2, None, None, 412) }),
                (5, dn("205", "Eli Frank", 2, yes, yes, 9)),
                (6, dn("299", "Guest Phone", 1, no, no, 430)),
                (7, dn("207", "Gus Hart", 2, yes, no, 70_001)),
                (8, dn("208", "Ida Jung", 2, yes, yes, 440)),
            ]),
            templates: BTreeMap::from([(
                15,
                DnTemplate { watch: true, notify: true, description: "cti lines".to_owned() },
            )]),
            phones: BTreeMap::from([
                (1, anna),
                (2, phone(2, "7962", "ben", &[(1, 2, Normal), (2, 4, Normal)], 415)),
                (3, host),
                (4, dead),
                (5, phone(5, "7941", "ida", &[(1, 8, Normal), (2, 3, Normal)], 440)),
            ]),
            user_profiles: BTreeMap::from([(
                1,
                UserProfile {
                    user: "eli".to_owned(),
                    password: "not-for-logs".to_owned(),
                    pin: "4711".to_owned(),
                    max_idle: 0,
                    numbers: vec![("205".to_owned(), Normal), ("203".to_owned(), Normal)],
                    speed_dials: vec![SpeedDial {
                        index: 1,
                        number: "201".to_owned(),
                        label: "Anna".to_owned(),
                        blf: true,
                    }],
                },
            )]),
            logout_profiles: BTreeMap::from([(
                1,
                LogoutProfile { user: "guest".to_owned(), numbers: vec![("299".to_owned(), Normal)] },
            )]),
            session_servers: BTreeMap::from([(
                2,
                SessionServer { register_id: "ss_ecsta".to_owned(), keepalive: 600, cti_aware: true },
            )]),
        }
    }
}

impl System {
    /// A system of `phones` phones with one dual-line number each, all registered, watched and notified. Numbers have one length: 1001 … for up to
    /// 8999 phones, 100001 … above.
    #[must_use]
    pub fn large(phones: u32) -> Self {
        let base = if phones < 9000 { 1000 } else { 100_000 };
        let (yes, limit) = (Some(true), phones.max(10));
        let mut system = Self {
            host: "large-cme".to_owned(),
            max_ephones: limit,
            max_dn: limit.saturating_mul(2),
            templates: BTreeMap::new(),
            user_profiles: BTreeMap::new(),
            logout_profiles: BTreeMap::new(),
            dns: BTreeMap::new(),
            phones: BTreeMap::new(),
            ..Self::default()
        };
        for tag in 1..=phones {
            system.dns.insert(tag, dn(&(base + tag).to_string(), &format!("User {tag}"), 2, yes, yes, 400));
            let mut one = phone(tag, "7965", &format!("user{tag}"), &[(1, tag, ButtonRing::Normal)], 400);
            one.mac = format!("02AA11{tag:06X}");
            one.address = format!("10.{}.{}.{}", tag >> 16, (tag >> 8) & 0xFF, tag & 0xFF);
            system.phones.insert(tag, one);
        }
        system
    }
}
