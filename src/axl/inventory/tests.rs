#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::axl::dialect::ButtonKind;
use crate::axl::example::*;
use crate::axl::load::{Load, LoadHints, Purpose};
use crate::axl::record::{Appearance, LineButton, UserNumber};

fn example(logged_in: bool) -> Inventory {
    let mut load = Load::new(Dialect::default(), LoadHints::default(), Purpose::Lines);
    *run(&mut load, &mut Router { logged_in, ..Router::new() }).unwrap()
}

fn all(inventory: &Inventory) -> Vec<LineRecord> {
    inventory.lines(LineOptions::default()).lines
}

fn phone(tag: u32, mac: &str, lines: &[(u32, u32, &str, &str)]) -> Device {
    Device {
        id: tag,
        name: format!("SEP{mac}"),
        mac: Some(mac.to_owned()),
        status: DeviceStatus::Registered,
        buttons: lines
            .iter()
            .map(|(button, _, _, mode)| LineButton { button: *button, mode: (*mode).to_owned() })
            .collect(),
        appearances: lines
            .iter()
            .map(|(button, dn, number, _)| Appearance {
                button: *button,
                dn: Some(*dn),
                number: (*number).to_owned(),
                ..Appearance::default()
            })
            .collect(),
        ..Device::default()
    }
}

fn dn(tag: u32, number: &str) -> Extension {
    Extension {
        id: tag,
        number: number.to_owned(),
        cti_watch: Some(true),
        cti_notify: Some(true),
        ..Extension::default()
    }
}

fn system(devices: Vec<Device>, extensions: Vec<Extension>) -> Inventory {
    Inventory { devices, extensions, ..Inventory::default() }
}

fn profile(tag: u32, numbers: &[(&str, &str)]) -> UserProfile {
    UserProfile {
        id: tag,
        user: format!("user{tag}"),
        numbers: numbers
            .iter()
            .map(|(number, mode)| UserNumber {
                number: (*number).to_owned(),
                mode: (*mode).to_owned(),
                overlay_group: 0,
            })
            .collect(),
        ..UserProfile::default()
    }
}

const A: &str = "00AA11BB00A1";
const B: &str = "00AA11BB00B2";

#[test]
fn the_example_in_every_detail() {
    let inventory = example(false);
    let lines = all(&inventory);
    assert_eq!(lines.iter().map(row).collect::<Vec<_>>(), ROWS);
    let state: Vec<_> = lines.iter().map(|line| (line.in_service, line.cti_watch, line.cti_notify)).collect();
    let yes = Some(true);
    assert_eq!(
        state,
        [(true, yes, yes), (true, yes, yes), (false, yes, Some(false)), (true, yes, yes), (false, yes, yes),]
    );
    assert_eq!(lines.iter().map(|line| line.dn_tags[0]).collect::<Vec<_>>(), [1, 2, 7, 8, 5]);
    assert_eq!(lines[4].kind, LineKind::ExtensionMobility);
    assert_eq!((lines[4].user.as_deref(), lines[4].user_profile), (Some("eli"), Some(1)));
    // 204 has its flags from template 15, 203 has none.
    let shared = &lines[0].button_records[0];
    assert_eq!((shared.cti_watch, shared.cti_notify, shared.name.as_str()), (yes, yes, "Front Desk"));
    assert_eq!(lines[3].button_records[0].cti_watch, Some(false));
    assert!(matches!(inventory.support(), Support::Full(Version { major: 8, minor: 6 })));

    let lines = all(&example(true));
    assert!(lines[4].in_service);
    assert_eq!(lines[4].host.as_ref().unwrap().address.as_deref(), Some("192.0.2.23"));
}

#[test]
fn options_leave_names_and_buttons_out() {
    let lines = example(false).lines(LineOptions { read_line_names: false, read_line_buttons: false }).lines;
    let rows: Vec<_> = lines.iter().map(row).collect();
    assert_eq!(rows, ["201;;00AA11BB0001", "202;;00AA11BB0002", "207;;00AA11BB0004", "208;;00AA11BB0005", "205;;"]);
}

#[test]
fn monitor_buttons_and_overlays_are_no_addresses_unless_wanted() {
    let lines =
        &[(1, 1, "201", "MONITOR_RING"), (2, 2, "202", "WATCH"), (3, 3, "203", "NORMAL"), (4, 4, "204", "Normal")];
    let mut inventory = system(vec![phone(1, A, lines)], (1..=6).map(|n| dn(n, &format!("20{n}"))).collect());
    inventory.devices[0].appearances.push(Appearance {
        button: 4,
        dn: Some(5),
        number: "205".into(),
        ..Appearance::default()
    });
    let line = &all(&inventory)[0];
    assert_eq!((line.number.as_str(), line.buttons.len()), ("203", 0));
    assert!(line.warnings.iter().any(|warning| warning.contains("button 3 is the first")));
    inventory.dialect.lines.include_overlay = true;
    assert_eq!(all(&inventory)[0].buttons, ["204", "205"]);
    inventory.dialect.lines.include_monitor = true;
    let line = &all(&inventory)[0];
    assert_eq!(
        (line.number.as_str(), line.buttons.clone()),
        ("201", vec!["202".into(), "203".into(), "204".into(), "205".into()])
    );
    inventory.dialect = Dialect::default();
    inventory.dialect.button_mode_map.insert("NORMAL".into(), ButtonKind::Monitor);
    assert!(all(&inventory).is_empty());
    assert_eq!(inventory.lines(LineOptions::default()).notices.len(), 1);
}

#[test]
fn numbers_that_are_no_lines() {
    let lines = &[(1, 1, "A201", ""), (2, 2, "20..", ""), (3, 3, "", ""), (4, 4, "204", ""), (5, 5, "205", "")];
    let mut extensions: Vec<Extension> = vec![dn(1, "A201"), dn(2, "20.."), dn(3, ""), dn(4, "204"), dn(5, "205")];
    extensions[3].ext_type = Some("intercom".into());
    extensions[4].ext_type = Some("NORMAL".into());
    let inventory = system(vec![phone(1, A, lines)], extensions);
    assert_eq!(all(&inventory).iter().map(|line| line.number.clone()).collect::<Vec<_>>(), ["205"]);
    // The appearance without a number takes that of its dn.
    let inventory = system(vec![phone(1, A, &[(1, 1, "", "")])], vec![dn(1, "201")]);
    assert_eq!(all(&inventory)[0].number, "201");
}

#[test]
fn equal_numbers() {
    // A hunt pair on one phone is one number with two tags; its flags must be on both.
    let mut pair = system(vec![phone(1, A, &[(1, 1, "201", ""), (2, 2, "201", "")])], vec![dn(1, "201"), dn(2, "201")]);
    pair.extensions[1].cti_notify = Some(false);
    let line = &all(&pair)[0];
    assert_eq!((line.dn_tags.clone(), line.buttons.len(), line.cti_notify), (vec![1, 2], 0, Some(false)));
    // On two phones there are two lines, or one if wanted.
    let mut two = system(
        vec![phone(1, A, &[(1, 1, "201", "")]), phone(2, B, &[(1, 2, "201", ""), (2, 3, "203", "")])],
        vec![dn(1, "201"), dn(2, "201"), dn(3, "203")],
    );
    two.devices[0].status = DeviceStatus::Deceased;
    assert_eq!(all(&two).iter().map(|line| line.device_id.clone().unwrap()).collect::<Vec<_>>(), [A, B]);
    two.dialect.lines.merge_same_number = true;
    let lines = all(&two);
    assert_eq!((lines.len(), lines[0].in_service, lines[0].merged_device_ids.clone()), (1, true, vec![B.to_owned()]));
    assert_eq!(lines[0].buttons, ["203"]);
    // The same phone under two tags is one.
    let twice = system(vec![phone(1, A, &[(1, 1, "201", "")]), phone(2, A, &[(1, 2, "202", "")])], vec![]);
    assert_eq!(all(&twice).len(), 1);
}

#[test]
fn phones_without_mac_are_told_or_taken() {
    let mut inventory = system(vec![phone(1, A, &[(1, 1, "201", "")])], vec![dn(1, "201")]);
    inventory.devices[0].mac = None;
    assert!(inventory.lines(LineOptions::default()).notices[0].contains("no MAC"));
    inventory.dialect.lines.include_no_mac = true;
    assert_eq!(all(&inventory)[0].device_id, None);
    let zeros = DEVICE_1.replace("SEP00AA11BB0001", "SEP000000000000");
    let reply = crate::axl::Reply::read(zeros.as_bytes(), crate::axl::dialect::Charset::Auto).unwrap();
    assert_eq!(reply.devices[0].mac, None);
}

#[test]
fn names_by_their_order() {
    let mut inventory = system(vec![phone(1, A, &[(1, 1, "201", "")])], vec![dn(1, "201")]);
    let name = |inventory: &Inventory| all(inventory)[0].name.clone();
    assert_eq!(name(&inventory), "");
    inventory.extensions[0].description = Some("Lobby".into());
    assert_eq!(name(&inventory), "Lobby");
    inventory.extensions[0].label = Some("Front".into());
    assert_eq!(name(&inventory), "Front");
    inventory.extensions[0].first_name = Some("Anna".into());
    inventory.extensions[0].last_name = Some("Berg".into());
    assert_eq!(name(&inventory), "Anna Berg");
    inventory.global = Some(Global { name_order: NameOrder::LastNameFirst, ..Global::default() });
    assert_eq!(name(&inventory), "Berg Anna");
    inventory.extensions[0].name = Some("Berg, Anna".into());
    assert_eq!(name(&inventory), "Berg, Anna");
    inventory.extensions[0].name = Some("Berg,".into());
    assert_eq!(name(&inventory), "Berg");
}

#[test]
fn mobility_profiles() {
    let mut inventory = system(vec![], vec![dn(1, "201"), dn(2, "202"), dn(5, "205")]);
    inventory.user_profiles = Some(vec![
        profile(1, &[("201", "MONITOR_RING"), ("202", "NORMAL"), ("205", "CW_OVERLAY"), ("201", "SILENT_RING")]),
        profile(2, &[("202", "NORMAL")]),
        profile(3, &[("299", "NORMAL")]),
        profile(4, &[]),
    ]);
    let lines = inventory.lines(LineOptions::default());
    assert_eq!(lines.lines.iter().map(row).collect::<Vec<_>>(), ["202;;;201", "299;;"]);
    assert!(lines.lines[0].warnings[0].contains("user profile 2"));
    assert!(lines.lines[1].warnings[0].contains("no directory number 299"));
    assert!(lines.notices[0].contains("user profile 4"));
}

#[test]
fn where_a_user_is() {
    let mut base = system(vec![phone(3, A, &[(1, 5, "205", "")])], vec![dn(5, "205")]);
    base.devices[0].logout_profile = Some(1);
    base.devices[0].user_profile = Some(0);
    base.user_profiles = Some(vec![profile(1, &[("205", "NORMAL")])]);
    let at =
        |inventory: &Inventory| inventory.phone_of(&inventory.user_profiles.as_ref().unwrap()[0]).map(|phone| phone.id);
    assert_eq!(at(&base), None);
    // The phone's record, read later, wins over a profile that says logged out.
    let mut by_device = base.clone();
    by_device.devices[0].user_profile = Some(1);
    assert_eq!(at(&by_device), Some(3));
    assert!(all(&by_device)[0].in_service);
    by_device.devices[0].status = DeviceStatus::Other("sleeping".into());
    assert!(!all(&by_device)[0].in_service);
    by_device.dialect.em.detect = EmDetect::Profile;
    assert_eq!(at(&by_device), None);
    // The profile's record counts when that phone has the user's lines.
    let mut by_profile = base.clone();
    by_profile.user_profiles.as_mut().unwrap()[0].phone = Some(3);
    assert_eq!(at(&by_profile), Some(3));
    by_profile.dialect.em.detect = EmDetect::Device;
    assert_eq!(at(&by_profile), None);
    by_profile.dialect.em.detect = EmDetect::Both;
    by_profile.devices[0].appearances[0].number = "299".into();
    assert_eq!(at(&by_profile), None);
    // On a SIP phone: not in service, and told.
    by_profile.user_profiles.as_mut().unwrap()[0].phone = Some(77);
    let line = &all(&by_profile)[0];
    assert!(!line.in_service && line.warnings.iter().any(|warning| warning.contains("not among the known")));
    // Neither record tells: the phone's first line does.
    let mut silent = base.clone();
    silent.devices[0].user_profile = None;
    assert_eq!(at(&silent), Some(3));
    // A shared line on a mobility phone makes no static line.
    assert!(all(&base).iter().all(|line| line.kind == LineKind::ExtensionMobility));
}

#[test]
fn template_flags() {
    let mut inventory = system(vec![], vec![dn(1, "201")]);
    inventory.extensions[0].cti_watch = Some(false);
    inventory.extensions[0].cti_notify = None;
    inventory.extensions[0].template = Some(15);
    let flags = |inventory: &Inventory| {
        let extension = &inventory.extensions[0];
        (inventory.cti_watch(extension), inventory.cti_notify(extension))
    };
    assert_eq!(flags(&inventory), (None, None), "a template that could not be read decides nothing");
    inventory.templates =
        vec![ExtensionTemplate { id: 15, cti_watch: Some(true), cti_notify: Some(false), description: None }];
    assert_eq!(flags(&inventory), (Some(true), Some(false)));
    inventory.dialect.check.cti_from_template = false;
    assert_eq!(flags(&inventory), (Some(false), None));
}
