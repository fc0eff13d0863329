//! Which release a running provider is of. Stopping the telephony service does not end its process where others run in it, and
//! the module stays there: after an update the old one may go on.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::files;

/// A provider that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its release.
    pub version: String,
    /// Its process.
    pub process: u32,
}

fn path(provider: u32) -> PathBuf {
    files::folder().join(format!("running-{provider}.json"))
}

/// A provider of this module starts. What cannot be written is not told.
pub fn begin(provider: u32) {
    let told = Running { version: env!("CARGO_PKG_VERSION").to_owned(), process: std::process::id() };
    if let Ok(text) = serde_json::to_string(&told) {
        let _ = fs::write(path(provider), text);
    }
}

/// It has ended.
pub fn end(provider: u32) {
    let _ = fs::remove_file(path(provider));
}

/// What a provider that runs has told.
pub fn read(provider: u32) -> Option<Running> {
    serde_json::from_str(&fs::read_to_string(path(provider)).ok()?).ok()
}
