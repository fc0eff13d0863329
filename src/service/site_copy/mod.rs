//! A copy of a site for the simulated router: who has which phones, buttons and numbers, and nothing that names anybody.
//!
//! The shape stays: lengths of numbers, blocks of numbers, shared lines, mobility users, what is watched. Numbers, names
//! and MAC addresses are new ones.

mod renumber;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::axl::Inventory;
use crate::axl::record::{Device, Extension, NameOrder, UserProfile};
use renumber::Renumbering;

/// Version of a router that does not tell its own.
const VERSION: &str = "8.6";
/// The phone's user profile is one for mobile users, but which logout profile it has is not told.
const SOME_PROFILE: u32 = 1;

/// The system as `linegate twin --system` reads it.
pub(in crate::service) fn site_copy(inventory: &Inventory) -> Value {
    let copy = Copy { inventory, numbers: Renumbering::new(numbers(inventory)) };
    let global = inventory.global.clone().unwrap_or_default();
    let dialplan: Vec<Value> = global
        .dialplan_patterns
        .iter()
        .enumerate()
        .filter_map(|(at, pattern)| {
            let length = pattern.extension_length?;
            Some(json!({"pattern": renumber::pattern(&pattern.pattern, at), "extension_length": length}))
        })
        .collect();
    let most = |told: Option<u32>, present: usize| told.unwrap_or(0).max(u32::try_from(present).unwrap_or(u32::MAX));
    json!({
        "host": "copy-cme",
        "address": "192.0.2.10",
        "version": global.version.as_deref().unwrap_or(VERSION),
        "max_ephones": most(global.max_ephone, inventory.devices.len()),
        "max_dn": most(global.max_dn, inventory.extensions.len()),
        "max_conference": 8,
        "max_redirect": 10,
        "keepalive": global.keepalive_s.unwrap_or(30),
        "last_name_first": global.name_order == NameOrder::LastNameFirst,
        // The twin takes user and password from its command line.
        "xml_user": "ctigw",
        "xml_password": "",
        "xml_level": 15,
        "sip_mode": "cme",
        "authenticate_register": true,
        "registrar": [1800, 60],
        "gcid": true,
        "cti_shutdown": false,
        "basic_mode": false,
        "suppress_conversion": false,
        "outside": "0",
        "dialplan": dialplan,
        "transfer_blocked": [],
        "uptime": 90_000,
        "dns": keyed(inventory.extensions.iter().map(|extension| (extension.id, copy.dn(extension)))),
        "templates": keyed(inventory.templates.iter().map(|template| {
            let flags = json!({"watch": template.cti_watch == Some(true), "notify": template.cti_notify == Some(true)});
            (template.id, flags)
        })),
        "phones": keyed(inventory.devices.iter().map(|device| (device.id, copy.phone(device)))),
        "user_profiles": keyed(
            inventory.user_profiles.iter().flatten().map(|profile| (profile.id, copy.user_profile(profile))),
        ),
        "logout_profiles": keyed(copy.logout_profiles()),
        // The default of a new PBX, so that nothing has to be set to rehearse.
        "session_servers": {"1": {"register_id": "ss_ecsta", "keepalive": 600, "cti_aware": true}},
    })
}

fn keyed(items: impl Iterator<Item = (u32, Value)>) -> Value {
    Value::Object(items.map(|(tag, value)| (tag.to_string(), value)).collect::<Map<_, _>>())
}

/// Every number that the site itself has.
fn numbers(inventory: &Inventory) -> impl Iterator<Item = &str> {
    let extensions = inventory
        .extensions
        .iter()
        .flat_map(|extension| std::iter::once(extension.number.as_str()).chain(extension.second_number.as_deref()));
    let profiles = inventory
        .user_profiles
        .iter()
        .flatten()
        .flat_map(|profile| profile.numbers.iter().map(|number| number.number.as_str()));
    let phones = inventory.devices.iter().flat_map(|device| device.appearances.iter().map(|one| one.number.as_str()));
    extensions.chain(profiles).chain(phones)
}

struct Copy<'a> {
    inventory: &'a Inventory,
    numbers: Renumbering,
}

impl Copy<'_> {
    fn number(&self, number: Option<&str>) -> String {
        number.map(|number| self.numbers.of(number)).unwrap_or_default()
    }

    fn dn(&self, extension: &Extension) -> Value {
        let mode = extension.line_mode.as_deref().unwrap_or_default().to_ascii_uppercase();
        let channels = match mode.as_str() {
            mode if mode.contains("OCTO") => 8,
            mode if mode.contains("SINGLE") => 1,
            _ => 2,
        };
        json!({
            "number": self.numbers.of(&extension.number),
            "secondary": self.number(extension.second_number.as_deref()),
            "name": format!("User {}", extension.id),
            "channels": channels,
            "watch": own_flag(extension, extension.cti_watch),
            "notify": own_flag(extension, extension.cti_notify),
            "template": extension.template.unwrap_or(0),
            "forward_all": self.number(extension.forward_all.as_deref()),
            "change_time": 400,
        })
    }

    fn phone(&self, device: &Device) -> Value {
        let is_host = self.inventory.is_mobility_host(device);
        let buttons: Vec<Value> = device
            .appearances
            .iter()
            // What a mobility phone shows now belongs to its user or to its logout profile.
            .filter(|_| !is_host)
            .filter_map(|one| Some((one, self.dn_of(one.dn, &one.number)?)))
            .map(|(one, dn)| json!({"position": one.button, "dn": dn, "ring": ring(device, one.button)}))
            .collect();
        let logout_profile = device.logout_profile.filter(|tag| *tag != 0);
        json!({
            "mac": device.mac.as_ref().map(|_| format!("02AA11{:06X}", device.id)).unwrap_or_default(),
            "model": device.config_type.as_deref().or(device.device_type.as_deref()).unwrap_or("7965"),
            "username": format!("user{}", device.id),
            "buttons": buttons,
            "logout_profile": if is_host { logout_profile.unwrap_or(SOME_PROFILE) } else { 0 },
            "address": format!("10.{}.{}.{}", (device.id >> 16) & 0xFF, (device.id >> 8) & 0xFF, device.id & 0xFF),
            "registered": device.is_registered(),
            "change_time": 400,
        })
    }

    fn dn_of(&self, dn: Option<u32>, number: &str) -> Option<u32> {
        let there = dn.filter(|tag| self.inventory.extension(*tag).is_some());
        there.or_else(|| self.inventory.extensions_with(number).first().map(|extension| extension.id))
    }

    fn user_profile(&self, profile: &UserProfile) -> Value {
        let numbers: Vec<Value> = profile
            .numbers
            .iter()
            .map(|one| {
                let ring = if one.overlay_group > 0 { "overlay" } else { ring_word(&one.mode) };
                json!([self.numbers.of(&one.number), ring])
            })
            .collect();
        json!({"user": format!("mobile{}", profile.id), "password": "", "pin": "", "numbers": numbers})
    }

    /// The router does not give them here: what an unused phone shows is what its profile has.
    fn logout_profiles(&self) -> impl Iterator<Item = (u32, Value)> {
        let mut profiles: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
        for device in self.inventory.devices.iter().filter(|device| self.inventory.is_mobility_host(device)) {
            let tag = device.logout_profile.filter(|tag| *tag != 0).unwrap_or(SOME_PROFILE);
            let numbers = profiles.entry(tag).or_default();
            let is_unused = !self
                .inventory
                .user_profiles
                .iter()
                .flatten()
                .any(|profile| self.inventory.phone_of(profile).is_some_and(|phone| phone.id == device.id));
            if numbers.is_empty() && is_unused {
                numbers.extend(device.appearances.iter().filter_map(|one| {
                    let dn = self.dn_of(one.dn, &one.number).and_then(|tag| self.inventory.extension(tag))?;
                    Some(json!([self.numbers.of(&dn.number), ring(device, one.button)]))
                }));
            }
        }
        profiles.into_iter().map(|(tag, numbers)| (tag, json!({"user": format!("guest{tag}"), "numbers": numbers})))
    }
}

/// What was typed at the number itself: the router says `false` too where only the template speaks.
fn own_flag(extension: &Extension, told: Option<bool>) -> Option<bool> {
    told.filter(|on| *on || extension.template.is_none())
}

/// How a button rings, in the words of the twin.
fn ring(device: &Device, button: u32) -> &'static str {
    let same = device.appearances.iter().filter(|one| one.button == button).count();
    let told = device.buttons.iter().find(|one| one.button == button).map_or("normal", |one| ring_word(&one.mode));
    // Several numbers on one button are an overlay, whatever the word says.
    if same > 1 && told == "normal" { "overlay" } else { told }
}

fn ring_word(mode: &str) -> &'static str {
    let mode = mode.to_ascii_uppercase();
    let words = [
        ("MONITOR", "monitor"),
        ("WATCH", "watch"),
        ("CW", "cw-overlay"),
        ("OVERLAY", "overlay"),
        ("EXP", "expansion"),
        ("SILENT", "silent"),
        ("BEEP", "beep"),
        ("FEATURE", "feature"),
    ];
    words.iter().find(|(word, _)| mode.contains(word)).map_or("normal", |(_, ring)| ring)
}
