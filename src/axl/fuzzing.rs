//! One-line doors for fuzz targets and corpus replay. Not part of the interface.

use super::dialect::Charset;
use super::{Reply, redact};

/// Reads any bytes as a reply, and makes them fit for a log. Whether it is a reply.
pub fn reply(data: &[u8]) -> bool {
    let _ = redact(data).len();
    Reply::read(data, Charset::default()).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    #[test]
    fn the_corpora_are_replayed_whole_and_cut() {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let mut replies = 0;
        for folder in ["fuzz/corpus/axl", "corpus/axl"] {
            for entry in std::fs::read_dir(tests.join(folder)).unwrap() {
                let data = std::fs::read(entry.unwrap().path()).unwrap();
                replies += usize::from(super::reply(&data));
                for end in (0..data.len()).step_by(data.len().div_ceil(64).max(1)) {
                    super::reply(&data[..end]);
                }
            }
        }
        assert!(replies > 0);
    }
}
