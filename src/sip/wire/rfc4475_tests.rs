//! The 49 messages of RFC 4475 under [`Strictness::Rfc`]: 30 taken, 19 refused. The files are found through
//! `LINEGATE_RFC4475_DIR`, a folder with the `.dat` files of the RFC.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
use std::path::PathBuf;

use bytes::Bytes;

use super::parse::parse;
use crate::sip::error::ParseError;
use crate::sip::fuzzing;
use crate::sip::strictness::Strictness;

const TAKEN: [&str; 30] = [
    "wsinv", "intmeth", "esc01", "escnull", "esc02", "lwsdisp", "longreq", "dblreq", "semiuri",
    "transports", "mpart01", "unreason", "noreason", "badbranch", "insuf", "unkscm", "novelsc",
    "unksm2", "bext01", "invut", "regaut01", "multi01", "mcl01", "bcast", "zeromf", "cparam01",
    "cparam02", "regescrt", "sdp01", "inv2543",
];

const REFUSED: [&str; 19] = [
    "badinv01", "clerr", "ncl", "scalar02", "scalarlg", "quotbal", "ltgtruri", "lwsruri",
    "lwsstart", "trws", "escruri", "baddate", "regbadct", "badaspec", "baddn", "badvers",
    "mismatch01", "mismatch02", "bigcode",
];

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("LINEGATE_RFC4475_DIR").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: LINEGATE_RFC4475_DIR is not set");
    }
    folder
}

fn read(folder: &std::path::Path, name: &str) -> Bytes {
    Bytes::from(std::fs::read(folder.join(format!("{name}.dat"))).unwrap())
}

#[test]
fn verdicts() {
    let Some(folder) = folder() else { return };
    let mut wrong = Vec::new();
    for name in TAKEN {
        if let Err(error) = parse(read(&folder, name), Strictness::Rfc) {
            wrong.push(format!("{name} refused: {error}"));
        }
    }
    for name in REFUSED {
        if parse(read(&folder, name), Strictness::Rfc).is_ok() {
            wrong.push(format!("{name} taken"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn reasons_of_the_layer_above() {
    let Some(folder) = folder() else { return };
    let required = |name| parse(read(&folder, name), Strictness::Rfc).unwrap().required();
    assert!(matches!(required("insuf"), Err(ParseError::Missing { .. })));
    assert!(matches!(required("multi01"), Err(ParseError::Repeated { .. })));
    assert!(required("wsinv").is_ok());
    let refused = |name| parse(read(&folder, name), Strictness::Rfc).unwrap_err();
    assert_eq!(refused("badvers"), ParseError::Version);
    assert_eq!(refused("clerr"), ParseError::BodyTooShort);
    assert_eq!(refused("mismatch02"), ParseError::MethodMismatch);
    assert_eq!(refused("bigcode"), ParseError::StatusCode);
}

#[test]
fn values_of_the_tortuous_invite() {
    let Some(folder) = folder() else { return };
    let message = parse(read(&folder, "wsinv"), Strictness::Rfc).unwrap();
    assert_eq!(message.cseq().unwrap().number, 9);
    assert_eq!(message.to().unwrap().tag(), Some(&b"1918181833n"[..]));
    assert_eq!(message.via().unwrap().branch(), Some(&b"390skdjuw"[..]));
    let double = parse(read(&folder, "dblreq"), Strictness::Rfc).unwrap();
    assert!(!double.has_body());
}

#[test]
fn no_message_breaks_any_reader_at_any_length() {
    let Some(folder) = folder() else { return };
    for name in TAKEN.iter().chain(&REFUSED) {
        let data = read(&folder, name);
        let step = data.len().div_ceil(200);
        for end in (0..=data.len()).step_by(step.max(1)) {
            fuzzing::message(&data[..end]);
        }
        fuzzing::framing(&data, 1);
    }
}
