//! Plays the telephony service: loads the provider, follows every rule of TAPI, and checks that the provider does too.
//! It runs under Wine against the real provider, the real gateway and a simulated router (scripts/test-bridge).
//!
//!     linegate-tapi-host PROVIDER.tsp PORTS.json [NAME...]
//!     linegate-tapi-host PROVIDER.tsp PORTS.json --dialog            shows the settings to a person
//!     linegate-tapi-host PROVIDER.tsp PORTS.json --dialog-buttons    presses every button of them
#![cfg(windows)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::missing_safety_doc, reason = "the callbacks are called by the provider as TSPI says")]

mod api;
mod control;
mod dialog;
mod scenarios;
mod service;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [provider, ports, wanted @ ..] = arguments.as_slice() else {
        eprintln!("usage: linegate-tapi-host PROVIDER.tsp PORTS.json [NAME...]");
        return ExitCode::from(2);
    };
    control::start(ports);
    api::start(provider);
    match wanted.first().map(String::as_str) {
        Some("--dialog") => return dialog::settings(),
        Some("--dialog-buttons") => return dialog::buttons(),
        _ => {}
    }
    let has_fault = api::address(api::module(), "LinegateFault").is_some();
    let (mut passed, mut failed) = (0, Vec::new());
    for scenario in scenarios::ALL {
        let is_wanted = if wanted.is_empty() {
            // What takes long, or needs a provider that panics on demand, is asked for by name.
            scenario.kind == scenarios::Kind::Short
        } else {
            wanted.iter().any(|name| scenario.name.contains(name.as_str()))
        };
        if !is_wanted || (scenario.kind == scenarios::Kind::Fault && !has_fault) {
            continue;
        }
        if scenario.needs_reset {
            control::reset();
        }
        world::renew();
        let begin = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(scenario.run));
        let rules = world::renew();
        let took = begin.elapsed().as_millis();
        if outcome.is_ok() && rules.is_empty() {
            passed += 1;
            println!("test {} ... ok ({took} ms)", scenario.name);
        } else {
            println!("test {} ... FAILED ({took} ms)", scenario.name);
            for rule in rules {
                println!("  a rule was broken: {rule}");
            }
            failed.push(scenario.name);
        }
    }
    println!(
        "\ntest result: {}. {passed} passed; {} failed",
        if failed.is_empty() { "ok" } else { "FAILED" },
        failed.len()
    );
    for name in &failed {
        println!("    {name}");
    }
    if failed.is_empty() && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
