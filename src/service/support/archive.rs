//! Files in memory as one gzipped tar.

use std::io;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::domain::Timestamp;

/// The folder that the files lie in.
const FOLDER: &str = "linegate-support";

/// Packs files with their names.
///
/// # Errors
/// When a name is too long for a tar.
pub(super) fn write(files: &[(&str, Vec<u8>)], at: Timestamp) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(bytes.len()).map_err(io::Error::other)?);
        header.set_mode(0o644);
        header.set_mtime(u64::try_from(at.unix_ms() / 1000).unwrap_or(0));
        tar.append_data(&mut header, format!("{FOLDER}/{name}"), bytes.as_slice())?;
    }
    tar.into_inner()?.finish()
}
