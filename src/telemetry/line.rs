//! Lines of the log as wholes: a formatter writes in pieces, a line is handed over when it is complete.

use std::io;

use tracing_subscriber::fmt::MakeWriter;

/// Takes lines of the log.
pub(super) trait TakeLine {
    /// Takes one line with its end.
    fn take(&self, line: Vec<u8>);
}

/// Where a formatter may write its lines to.
#[derive(Debug, Clone)]
pub(super) struct Lines<T>(pub(super) T);

/// One line that is being written.
#[derive(Debug)]
pub(super) struct Line<'a, T: TakeLine> {
    to: &'a T,
    bytes: Vec<u8>,
}

impl<'a, T: TakeLine> MakeWriter<'a> for Lines<T>
where
    T: 'a,
{
    type Writer = Line<'a, T>;

    fn make_writer(&'a self) -> Line<'a, T> {
        Line { to: &self.0, bytes: Vec::with_capacity(256) }
    }
}

impl<T: TakeLine> io::Write for Line<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T: TakeLine> Drop for Line<'_, T> {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.to.take(std::mem::take(&mut self.bytes));
        }
    }
}
