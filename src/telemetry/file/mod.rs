//! The log in a file: written by a thread of its own, so that no disk ever holds up a call.
//!
//! Own code, because `tracing-appender` knows neither a limit by bytes nor when lines are lost.

mod rotate;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use super::line::TakeLine;
use rotate::Rotating;

/// Lines that may wait for the disk.
const QUEUE: usize = 8192;
/// A disk that takes nothing is tried again after this time.
const PAUSE: Duration = Duration::from_secs(5);
/// The end waits no longer for the disk.
const LAST: Duration = Duration::from_secs(1);

/// Where the log is kept, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// The file that is written now; the others stand beside it with a number behind the name.
    pub path: PathBuf,
    /// JSON lines instead of text.
    pub json: bool,
    /// How large one file may grow.
    pub max_bytes: u64,
    /// How many full files are kept.
    pub keep: u32,
}

/// The sending side: each line is handed over as a whole.
#[derive(Debug, Clone)]
pub(super) struct FileLog {
    queue: SyncSender<Work>,
}

#[derive(Debug)]
enum Work {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

impl FileLog {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// When the first file cannot be opened (later errors only lose lines), or there can be no thread.
    pub(super) fn start(settings: LogFile) -> io::Result<Self> {
        let mut file = Rotating::new(settings);
        file.write(b"")?;
        let (queue, work) = sync_channel(QUEUE);
        std::thread::Builder::new().name("log-file".to_owned()).spawn(move || run(file, &work))?;
        metrics::describe_counter!(
            "linegate_log_lines_lost_total",
            "Lines that the log file lacks, by what was in the way: disk or queue"
        );
        Ok(Self { queue })
    }

    /// Waits until what was logged so far is in the file; not for long. It blocks its thread.
    #[expect(clippy::disallowed_methods, reason = "the caller gives it a thread of its own")]
    pub(super) fn flush(&self) {
        let (done, is_done) = sync_channel(1);
        let began = Instant::now();
        let mut work = Work::Flush(done);
        while let Err(TrySendError::Full(back)) = self.queue.try_send(work) {
            if began.elapsed() > LAST {
                return;
            }
            work = back;
            std::thread::sleep(Duration::from_millis(5));
        }
        // Too slow or gone: the process ends all the same.
        let _ = is_done.recv_timeout(LAST);
    }
}

impl TakeLine for FileLog {
    fn take(&self, line: Vec<u8>) {
        if self.queue.try_send(Work::Line(line)).is_err() {
            metrics::counter!("linegate_log_lines_lost_total", "reason" => "queue").increment(1);
        }
    }
}

fn run(mut file: Rotating, work: &Receiver<Work>) {
    let mut again_at: Option<Instant> = None;
    while let Ok(work) = work.recv() {
        let line = match work {
            Work::Line(line) => line,
            Work::Flush(done) => {
                let _ = done.send(());
                continue;
            }
        };
        if again_at.is_some_and(|at| at > Instant::now()) {
            metrics::counter!("linegate_log_lines_lost_total", "reason" => "disk").increment(1);
            continue;
        }
        match file.write(&line) {
            Ok(()) => again_at = None,
            Err(error) => {
                metrics::counter!("linegate_log_lines_lost_total", "reason" => "disk").increment(1);
                if again_at.is_none() {
                    // Not by the log itself: it would come back here.
                    let _ = writeln!(
                        io::stderr().lock(),
                        "linegate: the log file cannot be written, lines are lost: {error}. Make room, or change log_file.path."
                    );
                }
                again_at = Some(Instant::now() + PAUSE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tracing_subscriber::fmt::MakeWriter as _;

    use super::super::line::Lines;
    use super::*;

    #[test]
    fn what_was_logged_is_in_the_file_after_a_flush() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linegate.log");
        let log = FileLog::start(LogFile { path: path.clone(), json: true, max_bytes: 1 << 20, keep: 1 }).unwrap();
        let lines = Lines(log.clone());
        let mut line = lines.make_writer();
        line.write_all(b"{\"a\":").unwrap();
        line.write_all(b"1}\n").unwrap();
        drop(line);
        log.flush();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "{\"a\":1}\n");
    }

    #[test]
    fn a_disk_that_takes_nothing_holds_nobody_up() {
        let (queue, work) = sync_channel(2);
        let log = FileLog { queue };
        let began = Instant::now();
        for _ in 0..10_000 {
            log.take(b"line\n".to_vec());
        }
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(work.try_iter().count(), 2, "what waits is bounded");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_loses_lines_and_ends_nothing() {
        // The system's own full disk.
        let mut file = Rotating::new(LogFile { path: "/dev/full".into(), json: false, max_bytes: 100, keep: 0 });
        file.write(b"").unwrap();
        let (queue, work) = sync_channel(16);
        let writer = std::thread::spawn(move || run(file, &work));
        let log = FileLog { queue };
        for _ in 0..3 {
            log.take(b"line\n".to_vec());
        }
        log.flush();
        drop(log);
        assert!(writer.join().is_ok());
    }
}
