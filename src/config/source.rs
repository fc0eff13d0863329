//! Where settings come from: flags and the environment, behind a trait so that tests need no real environment.

use std::path::PathBuf;

/// Variables by name.
pub trait Environment {
    /// The value of a variable.
    fn var(&self, name: &str) -> Option<String>;
}

/// The environment of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// The flags of `linegate serve`, `demo` and `check-config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct Flags {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the database and of generated secrets [env: LINEGATE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address of the API [env: LINEGATE_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// What is logged, for example info,linegate::service=debug [env: LINEGATE_LOG]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
}
