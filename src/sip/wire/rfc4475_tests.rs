//! The 49 messages of RFC 4475 under [`Strictness::Rfc`]: 30 taken, 19 refused. The files are found through
//! `LINEGATE_RFC4475_DIR`, a folder with the `.dat` files of the RFC.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::parse::parse;
use crate::sip::error::ParseError;
use crate::sip::fuzzing;
use crate::sip::strictness::Strictness;

const TAKEN: [&str; 30] = [
    "wsinv",
    "intmeth",
    "esc01",
    "escnull",
    "esc02",
    "lwsdisp",
    "longreq",
    "dblreq",
    "semiuri",
    "transports",
    "mpart01",
    "unreason",
    "noreason",
    "badbranch",
    "insuf",
    "unkscm",
    "novelsc",
    "unksm2",
    "bext01",
    "invut",
    "regaut01",
    "multi01",
    "mcl01",
    "bcast",
    "zeromf",
    "cparam01",
    "cparam02",
    "regescrt",
    "sdp01",
    "inv2543",
];

const REFUSED: [&str; 19] = [
    "badinv01",
    "clerr",
    "ncl",
    "scalar02",
    "scalarlg",
    "quotbal",
    "ltgtruri",
    "lwsruri",
    "lwsstart",
    "trws",
    "escruri",
    "baddate",
    "regbadct",
    "badaspec",
    "baddn",
    "badvers",
    "mismatch01",
    "mismatch02",
    "bigcode",
];

/// Where the files of the RFC are; where the test says so when they are left out.
fn folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("LINEGATE_RFC4475_DIR").map(PathBuf::from);
    if folder.is_none() {
        println!("{test}: the files of RFC 4475 are left out, LINEGATE_RFC4475_DIR is not set");
    }
    folder
}

/// Our own messages for the same 49 cases.
fn corpus(folder: &str, name: &str) -> Bytes {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/sip");
    Bytes::from(std::fs::read(root.join(folder).join(format!("{name}.sip"))).unwrap())
}

fn read(folder: &Path, name: &str) -> Bytes {
    Bytes::from(std::fs::read(folder.join(format!("{name}.dat"))).unwrap())
}

#[track_caller]
fn judge(taken: impl Fn(&str) -> Bytes, refused: impl Fn(&str) -> Bytes) {
    let mut wrong = Vec::new();
    for name in TAKEN {
        if let Err(error) = parse(taken(name), Strictness::Rfc) {
            wrong.push(format!("{name} refused: {error}"));
        }
    }
    for name in REFUSED {
        if parse(refused(name), Strictness::Rfc).is_ok() {
            wrong.push(format!("{name} taken"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn verdicts() {
    let Some(folder) = folder("verdicts") else { return };
    judge(|name| read(&folder, name), |name| read(&folder, name));
}

#[test]
fn verdicts_of_our_own_messages_for_the_same_cases() {
    judge(|name| corpus("taken", name), |name| corpus("refused", name));
}

#[test]
fn a_router_is_forgiven_form_and_never_length() {
    // What of the refused ones a router may send (dossier 3.8), and what it may not.
    let forgiven = ["lwsstart", "trws", "escruri", "baddate", "regbadct", "badaspec", "baddn"];
    for name in REFUSED {
        let taken = parse(corpus("refused", name), Strictness::Router).is_ok();
        assert_eq!(taken, forgiven.contains(&name), "{name}");
    }
    for name in TAKEN {
        assert!(parse(corpus("taken", name), Strictness::Router).is_ok(), "{name}");
    }
}

#[test]
fn our_own_messages_break_no_reader_at_any_length() {
    for (folder, names) in [("taken", &TAKEN[..]), ("refused", &REFUSED[..])] {
        for name in names {
            let data = corpus(folder, name);
            for end in (0..=data.len()).step_by(data.len().div_ceil(150)) {
                fuzzing::message(&data[..end]);
            }
            fuzzing::framing(&data, 1);
        }
    }
}

#[test]
fn reasons_of_the_layer_above() {
    let required = |name| parse(corpus("taken", name), Strictness::Rfc).unwrap().required();
    assert!(matches!(required("insuf"), Err(ParseError::Missing { .. })));
    assert!(matches!(required("multi01"), Err(ParseError::Repeated { .. })));
    assert!(required("wsinv").is_ok());
    let refused = |name| parse(corpus("refused", name), Strictness::Rfc).unwrap_err();
    assert_eq!(refused("badvers"), ParseError::Version);
    assert_eq!(refused("clerr"), ParseError::BodyTooShort);
    assert_eq!(refused("mismatch02"), ParseError::MethodMismatch);
    assert_eq!(refused("bigcode"), ParseError::StatusCode);
}

#[test]
fn values_of_the_tortuous_invite() {
    let message = parse(corpus("taken", "wsinv"), Strictness::Rfc).unwrap();
    assert_eq!(message.cseq().unwrap().number, 42);
    assert_eq!(message.to().unwrap().tag(), Some(&b"q1w2"[..]));
    assert_eq!(message.via().unwrap().branch(), Some(&b"z9q"[..]));
    assert_eq!(message.from().unwrap().display(), "O. Perator \\\"");
    let double = parse(corpus("taken", "dblreq"), Strictness::Rfc).unwrap();
    assert!(!double.has_body());
}

#[test]
fn no_message_breaks_any_reader_at_any_length() {
    let Some(folder) = folder("no_message_breaks_any_reader_at_any_length") else { return };
    for name in TAKEN.iter().chain(&REFUSED) {
        let data = read(&folder, name);
        let step = data.len().div_ceil(200);
        for end in (0..=data.len()).step_by(step.max(1)) {
            fuzzing::message(&data[..end]);
        }
        fuzzing::framing(&data, 1);
    }
}
