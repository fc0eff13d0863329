//! A file that never grows beyond its limit: when it is full it is put aside, and the oldest one put aside is deleted.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::LogFile;

/// The file that is written now, with those put aside beside it: `name`, `name.1` (younger) to `name.N` (older).
#[derive(Debug)]
pub(super) struct Rotating {
    settings: LogFile,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
    /// The last line was cut by an error: what follows begins on a line of its own.
    is_torn: bool,
}

impl Rotating {
    pub(super) fn new(settings: LogFile) -> Self {
        Self { settings, open: None }
    }

    /// Writes one line. After an error the next line opens the file anew: somebody may have made room, or moved it away.
    ///
    /// # Errors
    /// What the system says; the line is lost, or written in part.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let written = self.try_write(line);
        if written.is_err() {
            self.open = None;
        }
        written
    }

    fn try_write(&mut self, line: &[u8]) -> io::Result<()> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let is_full = |open: &Open| open.length > 0 && open.length.saturating_add(length) > self.settings.max_bytes;
        if self.open.as_ref().is_some_and(is_full) {
            self.open = None;
            self.put_aside()?;
        }
        if self.open.is_none() {
            let open = open(&self.settings.path)?;
            if is_full(&open) {
                drop(open);
                self.put_aside()?;
                self.open = Some(self::open(&self.settings.path)?);
            } else {
                self.open = Some(open);
            }
        }
        let Some(open) = &mut self.open else { return Err(io::Error::other("the file is not open")) };
        if std::mem::take(&mut open.is_torn) {
            open.file.write_all(b"\n")?;
            open.length += 1;
        }
        open.length = open.length.saturating_add(length);
        open.file.write_all(line)
    }

    /// Makes the file free; when it cannot be renamed it is emptied: the limit holds whatever happens.
    fn put_aside(&self) -> io::Result<()> {
        let path = &self.settings.path;
        let keep = self.settings.keep;
        if keep == 0 {
            return empty(path);
        }
        for number in (1..keep).rev() {
            let from = beside(path, number);
            if from.exists() {
                // What is not moved here is overwritten by its younger neighbour: less is kept, nothing grows.
                let _ = std::fs::rename(from, beside(path, number + 1));
            }
        }
        std::fs::rename(path, beside(path, 1)).or_else(|_| empty(path))
    }
}

/// The name of a file that was put aside.
fn beside(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn empty(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_len(0)
}

fn open(path: &Path) -> io::Result<Open> {
    if let Some(folder) = path.parent() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // The log may stand in the data folder. A folder that an administrator made keeps its rights.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let length = file.metadata()?.len();
    Ok(Open { is_torn: length > 0 && !ends_a_line(path, length), file, length })
}

/// Whether the last byte of a file ends a line; what cannot be read counts as whole.
fn ends_a_line(path: &Path, length: u64) -> bool {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let last = || -> io::Result<u8> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(length - 1))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        Ok(byte[0])
    };
    last().map_or(true, |byte| byte == b'\n')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(folder: &Path, max_bytes: u64, keep: u32) -> LogFile {
        LogFile { path: folder.join("sub/linegate.log"), json: false, max_bytes, keep }
    }

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 20, 2);
        let path = settings.path.clone();
        let mut log = Rotating::new(settings);
        for number in 0..9 {
            log.write(format!("line {number:04}\n").as_bytes()).unwrap();
        }
        assert_eq!(read(&path), "line 0008\n");
        assert_eq!(read(&beside(&path, 1)), "line 0006\nline 0007\n");
        assert_eq!(read(&beside(&path, 2)), "line 0004\nline 0005\n");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn what_it_makes_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(folder.path(), 20, 2);
        settings.path = folder.path().join("data/log/linegate.log");
        let mut log = Rotating::new(settings.clone());
        for _ in 0..2 {
            log.write(b"more than half\n").unwrap();
        }
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join("data")), 0o700);
        assert_eq!(mode(&folder.path().join("data/log")), 0o700);
        assert_eq!((mode(&settings.path), mode(&beside(&settings.path, 1))), (0o600, 0o600));
    }

    #[test]
    fn a_new_start_goes_on_where_the_last_one_ended() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 30, 1);
        let path = settings.path.clone();
        Rotating::new(settings.clone()).write(b"the first run, cut").unwrap();
        let mut log = Rotating::new(settings);
        log.write(b"second\n").unwrap();
        assert_eq!(read(&path), "the first run, cut\nsecond\n");
        log.write(b"third\n").unwrap();
        assert_eq!((read(&path), read(&beside(&path, 1))), ("third\n".into(), "the first run, cut\nsecond\n".into()));
    }

    #[test]
    fn nothing_kept_empties_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 12, 0);
        let path = settings.path.clone();
        let mut log = Rotating::new(settings);
        for line in ["one 1 one\n", "two 2 two\n"] {
            log.write(line.as_bytes()).unwrap();
        }
        assert_eq!(read(&path), "two 2 two\n");
        assert!(!beside(&path, 1).exists());
    }

    #[test]
    fn a_line_longer_than_the_limit_is_written_alone() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 8, 1);
        let path = settings.path.clone();
        let mut log = Rotating::new(settings);
        for line in ["short\n", "much longer than eight\n", "short\n"] {
            log.write(line.as_bytes()).unwrap();
        }
        assert_eq!((read(&path), read(&beside(&path, 1))), ("short\n".into(), "much longer than eight\n".into()));
    }

    #[test]
    fn what_stands_in_the_way_is_an_error_until_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 100, 1);
        let path = settings.path.clone();
        std::fs::create_dir_all(&path).unwrap();
        let mut log = Rotating::new(settings);
        assert!(log.write(b"lost\n").is_err());
        std::fs::remove_dir(&path).unwrap();
        log.write(b"kept\n").unwrap();
        assert_eq!(read(&path), "kept\n");
    }
}
