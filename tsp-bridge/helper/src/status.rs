//! What is registered, and whether it works.

use linegate_tsp_link::{Probe, probe};
use linegate_tsp_machine::config::Config;
use linegate_tsp_machine::{files, log, running};
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::service::State;
use crate::{code, install, service};

/// What is said of a provider whose code has not met the gateway yet.
const WAITING: &str = "it waits for its token: the enrolment code is used at the first contact with the gateway, or by \
                       linegate-tapi enroll";

/// A provider as it stands.
pub(crate) struct Standing {
    pub(crate) id: u32,
    pub(crate) config: Result<Config, String>,
    /// What the gateway said, or why it said nothing.
    pub(crate) gateway: Result<Probe, String>,
    /// Lines that are stored.
    pub(crate) stored: usize,
    /// The telephony service, without which no program has its lines.
    pub(crate) service: State,
    /// Release of the provider that runs.
    pub(crate) running: Option<String>,
}

impl Standing {
    /// The release that runs, when it is not the installed one.
    pub(crate) fn old_release(&self) -> Option<&str> {
        self.running.as_deref().filter(|version| *version != env!("CARGO_PKG_VERSION"))
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.service.problem().is_none()
            && self.gateway.as_ref().is_ok_and(|answer| answer.can_control() && answer.lines > 0)
    }
}

/// Looks at every provider of ours.
pub(crate) fn look() -> Result<Vec<Standing>, String> {
    let known = install::ours().map_err(|error| error.to_string())?;
    let service = service::state();
    Ok(known
        .into_iter()
        .map(|provider| {
            let config = Config::read(provider.id).map_err(|error| error.to_string());
            let gateway = match &config {
                Ok(config) => {
                    let settings = config.link_settings().map_err(|error| error.to_string());
                    settings.and_then(|settings| match settings.enrolment {
                        Some(_) if settings.token.is_empty() => Err(WAITING.to_owned()),
                        _ => probe(&settings).map_err(|error| error.to_string()),
                    })
                }
                Err(error) => Err(error.clone()),
            };
            let stored = config.as_ref().map_or(0, |config| files::read_lines(&config.lines_path()).lines.len());
            // What a process that was killed has left counts for nothing once the service is stopped.
            let running = running::read(provider.id).filter(|_| !service.is_stopped());
            let running = running.map(|known| known.version);
            Standing { id: provider.id, config, gateway, stored, service, running }
        })
        .collect())
}

pub(crate) fn status(arguments: &Arguments) -> u8 {
    log::set_level(log::Level::Error);
    let standing = match look() {
        Ok(standing) => standing,
        Err(error) => {
            eprintln!("linegate-tapi: {error}");
            return code::FAILED;
        }
    };
    let exit = match standing.as_slice() {
        [] => code::NOT_INSTALLED,
        all if all.iter().all(Standing::is_healthy) => code::DONE,
        _ => code::UNHEALTHY,
    };
    if arguments.flag("json") {
        println!("{}", as_json(&standing, exit));
    } else if !arguments.flag("quiet") {
        print(&standing);
    }
    exit
}

fn as_json(standing: &[Standing], exit: u8) -> Value {
    let providers: Vec<Value> = standing
        .iter()
        .map(|one| {
            let answer = one.gateway.as_ref().ok();
            json!({
                "id": one.id,
                "gateway": one.config.as_ref().map(|config| config.gateway.clone()).unwrap_or_default(),
                "lines_filter": one.config.as_ref().map(|config| config.lines.clone()).unwrap_or_default(),
                "stored_lines": one.stored,
                "waits_for_token": one.config.as_ref().is_ok_and(Config::waits_for_token),
                "reachable": answer.is_some(),
                "gateway_version": answer.map(|answer| answer.version.clone()),
                "token": answer.map(|answer| answer.token_name.clone()),
                "scopes": answer.map(|answer| answer.scopes.clone()),
                "lines": answer.map(|answer| answer.lines),
                "problem": one.gateway.as_ref().err(),
                "running_version": one.running,
                "healthy": one.is_healthy(),
            })
        })
        .collect();
    let service = service::state();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "service": service.word(),
        "service_problem": service.problem().map(|(problem, _)| problem),
        "providers": providers,
        "exit_code": exit,
    })
}

fn print(standing: &[Standing]) {
    let service = service::state();
    println!("Linegate TAPI bridge {}; the telephony service is {}", env!("CARGO_PKG_VERSION"), service.word());
    if let Some((_, advice)) = service.problem() {
        println!("{advice}");
    }
    if standing.is_empty() {
        println!("no provider is registered: linegate-tapi install --gateway URL");
    }
    for one in standing {
        let gateway = one.config.as_ref().map(|config| config.gateway.clone()).unwrap_or_default();
        match &one.gateway {
            Ok(answer) => println!(
                "provider {}: {gateway}, release {}, token \"{}\" ({}), {} lines",
                one.id,
                answer.version,
                answer.token_name,
                answer.scopes.join(", "),
                answer.lines
            ),
            Err(error) => println!("provider {}: {gateway}: {error}", one.id),
        }
    }
}
