//! Where files are, and how they are written.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use linegate_tsp_core::store::Store;

use crate::MachineError;

/// The folder of the bridge.
pub fn folder() -> PathBuf {
    let root = std::env::var_os("ProgramData").unwrap_or_else(|| OsString::from("C:\\ProgramData"));
    Path::new(&root).join("Linegate").join("TAPI")
}

/// Providers that have settings, whether TAPI knows them or not.
pub fn configured() -> Vec<u32> {
    let mut ids: Vec<u32> = named("provider-").iter().filter_map(|(middle, _)| middle.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

/// Which provider an installation added that may still be undone.
pub fn added() -> PathBuf {
    folder().join("added-provider")
}

/// Files of the folder with this beginning: what stands between it and `.json`, and where they are.
fn named(begin: &str) -> Vec<(String, PathBuf)> {
    let Ok(found) = fs::read_dir(folder()) else { return Vec::new() };
    found
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            Some((name.strip_prefix(begin)?.strip_suffix(".json")?.to_owned(), entry.path()))
        })
        .collect()
}

/// Settings of a provider.
pub fn settings_of(provider: u32) -> PathBuf {
    folder().join(format!("provider-{provider}.json"))
}

/// Where the lines of a gateway are stored first; the settings remember it (`Config::lines_file`).
pub fn lines_of(gateway: &str, filter: &[String]) -> PathBuf {
    let name = format!("{gateway} {}", filter.join(" "));
    let hash = name
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    folder().join(format!("lines-{hash:016x}.json"))
}

/// Replaces a file as a whole: whoever reads it gets the old or the new one. The folder is there by then: only
/// [`access`](crate::access) makes it, with its rights.
///
/// # Errors
/// What the system says.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), MachineError> {
    let failed = |cause| MachineError::File { path: path.display().to_string(), cause };
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = PathBuf::from(draft);
    let write = || {
        let mut file = fs::File::create(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&draft, path)
    };
    write().map_err(|cause| {
        let _ = fs::remove_file(&draft);
        failed(cause)
    })
}

/// Reads stored lines; a file that is missing or broken counts as empty, and the gateway fills it again.
pub fn read_lines(path: &Path) -> Store {
    let Ok(text) = fs::read_to_string(path) else { return Store::default() };
    serde_json::from_str(&text).unwrap_or_default()
}

/// Names of files with lines, and what they hold.
pub fn stored_lines() -> Vec<(String, Store)> {
    let known = named("lines-").into_iter();
    known.map(|(middle, path)| (format!("lines-{middle}.json"), read_lines(&path))).collect()
}

/// The permanent numbers that lines of this machine have, those of one file excepted: they are not given again, also when
/// a provider has another number than the one that its lines got theirs from.
pub fn permanent_ids_besides(path: &Path) -> BTreeSet<u32> {
    let others = named("lines-").into_iter().filter(|(_, one)| one != path);
    others.flat_map(|(_, one)| read_lines(&one).lines).map(|line| line.permanent_id).collect()
}

/// Stores lines.
///
/// # Errors
/// What the system says.
pub fn write_lines(path: &Path, store: &Store) -> Result<(), MachineError> {
    let content = serde_json::to_vec_pretty(store)
        .map_err(|cause| MachineError::Content { path: path.display().to_string(), cause })?;
    replace(path, &content)
}
