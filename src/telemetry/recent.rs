//! The last lines of the log in memory, for the support bundle: where the log goes to may be out of reach.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::line::TakeLine;

/// Bytes that are kept.
const BYTES: usize = 512 << 10;
/// A longer line is cut.
const LINE: usize = 8 << 10;

/// The last lines of the log; cloning gives another handle.
#[derive(Debug, Clone, Default)]
pub(super) struct RecentLines(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl RecentLines {
    /// The lines, oldest first.
    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.lines.iter().map(|line| String::from_utf8_lossy(line)).collect()
    }
}

impl TakeLine for RecentLines {
    fn take(&self, mut line: Vec<u8>) {
        if line.len() > LINE {
            line.truncate(LINE - 1);
            line.push(b'\n');
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += line.len();
        kept.lines.push_back(line);
        while kept.bytes > BYTES {
            let Some(oldest) = kept.lines.pop_front() else { return };
            kept.bytes -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_go_first() {
        let recent = RecentLines::default();
        for number in 0..100_000 {
            recent.take(format!("line {number:06}\n").into_bytes());
        }
        let text = recent.text();
        assert!(text.len() <= BYTES && text.len() > BYTES - 12, "{}", text.len());
        assert!(text.ends_with("line 099999\n") && !text.contains("line 000000"));
        recent.take(vec![b'x'; 3 * LINE]);
        assert!(recent.text().ends_with("x\n"));
        assert!(recent.text().len() <= BYTES);
    }
}
