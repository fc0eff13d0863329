//! What the bridge keeps on a machine. Settings and lines are files in `%ProgramData%\Linegate\TAPI`, which only the
//! system, administrators and the account of the telephony service may read; TAPI's own list of providers is in the
//! registry.
#![cfg(windows)]

pub mod access;
pub mod config;
pub mod files;
pub mod log;
pub mod name;
pub mod providers;
pub mod running;
pub mod secret;
pub mod text;

/// Why something could not be done on this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MachineError {
    /// A file could not be read or written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} cannot be understood: {cause}")]
    Content {
        /// The file.
        path: String,
        /// What is wrong.
        cause: serde_json::Error,
    },
    /// The folder was made by somebody who could read what is stored in it.
    #[error(
        "{path} belongs to {owner}, who could read the token in it: look at what is there, delete or rename it as an \
         administrator, and run this again"
    )]
    Foreign {
        /// The folder.
        path: String,
        /// Whose it is.
        owner: String,
    },
    /// The folder is somewhere else.
    #[error("{path} is a link to another place, where the token would be stored: delete it and run this again")]
    Link {
        /// The link.
        path: String,
    },
    /// Windows refused something.
    #[error("{what} failed (Windows error {code})")]
    Windows {
        /// What was tried.
        what: &'static str,
        /// `GetLastError`, or the result itself.
        code: u32,
    },
}
