//! Making the service and taking it away.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceExitCode,
    ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use super::super::{Failure, output};
use super::tools::{self, ACCOUNT, NAME, Step};
use crate::config::{Flags, ProcessEnvironment, Settings};

/// The settings that a first installation writes.
const EXAMPLE: &str = include_str!("../../../config/linegate.example.toml");
/// How long it may take to start or to end; a migration of a large database is what takes long.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

const NO_SUCH_SERVICE: i32 = 1060;
const ACCESS_DENIED: i32 = 5;
const NOT_RUNNING: i32 = 1062;
const UNKNOWN_SETTING: i32 = 124;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ServiceCommand {
    /// Make the gateway a service that starts with Windows, and start it
    ///
    /// Makes the data folder, which only administrators and the service may read, and in it linegate.toml with all
    /// settings as comments; lets the program through the firewall. Run again it renews all of this; settings and data
    /// stay. Needs an administrator.
    Install(InstallArgs),
    /// Stop the service and take it and its firewall rule away; settings and data stay
    Remove {
        /// Say nothing when all is well
        #[arg(long)]
        quiet: bool,
    },
    /// What the service manager of Windows starts
    #[command(hide = true)]
    Run(RunArgs),
}

#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct RunArgs {
    /// The data folder unless the settings name another: a service has not always the environment of who installs it
    #[arg(long, value_name = "DIR")]
    pub(super) home: Option<PathBuf>,
    #[command(flatten)]
    pub(super) flags: Flags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct InstallArgs {
    /// Settings file; without it linegate.toml in the data folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the database and of generated secrets; without it %ProgramData%\Linegate\Gateway
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Do not start it
    #[arg(long)]
    no_start: bool,
    /// Leave the firewall as it is
    #[arg(long)]
    no_firewall: bool,
    /// Say nothing when all is well
    #[arg(long)]
    quiet: bool,
}

/// `linegate service install` and `remove`
pub(in crate::cli) async fn service(command: ServiceCommand) -> Result<(), Failure> {
    match command {
        ServiceCommand::Install(args) => install(args).await,
        ServiceCommand::Remove { quiet } => remove(quiet).await,
        ServiceCommand::Run(_) => {
            Err(Failure::new(Failure::USAGE, "This is started by the service manager of Windows."))
        }
    }
}

async fn install(args: InstallArgs) -> Result<(), Failure> {
    let program = std::env::current_exe()?;
    let flags = Flags { data_dir: args.data_dir.clone(), ..Flags::default() };
    let folder = match Settings::read(&flags, &ProcessEnvironment) {
        Ok(settings) => settings.data_dir,
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(Failure::new(Failure::CONFIG, lines.join("\n")));
        }
    };
    let config = args.config.unwrap_or_else(|| folder.join("linegate.toml"));
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let rights =
        ServiceAccess::QUERY_STATUS | ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::STOP;
    let info = info(&program, &config, &folder);
    // The account exists with the service: the rights of the folder come after it.
    let service = match find(&manager, rights)? {
        Some(service) => {
            halt(&service).await?;
            service.change_config(&info).map_err(fail)?;
            service
        }
        None => manager.create_service(&info, rights).map_err(fail)?,
    };
    service
        .set_description("Connects the phones of Cisco CallManager Express to programs: REST, events, TAPI.")
        .map_err(fail)?;
    again_after_a_failure(&service)?;

    let is_strange = folder.is_dir() && !folder.join("secret.key").exists();
    std::fs::create_dir_all(&folder).map_err(|error| of_path(&folder, &error))?;
    for step in tools::rights(&folder, is_strange) {
        call(&step)?;
    }
    if !config.exists() {
        std::fs::write(&config, tools::with_returns(EXAMPLE)).map_err(|error| of_path(&config, &error))?;
    }
    // A rule of an older installation may be for another folder.
    let _ = call(&tools::close_firewall());
    if !args.no_firewall {
        call(&tools::open_firewall(&program))?;
    }
    let say = |text: &str| if args.quiet { Ok(()) } else { output::line(text) };
    say(&format!("The service {NAME} starts with Windows, as {ACCOUNT}."))?;
    say(&format!("settings       {}", config.display()))?;
    say(&format!("data folder    {}", folder.display()))?;
    say(&format!("log            {}", folder.join("logs").display()))?;
    if !args.no_start {
        service.start::<OsString>(&[]).map_err(fail)?;
        await_running(&service, &folder).await?;
        say(&format!("It runs. The admin token is in {}.", folder.join("admin-token").display()))?;
    }
    Ok(())
}

async fn remove(quiet: bool) -> Result<(), Failure> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let rights = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP | ServiceAccess::DELETE;
    let found = find(&manager, rights)?;
    if let Some(service) = &found {
        halt(service).await?;
        service.delete().map_err(fail)?;
    }
    let _ = call(&tools::close_firewall());
    if !quiet {
        output::line(if found.is_some() {
            "The service is gone; settings and data stay."
        } else {
            "There is no service."
        })?;
    }
    Ok(())
}

fn info(program: &Path, config: &Path, home: &Path) -> ServiceInfo {
    let mut launch_arguments: Vec<OsString> = ["service", "run", "--home"].map(OsString::from).to_vec();
    launch_arguments.extend([home.into(), "--config".into(), config.into()]);
    ServiceInfo {
        name: NAME.into(),
        display_name: "Linegate CTI gateway".into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program.to_owned(),
        launch_arguments,
        dependencies: Vec::new(),
        account_name: Some(ACCOUNT.into()),
        account_password: None,
    }
}

/// Three tries in five minutes, as under systemd; then somebody should look. Where the manager knows no such settings, as
/// Wine's, the service is good without.
fn again_after_a_failure(service: &Service) -> Result<(), Failure> {
    match tries(service) {
        Err(error) if code(&error) != Some(UNKNOWN_SETTING) => Err(fail(error)),
        _ => Ok(()),
    }
}

fn tries(service: &Service) -> windows_service::Result<()> {
    let after =
        |seconds| ServiceAction { action_type: ServiceActionType::Restart, delay: Duration::from_secs(seconds) };
    let enough = ServiceAction { action_type: ServiceActionType::None, delay: Duration::ZERO };
    service.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(Duration::from_secs(300)),
        reboot_msg: None,
        command: None,
        actions: Some(vec![after(2), after(10), after(60), enough]),
    })?;
    service.set_failure_actions_on_non_crash_failures(true)
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, Failure> {
    ServiceManager::local_computer(None::<&str>, access).map_err(fail)
}

fn find(manager: &ServiceManager, access: ServiceAccess) -> Result<Option<Service>, Failure> {
    match manager.open_service(NAME, access) {
        Ok(service) => Ok(Some(service)),
        Err(error) if code(&error) == Some(NO_SUCH_SERVICE) => Ok(None),
        Err(error) => Err(fail(error)),
    }
}

/// Stops the service and waits for its end.
async fn halt(service: &Service) -> Result<(), Failure> {
    match service.stop() {
        Ok(_) => {}
        Err(error) if code(&error) == Some(NOT_RUNNING) => return Ok(()),
        Err(error) => return Err(fail(error)),
    }
    let began = tokio::time::Instant::now();
    while service.query_status().map_err(fail)?.current_state != ServiceState::Stopped {
        if began.elapsed() > PATIENCE {
            return Err(Failure::new(Failure::LATER, "The service does not end; end its process and try again."));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn await_running(service: &Service, folder: &Path) -> Result<(), Failure> {
    let began = tokio::time::Instant::now();
    loop {
        let status = service.query_status().map_err(fail)?;
        match status.current_state {
            ServiceState::Running => return Ok(()),
            ServiceState::Stopped => {
                let code = match status.exit_code {
                    ServiceExitCode::Win32(code) | ServiceExitCode::ServiceSpecific(code) => code,
                };
                let logs = folder.join("logs");
                let sentence = format!("The service ended with code {code}. Why stands in the log: {}", logs.display());
                return Err(Failure::new(Failure::UNAVAILABLE, sentence));
            }
            _ if began.elapsed() > PATIENCE => {
                return Err(Failure::new(
                    Failure::LATER,
                    "The service is still starting; look with: sc query Linegate",
                ));
            }
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Calls a tool of the system folder, never one of that name that lies elsewhere.
fn call(step: &Step) -> Result<(), Failure> {
    let system = std::env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    let program = system.join("System32").join(step.program);
    let done = std::process::Command::new(&program)
        .args(&step.arguments)
        .output()
        .map_err(|error| of_path(&program, &error))?;
    if done.status.success() {
        return Ok(());
    }
    let said =
        String::from_utf8_lossy(if done.stderr.is_empty() { &done.stdout } else { &done.stderr }).trim().to_owned();
    Err(Failure::new(Failure::SOFTWARE, format!("{} failed ({}): {said}", step.program, done.status)))
}

fn of_path(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Failure::SOFTWARE, format!("{}: {error}", path.display()))
}

fn code(error: &windows_service::Error) -> Option<i32> {
    match error {
        windows_service::Error::Winapi(error) => error.raw_os_error(),
        _ => None,
    }
}

fn fail(error: windows_service::Error) -> Failure {
    match code(&error) {
        Some(ACCESS_DENIED) => Failure::new(
            Failure::NOT_PERMITTED,
            "Only an administrator may do this: open the command prompt with “Run as administrator”.",
        ),
        Some(code) => {
            Failure::new(Failure::SOFTWARE, format!("The service manager of Windows says no: {error}, code {code}"))
        }
        None => Failure::new(Failure::SOFTWARE, error.to_string()),
    }
}
