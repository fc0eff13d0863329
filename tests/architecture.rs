//! The house rules as a test: which room may use which, as data (docs/architecture.md).

#![allow(clippy::expect_used, reason = "a test says what it needs")]

use std::fs;
use std::path::{Path, PathBuf};

/// A room and the rooms of this crate that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("sip", &[]),
    ("csta", &[]),
    ("axl", &[]),
    ("domain", &[]),
    ("service", &["domain", "sip", "csta", "axl", "store", "io"]),
    ("store", &["domain", "service"]),
    ("io", &["axl", "crypto", "service"]),
    ("api", &["service", "domain", "store"]),
    ("config", &["service", "telemetry"]),
    ("telemetry", &["crypto"]),
    ("crypto", &[]),
    ("client", &["crypto", "domain"]),
    ("app", &["api", "io", "store", "config", "telemetry", "service", "domain", "crypto"]),
    ("cli", &["app", "config", "client", "telemetry", "api"]),
];

/// Words that belong to one protocol and must not be seen elsewhere.
const FOREIGN_WORDS: &[(&str, &[&str])] = &[
    ("domain", &["MonitorStart", "ISgetDevice", "CSTAErrorCode", "DeliveredEvent"]),
    ("api", &["MonitorStart", "ISgetDevice", "DeliveredEvent"]),
    ("sip", &["MonitorStart", "ISgetDevice"]),
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn room_files(room: &str) -> Vec<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    rust_files(&source.join(room), &mut found);
    let single = source.join(format!("{room}.rs"));
    if single.is_file() {
        found.push(single);
    }
    found
}

/// A file of tests beside the code: its clock starts somewhere.
fn is_test(file: &Path) -> bool {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let inside = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(file);
    stem == "tests" || stem.ends_with("_tests") || inside.components().any(|part| part.as_os_str() == "tests")
}

#[test]
fn no_room_uses_a_room_it_must_not_know() {
    let rooms: Vec<&str> = MAY_USE.iter().map(|(room, _)| *room).collect();
    let mut wrong = Vec::new();
    for (room, allowed) in MAY_USE {
        // A test beside the code may start what it needs; the code itself may not reach there.
        for file in room_files(room).into_iter().filter(|file| !is_test(file)) {
            let text = fs::read_to_string(&file).expect("a source file can be read");
            for other in &rooms {
                if other != room && !allowed.contains(other) && text.contains(&format!("crate::{other}")) {
                    wrong.push(format!("{} uses crate::{other}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "forbidden arrows:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_of_the_source_is_in_the_table() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(source).expect("the source folder").flatten() {
        let name = entry.file_name().to_string_lossy().replace(".rs", "");
        if name == "lib" || name == "main" {
            continue;
        }
        assert!(
            MAY_USE.iter().any(|(room, _)| *room == name),
            "src/{name} is in no row of MAY_USE: say what it may use"
        );
    }
}

#[test]
fn protocol_words_stay_in_their_layer() {
    let mut wrong = Vec::new();
    for (room, words) in FOREIGN_WORDS {
        for file in room_files(room) {
            let text = fs::read_to_string(&file).expect("a source file can be read");
            for word in *words {
                if text.contains(word) {
                    wrong.push(format!("{} says {word}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "foreign words:\n{}", wrong.join("\n"));
}

#[test]
fn the_twin_shares_no_code_with_the_gateway() {
    let twin = Path::new(env!("CARGO_MANIFEST_DIR")).join("cme-twin");
    let manifest = fs::read_to_string(twin.join("Cargo.toml")).expect("the twin's manifest");
    assert!(!manifest.contains("linegate = "), "cme-twin must not depend on the gateway");
}

#[test]
fn protocol_cores_know_no_clock_no_sockets_and_no_chance() {
    for room in ["sip", "csta", "axl", "domain"] {
        for file in room_files(room).into_iter().filter(|file| !is_test(file)) {
            let text = fs::read_to_string(&file).expect("a source file can be read");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in ["tokio::", "Instant::now()", "SystemTime::now()", "std::net::Tcp", "rand::"] {
                assert!(!code.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}
