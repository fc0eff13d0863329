//! A token of this machine's own for an enrolment code: now when the gateway can be reached, else the provider fetches it.

use linegate_tsp_link::{LinkError, enrol, probe};
use linegate_tsp_machine::config::Config;

use crate::arguments::Arguments;
use crate::code;
use crate::install::{Failure, ours, report, usage};

/// The code that was given; the environment shows it to nobody.
pub(crate) fn given(arguments: &Arguments) -> Option<String> {
    let from_environment = || std::env::var("LINEGATE_ENROLL").ok().filter(|code| !code.is_empty());
    arguments.value("enroll").map(str::to_owned).or_else(from_environment)
}

/// Whether a token that is stored still works, or cannot be tried now. A roll-out that runs again must not use the code up.
pub(crate) fn keeps_token(config: &Config) -> bool {
    let Ok(settings) = config.link_settings() else { return false };
    !settings.token.is_empty() && !matches!(probe(&settings), Err(LinkError::Token))
}

/// Exchanges a code that waits for a token, when the gateway can be reached; gives a sentence about it.
pub(crate) fn fetch(config: &mut Config) -> Result<Option<String>, Failure> {
    if !config.waits_for_token() {
        return Ok(None);
    }
    let failed = |error: LinkError| Failure(code::FAILED, error.to_string());
    let settings = config.link_settings().map_err(failed)?;
    let Some(enrolment) = &settings.enrolment else { return Ok(None) };
    match enrol(&settings, enrolment) {
        Ok(token) => {
            config.set_token(&token)?;
            Ok(Some(format!("this machine is enrolled as {}", enrolment.machine)))
        }
        // It will never give a token: better now than on every machine of the roll-out.
        Err(error @ LinkError::Code) => Err(failed(error)),
        Err(error) => Ok(Some(format!("{error}; the code is kept and used at the first contact with the gateway"))),
    }
}

pub(crate) fn enroll(arguments: &Arguments) -> u8 {
    let work = || -> Result<String, Failure> {
        let only = arguments.provider().map_err(|error| usage(error.0))?;
        let known = ours()?;
        if known.is_empty() {
            return Err(Failure(code::NOT_INSTALLED, "no provider is registered".to_owned()));
        }
        let mut told = Vec::new();
        let mut waiting = 0;
        for provider in known.iter().filter(|provider| only.is_none_or(|only| only == provider.id)) {
            let mut config = Config::read(provider.id)?;
            let Some(text) = fetch(&mut config)? else { continue };
            if config.waits_for_token() {
                waiting += 1;
            } else {
                config.write(provider.id)?;
            }
            told.push(format!("provider {}: {text}", provider.id));
        }
        match (waiting, told.len()) {
            (0, 0) => Ok("no code waits for its token".to_owned()),
            (0, _) => Ok(told.join("\n")),
            _ => Err(Failure(code::UNHEALTHY, told.join("\n"))),
        }
    };
    report(arguments, work())
}
