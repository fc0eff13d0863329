//! `linegate-tapi.exe`: installs, removes and examines the TAPI bridge. It works without a running telephony service.
#![cfg(windows)]

mod arguments;
mod doctor;
mod enroll;
mod install;
mod service;
mod status;
mod tel;

use std::process::ExitCode;

use arguments::{Arguments, UsageError};

/// Exit codes for deployment tools: those that MSI knows where it knows them.
pub(crate) mod code {
    /// Done.
    pub(crate) const DONE: u8 = 0;
    /// It did not work.
    pub(crate) const FAILED: u8 = 1;
    /// The command line is wrong.
    pub(crate) const USAGE: u8 = 2;
    /// No provider is registered.
    pub(crate) const NOT_INSTALLED: u8 = 3;
    /// Registered, and something does not work.
    pub(crate) const UNHEALTHY: u8 = 4;
    /// Administrator rights are needed.
    pub(crate) const RIGHTS: u8 = 5;
}

const HELP: &str = "\
linegate-tapi: the TAPI bridge of a Linegate gateway

  linegate-tapi install --gateway URL [--token-file FILE | --token TOKEN | --enroll CODE] [options]
        adds a provider; run again, it adds another one, or changes the one of --provider
  linegate-tapi configure --provider ID [options]
        changes the settings of a provider
  linegate-tapi enroll [--provider ID]
        fetches the tokens now for which there are only codes yet
  linegate-tapi remove [--provider ID | --all]
        removes a provider
  linegate-tapi status [--json]
        what is registered: exit code 0 healthy, 3 nothing, 4 something does not work
  linegate-tapi doctor
        looks for everything that can be wrong, and says what to do
  linegate-tapi repair
        registers providers again that have settings and are missing in TAPI's list (after an upgrade of Windows)
  linegate-tapi dial NUMBER --line NUMBER [--provider ID]
        dials, also as handler of tel: and callto: links
  linegate-tapi tel-handler [--line NUMBER] | tel-handler --remove
        makes it the handler of tel: and callto: for this user

options
  --fingerprint SHA256   believe this one certificate of the gateway
  --ca-file FILE         believe the authorities of this PEM file
  --lines LIST           only these numbers, with commas between them; 2* stands for all that begin with 2
  --log-level LEVEL      error, warn, info, debug, trace
  --log-dir FOLDER       where the log is written
  --allow-plain          HTTP without TLS to another machine
  --outlook              make Outlook dial through TAPI
  --quiet                print nothing
The token may also stand in the environment variable LINEGATE_TOKEN, the code in LINEGATE_ENROLL, which no list of
processes shows. A code is exchanged for a token of this machine's own, now or at the first contact with the gateway.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    ExitCode::from(run(&words))
}

fn run(words: &[String]) -> u8 {
    let (command, rest) = match words.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => {
            print!("{HELP}");
            return code::USAGE;
        }
    };
    // A link is handed over as the only argument.
    if command.starts_with("tel:") || command.starts_with("callto:") {
        return tel::dial_link(command);
    }
    let arguments = match Arguments::read(rest) {
        Ok(arguments) => arguments,
        Err(UsageError(text)) => {
            eprintln!("linegate-tapi: {text} (see linegate-tapi help)");
            return code::USAGE;
        }
    };
    match command {
        "install" => install::install(&arguments),
        "configure" => install::configure(&arguments),
        "enroll" => enroll::enroll(&arguments),
        "remove" => install::remove(&arguments),
        "status" => status::status(&arguments),
        "doctor" => doctor::doctor(),
        "repair" => install::repair(&arguments),
        // For the MSI alone.
        "undo-install" => install::undo(&arguments),
        "keep-install" => install::keep(&arguments),
        "dial" => tel::dial(&arguments),
        "tel-handler" => tel::handler(&arguments),
        "help" | "--help" | "-h" | "/?" => {
            print!("{HELP}");
            code::DONE
        }
        other => {
            eprintln!("linegate-tapi: there is no command {other} (see linegate-tapi help)");
            code::USAGE
        }
    }
}
