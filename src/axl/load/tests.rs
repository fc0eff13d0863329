#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::axl::dialect::ListMode;
use crate::axl::example::*;
use crate::axl::inventory::LineOptions;

fn load(router: &mut Router, dialect: Dialect, hints: LoadHints) -> (Result<Box<Inventory>, LoadError>, LoadHints) {
    let mut load = Load::new(dialect, hints, Purpose::Lines);
    let result = run(&mut load, router);
    (result, load.hints().clone())
}

fn rows(inventory: &Inventory) -> Vec<String> {
    inventory.lines(LineOptions::default()).lines.iter().map(row).collect()
}

#[test]
fn the_example_system_gives_its_five_lines() {
    let mut router = Router::new();
    let (result, hints) = load(&mut router, Dialect::default(), LoadHints::default());
    let inventory = result.unwrap();
    assert_eq!(rows(&inventory), ROWS);
    assert_eq!(
        (hints.generation, hints.devices, hints.extensions),
        (Some(Generation::Keyword), ListHint::AllWorks, ListHint::AllWorks,)
    );
    assert_eq!(hints.version.as_deref(), Some("8.6"));
    assert_eq!(
        router.asked,
        [
            "<ISgetGlobal></ISgetGlobal>",
            "<ISgetDevice><ISKeyword>allTag</ISKeyword></ISgetDevice>",
            "<ISgetDevice><ISKeyword>all</ISKeyword></ISgetDevice>",
            "<ISgetExtension><ISKeyword>all</ISKeyword></ISgetExtension>",
            "<ISgetUserProfile><ISKeyword>all</ISKeyword></ISgetUserProfile>",
            "<ISgetExtensionTemplate><ISKeyword>all</ISKeyword></ISgetExtensionTemplate>",
        ]
    );
    // The next load knows the dialect.
    let mut again = Router::new();
    assert_eq!(rows(&load(&mut again, Dialect::default(), hints).0.unwrap()), ROWS);
    assert_eq!(again.asked.len(), 5);
}

#[test]
fn every_overflow_style_falls_back_to_tags() {
    for overflow in [Overflow::Error, Overflow::Truncated, Overflow::Empty, Overflow::Timeout] {
        let mut router = Router { limit: 3000, overflow, ..Router::new() };
        let (result, hints) = load(&mut router, Dialect::default(), LoadHints::default());
        assert_eq!(rows(&result.unwrap()), ROWS, "{overflow:?}");
        assert_eq!((hints.devices, hints.extensions), (ListHint::AllFails, ListHint::AllFails));
        let tags = router.asked.iter().filter(|asked| asked.contains("ISDevID") || asked.contains("ISExtID")).count();
        assert_eq!(tags, 13);
        // What was learned saves the vain requests.
        let before = router.asked.len();
        router.asked.clear();
        assert_eq!(rows(&load(&mut router, Dialect::default(), hints).0.unwrap()), ROWS);
        assert!(router.asked.len() < before, "{:?}", router.asked);
        assert!(!router.asked.iter().any(|asked| asked.contains("ISgetDevice><ISKeyword>all<")));
    }
}

#[test]
fn a_router_of_2008_is_recognised_and_read() {
    for answer in [ERROR, EMPTY, OLD_DEVICE_1] {
        for limit in [usize::MAX, 3000] {
            let mut router = Router { classic: true, limit, ..Router::new() };
            router.instead.push(("<ISgetDevice><ISKeyword>".to_owned(), answer.to_owned()));
            let (result, hints) = load(&mut router, Dialect::default(), LoadHints::default());
            let inventory = result.unwrap();
            assert_eq!(hints.generation, Some(Generation::NameKeyword));
            assert_eq!(hints.user_profiles, ListHint::Absent);
            assert_eq!(rows(&inventory), ROWS[..4], "the mobility line is not readable on 2008");
            assert!(inventory.warnings.iter().any(|warning| warning.contains("extension mobility")));
        }
    }
}

#[test]
fn a_single_phone_without_container_still_loads() {
    let mut router = Router::new();
    let one = "<response><ISDevice><ISDevID>1</ISDevID></ISDevice></response>";
    router.instead.push(("<ISgetDevice><ISKeyword>".to_owned(), one.to_owned()));
    router.instead.push(("<ISDevName>allTag".to_owned(), ERROR.to_owned()));
    let (result, hints) = load(&mut router, Dialect::default(), LoadHints::default());
    assert_eq!(result.unwrap().devices.len(), 1);
    assert_eq!(hints.generation, Some(Generation::Keyword));
}

#[test]
fn when_even_tags_are_refused_tag_after_tag_is_tried() {
    let mut router = Router::new();
    for refused in ["<ISKeyword>", "<ISDevName>all", "<ISExtNumber>all"] {
        router.instead.push((refused.to_owned(), ERROR.to_owned()));
    }
    let (result, _) = load(&mut router, Dialect::default(), LoadHints::default());
    let inventory = result.unwrap();
    assert_eq!((inventory.devices.len(), inventory.extensions.len()), (5, 8));
    // Five configured phones are found: tag 6 is not asked for.
    assert!(!router.asked.iter().any(|asked| asked.contains("<ISDevID>6<")));
    assert_eq!(rows(&inventory), ROWS[..4]);
}

#[test]
fn an_object_that_vanishes_is_skipped_and_one_that_is_refused_is_told() {
    let mut router = Router { limit: 3000, ..Router::new() };
    router.instead.push(("<ISDevID>2<".to_owned(), EMPTY.to_owned()));
    router.instead.push(("<ISDevID>5<".to_owned(), ERROR.to_owned()));
    let inventory = load(&mut router, Dialect::default(), LoadHints::default()).0.unwrap();
    assert_eq!(inventory.devices.iter().map(|device| device.id).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(inventory.unreadable.iter().map(|object| object.tag).collect::<Vec<_>>(), [5]);
    assert!(inventory.warnings.iter().any(|warning| warning.contains("tag 5")));
}

#[test]
fn a_partial_load_is_never_done() {
    // One phone's record never arrives whole.
    let mut router = Router { limit: 3000, ..Router::new() };
    router.instead.push(("<ISDevID>4<".to_owned(), DEVICE_4[..300].to_owned()));
    let error = load(&mut router, Dialect::default(), LoadHints::default()).0.unwrap_err();
    assert!(matches!(error, LoadError::Reply { fault: crate::axl::ReplyFault::Cut, .. }));
    assert!(error.hint().contains("response size"));
    assert_eq!(router.asked.iter().filter(|asked| asked.contains("<ISDevID>4<")).count(), 2);
    // Nothing fits at all.
    let mut router = Router { limit: 700, ..Router::new() };
    let error = load(&mut router, Dialect::default(), LoadHints::default()).0.unwrap_err();
    assert!(matches!(error, LoadError::ListRefused { .. }), "{error}");
    // `all` gives fewer phones than there are tags: tags decide.
    let mut router = Router::new();
    router.instead.push(("<ISgetDevice><ISKeyword>all<".to_owned(), DEVICE_1.to_owned()));
    assert_eq!(rows(&load(&mut router, Dialect::default(), LoadHints::default()).0.unwrap()), ROWS);
}

#[test]
fn list_modes_are_obeyed() {
    let all = Dialect { list_mode: ListMode::All, ..Dialect::default() };
    let mut router = Router::new();
    assert_eq!(rows(&load(&mut router, all.clone(), LoadHints::default()).0.unwrap()), ROWS);
    assert!(!router.asked.iter().any(|asked| asked.contains("allTag")));
    let mut small = Router { limit: 3000, ..Router::new() };
    assert!(load(&mut small, all, LoadHints::default()).0.is_err());

    let by_tag = Dialect { list_mode: ListMode::ByTag, ..Dialect::default() };
    let mut router = Router::new();
    assert_eq!(rows(&load(&mut router, by_tag, LoadHints::default()).0.unwrap()), ROWS);
    assert!(!router.asked.iter().any(|asked| asked.contains(">all<")), "{:?}", router.asked);
}

#[test]
fn the_system_settings_are_optional() {
    let mut router = Router { limit: 15_000, ..Router::new() };
    router.instead.push(("<ISgetGlobal>".to_owned(), ERROR.to_owned()));
    let inventory = load(&mut router, Dialect::default(), LoadHints::default()).0.unwrap();
    assert_eq!((rows(&inventory), inventory.global), (ROWS.map(str::to_owned).to_vec(), None));
    let dialect = Dialect { read_global: false, ..Dialect::default() };
    let mut router = Router::new();
    assert_eq!(rows(&load(&mut router, dialect, LoadHints::default()).0.unwrap()), ROWS);
    assert!(!router.asked.iter().any(|asked| asked.contains("ISgetGlobal")));
}

#[test]
fn another_version_forgets_what_was_learned() {
    let old = LoadHints {
        generation: Some(Generation::NameKeyword),
        version: Some("8.0".to_owned()),
        devices: ListHint::AllFails,
        ..LoadHints::default()
    };
    let (result, hints) = load(&mut Router::new(), Dialect::default(), old);
    assert_eq!(rows(&result.unwrap()), ROWS);
    assert_eq!((hints.generation, hints.version.as_deref()), (Some(Generation::Keyword), Some("8.6")));
    // A wrong memory without a version to compare mends itself.
    let wrong = LoadHints { generation: Some(Generation::NameKeyword), ..LoadHints::default() };
    let (result, hints) = load(&mut Router::new(), Dialect::default(), wrong);
    assert_eq!(
        (rows(&result.unwrap()), hints.generation),
        (ROWS.map(str::to_owned).to_vec(), Some(Generation::Keyword))
    );
}

#[test]
fn profiles_that_were_readable_once_are_missed() {
    let mut hints = load(&mut Router::new(), Dialect::default(), LoadHints::default()).1;
    let mut router = Router::new();
    router.instead.push(("<ISgetUserProfile>".to_owned(), ERROR.to_owned()));
    let error = load(&mut router, Dialect::default(), hints.clone()).0.unwrap_err();
    assert!(error.to_string().contains("extension mobility users"), "{error}");
    hints.user_profiles = ListHint::Unknown;
    assert_eq!(rows(&load(&mut router, Dialect::default(), hints).0.unwrap()), ROWS[..4]);
}

#[test]
fn the_check_reads_session_servers_and_sip_settings() {
    let mut load = Load::new(Dialect::default(), LoadHints::default(), Purpose::CstaCheck);
    let inventory = run(&mut load, &mut Router::new()).unwrap();
    assert_eq!(inventory.session_servers.unwrap()[0].register_id.as_deref(), Some("ss_ecsta"));
    assert!(inventory.sip_global.unwrap().authenticates_register());
}

#[test]
fn statuses_and_pages_end_the_load_with_one_sentence() {
    for (status, body, words) in [
        (401, "401 Unauthorized", "refuses the XML user"),
        (404, "", "no XML application"),
        (302, "", "302"),
        (200, "<html>login</html>", "web page"),
        (200, "<rss/>", "not a message"),
    ] {
        let mut load = Load::new(Dialect::default(), LoadHints::default(), Purpose::Lines);
        assert!(matches!(load.poll(), Some(Output::Post { .. })));
        assert!(load.poll().is_none(), "one request at a time");
        load.handle(Input::Reply { status, body: Bytes::from_static(body.as_bytes()) });
        match load.poll() {
            Some(Output::Failed(error)) => {
                assert!(error.to_string().contains(words), "{error}");
                assert!(!error.hint().is_empty());
            }
            other => panic!("{status}: {other:?}"),
        }
        assert!(load.poll().is_none());
        load.handle(ok(DEVICE_ALL));
        assert!(load.poll().is_none());
    }
    // A busy router at the first list: the load goes on as far as it can and then says so.
    let mut load = Load::new(Dialect::default(), LoadHints::default(), Purpose::Lines);
    let error = loop {
        match load.poll() {
            Some(Output::Post { .. }) => load.handle(Input::Reply { status: 503, body: Bytes::new() }),
            Some(Output::Failed(error)) => break error,
            Some(Output::Progress { .. }) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(error.to_string().contains("busy"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_sequence_of_answers_ends(picks in proptest::collection::vec(0..CORPUS.len() + 3, 1..40)) {
        let mut load = Load::new(Dialect::default(), LoadHints::default(), Purpose::CstaCheck);
        let mut picks = picks.into_iter().cycle();
        let mut requests = 0;
        loop {
            match load.poll() {
                Some(Output::Post { .. }) => {
                    requests += 1;
                    prop_assert!(requests < 200, "the load does not end");
                    let pick = picks.next().unwrap();
                    load.handle(match CORPUS.get(pick) {
                        Some((_, text)) => ok(text),
                        None if pick % 2 == 0 => timeout(),
                        None => ok("<a><b>"),
                    });
                }
                Some(Output::Progress { .. }) => {}
                Some(Output::Done(inventory)) => {
                    let _ = inventory.lines(LineOptions::default());
                    let _ = inventory.support();
                    break;
                }
                Some(Output::Failed(_)) => break,
                None => panic!("the load waits for nothing"),
            }
        }
    }
}
