//! The command line: `linegate <command>`.

mod data;
mod declared;
mod enrolments;
mod journal;
mod lists;
mod output;
mod papers;
mod probe;
mod remote;
mod replay;
mod router;
mod rules;
mod server;
mod service;
mod setup;
mod trace;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Flags;

/// A CTI gateway for Cisco CallManager Express: its phones as a REST API and a live event stream.
///
/// Start with `linegate demo`: it runs a simulated router with phones and the gateway on it, no router needed.
/// Then look at `linegate watch` and `linegate lines list` in a second terminal.
#[derive(Debug, Parser)]
#[command(name = "linegate", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    ///
    /// Settings come from built-in defaults, then the file of --config, then the environment (LINEGATE_DATA_DIR,
    /// LINEGATE_LISTEN, LINEGATE_ADMIN_TOKEN, LINEGATE_LOG), then flags. PBXs are added through the API or with
    /// `linegate pbx add`.
    Serve(Flags),
    /// Run the gateway on a simulated router with phones that call each other
    Demo(DemoArgs),
    /// Run the simulated router alone: SIP, XML API and a control API to be the phones' users
    Twin(Box<cme_twin::cli::TwinArgs>),
    /// Read the settings and say what is wrong, without starting anything
    CheckConfig(Flags),
    /// Print the OpenAPI 3.1 document of the REST API
    Openapi {
        /// Write it to a file instead of standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show the event stream in readable lines
    Watch(WatchArgs),
    /// PBXs: the routers that the gateway is connected to
    #[command(subcommand)]
    Pbx(PbxCommand),
    /// Tokens: who may use the API
    #[command(subcommand)]
    Token(TokenCommand),
    /// Enrolments: codes by which machines fetch tokens of their own
    #[command(subcommand)]
    Enrolments(enrolments::EnrolmentsCommand),
    /// Lines: the phones
    #[command(subcommand)]
    Lines(LinesCommand),
    /// Rules that change numbers: shown, dialled
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Settings as code: PBXs, entered lines and number rules as one file
    #[command(subcommand)]
    Config(declared::ConfigCommand),
    /// Dial a number from a line
    Dial(DialArgs),
    /// Show finished calls, or with --blind the times in which a router was not seen
    Journal(JournalArgs),
    /// Show the last messages between the gateway and its routers: of one call the ladder of API, CSTA and SIP
    ///
    /// Numbers and names are labels, so that it can be sent to others; --numbers shows them. Credentials are never in it.
    Trace(trace::TraceArgs),
    /// Test a real router at one line, with you at its phone, and learn its dialect
    Probe(probe::ProbeArgs),
    /// Lead from nothing to a phone that rings: find the router, connect it, set it up, dial
    ///
    /// Needs a running gateway (`linegate serve`) and its admin token.
    Setup(setup::SetupArgs),
    /// Find out what is wrong: every check from DNS to a monitored line
    ///
    /// Exit code 1 when something failed.
    Doctor(router::DoctorArgs),
    /// Find routers by the DHCP options 150 and 66; needs the right to use port 68
    Locate(router::LocateArgs),
    /// Print the complete configuration of a router, ready to paste at its console
    CmeConfig(router::CmeConfigArgs),
    /// Print the SHA-256 fingerprint of the gateway's own certificate
    Fingerprint(Flags),
    /// The gateway as a service of Windows
    #[cfg(windows)]
    #[command(subcommand)]
    Service(service::ServiceCommand),
    /// Copy the data folder into a new folder, also while the gateway runs
    ///
    /// The copy holds the key of the stored passwords and the admin token: keep it as well as the data folder itself.
    Backup {
        #[command(flatten)]
        flags: Flags,
        /// The folder to make
        to: PathBuf,
    },
    /// Put a backup in the place of the data folder; the gateway must not run
    Restore {
        #[command(flatten)]
        flags: Flags,
        /// A folder made by `linegate backup`, or a database that was kept before an upgrade
        from: PathBuf,
    },
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder; it is made when it does not exist
        folder: PathBuf,
    },
    /// Write a file for those who help: status, checks, trace and log without secrets, numbers and names
    SupportBundle {
        #[command(flatten)]
        remote: Remote,
        /// The file to write, a gzipped tar
        #[arg(long, value_name = "FILE", default_value = "linegate-support.tar.gz")]
        output: PathBuf,
    },
    /// Say whether a gateway works: exit code 0 when it does
    Healthcheck {
        #[command(flatten)]
        remote: Remote,
        /// Also ask whether every PBX link is up
        #[arg(long)]
        ready: bool,
    },
}

#[derive(Debug, Args)]
struct DemoArgs {
    #[command(flatten)]
    flags: Flags,
    /// Number of simulated phones; without it the small system of the documentation
    #[arg(long, value_name = "N")]
    phones: Option<u32>,
    /// No calls between the phones
    #[arg(long)]
    quiet: bool,
}

/// Which gateway a client command talks to, and how it prints.
#[derive(Debug, Clone, Args)]
struct Remote {
    /// Address of the gateway
    #[arg(long, env = "LINEGATE_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    url: String,
    /// Token of the API
    #[arg(long, env = "LINEGATE_TOKEN", hide_env_values = true, default_value = "", value_name = "TOKEN")]
    token: String,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct WatchArgs {
    #[command(flatten)]
    remote: Remote,
    /// Only these events, for example call.*
    #[arg(long = "event", value_name = "PATTERN")]
    events: Vec<String>,
    /// Only these lines, by id
    #[arg(long = "line", value_name = "LINE")]
    lines: Vec<String>,
    /// Go on after this position, <epoch>:<seq>
    #[arg(long, value_name = "POSITION")]
    after: Option<String>,
    /// Stop after this many events
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum PbxCommand {
    /// Connect a router
    Add(PbxAddArgs),
    /// List the routers
    List(Remote),
    /// Show the state of one router, or of all
    Status {
        #[command(flatten)]
        remote: Remote,
        /// Name or id
        pbx: Option<String>,
        /// Wait until its lines are loaded and monitored, showing the progress
        #[arg(long)]
        wait: bool,
    },
    /// Show the dialect of a router: what is configured, and what was learned beside it
    Dialect {
        #[command(flatten)]
        remote: Remote,
        /// Name or id
        pbx: String,
        /// Forget what was learned and try everything anew
        #[arg(long)]
        forget: bool,
    },
    /// Check the router's set-up for CTI, show what is missing, apply it or take it back
    CstaConfig(Box<router::CstaConfigArgs>),
}

#[derive(Debug, Args)]
struct PbxAddArgs {
    #[command(flatten)]
    remote: Remote,
    /// Short name, for example hq
    name: String,
    /// Address of the router
    host: String,
    /// SIP port of the router
    #[arg(long, default_value_t = 5060)]
    sip_port: u16,
    /// Port on which the router's connections are accepted
    #[arg(long, default_value_t = 5070)]
    local_port: u16,
    /// Address that the router is told (default: the one that leads to it)
    #[arg(long)]
    advertise_address: Option<String>,
    /// register-id of the session server
    #[arg(long, default_value = "ss_ecsta")]
    session_server_id: String,
    /// http or https
    #[arg(long, default_value = "http")]
    axl_scheme: String,
    /// Port of the XML API
    #[arg(long)]
    axl_port: Option<u16>,
    /// User of the XML API (`xml user`)
    #[arg(long, default_value = "")]
    username: String,
    /// Password of the XML API; better in the environment than on the command line
    #[arg(long, env = "LINEGATE_PBX_PASSWORD", hide_env_values = true, default_value = "")]
    password: String,
    /// Return at once instead of showing how the lines come up
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token; it is shown once
    Create {
        #[command(flatten)]
        remote: Remote,
        /// Who or what uses it
        name: String,
        /// read, control or admin
        #[arg(long, default_value = "read")]
        scope: String,
        /// Only these lines, by id
        #[arg(long = "line", value_name = "LINE")]
        lines: Vec<String>,
        /// End of its life, RFC 3339
        #[arg(long)]
        expires_at: Option<String>,
    },
    /// List the tokens, without their secrets
    List(Remote),
    /// End a token
    Revoke {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        token_id: String,
    },
}

#[derive(Debug, Subcommand)]
enum LinesCommand {
    /// List the lines with their state
    List {
        #[command(flatten)]
        remote: Remote,
        /// Text to look for in number and name
        #[arg(long)]
        query: Option<String>,
    },
    /// Read the lines from a router: what is new, changed or missing there
    ///
    /// What people gave a line stays; a line that is missing is marked, and deleted by hand.
    Load {
        #[command(flatten)]
        remote: Remote,
        /// The PBX, by name or id
        pbx: String,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Print the lines as a list: number;name;device-ID;button;button
    Export {
        #[command(flatten)]
        remote: Remote,
        /// Only the lines of this PBX, by name or id
        #[arg(long)]
        pbx: Option<String>,
        /// As a table with commas
        #[arg(long)]
        csv: bool,
    },
    /// Take over a list of lines, all of it or nothing
    ///
    /// One line each: number;name;device-ID;button;button; or a table with commas and the columns number, name, device_id,
    /// buttons; or JSON as `lines export --json` writes it. How the list begins says which it is. Lines that the list does not
    /// name stay.
    Import {
        #[command(flatten)]
        remote: Remote,
        /// The PBX that the lines belong to, by name or id
        #[arg(long)]
        pbx: String,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
        /// The list is a table with commas, however it begins
        #[arg(long)]
        csv: bool,
        /// The file; - reads standard input
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
struct DialArgs {
    #[command(flatten)]
    remote: Remote,
    /// The line to dial from: its number or id
    from: String,
    /// The number to dial
    to: String,
    /// Only show what would be dialled
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct JournalArgs {
    #[command(flatten)]
    remote: Remote,
    /// Only of this line: its number or id
    #[arg(long, conflicts_with = "blind")]
    line: Option<String>,
    /// Only of this router: its name or id
    #[arg(long)]
    pbx: Option<String>,
    /// Only with this number at either end
    #[arg(long, conflicts_with = "blind")]
    number: Option<String>,
    /// Only inbound or outbound calls
    #[arg(long, conflicts_with = "blind")]
    direction: Option<String>,
    /// Only with this result, for example answered, missed, busy
    #[arg(long, conflicts_with = "blind")]
    result: Option<String>,
    /// Only the legs of this conversation, by id
    #[arg(long, conflicts_with = "blind")]
    conversation: Option<String>,
    /// Only what ended at this time or after it, RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what ended before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most this many, the newest; 0 for all
    #[arg(long, value_name = "N", default_value_t = 50)]
    count: usize,
    /// Print CSV instead of text
    #[arg(long, conflicts_with_all = ["json", "blind"])]
    csv: bool,
    /// The times in which a router was not seen: silence there proves nothing
    #[arg(long)]
    blind: bool,
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Help and the version are no mistakes. What cannot be printed is told to nobody.
            let _ = told.print();
            return if told.use_stderr() { ExitCode::from(Failure::USAGE) } else { ExitCode::SUCCESS };
        }
    };
    // The service manager of Windows calls back, and the runtime is made there.
    #[cfg(windows)]
    if let Command::Service(service::ServiceCommand::Run(args)) = cli.command {
        return exit(service::run(args));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::fail(&format!("The runtime cannot start: {error}"));
            return ExitCode::from(70);
        }
    };
    let done = runtime.block_on(run(cli.command));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    exit(done)
}

fn exit(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, sentence }) => {
            if !sentence.is_empty() {
                output::fail(&sentence);
            }
            ExitCode::from(code)
        }
    }
}

/// Why a command failed: a sentence and an exit code of `sysexits`.
#[derive(Debug)]
struct Failure {
    code: u8,
    sentence: String,
}

impl Failure {
    /// As `git diff --exit-code`: there are differences.
    const DIFFERS: u8 = 1;
    const USAGE: u8 = 64;
    const UNAVAILABLE: u8 = 69;
    const SOFTWARE: u8 = 70;
    const LATER: u8 = 75;
    #[cfg(windows)]
    const NOT_PERMITTED: u8 = 77;
    const CONFIG: u8 = 78;

    fn new(code: u8, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }
}

impl From<crate::client::ClientError> for Failure {
    fn from(error: crate::client::ClientError) -> Self {
        Self::new(Self::UNAVAILABLE, error.to_string())
    }
}

impl From<crate::client::StreamError> for Failure {
    fn from(error: crate::client::StreamError) -> Self {
        Self::new(Self::UNAVAILABLE, error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        // A closed pipe is how `| head` says that it has enough.
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(0, "");
        }
        Self::new(Self::SOFTWARE, error.to_string())
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(flags) => server::serve(&flags).await,
        Command::Demo(args) => server::demo(&args.flags, args.phones, args.quiet).await,
        Command::Twin(args) => server::twin(*args).await,
        Command::CheckConfig(flags) => server::check_config(&flags),
        Command::Openapi { output } => server::openapi(output.as_deref()),
        Command::Backup { flags, to } => data::backup(&flags, &to).await,
        Command::Restore { flags, from } => data::restore(&flags, &from).await,
        Command::Completions { shell } => papers::completions(shell),
        Command::Man { folder } => papers::manual(&folder),
        Command::Fingerprint(flags) => server::fingerprint(&flags),
        #[cfg(windows)]
        Command::Service(command) => service::service(command).await,
        Command::Watch(args) => watch::watch(args).await,
        Command::Pbx(PbxCommand::Add(args)) => remote::pbx_add(args).await,
        Command::Pbx(PbxCommand::List(remote)) => remote::pbx_list(&remote).await,
        Command::Pbx(PbxCommand::Status { remote, pbx, wait }) => {
            remote::pbx_status(&remote, pbx.as_deref(), wait).await
        }
        Command::Pbx(PbxCommand::Dialect { remote, pbx, forget }) => remote::pbx_dialect(&remote, &pbx, forget).await,
        Command::Pbx(PbxCommand::CstaConfig(args)) => router::csta_config(*args).await,
        Command::Setup(args) => setup::setup(args).await,
        Command::Doctor(args) => router::doctor(args).await,
        Command::Locate(args) => router::locate(args).await,
        Command::CmeConfig(args) => router::cme_config(args),
        Command::Token(TokenCommand::Create { remote, name, scope, lines, expires_at }) => {
            remote::token_create(&remote, &name, &scope, &lines, expires_at.as_deref()).await
        }
        Command::Token(TokenCommand::List(remote)) => remote::token_list(&remote).await,
        Command::Token(TokenCommand::Revoke { remote, token_id }) => remote::token_revoke(&remote, &token_id).await,
        Command::Enrolments(command) => enrolments::run(command).await,
        Command::Lines(LinesCommand::List { remote, query }) => remote::lines_list(&remote, query.as_deref()).await,
        Command::Lines(LinesCommand::Load { remote, pbx, dry_run }) => lists::load(&remote, &pbx, dry_run).await,
        Command::Lines(LinesCommand::Export { remote, pbx, csv }) => lists::export(&remote, pbx.as_deref(), csv).await,
        Command::Lines(LinesCommand::Import { remote, pbx, dry_run, csv, file }) => {
            lists::import(&remote, &pbx, &file, csv, dry_run).await
        }
        Command::Rules(command) => rules::run(command).await,
        Command::Config(command) => declared::run(command).await,
        Command::Dial(args) => remote::dial(args).await,
        Command::Journal(args) => journal::journal(args).await,
        Command::Trace(args) => trace::trace(args).await,
        Command::Probe(args) => probe::probe(args).await,
        Command::SupportBundle { remote, output } => data::support_bundle(&remote, &output).await,
        Command::Healthcheck { remote, ready } => remote::healthcheck(&remote, ready).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
