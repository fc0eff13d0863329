//! Adding, changing and removing providers.

use std::fs;
use std::path::PathBuf;

use linegate_tsp_link::{Address, format_fingerprint, parse_fingerprint};
use linegate_tsp_machine::config::Config;
use linegate_tsp_machine::providers::Provider;
use linegate_tsp_machine::{MachineError, access, files, providers, running};

use crate::arguments::Arguments;
use crate::{code, enroll, service, tel};

/// Why it did not work, with the exit code.
pub(crate) struct Failure(pub(crate) u8, pub(crate) String);

impl From<MachineError> for Failure {
    fn from(error: MachineError) -> Self {
        // ERROR_ACCESS_DENIED, whoever said it; ERROR_INVALID_OWNER and ERROR_PRIVILEGE_NOT_HELD.
        let is_denied = match &error {
            MachineError::Windows { code, .. } => [5, 1_307, 1_314].contains(code),
            MachineError::File { cause, .. } => cause.kind() == std::io::ErrorKind::PermissionDenied,
            _ => false,
        };
        if is_denied {
            Self(code::RIGHTS, format!("{error}: run it as an administrator"))
        } else {
            Self(code::FAILED, error.to_string())
        }
    }
}

pub(crate) fn usage(text: impl Into<String>) -> Failure {
    Failure(code::USAGE, text.into())
}

/// Prints what came of it.
pub(crate) fn report(arguments: &Arguments, outcome: Result<String, Failure>) -> u8 {
    match outcome {
        Ok(text) => {
            if !arguments.flag("quiet") {
                println!("{text}");
            }
            code::DONE
        }
        Err(Failure(exit, text)) => {
            eprintln!("linegate-tapi: {text}");
            exit
        }
    }
}

/// Takes over which gateway and which lines: what tells one provider from another.
fn apply_place(config: &mut Config, arguments: &Arguments) -> Result<(), Failure> {
    if let Some(gateway) = arguments.value("gateway") {
        config.gateway = Address::parse(gateway).map_err(|error| usage(error.to_string()))?.to_string();
    }
    if let Some(lines) = arguments.value("lines") {
        config.lines = lines.split([',', ' ', ';']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    }
    Ok(())
}

/// Takes the options over into settings. A sentence when something that was given is done without.
fn apply(config: &mut Config, arguments: &Arguments) -> Result<Option<String>, Failure> {
    apply_place(config, arguments)?;
    if let Some(fingerprint) = arguments.value("fingerprint") {
        let bytes =
            parse_fingerprint(fingerprint).ok_or_else(|| usage("--fingerprint is no SHA-256 of 64 hex digits"))?;
        config.fingerprint = Some(format_fingerprint(&bytes));
    }
    if let Some(file) = arguments.value("ca-file") {
        config.ca_file = Some(file.to_owned());
    }
    if let Some(level) = arguments.value("log-level") {
        if !["error", "warn", "info", "debug", "trace"].contains(&level) {
            return Err(usage("--log-level is error, warn, info, debug or trace"));
        }
        config.log_level = level.to_owned();
    }
    if let Some(folder) = arguments.value("log-dir") {
        config.log_dir = Some(prepare_log_folder(folder)?);
    }
    config.allow_plain |= arguments.flag("allow-plain");
    let given = || {
        let from_environment = || std::env::var("LINEGATE_TOKEN").ok().filter(|token| !token.is_empty());
        arguments.value("token").map(str::to_owned).or_else(from_environment)
    };
    let mut told = None;
    let token = match arguments.value("token-file").map(|file| (file, fs::read_to_string(file))) {
        None => given(),
        Some((_, Ok(text))) => Some(text),
        // The file is to be deleted once it was read, and the same command line installs the next release.
        Some((file, Err(error))) if error.kind() == std::io::ErrorKind::NotFound && config.has_access() => {
            told = Some(format!("{file} is gone; what is stored is kept"));
            None
        }
        Some((file, Err(error))) => return Err(Failure(code::FAILED, format!("{file}: {error}"))),
    };
    if let Some(token) = token {
        config.set_token(token.trim())?;
    }
    Ok(told)
}

/// A folder that we make gets the rights of our own one; one that is there keeps those that somebody gave it.
fn prepare_log_folder(folder: &str) -> Result<String, Failure> {
    let path = PathBuf::from(folder);
    if !path.is_absolute() {
        return Err(usage(format!("--log-dir is a whole path, such as C:\\Logs\\Linegate, not {folder}")));
    }
    access::make(&path)?;
    Ok(folder.to_owned())
}

/// Ours in TAPI's list.
pub(crate) fn ours() -> Result<Vec<Provider>, MachineError> {
    Ok(providers::list()?.into_iter().filter(Provider::is_ours).collect())
}

pub(crate) fn install(arguments: &Arguments) -> u8 {
    let work = || -> Result<String, Failure> {
        if let Some(provider) = arguments.provider().map_err(|error| usage(error.0))? {
            return change(provider, arguments);
        }
        let mut config = Config::default();
        apply_place(&mut config, arguments)?;
        if config.gateway.is_empty() {
            return Err(usage("--gateway is missing, such as --gateway https://gateway:8443"));
        }
        access::claim()?;
        let _ = fs::remove_file(files::added());
        // The same gateway with the same lines is there already: an upgrade, or a roll-out that runs twice. It may be one
        // that an upgrade of Windows has taken out of TAPI's list.
        let same = |id: &u32| {
            Config::read(*id).is_ok_and(|known| known.gateway == config.gateway && known.lines == config.lines)
        };
        if let Some(provider) = ours()?.iter().map(|provider| provider.id).find(same) {
            return change(provider, arguments);
        }
        if let Some(old) = lost()?.into_iter().find(same) {
            return change(service::add_provider(&Config::read(old)?, Some(old))?, arguments);
        }
        apply(&mut config, arguments)?;
        let code = enroll::given(arguments);
        let told = match code {
            Some(code) if config.token.is_empty() => {
                config.set_enrolment(code.trim())?;
                enroll::fetch(&mut config)?
            }
            _ => None,
        };
        // The settings must be there before TAPI starts the provider; which number it gets, TAPI's list says.
        let id = service::add_provider(&config, None)?;
        if arguments.flag("undoable") {
            fs::write(files::added(), id.to_string())
                .map_err(|cause| MachineError::File { path: files::added().display().to_string(), cause })?;
        }
        if arguments.flag("outlook") {
            tel::outlook()?;
        }
        let text = format!("provider {id} is registered for {}", config.gateway);
        Ok(told.map_or(text.clone(), |told| format!("{text}\n{told}")))
    };
    report(arguments, work())
}

fn change(provider: u32, arguments: &Arguments) -> Result<String, Failure> {
    if !ours()?.iter().any(|known| known.id == provider) {
        return Err(Failure(code::NOT_INSTALLED, format!("there is no provider {provider} of ours in TAPI's list")));
    }
    access::claim()?;
    let mut config = Config::read(provider)?;
    let had = config.token.clone();
    let mut told = apply(&mut config, arguments)?;
    // A token that was given as well goes before the code.
    if let Some(code) = enroll::given(arguments).filter(|_| config.token == had) {
        if enroll::keeps_token(&config) {
            told = Some("its token is kept; the code was not used".to_owned());
        } else {
            config.set_enrolment(code.trim())?;
            told = enroll::fetch(&mut config)?;
        }
    }
    config.write(provider)?;
    if arguments.flag("outlook") {
        tel::outlook()?;
    }
    let text = format!(
        "the settings of provider {provider} are stored; they count from the next start of the telephony service"
    );
    Ok(told.map_or(text.clone(), |told| format!("{text}\n{told}")))
}

pub(crate) fn configure(arguments: &Arguments) -> u8 {
    let work = || match arguments.provider().map_err(|error| usage(error.0))? {
        Some(provider) => change(provider, arguments),
        None => match ours()?.as_slice() {
            [only] => change(only.id, arguments),
            [] => Err(Failure(code::NOT_INSTALLED, "no provider is registered".to_owned())),
            _ => Err(usage("several providers are registered; say which with --provider")),
        },
    };
    report(arguments, work())
}

pub(crate) fn remove(arguments: &Arguments) -> u8 {
    let work = || -> Result<String, Failure> {
        let known = ours()?;
        let going: Vec<u32> = match arguments.provider().map_err(|error| usage(error.0))? {
            Some(provider) => vec![provider],
            None if arguments.flag("all") || known.len() <= 1 => known.iter().map(|provider| provider.id).collect(),
            None => return Err(usage("several providers are registered; say which with --provider, or --all")),
        };
        let mut removed = 0;
        for id in &going {
            if !known.iter().any(|provider| provider.id == *id) {
                return Err(Failure(code::NOT_INSTALLED, format!("there is no provider {id} of ours in TAPI's list")));
            }
            service::remove_provider(*id, arguments.flag("list-only"))?;
            running::end(*id);
            match fs::remove_file(files::settings_of(*id)) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(cause) => {
                    return Err(
                        MachineError::File { path: files::settings_of(*id).display().to_string(), cause }.into()
                    );
                }
            }
            removed += 1;
        }
        Ok(format!("{removed} of our providers were removed"))
    };
    report(arguments, work())
}

/// A rollback of the MSI: what its installation registered anew goes again.
pub(crate) fn undo(arguments: &Arguments) -> u8 {
    let work = || -> Result<String, Failure> {
        let added = fs::read_to_string(files::added()).ok().and_then(|text| text.trim().parse().ok());
        let Some(id) = added.filter(|id| ours().is_ok_and(|known| known.iter().any(|one| one.id == *id))) else {
            return Ok("nothing was added".to_owned());
        };
        service::remove_provider(id, false)?;
        let _ = fs::remove_file(files::settings_of(id));
        let _ = fs::remove_file(files::added());
        Ok(format!("provider {id} was removed again"))
    };
    report(arguments, work())
}

/// The MSI's installation is complete: nothing of it is undone any more.
pub(crate) fn keep(arguments: &Arguments) -> u8 {
    let _ = fs::remove_file(files::added());
    report(arguments, Ok("done".to_owned()))
}

pub(crate) fn repair(arguments: &Arguments) -> u8 {
    let work = || -> Result<String, Failure> {
        access::claim()?;
        let (mut again, mut tried, mut unread) = (Vec::new(), Vec::new(), Vec::new());
        // Asked for anew each time: the numbers of those that are left may change.
        while let Some(id) = lost()?.into_iter().find(|id| !tried.contains(id)) {
            tried.push(id);
            match Config::read(id) {
                // Its number may change; the lines keep their permanent numbers, which are stored apart.
                Ok(config) => again.push(service::add_provider(&config, Some(id))?),
                Err(error) => unread.push(error.to_string()),
            }
        }
        let said = match again.len() {
            0 => "nothing was missing".to_owned(),
            count => format!("{count} of our providers were registered again: {again:?}"),
        };
        if unread.is_empty() { Ok(said) } else { Err(Failure(code::FAILED, format!("{}; {said}", unread.join("; ")))) }
    };
    report(arguments, work())
}

/// Providers that have settings and are not in TAPI's list.
pub(crate) fn lost() -> Result<Vec<u32>, MachineError> {
    let known = ours()?;
    Ok(files::configured().into_iter().filter(|id| !known.iter().any(|provider| provider.id == *id)).collect())
}
