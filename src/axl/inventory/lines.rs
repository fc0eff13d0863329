//! From the router's records to CTI lines, by the rules of section 9.

use std::collections::{BTreeMap, BTreeSet};

use super::Inventory;
use crate::axl::dialect::ButtonKind;
use crate::axl::record::{Device, Extension, NameOrder, UserProfile};

/// The two reading options of a PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineOptions {
    /// "Readout line names".
    pub read_line_names: bool,
    /// "Readout line buttons".
    pub read_line_buttons: bool,
}

impl Default for LineOptions {
    fn default() -> Self {
        Self { read_line_names: true, read_line_buttons: true }
    }
}

/// What a line hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// The first line button of a phone.
    Static,
    /// The first number of a mobility user.
    ExtensionMobility,
}

/// One CTI line. Its key is number and device id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRecord {
    /// The number.
    pub number: String,
    /// The name; empty when names are not read or there is none.
    pub name: String,
    /// Twelve hex digits of the phone; `None` for mobility lines (and phones without MAC, when switched on).
    pub device_id: Option<String>,
    /// Numbers of the further buttons, in button order, each once, without the line's own.
    pub buttons: Vec<String>,
    /// Further buttons with what is known of their dns.
    pub button_records: Vec<LineButtonRecord>,
    /// Static or mobility.
    pub kind: LineKind,
    /// Whether a registered phone carries the line now.
    pub in_service: bool,
    /// Tags of the dns with this number (two for a hunt pair).
    pub dn_tags: Vec<u32>,
    /// Effective `cti watch`; `None` when the router does not tell.
    pub cti_watch: Option<bool>,
    /// Effective `cti notify`; `None` when the router does not tell.
    pub cti_notify: Option<bool>,
    /// Where the line is: of a mobility line the phone where the user is logged in.
    pub host: Option<Host>,
    /// Tag of the user profile of a mobility line.
    pub user_profile: Option<u32>,
    /// Login name of a mobility line's user.
    pub user: Option<String>,
    /// Static forwarding target of the dn, as a snapshot (CSTA is authoritative).
    pub forward_all: Option<String>,
    /// Phones that share the line when equal numbers are merged, without the first.
    pub merged_device_ids: Vec<String>,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
}

/// The phone that carries a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Ephone tag.
    pub tag: u32,
    /// Twelve hex digits, when the phone has them.
    pub device_id: Option<String>,
    /// `ISDevStatus` is `registered`.
    pub registered: bool,
    /// Its IP address while registered.
    pub address: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Do not disturb, as a snapshot.
    pub do_not_disturb: Option<bool>,
}

/// A further button of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineButtonRecord {
    /// Its number.
    pub number: String,
    /// Its name, under the same option as the line's.
    pub name: String,
    /// Tags of the dns with this number.
    pub dn_tags: Vec<u32>,
    /// Effective `cti watch`.
    pub cti_watch: Option<bool>,
    /// Effective `cti notify`.
    pub cti_notify: Option<bool>,
}

/// All lines of a router, and what was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// The lines: static ones in the order of their phones, then mobility lines in the order of their profiles.
    pub lines: Vec<LineRecord>,
    /// Sentences about phones and users that give no line.
    pub notices: Vec<String>,
}

/// A number on a phone or in a profile, with the dn tags that are known to carry it there.
struct Place {
    number: String,
    dn_tags: Vec<u32>,
}

/// Whether a number can be a CTI address: no letters, no wildcards (section 9, 6).
fn dialable(number: &str) -> bool {
    !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#'))
}

fn push_unique(places: &mut Vec<Place>, number: &str, dn: Option<u32>) {
    match places.iter_mut().find(|place| place.number == number) {
        Some(place) => {
            if let Some(dn) = dn.filter(|dn| !place.dn_tags.contains(dn)) {
                place.dn_tags.push(dn);
            }
        }
        None => places.push(Place { number: number.to_owned(), dn_tags: dn.into_iter().collect() }),
    }
}

impl Inventory {
    /// The CTI lines (section 9).
    pub fn lines(&self, options: LineOptions) -> Lines {
        let mut out = Lines::default();
        let mut macs: BTreeSet<&str> = BTreeSet::new();
        for device in &self.devices {
            if self.is_mobility_host(device) {
                continue;
            }
            let Some(mac) = device.mac.as_deref() else {
                if self.dialect.lines.include_no_mac {
                    self.static_line(device, None, options, &mut out);
                } else {
                    out.notices.push(format!("phone {} has no MAC address and gives no line", device.id));
                }
                continue;
            };
            if !macs.insert(mac) {
                out.notices
                    .push(format!("phone {} has the MAC address of an earlier phone and gives no line", device.id));
                continue;
            }
            self.static_line(device, Some(mac), options, &mut out);
        }
        if self.dialect.lines.merge_same_number {
            merge(&mut out);
        }
        for profile in self.user_profiles.iter().flatten() {
            self.mobility_line(profile, options, &mut out);
        }
        out
    }

    /// The usable numbers of a phone in button order, and the button of the first (section 9, 2).
    fn usable(&self, device: &Device) -> (Vec<Place>, Option<u32>) {
        let mut by_button: BTreeMap<u32, Vec<(Option<u32>, &str)>> = BTreeMap::new();
        for appearance in &device.appearances {
            let number = self.number_of(appearance.dn, &appearance.number);
            by_button.entry(appearance.button).or_default().push((appearance.dn, number));
        }
        let mut places = Vec::new();
        let mut first = None;
        for (button, members) in by_button {
            let mode = device.buttons.iter().find(|entry| entry.button == button);
            let told = mode.map_or(ButtonKind::Line, |entry| self.dialect.button_kind(&entry.mode));
            // Several dns on one button are an overlay, whatever the mode word says (section 8.2).
            let kind = if members.len() > 1 && told == ButtonKind::Line { ButtonKind::Overlay } else { told };
            if !self.counts(kind) {
                continue;
            }
            for (dn, number) in members {
                let of_a_line = dn.and_then(|tag| self.extension(tag)).is_none_or(is_normal);
                if dialable(number) && of_a_line {
                    first.get_or_insert(button);
                    push_unique(&mut places, number, dn);
                }
            }
        }
        (places, first)
    }

    fn counts(&self, kind: ButtonKind) -> bool {
        match kind {
            ButtonKind::Line => true,
            ButtonKind::Monitor | ButtonKind::Watch => self.dialect.lines.include_monitor,
            ButtonKind::Overlay => self.dialect.lines.include_overlay,
        }
    }

    fn static_line(&self, device: &Device, mac: Option<&str>, options: LineOptions, out: &mut Lines) {
        let (places, first) = self.usable(device);
        let mut warnings = Vec::new();
        if let Some(button) = first.filter(|button| *button > 1) {
            warnings.push(format!("button 1 is no usable line; button {button} is the first"));
        }
        if let Some(button) = device.auto_line.filter(|button| *button > 1) {
            warnings.push(format!("auto-line makes button {button} the one for outgoing calls"));
        }
        let Some(mut line) = self.line(places, options, LineKind::Static) else {
            out.notices.push(format!("phone {} ({}) has no usable line", device.id, device.name));
            return;
        };
        line.device_id = mac.map(str::to_owned);
        line.in_service = device.is_registered();
        line.host = Some(host(device));
        line.warnings.extend(warnings);
        out.lines.push(line);
    }

    fn mobility_line(&self, profile: &UserProfile, options: LineOptions, out: &mut Lines) {
        let mut places = Vec::new();
        for own in &profile.numbers {
            let told = self.dialect.button_kind(&own.mode);
            let kind = if own.overlay_group > 0 && told == ButtonKind::Line { ButtonKind::Overlay } else { told };
            let dns = self.extensions_with(&own.number);
            let of_a_line = dns.is_empty() || dns.iter().any(|dn| is_normal(dn));
            if self.counts(kind) && dialable(&own.number) && of_a_line {
                push_unique(&mut places, &own.number, None);
                for dn in dns {
                    push_unique(&mut places, &own.number, Some(dn.id));
                }
            }
        }
        let Some(mut line) = self.line(places, options, LineKind::ExtensionMobility) else {
            out.notices.push(format!("user profile {} ({}) has no usable number", profile.id, profile.user));
            return;
        };
        let phone = self.phone_of(profile);
        line.in_service = phone.is_some_and(Device::is_registered);
        line.host = phone.map(host);
        line.user_profile = Some(profile.id);
        line.user = Some(profile.user.clone()).filter(|user| !user.is_empty());
        if line.dn_tags.is_empty() {
            line.warnings.push(format!("no directory number {} is configured", line.number));
        }
        if phone.is_none() && profile.phone.is_some() {
            // For instance a SIP phone, which CSTA cannot control (section 8.3).
            line.warnings.push("the user is logged in at a phone that is not among the known ones".to_owned());
        }
        let same = |other: &&mut LineRecord| other.kind == LineKind::ExtensionMobility && other.number == line.number;
        if let Some(first) = out.lines.iter_mut().find(same) {
            first.warnings.push(format!("user profile {} ({}) has the same first number", profile.id, profile.user));
            if line.in_service && !first.in_service {
                first.in_service = true;
                first.host = line.host;
            }
            return;
        }
        out.lines.push(line);
    }

    /// The common part of both kinds; `None` without a usable number.
    fn line(&self, places: Vec<Place>, options: LineOptions, kind: LineKind) -> Option<LineRecord> {
        let mut places = places.into_iter();
        let primary = places.next()?;
        let extensions = self.dns_of(&primary);
        let further: Vec<Place> = if options.read_line_buttons { places.collect() } else { Vec::new() };
        let mut warnings = Vec::new();
        if extensions.len() > 1 {
            warnings.push(format!("{} directory numbers have the number {}", extensions.len(), primary.number));
        }
        Some(LineRecord {
            name: if options.read_line_names { self.name_of(&extensions) } else { String::new() },
            device_id: None,
            buttons: further.iter().map(|place| place.number.clone()).collect(),
            button_records: further.iter().map(|place| self.button_record(place, options)).collect(),
            kind,
            in_service: false,
            dn_tags: extensions.iter().map(|extension| extension.id).collect(),
            cti_watch: self.all_have(&extensions, Self::cti_watch),
            cti_notify: self.all_have(&extensions, Self::cti_notify),
            host: None,
            user_profile: None,
            user: None,
            forward_all: extensions.iter().find_map(|extension| extension.forward_all.clone()),
            merged_device_ids: Vec::new(),
            warnings,
            number: primary.number,
        })
    }

    fn button_record(&self, place: &Place, options: LineOptions) -> LineButtonRecord {
        let extensions = self.dns_of(place);
        LineButtonRecord {
            number: place.number.clone(),
            name: if options.read_line_names { self.name_of(&extensions) } else { String::new() },
            dn_tags: extensions.iter().map(|extension| extension.id).collect(),
            cti_watch: self.all_have(&extensions, Self::cti_watch),
            cti_notify: self.all_have(&extensions, Self::cti_notify),
        }
    }

    /// The dns at a place: those that appear there, or else all with the number.
    fn dns_of(&self, place: &Place) -> Vec<&Extension> {
        let there: Vec<&Extension> = place.dn_tags.iter().filter_map(|tag| self.extension(*tag)).collect();
        if there.is_empty() { self.extensions_with(&place.number) } else { there }
    }

    /// A flag of several dns with one number: a CTI session may meet any of them, so all must have it.
    fn all_have(&self, extensions: &[&Extension], flag: fn(&Self, &Extension) -> Option<bool>) -> Option<bool> {
        let flags: Vec<Option<bool>> = extensions.iter().map(|extension| flag(self, extension)).collect();
        if flags.is_empty() {
            return None;
        }
        if flags.contains(&Some(false)) {
            return Some(false);
        }
        flags.iter().all(|flag| *flag == Some(true)).then_some(true)
    }

    /// Name of a number (section 9, 4).
    fn name_of(&self, extensions: &[&Extension]) -> String {
        extensions
            .iter()
            .map(|extension| self.extension_name(extension))
            .find(|name| !name.is_empty())
            .unwrap_or_default()
    }

    /// The name of a directory number by the rules of section 9, 4; empty when it has none.
    pub fn extension_name(&self, extension: &Extension) -> String {
        if let Some(name) = &extension.name {
            return display(name);
        }
        let (first, last) = (extension.first_name.as_deref(), extension.last_name.as_deref());
        let parts = match self.name_order() {
            NameOrder::FirstNameFirst => [first, last],
            NameOrder::LastNameFirst => [last, first],
        };
        let joined = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        if !joined.is_empty() {
            return display(&joined);
        }
        extension.label.clone().or_else(|| extension.description.clone()).unwrap_or_default()
    }
}

/// A name without the comma that "Last," leaves behind.
fn display(name: &str) -> String {
    name.trim().trim_end_matches(',').trim_end().to_owned()
}

fn is_normal(extension: &Extension) -> bool {
    extension.ext_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("normal"))
}

fn host(device: &Device) -> Host {
    Host {
        tag: device.id,
        device_id: device.mac.clone(),
        registered: device.is_registered(),
        address: device.address.clone(),
        model: device.config_type.clone().or_else(|| device.device_type.clone()),
        do_not_disturb: device.do_not_disturb,
    }
}

/// Makes one line of all static lines with the same number (section 15, 20).
fn merge(out: &mut Lines) {
    let mut merged: Vec<LineRecord> = Vec::with_capacity(out.lines.len());
    for line in std::mem::take(&mut out.lines) {
        let Some(first) = merged.iter_mut().find(|first| first.number == line.number) else {
            merged.push(line);
            continue;
        };
        first.merged_device_ids.extend(line.device_id);
        if line.in_service && !first.in_service {
            first.in_service = true;
            first.host = line.host;
        }
        for (number, record) in line.buttons.into_iter().zip(line.button_records) {
            if !first.buttons.contains(&number) {
                first.buttons.push(number);
                first.button_records.push(record);
            }
        }
    }
    out.lines = merged;
}
