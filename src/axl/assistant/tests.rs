#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use super::*;
use crate::axl::example::{Router, run};
use crate::axl::load::{Load, LoadHints, Purpose};
use crate::axl::record::{Extension, Global, SessionServer, SipGlobal};
use crate::axl::{Dialect, Inventory};

fn site() -> Site {
    Site { register_id: "ss_ecsta".to_owned(), keepalive_s: 600 }
}

fn example() -> Inventory {
    let mut load = Load::new(Dialect::default(), LoadHints::default(), Purpose::CstaCheck);
    *run(&mut load, &mut Router::new()).unwrap()
}

fn bare() -> Inventory {
    let global = Global { mode: Some("ITS".to_owned()), version: Some("8.6".to_owned()), ..Global::default() };
    Inventory {
        global: Some(global),
        session_servers: Some(Vec::new()),
        sip_global: Some(SipGlobal { mode: Some("srst".to_owned()), ..SipGlobal::default() }),
        extensions: vec![Extension {
            id: 7,
            number: "207".to_owned(),
            cti_watch: Some(false),
            cti_notify: Some(false),
            ..Extension::default()
        }],
        ..Inventory::default()
    }
}

fn wanting(numbers: &[&str]) -> Evidence {
    Evidence { wanted: numbers.iter().map(|number| (*number).to_owned()).collect(), ..Evidence::default() }
}

fn states(assessment: &Assessment) -> Vec<(Block, Option<u32>, Known)> {
    assessment.findings.iter().map(|one| (one.block, one.tag, one.state)).collect()
}

#[test]
fn the_example_system_misses_what_its_dossier_says() {
    let found = assess(&example(), &site(), &Evidence::default());
    assert_eq!(found.refusal, None);
    let missing: Vec<_> = states(&found).into_iter().filter(|(_, _, state)| *state == Known::Missing).collect();
    // 203 has neither flag, 207 no `cti notify`; 204 has both by its template.
    assert_eq!(missing, [(Block::EphoneDn, Some(3), Known::Missing), (Block::EphoneDn, Some(7), Known::Missing)]);
    let commands =
        |tag| &found.plan.iter().find(|step| step.tag == Some(tag) && step.block == Block::EphoneDn).unwrap().commands;
    assert_eq!(*commands(3), ["ephone-dn 3", "cti watch", "cti notify"]);
    assert_eq!(*commands(7), ["ephone-dn 7", "cti notify"]);
    assert!(states(&found).contains(&(Block::VoiceServiceVoip, None, Known::Unknown)));
    assert!(states(&found).contains(&(Block::SessionServer, Some(2), Known::Ok)));
    assert!(states(&found).contains(&(Block::Authenticate, None, Known::Ok)));
}

#[test]
fn a_bare_router_gets_the_lines_of_the_manual() {
    let found = assess(&bare(), &site(), &wanting(&["207"]));
    let lines: Vec<&str> = found.plan.iter().flat_map(|step| &step.commands).map(String::as_str).collect();
    assert_eq!(
        lines,
        [
            "voice service voip",
            "allow-connections sip to sip",
            "no cti shutdown",
            "gcid",
            "no cti csta mode basic",
            "sip",
            "registrar server expires max 1800 min 60",
            "voice register global",
            "mode cme",
            "voice register session-server 2",
            "cti-aware",
            "register-id ss_ecsta",
            "keepalive 600",
            "ephone-dn 7",
            "cti watch",
            "cti notify",
            "voice register global",
            "authenticate register",
        ]
    );
    let inverse: Vec<&str> = found.plan.iter().flat_map(|step| &step.inverse).map(String::as_str).collect();
    assert_eq!(inverse, ["no voice register session-server 2", "ephone-dn 7", "no cti watch", "no cti notify"]);
    assert!(found.plan.iter().all(|step| !step.impact.is_empty()));
    assert!(found.plan[0].impact.contains("basic mode") && found.plan[3].impact.contains("static forward"));
}

#[test]
fn a_tag_of_another_product_is_never_taken() {
    let server = |id: u32, name: &str| SessionServer { id, register_id: Some(name.to_owned()), keepalive_s: Some(300) };
    let with = |servers: Option<Vec<SessionServer>>| {
        let inventory = Inventory { session_servers: servers, ..bare() };
        let found = assess(&inventory, &site(), &Evidence::default());
        let finding = found.findings.into_iter().find(|one| one.block == Block::SessionServer).unwrap();
        let planned = found.plan.into_iter().find(|step| step.block == Block::SessionServer).and_then(|step| step.tag);
        (finding.state, planned)
    };
    assert_eq!(with(Some(vec![server(2, "uccx")])), (Known::Missing, Some(1)));
    assert_eq!(with(Some(vec![server(1, "a"), server(2, "b")])), (Known::Missing, Some(3)));
    assert_eq!(with(Some(vec![server(5, "ss_ecsta")])), (Known::Ok, None));
    assert_eq!(with(Some((1..=8).map(|tag| server(tag, "x")).collect())), (Known::Missing, None));
    // 8.0 does not list them: nothing is written over what is not seen.
    assert_eq!(with(None), (Known::Unknown, None));
}

#[test]
fn releases_outside_the_window_are_refused() {
    for (mode, version) in [("ITS", "7.1"), ("ITS", "12.6"), ("ITS", "14.0"), ("SRST", "8.6")] {
        let global = Global { mode: Some(mode.to_owned()), version: Some(version.to_owned()), ..Global::default() };
        let found = assess(&Inventory { global: Some(global), ..bare() }, &site(), &wanting(&["207"]));
        assert!(found.refusal.is_some() && found.plan.is_empty() && found.findings.is_empty(), "{mode} {version}");
    }
}

#[test]
fn what_was_applied_and_cannot_be_seen_is_not_planned_again() {
    let applied = BTreeSet::from([(Block::VoiceServiceVoip, None, None)]);
    let state = |cti_works| {
        let evidence = Evidence { applied: applied.clone(), cti_works, ..Evidence::default() };
        assess(&example(), &site(), &evidence).findings[0].state
    };
    assert_eq!(state(true), Known::Ok);
    // After a reload that lost the configuration no line is monitored: it is offered again.
    assert_eq!(state(false), Known::Unknown);
}

#[test]
fn numbers_that_nobody_wants_are_left_alone() {
    let evidence = Evidence { unwanted: BTreeSet::from(["203".to_owned()]), ..Evidence::default() };
    let found = assess(&example(), &site(), &evidence);
    assert!(found.plan.iter().all(|step| step.number.as_deref() != Some("203")));
    assert!(found.plan.iter().any(|step| step.number.as_deref() == Some("207")));
}

#[test]
fn a_running_configuration_tells_what_the_interface_does_not() {
    let text = "hostname lab\n!\nvoice service voip\n allow-connections sip to sip\n no cti shutdown\n gcid\n sip\n  \
                registrar server expires max 3600 min 60\n!\nvoice register global\n mode cme\n";
    let missing = |text: &str| Running::parse(text).missing_of_voice_service();
    assert_eq!(missing(text), Vec::<&str>::new());
    assert_eq!(missing(&text.replace(" gcid\n", "")), ["gcid"]);
    let basic = text.replace(" gcid\n", " gcid\n cti csta mode basic\n");
    assert_eq!(missing(&basic), ["no cti csta mode basic"]);
    assert!(missing("hostname lab\n").contains(&"no cti shutdown"));
}

#[test]
fn long_blocks_are_cut_and_keep_their_mode() {
    let step = &assess(&bare(), &site(), &Evidence::default()).plan[0];
    assert_eq!(batches(&step.commands, 20, false), std::slice::from_ref(&step.commands));
    let cut = batches(&step.commands, 4, false);
    assert!(cut.iter().all(|batch| batch.len() <= 4 && batch[0] == "voice service voip"), "{cut:?}");
    assert_eq!(cut[1][2..], ["sip".to_owned(), "registrar server expires max 1800 min 60".to_owned()]);
    let with_exit = batches(&step.commands, 20, true);
    assert_eq!(with_exit[0][7..], ["exit".to_owned(), "exit".to_owned()]);
    assert!(batches(&[], 20, true).is_empty());
}

#[test]
fn only_executed_lines_are_taken_back() {
    let step = &assess(&bare(), &site(), &wanting(&["207"])).plan[3];
    let executed = |count: usize| step.commands[..count].to_vec();
    assert_eq!(undo_of(step, &executed(3)), ["ephone-dn 7", "no cti watch", "no cti notify"]);
    assert_eq!(undo_of(step, &executed(2)), ["ephone-dn 7", "no cti watch"]);
    assert!(undo_of(step, &executed(1)).is_empty());
    assert!(undo_of(step, &[]).is_empty());
}

/// As [`bare`], of a router that shows no flags (8.0, 8.1).
fn hidden(watch: Option<bool>) -> Inventory {
    let mut inventory = bare();
    (inventory.extensions[0].cti_watch, inventory.extensions[0].cti_notify) = (watch, None);
    inventory
}

fn of_207(found: &Assessment) -> (Known, Option<&Step>) {
    let state = found.findings.iter().find(|one| one.tag == Some(7)).unwrap().state;
    (state, found.plan.iter().find(|step| step.tag == Some(7)))
}

#[test]
fn a_flag_that_may_have_been_there_before_is_not_taken_back() {
    let found = assess(&hidden(None), &site(), &wanting(&["207"]));
    let (state, step) = of_207(&found);
    let step = step.unwrap();
    assert_eq!((state, step.commands.len(), step.inverse.len()), (Known::Unknown, 3, 0));
    assert!(step.impact.contains("undo leaves it there"), "{}", step.impact);
    assert!(undo_of(step, &step.commands).is_empty());
    // One is shown to be off, the other is not shown.
    let found = assess(&hidden(Some(false)), &site(), &wanting(&["207"]));
    let step = of_207(&found).1.unwrap();
    assert_eq!(step.inverse, ["ephone-dn 7", "no cti watch"]);
    assert_eq!(undo_of(step, &step.commands), ["ephone-dn 7", "no cti watch"]);
}

#[test]
fn a_number_that_is_monitored_needs_no_flags_that_are_not_shown() {
    let monitored = |numbers: &[&str]| {
        let monitored = numbers.iter().map(|number| (*number).to_owned()).collect();
        Evidence { monitored, ..wanting(&["207"]) }
    };
    let found = assess(&hidden(None), &site(), &monitored(&["207"]));
    assert_eq!(of_207(&found), (Known::Ok, None));
    let found = assess(&hidden(None), &site(), &monitored(&["208"]));
    assert_eq!(of_207(&found).0, Known::Unknown);
}

#[test]
fn the_journal_is_not_believed_for_a_number_that_is_not_monitored() {
    // It may have been lost with a reload, or be another number's flags: it is offered again, and the offer does something.
    for number in ["207", "217"] {
        let applied = BTreeSet::from([(Block::EphoneDn, Some(7), Some(number.to_owned()))]);
        let found = assess(&hidden(None), &site(), &Evidence { applied, ..wanting(&["207"]) });
        let (state, step) = of_207(&found);
        assert_eq!((state, step.unwrap().commands.len()), (Known::Unknown, 3));
        let detail = &found.findings.iter().find(|one| one.tag == Some(7)).unwrap().detail;
        assert_eq!(detail.contains("set them before"), number == "207", "{detail}");
    }
    let applied = BTreeSet::from([(Block::VoiceRegisterGlobal, None, None), (Block::Authenticate, None, None)]);
    let state = |works: bool| {
        let inventory = Inventory { sip_global: None, ..bare() };
        let evidence =
            Evidence { applied: applied.clone(), cti_works: works, is_registered: works, ..Evidence::default() };
        let found = assess(&inventory, &site(), &evidence);
        let of = |block| found.findings.iter().find(|one| one.block == block).unwrap().state;
        (of(Block::VoiceRegisterGlobal), of(Block::Authenticate))
    };
    assert_eq!((state(true), state(false)), ((Known::Ok, Known::Ok), (Known::Unknown, Known::Unknown)));
}

#[test]
fn the_paste_ready_text_holds_every_line_of_the_manual() {
    let text = cme_config(&site(), ("ctigw", "secret"), 2, &[1, 7], true);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.starts_with('!')).collect();
    let manual = "enable|configure terminal|ip http server|ixi transport http|no shutdown|response size 64|\
        request outstanding 3|exit|ixi application cme|no shutdown|exit|telephony-service|xml user ctigw password secret 15|\
        no shutdown|exit|voice service voip|allow-connections sip to sip|no cti shutdown|gcid|no cti csta mode basic|sip|\
        registrar server expires max 1800 min 60|exit|exit|voice register global|mode cme|exit|\
        voice register session-server 2|cti-aware|register-id ss_ecsta|keepalive 600|exit|ephone-dn 1|cti watch|cti notify|\
        exit|ephone-dn 7|cti watch|cti notify|exit|voice register global|authenticate register|exit|end|write memory";
    assert_eq!(lines.join("|"), manual);
    let without = cme_config(&site(), ("a", "b"), 2, &[], false);
    // Which numbers there are is not known: no ephone-dn is made by pasting.
    assert!(!without.contains("authenticate") && !without.lines().any(|line| line.starts_with("ephone-dn")));
    assert!(without.contains("! ephone-dn TAG\n!  cti watch"));
}
