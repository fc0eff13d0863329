#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::axl::dialect::EmDetect;
use crate::axl::example::*;
use crate::axl::inventory::{Change, LineOptions};
use crate::axl::load::{Load, Purpose};

fn loaded(router: &mut Router, dialect: &Dialect) -> (Inventory, LoadHints) {
    let mut load = Load::new(dialect.clone(), LoadHints::default(), Purpose::Lines);
    let inventory = *run(&mut load, router).unwrap();
    router.asked.clear();
    (inventory, load.hints().clone())
}

/// Runs a poll, applies it, and gives the changes, the tags that are gone, and whether it failed.
fn cycle(inventory: &mut Inventory, hints: &LoadHints, router: &mut Router) -> (Vec<(u32, Change)>, Vec<u32>, bool) {
    let mut poll = Poll::new(inventory.dialect.clone(), hints.clone(), PollPlan::of(inventory));
    let mut changes = Vec::new();
    loop {
        match poll.poll().unwrap() {
            Output::Post { body, .. } => poll.handle(router.answer(&body)),
            Output::Device(device) => {
                let tag = device.id;
                changes.push((tag, inventory.update_device(*device)));
            }
            Output::UserProfile(profile) => {
                let tag = profile.id;
                changes.push((tag, inventory.update_user_profile(*profile)));
            }
            Output::Done { gone } => return (changes, gone, false),
            Output::Failed(_) => return (changes, Vec::new(), true),
        }
    }
}

fn in_service(inventory: &Inventory) -> Vec<(String, bool)> {
    inventory.lines(LineOptions::default()).lines.into_iter().map(|line| (line.number, line.in_service)).collect()
}

#[test]
fn a_login_is_seen_with_one_request_where_all_works() {
    let mut router = Router::new();
    let (mut inventory, hints) = loaded(&mut router, &Dialect::default());
    assert_eq!(in_service(&inventory)[4], ("205".to_owned(), false));
    router.logged_in = true;
    let (changes, gone, failed) = cycle(&mut inventory, &hints, &mut router);
    assert!(!failed && gone.is_empty());
    assert_eq!(router.asked, ["<ISgetDevice><ISKeyword>all</ISKeyword></ISgetDevice>"]);
    assert!(changes.contains(&(3, Change::Lines)) && changes.contains(&(1, Change::None)));
    assert_eq!(in_service(&inventory)[4], ("205".to_owned(), true));
    let lines = inventory.lines(LineOptions::default()).lines;
    assert_eq!(lines[4].host.as_ref().unwrap().device_id.as_deref(), Some("00AA11BB0003"));
}

#[test]
fn by_tag_the_interesting_phones_come_first() {
    let mut router = Router { limit: 3000, ..Router::new() };
    let (mut inventory, hints) = loaded(&mut router, &Dialect::default());
    router.logged_in = true;
    let (changes, ..) = cycle(&mut inventory, &hints, &mut router);
    let order: Vec<u32> = changes.iter().map(|(tag, _)| *tag).collect();
    assert_eq!(order, [3, 4, 1, 2, 5]);
    assert_eq!(router.asked.len(), 5);
    assert_eq!(in_service(&inventory)[4], ("205".to_owned(), true));
}

#[test]
fn a_phone_that_dies_comes_back_or_goes_is_told() {
    let mut router = Router { limit: 3000, ..Router::new() };
    let (mut inventory, hints) = loaded(&mut router, &Dialect::default());
    let dead = DEVICE_2.replace("<ISDevStatus>registered", "<ISDevStatus>deceased");
    let again = DEVICE_1.replace("<ISDevKeepAlives>2980<", "<ISDevKeepAlives>2<").replace(">412<", ">91000<");
    router.instead = vec![
        ("<ISDevID>2<".to_owned(), dead),
        ("<ISDevID>1<".to_owned(), again),
        ("<ISDevID>5<".to_owned(), EMPTY.to_owned()),
    ];
    let (changes, gone, failed) = cycle(&mut inventory, &hints, &mut router);
    assert!(!failed);
    assert!(changes.contains(&(2, Change::State)) && changes.contains(&(1, Change::Reregistered)));
    assert_eq!(gone, [5]);
    assert_eq!(in_service(&inventory)[1], ("202".to_owned(), false));
    // The tag now belongs to another phone.
    let other = DEVICE_1.replace("SEP00AA11BB0001", "SEP00AA11BB0099");
    router.instead = vec![("<ISDevID>1<".to_owned(), other)];
    let (changes, ..) = cycle(&mut inventory, &hints, &mut router);
    assert!(changes.contains(&(1, Change::Lines)));
}

#[test]
fn a_poll_that_fails_keeps_what_it_saw() {
    let mut router = Router { limit: 3000, ..Router::new() };
    let (mut inventory, hints) = loaded(&mut router, &Dialect::default());
    router.instead = vec![("<ISDevID>2<".to_owned(), "<html>".to_owned())];
    let before = in_service(&inventory);
    let (changes, _, failed) = cycle(&mut inventory, &hints, &mut router);
    assert!(failed && changes.len() == 3);
    assert_eq!(in_service(&inventory), before);
}

#[test]
fn profiles_are_read_where_phones_do_not_tell() {
    let mut dialect = Dialect::default();
    dialect.em.detect = EmDetect::Both;
    let mut router = Router::new();
    let silent = DEVICE_ALL.replace("<ISUserProfileID>0</ISUserProfileID>", "");
    router.instead = vec![("<ISgetDevice><ISKeyword>all<".to_owned(), silent)];
    let (mut inventory, hints) = loaded(&mut router, &dialect);
    router.logged_in = true;
    let in_lines = element(DEVICE_3_IN, "ISDevice").replace("<ISUserProfileID>1</ISUserProfileID>", "");
    let silent = format!("<response><ISDevices>{in_lines}{}</ISDevices></response>", element(DEVICE_2, "ISDevice"));
    router.instead = vec![("<ISgetDevice><ISKeyword>all<".to_owned(), silent)];
    let mut poll = Poll::new(dialect, hints, PollPlan { devices: vec![3, 2], ..PollPlan::of(&inventory) });
    loop {
        match poll.poll().unwrap() {
            Output::Post { body, .. } => poll.handle(router.answer(&body)),
            Output::Device(device) => {
                inventory.update_device(*device);
            }
            Output::UserProfile(profile) => {
                inventory.update_user_profile(*profile);
            }
            Output::Done { .. } => break,
            Output::Failed(error) => panic!("{error}"),
        }
    }
    assert!(router.asked.iter().any(|asked| asked.contains("ISgetUserProfile")), "{:?}", router.asked);
    assert_eq!(in_service(&inventory)[4], ("205".to_owned(), true));
}
