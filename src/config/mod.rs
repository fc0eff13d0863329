//! Settings of the process: built-in defaults, then the file, then the environment, then flags.
//!
//! Live settings (PBXs, lines, rules, tokens) belong to the store and the API. The file may name PBXs to create at
//! the first start; it never silently undoes what the API changed.

pub mod declared;
mod file;
mod source;

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::telemetry::{LogFile, check_filter};
pub use file::{FileConfig, FilePbx};
pub use source::{Environment, Flags, ProcessEnvironment};

/// Where the API listens when nothing else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
/// What is logged when nothing else is said.
pub const DEFAULT_LOG: &str = "info";
/// Name of the log file where only its folder is said.
pub const LOG_NAME: &str = "linegate.log";
/// Size of one log file.
const DEFAULT_LOG_MIB: u32 = 10;
/// Full log files that are kept.
const DEFAULT_LOG_KEEP: u32 = 5;
const MOST_LOGS: u32 = 100;
/// Room for the protocol trace of each PBX.
const DEFAULT_TRACE_MIB: u32 = 4;
const MOST_TRACE_MIB: u32 = 1024;
const DEFAULT_CAPTURE_ID: u32 = 2001;
const MOST_HEP_KEY: usize = 128;

/// The settings of a running daemon.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Database, journal and generated secrets.
    pub data_dir: PathBuf,
    /// Address of the API.
    pub listen: SocketAddr,
    /// A bootstrap admin token, if one is given.
    pub admin_token: Option<Hidden>,
    /// Key of the secrets at rest, if one is given (base64 of 32 bytes).
    pub secret_key: Option<Hidden>,
    /// Tracing filter.
    pub log: String,
    /// JSON lines instead of text.
    pub log_json: bool,
    /// The log in a file.
    pub log_file: Option<LogFile>,
    /// Bytes of the protocol trace of each PBX; 0 keeps none.
    pub trace_bytes: usize,
    /// Export to a capture server.
    pub hep: Option<Hep>,
    /// Address of an OpenTelemetry collector.
    pub otel_endpoint: Option<String>,
    /// TLS of the API.
    pub tls: Tls,
    /// Exact origins that browsers may come from.
    pub cors_origins: Vec<String>,
    /// How long and how many events are kept, and how long finished calls.
    pub retention: Retention,
    /// PBXs of the file.
    pub pbxs: Vec<FilePbx>,
}

/// Export of SIP messages to a capture server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hep {
    /// Host and port.
    pub server: String,
    /// Number of this capture agent.
    pub capture_id: u32,
    /// The server's key.
    pub auth_key: Option<Hidden>,
}

/// TLS of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Plain HTTP.
    Off,
    /// Certificate and key files, read again when they change.
    Files {
        /// PEM chain.
        cert: PathBuf,
        /// PEM key.
        key: PathBuf,
    },
    /// A certificate of our own, made at the first start.
    SelfSigned,
}

/// Retention of the event journal and of the journal of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days.
    pub days: u32,
    /// Events.
    pub events: u64,
    /// Days of finished calls; 0 keeps none.
    pub call_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 7, events: 1_000_000, call_days: 90 }
    }
}

/// A secret from the configuration: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {detail}")]
pub struct Problem {
    /// The file with its key, the variable or the flag.
    pub origin: String,
    /// What is wrong and what is right.
    pub detail: String,
}

impl Problem {
    fn new(origin: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { origin: origin.into(), detail: detail.into() }
    }
}

impl Settings {
    /// Reads all sources.
    ///
    /// # Errors
    /// Every bad value, not only the first.
    pub fn read(flags: &Flags, environment: &dyn Environment) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let file = match flags.config.as_deref() {
            Some(path) => {
                let (file, found) = FileConfig::read(path);
                problems.extend(found);
                file
            }
            None => FileConfig::default(),
        };
        let env = |name: &str| environment.var(name).filter(|value| !value.is_empty());

        let listen_text = flags
            .listen
            .clone()
            .map(|text| ("--listen", text))
            .or_else(|| env("LINEGATE_LISTEN").map(|text| ("LINEGATE_LISTEN", text)))
            .or_else(|| file.listen.clone().map(|text| ("listen in the file", text)))
            .unwrap_or_else(|| ("default", DEFAULT_LISTEN.to_owned()));
        let listen = listen_text.1.parse::<SocketAddr>().unwrap_or_else(|_| {
            problems.push(Problem::new(
                listen_text.0,
                format!("“{}” is no address; write it like {DEFAULT_LISTEN} or [::]:8080.", listen_text.1),
            ));
            SocketAddr::from(([127, 0, 0, 1], 8080))
        });

        let cert = env("LINEGATE_TLS_CERT").map(PathBuf::from).or_else(|| file.tls.cert.clone());
        let key = env("LINEGATE_TLS_KEY").map(PathBuf::from).or_else(|| file.tls.key.clone());
        let tls = match (cert, key) {
            (Some(cert), Some(key)) => Tls::Files { cert, key },
            (None, None) if file.tls.self_signed || flag(env("LINEGATE_TLS_SELF_SIGNED")) => Tls::SelfSigned,
            (None, None) => Tls::Off,
            _ => {
                problems.push(Problem::new(
                    "tls",
                    "A certificate needs its key and a key its certificate: give both LINEGATE_TLS_CERT and LINEGATE_TLS_KEY.",
                ));
                Tls::Off
            }
        };

        let secret_key = env("LINEGATE_SECRET_KEY").map(Hidden::new);
        let data_dir = flags
            .data_dir
            .clone()
            .or_else(|| env("LINEGATE_DATA_DIR").map(PathBuf::from))
            .or_else(|| file.data_dir.clone())
            .unwrap_or_else(|| default_data_dir(environment));
        let log_path = env("LINEGATE_LOG_FILE")
            .map(PathBuf::from)
            .or_else(|| file.log_file.path.clone())
            .or_else(|| env("LOGS_DIRECTORY").map(|folder| PathBuf::from(folder).join(LOG_NAME)));
        let log_file = log_path.map(|path| LogFile {
            json: file.log_file.json,
            max_bytes: u64::from(file.log_file.max_mib.unwrap_or(DEFAULT_LOG_MIB)) << 20,
            keep: file.log_file.keep.unwrap_or(DEFAULT_LOG_KEEP),
            // A relative path lies in the data folder: the service may write there, and nowhere else.
            ..log_file(data_dir.join(path))
        });
        if log_file.as_ref().is_some_and(|log| log.max_bytes == 0) {
            problems.push(Problem::new("log_file.max_mib", "A log file needs room: at least 1."));
        }
        if log_file.as_ref().is_some_and(|log| log.keep > MOST_LOGS) {
            problems.push(Problem::new("log_file.keep", format!("At most {MOST_LOGS} full files are kept.")));
        }
        let trace_mib = file.trace.buffer_mib.unwrap_or(DEFAULT_TRACE_MIB);
        if trace_mib > MOST_TRACE_MIB {
            problems.push(Problem::new(
                "trace.buffer_mib",
                format!("The trace is kept in memory: at most {MOST_TRACE_MIB} for each PBX."),
            ));
        }
        let server = env("LINEGATE_HEP_SERVER").or_else(|| file.hep.server.clone());
        let hep = server.map(|server| Hep {
            server,
            capture_id: file.hep.capture_id.unwrap_or(DEFAULT_CAPTURE_ID),
            auth_key: env("LINEGATE_HEP_AUTH_KEY").map(Hidden::new).or_else(|| file.hep.auth_key.clone()),
        });
        if let Some(hep) = &hep {
            let port = hep.server.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none_or(|port| port == 0) {
                problems.push(Problem::new(
                    "hep.server",
                    format!(
                        "“{}” has no port; write it like homer.example.com:9060 or [2001:db8::1]:9060.",
                        hep.server
                    ),
                ));
            }
            if hep.auth_key.as_ref().is_some_and(|key| key.expose().len() > MOST_HEP_KEY) {
                problems.push(Problem::new("hep.auth_key", format!("The key has more than {MOST_HEP_KEY} bytes.")));
            }
        }
        let otel_endpoint = env("LINEGATE_OTEL_ENDPOINT").or_else(|| file.otel.endpoint.clone());
        if let Some(endpoint) = &otel_endpoint {
            if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
                problems.push(Problem::new(
                    "otel.endpoint",
                    format!("“{endpoint}” is no address; write it like http://127.0.0.1:4318."),
                ));
            }
            if cfg!(not(feature = "otel")) {
                problems.push(Problem::new(
                    "otel.endpoint",
                    "This program was built without it: build with --features otel, or leave otel.endpoint out.",
                ));
            }
        }
        let settings = Self {
            data_dir,
            listen,
            admin_token: env("LINEGATE_ADMIN_TOKEN").map(Hidden::new),
            secret_key,
            log: flags
                .log
                .clone()
                .or_else(|| env("LINEGATE_LOG"))
                .or_else(|| file.log.clone())
                .unwrap_or_else(|| DEFAULT_LOG.to_owned()),
            log_json: file.log_json || flag(env("LINEGATE_LOG_JSON")),
            log_file,
            trace_bytes: usize::try_from(trace_mib).unwrap_or(0) << 20,
            hep,
            otel_endpoint,
            tls,
            cors_origins: env("LINEGATE_CORS_ORIGINS")
                .map(|text| text.split(',').map(|part| part.trim().to_owned()).collect())
                .unwrap_or_else(|| file.cors.origins.clone()),
            retention: Retention {
                days: file.retention.days.unwrap_or(Retention::default().days),
                events: file.retention.events.unwrap_or(Retention::default().events),
                call_days: file.retention.call_days.unwrap_or(Retention::default().call_days),
            },
            pbxs: file.pbxs(),
        };
        if let Err(error) = check_filter(&settings.log) {
            problems.push(Problem::new("log", format!("{error}.")));
        }
        if let Some(token) = &settings.admin_token
            && token.expose().len() < 16
        {
            problems.push(Problem::new(
                "LINEGATE_ADMIN_TOKEN",
                "The token has fewer than 16 characters; make one with `openssl rand -hex 32`.",
            ));
        }
        for origin in &settings.cors_origins {
            if !(origin.starts_with("http://") || origin.starts_with("https://")) || origin.ends_with('/') {
                problems.push(Problem::new(
                    "cors.origins",
                    format!("“{origin}” is no origin; write it like https://crm.example.com, without a path."),
                ));
            }
        }
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }
}

/// A log file of the usual size.
pub fn log_file(path: PathBuf) -> LogFile {
    LogFile { path, json: false, max_bytes: u64::from(DEFAULT_LOG_MIB) << 20, keep: DEFAULT_LOG_KEEP }
}

fn flag(value: Option<String>) -> bool {
    value.is_some_and(|text| matches!(text.as_str(), "1" | "true" | "yes" | "on"))
}

fn default_data_dir(environment: &dyn Environment) -> PathBuf {
    if let Some(state) = environment.var("STATE_DIRECTORY") {
        return PathBuf::from(state);
    }
    if cfg!(windows) {
        let root = environment.var("PROGRAMDATA").unwrap_or_else(|| "C:\\ProgramData".to_owned());
        // Beside the folder of the TAPI bridge.
        return PathBuf::from(root).join("Linegate").join("Gateway");
    }
    if let Some(data) = environment.var("XDG_DATA_HOME") {
        return PathBuf::from(data).join("linegate");
    }
    match environment.var("HOME") {
        Some(home) => PathBuf::from(home).join(".local/share/linegate"),
        None => PathBuf::from("/var/lib/linegate"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use super::*;

    struct Vars(HashMap<&'static str, &'static str>);

    impl Environment for Vars {
        fn var(&self, name: &str) -> Option<String> {
            self.0.get(name).map(|value| (*value).to_owned())
        }
    }

    #[test]
    fn a_flag_beats_the_environment() {
        let flags = Flags { listen: Some("127.0.0.1:9000".to_owned()), ..Flags::default() };
        let vars = Vars(HashMap::from([("LINEGATE_LISTEN", "127.0.0.1:9001"), ("HOME", "/home/a")]));
        let settings = Settings::read(&flags, &vars).unwrap();
        assert_eq!(settings.listen.port(), 9000);
        assert_eq!(settings.data_dir, PathBuf::from("/home/a/.local/share/linegate"));
    }

    #[test]
    fn a_relative_log_file_lies_in_the_data_folder() {
        let vars = Vars(HashMap::from([("LINEGATE_DATA_DIR", "/data"), ("LINEGATE_LOG_FILE", "log/linegate.log")]));
        let log = Settings::read(&Flags::default(), &vars).unwrap().log_file.unwrap();
        assert_eq!((log.path, log.max_bytes, log.keep), (PathBuf::from("/data/log/linegate.log"), 10 << 20, 5));
        let elsewhere = Vars(HashMap::from([("HOME", "/home/a"), ("LINEGATE_LOG_FILE", "/var/log/l.log")]));
        let log = Settings::read(&Flags::default(), &elsewhere).unwrap().log_file.unwrap();
        assert_eq!(log.path, PathBuf::from("/var/log/l.log"));
        assert!(Settings::read(&Flags::default(), &Vars(HashMap::new())).unwrap().log_file.is_none());
    }

    #[test]
    fn a_service_manager_may_say_where_logs_go_unless_somebody_said_it() {
        let mut vars = HashMap::from([("STATE_DIRECTORY", "/srv/state"), ("LOGS_DIRECTORY", "/srv/logs")]);
        let path = |vars: &HashMap<_, _>| {
            let settings = Settings::read(&Flags::default(), &Vars(vars.clone())).unwrap();
            settings.log_file.map(|file| file.path)
        };
        assert_eq!(path(&vars), Some(PathBuf::from("/srv/logs/linegate.log")));
        vars.insert("LINEGATE_LOG_FILE", "own.log");
        assert_eq!(path(&vars), Some(PathBuf::from("/srv/state/own.log")));
        vars.clear();
        assert_eq!(path(&vars), None);
    }

    #[test]
    fn all_bad_values_are_reported_at_once_and_secrets_are_not() {
        let vars = Vars(HashMap::from([
            ("LINEGATE_LISTEN", "nowhere"),
            ("LINEGATE_ADMIN_TOKEN", "canary"),
            ("LINEGATE_TLS_CERT", "/a.pem"),
            ("LINEGATE_CORS_ORIGINS", "crm.example.com"),
            ("LINEGATE_HEP_SERVER", "homer.example.com"),
            ("LINEGATE_HEP_AUTH_KEY", "canary"),
            ("LINEGATE_LOG", "in[fo"),
        ]));
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("linegate.toml");
        std::fs::write(
            &config,
            "log_json = 5\n[[pbx]]\nname = \"hq\"\nhost = \"no host\"\n[trace]\nbuffer_mib = 999999\n",
        )
        .unwrap();
        let flags = Flags { config: Some(config), ..Flags::default() };
        let problems = Settings::read(&flags, &vars).unwrap_err();
        assert_eq!(problems.len(), 9, "{problems:#?}");
        assert!(problems.iter().all(|p| !p.to_string().contains("canary")));
    }
}
